"""The optimised plan in a running station: it leads while it is fresh and sane, and the rules do all else."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.station.stage import START, Stage, small
from voltide.domain.messages import OrderGrid
from voltide.planning.problem import Problem
from voltide.planning.schedule import Schedule, Status
from voltide.station.course import HOLDS_S, Solve
from voltide.station.pilot import AT_LEAST_S, AT_MOST_S, at_once
from voltide.twin import world
from voltide.twin.conditions import WorldConfig

FEW = WorldConfig(vehicles_per_day=1_500, cloudiness=0.0, building_w=20_000.0, shares={"commuter": 1.0})
"""Commuters stay for hours, so there is something to plan."""
SELLERS = WorldConfig(vehicles_per_day=900, cloudiness=0.0, building_w=20_000.0, shares={"giver": 1.0})


def solved(problem: Problem) -> Schedule:
    coroutine = at_once(time.perf_counter)(problem)
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits for something")


def played(
    seconds: int, solve: Solve, at: Callable[[Stage], dict] = lambda _stage: {}, conditions: WorldConfig = FEW
) -> Stage:
    async def story(clock: world.SimClock) -> Stage:
        class Planned(Stage):
            def actor(self, of):
                made = super().actor(of)
                return type(made)(made._settings, replace(made._around, solve=solve))

        here = small(import_w=150_000.0)
        stage = Planned(clock, here, conditions=conditions)
        await stage.play(here, seconds, at(stage))
        return stage

    return world.run(story, START)


def test_the_plan_leads_and_every_limit_holds():
    seen: list[tuple[float, float]] = []

    def watch(stage: Stage) -> dict:
        def look() -> None:
            planner = stage.station.planner
            for session in stage.station.sessions.open():
                planned = planner.course and planner.course.power_w(session.id, stage.clock.now())
                wish = planner.wish(session.evse)
                if planned is not None and wish is not None and wish.why in {"charge", "wait-cheap"}:
                    seen.append((planned, wish.power_w))

        return dict.fromkeys(range(200, 900, 20), look)

    stage = played(900, at_once(time.perf_counter), watch)
    assert stage.station.pilot.solves >= 3
    assert stage.station.pilot.fallbacks == stage.station.pilot.failures == 0
    assert len(seen) > 20
    assert any(planned < 500.0 for planned, _ in seen)
    for planned, wished in seen:
        assert wished <= max(planned, 0.0) + 1.0
    assert stage.twin.auditor.node_ticks_over == 0


def test_it_thinks_again_on_news_within_a_minute_and_without_news_after_five():
    asked = 0

    async def solve(problem: Problem) -> Schedule:
        nonlocal asked
        asked += 1
        return solved(problem)

    times: list[float] = []

    def look(stage: Stage) -> dict:
        def one() -> None:
            if asked > len(times):
                times.append(stage.clock.monotonic())

        return dict.fromkeys(range(1200), one)

    played(1200, solve, look)
    gaps = np.diff(times)
    assert len(gaps) >= 3
    assert gaps.min() >= AT_MOST_S - 2.0
    assert gaps.max() <= AT_LEAST_S + 2.0


def absurd(problem: Problem) -> Schedule:
    good = solved(problem)
    return replace(good, car_w=good.car_w + np.nan, battery_w=good.battery_w + np.nan)


def greedy(problem: Problem) -> Schedule:
    good = solved(problem)
    return replace(good, car_w=good.car_w + 1e9)


def late(problem: Problem) -> Schedule:
    return replace(solved(problem), status=Status.FALLBACK)


def broken(_problem: Problem) -> Schedule:
    raise RuntimeError("the solver is ill")


@pytest.mark.parametrize("answer", [absurd, greedy, late, broken])
def test_an_answer_that_is_late_absurd_or_none_leaves_the_rules_in_charge(answer):
    async def solve(problem: Problem) -> Schedule:
        return answer(problem)

    stage = played(600, solve)
    pilot, course = stage.station.pilot, stage.station.planner.course
    assert stage.station.sessions.open()
    assert pilot.fallbacks + pilot.failures >= 2
    assert course is None or not course.rows  # nothing can be wrong with a plan for nobody
    assert any(any(target) for _, target in stage.seen)  # cars charge all the same
    assert stage.station.loop.failures == 0
    assert stage.twin.auditor.node_ticks_over == 0


def test_nobody_follows_a_plan_that_has_expired():
    async def solve(problem: Problem) -> Schedule:
        if not problem.cars:
            raise RuntimeError("not worth an answer")
        return solved(problem)

    stage = played(600, solve)
    course = stage.station.planner.course
    assert course is not None
    end = course.made_at + timedelta(seconds=HOLDS_S)
    some = next(iter(course.rows))
    assert course.power_w(some, end - timedelta(seconds=1)) is not None
    assert course.power_w(some, end) is None
    assert course.battery_w(end) is None
    assert course.power_w("nobody", course.made_at) is None


def test_while_a_grid_order_runs_its_cars_are_shared_out_by_the_rules():
    whys: list[str] = []

    def order(stage: Stage) -> dict:
        def begin() -> None:
            now = stage.clock.now()
            stage.station.crew.demand.add(OrderGrid(id="o", start=now, end=now + timedelta(hours=1), power_w=-40_000.0))
            stage.station.planner.changed()

        def look() -> None:
            whys.extend(wish.why for wish in stage.station.planner.plan.wishes.values())

        return {500: begin} | dict.fromkeys(range(520, 700, 20), look)

    stage = played(700, at_once(time.perf_counter), order)
    assert "order" in whys
    assert stage.twin.auditor.node_ticks_over == 0


def test_the_same_seed_gives_the_same_day_with_the_optimiser():
    one, other = (played(500, at_once(time.perf_counter)) for _ in range(2))
    assert one.seen == other.seen
    assert one.station.pilot.solves > 0


def test_while_the_cars_suffice_an_order_is_met_to_the_hundredth_though_setpoints_go_in_steps():
    seen: list[float] = []

    def order(stage: Stage) -> dict:
        def begin() -> None:
            now = stage.clock.now()
            one = OrderGrid(id="o", start=now, end=now + timedelta(hours=1), power_w=-97_300.0)
            stage.station.crew.demand.add(one)
            stage.station.planner.changed()

        def look() -> None:
            if stage.station.planner.able_w >= 110_000.0:
                seen.append(sum(outlet.power_w for outlet in stage.twin.outlets))

        return {240: begin} | dict.fromkeys(range(330, 1200), look)

    stage = played(1200, at_once(time.perf_counter), order, SELLERS)
    assert len(seen) > 200
    assert np.mean(seen) == pytest.approx(-97_300.0, rel=0.01)
    assert min(seen) > -97_300.0 * 1.08
    assert stage.twin.auditor.node_ticks_over == 0
