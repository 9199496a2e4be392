"""Limits of others (block K): what somebody beside us says of a charger's power, and what the car intends.

A limit of somebody else (an energy manager behind the charger, a grid operator) narrows what the plan asks for, from
the next second on; it never widens anything. A charging profile of a transaction that is not ours is taken away again,
for control could not reckon with it.
"""

from datetime import datetime, timedelta
from math import inf

import structlog

from voltide.domain.envelope import Band
from voltide.domain.messages import Ask, ChargerFact, GivePriority, LimitTold, Reply
from voltide.domain.reports import Judged, PriorityTold, ProfilesTold, ScheduleTold
from voltide.domain.requests import AskProfiles
from voltide.domain.site import ChargerId, Evse, EvseId, OcppVersion
from voltide.domain.token import Json
from voltide.domain.units import Watts
from voltide.station.blocks.block import Heard, Kept
from voltide.station.blocks.ground import Ground, Keys, Quiet, evse_name
from voltide.station.guard import OUR_PROFILES
from voltide.station.sessions import Turn

log = structlog.get_logger()

OPEN = Band(-inf, inf)
OURS = "CSO"
"""Whose our own profiles are, in the words of the specification."""
STEERING = frozenset({"TxProfile", "TxDefaultProfile", "PriorityCharging"})
"""Purposes that override a setpoint of ours."""
MOST_SOURCES = 16
"""Of one charger; each source has one limit per outlet."""


class Limits(Quiet):
    """What others say of power."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._limits: dict[tuple[ChargerId, int, str], LimitTold] = {}
        self._sources = Keys(MOST_SOURCES)
        self._foreign: dict[ChargerId, set[int]] = {}

    @property
    def hears(self) -> tuple[type, ...]:
        """Limits, the car's schedule, priority, and lists of profiles."""
        return (LimitTold, ScheduleTold, PriorityTold, ProfilesTold)

    async def load(self) -> None:
        """The limits that stood: a charger does not tell them again after our restart."""
        for charger, key, one in await self._ground.kept("limit", LimitTold):
            if _narrows(one):
                self._limits[charger, one.evse or 0, self._sources.of(charger, key)] = one

    # --- before the commit ---

    async def hear(
        self, charger: ChargerId, fact: LimitTold | ScheduleTold | PriorityTold | ProfilesTold, now: datetime
    ) -> Heard:
        """What is kept, and whether a car's schedule can be borne."""
        match fact:
            case LimitTold():
                return Heard(written=(Kept(kind="limit", key=self._name(charger, fact), what=fact),))
            case ScheduleTold():
                fits = self._fits(charger, fact, now)
                written = (Kept(kind="schedule", key=str(fact.evse), what=fact),)
                return Heard(answer=Judged(accepted=fits, reason="" if fits else "OutOfLimits"), written=written)
            case PriorityTold():
                return Heard(written=(Kept(kind="priority", key=fact.transaction_id, what=fact),))
            case _:
                return Heard(
                    written=tuple(Kept(kind="profile", key=_profile_key(fact, one), what=one) for one in fact.profiles)
                )

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

    def told(self, charger: ChargerId, fact: LimitTold | ScheduleTold | PriorityTold | ProfilesTold) -> None:
        """Limits hold from now on; priority is given or ends; foreign profiles go."""
        match fact:
            case LimitTold():
                self._limit(charger, fact)
            case PriorityTold():
                session = self._ground.crew.sessions.known(charger, fact.transaction_id)
                if session is not None:
                    self._prefer(session.evse, active=fact.activated and session.open)
            case ProfilesTold():
                self._look_for_strangers(charger, fact)

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
        if bands != demand.outside:
            demand.outside = bands
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
        """Limits have schedules, and sessions with priority end."""
        if self._limits or self._ground.crew.demand.outside:
            self._narrow()

    # --- priority ---

    async def give(self, order: GivePriority) -> Reply:
        """An operator serves a car first, or as others again."""
        if order.evse not in self._ground.crew.station.evse_of:
            return Reply(done=False, code="unknown-outlet", detail=order.evse)
        if order.active and self._ground.crew.sessions.at(order.evse) is None:
            return Reply(done=False, code="no-car", detail=order.evse)
        self._prefer(order.evse, active=order.active)
        return Reply(done=True, code="accepted")

    def _prefer(self, evse: EvseId, *, active: bool) -> None:
        first = self._ground.crew.demand.first
        if active is (evse in first):
            return
        (first.add if active else first.discard)(evse)
        if active:
            self._ground.diary.note("priority-on", evse)
        else:
            self._ground.diary.note("priority-off", evse)
        self._ground.crew.planner.changed()

    def heard(self, charger: ChargerId, fact: ChargerFact, turn: Turn) -> None:
        """Priority is a stay's, not an outlet's."""
        del charger, fact
        for session in turn.sessions:
            if not session.open:
                self._prefer(session.evse, active=False)

    # --- profiles of others ---

    async def greet(self, charger: ChargerId) -> None:
        """Ask what profiles a charger holds: another system may have left some."""
        line = self._ground.crew.chargers.lines.get(charger)
        if line is not None and line.version is not OcppVersion.V16:
            self._foreign.pop(charger, None)
            await self._ground.call(charger, AskProfiles(request_id=self._ground.numbers.next()))

    def left(self, charger: ChargerId) -> None:
        """Asked again when it comes back."""
        self._foreign.pop(charger, None)

    def _look_for_strangers(self, charger: ChargerId, told: ProfilesTold) -> None:
        """A profile that could override ours, and is not ours, is taken away; a person is told if it stays."""
        strangers = {
            one["id"]
            for one in told.profiles
            if told.source == OURS and one.get("chargingProfilePurpose") in STEERING and one["id"] not in OUR_PROFILES
        }
        tried = self._foreign.setdefault(charger, set())
        self._ground.diary.alarm_if(bool(strangers & tried), "foreign-profile", charger, ", ".join(map(str, strangers)))
        for number in strangers - tried:
            tried.add(number)
            self._ground.crew.chargers.spawn(self._remove(charger, number))

    async def _remove(self, charger: ChargerId, number: int) -> None:
        order = Ask(action="ClearChargingProfile", payload={"chargingProfileId": number})
        result = await self._ground.call(charger, order)
        log.info("profile.foreign", charger=charger, profile=number, result=type(result).__name__)
        await self._ground.call(charger, AskProfiles(request_id=self._ground.numbers.next()))


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


def _profile_key(told: ProfilesTold, profile: Json) -> str:
    return f"{told.evse}/{told.source}/{profile.get('id')}"
