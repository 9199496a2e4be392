"""Days of measurements and of cars, and the laws' strategies for bad ones."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from voltide.domain.site import Photovoltaics
from voltide.planning.forecast.calendar import Calendar
from voltide.planning.forecast.stays import PastStay
from voltide.planning.forecast.steps import Forecast, Series, Steps
from voltide.planning.forecast.sun import Canopy

laws = settings(deadline=None, max_examples=40)

BERLIN = Calendar(zone=ZoneInfo("Europe/Berlin"))
SHENZHEN = Calendar(zone=ZoneInfo("Asia/Shanghai"))
CANOPY = Canopy(panels=Photovoltaics(peak_w=152_000.0), latitude=22.54, longitude=114.06)
NOW = datetime(2026, 10, 26, 4, 0, tzinfo=UTC)
"""Monday noon in Shenzhen; in Berlin the clock was set back the day before."""


def midnight(day: date, calendar: Calendar) -> datetime:
    return datetime.combine(day, time(0), calendar.zone).astimezone(UTC)


def quarters(first: datetime, end: datetime) -> list[datetime]:
    return [first + timedelta(seconds=900 * at) for at in range(int((end - first).total_seconds() // 900))]


def history(until: datetime, days: float, value: Callable[[datetime], float]) -> Series:
    """Quarter by quarter, up to a moment."""
    moments = quarters(until - timedelta(days=days), until)
    return Series.of(moments, [value(moment) for moment in moments])


def hours(start: datetime, count: int) -> Steps:
    return Steps.of(start, [3600.0] * count)


def wide(forecast: Forecast) -> np.ndarray:
    return forecast.quantiles[-1] - forecast.quantiles[0]


def is_sound(forecast: Forecast, *, least: float = 0.0) -> bool:
    """Finite, ordered, and not below what is physically possible."""
    values = forecast.quantiles
    ordered = bool(np.all(np.diff(values, axis=0) >= -1e-9 * np.maximum(1.0, np.abs(values[:-1]))))
    return ordered and bool(np.isfinite(values).all()) and bool((values >= least).all())


def stay(arrived: datetime, hours_: float, late_s: float = 0.0, kind: str = "", wanted_wh: float | None = 20_000.0):
    left = arrived + timedelta(hours=hours_)
    told = left - timedelta(seconds=late_s)
    return PastStay(arrived=arrived, left=left, told=told, wanted_wh=wanted_wh, kind=kind)


def shuffled(series: Series, seed: int) -> Series:
    order = np.random.default_rng(seed).permutation(len(series.at_s))
    return Series.measured(series.at_s[order], series.value[order])


bad_numbers = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True), st.floats(-1e6, 1e6))
around_now = st.integers(-40 * 86_400, 3 * 86_400).map(lambda seconds: NOW + timedelta(seconds=seconds))


@st.composite
def bad_histories(draw: st.DrawFn) -> Series:
    """Anything that a meter and a lossy store can make of it: gaps, repetitions, NaN, one value, none, the future."""
    rows: Sequence[tuple[datetime, float | None]] = draw(st.lists(st.tuples(around_now, bad_numbers), max_size=60))
    return Series.of([at for at, _ in rows], [value for _, value in rows])


@st.composite
def any_steps(draw: st.DrawFn) -> Steps:
    """Unequal steps of seconds to half a day, beginning anywhere."""
    start = NOW + timedelta(seconds=draw(st.integers(0, 86_400)))
    return Steps.of(start, draw(st.lists(st.floats(1.0, 43_200.0), min_size=1, max_size=12)))
