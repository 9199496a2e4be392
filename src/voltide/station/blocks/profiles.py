"""What chargers hold (block K): their charging profiles and their own reckoning, compared with what they were given.

A charger is asked when it comes, and every hour. A profile of a transaction that is not ours is taken away, for control
could not reckon with it; a safe power that has gone is given again; a setpoint that is reckoned higher is said anew.
"""

from datetime import datetime

import structlog

from voltide.domain.messages import Accepted, ApplyFallback, Ask, OrderResult, Refused
from voltide.domain.reports import ProfilesTold
from voltide.domain.requests import AskProfiles, AskSchedule
from voltide.domain.session import Session
from voltide.domain.site import ChargerId, Evse, OcppVersion
from voltide.domain.token import Json
from voltide.domain.units import Seconds, Watts
from voltide.ocpp.wire import number
from voltide.station.blocks.block import Heard, Kept
from voltide.station.blocks.ground import Ground, Quiet
from voltide.station.guard import OUR_PROFILES

log = structlog.get_logger()

EVERY_S: Seconds = 3600.0
OURS = "CSO"
"""Whose our own profiles are, in the words of the specification."""
STEERING = frozenset({"TxProfile", "TxDefaultProfile", "PriorityCharging"})
"""Purposes that override a setpoint of ours."""
TOLERANCE_W: Watts = 500.0
_FALLBACK = 2000
"""The safe power of outlet 1 is the profile after this; see ``ocpp/profiles``."""
_NONE = frozenset({"NoProfiles", "NoProfile"})


