from dataclasses import replace

import numpy as np
import pytest

from voltide.simulate import prepare
from voltide.studies import lotus_hill
from voltide.studies.board import Board
from voltide.studies.forecourt import STEP_S, day, without_v2g


def quiet(seed=1, vehicles=60, **shares):
    """A day with few cars; most of them have time."""
    run = prepare("lotus-hill", seed=seed)
    shares = shares or {"hurried": 0.3, "commuter": 0.4, "night": 0.3}
    return replace(run, world=replace(run.world, vehicles_per_day=vehicles, shares=shares))


@pytest.fixture(scope="module")
def today():
    return lotus_hill.prepared(quiet())


@pytest.fixture(scope="module")
def powers(today):
    return lotus_hill.powers_of(today)


def test_every_rule_but_uncontrolled_keeps_every_limit_in_every_step(today, powers):
    board = Board.of(today.problem)
    for name, power in powers.items():
        worst = max(board.worst(power, step) for step in range(today.problem.steps))
        assert worst <= 1e-6 or name == "uncontrolled", name


def test_nobody_charges_before_arrival_or_after_departure(today, powers):
    for power in powers.values():
        for car, row in zip(today.problem.cars, power, strict=True):
            assert not row[: car.arrive].any()
            assert not row[car.depart :].any()


def test_perfect_foresight_is_never_beaten_and_the_plan_comes_near_it(today, powers):
    cost = {name: lotus_hill.valued(today.problem, power).objective for name, power in powers.items()}
    best = cost.pop("foresight-v2g")
    assert best <= min(cost.values()) + 0.01
    assert cost["foresight"] <= min(cost[name] for name in ("plan", "fcfs", "edf", "llf", "round-robin")) + 0.01
    assert cost["plan-v2g"] <= 1.05 * best
    assert cost["plan-v2g"] < cost["fcfs"]


def test_only_the_plans_that_may_give_back_do(today, powers):
    giving = {name for name, power in powers.items() if power.min() < -1.0}
    assert giving == {"plan-v2g", "foresight-v2g"}
    assert sum(car.discharge_w > 0.0 for car in today.problem.cars) > 5
    assert all(car.discharge_w == 0.0 for car in without_v2g(today.problem).cars)


def test_what_is_left_in_a_car_above_its_need_is_worth_what_refilling_costs_off_peak(today):
    car = next(car for car in today.problem.cars if car.discharge_w > 0.0)
    assert car.end_value * car.eta_charge == pytest.approx(today.problem.price_buy.min())
    assert car.end_value < car.shortfall


def test_equal_seeds_give_equal_days_and_others_do_not():
    cars = [lotus_hill.prepared(quiet(seed)).problem.cars for seed in (1, 1, 2)]
    first, again, other = ([(car.evse, car.arrive, car.need_wh) for car in some] for some in cars)
    assert first == again
    assert first != other


def test_no_two_cars_sit_at_one_outlet_at_once():
    run = quiet(vehicles=400, hurried=0.8, taxi=0.2)
    found = day(run.config, run.world, 1, 0, run.start)
    taken = np.zeros((len(run.config.station.evses), found.problem.steps + 48), dtype=int)
    places = {evse.id: place for place, evse in enumerate(run.config.station.evses)}
    for one in found.seated:
        taken[places[one.evse.id], one.arrive : one.depart] += 1
    assert taken.max() == 1
    assert len(found.seated) + found.turned_away == 400


def test_the_expected_load_is_that_of_earlier_days_by_hour_of_arrival(today):
    energy_kwh = today.expected_w.sum() * STEP_S / 3.6e6
    wanted_kwh = sum(max(0.0, car.need_wh - car.energy_wh) / car.eta_charge for car in today.problem.cars) / 1000.0
    assert energy_kwh == pytest.approx(wanted_kwh, rel=0.3)
    assert not np.tril(today.expected_w, -1).any()  # nobody draws before arriving
