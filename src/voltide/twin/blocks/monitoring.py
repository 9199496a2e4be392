"""Rules by which a charger watches its variables, and the events that follow (N02 to N08)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import ClassVar

from voltide.domain.messages import Json
from voltide.domain.site import OcppVersion
from voltide.domain.time import stamp
from voltide.domain.units import Seconds
from voltide.ocpp.wire import number
from voltide.twin.blocks.block import Block, Box, pages
from voltide.twin.blocks.model import Inventory, matches, place
from voltide.twin.variables import Name, Spot

_LEVEL: Name = ("MonitoringCtrlr", "ActiveMonitoringLevel", "")
_BASE: Name = ("MonitoringCtrlr", "ActiveMonitoringBase", "")
_QUEUED: Name = ("MonitoringCtrlr", "OfflineQueuingSeverity", "")
_PAGE: Name = ("DeviceDataCtrlr", "ItemsPerMessage", "GetReport")
WORST, MILDEST = 0, 9
PERIODIC = frozenset({"Periodic", "PeriodicClockAligned"})
LOOK_S: Seconds = 2.0
"""How often values are looked at between the moments of periodic rules: a day of chargers has millions of seconds."""
_CRITERIA = {
    "UpperThreshold": "ThresholdMonitoring",
    "LowerThreshold": "ThresholdMonitoring",
    "Delta": "DeltaMonitoring",
    "Periodic": "PeriodicMonitoring",
    "PeriodicClockAligned": "PeriodicMonitoring",
}
"""Every kind that this charger has, and the criterion that finds it."""
_FACTORY = (("TemperatureSensor", "Temperature", ""), "UpperThreshold", 80.0, 2)
"""What the maker watches at each outlet, when the base asks for it."""


@dataclass(slots=True)
class Monitor:
    """One rule, and what it remembers."""

    id: int
    spot: Spot
    kind: str
    value: float
    severity: int
    of_stay: bool = False
    """It watches only while a transaction runs there."""
    source: str = "CustomMonitor"
    params: Json | None = None
    """Its values are to go into a stream."""
    out: bool = False
    """The value is beyond the threshold."""
    alert: int | None = None
    """The event that told so."""
    last: str | None = None
    """The value that was told last."""
    due_s: Seconds = 0.0


@dataclass(frozen=True, slots=True)
class Event:
    """Something that a monitor has noticed."""

    monitor: Monitor
    at: datetime
    value: str
    trigger: str
    cleared: bool = False


class Monitoring(Block):
    """Watches. ``streams`` takes the events of a monitor that has a stream."""

    def __init__(self, box: Box) -> None:
        super().__init__(box)
        self._looks_s: Seconds = 0.0
        self.monitors: dict[int, Monitor] = {}
        self.base, self.level = "HardWiredOnly", MILDEST
        self.streaming: Callable[[Event], bool] = lambda _event: False
        """Whether a stream has taken an event."""
        self.gone: Callable[[Monitor], None] = lambda _monitor: None
        """Hears of each monitor that is there no more."""
        self._events = 0
        box.variables.live[_LEVEL] = lambda _spot: str(self.level)
        box.variables.live[_BASE] = lambda _spot: self.base

    # --- orders ---

    def take_all(self, body: Json) -> Json:
        """Take each rule that fits."""
        return {"setMonitoringResult": [self._take(asked) for asked in body["setMonitoringData"]]}

    def _take(self, asked: Json) -> Json:
        told = {key: asked[key] for key in ("type", "severity", "component", "variable")}
        spot = self.box.part(Inventory).find(asked)
        if isinstance(spot, str):
            return told | {"status": spot} | ({"id": asked["id"]} if "id" in asked else {})
        status = self._flaw(asked, spot)
        if status is not None:
            return told | {"status": status} | ({"id": asked["id"]} if "id" in asked else {})
        old = self.monitors.pop(asked["id"], None) if "id" in asked else None
        if old is not None:
            self._forget(old)
        monitor = Monitor(
            id=old.id if old is not None else max(self.monitors, default=0) + 1,
            spot=spot,
            kind=asked["type"],
            value=asked["value"],
            severity=asked["severity"],
            of_stay=asked.get("transaction", False),
            params=asked.get("periodicEventStream"),
        )
        self._watch(monitor)
        return told | {"status": "Accepted", "id": monitor.id}

    def _watch(self, monitor: Monitor) -> None:
        now = self.box.clock.monotonic()
        monitor.due_s = now + self._wait(monitor)
        monitor.last = self.box.variables.read(monitor.spot)
        self.monitors[monitor.id] = monitor
        self.box.watch(self._look)

    def _flaw(self, asked: Json, spot: Spot) -> str | None:
        """Why a rule cannot be taken; None: it can."""
        kind, value, old = asked["type"], asked["value"], self.monitors.get(asked.get("id", 0))
        if kind not in _CRITERIA or not (spot.row.monitor or kind in PERIODIC or kind == "Delta"):
            return "UnsupportedMonitorType"
        low, high = self.box.variables.bounds(spot)
        threshold = kind.endswith("Threshold")
        wild = threshold and ((low is not None and value < low) or (high is not None and value > high))
        hard = old is not None and old.source == "HardWiredMonitor"
        moved = "id" in asked and (old is None or old.spot != spot)
        if wild or hard or moved or asked["severity"] > MILDEST or (not threshold and value <= 0):
            return "Rejected"
        twins = (one for one in self.monitors.values() if one is not old)
        double = any((one.spot, one.kind, one.severity) == (spot, kind, asked["severity"]) for one in twins)
        return "Duplicate" if double else None

    def _clear(self, body: Json) -> Json:
        """Forget rules; the hard-wired ones stay."""
        results = []
        for one in body["id"]:
            monitor = self.monitors.get(one)
            hard = monitor is not None and monitor.source == "HardWiredMonitor"
            if monitor is not None and not hard:
                del self.monitors[one]
                self._forget(monitor)
            results.append({"id": one, "status": "NotFound" if monitor is None else "Rejected" if hard else "Accepted"})
        return {"clearMonitoringResult": results}

    def _forget(self, monitor: Monitor) -> None:
        """An alert that went on is over with its rule."""
        if monitor.out:
            self._tell([self._event(monitor, self.box.variables.read(monitor.spot), "Alerting", cleared=True)])
        self.gone(monitor)

    def _set_base(self, body: Json) -> Json:
        """Which of the maker's rules hold; all but ``All`` ends those of the station (N03)."""
        self.base = body["monitoringBase"]
        kept = {"CustomMonitor"} if self.base == "All" else set()
        for one in [one for one in self.monitors.values() if one.source not in kept]:
            del self.monitors[one.id]
            self._forget(one)
        if self.base != "HardWiredOnly":
            name, kind, value, severity = _FACTORY
            for evse in self.box.bays:
                spot = self.box.variables.find(name, evse)
                if spot is not None:
                    number_ = max(self.monitors, default=0) + 1
                    self._watch(Monitor(number_, spot, kind, value, severity, source="PreconfiguredMonitor"))
        return {"status": "Accepted"}

    def _set_level(self, body: Json) -> Json:
        """Tell nothing milder than this (N05)."""
        if body["severity"] > MILDEST:
            return {"status": "Rejected"}
        self.level = body["severity"]
        return {"status": "Accepted"}

    def _report(self, body: Json) -> Json:
        criteria, wanted = body.get("monitoringCriteria", []), body.get("componentVariable", [])
        chosen = [
            one
            for one in self.monitors.values()
            if (not criteria or _CRITERIA[one.kind] in criteria)
            and (not wanted or any(matches(one.spot, row) for row in wanted))
        ]
        if not chosen:
            return {"status": "EmptyResultSet"}
        rows, at = [self._row(one) for one in chosen], stamp(self.box.clock.now())
        for part, more, page in pages(rows, self.box.variables.whole(_PAGE)):
            told = {"requestId": body["requestId"], "seqNo": part, "generatedAt": at, "tbc": more, "monitor": page}
            self.box.call("NotifyMonitoringReport", told)
        return {"status": "Accepted"}

    def _row(self, one: Monitor) -> Json:
        rule: Json = {
            "id": one.id,
            "transaction": one.of_stay,
            "value": one.value,
            "type": one.kind,
            "severity": one.severity,
        }
        if self.box.version is OcppVersion.V21:
            rule["eventNotificationType"] = one.source
        return place(one.spot) | {"variableMonitoring": [rule]}

    # --- as time goes by ---

    def _look(self, now: Seconds) -> None:
        if not self.monitors:
            self.box.unwatch(self._look)
        if now < self._looks_s:
            return
        self._tell([event for one in self.monitors.values() if self._awake(one) for event in self._noticed(one, now)])
        due = (one.due_s for one in self.monitors.values() if one.kind in PERIODIC)
        self._looks_s = min(now + LOOK_S, min(due, default=inf))

    def _awake(self, one: Monitor) -> bool:
        bay = self.box.bays.get(one.spot.evse or 1)
        return not one.of_stay or (bay is not None and bay.transaction is not None)

    def _noticed(self, one: Monitor, now: Seconds) -> Iterator[Event]:
        """What a rule notices this second."""
        value = self.box.variables.read(one.spot)
        if one.kind in PERIODIC:
            if now >= one.due_s:
                one.due_s = now + self._wait(one)
                yield self._event(one, value, "Periodic")
        elif one.kind == "Delta":
            if _far(value, one.last, one.value):
                one.last = value
                yield self._event(one, value, "Delta")
        else:
            found = number(value) or 0.0
            out = found > one.value if one.kind == "UpperThreshold" else found < one.value
            if out is not one.out:
                one.out = out
                yield self._event(one, value, "Alerting", cleared=not out)

    def _wait(self, one: Monitor) -> Seconds:
        """How long until a periodic rule speaks again: by its own count, or on the clock's full intervals."""
        if one.kind != "PeriodicClockAligned":
            return one.value
        return one.value - self.box.clock.now().timestamp() % one.value

    def _event(self, one: Monitor, value: str, trigger: str, *, cleared: bool = False) -> Event:
        return Event(one, self.box.clock.now(), value, trigger, cleared)

    def _tell(self, events: list[Event]) -> None:
        """One message for all that was noticed at once; without a line only what is grave enough to be kept."""
        online = self.box.online
        mildest = self.level if online else min(self.level, self.box.variables.whole(_QUEUED))
        rest = [event for event in events if event.monitor.severity <= mildest and not self.streaming(event)]
        if rest:
            rows = [self._say(event) for event in rest]
            body = {"generatedAt": stamp(self.box.clock.now()), "seqNo": 0, "tbc": False, "eventData": rows}
            self.box.call("NotifyEvent", body, keep=not online)

    def _say(self, event: Event) -> Json:
        """One event as the wire has it; an alert that is over names the one that it ends."""
        one = event.monitor
        self._events += 1
        bay = self.box.bays.get(one.spot.evse or 0)
        row: Json = {
            "eventId": self._events,
            "timestamp": stamp(event.at),
            "trigger": event.trigger,
            "actualValue": event.value,
            "eventNotificationType": one.source,
            "variableMonitoringId": one.id,
            "transactionId": None if bay is None else self.box.known_id(bay.transaction),
        }
        if event.trigger == "Alerting":
            row |= {"cleared": event.cleared, "cause": one.alert}
            one.alert = None if event.cleared else self._events
        if self.box.version is OcppVersion.V21:
            row["severity"] = one.severity
        return row | place(one.spot)

    ACTS: ClassVar = {
        "ClearVariableMonitoring": _clear,
        "GetMonitoringReport": _report,
        "SetMonitoringBase": _set_base,
        "SetMonitoringLevel": _set_level,
    }


def _far(value: str, last: str | None, delta: float) -> bool:
    """Whether a value has moved far enough; one that is no number, at all."""
    found, before = number(value), number(last)
    if found is None or before is None:
        return value != last
    return abs(found - before) >= delta