class Profiles(Quiet):
    """What each charger says that it holds."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._asked: dict[tuple[ChargerId, int], list[ProfilesTold]] = {}
        """The parts of the answers that are under way."""
        self._tried: dict[ChargerId, set[int]] = {}
        """Strangers that a charger was told to forget."""
        self._due: dict[ChargerId, float] = {}

    @property
    def hears(self) -> tuple[type, ...]:
        """Lists of profiles."""
        return (ProfilesTold,)

    async def hear(self, charger: ChargerId, fact: ProfilesTold, now: datetime) -> Heard:
        """Each profile is kept by outlet, source and id."""
        del charger, now
        keys = ((f"{fact.evse}/{fact.source}/{one.get('id')}", one) for one in fact.profiles)
        return Heard(written=tuple(Kept(kind="profile", key=key, what=one) for key, one in keys))

    # --- asking ---

    async def greet(self, charger: ChargerId) -> None:
        """Another system may have left some, or ours may have gone."""
        self._tried.pop(charger, None)
        self._due[charger] = self._ground.clock.monotonic() + EVERY_S
        await self._ask(charger)

    def left(self, charger: ChargerId) -> None:
        """Asked again when it comes back."""
        self._tried.pop(charger, None)
        self._due.pop(charger, None)
        for key in [key for key in self._asked if key[0] == charger]:
            del self._asked[key]

    async def look(self) -> None:
        """Every hour, when nothing is held up by it."""
        now_s = self._ground.clock.monotonic()
        for charger, due_s in list(self._due.items()):
            if now_s >= due_s and self._ground.idle(charger):
                self._due[charger] = now_s + EVERY_S
                self._ground.crew.chargers.spawn(self._check(charger))

    async def _check(self, charger: ChargerId) -> None:
        await self._ask(charger)
        for session in self._ground.crew.sessions.open():
            if session.charger == charger:
                await self._compare(session)

    async def _ask(self, charger: ChargerId) -> None:
        line = self._ground.crew.chargers.lines.get(charger)
        if line is None or line.version is OcppVersion.V16:
            return
        request = self._ground.numbers.next()
        self._asked[charger, request] = []
        result = await self._ground.call(charger, AskProfiles(request_id=request))
        if isinstance(result, Accepted):
            return
        self._asked.pop((charger, request), None)
        if isinstance(result, Refused) and result.reason in _NONE:
            await self._restore(charger, [])

    # --- profiles ---

    def told(self, charger: ChargerId, fact: ProfilesTold) -> None:
        """The last part completes a list."""
        self._look_for_strangers(charger, fact)
        parts = self._asked.get((charger, fact.request_id))
        if parts is None:
            return
        parts.append(fact)
        if not fact.more:
            del self._asked[charger, fact.request_id]
            self._ground.crew.chargers.spawn(self._restore(charger, parts))

    def _look_for_strangers(self, charger: ChargerId, told: ProfilesTold) -> None:
        """A profile that could override ours, and is not ours, is taken away; a person is told if it stays."""
        strangers = {
            one["id"]
            for one in told.profiles
            if told.source == OURS and one.get("chargingProfilePurpose") in STEERING and one["id"] not in OUR_PROFILES
        }
        tried = self._tried.setdefault(charger, set())
        names = ", ".join(map(str, sorted(strangers)))
        self._ground.diary.alarm_if(bool(strangers & tried), "foreign-profile", charger, names)
        for found in strangers - tried:
            tried.add(found)
            self._ground.crew.chargers.spawn(self._remove(charger, found))

    async def _remove(self, charger: ChargerId, found: int) -> None:
        order = Ask(action="ClearChargingProfile", payload={"chargingProfileId": found})
        result = await self._ground.call(charger, order)
        log.info("profile.foreign", charger=charger, profile=found, result=type(result).__name__)
        await self._ask(charger)

    async def _restore(self, charger: ChargerId, parts: list[ProfilesTold]) -> None:
        """The safe power of each outlet is there, as it was given; else it is given again."""
        held = {one.get("id"): one for part in parts if part.source == OURS for one in part.profiles}
        found = self._ground.crew.station.charger_of.get(charger)
        evses = () if found is None else found.evses
        lost = [evse for evse in evses if not _holds(held.get(_FALLBACK + evse.number), evse)]
        results: list[OrderResult] = []
        for evse in lost:
            order = ApplyFallback(evse=evse.number, power_w=evse.fallback_w, now=self._ground.clock.now())
            results.append(await self._ground.call(charger, order))
            log.warning("profile.lost", charger=charger, evse=evse.id, result=type(results[-1]).__name__)
        wrong = any(not isinstance(result, Accepted) for result in results)
        self._ground.diary.alarm_if(wrong, "profile-lost", charger, ", ".join(evse.id for evse in lost))

    # --- what the charger itself reckons ---

    async def _compare(self, session: Session) -> None:
        """A charger that reckons an outlet higher than what it was told is told again, and a person hears of it."""
        crew = self._ground.crew
        evse = crew.station.evse_of[session.evse]
        if evse.id in crew.setpoints.shared or evse.id in crew.setpoints.unbound:
            return
        result = await self._ground.call(session.charger, AskSchedule(evse=evse.number, duration_s=60.0))
        says = _present(result.detail) if isinstance(result, Accepted) else None
        if says is None:
            return
        most = crew.setpoints.held(evse.id).possible(self._ground.clock.monotonic())[1]
        wrong = says > max(most, 0.0) + TOLERANCE_W
        self._ground.diary.alarm_if(wrong, "schedule-differs", evse.id, f"{says / 1000:.1f} kW")
        if wrong:
            crew.setpoints.retell(evse.id)


def _holds(profile: Json | None, evse: Evse) -> bool:
    """Whether a profile is the safe power of an outlet. One that is said in amperes is taken at its word.

    >>> from voltide.domain.site import EvseId
    >>> one = Evse(id=EvseId("V1-1"), charger=ChargerId("V1"), number=1, charge_w=9e3, fallback_w=2e3)
    >>> period = {"startPeriod": 0, "limit": 2000.0}
    >>> schedule = {"chargingRateUnit": "W", "chargingSchedulePeriod": [period]}
    >>> _holds({"chargingSchedule": [schedule]}, one), _holds(None, one)
    (True, False)
    """
    if profile is None:
        return False
    schedules = profile.get("chargingSchedule") or [{}]
    periods = schedules[0].get("chargingSchedulePeriod") or [{}]
    limit = number(periods[0].get("limit"))
    said_in_watts = schedules[0].get("chargingRateUnit") == "W"
    return not said_in_watts or (limit is not None and limit <= evse.fallback_w + 1.0)


def _present(detail: Json) -> Watts | None:
    """The power that a composite schedule has at its beginning; see ``AskSchedule``."""
    steps = detail.get("steps") or [{}]
    setpoint = number(steps[0].get("setpoint_w"))
    return number(steps[0].get("limit_w")) if setpoint is None else setpoint
