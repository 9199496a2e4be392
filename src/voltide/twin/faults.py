"""What goes wrong: switches on one charger, a meter or a line, and a plan of when they are thrown."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from voltide.domain.units import Seconds

CHARGER_FAULTS = ("deaf", "refusing", "late", "link-lost", "half-open", "echoing", "frozen-meter", "faulted")
PLANT_FAULTS = ("silent", "frozen", "nan", "flipped", "scaled")


class Troubles:
    """The switches of one charger, all off."""

    __slots__ = ("echoing", "late_s", "refusing", "unreachable")

    def __init__(self) -> None:
        self.refusing = False
        """Refuses every setpoint."""
        self.late_s: Seconds = 0.0
        """Answers every order this much later."""
        self.unreachable = False
        """Has no line, and cannot open one."""
        self.echoing = False
        """Tells every other transaction event twice, and swaps neighbours that wait in its queue."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault to come: ``what`` at ``where`` (a charger's id, or meter, battery, inverter, building)."""

    what: str
    where: str
    at_s: Seconds
    for_s: Seconds
    late_s: Seconds = 20.0
    """How late, for the fault "late"."""


def faults_from(tables: Sequence[Mapping[str, Any]]) -> tuple[Fault, ...]:
    """Faults from ``[[world.faults]]``; what it does not know is an error that names it."""
    known = {field.name for field in fields(Fault)}
    for table in tables:
        unknown = sorted(set(table) - known)
        if unknown:
            raise ValueError(f"[[world.faults]] does not know the key {unknown[0]!r}.")
        if table.get("what") not in {*CHARGER_FAULTS, *PLANT_FAULTS}:
            raise ValueError(f"[[world.faults]] does not know the fault {table.get('what')!r}.")
    return tuple(sorted((Fault(**table) for table in tables), key=lambda fault: (fault.at_s, fault.where, fault.what)))


class Plan:
    """Tells at each second which faults begin (True) and end (False)."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        steps = [(fault.at_s, at, True, fault) for at, fault in enumerate(faults)]
        steps += [(fault.at_s + fault.for_s, at, False, fault) for at, fault in enumerate(faults)]
        self._steps = sorted(steps, key=lambda step: step[:3], reverse=True)
        self.injected = 0
        self.by_kind: dict[str, int] = {}

    def due(self, now: Seconds) -> Iterator[tuple[Fault, bool]]:
        """What begins or ends now."""
        while self._steps and self._steps[-1][0] <= now:
            *_, begins, fault = self._steps.pop()
            if begins:
                self.injected += 1
                self.by_kind[fault.what] = self.by_kind.get(fault.what, 0) + 1
            yield fault, begins
