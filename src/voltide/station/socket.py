"""The charger door on a real port: WebSockets. Who may come in is decided in ``admission``."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TypeAlias

import structlog
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from voltide.domain.site import ChargerId, OcppVersion
from voltide.domain.time import Clock
from voltide.station.admission import Judge, Knock, identity_of

log = structlog.get_logger()

SPOKEN = [Subprotocol(version.subprotocol) for version in reversed(OcppVersion)]
"""Newest first: the best that both sides know is chosen."""
Accept: TypeAlias = Callable[[ChargerId, OcppVersion, "SocketWire"], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """What one charger may ask of us."""

    frame_bytes: int = 65_536
    messages_per_s: float = 50.0
    ping_s: float = 20.0
    open_s: float = 10.0


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

    def __init__(self, judge: Judge, accept: Accept, clock: Clock, caps: Caps) -> None:
        self._judge = judge
        self._accept = accept
        self._clock = clock
        self._caps = caps
        self.refused = 0
        logger = logging.getLogger("websockets.server")
        logger.setLevel(logging.CRITICAL)  # port scanners are no news

    async def open(self, host: str, port: int, profile: int = 1, tls: ssl.SSLContext | None = None) -> Server:
        """Listen for chargers of one security profile. Raises ``OSError`` when the port is taken."""
        return await serve(
            self._served,
            host,
            port,
            ssl=tls,
            subprotocols=SPOKEN,
            select_subprotocol=_choose,
            process_request=partial(self._asked, profile),
            max_size=self._caps.frame_bytes,
            max_queue=16,
            compression=None,
            ping_interval=self._caps.ping_s,
            ping_timeout=self._caps.ping_s,
            open_timeout=self._caps.open_s,
            close_timeout=2.0,
            server_header=None,
        )

    async def _asked(self, profile: int, socket: ServerConnection, request: Request) -> Response | None:
        """Before the handshake: who is it, and may they come in."""
        if request.headers.get("Connection") is None and "Upgrade" in request.headers:
            request.headers["Connection"] = "Upgrade"  # some chargers leave it out
            log.warning("door.no_connection_header", path=request.path[:80])
        knock = Knock(
            path=request.path,
            authorization=request.headers.get("Authorization", ""),
            address=str(socket.remote_address[0]) if socket.remote_address else "",
            profile=profile,
            certificate=_shown(socket),
        )
        verdict = self._judge(knock)
        return None if verdict.identity is not None else self._refuse(socket, verdict.status)

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


def _shown(socket: ServerConnection) -> bytes | None:
    """The certificate that the charger showed (DER), where its listener asked for one."""
    tls = socket.transport.get_extra_info("ssl_object")
    return None if tls is None else tls.getpeercert(binary_form=True)


def _choose(_socket: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return next((ours for ours in SPOKEN if ours in offered), None)
