"""One port of the charger door: from a connected socket to a handshake that is over.

A socket costs next to nothing until it has said a whole hello (the head of an HTTP request, or a TLS ClientHello): only
then is anything made for it. Handshakes under way are few, and so are those that wait for one. Under a flood the newest
go first: who has waited for long has often given up, and whoever has not knows how to come back.
"""

import asyncio
import contextlib
import resource
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from random import SystemRandom
from types import TracebackType
from typing import Protocol, Self, TypeAlias

import structlog

from voltide.domain.time import Clock
from voltide.station.caps import Caps

log = structlog.get_logger()

HEAD_BYTES = 16_384
KERNEL_BYTES = 65_536
"""What the kernel may keep for one charger that is not read; so nothing longer is ever read at once."""
ACCEPTED_AT_ONCE = 64
BACKLOG = 4_096
LATER_S = (2, 10)
"""Between these, at random, lies the time after which those that were sent away may come back."""
_TLS_HEADER, _TLS_HANDSHAKE = 5, b"\x16"
_LATER = "HTTP/1.1 503 Service Unavailable\r\nRetry-After: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_chance = SystemRandom()

Stay: TypeAlias = Callable[[], Awaitable[None]]


class Front(Protocol):
    """What a port leads to."""

    @property
    def speaks_tls(self) -> bool:
        """Whether a hello is a TLS ClientHello."""
        ...

    async def greet(self, guest: socket.socket, address: str) -> Stay | None:
        """Shake hands; gives how to serve whoever it is until they leave, or None: they were turned away."""
        ...

    def look(self) -> None:
        """Once a second: look after those who are inside."""
        ...


class Doorway:
    """So many handshakes at once. The newest goes first, and who dawdles is sent away when others wait."""

    def __init__(self, caps: Caps, clock: Clock) -> None:
        self._caps = caps
        self._clock = clock
        self._inside: dict[asyncio.Task[object], float] = {}
        """Since when; time in which we did nothing ourselves does not count."""
        self._waiting: list[asyncio.Future[bool]] = []

    @contextlib.asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place inside. Raises ``ConnectionRefusedError`` when too many wait for one."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only a task can take a place")
        while len(self._inside) >= self._caps.handshakes:
            await self._turn()
        self._inside[task] = self._clock.monotonic()
        try:
            yield
        finally:
            del self._inside[task]
            self._next()

    async def _turn(self) -> None:
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        if len(self._waiting) > self._caps.waiting:
            _tell(self._waiting.pop(0), invited=False)
        if len(self._waiting) == 1:
            self._hurry(self._clock.monotonic())
        try:
            invited = await turn
        except asyncio.CancelledError:
            if turn in self._waiting:
                self._waiting.remove(turn)
            elif not turn.cancelled():
                self._next()  # the place that was offered goes to somebody else
            raise
        if not invited:
            raise ConnectionRefusedError("too many wait at the door")

    def _next(self) -> None:
        while self._waiting and not _tell(self._waiting.pop(), invited=True):
            pass

    def _hurry(self, due: float) -> None:
        """While others wait, whoever has been inside for too long loses the place."""
        if not self._waiting:
            return
        now, patience = self._clock.monotonic(), self._caps.patience_s
        for task, since in list(self._inside.items()):
            self._inside[task] = since + (now - due)
            if now - self._inside[task] >= patience:
                task.cancel()
        asyncio.get_running_loop().call_later(patience / 4.0, self._hurry, now + patience / 4.0)


def _tell(turn: asyncio.Future[bool], *, invited: bool) -> bool:
    """Whether anybody still waits to hear it."""
    if turn.done():
        return False
    turn.set_result(invited)
    return True


