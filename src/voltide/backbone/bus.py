"""Where the actors meet. The local bus promises no more than NATS does.

At least once, in order per subject, every message through the codec; a handler that fails does not stop the others.
Subjects are words joined by dots; in a pattern ``*`` stands for one word and a last ``>`` for all that follow.
"""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Protocol, Self, TypeAlias

import structlog

from voltide.backbone import codec

Handler: TypeAlias = Callable[[str, object], Awaitable[None]]
Server: TypeAlias = Callable[[object], Awaitable[object]]

log = structlog.get_logger()


class Subscription(Protocol):
    """Something that can be ended."""

    def close(self) -> None:
        """Hear no more."""
        ...


class Bus(Protocol):
    """Publish and subscribe, ask and answer."""

    async def publish(self, subject: str, message: object) -> None:
        """Tell all who listen."""
        ...

    def subscribe(self, pattern: str, handler: Handler) -> Subscription:
        """Hear all that is told on the subjects of a pattern, one message after the other."""
        ...

    def wanted(self, subject: str) -> bool:
        """Whether anybody listens: what nobody wants need not be made."""
        ...

    async def request(self, subject: str, message: object, timeout_s: float = 5.0) -> object:
        """Ask, and wait for the answer. Raises ``TimeoutError`` when none comes, also when nobody serves."""
        ...

    def serve(self, subject: str, server: Server) -> Subscription:
        """Answer what is asked on a subject."""
        ...


def matches(pattern: str, subject: str) -> bool:
    """Whether a subject is one of a pattern's.

    >>> matches("station.*.fact", "station.lotus-hill.fact"), matches("station.>", "network.order")
    (True, False)
    """
    wants, words = pattern.split("."), subject.split(".")
    for index, want in enumerate(wants):
        if want == ">":
            return len(words) > index
        if index >= len(words) or want not in {"*", words[index]}:
            return False
    return len(wants) == len(words)


class _Listener:
    """One subscription: a queue, and a task that hands it on in order."""

    def __init__(self, pattern: str, handler: Handler, forget: Callable[["_Listener"], None]) -> None:
        self.pattern = pattern
        self._handler = handler
        self._forget = forget
        self._queue: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self.task: asyncio.Task[None] | None = None

    def put(self, subject: str, data: bytes) -> None:
        self._queue.put_nowait((subject, data))

    async def run(self) -> None:
        while True:
            subject, data = await self._queue.get()
            try:
                await self._handler(subject, codec.decode(data))
            except Exception:
                log.exception("bus.handler_failed", subject=subject)

    def close(self) -> None:
        self._forget(self)
        if self.task is not None:
            self.task.cancel()


class _Served:
    def __init__(self, forget: Callable[[], None]) -> None:
        self._forget = forget

    def close(self) -> None:
        self._forget()


class LocalBus:
    """The bus of one process. Use it as an async context: leaving it ends every subscription."""

    def __init__(self) -> None:
        self._listeners: list[_Listener] = []
        self._servers: dict[str, Server] = {}
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for listener in list(self._listeners):
            listener.close()
        await self._tasks.__aexit__(kind, error, trace)

    async def publish(self, subject: str, message: object) -> None:
        data: bytes | None = None
        for listener in self._listeners:
            if matches(listener.pattern, subject):
                data = codec.encode(message) if data is None else data
                listener.put(subject, data)

    def subscribe(self, pattern: str, handler: Handler) -> Subscription:
        listener = _Listener(pattern, handler, self._drop)
        self._listeners.append(listener)
        listener.task = self._tasks.create_task(listener.run(), name=f"bus {pattern}")
        return listener

    def wanted(self, subject: str) -> bool:
        return any(matches(listener.pattern, subject) for listener in self._listeners)

    async def request(self, subject: str, message: object, timeout_s: float = 5.0) -> object:
        server = self._servers.get(subject)
        if server is None:
            raise TimeoutError(f"nobody answers on {subject}")
        async with asyncio.timeout(timeout_s):
            return codec.decode(codec.encode(await server(codec.decode(codec.encode(message)))))

    def serve(self, subject: str, server: Server) -> Subscription:
        if subject in self._servers:
            raise ValueError(f"{subject} is served already")
        self._servers[subject] = server
        return _Served(lambda: self._servers.pop(subject, None) and None)

    def _drop(self, listener: _Listener) -> None:
        if listener in self._listeners:
            self._listeners.remove(listener)
