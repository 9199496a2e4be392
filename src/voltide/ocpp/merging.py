"""How values of several profiles become one: least limit, nearest 0, lowest number of phases, sums over EVSEs.

Every value is first fitted into a common frame: one unit, one number of phases, and either one value for all phases
or three. An ampere limit is converted with the number of phases that holds in the end, not with its own: 16 A on one
phase is a third of 16 A on three. A limit in W is that of all phases together, however many those are.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from voltide.domain.units import Fraction, Watts
from voltide.ocpp.schedule import Mode, Period, Phased, Schedule, Unit, nearest
from voltide.ocpp.timeline import FOREVER, EvseNow
from voltide.ocpp.wire import Supply

Values: TypeAlias = tuple[float, ...]
"""One value for all phases, or three of one phase each."""
_NOTHING: Values = (0.0,)


class Said(NamedTuple):
    """What a profile says within one of its periods."""

    profile: int
    unit: Unit
    period: Period
    limit: Values
    discharge: Values
    setpoint: Values
    phases: int | None
    phase: int | None
    mode: Mode
    wide: bool
    """It speaks of single phases."""

    @classmethod
    def of(cls, profile: int, schedule: Schedule, period: Period, soc: Fraction | None) -> "Said":
        """A period's words; an idle one lets nothing flow."""
        limit = _told(period.limit)
        discharge = tuple(min(value, 0.0) for value in _told(period.discharge))
        setpoint = _told(period.setpoint)
        if period.mode is Mode.IDLE:
            limit, discharge, setpoint = _NOTHING, _NOTHING, ()
        if schedule.limit_at_soc is not None and soc is not None and soc >= schedule.limit_at_soc[0]:
            limit = _capped(limit, schedule.limit_at_soc[1], schedule.unit)
        phases = period.phases if period.phases is not None and 1 <= period.phases <= 3 else None
        wide = max(len(limit), len(discharge), len(setpoint)) > 1
        return cls(
            profile,
            schedule.unit,
            period,
            limit,
            discharge,
            setpoint,
            phases,
            period.phase,
            period.mode,
            wide,
        )


class Point(NamedTuple):
    """What holds at one instant, in one unit."""

    limit: Values
    discharge: Values | None
    setpoint: Values | None
    phases: int | None
    phase: int | None
    mode: Mode
    spread: int
    """The number of phases it is reckoned with."""
    limit_by: int | None
    discharge_by: int | None
    setpoint_by: int | None
    mode_by: int | None
    phases_by: int | None
    lead: Said | None
    """The word of the transaction's profile."""
    until: int


class Frame(NamedTuple):
    """What all values of an instant are fitted into."""

    unit: Unit
    volts: float
    spread: int
    wide: bool
    phases: int | None
    """The number of phases that was told."""
    phases_by: int | None

    @classmethod
    def of(cls, said: Iterable[Said], extra: Iterable[Said], unit: Unit, supply: Supply, *, direct: bool) -> "Frame":
        """The frame of one EVSE: the lowest number of phases; three values as soon as one profile tells three."""
        told, by, wide = None, None, False
        for one in said:
            wide = wide or one.wide
            if one.phases is not None and not direct and (told is None or one.phases < told):
                told, by = one.phases, one.profile
        for one in extra:
            wide = wide or one.wide
        spread = supply.phases if told is None else min(told, supply.phases)
        return cls(unit, supply.volts, spread, wide and spread > 1, None if told is None else spread, by)

    @classmethod
    def of_station(cls, parts: Sequence[Point], own: "Frame", *, direct: bool) -> "Frame":
        """The frame of the station: as many phases as any EVSE uses, but no more than holds for the station."""
        spread = min(max((part.spread for part in parts), default=own.spread), own.spread)
        silent = own.phases is None and all(part.phases is None for part in parts)
        wide = spread > 1 and (own.wide or any(len(part.limit) > 1 for part in parts))
        return cls(own.unit, own.volts, spread, wide, None if direct or silent else spread, own.phases_by)

    def fit(self, values: Values, unit: Unit) -> Values:
        """Values of a unit in this frame."""
        if self.wide:
            if len(values) == 1:
                each = values[0] / self.spread if unit is Unit.W else values[0]
                values = (each, each, each)
            factor = self.volts
        else:
            if len(values) > 1:
                values = (nearest(values),)
            factor = self.volts * self.spread
        if unit is self.unit:
            return values
        if unit is Unit.A:
            return tuple([value * factor for value in values])
        return tuple([value / factor for value in values])

    def fit_total(self, power: Watts, phases: int) -> Values:
        """A power that is told for so many phases; on fewer there is less."""
        return self.fit((power if self.spread == phases else power * self.spread / phases,), Unit.W)


def merged(
    said: Iterable[Said],
    frame: Frame,
    default: Values,
    *,
    until: int,
    base: Point | None = None,
    lead: Said | None = None,
) -> Point:
    """One point out of what each purpose says, within a base; where nobody gives a limit the default holds."""
    limit, discharge, setpoint, mode = (
        (None, None, None, Mode.CHARGING_ONLY)
        if base is None
        else (base.limit, base.discharge, base.setpoint, base.mode)
    )
    limit_by = discharge_by = setpoint_by = mode_by = phase = None
    for one in said:
        if one.limit:
            was, limit = limit, _least(limit, frame.fit(one.limit, one.unit))
            limit_by = limit_by if limit is was else one.profile
        if one.discharge:
            was, discharge = discharge, _most(discharge, frame.fit(one.discharge, one.unit))
            discharge_by = discharge_by if discharge is was else one.profile
        if one.setpoint:
            was, setpoint = setpoint, _agreed(setpoint, frame.fit(one.setpoint, one.unit))
            setpoint_by = setpoint_by if setpoint == was else one.profile
        if mode is Mode.CHARGING_ONLY and one.mode is not mode:
            mode, mode_by = one.mode, one.profile
        phase = one.phase or phase
    limit = limit or default
    return Point(
        limit,
        discharge,
        setpoint and _held(setpoint, limit, discharge),
        frame.phases,
        phase if frame.phases == 1 else None,
        mode,
        frame.spread,
        limit_by,
        discharge_by,
        setpoint_by,
        mode_by,
        frame.phases_by,
        lead,
        until,
    )


