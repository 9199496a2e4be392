"""Charging profiles in one form for all versions of OCPP: what was said, not yet what it means.

Values stand in the unit of their schedule: W is the power of all phases together, A the current of each phase. Where
a value is told for L2 or L3 too, each of the three is that of one phase. Source: OCPP 2.1, ChargingSchedulePeriodType.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from voltide.domain.units import Fraction, Watts

Curve: TypeAlias = tuple[tuple[float, Watts], ...]
"""Points of a frequency (Hz) or a signal, each with the power it asks for."""


class Unit(StrEnum):
    """What a schedule is told in."""

    W = "W"
    A = "A"


class Purpose(StrEnum):
    """Whose word a profile is, in OCPP 2's spelling."""

    EXTERNAL = "ChargingStationExternalConstraints"
    STATION_MAX = "ChargingStationMaxProfile"
    TX_DEFAULT = "TxDefaultProfile"
    TX = "TxProfile"
    PRIORITY = "PriorityCharging"
    GENERATION = "LocalGeneration"


class Kind(StrEnum):
    """What a schedule's seconds are counted from."""

    ABSOLUTE = "Absolute"
    RECURRING = "Recurring"
    RELATIVE = "Relative"
    DYNAMIC = "Dynamic"


class Recurrency(StrEnum):
    """How often a recurring schedule begins anew."""

    DAILY = "Daily"
    WEEKLY = "Weekly"


class Mode(StrEnum):
    """Who decides the power within a period. OCPP 2.1: OperationModeEnumType."""

    IDLE = "Idle"
    CHARGING_ONLY = "ChargingOnly"
    CENTRAL_SETPOINT = "CentralSetpoint"
    EXTERNAL_SETPOINT = "ExternalSetpoint"
    EXTERNAL_LIMITS = "ExternalLimits"
    CENTRAL_FREQUENCY = "CentralFrequency"
    LOCAL_FREQUENCY = "LocalFrequency"
    LOCAL_LOAD_BALANCING = "LocalLoadBalancing"


def nearest(values: Sequence[float]) -> float:
    """The value nearest 0, so that no phase gets more than it may; 0 where they have two signs.

    >>> nearest((16.0, 10.0, 32.0)), nearest((-16.0, 10.0, 32.0))
    (10.0, 0.0)
    """
    return 0.0 if min(values) < 0 < max(values) else min(values, key=abs)


