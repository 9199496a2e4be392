"""The charger door on real ports: WebSockets. Who may come in is decided in ``admission``."""

import asyncio
import socket
import ssl
from asyncio import sslproto
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, TypeAlias

import structlog
from picows import WSAutoPingStrategy, WSUpgradeRequest, WSUpgradeResponse, WSUpgradeResponseWithListener
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # the server's half of the package, without its port

from voltide.domain.site import ChargerId, OcppVersion
from voltide.domain.time import Clock
from voltide.station.admission import Judge, Knock, Verdict
from voltide.station.caps import Caps
from voltide.station.listener import Doorway, Listening, Stay, allow_many, bind
from voltide.station.rounds import Round
from voltide.station.wire import SocketWire

__all__ = ["Accept", "Caps", "Door"]

log = structlog.get_logger()

SPOKEN = {version.subprotocol: version for version in reversed(OcppVersion)}
"""Newest first: the best that both sides know is chosen."""
Accept: TypeAlias = Callable[[ChargerId, OcppVersion, SocketWire], Awaitable[None]]

BUFFER_BYTES = 4_096
"""What is read at once from a charger that says no more than usual; it grows with what comes."""
RETRY_S = {HTTPStatus.TOO_MANY_REQUESTS: 60, HTTPStatus.SERVICE_UNAVAILABLE: 5}
TLS_END_S = 2.0

sslproto.SSLProtocol.max_size = 16_384  # one TLS record; 256 KiB is held per line else


class Door:
    """The charger door: as many ports as there are security profiles."""

    def __init__(self, judge: Judge, accept: Accept, clock: Clock, caps: Caps) -> None:
        self._judge = judge
        self._accept = accept
        self._clock = clock
        self._caps = caps
        self._doorway = Doorway(caps, clock)
        self._round = Round()
        self.refused = 0
        self.odd = 0
        """Handshakes without, or with an unusual, Connection header."""
        self.on_odd: Callable[[ChargerId], None] = _nobody
        """Hears whose they were, where they were let in."""

    async def open(self, host: str, port: int, profile: int = 1, tls: ssl.SSLContext | None = None) -> Listening:
        """Listen for chargers of one security profile. Raises ``OSError`` when the port is taken."""
        allow_many()
        front = Entrance(self, profile, tls)
        return Listening(await bind(host, port), front, self._doorway, self._caps)

    def decide(self, knock: Knock, request: WSUpgradeRequest) -> tuple[Verdict, WSUpgradeResponse]:
        """Before the handshake: may they come in, and which version do both sides speak."""
        odd, verdict = self._mend(request), self._judge(knock)
        if verdict.identity is not None:
            if odd:
                self.on_odd(verdict.identity)
            chosen = spoken(request)
            headers = {} if chosen is None else {"Sec-WebSocket-Protocol": chosen.subprotocol}
            return verdict, WSUpgradeResponse.create_101_response(headers)
        self.refused += 1
        return verdict, _refusal(verdict.status)

    def _mend(self, request: WSUpgradeRequest) -> bool:
        """Some chargers leave the Connection header out, and some proxies say more in it."""
        said = request.headers.get("Connection", "")
        odd = said.lower() != "upgrade" and "Upgrade" in request.headers
        if odd:
            self.odd += 1
            log.info("door.odd_connection_header", path=_text(request.path)[:80], said=said[:80])
            request.headers["Connection"] = "Upgrade"
        return odd

    def wire(self) -> SocketWire:
        """For whoever is let in."""
        return SocketWire(self._caps, self._clock, self._round)

    def protocol(self, greeting: "Greeting") -> Any:
        """The package's half of one line. Pings, pongs and time-outs are ours: see ``wire`` and ``listener``."""
        away, size = WSAutoPingStrategy.PING_WHEN_IDLE, self._caps.frame_bytes
        return WSProtocol(
            None, None, False, greeting.choose, greeting, True, None, False, 0, 0, away, False, size, None, BUFFER_BYTES
        )  # fmt: skip

    @property
    def open_s(self) -> float:
        """The time for a handshake."""
        return self._caps.open_s

    def now(self) -> float:
        """Seconds that never step."""
        return self._clock.monotonic()

    async def serve(self, identity: ChargerId, version: OcppVersion, wire: SocketWire) -> None:
        """A charger inside, until its line is lost. What goes wrong with one is nothing to the others."""
        try:
            await self._accept(identity, version, wire)
        except Exception:
            log.exception("door.line_failed", charger=identity)
            wire.hang_up(1011, "something went wrong here")
        finally:
            await wire.close(1001, "the station is going away")


def _nobody(_charger: ChargerId) -> None:
    return


