from datetime import UTC, datetime

import pytest

from tests.twin.places import evse
from voltide.domain.messages import ApplySetpoint
from voltide.domain.site import ModuleBank
from voltide.domain.units import Watts, kw
from voltide.twin.cabinet import Cabinet
from voltide.twin.outlet import Outlet
from voltide.twin.vehicle import Vehicle, catalogue

START = datetime(2025, 3, 28, tzinfo=UTC)
MODELS = {model.name: model for model in catalogue()}


def order(power_w: Watts, lease_s: float = 10.0, floor_w: Watts = -60e3, ceiling_w: Watts = 60e3) -> ApplySetpoint:
    return ApplySetpoint(
        evse=1, transaction_id="t", power_w=power_w, lease_s=lease_s, now=START, ceiling_w=ceiling_w, floor_w=floor_w
    )


def with_car(outlet: Outlet, name: str = "BYD Seal", soc: float = 0.5) -> Outlet:
    outlet.plug(Vehicle(MODELS[name], soc))
    outlet.close()
    return outlet


def test_without_a_setpoint_the_built_in_fallback_holds_and_nothing_flows_back() -> None:
    outlet = with_car(Outlet(evse("V01", 1, kw(60), kw(60))))
    powers = [outlet.step(float(second)) for second in range(30)]
    assert max(powers) == kw(5)
    assert min(powers) >= 0.0


def test_the_station_s_fallback_takes_the_place_of_the_built_in_one_and_is_never_negative() -> None:
    outlet = with_car(Outlet(evse("V01", 1, kw(60), kw(60))))
    outlet.profiles.default(kw(9))
    assert outlet.profiles.holding(0.0)[0] == kw(9)
    outlet.profiles.default(-kw(9))
    assert outlet.profiles.holding(0.0)[0] == 0.0


def test_a_lease_lapses_in_the_device() -> None:
    outlet = with_car(Outlet(evse("V01", 1, kw(60), kw(60))))
    outlet.profiles.set(order(-kw(40)), 0.0, dynamic=False)
    outlet.look()
    powers = [outlet.step(float(second)) for second in range(30)]
    assert min(powers) == -kw(40)
    assert powers[9] == -kw(40)
    assert all(power >= 0.0 for power in powers[13:])
    assert powers[-1] == kw(5)


def test_a_new_value_of_a_dynamic_profile_stays_in_its_band_and_stands_while_the_line_does() -> None:
    outlet = Outlet(evse("V01", 1, kw(60), kw(60)))
    outlet.profiles.set(order(kw(20), floor_w=-kw(30)), 0.0, dynamic=True)
    outlet.profiles.update(-kw(55))
    assert outlet.profiles.holding(1e6)[0] == -kw(30)


def test_a_dynamic_profile_ends_when_the_charger_has_been_alone_for_longer_than_it_allows() -> None:
    outlet = Outlet(evse("V01", 1, kw(60), kw(60)))
    outlet.profiles.set(order(-kw(20)), 0.0, dynamic=True)
    outlet.profiles.alone(100.0)
    assert outlet.profiles.holding(109.9) == (-kw(20), 110.0)
    outlet.profiles.together()
    assert outlet.profiles.holding(200.0)[0] == -kw(20)
    outlet.profiles.alone(300.0)
    assert outlet.profiles.holding(310.0)[0] == kw(5)
    outlet.profiles.together()
    assert outlet.profiles.holding(311.0)[0] == kw(5)
    assert not outlet.profiles.dynamic


def test_power_rises_in_seconds_and_falls_faster() -> None:
    outlet = with_car(Outlet(evse("V01", 1, kw(60), kw(60))))
    outlet.profiles.set(order(kw(60), 1e6), 0.0, dynamic=True)
    outlet.look()
    up = [outlet.step(float(second)) for second in range(12)]
    assert up[0] == 0.0
    assert up[1] == kw(7.5)
    assert up[-1] == kw(60)
    outlet.profiles.update(0.0)
    outlet.look()
    down = [outlet.step(12.0 + second) for second in range(5)]
    assert down == [kw(60), kw(30), 0.0, 0.0, 0.0]


def test_from_charging_to_giving_back_the_power_passes_through_zero() -> None:
    outlet = with_car(Outlet(evse("V01", 1, kw(60), kw(60))))
    outlet.profiles.set(order(kw(60), 1e6), 0.0, dynamic=True)
    outlet.look()
    for second in range(12):
        outlet.step(float(second))
    outlet.profiles.update(-kw(60))
    outlet.look()
    powers = [outlet.step(12.0 + second) for second in range(14)]
    assert 0.0 in powers
    assert powers[-1] == -kw(60)
    outlet.profiles.update(kw(60))
    outlet.look()
    powers = [outlet.step(26.0 + second) for second in range(14)]
    assert 0.0 in powers
    assert powers[-1] == kw(60)


def test_the_registers_count_what_flowed_and_the_battery_holds_what_was_left_of_it() -> None:
    outlet = with_car(Outlet(evse("V01", 1, kw(60), kw(60))))
    assert outlet.car is not None
    before = outlet.car.energy_wh
    outlet.profiles.set(order(kw(30), 1e6), 0.0, dynamic=True)
    outlet.look()
    charged = sum(outlet.step(float(second)) for second in range(600)) / 3600
    assert outlet.import_wh == pytest.approx(charged)
    assert outlet.car.energy_wh - before == pytest.approx(charged * 0.94)
    assert outlet.export_wh == 0.0


def test_an_open_contactor_means_no_power() -> None:
    outlet = with_car(Outlet(evse("V01", 1, kw(60), kw(60))))
    for second in range(10):
        outlet.step(float(second))
    outlet.open()
    assert outlet.power_w == 0.0


def hyper(name: str) -> Outlet:
    outlet = Outlet(evse(name, 1, kw(600)))
    outlet.profiles.set(order(kw(600), 1e9, ceiling_w=kw(600)), 0.0, dynamic=False)
    return outlet


def test_one_head_gets_all_that_it_needs_and_two_share_fairly_after_the_modules_have_moved() -> None:
    one, two = hyper("H1"), hyper("H2")
    cabinet = Cabinet(ModuleBank(count=24, module_w=kw(40)), (one, two))
    with_car(one, "Li Auto MEGA", 0.2)
    powers = []
    for second in range(240):
        if second == 100:
            with_car(two, "Li Auto MEGA", 0.2)
        cabinet.step(float(second))
        first = one.step(float(second))
        other = two.step(float(second)) if two.car is not None else 0.0
        assert first <= one.head_w
        assert other <= two.head_w
        powers.append((first, other))
    assert powers[2][0] == 0.0
    assert powers[60][0] > kw(500)
    assert powers[103][1] == 0.0
    assert all(first + other <= kw(960) for first, other in powers)
    assert powers[-1] == (kw(480), kw(480))


def test_a_head_whose_car_has_left_gives_its_modules_back_at_once() -> None:
    one, two = hyper("H1"), hyper("H2")
    cabinet = Cabinet(ModuleBank(count=12, module_w=kw(40)), (one, two))
    with_car(one, "Li Auto MEGA", 0.2)
    for second in range(30):
        cabinet.step(float(second))
        one.step(float(second))
    assert cabinet.held == (12, 0)
    one.unplug()
    with_car(two, "Li Auto MEGA", 0.2)
    for second in range(30, 45):
        cabinet.step(float(second))
        two.step(float(second))
    assert cabinet.held == (0, 12)
