"""What Prometheus sees of the station; set once a second, read at /metrics."""

from prometheus_client import Gauge

from voltide.domain.site import StationId
from voltide.station.loop import Crew, Loop
from voltide.station.oddities import Oddities

_POWER = Gauge("voltide_power_watts", "Power into the thing named.", ["station", "of"])
_SESSIONS = Gauge("voltide_sessions_open", "Cars plugged in.", ["station"])
_LINES = Gauge("voltide_chargers_online", "Chargers on the line.", ["station"])
_HEARD = Gauge("voltide_charger_messages", "Messages heard from chargers since the start.", ["station", "ocpp"])
_TICKS = Gauge("voltide_control_ticks", "Control ticks since the start.", ["station", "what"])
_STEP = Gauge("voltide_control_step_seconds", "How long the last control step took.", ["station"])
_REFUSED = Gauge("voltide_setpoints_not_taken", "Setpoints that were refused or lost since the start.", ["station"])
_ODD = Gauge(
    "voltide_charger_deviations",
    "Ways in which chargers' messages departed from the standard since the start; quirk-*: set right by a quirk file.",
    ["station", "maker", "kind"],
)


def tell(name: StationId, crew: Crew, loop: Loop, oddities: Oddities) -> None:
    """Set them all."""
    for what in ("grid", "inverter", "battery", "building"):
        power = crew.plant.measured(what).believed
        _POWER.labels(name, what).set(float("nan") if power is None else power)
    _POWER.labels(name, "cars").set(float(loop.measured_w.sum()))
    _SESSIONS.labels(name).set(len(crew.sessions.open()))
    _LINES.labels(name).set(len(crew.chargers.lines))
    for version, count in crew.chargers.messages.items():
        _HEARD.labels(name, version.value).set(count)
    for what, count in (("done", loop.ticks), ("missed", loop.missed), ("failed", loop.failures)):
        _TICKS.labels(name, what).set(count)
    _STEP.labels(name).set(loop.step_us[-1] / 1e6 if loop.step_us else 0.0)
    _REFUSED.labels(name).set(crew.setpoints.refusals)
    for (maker, kind), count in oddities.by_maker().items():
        _ODD.labels(name, maker, kind).set(count)
