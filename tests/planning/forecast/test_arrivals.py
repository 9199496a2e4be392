from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.planning.forecast.days import (
    BERLIN,
    NOW,
    SHENZHEN,
    any_steps,
    around_now,
    hours,
    is_sound,
    laws,
    midnight,
    stay,
    wide,
)
from voltide.domain.time import Interval
from voltide.planning.forecast import arrivals
from voltide.planning.forecast.arrivals import newcomers
from voltide.planning.forecast.stays import PastStay
from voltide.planning.forecast.steps import Steps

MONDAY = midnight(date(2026, 10, 26), SHENZHEN)
RUSH = {8: 12, 12: 6, 18: 20}
"""Cars a day, by the local hour in which they come."""


def weeks(days: int, counts: dict[int, int] | None = None, kind: str = "", wanted: float = 20_000.0, until=MONDAY):
    """The same every day."""
    return [
        stay(until - timedelta(days=day) + timedelta(hours=hour, minutes=3 * at), 1.0, kind=kind, wanted_wh=wanted)
        for day in range(1, days + 1)
        for hour, count in (RUSH if counts is None else counts).items()
        for at in range(count)
    ]


def watched(days: float, until=MONDAY) -> list[Interval]:
    return [Interval(until - timedelta(days=days), until)] if days else []


def foreseen(stays, days: float, steps: Steps, calendar=SHENZHEN, outlets: int = 46):
    return arrivals.foresee(stays, watched(days), calendar, steps, outlets)


def test_days_that_repeat_are_foreseen_with_their_hours_and_their_total():
    found = foreseen(weeks(56), 56, hours(MONDAY, 24))
    assert found.expected.sum() == pytest.approx(38.0, rel=0.01)
    assert found.expected[0, 8] == pytest.approx(12.0, rel=0.05)
    assert found.expected[0, 18] == pytest.approx(20.0, rel=0.05)
    assert found.expected[0, 3] < 0.1
    assert str(found.basis) == "learnt from 56 days"


def test_a_thin_hour_is_drawn_to_the_mean_and_a_watched_one_is_not():
    one, many = (foreseen(weeks(days), days, hours(MONDAY, 24)).expected[0] for days in (1, 50))
    assert one[18] < 0.75 * 20 < 0.9 * many[18]
    assert one[3] > 10 * many[3]


def test_counts_are_poisson_s_where_much_is_known():
    found = foreseen(weeks(56), 56, hours(MONDAY, 24)).counts()
    assert found.quantiles[:, 18].tolist() == pytest.approx([14, 20, 26], abs=1)
    assert found.quantiles[:, 3].tolist() == [0, 0, 0]


def test_nothing_known_is_two_cars_a_day_and_outlet_and_anything_from_hardly_any_to_many():
    found = foreseen([], 0, hours(MONDAY, 24))
    assert found.basis.assumed
    assert found.expected.sum() == pytest.approx(2 * 46)
    whole_day = foreseen([], 0, Steps.of(MONDAY, [86_400])).counts().quantiles[:, 0]
    assert whole_day[0] < 20
    assert whole_day[2] > 180


def test_a_watched_day_on_which_nobody_came_is_no_proof_that_nobody_ever_comes():
    found = foreseen([], 1, Steps.of(MONDAY, [86_400]))
    assert 0 < found.expected.sum() < 5
    assert found.counts((0.9,)).quantiles[0, 0] > 0


def test_hours_in_which_nobody_watched_teach_nothing():
    nights_only = [Interval(MONDAY - timedelta(days=day), MONDAY - timedelta(days=day - 0.25)) for day in range(1, 29)]
    found = arrivals.foresee(weeks(28), nights_only, SHENZHEN, hours(MONDAY, 24), 46)
    assert found.expected[0, :6].max() < 0.05
    assert found.expected[0, 18] < 1.0, "the stays at 18 h were recorded by nobody"


def test_being_watched_twice_is_being_watched_once():
    once = foreseen(weeks(10), 10, hours(MONDAY, 24)).expected
    twice = arrivals.foresee(weeks(10), watched(10) + watched(3) + watched(7), SHENZHEN, hours(MONDAY, 24), 46).expected
    assert np.allclose(once, twice)


def test_each_kind_has_its_hours_its_need_and_its_stay():
    mixed = weeks(28, {8: 10}, "commuter", 10_000.0) + weeks(28, {20: 5}, "taxi", 40_000.0)
    found = foreseen(mixed, 28, hours(MONDAY, 24))
    assert found.kinds == ("commuter", "taxi")
    assert found.expected[:, 8] == pytest.approx([10.0, 0.0], abs=0.5)
    assert found.energy_wh[0, 8] == pytest.approx(10_000.0, rel=0.01)
    assert found.energy_wh[1, 20] == pytest.approx(40_000.0, rel=0.01)
    assert found.stay_s[1, 20] == pytest.approx(3600.0)


