"""A planning problem as a site that the classic rules can fill: every limit a wire, every outlet a kind of its own."""

from dataclasses import dataclass

import numpy as np

from voltide.planning.phasors import Phasors, Places, Wires
from voltide.planning.problem import Array, Problem
from voltide.studies.sites import Site
from voltide.studies.yard import Present


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Board:
    """Step by step."""

    problem: Problem
    names: tuple[str, ...]
    kind_of: dict[str, int]
    kind: Places
    """(cars,)"""
    arrive: Places
    depart: Places
    charge_w: Array
    factor: Phasors
    """(limits, kinds); the connection is the first limit."""
    most_w: Array
    """(limits, steps)"""
    least_w: Array
    """(limits, steps) at most 0: what may flow out."""

    @classmethod
    def of(cls, problem: Problem) -> "Board":
        """Read off a problem."""
        outlets = list(dict.fromkeys(evse for node in problem.nodes for evse in node.evses))
        kind_of = {outlet: kind for kind, outlet in enumerate(outlets)}
        factor = np.ones((1 + len(problem.nodes), len(outlets)), dtype=np.complex128)
        for row, node in enumerate(problem.nodes, start=1):
            factor[row] = [outlet in node.evses for outlet in outlets]
        net = problem.load_w - problem.pv_w
        most = np.array(
            [problem.import_limit_w - net, *(np.full(problem.steps, node.import_w) for node in problem.nodes)]
        )
        least = np.array(
            [-problem.export_limit_w - net, *(np.full(problem.steps, -node.export_w) for node in problem.nodes)]
        )
        return cls(
            problem=problem,
            names=("connection", *(node.id for node in problem.nodes)),
            kind_of=kind_of,
            kind=np.array([kind_of[car.evse] for car in problem.cars], dtype=np.intp),
            arrive=np.array([car.arrive for car in problem.cars], dtype=np.intp),
            depart=np.array([car.depart for car in problem.cars], dtype=np.intp),
            charge_w=np.array([car.charge_w for car in problem.cars]),
            factor=factor,
            most_w=most,
            least_w=least,
        )

    def here(self, step: int) -> Places:
        """The cars that are there in a step."""
        return np.flatnonzero((self.arrive <= step) & (step < self.depart))

    def seen(self, here: Places, step: int, left_wh: Array) -> tuple[Site, Present]:
        """The step as a rule sees it; nobody takes more than it still wants."""
        step_s = float(self.problem.step_s[step])
        arrived: Array = self.arrive[here].astype(np.float64) * step_s
        told: Array = self.depart[here].astype(np.float64) * step_s
        wires = Wires(names=self.names, factor=self.factor, most_w=self.most_w[:, step])
        site = Site(
            name="station", capacity_kw=0.0, kind_of=self.kind_of, wires=wires, outlet_w=float(self.charge_w.max())
        )
        return site, Present(
            now_s=step * step_s,
            number=here,
            kind=self.kind[here],
            arrived_s=arrived,
            told_s=told,
            left_wh=left_wh[here],
            claimed=np.ones(len(here)),
            offset_s=0.0,
            most_w=np.minimum(self.charge_w[here], left_wh[here] / step_s * 3600.0),
        )

    def worst(self, car_w: Array, step: int) -> float:
        """How far powers pass the worst limit of a step, either way, as a part of it; negative: what is left."""
        carried = self.factor.real @ np.bincount(self.kind, car_w[:, step], self.factor.shape[1])
        most, least = self.most_w[:, step], self.least_w[:, step]
        return float(np.maximum(carried - most, least - carried).max() / most[0])
