"""One charger's line: the sans-I/O connection on the one side, a wire that carries texts on the other."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias, runtime_checkable

import structlog

from voltide.domain.messages import ChargerOrder, OrderResult, Refused, Unknown
from voltide.domain.site import Charger, OcppVersion
from voltide.domain.time import Clock
from voltide.ocpp.answers import goes_on
from voltide.ocpp.connection import Connection, Limits
from voltide.ocpp.dialect import Dialect, dialect
from voltide.ocpp.events import Answered, Called, Event, Failed, Hang, Ignored, Streamed, Turned, Unanswered
from voltide.ocpp.quirks import Manner
from voltide.ocpp.wire import Wire as Call

log = structlog.get_logger()

_ASKED = (Called, Streamed)
SETPOINT_WAIT_S = 5.0
"""A setpoint that could not be said within this time is dropped: another one has been decided by then."""


class Pulled(Protocol):
    """A wire whose texts are asked for one by one: a line in memory."""

    async def send(self, text: str) -> None:
        """Raises ``ConnectionError`` when the line is closed."""
        ...

    async def receive(self) -> str | bytes:
        """Raises ``ConnectionError`` when the line is closed."""
        ...

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it."""
        ...


Heard: TypeAlias = Callable[["Line", Called | Streamed], Awaitable[None] | None]
"""Answers what a charger asks; what it gives back has to be awaited before the charger is heard again."""
Feed: TypeAlias = Callable[[str | bytes], Awaitable[None] | None]
"""Hears one text; what it gives back has to be awaited before the next text is heard."""


@runtime_checkable
class Carrier(Protocol):
    """A wire that brings its texts by itself, a WebSocket: no task is woken for what can be answered at once."""

    def say(self, text: str) -> None:
        """Hand a text over, at once. Raises ``ConnectionError`` when the line is closed."""
        ...

    async def carry(self, feed: Feed) -> None:
        """Feed every text, in order. Raises ``ConnectionError`` when the line is closed."""
        ...

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it."""
        ...


Wire: TypeAlias = Pulled | Carrier
"""What carries texts."""


class Line:
    """A charger on its line, from its connection to its loss."""

    def __init__(
        self, charger: Charger, version: OcppVersion, wire: Wire, clock: Clock, new_id: Callable[[], str]
    ) -> None:
        self.charger = charger
        self.version = version
        self.dialect: Dialect = dialect(version, charger)
        self.connection = Connection(version, charger=False, limits=Limits(timeout_s=15.0))
        self.unanswered = 0
        """How many of our calls it has left without an answer; each holds up the next ones until its time is over."""
        self.ended = ""
        """Why the line was lost."""
        self.manner: Manner | None = None
        """How it is heard and told because of its quirks; None: by the standard."""
        self.odd: Callable[[tuple[str, ...]], None] = _not_odd
        """Hears how its messages depart from the standard."""
        self._wire = wire
        self._carrier: Carrier | None = wire if isinstance(wire, Carrier) else None
        self._pulled: Pulled | None = None if isinstance(wire, Carrier) else wire
        self._heard: Heard = _unheard
        self._clock = clock
        self._new_id = new_id
        self._waiting: dict[str, asyncio.Future[OrderResult]] = {}
        self._sending = asyncio.Lock()

    async def run(self, heard: Heard) -> None:
        """Hear the charger until its line is lost. ``heard`` answers, through ``connection``, what is asked."""
        self._heard = heard
        try:
            if self._carrier is not None:
                await self._carrier.carry(self._feed)
            while self._pulled is not None:
                rest = self._feed(await self._pulled.receive())
                if rest is not None:
                    await rest
        except ConnectionError as lost:
            self.ended = str(lost)
        finally:
            for event in self.connection.close():
                self._settle(event)

    def _feed(self, text: str | bytes) -> Awaitable[None] | None:
        """Hear one text; gives what is still to be waited for."""
        event: Event | None = self.connection.called(text)
        if event is None:
            [event] = self.connection.receive(text, self._clock.monotonic())
        if isinstance(event, _ASKED):
            if self.manner is not None:
                event = self.manner.mend(event)
            if event.deviations:
                self.odd(event.deviations)
            rest = self._heard(self, event)
            return self._spoken() if rest is None else self._after(rest)
        if isinstance(event, Hang):
            return self._hang_up(event)
        self._settle(event)
        return self._spoken()

    async def _after(self, rest: Awaitable[None]) -> None:
        await rest
        await self.flush()

    async def _hang_up(self, event: Hang) -> None:
        await self.close(int(event.code), event.reason)
        raise ConnectionError(event.reason)

    def _spoken(self) -> Awaitable[None] | None:
        """Send what there is to send; gives what is still to be waited for."""
        if self._carrier is None:
            return self.flush()
        for text in self.connection.to_send():
            self._carrier.say(text)
        return None

    async def flush(self) -> None:
        """Send all that the connection has to say, in order."""
        if self._pulled is None:
            self._spoken()
            return
        async with self._sending:
            for text in self.connection.to_send():
                await self._pulled.send(text)

    async def close(self, code: int, reason: str) -> None:
        """End the line."""
        await self._wire.close(code, reason[:120])

    def overdue(self) -> bool:
        """Give up what is past its time; True when something new is to be sent."""
        deadline, now = self.connection.deadline, self._clock.monotonic()
        if deadline is None or now < deadline:
            return False
        for event in self.connection.expire(now):
            self._settle(event)
        return True

    async def order(self, order: ChargerOrder, wait_s: float | None = None) -> OrderResult:
        """Say an order and wait for what comes of it. One order may take several calls, one after the other."""
        calls = self.dialect.order(order)
        if isinstance(calls, Refused):
            return calls
        results: list[OrderResult] = []
        for said in calls:
            call = said if self.manner is None else self.manner.word(said)
            results.append(await self._call(call, wait_s))
            if not goes_on(call, results[-1]):
                break
        return self.dialect.gathered(order, calls, results)

    async def _call(self, call: Call, wait_s: float | None) -> OrderResult:
        who = self._new_id()
        answer: asyncio.Future[OrderResult] = asyncio.get_running_loop().create_future()
        self._waiting[who] = answer
        if not self.connection.call(call.action, call.request, who=who, now=self._clock.monotonic(), wait_s=wait_s):
            del self._waiting[who]
            return Unknown(reason="too many orders wait for this charger")
        try:
            await self.flush()
        except ConnectionError:
            self._waiting.pop(who, None)
            return Unknown(reason="the line was lost")
        return await answer

    def _settle(self, event: Event) -> None:
        """What came of a call of ours; what the connection refused or ignored is logged and costs nothing."""
        match event:
            case Answered():
                self._resolve(event.id, self.dialect.outcome(event.action, event.response))
            case Failed():
                self._resolve(event.id, Refused(reason=event.word, detail={"description": event.description[:200]}))
            case Unanswered():
                self.unanswered += event.sent
                self._resolve(event.id, Unknown(reason=event.reason) if event.sent else Refused(reason="NotSent"))
            case Turned() | Ignored():
                log.info("charger.odd_message", charger=self.charger.id, what=repr(event)[:300])
            case _:
                log.info("charger.told_error", charger=self.charger.id, what=repr(event)[:300])

    def _resolve(self, who: str, result: OrderResult) -> None:
        waiting = self._waiting.pop(who, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(result)


def _not_odd(_deviations: tuple[str, ...]) -> None:
    return


def _unheard(line: Line, _event: Called | Streamed) -> None:
    raise RuntimeError(f"nobody hears {line.charger.id}")
