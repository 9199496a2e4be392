"""Every way that we know to break a payload or the frame around it. Nothing here knows what will read it."""

import json
import random
from collections.abc import Callable
from typing import Any

LONG = 100_000
MANY = 20_000


class Raw:
    """Text that stands for a value which no JSON encoder would write."""

    def __init__(self, text: str) -> None:
        self.text = text


def said(value: Any) -> str:
    """A value as JSON, with what is raw in it as it stands."""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{said(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(said, value)) + "]"
    return json.dumps(value)


SMALL: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    0.5,
    99,
    1000,
    1001,
    2**31,
    2**53 + 1,
    2**63,
    -(2**63) - 1,
    2**64,
    1e18,
    1e308,
    -1e308,
    5e-324,
    *map(Raw, ("1e400", "-1e400", "NaN", "Infinity", "-Infinity", "9" * 5_000, "1E5", "-0.0", "0x10", "01", "'x'")),
    "",
    " ",
    "x",
    "x" * 300,
    "é😀",
    *map(Raw, ('"\\ud800"', '"\\u0000"', '"\\\\u0000"', '"\\udc00\\ud800"', '"\x01"', '"unfinished')),
    "null",
    "NaN",
    "1e400",
    "-7.5",
    " 12.5 ",
    "2147483648",
    "٣",
    "2026-02-30T00:00:00Z",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "1970-01-01T00:00:00Z",
    "2999-01-01T00:00:00",
    "20260601T120000",
    "%s{0}'; DROP TABLE message; --",
    [],
    {},
    [[]],
    [None],
    [{}],
    {"": ""},
    {"a": 1},
    *map(Raw, ('{"a":1,"a":2}', '{"a":1,"\\u0061":2}', "[" * 33 + "]" * 33, '{"a":' * 33 + "1" + "}" * 33)),
)
"""What may stand where something else belongs: wrong types, wild numbers, times that never were, text that is none."""

HUGE: tuple[Raw, ...] = (
    Raw('"' + "x" * LONG + '"'),
    Raw("[" * MANY + "]" * MANY),
    Raw("[" + ",".join(["0"] * MANY) + "]"),
    Raw("[" + ",".join(["{}"] * MANY) + "]"),
    Raw('{"a":' * 5_000 + "1" + "}" * 5_000),
    Raw("9" * LONG),
)
"""The same by mere size."""


def replaced(holder: Any, key: Any, value: Any) -> None:
    """Something else stands there."""
    holder[key] = value


def absent(holder: Any, key: Any) -> None:
    """It is not there."""
    del holder[key]


def twice(holder: Any, key: Any) -> None:
    """It is told twice; of an element, there are two."""
    if isinstance(holder, list):
        holder.insert(key, holder[key])
    else:
        holder[key] = Raw(f"{said(holder[key])},{json.dumps(key)}:{said(holder[key])}")


def renamed(holder: Any, key: Any) -> None:
    """Its name is spelled in another way."""
    if isinstance(holder, dict):
        holder[key.upper() if key != key.upper() else key + "_"] = holder.pop(key)


def beside(holder: Any, key: Any) -> None:
    """Something that the standard does not know stands beside it."""
    if isinstance(holder, dict):
        holder[f"vendor{key}"] = {"x": [1, "y"]}
    else:
        holder.append({"vendor": 1})


def many(holder: Any, key: Any) -> None:
    """It comes as a crowd."""
    count = 40 if len(said(holder[key])) > 40 else 400
    holder[key] = [holder[key]] * count


def another_word(holder: Any, key: Any) -> None:
    """A word gets a letter more, a number one more."""
    value = holder[key]
    if isinstance(value, str):
        holder[key] = value + "X"
    elif isinstance(value, int | float):
        holder[key] = value + 1


def as_text(holder: Any, key: Any) -> None:
    """What is no text comes as text, and text as a list."""
    value = holder[key]
    holder[key] = [value] if isinstance(value, str) else said(value)


STRUCTURAL: tuple[Callable[[Any, Any], None], ...] = (
    absent,
    twice,
    renamed,
    beside,
    many,
    another_word,
    as_text,
)

_IDS: tuple[Any, ...] = (
    *(None, True, 7, 1.5, [], {}, {"a": 1}, "", " ", "é", "\n", "-1", "x" * 36, "x" * 37, "x" * 1_000),
    *map(Raw, ('"\\u0000"', '"\\ud800"', '"\\u0069"', "NaN", "9" * 5_000)),
)
_KINDS: tuple[Any, ...] = (
    *(0, 1, 2, 3, 4, 5, 6, 7, -1, 255, 2**40, 2**64, 2.0, "2", True, None, [], {}),
    *map(Raw, ("NaN", "1e400", "02", "9" * 5_000)),
)
_ACTIONS: tuple[Any, ...] = (
    *(None, True, 2, [], ["Heartbeat"], {}, "", "heartbeat", "FlyToTheMoon", "x" * 64, "x" * 65, "x" * 5_000, "é"),
    *("Reset", "Heartbeat", "TransactionEvent", "StartTransaction", "NotifyPeriodicEventStream", "DataTransfer"),
    *map(Raw, ('"\\u0000"', '"\\ud800"', '"Heart\\u0062eat"')),
)
_BODIES: tuple[Any, ...] = (None, True, 0, "", "x", [], [{}], {"": 0}, Raw("NaN"), Raw("{"), Raw('{"a":1,"a":1}'))


def _element(place: int, pool: tuple[Any, ...]) -> Callable[[list[Any], random.Random], str]:
    def spoil(frame: list[Any], chance: random.Random) -> str:
        if place >= len(frame):
            return said(frame)
        return said([*frame[:place], chance.choice(pool), *frame[place + 1 :]])

    return spoil


def _longer(frame: list[Any], chance: random.Random) -> str:
    return said([*frame, *[chance.choice(_BODIES) for _ in range(chance.randrange(1, 4))]])


def _shorter(frame: list[Any], chance: random.Random) -> str:
    return said(frame[: chance.randrange(len(frame))])


def _mixed(frame: list[Any], chance: random.Random) -> str:
    return said(chance.sample(frame, len(frame)))


def _wrapped(frame: list[Any], chance: random.Random) -> str:
    text = said(frame)
    return chance.choice(
        (
            f"[{text}]",
            f'{{"0":{text}}}',
            text + text,
            f"{text}]",
            f"\ufeff{text}",
            f" \n\t{text}\r\n ",
            f"{text[:-1]},]",
        )
    )


def _cut(frame: list[Any], chance: random.Random) -> str:
    text = said(frame)
    return text[: chance.randrange(len(text) + 1)]


def _flipped(frame: list[Any], chance: random.Random) -> bytes:
    data = bytearray(said(frame).encode("utf-8", "surrogatepass"))
    for _ in range(chance.choice((1, 1, 2, 8))):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)


FRAMES: tuple[Callable[[list[Any], random.Random], str | bytes], ...] = (
    _element(0, _KINDS),
    _element(1, _IDS),
    _element(2, _ACTIONS),
    _element(2, _BODIES),
    _element(3, _BODIES),
    _element(4, _BODIES),
    _longer,
    _shorter,
    _mixed,
    _wrapped,
    _cut,
    _flipped,
)
"""Ways to break the frame around a payload."""
