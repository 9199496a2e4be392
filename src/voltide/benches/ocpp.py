"""The charger door beside its peers on the same cores, and with the durable store behind it.

Absolute figures drift from minute to minute, so the servers take turns: only ratios within one round count. Server and
crowd have a core each; the station with its store may use both, as it would.
"""

import contextlib
import json
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any

from voltide.benches.machine import (
    RUNS,
    Tell,
    cores,
    cpu_s,
    flush_ms,
    line,
    machine,
    note,
    process,
    pss_kib,
    python,
    say,
)
from voltide.benches.park import park
from voltide.benches.peers import Missing, Peer, default_python, strict_node

CHARGERS, IDLE = 1_000, 5_000
SECONDS, WARM = 3.0, 1.0
STORED_SECONDS, STORED_WARM = 4.0, 3.0
"""A station whose chargers have just come in has more to do than one that stands: it gets longer to settle."""
_OURS = Peer(name="voltide", command=tuple(python("voltide.benches.served", "door")))
_ECHO = Peer(name="echo", command=tuple(python("voltide.benches.served", "echo")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """A crowd that has come in."""

    child: Popen[str]
    join_s: float

    def speak(self, seconds: float, warm: float, rate: float = 0.0) -> dict[str, Any]:
        """What came of so many seconds; without a rate, as fast as answers come."""
        say(self.child, f"{seconds} {warm} {rate}")
        told: dict[str, Any] = json.loads(line(self.child))
        return told


@contextlib.contextmanager
def crowd(count: int, on: set[int], *arguments: object) -> Iterator[Crowd]:
    """A crowd of chargers in a process of its own."""
    with process(python("voltide.benches.crowd", "--count", count, *arguments), on) as child:
        yield Crowd(child=child, join_s=json.loads(line(child))["join_s"])


def measure(tell: Tell) -> dict[str, Any]:
    """All of it. Raises ``OSError`` where the machine cannot."""
    found = [strict_node(), default_python()]
    peers = [peer for peer in found if isinstance(peer, Peer)]
    left_out = {missing.name: missing.why for missing in found if isinstance(missing, Missing)}
    progress = _Progress(tell, RUNS * (len(peers) + 3) + 2)
    rounds = [_round([_OURS, *peers], progress) for _ in range(RUNS)]
    echo = _served(_ECHO)
    progress.step()
    idle = _idle()
    note(f"idle: {idle['kib_per_connection']} KiB a connection")
    progress.step()
    durable = [_durable(progress) for _ in range(RUNS)]
    return _report(rounds, durable, {"echo": echo, "idle": idle, "left_out": left_out})


def _round(servers: Sequence[Peer], progress: "_Progress") -> dict[str, dict[str, Any]]:
    """Every server once, one after the other."""
    told = {}
    for server in servers:
        told[server.name] = found = _served(server)
        note(f"{server.name}: {found['per_s']:,.0f} messages/s, {found['server_us']} us each")
        progress.step()
    return told


@contextlib.contextmanager
def _server(peer: Peer, on: set[int]) -> Iterator[tuple[Popen[str], int]]:
    more = {} if peer.environment is None else {"env": peer.environment}
    with process(peer.command, on, **more) as child:
        yield child, int(line(child))


def _served(peer: Peer) -> dict[str, Any]:
    """One server, saturated by the crowd."""
    here, there = cores()
    with _server(peer, {here}) as (server, port), crowd(CHARGERS, {there}, "--port", port) as guests:
        before = cpu_s(server.pid)
        told = guests.speak(SECONDS, WARM)
        used = cpu_s(server.pid) - before
    answered = told["per_s"] * (SECONDS + WARM)
    return {**told, "connections_per_s": CHARGERS / guests.join_s, "server_us": round(used / answered * 1e6, 1)}


def _idle() -> dict[str, Any]:
    """The door's memory for a charger that has booted and says nothing, and for one that has just spoken."""
    here, there = cores()
    with _server(_OURS, {here}) as (server, port):
        before = pss_kib(server.pid)
        with crowd(IDLE, {there}, "--port", port) as guests:
            time.sleep(1.0)
            idle = pss_kib(server.pid)
            guests.speak(SECONDS, WARM)
            spoken = pss_kib(server.pid)
    return {
        "connections": IDLE,
        "kib_per_connection": round((idle - before) / IDLE, 2),
        "kib_after_speaking": round((spoken - before) / IDLE, 2),
        "connections_per_s": IDLE / guests.join_s,
    }


def _durable(progress: "_Progress") -> dict[str, Any]:
    """``voltide station`` with its store, its sessions and its control loop: saturated, then at half of that."""
    here, there = cores()
    with park(CHARGERS, {here, there}) as station:
        arguments = ("--port", station.plain_port, "--secret", station.secret, "--living")
        with crowd(CHARGERS, {there}, *arguments) as guests:
            full = guests.speak(STORED_SECONDS, STORED_WARM)
            progress.step()
            half = guests.speak(STORED_SECONDS, STORED_WARM, full["per_s"] / 2.0)
            ticks, flush = station.ticks(), flush_ms(Path(station.data))
        stored = station.stored()
    progress.step()
    note(f"durable: {full['per_s']:,.0f} messages/s; at half of it p99 {half['p99_ms']} ms; {ticks}")
    return {"saturated": full, "half": half, "ticks": ticks, "stored": stored, "flush_ms": round(flush, 2)}


def _report(
    rounds: Sequence[dict[str, dict[str, Any]]], durable: Sequence[dict[str, Any]], more: dict[str, Any]
) -> dict[str, Any]:
    names = list(rounds[0])
    middle = {name: _median(one[name] for one in rounds) for name in names}
    runs = [one[_OURS.name]["per_s"] for one in rounds]
    peers = names[1:]
    ratios = {
        peer: statistics.median(one[_OURS.name]["per_s"] / one[peer]["per_s"] for one in rounds) for peer in peers
    }
    peer = peers[0] if peers else None
    saturated, half = _median(one["saturated"] for one in durable), _median(one["half"] for one in durable)
    return {
        "name": "ocpp",
        "figure": statistics.median(runs),
        "unit": f"messages/s, validated, {CHARGERS} chargers, no store",
        "peer": peer,
        "peer_figure": None if peer is None else middle[peer]["per_s"],
        "ratio": None if peer is None else ratios[peer],
        "runs": runs,
        "machine": machine(),
        "ratios": ratios,
        "servers": middle,
        "durable": {
            "saturated": saturated,
            "half": half,
            "runs": [one["saturated"]["per_s"] for one in durable],
            "ticks_missed": max(one["ticks"].get("missed", 0) for one in durable),
            "flush_ms": statistics.median(one["flush_ms"] for one in durable),
        },
        **more,
    }


def _median(runs: Any) -> dict[str, float]:
    """Key by key."""
    table = list(runs)
    return {key: statistics.median(one[key] for one in table) for key in table[0]}


class _Progress:
    def __init__(self, tell: Tell, steps: int) -> None:
        self._tell, self._steps, self._done = tell, steps, 0

    def step(self) -> None:
        self._done += 1
        self._tell(self._done / self._steps)
