from math import exp, log

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from voltide.planning.wear import LEAST_DEPTH, PACKS, WARMTH, Chemistry, Pack, Warmth, wear, worth_giving

LFP, NMC = PACKS[Chemistry.LFP], PACKS[Chemistry.NMC]
packs = st.builds(
    Pack,
    price=st.floats(0.0, 5_000.0),
    cycles=st.floats(100.0, 10_000.0),
    depth=st.floats(0.1, 1.0),
    exponent=st.floats(1.0, 3.0),
)
depths, rates, warmths = st.floats(0.0, 1.0), st.floats(0.0, 10.0), st.sampled_from(Warmth)


@pytest.mark.parametrize(
    ("pack", "depth", "expected"),
    [
        (LFP, 1.0, 600 / (2 * 3_000)),
        (LFP, 0.25, 600 / (2 * 24_000 * 0.25)),
        (NMC, 1.0, 900 / (2 * 1_000)),
        (NMC, 0.5, 900 / (2 * 4_000 * 0.5)),
        (Pack(price=600, cycles=1_000, depth=0.8, exponent=1.0), 0.4, 600 / (2 * 800)),
    ],
)
def test_wear_is_the_price_over_all_that_goes_in_and_out_of_a_life(pack, depth, expected):
    assert wear(pack, depth) == pytest.approx(expected)


def test_a_kilowatt_hour_given_wears_what_the_field_reckons_for_3000_and_1000_cycles():
    """0.20 and 0.60 yuan per kWh discharged at 600 yuan per kWh."""
    assert 2 * wear(Pack(price=600, cycles=3_000), 1.0) == pytest.approx(0.20)
    assert 2 * wear(Pack(price=600, cycles=1_000), 1.0) == pytest.approx(0.60)


def test_a_hurried_cycle_wears_as_naumann_measured():
    assert wear(LFP, 1.0, rate=2.0) == pytest.approx(0.1 * ((0.063 * 2 + 0.0971) / (0.063 + 0.0971)) ** 2)
    assert wear(LFP, 1.0, rate=0.1) == wear(LFP, 1.0)


def test_warm_cells_wear_by_the_activation_energy_that_wang_measured():
    for warmth, kelvin in ((Warmth.WARM, 308.15), (Warmth.HOT, 318.15)):
        faster = exp(31_700 / 8.314 * (1 / 298.15 - 1 / kelvin)) ** (1 / 0.55)
        assert WARMTH[warmth] == pytest.approx(faster, rel=0.02)


def test_the_exponent_of_lfp_is_what_naumann_s_depths_say():
    def loss(depth):
        return 4.0253 * (depth - 0.6) ** 3 + 1.0923

    lives = (loss(1.0) / loss(0.3)) ** 2
    assert 1.0 + log(lives) / log(1.0 / 0.3) == pytest.approx(LFP.exponent, abs=0.05)


@given(packs, depths, depths, rates, warmths)
def test_deeper_is_never_cheaper(pack, one, other, rate, warmth):
    low, high = sorted((one, other))
    cheap, dear = wear(pack, low, rate=rate, warmth=warmth), wear(pack, high, rate=rate, warmth=warmth)
    assert cheap <= dear * (1 + 1e-12)


@given(packs, depths, rates, rates, warmths)
def test_faster_is_never_cheaper(pack, depth, one, other, warmth):
    low, high = sorted((one, other))
    assert wear(pack, depth, rate=low, warmth=warmth) <= wear(pack, depth, rate=high, warmth=warmth)


@given(packs, depths, rates)
def test_no_warmth_is_cheaper_than_a_mild_one_and_farther_from_it_is_dearer(pack, depth, rate):
    cost = {one: wear(pack, depth, rate=rate, warmth=one) for one in Warmth}
    assert cost[Warmth.MILD] <= cost[Warmth.COLD] <= cost[Warmth.FROST]
    assert cost[Warmth.MILD] <= cost[Warmth.WARM] <= cost[Warmth.HOT]


@given(packs, st.floats(1.0, 5.0), depths)
def test_a_dearer_or_shorter_lived_pack_wears_dearer(pack, times, depth):
    dear = Pack(price=pack.price * times, cycles=pack.cycles, depth=pack.depth, exponent=pack.exponent)
    short = Pack(price=pack.price, cycles=pack.cycles / times, depth=pack.depth, exponent=pack.exponent)
    assert wear(dear, depth) == pytest.approx(times * wear(pack, depth))
    assert wear(short, depth) == pytest.approx(times * wear(pack, depth))


def test_shallower_than_was_measured_is_not_reckoned_cheaper_and_unknown_depth_is_the_worst():
    assert wear(LFP, 0.0) == wear(LFP, LEAST_DEPTH)
    assert wear(LFP, float("nan")) == wear(LFP, 1.0) == wear(LFP, 7.0)


@pytest.mark.parametrize("wrong", [{"price": -1.0}, {"cycles": 0.0}, {"depth": 1.1}, {"exponent": 0.9}])
def test_a_pack_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="A pack needs"):
        Pack(**({"price": 600.0, "cycles": 3_000.0} | wrong))


def test_figures_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="finite"):
        Pack(price=float("nan"), cycles=3_000.0)
    with pytest.raises(ValueError, match="finite"):
        wear(LFP, 1.0, rate=float("nan"))


def test_shenzhen_s_peak_pays_for_lfp_but_not_for_an_nmc_pack_that_lives_as_the_rule_demands():
    refill = 0.40 / 0.87
    assert worth_giving(0.7701, wear(LFP, 1.0), 0.05, refill=refill)
    assert not worth_giving(0.7701, wear(NMC, 1.0), 0.05, refill=refill)
    assert worth_giving(4.0, wear(NMC, 1.0), 0.05, refill=refill), "an event of 4 yuan always pays"


def test_the_driver_s_least_margin_is_kept_to_the_fen():
    assert worth_giving(0.5, 0.125, 0.25)
    assert not worth_giving(0.5, 0.125, 0.26)
    assert not worth_giving(0.5, 0.125, 0.25, eta=0.9), "losses take more out of the battery than arrives"


@given(st.floats(), st.floats(), st.floats(), st.floats(), st.floats())
def test_nobody_gives_for_less_than_wear_and_margin_whatever_is_told(paid, cost, least, refill, eta):
    if worth_giving(paid, cost, least, refill=refill, eta=eta):
        assume(paid < 1e300)
        assert paid - refill >= 2 * max(0.0, cost) / eta + max(0.0, least) - 1e-9 * max(1.0, abs(paid), abs(refill))
