"""What a station can promise of a grid event: kept as often as it says, and never more than there is."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.planning.reference import best
from voltide.planning.commitment import Commitment, Ground, Terms, Window, commit, cvar, deliverable
from voltide.planning.problem import Battery, Car, Event, Node, Problem
from voltide.planning.scenarios import Guest, Seat, Spread, Unsure, scenarios

STEPS = 12
WINDOW = Window(start=4, end=8)
TERMS = Terms(pay=4.0, penalty=2.0)


def car(number: int, **changes) -> Car:
    """Willing: it holds more than it needs, and gives 60 kW."""
    told = {
        "id": f"c{number}", "evse": f"e{number}", "arrive": 0, "depart": STEPS, "energy_wh": 80e3, "min_wh": 20e3,
        "max_wh": 90e3, "need_wh": 50e3, "shortfall": 5.0, "charge_w": 60e3, "discharge_w": 60e3, "eta_charge": 0.94,
        "eta_discharge": 0.94, "wear": 0.1,
    }  # fmt: skip
    return Car(**(told | changes))


def station(*cars: Car, **changes) -> Problem:
    told = {
        "step_s": np.full(STEPS, 900.0), "price_buy": np.full(STEPS, 0.8), "price_sell": np.full(STEPS, 0.4),
        "import_limit_w": np.full(STEPS, 400e3), "export_limit_w": np.full(STEPS, 900e3),
        "load_w": np.zeros(STEPS), "pv_w": np.zeros(STEPS), "cars": cars,
    }  # fmt: skip
    return Problem(**(told | changes))


def certain(power_w: float) -> Spread:
    return Spread(levels=(0.5,), quantiles=np.full((1, STEPS), power_w))


def wide(low: float, middle: float, high: float) -> Spread:
    return Spread(levels=(0.1, 0.5, 0.9), quantiles=np.repeat([[low], [middle], [high]], STEPS, axis=1))


def hazard(each: float = 0.03) -> np.ndarray:
    return np.full(STEPS, each)


def unsure(cars: int = 6, **changes) -> Unsure:
    """Six cars that may leave early, two that may come, sun and building."""
    here = [car(n, hazard=hazard(), energy_wh=55e3 + 5e3 * n) for n in range(cars)]
    coming = [
        Guest(chance=0.5, cars=(car(8, arrive=2), car(8, arrive=2, discharge_w=0.0, energy_wh=20e3))),
        Guest(chance=0.9, cars=(car(9, arrive=1, depart=7, energy_wh=30e3, need_wh=60e3),)),
    ]
    told = {
        "problem": station(*here), "sun": wide(0.0, 20e3, 60e3), "load": wide(10e3, 20e3, 40e3),
        "guests": tuple(coming),
    }  # fmt: skip
    return Unsure(**(told | changes))


def dice(of: Unsure, count: int = 20, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).random((count, of.dice))


def promised(of: Unsure, window: Window = WINDOW, terms: Terms = TERMS, count: int = 20, seed: int = 1) -> Commitment:
    return commit(of, window, dice(of, count, seed), terms)


def kept(problem: Problem, window: Window, power_w: float) -> bool:
    """Whether the second planner meets such an event, less 1 W, at no driver's cost: nothing else has a price here."""
    event = Event(
        start=window.start, end=window.end, reduce_w=power_w - 1.0, baseline_w=window.baseline_w, pay=0.0, penalty=1e3
    )
    given = {
        "steps": problem.steps, "step_s": problem.step_s, "price_buy": 0.0, "price_sell": 0.0,
        "import_limit_w": problem.import_limit_w, "export_limit_w": problem.export_limit_w,
        "load_w": problem.load_w, "pv_w": problem.pv_w, "nodes": [asdict(node) for node in problem.nodes],
        "evs": [asdict(one) | {"wear": 0.0, "shortfall": 1e3} for one in problem.cars],
    }  # fmt: skip
    return best(given | {"events": [asdict(event)]}) < best(given) + 0.1


@pytest.mark.parametrize("seed", [1, 2])
def test_a_second_planner_keeps_the_promise_in_nine_of_ten_scenarios(seed):
    world = unsure()
    found = promised(world, seed=seed)
    days = list(scenarios(world, dice(world, seed=seed)))
    assert found.ground is Ground.SURE
    assert found.power_w > 50e3
    assert sum(kept(day, WINDOW, found.power_w) for day in days) >= 18
    assert sum(level >= found.power_w for level in found.levels_w) >= 18


