"""What all installed charging profiles come to: at an instant, or over a window, for one EVSE or the whole station.

Within a purpose the highest stack level that has a period leads. TxProfile stands for TxDefaultProfile, and
PriorityCharging for both. Between purposes the least limit holds, the discharge limit and the setpoint nearest 0, the
lowest number of phases; local generation comes on top. Source: OCPP 2.1 Part 2, K, "Combining charging profile
purposes"; the choices that it leaves open are in docs/adr/0010-composite-schedules.md.

Pure and exact: nothing is rounded here. What is said of it on the wire is rounded towards the safe side there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from voltide.domain.units import Watts
from voltide.ocpp.merging import Frame, Point, Said, added, merged, together, total
from voltide.ocpp.schedule import Mode, Period, Phased, Profile, Purpose, Unit
from voltide.ocpp.timeline import FOREVER, EvseNow, StationNow, Timeline, chosen, lay_out, moment_of, whole_second

STATION = 0
"""The EVSE number that stands for all of them."""
MOST_STEPS = 4096
"""A window that changes more often is cut short there."""


class Asked(NamedTuple):
    """What a GetCompositeSchedule wants to know."""

    evse: int
    now: datetime
    duration_s: int
    unit: Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Composite:
    """The schedule that results; its periods are those of a profile, and cover the window without a gap."""

    evse: int
    start: datetime
    duration_s: int
    unit: Unit
    periods: tuple[Period, ...]


class Holding(NamedTuple):
    """What holds at one instant, in W; one value over all phases, or three of one phase each."""

    limit: tuple[Watts, ...]
    discharge: tuple[Watts, ...] | None
    """0 or less; None where nobody said."""
    setpoint: tuple[Watts, ...] | None
    phases: int | None
    phase: int | None
    mode: Mode
    period: Period | None
    """The period of the transaction's profile: curves, baseline, sleep."""
    limit_by: int | None
    """The profile that decided the limit; None is the default. So for the others."""
    discharge_by: int | None
    setpoint_by: int | None
    mode_by: int | None
    phases_by: int | None
    period_by: int | None
    until: datetime | None
    """It surely stays until then; None is for ever, if no profile comes or goes."""
    spread: int
    """Over how many phases one value is spread."""

    @property
    def limit_w(self) -> Watts:
        """The most that a load may take that is alike on all phases it uses."""
        return total(self.limit, self.spread)

    @property
    def discharge_w(self) -> Watts | None:
        """The most that may come back, alike from all phases; 0 or less."""
        return None if self.discharge is None else total(self.discharge, self.spread)

    @property
    def setpoint_w(self) -> Watts | None:
        """The power to follow, alike on all phases."""
        return None if self.setpoint is None else total(self.setpoint, self.spread)


class _Track(NamedTuple):
    """A profile over the clock, with what each of its periods says."""

    line: Timeline
    said: tuple[Said, ...]


class _Stacks(NamedTuple):
    """The profiles that matter to one EVSE, by purpose; in each stack the strongest first."""

    transaction: tuple[Sequence[_Track], ...]
    """PriorityCharging, TxProfile, TxDefaultProfile, as far as they apply."""
    part: tuple[Sequence[_Track], ...]
    """External constraints: the EVSE's own, and those for the whole station."""
    limits: tuple[Sequence[_Track], ...]
    """The same and the station's maximum."""
    generation: tuple[Sequence[_Track], ...]
    """Local generation: the EVSE's own, and that of the whole station."""


