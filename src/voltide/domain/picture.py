"""What a page shows of a station, once a second. Names on the wire are these names."""

from dataclasses import dataclass
from datetime import datetime

from voltide.domain.site import ChargerId, EvseId, NodeId, StationId
from voltide.domain.units import Fraction, WattHours, Watts


@dataclass(frozen=True, slots=True, kw_only=True)
class OutletPicture:
    """One tile."""

    id: EvseId
    charger: ChargerId
    group: NodeId
    """The node it hangs on directly: its pile or cabinet."""
    online: bool
    version: str
    """The OCPP version of its charger; "" when it has not been seen."""
    state: str
    """available, plugged, authorised, charging, paused, discharging, finished, unavailable, faulted, offline."""
    max_charge_w: Watts
    max_discharge_w: Watts
    power_w: Watts
    setpoint_w: Watts | None = None
    why: str = "idle"
    """Why it has this setpoint: a wish's word, or the limit that binds: node:<id>, stale, operator."""
    age_s: float | None = None
    """Since the power was measured."""
    session: str | None = None
    soc: Fraction | None = None
    target_soc: Fraction | None = None
    floor_soc: Fraction | None = None
    need_wh: WattHours | None = None
    """Still needed by departure."""
    departure: datetime | None = None
    since: datetime | None = None
    imported_wh: WattHours = 0.0
    exported_wh: WattHours = 0.0
    green_wh: WattHours = 0.0
    v2g: bool = False
    limit_w: Watts | None = None
    """An operator's own limit on it."""
    called: str = ""
    """What the operator calls its charger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePicture:
    """One limit of the tree and how full it is."""

    id: NodeId
    kind: str
    parent: NodeId | None
    power_w: Watts
    import_w: Watts
    export_w: Watts


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmPicture:
    """Something that needs a person; the page's catalogue says in words what to do."""

    code: str
    subject: str
    since: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPicture:
    """A grid order, running or to come."""

    id: str
    start: datetime
    end: datetime
    power_w: Watts
    delivered_wh: WattHours
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPicture:
    """One line of the station's diary."""

    at: datetime
    code: str
    """A word of the page's catalogue: plugged, charging, discharging, ended, charger-online, order-started ..."""
    subject: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StationPicture:
    """A whole station at one second. Powers are positive into the thing named; None: not known now."""

    station: StationId
    name: str
    name_zh: str
    timezone: str
    at: datetime
    grid_w: Watts | None
    pv_w: Watts | None
    """Into the canopy, so negative when the sun shines."""
    battery_w: Watts | None
    battery_soc: Fraction | None
    building_w: Watts | None
    cars_in_w: Watts
    """All that flows into cars; at least 0."""
    cars_out_w: Watts
    """All that flows back from cars; at most 0."""
    import_limit_w: Watts
    export_limit_w: Watts
    pv_peak_w: Watts
    price_buy: float | None
    """Yuan per kWh that a driver pays now, service fee included."""
    price_sell: float | None
    """Yuan per kWh that a driver earns now for energy given back."""
    charged_today_wh: WattHours
    discharged_today_wh: WattHours
    solar_today_wh: WattHours
    sessions_today: int
    outlets: tuple[OutletPicture, ...]
    nodes: tuple[NodePicture, ...]
    orders: tuple[OrderPicture, ...]
    alarms: tuple[AlarmPicture, ...]
    events: tuple[EventPicture, ...]
    """The newest first, at most 50."""
    tick_us: float
    """How long the last control step took."""
    newcomers: int = 0
    """Unknown chargers that wait to be accepted or refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """One minute of history: mean powers in W, states at its end."""

    at: datetime
    grid_w: Watts
    pv_w: Watts
    battery_w: Watts
    battery_soc: Fraction | None
    building_w: Watts
    cars_in_w: Watts
    cars_out_w: Watts
    price_buy: float | None
    connected: int
    """Cars plugged in at its end."""
