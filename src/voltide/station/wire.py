"""One charger's WebSocket, from its handshake to its loss: frames become texts, and nobody may flood, stall or hide."""

import asyncio
import socket
from collections import deque
from collections.abc import Awaitable

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport

from voltide.domain.time import Clock
from voltide.station.caps import Caps
from voltide.station.line import Feed
from voltide.station.rounds import Round

TOO_BIG, BAD_ORDER = 1009, 1002
BURST_S = 5.0
"""A charger that was silent may say so many seconds' worth of messages at once."""
WAITING = 16
"""Texts that wait to be heard before no more is read."""
FRAGMENTS = 1_024
"""Pieces of one message."""
SMALL_FRAMES = 256
"""Pings, pongs and pieces in a second; who sends more is read again in the next."""
CLOSE_S = 2.0
"""The other side's time to agree that the line is closed."""

_TEXT, _BINARY, _PIECE = WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.CONTINUATION
_CROWDED, _DEAF, _NOISY, _BROKEN = 1, 2, 4, 8
"""Why nothing is read: texts wait; the other side does not read; too many small frames; one that is none."""


class SocketWire(WSListener):
    """A WebSocket with the shape of a wire. It feeds what it hears; who speaks too fast is read more slowly."""

    __slots__ = (
        "_alive", "_asked_s", "_at", "_busy", "_caps", "_clock", "_credit", "_feed", "_full_s", "_holds", "_parts",
        "_pieces", "_quiet_s", "_rest", "_round", "_small", "_texts", "_transport", "_wake", "lost",
    )  # fmt: skip

    def __init__(self, caps: Caps, clock: Clock, shared: Round) -> None:
        self._caps = caps
        self._clock = clock
        self._round = shared
        self._transport: WSTransport | None = None
        self._feed: Feed | None = None
        self._texts: deque[bytes] = deque()
        self._rest: Awaitable[None] | None = None
        self._wake: asyncio.Future[None] | None = None
        self._busy = True
        """Whether the last text, or something before it, still waits for something."""
        self._credit = BURST_S * caps.messages_per_s
        self._at = self._quiet_s = clock.monotonic()
        self._holds = 0
        self._parts: bytearray | None = None
        self._pieces = self._small = 0
        self._alive = False
        self._asked_s: float | None = None
        self._full_s: float | None = None
        self.lost: str | None = None
        """Why the line is no more: code and reason as they came, or what we found."""

    # --- what comes in ---

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The handshake is over; its headers are not needed any more."""
        self._transport = transport
        transport.request.headers.clear()
        transport.response.headers.clear()
        if hasattr(socket, "TCP_QUICKACK"):  # an answer follows soon, and can carry the acknowledgement
            line = transport.underlying_transport.get_extra_info("socket")
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """A frame is here; its memory is only lent."""
        self._alive = True
        kind = frame.msg_type
        if (kind is _TEXT or kind is _BINARY) and frame.fin and self._parts is None:
            self._round.hear(self._hear, frame.get_payload_as_bytes())
        elif kind is WSMsgType.CLOSE:
            self._agree(transport, frame)
        else:
            self._small_frame(transport, kind, frame)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The line is lost, by whichever end."""
        if self.lost is None:
            self.lost = _told(transport)
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _hear(self, text: bytes) -> None:
        """Hear a text at once, or let it wait for those before it."""
        if self._busy or self._credit < 1.0 or self._feed is None:
            self._texts.append(text)
            if len(self._texts) >= WAITING:
                self._hold(_CROWDED)
            self._rouse()
            return
        self._credit -= 1.0
        try:
            self._rest = self._feed(text)
        except ConnectionError:
            return  # it is lost; whoever carries it hears so
        if self._rest is not None:
            self._rouse()

    def _rouse(self) -> None:
        self._busy = True
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _small_frame(self, transport: WSTransport, kind: WSMsgType, frame: WSFrame) -> None:
        """A ping, a pong, or a piece of a text; what comes in floods is not answered, and not read until later."""
        self._small += 1
        if self._small > SMALL_FRAMES:
            self._hold(_NOISY)
        if kind is WSMsgType.PING:
            if not self._holds & (_NOISY | _DEAF):
                transport.send_pong(frame.get_payload_as_bytes())
        elif kind is not WSMsgType.PONG:
            self._piece(kind, frame)

    def _piece(self, kind: WSMsgType, frame: WSFrame) -> None:
        """One of the fragments of a text."""
        if (kind is _PIECE) is (self._parts is None):
            self.hang_up(BAD_ORDER, "the fragments are out of order")
            return
        if self._parts is None:
            self._parts, self._pieces = bytearray(), 0
        self._parts += frame.get_payload_as_bytes()
        self._pieces += 1
        if len(self._parts) > self._caps.frame_bytes or self._pieces > FRAGMENTS:
            self.hang_up(TOO_BIG, "the message is too big")
        elif frame.fin:
            text, self._parts = bytes(self._parts), None
            self._round.hear(self._hear, text)

    def _agree(self, transport: WSTransport, frame: WSFrame) -> None:
        """The other side closes the line: say so too, and let go."""
        self.lost = self.lost or _told(transport)
        if not transport.is_close_frame_sent:
            code = frame.get_close_code()
            transport.send_close(WSCloseCode.OK if code is WSCloseCode.NO_INFO else code)
        transport.disconnect()

    def hang_up(self, code: int, reason: str) -> None:
        """Close without waiting for the other side; what else comes is not heard."""
        transport = self._transport
        if transport is None or self.lost is not None:
            return
        self._round.flush()  # what was said before comes first
        self.lost = f"{code} {reason}"
        transport.send_close(WSCloseCode(code), reason)
        self._feed = None
        asyncio.get_running_loop().call_later(CLOSE_S, transport.disconnect, False)

    def stop(self) -> None:
        """A frame was none, and the line is being closed: nothing more is read."""
        self._hold(_BROKEN)

    # --- what is read, and when ---

    async def carry(self, feed: Feed) -> None:
        """Feed every text, in order, until the line is lost: then it raises ``ConnectionError``."""
        self._feed = feed
        while True:
            if self._rest is not None:
                rest, self._rest = self._rest, None
                await rest
            elif self._texts:
                await self._within_budget()
                self._rest = feed(self._texts.popleft())
            elif self.lost is not None:
                raise ConnectionError(self.lost)
            else:
                await self._silence()

    async def _silence(self) -> None:
        """Nothing waits: from here on what comes is heard at once."""
        self._refill()
        self._let_go(_CROWDED)
        self._busy = self._credit < 1.0
        self._wake = asyncio.get_running_loop().create_future()
        await self._wake

    async def _within_budget(self) -> None:
        self._refill()
        if self._credit < 1.0:
            await asyncio.sleep((1.0 - self._credit) / self._caps.messages_per_s)
            self._refill()
        self._credit -= 1.0

    def _refill(self) -> None:
        now, rate = self._clock.monotonic(), self._caps.messages_per_s
        self._credit = min(BURST_S * rate, self._credit + (now - self._at) * rate)
        self._at = now

    def _hold(self, why: int) -> None:
        if self._transport is not None and not self._holds:
            self._transport.underlying_transport.pause_reading()
        self._holds |= why

    def _let_go(self, why: int) -> None:
        if self._holds == why and self._transport is not None and not self._transport.is_disconnected:
            self._transport.underlying_transport.resume_reading()
            self._quiet_s = self._clock.monotonic()
        self._holds &= ~why

    def pause_writing(self) -> None:
        """The other side does not read: then we do not read either, and not for ever."""
        self._full_s = self._clock.monotonic()
        self._hold(_DEAF)

    def resume_writing(self) -> None:
        """It has read."""
        self._full_s = None
        self._let_go(_DEAF)

    def look(self, now: float) -> None:
        """Once a second: ask who is silent for a sign of life, and give up whoever gives none in time."""
        self._small = 0
        self._let_go(_NOISY)
        transport, patience = self._transport, self._caps.ping_s
        if transport is None or transport.is_disconnected:
            return
        if self._full_s is not None:
            if now - self._full_s >= patience:
                self._drop(transport, "what was said to it was not read")
        elif self._alive or self._holds:
            self._alive, self._quiet_s, self._asked_s = False, now, None
        elif self._asked_s is None and now - self._quiet_s >= patience:
            self._asked_s = now
            transport.send_ping()
        elif self._asked_s is not None and now - self._asked_s >= patience:
            self._drop(transport, "no sign of life")

    def _drop(self, transport: WSTransport, why: str) -> None:
        self.lost = self.lost or why
        transport.disconnect(graceful=False)

    # --- what goes out ---

    def say(self, text: str) -> None:
        """Hand a text over. Raises ``ConnectionError`` when the line is closed."""
        transport = self._transport
        if transport is None or self.lost is not None:
            raise ConnectionError(self.lost or "the line is closed")
        self._round.say(self._send, text)

    def _send(self, text: str) -> None:
        if self._transport is not None:
            self._transport.send(_TEXT, text)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it; the reason is cut to what a close frame holds."""
        self.hang_up(code, reason.encode()[:120].decode(errors="ignore"))
        if self._transport is not None:
            await self._transport.wait_disconnected()


def _told(transport: WSTransport) -> str:
    """The code and the reason that came, or that none came."""
    hands = transport.close_handshake
    if hands is None or hands.recv is None:
        return "lost without a word"
    return f"{hands.recv.code.value} {hands.recv.reason or ''}".rstrip()
