"""The rules of the format, one by one, on stations small enough to reckon by hand."""

import pytest

from tests.planning.station import answered, battery, ev, site


def power(answer: dict, name: str = "a") -> list[float]:
    return answer["evs"][name]["power_w"]


def test_a_car_charges_at_the_cheapest_hours():
    answer = answered(site(ev(), price_buy=[3, 1, 2, 4]))
    assert power(answer) == pytest.approx([0, 10_000, 0, 0], abs=1e-3)
    assert answer["objective"] == pytest.approx(10.0)
    assert answer["status"] == "optimal"


def test_among_equal_plans_the_one_that_charges_earlier_wins():
    answer = answered(site(ev(need_wh=35_000)))
    assert power(answer) == pytest.approx([10_000, 5_000, 0, 0], abs=1e-3)
    assert answer["objective"] == pytest.approx(15.0, abs=1e-9)


def test_a_car_sells_while_it_is_dear_and_is_full_when_it_leaves():
    answer = answered(site(ev(energy_wh=30_000, wear=0.1), price_buy=[1, 1, 0.2, 0.2], price_sell=0.9))
    assert power(answer) == pytest.approx([-10_000, -10_000, 10_000, 10_000], abs=1e-3)
    assert answer["objective"] == pytest.approx(-18 + 4 + 4)


def test_selling_stops_where_losses_and_wear_eat_what_it_brings():
    dear = site(ev(energy_wh=30_000, eta_charge=0.9, eta_discharge=0.9, wear=0.3), price_buy=[1, 1, 0.2, 0.2])
    assert power(answered(dear | {"price_sell": [0.85, 0.85, 0, 0]})) == [0, 0, 0, 0]


def test_nobody_is_taken_below_the_floor():
    answer = answered(site(ev(need_wh=0), price_sell=0.9))
    assert min(answer["evs"]["a"]["energy_wh"]) == pytest.approx(10_000)


@pytest.mark.parametrize(("energy", "low", "high"), [(5_000, 5_000, 60_000), (70_000, 10_000, 70_000)])
def test_arriving_outside_floor_or_cap_widens_the_window_and_forces_nothing(energy, low, high):
    answer = answered(site(ev(energy_wh=energy, need_wh=0, shortfall=0, discharge_w=60_000)))
    assert power(answer)[0] <= 0
    assert min(answer["evs"]["a"]["energy_wh"]) == pytest.approx(low)
    free = answered(site(ev(energy_wh=energy, need_wh=0), price_buy=-1.0, price_sell=-2.0))
    assert free["evs"]["a"]["energy_wh"][-1] == pytest.approx(min(energy + 40_000, high))


def test_what_physics_cannot_meet_costs_nothing_and_is_named():
    answer = answered(site(ev(need_wh=100_000, max_wh=90_000)))
    assert answer["evs"]["a"]["short_wh"] == pytest.approx(40_000)
    assert answer["objective"] == pytest.approx(40.0)
    assert {"what": "reach", "name": "a", "way": "", "steps": []} in answer["binding"]


def test_a_shortfall_that_is_cheaper_than_the_energy_is_taken_and_named():
    answer = answered(site(ev(shortfall=0.5)))
    assert answer["evs"]["a"]["short_wh"] == pytest.approx(10_000)
    assert answer["objective"] == pytest.approx(5.0)
    assert {"what": "need", "name": "a", "way": "", "steps": []} in answer["binding"]


def test_arriving_and_leaving_at_once_is_valid_and_its_shortfall_is_named():
    answer = answered(site(ev(arrive=2, depart=2)))
    assert power(answer) == [0, 0, 0, 0]
    assert answer["evs"]["a"]["short_wh"] == 10_000
    assert answer["objective"] == 0


def test_a_stay_beyond_the_horizon_needs_only_its_part_of_it():
    answer = answered(site(ev(arrive=2, depart=6, need_wh=60_000)))
    assert answer["evs"]["a"]["energy_wh"][-1] == pytest.approx(30_000)
    assert answer["evs"]["a"]["short_wh"] == pytest.approx(0, abs=1e-3)


def test_a_stay_wholly_beyond_the_horizon_changes_nothing():
    answer = answered(site(ev(arrive=4, depart=6)))
    assert power(answer) == [0, 0, 0, 0]
    assert answer["objective"] == 0


def test_nested_and_overlapping_nodes_each_hold_over_the_cars_of_their_outlets():
    nodes = [
        {"id": "both", "evses": ["e-a", "e-b"], "import_w": 8_000, "export_w": 0},
        {"id": "one", "evses": ["e-b", "e-nobody"], "import_w": 3_000, "export_w": 0},
    ]
    answer = answered(site(ev("a", need_wh=90_000), ev("b", need_wh=90_000), nodes=nodes))
    assert sum(power(answer, "a")) + sum(power(answer, "b")) == pytest.approx(32_000)
    assert max(power(answer, "b")) <= 3_000.001
    assert "both" in {one["name"] for one in answer["binding"]}


