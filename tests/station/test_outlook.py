"""The question that a station asks its optimiser: steps, limits, and what each car can and wants."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltide import compose
from voltide.config import load
from voltide.control.wiring import Wiring
from voltide.domain.messages import OrderGrid
from voltide.planning.rules import ETA, SLACK_S, Stay
from voltide.simulate import scenario
from voltide.station.outlook import Economy, Outlook, Seen, Steady, steps_from

NOON = datetime(2026, 4, 15, 4, 0, tzinfo=UTC)
STATION = load(scenario("lotus-hill")).station
WIRING = Wiring.of(STATION)
TARIFF = compose.settings(load(scenario("lotus-hill"))).tariff


def stay(evse="V01-1", **changes):
    told = {
        "evse": evse, "charge_w": 60e3, "discharge_w": 60e3, "energy_wh": 50e3, "capacity_wh": 82e3,
        "need_wh": 60e3, "floor_wh": 25e3, "left_s": 7200.0,
    }  # fmt: skip
    return Stay(**(told | changes))


def ask(*stays, now=NOON, **seen):
    outlook = Outlook(TARIFF, Economy(), Steady())
    named = [(f"s{place}", one) for place, one in enumerate(stays)]
    return outlook.ask(STATION, WIRING, Seen(now=now, stays=named, **seen))


@given(st.floats(0.0, 2e9))
def test_the_steps_cover_a_day_without_a_gap_and_meet_every_quarter_after_the_first_hour(second):
    now = datetime.fromtimestamp(second, UTC)
    starts, lengths = steps_from(now)
    assert starts[0] == now
    assert lengths.sum() == pytest.approx(86_400.0, abs=1e-3)
    assert (lengths >= 59.9).all()
    ends = np.cumsum(lengths)
    for start, end in zip(starts[1:], ends, strict=False):
        assert (start - now).total_seconds() == pytest.approx(end, abs=1e-3)
    late = [start.timestamp() for start in starts if (start - now).total_seconds() > 4_500.0]
    assert all(abs(one - 900.0 * round(one / 900.0)) < 1e-3 for one in late)


def test_prices_are_those_of_each_step():
    question = ask(now=datetime(2026, 4, 15, 1, 50, tzinfo=UTC))  # ten minutes before the peak at 10:00 local time
    prices = dict(zip(question.starts, question.problem.price_buy.tolist(), strict=True))
    assert prices[question.starts[0]] == 0.68
    assert prices[datetime(2026, 4, 15, 2, 0, tzinfo=UTC)] == 1.10


def test_a_stay_is_planned_until_a_little_before_its_departure():
    [car] = ask(stay(left_s=3600.0)).problem.cars
    question = ask(stay(left_s=3600.0))
    end = np.cumsum(question.problem.step_s)[car.depart - 1]
    assert 0.0 <= 3600.0 - SLACK_S - end < 300.0
    assert (car.charge_w, car.discharge_w, car.eta_charge) == (60e3, 0.0, ETA)
    assert (car.min_wh, car.need_wh, car.max_wh) == (25e3, 60e3, 60e3)


def test_a_car_that_leaves_after_the_horizon_is_due_in_proportion():
    [car] = ask(stay(left_s=2 * 86_400.0, need_wh=80e3)).problem.cars
    steps = len(ask().problem.step_s)
    assert car.depart > steps
    assert 30e3 < car.due_wh(steps) < 50e3


def test_a_car_that_nobody_can_plan_counts_as_load_for_half_an_hour():
    problem = ask(stay(energy_wh=None), flowing_w={"V01-1": 40e3}, building_w=10e3).problem
    assert problem.cars == ()
    begins = np.cumsum(problem.step_s) - problem.step_s
    assert set(problem.load_w[begins < 1800.0]) == {50e3}
    assert set(problem.load_w[begins >= 1800.0]) == {10e3}


def test_what_people_and_others_let_an_outlet_or_a_pile_take_bounds_the_plan():
    problem = ask(stay(), most_w={"V01-1": 11e3}, capped={"V01": 7e3}).problem
    assert problem.cars[0].charge_w == 11e3
    assert next(node for node in problem.nodes if node.id == "V01").import_w == 7e3


def test_outlets_without_a_car_keep_their_safe_power_free_at_every_node():
    empty, taken = ask().problem, ask(stay()).problem
    freed = STATION.evse_of["V01-1"].fallback_w
    assert taken.import_limit_w[0] - empty.import_limit_w[0] == pytest.approx(freed)
    assert empty.import_limit_w[0] == pytest.approx(WIRING.import_w[0] - WIRING.reserve_w[0] - WIRING.fallback_w.sum())


def test_an_order_to_give_back_is_an_event_below_what_would_be_drawn_without_the_cars():
    order = OrderGrid(id="o", start=NOON + timedelta(hours=2), end=NOON + timedelta(hours=3), power_w=-500e3)
    question = ask(stay(), orders=(order,), building_w=30e3, sun_w=100e3)
    [event] = question.problem.events
    assert question.starts[event.start] == order.start
    assert question.starts[event.end] == order.end
    assert (event.reduce_w, event.baseline_w) == (500e3, pytest.approx(-70e3))


def test_a_car_with_priority_weighs_more():
    plain, first = ask(stay()).problem.cars[0], ask(stay(), first=frozenset({"V01-1"})).problem.cars[0]
    assert first.priority > plain.priority == 1.0


def test_the_storage_is_planned_only_while_its_charge_is_known():
    assert ask().problem.battery is None
    battery = ask(storage_soc=0.5).problem.battery
    assert battery.energy_wh == pytest.approx(0.5 * STATION.storage.capacity_wh)
    assert battery.end_value > 0.0


def test_cars_are_asked_for_energy_only_where_their_drivers_earn_enough():
    question = ask(stay())
    by_price = {
        (float(TARIFF.at(start).feed_in), bool(may))
        for start, may in zip(question.starts, question.problem.may_give, strict=True)
    }
    assert by_price == {(0.1721, False), (0.453, False), (0.7701, True)}
    dear = Outlook(TARIFF, Economy(wear=0.2), Steady())
    assert not any(dear.worth_giving_at(start) for start in question.starts)


def test_a_car_that_would_have_to_refill_at_a_dear_hour_gives_only_what_it_does_not_need():
    day = ask(stay(left_s=5 * 3600.0)).problem.cars[0]  # noon to five: 0.77 is paid, 0.80 is the least for refilling
    assert day.discharge_w == 0.0
    spare = ask(stay(left_s=5 * 3600.0, energy_wh=70e3)).problem.cars[0]
    assert (spare.discharge_w, spare.min_wh) == (60e3, 60e3)
    night = ask(stay(left_s=18 * 3600.0)).problem.cars[0]  # past the valley at 0.40
    assert (night.discharge_w, night.min_wh) == (60e3, 25e3)
