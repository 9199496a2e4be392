"""From a raw payload to its type: strictly, else by a tolerant second look that names every deviation."""

import re
from typing import Any

import msgspec

from voltide.ocpp.faults import Violation, violation
from voltide.ocpp.messages import Message, decoder

SALVAGED = frozenset({"TransactionEvent", "StartTransaction", "StopTransaction", "MeterValues"})
"""What carries energy and money: a charger throws such a message away after a few errors, so it is never refused for
a part that can be left out."""
_STAND_INS = {"triggerReason": "AbnormalCondition", "type": "Local"}
"""What a required word that we do not know is taken for."""
_MEANING = {"measurand", "phase", "location", "unit", "multiplier", "unitOfMeasure"}
"""A sampled value without one of these would be taken for something else: it goes as a whole."""
_STEPS = 64
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_UNKNOWN = re.compile(r"unknown field `([^`]*)`")
_TOO_LONG = re.compile(r"Expected `str` of length <= (\d+)")


class Typed(msgspec.Struct, frozen=True):
    """A message with its type, and how it deviates from the standard."""

    message: Message
    deviations: tuple[str, ...] = ()


def read(kind: type[Message], payload: bytes, *, salvage: bool = False) -> Typed | Violation:
    """Give a payload its type; the strict look is the hot path.

    >>> from voltide.ocpp.messages.v16 import HeartbeatResponse
    >>> read(HeartbeatResponse, b'{"currentTime":"2026-01-01T00:00:00Z"}').message.current_time
    '2026-01-01T00:00:00Z'
    """
    try:
        return Typed(decoder(kind).decode(payload))
    except (msgspec.MsgspecError, UnicodeError) as flaw:
        first = violation(flaw)
    value = msgspec.json.decode(payload)
    dropped: list[str] = []
    if not isinstance(value, dict):
        return first
    value = _without_nulls(value, "$", dropped)
    for _ in range(_STEPS if salvage else 1):
        try:
            message = msgspec.convert(value, kind, strict=False)
        except msgspec.MsgspecError as flaw:
            if not salvage or not _relieve(value, str(flaw), dropped):
                return first
        else:
            return Typed(message, tuple(dropped) or (f"{first.text}: read by its meaning",))
    return first


def _without_nulls(value: Any, at: str, dropped: list[str]) -> Any:
    """The same value where null, which OCPP does not know, is absence."""
    if isinstance(value, dict):
        dropped += [f"{at}.{key} is null" for key, inner in value.items() if inner is None]
        return {key: _without_nulls(inner, f"{at}.{key}", dropped) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(inner, f"{at}[{index}]", dropped) for index, inner in enumerate(value)]
    return value


def _relieve(value: Any, complaint: str, dropped: list[str]) -> bool:
    """Take out, shorten or replace the one part that an error complains about; False when nothing can be done."""
    at = violation(ValueError(complaint)).at
    path: list[str | int] = [name or int(index) for name, index in _STEP.findall(at)]
    unknown = _UNKNOWN.search(complaint)
    if unknown is not None:
        path.append(unknown[1])
    elif path and path[-1] in _MEANING and "sampledValue" in path:
        path = path[: path.index("sampledValue") + 2]
    holder = _find(value, path[:-1])
    if not path or _find(value, path) is None:
        return False
    last = path[-1]
    dropped.append(f"{at}: {complaint.partition(' - at ')[0]}")
    too_long = _TOO_LONG.search(complaint)
    if too_long is not None and isinstance(holder[last], str):
        holder[last] = holder[last][: int(too_long[1])]
    elif last in _STAND_INS and "Invalid enum" in complaint and holder[last] != _STAND_INS[str(last)]:
        holder[last] = _STAND_INS[str(last)]
    else:
        del holder[last]
        _prune(value, path[:-1])
    return True


def _find(value: Any, path: list[str | int]) -> Any:
    """What stands at a path, or None."""
    for step in path:
        try:
            value = value[step]
        except (TypeError, LookupError):
            return None
    return value


def _prune(value: Any, path: list[str | int]) -> None:
    """A list that lost its last element goes too: the schemas know no empty lists."""
    if path and _find(value, path) == []:
        del _find(value, path[:-1])[path[-1]]
