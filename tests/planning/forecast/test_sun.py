"""pvlib, which takes a second to import, is wanted in this module and in the domain's only."""

from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
import pandas as pd
import pvlib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.planning.forecast.days import (
    CANOPY,
    NOW,
    any_steps,
    bad_histories,
    history,
    hours,
    is_sound,
    laws,
    quarters,
    shuffled,
    wide,
)
from voltide.domain.picture import Minute
from voltide.domain.site import Photovoltaics
from voltide.planning.forecast import sun
from voltide.planning.forecast.steps import Series, Steps
from voltide.planning.forecast.sun import Canopy

DAWN = datetime(2026, 10, 25, 22, 0, tzinfo=UTC)
"""Six in the morning in Shenzhen."""


def clear(when: datetime, canopy: Canopy = CANOPY) -> float:
    start = np.array([when.timestamp()])
    return float(canopy.clear_w(start, start + 900.0)[0])


@pytest.mark.parametrize(
    ("place", "tilt", "azimuth"), [((22.54, 114.06), 10, 180), ((52.5, 13.4), 35, 150), ((-33.9, 18.4), 25, 0)]
)
def test_a_clear_sky_on_a_tilted_canopy_is_what_an_independent_library_says(place, tilt, azimuth):
    canopy = Canopy(
        panels=Photovoltaics(peak_w=1000.0, tilt_deg=tilt, azimuth_deg=azimuth), latitude=place[0], longitude=place[1]
    )
    times = [
        datetime(2026, 1, 5, tzinfo=UTC) + timedelta(days=31 * day, minutes=53 * at)
        for day in range(11)
        for at in range(27)
    ]
    sky = pvlib.solarposition.get_solarposition(pd.DatetimeIndex(times), *place, method="nrel_numpy")
    ghi = pvlib.clearsky.haurwitz(sky["zenith"])["ghi"]
    erbs = pvlib.irradiance.erbs(ghi, sky["zenith"], np.array([when.timetuple().tm_yday for when in times]))
    oracle = pvlib.irradiance.get_total_irradiance(
        tilt, azimuth, sky["zenith"], sky["azimuth"], erbs["dni"], ghi, erbs["dhi"], albedo=0.2, model="isotropic"
    )["poa_global"].to_numpy()
    at = np.array([when.timestamp() for when in times])
    ours = canopy.clear_w(at - 0.5, at + 0.5)
    high = sky["elevation"].to_numpy() > 10.0
    assert high.sum() > 80
    assert np.abs(ours - oracle)[high].max() < 25.0, "W per m2 of the diffuse part: the sun's distance is left out"
    assert ours[high].mean() == pytest.approx(oracle[high].mean(), rel=0.01)
    assert ours[sky["elevation"].to_numpy() < -0.5].max() == 0.0


def test_a_clear_quarter_of_an_hour_is_the_mean_of_its_moments():
    start = np.array([NOW.timestamp() + 4.5 * 3600.0])
    inside = start + np.arange(0.5, 900.0)
    assert CANOPY.clear_w(start, start + 900.0)[0] == pytest.approx(
        CANOPY.clear_w(inside - 0.5, inside + 0.5).mean(), rel=1e-4
    )


def test_the_same_clearness_every_day_is_foreseen_exactly():
    offered = history(DAWN, 20, lambda when: 0.7 * clear(when))
    forecast = sun.foresee(offered, CANOPY, Steps.of(DAWN, [300, 900, 2700, *[3600] * 20]))
    expected = sun.foresee(offered, CANOPY, Steps.of(DAWN, [900] * 96)).middle
    assert expected == pytest.approx(
        [0.7 * clear(when) for when in quarters(DAWN, DAWN + timedelta(days=1))], abs=0.05 * 152_000 * 0.03
    )
    assert is_sound(forecast)
    assert str(forecast.basis) == "learnt from 20 days"


def test_at_night_nothing_is_foreseen_and_that_is_certain():
    night = NOW + timedelta(hours=9)
    assert sun.foresee(Series.of([], []), CANOPY, hours(night, 6)).quantiles == pytest.approx(0.0)


def test_without_a_history_the_forecast_is_wide_and_says_so():
    forecast = sun.foresee(Series.of([], []), CANOPY, hours(NOW, 2))
    assert forecast.basis.assumed
    assert str(forecast.basis) == "assumed: nothing learnt yet"
    top = float(CANOPY.clear_w(*(np.array([NOW.timestamp() + add]) for add in (0.0, 900.0)))[0])
    assert forecast.quantiles[:, 0] == pytest.approx([0.15 * top, 0.60 * top, 0.85 * top], rel=0.02)


