"""What the station knows and a file cannot say: expected cars, early leavers, reserves, three phases, and why."""

import json
import time
from dataclasses import replace

import numpy as np
import pytest

from tests.planning.station import battery, ev, site
from voltide import plans
from voltide.planning.mpc import Horizon, plan
from voltide.planning.problem import Polygon, Problem, Reserve
from voltide.planning.schedule import Schedule, Status


def asked(*evs: dict, **changes: object) -> Problem:
    return plans.read(json.dumps(site(*evs, **changes)))


def planned(problem: Problem) -> Schedule:
    found = plan(problem, time.perf_counter)
    assert found.status is Status.OPTIMAL
    return found


def with_car(problem: Problem, **changes: object) -> Problem:
    return replace(problem, cars=(replace(problem.cars[0], **changes), *problem.cars[1:]))


def test_a_car_that_may_come_counts_by_how_likely_it_is():
    sure = asked(ev(), import_limit_w=5_000)
    half = with_car(sure, weight=0.5)
    assert planned(sure).grid_w.max() == pytest.approx(5_000)
    assert planned(half).car_w[0, 0] == pytest.approx(10_000)
    assert planned(half).objective == pytest.approx(planned(sure).objective / 2)


def test_a_likely_early_departure_makes_a_car_charge_before_the_cheap_hour():
    late = asked(ev(), price_buy=[2, 2, 1, 2])
    assert planned(late).car_w[0].tolist() == pytest.approx([0, 0, 10_000, 0])
    early = planned(with_car(late, hazard=np.array([0.0, 0.5, 0.0, 0.0])))
    assert early.car_w[0, :2].sum() == pytest.approx(10_000)
    assert early.objective == pytest.approx(20.0)  # what is told is real money


def test_the_hazard_of_a_car_that_cannot_give_counts_too():
    late = asked(ev(discharge_w=0), price_buy=[2, 2, 1, 2])
    early = planned(with_car(late, hazard=np.array([0.0, 0.5, 0.0, 0.0])))
    assert early.car_w[0, :2].sum() == pytest.approx(10_000)


def test_a_shortfall_with_priority_is_avoided_first_and_costs_no_more():
    equal = asked(ev("a"), ev("b"), import_limit_w=4_000)
    first = planned(with_car(equal, priority=3.0))
    assert first.short_wh.tolist() == pytest.approx([0, 4_000])
    assert first.objective == pytest.approx(16 + 4 * 5)


def test_giving_must_earn_the_least_margin_above_its_costs():
    giving = asked(ev(energy_wh=30_000), price_buy=[1, 1, 0.2, 0.2], price_sell=0.5)
    assert planned(giving).car_w.min() == pytest.approx(-10_000)
    assert planned(replace(giving, least_margin=0.29)).car_w.min() == pytest.approx(-10_000)
    assert planned(replace(giving, least_margin=0.31)).car_w.min() == 0.0


def test_the_sides_of_a_polygon_weigh_each_outlet_by_its_factor():
    sides = Polygon(id="phases", factors={"e-a": (1.0, 0.5), "e-b": (0.0, 1.0)}, most_w=(6_000.0, 8_000.0))
    found = planned(replace(asked(ev("a", need_wh=60_000), ev("b", need_wh=60_000)), polygons=(sides,)))
    assert found.car_w[0].max() <= 6_000.001
    assert (0.5 * found.car_w[0] + found.car_w[1]).max() <= 8_000.001
    assert found.car_w.sum() == pytest.approx(4 * (6_000 + 5_000))


def test_a_reserve_keeps_power_and_energy_free_as_far_as_it_can():
    idle = asked(battery=battery(energy_wh=4_000), price_sell=0.9)
    assert planned(idle).battery_wh[-1] == pytest.approx(0)
    reserve = Reserve(up_w=np.full(4, 8_000.0), sustain_s=900.0, shortage=50.0)
    kept = planned(replace(idle, reserve=reserve))
    assert kept.battery_wh.min() == pytest.approx(2_000)
    assert (kept.battery_w + 10_000).min() >= 8_000 - 1e-3
    beyond = replace(reserve, up_w=np.full(4, 1e6))
    assert planned(replace(idle, reserve=beyond)).battery_wh[-1] == pytest.approx(4_000 + 4 * 10_000, abs=30_000)


