import itertools

import pytest

from voltide.domain.units import kw
from voltide.twin.vehicle import EMPTY, Model, Vehicle, catalogue, reachable_wh

MODELS = {model.name: model for model in catalogue()}


def minutes(model: Model, outlet_w: float, start: float, end: float) -> float:
    car, seconds = Vehicle(model, start), 0
    while car.soc < end:
        car.flow(min(outlet_w, car.most_in_w()), 1.0)
        seconds += 1
    return seconds / 60


@pytest.mark.parametrize("name", ["BYD Han L", "Li Auto MEGA"])
def test_a_600_kw_class_car_goes_from_10_to_80_percent_within_10_minutes(name: str) -> None:
    assert minutes(MODELS[name], kw(600), 0.10, 0.80) <= 10.0


def test_an_ordinary_car_does_not() -> None:
    assert minutes(MODELS["BYD Yuan Plus"], kw(600), 0.10, 0.80) > 20.0


@pytest.mark.parametrize("model", catalogue(), ids=lambda model: model.name)
def test_no_car_takes_more_than_its_maker_says_or_gives_when_it_is_empty(model: Model) -> None:
    for percent in range(101):
        car = Vehicle(model, percent / 100)
        assert 0.0 <= car.most_in_w() * 0.94 <= model.dc_w + 1e-6
        assert 0.0 <= car.most_out_w() <= model.v2g_w
    assert Vehicle(model, 1.0).most_in_w() == 0.0
    assert Vehicle(model, EMPTY).most_out_w() == 0.0


@pytest.mark.parametrize("model", catalogue(), ids=lambda model: model.name)
def test_acceptance_falls_smoothly_toward_full(model: Model) -> None:
    rows = [Vehicle(model, 0.9 + step / 1000).most_in_w() for step in range(100)]
    assert all(later <= earlier + 1e-6 for earlier, later in itertools.pairwise(rows))


def test_a_round_trip_loses_what_was_measured_on_real_cars() -> None:
    car = Vehicle(MODELS["BYD Seal"], 0.5)
    car.flow(kw(40), 3600)
    stored = car.energy_wh - 0.5 * car.capacity_wh
    assert 0.79 < stored * 0.93 / 40_000 < 0.88


def test_a_battery_is_never_more_than_full_or_less_than_empty() -> None:
    car = Vehicle(MODELS["Wuling Bingo"], 0.99)
    car.flow(kw(40), 36_000)
    assert car.soc == 1.0
    car.flow(-kw(40), 360_000)
    assert car.energy_wh == 0.0


def test_what_is_reachable_is_no_more_than_full_and_no_more_than_the_outlet_gives() -> None:
    model = MODELS["BYD Seal"]
    assert reachable_wh(model, 0.2 * model.capacity_wh, kw(60), 1800) == pytest.approx(
        0.2 * model.capacity_wh + 30_000 * 0.94
    )
    assert reachable_wh(model, 0.2 * model.capacity_wh, kw(60), 86_400) <= model.capacity_wh


def test_the_catalogue_holds_private_cars_taxis_and_vans_most_of_which_give_back() -> None:
    assert {model.kind for model in catalogue()} == {"private", "taxi", "van"}
    assert len(catalogue()) >= 14
    private = [model for model in catalogue() if model.kind == "private"]
    giving = sum(model.share for model in private if model.v2g_w > 0)
    assert giving / sum(model.share for model in private) > 0.7
