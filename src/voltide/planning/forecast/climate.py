"""What is usual at an hour, how far days stray from it, and how long today's straying lasts.

    middle(t) = usual(kind, slot) + w · anomaly          w = memory ** hours since it was measured
    level(t)  = middle(t) + √(1 - w²) · spread(level, kind, hour)

So a forecast of the next minutes follows today, and one of tomorrow is the climate: an AR(1) process about a daily
mean, with the spread as it was measured instead of a normal one. Where there are few days, the spread is mixed with
the prior's, as if the prior had been watched for ``PRIOR_DAYS``.

Source: R. Hyndman, G. Athanasopoulos, "Forecasting: Principles and Practice", 3rd ed., sections 5.2 (the seasonal
naive method) and 10.2 (regression with AR errors).
"""

from dataclasses import dataclass

import numpy as np

from voltide.domain.units import Seconds
from voltide.planning.forecast.steps import DAY_S, Array, Index

HOURS = 24
PRIOR_DAYS = 2.0
"""As many days the prior's spread is worth."""
RECENT_S = 3600.0
"""The last hour of measurements says how today strays."""
STALE_S = DAY_S
"""An anomaly that is older than this says nothing."""
MEMORY = 0.6
"""How much of an anomaly is left after an hour where too few hours are known; assumed."""
LEAST_HOURS = 24
"""Pairs of hours that a memory is learnt from."""
MOST_MEMORY = 0.95
"""Not even the next minute is known better than this."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """Measurements in order of time, and where on the clock each stands."""

    at_s: Array
    value: Array
    slot: Index
    kind: Index
    """0 or 1: a working day or not; all 0 where that means nothing."""
    day: Index
    slots: int
    """In a day; a multiple of 24."""

    def hour(self, slot: Index) -> Index:
        """The hour that a slot lies in."""
        hour: Index = slot // (self.slots // HOURS)
        return hour


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Climate:
    """What was learnt."""

    usual: Array
    """By kind and slot: the median."""
    spread: Array
    """By level, kind and hour: how far from the usual; 0 at the level 0.5."""
    memory: float
    anomaly: float
    anomaly_at_s: Seconds
    days: int

    def foresee(self, at_s: Array, slot: Index, kind: Index) -> Array:
        """Quantiles by level and moment; every moment lies after what was learnt."""
        age_h = np.maximum(at_s - self.anomaly_at_s, 0.0) / 3600.0
        fresh = age_h * 3600.0 < STALE_S
        left = np.where(fresh, np.minimum(MOST_MEMORY, self.memory ** np.minimum(age_h, 2 * HOURS)), 0.0)
        hour = slot // (self.usual.shape[1] // HOURS)
        middle = self.usual[kind, slot] + left * self.anomaly
        quantiles: Array = middle + np.sqrt(1.0 - left**2) * self.spread[:, kind, hour]
        return quantiles


def learn(seen: Seen, levels: tuple[float, ...], prior: Array, weight: Array | None = None) -> Climate:
    """Learn. ``prior``: the quantiles at ``levels`` of whoever knows nothing, and last its median.

    ``weight``: how much each measurement counts in today's anomaly, where that differs.
    """
    usual = _usual(seen, float(prior[-1]))
    strayed = seen.value - usual[seen.kind, seen.slot]
    anomaly, at_s = _anomaly(seen.at_s, strayed, np.ones_like(strayed) if weight is None else weight)
    return Climate(
        usual=usual,
        spread=_spread(seen, strayed, levels, prior[:-1] - prior[-1]),
        memory=_memory(seen.at_s, strayed),
        anomaly=anomaly,
        anomaly_at_s=at_s,
        days=len(np.unique(seen.day)),
    )


def _usual(seen: Seen, unknown: float) -> Array:
    """Medians by kind and slot; a slot without any takes its hour's, then the other kind's, then that of all."""
    usual = np.full((2, seen.slots), np.nan)
    per_hour = seen.slots // HOURS
    key = seen.kind * seen.slots + seen.slot
    for place, median in _medians(key, seen.value):
        usual[place // seen.slots, place % seen.slots] = median
    for place, median in _medians(seen.kind * HOURS + seen.hour(seen.slot), seen.value):
        mine = usual[place // HOURS].reshape(HOURS, per_hour)[place % HOURS]
        mine[np.isnan(mine)] = median
    usual = np.where(np.isnan(usual), usual[::-1], usual)
    return np.where(np.isnan(usual), np.median(seen.value) if len(seen.value) else unknown, usual)


def _medians(key: Index, value: Array) -> list[tuple[int, float]]:
    order = np.argsort(key, kind="stable")
    keys, first = np.unique(key[order], return_index=True)
    parts = np.split(value[order], first[1:]) if len(keys) else []
    return [(int(one), float(np.median(part))) for one, part in zip(keys, parts, strict=True)]


def _spread(seen: Seen, strayed: Array, levels: tuple[float, ...], prior: Array) -> Array:
    """How far days stray at an hour or its neighbours, mixed with the prior as far as days of that kind are few."""
    asked = np.array([*levels, 0.5])
    spread = np.zeros((len(levels), 2, HOURS))
    hour = seen.hour(seen.slot)
    near = [np.isin(hour, [(one - 1) % HOURS, one, (one + 1) % HOURS]) for one in range(HOURS)]
    for kind in range(2):
        mine = seen.kind == kind
        days = len(np.unique(seen.day[mine]))
        for one in range(HOURS):
            here = strayed[mine & near[one]] if days else strayed[:0]
            here = here if len(here) else strayed[mine]
            measured = np.quantile(here, asked) if len(here) else np.zeros(len(asked))
            far = measured[:-1] - measured[-1]
            spread[:, kind, one] = (days * far + PRIOR_DAYS * prior) / (days + PRIOR_DAYS)
    return spread


def _memory(at_s: Array, strayed: Array) -> float:
    """How alike one hour's straying is to the next one's: the correlation at a lag of one hour, from 0 to 0.95."""
    if not len(at_s):
        return MEMORY
    hour, place = np.unique(np.floor(at_s / 3600.0), return_inverse=True)
    mean = np.bincount(place, strayed) / np.bincount(place)
    after = np.flatnonzero(np.diff(hour) == 1.0)
    if len(after) < LEAST_HOURS:
        return MEMORY
    both = float(np.sum(mean[after] ** 2 + mean[after + 1] ** 2)) / 2.0
    alike = float(np.sum(mean[after] * mean[after + 1]))
    return min(MOST_MEMORY, max(0.0, alike / both)) if both > 0.0 else MEMORY


def _anomaly(at_s: Array, strayed: Array, weight: Array) -> tuple[float, Seconds]:
    """The mean straying of the last hour that was measured, and when that was."""
    if not len(at_s):
        return 0.0, 0.0
    recent = at_s > at_s[-1] - RECENT_S
    total = float(np.sum(weight[recent]))
    if total <= 0.0:
        return 0.0, float(at_s[-1])
    return float(np.sum((strayed * weight)[recent])) / total, float(at_s[-1])