class Composition:
    """Installed profiles, made ready to be asked often. Make a new one when a profile or the station changes.

    >>> from voltide.ocpp.schedule import Schedule
    >>> day = datetime(2026, 1, 1, tzinfo=UTC)
    >>> limit = Schedule(unit=Unit.A, start=day, periods=(Period(limit=Phased(16.0)),))
    >>> profile = Profile(id=7, evse=1, purpose=Purpose.TX_DEFAULT, schedules=(limit,))
    >>> station = StationNow(evses=(EvseNow(number=1, default_w=22080.0, transaction="T", started=day),))
    >>> now = Composition([profile], station).holding(1, day)
    >>> now.limit_w, now.limit_by
    (11040.0, 7)
    """

    def __init__(self, profiles: Iterable[Profile], station: StationNow) -> None:
        self._station = station
        self._profiles = tuple(profiles)
        self._evses = {evse.number: evse for evse in station.evses}
        self._stacks: dict[int, _Stacks] = {}
        self._grid = self._stack(Purpose.EXTERNAL, None)
        # Whatever EVSE it was sent to, it is the station's.
        self._max = self._tracks((one for one in self._profiles if one.purpose is Purpose.STATION_MAX), None)
        self._generation = self._stack(Purpose.GENERATION, None)
        self._last: dict[int, tuple[int, int, Holding]] = {}

    def holding(self, evse: int, at: datetime) -> Holding:
        """What holds at an EVSE (0: the station) at a time. ValueError for an EVSE that is not there."""
        second = whole_second(at)
        last = self._last.get(evse)
        if last is not None and last[0] <= second < last[1]:
            return last[2]
        point = self._point(evse, second, Unit.W)
        held = Holding(
            point.limit,
            point.discharge,
            point.setpoint,
            point.phases,
            point.phase,
            point.mode,
            point.lead.period if point.lead is not None else None,
            point.limit_by,
            point.discharge_by,
            point.setpoint_by,
            point.mode_by,
            point.phases_by,
            point.lead.profile if point.lead is not None else None,
            moment_of(point.until),
            point.spread,
        )
        self._last[evse] = (second, point.until, held)
        return held

    def schedule(self, asked: Asked) -> Composite:
        """What holds over a window, from the whole second of its start on. Equal neighbours are one period."""
        start = whole_second(asked.now)
        end = start + max(0, asked.duration_s)
        periods: list[Period] = []
        second, steps = start, 0
        while not periods or (second < end and steps < MOST_STEPS):
            point = self._point(asked.evse, second, asked.unit)
            period = _period(point, second - start)
            if not periods or replace(period, start=periods[-1].start) != periods[-1]:
                periods.append(period)
            second, steps = point.until, steps + 1
        return Composite(
            evse=asked.evse,
            start=datetime.fromtimestamp(start, UTC),
            duration_s=min(second, end) - start,
            unit=asked.unit,
            periods=tuple(periods),
        )

    def _point(self, evse: int, second: int, unit: Unit) -> Point:
        if evse == STATION:
            return self._whole(second, unit)
        if evse not in self._evses:
            raise ValueError(f"there is no EVSE {evse}")
        return self._one(self._evses[evse], second, unit, part=False)

    def _one(self, evse: EvseNow, second: int, unit: Unit, *, part: bool) -> Point:
        """One EVSE; as a part of the station without what is the station's to add or to take."""
        stacks = self._stacks_of(evse)
        lead, until = _first(stacks.transaction, second)
        said = [] if lead is None else [lead]
        until = _leads(stacks.part if part else stacks.limits, second, until, said)
        extra: list[Said] = []
        if not part:
            until = _leads(stacks.generation, second, until, extra)
        supply = self._station.supply
        frame = Frame.of(said, extra, unit, supply, direct=evse.direct)
        default = frame.fit_total(evse.default_w, supply.phases)
        point = merged(said, frame, default, until=until, lead=lead)
        return point._replace(limit=added(point.limit, extra, frame, default)) if extra else point

    def _whole(self, second: int, unit: Unit) -> Point:
        """The station: its EVSEs together, within what holds for all of them."""
        station = self._station
        parts = [(evse, self._one(evse, second, unit, part=True)) for evse in station.evses]
        points = [part for _, part in parts]
        said: list[Said] = []
        extra: list[Said] = []
        until = _leads((self._grid, self._max), second, min((one.until for one in points), default=FOREVER), said)
        until = _leads(self._all_generation(), second, until, extra)
        direct = all(evse.direct for evse in station.evses)
        own = Frame.of(said, extra, unit, station.supply, direct=direct)
        frame = Frame.of_station(points, own, direct=direct)
        default = frame.fit_total(sum(evse.default_w for evse in station.evses), station.supply.phases)
        point = merged(said, frame, default, base=together(parts, frame), until=until)
        return point._replace(limit=added(point.limit, extra, frame, default)) if extra else point

    def _all_generation(self) -> list[Sequence[_Track]]:
        return [self._generation, *(self._stacks_of(evse).generation[0] for evse in self._station.evses)]

    def _stacks_of(self, evse: EvseNow) -> _Stacks:
        stacks = self._stacks.get(evse.number)
        if stacks is None:
            purposes = [Purpose.PRIORITY] if evse.priority else []
            purposes += [Purpose.TX, Purpose.TX_DEFAULT]
            own = self._stack(Purpose.EXTERNAL, evse)
            stacks = self._stacks[evse.number] = _Stacks(
                tuple(self._stack(purpose, evse) for purpose in purposes) if evse.transaction is not None else (),
                (own, self._grid),
                (own, self._grid, self._max),
                (self._stack(Purpose.GENERATION, evse), self._generation),
            )
        return stacks

    def _stack(self, purpose: Purpose, evse: EvseNow | None) -> Sequence[_Track]:
        """The profiles of a purpose at an EVSE, strongest first; what is set for all EVSEs is in each one's stack."""
        everywhere = purpose in {Purpose.PRIORITY, Purpose.TX_DEFAULT}
        number = STATION if evse is None else evse.number
        found = [
            one
            for one in self._profiles
            if one.purpose is purpose
            and (one.evse == number or (everywhere and one.evse == STATION))
            and (purpose is not Purpose.TX or _is_of(one, evse))
        ]
        return self._tracks(found, evse)

    def _tracks(self, profiles: Iterable[Profile], evse: EvseNow | None) -> Sequence[_Track]:
        """The same over the clock: by stack level, then what was set for the EVSE itself, then by id."""
        ranked = sorted(profiles, key=lambda one: (one.stack_level, one.evse, one.id), reverse=True)
        laid = ((one, lay_out(one, evse, self._station), chosen(one, evse)) for one in ranked)
        soc = None if evse is None else evse.soc
        return [
            _Track(line, tuple(Said.of(one.id, schedule, period, soc) for period in schedule.periods))
            for one, line, schedule in laid
            if line is not None and schedule is not None
        ]


