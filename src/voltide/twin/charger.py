"""A charger that speaks the real protocol: an OCPP client with outlets, a queue for bad days, and faults on request.

Everything inside is synchronous and driven by two things: a text that has arrived, and the world's tick. Only ``run``
and ``flush`` touch the line.
"""

from collections import deque
from collections.abc import Callable, Mapping
from math import inf
from random import Random

from voltide.domain.messages import (
    Boot,
    Booted,
    ChargerFact,
    Json,
    Moment,
    SecurityTold,
    Token,
    Told,
    TransactionTold,
)
from voltide.domain.site import Charger, OcppVersion
from voltide.domain.time import Clock
from voltide.domain.units import Seconds
from voltide.ocpp.connection import Connection, Limits
from voltide.ocpp.events import Answered, Called, Event, Failed, Hang, Unanswered
from voltide.ocpp.faults import ErrorCode
from voltide.ocpp.messages import Message
from voltide.ocpp.wire import request
from voltide.twin.answers import Answers
from voltide.twin.bay import Bay
from voltide.twin.blocks.block import B, Block, Hook, Learn, Restart
from voltide.twin.blocks.tokens import Tokens
from voltide.twin.desk import Desk
from voltide.twin.drivers import Visit
from voltide.twin.faults import Troubles
from voltide.twin.files import Files, NoFiles
from voltide.twin.grid import Grid
from voltide.twin.life import Life
from voltide.twin.network import Network
from voltide.twin.orders import Orders
from voltide.twin.outlet import Outlet
from voltide.twin.rack import EVERY, Rack
from voltide.twin.speech import Saying, Speech, joined
from voltide.twin.telling import Telling
from voltide.twin.variables import SAMPLE_S, TIMEOUT_S, Variables
from voltide.twin.vault import Vault
from voltide.twin.wire import MemoryWire, Wire

CRASHES = 20
"""So many bugs of one charger are kept for the report."""
PINGS_S: Seconds = 6.0
"""A line whose pings have not been answered for so long is silent."""


