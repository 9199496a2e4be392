from datetime import date, datetime, timedelta
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.planning.forecast.days import BERLIN, CANOPY, SHENZHEN, bad_histories, history, laws, midnight
from tests.planning.forecast.test_load import MOST_W, usual
from tests.planning.forecast.test_sun import clear
from voltide.planning.forecast import load, sun
from voltide.planning.forecast.scores import pinball, score
from voltide.planning.forecast.steps import LEVELS, Basis, Forecast, Series, Steps

END = midnight(date(2026, 10, 26), SHENZHEN)


def shop(series: Series, steps: Steps, calendar=SHENZHEN) -> Forecast:
    return load.foresee(series, calendar, MOST_W, steps)


def canopy(series: Series, steps: Steps) -> Forecast:
    return sun.foresee(series, CANOPY, steps)


def saying(*quantiles: float):
    """A forecaster that always says the same."""
    return lambda _, steps: Forecast(
        steps=steps, quantiles=np.tile(np.array(quantiles)[:, None], steps.count), basis=Basis(days=0)
    )


def test_a_repeating_week_scores_without_error_where_yesterday_errs_at_the_weekend():
    found = score(history(END, 35, usual), 7, shop, SHENZHEN)
    assert found is not None
    assert (found.days, found.steps) == (7, 7 * 24)
    assert found.mae == pytest.approx(0.0, abs=1e-6)
    assert found.baselines["yesterday"] > 1_000
    assert found.coverage == 1.0
    assert found.skill == pytest.approx(1.0)


def test_what_is_always_said_scores_as_reckoned_by_hand():
    """Ten came; 4, 8 and 11 were said."""
    found = score(history(END, 3, lambda _: 10.0), 2, saying(4.0, 8.0, 11.0), SHENZHEN)
    assert found.pinball == pytest.approx({0.1: 0.6, 0.5: 1.0, 0.9: 0.1})
    assert (found.mae, found.coverage, found.nominal) == (2.0, 1.0, pytest.approx(0.8))
    assert found.baselines == {"last hour": 0.0, "yesterday": 0.0, "climatology": 0.0}
    assert found.skill == -1.0
    assert score(history(END, 3, lambda _: 10.0), 2, saying(4.0, 8.0, 9.0), SHENZHEN).coverage == 0.0


def test_the_baselines_are_the_last_hour_yesterday_and_the_hour_s_mean():
    """Days of 10, 20, 30 and 40: at each midnight the last hour and yesterday are 10 too low, the mean 15 and 20."""
    first = END - timedelta(days=4)
    found = score(history(END, 4, lambda when: 10.0 * (1 + (when - first).days)), 2, saying(0.0, 0.0, 0.0), SHENZHEN)
    assert found.baselines == pytest.approx({"last hour": 10.0, "yesterday": 10.0, "climatology": (15.0 + 20.0) / 2})
    assert found.mae == pytest.approx(35.0)


def test_steps_that_were_rightly_certain_prove_no_coverage_and_wrongly_certain_ones_disprove_it():
    def half_sure(_: Series, steps: Steps) -> Forecast:
        quantiles = np.tile(np.array([[4.0], [8.0], [9.0]]), steps.count)
        quantiles[:, ::2] = 10.0
        return Forecast(steps=steps, quantiles=quantiles, basis=Basis(days=0))

    taken = history(END, 3, lambda _: 10.0)
    assert score(taken, 2, half_sure, SHENZHEN).coverage == 0.0
    assert score(taken, 2, saying(10.0, 10.0, 10.0), SHENZHEN).coverage == 1.0
    assert score(taken, 2, saying(9.0, 9.0, 9.0), SHENZHEN).coverage == 0.0


def test_the_held_back_days_are_not_seen():
    seen = []

    def watching(series: Series, steps: Steps) -> Forecast:
        seen.append(series.at_s.max() < steps.start_s)
        return saying(0.0, 0.0, 0.0)(series, steps)

    score(history(END, 10, usual), 4, watching, SHENZHEN)
    assert seen == [True] * 4


def test_a_cloudy_autumn_s_sun_and_a_noisy_shop_are_foreseen_better_than_by_anybody():
    rng = np.random.default_rng(11)
    clouds = {day: rng.uniform(0.2, 0.9) for day in range(60)}
    jitter = {}

    def offered(when: datetime) -> float:
        return clouds[(END - when).days] * clear(when) * jitter.setdefault(when, rng.uniform(0.7, 1.3))

    cloudy = score(history(END, 40, offered), 14, canopy, SHENZHEN)
    noisy = score(
        history(END, 40, lambda when: usual(when) * jitter.setdefault(when, rng.uniform(0.7, 1.3))), 14, shop, SHENZHEN
    )
    assert cloudy.skill > -0.05, "nobody knows tomorrow's clouds at midnight"
    assert noisy.skill > 0.3
    assert 0.6 < cloudy.coverage < 0.95
    assert noisy.coverage > 0.8, "wide: an hour's mean of a jitter is taken to be as unsure as its quarters"


def test_the_long_day_of_the_clock_has_25_hours_to_score():
    end = midnight(date(2026, 10, 26), BERLIN)
    found = score(history(end, 30, partial(usual, calendar=BERLIN)), 1, partial(shop, calendar=BERLIN), BERLIN)
    assert (found.days, found.steps) == (1, 25)
    assert found.mae == pytest.approx(0.0, abs=1e-6)


def test_nothing_to_compare_is_no_score():
    assert score(Series.of([], []), 3, shop, SHENZHEN) is None
    assert score(history(END, 1, usual), 1, shop, SHENZHEN) is None, "nothing came before it"
    assert score(history(END, 5, usual), 0, shop, SHENZHEN) is None


@laws
@given(bad_histories(), st.integers(-1, 60))
def test_whatever_the_history_the_scores_are_finite(taken, days):
    found = score(taken, days, partial(shop, calendar=BERLIN), BERLIN)
    if found is not None:
        assert all(
            np.isfinite(one) for one in (found.mae, found.coverage, *found.pinball.values(), *found.baselines.values())
        )
        assert 0.0 <= found.coverage <= 1.0


@laws
@given(st.lists(st.floats(-100, 100), min_size=3, max_size=30), st.sampled_from(LEVELS))
def test_no_constant_scores_better_than_the_quantile_itself(came, level):
    actual = np.array(came)
    best = pinball(level, np.full(len(came), np.quantile(actual, level, method="inverted_cdf")), actual)
    others = [pinball(level, np.full(len(came), other), actual) for other in (*came, 0.0, 50.0)]
    assert best <= min(others) + 1e-9
