"""Where each unknown of a station's programme stands, and every step of every stay as flat arrays.

Inside the programme powers are kW and energies kWh, so that its numbers are of one size.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voltide.planning.problem import Array, Car, Problem
from voltide.planning.programme import Index

KILO = 1000.0
NOWHERE = -1
"""The column of an unknown that does not exist."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stays:
    """The cars as arrays, and their presence as entries: one entry is one car in one step, car by car."""

    car: Index
    step: Index
    first: Index
    """(cars,) at which entry a car's stay begins."""
    count: Index
    """(cars,) for how many steps of the horizon it is there; 0: never."""
    charge_kw: Array
    discharge_kw: Array
    eta_charge: Array
    eta_discharge: Array
    energy_kwh: Array
    """(cars,) at arrival."""
    floor_kwh: Array
    cap_kwh: Array
    due_kwh: Array
    """(cars,) wanted when the stay ends, or the horizon."""
    reach_kwh: Array
    """(cars,) the part of it that full power could meet: what lies above costs nothing."""
    weight: Array
    wear: Array
    shortfall: Array
    hours: Array
    """(entries,) the length of an entry's step in h."""

    @classmethod
    def of(cls, problem: Problem) -> "Stays":
        """Read off a problem's cars."""
        cars, steps = problem.cars, problem.steps
        table = np.array([_figures(car) for car in cars]).reshape(len(cars), 10).T
        charge, discharge, energy, floor, cap = table[:5] / KILO
        due = np.array([car.due_wh(steps) for car in cars]) / KILO
        arrive = np.array([min(car.arrive, steps) for car in cars], dtype=np.int32)
        depart = np.array([min(car.depart, steps) for car in cars], dtype=np.int32)
        count = depart - arrive
        first = (np.cumsum(count) - count).astype(np.int32)
        owner = np.repeat(np.arange(len(cars), dtype=np.int32), count)
        step = (np.arange(len(owner), dtype=np.int32) - first[owner] + arrive[owner]).astype(np.int32)
        since = np.concatenate(([0.0], np.cumsum(problem.hours)))
        reach = energy + table[5] * charge * (since[depart] - since[arrive])
        return cls(
            car=owner,
            step=step,
            first=first,
            count=count,
            charge_kw=charge,
            discharge_kw=discharge,
            eta_charge=table[5],
            eta_discharge=table[6],
            energy_kwh=energy,
            floor_kwh=floor,
            cap_kwh=cap,
            due_kwh=due,
            reach_kwh=np.minimum(np.minimum(due, cap), reach),
            weight=table[7],
            wear=table[8],
            shortfall=table[9],
            hours=problem.hours[step],
        )


def _figures(car: Car) -> tuple[float, ...]:
    return (
        car.charge_w, car.discharge_w, car.energy_wh, car.floor_wh, car.cap_wh, car.eta_charge, car.eta_discharge,
        car.weight, car.wear, car.shortfall,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Limits:
    """Every limit on several outlets at once, nodes first, then the sides of polygons."""

    names: tuple[str, ...]
    factor: Array
    """(limits, cars) how a car's power counts."""
    lower_kw: Array
    upper_kw: Array

    @classmethod
    def of(cls, problem: Problem) -> "Limits":
        """Read off a problem's nodes and polygons."""
        nodes, polygons = problem.nodes, problem.polygons
        sides = [(polygon, side) for polygon in polygons for side in range(len(polygon.most_w))]
        factor = np.zeros((len(nodes) + len(sides), len(problem.cars)))
        seats: dict[str, list[int]] = {}
        for place, car in enumerate(problem.cars):
            seats.setdefault(car.evse, []).append(place)
        for row, node in enumerate(nodes):
            factor[row, [place for evse in node.evses for place in seats.get(evse, ())]] = 1.0
        for row, (polygon, side) in enumerate(sides, start=len(nodes)):
            for evse, factors in polygon.factors.items():
                factor[row, seats.get(evse, [])] = factors[side]
        return cls(
            names=(*(node.id for node in nodes), *(polygon.id for polygon, _ in sides)),
            factor=factor,
            lower_kw=np.array([-node.export_w / KILO for node in nodes] + [-np.inf] * len(sides)),
            upper_kw=np.array([*(node.import_w for node in nodes), *(p.most_w[side] for p, side in sides)]) / KILO,
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """Columns and rows by what they are; an array that is empty, or ``NOWHERE`` in it, is a thing that is not there."""

    stays: Stays
    limits: Limits
    charge: Index
    """(entries,)"""
    discharge: Index
    """(entries,)"""
    energy: Index
    """(entries,) after the step; only of cars that may give back, or may leave early."""
    short: Index
    """(cars,)"""
    bought: Index
    sold: Index
    """(steps,)"""
    beyond: Index
    """(steps,) what is bought beyond the limit, because the load alone is."""
    penalty: Array
    """What a unit of each of these costs above its price."""
    sun: Index
    battery: tuple[Index, Index, Index]
    """(steps,) each: in, out, energy after the step."""
    balance: Index
    """(steps,) the connection's rows."""
    limit_rows: tuple[Index, Index, Index]
    """Row, limit and step of every limit that could be met."""
    turn: Index
    """(steps,) 1: buys, 0: sells; only where selling pays more than buying costs."""

    @property
    def two_way(self) -> NDArray[np.intp]:
        """The entries that could charge and discharge."""
        stays = self.stays
        able = (self.discharge != NOWHERE) & (stays.charge_kw[stays.car] > 0.0)
        return np.flatnonzero(able)