def test_energy_that_was_not_told_is_what_the_car_had_and_senseless_energy_is_neither():
    told = [PastStay(arrived=MONDAY - timedelta(hours=5), wanted_wh=float("nan"), had_wh=30_000.0)] * 50
    assert foreseen(told, 1, hours(MONDAY, 24)).energy_wh == pytest.approx(30_000.0)
    absurd = [PastStay(arrived=MONDAY - timedelta(hours=5), wanted_wh=float("inf"))]
    assert foreseen(absurd, 1, hours(MONDAY, 24)).energy_wh == pytest.approx(arrivals.ENERGY_WH)


@pytest.mark.parametrize(("days", "hours_seen"), [(1, 0), (7, 5)])
def test_a_rate_is_as_unsure_as_the_hours_are_few_in_which_it_was_watched(days, hours_seen):
    """The day before Monday is a Sunday, which shows nothing of Monday's hour; the prior counts for one hour."""
    found = foreseen(weeks(days), days, hours(MONDAY, 24))
    mean = found.expected.sum(axis=0)
    level = mean**2 / (1.0 + 38.0 * days)
    assert (found.variance[18] - mean[18] - level[18]) / mean[18] == pytest.approx(1 / (1 + hours_seen))


def test_a_stay_that_ended_before_it_began_or_lasted_two_months_teaches_no_stay():
    came = MONDAY - timedelta(hours=5)
    odd = [PastStay(arrived=came, left=came - timedelta(hours=1))] * 50
    odd += [PastStay(arrived=came, left=came + timedelta(days=60))] * 50
    assert foreseen(odd, 1, hours(MONDAY, 24)).stay_s == pytest.approx(arrivals.STAY_S)


def test_the_day_the_clock_is_set_back_has_one_hour_more_of_the_same_rate():
    sunday = midnight(date(2026, 10, 25), BERLIN)
    past = weeks(28, {2: 10}, until=sunday)
    found = arrivals.foresee(past, watched(28, sunday), BERLIN, hours(sunday, 25), 10).expected[0]
    assert found[2] == pytest.approx(found[3])
    assert found[2] == pytest.approx(10.0, rel=0.1)
    assert found[4] < 0.5


def test_newcomers_are_the_expected_cars_and_no_weight_is_above_one():
    found = foreseen(weeks(28), 28, hours(MONDAY, 24))
    cars = list(newcomers(found))
    assert sum(car.weight for car in cars) == pytest.approx(found.expected.sum())
    assert all(0.0 < car.weight <= 1.0 for car in cars)
    assert sum(car.step == 18 for car in cars) == 20
    assert sum(car.weight * car.energy_wh for car in cars) == pytest.approx(20_000.0 * found.expected.sum())


def test_more_days_narrow_the_forecast():
    day = Steps.of(MONDAY, [86_400])
    even = dict.fromkeys(range(24), 2)
    widths = [wide(foreseen(weeks(days, even), days, day, outlets=24).counts())[0] for days in (0, 1, 5, 50)]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] == pytest.approx(2 * 1.2816 * 48**0.5, abs=2)


some_stays = st.builds(
    PastStay,
    arrived=around_now,
    left=st.none() | around_now,
    told=st.none() | around_now,
    wanted_wh=st.none() | st.floats(),
    had_wh=st.none() | st.floats(),
    kind=st.sampled_from(["", "taxi"]),
)
some_watched = st.lists(st.tuples(around_now, around_now).map(lambda two: Interval(*two)), max_size=4)


@laws
@given(
    st.lists(some_stays, max_size=30), some_watched, any_steps(), st.integers(0, 99), st.randoms(use_true_random=False)
)
def test_whatever_is_remembered_the_forecast_is_sound_and_its_order_changes_nothing(
    stays, spans, steps, outlets, chance
):
    found = arrivals.foresee(stays, spans, BERLIN, steps, outlets)
    assert is_sound(found.counts((0.01, 0.1, 0.5, 0.9, 0.99)))
    for part in (found.expected, found.energy_wh, found.stay_s, found.variance):
        assert np.isfinite(part).all()
        assert (part >= 0.0).all()
    assert (found.variance >= found.expected.sum(axis=0) - 1e-9).all()
    mixed, spans = chance.sample(stays, len(stays)), chance.sample(spans, len(spans))
    again = arrivals.foresee(mixed, spans, BERLIN, steps, outlets)
    assert np.array_equal(found.expected, again.expected)
    assert np.array_equal(found.energy_wh, again.energy_wh)


@laws
@given(st.floats(0.0, 2_000.0), st.floats(1.0, 50.0), st.floats(0.02, 0.98))
def test_a_quantile_of_counts_holds_its_share(mean, times, level):
    """Against numpy's own draws; a fault of one in the formulas would show."""
    found = arrivals._quantiles(mean, mean * times, (level,))[0]
    rng = np.random.default_rng(1)
    rate = rng.gamma(mean / (times - 1.0), times - 1.0, 20_000) if times > 1.0 else np.full(20_000, mean)
    drawn = rng.poisson(rate)
    assert np.mean(drawn <= found) >= level - 0.02
    assert np.mean(drawn < found) <= level + 0.02


def test_what_was_recorded_after_now_is_not_looked_at():
    later = weeks(3, until=NOW + timedelta(days=9))
    assert (
        arrivals.foresee(later, watched(30, NOW + timedelta(days=9)), SHENZHEN, hours(MONDAY, 24), 46).expected.sum()
        < 1.0
    )
