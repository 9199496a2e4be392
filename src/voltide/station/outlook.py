"""The hours ahead as the optimiser asks for them: steps, prices, sun, building, limits, and each car's stay.

The next hour has steps of five minutes, the rest of the day quarters of an hour. What nobody steers counts as load, and
an outlet without a plan keeps its safe power free, as control does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

import numpy as np

from voltide.control.wiring import Array, Wiring
from voltide.domain.messages import OrderGrid
from voltide.domain.session import SessionId
from voltide.domain.site import EvseId, NodeId, Station, Storage
from voltide.domain.time import Interval
from voltide.domain.units import Fraction, Seconds, Watts
from voltide.ledger.tariff import Tariff
from voltide.planning.problem import Battery, Car, Event, Node, Problem
from voltide.planning.rules import ETA, SLACK_S, Stay
from voltide.planning.wear import worth_giving

FINE_S: Seconds = 300.0
COARSE_S: Seconds = 900.0
FINE_FOR_S: Seconds = 3_600.0
AHEAD_S: Seconds = 86_400.0
LEAST_S: Seconds = 60.0
"""A first step that would be shorter joins the next one."""
SHORTFALL = 5.0
"""Yuan per kWh that a driver lacks at departure: above every price of energy."""
UNKNOWN_S: Seconds = 1_800.0
"""A car that nobody plans goes on as now for so long."""
EVENT_PAY, EVENT_PENALTY = 4.0, 0.0
"""Yuan per kWh of a grid order, while orders carry no terms of their own."""
FIRST = 20.0
"""How much more the needs of a car with priority weigh."""


class Foresight(Protocol):
    """What the sun will offer and the building will draw, and who may come."""

    async def refresh(self, now: datetime) -> None:
        """Learn what has happened since; to be called before the others."""
        ...

    def sun(self, starts: Sequence[datetime], step_s: Array, now_w: Watts) -> Array:
        """(steps,) W, at least 0, from what the canopy gives now."""
        ...

    def load(self, starts: Sequence[datetime], step_s: Array, now_w: Watts) -> Array:
        """(steps,) W, at least 0, from what the building draws now."""
        ...

    def expected(self, starts: Sequence[datetime], step_s: Array) -> tuple[Car, ...]:
        """Cars that may come, by how likely they do."""
        ...

    def leaving(self, arrived: datetime, told: datetime, starts: Sequence[datetime], step_s: Array) -> Array | None:
        """(steps,) how likely a car leaves at the end of each step; None: nothing has been learnt of that."""
        ...


class Steady:
    """No foresight: everything stays as it is, and nobody comes."""

    async def refresh(self, now: datetime) -> None:
        """Nothing to learn."""

    def sun(self, starts: Sequence[datetime], step_s: Array, now_w: Watts) -> Array:
        """As now."""
        del starts
        return np.full(len(step_s), max(now_w, 0.0))

    def load(self, starts: Sequence[datetime], step_s: Array, now_w: Watts) -> Array:
        """As now."""
        del starts
        return np.full(len(step_s), max(now_w, 0.0))

    def expected(self, starts: Sequence[datetime], step_s: Array) -> tuple[Car, ...]:
        """Nobody."""
        del starts, step_s
        return ()

    def leaving(self, arrived: datetime, told: datetime, starts: Sequence[datetime], step_s: Array) -> Array | None:
        """Everybody keeps to what was told."""
        del arrived, told, starts, step_s
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Economy:
    """What giving back costs a driver beside the energy, and what energy left in a car is worth."""

    wear: float = 0.1
    """Yuan per kWh of throughput, each way, inside the battery."""
    least_margin: float = 0.05
    """Yuan per kWh that a driver wants to earn at least."""
    storage_wear: float = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is known of this second."""

    now: datetime
    stays: Sequence[tuple[SessionId, Stay]]
    arrived: Mapping[SessionId, datetime] = field(default_factory=dict)
    sun_w: Watts = 0.0
    building_w: Watts = 0.0
    storage_soc: Fraction | None = None
    flowing_w: Mapping[EvseId, Watts] = field(default_factory=dict)
    most_w: Mapping[EvseId, Watts] = field(default_factory=dict)
    """What people and others let an outlet take."""
    capped: Mapping[NodeId, Watts] = field(default_factory=dict)
    first: frozenset[EvseId] = frozenset()
    orders: Sequence[OrderGrid] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """A problem, and which moments its steps are."""

    problem: Problem
    starts: tuple[datetime, ...]
    orders: tuple[OrderGrid, ...] = ()
    """Whose the problem's events are, one by one."""

    def step_at(self, now: datetime) -> int | None:
        """The step that a moment lies in; None outside the horizon."""
        seconds = (now - self.starts[0]).total_seconds()
        step = int(np.searchsorted(np.cumsum(self.problem.step_s), seconds, side="right"))
        return step if seconds >= 0.0 and step < len(self.starts) else None


