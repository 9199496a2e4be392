"""The charger door on a real port: WebSockets, and who may come in.

The identity is the last segment of the path. An unknown identity gets 404, a wrong secret 401, too many tries 429; of
none of them is anything stored. Security profile 1 (plain, Basic authentication) belongs on trusted networks only.
"""

import asyncio
import base64
import binascii
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeAlias
from urllib.parse import unquote_to_bytes, urlsplit

import structlog
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from voltide.domain.site import ChargerId, OcppVersion
from voltide.domain.time import Clock
from voltide.security.identities import is_identity

log = structlog.get_logger()

SPOKEN = [Subprotocol(version.subprotocol) for version in reversed(OcppVersion)]
"""Newest first: the best that both sides know is chosen."""
PATH = "/ocpp/"
TRIES_PER_MINUTE = 10

Admit: TypeAlias = Callable[[ChargerId, str], Awaitable[bool | None]]
"""Whether a secret is a charger's; None: there is no such charger."""
Accept: TypeAlias = Callable[[ChargerId, OcppVersion, "SocketWire"], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """What one charger may ask of us."""

    frame_bytes: int = 65_536
    messages_per_s: float = 50.0
    ping_s: float = 20.0
    open_s: float = 10.0


@dataclass(slots=True)
class Throttle:
    """Wrong secrets per identity and minute; a right one is always let in."""

    clock: Clock
    _wrong: dict[str, deque[float]] = field(default_factory=dict)

    def spent(self, who: str) -> bool:
        """Whether this identity has used up its tries."""
        return len(self._recent(who)) >= TRIES_PER_MINUTE

    def wrong(self, who: str) -> None:
        """One more."""
        if len(self._wrong) > 10_000:  # a sprayer cannot fill the memory
            self._wrong.clear()
        self._wrong.setdefault(who, deque(maxlen=TRIES_PER_MINUTE)).append(self.clock.monotonic())

    def _recent(self, who: str) -> deque[float]:
        tries = self._wrong.get(who, deque())
        while tries and tries[0] < self.clock.monotonic() - 60.0:
            tries.popleft()
        return tries


class SocketWire:
    """A WebSocket with the shape of a wire, and a cap on how fast it may speak."""

    def __init__(self, socket: ServerConnection, caps: Caps, clock: Clock) -> None:
        self._socket = socket
        self._rate = caps.messages_per_s
        self._credit = self._most = 5.0 * caps.messages_per_s
        self._clock = clock
        self._at = clock.monotonic()

    async def send(self, text: str) -> None:
        """Raises ``ConnectionError`` when the line is closed."""
        try:
            await self._socket.send(text)
        except ConnectionClosed as closed:
            raise ConnectionError(str(closed)) from closed

    async def receive(self) -> str | bytes:
        """Raises ``ConnectionError`` when the line is closed. Who speaks too fast is read more slowly."""
        try:
            text = await self._socket.recv()
        except ConnectionClosed as closed:
            raise ConnectionError(str(closed)) from closed
        now = self._clock.monotonic()
        self._credit = min(self._most, self._credit + (now - self._at) * self._rate) - 1.0
        self._at = now
        if self._credit < 0.0:
            await asyncio.sleep(-self._credit / self._rate)
        return text

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it; the reason is cut to what a close frame holds."""
        await self._socket.close(code, reason.encode()[:120].decode(errors="ignore"))


class Door:
    """The listener."""

    def __init__(self, admit: Admit, accept: Accept, clock: Clock, caps: Caps) -> None:
        self._admit = admit
        self._accept = accept
        self._clock = clock
        self._caps = caps
        self._throttle = Throttle(clock)
        self.refused = 0
        logger = logging.getLogger("websockets.server")
        logger.setLevel(logging.CRITICAL)  # port scanners are no news

    async def open(self, host: str, port: int) -> Server:
        """Listen. Raises ``OSError`` when the port is taken."""
        return await serve(
            self._served,
            host,
            port,
            subprotocols=SPOKEN,
            select_subprotocol=_choose,
            process_request=self._asked,
            max_size=self._caps.frame_bytes,
            max_queue=16,
            compression=None,
            ping_interval=self._caps.ping_s,
            ping_timeout=self._caps.ping_s,
            open_timeout=self._caps.open_s,
            close_timeout=2.0,
            server_header=None,
        )

    async def _asked(self, socket: ServerConnection, request: Request) -> Response | None:
        """Before the handshake: who is it, and may they come in."""
        if request.headers.get("Connection") is None and "Upgrade" in request.headers:
            request.headers["Connection"] = "Upgrade"  # some chargers leave it out
            log.warning("door.no_connection_header", path=request.path[:80])
        identity = identity_of(request.path)
        if identity is None:
            return self._refuse(socket, HTTPStatus.NOT_FOUND)
        proved = await self._proved(identity, request)
        if proved is None:
            return self._refuse(socket, HTTPStatus.NOT_FOUND)
        if proved:
            return None
        if self._throttle.spent(identity):  # a right secret has been let in above, however many wrong ones came
            return self._refuse(socket, HTTPStatus.TOO_MANY_REQUESTS)
        self._throttle.wrong(identity)
        log.warning("door.wrong_secret", charger=identity)
        return self._refuse(socket, HTTPStatus.UNAUTHORIZED)

    async def _proved(self, identity: ChargerId, request: Request) -> bool | None:
        user, secret = credentials(request.headers.get("Authorization", ""))
        admitted = await self._admit(identity, secret)
        return admitted if admitted is None else admitted and user == identity

    def _refuse(self, socket: ServerConnection, status: HTTPStatus) -> Response:
        self.refused += 1
        response = socket.respond(status, status.phrase + "\n")
        if status is HTTPStatus.UNAUTHORIZED:
            response.headers["WWW-Authenticate"] = 'Basic realm="charger"'
        return response

    async def _served(self, socket: ServerConnection) -> None:
        if socket.subprotocol is None or socket.request is None:
            await socket.close(1002, "no OCPP version in common")
            return
        identity = identity_of(socket.request.path)
        if identity is None:
            return
        version = OcppVersion(socket.subprotocol.removeprefix("ocpp"))
        await self._accept(identity, version, SocketWire(socket, self._caps, self._clock))


def _choose(_socket: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return next((ours for ours in SPOKEN if ours in offered), None)


def identity_of(path: str) -> ChargerId | None:
    """The last segment of a path, when it can be an identity.

    >>> identity_of("/ocpp/V01"), identity_of("/ocpp/%2e%2e"), identity_of("/other/V01")
    ('V01', None, None)
    """
    parts = urlsplit(path).path
    if not parts.startswith(PATH):
        return None
    try:
        name = unquote_to_bytes(parts.removeprefix(PATH).rstrip("/").rsplit("/", 1)[-1]).decode()
    except UnicodeDecodeError:
        return None
    return ChargerId(name) if is_identity(name) else None


def credentials(header: str) -> tuple[str, str]:
    """User and secret of a Basic header; empty where there is none. The secret may hold colons and any bytes.

    >>> credentials("Basic " + base64.b64encode(b"V01:a:b").decode())
    ('V01', 'a:b')
    """
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        text = base64.b64decode(rest.strip(), validate=True).decode("utf-8", errors="surrogateescape")
    except (binascii.Error, ValueError):
        return "", ""
    user, _, secret = text.partition(":")
    return user, secret
