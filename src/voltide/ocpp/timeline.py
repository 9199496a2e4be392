"""When a profile speaks: its schedule laid out over the clock, in whole seconds since 1970.

Pure arithmetic. Everything that ends a profile for good (its validity, a lost line, a dynamic one that nobody updates)
becomes one end; what comes again becomes a cycle.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from voltide.domain.units import Fraction, Watts
from voltide.ocpp.schedule import Kind, Profile, Purpose, Recurrency, Schedule
from voltide.ocpp.wire import Supply

FOREVER = 1 << 62
"""No end."""
OF_A_TRANSACTION = frozenset({Purpose.TX, Purpose.TX_DEFAULT, Purpose.PRIORITY})
_CYCLES = {Recurrency.DAILY: 86_400, Recurrency.WEEKLY: 604_800}


@dataclass(frozen=True, slots=True, kw_only=True)
class EvseNow:
    """What composition needs to know of one EVSE now."""

    number: int
    default_w: Watts
    """What it may take where no profile says anything: its rating, over all phases of the supply."""
    default_discharge_w: Watts = 0.0
    """The most it gives back, 0 or less."""
    direct: bool = False
    """It charges with direct current, so it has no phases to count."""
    transaction: str | None = None
    started: datetime | None = None
    priority: bool = False
    """Priority charging was asked for and granted."""
    soc: Fraction | None = None
    choice: int = 0
    """Which of up to three schedules the car chose. Source: K15.FR.22."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StationNow:
    """What composition needs to know of the whole station now."""

    evses: tuple[EvseNow, ...]
    supply: Supply = field(default_factory=Supply)
    offline_since: datetime | None = None
    """When the line was lost; None is online."""
    ignored_offline: frozenset[Purpose] = frozenset()
    """OCPP 2.1: IgnoredProfilePurposesOffline."""
    zone: tzinfo | None = None
    """The station's own clock, for schedules in local time; without it they are read as UTC."""

    def supposing(self, now: datetime) -> "StationNow":
        """The same with a car at every free EVSE, plugged in now: so a composite schedule is asked for."""
        return replace(
            self,
            evses=tuple(
                evse if evse.transaction is not None else replace(evse, transaction="", started=now)
                for evse in self.evses
            ),
        )


class Timeline(NamedTuple):
    """A schedule over the clock. ``at`` is all that anybody asks."""

    begins: int
    ends: int
    anchor: int
    """Where its second 0 is, for the first time."""
    cycle: int
    """After how many seconds it begins anew; 0 is never."""
    length: int
    starts: tuple[int, ...]
    wall: datetime | None = None
    zone: tzinfo | None = None

    def at(self, second: int) -> tuple[int, int]:
        """The index of the period that holds then (-1: none), and the second until which that surely stays."""
        if second < self.begins:
            return -1, self.begins
        if second >= self.ends:
            return -1, FOREVER
        base, again = self.anchor, FOREVER
        if self.cycle and second >= base:
            if self.wall is None:
                base += (second - base) // self.cycle * self.cycle
                again = base + self.cycle
            else:
                base, again = self._by_wall(second, self.wall)
        offset = second - base
        if offset < 0:
            return -1, base
        if offset >= self.length:
            return -1, again
        index = bisect_right(self.starts, offset) - 1
        lasts = self.starts[index + 1] if index + 1 < len(self.starts) else self.length
        return index, min(base + min(lasts, self.length), again, self.ends)

    def _by_wall(self, second: int, wall: datetime) -> tuple[int, int]:
        """The occurrence by the station's own clock, whose days may have 23 or 25 hours, and the next one."""
        there = datetime.fromtimestamp(second, self.zone).replace(tzinfo=None)
        count = (there - wall) // timedelta(seconds=self.cycle)
        while self._occurrence(wall, count) > second:
            count -= 1
        while self._occurrence(wall, count + 1) <= second:
            count += 1
        return self._occurrence(wall, count), self._occurrence(wall, count + 1)

    def _occurrence(self, wall: datetime, count: int) -> int:
        return whole_second((wall + timedelta(seconds=self.cycle) * count).replace(tzinfo=self.zone))


