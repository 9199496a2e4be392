"""What a kilowatt-hour will cost: what is known, and what is usual where nothing is.

A tariff and a day-ahead market say the same thing: a price from here to there. Where one is known all its quantiles are
equal; where none is, the hour's usual price stands with its spread, and the gap is named.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from itertools import pairwise
from math import isfinite
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from voltide.domain.time import Interval
from voltide.planning.forecast.calendar import SLOTS, Calendar
from voltide.planning.forecast.climate import Seen, learn
from voltide.planning.forecast.steps import (
    ABSURD,
    DAY_S,
    KEPT_DAYS,
    LEVELS,
    QUARTER_S,
    Array,
    Basis,
    Forecast,
    Pieces,
    Series,
    Steps,
)

LEAST_SPREAD = 0.2
"""Yuan per kWh between the least and the most that a price may be about which nothing is known; assumed."""

_Row: TypeAlias = tuple[float, float, float]
"""Start, minus end, price: in the order in which a later one covers an earlier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A price for a time; it may be negative."""

    during: Interval
    price: float
    """Yuan per kWh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """The forecast, and where it is none but a guess."""

    forecast: Forecast
    gaps: tuple[Interval, ...]
    """Parts of the steps for which no price is known, apart and in order."""


def posted(table: Sequence[tuple[time, float]], calendar: Calendar, whole: Interval) -> Iterator[Quote]:
    """A tariff's prices by the local clock, as quotes: each row holds until the next, and the last till midnight.

    The first row begins at midnight, and every row at a quarter of an hour.
    """
    if not table or table[0][0] != time(0) or any(later[0] <= one[0] for one, later in pairwise(table)):
        raise ValueError("A day's prices begin at midnight and go on in order of time.")
    if whole.end <= whole.start:
        return
    pieces = Steps(edges=(whole.start, whole.end)).pieces()
    begins = [start.hour * 4 + start.minute // 15 for start, _ in table]
    row = np.searchsorted(begins, calendar.read(pieces.start_s).slot, side="right") - 1
    first = np.flatnonzero(np.diff(row, prepend=-1))
    edges = [*pieces.start_s[first].tolist(), float(pieces.end_s[-1])]
    for (start, end), at in zip(pairwise(edges), row[first].tolist(), strict=True):
        during = Interval(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC))
        yield Quote(during=during, price=table[at][1])


def foresee(quotes: Iterable[Quote], calendar: Calendar, steps: Steps, levels: tuple[float, ...] = LEVELS) -> Prices:
    """Yuan per kWh by step. Quotes of the past teach what is usual; of two for one time the later begun one holds."""
    good = sorted(
        (quote.during.start.timestamp(), -quote.during.end.timestamp(), quote.price)
        for quote in quotes
        if isfinite(quote.price) and abs(quote.price) < ABSURD and quote.during.seconds > 0.0
    )
    pieces = steps.pieces(also=[edge for start, end, _ in good for edge in (start, -end)])
    known = _painted(good, pieces)
    usual, days = _usual(good, calendar, pieces, levels)
    values = np.where(np.isnan(known), usual, known)
    forecast = Forecast(steps=steps, quantiles=pieces.mean(values), basis=Basis(days=days), levels=levels)
    return Prices(forecast=forecast, gaps=tuple(_gaps(pieces, np.isnan(known))))


def _painted(good: Sequence[_Row], pieces: Pieces) -> Array:
    """The price of each piece; NaN where there is none."""
    known = np.full(len(pieces.step), np.nan)
    for start, minus_end, price in good:
        first = np.searchsorted(pieces.start_s, start)
        known[first : np.searchsorted(pieces.end_s, -minus_end, side="right")] = price
    return known


def _usual(good: Sequence[_Row], calendar: Calendar, pieces: Pieces, levels: tuple[float, ...]) -> tuple[Array, int]:
    """Quantiles by piece from the quotes of the last weeks and of the days ahead, and how many days have any."""
    now = pieces.start_s[0] if len(pieces.start_s) else 0.0
    first = np.ceil((now - KEPT_DAYS * DAY_S) / QUARTER_S)
    last = np.ceil(pieces.end_s[-1] / QUARTER_S) if len(pieces.end_s) else first
    start_s = np.arange(first, last) * QUARTER_S
    quarters = Pieces(
        step=np.arange(len(start_s), dtype=np.intp),
        start_s=start_s,
        end_s=start_s + QUARTER_S,
        count=len(start_s),
    )
    price = _painted(good, quarters)
    priced = Series.measured(start_s, price)
    clock = calendar.read(priced.at_s)
    seen = Seen(at_s=priced.at_s, value=priced.value, slot=clock.slot, kind=clock.kind, day=clock.day, slots=SLOTS)
    middle = float(np.median(priced.value)) if len(priced.value) else 0.0
    range_ = max(LEAST_SPREAD, float(np.ptp(priced.value)) if len(priced.value) else 0.0)
    climate = learn(seen, levels, middle + (np.array([*levels, 0.5]) - 0.5) * range_)
    climate = replace(climate, anomaly_at_s=-np.inf)  # a day's prices are one auction: no hour follows the one before
    ahead = calendar.read(pieces.start_s)
    return climate.foresee(pieces.middle_s, ahead.slot, ahead.kind), climate.days


def _gaps(pieces: Pieces, unknown: NDArray[np.bool_]) -> Iterator[Interval]:
    """Runs of pieces without a price."""
    turn = np.diff(np.concatenate([[False], unknown, [False]]).astype(np.int8))
    for first, after in zip(np.flatnonzero(turn == 1), np.flatnonzero(turn == -1), strict=True):
        start, end = float(pieces.start_s[first]), float(pieces.end_s[after - 1])
        yield Interval(datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC))