def compose(profiles: Iterable[Profile], station: StationNow, asked: Asked, *, supposing: bool = True) -> Composite:
    """The composite schedule, as a charger answers GetCompositeSchedule: as if a car came to each free EVSE now.

    >>> from voltide.ocpp.schedule import Schedule
    >>> day = datetime(2026, 1, 1, tzinfo=UTC)
    >>> limit = Schedule(unit=Unit.W, start=day, duration_s=60, periods=(Period(limit=Phased(7000.0)),))
    >>> profile = Profile(id=7, purpose=Purpose.TX_DEFAULT, schedules=(limit,))
    >>> station = StationNow(evses=(EvseNow(number=1, default_w=11000.0),))
    >>> [(one.start, one.limit.l1) for one in compose([profile], station, Asked(1, day, 120, Unit.W)).periods]
    [(0, 7000.0), (60, 11000.0)]
    """
    return Composition(profiles, station.supposing(asked.now) if supposing else station).schedule(asked)


def _is_of(profile: Profile, evse: EvseNow | None) -> bool:
    """Whether a TxProfile is that of the EVSE's transaction; one without a transaction is of any."""
    return profile.transaction_id is None or (evse is not None and profile.transaction_id == evse.transaction)


def _lead(stack: Sequence[_Track], second: int, until: int) -> tuple[Said | None, int]:
    """What the strongest profile that has a period says, and until when that surely stays."""
    for line, said in stack:
        index, stays = line.at(second)
        until = min(until, stays)
        if index >= 0:
            return said[index], until
    return None, until


def _leads(stacks: Iterable[Sequence[_Track]], second: int, until: int, said: list[Said]) -> int:
    """Put what the lead of each stack says to the list; until when all that surely stays."""
    for stack in stacks:
        lead, until = _lead(stack, second, until)
        if lead is not None:
            said.append(lead)
    return until


def _first(stacks: Iterable[Sequence[_Track]], second: int) -> tuple[Said | None, int]:
    """The first purpose whose lead says anything: it stands for the ones after it."""
    until = FOREVER
    for stack in stacks:
        lead, until = _lead(stack, second, until)
        if lead is not None and lead.period.speaks:
            return lead, until
    return None, until


def _period(point: Point, start: int) -> Period:
    period = Period() if point.lead is None else point.lead.period
    return replace(
        period,
        start=start,
        limit=Phased(*point.limit),
        discharge=None if point.discharge is None else Phased(*point.discharge),
        setpoint=None if point.setpoint is None else Phased(*point.setpoint),
        phases=point.phases,
        phase=point.phase,
        mode=point.mode,
    )
