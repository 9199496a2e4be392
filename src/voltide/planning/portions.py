"""Energy for those who are there: a lean linear programme, without money, batteries or giving back.

One entry is one car in one step. It is written for tens of thousands of solves: a solve of 20 cars takes milliseconds.
Inside, energies are kWh and powers kW.
"""

from dataclasses import dataclass

import numpy as np

from voltide.domain.units import Seconds
from voltide.planning.layout import KILO
from voltide.planning.phasors import Places, Sides
from voltide.planning.problem import Array
from voltide.planning.programme import Draft
from voltide.planning.solver import Solver

PATIENCE_S: Seconds = 60.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wanted:
    """Who is there when, and what each could take."""

    hours: Array
    """(steps,) their length."""
    kind: Places
    """(cars,) of the wires."""
    need_wh: Array
    """(cars,) at most."""
    car: Places
    step: Places
    """(entries,) car by car."""
    most_wh: Array
    """(entries,) at most in this step."""
    worth: Array
    """(entries,) of one Wh; how likely the car is there is part of it."""
    weight: Array
    """(entries,) how much of it counts in the limits: how likely the car is there; 1 for what is certain."""


def portions(wanted: Wanted, sides: Sides, solver: Solver) -> Array:
    """(entries,) the energy of each car in each step, in Wh, that is worth most; zeros when the solver fails."""
    entries, cars = len(wanted.car), len(wanted.need_wh)
    if not entries:
        return np.zeros(0)
    draft = Draft()
    energy = draft.columns(entries, -wanted.worth, 0.0, wanted.most_wh / KILO)
    draft.put(draft.rows(cars, -np.inf, wanted.need_wh / KILO)[wanted.car], energy, 1.0)
    _limits(draft, wanted, sides)
    found = solver.solve(draft.programme(), PATIENCE_S)
    return np.zeros(entries) if found is None else np.maximum(found.value[:entries], 0.0) * KILO


def _limits(draft: Draft, wanted: Wanted, sides: Sides) -> None:
    """The sides that could be met at all, on the power of each kind together in each step that has one."""
    kinds, steps = sides.factor.shape[1], len(wanted.hours)
    cell = wanted.kind[wanted.car] * steps + wanted.step
    most = np.bincount(cell, wanted.most_wh * wanted.weight, kinds * steps).reshape(kinds, steps) / wanted.hours
    side, when = np.nonzero(np.maximum(sides.factor, 0.0) @ most > sides.most_w[:, None])
    tight, place = np.unique(when, return_inverse=True)
    if not len(tight):
        return
    total = draft.columns(len(tight) * kinds, 0.0, 0.0, np.inf)
    sums = draft.rows(len(total), 0.0, 0.0)
    at = np.full(steps, -1)
    at[tight] = np.arange(len(tight))
    inside = np.flatnonzero(at[wanted.step] >= 0)
    row = at[wanted.step[inside]] * kinds + wanted.kind[wanted.car[inside]]
    share = wanted.weight[inside] / wanted.hours[wanted.step[inside]]
    draft.put(sums[row], inside.astype(np.int32), share)
    draft.put(sums, total, -1.0)
    draft.carry(sums, total)
    limit = draft.rows(len(side), -np.inf, sides.most_w[side] / KILO)
    pair, kind = np.nonzero(sides.factor[side])
    draft.put(limit[pair], total[place[pair] * kinds + kind], sides.factor[side[pair], kind])
