"""One small station as JSON, to be changed by a test."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.planning.checker import wrongs
from voltide import plans
from voltide.planning.mpc import plan


def ev(name: str = "a", **changes: Any) -> dict:
    """A V2G car that is there from the first step on."""
    return {
        "id": name, "evse": f"e-{name}", "arrive": 0, "depart": 4, "energy_wh": 20_000, "min_wh": 10_000,
        "max_wh": 60_000, "need_wh": 30_000, "shortfall": 5.0, "charge_w": 10_000, "discharge_w": 10_000,
        "eta_charge": 1.0, "eta_discharge": 1.0, "wear": 0.0,
    } | changes  # fmt: skip


def site(*evs: dict, **changes: Any) -> dict:
    """Four hours at one price."""
    return {
        "step_s": 3600, "steps": 4, "price_buy": 1.0, "price_sell": 0.5, "import_limit_w": 100_000,
        "export_limit_w": 100_000, "load_w": 0, "evs": list(evs),
    } | changes  # fmt: skip


def battery(**changes: Any) -> dict:
    return {
        "energy_wh": 10_000, "min_wh": 0, "max_wh": 20_000, "charge_w": 10_000, "discharge_w": 10_000,
        "eta_charge": 1.0, "eta_discharge": 1.0, "wear": 0.0, "end_value": 0.0,
    } | changes  # fmt: skip


def answered(given: dict, patience_s: float = 30.0) -> dict:
    """What ``voltide plan`` would print, after it was held against the rules."""
    problem = plans.read(json.dumps(given))
    answer: dict = json.loads(json.dumps(plans.answer(problem, plan(problem, time.perf_counter, patience_s))))
    assert wrongs(given, answer) == []
    return answer
