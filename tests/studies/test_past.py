import numpy as np
import pytest

from tests.studies.scenes import session
from voltide.studies.past import LEAST, Past


def learned(late_h):
    """Drivers who said eight hours at nine, and left ``late_h`` after that; and others, at night, who left on time."""
    past = Past(like=10)
    for number in range(2 * LEAST):
        past.learn(session(f"d{number}", "a", 9.0, 17.0 + late_h, 5.0, told_h=17.0))
        past.learn(session(f"n{number}", "a", 22.0, 30.0, 5.0, told_h=30.0))
    return past


def departures(past, arrived_h, told_h, claimed=True):
    found = past.departures(arrived_h * 3600.0, told_h * 3600.0, claimed=claimed, offset_s=0.0)
    return found / 3600.0


def test_who_says_what_others_said_is_expected_to_be_as_wrong_as_they_were():
    assert departures(learned(-2.0), 9.1, 17.1) == pytest.approx(np.full(10, 15.1))


def test_stays_of_another_hour_teach_nothing():
    assert departures(learned(-2.0), 22.0, 30.0) == pytest.approx(np.full(10, 30.0))


def test_nobody_leaves_before_arriving():
    assert (departures(learned(-7.9), 9.0, 16.0) > 9.0).all()


def test_without_enough_stays_the_driver_s_word_is_taken():
    assert departures(Past(like=10), 9.0, 17.0) == pytest.approx([17.0])
    assert departures(learned(-2.0), 9.0, 17.0, claimed=False) == pytest.approx([17.0])
