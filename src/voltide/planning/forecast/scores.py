"""How good a forecast is, on days that it has not seen, beside what anybody could have said.

Source: T. Gneiting, A. Raftery, "Strictly proper scoring rules, prediction, and estimation", J. American Statistical
Association 102 (2007) 359-378: the quantile (pinball) score in section 6.1, coverage of intervals in 6.2.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import numpy as np

from voltide.domain.units import Fraction, Seconds
from voltide.planning.forecast.calendar import Calendar
from voltide.planning.forecast.steps import DAY_S, Array, Forecast, Series, Steps

STEP_S: Seconds = 3600.0

Foresee = Callable[[Series, Steps], Forecast]
"""A forecast of a series that has been given everything else it needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Means over all steps that were measured, in the unit of the series."""

    pinball: Mapping[float, float]
    """By level: what the quantile cost; lower is better."""
    coverage: Fraction
    """How many steps lay between the lowest and the highest quantile, both counted in, without those that were rightly
    said to be certain, as the sun's nights are ..."""
    nominal: Fraction
    """... and how many should be."""
    mae: float
    """Mean absolute error of the middle."""
    baselines: Mapping[str, float]
    """The same of whoever says "as in the last hour", "as yesterday", "as always at this hour"."""
    days: int
    steps: int

    @property
    def skill(self) -> float:
        """How much smaller the error is than the best baseline's: 1 is perfect, 0 as good, below 0 not worth it.

        0 as well where a baseline makes no error and so does the forecast; and -1 where only the forecast errs.
        """
        best = min(self.baselines.values())
        if best <= 0.0:
            return 0.0 if self.mae <= 0.0 else -1.0
        return 1.0 - self.mae / best


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Day:
    """One day: what was foreseen and what came, at the steps at which anything was measured."""

    values: Array
    came: Array
    baselines: Mapping[str, Array]


def score(history: Series, held_back_days: int, foresee: Foresee, calendar: Calendar) -> Scores | None:
    """Foresee each of the last local days from all that came before its midnight, by the hour, and compare.

    None where nothing can be compared: no such day, or nothing before it. Persistence is a weak opponent at midnight
    for anything with a day's rhythm; the other two are fair.
    """
    days, levels = [], tuple[float, ...]()
    for steps in _days(history, held_back_days, calendar):
        before = history.before(steps.start_s)
        came = means(history.quarters(), steps)
        there = np.isfinite(came)
        if not len(before.at_s) or not there.any():
            continue
        found = foresee(before, steps)
        levels = found.levels
        rivals = {name: values[there] for name, values in _baselines(before, steps, calendar).items()}
        days.append(_Day(values=found.quantiles[:, there], came=came[there], baselines=rivals))
    return _scored(days, levels) if days else None


def pinball(level: float, foreseen: Array, came: Array) -> float:
    """The quantile score, a mean.

    >>> pinball(0.9, np.array([10.0]), np.array([20.0])), round(pinball(0.9, np.array([10.0]), np.array([0.0])), 9)
    (9.0, 1.0)
    """
    off = came - foreseen
    return float(np.mean(np.maximum(level * off, (level - 1.0) * off)))


def means(series: Series, steps: Steps) -> Array:
    """By step, the mean of what was measured in it; NaN where nothing was."""
    edges = np.array([edge.timestamp() for edge in steps.edges])
    place = np.searchsorted(series.at_s, edges)
    return np.array([series.value[a:b].mean() if b > a else np.nan for a, b in pairwise(place.tolist())])


def _scored(days: Sequence[_Day], levels: tuple[float, ...]) -> Scores:
    values = np.concatenate([day.values for day in days], axis=1)
    came = np.concatenate([day.came for day in days])
    rivals = {name: np.concatenate([day.baselines[name] for day in days]) for name in days[0].baselines}
    slack = 1e-9 * np.maximum(1.0, np.abs(came))  # an exact forecast misses by a rounding
    low, high = values.min(axis=0), values.max(axis=0)
    inside = (low - slack <= came) & (came <= high + slack)
    open_ = ~inside | (high > low)
    return Scores(
        pinball={level: pinball(level, row, came) for level, row in zip(levels, values, strict=True)},
        coverage=float(np.mean(inside[open_])) if open_.any() else 1.0,
        nominal=max(levels) - min(levels),
        mae=float(np.mean(np.abs(values[levels.index(0.5)] - came))),
        baselines={name: float(np.mean(np.abs(said - came))) for name, said in rivals.items()},
        days=len(days),
        steps=len(came),
    )


def _baselines(before: Series, steps: Steps, calendar: Calendar) -> Mapping[str, Array]:
    """What anybody could say; where yesterday is missing, the last hour stands in."""
    quarters = before.quarters()
    recent = float(np.mean(quarters.value[quarters.at_s > quarters.at_s[-1] - STEP_S]))
    back = Steps(edges=tuple(edge - timedelta(seconds=DAY_S) for edge in steps.edges))
    yesterday = means(quarters, back)
    hour = calendar.read(quarters.at_s).hour
    number, total = np.bincount(hour, minlength=24), np.bincount(hour, quarters.value, 24)
    always = np.where(number > 0, total / np.maximum(number, 1), quarters.value.mean())
    starts = np.array([edge.timestamp() for edge in steps.edges[:-1]])
    return {
        "last hour": np.full(steps.count, recent),
        "yesterday": np.where(np.isnan(yesterday), recent, yesterday),
        "climatology": always[calendar.read(starts).hour],
    }


def _days(history: Series, count: int, calendar: Calendar) -> Iterator[Steps]:
    """The last local days with any measurement, each by the hour from midnight to midnight."""
    measured = np.unique(calendar.read(history.at_s).day)
    for day in measured[len(measured) - min(max(count, 0), len(measured)) :].tolist():
        start, end = (
            datetime.combine(date.fromordinal(day + more), time(0), calendar.zone).astimezone(UTC) for more in (0, 1)
        )
        hours = int((end - start).total_seconds() // STEP_S)
        edges = [start + timedelta(seconds=STEP_S * at) for at in range(hours + 1)]
        yield Steps(edges=tuple(edges if edges[-1] == end else [*edges, end]))
