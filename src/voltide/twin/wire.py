"""A line between a charger and its station, in memory, with the shape of a WebSocket."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

from voltide.domain.units import Seconds


class ClosedError(ConnectionError):
    """The line is closed; what was on its way may or may not have arrived."""


class Wire(Protocol):
    """One end of a line that carries texts in order."""

    @property
    def subprotocol(self) -> str | None:
        """What both ends agreed to speak."""
        ...

    @property
    def closed(self) -> bool:
        """Whether this end knows that the line is closed."""
        ...

    async def send(self, text: str) -> None:
        """Hand a text to the line; raises ``ConnectionError`` when it is closed."""
        ...

    async def receive(self) -> str:
        """The next text; raises ``ConnectionError`` when the line is closed and nothing is left."""
        ...

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close both ends."""
        ...


Connect: TypeAlias = Callable[[str, str], Awaitable[Wire]]
"""Opens a line for an identity and a sub-protocol; raises ``OSError`` when the station cannot be reached."""


class _Lane:
    """One direction of a line: what has arrived, what still travels, and who waits for it."""

    __slots__ = ("arrived", "closed", "latency_s", "travelling", "waiter")

    def __init__(self, latency_s: Seconds) -> None:
        self.arrived: deque[str] = deque()
        self.travelling: deque[tuple[float, str]] = deque()
        self.latency_s = latency_s
        self.waiter: asyncio.Future[None] | None = None
        self.closed = False

    def put(self, text: str) -> None:
        """Send a text on its way."""
        if not self.latency_s:
            self.arrived.append(text)
            self.wake()
            return
        loop = asyncio.get_running_loop()
        self.travelling.append((loop.time() + self.latency_s, text))
        if len(self.travelling) == 1:
            loop.call_later(self.latency_s, self.land)

    def land(self) -> None:
        """One timer at a time walks through what travels: two timers of one instant may swap, a queue cannot."""
        loop = asyncio.get_running_loop()
        while self.travelling and self.travelling[0][0] <= loop.time() + 1e-9:
            self.arrived.append(self.travelling.popleft()[1])
        self.wake()
        if self.travelling:
            loop.call_at(self.travelling[0][0], self.land)

    def wake(self) -> None:
        """Whoever waits looks again."""
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)


class MemoryWire:
    """One end of a line in memory; made in pairs by ``pair``."""

    __slots__ = ("_into", "_out", "cut", "subprotocol")

    def __init__(self, subprotocol: str | None, out: _Lane, into: _Lane) -> None:
        self.subprotocol = subprotocol
        self.cut = False
        """Half-open: this end's line is dead, but no one is told; nothing passes any more in either direction."""
        self._out = out
        self._into = into

    @property
    def closed(self) -> bool:
        """Whether this end knows that the line is closed."""
        return self._into.closed

    async def send(self, text: str) -> None:
        """Hand a text to the line; raises ``ClosedError`` when it is closed."""
        if self._into.closed:
            raise ClosedError("The line is closed.")
        if not self.cut:
            self._out.put(text)

    async def receive(self) -> str:
        """The next text; raises ``ClosedError`` when the line is closed and nothing is left."""
        lane = self._into
        while not lane.arrived or self.cut:
            if lane.closed:
                raise ClosedError("The line is closed.")
            lane.waiter = asyncio.get_running_loop().create_future()
            await lane.waiter
        return lane.arrived.popleft()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close this end, and the other too unless the line is cut."""
        del code, reason  # a line in memory carries neither
        self.shut()

    def shut(self) -> None:
        """Close at once, as a broken line does."""
        for lane in (self._into,) if self.cut else (self._into, self._out):
            lane.closed = True
            lane.wake()


def pair(subprotocol: str | None, latency_s: Seconds = 0.0) -> tuple[MemoryWire, MemoryWire]:
    """The two ends of a new line."""
    one, other = _Lane(latency_s), _Lane(latency_s)
    return MemoryWire(subprotocol, one, other), MemoryWire(subprotocol, other, one)
