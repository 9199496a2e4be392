"""Throws the switches of one charger."""

from voltide.twin.bay import Bay
from voltide.twin.charger import ChargerTwin
from voltide.twin.faults import Fault
from voltide.twin.wire import MemoryWire


def throw(twin: ChargerTwin, fault: Fault, *, begins: bool) -> None:
    """A fault begins or ends at a charger."""
    troubles = twin.troubles
    match fault.what:
        case "link-lost" | "half-open":
            _cut(twin, fault.what, begins=begins)
        case "faulted" | "frozen-meter" | "deaf":
            for bay in twin.bays.values():
                _hurt(bay, fault.what, begins=begins)
        case "refusing":
            troubles.refusing = begins
        case "late":
            troubles.late_s = fault.late_s if begins else 0.0
        case "echoing":
            troubles.echoing = begins


def _hurt(bay: Bay, what: str, *, begins: bool) -> None:
    """What an outlet suffers by itself."""
    outlet = bay.outlet
    match what:
        case "faulted":
            bay.fail("InternalError" if begins else None)
        case "frozen-meter":
            outlet.shown = outlet.reading() if begins else None
        case _:
            outlet.profiles.deaf = begins
            outlet.look()


def _cut(twin: ChargerTwin, what: str, *, begins: bool) -> None:
    """Break the line loudly, or so that neither end is told (a line in memory only)."""
    if what == "link-lost":
        twin.troubles.unreachable = begins
        twin.hanging |= begins
    elif isinstance(twin.wire, MemoryWire):
        twin.wire.cut = begins
