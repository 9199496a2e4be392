"""What a station can promise of a grid event: one level of power for a window, before anybody knows how the day goes.

For each scenario one linear programme finds the most that can be delivered in every step of the window: what cars need
and what was promised before comes first, and every limit holds. The commitment is one number for all scenarios, while
the powers behind it differ. Each scenario is planned in hindsight, so its level is what the best plan could keep; what
a station loses by not knowing is not in it.

Source: for the promise, the order statistic of split conformal prediction (Vovk, Gammerman and Shafer, Algorithmic
Learning in a Random World, 2005): of n + 1 days that are alike, today's level is as likely to be any of them by rank.
For CVaR, Rockafellar and Uryasev, Optimization of conditional value-at-risk (2000).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import floor

import numpy as np

from voltide.domain.units import Fraction, Seconds, Watts
from voltide.planning.layout import KILO, NOWHERE, Layout
from voltide.planning.problem import Array, Event, Problem
from voltide.planning.programme import Draft, Index
from voltide.planning.rows import Writer
from voltide.planning.scenarios import Unsure, scenarios
from voltide.planning.solver import Solver

CONFIDENCE: Fraction = 0.9
SCENARIOS = 20
"""Below nine no level at all is as sure as ``CONFIDENCE`` asks."""
PATIENCE_S: Seconds = 5.0
"""For one scenario; one without an answer counts as nothing delivered."""
_DEAR = 10.0
"""How many kW of the level a missing kWh outweighs, times the shortest step in h: more than it could ever bring."""
_LEAST_KW = -1e6
"""Where the level begins, below all that there is: standing still then fits the programme."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When, and against what, delivery is counted: steps [start, end)."""

    start: int
    end: int
    baseline_w: Watts = 0.0
    """What is delivered is how far the measured power lies below it."""
    evses: frozenset[str] | None = None
    """The outlets whose cars are measured, together; None: the connection is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The money of a promise."""

    pay: float
    """Yuan per kWh delivered, above what giving it costs."""
    penalty: float
    """Yuan per kWh short, beside the pay that is lost."""
    most_at_risk: float = np.inf
    """Yuan: the cost of what is short may be no more, on the mean over the worst tenth of the days."""


class Ground(StrEnum):
    """Why a commitment is what it is."""

    SURE = "sure"
    NOTHING = "nothing"
    """In too many scenarios nothing could be delivered throughout."""
    NOBODY = "nobody"
    """Nothing is there that could be steered, and nobody may come."""
    TOO_FEW = "too-few"
    """Too few scenarios to be that sure of anything."""
    NO_WINDOW = "no-window"
    """No step of the horizon lies in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """One promise, and all that it was chosen from."""

    power_w: Watts
    """Deliverable with ``CONFIDENCE``."""
    best_w: Watts
    """The most money on the mean, with no more at risk than the terms allow; 0 where ``power_w`` has no ground."""
    ground: Ground
    levels_w: tuple[Watts, ...]
    """What each scenario could deliver, rising."""
    hours: float
    """How long the window is."""
    terms: Terms

    def short_costs(self, power_w: Watts) -> Array:
        """(scenarios,) yuan that a promise costs where it is not kept: at most, since only the worst step counts."""
        short_kwh = np.maximum(power_w - np.array(self.levels_w), 0.0) / KILO * self.hours
        costs: Array = (self.terms.pay + self.terms.penalty) * short_kwh
        return costs

    def at_risk(self, power_w: Watts) -> float:
        """Yuan: CVaR of the cost of what is short, the mean over the worst tenth of the scenarios."""
        return cvar(self.short_costs(power_w), CONFIDENCE)

    def money(self, power_w: Watts) -> float:
        """Yuan that a promise earns on the mean."""
        return self.terms.pay * power_w / KILO * self.hours - float(self.short_costs(power_w).mean())


def commit(unsure: Unsure, window: Window, dice: Array, terms: Terms, patience_s: Seconds = PATIENCE_S) -> Commitment:
    """The promise for a window. ``dice`` as ``scenarios`` takes them; their order does not matter."""
    problem = unsure.problem
    hours = float(problem.hours[window.start : window.end].sum())
    nothing = Commitment(power_w=0.0, best_w=0.0, ground=Ground.NO_WINDOW, levels_w=(), hours=hours, terms=terms)
    rank = _rank(len(dice))
    if not hours:
        return nothing
    if not problem.cars and not unsure.guests and problem.battery is None:
        return replace(nothing, ground=Ground.NOBODY)
    if not rank:
        return replace(nothing, ground=Ground.TOO_FEW)
    levels = sorted(deliverable(one, window, patience_s) for one in scenarios(unsure, dice))
    sure = levels[rank - 1]
    ground = Ground.SURE if sure > 0.0 else Ground.NOTHING
    found = replace(nothing, power_w=sure, ground=ground, levels_w=tuple(levels))
    return replace(found, best_w=_best(found))


def deliverable(problem: Problem, window: Window, patience_s: Seconds = PATIENCE_S) -> Watts:
    """The most that can be delivered in every step of a window, at least 0, where nothing is unsure.

    It comes on top of the problem's events, which are measured where the window is. No need is met worse for it.
    """
    writer = Writer(replace(problem, events=(), reserve=None))
    _, layout = writer.write()
    draft, hours = writer.draft, problem.hours
    dear = _DEAR / float(hours.min())
    promised, missing = np.zeros(problem.steps), []
    for event in problem.events:
        promised[event.start : event.end] += event.reduce_w
        missing.append((_promise(draft, problem, layout, window, event), hours[event.start : event.end]))
    at = np.arange(window.start, min(window.end, problem.steps), dtype=np.int32)
    rows = draft.rows(len(at), -np.inf, (window.baseline_w - promised[at]) / KILO)
    _measure(draft, problem, layout, window, rows, at)
    level = draft.columns(1, lower=_LEAST_KW)
    draft.put(rows, np.repeat(level, len(at)), 1.0)
    programme = draft.programme()
    cost = np.zeros(len(programme.cost))
    cost[level] = -1.0
    cost[layout.short[layout.short != NOWHERE]] = dear
    for columns, length in [(layout.beyond, hours if len(layout.beyond) else np.zeros(0)), *missing]:
        cost[columns] = dear * length
    found = Solver().solve(replace(programme, cost=cost, offset=0.0), patience_s)
    return 0.0 if found is None else max(0.0, float(found.value[level[0]]) * KILO)


def _promise(draft: Draft, problem: Problem, layout: Layout, window: Window, event: Event) -> Index:
    """A standing event's rows; its columns are what it is short of."""
    at = np.arange(event.start, min(event.end, problem.steps), dtype=np.int32)
    rows = draft.rows(len(at), -np.inf, (event.baseline_w - event.reduce_w) / KILO)
    _measure(draft, problem, layout, window, rows, at)
    short = draft.columns(len(at))
    draft.put(rows, short, -1.0)
    return short


