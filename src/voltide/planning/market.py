"""What a kWh more costs, and a kWh less saves, at the connection in each step of a plan.

Where the plan stands at a corner (nothing flows, an event is just met) the two differ, and a solver's price may be
either or between: so they are read off the powers, and only the room at the connection off its prices.
"""

from dataclasses import dataclass

import numpy as np

from voltide.planning.binding import NEAR_W
from voltide.planning.problem import Array, Problem
from voltide.planning.schedule import Schedule


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Market:
    """Yuan per kWh by step."""

    price: Array
    """What is paid, or earned where the plan exports."""
    draw: Array
    """What one more kWh drawn would cost, with the room at the connection and with events."""
    give: Array
    """What one kWh less drawn, or one more given, would bring, likewise."""
    event: Array
    """The part of ``draw`` that events add: they would be missed by so much more."""

    @classmethod
    def of(cls, problem: Problem, plan: Schedule) -> "Market":
        """Read off a plan."""
        grid, buy, sell = plan.grid_w, problem.price_buy, problem.price_sell
        into, out = (np.zeros(problem.steps),) * 2 if plan.worth is None else plan.worth.connection
        missed, gained = _events(problem, grid)
        price = np.where(grid < -NEAR_W, sell, buy)
        return cls(
            price=price,
            draw=price + np.where(grid < -NEAR_W, -out, into) + missed,
            give=np.where(grid > NEAR_W, buy + into, sell - out) + gained,
            event=missed,
        )


def _events(problem: Problem, grid_w: Array) -> tuple[Array, Array]:
    """(steps,) each: what one more kWh drawn would lose, and what one less would bring."""
    lost, brought = np.zeros(problem.steps), np.zeros(problem.steps)
    for event in problem.events:
        during = slice(event.start, event.end)
        spare = event.baseline_w - grid_w[during] - event.reduce_w
        rate = event.pay + event.penalty if event.reduce_w > 0.0 else 0.0
        lost[during] += np.where(spare <= NEAR_W, rate, 0.0)
        brought[during] += np.where(spare < -NEAR_W, rate, 0.0)
    return lost, brought
