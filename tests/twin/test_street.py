"""An ordinary day against outlets that give whatever is asked: physics and people only, no station."""

from datetime import UTC, datetime
from statistics import median

import pytest

from tests.twin.places import lotus_hill
from voltide.domain.messages import ApplySetpoint
from voltide.domain.site import Station
from voltide.twin.cabinet import Cabinet
from voltide.twin.conditions import WorldConfig
from voltide.twin.drivers import Crowd, Visit
from voltide.twin.outlet import Outlet
from voltide.twin.street import Stand, Street, seconds_to
from voltide.twin.vehicle import Vehicle, catalogue


class Plain:
    """A pile that asks nobody."""

    def __init__(self, outlets: list[Outlet]) -> None:
        self.outlets = {outlet.evse.number: outlet for outlet in outlets}
        self.visits: dict[int, Visit] = {}
        for outlet in outlets:
            outlet.profiles.default(outlet.evse.charge_w)

    def plug(self, number: int, visit: Visit) -> None:
        self.outlets[number].plug(visit.car)
        self.visits[number] = visit

    def present(self, number: int) -> None:
        outlet = self.outlets[number]
        if outlet.closed:
            outlet.open()
            self.visits[number].stopped = True
        else:
            outlet.close()

    def unplug(self, number: int) -> None:
        self.outlets[number].unplug()

    def usable(self, number: int) -> bool:
        return number > 0


def forecourt(station: Station, world: WorldConfig, seed: int) -> tuple[Street, list[Outlet], list[Cabinet]]:
    piles = {charger.id: Plain([Outlet(evse) for evse in charger.evses]) for charger in station.chargers}
    outlets = {o.evse.id: o for pile in piles.values() for o in pile.outlets.values()}
    shared = {evse: node.id for node in station.nodes if node.modules for evse in node.evses}
    stands = [Stand(piles[e.charger], outlets[e.id], shared.get(e.id, e.charger)) for e in station.evses]
    cabinets = [Cabinet(n.modules, tuple(outlets[e] for e in n.evses)) for n in station.nodes if n.modules]
    return Street(world, Crowd(world, catalogue(), seed), stands, 0.0), list(outlets.values()), cabinets


@pytest.mark.parametrize("seed", [1, 2])
def test_more_than_600_cars_a_day_find_an_outlet_within_minutes_and_leave_with_what_they_need(seed: int) -> None:
    street, outlets, cabinets = forecourt(lotus_hill(), WorldConfig(), seed)
    for second in range(86_400):
        now = float(second)
        street.step(now)
        for cabinet in cabinets:
            cabinet.step(now)
        for outlet in outlets:
            if outlet.closed:
                outlet.step(now)
    told = street.result()
    assert told["arrived"] == 640
    assert told["served"] > 600
    assert told["turned_away"] == 0
    assert told["wait_p95_s"] < 300
    assert told["short_of_need"] == 0
    assert told["below_floor"] == 0
    assert told["served"] + told["still_here"] == 640


def test_a_crowd_is_drawn_from_its_seed_and_has_rush_hours() -> None:
    one, same, other = (Crowd(WorldConfig(), catalogue(), seed).day(0) for seed in (1, 1, 2))
    assert [(v.arrives_s, v.token, v.car.model.name) for v in one] == [
        (v.arrives_s, v.token, v.car.model.name) for v in same
    ]
    assert [v.arrives_s for v in one] != [v.arrives_s for v in other]
    hours = [int(v.arrives_s // 3600) for v in one]
    night = sum(1 <= hour < 5 for hour in hours) / 4
    for rush in (7, 8, 11, 12, 17, 18):
        assert hours.count(rush) > 2 * night
    assert len({v.token for v in one}) == 640


def test_nobody_gives_back_without_consent_a_suitable_car_and_a_floor() -> None:
    for visit in Crowd(WorldConfig(), catalogue(), 1).day(0):
        if visit.v2g:
            assert visit.car.model.v2g_w > 0
            assert 0.2 <= visit.floor_soc <= visit.target_soc
            assert not visit.hasty
    assert not any(visit.v2g for visit in Crowd(WorldConfig(v2g_consent=0.0), catalogue(), 1).day(0))


def test_a_full_forecourt_turns_people_away_after_their_patience() -> None:
    world = WorldConfig(vehicles_per_day=4000)
    street, outlets, _ = forecourt(lotus_hill(), world, 1)
    for second in range(10 * 3600):
        street.step(float(second))
        for outlet in outlets:
            if outlet.closed:
                outlet.step(float(second))
    assert street.turned_away > 0
    assert max(street.waits) <= world.patience_s
    assert street.parked == 46


def test_how_long_a_charge_takes_is_told_by_the_car_s_own_curve() -> None:
    model = next(model for model in catalogue() if model.name == "BYD Han L")
    car = Vehicle(model, 0.1)
    assert 300 < seconds_to(car, 0.8 * car.capacity_wh, 600_000.0) < 600
    assert seconds_to(car, car.energy_wh, 600_000.0) == 0.0


def order(power_w: float) -> ApplySetpoint:
    return ApplySetpoint(
        evse=1,
        transaction_id="t",
        power_w=power_w,
        lease_s=86_400.0,
        now=datetime(2025, 3, 28, tzinfo=UTC),
        ceiling_w=0.0,
        floor_w=power_w,
    )


def test_a_driver_who_came_to_sell_leaves_when_it_is_sold_and_one_who_finds_no_buyer_when_said() -> None:
    world = WorldConfig(shares={"giver": 1.0}, vehicles_per_day=60)
    stays: dict[bool, list[float]] = {}
    for sells in (True, False):
        street, outlets, _ = forecourt(lotus_hill(), world, 1)
        begun: dict[int, float] = {}
        stays[sells] = []
        for second in range(13 * 3600):
            now = float(second)
            street.step(now)
            for number, stand in street._here.items():
                begun.setdefault(number, now)
                if sells and stand.outlet.closed and not stand.outlet.profiles.standing:
                    stand.outlet.profiles.set(order(-stand.outlet.evse.discharge_w), now, dynamic=False)
            for number in [number for number in begun if number not in street._here]:
                stays[sells].append(now - begun.pop(number))
            for outlet in outlets:
                if outlet.closed:
                    outlet.step(now)
    assert len(stays[True]) > 15
    assert median(stays[True]) < 3_000.0
    assert min(stays[False]) >= 3_300.0