def whole_second(moment: datetime) -> int:
    """Seconds since 1970, rounded down."""
    return math.floor(moment.timestamp())


def lay_out(profile: Profile, evse: EvseNow | None, station: StationNow) -> Timeline | None:
    """Where a profile stands on the clock, for a transaction at an EVSE (None: for the station).

    None where it never speaks: its periods are out of order, or nothing says where its second 0 is.
    """
    schedule = chosen(profile, evse)
    if schedule is None or not schedule.ordered:
        return None
    anchor = _anchor(profile, schedule, evse, station)
    cycle = _CYCLES[profile.recurrency] if profile.kind is Kind.RECURRING and profile.recurrency else 0
    if anchor is None or (profile.kind is Kind.RECURRING and not cycle):
        return None
    ends = FOREVER if profile.valid_to is None else whole_second(profile.valid_to)
    length = FOREVER if schedule.duration_s is None else schedule.duration_s
    if profile.kind is Kind.DYNAMIC:
        if schedule.duration_s is not None and profile.updated is not None:
            ends = min(ends, whole_second(profile.updated) + schedule.duration_s)
        length = FOREVER
    local = schedule.local_time and station.zone is not None and schedule.start is not None and cycle > 0
    return Timeline(
        begins=-FOREVER if profile.valid_from is None else whole_second(profile.valid_from),
        ends=min(ends, _end_offline(profile, station)),
        anchor=anchor,
        cycle=cycle,
        length=length,
        starts=tuple(period.start for period in schedule.periods),
        wall=schedule.start.replace(tzinfo=None, microsecond=0) if local and schedule.start is not None else None,
        zone=station.zone,
    )


def chosen(profile: Profile, evse: EvseNow | None) -> Schedule | None:
    """The schedule of a profile that holds at an EVSE: the one that the car chose, else the first."""
    schedules = profile.schedules
    index = evse.choice if evse is not None and 0 <= evse.choice < len(schedules) else 0
    return schedules[index] if schedules else None


def _anchor(profile: Profile, schedule: Schedule, evse: EvseNow | None, station: StationNow) -> int | None:
    """Second 0 of the schedule, or None when nobody knows."""
    if profile.kind is Kind.DYNAMIC:
        return 0  # it has held since ever; its end is its last update's
    if schedule.start is not None and profile.kind is not Kind.RELATIVE:
        start = schedule.start
        if schedule.local_time and station.zone is not None:
            start = start.replace(tzinfo=station.zone, fold=0)  # of an hour that comes twice, the first
        return whole_second(start)
    if profile.kind is Kind.RECURRING:
        return None
    # OCPP 1.6: without a startSchedule an absolute schedule is relative to the start of charging.
    if profile.purpose in OF_A_TRANSACTION:
        return None if evse is None or evse.started is None else whole_second(evse.started)
    origin = profile.valid_from or profile.received
    return None if origin is None else whole_second(origin)


def _end_offline(profile: Profile, station: StationNow) -> int:
    """When a lost line ends the profile."""
    if station.offline_since is None:
        return FOREVER
    lost = whole_second(station.offline_since)
    if profile.purpose in station.ignored_offline:
        return lost
    return FOREVER if profile.max_offline_s is None else lost + profile.max_offline_s


def moment_of(second: int) -> datetime | None:
    """The moment of a second; None for one that no calendar reaches.

    >>> moment_of(0).isoformat(), moment_of(FOREVER)
    ('1970-01-01T00:00:00+00:00', None)
    """
    return None if second > _LAST else datetime.fromtimestamp(second, UTC)


_LAST = whole_second(datetime(9999, 12, 30, tzinfo=UTC))