def test_a_charging_car_is_a_reserve_that_needs_no_energy():
    charging = asked(ev(discharge_w=0), price_buy=[1, 1, 1, 0.5])
    reserve = Reserve(up_w=np.array([2_500.0, 2_500, 2_500, 2_500]), sustain_s=3_600.0, shortage=50.0)
    assert planned(replace(charging, reserve=reserve)).car_w[0].tolist() == pytest.approx([2_500] * 4)


def test_the_worth_of_load_is_the_price_where_nothing_binds_and_more_where_the_connection_does():
    free = planned(asked(ev(discharge_w=0), price_buy=[3, 1, 2, 4])).worth
    assert free is not None
    assert free.load == pytest.approx([3, 1, 2, 4], abs=1e-4)
    tight = planned(asked(ev(discharge_w=0), price_buy=[3, 1, 2, 4], import_limit_w=6_000))
    assert tight.worth is not None
    assert tight.worth.load == pytest.approx([3, 2, 2, 4], abs=1e-4)
    assert tight.worth.connection[0] == pytest.approx([0, 1, 0, 0], abs=1e-4)
    giving = planned(asked(ev(), price_buy=[3, 1, 2, 4])).worth
    assert giving is not None
    assert giving.load == pytest.approx([2, 1, 2, 2], abs=1e-4)  # the car would give it, and take it back at 2


def test_the_worth_of_a_node_is_what_a_kilowatt_hour_more_of_it_would_save():
    node = {"id": "n", "evses": ["e-a"], "import_w": 6_000, "export_w": 0}
    found = planned(asked(ev(discharge_w=0), price_buy=[3, 1, 2, 4], nodes=[node]))
    assert found.worth is not None
    assert found.worth.limits[0] == pytest.approx([0, 1, 0, 0], abs=1e-4)


def test_a_horizon_goes_on_when_the_shape_of_the_problem_changes():
    horizon = Horizon(time.perf_counter)
    for problem in (asked(ev()), asked(ev(), ev("b")), asked(), asked(ev(), battery=battery()), asked(ev())):
        assert horizon.plan(problem).objective == pytest.approx(planned(problem).objective)


def test_a_horizon_that_had_no_time_answers_when_it_has():
    horizon = Horizon(time.perf_counter)
    assert horizon.plan(asked(ev()), patience_s=0.0).status is Status.FALLBACK
    assert horizon.plan(asked(ev())).status is Status.OPTIMAL


@pytest.mark.parametrize(("end_value", "kept_wh"), [(0.0, 30_000), (0.4, 30_000), (0.6, 40_000)])
def test_energy_above_a_need_is_given_only_for_more_than_putting_it_back_costs(end_value, kept_wh):
    full = with_car(asked(ev(energy_wh=40_000)), end_value=end_value)
    found = planned(full)
    assert found.car_wh[0, -1] == pytest.approx(kept_wh)
    sold = (40_000 - kept_wh) / 1000 * 0.5
    assert found.objective == pytest.approx(-sold - end_value * (kept_wh - 30_000) / 1000)


def test_what_is_left_never_counts_more_than_what_is_missing():
    greedy = with_car(asked(ev(), price_buy=6.0, price_sell=0.5), end_value=1e6)
    found = planned(greedy)
    assert found.car_wh[0, -1] == pytest.approx(20_000)  # a kWh costs 6 and its lack 5: nothing is bought
    assert found.short_wh[0] == pytest.approx(10_000)


def test_where_cars_may_not_give_they_do_not_though_it_would_pay():
    full = asked(ev(energy_wh=40_000), price_sell=[0.1, 0.9, 0.5, 0.1])
    assert planned(full).car_w[0].tolist() == pytest.approx([0, -10_000, 0, 0])
    barred = replace(full, may_give=np.array([1.0, 0.0, 1.0, 1.0]))
    assert planned(barred).car_w[0].tolist() == pytest.approx([0, 0, -10_000, 0])
