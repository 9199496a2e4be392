from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltide.domain.site import EvseId
from voltide.planning.rules import ETA, SLACK_S, START_SPARE_WH, SUSTAIN_S, Season, Stay, battery_wish, spare_wh, wishes

laws = settings(deadline=None, max_examples=40)
HOUR = 3600.0


def car(**changes: object) -> Stay:
    """A V2G car in no hurry: half full, all it needs, hours to go."""
    whole = Stay(
        evse=EvseId("V01-1"), charge_w=60_000.0, discharge_w=60_000.0, energy_wh=45_000.0, capacity_wh=75_000.0,
        need_wh=40_000.0, floor_wh=15_000.0, left_s=4 * HOUR,
    )  # fmt: skip
    return replace(whole, **changes)


@st.composite
def stays(draw: st.DrawFn, *, place: int = 0) -> Stay:
    capacity = draw(st.floats(20_000, 120_000))
    return Stay(
        evse=EvseId(f"V{place:02}-1"),
        charge_w=draw(st.floats(1000, 120_000)),
        discharge_w=draw(st.just(0.0) | st.floats(1000, 60_000)),
        energy_wh=draw(st.none() | st.floats(0, capacity)),
        capacity_wh=draw(st.none() | st.just(capacity)),
        need_wh=draw(st.none() | st.floats(0, capacity)),
        floor_wh=draw(st.floats(0, capacity / 2)),
        left_s=draw(st.none() | st.floats(0, 10 * HOUR)),
        gives=draw(st.booleans()),
    )


@st.composite
def stations(draw: st.DrawFn) -> list[Stay]:
    return [draw(stays(place=place)) for place in range(draw(st.integers(0, 6)))]


seasons = st.sampled_from(Season)
orders = st.none() | st.floats(-300_000, 300_000)


def urgent(stay: Stay) -> bool:
    if stay.need_wh is None or stay.energy_wh is None or stay.need_wh <= stay.energy_wh:
        return False
    missing_s = (stay.need_wh - stay.energy_wh) / (stay.charge_w * ETA) * HOUR
    return stay.left_s is None or stay.left_s - missing_s < SLACK_S


@laws
@given(stations(), seasons, orders)
def test_every_car_gets_one_wish_within_what_it_can(cars: list[Stay], season: Season, ordered: float | None):
    said = wishes(cars, season, ordered)
    assert set(said) == {stay.evse for stay in cars}
    for stay in cars:
        wish = said[stay.evse]
        assert -stay.discharge_w - 1e-6 <= wish.power_w <= stay.charge_w + 1e-6
        assert 0.05 <= wish.urgency <= 1.0


@laws
@given(stations(), seasons, orders)
def test_nobody_gives_below_the_floor_or_what_full_power_could_still_make_good(
    cars: list[Stay], season: Season, ordered: float | None
):
    said = wishes(cars, season, ordered)
    for stay in cars:
        power = said[stay.evse].power_w
        if power >= -1e-6:
            continue
        assert stay.energy_wh is not None
        kept = stay.energy_wh + power * SUSTAIN_S / HOUR / ETA
        assert kept >= stay.floor_wh - 1e-3
        if stay.need_wh is not None:
            left_s = max(0.0, (stay.left_s or 0.0) - SUSTAIN_S - SLACK_S)
            assert kept + left_s / HOUR * stay.charge_w * ETA >= stay.need_wh - 1e-3


@laws
@given(stays(), st.floats(0, 3 * HOUR), st.floats(0, HOUR))
def test_to_spare_is_never_negative_and_shrinks_with_the_promise(stay: Stay, hold_s: float, more_s: float):
    assert spare_wh(stay, hold_s) >= spare_wh(stay, hold_s + more_s) >= 0.0
    if stay.energy_wh is not None:
        assert spare_wh(stay, hold_s) <= max(0.0, stay.energy_wh - stay.floor_wh)


@laws
@given(stations(), seasons, orders)
def test_a_car_whose_charge_is_not_known_never_gives(cars: list[Stay], season: Season, ordered: float | None):
    said = wishes(cars, season, ordered)
    assert all(said[stay.evse].power_w >= 0.0 for stay in cars if stay.energy_wh is None)


@laws
@given(stations(), seasons, orders)
def test_who_has_not_agreed_never_gives(cars: list[Stay], season: Season, ordered: float | None):
    said = wishes(cars, season, ordered)
    assert all(said[stay.evse].power_w >= 0.0 for stay in cars if stay.discharge_w == 0.0)