class Phased(NamedTuple):
    """A value for all phases (``l1`` alone), or one for each of L1, L2 and L3.

    >>> Phased(16.0).each
    (16.0,)
    >>> Phased(16.0, 10.0).each         # L3 was not told: what is told nearest 0 stands for it
    (16.0, 10.0, 10.0)
    """

    l1: float | None
    l2: float | None = None
    l3: float | None = None

    @property
    def each(self) -> tuple[float, ...]:
        """One value, or three; what was not told is the told one nearest 0. Empty when nothing was told."""
        if self.l2 is None and self.l3 is None:
            return () if self.l1 is None else (self.l1,)
        safe = nearest([value for value in self if value is not None])
        return tuple(safe if value is None else value for value in self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What holds from ``start`` (seconds into the schedule) until the next period. Discharge limits are 0 or less."""

    start: int = 0
    limit: Phased | None = None
    discharge: Phased | None = None
    setpoint: Phased | None = None
    phases: int | None = None
    """How many phases may be used, 1 to 3."""
    phase: int | None = None
    """Which one, when it is only one."""
    mode: Mode = Mode.CHARGING_ONLY
    baseline_w: Watts | None = None
    """What the curves are added to."""
    frequency_watt: Curve = ()
    signal_watt: Curve = ()
    sleep: bool = False
    precondition: bool = False

    @property
    def speaks(self) -> bool:
        """Whether it says anything at all: a value, or a mode that lets others decide."""
        told = self.limit or self.discharge or self.setpoint
        return told is not None or self.mode is not Mode.CHARGING_ONLY


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Periods in one unit, from a start on, for a duration in seconds or without an end."""

    unit: Unit
    periods: tuple[Period, ...]
    start: datetime | None = None
    """Of a schedule in local time: the station's wall clock, written as if it were UTC."""
    duration_s: int | None = None
    limit_at_soc: tuple[Fraction, float] | None = None
    """From this state of charge on, this limit holds too."""
    randomized_delay_s: int = 0
    local_time: bool = False

    @property
    def ordered(self) -> bool:
        """Whether the first period starts at 0 and each later one after the one before; else it is ignored.

        >>> Schedule(unit=Unit.A, periods=(Period(start=0), Period(start=60), Period(start=60))).ordered
        False
        """
        starts = [period.start for period in self.periods]
        return starts[:1] == [0] and all(early < late for early, late in pairwise(starts))


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A charging profile as it was installed on an EVSE; EVSE 0 is the station."""

    id: int
    purpose: Purpose
    schedules: tuple[Schedule, ...]
    evse: int = 0
    stack_level: int = 0
    kind: Kind = Kind.ABSOLUTE
    recurrency: Recurrency | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    transaction_id: str | None = None
    max_offline_s: int | None = None
    """How long it stays valid once the line is lost."""
    dies_offline: bool = False
    """Once invalid for being offline too long, it never comes back."""
    update_interval_s: int = 0
    """How often a dynamic one is to be asked for anew; 0 is never."""
    updated: datetime | None = None
    """When a dynamic one last got a value."""
    received: datetime | None = None
    source: str = "CSO"
    """Who set it. OCPP 2: chargingLimitSource."""


def updated(profile: Profile, values: Period, at: datetime) -> Profile:
    """A dynamic profile with new values in its one period; what the update does not tell stays. Source: K28.

    >>> old = Period(limit=Phased(7000.0), setpoint=Phased(5000.0), mode=Mode.CENTRAL_SETPOINT)
    >>> schedule = Schedule(unit=Unit.W, periods=(old,))
    >>> profile = Profile(id=1, purpose=Purpose.TX, kind=Kind.DYNAMIC, schedules=(schedule,))
    >>> new = updated(profile, Period(setpoint=Phased(-3000.0)), datetime.fromisoformat("2026-01-01T00:00:00Z"))
    >>> new.schedules[0].periods[0].setpoint.l1, new.schedules[0].periods[0].limit.l1
    (-3000.0, 7000.0)
    """
    if profile.kind is not Kind.DYNAMIC:
        raise ValueError(f"profile {profile.id} is {profile.kind}: only a dynamic one is updated in place")
    schedule = profile.schedules[0]
    old = schedule.periods[0]
    period = replace(
        old,
        limit=_over(old.limit, values.limit),
        discharge=_over(old.discharge, values.discharge),
        setpoint=_over(old.setpoint, values.setpoint),
    )
    return replace(profile, schedules=(replace(schedule, periods=(period,)),), updated=at)


def _over(old: Phased | None, new: Phased | None) -> Phased | None:
    """The new value; where only other phases than L1 were told anew, the old one of the rest."""
    if new is None or old is None or new.l1 is not None:
        return old if new is None else new
    return Phased(*(before if now is None else now for before, now in zip(old, new, strict=True)))


def delayed(profile: Profile, delays_s: Sequence[int]) -> Profile:
    """The profile with each period but the first starting so much later; the caller draws, one delay a period.

    A period that would start no earlier than a later one, or not before the end, is left out: the one before it goes
    on. Source: OCPP 2.1 edition 2 errata, K01.FR.97.

    >>> four = tuple(Period(start=start, limit=Phased(1.0)) for start in (0, 300, 600, 900))
    >>> profile = Profile(id=1, purpose=Purpose.TX, schedules=(Schedule(unit=Unit.A, periods=four),))
    >>> [period.start for period in delayed(profile, [0, 753, 123, 87]).schedules[0].periods]
    [0, 723, 987]
    """
    return replace(profile, schedules=tuple(_delayed(schedule, delays_s) for schedule in profile.schedules))


def _delayed(schedule: Schedule, delays_s: Sequence[int]) -> Schedule:
    kept: list[Period] = []
    bound = schedule.duration_s
    pairs = list(zip(schedule.periods, delays_s, strict=False))
    for period, delay in reversed(pairs[1:]):
        start = period.start + delay
        if bound is None or start < bound:
            kept.append(replace(period, start=start))
            bound = start
    return replace(schedule, periods=(*schedule.periods[:1], *reversed(kept), *schedule.periods[len(pairs) :]))
