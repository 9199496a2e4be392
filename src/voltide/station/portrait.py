"""Draws the station as it is this second, for the pages."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from voltide.control.wiring import Wiring
from voltide.domain.messages import OutletState
from voltide.domain.picture import NodePicture, OrderPicture, OutletPicture, StationPicture
from voltide.domain.session import Phase, Session
from voltide.domain.site import ChargerId, Evse, EvseId, Node
from voltide.domain.units import Watts
from voltide.ledger.tariff import Tariff
from voltide.station.diary import Diary
from voltide.station.history import History
from voltide.station.loop import Crew, Loop

_STATES = {
    Phase.PLUGGED: "plugged",
    Phase.AUTHORISED: "authorised",
    Phase.CHARGING: "charging",
    Phase.PAUSED: "paused",
    Phase.DISCHARGING: "discharging",
}


class Portrait:
    """Made only when somebody looks."""

    def __init__(self, crew: Crew, loop: Loop, history: History, diary: Diary, tariff: Tariff) -> None:
        self._crew = crew
        self._loop = loop
        self._history = history
        self._diary = diary
        self._tariff = tariff
        self.outlet_states: dict[EvseId, OutletState] = {}
        self.called: Callable[[ChargerId], str] = lambda _charger: ""
        """What the operator calls a charger; the reception knows."""
        self.newcomers = 0
        """How many unknown chargers wait; the reception counts them."""
        self._group: dict[EvseId, Node] = {evse: node for node in crew.station.nodes for evse in node.evses}

    def extend(self) -> None:
        """The tree has grown."""
        self._group = {evse: node for node in self._crew.station.nodes for evse in node.evses}

    def draw(self) -> StationPicture:
        """The whole station."""
        crew, station, now = self._crew, self._crew.station, self._crew.clock.now()
        period = self._tariff.at(now)
        cars = self._loop.measured_w
        today = self._history.today
        return StationPicture(
            station=station.id,
            name=station.name,
            name_zh=station.name_zh,
            timezone=station.timezone,
            at=now,
            grid_w=crew.plant.measured("grid").believed,
            pv_w=crew.plant.measured("inverter").believed,
            battery_w=crew.plant.measured("battery").believed,
            battery_soc=crew.plant.soc,
            building_w=crew.plant.measured("building").believed,
            cars_in_w=float(cars.clip(min=0.0).sum()),
            cars_out_w=float(cars.clip(max=0.0).sum()),
            import_limit_w=station.connection.import_w,
            export_limit_w=station.connection.export_w,
            pv_peak_w=station.pv.peak_w if station.pv else 0.0,
            price_buy=float(period.charge + self._tariff.service_fee),
            price_sell=float(period.feed_in),
            charged_today_wh=today.charged_wh,
            discharged_today_wh=today.discharged_wh,
            solar_today_wh=today.solar_wh,
            sessions_today=today.sessions,
            outlets=tuple(self._outlet(place, evse, now) for place, evse in enumerate(station.evses)),
            nodes=self._nodes(crew.wiring),
            orders=self._orders(now),
            alarms=self._diary.alarms,
            events=self._diary.events,
            tick_us=self._loop.step_us[-1] if self._loop.step_us else 0.0,
            newcomers=self.newcomers,
        )

    def _outlet(self, place: int, evse: Evse, now: datetime) -> OutletPicture:
        crew = self._crew
        session = crew.sessions.at(evse.id)
        line = crew.chargers.lines.get(evse.charger)
        held = crew.setpoints.held(evse.id)
        return OutletPicture(
            id=evse.id,
            charger=evse.charger,
            group=self._group[evse.id].id,
            online=line is not None,
            version=line.version.value if line is not None else "",
            state=self._state(evse.id, session, online=line is not None),
            max_charge_w=evse.charge_w,
            max_discharge_w=evse.discharge_w,
            power_w=float(self._loop.measured_w[place]),
            setpoint_w=held.power_w if session is not None else None,
            why=self._why(place, evse.id) if session is not None else "idle",
            limit_w=crew.demand.limits.get(evse.id),
            called=self.called(evse.charger),
            **({} if session is None else _stay(session, now)),
        )

    def _state(self, evse: EvseId, session: Session | None, *, online: bool) -> str:
        if not online:
            return "offline"
        if session is not None:
            return _STATES.get(session.phase, "finished")
        told = self.outlet_states.get(evse)
        words = {
            OutletState.FAULTED: "faulted",
            OutletState.UNAVAILABLE: "unavailable",
            OutletState.OCCUPIED: "plugged",
        }
        return words.get(told, "available") if told is not None else "available"

    def _why(self, place: int, evse: EvseId) -> str:
        decision = self._loop.decision
        limit = self._crew.demand.limits.get(evse)
        wish = self._crew.planner.wish(evse)
        if decision is not None and decision.blind:
            return "stale"
        if limit is not None and wish is not None and wish.power_w > limit:
            return "operator"
        outside = self._crew.demand.outside.get(evse)
        if outside is not None and wish is not None and not outside.lower <= wish.power_w <= outside.upper:
            return "outside"
        if decision is not None and decision.binding[place] >= 0:
            return f"node:{self._crew.wiring.nodes[decision.binding[place]]}"
        return wish.why if wish is not None else "idle"

    def _nodes(self, wiring: Wiring) -> tuple[NodePicture, ...]:
        plant = self._crew.plant
        other = sum(plant.measured(name).believed or 0.0 for name in ("inverter", "battery", "building"))
        powers: list[Watts] = (wiring.member @ self._loop.measured_w + wiring.plant * other).tolist()
        kinds = {node.id: node for node in self._crew.station.nodes}
        return tuple(
            NodePicture(
                id=name,
                kind=kinds[name].kind,
                parent=kinds[name].parent,
                power_w=power,
                import_w=kinds[name].import_w,
                export_w=kinds[name].export_w,
            )
            for name, power in zip(wiring.nodes, powers, strict=True)
        )

    def _orders(self, now: datetime) -> tuple[OrderPicture, ...]:
        demand = self._crew.demand
        return tuple(
            OrderPicture(
                id=order.id,
                start=order.start,
                end=order.end,
                power_w=order.power_w,
                delivered_wh=demand.delivered_wh.get(order.id, 0.0),
                active=order.start <= now < order.end,
            )
            for order in sorted(demand.orders.values(), key=lambda order: order.start)
        )


def _stay(session: Session, now: datetime) -> dict[str, Any]:
    needs = session.needs
    missing = None
    if session.soc is not None and needs.capacity_wh and needs.target_soc is not None:
        missing = max(0.0, needs.target_soc - session.soc) * needs.capacity_wh
    elif needs.energy_wh is not None:
        missing = max(0.0, needs.energy_wh - (session.imported_wh - session.exported_wh - needs.told_at_wh))
    shown = session.shown_at
    return {
        "age_s": None if shown is None else (now - shown).total_seconds(),
        "session": session.id,
        "soc": session.soc,
        "target_soc": needs.target_soc,
        "floor_soc": needs.floor_soc,
        "need_wh": missing,
        "departure": needs.departure,
        "since": session.plugged_at,
        "imported_wh": session.imported_wh,
        "exported_wh": session.exported_wh,
        "green_wh": session.green_wh,
        "v2g": needs.v2g,
    }
