"""Limits of others (block K): what somebody beside us says of a charger's power, and what the car intends.

A limit of somebody else (an energy manager behind the charger, a grid operator) narrows what the plan asks for, from
the next second on; it never widens anything.
"""

from datetime import datetime, timedelta
from math import inf

from voltide.domain.envelope import Band
from voltide.domain.messages import Booted, ChargerFact, LimitTold
from voltide.domain.reports import Judged, ScheduleTold
from voltide.domain.site import ChargerId, Evse, NodeId
from voltide.domain.units import Watts
from voltide.station.blocks.block import Heard, Kept
from voltide.station.blocks.ground import Ground, Keys, Quiet, evse_name
from voltide.station.sessions import Turn

OPEN = Band(-inf, inf)
MOST_SOURCES = 16
"""Of one charger; each source has one limit per outlet."""


class Limits(Quiet):
    """What others say of power."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._limits: dict[tuple[ChargerId, int, str], LimitTold] = {}
        self._sources = Keys(MOST_SOURCES)

    @property
    def hears(self) -> tuple[type, ...]:
        """Limits, and the car's schedule."""
        return (LimitTold, ScheduleTold)

    async def load(self) -> None:
        """The limits that stood: a charger does not tell them again after our restart."""
        for charger, key, one in await self._ground.kept("limit", LimitTold):
            if _narrows(one):
                self._limits[charger, one.evse or 0, self._sources.of(charger, key)] = one

    # --- before the commit ---

    async def hear(self, charger: ChargerId, fact: LimitTold | ScheduleTold, now: datetime) -> Heard:
        """What is kept, and whether a car's schedule can be borne."""
        if isinstance(fact, LimitTold):
            return Heard(written=(Kept(kind="limit", key=self._name(charger, fact), what=fact),))
        fits = self._fits(charger, fact, now)
        written = (Kept(kind="schedule", key=str(fact.evse), what=fact),)
        return Heard(answer=Judged(accepted=fits, reason="" if fits else "OutOfLimits"), written=written)

    def _name(self, charger: ChargerId, fact: LimitTold) -> str:
        return self._sources.of(charger, f"{fact.evse or 0}/{fact.source}")

    def _fits(self, charger: ChargerId, told: ScheduleTold, now: datetime) -> bool:
        """A car may intend what its outlet and everybody's limits bear; less is always borne."""
        evse = self._ground.crew.station.evse_at.get((charger, told.evse))
        if evse is None:
            return False
        band = Band(-evse.discharge_w, evse.charge_w) & self._band(evse, now)
        return all(step.power_w is None or band.lower <= step.power_w <= band.upper for step in told.steps)

    # --- after the commit ---

    def told(self, charger: ChargerId, fact: LimitTold | ScheduleTold) -> None:
        """Limits hold from now on."""
        if isinstance(fact, LimitTold):
            self._limit(charger, fact)

    def _limit(self, charger: ChargerId, fact: LimitTold) -> None:
        key = (charger, fact.evse or 0, self._name(charger, fact))
        self._limits.pop(key, None)
        if _narrows(fact):
            self._limits[key] = fact
        subject = evse_name(charger, fact.evse)
        said = "" if fact.limit_w is None else f" {fact.limit_w / 1000:.0f} kW"
        self._ground.diary.note("outside-limit", subject, f"{fact.source}{said}")
        self._narrow()

    def _narrow(self) -> None:
        """What all limits of others together leave each outlet now."""
        now, demand = self._ground.clock.now(), self._ground.crew.demand
        bands = {evse.id: self._band(evse, now) for evse in self._limited()}
        bands = {evse: band for evse, band in bands.items() if band != OPEN}
        capped: dict[NodeId, Watts] = {}
        for (charger, number, _), told in self._limits.items():
            upper = _now(told, now).upper
            if number == 0 and upper < inf:
                capped[NodeId(charger)] = min(upper, capped.get(NodeId(charger), inf))
        if bands != demand.outside or capped != demand.capped:
            demand.outside, demand.capped = bands, capped
            self._ground.crew.planner.changed()

    def _limited(self) -> list[Evse]:
        chargers = {charger for charger, _, _ in self._limits}
        of = self._ground.crew.station.charger_of
        return [evse for charger in chargers if charger in of for evse in of[charger].evses]

    def _band(self, evse: Evse, now: datetime) -> Band:
        """A limit of the whole charger holds for each of its outlets too: one alone may not take more."""
        band = OPEN
        for (charger, number, _), told in self._limits.items():
            if charger == evse.charger and number in {0, evse.number}:
                band = band & _now(told, now)
        return band

    async def look(self) -> None:
        """Limits have schedules."""
        if self._limits or self._ground.crew.demand.outside:
            self._narrow()

    def heard(self, charger: ChargerId, fact: ChargerFact, turn: Turn) -> None:
        """A charger that starts anew is told limits anew by whoever sets them."""
        del turn
        if isinstance(fact, Booted):
            self._start_anew(charger)

    def _start_anew(self, charger: ChargerId) -> None:
        """What was told before a start holds no more, or is told again; the charger enforces it, not we."""
        old = [key for key in self._limits if key[0] == charger]
        lifted = [(self._limits.pop(key), key[2]) for key in old]
        if lifted:
            rows = [
                Kept(kind="limit", key=name, what=LimitTold(source=told.source, evse=told.evse))
                for told, name in lifted
            ]
            self._ground.crew.chargers.spawn(self._ground.keep(charger, *rows))
            self._narrow()


def _narrows(told: LimitTold) -> bool:
    """More capacity beside the charger is no limit, nor is one without an amount."""
    return not told.local_generation and (told.limit_w is not None or told.floor_w is not None or bool(told.steps))


def _now(told: LimitTold, now: datetime) -> Band:
    """What one limit leaves now, by its schedule; one without an amount leaves all."""
    upper = told.limit_w
    if told.steps:
        start = told.start or now
        begun = [step for step in told.steps if start + timedelta(seconds=step.offset_s) <= now]
        upper = begun[-1].power_w if begun else None
    lower = told.floor_w
    return Band(-inf if lower is None else min(lower, 0.0), _at_least_nothing(upper))


def _at_least_nothing(limit_w: Watts | None) -> Watts:
    return inf if limit_w is None else max(limit_w, 0.0)
