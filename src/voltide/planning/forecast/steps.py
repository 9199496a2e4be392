"""What every forecast is made of: the steps it is for, the history it learns from, how far it may be believed.

Moments are seconds since 1970 inside. A forecast never looks at what was measured from its first step on, so a replay
of the past is as good as the day itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from voltide.domain.units import Seconds

Array = NDArray[np.float64]
Index = NDArray[np.intp]

LEVELS = (0.1, 0.5, 0.9)
"""The quantiles that are told unless others are asked for."""
QUARTER_S = 900
"""Every clock in use differs from UTC by whole quarters of an hour."""
DAY_S = 86_400
KEPT_DAYS = 56
"""Older days say nothing of now: eight weeks hold enough weekends and one season."""
ENOUGH_DAYS = 7
"""Below this what was learnt is called thin."""
ABSURD = 1e12
"""No power, price or energy is larger; what is told so is nonsense, and dropped."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pieces:
    """Steps cut at the quarters of the hour, within which nothing of the clock changes."""

    step: Index
    start_s: Array
    end_s: Array
    count: int
    """Of steps."""

    @property
    def seconds(self) -> Array:
        """The length of each."""
        length: Array = self.end_s - self.start_s
        return length

    @property
    def middle_s(self) -> Array:
        """The moment in its middle."""
        middle: Array = (self.start_s + self.end_s) / 2.0
        return middle

    def mean(self, values: Array) -> Array:
        """By step, the mean over time of what is given by piece; a leading axis stays.

        The mean of quantiles is no quantile of the mean: it is as if all pieces of a step erred alike, so rather too
        wide than too narrow.
        """
        share = self.seconds / np.bincount(self.step, self.seconds, self.count)[self.step]
        rows = [np.bincount(self.step, row, self.count) for row in np.atleast_2d(values * share)]
        return np.array(rows, dtype=np.float64).reshape(*values.shape[:-1], self.count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Half-open steps one after another, of any lengths: ``edges`` has one moment more than there are steps.

    >>> noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> steps = Steps.of(noon, [300, 900])
    >>> steps.count, steps.edges[-1]
    (2, datetime.datetime(2026, 1, 1, 12, 20, tzinfo=datetime.timezone.utc))
    """

    edges: tuple[datetime, ...]

    def __post_init__(self) -> None:
        if not self.edges or any(edge.utcoffset() is None for edge in self.edges):
            raise ValueError("Steps need at least one edge, and aware ones.")
        if any(later <= earlier for earlier, later in pairwise(edge.astimezone(UTC) for edge in self.edges)):
            raise ValueError("Each step must end after it starts.")

    @classmethod
    def of(cls, start: datetime, seconds: Sequence[Seconds]) -> "Steps":
        """From a start, and the length of each."""
        edges = [start.astimezone(UTC)]
        for length in seconds:
            edges.append(edges[-1] + timedelta(seconds=length))
        return cls(edges=tuple(edges))

    @property
    def count(self) -> int:
        """How many."""
        return len(self.edges) - 1

    @property
    def start_s(self) -> Seconds:
        """When the first begins: now, for all that a forecast knows."""
        return self.edges[0].timestamp()

    def pieces(self, also: Iterable[Seconds] = ()) -> Pieces:
        """The steps, cut at the quarters of the hour, and at other moments within them."""
        edge = np.array([edge.timestamp() for edge in self.edges])
        first, last = np.floor(edge[0] / QUARTER_S) + 1, np.ceil(edge[-1] / QUARTER_S)
        other = np.array([moment for moment in also if edge[0] < moment < edge[-1]], dtype=np.float64)
        cut = np.unique(np.concatenate([edge, other, np.arange(first, last) * QUARTER_S]))
        step = np.searchsorted(edge, cut[:-1], side="right") - 1
        return Pieces(step=step, start_s=cut[:-1], end_s=cut[1:], count=self.count)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """One measured quantity: each value holds from its moment on. In order of time, and nothing but finite numbers."""

    at_s: Array
    value: Array

    @classmethod
    def of(cls, at: Iterable[datetime], value: Iterable[float | None]) -> "Series":
        """From moments and values in any order; what is absent, NaN or absurd is dropped."""
        return cls.measured(
            np.array([moment.timestamp() for moment in at], dtype=np.float64),
            np.array([np.nan if one is None else one for one in value], dtype=np.float64),
        )

    @classmethod
    def measured(cls, at_s: Array, value: Array) -> "Series":
        """Likewise from arrays."""
        if at_s.shape != value.shape:
            raise ValueError("As many moments as values.")
        good = np.isfinite(value) & np.isfinite(at_s) & (np.abs(np.nan_to_num(value)) < ABSURD)
        at_s, value = at_s[good], value[good]
        order = np.lexsort((value, at_s))
        return cls(at_s=at_s[order], value=value[order])

    def before(self, moment_s: Seconds) -> "Series":
        """What was known at a moment, of the last ``KEPT_DAYS`` days."""
        first, last = np.searchsorted(self.at_s, [moment_s - KEPT_DAYS * DAY_S, moment_s])
        return Series(at_s=self.at_s[first:last], value=self.value[first:last])

    def quarters(self) -> "Series":
        """The means of the quarters of an hour in which anything was measured."""
        if not len(self.at_s):
            return self
        quarter, first = np.unique(np.floor(self.at_s / QUARTER_S), return_index=True)
        count = np.diff(np.append(first, len(self.at_s)))
        return Series(at_s=quarter * QUARTER_S, value=np.add.reduceat(self.value, first) / count)


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """What a forecast rests on.

    >>> str(Basis(days=0)), str(Basis(days=2)), str(Basis(days=23))
    ('assumed: nothing learnt yet', 'thin: learnt from 2 days', 'learnt from 23 days')
    """

    days: int
    """With anything measured in them."""
    note: str = ""
    """What else should be known, in a plain phrase."""

    @property
    def assumed(self) -> bool:
        """Nothing was there to learn from: only what is always true, and wide."""
        return self.days == 0

    @property
    def thin(self) -> bool:
        """Too little to trust."""
        return self.days < ENOUGH_DAYS

    def __str__(self) -> str:
        days = "1 day" if self.days == 1 else f"{self.days} days"
        said = "assumed: nothing learnt yet" if self.assumed else f"{'thin: ' if self.thin else ''}learnt from {days}"
        return f"{said}; {self.note}" if self.note else said


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forecast:
    """Quantiles of one quantity's mean over each step."""

    steps: Steps
    quantiles: Array
    """By level and step."""
    basis: Basis
    levels: tuple[float, ...] = field(default=LEVELS)

    def at(self, level: float) -> Array:
        """One quantile, which must be among ``levels``."""
        row: Array = self.quantiles[self.levels.index(level)]
        return row

    @property
    def middle(self) -> Array:
        """As likely too low as too high."""
        return self.at(0.5)