def added(limit: Values, extra: Iterable[Said], frame: Frame, default: Values) -> Values:
    """A limit with local generation on top of it, though never above what holds without any limit.

    Source: OCPP 2.1 Part 2, K, "Combining charging profile purposes": the capacity is added on top of the composite.
    """
    raised = limit
    for one in extra:
        if one.limit:
            more = frame.fit(one.limit, one.unit)
            raised = tuple([was + max(plus, 0.0) for was, plus in zip(raised, more, strict=True)])
    most = tuple(map(max, limit, default))
    return tuple(map(min, raised, most))


def together(parts: Sequence[tuple[EvseNow, Point]], frame: Frame) -> Point:
    """The EVSEs of a station: powers add up, but go no further than the currents on the phases there are."""
    limit = _summed([_spread(part.limit, part, frame) for _, part in parts], frame)
    if not frame.wide and any(part.spread > frame.spread for _, part in parts):
        limit = _least(limit, (_by_current(parts, frame),))
    discharge = setpoint = None
    if any(part.discharge is not None for _, part in parts):
        discharge = _summed([_given_back(evse, part, frame) for evse, part in parts], frame)
    told = [_spread(part.setpoint, part, frame) for _, part in parts if part.setpoint is not None]
    if told:
        setpoint = _summed(told, frame)
    modes = {part.mode for _, part in parts}
    mode = modes.pop() if len(modes) == 1 else Mode.CHARGING_ONLY
    nobody = (None,) * 6
    return Point(limit, discharge, setpoint, frame.phases, None, mode, frame.spread, *nobody, FOREVER)


def _given_back(evse: EvseNow, part: Point, frame: Frame) -> Values:
    """What an EVSE counts for in the station's discharge limit: its own, or what it could give back if it may."""
    if part.discharge is not None:
        return _spread(part.discharge, part, frame)
    may = part.mode is not Mode.CHARGING_ONLY
    return frame.fit((min(evse.default_discharge_w, 0.0) if may else 0.0,), Unit.W)


def _by_current(parts: Sequence[tuple[EvseNow, Point]], frame: Frame) -> float:
    """The sum of what each EVSE may take of one phase, on the phases that the station has left."""
    if frame.unit is Unit.A:
        return sum(nearest(part.limit) for _, part in parts)
    return sum(total(part.limit, part.spread) / part.spread for _, part in parts) * frame.spread


def _spread(values: Values, part: Point, frame: Frame) -> Values:
    """An EVSE's values in the station's frame, where they may be spread over more phases or fewer."""
    if (len(values) > 1) == frame.wide and (frame.wide or part.spread == frame.spread):
        return values
    power = total(values, part.spread) if frame.unit is Unit.W else nearest(values) * frame.volts * part.spread
    return frame.fit((power,), Unit.W)


def _summed(several: Sequence[Values], frame: Frame) -> Values:
    return tuple(map(sum, zip(*several, strict=True))) if several else _NOTHING * (3 if frame.wide else 1)


def total(values: Values, spread: int) -> float:
    """All phases together, when each that is used takes the same.

    >>> total((3000.0, 1000.0, 2000.0), 3)
    3000.0
    """
    return values[0] if len(values) == 1 else spread * nearest(values)


def _told(phased: Phased | None) -> Values:
    return () if phased is None else phased.each


def _capped(limit: Values, cap: float, unit: Unit) -> Values:
    """A limit that another one joins; of three phases each gets its share of a cap in W."""
    if not limit:
        return (cap,)
    share = cap / len(limit) if unit is Unit.W else cap
    return tuple(min(value, share) for value in limit)


def _least(one: Values | None, other: Values) -> Values:
    """The lesser of two limits, on each phase; the first itself where it is that."""
    if one is None:
        return other
    if len(one) == 1:
        return one if one[0] <= other[0] else other
    least = tuple(map(min, one, other))
    return one if least == one else least


def _most(one: Values | None, other: Values) -> Values:
    """The discharge limit nearer 0, on each phase; the first itself where it is that."""
    if one is None:
        return other
    most = tuple(map(max, one, other))
    return one if most == one else most


def _agreed(one: Values | None, other: Values) -> Values:
    """A setpoint that two agree on: the one nearer 0, and 0 where one wants in and the other out."""
    if one is None:
        return other
    return tuple(0.0 if mine * its < 0 else min(mine, its, key=abs) for mine, its in zip(one, other, strict=True))


def _held(setpoint: Values, limit: Values, discharge: Values | None) -> Values:
    """A setpoint within the limits; it never turns its sign. Source: OCPP 2.1, V2X.03 and V2X.04."""
    bottoms = (None,) * len(setpoint) if discharge is None else discharge
    return tuple(
        max(0.0, min(value, top)) if value > 0 else value if bottom is None else min(0.0, max(value, bottom))
        for value, top, bottom in zip(setpoint, limit, bottoms, strict=True)
    )