def test_a_gloomy_morning_darkens_the_next_hour_more_than_the_afternoon_and_tomorrow_not_at_all():
    def offered(when: datetime) -> float:
        gloom = 0.3 if when >= DAWN else 0.7 + 0.1 * np.sin(when.timestamp() / 86_400 // 1)
        return gloom * clear(when)

    gloomy = sun.foresee(history(NOW, 20, offered), CANOPY, hours(NOW, 26))
    usual = sun.foresee(
        history(NOW, 20, lambda when: offered(when) if when < DAWN else 0.7 * clear(when)), CANOPY, hours(NOW, 26)
    )
    darker = gloomy.middle / np.where(usual.middle > 0, usual.middle, np.inf)
    assert darker[0] < darker[2] < darker[4] < 0.9
    assert darker[25] == pytest.approx(1.0, abs=0.01)
    assert wide(gloomy)[0] / usual.middle[0] < wide(gloomy)[4] / usual.middle[4]


def test_the_first_dim_minutes_say_less_of_the_day_than_the_bright_ones_after_them():
    now = DAWN + timedelta(minutes=90)
    dim = now - timedelta(minutes=30)

    def offered(when: datetime, morning: float) -> float:
        usual = 0.65 + 0.1 * (when.toordinal() % 2)
        return (usual if when < DAWN else morning if when < dim else 0.7) * clear(when)

    middle, usual = (
        sun.foresee(history(now, 20, partial(offered, morning=morning)), CANOPY, Steps.of(now, [900])).middle[0]
        for morning in (0.35, 0.7)
    )
    assert 0.9 * usual < middle < usual


def test_a_wrong_peak_in_the_file_is_learnt_with_the_clouds():
    larger = Canopy(panels=Photovoltaics(peak_w=190_000.0), latitude=22.54, longitude=114.06)
    offered = history(NOW, 20, lambda when: 0.7 * clear(when, larger))
    assert sun.foresee(offered, CANOPY, hours(NOW, 3)).middle == pytest.approx(
        sun.foresee(offered, larger, hours(NOW, 3)).middle, rel=0.01
    )


def test_what_was_measured_after_now_is_not_looked_at():
    early = history(NOW, 10, lambda when: 0.6 * clear(when))
    late = history(NOW + timedelta(days=2), 12, lambda when: (0.6 if when < NOW else 0.1) * clear(when))
    assert np.array_equal(
        sun.foresee(early, CANOPY, hours(NOW, 6)).quantiles, sun.foresee(late, CANOPY, hours(NOW, 6)).quantiles
    )


def test_more_days_narrow_the_forecast():
    widths = [
        wide(sun.foresee(history(DAWN, days, lambda when: 0.7 * clear(when)), CANOPY, hours(DAWN, 12))).sum()
        for days in (0, 1, 3, 10, 40)
    ]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.1 * widths[0]


def test_the_station_s_minutes_count_what_flows_out_of_the_canopy_as_given():
    minute = Minute(
        at=NOW,
        grid_w=0,
        pv_w=-80_000.0,
        battery_w=0,
        battery_soc=None,
        building_w=0,
        cars_in_w=0,
        cars_out_w=0,
        price_buy=None,
        connected=0,
    )
    assert sun.gave([minute]).value.tolist() == [80_000.0]


@laws
@given(bad_histories(), any_steps(), st.floats(-66.0, 66.0), st.floats(-180.0, 180.0), st.floats(0.0, 1e6))
def test_whatever_the_history_and_place_the_forecast_is_finite_ordered_and_not_negative(
    offered, steps, latitude, longitude, peak
):
    canopy = Canopy(panels=Photovoltaics(peak_w=peak), latitude=latitude, longitude=longitude)
    forecast = sun.foresee(offered, canopy, steps, (0.05, 0.1, 0.5, 0.9, 0.95))
    assert is_sound(forecast)
    assert forecast.quantiles.max() <= 1.5 * peak * 1.4


@laws
@given(bad_histories(), st.integers(0, 99))
def test_the_order_of_the_history_changes_nothing(offered, seed):
    one, other = (sun.foresee(series, CANOPY, hours(NOW, 8)).quantiles for series in (offered, shuffled(offered, seed)))
    assert np.array_equal(one, other)