def test_each_level_can_be_delivered_and_nothing_above_it():
    world = unsure()
    for day in scenarios(world, dice(world, 6)):
        level = deliverable(day, WINDOW)
        assert kept(day, WINDOW, level)
        assert not kept(day, WINDOW, level + 200.0)


def test_a_certain_world_gives_exactly_the_most_there_is():
    weak = car(1, energy_wh=35e3, need_wh=0.0, charge_w=0.0)  # the window is an hour long
    world = Unsure(problem=station(car(0), weak), sun=certain(0.0), load=certain(0.0))
    found = promised(world)
    assert found.levels_w == (pytest.approx(60e3 + 15e3 * 0.94, abs=0.01),) * 20
    assert found.power_w == found.best_w == pytest.approx(deliverable(world.problem, WINDOW))


@pytest.mark.parametrize(
    ("changes", "most_w"),
    [
        ({"energy_wh": 35e3, "charge_w": 0.0, "need_wh": 0.0}, 15e3 * 0.94),  # down to its floor, within the hour
        ({"energy_wh": 50e3, "depart": 8}, 40e3 * 0.94),  # up to its cap before, and back to its need
        ({"energy_wh": 50e3, "depart": 6}, 0.0),  # gone before the window ends
        ({"arrive": 5}, 0.0),  # comes too late
        ({"discharge_w": 0.0}, 0.0),
    ],
)
def test_one_car_gives_what_its_floor_its_need_and_its_stay_leave(changes, most_w):
    assert deliverable(station(car(0, **changes)), WINDOW) == pytest.approx(most_w, abs=0.01)


def test_a_need_that_shared_limits_leave_unmet_is_not_made_worse():
    hungry = car(0, energy_wh=20e3, need_wh=80e3, discharge_w=0.0)
    full = car(1, energy_wh=90e3, charge_w=0.0, need_wh=20e3)
    narrow = station(hungry, full, import_limit_w=np.full(STEPS, 10e3))
    level = deliverable(narrow, WINDOW)
    assert kept(narrow, WINDOW, level)
    assert not kept(narrow, WINDOW, level + 200.0)


def test_every_limit_is_hard():
    cars = [car(n) for n in range(4)]
    node = Node(id="n", evses=("e0", "e1"), import_w=200e3, export_w=50e3)
    assert deliverable(station(*cars, nodes=(node,)), WINDOW) == pytest.approx(50e3 + 120e3)
    tight = station(*cars, export_limit_w=np.full(STEPS, 70e3))
    assert deliverable(tight, WINDOW) == pytest.approx(70e3)


def test_the_battery_helps_at_the_connection_and_does_not_count_at_the_outlets():
    battery = Battery(energy_wh=100e3, min_wh=0.0, max_wh=100e3, charge_w=50e3, discharge_w=50e3)
    here = station(car(0), battery=battery, load_w=np.full(STEPS, 30e3))
    assert deliverable(here, replace(WINDOW, baseline_w=30e3)) == pytest.approx(110e3)
    assert deliverable(here, replace(WINDOW, evses=frozenset({"e0"}))) == pytest.approx(60e3)


def test_at_the_outlets_others_may_go_on_charging():
    hungry = car(1, arrive=4, depart=8, energy_wh=20e3, need_wh=80e3, discharge_w=0.0)
    here = station(car(0), hungry)
    assert deliverable(here, WINDOW) < 5e3
    assert deliverable(here, replace(WINDOW, evses=frozenset({"e0"}))) == pytest.approx(60e3)


def test_it_comes_on_top_of_what_was_promised_before():
    before = Event(start=2, end=6, reduce_w=70e3, baseline_w=0.0, pay=4.0, penalty=0.0)
    here = station(*(car(n) for n in range(3)))
    assert deliverable(here, WINDOW) == pytest.approx(180e3)
    assert deliverable(replace(here, events=(before,)), WINDOW) == pytest.approx(110e3)
    earlier = replace(before, start=0, end=4)  # it takes energy, which is back until the window begins only in part
    weak = station(car(0, charge_w=0.0, energy_wh=80e3, need_wh=0.0), events=(replace(earlier, reduce_w=40e3),))
    assert deliverable(weak, WINDOW) == pytest.approx((60e3 - 40e3 / 0.94) * 0.94, abs=0.01)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 5))
