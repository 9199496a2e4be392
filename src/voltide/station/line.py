"""One charger's line: the sans-I/O connection on the one side, a wire that carries texts on the other."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from voltide.domain.messages import Accepted, ChargerOrder, OrderResult, Refused, Unknown
from voltide.domain.site import Charger, OcppVersion
from voltide.domain.time import Clock
from voltide.ocpp.connection import Connection, Limits
from voltide.ocpp.dialect import Dialect, dialect
from voltide.ocpp.events import Answered, Called, Event, Failed, Hang, Ignored, Streamed, Turned, Unanswered
from voltide.ocpp.wire import Wire as Call

log = structlog.get_logger()

SETPOINT_WAIT_S = 5.0
"""A setpoint that could not be said within this time is dropped: another one has been decided by then."""


class Wire(Protocol):
    """What carries texts: a WebSocket, or a line in memory."""

    async def send(self, text: str) -> None:
        """Raises ``ConnectionError`` when the line is closed."""
        ...

    async def receive(self) -> str | bytes:
        """Raises ``ConnectionError`` when the line is closed."""
        ...

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it."""
        ...


class Line:
    """A charger on its line, from its connection to its loss."""

    def __init__(
        self, charger: Charger, version: OcppVersion, wire: Wire, clock: Clock, new_id: Callable[[], str]
    ) -> None:
        self.charger = charger
        self.version = version
        self.dialect: Dialect = dialect(version, charger)
        self.connection = Connection(version, charger=False, limits=Limits(timeout_s=15.0))
        self._wire = wire
        self._clock = clock
        self._new_id = new_id
        self._waiting: dict[str, asyncio.Future[OrderResult]] = {}
        self._sending = asyncio.Lock()

    async def run(self, heard: Callable[["Line", Called | Streamed], Awaitable[None]]) -> None:
        """Hear the charger until its line is lost. ``heard`` answers, through ``connection``, what is asked."""
        try:
            while True:
                text = await self._wire.receive()
                for event in self.connection.receive(text, self._clock.monotonic()):
                    if isinstance(event, Called | Streamed):
                        await heard(self, event)
                    elif isinstance(event, Hang):
                        await self.close(int(event.code), event.reason)
                        return
                    else:
                        self._settle(event)
                await self.flush()
        except ConnectionError:
            return
        finally:
            for event in self.connection.close():
                self._settle(event)

    async def flush(self) -> None:
        """Send all that the connection has to say, in order."""
        async with self._sending:
            for text in self.connection.to_send():
                await self._wire.send(text)

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
        """Say an order and wait for what comes of it. One order may take several calls; the first refusal ends it."""
        calls = self.dialect.order(order)
        if isinstance(calls, Refused):
            return calls
        result: OrderResult = Accepted()
        for call in calls:
            result = await self._call(call, wait_s)
            if not isinstance(result, Accepted):
                return result
        return result

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
                self._resolve(event.id, Unknown(reason=event.reason) if event.sent else Refused(reason="NotSent"))
            case Turned() | Ignored():
                log.info("charger.odd_message", charger=self.charger.id, what=repr(event)[:300])
            case _:
                log.info("charger.told_error", charger=self.charger.id, what=repr(event)[:300])

    def _resolve(self, who: str, result: OrderResult) -> None:
        waiting = self._waiting.pop(who, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(result)
