import numpy as np
import pytest

from tests.studies.scenes import crowd, session, single
from voltide.studies.ahead import AS_TOLD, LEARNING, Ahead
from voltide.studies.hindsight import best, blocks, due_wh
from voltide.studies.rules import RULES
from voltide.studies.sites import load
from voltide.studies.yard import play

KEEPING = {
    **{name: rule for name, rule in RULES.items() if name != "uncontrolled"},
    "plan": lambda: Ahead(LEARNING),
    "plan-as-told": lambda: Ahead(AS_TOLD),
}


class Watched:
    """A rule, and every step that it gives."""

    def __init__(self, rule):
        self._rule, self.repeat_s, self.steps = rule, rule.repeat_s, []

    def decide(self, site, present):
        power = self._rule.decide(site, present)
        self.steps.append((site, present, power))
        return power

    def left(self, session):
        self._rule.left(session)


@pytest.mark.parametrize("name", KEEPING)
@pytest.mark.parametrize("site", ["caltech", "jpl"])
def test_every_rule_keeps_the_exact_limits_of_wires_and_outlets_at_every_step(name, site):
    for seed, told in ((1, True), (2, False)):
        rule = Watched(KEEPING[name]())
        play(load(site, 30.0), crowd(site, seed), rule, told=told)
        assert len(rule.steps) > 50
        for where, present, power in rule.steps:
            assert where.wires.excess(where.wires.by_kind(present.kind, power)) <= 1e-6
            assert power.min() >= 0.0
            assert (power <= present.most_w * (1.0 + 1e-9)).all()


def test_uncontrolled_charging_breaks_limits_and_the_measure_says_by_how_much():
    played = play(load("caltech", 30.0), crowd("caltech", 1), RULES["uncontrolled"](), told=False)
    assert played.worst > 0.5
    assert played.over_s > 3600.0


@pytest.mark.parametrize("name", KEEPING)
def test_perfect_foresight_is_never_beaten(name):
    for site in ("caltech", "jpl"):
        here, sessions = load(site, 30.0), crowd(site, 3)
        most = best(here, sessions, 24, inner=False).sum()
        for told in (False, True):
            assert play(here, sessions, KEEPING[name](), told=told).got_wh.sum() <= most * (1.0 + 1e-9)


def test_what_perfect_foresight_reaches_lies_under_its_own_bound_and_near_it():
    site, sessions = load("caltech", 30.0), crowd("caltech", 4)
    reached, bound = (best(site, sessions, 24, inner=inner).sum() for inner in (True, False))
    assert 0.99 * bound < reached <= bound


def test_the_plan_delivers_more_than_every_classic_rule_where_the_wires_are_scarce():
    site, sessions = load("caltech", 30.0), crowd("caltech", 5)
    got = {name: play(site, sessions, rule(), told=False).got_wh.sum() for name, rule in KEEPING.items()}
    assert got["plan-as-told"] > 1.05 * max(got[name] for name in ("fcfs", "edf", "llf", "round-robin"))


def test_the_earliest_departure_goes_first_by_hand():
    # One wire of 10 kW: a wants 15 kWh until 3 h, b 10 kWh from 1 h to 2.5 h, and while b is there it goes first.
    cars = [session("a", "a", 0.0, 3.0, 15.0), session("b", "b", 1.0, 2.5, 10.0)]
    got = play(single(10_000.0), cars, RULES["edf"](), told=False).got_wh
    assert got == pytest.approx([15_000.0, 10_000.0])  # a: 0 to 1 h and 2 to 2.5 h; b: 1 to 2 h
    got = play(single(10_000.0), cars, RULES["fcfs"](), told=False).got_wh
    assert got == pytest.approx([15_000.0, 10_000.0])
    short = [session("a", "a", 0.0, 3.0, 25.0), session("b", "b", 1.0, 2.0, 10.0)]
    assert play(single(10_000.0), short, RULES["edf"](), told=False).got_wh == pytest.approx([20_000.0, 10_000.0])
    assert play(single(10_000.0), short, RULES["fcfs"](), told=False).got_wh == pytest.approx([25_000.0, 0.0], abs=0.01)


def test_round_robin_divides_one_wire_equally():
    cars = [session("a", "a", 0.0, 1.0, 9.0), session("b", "b", 0.0, 1.0, 9.0)]
    assert play(single(10_000.0), cars, RULES["round-robin"](), told=False).got_wh == pytest.approx(
        [5e3, 5e3], rel=1e-6
    )


def test_least_laxity_changes_places_while_time_runs():
    cars = [session("a", "a", 0.0, 4.0, 20.0), session("b", "b", 0.0, 4.0, 20.0)]
    got = play(single(10_000.0), cars, RULES["llf"](), told=False).got_wh
    assert got == pytest.approx([20e3, 20e3], rel=0.05)  # in turns, neither is served to the end first


@pytest.mark.parametrize("name", KEEPING)
def test_a_rule_hears_only_what_drivers_say(name):
    sessions, seen = crowd("caltech", 6, days=1), Watched(KEEPING[name]())
    play(load("caltech", 30.0), sessions, seen, told=True)
    told = {one.told_s for one in sessions}
    assert all(set(present.told_s) <= told for _, present, _ in seen.steps)


@pytest.mark.parametrize("name", KEEPING)
def test_who_comes_later_changes_nothing_before(name):
    site, sessions = load("caltech", 30.0), crowd("caltech", 9)
    turn = sorted(one.arrives_s for one in sessions)[len(sessions) // 2]
    whole, half = (
        play(site, some, KEEPING[name](), told=True).trace
        for some in (sessions, [one for one in sessions if one.arrives_s < turn])
    )
    before = [step for step in whole if step[0] < turn]
    assert len(before) > 20
    assert half[: len(before)] == before


def test_equal_sessions_give_equal_results():
    site = load("jpl", 30.0)
    first, again = (play(site, crowd("jpl", 7), Ahead(LEARNING), told=True).got_wh for _ in range(2))
    assert np.array_equal(first, again)


def test_nobody_gets_more_than_wanted_or_than_the_outlet_gives_in_the_stay():
    site, sessions = load("caltech", 80.0), crowd("caltech", 8)
    due = np.array([due_wh(site, one) for one in sessions])
    for rule in KEEPING.values():
        assert (play(site, sessions, rule(), told=False).got_wh <= due + 1.0).all()


def test_days_between_which_nobody_was_there_are_planned_apart():
    cars = [session("a", "a", 0.0, 1.0, 1.0), session("b", "b", 0.5, 2.0, 1.0), session("c", "a", 2.0, 3.0, 1.0)]
    assert list(blocks(cars)) == [[0, 1], [2]]