def steps_from(now: datetime) -> tuple[tuple[datetime, ...], Array]:
    """The beginnings and lengths of the steps of a day from now.

    >>> from datetime import UTC
    >>> starts, lengths = steps_from(datetime(2026, 4, 15, 10, 3, 0, tzinfo=UTC))
    >>> len(starts), lengths[:2].tolist(), float(lengths[-1]), str(starts[1].time())
    (107, [120.0, 300.0], 180.0, '10:05:00')
    """
    second = now.timestamp()
    end = second + AHEAD_S
    first = (second // FINE_S + 1.0) * FINE_S
    edges = [second] if first - second >= LEAST_S else []
    at = first if edges else second
    if not edges:
        edges, at = [second], first + FINE_S
    while at < end - LEAST_S:  # the last step takes a short rest with it
        edges.append(at)
        fine = at - second < FINE_FOR_S or at % COARSE_S
        at += FINE_S if fine else COARSE_S
    starts = tuple(now + timedelta(seconds=edge - second) for edge in edges)
    return starts, np.diff(np.array([*edges, end]))


class Outlook:
    """Asks the question for one station.

    A driver is paid by the tariff, not by what the station saves: where the tariff pays too little for the wear and the
    refill, the plan may not ask for a car's energy, whatever it would be worth at the connection.
    """

    def __init__(self, tariff: Tariff, economy: Economy, foresight: Foresight) -> None:
        self._tariff, self._economy = tariff, economy
        self.foresight = foresight

    def worth_giving_at(self, when: datetime) -> bool:
        """Whether a driver earns enough by giving back then: above the wear, the refill off-peak and a least margin."""
        refill = min(float(period.charge) for period in self._tariff.periods) / ETA**2
        paid, economy = float(self._tariff.at(when).feed_in), self._economy
        return worth_giving(paid, economy.wear, economy.least_margin, refill=refill, eta=ETA)

    def refill_pays(self, now: datetime, until: datetime) -> bool:
        """Whether a driver earns enough by giving back and refilling within a stay, at its own prices."""
        whole = Interval(now, min(until, now + timedelta(seconds=AHEAD_S)))
        periods = [period for _, period in self._tariff.split(whole)]
        if not periods:
            return False
        refill = min(float(period.charge) for period in periods) / ETA**2
        paid, economy = max(float(period.feed_in) for period in periods), self._economy
        return worth_giving(paid, economy.wear, economy.least_margin, refill=refill, eta=ETA)

    def ask(self, station: Station, wiring: Wiring, seen: Seen) -> Question:
        """The whole question of a moment."""
        starts, step_s = steps_from(seen.now)
        steerable = [(name, stay) for name, stay in seen.stays if plannable(stay)]
        loose = [stay for name, stay in seen.stays if not plannable(stay)]
        sun = self.foresight.sun(starts, step_s, seen.sun_w)
        load = self.foresight.load(starts, step_s, seen.building_w) + _loose(loose, seen, step_s)
        kept = _kept(wiring, {stay.evse for _, stay in seen.stays})
        prices = [self._tariff.at(start) for start in starts]
        buy = np.array([float(price.grid_buy) for price in prices])
        refill = float(buy.min()) / ETA  # what energy above a need is worth: else the optimum empties every car
        cars = [replace(self._car(name, one, seen, starts, step_s), end_value=refill) for name, one in steerable]
        limit = wiring.import_w[0] - wiring.reserve_w[0] - kept[0]
        events = _events(seen.orders, starts, step_s, load - sun)
        problem = Problem(
            step_s=step_s,
            price_buy=buy,
            price_sell=np.array([float(price.grid_sell) for price in prices]),
            import_limit_w=np.full(len(starts), max(float(limit), 0.0)),
            export_limit_w=np.full(len(starts), float(wiring.export_w[0])),
            load_w=load,
            pv_w=sun,
            battery=self._battery(station.storage, seen, float(buy.min())),
            cars=(*cars, *self.foresight.expected(starts, step_s)),
            nodes=_nodes(wiring, seen, kept),
            events=tuple(event for _, event in events),
            may_give=np.array([self.worth_giving_at(start) for start in starts], dtype=np.float64),
            least_margin=self._economy.least_margin,
        )
        return Question(problem=problem, starts=starts, orders=tuple(order for order, _ in events))

    def _battery(self, storage: Storage | None, seen: Seen, refill: float) -> Battery | None:
        if storage is None or seen.storage_soc is None:
            return None
        return Battery(
            energy_wh=seen.storage_soc * storage.capacity_wh,
            min_wh=storage.soc_min * storage.capacity_wh,
            max_wh=storage.soc_max * storage.capacity_wh,
            charge_w=storage.charge_w,
            discharge_w=storage.discharge_w,
            eta_charge=storage.eta_charge,
            eta_discharge=storage.eta_discharge,
            wear=self._economy.storage_wear,
            end_value=refill / storage.eta_charge,
        )

    def _car(self, name: SessionId, stay: Stay, seen: Seen, starts: tuple[datetime, ...], step_s: Array) -> Car:
        """One stay."""
        energy, need = stay.energy_wh or 0.0, stay.need_wh or 0.0
        arrived, told = seen.arrived.get(name), seen.now + timedelta(seconds=stay.left_s or 0.0)
        refills = self.refill_pays(seen.now, told)  # else only what it does not need may be given
        return Car(
            id=name,
            evse=stay.evse,
            arrive=0,
            depart=_departs((stay.left_s or 0.0) - SLACK_S, step_s),
            energy_wh=energy,
            min_wh=stay.floor_wh if refills or energy <= need else max(stay.floor_wh, need),
            max_wh=max(need, energy),
            need_wh=need,
            shortfall=SHORTFALL,
            charge_w=max(0.0, min(stay.charge_w, seen.most_w.get(stay.evse, stay.charge_w))),
            discharge_w=stay.discharge_w if refills or energy > need else 0.0,
            eta_charge=ETA,
            eta_discharge=ETA,
            wear=self._economy.wear,
            hazard=None if arrived is None else self.foresight.leaving(arrived, told, starts, step_s),
            priority=FIRST if stay.evse in seen.first else 1.0,
        )


def plannable(stay: Stay) -> bool:
    """Whether enough is known of a stay to plan it: what the car holds and should hold, and when it goes."""
    return stay.energy_wh is not None and stay.need_wh is not None and stay.left_s is not None


def _kept(wiring: Wiring, taken: set[EvseId]) -> Array:
    """(m,) what each node keeps free for the safe power of outlets without a car."""
    empty = np.array([evse not in taken for evse in wiring.evses])
    kept: Array = wiring.member @ np.where(empty, wiring.fallback_w, 0.0)
    return kept


def _nodes(wiring: Wiring, seen: Seen, kept: Array) -> tuple[Node, ...]:
    """All below the connection; where the building hangs on one, its most is kept free."""
    most = wiring.import_w - kept - wiring.plant * wiring.other_load_max_w
    return tuple(
        Node(
            id=name,
            evses=tuple(wiring.evses[place] for place in np.flatnonzero(wiring.member[row])),
            import_w=max(0.0, min(float(most[row]), seen.capped.get(name, np.inf))),
            export_w=float(wiring.export_w[row]),
        )
        for row, name in enumerate(wiring.nodes)
        if row > 0
    )


def _departs(left_s: Seconds, step_s: Array) -> int:
    """The step at whose beginning a car is gone; it may lie beyond the horizon.

    >>> _departs(700.0, np.array([300.0, 300.0, 300.0])), _departs(1_900.0, np.array([300.0, 300.0, 300.0]))
    (2, 5)
    """
    ends = np.cumsum(step_s)
    if left_s >= ends[-1]:
        return len(step_s) + int(np.ceil((left_s - ends[-1]) / COARSE_S))
    return int(np.searchsorted(ends, left_s, side="right"))


def _loose(stays: Sequence[Stay], seen: Seen, step_s: Array) -> Array:
    """(steps,) what cars that nobody plans go on drawing."""
    begins = np.cumsum(step_s) - step_s
    load = np.zeros(len(step_s))
    for stay in stays:
        load += np.where(begins < UNKNOWN_S, max(0.0, seen.flowing_w.get(stay.evse, 0.0)), 0.0)
    return load


def _events(
    orders: Sequence[OrderGrid], starts: Sequence[datetime], step_s: Array, base_w: Array
) -> list[tuple[OrderGrid, Event]]:
    """Orders to give back as events: below what the connection would draw without any planned car."""
    found = []
    for order in orders:
        first = sum(start < order.start - timedelta(seconds=1) for start in starts)
        last = sum(start < order.end for start in starts)
        if order.power_w >= 0.0 or first >= last:
            continue
        base = float(np.average(base_w[first:last], weights=step_s[first:last]))
        event = Event(
            start=first, end=last, reduce_w=-order.power_w, baseline_w=base, pay=EVENT_PAY, penalty=EVENT_PENALTY
        )
        found.append((order, event))
    return found
