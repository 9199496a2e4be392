import numpy as np
import pytest

from voltide.planning.phasors import polygon
from voltide.studies.sites import NAMES, load


def test_the_two_garages_have_the_outlets_of_the_published_networks():
    assert NAMES == ("caltech", "jpl")
    assert {name: len(load(name, 150.0).kind_of) for name in NAMES} == {"caltech": 54, "jpl": 52}


def test_equal_load_on_all_phases_of_caltech_is_held_by_both_windings_at_once():
    site = load("caltech", 30.0)
    share = np.array([1.0, 0.0, 0.0, 1.0, 1.0])  # AB, no pods, BC, CA
    carried = site.wires.loads(share) / site.wires.most_w
    by_name = dict(zip(site.wires.names, carried, strict=True))
    assert by_name["Secondary A"] == pytest.approx(by_name["Primary A"], rel=2e-3)
    amperes = 1.0 / by_name["Secondary A"] / 208.0
    assert amperes == pytest.approx(30_000.0 / 3.0 / 120.0 / 3**0.5)


def test_the_smaller_transformer_of_jpl_keeps_its_proportion_to_the_larger_one():
    wires = load("jpl", 50.0).wires
    limit = dict(zip(wires.names, wires.most_w, strict=True))
    assert limit["first floor, secondary A"] / limit["third and fourth floor, secondary A"] == pytest.approx(0.3)


def test_what_is_no_transformer_does_not_grow_with_its_capacity():
    small, large = (load("caltech", kw).wires for kw in (30.0, 150.0))
    grown = dict(zip(small.names, large.most_w / small.most_w, strict=True))
    assert (grown["AV pod"], grown["CC pod"], grown["Primary B"]) == pytest.approx((1.0, 1.0, 5.0))


@pytest.mark.parametrize("name", NAMES)
def test_the_plan_s_polygon_lies_inside_the_circles_of_the_site(name):
    site, chance = load(name, 30.0), np.random.default_rng(1)
    sides = polygon(site.wires)
    for _ in range(200):
        power = chance.random(site.wires.factor.shape[1]) * (chance.random(site.wires.factor.shape[1]) < 0.6)
        if not power.any():
            continue
        power /= (sides.factor @ power / sides.most_w).max()
        assert -0.04 < site.wires.excess(power) <= 1e-9
