"""Which limits shaped a plan, and when: what a sentence about it would name."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voltide.planning.layout import KILO, Limits, Stays
from voltide.planning.problem import Problem
from voltide.planning.schedule import Schedule

NEAR_W = 1.0
"""This near to a limit a power stands at it; likewise Wh."""
WORTH = 1e-4
"""Yuan per kWh: a limit that is worth less shapes nothing."""


class What(StrEnum):
    """What binds."""

    CONNECTION = "connection"
    NODE = "node"
    """Also a side of a polygon."""
    CAR = "car"
    """What its outlet or itself can take or give."""
    NEED = "need"
    """What it wanted by its departure is not all met, though physics would have allowed it."""
    REACH = "reach"
    """More was wanted than physics allows."""
    BATTERY = "battery"
    EVENT = "event"
    PEAK = "peak"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One limit that binds."""

    what: What
    name: str = ""
    """Which of them: a node's or a car's id, an event's number from 0."""
    way: str = ""
    """import or export; in or out."""
    steps: tuple[int, ...] = ()
    """When; none where it is about a whole stay."""

    def told(self) -> dict[str, Any]:
        """As it is written into JSON."""
        return {"what": str(self.what), "name": self.name, "way": self.way, "steps": list(self.steps)}


def bindings(problem: Problem, plan: Schedule) -> tuple[Binding, ...]:
    """All of them. Without a solver's prices a limit binds where it is met."""
    return (*_connection(problem, plan), *_nodes(problem, plan), *_cars(problem, plan), *_rest(problem, plan))


def _connection(problem: Problem, plan: Schedule) -> Iterator[Binding]:
    worth = plan.worth
    into = plan.grid_w >= problem.import_limit_w - NEAR_W
    out = -plan.grid_w >= problem.export_limit_w - NEAR_W
    if worth is not None:
        into, out = into & (worth.connection[0] > WORTH), out & (worth.connection[1] > WORTH)
    yield from _at(What.CONNECTION, "", "import", into)
    yield from _at(What.CONNECTION, "", "export", out)
    if problem.demand_charge > 0.0 and plan.grid_w.max() > problem.peak_so_far_w:
        yield from _at(What.PEAK, "", "import", plan.grid_w >= plan.grid_w.max() - NEAR_W)


def _nodes(problem: Problem, plan: Schedule) -> Iterator[Binding]:
    limits = Limits.of(problem)
    weights = np.array([car.weight for car in problem.cars])
    sums = (limits.factor * weights) @ plan.car_w
    into = sums >= limits.upper_kw[:, None] * KILO - NEAR_W
    out = sums <= limits.lower_kw[:, None] * KILO + NEAR_W
    if plan.worth is not None:
        into, out = into & (plan.worth.limits > WORTH), out & (plan.worth.limits < -WORTH)
    for place, name in enumerate(limits.names):
        yield from _at(What.NODE, name, "import", into[place])
        yield from _at(What.NODE, name, "export", out[place])


def _cars(problem: Problem, plan: Schedule) -> Iterator[Binding]:
    stays = Stays.of(problem)
    beyond = (stays.due_kwh - stays.reach_kwh) * KILO
    missed = np.minimum(plan.short_wh, stays.reach_kwh * KILO - plan.car_wh[:, -1])
    for place, car in enumerate(problem.cars):
        power = plan.car_w[place]
        into = (power >= car.charge_w - NEAR_W) & (power > 0.0)
        out = (-power >= car.discharge_w - NEAR_W) & (power < 0.0)
        if plan.worth is not None:
            into, out = into & (plan.worth.cars[0, place] > WORTH), out & (plan.worth.cars[1, place] > WORTH)
        yield from _at(What.CAR, car.id, "in", into)
        yield from _at(What.CAR, car.id, "out", out)
        if beyond[place] > NEAR_W:
            yield Binding(what=What.REACH, name=car.id)
        if missed[place] > NEAR_W:
            yield Binding(what=What.NEED, name=car.id)


def _rest(problem: Problem, plan: Schedule) -> Iterator[Binding]:
    battery = problem.battery
    if battery is not None:
        into = (plan.battery_w >= battery.charge_w - NEAR_W) & (plan.battery_w > 0.0)
        yield from _at(What.BATTERY, "", "in", into)
        out = (-plan.battery_w >= battery.discharge_w - NEAR_W) & (plan.battery_w < 0.0)
        yield from _at(What.BATTERY, "", "out", out)
    for number, event in enumerate(problem.events):
        during = slice(event.start, event.end)
        short = np.zeros(problem.steps, dtype=bool)
        short[during] = event.baseline_w - plan.grid_w[during] < event.reduce_w - NEAR_W
        yield from _at(What.EVENT, str(number), "import", short)


def _at(what: What, name: str, way: str, where: NDArray[np.bool_]) -> Iterator[Binding]:
    if where.any():
        yield Binding(what=what, name=name, way=way, steps=tuple(np.flatnonzero(where).tolist()))
