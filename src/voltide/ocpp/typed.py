"""From a raw payload to its type: strictly, else by a tolerant second look that names every deviation."""

from typing import Any

import msgspec

from voltide.ocpp.faults import Violation, violation
from voltide.ocpp.messages import Message, decoder
from voltide.ocpp.salvage import patience, relieve


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
    value = _without_nulls(value, "$", dropped) if b"null" in payload else value
    left = patience(payload) if salvage else 0
    while True:
        try:
            message = msgspec.convert(value, kind, strict=False)
        except msgspec.MsgspecError as flaw:
            if left == 0 or not relieve(value, str(flaw), dropped):
                return first
            left -= 1
        else:
            return Typed(message, tuple(dropped) or (f"{first.text}: read by its meaning",))


def _without_nulls(value: Any, at: str, dropped: list[str]) -> Any:
    """The same value where null, which OCPP does not know, is absence."""
    if isinstance(value, dict):
        dropped += [f"{at}.{key} is null" for key, inner in value.items() if inner is None]
        return {key: _without_nulls(inner, f"{at}.{key}", dropped) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        dropped += [f"{at}[{index}] is null" for index, inner in enumerate(value) if inner is None]
        return [
            _without_nulls(inner, f"{at}[{index}]", dropped) for index, inner in enumerate(value) if inner is not None
        ]
    return value