class ChargerTwin:
    """One charger. ``line.py`` keeps it connected; the world's tick moves its physics."""

    def __init__(
        self,
        charger: Charger,
        version: OcppVersion,
        clock: Clock,
        chance: Random,
        blocks: tuple[type[Block], ...] = EVERY,
    ) -> None:
        self.charger, self.version, self.clock, self.chance = charger, version, clock, chance
        self.outlets = tuple(Outlet(evse) for evse in charger.evses)
        self.bays: Mapping[int, Bay] = {outlet.evse.number: Bay(self, outlet) for outlet in self.outlets}
        self.variables = Variables(version, charger)
        self.troubles = Troubles()
        self.grid = Grid()
        self.files: Files = NoFiles()
        self.vault = Vault()
        self.network = Network(version, charger.id, self.vault)
        self.messages = self.errors = 0
        self.crashes: list[str] = []
        self.wire: Wire | None = None
        self.hanging = False
        """The line is to be closed when all has been sent."""
        self.pending = False
        """Something is to be sent."""
        self.hasty = False
        """It has chores every second: late answers, a restart, or something to watch."""
        self.hooks: list[Hook] = []
        self._watches: list[Callable[[Seconds], None]] = []
        self._speech = Speech(version, charger, clock)
        self._telling = Telling(self, self._speech)
        self._life = Life(self, self._telling)
        self.desk = Desk(self)
        self._rack = Rack(self, blocks)
        self._answers = Answers(self, self._speech, self._life)
        self._rack.wake()
        self._orders = Orders(version, self.desk, self._rack)
        self._heard_s: Seconds = -inf
        self._is_alone = True
        self._transactions = 0
        self._late: deque[tuple[Seconds, str, Message]] = deque()

    # --- what a driver does (see ``street.Pile``) ---

    def plug(self, number: int, visit: Visit) -> None:
        """Put the plug in."""
        self.bays[number].plug(visit)

    def present(self, number: int, token: Token | None = None) -> None:
        """Hold the token to the reader: the driver's own, or another."""
        bay = self.bays[number]
        if bay.visit is not None:
            self.part(Tokens).presented(bay, token or Token(id=bay.visit.token))

    def unplug(self, number: int) -> None:
        """Pull the plug."""
        self.bays[number].unplug()

    def usable(self, number: int) -> bool:
        """Whether the outlet's lamp is green."""
        bay = self.bays[number]
        return bay.serves and bay.fault is None and self.clock.monotonic() >= self.down_until

    # --- what its outlets and blocks need (see ``bay.Teller`` and ``blocks.block.Box``) ---

    @property
    def online(self) -> bool:
        """Whether the station hears it."""
        return self._life.standing is Boot.ACCEPTED and self.wire is not None

    @property
    def firmware(self) -> str:
        """The version of its software."""
        return self._life.firmware

    @property
    def welcome(self) -> bool:
        """Whether the station has taken it in, if only to wait."""
        return self._life.standing in {Boot.ACCEPTED, Boot.PENDING}

    @property
    def alone_since(self) -> Seconds | None:
        """Since when the station has not been heard; None: it is."""
        return max(self._heard_s, 0.0) if self._is_alone else None

    @property
    def down_until(self) -> Seconds:
        """It is switched off so long."""
        return self._life.down_until

    @property
    def sample_s(self) -> Seconds:
        """How often a transaction is told on."""
        return float(self.variables.whole(SAMPLE_S)) or inf

    @property
    def queued(self) -> int:
        """How many facts wait to be told."""
        return self._telling.queued

    def tell(self, fact: ChargerFact) -> None:
        """Tell the station when its turn comes. Transactions and security events outlive a lost line."""
        keep = isinstance(fact, TransactionTold | SecurityTold)
        if not self.online and not keep and not self._telling.holding:
            return
        saying = Saying(fact, asked=self._telling.holding, keep=keep)
        if self.hooks and isinstance(fact, TransactionTold):
            saying.extra = self._beyond(fact)
        self._telling.put(saying)
        if self.troubles.echoing and isinstance(fact, TransactionTold) and fact.moment is Moment.UPDATED:
            self._echo(fact)

    def _beyond(self, fact: TransactionTold) -> Json:
        """What the blocks add to an event of a transaction."""
        extra: Json = {}
        for hook in self.hooks:
            extra = joined(extra, hook(fact) or {})
        return extra

    def call(self, action: str, body: Json, then: Callable[[Json], None] | None = None, *, keep: bool = False) -> None:
        """Call the station by the wire's own words; ``then`` hears its answer. ``keep`` it while the line is lost."""
        if self.online or self._telling.holding or keep:
            fact = Told(action=action, payload=body)
            self._telling.put(Saying(fact, then=then, asked=self._telling.holding, keep=keep))

    def send(self, action: str, body: Json) -> None:
        """Tell the station what is never answered (2.1)."""
        if self.online:
            said = request(self.version, action, body)
            self._telling.line.send(action, said.request, who=self._speech.new_id())
            self.pending = True

    def watch(self, look: Callable[[Seconds], None]) -> None:
        """Have ``look`` called each second from now on, until ``unwatch``."""
        if look not in self._watches:
            self._watches.append(look)
        self.hasty = True

    def unwatch(self, look: Callable[[Seconds], None]) -> None:
        """Enough."""
        if look in self._watches:
            self._watches.remove(look)

    def waits(self, transaction: str | None) -> bool:
        """Whether events (of a transaction) wait to be told."""
        ours = next((one for one, known in self._speech.ids.items() if known == transaction), transaction)
        return self._telling.tells_of(ours)

    def trigger(self, message: str, evse: int | None) -> bool | None:
        """Tell a message of a block now; None: no block tells it."""
        return self._rack.trigger(message, evse)

    def learn(self, learner: Learn) -> None:
        """Have each answer to an event of a transaction heard."""
        self._answers.learners.append(learner)

    def part(self, kind: type[B]) -> B:
        """One of its blocks."""
        return self._rack.part(kind)

    def _echo(self, fact: TransactionTold) -> None:
        """A fault: say it twice under two ids, and let what waits swap places."""
        waiting = self._telling.waiting
        waiting.append(Saying(fact, keep=True))
        if len(waiting) > 3 and self.version is not OcppVersion.V16:
            waiting[-2], waiting[-3] = waiting[-3], waiting[-2]
        self._telling.pump()

    def name_transaction(self) -> str:
        """A new transaction id; in 1.6 a name of our own until the station has given its number."""
        self._transactions += 1
        return f"{self.charger.id}-{self._transactions:06d}"

    def known_id(self, transaction: str | None) -> str | None:
        """A transaction id as the station knows it."""
        return transaction if transaction is None else self._speech.ids.get(transaction, transaction)

    # --- the line ---

    def connected(self, wire: Wire) -> None:
        """A line is open: say who we are."""
        limits = Limits(timeout_s=float(self.variables.whole(TIMEOUT_S)))
        self.wire, self._telling.line = wire, Connection(self.version, charger=True, limits=limits)
        self.hanging, self._life.standing = False, None
        self.say_hello()

    def lost(self) -> None:
        """The line is gone."""
        self.wire = None
        self._life.lost()
        self._telling.lost()
        self._late.clear()
        self._alone()
        for bay in self.bays.values():
            if bay.waiting_token is not None:
                self.part(Tokens).decide_alone(bay)

    def _heard(self, now: Seconds) -> None:
        """The station is there."""
        self._heard_s = now
        if self._is_alone and self.online:
            self._is_alone = False
            for outlet in self.outlets:
                outlet.profiles.together()
                outlet.look()

    def _alone(self) -> None:
        """The station is not heard: what it said holds for a limited time only."""
        if not self._is_alone:
            self._is_alone = True
            for outlet in self.outlets:
                outlet.profiles.alone(self._heard_s)
                outlet.look()

    def hear(self, text: str) -> None:
        """One text has arrived."""
        self.messages += 1
        for event in self._telling.line.receive(text, self.clock.monotonic()):
            self._on(event)

    async def flush(self) -> None:
        """Send all that is to go out."""
        wire = self.wire
        if wire is None:
            return
        self.pending = False
        try:
            for text in self._telling.line.to_send():
                self.messages += 1
                await wire.send(text)
            if self.hanging:
                await wire.close()
        except OSError:
            self.hanging = True
        except Exception as bug:  # noqa: BLE001 - see ``crashed``
            self.crashed(bug)

    def crashed(self, bug: Exception) -> None:
        """A bug in one charger must not end the others: the run reports it, and the line begins anew."""
        self.hanging = True
        if len(self.crashes) < CRASHES:
            self.crashes.append(f"{self.charger.id}: {bug!r}")

    def say_hello(self) -> None:
        """Tell who it is."""
        self._life.hello()

    # --- what the world's tick does ---

    def chores(self, now: Seconds) -> None:
        """What is due by the clock; every few seconds are enough, but for what makes it hasty."""
        life, telling = self._life, self._telling
        if self.hasty:
            self._hurry(now)
        if self.wire is None:
            return
        if not (isinstance(self.wire, MemoryWire) and self.wire.cut):
            self._heard(now)  # a live line has answered the charger's pings
        elif now - self._heard_s > PINGS_S:
            self._alone()
        if now >= life.due_s:
            life.chores(now)
        if telling.flight is not None or telling.waiting:
            for event in telling.expire(now):
                self._on(event)

    def _hurry(self, now: Seconds) -> None:
        """What is looked at each second: what blocks watch, late answers (a fault), a restart."""
        for look in tuple(self._watches):
            look(now)
        while self._late and self._late[0][0] <= now:
            _, who, response = self._late.popleft()
            self._telling.line.answer(who, response)
            self.pending = True
        if self.wire is not None:
            self._life.restart_if_due(now)
        self.hasty = bool(self._late or self._watches) or self._life.restart is not None

    def redial(self) -> None:
        """Close the line once all is out, and open it anew."""
        self.hanging = self.pending = True

    def plan_reset(self, restart: Restart) -> None:
        """Restart at the next tick, or when the last transaction has ended."""
        self._life.plan(restart)

    # --- events of the connection ---

    def _on(self, event: Event) -> None:
        match event:
            case Called():
                self._called(event)
            case Answered():
                self._answered(event)
            case Failed():
                self.errors += 1
                self._failed()
            case Unanswered(sent=True):  # no answer in time: the line is as good as dead
                self.errors += 1
                self.hanging = True
            case Hang():
                self.hanging = True
            case _:
                self.errors += 1

    def _called(self, call: Called) -> None:
        """The station orders something: it has its answer before anything that follows from it."""
        self._telling.holding = True
        try:
            response = self._orders.answer(call, self._life.standing)
        finally:
            self._telling.holding = False
        if isinstance(response, ErrorCode):
            self._telling.line.refuse(call.id, response, "This charger does not do that now.")
        elif self.troubles.late_s:
            self._late.append((self.clock.monotonic() + self.troubles.late_s, call.id, response))
            self.hasty = True
        else:
            self._telling.line.answer(call.id, response)
        self._telling.pump()

    def _answered(self, event: Answered) -> None:
        told = self._telling.landed()
        if told is not None and event.response is not None:
            self._answers.hear(told, event.response)
        self._telling.pump()

    def _failed(self) -> None:
        """The station answered with an error: transactions are told again a few times, all else is dropped."""
        told = self._telling.landed()
        if told is not None and not self._telling.again(told) and isinstance(told.fact, Booted):
            self._life.unheard()
        self._telling.pump()
