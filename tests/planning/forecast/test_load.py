from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.planning.forecast.days import (
    BERLIN,
    NOW,
    SHENZHEN,
    any_steps,
    bad_histories,
    history,
    hours,
    is_sound,
    laws,
    midnight,
    shuffled,
    wide,
)
from voltide.planning.forecast import load
from voltide.planning.forecast.calendar import Calendar
from voltide.planning.forecast.climate import Seen, learn
from voltide.planning.forecast.steps import Series, Steps

MOST_W = 60_000.0


def usual(when: datetime, calendar: Calendar = SHENZHEN) -> float:
    """A shop: 10 to 50 kW by the local hour on working days, and half of it at weekends."""
    local = when.astimezone(calendar.zone)
    return (10_000.0 + 5_000.0 * min(local.hour, 23 - local.hour)) * (1.0 if local.weekday() < 5 else 0.5)


def foreseen(taken: Series, steps: Steps, calendar: Calendar = SHENZHEN):
    return load.foresee(taken, calendar, MOST_W, steps)


def expected(start: datetime, count: int, calendar: Calendar = SHENZHEN) -> list[float]:
    return [usual(start + timedelta(hours=at), calendar) for at in range(count)]


def test_a_week_that_repeats_is_foreseen_exactly():
    forecast = foreseen(history(NOW, 21, usual), hours(NOW, 7 * 24))
    assert forecast.middle == pytest.approx(expected(NOW, 7 * 24))
    assert is_sound(forecast)


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25)])
def test_it_follows_the_local_clock_over_the_day_on_which_it_is_moved(day):
    start = midnight(day, BERLIN)
    taken = history(start, 21, lambda when: usual(when, BERLIN))
    hours_of_day = int((midnight(day + timedelta(days=1), BERLIN) - start).total_seconds() // 3600)
    assert hours_of_day == (23 if day.month == 3 else 25)
    assert foreseen(taken, hours(start, 36), BERLIN).middle == pytest.approx(expected(start, 36, BERLIN))


def test_unequal_steps_are_the_means_of_their_quarters():
    forecast = foreseen(history(NOW, 21, usual), Steps.of(NOW, [60, 840, 1800, 900, 7200]))
    h = expected(NOW, 4)
    assert forecast.middle == pytest.approx([h[0], h[0], h[0], h[0], (h[1] + h[2]) / 2])


def test_a_meter_that_is_read_once_an_hour_teaches_the_whole_hour():
    moments = [NOW - timedelta(hours=at, minutes=-5) for at in range(1, 21 * 24)]
    forecast = foreseen(Series.of(moments, [usual(when) for when in moments]), Steps.of(NOW, [900.0] * 96))
    assert forecast.middle == pytest.approx(np.repeat(expected(NOW, 24), 4))


def test_the_middle_is_the_usual_and_not_moved_by_how_far_days_stray():
    rng = np.random.default_rng(5)
    seen = Seen(
        at_s=np.arange(384) * 900.0,
        value=rng.exponential(1_000.0, 384),
        slot=np.arange(384) % 96,
        kind=np.zeros(384, dtype=np.intp),
        day=np.arange(384) // 96,
        slots=96,
    )
    climate = learn(seen, (0.1, 0.5, 0.9), np.array([0.0, 1.0, 2.0, 1.0]))
    assert (climate.spread[1] == 0.0).all()
    assert (climate.spread[0] < 0.0).all()
    assert (climate.spread[2, 0] > -climate.spread[0, 0]).mean() > 0.8, "loads stray upwards"


def test_without_a_history_every_load_up_to_the_most_is_as_likely():
    forecast = foreseen(Series.of([], []), hours(NOW, 3))
    assert forecast.quantiles[:, 0] == pytest.approx([0.1 * MOST_W, 0.5 * MOST_W, 0.9 * MOST_W])
    assert forecast.basis.assumed


def test_a_history_of_working_days_only_says_so_and_is_wide_on_a_sunday():
    friday = midnight(date(2026, 10, 24), SHENZHEN)
    taken = history(friday, 5, usual)
    forecast = foreseen(taken, hours(friday, 4 * 24))
    assert str(forecast.basis) == "thin: learnt from 5 days; no day off seen"
    assert forecast.middle[36] == pytest.approx(usual(friday + timedelta(hours=60))), "a day off is taken for any other"
    assert wide(forecast)[36] > 2 * wide(forecast)[60], "Sunday noon is less known than Monday noon"


def test_holidays_and_worked_weekends_are_what_the_calendar_says():
    holiday = Calendar(
        zone=ZoneInfo("Asia/Shanghai"), holidays=frozenset({date(2026, 10, 27)}), worked=frozenset({date(2026, 10, 31)})
    )
    forecast = foreseen(history(NOW, 21, usual), hours(NOW, 6 * 24), holiday).middle
    assert forecast[24] == pytest.approx(usual(NOW) / 2), "Tuesday's noon is a holiday's"
    assert forecast[5 * 24] == pytest.approx(usual(NOW)), "Saturday is worked"


def test_a_day_that_runs_high_is_followed_for_hours_and_forgotten_by_tomorrow():
    today = NOW - timedelta(hours=12)
    rng = np.random.default_rng(7)
    day_off = {day: rng.normal(0.0, 3_000.0) for day in range(800_000)[739_000:740_000]}

    def wandering(when: datetime) -> float:
        return usual(when) + day_off[when.astimezone(SHENZHEN.zone).toordinal()] + (10_000.0 if when >= today else 0.0)

    forecast = foreseen(history(NOW, 28, wandering), hours(NOW, 30)).middle - expected(NOW, 30)
    assert forecast[0] > 6_000
    assert forecast[0] > forecast[3] > forecast[10]
    assert abs(forecast[29]) < 3_000


def test_the_quantiles_hold_what_they_say_on_days_that_were_not_seen():
    rng = np.random.default_rng(3)
    noise = {}

    def noisy(when: datetime) -> float:
        return usual(when) + noise.setdefault(when, rng.normal(0.0, 4_000.0))

    taken = history(NOW + timedelta(days=10), 40, noisy)
    forecast = foreseen(taken, Steps.of(NOW, [900.0] * 960))
    came = taken.value[-960:]
    assert 0.75 < np.mean((forecast.at(0.1) <= came) & (came <= forecast.at(0.9))) < 0.90
    assert 0.45 < np.mean(came <= forecast.middle) < 0.55


def test_more_days_narrow_the_forecast():
    widths = [wide(foreseen(history(NOW, days, usual), hours(NOW, 7 * 24))).sum() for days in (0, 3, 10, 50)]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.25 * widths[0]


def test_one_day_teaches_the_hours_but_hardly_how_far_days_differ():
    forecast = foreseen(history(NOW, 1, usual), hours(NOW, 8))
    assert forecast.middle[4:] == pytest.approx([usual(NOW + timedelta(hours=at)) for at in range(4, 8)], rel=0.51)
    assert (wide(forecast)[2:] > 10_000).all()
    assert forecast.basis.thin


def test_eight_weeks_ago_is_forgotten():
    old = history(NOW - timedelta(days=57), 30, lambda _: 55_000.0)
    assert foreseen(old, hours(NOW, 2)).basis.assumed


@laws
@given(bad_histories(), any_steps(), st.sampled_from([BERLIN, SHENZHEN]), st.floats(0.0, 1e6))
def test_whatever_the_history_the_forecast_is_finite_ordered_and_not_negative(taken, steps, calendar, most):
    assert is_sound(load.foresee(taken, calendar, most, steps, (0.01, 0.1, 0.5, 0.9, 0.99)))


@laws
@given(bad_histories(), st.integers(0, 99))
def test_the_order_of_the_history_changes_nothing(taken, seed):
    one, other = (foreseen(series, hours(NOW, 8), BERLIN).quantiles for series in (taken, shuffled(taken, seed)))
    assert np.array_equal(one, other)


def test_a_level_that_was_not_asked_for_is_a_mistake():
    with pytest.raises(ValueError, match="tuple"):
        foreseen(Series.of([], []), hours(NOW, 1)).at(0.3)
