"""Everybody returns at once: 1,000 chargers over TLS and 5,000 in the clear, each with ten events that it kept.

The station is the product with its store and its control loop; the chargers are one process on the other core. A
charger has returned when all that it kept is answered, and nothing is answered before it is on the disk.
"""

import json
import statistics
from dataclasses import dataclass
from typing import Any

from voltide.benches.machine import Tell, cores, line, machine, note, process, python
from voltide.benches.park import park

RUNS = 3
"""A storm is long; a machine that cannot bear it once cannot bear it at all."""
EVENTS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """Who returns, how, and within which time."""

    name: str
    chargers: int
    tls: bool
    limit_s: float


STORMS = (
    Storm(name="1,000 over TLS", chargers=1_000, tls=True, limit_s=30.0),
    Storm(name="5,000 in the clear", chargers=5_000, tls=False, limit_s=60.0),
)


def measure(tell: Tell) -> dict[str, Any]:
    """Both storms. Raises ``OSError`` where the machine cannot."""
    table: dict[str, list[dict[str, Any]]] = {storm.name: [] for storm in STORMS}
    done = 0
    for _ in range(RUNS):
        for storm in STORMS:
            table[storm.name].append(_weathered(storm))
            note(f"{storm.name}: {table[storm.name][-1]}")
            done += 1
            tell(done / (RUNS * len(STORMS)))
    first = table[STORMS[0].name]
    figure = statistics.median(one["seconds"] for one in first)
    return {
        "name": "storm",
        "figure": figure,
        "unit": f"s until {STORMS[0].name} are back, {EVENTS} kept events each",
        "peer": "limit",
        "peer_figure": STORMS[0].limit_s,
        "ratio": figure / STORMS[0].limit_s,
        "runs": [one["seconds"] for one in first],
        "machine": machine(),
        "storms": {
            storm.name: {
                "limit_s": storm.limit_s,
                "seconds": statistics.median(one["seconds"] for one in table[storm.name]),
                "runs": table[storm.name],
            }
            for storm in STORMS
        },
    }


def _weathered(storm: Storm) -> dict[str, Any]:
    here, there = cores()
    with park(storm.chargers, {here, there}, profile=2 if storm.tls else 1) as station:
        before = station.ticks()
        port = station.tls_port if storm.tls else station.plain_port
        command = python(
            "voltide.benches.returning", "--port", port, "--count", storm.chargers, "--secret", station.secret,
            "--events", EVENTS, *(["--tls"] if storm.tls else []),
        )  # fmt: skip
        with process(command, {there}) as chargers:
            told: dict[str, Any] = json.loads(line(chargers))
        after = station.ticks()
        kept = station.stored("TransactionEvent")
    wanted = storm.chargers * EVENTS
    return {
        **told,
        "ticks": after.get("done", 0) - before.get("done", 0),
        "ticks_missed": after.get("missed", 0) - before.get("missed", 0),
        "ticks_failed": after.get("failed", 0) - before.get("failed", 0),
        "events_stored": kept,
        "events_lost": wanted - kept,
    }
