"""What a station learns from its own records, and that it says nothing where it has learnt nothing."""

import asyncio
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from voltide import compose
from voltide.backbone.database import open_database
from voltide.backbone.store import Change, Store
from voltide.config import load
from voltide.domain.picture import Minute
from voltide.domain.session import Needs, Phase, Session
from voltide.domain.site import ChargerId, EvseId
from voltide.simulate import scenario
from voltide.station import history, records
from voltide.station.foresight import Learned
from voltide.station.outlook import steps_from

CONFIG = load(scenario("lotus-hill"))
STATION, TARIFF = CONFIG.station, compose.settings(CONFIG).tariff
NOW = datetime(2026, 4, 15, 2, 0, tzinfo=UTC)


def minute(at: datetime, building_w: float, pv_w: float = 0.0) -> Minute:
    return Minute(
        at=at, grid_w=0.0, pv_w=-pv_w, battery_w=0.0, battery_soc=None, building_w=building_w, cars_in_w=0.0,
        cars_out_w=0.0, price_buy=None, connected=0,
    )  # fmt: skip


def stay(number: int, arrived: datetime, told_h: float, late_s: float) -> Session:
    told = arrived + timedelta(hours=told_h)
    return Session(
        id=f"s{number}", charger=ChargerId("V01"), evse=EvseId("V01-1"), transaction_id=str(number), plugged_at=arrived,
        phase=Phase.SETTLED, ended_at=told + timedelta(seconds=late_s), imported_wh=20_000.0,
        needs=Needs(departure=told, energy_wh=20_000.0),
    )  # fmt: skip


def learned(minutes=(), sessions=(), now=NOW) -> Learned:
    async def story() -> Learned:
        async with Store(open_database("sqlite://", durable=False), inline=True) as store:
            change = Change()
            for one in minutes:
                history.record(change, one)
            for one in sessions:
                records.session(change, None, one)
            await store.commit(change)
            found = Learned(STATION, TARIFF, store)
            await found.refresh(now)
            return found

    return asyncio.run(story())


def test_with_an_empty_store_the_building_stays_as_it_is_nobody_is_expected_and_the_night_has_no_sun():
    one, (starts, step_s) = learned(), steps_from(NOW)
    assert set(one.load(starts, step_s, 12_000.0)) == {12_000.0}
    assert one.expected(starts, step_s) == ()
    assert one.leaving(NOW, NOW + timedelta(hours=2), starts, step_s) is None
    sun = one.sun(starts, step_s, 60_000.0)
    assert sun[0] == pytest.approx(60_000.0, rel=0.05)
    midnight = next(place for place, start in enumerate(starts) if start.hour == 16)  # 24:00 local time
    assert sun[midnight] == 0.0
    assert (sun <= STATION.pv.peak_w).all()


def test_a_building_that_repeats_its_days_is_foreseen_as_it_was():
    def at_hour(moment: datetime) -> float:
        return 10_000.0 + 2_000.0 * ((moment.hour + 8) % 24)

    first = NOW - timedelta(days=10)
    rows = [minute(first + timedelta(minutes=5 * n), 0.0) for n in range(10 * 288)]
    rows = [minute(one.at, at_hour(one.at)) for one in rows]
    one, (starts, step_s) = learned(rows), steps_from(NOW)
    told = one.load(starts, step_s, at_hour(NOW))
    for start, length, drawn in zip(starts, step_s, told, strict=True):
        assert drawn == pytest.approx(at_hour(start + timedelta(seconds=length / 2)), rel=0.03)


def test_a_level_that_is_unusual_now_fades_within_hours():
    rows = [minute(NOW - timedelta(minutes=5 * n), 10_000.0) for n in range(1, 10 * 288)]
    one, (starts, step_s) = learned(rows), steps_from(NOW)
    told = one.load(starts, step_s, 30_000.0)
    assert told[0] > 25_000.0
    assert told[-1] == pytest.approx(10_000.0, rel=0.02)
    assert (np.diff(told) <= 1e-6).all()


def test_cars_that_come_every_day_are_expected_and_those_who_leave_late_are_given_time():
    first = NOW - timedelta(days=10)
    rows = [minute(first + timedelta(minutes=10 * n), 10_000.0) for n in range(10 * 144)]
    days = [NOW - timedelta(days=day) + timedelta(hours=3) for day in range(1, 10)]
    sessions = [stay(n, days[n % 9] + timedelta(minutes=n), 1.0, 1_800.0) for n in range(45)]
    one, (starts, step_s) = learned(rows, sessions), steps_from(NOW)
    cars = one.expected(starts, step_s)
    about = [starts[car.arrive] - NOW for car in cars]
    near = sum(
        car.need_wh
        for car, when in zip(cars, about, strict=True)
        if abs(when - timedelta(hours=3)) < timedelta(hours=1)
    )
    assert near > 0.6 * sum(car.need_wh for car in cars) > 0.0
    assert all(car.arrive < car.depart and car.charge_w > 0.0 for car in cars)
    chances = one.leaving(NOW, NOW + timedelta(hours=2), starts, step_s)
    ends = np.cumsum(step_s)
    assert chances[ends < 7_000.0].sum() < 0.25
    assert chances[ends < 10_000.0].sum() > 0.6
