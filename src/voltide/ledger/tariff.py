"""Prices by the local clock. A tariff is data; yuan per kWh, exact."""

import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
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
        for period in self.periods:
            if period.start > local.time():
                return local.replace(
                    hour=period.start.hour, minute=period.start.minute, second=0, microsecond=0
                ).astimezone(when.tzinfo)
        tomorrow = (local + timedelta(days=1)).date()
        return datetime.combine(tomorrow, time(0), self.zone).astimezone(when.tzinfo)

    def split(self, whole: Interval) -> Iterator[tuple[Interval, Period]]:
        """An interval cut where the prices change."""
        start = whole.start
        while start < whole.end:
            end = min(whole.end, self.change_after(start))
            yield Interval(start, end), self.at(start)
            start = end