def _measure(draft: Draft, problem: Problem, layout: Layout, window: Window, rows: Index, at: Index) -> None:
    """The measured power into one row for each of the steps ``at``, which follow each other."""
    if window.evses is None:
        draft.put(rows, layout.bought[at], 1.0)
        draft.put(rows, layout.sold[at], -1.0)
        if len(layout.beyond):
            draft.put(rows, layout.beyond[at], 1.0)
        return
    stays = layout.stays
    counted = np.array([car.evse in window.evses for car in problem.cars], dtype=bool)
    inside = (stays.step >= at[0]) & (stays.step <= at[-1]) if len(at) else np.zeros(len(stays.step), dtype=bool)
    mine = np.flatnonzero(inside & counted[stays.car])
    gives = mine[layout.discharge[mine] != NOWHERE]
    weight = stays.weight[stays.car]
    draft.put(rows[stays.step[mine] - at[0]], layout.charge[mine], weight[mine])
    draft.put(rows[stays.step[gives] - at[0]], layout.discharge[gives], -weight[gives])


def cvar(losses: Array, confidence: Fraction) -> float:
    """The mean of the worst losses, as many as ``1 - confidence`` of all; the last one in part.

    >>> cvar(np.array([0.0, 1.0, 2.0, 9.0]), 0.5), round(cvar(np.array([0.0, 1.0, 2.0, 9.0]), 0.625), 3)
    (5.5, 6.667)
    """
    worst = np.sort(losses)[::-1]
    count = (1.0 - confidence) * len(worst)
    weight = np.clip(count - np.arange(len(worst)), 0.0, 1.0)
    return float(worst @ weight) / count


def _rank(count: int) -> int:
    """Which of the levels, from the least, is promised: as many may lie below as the confidence allows; 0: none.

    >>> [_rank(count) for count in (8, 9, 19, 20)]
    [0, 1, 2, 2]
    """
    return floor((1.0 - CONFIDENCE) * (count + 1) + 1e-9)


def _best(found: Commitment) -> Watts:
    """Money is concave in the promise, and straight between levels; so is what is at risk, which rises."""
    knots = sorted({0.0, *found.levels_w})
    allowed = [one for one in knots if found.at_risk(one) <= found.terms.most_at_risk]
    candidates = [*allowed, *_to_the_bound(found, knots, len(allowed))]
    return max(candidates, key=lambda one: (round(found.money(one), 9), -one), default=0.0)


def _to_the_bound(found: Commitment, knots: Sequence[Watts], allowed: int) -> list[Watts]:
    """The promise between two levels that risks just as much as is allowed."""
    if not 0 < allowed < len(knots):
        return []
    low, high = knots[allowed - 1], knots[allowed]
    risks = found.at_risk(low), found.at_risk(high)
    return [low + (high - low) * (found.terms.most_at_risk - risks[0]) / (risks[1] - risks[0])]
