"""Fair sharing under a tree of limits, against its own definition."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from voltide.control.fill import fill
from voltide.control.modules import share
from voltide.domain.site import ModuleBank

powers = st.lists(st.floats(0, 1e5), min_size=6, max_size=6)
weights = st.lists(st.floats(0.01, 10), min_size=6, max_size=6)
rooms = st.lists(st.floats(-1e4, 3e5), min_size=4, max_size=4)
TREE = np.array([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1], [0, 1, 1, 0, 0, 0]], dtype=float)


@settings(max_examples=200, deadline=None)
@given(powers, weights, rooms)
def test_nobody_gets_more_than_wanted_and_no_limit_is_passed(want, weight, room):
    given_w = fill(np.array(want), np.array(weight), TREE, np.array(room))
    assert (given_w <= np.array(want) + 1e-6).all()
    assert (given_w >= -1e-9).all()
    assert (TREE @ given_w <= np.maximum(np.array(room), 0.0) + 1e-3).all()


@settings(max_examples=200, deadline=None)
@given(powers, weights, rooms)
def test_who_gets_less_than_wanted_stands_under_a_full_limit_where_nobody_has_a_higher_level(want, weight, room):
    want, weight, room = np.array(want), np.array(weight), np.maximum(np.array(room), 0.0)
    given_w = fill(want, weight, TREE, room)
    level = given_w / weight
    load = TREE @ given_w
    for at in np.flatnonzero(given_w < want - 1e-3):
        full = [row for row in range(4) if TREE[row, at] and load[row] >= room[row] - 1e-2]
        assert any((level[TREE[row] > 0] <= level[at] + 1e-3 + 1e-6 * level[at]).all() for row in full)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=5), st.integers(1, 30))
def test_modules_are_whole_enough_and_never_more_than_there_are(want, count):
    bank = ModuleBank(count=count, module_w=40_000.0)
    shares = share(want, [0] * len(want), bank)
    assert sum(shares) <= count
    spare = count - sum(shares)
    missing = [w - s * 40_000.0 for w, s in zip(want, shares, strict=True)]
    assert spare == 0 or max(missing) <= 1e-6


def test_a_module_stays_where_it_is_for_a_few_watts():
    bank = ModuleBank(count=3, module_w=40_000.0)
    assert share([62_000.0, 61_000.0], [1, 2], bank) == (1, 2)
