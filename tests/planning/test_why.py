"""Why a plan does what it does: laws over odd problems, and each kind of reason where one can check it by eye."""

import json
import math
import time
from dataclasses import asdict, replace
from functools import cache
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.planning.problems import problem as odd
from tests.planning.station import battery, ev, site
from voltide import plans
from voltide.planning.at_once import at_once
from voltide.planning.binding import NEAR_W, What
from voltide.planning.mpc import plan
from voltide.planning.problem import Problem
from voltide.planning.schedule import Schedule
from voltide.planning.why import Code, Reason, Why

SEEDS = st.integers(0, 5_000)
laws = settings(max_examples=60, deadline=None)


@cache
def solved(text: str) -> tuple[Problem, Schedule]:
    question = plans.read(text)
    return question, plan(question, time.perf_counter, 30.0)


def some(seed: int) -> tuple[Problem, Schedule]:
    return solved(json.dumps(odd(Random(seed))))


def explained(given: dict) -> Why:
    return Why(*solved(json.dumps(given)))


def reasons(question: Problem, schedule: Schedule) -> list[Reason]:
    """All that can be said of a plan."""
    why, steps = Why(question, schedule), range(question.steps)
    cars = [why.car(row, step) for row in range(len(question.cars)) for step in steps]
    found = [*cars, *(why.battery(step) for step in steps), *(why.connection(step) for step in steps)]
    found += [why.event(number) for number in range(len(question.events))]
    return [reason for reason in found if reason is not None]


# --- laws ---


@given(SEEDS)
@laws
def test_every_car_has_a_reason_at_every_step_of_its_stay_and_none_outside(seed):
    question, schedule = some(seed)
    why = Why(question, schedule)
    for row, car in enumerate(question.cars):
        there = [step for step in range(question.steps) if why.car(row, step) is not None]
        assert there == list(range(car.arrive, min(car.depart, question.steps)))


@given(SEEDS)
@laws
def test_until_is_where_the_power_changes_its_kind_or_the_stay_ends(seed):
    question, schedule = some(seed)
    why = Why(question, schedule)
    for row, car in enumerate(question.cars):
        kinds = [0 if abs(power) <= NEAR_W else math.copysign(1, power) for power in schedule.car_w[row]]
        end = min(car.depart, question.steps)
        for step in range(car.arrive, end):
            reason = why.car(row, step)
            assert set(kinds[step : reason.until]) == {kinds[step]}
            assert reason.until == end or kinds[reason.until] != kinds[step]
            if reason.then is None:
                assert not any(kinds[reason.until : end])
            else:
                assert not any(kinds[reason.until : reason.then])
                assert kinds[reason.then] == reason.then_way != 0


@given(SEEDS)
@laws
def test_a_reason_says_of_the_power_what_it_is(seed):
    question, schedule = some(seed)
    why = Why(question, schedule)
    into = {Code.CHARGES_NOW, Code.CHARGES_EARLY, Code.CHARGES_FOR_NEED}
    out = {Code.GIVES_FOR_PRICE, Code.GIVES_FOR_EVENT}
    for row in range(len(question.cars)):
        for step in range(question.steps):
            reason, power = why.car(row, step), schedule.car_w[row, step]
            if reason is None or reason.code is Code.LIMITED_BY:
                assert reason is None or reason.limit in {What.CONNECTION, What.NODE, What.PEAK}
            else:
                assert (power > NEAR_W, power < -NEAR_W) == (reason.code in into, reason.code in out)


@given(SEEDS)
@laws
def test_every_figure_is_a_number(seed):
    for reason in reasons(*some(seed)):
        for name, figure in asdict(reason).items():
            assert not isinstance(figure, float) or math.isfinite(figure), (reason, name)


