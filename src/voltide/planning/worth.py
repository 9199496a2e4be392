"""What a plan's limits are worth, from the solver's prices: the beginning of every sentence that says why."""

import numpy as np

from voltide.planning.layout import NOWHERE, Layout
from voltide.planning.problem import Array, Problem
from voltide.planning.programme import Index
from voltide.planning.rows import MONEY
from voltide.planning.schedule import Worth
from voltide.planning.solver import Solution


def worth(problem: Problem, layout: Layout, found: Solution) -> Worth:
    """Read off an answer. A price of a row or column is per kW of a step, here it is per kWh."""
    mass = problem.hours * MONEY
    stays = layout.stays
    rows, limit, step = layout.limit_rows
    scarce = np.zeros((len(layout.limits.names), problem.steps))
    scarce[limit, step] = -found.price[rows] / mass[step]
    power = np.zeros((2, len(problem.cars), problem.steps))
    for way, columns in enumerate((layout.charge, layout.discharge)):
        there = np.flatnonzero(columns != NOWHERE)
        car, when = stays.car[there], stays.step[there]
        power[way, car, when] = _withheld(found, columns[there]) / mass[when]
    return Worth(
        load=-found.price[layout.balance] / mass,
        connection=(_withheld(found, layout.bought) / mass, _withheld(found, layout.sold) / mass),
        limits=scarce,
        cars=power,
    )


def _withheld(found: Solution, columns: Index) -> Array:
    """What more room above would save, where a column stands at its upper bound."""
    saved: Array = np.where(found.value[columns] > 0.0, np.maximum(-found.reduced[columns], 0.0), 0.0)
    return saved
