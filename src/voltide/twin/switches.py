"""Throws the switches of one charger."""

from voltide.twin.charger import ChargerTwin
from voltide.twin.faults import Fault
from voltide.twin.wire import MemoryWire


def throw(twin: ChargerTwin, fault: Fault, *, begins: bool) -> None:
    """A fault begins or ends at a charger."""
    if fault.what in {"link-lost", "half-open"}:
        _cut(twin, fault.what, begins=begins)
        return
    match fault.what:
        case "deaf":
            twin.troubles.deaf = begins
            for outlet in twin.outlets:
                outlet.profiles.deaf = begins
                outlet.look()
        case "refusing":
            twin.troubles.refusing = begins
        case "late":
            twin.troubles.late_s = fault.late_s if begins else 0.0
        case "echoing":
            twin.troubles.echoing = begins
        case "frozen-meter":
            for outlet in twin.outlets:
                outlet.shown = outlet.reading() if begins else None


def _cut(twin: ChargerTwin, what: str, *, begins: bool) -> None:
    """Break the line loudly, or so that neither end is told (a line in memory only)."""
    if what == "link-lost":
        twin.troubles.unreachable = begins
        twin.hanging |= begins
    elif isinstance(twin.wire, MemoryWire):
        twin.wire.cut = begins