@given(SEEDS)
@laws
def test_the_order_of_the_cars_changes_nothing(seed):
    question, schedule = some(seed)
    turn = list(range(len(question.cars)))
    Random(seed).shuffle(turn)
    worth = schedule.worth and replace(schedule.worth, cars=schedule.worth.cars[:, turn])
    turned = replace(
        schedule,
        car_w=schedule.car_w[turn],
        car_wh=schedule.car_wh[turn],
        short_wh=schedule.short_wh[turn],
        worth=worth,
    )
    other = Why(replace(question, cars=tuple(question.cars[row] for row in turn)), turned)
    why = Why(question, schedule)
    for place, row in enumerate(turn):
        for step in range(question.steps):
            assert other.car(place, step) == why.car(row, step)


@given(SEEDS)
@laws
def test_a_plan_by_rule_is_explained_too_and_names_no_worth(seed):
    question, _ = some(seed)
    schedule = at_once(question)
    for reason in reasons(question, schedule):
        assert reason.worth is None
        assert reason.limit_worth is None


def test_what_an_outlet_cannot_give_is_no_power():
    question, schedule = solved(json.dumps(site(ev(need_wh=20_300), price_buy=[3, 1, 2, 4])))
    assert Why(question, schedule).car(0, 1).code is Code.CHARGES_NOW
    assert Why(question, schedule, still_w=500.0).car(0, 1).code is Code.FULL
    assert np.abs(schedule.car_w).max() == pytest.approx(300.0)


# --- each kind ---


def codes(why: Why, row: int = 0) -> list[str]:
    return [why.car(row, step).code.value for step in range(4)]


def test_a_car_waits_for_the_cheap_hour_charges_in_it_and_is_full():
    why = explained(site(ev(), price_buy=[3, 1, 2, 4]))
    assert codes(why) == ["waits-for-price", "charges-now", "full", "full"]
    waits = why.car(0, 0)
    assert (waits.price, waits.then, waits.then_way, waits.then_price) == (3.0, 1, 1, 1.0)
    assert (waits.until, waits.held_wh, waits.need_wh, waits.by) == (1, 20_000.0, 30_000.0, 4)


def test_a_car_gives_at_the_peak_and_charges_because_it_must_be_ready():
    dear = site(ev(energy_wh=30_000, wear=0.1), price_buy=[1, 1, 0.2, 0.2], price_sell=0.9)
    why = explained(dear)
    assert codes(why) == ["gives-for-price", "gives-for-price", "charges-for-need", "charges-for-need"]
    gives = why.car(0, 0)
    assert (gives.until, gives.price, gives.then, gives.then_price) == (2, 0.9, 2, 0.2)
    assert (gives.floor_wh, gives.short_wh) == (10_000.0, 0.0)


def test_a_car_at_its_floor_says_so_while_giving_would_still_pay():
    why = explained(site(ev(energy_wh=15_000, need_wh=20_000, wear=0.1), price_buy=[1, 1, 0.2, 0.2], price_sell=0.9))
    assert codes(why) == ["gives-for-price", "at-floor", "charges-now", "full"]
    cheap = explained(site(ev(energy_wh=10_000, need_wh=20_000), price_buy=[1, 1, 0.2, 0.2], price_sell=0.1))
    assert codes(cheap)[:2] == ["waits-for-price", "waits-for-price"]


def test_two_cars_behind_a_small_node_are_limited_by_it_and_told_what_room_is_worth():
    node = {"id": "cabinet", "evses": ["e-a", "e-b"], "import_w": 8_000, "export_w": 0}
    why = explained(site(ev("a"), ev("b"), price_buy=[1, 1, 2, 4], nodes=[node]))
    limited = [why.car(row, 0) for row in (0, 1)]
    assert [reason.code for reason in limited] == [Code.LIMITED_BY] * 2
    assert [(reason.limit, reason.limit_name) for reason in limited] == [(What.NODE, "cabinet")] * 2
    assert limited[0].limit_worth == pytest.approx(1.0, abs=1e-3)


def test_of_two_limits_the_dearer_one_is_named():
    outer = {"id": "outer", "evses": ["e-a", "e-b"], "import_w": 8_000, "export_w": 0}
    inner = {"id": "inner", "evses": ["e-a"], "import_w": 3_000, "export_w": 0}
    hurried = ev("a", depart=1, discharge_w=0)
    why = explained(site(hurried, ev("b", discharge_w=0), price_buy=[1, 2, 4, 4], nodes=[outer, inner]))
    assert (why.car(0, 0).limit_name, why.car(1, 0).limit_name) == ("inner", "outer")
    assert why.car(0, 0).limit_worth == pytest.approx(3.0, abs=1e-3)


