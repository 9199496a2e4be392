"""Chargers that return after the station was gone: connect, boot, tell the connector's state and all that was kept.

Like chargers, they come back when they are sent away or lose the line, say nothing twice that was answered, and do what
the station orders. Says one line of JSON when all of them are back.
"""

import argparse
import asyncio
import base64
import json
import random
import ssl
import sys
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from picows import WSFrame, WSHandshakeError, WSListener, WSMsgType, WSTransport, ws_connect

from voltide.backbone.clock import SystemClock
from voltide.benches import sayings
from voltide.domain.time import stamp
from voltide.station.listener import allow_many

_clock = SystemClock()
PATIENCE_S = 30.0
"""For an answer; then the line is given up and the message is said again on the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where they return to."""

    port: int
    count: int
    secret: str
    events: int
    tls: bool


@dataclass(slots=True)
class Tally:
    """What it took."""

    sent_away: int = 0
    lost: int = 0
    orders: int = 0
    errors: int = 0
    waits_s: list[float] = field(default_factory=list)


class Line(WSListener):
    """One charger's line: one call of its own at a time, and every order is obeyed."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._transport: WSTransport | None = None
        self._answer: asyncio.Future[None] | None = None

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The station has let it in."""
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """An answer, or an order."""
        if frame.msg_type is not WSMsgType.TEXT:
            if frame.msg_type is WSMsgType.CLOSE:
                transport.disconnect()
            return
        text = frame.get_payload_as_utf8_text()
        if text.startswith("[2"):
            _, who, action, body = json.loads(text)
            self._tally.orders += 1
            transport.send(WSMsgType.TEXT, json.dumps([3, who, sayings.obeyed(action, body)]))
            return
        self._tally.errors += not text.startswith("[3")
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(None)

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        """Whoever waits for an answer waits in vain."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the line was lost"))

    async def say(self, text: str) -> None:
        """Raises ``ConnectionError`` or ``TimeoutError`` when no answer comes."""
        if self._transport is None or self._transport.is_disconnected:
            raise ConnectionError("the line was lost")
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.send(WSMsgType.TEXT, text)
        async with asyncio.timeout(PATIENCE_S):
            await self._answer

    def leave(self) -> None:
        """Let go of a line that is given up."""
        if self._transport is not None:
            self._transport.disconnect(graceful=False)


class Charger:
    """What one of them has to say, and how far it is."""

    def __init__(self, number: int, place: Place, tally: Tally) -> None:
        self._place = place
        self._tally = tally
        self._name = f"CS{number:05d}"
        kinds = ["Started"] + ["Updated"] * (place.events - 2) + ["Ended"]
        kept = [
            sayings.event(kind, f"tx-{number}", seq, 1_000.0 + 100.0 * seq, _minutes_ago(len(kinds) - seq))
            for seq, kind in enumerate(kinds)
        ]
        self._first = [sayings.BOOT, sayings.STATUS]
        self._kept = [sayings.with_id(text, f"{self._name}-{seq}") for seq, text in enumerate(kept)]

    async def return_(self, tls: ssl.SSLContext | None) -> None:
        """Until all is said."""
        while self._kept:
            line = Line(self._tally)
            try:
                await self._dial(line, tls)
                for number, text in enumerate(self._first):
                    await line.say(sayings.with_id(text, f"{self._name}-first-{number}-{self._tally.lost}"))
                while self._kept:
                    began = time.perf_counter()
                    await line.say(self._kept[0])
                    self._tally.waits_s.append(time.perf_counter() - began)
                    self._kept.pop(0)
            except WSHandshakeError as refused:
                self._tally.sent_away += 1
                await asyncio.sleep(_later(refused))
            except (OSError, TimeoutError):
                self._tally.lost += 1
                line.leave()
                await asyncio.sleep(random.uniform(0.5, 3.0))  # noqa: S311 - a back-off is no secret

    async def _dial(self, line: Line, tls: ssl.SSLContext | None) -> None:
        basic = base64.b64encode(f"{self._name}:{self._place.secret}".encode()).decode()
        scheme = "wss" if tls is not None else "ws"
        await ws_connect(
            lambda: line,
            f"{scheme}://127.0.0.1:{self._place.port}/ocpp/{self._name}",
            ssl_context=tls,
            websocket_handshake_timeout=PATIENCE_S,
            extra_headers={"Authorization": f"Basic {basic}", "Sec-WebSocket-Protocol": "ocpp2.0.1"},
            use_aiofastnet=False,
            read_buffer_init_size=2_048,
        )


def _minutes_ago(minutes: int) -> str:
    return stamp(_clock.now() - timedelta(minutes=minutes))


def _later(refused: WSHandshakeError) -> float:
    told = refused.response.headers.get("Retry-After", "1") if refused.response is not None else "1"
    return float(told) * random.uniform(0.8, 1.2)  # noqa: S311 - likewise


async def _all(place: Place) -> dict[str, Any]:
    tls = None
    if place.tls:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.check_hostname, tls.verify_mode = (
            False,
            ssl.CERT_NONE,
        )  # what the station's certificate says is tested elsewhere
    tally = Tally()
    chargers = [Charger(number, place, tally) for number in range(place.count)]
    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for charger in chargers:
            tasks.create_task(charger.return_(tls))
    seconds = time.perf_counter() - began
    waits = sorted(tally.waits_s)
    return {
        "seconds": round(seconds, 2),
        "sent_away": tally.sent_away,
        "lines_lost": tally.lost,
        "orders_obeyed": tally.orders,
        "errors": tally.errors,
        "p50_ms": round(waits[len(waits) // 2] * 1000.0, 1),
        "p99_ms": round(waits[int(len(waits) * 0.99)] * 1000.0, 1),
    }


def main() -> None:
    """Return, and say what it took."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--port", type=int, required=True)
    asked.add_argument("--count", type=int, required=True)
    asked.add_argument("--secret", required=True)
    asked.add_argument("--events", type=int, default=10)
    asked.add_argument("--tls", action="store_true")
    allow_many()
    sys.stdout.write(json.dumps(asyncio.run(_all(Place(**vars(asked.parse_args()))))) + "\n")


if __name__ == "__main__":
    main()
