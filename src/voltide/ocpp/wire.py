"""Small things that both dialects need at the door: moments, numbers, and the way from JSON to a checked message."""

import math
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any, NamedTuple

import msgspec

from voltide.domain.messages import Json
from voltide.domain.site import OcppVersion
from voltide.domain.units import Watts
from voltide.ocpp.messages import Message, actions


class Wire(NamedTuple):
    """An action and its request, ready to be called."""

    action: str
    request: Message


class Supply(NamedTuple):
    """What turns amperes into watts where a charger speaks in amperes."""

    volts: float = 230.0
    phases: int = 3

    @property
    def watts_per_ampere(self) -> float:
        """The power of one ampere on every phase."""
        return self.volts * self.phases


def request(version: OcppVersion, action: str, body: Json) -> Wire:
    """A request made of JSON; None is absence. What breaks the schema raises here, before it is said."""
    made: Message = msgspec.convert(present(body), actions(version)[action][0])
    return Wire(action, made)


def response(version: OcppVersion, action: str, body: Json) -> Message:
    """A response made of JSON; None is absence."""
    kind = actions(version)[action][1]
    if kind is None:
        raise ValueError(f"{action} is never answered")
    made: Message = msgspec.convert(present(body), kind)
    return made


def plain(message: Message) -> Json:
    """A message as JSON, in the specification's own names."""
    told: Json = msgspec.to_builtins(message)
    return told


def present(value: Any) -> Any:
    """The value without what is absent."""
    if isinstance(value, dict):
        return {key: present(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [present(inner) for inner in value]
    return value


def moment(text: object, otherwise: datetime) -> datetime:
    """A charger's time: with Z, an offset or no zone at all (then UTC); what is no time is ``otherwise``.

    >>> moment("2026-01-01 08:00:00+08:00", datetime(2000, 1, 1, tzinfo=UTC)).isoformat()
    '2026-01-01T00:00:00+00:00'
    """
    return maybe_moment(text) or otherwise


def maybe_moment(text: object) -> datetime | None:
    """A charger's time, or None."""
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text.strip())
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def number(value: object) -> float | None:
    """A finite number, also where it came as a string; everything else is absent.

    >>> number(" 12.5 "), number("NaN"), number(None)
    (12.5, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def tenths(value: float) -> float:
    """A limit as it may be said: at most a tenth fine, towards zero, without the noise of binary fractions.

    >>> tenths(16.96), tenths(-5000.06), tenths(0.1 + 0.2)
    (16.9, -5000.0, 0.3)
    """
    return float(Decimal(repr(value)).quantize(Decimal("0.1"), rounding=ROUND_DOWN)) + 0.0


def percent(fraction: float | None) -> int | None:
    """A fraction as whole per cent."""
    return None if fraction is None else round(fraction * 100)


def fraction(value: object) -> float | None:
    """Per cent as a fraction; what is out of 0 to 100 is absent."""
    found = number(value)
    return found / 100 if found is not None and 0 <= found <= 100 else None


def watts(value: object, unit: object, supply: Supply) -> Watts | None:
    """A limit in W or A as watts."""
    found = number(value)
    if found is None:
        return None
    return found * supply.watts_per_ampere if unit == "A" else found
