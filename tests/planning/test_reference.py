"""The plan against a second planner that was written from the rules alone, on problems that nobody chose."""

import json
import time
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.planning import checker, problems, reference
from tests.planning.station import answered
from voltide import plans
from voltide.planning.mpc import Horizon, plan
from voltide.planning.schedule import Status

laws = settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
chances = st.randoms(use_true_random=False)


def close(one: float, other: float) -> bool:
    return abs(one - other) <= 1e-4 * abs(other) + 1e-4


@laws
@given(chances)
def test_no_plan_could_cost_less_and_none_breaks_a_rule(chance: Random):
    problem = problems.problem(chance)
    answer = answered(problem)
    assert answer["status"] == "optimal"
    assert close(answer["objective"], reference.best(problem))


@laws
@given(chances)
def test_the_plan_by_rule_breaks_no_rule_and_costs_no_less_than_the_best(chance: Random):
    problem = problems.problem(chance)
    by_rule = answered(problem, patience_s=0.0)
    assert by_rule["status"] == "fallback"
    best = answered(problem)
    if by_rule["over_import_wh"] <= best["over_import_wh"] + 1e-3:
        assert by_rule["objective"] >= best["objective"] - 1e-4 - 1e-4 * abs(best["objective"])


@laws
@given(chances, st.randoms(use_true_random=False))
def test_neither_the_order_of_cars_nor_of_nodes_nor_of_events_matters(chance: Random, other: Random):
    problem = problems.problem(chance)
    shuffled = problem | {key: other.sample(problem[key], len(problem[key])) for key in ("evs", "nodes", "events")}
    assert close(answered(shuffled)["objective"], answered(problem)["objective"])


@laws
@given(chances)
def test_more_room_never_costs_more_and_dearer_energy_never_less(chance: Random):
    problem = problems.problem(chance) | {"load_w": 1_000}  # what passes a limit is another problem
    problem["price_buy"] = [max(0.0, price) for price in problem["price_buy"]]
    before = answered(problem)["objective"]
    wider = [node | {"import_w": node["import_w"] * 2, "export_w": node["export_w"] * 2} for node in problem["nodes"]]
    roomy = problem | {"nodes": wider, "import_limit_w": 100_000, "export_limit_w": 100_000}
    assert answered(roomy)["objective"] <= before + 1e-4 + 1e-4 * abs(before)
    dearer = problem | {"price_buy": [price + 0.1 for price in problem["price_buy"]]}
    assert answered(dearer)["objective"] >= before - 1e-4 - 1e-4 * abs(before)


@laws
@given(chances)
def test_a_station_that_asks_again_gets_the_plan_that_it_would_get_anew(chance: Random):
    first = problems.problem(chance)
    second = first | {"price_buy": [price + chance.uniform(-0.3, 0.3) for price in first["price_buy"]]}
    second["evs"] = [ev | {"energy_wh": ev["energy_wh"] * 0.9, "need_wh": ev["need_wh"] * 1.1} for ev in first["evs"]]
    horizon = Horizon(time.perf_counter)
    for given_now in (first, second, first):
        problem = plans.read(json.dumps(given_now))
        again, anew = horizon.plan(problem), plan(problem, time.perf_counter)
        assert again.status is Status.OPTIMAL
        assert close(again.objective, anew.objective)
        assert checker.wrongs(given_now, plans.answer(problem, again)) == []


@pytest.mark.parametrize("number", range(3))
def test_the_checker_sees_what_is_wrong(number):
    """A law is worth nothing that cannot fail."""
    problem = problems.problem(Random(5)) | {"evs": problems.cars(Random(1)), "nodes": []}
    answer = answered(problem)
    wrong = [
        answer | {"objective": answer["objective"] + 0.01},
        answer | {"grid_w": [power + 1.0 for power in answer["grid_w"]]},
        answer | {"pv_used_w": [power - 1e6 for power in answer["pv_used_w"]]},
    ][number]
    assert checker.wrongs(problem, wrong) != []
