"""Makes a relaxed answer exact: no battery both charges and discharges, and the connection does not both buy and sell.

The programme without whole numbers is nearly always exact already: a detour through a battery costs its losses and
its wear, and is worth nothing while power is. It is not, far below zero, where wasting energy pays, and where selling
pays more than buying costs. Then, in this order: each offender keeps the way that it went on balance, and if that
costs no more, it is proven exact; otherwise whole numbers decide, for the offenders only.

Source: the condition is Al Taha and Bitar, When are lossy energy storage optimization models convex? (2024); that few
whole numbers remain, Prat, Lusby and Pinson (2025).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from voltide.planning.layout import NOWHERE, Layout
from voltide.planning.problem import Array, Problem
from voltide.planning.programme import Index, Programme
from voltide.planning.solver import GAP, Solution, Solver, closed

STILL_KW = 1e-6
"""What flows below this is rounding."""
LEAST = 0.01
"""A difference of cost that is none, in thousandths of a yuan."""
ENOUGH = 5e-4
"""When the time is up, a plan this near to its bound, as a part of the cost, still counts as the best."""
_ROUNDS = 6
_SHARE = 0.8
"""The part of the time left that whole numbers may take; afterwards their answer is still to be read."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ways:
    """Pairs of columns of which only one may be above zero."""

    one: Index
    other: Index
    one_counts: Array
    other_counts: Array
    """What a unit of each moves on the far side: into the battery, out of it."""
    turn: Index
    """A column that is 1 for the one and 0 for the other, where there is one already."""
    step: Index
    beyond: Index
    penalty: Array
    """The columns beyond the import limit, and what makes each the last resort."""

    @classmethod
    def of(cls, problem: Problem, layout: Layout) -> "Ways":
        """All of them: cars, battery, connection."""
        stays, cars = layout.stays, layout.two_way
        owner = stays.car[cars]
        into, out, _ = layout.battery
        battery = problem.battery
        into_counts, out_counts = (battery.eta_charge, 1.0 / battery.eta_discharge) if battery else (1.0, 1.0)
        turns = np.flatnonzero(layout.turn != NOWHERE)
        steps = np.arange(len(into), dtype=np.int32)
        return cls(
            one=np.concatenate((layout.charge[cars], into, layout.bought[turns])),
            other=np.concatenate((layout.discharge[cars], out, layout.sold[turns])),
            one_counts=np.concatenate((stays.eta_charge[owner], np.full(len(into), into_counts), np.ones(len(turns)))),
            other_counts=np.concatenate(
                (1.0 / stays.eta_discharge[owner], np.full(len(out), out_counts), np.ones(len(turns)))
            ),
            turn=np.concatenate((np.full(len(cars) + len(into), NOWHERE, dtype=np.int32), layout.turn[turns])),
            step=np.concatenate((stays.step[cars], steps, turns.astype(np.int32))),
            beyond=layout.beyond,
            penalty=layout.penalty,
        )

    def both(self, value: Array) -> NDArray[np.bool_]:
        """Where an answer goes both ways."""
        there: NDArray[np.bool_] = np.minimum(value[self.one], value[self.other]) > STILL_KW
        return there

    def neighbours(self, which: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Some pairs, and with each battery all others in its step: where wasting pays, the next would waste."""
        battery = self.turn == NOWHERE
        there: NDArray[np.bool_] = which | (battery & np.isin(self.step, self.step[which & battery]))
        return there

    def losers(self, value: Array, which: NDArray[np.bool_]) -> Index:
        """Of some pairs, the columns against which each goes on balance."""
        ahead = value[self.one] * self.one_counts >= value[self.other] * self.other_counts
        lost: Index = np.where(ahead, self.other, self.one)[which]
        return lost


def solve(solver: Solver, programme: Programme, ways: Ways, left: Callable[[], float]) -> Solution | None:
    """The best exact answer; None without any. ``left`` tells how many seconds there still are."""
    relaxed = solver.solve(programme, left())
    if relaxed is None or not ways.both(relaxed.value).any():
        return relaxed
    hurt = float(ways.penalty @ relaxed.value[ways.beyond])  # not a cost to measure a gap by
    programme, bound = replace(programme, offset=programme.offset - hurt), relaxed.cost - hurt
    chosen = ways.both(relaxed.value)
    best = _directed(solver, programme, ways, relaxed.value, chosen, left)
    for number in range(_ROUNDS):
        if best is not None and _near(best.cost, bound, GAP):
            return best
        chosen = ways.neighbours(chosen) | (number == _ROUNDS - 1)
        found = _decided(programme, ways, chosen, best, _SHARE * left())
        if found is None:
            break
        bound = max(bound, found.bound)
        chosen = chosen | ways.both(found.value)
        better = _directed(solver, programme, ways, found.value, chosen, left)
        best = min(filter(None, (best, better)), key=lambda one: one.cost, default=None)
    return None if best is None else replace(best, proven=_near(best.cost, bound, ENOUGH))


def _near(cost: float, bound: float, gap: float) -> bool:
    return cost - bound <= gap * abs(bound) + LEAST


def _directed(
    solver: Solver, programme: Programme, ways: Ways, value: Array, which: NDArray[np.bool_], left: Callable[[], float]
) -> Solution | None:
    """Some pairs keep the way that they went on balance, and so does who then offends; standing still remains."""
    shut = ways.losers(value, which)
    while True:
        answer = solver.solve(closed(programme, shut), left())
        if answer is None or not ways.both(answer.value).any():
            return answer
        shut = np.concatenate((shut, ways.losers(answer.value, ways.both(answer.value))))


def _decided(
    programme: Programme, ways: Ways, chosen: NDArray[np.bool_], best: Solution | None, seconds: float
) -> Solution | None:
    """Whole numbers for the chosen pairs. Its bound is one for all: nothing exact costs less."""
    new = np.flatnonzero(chosen & (ways.turn == NOWHERE))
    old = np.flatnonzero(chosen & (ways.turn != NOWHERE))
    columns, rows = len(programme.cost), 2 * len(new)
    turn = (columns + np.arange(len(new))).astype(np.int32)
    most, back = programme.upper[ways.one[new]], programme.upper[ways.other[new]]
    whole = np.concatenate((programme.whole, np.ones(len(new), dtype=np.int32)))
    whole[ways.turn[old]] = 1
    entries = np.stack((ways.one[new], turn, ways.other[new], turn), axis=1).ravel().astype(np.int32)
    factors = np.stack((np.ones(len(new)), -most, np.ones(len(new)), back), axis=1).ravel()
    starts = programme.start[-1] + 2 * np.arange(1, rows + 1)
    mixed = replace(
        programme,
        cost=np.concatenate((programme.cost, np.zeros(len(new)))),
        lower=np.concatenate((programme.lower, np.zeros(len(new)))),
        upper=np.concatenate((programme.upper, np.ones(len(new)))),
        row_lower=np.concatenate((programme.row_lower, np.full(rows, -np.inf))),
        row_upper=np.concatenate((programme.row_upper, np.stack((np.zeros(len(new)), back), axis=1).ravel())),
        start=np.concatenate((programme.start, starts)).astype(np.int32),
        column=np.concatenate((programme.column, entries)),
        factor=np.concatenate((programme.factor, factors)),
        whole=whole,
    )
    start = None
    if best is not None:
        ahead = best.value[ways.one] * ways.one_counts >= best.value[ways.other] * ways.other_counts
        start = np.concatenate((best.value, ahead[new].astype(np.float64)))
        start[ways.turn[old]] = ahead[old]
    few = len(new) == 0  # many batteries at once need HiGHS's own search for a better start
    found = Solver(direct=few).solve(mixed, seconds, start)
    return None if found is None else replace(found, value=found.value[:columns])
