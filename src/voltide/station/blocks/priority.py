"""Priority (block K): who is served first, by the plan or by the charger itself.

An operator's priority is a weight of the plan and moves no limit. A charger that gives a driver priority by itself
follows its own profile and not our setpoints meanwhile: control then counts the outlet's full power, and the charger is
told to end it where no limit bears that.
"""

from datetime import datetime

from voltide.domain.messages import Accepted, ChargerFact, GivePriority, OrderResult, Refused, Reply
from voltide.domain.reports import PriorityTold
from voltide.domain.requests import UsePriority
from voltide.domain.session import Session, SessionId
from voltide.domain.site import ChargerId, EvseId
from voltide.domain.units import Seconds
from voltide.station.blocks.block import Heard, Kept
from voltide.station.blocks.ground import Ground, Quiet
from voltide.station.loop import Loop
from voltide.station.sessions import Turn

AGAIN_S: Seconds = 20.0
"""How often a charger is told to end a priority that no limit bears."""


class Priority(Quiet):
    """The stays that are served first."""

    def __init__(self, ground: Ground, loop: Loop) -> None:
        self._ground = ground
        self._loop = loop
        self._whose: dict[EvseId, SessionId] = {}
        self._ending: dict[EvseId, float] = {}
        """Outlets whose priority no limit bears, and when their charger is told so again."""

    @property
    def hears(self) -> tuple[type, ...]:
        """A driver has asked for it at the charger, or it has ended."""
        return (PriorityTold,)

    @property
    def orders(self) -> tuple[type, ...]:
        """Priority that is given or ended by hand."""
        return (UsePriority,)

    async def load(self) -> None:
        """What chargers were doing by themselves before our restart, they may still do."""
        for charger, _, one in await self._ground.kept("priority", PriorityTold):
            session = self._ground.crew.sessions.known(charger, one.transaction_id)
            if session is not None and session.open and one.activated:
                self._act(session)

    # --- the plan's ---

    async def give(self, order: GivePriority) -> Reply:
        """An operator serves a car first, or as others again."""
        crew = self._ground.crew
        if order.evse not in crew.station.evse_of:
            return Reply(done=False, code="unknown-outlet", detail=order.evse)
        session = crew.sessions.at(order.evse)
        if session is None:
            return Reply(done=False, code="no-car", detail=order.evse)
        if order.active:
            self._prefer(session)
        elif order.evse in crew.setpoints.unbound:
            crew.chargers.spawn(self._tell_to_end(session))
        else:
            self._end(session)
        return Reply(done=True, code="accepted")

    def _prefer(self, session: Session) -> None:
        self._whose[session.evse] = session.id
        first = self._ground.crew.demand.first
        if session.evse not in first:
            first.add(session.evse)
            self._ground.diary.note("priority-on", session.evse)
            self._ground.crew.planner.changed()

    # --- the charger's own ---

    async def hear(self, charger: ChargerId, fact: PriorityTold, now: datetime) -> Heard:
        """The newest word of each transaction."""
        del charger, now
        return Heard(written=(Kept(kind="priority", key=fact.transaction_id, what=fact),))

    def told(self, charger: ChargerId, fact: PriorityTold) -> None:
        """From now on the outlet's full power counts; or its setpoints again."""
        session = self._ground.crew.sessions.known(charger, fact.transaction_id)
        if session is None:
            return
        if fact.activated and session.open:
            self._act(session)
        else:
            self._end(session)

    def _act(self, session: Session) -> None:
        """The charger serves it by itself."""
        crew = self._ground.crew
        self._prefer(session)
        crew.setpoints.unbind(crew.station.evse_of[session.evse], active=True)

    def _end(self, session: Session) -> None:
        """It is served as others are; of another stay's priority that says nothing."""
        crew, evse = self._ground.crew, session.evse
        if self._whose.get(evse) != session.id:
            return
        del self._whose[evse]
        crew.demand.first.discard(evse)
        crew.setpoints.unbind(crew.station.evse_of[evse], active=False)
        if self._ending.pop(evse, None) is not None:
            self._ground.diary.clear_alarm("priority-no-room", evse)
        self._ground.diary.note("priority-off", evse)
        crew.planner.changed()

    def heard(self, charger: ChargerId, fact: ChargerFact, turn: Turn) -> None:
        """Priority is a stay's, not an outlet's."""
        del charger, fact
        for session in turn.sessions:
            if not session.open:
                self._end(session)

    async def look(self) -> None:
        """Have a priority ended that could overrun a limit, again and again until it is."""
        crew, now_s = self._ground.crew, self._ground.clock.monotonic()
        for evse in crew.setpoints.unbound:
            session = crew.sessions.at(evse)
            if session is None or not self._loop.overruns(evse) or now_s < self._ending.get(evse, 0.0):
                continue
            self._ending[evse] = now_s + AGAIN_S
            self._ground.diary.raise_alarm("priority-no-room", evse)
            crew.chargers.spawn(self._tell_to_end(session))

    async def _tell_to_end(self, session: Session) -> None:
        order = UsePriority(transaction_id=session.transaction_id, active=False)
        if isinstance(await self._ground.call(session.charger, order), Accepted):
            await self._keep(session, active=False)
            self._end(session)

    async def _keep(self, session: Session, *, active: bool) -> None:
        told = PriorityTold(transaction_id=session.transaction_id, activated=active)
        await self._ground.keep(session.charger, Kept(kind="priority", key=session.transaction_id, what=told))

    # --- by hand ---

    def refuses(self, charger: ChargerId, order: UsePriority) -> str | None:
        """Only where every limit bears the outlet's full power, which counts from now on."""
        crew = self._ground.crew
        session = crew.sessions.known(charger, order.transaction_id)
        if session is None or not session.open:
            return f"{charger} has no open transaction {order.transaction_id}."
        evse = crew.station.evse_of[session.evse]
        if order.active and not self._loop.bears(evse.id, (0.0, evse.charge_w)):
            return f"No limit leaves room for the full power of {evse.id}: use the order GivePriority instead."
        if order.active:
            self._act(session)
        return None

    async def done(self, charger: ChargerId, order: UsePriority, result: OrderResult) -> None:
        """Where no answer came it may have begun, so its full power goes on counting."""
        session = self._ground.crew.sessions.known(charger, order.transaction_id)
        if session is None or not session.open:
            return
        began = order.active and not isinstance(result, Refused)
        if began:
            await self._keep(session, active=True)
        elif order.active or isinstance(result, Accepted):
            await self._keep(session, active=False)
            self._end(session)
