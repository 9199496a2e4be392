"""Why a plan does what it does: one reason for each car, the storage and the connection at a step, one for each event.

A reason is read off the powers, the prices and what the limits are worth. Nothing here decides anything, and a power
below ``still_w`` counts as none: an outlet cannot give so little.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from voltide.domain.units import WattHours, Watts
from voltide.planning.binding import NEAR_W, WORTH, What
from voltide.planning.layout import Limits
from voltide.planning.market import Market
from voltide.planning.problem import Array, Car, Problem
from voltide.planning.schedule import Schedule

NEAR_WH: WattHours = 50.0
"""This near to its floor or its need a battery is there."""

Ways = NDArray[np.int8]
"""1: power flows in, -1: it flows out, 0: neither."""


class Code(StrEnum):
    """What is done, and for what."""

    CHARGES_NOW = "charges-now"
    """No later time is better."""
    CHARGES_EARLY = "charges-early"
    """Cheaper times come, but they are not enough, or it may have left."""
    CHARGES_FOR_NEED = "charges-for-need"
    """Without this step, full power until departure would not meet the need."""
    LIMITED_BY = "limited-by"
    """It takes less than it would, or nothing: others share the limit that is named."""
    WAITS_FOR_PRICE = "waits-for-price"
    WAITS_FOR_EVENT = "waits-for-event"
    """It would draw while the grid pays for drawing less."""
    WAITS_TO_GIVE = "waits-to-give"
    GIVES_FOR_PRICE = "gives-for-price"
    GIVES_FOR_EVENT = "gives-for-event"
    FULL = "full"
    AT_FLOOR = "at-floor"
    """Giving would pay, but it is down to its floor."""
    RESTS = "rests"
    """Nothing that it could do would pay."""
    STORES = "stores"
    FEEDS = "feeds"
    KEEPS = "keeps"
    """The storage: power goes in, comes out, neither."""
    IMPORTS = "imports"
    EXPORTS = "exports"
    EVEN = "even"
    """The connection: power comes from the grid, goes to it, neither."""
    EVENT_MET = "event-met"
    EVENT_SHORT = "event-short"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason with its figures. Prices are yuan per kWh at the connection; steps count from the plan's beginning."""

    code: Code
    power_w: Watts
    """Of an event: how much less is asked for."""
    until: int
    """The step at which the power changes its kind (in, out, none), or the stay or the plan ends."""
    price: float
    """Of energy at this step; an event's pay."""
    worth: float | None = None
    """What one more kWh drawn here would cost with all limits and events; None where no solver answered."""
    then: int | None = None
    """When power flows next after ``until``; None: never within the plan."""
    then_way: int = 0
    """1: into it, -1: out of it."""
    then_price: float | None = None
    held_wh: WattHours | None = None
    """In the battery when the step begins."""
    need_wh: WattHours | None = None
    """Wanted in it at departure."""
    short_wh: WattHours = 0.0
    """What will be missing at departure, or of the event."""
    by: int | None = None
    """The step of departure; it may lie beyond the plan."""
    floor_wh: WattHours | None = None
    limit: What | None = None
    """The limit that it stands at; None: none."""
    limit_name: str = ""
    """Which node."""
    limit_worth: float | None = None
    """Yuan per kWh of room in it; None where no solver answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A limit that something stands at."""

    what: What
    name: str = ""
    worth: float | None = None


class _Prices(TypedDict):
    price: float
    worth: float | None
    then: int | None
    then_way: int
    then_price: float | None


class _Limit(TypedDict):
    limit: What | None
    limit_name: str
    limit_worth: float | None


