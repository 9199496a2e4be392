"""Turns what is known of the cars into wants for the control loop.

The optimised plan leads where there is a fresh one (see ``pilot``); the rules of ``planning/rules`` speak for all else:
cars that it does not know, needs that have become urgent, grid orders that run.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np
import structlog

from voltide.control.image import Wants
from voltide.control.wiring import Wiring
from voltide.domain.envelope import Band
from voltide.domain.messages import CancelGrid, OrderGrid
from voltide.domain.plan import Plan, Wish
from voltide.domain.session import Phase, Session
from voltide.domain.site import EvseId, NodeId, Station
from voltide.domain.time import Clock
from voltide.domain.units import Fraction, Seconds, WattHours, Watts
from voltide.ledger.tariff import Tariff
from voltide.planning.rules import ETA, Season, Stay, battery_wish, giving, spare_wh, takes, urgency, urgent, wishes
from voltide.station.course import Course

log = structlog.get_logger()

EVERY_S: Seconds = 10.0
EXPIRES_S: Seconds = 60.0
CHASE_PER_S, CHASE_MOST, CHASE_NEAR = 0.03, 0.05, 0.1
"""How fast a grid order's steady error is made good, and how far; a larger error than near is a ramp or a lack."""
STILL_W: Watts = 500.0
"""A plan that wants less than this of a car wants nothing: an outlet cannot give so little."""
FIRST = 20.0
"""How much more a car with priority weighs where power is scarce."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """When the rules give back, when they wait, and how low a car may go that has named no floor."""

    discharge_in: frozenset[str] = frozenset()
    wait_in: frozenset[str] = frozenset()
    floor_soc: Fraction = 0.3


@dataclass(slots=True)
class Demand:
    """What people want beside the plan: their own limits, and grid orders by id."""

    limits: dict[EvseId, Watts] = field(default_factory=dict)
    outside: dict[EvseId, Band] = field(default_factory=dict)
    """What somebody else lets an outlet do (an energy manager behind the charger, a grid operator): it only narrows."""
    capped: dict[NodeId, Watts] = field(default_factory=dict)
    """What somebody else lets a node of the tree (a pile) take."""
    first: set[EvseId] = field(default_factory=set)
    """Outlets whose cars are served before others."""
    orders: dict[str, OrderGrid] = field(default_factory=dict)
    delivered_wh: dict[str, float] = field(default_factory=dict)
    within_reach_wh: dict[str, float] = field(default_factory=dict)
    """What of each order to give back the cars could have delivered, second by second."""

    def add(self, order: OrderGrid) -> None:
        """A new grid order, or a new version of one."""
        self.orders[order.id] = order
        self.delivered_wh.setdefault(order.id, 0.0)

    def cancel(self, order: CancelGrid) -> bool:
        """Withdraw one."""
        return self.orders.pop(order.id, None) is not None

    def active(self, now: datetime) -> list[OrderGrid]:
        """The orders that run now; several at once add up."""
        return [order for order in self.orders.values() if order.start <= now < order.end]

    def forget(self, now: datetime) -> None:
        """Orders of yesterday leave the list."""
        for name in [name for name, order in self.orders.items() if (now - order.end).total_seconds() > 86_400]:
            del self.orders[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flows:
    """What the sun gives and what cars and building use this second, in W; both at least 0."""

    sun_w: Watts
    used_w: Watts
    bidirectional_w: Watts = 0.0
    """What the bidirectional outlets take together; negative: they give."""


class Planner:
    """Makes a plan every few seconds, and at once when something has changed."""

    def __init__(self, station: Station, wiring: Wiring, tariff: Tariff, policy: Policy, clock: Clock) -> None:
        self._station = station
        self._wiring = wiring
        self._tariff = tariff
        self._policy = policy
        self._clock = clock
        self._due_s = 0.0
        self._epoch = 0
        self._safe = self._fallbacks()
        self._wants = self._safe
        self.plan = Plan(epoch=0, made_at=clock.now(), expires_at=clock.now(), wishes={})
        self.failures = 0
        self.course: Course | None = None
        """The optimised plan; None: none yet."""
        self.worth_giving_at: Callable[[datetime], bool] = lambda _when: True
        """Whether a driver earns enough by giving back then; the outlook says."""
        self.refill_pays: Callable[[datetime, datetime], bool] = lambda _now, _until: True
        """Likewise by giving back what must be put back before the departure."""
        self.news = 0
        """Counts what has changed, for whoever plans ahead."""
        self._storage_season = Season.CHARGE
        self.able_w: Watts = 0.0
        """What the cars could give back together while a grid order runs; at least 0."""
        self._chase_w, self._made_s = 0.0, clock.monotonic()
        """What is asked beyond a grid order, so that its meter shows what was ordered."""
        self._ordered = False
        """A grid order runs: its cars are shared out by what they can give now."""

    def extend(self, station: Station, wiring: Wiring) -> None:
        """The station has grown: plan for all of it at the next tick."""
        self._station, self._wiring = station, wiring
        self._wants = self._safe = self._fallbacks()
        self.changed()

    def _fallbacks(self) -> Wants:
        wiring = self._wiring
        return Wants(power_w=wiring.fallback_w.copy(), weight=np.ones(len(wiring.evses)), most_w=wiring.charge_w.copy())

    def changed(self) -> None:
        """Plan again at the next tick."""
        self._due_s = 0.0
        self.news += 1

    def follow(self, course: Course) -> None:
        """An optimised plan leads from the next tick on."""
        self.course = course
        self._due_s = 0.0

    def wants(self, sessions: Callable[[], list[Session]], demand: Demand, flows: Flows) -> Wants:
        """The newest wants; a new plan when one is due. A plan that fails is worth as much as one that has expired."""
        now_s = self._clock.monotonic()
        if now_s >= self._due_s:
            self._due_s = now_s + EVERY_S
            try:
                self._make(sessions(), demand, flows)
            except Exception:
                self.failures += 1
                log.exception("plan.failed", epoch=self._epoch)
        if self._clock.now() >= self.plan.expires_at:
            return self._safe
        return Wants(
            power_w=self._wants.power_w,
            weight=self._wants.weight,
            most_w=self._wants.most_w,
            battery_w=self._battery(flows),
        )

    def _battery(self, flows: Flows) -> Watts:
        """The storage follows the second, not the plan: clouds are quicker than plans."""
        storage = self._station.storage
        if storage is None:
            return 0.0
        planned = self._planned_battery_w()
        if planned is not None:
            return planned
        return battery_wish(
            flows.sun_w,
            flows.used_w,
            self._storage_season,
            charge_w=storage.charge_w,
            discharge_w=storage.discharge_w,
        )

    def _planned_battery_w(self) -> Watts | None:
        """What the optimised plan wants of the storage; None while a grid order runs, or without a plan."""
        return None if self._ordered or self.course is None else self.course.battery_w(self._clock.now())

    def _make(self, sessions: list[Session], demand: Demand, flows: Flows) -> None:
        now = self._clock.now()
        self._epoch += 1
        active = demand.active(now)
        ordered = sum(order.power_w for order in active) if active else None
        season = self._season(now)
        stays = [self.stay(session, now) for session in sessions]
        self._storage_season, self._ordered = Season.GIVE if active else season, bool(active)
        self.able_w = sum(giving(stay) for stay in stays if not urgent(stay)) if active else 0.0
        spared = stays if active else [self._spared(stay, now) for stay in stays]
        wanted = wishes(spared, season, self._chased(ordered, flows.bidirectional_w))
        if not active:
            wanted |= self._steered(sessions, stays, now)
        self.plan = Plan(
            epoch=self._epoch,
            made_at=now,
            expires_at=now + timedelta(seconds=EXPIRES_S),
            wishes=_served_first(wanted, stays, demand.first),
        )
        self._wants = self._arrays(self.plan, demand)

    def _spared(self, stay: Stay, now: datetime) -> Stay:
        """A car that gives only what it does not need, where putting it back would cost its driver too much."""
        until = now + timedelta(seconds=stay.left_s or 0.0)
        if stay.discharge_w <= 0.0 or stay.need_wh is None or self.refill_pays(now, until):
            return stay
        return replace(stay, floor_wh=max(stay.floor_wh, stay.need_wh))

    def _chased(self, ordered_w: Watts | None, got_w: Watts) -> Watts | None:
        """A grid order and what its meter shows to be lacking: setpoints are told in steps, and followed late."""
        seconds, self._made_s = self._clock.monotonic() - self._made_s, self._clock.monotonic()
        if ordered_w is None:
            self._chase_w = 0.0
            return None
        missing, most = ordered_w - got_w, CHASE_MOST * abs(ordered_w)
        suffice = ordered_w >= 0.0 or self.able_w >= -ordered_w
        if not suffice or abs(missing) > CHASE_NEAR * abs(ordered_w):
            self._chase_w = 0.0
        else:
            moved = self._chase_w + missing * CHASE_PER_S * min(seconds, EVERY_S)
            self._chase_w = min(max(moved, -most), most)
        return ordered_w + self._chase_w

    def _steered(self, sessions: list[Session], stays: list[Stay], now: datetime) -> dict[EvseId, Wish]:
        """What the optimised plan wants now, within what each car can bear by then."""
        found: dict[EvseId, Wish] = {}
        for session, stay in zip(sessions, stays, strict=True):
            planned = None if self.course is None else self.course.power_w(session.id, now)
            if planned is not None and not urgent(stay):
                found[stay.evse] = _borne(stay, planned)
        return found

    def _arrays(self, plan: Plan, demand: Demand) -> Wants:
        power = np.zeros(len(self._wiring.evses))
        weight = np.full(len(self._wiring.evses), 0.05)
        most = self._wiring.charge_w.copy()
        for evse, wish in plan.wishes.items():
            place = self._wiring.index[evse]
            power[place], weight[place] = wish.power_w, wish.urgency * self._wiring.charge_w[place]
        for evse, limit in demand.limits.items():
            most[self._wiring.index[evse]] = limit
        for evse, band in demand.outside.items():
            place = self._wiring.index[evse]
            most[place] = min(most[place], max(band.upper, 0.0))
            power[place] = max(power[place], min(band.lower, 0.0))
        return Wants(power_w=power, weight=np.maximum(weight, 1e-3), most_w=most)

    def _season(self, now: datetime) -> Season:
        name = self._tariff.at(now).name
        if name in self._policy.discharge_in and self.worth_giving_at(now):
            return Season.GIVE
        return Season.WAIT if name in self._policy.wait_in else Season.CHARGE

    def stay(self, session: Session, now: datetime) -> Stay:
        """What is known of one car."""
        evse, needs = self._station.evse_of[session.evse], session.needs
        capacity = needs.capacity_wh
        energy = session.soc * capacity if session.soc is not None and capacity else None
        target = needs.target_soc
        need = None
        if capacity and target is not None:
            need = target * capacity
        elif energy is not None and needs.energy_wh is not None:
            moved = (session.imported_wh - session.exported_wh - needs.told_at_wh) * ETA
            need = energy + max(0.0, needs.energy_wh - moved)
        floor = needs.floor_soc if needs.floor_soc is not None else self._policy.floor_soc
        return Stay(
            evse=evse.id,
            charge_w=min(evse.charge_w, needs.charge_w or evse.charge_w),
            discharge_w=min(evse.discharge_w, needs.discharge_w) if needs.v2g else 0.0,
            energy_wh=energy,
            capacity_wh=capacity,
            need_wh=need,
            floor_wh=floor * capacity if capacity else 0.0,
            left_s=None if needs.departure is None else (needs.departure - now).total_seconds(),
            gives=session.phase is Phase.DISCHARGING,
        )

    def spare_wh(self, session: Session) -> WattHours:
        """What a car can give back now without going below its floor or missing its need."""
        return spare_wh(self.stay(session, self._clock.now()))

    def wish(self, evse: EvseId) -> Wish | None:
        """What the plan wants of an outlet, and why."""
        return self.plan.wishes.get(evse)


def _borne(stay: Stay, planned_w: Watts) -> Wish:
    """A planned power, as far as the car's battery and its need bear it at this moment."""
    if planned_w < -STILL_W:
        given = min(-planned_w, giving(stay))
        return Wish(-given, 1.0, "price") if given else Wish(0.0, 0.05, "held")
    if not takes(stay):
        return Wish(0.0, 0.05, "full")
    if planned_w > STILL_W:
        return Wish(min(planned_w, stay.charge_w), urgency(stay), "charge")
    return Wish(0.0, 0.05, "wait-cheap")


def _served_first(plan: dict[EvseId, Wish], stays: list[Stay], first: set[EvseId]) -> dict[EvseId, Wish]:
    """A car with priority charges as fast as it can, whatever the price, until it is as full as it is to be."""
    for stay in stays:
        wish = plan.get(stay.evse)
        if stay.evse in first and wish is not None and wish.why != "full":
            plan[stay.evse] = Wish(stay.charge_w, wish.urgency * FIRST, "priority")
    return plan
