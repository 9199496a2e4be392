import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltide.domain.envelope import NOTHING, Band, divide

powers = st.floats(-1e7, 1e7, allow_nan=False)
bands = st.tuples(powers, powers).map(lambda ends: Band(min(ends), max(ends)))
laws = settings(deadline=None, max_examples=60)


@laws
@given(bands, bands, powers)
def test_what_both_allow_is_what_each_allows(a: Band, b: Band, power: float):
    both = a & b
    if max(a.lower, b.lower) <= min(a.upper, b.upper):
        assert (power in both) == (power in a and power in b)
        assert both.lower in a
        assert both.lower in b
        assert both.upper in a
        assert both.upper in b
    else:
        assert both.lower == both.upper


@laws
@given(bands, bands, bands)
def test_agreement_does_not_ask_who_spoke_first(a: Band, b: Band, c: Band):
    assert a & b == b & a
    assert a & a == a
    if max(a.lower, b.lower, c.lower) <= min(a.upper, b.upper, c.upper):
        assert (a & b) & c == a & (b & c)


@pytest.mark.parametrize(
    ("a", "b", "still"),
    [
        (Band(5.0, 10.0), Band(1.0, 2.0), 2.0),
        (Band(1.0, 2.0), Band(-5.0, -3.0), 0.0),
        (Band(-9.0, -8.0), Band(-5.0, -3.0), -5.0),
    ],
)
def test_who_share_nothing_stand_still_at_the_edge_nearest_to_zero(a: Band, b: Band, still: float):
    assert a & b == Band(still, still)


@laws
@given(bands, bands)
def test_the_street_sees_two_cars_as_one(a: Band, b: Band):
    assert a + b == b + a
    assert a + NOTHING == a
    assert (a + b).lower == a.lower + b.lower
    assert (a + b).upper == a.upper + b.upper


@laws
@given(bands, powers)
def test_clip_gives_the_nearest_power_that_is_allowed(band: Band, wish: float):
    given_w = band.clip(wish)
    assert given_w in band
    assert (given_w == wish) == (wish in band)
    assert abs(given_w - wish) <= min(abs(band.lower - wish), abs(band.upper - wish))


@laws
@given(powers, st.lists(bands, max_size=8))
def test_divide_gives_what_was_asked_whenever_the_bands_can_carry_it(total: float, among: list[Band]):
    shares = divide(total, among)
    lowest, highest = sum(band.lower for band in among), sum(band.upper for band in among)
    assert len(shares) == len(among)
    assert sum(shares) == pytest.approx(min(max(total, lowest), highest), rel=1e-9, abs=1e-3)


@laws
@given(powers, st.lists(bands, max_size=8))
def test_divide_never_leaves_a_band_not_by_one_rounding(total: float, among: list[Band]):
    assert all(share in band for share, band in zip(divide(total, among), among, strict=True))


def test_a_share_at_the_top_of_its_band_is_not_one_rounding_above_it():
    band = Band(-0.1, 0.3)
    assert divide(0.3, [band]) == (0.3,)


@laws
@given(powers, powers, st.lists(bands, min_size=1, max_size=6))
def test_who_asks_for_more_gives_nobody_less(one: float, other: float, among: list[Band]):
    less, more = divide(min(one, other), among), divide(max(one, other), among)
    assert all(a <= b + 1e-3 for a, b in zip(less, more, strict=True))


def test_nobody_to_share_with_is_no_error():
    assert divide(5.0, []) == ()
    assert divide(5.0, [Band(3.0, 3.0)]) == (3.0,)
