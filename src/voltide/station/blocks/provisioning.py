"""The device model (block B): what each charger says it is made of, and when a report of it is whole."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Engine, select

from voltide.backbone import schema
from voltide.backbone.store import Change, rows
from voltide.domain.messages import Variable, VariablesTold
from voltide.domain.site import ChargerId
from voltide.station.blocks.block import Heard
from voltide.station.blocks.ground import Quiet

MOST_REPORTS = 4
"""So many reports of one charger are followed at once."""
MOST_PARTS = 4096
"""So many parts a report may have; no device model is that large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One variable as a row of ``variables``."""

    variable: Variable

    def write(self, change: Change, charger: ChargerId, now: datetime) -> None:
        """As a row; what was said of it before makes way."""
        del now
        one = self.variable
        row = {
            "charger": charger,
            "component": _component(one)[:64],
            "name": one.name[:64],
            "instance": (one.instance or "")[:64],
            "evse": one.evse or 0,
            "value": one.value,
        }
        change.add(schema.variables, row)


def _component(one: Variable) -> str:
    """A component with its connector and instance, which the table has no columns for.

    >>> _component(Variable(component="Connector", name="Available", value="true", evse=1, connector=2))
    'Connector:2'
    """
    connector = f":{one.connector}" if one.connector is not None else ""
    instance = f"#{one.component_instance}" if one.component_instance is not None else ""
    return f"{one.component}{connector}{instance}"


def known(engine: Engine, charger: ChargerId) -> tuple[Variable, ...]:
    """What a charger's device model said last, of any version (1.6: component "")."""
    table = schema.variables
    query = select(table).where(table.c.charger == charger).order_by(table.c.component, table.c.evse, table.c.name)
    return tuple(_variable(row) for row in rows(engine, query))


def _variable(row: dict[str, object]) -> Variable:
    component, _, instance = str(row["component"]).partition("#")
    component, _, connector = component.partition(":")
    return Variable(
        component=component,
        name=str(row["name"]),
        value=None if row["value"] is None else str(row["value"]),
        evse=int(str(row["evse"])) or None,
        instance=str(row["instance"]) or None,
        component_instance=instance or None,
        connector=int(connector) if connector.isdecimal() else None,
    )


@dataclass(slots=True)
class _Report:
    """The parts of one report."""

    seen: set[int] = field(default_factory=set)
    last: int | None = None

    @property
    def whole(self) -> bool:
        return self.last is not None and sum(0 <= seq <= self.last for seq in self.seen) == self.last + 1


class DeviceModels(Quiet):
    """Writes down what chargers report of themselves."""

    def __init__(self) -> None:
        self._reports: dict[ChargerId, dict[int, _Report]] = {}

    @property
    def hears(self) -> tuple[type, ...]:
        """Each part of a report."""
        return (VariablesTold,)

    def whole(self, charger: ChargerId, request_id: int) -> bool:
        """Whether every part of a report has come, in whatever order."""
        report = self._reports.get(charger, {}).get(request_id)
        return report is not None and report.whole

    async def hear(self, charger: ChargerId, fact: VariablesTold, now: datetime) -> Heard:
        """Each variable is a row."""
        del charger, now
        return Heard(written=written(fact.variables))

    def told(self, charger: ChargerId, fact: VariablesTold) -> None:
        """One part more."""
        if fact.request_id is None:
            return
        reports = self._reports.setdefault(charger, {})
        report = reports.setdefault(fact.request_id, _Report())
        if len(report.seen) < MOST_PARTS:
            report.seen.add(fact.seq_no)
        if not fact.more:
            report.last = fact.seq_no
        while len(reports) > MOST_REPORTS:
            del reports[next(iter(reports))]

    def left(self, charger: ChargerId) -> None:
        """What had begun will not go on on another line."""
        self._reports.pop(charger, None)


def written(variables: Iterable[Variable]) -> tuple[Known, ...]:
    """The rows of what was told or read; what a charger does not know is none."""
    return tuple(Known(variable=one) for one in variables if one.status == "Accepted")