class Greeting:
    """One handshake: who stands there, and what the package complains of while and after it is made.

    The package wants a logger for that. Port scanners are no news; but a line with a broken frame is read no more,
    since the package would gather all that follows until it has closed the line.
    """

    __slots__ = ("_address", "_door", "_profile", "identity", "protocol", "version", "wire")

    def __init__(self, door: Door, profile: int, address: str) -> None:
        self._door = door
        self._profile = profile
        self._address = address
        self.protocol: Any = None
        """While it lasts."""
        self.identity: ChargerId | None = None
        self.version: OcppVersion | None = None
        self.wire: SocketWire | None = None

    def choose(self, request: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        """May they come in, and with what."""
        knock = Knock(
            path=_text(request.path),
            authorization=request.headers.get("Authorization", ""),
            address=self._address,
            profile=self._profile,
            certificate=_certificate(self.protocol.transport.underlying_transport),
        )
        verdict, response = self._door.decide(knock, request)
        if verdict.identity is None:
            return WSUpgradeResponseWithListener(response, None)
        self.identity, self.version, self.wire = verdict.identity, spoken(request), self._door.wire()
        return WSUpgradeResponseWithListener(response, self.wire)

    def isEnabledFor(self, _level: int) -> bool:  # noqa: N802 - the name is logging's
        """Nothing is written down."""
        return False

    def info(self, *_: object) -> None:
        """Nobody asks."""

    log = debug = warning = info

    def error(self, *_: object) -> None:
        """The line is as good as closed."""
        if self.wire is not None:
            self.wire.stop()

    def exception(self, *said: object) -> None:
        """Our own fault."""
        log.exception("door.frame_failed", said=str(said[0]))  # noqa: LOG004 - it is called where one is handled
        self.error()


class Entrance:
    """The door at one port."""

    def __init__(self, door: Door, profile: int, tls: ssl.SSLContext | None) -> None:
        self._door = door
        self._profile = profile
        self._tls = tls
        self._wires: set[SocketWire] = set()

    @property
    def speaks_tls(self) -> bool:
        """Whether a hello is a TLS ClientHello."""
        return self._tls is not None

    def look(self) -> None:
        """Who is silent, who does not read."""
        now = self._door.now()
        for wire in self._wires:
            wire.look(now)

    async def greet(self, guest: socket.socket, address: str) -> Stay | None:
        """Shake hands."""
        greeting = Greeting(self._door, self._profile, address)
        greeting.protocol = self._door.protocol(greeting)
        try:
            await self._shake(greeting.protocol, guest)
        finally:
            greeting.protocol = None
        return None if greeting.wire is None else lambda: self._stay(greeting)

    async def _shake(self, protocol: Any, guest: socket.socket) -> None:
        loop, ends = asyncio.get_running_loop(), {}
        if self._tls is not None:
            ends = {"ssl_handshake_timeout": self._door.open_s, "ssl_shutdown_timeout": TLS_END_S}
        try:
            transport, _ = await loop.connect_accepted_socket(lambda: protocol, guest, ssl=self._tls, **ends)
        except BaseException as failure:
            failure.__traceback__ = None  # it leads in a circle to all that TLS has gathered, which is much
            await asyncio.sleep(0)  # let go of that before the next one gets the place
            raise
        try:
            await protocol.wait_until_handshake_complete()
        except BaseException:
            transport.abort()
            raise

    async def _stay(self, greeting: Greeting) -> None:
        identity, version, wire = greeting.identity, greeting.version, greeting.wire
        if identity is None or wire is None:
            return
        if version is None:
            await wire.close(1002, "no OCPP version in common")
            return
        self._wires.add(wire)
        try:
            await self._door.serve(identity, version, wire)
        finally:
            self._wires.discard(wire)


def spoken(request: WSUpgradeRequest) -> OcppVersion | None:
    """The newest version that the other side offers and we know."""
    offered = {
        name.strip() for line in request.headers.getall("Sec-WebSocket-Protocol", []) for name in line.split(",")
    }
    return next((version for name, version in SPOKEN.items() if name in offered), None)


def _refusal(status: HTTPStatus) -> WSUpgradeResponse:
    headers = {}
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Basic realm="charger"'
    if status in RETRY_S:
        headers["Retry-After"] = str(RETRY_S[status])
    made: WSUpgradeResponse = WSUpgradeResponse.create_error_response(status, f"{status.phrase}\n".encode(), headers)
    return made


def _certificate(transport: asyncio.BaseTransport) -> bytes | None:
    """What the charger showed (DER), where its listener asked for one."""
    tls = transport.get_extra_info("ssl_object")
    return None if tls is None else tls.getpeercert(binary_form=True)


def _text(path: bytes) -> str:
    return path.decode("ascii", errors="replace")