def test_one_more_willing_car_never_lowers_any_level(seed, fewer):
    more, less = unsure(fewer + 1), unsure(fewer)
    thrown = dice(more, seed=seed)
    without = np.delete(thrown, 2 + fewer, axis=1)
    for one, other in zip(
        commit(more, WINDOW, thrown, TERMS).levels_w, commit(less, WINDOW, without, TERMS).levels_w, strict=True
    ):
        assert one >= other - 0.01


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 4), st.integers(0, 4))
def test_a_longer_window_never_promises_more(seed, before, after):
    world = unsure()
    longer = replace(WINDOW, start=WINDOW.start - before, end=WINDOW.end + after)
    assert promised(world, longer, seed=seed).power_w <= promised(world, seed=seed).power_w + 0.01


def test_the_order_of_scenarios_and_of_cars_changes_nothing():
    world, thrown = unsure(), dice(unsure())
    found = commit(world, WINDOW, thrown, TERMS)
    shuffled = np.random.default_rng(7).permutation(thrown)
    assert not np.array_equal(shuffled, thrown)
    assert commit(world, WINDOW, shuffled, TERMS) == found
    order = [3, 0, 5, 1, 4, 2]
    turned = replace(world, problem=replace(world.problem, cars=tuple(world.problem.cars[n] for n in order)))
    columns = [0, 1, *(2 + n for n in order), *range(8, world.dice)]
    other = commit(turned, WINDOW, thrown[:, columns], TERMS)
    assert other.levels_w == pytest.approx(found.levels_w, abs=0.01)
    assert other.power_w == pytest.approx(found.power_w, abs=0.01)


def test_nothing_is_promised_where_there_is_nothing_to_promise_with():
    nobody = Unsure(problem=station(), sun=wide(0.0, 20e3, 60e3), load=certain(0.0))
    assert promised(nobody) == Commitment(
        power_w=0.0, best_w=0.0, ground=Ground.NOBODY, levels_w=(), hours=1.0, terms=TERMS
    )
    assert promised(unsure(), count=8).ground is Ground.TOO_FEW
    assert promised(unsure(), count=9).ground is Ground.SURE
    assert promised(unsure(), count=0).ground is Ground.TOO_FEW
    assert promised(unsure(), replace(WINDOW, start=STEPS, end=STEPS + 4)).ground is Ground.NO_WINDOW
    unwilling = replace(unsure(), problem=station(car(0, discharge_w=0.0)), guests=())
    found = promised(unwilling, replace(WINDOW, evses=frozenset({"e0"})))
    assert (found.power_w, found.best_w, found.ground) == (0.0, 0.0, Ground.NOTHING)


def test_a_promise_made_from_twenty_scenarios_is_kept_nine_times_in_ten_on_fresh_ones():
    world = unsure()
    fresh = np.array([deliverable(day, WINDOW) for day in scenarios(world, dice(world, 200, seed=999))])
    shares = [float((fresh >= promised(world, seed=seed).power_w - 0.01).mean()) for seed in range(100, 130)]
    assert 0.86 <= np.mean(shares) <= 0.96  # measured: 0.904 on the mean over thirty promises, 0.695 at the least
    assert min(shares) > 0.6


def test_who_leaves_when_and_who_comes_follow_their_chances():
    world = unsure()
    days = list(scenarios(world, dice(world, 4_000)))
    stays = np.array([[one.depart for one in day.cars[:6]] for day in days])
    for step in range(1, STEPS):
        assert (stays == step).mean() == pytest.approx(0.03, abs=0.005)
    assert (stays == STEPS).mean() == pytest.approx(1.0 - 0.03 * (STEPS - 1), abs=0.01)
    came = [day.cars[6:] for day in days]
    assert np.mean([any(one.id == "c8" for one in cars) for cars in came]) == pytest.approx(0.5, abs=0.03)
    assert np.mean([any(one.id == "c8" and one.discharge_w > 0.0 for one in cars) for cars in came]) == pytest.approx(
        0.25, abs=0.03
    )
    assert np.mean([day.load_w[0] <= 10e3 for day in days]) == pytest.approx(0.1, abs=0.02)
    assert np.mean([day.load_w[0] <= 40e3 for day in days]) == pytest.approx(0.9, abs=0.02)
    assert min(day.pv_w.min() for day in days) == 0.0


