"""V2X (block Q): outlets that act by themselves within a band, by frequency, signal or load, as long as limits bear it.

Control grants a band before it is said, and counts the outlet anywhere in it; see ``control/step.allows``. A mode ends
with its time, its car, its line, when a limit no longer bears it, or when the car has no more to spare: then the outlet
is told setpoints again.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from voltide.domain.envelope import Band
from voltide.domain.messages import (
    Accepted,
    ChargerFact,
    EndShare,
    NeedsTold,
    OrderResult,
    Refused,
    Reply,
    ShareOutlet,
    TellSignal,
)
from voltide.domain.requests import AllowTransfer, SendSignal, ShareMode
from voltide.domain.session import Session, SessionId
from voltide.domain.site import ChargerId, Evse, EvseId
from voltide.domain.units import Seconds
from voltide.ocpp.profiles import is_dynamic
from voltide.station.blocks.ground import SOON_S, Ground, Silent
from voltide.station.line import SETPOINT_WAIT_S
from voltide.station.loop import Loop
from voltide.station.sessions import Turn

MODES = frozenset(
    {"CentralFrequency", "ExternalLimits", "ExternalSetpoint", "Idle", "LocalFrequency", "LocalLoadBalancing"}
)
LONGEST_S: Seconds = 24 * 3600.0
_BACK = "_BPT"
"""What names an energy transfer that goes both ways."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """An outlet in a mode."""

    order: ShareOutlet
    session: SessionId
    until_s: float


class Sharing(Silent):
    """The outlets that act by themselves, and the directions that cars may use."""

    def __init__(self, ground: Ground, loop: Loop) -> None:
        self._ground = ground
        self._loop = loop
        self._running: dict[EvseId, Mode] = {}
        self._could: dict[EvseId, tuple[str, ...]] = {}
        """The energy transfers that the car at an outlet can do, as it has told."""
        self._allowed: dict[EvseId, tuple[SessionId, tuple[str, ...]]] = {}

    @property
    def orders(self) -> tuple[type, ...]:
        """Directions that are allowed by hand."""
        return (AllowTransfer,)

    @property
    def running(self) -> dict[EvseId, str]:
        """Which outlet is in which mode."""
        return {evse: one.order.mode for evse, one in self._running.items()}

    # --- what people ask ---

    async def share(self, order: ShareOutlet) -> Reply:
        """Let an outlet act by itself; the reply says why not."""
        crew = self._ground.crew
        evse = crew.station.evse_of.get(order.evse)
        session = crew.sessions.at(order.evse) if evse is not None else None
        if evse is None or session is None:
            return Reply(done=False, code="unknown-outlet" if evse is None else "no-car", detail=order.evse)
        why = self._unable(order, evse) or self._unwilling(order, session)
        if why is not None:
            return why
        stay = self._loop.grant(evse.id, (order.floor_w, order.ceiling_w))
        if stay is None:
            return Reply(done=False, code="no-room", detail=f"{order.floor_w:.0f} to {order.ceiling_w:.0f} W")
        return await self._soon(order, evse, session, stay)

    def _unable(self, order: ShareOutlet, evse: Evse) -> Reply | None:
        """What the outlet cannot do, or not now."""
        crew = self._ground.crew
        line = crew.chargers.lines.get(evse.charger)
        if line is None or not is_dynamic(line.version, line.charger) or order.mode not in MODES:
            return Reply(done=False, code="not-able", detail=order.mode)
        band = self._band(evse)
        if not (band.lower <= order.floor_w <= 0.0 <= order.ceiling_w <= band.upper):
            return Reply(done=False, code="out-of-range", detail=f"{band.lower:.0f} to {band.upper:.0f} W")
        if not 0.0 < order.seconds <= LONGEST_S:
            return Reply(done=False, code="bad-times", detail="a day at most")
        acts = evse.id in crew.setpoints.shared or evse.id in crew.setpoints.unbound
        if acts or crew.setpoints.held(evse.id).waiting:
            return Reply(done=False, code="busy", detail=evse.id)
        return None

    def _band(self, evse: Evse) -> Band:
        """What the outlet can do, and people and others let it do now."""
        demand = self._ground.crew.demand
        band = Band(-evse.discharge_w, min(evse.charge_w, demand.limits.get(evse.id, evse.charge_w)))
        return band & demand.outside[evse.id] if evse.id in demand.outside else band

    def _unwilling(self, order: ShareOutlet, session: Session) -> Reply | None:
        """What the driver has not agreed to, or the battery cannot spare."""
        if order.floor_w == 0.0:
            return None
        needs = session.needs
        if not needs.v2g or order.floor_w < -needs.discharge_w:
            return Reply(done=False, code="not-agreed", detail=f"{needs.discharge_w:.0f} W")
        spare = self._ground.crew.planner.spare_wh(session)
        return Reply(done=False, code="nothing-to-spare", detail=session.evse) if spare <= 0.0 else None

    async def _soon(self, order: ShareOutlet, evse: Evse, session: Session, stay: int) -> Reply:
        """Say it in a task of its own, so that its answer is heard whoever has stopped waiting for it."""
        told: list[OrderResult] = []
        done = asyncio.Event()

        async def say() -> None:
            told.append(await self._say(order, evse, session, stay))
            done.set()

        self._ground.crew.chargers.spawn(say())
        with suppress(TimeoutError):
            async with asyncio.timeout(SOON_S):
                await done.wait()
        match told:
            case [Accepted()]:
                return Reply(done=True, code="accepted")
            case [Refused() as no]:
                return Reply(done=False, code="refused", detail=str(no.detail.get("flaw", no.reason)))
            case _:
                return Reply(done=False, code="unknown", detail="no answer in time")

    async def _say(self, order: ShareOutlet, evse: Evse, session: Session, stay: int) -> OrderResult:
        crew, clock = self._ground.crew, self._ground.clock
        request = ShareMode(
            evse=evse.number,
            transaction_id=session.transaction_id,
            mode=order.mode,
            ceiling_w=order.ceiling_w,
            floor_w=order.floor_w,
            lease_s=crew.setpoints.offline_s,
            now=clock.now(),
            setpoint_w=order.setpoint_w,
            baseline_w=order.baseline_w,
            frequency_curve=order.frequency_curve,
            signal_curve=order.signal_curve,
        )
        until_s = clock.monotonic() + order.seconds
        result = await crew.chargers.order(evse.charger, request, wait_s=SETPOINT_WAIT_S)
        crew.setpoints.share_said(evse.id, stay, result)
        if evse.id in crew.setpoints.shared:
            self._running[evse.id] = Mode(order=order, session=session.id, until_s=until_s)
            self._ground.diary.note("shared", evse.id, order.mode)
        return result

    async def end(self, order: EndShare) -> Reply:
        """Take an outlet back."""
        if order.evse not in self._running:
            return Reply(done=False, code="unknown-order", detail=order.evse)
        self._ground.crew.setpoints.retake(order.evse)
        self._forget()
        return Reply(done=True, code="accepted")

    async def tell(self, order: TellSignal) -> Reply:
        """The grid's signal, for every charger with an outlet that follows it; the detail says how many took it."""
        follow = {
            self._ground.crew.station.evse_of[evse].charger
            for evse, one in self._running.items()
            if one.order.mode == "CentralFrequency" or one.order.signal_curve
        }
        signal = SendSignal(at=self._ground.clock.now(), signal=order.signal)
        results = await self._ground.call_all(dict.fromkeys(sorted(follow), signal))
        took = sum(isinstance(one, Accepted) for one in results.values())
        return Reply(done=True, code="accepted", detail=f"{took} of {len(results)}")

    # --- once a second ---

    async def look(self) -> None:
        """End what is over, and tell chargers what the drivers at them have agreed to."""
        crew, now_s = self._ground.crew, self._ground.clock.monotonic()
        for evse, one in list(self._running.items()):
            session = crew.sessions.at(evse)
            gone = session is None or session.id != one.session
            empty = not gone and one.order.floor_w < 0.0 and self._empty(session)
            band = self._band(crew.station.evse_of[evse])
            outside = one.order.floor_w < band.lower or one.order.ceiling_w > band.upper
            if gone or empty or outside or now_s >= one.until_s:
                crew.setpoints.retake(evse)
        self._forget()
        for evse in list(self._could):
            self._allow(evse)

    def _empty(self, session: Session | None) -> bool:
        return session is None or self._ground.crew.planner.spare_wh(session) <= 0.0

    def _forget(self) -> None:
        """What control has taken back does not run any more."""
        shared = self._ground.crew.setpoints.shared
        for evse in [evse for evse in self._running if evse not in shared]:
            del self._running[evse]
            self._ground.diary.note("share-ended", evse)

    # --- which directions a car may use ---

    def heard(self, charger: ChargerId, fact: ChargerFact, turn: Turn) -> None:
        """A car says which energy transfers it can do."""
        del turn
        if not isinstance(fact, NeedsTold) or fact.mode is None:
            return
        evse = self._ground.crew.station.evse_at.get((charger, fact.evse))
        if evse is not None:
            self._could[evse.id] = (fact.mode, *fact.modes)

    def _allow(self, evse: EvseId) -> None:
        """Say it once, and again when the driver has changed their mind."""
        crew = self._ground.crew
        session = crew.sessions.at(evse)
        if session is None:
            self._could.pop(evse, None)
            self._allowed.pop(evse, None)
            return
        line = crew.chargers.lines.get(session.charger)
        modes = allowed(self._could[evse], both=session.needs.v2g)
        if line is None or not is_dynamic(line.version, line.charger) or not self._ground.idle(session.charger):
            return
        if self._allowed.get(evse) == (session.id, modes):
            return
        self._allowed[evse] = (session.id, modes)
        crew.chargers.spawn(self._tell_allowed(session, modes))

    async def _tell_allowed(self, session: Session, modes: tuple[str, ...]) -> None:
        await self._ground.call(session.charger, AllowTransfer(transaction_id=session.transaction_id, modes=modes))

    def refuses(self, charger: ChargerId, order: AllowTransfer) -> str | None:
        """Nobody's battery is used without its driver's word."""
        session = self._ground.crew.sessions.known(charger, order.transaction_id)
        if session is None or not session.open:
            return f"{charger} has no open transaction {order.transaction_id}."
        if any(_BACK in mode for mode in order.modes) and not session.needs.v2g:
            return "The driver has not agreed to give back: use the order TellNeeds first."
        return None

    async def done(self, charger: ChargerId, order: AllowTransfer, result: OrderResult) -> None:
        """Nothing is kept of it: the next change of the driver's mind is told all the same."""
        del charger, order, result


def allowed(could: Iterable[str], *, both: bool) -> tuple[str, ...]:
    """What a car may do of what it can: both ways only with its driver's word.

    >>> allowed(("DC_BPT", "DC"), both=False), allowed(("DC_BPT",), both=True)
    (('DC',), ('DC_BPT',))
    """
    one_way = (mode if both else mode.replace(_BACK, "") for mode in could)
    return tuple(dict.fromkeys(one_way))