def test_a_load_above_the_limit_is_no_error_and_what_can_be_shed_is_shed():
    limits = {"import_limit_w": 10_000, "load_w": [15_000, 5_000, 30_000, 5_000], "price_buy": [0, 9, 0, 9]}
    answer = answered(site(ev(need_wh=0), battery=battery(wear=1.0), **limits))
    assert answer["over_import_wh"] == 0.0
    assert power(answer)[2] == -10_000
    alone = answered(site(battery=battery(wear=1.0), **limits))
    assert alone["over_import_wh"] == pytest.approx(10_000, abs=1e-3)
    assert max(alone["grid_w"]) == pytest.approx(20_000)
    assert answer["status"] == "optimal"


def test_the_peak_so_far_is_paid_already():
    charged = site(ev(), demand_charge=10.0, peak_so_far_w=6_000)
    answer = answered(charged)
    assert max(answer["grid_w"]) == pytest.approx(6_000)
    assert answer["objective"] == pytest.approx(10.0)


def test_the_sun_is_curtailed_where_selling_costs():
    answer = answered(site(price_sell=-1.0, pv_w=50_000, load_w=10_000))
    assert answer["pv_used_w"] == pytest.approx([10_000] * 4)


def test_the_battery_s_whole_energy_has_its_end_value():
    answer = answered(site(battery=battery(end_value=0.6)))
    assert answer["objective"] == pytest.approx(-6.0)
    assert answer["battery_w"] == pytest.approx([0] * 4, abs=1e-3)
    dear = answered(site(battery=battery(end_value=0.6), price_sell=0.7))
    assert dear["objective"] == pytest.approx(-7.0)


def test_events_settle_separately_and_pay_at_most_the_reduction():
    event = {"start": 1, "end": 2, "reduce_w": 8_000, "baseline_w": 5_000, "pay": 2.0, "penalty": 1.0}
    answer = answered(site(ev(), events=[event, event | {"reduce_w": 30_000}], price_buy=[1, 0.1, 1, 1]))
    assert power(answer)[1] == pytest.approx(-10_000)
    assert answer["events"][0] == pytest.approx({"delivered_wh": 8_000, "short_wh": 0}, abs=1e-3)
    assert answer["events"][1] == pytest.approx({"delivered_wh": 15_000, "short_wh": 15_000}, abs=1e-3)
    assert {"what": "event", "name": "1", "way": "import", "steps": [1]} in answer["binding"]


def test_the_grid_buys_or_sells_and_never_both_even_where_selling_pays_more():
    limits = {"import_limit_w": 14_000, "export_limit_w": 6_000, "load_w": 4_000, "price_sell": [3, 1, 3, 1]}
    answer = answered(site(ev(need_wh=20_000), **limits))
    assert answer["grid_w"] == pytest.approx([-6_000, 14_000, -6_000, 14_000])
    assert answer["objective"] == pytest.approx(-8.0)


def test_no_battery_charges_and_discharges_where_wasting_energy_pays():
    """One hour gives 10 kWh and makes room for 14.3; filling that takes 20.4 kWh, each of which is paid for."""
    wasted = ev(energy_wh=60_000, need_wh=0, eta_charge=0.7, eta_discharge=0.7)
    answer = answered(site(wasted, price_buy=-1.0, price_sell=-1.0))
    assert answer["status"] == "optimal"
    assert answer["objective"] == pytest.approx(10.0 - 10.0 / 0.7 / 0.7)


def test_steps_of_unequal_length_count_by_their_hours():
    answer = answered(site(ev(need_wh=25_000), step_s=[900, 900, 7200, 900], price_buy=[2, 2, 1, 2]))
    assert power(answer) == pytest.approx([0, 0, 2_500, 0], abs=1e-3)
    assert answer["objective"] == pytest.approx(5.0)


def test_without_time_the_plan_is_the_one_by_rule_and_keeps_every_limit():
    nodes = [{"id": "both", "evses": ["e-a", "e-b"], "import_w": 12_000, "export_w": 0}]
    late = site(ev("a", need_wh=50_000), ev("b", depart=1), nodes=nodes, load_w=[0, 105_000, 0, 0])
    answer = answered(late | {"battery": battery()}, patience_s=0.0)
    assert answer["status"] == "fallback"
    assert power(answer, "b")[0] == 10_000
    assert power(answer, "a") == pytest.approx([2_000, 0, 10_000, 10_000])
    assert answer["battery_w"] == [0, -5_000, 0, 0]
    assert answer["over_import_wh"] == 0