def test_a_car_whose_cheap_hours_are_not_enough_charges_early():
    why = explained(site(ev(need_wh=40_000, discharge_w=0, charge_w=15_000), price_buy=[1, 3, 0.2, 3]))
    assert codes(why) == ["charges-early", "waits-for-price", "charges-now", "full"]


def test_a_full_connection_limits_who_would_take_more():
    why = explained(site(ev(need_wh=25_000), import_limit_w=4_000, load_w=1_000, price_buy=[1, 1, 2, 4]))
    assert why.car(0, 0).code is Code.LIMITED_BY
    assert why.connection(0).limit is What.CONNECTION
    assert why.connection(0).limit_worth == pytest.approx(why.car(0, 0).limit_worth)
    assert why.connection(3).limit is None


def order(**changes) -> dict:
    return {"start": 1, "end": 2, "reduce_w": 10_000, "baseline_w": 0, "pay": 4, "penalty": 0} | changes


def test_a_car_gives_for_an_event_that_pays_and_for_the_price_where_it_would_anyhow():
    full = ev(energy_wh=40_000, need_wh=40_000)
    paid = explained(site(full, price_buy=[2, 1, 1, 1], events=[order()]))
    assert codes(paid)[:3] == ["waits-to-give", "gives-for-event", "charges-now"]
    assert paid.event(0).code is Code.EVENT_MET
    dear = explained(
        site(full, price_sell=[0.5, 2.0, 0.5, 0.5], price_buy=[1, 3, 1, 1], events=[order(reduce_w=1_000)])
    )
    assert codes(dear)[1] == "gives-for-price"


def test_a_car_that_would_draw_waits_while_the_grid_pays_for_less():
    why = explained(site(ev(discharge_w=0), events=[order(start=0, end=1, reduce_w=5_000, baseline_w=5_000)]))
    assert codes(why)[:2] == ["waits-for-event", "charges-now"]


def test_an_event_that_cannot_be_met_says_by_how_much():
    short = explained(site(ev(energy_wh=60_000), events=[order(reduce_w=15_000)])).event(0)
    assert short.code is Code.EVENT_SHORT
    assert (short.power_w, short.until, short.price) == (15_000.0, 2, 4.0)
    assert short.short_wh == pytest.approx(5_000.0, abs=1.0)


def test_a_need_beyond_physics_is_charged_for_and_what_will_be_missing_is_told():
    why = explained(site(ev(need_wh=90_000, max_wh=90_000)))
    assert codes(why) == ["charges-for-need"] * 4
    assert why.car(0, 0).short_wh == pytest.approx(30_000.0)


def test_who_is_not_worth_its_energy_rests():
    assert codes(explained(site(ev(shortfall=0.5, discharge_w=0)))) == ["rests"] * 4


def test_the_storage_fills_in_the_cheap_hours_and_feeds_the_dear_ones():
    why = explained(site(battery=battery(), load_w=10_000, price_buy=[0.2, 0.5, 1.0, 0.2], price_sell=0.0))
    told = [why.battery(step) for step in range(3)]
    assert [reason.code.value for reason in told][::2] == ["stores", "feeds"]
    assert told[0].limit is What.BATTERY
    assert (told[0].then_way, told[0].then_price) == (-1, told[told[0].then].price if told[0].then < 3 else None)
    assert explained(site(ev())).battery(0) is None


def test_a_sunny_station_exports_at_what_selling_pays():
    why = explained(site(pv_w=[0, 20_000, 0, 0], load_w=[5_000, 5_000, 0, 0]))
    assert [why.connection(step).code for step in range(3)] == [Code.IMPORTS, Code.EXPORTS, Code.EVEN]
    assert [why.connection(step).price for step in range(3)] == [1.0, 0.5, 1.0]
