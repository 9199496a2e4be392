from datetime import UTC, datetime, timedelta

import pandas as pd
import pvlib
import pytest

from voltide.domain.sun import clear_sky, diffuse_share, on_canopy, sun_position

SHENZHEN = (22.6, 114.0)
TIMES = [
    datetime(2025, 3, 28, tzinfo=UTC) + timedelta(days=37 * day, minutes=47 * step)
    for day in range(10)
    for step in range(31)
]


@pytest.mark.parametrize("place", [SHENZHEN, (31.2, 121.5), (-33.9, 18.4), (59.3, 18.1)])
def test_the_sun_stands_where_an_independent_library_says(place: tuple[float, float]) -> None:
    oracle = pvlib.solarposition.get_solarposition(pd.DatetimeIndex(TIMES), *place, method="nrel_numpy")
    for when, elevation, azimuth in zip(TIMES, oracle["elevation"], oracle["azimuth"], strict=True):
        ours = sun_position(when, *place)
        assert ours[0] == pytest.approx(elevation, abs=0.05)
        if abs(elevation) < 85:
            assert abs((ours[1] - azimuth + 180) % 360 - 180) < 0.2


def test_the_clear_sky_and_its_diffuse_part_are_those_of_an_independent_library() -> None:
    for elevation in range(4, 90, 5):
        oracle = pvlib.clearsky.haurwitz(pd.Series([90.0 - elevation]))["ghi"].iloc[0]
        assert clear_sky(elevation) == pytest.approx(oracle, rel=1e-3)
        for share in (0.2, 0.5, 0.9):
            erbs = pvlib.irradiance.erbs(share * oracle, 90.0 - elevation, 80)
            assert diffuse_share(share * oracle, elevation) == pytest.approx(erbs["dhi"] / (share * oracle), abs=0.02)


def test_a_level_canopy_sees_what_level_ground_sees_and_a_tilted_one_more_at_noon_in_winter() -> None:
    noon = datetime(2025, 12, 21, 4, 24, tzinfo=UTC)
    sun = sun_position(noon, *SHENZHEN)
    sky = clear_sky(sun[0])
    assert on_canopy(sky, sun, 0.0, 180.0) == pytest.approx(sky)
    assert on_canopy(sky, sun, 20.0, 180.0) > 1.1 * sky
    assert on_canopy(sky, (-5.0, 10.0), 20.0, 180.0) == 0.0