class Listening:
    """The sockets of one port, and all who came in by it. Use it as an async context: leaving it lets all go."""

    def __init__(self, sockets: list[socket.socket], front: Front, doorway: Doorway, caps: Caps) -> None:
        self.sockets = tuple(sockets)
        self._front = front
        self._doorway = doorway
        self._caps = caps
        self._tasks = asyncio.TaskGroup()
        self._guests: dict[asyncio.Task[None], None] = {}
        """Those who have not been let in yet, the oldest first."""
        self._inside: set[asyncio.Task[None]] = set()
        self.sent_away = 0

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._watch = self._tasks.create_task(self._look(), name="door")
        for listener in self.sockets:
            asyncio.get_running_loop().add_reader(listener, self._accept, listener)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for listener in self.sockets:
            asyncio.get_running_loop().remove_reader(listener)
            listener.close()
        for task in [self._watch, *self._guests, *self._inside]:
            task.cancel()
        await self._tasks.__aexit__(kind, error, trace)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self._front.look()

    def _accept(self, listener: socket.socket) -> None:
        """Some of those who knock; the loop has other things to do, too."""
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                guest, address = listener.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as failure:
                self._rest(listener, failure)
                return
            guest.setblocking(False)
            task = self._tasks.create_task(self._receive(guest, str(address[0])))
            self._guests[task] = None
            task.add_done_callback(self._forget)
            if len(self._guests) > self._caps.porch:
                next(iter(self._guests)).cancel()

    def _rest(self, listener: socket.socket, failure: OSError) -> None:
        """No file is left for another socket: look again in a second."""
        loop = asyncio.get_running_loop()
        log.error("door.cannot_accept", why=str(failure))
        loop.remove_reader(listener)
        loop.call_later(1.0, self._resume, listener)

    def _resume(self, listener: socket.socket) -> None:
        if listener.fileno() >= 0:
            asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._guests.pop(task, None)
        self._inside.discard(task)

    async def _receive(self, guest: socket.socket, address: str) -> None:
        """One guest, from the porch to the end of the line. What goes wrong with one is nothing to the others."""
        try:
            stay = await self._let_in(guest, address)
            task = asyncio.current_task()
            if stay is not None and task is not None:
                del self._guests[task]
                self._inside.add(task)
                await stay()
        except Exception:
            log.exception("door.guest_failed", address=address)

    async def _let_in(self, guest: socket.socket, address: str) -> Stay | None:
        handed_over = knew_what_to_say = False
        try:
            async with asyncio.timeout(self._caps.open_s):
                knew_what_to_say = await hello(guest, tls=self._front.speaks_tls)
                if knew_what_to_say:
                    async with self._doorway.place():
                        handed_over = True
                        return await self._front.greet(guest, address)
        except ConnectionRefusedError:
            self._later(guest)
        except TimeoutError:
            if knew_what_to_say and not handed_over:
                self._later(guest)
        except OSError:
            return None  # gone, or no TLS that we know
        finally:
            if not handed_over:
                guest.close()
        return None

    def _later(self, guest: socket.socket) -> None:
        """Too many want to come in. Under TLS there is no word for it before a handshake: the line just ends."""
        self.sent_away += 1
        if not self._front.speaks_tls:
            with contextlib.suppress(OSError):
                guest.recv(HEAD_BYTES)  # what is not read when a socket is closed costs the other side our last words
                guest.send(_LATER.format(_chance.randint(*LATER_S)).encode())


async def hello(guest: socket.socket, *, tls: bool) -> bool:
    """Wait until a guest has said a whole hello, and leave it where it is; False: there will be none."""
    before = 0
    while True:
        await _readable(guest)
        said = guest.recv(HEAD_BYTES, socket.MSG_PEEK)
        whole = _whole(said, tls=tls)
        if whole is not None or len(said) <= before:  # where it wakes us and has said no more, it is going
            guest.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, 1)
            return bool(whole)
        before = len(said)
        guest.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, before + 1)


def _whole(said: bytes, *, tls: bool) -> bool | None:
    """Whether a hello is whole; None: not yet."""
    if not tls:
        return True if b"\r\n\r\n" in said else None if len(said) < HEAD_BYTES else False
    if said[:1] != _TLS_HANDSHAKE:
        return False
    length = _TLS_HEADER + int.from_bytes(said[3:_TLS_HEADER])
    if length > HEAD_BYTES:
        return False
    return True if _TLS_HEADER < length <= len(said) else None


async def _readable(guest: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    here: asyncio.Future[None] = loop.create_future()
    loop.add_reader(guest, _once, here)
    try:
        await here
    finally:
        loop.remove_reader(guest)


def _once(here: asyncio.Future[None]) -> None:
    if not here.done():
        here.set_result(None)


def allow_many() -> None:
    """Every charger is an open file: as many as this process may have."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def bind(host: str, port: int) -> list[socket.socket]:
    """Listening sockets for every address of a host; brackets around an IPv6 address are fine. Raises ``OSError``."""
    found = await asyncio.get_running_loop().getaddrinfo(
        host.strip("[]") or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    sockets: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            one = socket.socket(family, kind, protocol)
            sockets.append(one)
            one.setblocking(False)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, KERNEL_BYTES)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            here = (address[0], port or sockets[0].getsockname()[1], *address[2:])
            one.bind(here)
            one.listen(BACKLOG)
    except BaseException:
        for one in sockets:
            one.close()
        raise
    return sockets
