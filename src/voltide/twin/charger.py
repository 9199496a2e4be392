"""A charger that speaks the real protocol: an OCPP client with outlets, a queue for bad days, and faults on request.

Everything inside is synchronous and driven by two things: a text that has arrived, and the world's tick. Only ``run``
and ``flush`` touch the line.
"""

from collections import deque
from collections.abc import Mapping
from math import inf
from random import Random

from voltide.domain.messages import (
    ApplySetpoint,
    AuthorisationAsked,
    Boot,
    Booted,
    ChargerAnswer,
    ChargerFact,
    HeartBeaten,
    Moment,
    OutletReported,
    OutletState,
    SecurityTold,
    SetpointGiven,
    SetpointPulled,
    TokenVerdict,
    TransactionNoted,
    TransactionTold,
    Welcome,
)
from voltide.domain.site import Charger, OcppVersion
from voltide.domain.time import Clock
from voltide.domain.units import Seconds
from voltide.ocpp.connection import Connection, Limits
from voltide.ocpp.events import Answered, Called, Event, Failed, Hang, Unanswered
from voltide.ocpp.faults import ErrorCode
from voltide.ocpp.messages import Message
from voltide.ocpp.profiles import evse_of
from voltide.twin.bay import Bay
from voltide.twin.desk import Desk
from voltide.twin.drivers import Visit
from voltide.twin.faults import Troubles
from voltide.twin.outlet import Outlet
from voltide.twin.speech import Speech, Told
from voltide.twin.variables import HEARTBEAT_S, SAMPLE_S, TIMEOUT_S, Variables
from voltide.twin.wire import MemoryWire, Wire

ATTEMPTS = 3
"""How often a transaction event that the station cannot read is told again."""
CRASHES = 20
"""So many bugs of one charger are kept for the report."""
PINGS_S: Seconds = 6.0
"""A line whose pings have not been answered for so long is silent."""
REBOOT_S: Seconds = 20.0


