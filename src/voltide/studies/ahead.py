"""Our plan: at every decision the best whole future of the cars that are there, of which the first step is done.

Nothing of the future is known but what cars say and what the past has taught. What the plan's polygons leave of the
circles is filled exactly.
"""

from dataclasses import dataclass

import numpy as np

from voltide.domain.units import Seconds
from voltide.planning.phasors import SIDES, Sides, fill, polygon
from voltide.planning.portions import Wanted, portions
from voltide.planning.problem import Array
from voltide.planning.solver import Solver
from voltide.studies.past import HOUR_S, Past
from voltide.studies.rules import all_fit
from voltide.studies.sessions import Session
from voltide.studies.sites import Site
from voltide.studies.yard import Present

LEARNED_EDGES_S = np.array([0, 5, 15, 30, 60, 90, 120, 180, 240, 300, 360, 420, 480, 600, 720, 960, 1440]) * 60.0
OVERSTAY_S = np.array([0.25, 0.5, 1.0, 2.0, 4.0]) * HOUR_S
"""How much longer a car may stay that has outstayed all its like."""
LEAST_STAY_S: Seconds = 300.0
"""Who should have left may still stay so long."""
CAREFUL = 0.25
"""The part of the likely departures that a careful guess lies behind."""
_KEPT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How the plan reckons."""

    sides: int = SIDES
    steps: int = 10
    """At most so many steps ahead, when departures are taken as told."""
    early: float = 0.3
    """How much more a Wh at once is worth than one at the end of the plan."""
    urgent: float = 3.0
    """So many times more than that for a car that has no time to lose."""
    like: int = 0
    """From how many stays like it a car's departure is foretold; 0: departures are taken as told."""
    repeat_s: Seconds = float("inf")


AS_TOLD = Manner()
LEARNING = Manner(like=30, repeat_s=600.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chances:
    """The cars' future, step by step."""

    edges: Array
    """(steps + 1,) in s from now."""
    most: Array
    """(cars, steps) the part of the step in which it can charge, if it is there."""
    there: Array
    """(cars, steps) how likely it is there."""
    stay: Array
    """(cars,) a careful guess of how long it stays, in s."""


class Ahead:
    """Planned anew at every decision."""

    def __init__(self, manner: Manner) -> None:
        self._manner = manner
        self.repeat_s = manner.repeat_s
        self._past, self._solver = Past(manner.like), Solver(direct=True)
        self._leaves: dict[int, Array] = {}
        self._shape: tuple[Site, Sides] | None = None

    def left(self, session: Session) -> None:
        """Learn from it."""
        self._past.learn(session)

    def decide(self, site: Site, present: Present) -> Array:
        """Power by car, in W."""
        most = present.most_w
        if all_fit(site, present):
            return most
        wanted = self._learned(present) if self._manner.like else self._as_told(present)
        energy = portions(wanted, self._sides(site), self._solver)
        first = wanted.step == 0
        power = np.zeros(len(most))
        power[wanted.car[first]] = np.minimum(energy[first] / wanted.hours[0], most[wanted.car[first]])
        passed = site.wires.excess(site.wires.by_kind(present.kind, power))
        turn = np.argsort(present.told_s, kind="stable")
        begun = power[turn] / (1.0 + max(0.0, passed))
        power[turn] = fill(site.wires, present.kind[turn], most[turn], begun)
        return power

    def _sides(self, site: Site) -> Sides:
        if self._shape is None or self._shape[0] is not site:
            self._shape = site, polygon(site.wires, self._manner.sides)
        return self._shape[1]

    def _as_told(self, present: Present) -> Wanted:
        """Steps end where cars leave; of too many departures some fall inside a step."""
        stay = np.maximum(present.told_s - present.now_s, LEAST_STAY_S)
        ends = np.unique(stay)
        if len(ends) > self._manner.steps:
            ends = ends[np.unique(np.linspace(0, len(ends) - 1, self._manner.steps).round().astype(np.intp))]
        edges = np.concatenate(([0.0], ends))
        there = np.clip(stay[:, None] - edges[:-1], 0.0, np.diff(edges)) / np.diff(edges)
        return self._wanted(present, Chances(edges=edges, most=there, there=np.sign(there), stay=stay))

    def _learned(self, present: Present) -> Wanted:
        """What a car gets counts by how likely it is still there, and so does its share of the limits."""
        stays = [self._stays(present, place) for place in range(len(present.number))]
        longest = max(float(one[-1]) for one in stays)
        edges = LEARNED_EDGES_S[: max(2, int(np.searchsorted(LEARNED_EDGES_S, longest)) + 1)]
        width = np.diff(edges)
        there = np.stack([np.clip(one[:, None] - edges[:-1], 0.0, width).mean(axis=0) for one in stays]) / width
        soon = np.array([np.quantile(one, CAREFUL) for one in stays])
        return self._wanted(present, Chances(edges=edges, most=np.ones_like(there), there=there, stay=soon))

    def _stays(self, present: Present, place: int) -> Array:
        """How much longer a car may stay, in s, each as likely."""
        number = int(present.number[place])
        if number not in self._leaves:
            if len(self._leaves) > _KEPT:
                self._leaves.clear()
            self._leaves[number] = self._past.departures(
                float(present.arrived_s[place]),
                float(present.told_s[place]),
                claimed=bool(present.claimed[place]),
                offset_s=present.offset_s,
            )
        leaves = self._leaves[number]
        left: Array = leaves[leaves > present.now_s] - present.now_s
        return left if len(left) else OVERSTAY_S

    def _wanted(self, present: Present, chances: Chances) -> Wanted:
        edges, there = chances.edges, chances.there
        car, step = np.nonzero(there > 0.0)
        hours = np.diff(edges) / HOUR_S
        spare_h = np.maximum(chances.stay / HOUR_S - present.left_wh / present.most_w, 0.0)
        haste = self._manner.early * (1.0 + self._manner.urgent / (1.0 + spare_h))
        sooner = 1.0 - (edges[:-1] + edges[1:]) / 2.0 / edges[-1]
        return Wanted(
            hours=hours,
            kind=present.kind,
            need_wh=present.left_wh,
            car=car,
            step=step,
            most_wh=chances.most[car, step] * hours[step] * present.most_w[car],
            worth=there[car, step] * (1.0 + haste[car] * sooner[step]),
            weight=np.where(step == 0, 1.0, there[car, step]),  # whoever is here now is here
        )
