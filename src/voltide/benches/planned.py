"""How long a station's plan takes: 63 outlets over a day, against the bare solver on the very same arrays."""

import statistics
import time
from typing import Any

import highspy
import numpy as np

from voltide.benches.days import changed, day
from voltide.benches.machine import RUNS, Tell, machine, note
from voltide.planning.mpc import Horizon
from voltide.planning.problem import Problem
from voltide.planning.rows import Writer
from voltide.planning.schedule import Status

DAYS = 20
"""Different days in one run; five runs are a hundred."""
LIMITS_MS = {96: 150.0, 288: 400.0}
WARM_MS = 50.0
_PATIENCE_S = 30.0


def measure(tell: Tell) -> dict[str, Any]:
    """Both lengths of step, anew and warm, product and peer in turn."""
    taken: dict[int, list[dict[str, list[float]]]] = {steps: [] for steps in LIMITS_MS}
    for number in range(RUNS):
        for steps in LIMITS_MS:
            taken[steps].append(_run(steps, range(number * DAYS, (number + 1) * DAYS)))
            note(f"{steps} steps, run {number + 1}: {_told(taken[steps][-1:], steps)}")
        tell((number + 1) / RUNS)
    runs = [_tail(run["ours"]) for run in taken[96]]
    figure = statistics.median(runs)
    return {
        "name": "plan",
        "figure": figure,
        "unit": f"ms to build and solve 63 outlets x 96 steps, p99 of {DAYS} days",
        "peer": "limit",
        "peer_figure": LIMITS_MS[96],
        "ratio": figure / LIMITS_MS[96],
        "runs": runs,
        "machine": machine(),
        "steps": {str(steps): _told(all_runs, steps) for steps, all_runs in taken.items()},
    }


def _told(runs: list[dict[str, list[float]]], steps: int) -> dict[str, Any]:
    """One length of step over all runs, in ms; the ratio is of sums, day by day the same arrays."""
    whole = {key: [ms for run in runs for ms in run[key]] for key in runs[0]}
    return {
        "problems": len(whole["ours"]),
        "limit_ms": LIMITS_MS[steps],
        "p50_ms": statistics.median(whole["ours"]),
        "p99_ms": _tail(whole["ours"]),
        "bare_p50_ms": statistics.median(whole["bare"]),
        "to_bare": sum(whole["ours"]) / sum(whole["bare"]),
        "warm_limit_ms": WARM_MS,
        "warm_p50_ms": statistics.median(whole["warm"]),
        "warm_p99_ms": _tail(whole["warm"]),
    }


def _tail(values: list[float]) -> float:
    return float(np.percentile(values, 99.0))


def _run(steps: int, numbers: range) -> dict[str, list[float]]:
    ours, bare, warm = [], [], []
    for number in numbers:
        problem = day(number, steps)
        horizon = Horizon(time.perf_counter)
        first = _bare_ms(problem) if number % 2 else None  # whoever comes second finds warmer caches
        ours.append(_plan_ms(horizon, problem))
        bare.append(_bare_ms(problem) if first is None else first)
        warm.append(_plan_ms(horizon, changed(problem, number)))
    return {"ours": ours, "bare": bare, "warm": warm}


def _plan_ms(horizon: Horizon, problem: Problem) -> float:
    """From the problem to the plan, all in. Raises ``OSError`` where no solver answered."""
    began = time.perf_counter()
    plan = horizon.plan(problem, _PATIENCE_S)
    taken = time.perf_counter() - began
    if plan.status is not Status.OPTIMAL:
        raise OSError("the solver gave no answer to a day of the benchmark")
    return taken * 1000.0


def _bare_ms(problem: Problem) -> float:
    """HiGHS alone, as it comes but for its talk and its threads, on arrays that are there already."""
    programme, _ = Writer(problem).write()
    began = time.perf_counter()
    highs = highspy.Highs()  # type: ignore[no-untyped-call]  # its stub has no types here
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    highs.passModel(
        len(programme.cost), len(programme.row_lower), len(programme.factor), 2, 1, programme.offset,
        programme.cost, programme.lower, programme.upper, programme.row_lower, programme.row_upper,
        programme.start, programme.column, programme.factor, programme.whole,
    )  # fmt: skip
    highs.run()
    return (time.perf_counter() - began) * 1000.0
