"""What a station should do over its whole horizon, at the least cost: a linear programme, exact, in milliseconds.

``plan`` answers one problem. A ``Horizon`` is for a station that asks again and again: as long as only prices, sun,
load, energies and limits have changed, it begins from its last answer.
"""

from dataclasses import replace

import numpy as np

from voltide.domain.units import Seconds
from voltide.planning import exact
from voltide.planning.at_once import at_once
from voltide.planning.exact import Ways
from voltide.planning.layout import KILO, NOWHERE, Layout
from voltide.planning.problem import Array, Problem
from voltide.planning.rows import Writer
from voltide.planning.schedule import Schedule, Status, settle
from voltide.planning.solver import Solution, Solver, Stopwatch
from voltide.planning.worth import worth

PATIENCE_S: Seconds = 10.0


class Horizon:
    """A station's plan, again and again."""

    def __init__(self, stopwatch: Stopwatch) -> None:
        self._stopwatch = stopwatch
        self._solver = Solver()

    def plan(self, problem: Problem, patience_s: Seconds = PATIENCE_S) -> Schedule:
        """The best plan; by rule when no solver answers in time. It never fails, and is never infeasible."""
        began = self._stopwatch()
        programme, layout = Writer(problem).write()
        ways = Ways.of(problem, layout)
        built = self._stopwatch()
        found = exact.solve(self._solver, programme, ways, lambda: built + patience_s - self._stopwatch())
        solved = self._stopwatch()
        plan = at_once(problem) if found is None else _read(problem, layout, found)
        return replace(plan, build_s=built - began + self._stopwatch() - solved, solve_s=solved - built)


def plan(problem: Problem, stopwatch: Stopwatch, patience_s: Seconds = PATIENCE_S) -> Schedule:
    """The best plan for one problem."""
    return Horizon(stopwatch).plan(problem, patience_s)


def _read(problem: Problem, layout: Layout, found: Solution) -> Schedule:
    """The powers of an answer, and everything that follows from them."""
    stays, value = layout.stays, found.value
    out = np.where(layout.discharge != NOWHERE, value[layout.discharge], 0.0)
    powers = np.zeros((len(problem.cars), problem.steps))
    powers[stays.car, stays.step] = _net(
        value[layout.charge], out, stays.eta_charge[stays.car], stays.eta_discharge[stays.car]
    )
    battery = np.zeros(problem.steps)
    if problem.battery is not None:
        into, given, _ = layout.battery
        battery = _net(
            value[into], value[given], np.array(problem.battery.eta_charge), np.array(problem.battery.eta_discharge)
        )
    status = Status.OPTIMAL if found.proven else Status.FALLBACK
    plan = settle(problem, stays, powers * KILO, battery * KILO, np.maximum(value[layout.sun], 0.0) * KILO, status)
    return replace(plan, worth=worth(problem, layout, found))


def _net(into: Array, out: Array, eta_charge: Array, eta_discharge: Array) -> Array:
    """One way only: what both ways together do to the battery, as rounding may leave a trace of each."""
    into, out = np.maximum(into, 0.0), np.maximum(out, 0.0)
    moved = into * eta_charge - out / eta_discharge
    alone = np.where(moved > 0.0, moved / eta_charge, moved * eta_discharge)
    one: Array = np.where(np.minimum(into, out) > 0.0, alone, into - out)
    return one
