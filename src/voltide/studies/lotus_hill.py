"""The study of an ordinary day at Lotus Hill: what the same service costs under every rule, and with perfect foresight.

All rules see the same cars, prices, sun and building; the stationary battery stands still. Money is yuan.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from voltide.domain.units import Seconds
from voltide.planning import mpc
from voltide.planning.layout import Stays
from voltide.planning.phasors import Places
from voltide.planning.problem import Array, Problem
from voltide.planning.schedule import Schedule, Status, settle
from voltide.simulate import Run, prepare
from voltide.studies.board import Board
from voltide.studies.forecourt import DAY_S, STEP_S, day, lacking_wh, without_v2g
from voltide.studies.rules import RULES

LEARNED_DAYS = 7
"""The study's day is the one after so many, from which the plan has learned what comes later in a day."""
PATIENCE_S: Seconds = 60.0
SHOWN = ("fcfs", "plan", "plan-v2g", "foresight-v2g")
"""In the plot: the others lie on one of these."""
FREE_S: Seconds = 1_800.0
"""A car with less time to spare than this is not steerable."""
Tell: TypeAlias = Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Day:
    """The day that is studied, and what the plan expects of it beforehand."""

    problem: Problem
    expected_w: Array
    """(steps, steps) the mean load of cars that arrive in a step, as it was on earlier days; rows are arrivals."""
    turned_away: int


def prepared(run: Run) -> Day:
    """The run's day, after the days that were learned from."""
    earlier = [day(run.config, run.world, run.seed, number, run.start).problem for number in range(LEARNED_DAYS)]
    today = day(run.config, run.world, run.seed, LEARNED_DAYS, run.start)
    expected = np.mean([_by_arrival(one) for one in earlier], axis=0)
    return Day(problem=today.problem, expected_w=expected, turned_away=today.turned_away)


def at_once(problem: Problem) -> Array:
    """(cars, steps) every car takes all that it can until it has what it needs."""
    hours = STEP_S / 3600.0
    power = np.zeros((len(problem.cars), problem.steps))
    for place, car in enumerate(problem.cars):
        ends = min(car.depart, problem.steps)
        wants = lacking_wh(car) / car.eta_charge / hours
        sofar = np.minimum(np.arange(1, ends - car.arrive + 1) * car.charge_w, wants)
        power[place, car.arrive : ends] = np.diff(sofar, prepend=0.0)
    return power


def _by_arrival(problem: Problem) -> Array:
    power, table = at_once(problem), np.zeros((problem.steps, problem.steps))
    for place, car in enumerate(problem.cars):
        table[min(car.arrive, problem.steps - 1)] += power[place]
    return table


def by_rule(problem: Problem, name: str) -> Array:
    """(cars, steps) the power under a classic rule, in W; it stops when a car has what it needs."""
    board, rule, power = Board.of(problem), RULES[name](), np.zeros((len(problem.cars), problem.steps))
    left = np.array([lacking_wh(car) / car.eta_charge for car in problem.cars])
    for step in range(problem.steps):
        here = board.here(step)
        here = here[left[here] > 1e-6]
        if not len(here):
            continue
        site, present = board.seen(here, step, left)
        power[here, step] = rule.decide(site, present)
        left[here] -= power[here, step] * STEP_S / 3600.0
    return power


def by_plan(today: Day, *, v2g: bool) -> Array:
    """(cars, steps) our plan, made anew whenever a car comes or goes, without knowing who will come."""
    problem = today.problem if v2g else without_v2g(today.problem)
    board, horizon = Board.of(problem), mpc.Horizon(time.perf_counter)
    power = np.zeros((len(problem.cars), problem.steps))
    energy = np.array([car.energy_wh for car in problem.cars])
    eta = np.array([(car.eta_charge, car.eta_discharge) for car in problem.cars])
    planned, since, last = np.zeros((0, 0)), 0, np.zeros(0, dtype=np.intp)
    for step in range(problem.steps):
        here = board.here(step)
        if not np.array_equal(here, last) and len(here):
            rest = _rest(problem, today.expected_w, here, energy, step)
            planned, since, last = horizon.plan(rest, PATIENCE_S).car_w, step, here
        if len(here):
            now = planned[:, step - since]
            power[here, step] = now
            moved = np.where(now > 0.0, now * eta[here, 0], now / eta[here, 1])
            energy[here] += moved * STEP_S / 3600.0
    return power


def _rest(problem: Problem, expected_w: Array, here: Places, energy: Array, step: int) -> Problem:
    """What is left of the day for those that are here; later cars are expected as a load."""
    cars = [problem.cars[place] for place in here]
    ends = min(problem.steps, max(car.depart for car in cars))
    span = slice(step, ends)
    later = expected_w[step + 1 :].sum(axis=0)[span]
    room = problem.import_limit_w[span]
    return replace(
        problem,
        step_s=problem.step_s[span],
        price_buy=problem.price_buy[span],
        price_sell=problem.price_sell[span],
        import_limit_w=room,
        export_limit_w=problem.export_limit_w[span],
        load_w=np.minimum(problem.load_w[span] + later, 0.9 * room),
        pv_w=problem.pv_w[span],
        cars=tuple(
            replace(car, arrive=0, depart=car.depart - step, energy_wh=float(energy[place]))
            for place, car in zip(here, cars, strict=True)
        ),
    )


def valued(problem: Problem, power: Array) -> Schedule:
    """What powers cost on this day; all the sun is used."""
    return settle(problem, Stays.of(problem), power, np.zeros(problem.steps), problem.pv_w, Status.FALLBACK)


