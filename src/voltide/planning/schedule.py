"""A station's plan over its horizon, with everything that follows from its powers: energies, grid, money."""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from voltide.domain.units import Seconds, WattHours
from voltide.planning.layout import KILO, Stays
from voltide.planning.problem import Array, Event, Problem


class Status(StrEnum):
    """How a plan came about."""

    OPTIMAL = "optimal"
    FALLBACK = "fallback"
    """Not proven in time: the best that is known, or the plan by rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What one event gets. A grid above the baseline delivers less than nothing: short is not clipped."""

    delivered_wh: WattHours
    short_wh: WattHours


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Worth:
    """Shadow prices in yuan per kWh: what one more kWh of room, or of load, would change. Positive: it is scarce."""

    load: Array
    """(steps,) the cost of one more kWh drawn at the connection."""
    connection: tuple[Array, Array]
    """(steps,) each: room to import, room to export."""
    limits: Array
    """(nodes, then sides of polygons; steps) positive: its import is scarce, negative: its export is."""
    cars: Array
    """(2, cars, steps) power in and power out that a car's own limit withholds."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Schedule:
    """The whole plan. Powers in W, positive into the thing named; at the connection positive is import."""

    status: Status
    objective: float
    """Yuan."""
    grid_w: Array
    battery_w: Array
    battery_wh: Array
    pv_used_w: Array
    car_w: Array
    """(cars, steps) in the problem's order; 0 outside a stay."""
    car_wh: Array
    """(cars, steps) at the end of each step."""
    short_wh: Array
    """(cars,) what is missing of what a car wanted, physics or not."""
    events: tuple[Delivery, ...]
    over_import_wh: WattHours
    """What is drawn beyond the import limit, because the load alone is above it."""
    worth: Worth | None = None
    """None where no solver answered."""
    build_s: Seconds = 0.0
    solve_s: Seconds = 0.0


def settle(
    problem: Problem, stays: Stays, car_w: Array, battery_w: Array, pv_used_w: Array, status: Status
) -> Schedule:
    """A plan from its powers, and nothing else. ``car_w`` is (cars, steps)."""
    hours, battery = problem.hours, problem.battery
    grid = problem.load_w + stays.weight @ car_w + battery_w - pv_used_w
    gained = inside(car_w, stays.eta_charge[:, None], stays.eta_discharge[:, None]) * hours
    car_wh = stays.energy_kwh[:, None] * KILO + np.cumsum(gained, axis=1)
    battery_wh = np.zeros(problem.steps)
    if battery is not None:
        battery_wh = battery.energy_wh + np.cumsum(inside(battery_w, battery.eta_charge, battery.eta_discharge) * hours)
    plan = Schedule(
        status=status,
        objective=0.0,
        grid_w=grid,
        battery_w=battery_w,
        battery_wh=battery_wh,
        pv_used_w=pv_used_w,
        car_w=car_w,
        car_wh=car_wh,
        short_wh=np.maximum(stays.due_kwh * KILO - car_wh[:, -1], 0.0),  # nothing moves after a departure
        events=tuple(_delivery(event, grid, hours) for event in problem.events),
        over_import_wh=float(np.minimum(np.maximum(grid - problem.import_limit_w, 0.0), problem.excess_w) @ hours),
    )
    return replace(plan, objective=cost(problem, stays, plan))


def cost(problem: Problem, stays: Stays, plan: Schedule) -> float:
    """What a plan costs in yuan, by the money that is really paid: nothing that only steers counts."""
    hours, grid, battery = problem.hours, plan.grid_w, problem.battery
    total = float(np.where(grid > 0.0, problem.price_buy, problem.price_sell) * grid @ hours)
    total += max(0.0, float(grid.max()) - problem.peak_so_far_w) * problem.demand_charge
    moved = np.abs(inside(plan.car_w, stays.eta_charge[:, None], stays.eta_discharge[:, None])) @ hours
    short = np.maximum(stays.reach_kwh * KILO - plan.car_wh[:, -1], 0.0)
    wanted = np.maximum(stays.reach_kwh, stays.floor_kwh) * KILO
    above = np.maximum(plan.car_wh[:, -1] - wanted, 0.0) * (stays.count > 0)
    worth = np.array([min(car.end_value, car.shortfall) for car in problem.cars]) * above
    total += float(stays.weight @ (stays.wear * moved + stays.shortfall * short - worth))
    for event, delivery in zip(problem.events, plan.events, strict=True):
        total += event.penalty * delivery.short_wh - event.pay * delivery.delivered_wh
    if battery is not None:
        moved_wh = np.abs(inside(plan.battery_w, battery.eta_charge, battery.eta_discharge)) @ hours
        total += battery.wear * float(moved_wh) - battery.end_value * float(plan.battery_wh[-1])
    return total / KILO


def inside(power_w: Array, eta_charge: Array | float, eta_discharge: Array | float) -> Array:
    """What reaches the battery, or leaves it, of a power at the AC side.

    >>> inside(np.array([8.0, -8.0]), 0.5, 1.0).tolist()
    [4.0, -8.0]
    """
    moved: Array = np.where(power_w > 0.0, power_w * eta_charge, power_w / eta_discharge)
    return moved


def _delivery(event: Event, grid_w: Array, hours: Array) -> Delivery:
    during = slice(event.start, event.end)
    short = float(np.maximum(event.reduce_w - (event.baseline_w - grid_w[during]), 0.0) @ hours[during])
    return Delivery(delivered_wh=event.reduce_w * float(hours[during].sum()) - short, short_wh=short)
