"""All benchmarks by name."""

from typing import Any

from voltide.benches.machine import Tell
from voltide.benches.ocpp import measure as measure_ocpp
from voltide.benches.planned import measure as measure_plan
from voltide.benches.small import measure as measure_small
from voltide.benches.storm import measure as measure_storm

NAMES = ("control", "day", "demo", "ocpp", "plan", "storm")


def run(name: str, tell: Tell) -> dict[str, Any]:
    """One benchmark by name. Raises ``OSError`` where the machine cannot run it."""
    if name == "ocpp":
        return measure_ocpp(tell)
    if name == "plan":
        return measure_plan(tell)
    return measure_storm(tell) if name == "storm" else measure_small(name, tell)
