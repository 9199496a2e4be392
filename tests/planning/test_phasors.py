import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltide.planning.phasors import Wires, fill, level, polygon

DELTA = np.exp(1j * np.radians([30.0, -90.0, 150.0]))
WIRES = Wires(
    names=("A", "B", "C"),
    factor=np.array([[1, 0, -1], [-1, 1, 0], [0, -1, 1]]) * DELTA,
    most_w=np.array([10_000.0, 10_000.0, 10_000.0]),
)
powers = st.lists(st.floats(0.0, 20_000.0), min_size=3, max_size=3).map(np.array)


def within(sides, power):
    return bool((sides.factor @ power <= sides.most_w * (1.0 + 1e-9)).all())


@given(powers, st.sampled_from([12, 24, 48]))
def test_the_inner_polygon_lies_inside_the_circle_and_the_outer_one_around_it(power, sides):
    if within(polygon(WIRES, sides), power):
        assert WIRES.excess(power) <= 1e-9
    if WIRES.excess(power) <= 0.0:
        assert within(polygon(WIRES, sides, inner=False), power)


def test_equal_load_on_three_phases_is_root_three_in_each_wire():
    assert WIRES.loads(np.full(3, 1000.0)) == pytest.approx(np.full(3, 1000.0 * 3**0.5))


def test_a_single_phase_and_equal_load_touch_the_inner_polygon_and_the_circle_at_once():
    sides = polygon(WIRES, 12)
    for power in (np.array([1.0, 0.0, 0.0]), np.ones(3)):
        exact = 10_000.0 / WIRES.loads(power).max()
        assert (sides.factor @ power * exact / sides.most_w).max() == pytest.approx(1.0)


def test_sides_that_no_power_from_0_up_can_meet_first_are_left_out():
    assert len(polygon(WIRES, 12).most_w) == 6  # two for each wire, of twelve


@given(powers.map(lambda power: power / 20.0), st.integers(0, 2))
def test_what_still_fits_is_exactly_what_the_circle_leaves(power, kind):
    more = WIRES.room(WIRES.factor @ power, kind)
    rise = np.eye(3)[kind] * more
    assert WIRES.excess(power + rise) == pytest.approx(0.0, abs=1e-9)


@given(st.lists(st.integers(0, 2), min_size=1, max_size=12), st.floats(10.0, 9_000.0))
def test_filling_and_levelling_never_pass_a_limit_and_leave_no_room_to_anyone(kinds, most):
    kinds, wishes = np.array(kinds), np.full(len(kinds), most)
    for divide in (fill, level):
        power = divide(WIRES, kinds, wishes)
        carried = WIRES.factor @ WIRES.by_kind(kinds, power)
        assert WIRES.excess(WIRES.by_kind(kinds, power)) <= 1e-9
        room = np.array([WIRES.room(carried, kind) for kind in kinds])
        assert (np.minimum(room, wishes - power) < 1.0).all()


def test_filling_serves_the_first_before_the_second():
    power = fill(WIRES, np.array([0, 0]), np.array([8_000.0, 8_000.0]))
    assert power == pytest.approx([8_000.0, 2_000.0])


def test_levelling_gives_equal_power_to_equal_cars():
    assert level(WIRES, np.array([0, 0, 0]), np.full(3, 8_000.0)) == pytest.approx(np.full(3, 10_000.0 / 3.0), rel=1e-6)
