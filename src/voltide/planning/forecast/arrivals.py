"""How many cars will come, with how much need and for how long.

An hour of a kind of day has a rate of its own as far as it has been watched, and takes the rest from its hour on all
days, and that from the mean of all hours: a gamma prior of one hour's weight each time. As the rates are themselves
uncertain, counts are negative binomial; with much history they are Poisson's.

Source: A. Gelman et al., "Bayesian Data Analysis", 3rd ed., section 2.6 (Poisson counts with exposure).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil, log1p

import numpy as np

from voltide.domain.time import Interval
from voltide.domain.units import Seconds, WattHours
from voltide.planning.forecast.calendar import Calendar
from voltide.planning.forecast.climate import HOURS
from voltide.planning.forecast.stays import PastStay, kinds
from voltide.planning.forecast.steps import DAY_S, KEPT_DAYS, LEVELS, Array, Basis, Forecast, Index, Steps

VISITS_A_DAY = 2.0
"""Per outlet, where nothing is known; assumed, and worth one hour of watching."""
SHRINK_H = 1.0
"""Hours of watching that the mean above is worth."""
ENERGY_WH: WattHours = 25_000.0
"""Wanted by a car of which nothing is known: 20 to 30 kWh are told of public visits."""
STAY_S: Seconds = 3600.0
"""Likewise its stay; assumed."""
SHRINK_STAYS = 5.0
"""Stays that the mean above an hour's own is worth."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arrivals:
    """Who is expected, by kind and step."""

    steps: Steps
    kinds: tuple[str, ...]
    expected: Array
    """How many."""
    energy_wh: Array
    """Wanted by each."""
    stay_s: Array
    variance: Array
    """Of the count of all kinds together, by step."""
    basis: Basis

    def counts(self, levels: tuple[float, ...] = LEVELS) -> Forecast:
        """Quantiles of the count of all kinds together: whole numbers."""
        means = self.expected.sum(axis=0)
        values = [_quantiles(mean, var, levels) for mean, var in zip(means, self.variance, strict=True)]
        shaped = np.array(values, dtype=np.float64).reshape(self.steps.count, len(levels)).T
        return Forecast(steps=self.steps, quantiles=shaped, basis=self.basis, levels=levels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """An expected car that counts by its weight: what a plan takes as a virtual stay."""

    kind: str
    step: int
    """In which it comes."""
    weight: float
    """How likely, above 0 and at most 1."""
    energy_wh: WattHours
    stay_s: Seconds


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Watched:
    """What was seen: hours by kind of day and local hour, and arrivals by kind of driver besides."""

    hours: Array
    counts: Array
    energy_wh: Array
    stay_s: Array
    days: int


def foresee(
    stays: Sequence[PastStay], watched: Sequence[Interval], calendar: Calendar, steps: Steps, outlets: int
) -> Arrivals:
    """Who will come. ``watched``: when the station recorded arrivals; others teach nothing."""
    spans = _merged(watched, steps.start_s)
    arrived = np.array([stay.arrived.timestamp() for stay in stays], dtype=np.float64)
    known = [stay for stay, inside in zip(stays, _inside(arrived, spans), strict=True) if inside]
    names = tuple(kinds(known)) or ("",)
    seen = _watch(known, names, spans, calendar)
    shape, rate_h = _rates(seen, max(0, outlets) * VISITS_A_DAY / HOURS / len(names))
    ahead = _hours(steps, calendar)
    expected = np.einsum("swh,kwh->kswh", ahead, shape / rate_h)
    per_step = expected.sum(axis=(2, 3))
    unsure = np.einsum("swh,kwh->s", ahead**2, shape / rate_h**2)
    level = per_step.sum(axis=0) ** 2 / (1.0 + seen.counts.sum())
    return Arrivals(
        steps=steps,
        kinds=names,
        expected=per_step,
        energy_wh=_weighed(expected, seen.energy_wh),
        stay_s=_weighed(expected, seen.stay_s),
        variance=per_step.sum(axis=0) + unsure + level,
        basis=Basis(days=seen.days),
    )


def newcomers(arrivals: Arrivals) -> Iterator[Newcomer]:
    """The expected cars, kind by kind and step by step; where more than one is expected there are several."""
    for kind, row in enumerate(arrivals.expected):
        for step, expected in enumerate(row.tolist()):
            for _ in range(ceil(expected)):
                yield Newcomer(
                    kind=arrivals.kinds[kind],
                    step=step,
                    weight=expected / ceil(expected),
                    energy_wh=float(arrivals.energy_wh[kind, step]),
                    stay_s=float(arrivals.stay_s[kind, step]),
                )


def _rates(seen: _Watched, unknown: float) -> tuple[Array, Array]:
    """Shape and rate (h) of a gamma by driver, kind of day and hour; a kind's hours keep its day's total."""
    mean = (seen.counts.sum(axis=(1, 2)) + unknown) / (seen.hours.sum() + 1.0)
    hourly = (seen.counts.sum(axis=1) + SHRINK_H * mean[:, None]) / (seen.hours.sum(axis=0) + SHRINK_H)
    return seen.counts + SHRINK_H * hourly[:, None, :], seen.hours + SHRINK_H


def _watch(known: Sequence[PastStay], names: tuple[str, ...], spans: Array, calendar: Calendar) -> _Watched:
    hours, days = np.zeros((2, HOURS)), set[int]()
    for start, end in spans.tolist():
        pieces = Steps(edges=(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC))).pieces()
        clock = calendar.read(pieces.start_s)
        np.add.at(hours, (clock.kind, clock.hour), pieces.seconds / 3600.0)
        days |= set(clock.day.tolist())
    clock = calendar.read(np.array([stay.arrived.timestamp() for stay in known], dtype=np.float64))
    driver = np.array([names.index(stay.kind) for stay in known], dtype=np.intp)
    counts = np.zeros((len(names), 2, HOURS))
    np.add.at(counts, (driver, clock.kind, clock.hour), 1.0)
    place = driver * HOURS + clock.hour
    energy = _means([stay.energy_wh for stay in known], place, len(names), ENERGY_WH)
    stay = _means([stay.stay_s for stay in known], place, len(names), STAY_S)
    return _Watched(hours=hours, counts=counts, energy_wh=energy, stay_s=stay, days=len(days))


