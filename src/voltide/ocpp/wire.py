"""Small things that both dialects need at the door: moments, numbers, and the way from JSON to a checked message."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal, InvalidOperation
from typing import Any, NamedTuple, TypeAlias

import msgspec

from voltide.domain.messages import ChargerFact, ChargerOrder, Json
from voltide.domain.site import Charger, OcppVersion
from voltide.domain.time import stamp
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """How much a charger takes in one message, by action: ItemsPerMessage and BytesPerMessage of its device model.

    What it does not say is limited to a modest number of items, so that it can be asked for its limits at all.
    """

    items: Mapping[str, int] = field(default_factory=dict)
    bytes: Mapping[str, int] = field(default_factory=dict)
    extended: bool = False
    """1.6: it has the security extension, so that logs are asked for by GetLog."""


@dataclass(frozen=True, slots=True)
class Voice:
    """Whose words they are: the version, the charger, its supply, and how much it takes at once."""

    version: OcppVersion
    charger: Charger
    supply: Supply = field(default_factory=Supply)
    capacity: Capacity = field(default_factory=Capacity)


Hears: TypeAlias = dict[str, Callable[[Json, Voice, datetime], ChargerFact]]
"""A charger's requests by action, and which fact each is."""
Says: TypeAlias = dict[type, Callable[[Any, Voice, datetime], tuple[str, Json] | None]]
"""Facts, and which request each is, as action and body; None: there are no words for it."""
Obeys: TypeAlias = dict[str, Callable[[Json, Voice, datetime], ChargerOrder | None]]
"""A station's requests by action, and which order each is; None: there is no word for it."""


class Verbatim(NamedTuple):
    """A part of a body that is said as it is, with its nulls."""

    value: Any


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
    if isinstance(value, Verbatim):
        return value.value
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


def maybe_stamp(at: datetime | None) -> str | None:
    """A time for the wire, or absence."""
    return None if at is None else stamp(at)


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


def money(value: float) -> str:
    """An amount of the wire as decimal text, without the noise and the exponent of binary fractions.

    >>> money(12.0), money(0.1), money(-1e-07)
    ('12', '0.1', '-0.0000001')
    """
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def amount(text: str) -> float:
    """Decimal text as the number that the wire wants. Raises ``ValueError`` for what is no amount."""
    try:
        value = float(Decimal(text))
    except InvalidOperation:
        raise ValueError(f"{text!r} is no amount of money") from None
    if not math.isfinite(value):
        raise ValueError(f"{text!r} is no amount of money")
    return value


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


def power(period: Json, name: str, unit: object, supply: Supply) -> Watts | None:
    """A limit, discharge limit or setpoint of a schedule's period as watts over all its phases.

    One value alone is the whole power, or the current of each phase; values for L2 and L3 (2.1) make it that of L1.

    >>> power({"limit": 16, "numberPhases": 1}, "limit", "A", Supply())
    3680.0
    >>> power({"setpoint": -1, "setpoint_L2": -2}, "setpoint", "W", Supply())
    -3.0
    """
    parts = [number(period.get(key)) for key in (name, f"{name}_L2", f"{name}_L3")]
    known = [part for part in parts if part is not None]
    if not known:
        return None
    if unit != "A":
        return sum(known)
    phases = int(period.get("numberPhases", supply.phases)) if len(known) == 1 else 1
    return sum(known) * supply.volts * phases
