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


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonPicture:
    """Why the plan does what it does with one thing now: a code, for which the page has a sentence, and its figures."""

    code: str
    """A word of ``planning/why.py``: charges-now, waits-for-price, gives-for-price, limited-by, full ..."""
    power_w: Watts
    until: datetime
    """When the power changes its kind (in, out, none), or the car leaves, or the plan ends."""
    price: float
    """Yuan per kWh at the connection now; of an event, what it pays."""
    then_at: datetime | None = None
    """When power flows next after that."""
    then_way: str = ""
    """in or out."""
    then_price: float | None = None
    need_soc: Fraction | None = None
    """Wanted at departure; None where the car's capacity is not known."""
    missing_wh: WattHours = 0.0
    """Of what is wanted, not yet there."""
    short_wh: WattHours = 0.0
    """Of what is wanted, or asked by the event, not there in the end."""
    by: datetime | None = None
    """The car's departure."""
    floor_soc: Fraction | None = None
    limit: str = ""
    """What it stands at: connection, peak, battery, car, or node:<id>."""
    limit_worth: float | None = None
    """Yuan per kWh that more room there would save."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarPlan:
    """What is planned for one car, from the plan's beginning until it leaves or the plan ends."""

    session: str
    outlet: EvseId
    power_w: tuple[Watts, ...]
    """By step."""
    soc: tuple[Fraction, ...]
    """At the beginning and at the end of each step, so one more than steps. Empty: nobody knows its capacity."""
    reason: ReasonPicture | None
    """None: it leaves within minutes, or should have left."""
    ruled_by: str = ""
    """What leads this car in the plan's place now: order, urgent, priority; empty: the plan does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPlan:
    """What is planned for one grid order."""

    id: str
    start: datetime
    end: datetime
    asked_wh: WattHours
    planned_wh: WattHours
    reason: ReasonPicture


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What the plan that was followed wanted at one moment of the past; as in ``PlanPicture``."""

    at: datetime
    grid_w: Watts
    pv_w: Watts
    battery_w: Watts
    cars_in_w: Watts
    cars_out_w: Watts
    price_buy: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPicture:
    """The hours ahead as they are planned. All lists have one entry a step; powers as in ``StationPicture``."""

    station: StationId
    at: datetime
    leads: str
    """optimiser, or rules: then there is no plan ahead, and all lists are empty."""
    epoch: int = 0
    made_at: datetime | None = None
    expires_at: datetime | None = None
    ends_at: datetime | None = None
    """The end of the last step."""
    starts: tuple[datetime, ...] = ()
    grid_w: tuple[Watts, ...] = ()
    pv_w: tuple[Watts, ...] = ()
    """Into the canopy, so negative when the sun shines."""
    load_w: tuple[Watts, ...] = ()
    """What nobody steers."""
    battery_w: tuple[Watts, ...] = ()
    battery_soc: tuple[Fraction, ...] = ()
    """At the end of each step; empty without storage."""
    cars_in_w: tuple[Watts, ...] = ()
    cars_out_w: tuple[Watts, ...] = ()
    """At most 0. Both count the cars that are expected, by how likely they come."""
    price_buy: tuple[float, ...] = ()
    """Yuan per kWh from the grid."""
    cars: tuple[CarPlan, ...] = ()
    events: tuple[EventPlan, ...] = ()
    past: tuple[Planned, ...] = ()
    """The last hours, as long as the station runs; also where the rules lead by now."""
    connection: ReasonPicture | None = None
    battery: ReasonPicture | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferPicture:
    """What the bidirectional outlets could promise to give back together throughout a window. Powers are positive."""

    station: StationId
    at: datetime
    since: datetime
    until: datetime
    confidence: Fraction
    """How sure ``power_w`` is."""
    power_w: Watts
    """On top of what orders want already."""
    ground: str
    """sure, nothing, nobody, too-few or no-window: see ``planning/commitment.py``. Without sure, ``power_w`` is 0."""
    levels_w: tuple[Watts, ...] = ()
    """What each scenario could give, rising."""
    at_risk: float = 0.0
    """Yuan that ``power_w`` costs where it falls short, on the mean over the worst tenth of the scenarios."""
    best_w: Watts = 0.0
    """What earns most on the mean, within the risk that was asked."""
    best_at_risk: float = 0.0
    days: int = 0
    """How many days were learnt from, of what is known least of; 0: all of it is assumed."""