def test_who_leaves_early_still_wants_what_was_told():
    leaves = np.zeros(STEPS)
    leaves[4] = 1.0
    cars = car(0, need_wh=85e3, hazard=leaves), car(1, depart=2 * STEPS, need_wh=60e3, hazard=leaves)
    world = Unsure(problem=station(*cars), sun=certain(0.0), load=certain(0.0))
    [day] = scenarios(world, dice(world, 1))
    assert [(one.depart, one.need_wh) for one in day.cars] == [(5, 85e3), (5, 30e3)]  # half of its stay is foreseen
    alone = replace(day, cars=day.cars[:1])
    spare_w = (80e3 + 15e3 * 0.94 - 85e3) * 0.94  # the last step at full power, and the hour before it given back
    assert deliverable(alone, replace(WINDOW, start=0, end=4)) == pytest.approx(spare_w, abs=0.01)


def test_guests_take_outlets_that_are_free_and_drive_on_where_none_is():
    coming = [
        Guest(chance=1.0, cars=(car(7, evse="", arrive=1, depart=4, discharge_w=0.0),)),
        Guest(chance=1.0, cars=(car(8, evse="", arrive=2),)),
        Guest(chance=1.0, cars=(car(9, evse="", arrive=3),)),
        Guest(chance=1.0, cars=(car(6, evse="", arrive=6),)),
    ]
    seats = (Seat(evse="e0", charge_w=50e3, discharge_w=40e3), Seat(evse="e1", charge_w=50e3))
    here = station(car(0, depart=2))
    world = Unsure(problem=here, sun=certain(0.0), load=certain(0.0), guests=tuple(coming), seats=seats)
    [day] = scenarios(world, dice(world, 1))
    stand = {one.id: (one.evse, one.charge_w, one.discharge_w) for one in day.cars[1:]}
    assert stand == {
        "c7": ("e1", 50e3, 0.0),  # e0 is taken; one that only charges goes where nobody could give
        "c8": ("e0", 50e3, 40e3),  # as soon as it is free
        "c6": ("e1", 50e3, 0.0),  # c9 found none, this one found one that only charges
    }


def test_the_risk_of_a_promise_is_the_mean_cost_of_its_worst_tenth():
    found = promised(unsure())
    worst = np.array(found.levels_w[:2])
    promise = found.levels_w[5]
    assert found.at_risk(promise) == pytest.approx(6.0 * np.mean(promise - worst) / 1000.0)
    assert found.at_risk(found.levels_w[0]) == 0.0
    risks = [found.at_risk(power) for power in np.linspace(0.0, 500e3, 50)]
    assert np.all(np.diff(risks) >= -1e-9)
    assert cvar(np.arange(10.0), 0.9) == 9.0
    assert cvar(np.arange(20.0), 0.9) == pytest.approx(18.5)


@pytest.mark.parametrize("bound", [0.0, 5.0, 60.0, 200.0, np.inf])
def test_no_promise_within_the_bound_earns_more_than_the_best(bound):
    found = promised(unsure(), terms=replace(TERMS, most_at_risk=bound))
    tried = [power for power in np.linspace(0.0, 500e3, 4_001) if found.at_risk(power) <= bound]
    assert found.at_risk(found.best_w) <= bound + 1e-6
    assert found.money(found.best_w) >= max(map(found.money, tried)) - 1e-6
    assert found.best_w > 0.0 or bound == 0.0 == found.levels_w[0]


def test_a_dear_penalty_makes_a_careful_promise_and_a_cheap_one_a_bold():
    careful, bold = (promised(unsure(), terms=Terms(pay=4.0, penalty=fine)).best_w for fine in (400.0, 0.0))
    found = promised(unsure())
    assert careful == found.levels_w[0]
    assert bold == found.levels_w[-1]
    assert found.levels_w[0] < found.levels_w[-1]