def _means(told: Sequence[float | None], place: Index, names: int, unknown: float) -> Array:
    """Means by driver and hour, drawn to the driver's mean, and that to the mean of all."""
    value = np.array([np.nan if one is None else one for one in told], dtype=np.float64)
    good = ~np.isnan(value)
    order = np.lexsort((value[good], place[good]))
    value, place = value[good][order], place[good][order]
    number = np.bincount(place, minlength=names * HOURS).reshape(names, HOURS)
    total = np.bincount(place, value, names * HOURS).reshape(names, HOURS)
    overall = total.sum() / number.sum() if number.sum() else unknown
    mine = (total.sum(axis=1) + overall) / (number.sum(axis=1) + 1.0)
    mean: Array = (total + SHRINK_STAYS * mine[:, None]) / (number + SHRINK_STAYS)
    return mean


def _weighed(expected: Array, by_hour: Array) -> Array:
    """By driver and step, the mean over those who come then."""
    weight = expected.sum(axis=2)
    total = weight.sum(axis=2)
    mean = np.einsum("ksh,kh->ks", weight, by_hour) / np.where(total > 0.0, total, 1.0)
    weighed: Array = np.where(total > 0.0, mean, by_hour.mean(axis=1)[:, None])
    return weighed


def _hours(steps: Steps, calendar: Calendar) -> Array:
    """How much of each step lies in each kind of day and local hour, in h."""
    pieces = steps.pieces()
    clock = calendar.read(pieces.start_s)
    hours = np.zeros((steps.count, 2, HOURS))
    np.add.at(hours, (pieces.step, clock.kind, clock.hour), pieces.seconds / 3600.0)
    return hours


def _merged(watched: Sequence[Interval], now_s: Seconds) -> Array:
    """Rows of start and end, apart and in order, of the days that count."""
    first = now_s - KEPT_DAYS * DAY_S
    spans: list[list[float]] = []
    for start, end in sorted((max(first, i.start.timestamp()), min(now_s, i.end.timestamp())) for i in watched):
        if end <= start:
            continue
        if spans and start <= spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], end)
        else:
            spans.append([start, end])
    return np.array(spans, dtype=np.float64).reshape(-1, 2)


def _inside(at_s: Array, spans: Array) -> list[bool]:
    place = np.searchsorted(spans[:, 0], at_s, side="right") - 1
    return [at >= 0 and moment < spans[at, 1] for at, moment in zip(place.tolist(), at_s.tolist(), strict=True)]


def _quantiles(mean: float, variance: float, levels: tuple[float, ...]) -> list[float]:
    """Of a negative binomial count with a variance above its mean, else of a Poisson count.

    >>> _quantiles(3.0, 3.0, (0.1, 0.5, 0.9)), _quantiles(0.0, 0.0, (0.9,))
    ([1.0, 3.0, 5.0], [0.0])
    """
    if mean < 1e-12:
        return [0.0] * len(levels)
    count = np.arange(min(200_000, ceil(mean + 12.0 * variance**0.5) + 20))
    excess = variance / mean - 1.0
    if excess > 1e-9:
        size = mean / excess
        first, rise = -size * log1p(excess), (size + count) / (count + 1.0) * excess / (1.0 + excess)
    else:
        first, rise = -mean, mean / (count + 1.0)
    chance = np.exp(first + np.concatenate([[0.0], np.cumsum(np.log(rise[:-1]))]))
    found = np.searchsorted(np.cumsum(chance), levels)
    return [float(one) for one in np.minimum(found, len(count) - 1)]