class Why:
    """One plan, explained."""

    def __init__(self, problem: Problem, plan: Schedule, still_w: Watts = NEAR_W) -> None:
        self._problem, self._plan = problem, plan
        self._ways = _ways(plan.car_w, still_w)
        self._battery_ways = _ways(plan.battery_w, still_w)
        self._grid_ways = _ways(plan.grid_w, still_w)
        self._market = Market.of(problem, plan)
        self._limits = Limits.of(problem)
        weights = np.array([car.weight for car in problem.cars])
        self._sums_w = (self._limits.factor * weights) @ plan.car_w

    def car(self, row: int, step: int) -> Reason | None:
        """Of one car; None where it is not there."""
        car, plan = self._problem.cars[row], self._plan
        end = min(car.depart, self._problem.steps)
        if not car.arrive <= step < end:
            return None
        until, then = _next(self._ways[row], step, end)
        held = car.energy_wh if step == 0 else float(plan.car_wh[row, step - 1])
        way = int(self._ways[row, step])
        bound = self._bound(row, step, way)
        code = self._code(row, step, then, held, bound)
        return Reason(
            code=code,
            power_w=float(plan.car_w[row, step]),
            until=until,
            **self._prices(step, then, self._ways[row]),
            held_wh=held,
            need_wh=car.need_wh,
            short_wh=float(plan.short_wh[row]),
            by=car.depart,
            floor_wh=car.floor_wh,
            **_told(bound if way or code is Code.LIMITED_BY else None),
        )

    def battery(self, step: int) -> Reason | None:
        """Of the storage; None where there is none."""
        battery, plan = self._problem.battery, self._plan
        if battery is None:
            return None
        way = int(self._battery_ways[step])
        until, then = _next(self._battery_ways, step, self._problem.steps)
        power = float(plan.battery_w[step])
        most = battery.charge_w if way > 0 else battery.discharge_w
        full_power = way != 0 and abs(power) >= most - NEAR_W
        return Reason(
            code=(Code.KEEPS, Code.STORES, Code.FEEDS)[way],
            power_w=power,
            until=until,
            **self._prices(step, then, self._battery_ways),
            held_wh=battery.energy_wh if step == 0 else float(plan.battery_wh[step - 1]),
            floor_wh=battery.floor_wh,
            **_told(Bound(what=What.BATTERY) if full_power else None),
        )

    def connection(self, step: int) -> Reason:
        """Of the grid connection."""
        way = int(self._grid_ways[step])
        until, then = _next(self._grid_ways, step, self._problem.steps)
        return Reason(
            code=(Code.EVEN, Code.IMPORTS, Code.EXPORTS)[way],
            power_w=float(self._plan.grid_w[step]),
            until=until,
            **self._prices(step, then, self._grid_ways),
            **_told(self._root(step, way)),
        )

    def event(self, number: int) -> Reason:
        """Of one event, as a whole."""
        event, short = self._problem.events[number], self._plan.events[number].short_wh
        return Reason(
            code=Code.EVENT_SHORT if short > NEAR_WH else Code.EVENT_MET,
            power_w=event.reduce_w,
            until=min(event.end, self._problem.steps),
            price=event.pay,
            short_wh=short,
        )

    # --- what a car does ---

    def _code(self, row: int, step: int, then: int | None, held: WattHours, bound: Bound | None) -> Code:
        car, way = self._problem.cars[row], self._ways[row, step]
        shared = bound is not None and bound.what is not What.CAR
        if way < 0:
            return Code.GIVES_FOR_EVENT if self._market.event[step] > WORTH else Code.GIVES_FOR_PRICE
        if way > 0 and self._pressed(car, step, held):
            return Code.CHARGES_FOR_NEED
        if way > 0:
            held_back = shared and self._plan.car_w[row, step] < car.charge_w - NEAR_W
            early = Code.CHARGES_EARLY if self._cheaper_later(row, step) else Code.CHARGES_NOW
            return Code.LIMITED_BY if held_back else early
        return self._rests(row, step, then, held, shared=shared)

    def _rests(self, row: int, step: int, then: int | None, held: WattHours, *, shared: bool) -> Code:
        """Why a car neither takes nor gives."""
        car = self._problem.cars[row]
        if then is not None and self._ways[row, then] < 0:
            return Code.WAITS_TO_GIVE
        if self._would_give(car, step, then, held):
            return Code.AT_FLOOR
        wanted = min(car.due_wh(self._problem.steps), car.cap_wh) - NEAR_WH
        if then is None and max(held, self._plan.car_wh[row, -1]) >= wanted:
            return Code.FULL  # a trickle that counts as no power may fill up the last of it
        return self._waits(step, then, shared=shared)

    def _waits(self, step: int, then: int | None, *, shared: bool) -> Code:
        """Why a car that wants energy takes none yet."""
        market = self._market
        if then is not None and market.event[step] > WORTH:
            return Code.WAITS_FOR_EVENT
        if then is not None and market.price[then] < market.price[step] - WORTH:
            return Code.WAITS_FOR_PRICE
        return Code.LIMITED_BY if shared else Code.RESTS

    def _pressed(self, car: Car, step: int, held: WattHours) -> bool:
        """Whether full power from the next step on would not be enough."""
        left = float(self._problem.hours[step + 1 : car.depart].sum())
        target = min(car.due_wh(self._problem.steps), car.cap_wh)
        return held + left * car.charge_w * car.eta_charge < target - NEAR_WH

    def _cheaper_later(self, row: int, step: int) -> bool:
        """Whether a cheaper step comes in its stay, before it gives back."""
        rest = slice(step + 1, self._problem.cars[row].depart)
        gives = np.flatnonzero(self._ways[row, rest] < 0)
        later = self._market.draw[rest][: gives[0] if gives.size else None]
        return bool((later < self._market.draw[step] - WORTH).any())

    def _would_give(self, car: Car, step: int, then: int | None, held: WattHours) -> bool:
        """Whether giving one more kWh now would earn more than having it back costs, were there no floor."""
        if car.discharge_w <= 0.0 or held > car.floor_wh + NEAR_WH:
            return False
        inside = car.end_value if held > car.need_wh else car.shortfall
        if then is not None:
            inside = float(self._market.draw[then]) / car.eta_charge + car.wear
        earned = float(self._market.give[step]) * car.eta_discharge - car.wear
        return earned > inside + self._problem.least_margin + WORTH

    # --- the limits ---

    def _bound(self, row: int, step: int, way: int) -> Bound | None:
        """The dearest limit that stops more of what a car does; at rest, of what it takes."""
        side = way or 1
        found = [bound for bound in (self._root(step, side), *self._shared(row, step, side)) if bound is not None]
        if found:
            return max(found, key=lambda bound: (bound.worth or 0.0, bound.name))
        car, worth = self._problem.cars[row], self._plan.worth
        most = car.charge_w if way > 0 else car.discharge_w
        if way == 0 or abs(self._plan.car_w[row, step]) < most - NEAR_W:
            return None
        price = None if worth is None else float(worth.cars[0 if way > 0 else 1, row, step])
        return Bound(what=What.CAR, worth=price) if price is None or price > WORTH else None

    def _root(self, step: int, way: int) -> Bound | None:
        """The connection, or the peak that is paid for."""
        problem, plan, grid = self._problem, self._plan, self._plan.grid_w
        room = (problem.import_limit_w[step] - grid[step]) if way > 0 else (problem.export_limit_w[step] + grid[step])
        worth = None if plan.worth is None else float(plan.worth.connection[0 if way > 0 else 1][step])
        if way and room <= NEAR_W and (worth is None or worth > WORTH):
            return Bound(what=What.CONNECTION, worth=worth)
        highest = problem.demand_charge > 0.0 and grid[step] >= max(grid.max(), problem.peak_so_far_w) - NEAR_W
        return Bound(what=What.PEAK) if way > 0 and highest else None

    def _shared(self, row: int, step: int, way: int) -> list[Bound]:
        """Nodes and polygons that stop a car's power from growing that way."""
        limits, worth = self._limits, self._plan.worth
        found = []
        for place in np.flatnonzero(limits.factor[:, row]):
            upward = limits.factor[place, row] * way > 0.0
            end = (limits.upper_kw if upward else limits.lower_kw)[place] * 1000.0
            room = (end - self._sums_w[place, step]) * (1.0 if upward else -1.0)
            price = None if worth is None else float(worth.limits[place, step]) * (1.0 if upward else -1.0)
            if room <= NEAR_W and (price is None or price > WORTH):
                found.append(Bound(what=What.NODE, name=limits.names[place], worth=price))
        return found

    def _prices(self, step: int, then: int | None, ways: Ways) -> _Prices:
        price, worth = self._market.price, self._plan.worth
        return {
            "price": float(price[step]),
            "worth": None if worth is None else float(worth.load[step]),
            "then": then,
            "then_way": 0 if then is None else int(ways[then]),
            "then_price": None if then is None else float(price[then]),
        }


def _ways(power_w: Array, still_w: Watts) -> Ways:
    ways: Ways = np.where(np.abs(power_w) > still_w, np.sign(power_w), 0.0).astype(np.int8)
    return ways


def _next(ways: Ways, step: int, end: int) -> tuple[int, int | None]:
    """When the kind of power changes, and when power flows next after that.

    >>> _next(np.array([1, 1, 0, -1], dtype=np.int8), 0, 4), _next(np.array([0, 0], dtype=np.int8), 0, 2)
    ((2, 3), (2, None))
    """
    changes = np.flatnonzero(ways[step:end] != ways[step])
    if not changes.size:
        return end, None
    until = step + int(changes[0])
    flows = np.flatnonzero(ways[until:end])
    return until, until + int(flows[0]) if flows.size else None


def _told(bound: Bound | None) -> _Limit:
    if bound is None:
        return {"limit": None, "limit_name": "", "limit_worth": None}
    return {"limit": bound.what, "limit_name": bound.name, "limit_worth": bound.worth}
