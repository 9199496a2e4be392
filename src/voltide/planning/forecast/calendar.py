"""The local clock of people: which hour it is, and whether they work today."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np

from voltide.planning.forecast.steps import QUARTER_S, Array, Index

SLOTS = 96
"""Quarters of an hour in a day; a day on which the clock is moved has some twice or not at all."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clocked:
    """What the local clock says of some moments."""

    slot: Index
    """The quarter of the local day, 0 to 95."""
    kind: Index
    """1: a working day; 0: a day off."""
    day: Index
    """Days of the local calendar, counted."""

    @property
    def hour(self) -> Index:
        """The local hour, 0 to 23."""
        hour: Index = self.slot // 4
        return hour


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """A zone, its holidays, and the weekends that are worked in their stead, as in China."""

    zone: ZoneInfo
    holidays: frozenset[date] = frozenset()
    worked: frozenset[date] = frozenset()

    def works(self, day: date) -> bool:
        """Whether people work that day.

        >>> china = Calendar(zone=ZoneInfo("Asia/Shanghai"), holidays=frozenset({date(2026, 10, 1)}))
        >>> china.works(date(2026, 10, 1)), china.works(date(2026, 10, 9)), china.works(date(2026, 10, 10))
        (False, True, False)
        """
        return day in self.worked or (day.weekday() < 5 and day not in self.holidays)

    def read(self, at_s: Array) -> Clocked:
        """What the clock says of moments in seconds since 1970."""
        quarter, place = np.unique(np.floor(at_s / QUARTER_S), return_inverse=True)
        rows = np.zeros((len(quarter), 3), dtype=np.intp)
        for row, second in zip(rows, quarter * QUARTER_S, strict=True):
            local = datetime.fromtimestamp(second, self.zone)
            row[:] = local.hour * 4 + local.minute // 15, self.works(local.date()), local.toordinal()
        slot, kind, day = rows[place].T
        return Clocked(slot=slot, kind=kind, day=day)
