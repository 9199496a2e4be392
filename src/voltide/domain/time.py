"""Aware UTC, half-open intervals, and a clock that is passed in."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time; the only way any room learns it."""

    def now(self) -> datetime:
        """The wall clock, aware, in UTC: for records and for tariffs."""
        ...

    def monotonic(self) -> float:
        """Seconds that never step or run backwards: for leases, ages and deadlines."""
        ...


@dataclass(frozen=True, slots=True)
class Interval:
    """From ``start`` up to, but not including, ``end``.

    >>> day = Interval(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
    >>> datetime(2026, 1, 2, tzinfo=UTC) in day
    False
    >>> day.seconds
    86400.0
    """

    start: datetime
    end: datetime

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    @property
    def seconds(self) -> float:
        """Its length; never negative."""
        return max(0.0, (self.end - self.start).total_seconds())


def millis(moment: datetime) -> int:
    """Milliseconds since 1970, as the store keeps a moment.

    >>> millis(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000
    """
    return math.floor(moment.timestamp() * 1000 + 0.5)


def moment(milliseconds: int) -> datetime:
    """The inverse of ``millis``.

    >>> moment(1000)
    datetime.datetime(1970, 1, 1, 0, 0, 1, tzinfo=datetime.timezone.utc)
    """
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def stamp(when: datetime) -> str:
    """RFC 3339 in UTC with milliseconds and a ``Z``, as the wire and the exports want it.

    >>> stamp(datetime(2026, 1, 1, tzinfo=UTC))
    '2026-01-01T00:00:00.000Z'
    """
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
