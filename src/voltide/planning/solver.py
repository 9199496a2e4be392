"""HiGHS, by plain arrays: no modelling layer between the rows and the solver."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import highspy
import numpy as np

from voltide.planning.problem import Array
from voltide.planning.programme import Index, Programme

Stopwatch: TypeAlias = Callable[[], float]
"""Seconds since some moment; the room has no clock of its own."""
GAP = 1e-5
"""How near, as a part of the cost, a plan with whole numbers is to come to the best that could be."""
_BY_ROWS, _MINIMISE, _FITS = 2, 1, 2
"""HiGHS's own numbers for these."""
_OPTIONS: dict[str, bool | int | float | str] = {
    "output_flag": False,
    "threads": 1,
    "mip_rel_gap": GAP,
    "mip_abs_gap": 0.001,
}
_DIRECT: dict[str, bool | int | float | str] = {
    "presolve": "off",
    "mip_allow_restart": False,
    "mip_heuristic_run_rins": False,
    "mip_heuristic_run_rens": False,
    "mip_heuristic_run_root_reduced_cost": False,
}
"""Straight to the branching: ten times as fast where whole numbers are few and the start is good."""
_STATUS = np.array([highspy.HighsBasisStatus.kLower, highspy.HighsBasisStatus.kBasic], dtype=object)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solution:
    """What the solver answered, in the programme's own units."""

    cost: float
    value: Array
    reduced: Array
    """(columns,) what another unit of a column would cost."""
    price: Array
    """(rows,) what another unit of a row's bound would cost."""
    bound: float
    """Nothing that fits costs less."""
    proven: bool = True
    """Nothing costs noticeably less."""


class Solver:
    """One HiGHS object. It begins where it ended when the next programme differs only in costs and bounds."""

    def __init__(self, *, direct: bool = False) -> None:
        self._highs = highspy.Highs()  # type: ignore[no-untyped-call]  # its stub has no types here
        self._held: Programme | None = None
        for option, value in (_OPTIONS | _DIRECT if direct else _OPTIONS).items():
            self._highs.setOptionValue(option, value)

    def solve(self, programme: Programme, seconds: float, start: Array | None = None) -> Solution | None:
        """The best values; with whole numbers, the best that were found in time. None without any, or when HiGHS errs.

        Args:
            programme: what to solve.
            seconds: at most this long; not above 0: no answer at all.
            start: values that fit, for a programme with whole numbers.
        """
        if seconds <= 0.0:
            return None
        highs, mixed = self._highs, bool(programme.whole.any())
        self._pass(programme)
        highs.setOptionValue("time_limit", highs.getRunTime() + seconds)  # its clock runs over its whole life
        if start is not None:
            highs.setSolution(len(start), np.arange(len(start), dtype=np.int32), start)
        status = highs.run()
        if not mixed and highs.getModelStatus() == highspy.HighsModelStatus.kUnknown:
            highs.clearSolver()  # now and then it stops short of a proof from where it began; anew it finds one
            status = highs.run()
        info = highs.getInfo()
        best = highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
        fits = mixed and info.primal_solution_status == _FITS
        if status == highspy.HighsStatus.kError or not (best or fits):
            self._held = None  # whatever it holds now is nothing to begin from
            return None
        found = highs.getSolution()
        return Solution(
            cost=info.objective_function_value,
            value=np.asarray(found.col_value),
            reduced=np.asarray(found.col_dual),
            price=np.asarray(found.row_dual),
            bound=info.mip_dual_bound if mixed else info.objective_function_value,
        )

    def _pass(self, programme: Programme) -> None:
        held, highs = self._held, self._highs
        self._held = programme
        columns, rows = len(programme.cost), len(programme.row_lower)
        if held is None or not programme.shaped_like(held):
            highs.clearModel()
            highs.passModel(
                columns, rows, len(programme.factor), _BY_ROWS, _MINIMISE, programme.offset,
                programme.cost, programme.lower, programme.upper, programme.row_lower, programme.row_upper,
                programme.start, programme.column, programme.factor, programme.whole,
            )  # fmt: skip
            if not programme.whole.any():
                highs.setBasis(_standing_still(programme))
            return
        every, each = np.arange(columns, dtype=np.int32), np.arange(rows, dtype=np.int32)
        highs.changeObjectiveOffset(programme.offset)
        highs.changeColsCost(columns, every, programme.cost)
        highs.changeColsBounds(columns, every, programme.lower, programme.upper)
        highs.changeRowsBounds(rows, each, programme.row_lower, programme.row_upper)  # type: ignore[attr-defined]  # its stub lacks it


def _standing_still(programme: Programme) -> highspy.HighsBasis:
    """Where every plan could begin: it halves the way, and HiGHS need not simplify the programme first."""
    columns, rows = np.zeros(len(programme.cost), dtype=np.intp), np.ones(len(programme.row_lower), dtype=np.intp)
    equations, carriers = programme.still
    columns[carriers], rows[equations] = 1, 0
    basis = highspy.HighsBasis()
    basis.col_status, basis.row_status = _STATUS[columns].tolist(), _STATUS[rows].tolist()
    basis.valid = True
    return basis


def closed(programme: Programme, columns: Index) -> Programme:
    """The same programme with some columns held at 0."""
    upper = programme.upper.copy()
    upper[columns] = 0.0
    return replace(programme, upper=upper)
