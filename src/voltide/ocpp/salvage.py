"""What a message is relieved of so that the rest can be read: one flaw at a time, wherever it occurs.

A charger that says something which no schema knows says it in every one of two hundred samples; so a flaw is looked
for in all elements of a list, and not only in the one that was complained about.
"""

import re
from collections.abc import Callable
from typing import Any, TypeAlias

import msgspec

from voltide.ocpp.faults import violation

SALVAGED = frozenset({"TransactionEvent", "StartTransaction", "StopTransaction", "MeterValues"})
"""What carries energy and money: a charger throws such a message away after a few errors, so it is never refused for
a part that can be left out."""
_MOST, _WORK = 16, 8_000

_Path: TypeAlias = tuple[str | int, ...]

_STAND_INS: dict[_Path, str] = {("triggerReason",): "AbnormalCondition", ("idToken", "type"): "Local"}
"""What a required word that is missing, or that we do not know, is taken for."""
_MEANING = {"measurand", "phase", "location", "unit", "multiplier", "unitOfMeasure"}
"""A sampled value without one of these would be taken for something else: it goes as a whole."""

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_UNKNOWN = re.compile(r"unknown field `(.*?)`(?: - at `\$|$)", re.DOTALL)
_MISSING = re.compile(r"missing required field `([^`]*)`")
_TOO_LONG = re.compile(r"Expected `str` of length <= (\d+)")
_NUMBER_FOR_TEXT = re.compile(r"Expected `str`, got `(?:int|float)`")
_WRONG_TYPE = re.compile(r", got `")


def patience(payload: bytes) -> int:
    """How many different flaws a message may have: each costs a look at all its parts, and the work is bounded.

    >>> patience(b"{}"), patience(b"," * 1_000), patience(b"," * 20_000)
    (16, 8, 0)
    """
    return min(_MOST, _WORK // max(1, payload.count(b",")))


def relieve(value: Any, complaint: str, dropped: list[str]) -> bool:
    """Mend or take out what a schema error complains about, and what is alike; False when nothing can be done."""
    at = violation(ValueError(complaint)).at
    path: _Path = tuple(name or int(index) for name, index in _STEP.findall(at))
    like = _like(value, path)
    flawed = _flawed(dict(like).get(path), complaint)
    places = dict.fromkeys(_mended(place, complaint) for place, part in like if flawed(part))
    if not places or () in places:
        return False
    for place in reversed(places):  # the last first: the others then stay where they are
        _mend(_at(value, place[:-1]), place, complaint)
        _prune(value, place[:-1])
    times = f" ({len(places)} times)" if len(places) > 1 else ""
    dropped.append(f"{at}: {complaint.partition(' - at ')[0]}{times}")
    return True


def _flawed(wrong: Any, complaint: str) -> Callable[[Any], bool]:
    """Whether a part has the flaw that is complained about in this one."""
    unknown, missing = _UNKNOWN.search(complaint), _MISSING.search(complaint)
    if unknown is not None:
        return lambda part: isinstance(part, dict) and unknown[1] in part
    if missing is not None:
        return lambda part: isinstance(part, dict) and missing[1] not in part
    if _WRONG_TYPE.search(complaint) is not None:
        return lambda part: type(part) is type(wrong)
    return lambda part: part == wrong


def _mended(place: _Path, complaint: str) -> _Path:
    """Where to mend when the flaw is at a place: there, or at the field it lacks, or at the whole sample."""
    named = _UNKNOWN.search(complaint) or _MISSING.search(complaint)
    if named is not None and (named.re is _UNKNOWN or (*place, named[1]) in _STAND_INS):
        return (*place, named[1])
    if place and place[-1] in _MEANING and "sampledValue" in place:
        return place[: place.index("sampledValue") + 2]
    return place


def _mend(holder: Any, place: _Path, complaint: str) -> None:
    """Put a stand-in there, or shorten it, or write it as text; or else take it out."""
    key: Any = place[-1]
    present = holder[key] if isinstance(holder, list) else holder.get(key)
    too_long = _TOO_LONG.search(complaint)
    if place in _STAND_INS and present != _STAND_INS[place]:
        holder[key] = _STAND_INS[place]
    elif too_long is not None and isinstance(present, str):
        holder[key] = present[: int(too_long[1])]
    elif _NUMBER_FOR_TEXT.search(complaint) is not None and isinstance(present, int | float):
        holder[key] = msgspec.json.encode(present).decode()
    else:
        del holder[key]


def _like(value: Any, path: _Path) -> list[tuple[_Path, Any]]:
    """What stands at every place that differs from this one in the indexes of lists only."""
    found: list[tuple[_Path, Any]] = [((), value)]
    for step in path:
        if isinstance(step, int):
            lists = [(place, part) for place, part in found if isinstance(part, list)]
            found = [((*place, index), inner) for place, part in lists for index, inner in enumerate(part)]
        else:
            found = [((*place, step), part[step]) for place, part in found if isinstance(part, dict) and step in part]
    return found


def _at(value: Any, place: _Path) -> Any:
    """What stands at a place."""
    for step in place:
        value = value[step]
    return value


def _prune(value: Any, place: _Path) -> None:
    """A list that lost its last element goes too: the schemas know no empty lists."""
    if place and _at(value, place) == []:
        del _at(value, place[:-1])[place[-1]]
