"""A second planner, written from the format's rules alone: every either-or is a whole number, nothing is clever."""

from __future__ import annotations

import numpy as np
from scipy.optimize import LinearConstraint, milp
from scipy.sparse import coo_array


class Sheet:
    """Unknowns and rows, one at a time."""

    def __init__(self) -> None:
        self.cost: list[float] = []
        self.lower: list[float] = []
        self.upper: list[float] = []
        self.whole: list[int] = []
        self.entries: list[tuple[int, int, float]] = []
        self.bounds: list[tuple[float, float]] = []

    def unknown(self, lower: float, upper: float, cost: float = 0.0, *, whole: bool = False) -> int:
        self.cost.append(cost)
        self.lower.append(lower)
        self.upper.append(upper)
        self.whole.append(int(whole))
        return len(self.cost) - 1

    def row(self, terms: list[tuple[int, float]], lower: float, upper: float) -> None:
        self.entries += [(len(self.bounds), column, factor) for column, factor in terms]
        self.bounds.append((lower, upper))

    def either(self, one: int, other: int) -> None:
        """Only one of two is above zero."""
        turn = self.unknown(0, 1, whole=True)
        self.row([(one, 1.0), (turn, -self.upper[one])], -np.inf, 0.0)
        self.row([(other, 1.0), (turn, self.upper[other])], -np.inf, self.upper[other])

    def solve(self, cost: list[float]) -> tuple[float, np.ndarray]:
        rows, columns, factors = zip(*self.entries, strict=True)
        shape = (len(self.bounds), len(self.cost))
        matrix = coo_array((factors, (rows, columns)), shape=shape).tocsr()
        lower, upper = zip(*self.bounds, strict=True)
        found = milp(
            cost, constraints=LinearConstraint(matrix, lower, upper), integrality=self.whole,
            bounds=(self.lower, self.upper), options={"mip_rel_gap": 1e-9},
        )  # fmt: skip
        assert found.status == 0, found.message
        return found.fun, found.x


def by_step(given: dict, key: str) -> np.ndarray:
    return np.broadcast_to(np.asarray(given.get(key, 0.0), dtype=float), given["steps"])


def best(given: dict) -> float:
    """The least cost in yuan. All inside is in kW and kWh."""
    sheet, steps = Sheet(), given["steps"]
    hours = by_step(given, "step_s") / 3600
    sums: list[list[tuple[int, float]]] = [[] for _ in range(steps)]
    by_outlet: dict[tuple[str, int], list[tuple[int, float]]] = {}
    constant = 0.0
    for ev in given.get("evs", []):
        constant += car(sheet, ev, hours, sums, by_outlet)
    battery = given.get("battery")
    if battery is not None:
        flows, energy = store(sheet, battery, hours, range(steps))
        for step, flow in enumerate(flows):
            sums[step] += flow
        sheet.cost[energy[-1]] -= battery["end_value"]
    for node in given.get("nodes", []):
        for step in range(steps):
            terms = [term for evse in node["evses"] for term in by_outlet.get((evse, step), [])]
            if terms:
                sheet.row(terms, -node["export_w"] / 1000, node["import_w"] / 1000)
    over, grid = connection(sheet, given, hours, sums)
    for event in given.get("events", []):
        for step in range(event["start"], min(event["end"], steps)):
            mass = (event["pay"] + event["penalty"]) * hours[step]
            short = sheet.unknown(0, np.inf, mass)
            constant -= event["pay"] * event["reduce_w"] / 1000 * hours[step]
            sheet.row([*grid[step], (short, -1.0)], -np.inf, (event["baseline_w"] - event["reduce_w"]) / 1000)
    if over:
        least, _ = sheet.solve([hours[over.index(c)] if c in over else 0.0 for c in range(len(sheet.cost))])
        sheet.row([(column, hours[step]) for step, column in enumerate(over)], -np.inf, least + 1e-7)
    return sheet.solve(sheet.cost)[0] + constant


def car(sheet: Sheet, ev: dict, hours: np.ndarray, sums: list, by_outlet: dict) -> float:
    steps = len(hours)
    here = range(min(ev["arrive"], steps), min(ev["depart"], steps))
    due = ev["need_wh"]
    if ev["depart"] > steps:
        due *= max(0, steps - ev["arrive"]) / max(1, ev["depart"] - ev["arrive"])
    cap = max(ev["max_wh"], ev["energy_wh"])
    reach = ev["energy_wh"] + ev["eta_charge"] * ev["charge_w"] * hours[list(here)].sum()
    wanted = min(due, cap, reach) / 1000
    if len(here) == 0:
        return ev["shortfall"] * max(0.0, wanted - ev["energy_wh"] / 1000)
    flows, energy = store(sheet, ev, hours, here)
    for step, flow in zip(here, flows, strict=True):
        sums[step] += flow
        by_outlet[ev["evse"], step] = flow
    short = sheet.unknown(0, np.inf, ev["shortfall"])
    sheet.row([(energy[-1], 1.0), (short, 1.0)], wanted, np.inf)
    return 0.0


def store(sheet: Sheet, one: dict, hours: np.ndarray, when: range) -> tuple[list, list[int]]:
    """Any battery: its power at each step as terms, and the columns of its energy."""
    flows, energies = [], []
    for step in when:
        into = sheet.unknown(0, one["charge_w"] / 1000, one["wear"] * one["eta_charge"] * hours[step])
        out = sheet.unknown(0, one["discharge_w"] / 1000, one["wear"] / one["eta_discharge"] * hours[step])
        sheet.either(into, out)
        energy = sheet.unknown(min(one["min_wh"], one["energy_wh"]) / 1000, max(one["max_wh"], one["energy_wh"]) / 1000)
        terms = [(energy, 1.0), (into, -one["eta_charge"] * hours[step]), (out, hours[step] / one["eta_discharge"])]
        before = 0.0 if energies else one["energy_wh"] / 1000
        if energies:
            terms.append((energies[-1], -1.0))
        sheet.row(terms, before, before)
        flows.append([(into, 1.0), (out, -1.0)])
        energies.append(energy)
    return flows, energies


def connection(sheet: Sheet, given: dict, hours: np.ndarray, sums: list) -> tuple[list[int], list]:
    load, limit, export, pv = (by_step(given, k) / 1000 for k in ("load_w", "import_limit_w", "export_limit_w", "pv_w"))
    charge = given.get("demand_charge", 0.0)
    peak = sheet.unknown(0, np.inf, charge)
    over, grid = [], []
    for step in range(len(hours)):
        excess = max(0.0, load[step] - limit[step])
        bought = sheet.unknown(0, limit[step] + excess, by_step(given, "price_buy")[step] * hours[step])
        sold = sheet.unknown(0, export[step], -by_step(given, "price_sell")[step] * hours[step])
        sheet.either(bought, sold)
        sun = sheet.unknown(0, pv[step])
        sheet.row([*sums[step], (sun, -1.0), (bought, -1.0), (sold, 1.0)], -load[step], -load[step])
        sheet.row([(bought, 1.0), (peak, -1.0)], -np.inf, given.get("peak_so_far_w", 0.0) / 1000)
        over.append(sheet.unknown(0, excess))
        sheet.row([(bought, 1.0), (over[-1], -1.0)], -np.inf, limit[step])
        grid.append([(bought, 1.0), (sold, -1.0)])
    return (over if (load > limit).any() else []), grid
