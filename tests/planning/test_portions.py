import numpy as np
import pytest

from voltide.planning.phasors import Sides
from voltide.planning.portions import Wanted, portions
from voltide.planning.solver import Solver


def wanted(**changes):
    """Two cars, two steps of an hour; the first leaves after one."""
    table = {
        "hours": np.ones(2),
        "kind": np.array([0, 0]),
        "need_wh": np.array([8_000.0, 12_000.0]),
        "car": np.array([0, 1, 1]),
        "step": np.array([0, 0, 1]),
        "most_wh": np.full(3, 8_000.0),
        "worth": np.ones(3),
        "weight": np.ones(3),
    }
    return Wanted(**(table | changes))


ONE_WIRE = Sides(factor=np.ones((1, 1)), most_w=np.array([10_000.0]))


def test_who_leaves_first_is_served_so_that_most_is_delivered():
    assert portions(wanted(), ONE_WIRE, Solver()) == pytest.approx([8_000.0, 2_000.0, 8_000.0])


def test_worth_decides_where_not_everything_fits():
    found = portions(wanted(worth=np.array([1.0, 3.0, 3.0])), ONE_WIRE, Solver())
    assert found[0] == pytest.approx(6_000.0)  # only what the worthier car cannot use otherwise
    assert found[1:].sum() == pytest.approx(12_000.0)


def test_a_car_that_is_half_likely_takes_half_of_the_room():
    found = portions(wanted(weight=np.array([0.5, 1.0, 1.0]), need_wh=np.array([8e3, 16e3])), ONE_WIRE, Solver())
    assert found == pytest.approx([8_000.0, 6_000.0, 8_000.0])


def test_nobody_there_is_no_energy():
    nothing = np.zeros(0, dtype=np.intp)
    empty = {"car": nothing, "step": nothing, "most_wh": np.zeros(0), "worth": np.zeros(0), "weight": np.zeros(0)}
    assert portions(wanted(**empty), ONE_WIRE, Solver()).shape == (0,)


def test_no_limit_that_binds_is_full_power():
    loose = Sides(factor=np.ones((1, 1)), most_w=np.array([1e6]))
    assert portions(wanted(), loose, Solver()).sum() == pytest.approx(20_000.0)
