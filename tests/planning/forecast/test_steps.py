from datetime import date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given

from tests.planning.forecast.days import BERLIN, NOW, any_steps, bad_histories, laws, midnight
from voltide.planning.forecast.steps import Basis, Series, Steps


@laws
@given(any_steps())
def test_the_pieces_of_a_step_add_up_to_it_and_cross_no_quarter_of_an_hour(steps):
    pieces = steps.pieces()
    lengths = np.bincount(pieces.step, pieces.seconds, steps.count)
    assert lengths == pytest.approx(
        [(b - a).total_seconds() for a, b in zip(steps.edges, steps.edges[1:], strict=False)]
    )
    assert (np.floor(pieces.start_s / 900) == np.floor(pieces.middle_s / 900)).all()
    assert pieces.mean(np.ones((2, len(pieces.step)))) == pytest.approx(np.ones((2, steps.count)))


def test_no_steps_have_no_pieces():
    nothing = Steps(edges=(NOW,))
    assert nothing.count == 0
    assert len(nothing.pieces().step) == 0
    assert nothing.pieces().mean(np.zeros((3, 0))).shape == (3, 0)


@pytest.mark.parametrize("edges", [(), (NOW, NOW), (NOW, NOW - timedelta(1)), (datetime(2026, 1, 1),)])  # noqa: DTZ001 - the mistake that is meant
def test_steps_that_go_nowhere_are_a_mistake(edges):
    with pytest.raises(ValueError, match=r"step|edge"):
        Steps(edges=edges)


def test_what_is_no_number_is_dropped_and_what_is_told_twice_is_averaged():
    told = [None, float("nan"), float("inf"), 1e13, 4.0, 6.0]
    series = Series.of([NOW + timedelta(seconds=60)] * 6, told)
    assert series.value.tolist() == [4.0, 6.0]
    quarter = series.quarters()
    assert (quarter.at_s.tolist(), quarter.value.tolist()) == ([NOW.timestamp()], [5.0])


def test_as_many_moments_as_values():
    with pytest.raises(ValueError, match="moments"):
        Series.of([NOW], [])


@laws
@given(bad_histories())
def test_what_was_known_at_a_moment_lies_before_it_and_within_eight_weeks(series):
    known = series.before(NOW.timestamp())
    assert ((known.at_s < NOW.timestamp()) & (known.at_s >= NOW.timestamp() - 56 * 86_400)).all()
    assert np.isin(series.at_s[series.at_s < NOW.timestamp()], known.at_s).all()


def test_the_local_clock_has_an_hour_twice_in_autumn_and_misses_one_in_spring():
    def slots(day: date) -> list[int]:
        start, end = midnight(day, BERLIN), midnight(day + timedelta(days=1), BERLIN)
        return BERLIN.read(np.arange(start.timestamp(), end.timestamp(), 900.0)).hour.tolist()

    autumn, spring = slots(date(2026, 10, 25)), slots(date(2026, 3, 29))
    assert (autumn.count(2), spring.count(2), len(autumn), len(spring)) == (8, 0, 100, 92)


def test_one_day_is_thin_and_a_week_is_not():
    assert str(Basis(days=1)) == "thin: learnt from 1 day"
    assert [Basis(days=days).thin for days in (6, 7)] == [True, False]