@laws
@given(stations(), seasons, orders)
def test_who_must_leave_soon_charges_at_full_power_whatever_is_ordered(
    cars: list[Stay], season: Season, ordered: float | None
):
    said = wishes(cars, season, ordered)
    for stay in cars:
        full = stay.capacity_wh is not None and (stay.energy_wh or 0.0) >= stay.capacity_wh * 0.998
        if urgent(stay) and not full:
            assert said[stay.evse].power_w == stay.charge_w
            assert said[stay.evse].why == "urgent"


@laws
@given(stations(), seasons, st.floats(-300_000, 300_000))
def test_an_order_has_one_direction(cars: list[Stay], season: Season, ordered: float):
    powers = [wish.power_w for wish in wishes(cars, season, ordered).values() if wish.why == "order"]
    assert not (any(power > 1e-6 for power in powers) and any(power < -1e-6 for power in powers))


@laws
@given(stations(), seasons, st.floats(-300_000, 0))
def test_an_order_to_give_is_met_exactly_when_the_cars_suffice_and_never_exceeded(
    cars: list[Stay], season: Season, ordered: float
):
    said = wishes(cars, season, ordered)
    both_ways = [stay for stay in cars if stay.discharge_w > 0.0]
    total = sum(said[stay.evse].power_w for stay in both_ways)
    assert total >= ordered - 1e-3
    able = [stay for stay in both_ways if said[stay.evse].why == "order"]
    most = 0.0
    for stay in able:
        spare = spare_wh(stay)
        enough = spare > (0.0 if stay.gives else START_SPARE_WH)
        most += min(stay.discharge_w, spare * ETA * HOUR / SUSTAIN_S) if enough else 0.0
    taken = sum(said[stay.evse].power_w for stay in both_ways if stay not in able)
    assert total == pytest.approx(max(ordered, taken - most), rel=1e-9, abs=1e-3)


def test_cars_that_suffice_give_what_was_ordered_in_proportion_to_what_they_can():
    cars = [car(), car(evse=EvseId("V02-1"), discharge_w=20_000.0)]
    said = wishes(cars, Season.CHARGE, -40_000.0)
    assert [said[stay.evse].power_w for stay in cars] == pytest.approx([-30_000.0, -10_000.0])


def test_the_others_give_more_to_make_good_what_an_urgent_car_takes():
    hurried = car(evse=EvseId("V02-1"), energy_wh=20_000.0, left_s=600.0, charge_w=30_000.0)
    said = wishes([car(), hurried], Season.GIVE, -20_000.0)
    assert said[hurried.evse].power_w == 30_000.0
    assert said[EvseId("V01-1")].power_w == -50_000.0


def test_a_car_that_cannot_give_does_not_see_the_order():
    plain = car(evse=EvseId("F1-1"), discharge_w=0.0, energy_wh=20_000.0)
    alone = wishes([plain], Season.CHARGE, None)
    assert wishes([plain, car()], Season.CHARGE, -60_000.0)[plain.evse] == alone[plain.evse]


def test_a_car_starts_to_give_only_with_something_to_spare_and_then_goes_on():
    little = car(energy_wh=15_000.0 + START_SPARE_WH, need_wh=None)
    assert wishes([little], Season.GIVE, None)[little.evse].power_w == 0.0
    assert wishes([replace(little, gives=True)], Season.GIVE, None)[little.evse].power_w == -60_000.0
    more = replace(little, energy_wh=15_001.0 + START_SPARE_WH)
    assert wishes([more], Season.GIVE, None)[little.evse].power_w == -60_000.0


def test_in_a_period_to_wait_in_only_who_told_a_departure_waits():
    waiting = car(energy_wh=20_000.0)
    assert wishes([waiting], Season.WAIT, None)[waiting.evse].power_w == 0.0
    assert wishes([replace(waiting, left_s=None, need_wh=None)], Season.WAIT, None)[waiting.evse].power_w == 60_000.0
    assert wishes([replace(waiting, left_s=1500.0)], Season.WAIT, None)[waiting.evse].why == "urgent"


def test_a_full_car_wants_nothing():
    full = car(energy_wh=75_000.0, discharge_w=0.0)
    assert wishes([full], Season.CHARGE, None)[full.evse].power_w == 0.0
    assert wishes([full], Season.CHARGE, None)[full.evse].why == "full"


@laws
@given(st.floats(0, 2e5), st.floats(0, 2e6), seasons, st.floats(0, 1e5), st.floats(0, 1e5))
def test_the_battery_stays_within_its_powers_and_gives_only_when_it_is_dear(
    sun: float, cars: float, season: Season, charge: float, discharge: float
):
    power = battery_wish(sun, cars, season, charge_w=charge, discharge_w=discharge)
    assert -discharge <= power <= charge
    assert power >= 0.0 or season is Season.GIVE
    if power < 0.0:
        assert -power <= cars - sun
