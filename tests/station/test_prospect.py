"""The plan ahead as a station tells it: what it says is what the plan holds, and the rules are named where they lead."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.station.stage import Stage, small
from voltide.backbone import codec
from voltide.domain.messages import OrderGrid
from voltide.domain.picture import PlanPicture
from voltide.domain.site import EvseId, Photovoltaics, Storage
from voltide.planning.why import Code
from voltide.station.pilot import at_once
from voltide.station.plant import Devices
from voltide.station.station import StationActor
from voltide.twin import world

START = datetime(2026, 4, 15, 2, 0, tzinfo=UTC)


class Optimised(Stage):
    """A stage whose station plans ahead."""

    def actor(self, of):
        plain, twin = super().actor(of), self.twin
        devices = Devices(grid=twin.meter, building=twin.building, inverter=twin.inverter, battery=twin.battery)
        return StationActor(plain._settings, replace(plain._around, devices=devices, solve=at_once(time.perf_counter)))


def seen(kind, seconds, look, at=None, **parts):
    """Play, and look when it is over."""

    async def play(clock):
        here = replace(small(300_000.0), **parts)
        stage = kind(clock, here)
        await stage.play(here, seconds, {second: lambda do=do: do(stage) for second, do in (at or {}).items()})
        return look(stage)

    return world.run(play, START)


def told(stage) -> PlanPicture:
    """What the station says, after it has crossed the bus."""
    found = codec.decode(codec.encode(stage.station.prospect.draw()))
    assert isinstance(found, PlanPicture)
    return found


def test_a_station_without_an_optimiser_says_that_the_rules_lead():
    plan = seen(Stage, 200, told)
    assert (plan.leads, plan.epoch, plan.starts, plan.cars, plan.past) == ("rules", 0, (), (), ())


def test_what_is_told_is_the_plan_that_is_followed():
    plan, course = seen(Optimised, 400, lambda stage: (told(stage), stage.station.planner.course))
    schedule, problem = course.schedule, course.question.problem
    assert (plan.leads, plan.epoch, plan.starts) == ("optimiser", course.epoch, course.question.starts)
    assert plan.grid_w == pytest.approx(schedule.grid_w, abs=0.5)
    assert plan.ends_at - plan.starts[-1] == timedelta(seconds=float(problem.step_s[-1]))
    assert len(plan.cars) == 3
    for car in plan.cars:
        row = course.rows[car.session]
        assert car.power_w == pytest.approx(schedule.car_w[row, : len(car.power_w)], abs=0.5)
        assert not schedule.car_w[row, len(car.power_w) :].any()
        assert len(car.soc) == len(car.power_w) + 1


def test_sun_storage_building_and_cars_sum_to_the_grid_at_every_step():
    sun, storage = (
        Photovoltaics(peak_w=100_000.0),
        Storage(capacity_wh=200_000.0, charge_w=50_000.0, discharge_w=50_000.0),
    )
    plan = seen(Optimised, 400, told, pv=sun, storage=storage)
    assert plan.pv_w[0] < -1_000.0
    assert any(plan.battery_w)
    assert all(0.0 < share < 1.0 for share in plan.battery_soc)
    assert plan.battery.code in {Code.STORES, Code.FEEDS, Code.KEEPS}
    parts = (plan.load_w, plan.cars_in_w, plan.cars_out_w, plan.battery_w, plan.pv_w)
    assert [sum(step) for step in zip(*parts, strict=True)] == pytest.approx(plan.grid_w, abs=3.0)


def test_a_reason_has_its_driver_s_figures():
    plan, sessions = seen(Optimised, 1_300, lambda stage: (told(stage), stage.station.sessions.open()))
    needs = {session.id: session.needs for session in sessions}
    for car in plan.cars:
        reason, want = car.reason, needs[car.session]
        assert Code(reason.code)
        assert (reason.by, reason.need_soc, reason.floor_soc) == (
            want.departure,
            want.target_soc,
            want.floor_soc or 0.3,
        )
        assert plan.at < reason.until <= want.departure
        assert want.departure - timedelta(minutes=20) <= plan.starts[len(car.power_w) - 1] < want.departure
        assert reason.missing_wh == pytest.approx((want.target_soc - car.soc[0]) * want.capacity_wh, rel=0.3)


def test_who_charges_to_the_end_does_so_until_the_driver_s_own_hour():
    plan = seen(Optimised, 1_300, told)
    pressed = [car.reason for car in plan.cars if car.reason.code == Code.CHARGES_FOR_NEED]
    assert pressed
    assert all(reason.until == reason.by for reason in pressed)


def test_a_grid_order_stands_in_the_plan_and_leads_in_its_place_while_it_runs():
    soon = OrderGrid(id="o", start=START + timedelta(minutes=5), end=START + timedelta(minutes=20), power_w=-20_000.0)

    def order(stage):
        stage.station.crew.demand.add(soon)
        stage.station.planner.changed()

    before, running = [seen(Optimised, until, told, {100: order}) for until in (200, 400)]
    for plan in (before, running):
        (event,) = plan.events
        assert (event.id, event.start, event.end) == ("o", soon.start, soon.end)
        assert event.asked_wh == pytest.approx(5_000.0, rel=0.35)  # steps do not end with the order
        assert event.reason.code in {Code.EVENT_MET, Code.EVENT_SHORT}
    assert {car.ruled_by for car in before.cars} <= {"", "urgent"}
    assert {car.ruled_by for car in running.cars} == {"order"}


def test_a_car_with_priority_is_not_led_by_the_plan_and_that_is_told():
    first = EvseId("V01-1")
    plan = seen(Optimised, 300, told, {100: lambda stage: stage.station.crew.demand.first.add(first)})
    assert [car.outlet for car in plan.cars if car.ruled_by == "priority"] == [first]


def test_what_was_planned_is_remembered_every_five_minutes():
    plan, minutes = seen(Optimised, 1_300, lambda stage: (told(stage), stage.station.history.seconds))
    assert [one.at for one in plan.past] == [START + timedelta(minutes=minute) for minute in (5, 10, 15, 20)]
    assert all(one.grid_w > 0.0 and one.cars_in_w > 0.0 and one.price_buy > 0.0 for one in plan.past)
    assert minutes


def test_a_plan_that_has_expired_leads_nobody():
    def stop(stage):
        stage.station.pilot = None

    plan = seen(Optimised, 1_300, told, {200: stop})
    assert plan.leads == "rules"
    assert plan.cars == ()
    assert plan.past