class ChargerTwin:
    """One charger. ``line.py`` keeps it connected; the world's tick moves its physics."""

    def __init__(self, charger: Charger, version: OcppVersion, clock: Clock, chance: Random) -> None:
        self.charger, self.version, self.clock, self.chance = charger, version, clock, chance
        self.outlets = tuple(Outlet(evse) for evse in charger.evses)
        self.bays: Mapping[int, Bay] = {outlet.evse.number: Bay(self, outlet) for outlet in self.outlets}
        self.variables = Variables(version, charger)
        self.troubles = Troubles()
        self.messages = self.errors = 0
        self.crashes: list[str] = []
        self.wire: Wire | None = None
        self.hanging = False
        """The line is to be closed when all has been sent."""
        self.pending = False
        """Something is to be sent."""
        self.hasty = False
        """It has chores every second: late answers, or a restart."""
        self.down_until: Seconds = -inf
        """Switched off, restarting."""
        self._speech = Speech(version, charger, clock)
        self._desk = Desk(self)
        self._line = Connection(version, charger=True)
        self._facts: deque[Told] = deque()
        self._flight: Told | None = None
        self._accepted = False
        self._heard_s: Seconds = -inf
        self._is_alone = True
        self._boot_reason = "PowerUp"
        self._fresh = True
        self._transactions = 0
        self._beat_s: Seconds = inf
        self._boot_s: Seconds = inf
        self._late: deque[tuple[Seconds, str, Message]] = deque()
        self._reset: bool | None = None

    # --- what a driver does (see ``street.Pile``) ---

    def plug(self, number: int, visit: Visit) -> None:
        """Put the plug in."""
        self.bays[number].plug(visit)

    def present(self, number: int) -> None:
        """Hold the token to the reader."""
        self.bays[number].present()

    def unplug(self, number: int) -> None:
        """Pull the plug."""
        self.bays[number].unplug()

    def usable(self, number: int) -> bool:
        """Whether the outlet's lamp is green."""
        bay = self.bays[number]
        return bay.operative and bay.fault is None and self.clock.monotonic() >= self.down_until

    # --- what its outlets need (see ``bay.Teller``) ---

    @property
    def online(self) -> bool:
        """Whether the station hears it."""
        return self._accepted and self.wire is not None

    @property
    def sample_s(self) -> Seconds:
        """How often a transaction is told on."""
        return float(self.variables.whole(SAMPLE_S)) or inf

    @property
    def queued(self) -> int:
        """How many facts wait to be told."""
        return len(self._facts) + (self._flight is not None)

    def tell(self, fact: ChargerFact) -> None:
        """Tell the station when its turn comes. While the line is lost only transactions are kept."""
        if not self.online and not isinstance(fact, TransactionTold):
            return
        self._facts.append(Told(fact))
        if self.troubles.echoing and isinstance(fact, TransactionTold) and fact.moment is Moment.UPDATED:
            self._echo(fact)
        self._pump()

    def _echo(self, fact: TransactionTold) -> None:
        """A fault: say it twice under two ids, and let what waits swap places."""
        self._facts.append(Told(fact))
        if len(self._facts) > 3 and self.version is not OcppVersion.V16:
            self._facts[-2], self._facts[-3] = self._facts[-3], self._facts[-2]

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
        self.wire, self._line = wire, Connection(self.version, charger=True, limits=limits)
        self.hanging, self._accepted = False, False
        self.say_hello()

    def lost(self) -> None:
        """The line is gone: what was under way is told again, and what only mattered live is forgotten."""
        self.wire, self._accepted, self._beat_s, self._boot_s = None, False, inf, inf
        self._line.close()
        self._late.clear()
        self._alone()
        if self._flight is not None:
            self._facts.appendleft(self._flight)
            self._flight = None
        self._facts = deque(told for told in self._facts if isinstance(told.fact, TransactionTold))
        for bay in self.bays.values():
            if bay.waiting_token is not None:
                bay.judged(valid=True)

    def _heard(self, now: Seconds) -> None:
        """The station is there."""
        self._heard_s = now
        if self._is_alone and self._accepted:
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
        for event in self._line.receive(text, self.clock.monotonic()):
            self._on(event)

    async def flush(self) -> None:
        """Send all that is to go out."""
        wire = self.wire
        if wire is None:
            return
        self.pending = False
        try:
            for text in self._line.to_send():
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
        """BootNotification; it goes before everything else."""
        reason, self._boot_reason = self._boot_reason, "Unknown"
        fact = Booted(
            vendor="Voltide",
            model=f"Twin {len(self.outlets)}x{self.outlets[0].evse.charge_w / 1000:.0f}",
            serial=f"SN-{self.charger.id}",
            firmware="1.0.0",
            reason=reason,
        )
        self._facts.appendleft(Told(fact))
        self._pump()

    # --- what the world's tick does ---

    def chores(self, now: Seconds) -> None:
        """What is due by the clock; every few seconds are enough, but for late answers and restarts."""
        if self.wire is None:
            return
        if not (isinstance(self.wire, MemoryWire) and self.wire.cut):
            self._heard(now)  # a live line has answered the charger's pings
        elif now - self._heard_s > PINGS_S:
            self._alone()
        if now >= self._beat_s:
            self._beat_s = now + self.variables.whole(HEARTBEAT_S)
            self.tell(HeartBeaten())
        if now >= self._boot_s:
            self._boot_s = inf
            self.say_hello()
        self.hasty = bool(self._late) or self._reset is not None
        while self._late and self._late[0][0] <= now:
            _, who, response = self._late.popleft()
            self._line.answer(who, response)
            self.pending = True
        if self._flight is not None and now >= (self._line.deadline or inf):
            for event in self._line.expire(now):
                self._on(event)
        if self._reset is not None and (self._reset or not any(bay.transaction for bay in self.bays.values())):
            self._restart(now)

    def _restart(self, now: Seconds) -> None:
        """Power off, and on again some seconds later; what still waits in the queue is in lasting memory."""
        self._reset, self._boot_reason, self._fresh = None, "RemoteReset", True
        for bay in self.bays.values():
            if bay.transaction is not None:
                bay.stop("ResetCommand", "ImmediateReset" if self.version is not OcppVersion.V16 else "HardReset")
        self.down_until, self.hanging = now + REBOOT_S, True

    def plan_reset(self, *, immediate: bool) -> None:
        """Restart at the next tick, or when the last transaction has ended."""
        self._reset = immediate
        self.hasty = True

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
        """The station orders something."""
        if not self._accepted:
            self._line.refuse(call.id, ErrorCode.SECURITY_ERROR, "This charger has not been accepted yet.")
            return
        order = self._speech.obey(call)
        if isinstance(order, ApplySetpoint) and (every := self._speech.pull_every(call)) is not None:
            bay = self.bays.get(order.evse)
            if bay is not None:
                bay.pull_every_s = every
        outcome, variables = self._desk.do(order)
        response = self._speech.result(call, outcome, variables)
        if self.troubles.late_s:
            self._late.append((self.clock.monotonic() + self.troubles.late_s, call.id, response))
            self.hasty = True
        else:
            self._line.answer(call.id, response)
        self._pump()

    def _answered(self, event: Answered) -> None:
        told, self._flight = self._flight, None
        if told is not None and told.request is not None and event.response is not None:
            fact = told.fact
            if not isinstance(fact, TransactionTold) or fact.asks_token:
                self._learned(fact, self._speech.learn(told.request, event))
        self._pump()

    def _failed(self) -> None:
        """The station answered with an error: transactions are told again a few times, all else is dropped."""
        told, self._flight = self._flight, None
        if told is not None and isinstance(told.fact, TransactionTold) and told.tries < ATTEMPTS:
            told.id = None
            self._facts.appendleft(told)
        elif told is not None and isinstance(told.fact, Booted):
            self._boot_s = self.clock.monotonic() + 30.0
        self._pump()

    def _learned(self, fact: ChargerFact, answer: ChargerAnswer) -> None:
        """What an answer means for us."""
        match fact, answer:
            case Booted(), Welcome():
                self._welcomed(answer)
            case AuthorisationAsked(), TokenVerdict():
                for bay in self.bays.values():
                    if bay.waiting_token == fact.token:
                        bay.judged(valid=answer.valid)
            case TransactionTold(), TransactionNoted():
                self._noted(fact, answer)
            case SetpointPulled(), SetpointGiven():
                evse = evse_of(fact.profile_id)
                if evse is not None and evse in self.bays:
                    self.bays[evse].pulled(answer.power_w, self.clock.monotonic())

    def _noted(self, fact: TransactionTold, answer: TransactionNoted) -> None:
        """1.6: the transaction has its number. All: a token that turns out bad stops what it started."""
        ours = fact.transaction_id
        if self.version is OcppVersion.V16 and fact.moment is Moment.STARTED and ours is not None:
            self._speech.ids[ours] = answer.transaction_id
        if answer.token is not None and not answer.token.valid:
            for bay in self.bays.values():
                if bay.transaction is not None and bay.transaction == ours:
                    bay.revoked()

    def _welcomed(self, welcome: Welcome) -> None:
        """Accepted: say how every outlet is, then what has waited. Else ask again later."""
        now = self.clock.monotonic()
        interval = float(welcome.interval_s or 30)
        if welcome.verdict is not Boot.ACCEPTED:
            self._boot_s = now + interval
            return
        self._accepted = True
        self.variables.put(HEARTBEAT_S, int(interval))
        self._beat_s = now + interval * (0.5 + 0.5 * self.chance.random())
        waiting, self._facts = self._facts, deque()
        if self._fresh:
            self._fresh = False
            self.tell(SecurityTold(kind="StartupOfTheDevice", at=self.clock.now()))
        state = OutletState.AVAILABLE
        if self.version is OcppVersion.V16:
            self.tell(OutletReported(evse=0, connector=0, state=state, at=self.clock.now()))
        for bay in self.bays.values():
            bay.report()
        self._facts.extend(waiting)

    # --- one call at a time ---

    def _pump(self) -> None:
        """Call with the next fact when no call is open; before we are accepted only the boot may be told."""
        while self._flight is None and self._facts and self.wire is not None:
            if not self._accepted and not isinstance(self._facts[0].fact, Booted):
                return
            told = self._facts.popleft()
            try:
                if not self._speech.say(told):
                    continue
            except ValueError as flaw:  # what breaks the schema is a bug of ours
                self.crashed(flaw)
                continue
            self._flight = told
            told.tries += 1
            if told.request is not None and told.id is not None:
                self._line.call(told.action, told.request, who=told.id, now=self.clock.monotonic())
                self.pending = True
