"""Prices by the local clock. A tariff is data; yuan per kWh, exact."""

import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

from voltide.domain.time import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A part of the day with its own prices, from a local time up to, not including, the next period's."""

    name: str
    start: time
    charge: Decimal
    """What a driver pays for energy, without the service fee."""
    feed_in: Decimal
    """What a driver earns for energy given back."""
    grid_buy: Decimal
    grid_sell: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """The prices of a whole day; the first period starts at midnight."""

    periods: tuple[Period, ...]
    zone: ZoneInfo
    service_fee: Decimal = Decimal(0)

    def at(self, when: datetime) -> Period:
        """The period that a moment lies in."""
        clock = when.astimezone(self.zone).time()
        return self.periods[bisect.bisect_right([period.start for period in self.periods], clock) - 1]

    def change_after(self, when: datetime) -> datetime:
        """The next moment at which the prices change, or could."""
        local = when.astimezone(self.zone)
        later = next((period.start for period in self.periods if period.start > local.time()), None)
        day = local.date() if later else local.date() + timedelta(days=1)
        change = datetime.combine(day, later or time(0), timezone(local.utcoffset() or timedelta(0)))
        return self._clock_change(when, change).astimezone(when.tzinfo)

    def _clock_change(self, after: datetime, until: datetime) -> datetime:
        """The second within ``(after, until]`` at which the zone moves its clock, or else ``until``."""
        first, last = after.timestamp(), until.timestamp()
        before = self._offset(first)
        if self._offset(last) == before:
            return until
        while last - first > 0.5:
            middle = (first + last) / 2
            first, last = (middle, last) if self._offset(middle) == before else (first, middle)
        return datetime.fromtimestamp(round(last), UTC)

    def _offset(self, seconds: float) -> timedelta | None:
        return datetime.fromtimestamp(seconds, self.zone).utcoffset()

    def split(self, whole: Interval) -> Iterator[tuple[Interval, Period]]:
        """An interval cut where the prices change."""
        start = whole.start
        while start < whole.end:
            end = min(whole.end, self.change_after(start))
            yield Interval(start, end), self.at(start)
            start = end
