"""What a charger has to say: one call at a time, in order, kept while the line is lost where it is about money."""

from collections import deque
from collections.abc import Callable
from math import inf
from typing import Protocol

from voltide.domain.messages import Booted, TransactionTold
from voltide.domain.site import OcppVersion
from voltide.domain.time import Clock
from voltide.domain.units import Seconds
from voltide.ocpp.connection import Connection
from voltide.ocpp.events import Event
from voltide.twin.speech import Saying, Speech
from voltide.twin.variables import ATTEMPT_S, ATTEMPTS, Variables
from voltide.twin.wire import Wire


class Teller(Protocol):
    """The charger whose words they are."""

    version: OcppVersion
    clock: Clock
    variables: Variables
    pending: bool
    wire: Wire | None

    @property
    def online(self) -> bool:
        """Whether the station has accepted it."""
        ...

    def crashed(self, bug: Exception) -> None:
        """A bug of ours has shown."""
        ...


class Telling:
    """The queue. ``line`` is the connection of the day; ``holding`` keeps back what must come after an answer."""

    def __init__(self, teller: Teller, speech: Speech) -> None:
        self._teller, self._speech = teller, speech
        self.line = Connection(teller.version, charger=True)
        self.waiting: deque[Saying] = deque()
        self.flight: Saying | None = None
        self.holding = False

    @property
    def queued(self) -> int:
        """How many wait, with the one under way."""
        return len(self.waiting) + (self.flight is not None)

    def tells_of(self, transaction: str | None) -> bool:
        """Whether events of a transaction (None: of any) wait, or are under way."""
        said = (*self.waiting, self.flight) if self.flight is not None else tuple(self.waiting)
        events = [one.fact for one in said if isinstance(one.fact, TransactionTold)]
        return any(transaction is None or fact.transaction_id == transaction for fact in events)

    def put(self, saying: Saying) -> None:
        """Say it when its turn comes."""
        self.waiting.append(saying)
        self.pump()

    def first(self, saying: Saying) -> None:
        """Say it before everything else."""
        self.waiting.appendleft(saying)
        self.pump()

    def lost(self) -> None:
        """The line is gone: what was under way is told again, and what only mattered live is forgotten."""
        self.line.close()
        if self.flight is not None:
            self.waiting.appendleft(self.flight)
            self.flight = None
        self.waiting = deque(said for said in self.waiting if said.keep)

    def set_aside(self) -> deque[Saying]:
        """Take all that waits out, to say something else first; ``resume`` puts it back behind that."""
        waiting, self.waiting = self.waiting, deque()
        return waiting

    def resume(self, waiting: deque[Saying]) -> None:
        """What was set aside comes after what has been put in since."""
        self.waiting.extend(waiting)

    def landed(self) -> Saying | None:
        """The one under way has its answer, or will never have one."""
        done, self.flight = self.flight, None
        return done

    def expire(self, now: Seconds) -> list[Event]:
        """What the connection gives up; and a repetition whose time has come is told."""
        if self.flight is not None:
            return self.line.expire(now) if now >= (self.line.deadline or inf) else []
        if self.waiting:
            self.pump()
        return []

    def again(self, saying: Saying) -> bool:
        """The station could not take it: a transaction's event is told again after a while, a few times."""
        tries = self._teller.variables.whole(ATTEMPTS)
        if not isinstance(saying.fact, TransactionTold) or saying.tries >= tries:
            return False
        saying.id = None
        wait = self._teller.variables.whole(ATTEMPT_S) * saying.tries
        saying.not_before = self._teller.clock.monotonic() + wait
        self.waiting.appendleft(saying)
        return True

    def pump(self) -> None:
        """Call with the next that may be told when no call is open."""
        while self.flight is None and self.waiting and not self.holding and self._teller.wire is not None:
            said = self._next()
            if said is None:
                return
            try:
                if not self._speech.say(said):
                    continue
            except ValueError as flaw:  # what breaks the schema is a bug of ours
                self._teller.crashed(flaw)
                continue
            self.flight = said
            said.tries += 1
            if said.request is not None and said.id is not None:
                self.line.call(said.action, said.request, who=said.id, now=self._teller.clock.monotonic())
                self._teller.pending = True

    def _next(self) -> Saying | None:
        """The head of the queue, unless it must wait; before we are accepted only the boot and what is asked for."""
        head = self.waiting[0]
        if not self._teller.online:
            return self._take(lambda said: isinstance(said.fact, Booted) or said.asked)
        if head.not_before > self._teller.clock.monotonic():
            return self._take(lambda said: not isinstance(said.fact, TransactionTold))
        return self.waiting.popleft()

    def _take(self, fits: Callable[[Saying], bool]) -> Saying | None:
        """The first that fits, out of its turn."""
        found = next((said for said in self.waiting if fits(said)), None)
        if found is not None:
            self.waiting.remove(found)
        return found
