"""Monitoring (block N): what a charger notices about itself; what is grave becomes an alarm until it is over.

A charger that has told its device model is given a few monitors of ours: on every ``Problem`` and on temperatures.
"""

from dataclasses import dataclass
from datetime import datetime

import structlog

from voltide.domain.messages import Accepted, Variable
from voltide.domain.reports import EventsTold, Monitor, MonitoredEvent, MonitorsTold, Place
from voltide.domain.requests import SetMonitors
from voltide.domain.site import ChargerId, OcppVersion
from voltide.station.blocks.block import Heard, Kept
from voltide.station.blocks.ground import Ground, Keys, Quiet
from voltide.station.blocks.provisioning import known

log = structlog.get_logger()

GRAVE = 3
"""Severities from 0 (danger) to this (critical) need a person."""
MOST_ALARMS = 16
"""So many alarms of one charger stand at once; who has more has said enough."""
MOST_MONITORS = 24
"""So many of ours at most; chargers have little room."""
HOT_C = 80.0
_WORDS = frozenset({"Problem"})
_FALSE = frozenset({"false", "0", ""})
_DANGER, _CRITICAL = 2, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The monitors that a charger has been given, and by which list."""

    monitors: tuple[Monitor, ...]


def wanted(model: tuple[Variable, ...]) -> tuple[Monitor, ...]:
    """The monitors that a charger should have, by what it says it is made of."""
    found = []
    for one in model:
        place = Place(
            component=one.component,
            variable=one.name,
            evse=one.evse,
            connector=one.connector,
            component_instance=one.component_instance,
            variable_instance=one.instance,
        )
        if one.name == "Problem":
            found.append(Monitor(id=0, place=place, kind="Delta", value=1.0, severity=_DANGER))
        elif one.name == "Temperature":
            found.append(Monitor(id=0, place=place, kind="UpperThreshold", value=HOT_C, severity=_CRITICAL))
    return tuple(found[:MOST_MONITORS])


class Monitoring(Quiet):
    """Events and monitors of every charger."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._severity: dict[ChargerId, dict[int, int]] = {}
        self._standing: dict[ChargerId, dict[str, str]] = {}
        """The alarms that stand: where, by the charger's own name for it."""
        self._given: dict[ChargerId, tuple[Monitor, ...]] = {}
        self._keys = Keys(256)

    @property
    def hears(self) -> tuple[type, ...]:
        """Events, and the lists of monitors."""
        return (EventsTold, MonitorsTold)

    async def load(self) -> None:
        """Which monitor is how grave, and who has been given ours."""
        for charger, _, one in await self._ground.kept("monitor", Monitor):
            self._severity.setdefault(charger, {})[one.id] = one.severity
        for charger, _, given in await self._ground.kept("monitors-given", Given):
            self._given[charger] = given.monitors

    async def greet(self, charger: ChargerId) -> None:
        """Give a charger its monitors, once; another firmware with another device model gets others."""
        line = self._ground.crew.chargers.lines.get(charger)
        if line is None or line.version is OcppVersion.V16:
            return
        model = await self._ground.store.read(lambda engine: known(engine, charger))
        monitors = wanted(model)
        if not monitors or monitors == self._given.get(charger):
            return
        result = await self._ground.call(charger, SetMonitors(monitors=monitors))
        if isinstance(result, Accepted):
            self._given[charger] = monitors
            given = Kept(kind="monitors-given", key="ours", what=Given(monitors=monitors))
            await self._ground.keep(charger, given)
        else:
            log.info("monitors.refused", charger=charger, why=result.reason)

    async def hear(self, charger: ChargerId, fact: EventsTold | MonitorsTold, now: datetime) -> Heard:
        """The newest event of each place, and each monitor by its id."""
        del now
        if isinstance(fact, MonitorsTold):
            return Heard(written=tuple(Kept(kind="monitor", key=str(one.id), what=one) for one in fact.monitors))
        newest = {self._keys.of(charger, _name(one.place)): one for one in fact.events}
        return Heard(written=tuple(Kept(kind="event", key=key, what=one) for key, one in newest.items()))

    def told(self, charger: ChargerId, fact: EventsTold | MonitorsTold) -> None:
        """What is grave is an alarm; what has been cleared is none."""
        if isinstance(fact, MonitorsTold):
            known_ = self._severity.setdefault(charger, {})
            known_ |= {one.id: one.severity for one in fact.monitors}
            return
        for event in fact.events:
            self._judge(charger, event)

    def _judge(self, charger: ChargerId, event: MonitoredEvent) -> None:
        standing = self._standing.setdefault(charger, {})
        name = _name(event.place)
        subject = f"{charger} {name}"[:120]
        if event.cleared or _over(event):
            if standing.pop(name, None) is not None:
                self._ground.diary.clear_alarm("charger-event", subject)
        elif self._grave(charger, event) and (name in standing or len(standing) < MOST_ALARMS):
            standing[name] = subject
            detail = " ".join(part for part in (event.value, event.code, event.info) if part)
            self._ground.diary.raise_alarm("charger-event", subject, detail)

    def _grave(self, charger: ChargerId, event: MonitoredEvent) -> bool:
        """By its own word (2.1), its monitor's, or, where neither is known, by what it is about."""
        severity = event.severity
        if severity is None and event.monitor is not None:
            severity = self._severity.get(charger, {}).get(event.monitor)
        if severity is not None:
            return severity <= GRAVE
        return event.trigger == "Alerting" and event.place.variable in _WORDS


def _over(event: MonitoredEvent) -> bool:
    """A ``Problem`` that is none any more is over, also where the charger does not say ``cleared``."""
    return event.place.variable in _WORDS and event.value.strip().casefold() in _FALSE


def _name(place: Place) -> str:
    """Where something is, as a person reads it.

    >>> _name(Place(component="Connector", variable="Problem", evse=1, connector=2))
    'Connector 1.2 Problem'
    """
    where = ".".join(str(number) for number in (place.evse, place.connector) if number is not None)
    parts = (place.component, place.component_instance, where, place.variable, place.variable_instance)
    return " ".join(part for part in parts if part)
