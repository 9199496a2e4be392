"""Many chargers in one process of one thread, each with one call under way: the load of the benchmarks.

It is told on its input how long to speak, and says on its output what came of it; see ``main``. Frames are made before
they are needed and answers are hardly read, so that whoever answers is measured and not the one who asks.
"""

import argparse
import base64
import json
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from voltide.benches import sayings
from voltide.station.listener import allow_many

WINDOW = 64
"""Handshakes under way."""
_KEY = "dGhlIHNhbXBsZSBub25jZQ=="


class Charger:
    """One of the crowd."""

    __slots__ = ("asked", "joined", "number", "rest", "said", "seq", "socket")

    def __init__(self, number: int, line: socket.socket) -> None:
        self.number = number
        self.socket = line
        self.rest = b""
        self.joined = False
        self.said = 0
        self.asked = 0.0
        """When the call under way was made, or should have been made; 0: none is."""
        self.seq = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where they go, and how they behave."""

    port: int
    count: int
    path: str = "/ocpp/"
    secret: str = ""
    living: bool = False
    """Whether their transactions go on, with new numbers and registers, or they say the same again and again."""


class Crowd:
    """The chargers, and what they have heard."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._poll = select.epoll()
        self._by_file: dict[int, Charger] = {}
        self.chargers: list[Charger] = []
        self._mix = [sayings.prepared(text) for text in sayings.MIX]
        self._turn = 0
        self._answered: Callable[[Charger, float], None] = lambda _charger, _now: None
        self.joined = self.errors = self.closed = self.orders = 0

    # --- coming in ---

    def join(self) -> float:
        """All of them connect, boot and, where they live, begin a transaction; gives the seconds that took."""
        began = time.perf_counter()
        self._answered = self._greeted
        while self.joined + self.closed < self._place.count:
            while len(self.chargers) - self.joined - self.closed < WINDOW and len(self.chargers) < self._place.count:
                self._dial(len(self.chargers))
            self._listen(0.1)
            if time.perf_counter() - began > 120.0:
                raise OSError(f"only {self.joined} of {self._place.count} came in")
        joined_s = time.perf_counter() - began
        self._settle()
        return joined_s

    def _dial(self, number: int) -> None:
        line = socket.create_connection(("127.0.0.1", self._place.port))
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.setblocking(False)
        charger = Charger(number, line)
        self.chargers.append(charger)
        self._by_file[line.fileno()] = charger
        self._poll.register(line, select.EPOLLIN)
        name = f"CS{number:05d}"
        basic = base64.b64encode(f"{name}:{self._place.secret}".encode()).decode()
        allowed = f"Authorization: Basic {basic}\r\n" if self._place.secret else ""
        line.send(
            f"GET {self._place.path}{name} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {_KEY}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: ocpp2.0.1\r\n"
            f"{allowed}\r\n".encode()
        )

    def _greeted(self, charger: Charger, now: float) -> None:
        """Boot, then the start of a transaction where there is one, then ready."""
        if not charger.joined:
            self.joined += 1
            charger.joined = True
            if self._place.living:
                self._send(charger, self._lived(charger, "Started"), now)

    def _lived(self, charger: Charger, kind: str = "Updated") -> bytes:
        """The next event of the charger's transaction."""
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) + f".{charger.said % 1000:03d}Z"
        text = sayings.event(kind, f"tx-{charger.number}", charger.seq, 1000.0 + charger.seq, at)
        charger.seq += 1
        charger.said += 1
        return sayings.numbered(text, charger.said)

    # --- speaking ---

    def speak(self, seconds: float, warm: float, rate: float) -> dict[str, Any]:
        """Speak as fast as answers come or, with a rate, that many times a second whether they come or not."""
        times: list[float] = []
        began = time.perf_counter()
        heard_from, end = began + warm, began + warm + seconds
        idle: deque[Charger] = deque(one for one in self.chargers if one.joined)
        waiting = idle.append

        def answered(charger: Charger, now: float) -> None:
            if heard_from <= now < end:
                times.append(now - charger.asked)
            charger.asked = 0.0
            if rate:
                waiting(charger)
            elif now < end:
                self._next(charger, now)

        self._answered, cpu = answered, time.process_time()
        if rate:
            self._at_rate(idle, rate, end)
        else:
            for charger in list(idle):
                self._next(charger, time.perf_counter())
            while time.perf_counter() < end:
                self._listen(0.02)
        cpu = (time.process_time() - cpu) / (seconds + warm)
        self._settle()
        return {"per_s": len(times) / seconds, **_percentiles(times), **self._count(), "crowd_core": round(cpu, 3)}

    def _at_rate(self, idle: deque[Charger], rate: float, end: float) -> None:
        """Latency counts from the moment at which a call was due, however late it could be made."""
        due = time.perf_counter()
        while due < end:
            now = time.perf_counter()
            while due <= now and idle:
                self._next(idle.popleft(), due)
                due += 1.0 / rate
            self._listen(min(max(0.0, due - time.perf_counter()), 0.02) if idle else 0.02)

    def _settle(self) -> None:
        """Wait for what is under way, so that nothing of it falls into the next measurement."""
        self._answered = _quiet
        until = time.perf_counter() + 10.0
        while any(one.asked for one in self.chargers) and time.perf_counter() < until:
            self._listen(0.05)

    def _next(self, charger: Charger, asked: float) -> None:
        turn = self._turn = (self._turn + 1) % len(self._mix)
        charger.said += 1
        living = self._place.living and sayings.MIX[turn] is sayings.EVENT
        self._send(charger, self._lived(charger) if living else self._mix[turn](charger.said), asked)

    def _send(self, charger: Charger, data: bytes, asked: float) -> None:
        charger.asked = asked
        try:
            if charger.socket.send(data) != len(data):
                self.errors += 1
        except OSError:
            self._lose(charger)

    # --- hearing ---

    def _listen(self, wait_s: float) -> None:
        for file, _ in self._poll.poll(wait_s, 512):
            charger = self._by_file[file]
            try:
                data = charger.socket.recv(65_536)
            except OSError:
                data = b""
            if data:
                self._read(charger, charger.rest + data if charger.rest else data)
            else:
                self._lose(charger)

    def _lose(self, charger: Charger) -> None:
        self.closed += 1
        charger.asked, charger.joined = 0.0, False
        self._by_file.pop(charger.socket.fileno(), None)
        charger.socket.close()

    def _read(self, charger: Charger, data: bytes) -> None:
        if not charger.said:
            head, end, data = data.partition(b"\r\n\r\n")
            if b" 101 " not in head[:16] or not end:
                raise OSError(f"the handshake failed: {head[:80].decode(errors='replace')}")
            charger.said = 1
            self._send(charger, sayings.numbered(sayings.BOOT, 1), time.perf_counter())
        while len(data) >= 2:
            size, start = data[1], 2
            if size == 126:
                size, start = int.from_bytes(data[2:4]), 4
            elif size == 127:
                size, start = int.from_bytes(data[2:10]), 10
            if len(data) < start + size:
                break
            self._heard(charger, data[0] & 15, data[start : start + size])
            data = data[start + size :]
        charger.rest = data

    def _heard(self, charger: Charger, kind: int, payload: bytes) -> None:
        if kind == 9:
            charger.socket.send(sayings.pong(payload))
        elif payload.startswith(b"[3"):
            self._answered(charger, time.perf_counter())
        elif payload.startswith(b"[2"):
            self._obey(charger, payload)
        elif kind == 1:
            self.errors += 1
            self._answered(charger, time.perf_counter())

    def _obey(self, charger: Charger, payload: bytes) -> None:
        """The station orders something: it is done, as far as anybody can see."""
        self.orders += 1
        _, who, action, body = json.loads(payload)
        charger.socket.send(sayings.frame(json.dumps([3, who, sayings.obeyed(action, body)]).encode()))

    def _count(self) -> dict[str, Any]:
        return {"errors": self.errors, "closed": self.closed, "orders": self.orders}


def _quiet(charger: Charger, _now: float) -> None:
    charger.asked = 0.0


def _percentiles(times: list[float]) -> dict[str, float]:
    times.sort()
    shares = {"p50_ms": 0.5, "p99_ms": 0.99, "p999_ms": 0.999}
    if not times:
        return dict.fromkeys(shares, -1.0)
    return {name: round(times[int(share * (len(times) - 1))] * 1000.0, 3) for name, share in shares.items()}


def main() -> None:
    """Join, say ``{"join_s": ...}``; for every line ``SECONDS WARM RATE`` speak and say what came of it."""
    asked = argparse.ArgumentParser()
    asked.add_argument("--port", type=int, required=True)
    asked.add_argument("--count", type=int, required=True)
    asked.add_argument("--path", default="/ocpp/")
    asked.add_argument("--secret", default="")
    asked.add_argument("--living", action="store_true")
    allow_many()
    crowd = Crowd(Place(**vars(asked.parse_args())))
    sys.stdout.write(json.dumps({"join_s": crowd.join()}) + "\n")
    sys.stdout.flush()
    for line in sys.stdin:
        seconds, warm, rate = map(float, line.split())
        sys.stdout.write(json.dumps(crowd.speak(seconds, warm, rate)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