def study(seeds: Sequence[int], tell: Tell = lambda _share: None) -> dict[str, Any]:
    """Every rule on the day of each seed."""
    rows, plots = [], []
    for count, seed in enumerate(seeds):
        row, plot = _one(seed, lambda share, count=count: tell((count + share) / len(seeds)))  # type: ignore[misc]
        rows.append(row)
        plots.append(plot)
    return {"name": "study-lotus-hill", "unit": "yuan a day", "seeds": list(seeds), "rows": rows, "plots": plots}


def powers_of(today: Day, tell: Tell = lambda _share: None) -> dict[str, Array]:
    """By rule, (cars, steps) in W."""
    problem = today.problem
    powers = {name: by_rule(problem, name) for name in RULES}
    tell(0.3)
    powers["plan"] = by_plan(today, v2g=False)
    tell(0.6)
    powers["plan-v2g"] = by_plan(today, v2g=True)
    tell(0.9)
    for name, asked in (("foresight", without_v2g(problem)), ("foresight-v2g", problem)):
        powers[name] = mpc.plan(asked, time.perf_counter, PATIENCE_S).car_w
    return powers


def _one(seed: int, tell: Tell) -> tuple[dict[str, Any], dict[str, Any]]:
    today = prepared(prepare("lotus-hill", seed=seed))
    powers = powers_of(today, tell)
    problem = today.problem
    found = {name: valued(problem, power) for name, power in powers.items()}
    rules = {name: _figures(problem, one) for name, one in found.items()}
    best = rules["foresight-v2g"]["cost"]
    steerable = _steerable(problem)
    saved = (rules["fcfs"]["cost"] - rules["plan-v2g"]["cost"]) / max(steerable["steerable_kwh"], 1.0)
    row = {
        "seed": seed,
        "sessions": len(problem.cars),
        "turned_away": today.turned_away,
        **steerable,
        "rules": rules,
        "saved_yuan_per_steerable_kwh": round(saved, 4),
        "plan_above_foresight_percent": round(100.0 * (rules["plan-v2g"]["cost"] / best - 1.0), 3),
        "plan_below_fcfs_percent": round(100.0 * (1.0 - rules["plan-v2g"]["cost"] / rules["fcfs"]["cost"]), 3),
        "foresight_below_fcfs_percent": round(100.0 * (1.0 - best / rules["fcfs"]["cost"]), 3),
    }
    hours = (np.arange(problem.steps) + 0.5) * STEP_S / 3600.0
    kw = {name: np.round(one.grid_w / 1000.0, 1).tolist() for name, one in found.items() if name in SHOWN}
    title = f"Lotus Hill, seed {seed}: power at the connection"
    return row, {"title": title, "unit": "kW", "label": "hours", "x": hours.tolist(), "lines": kw}


def _figures(problem: Problem, one: Schedule) -> dict[str, float]:
    """Cost with its shortfall, and how far the worst limit was passed."""
    board = Board.of(problem)
    over = max(board.worst(one.car_w, step) for step in range(problem.steps))
    short = float(np.minimum(one.short_wh, [lacking_wh(car) for car in problem.cars]).sum())
    return {
        "cost": round(one.objective, 2),
        "bought_kwh": round(float(np.maximum(one.grid_w, 0.0).sum()) * STEP_S / 3.6e6, 1),
        "given_back_kwh": round(float(np.maximum(-one.car_w, 0.0).sum()) * STEP_S / 3.6e6, 1),
        "short_kwh": round(short / 1000.0, 2),
        "worst_over": round(max(0.0, over), 6),
    }


def _steerable(problem: Problem) -> dict[str, Any]:
    """How much flexibility there really is."""
    wanted = [lacking_wh(car) for car in problem.cars]
    spare = [
        (car.depart - car.arrive) * STEP_S - wish / car.eta_charge / car.charge_w * 3600.0
        for car, wish in zip(problem.cars, wanted, strict=True)
    ]
    free = [place for place, time_s in enumerate(spare) if time_s > FREE_S]
    return {
        "wanted_kwh": round(sum(wanted) / 1000.0, 1),
        "steerable_cars": len(free),
        "steerable_kwh": round(sum(wanted[place] for place in free) / 1000.0, 1),
        "v2g_cars": sum(car.discharge_w > 0.0 for car in problem.cars),
        "days": round(problem.steps * STEP_S / DAY_S, 2),
    }


def table(result: Mapping[str, Any]) -> list[list[str]]:
    """The result for people; a row of one cell is a sentence."""
    rows = result["rows"]
    head = ["rule"]
    for row in rows:
        head += [f"yuan, seed {row['seed']}", "short kWh", "over limit"]
    lines = [head]
    for name in rows[0]["rules"]:
        line = [name]
        for one in (row["rules"][name] for row in rows):
            line += [f"{one['cost']:.2f}", f"{one['short_kwh']:.1f}", f"{100.0 * one['worst_over']:.1f} %"]
        lines.append(line)
    return [
        *lines,
        *([_sentence(row)] for row in rows),
        ["In yuan a day, with wear, shortfall and the worth of what is left in cars above their need."],
    ]


def _sentence(row: Mapping[str, Any]) -> str:
    above, below = row["plan_above_foresight_percent"], row["plan_below_fcfs_percent"]
    return (
        f"Seed {row['seed']}: {row['steerable_kwh']:.0f} of {row['wanted_kwh']:.0f} kWh can be moved. The plan costs "
        f"{above:.2f} % more than perfect foresight and {below:.2f} % less than first come, first served; "
        f"{row['foresight_below_fcfs_percent']:.2f} % less is the most that could be."
    )
