"""The station's memory of powers: each second for the last hour, each minute for months.

The hour is in memory and bounded; the minutes are rows, kept until they are pruned.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from voltide.backbone import schema
from voltide.backbone.store import Change
from voltide.domain.picture import Minute
from voltide.domain.time import millis
from voltide.domain.units import WattHours

SECONDS_KEPT = 3600

_FLOWS = ("grid_w", "pv_w", "battery_w", "building_w", "cars_in_w", "cars_out_w")


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """All flows at one second, in W; positive into the thing named."""

    at: datetime
    grid_w: float
    pv_w: float
    battery_w: float
    building_w: float
    cars_in_w: float
    cars_out_w: float


@dataclass(slots=True)
class Today:
    """Counters since local midnight."""

    day: str = ""
    charged_wh: WattHours = 0.0
    discharged_wh: WattHours = 0.0
    solar_wh: WattHours = 0.0
    sessions: int = 0


@dataclass(slots=True)
class History:
    """Seconds in memory, minutes for the store."""

    seconds: deque[Second] = field(default_factory=lambda: deque(maxlen=SECONDS_KEPT))
    today: Today = field(default_factory=Today)
    _sums: list[float] = field(default_factory=lambda: [0.0] * len(_FLOWS))
    _count: int = 0
    _minute: datetime | None = None

    def add(self, second: Second, day: str) -> datetime | None:
        """One more second; gives the minute that has just ended, once."""
        if day != self.today.day:
            self.today = Today(day=day)
        self.seconds.append(second)
        self.today.charged_wh += second.cars_in_w / 3600.0
        self.today.discharged_wh -= second.cars_out_w / 3600.0
        self.today.solar_wh -= second.pv_w / 3600.0
        minute = second.at.replace(second=0, microsecond=0)
        ended = self._minute if self._minute is not None and minute != self._minute else None
        if ended is None:
            self._collect(second)
        self._minute = minute
        return ended

    def close(self, ended: datetime, *, soc: float | None, price: float | None, connected: int) -> Minute:
        """The minute that ended, as a record; and a new one begins with the newest second."""
        means = [total / max(self._count, 1) for total in self._sums]
        self._sums, self._count = [0.0] * len(_FLOWS), 0
        if self.seconds:
            self._collect(self.seconds[-1])
        flows = {name: round(mean, 1) for name, mean in zip(_FLOWS, means, strict=True)}
        return Minute(at=ended, battery_soc=soc, price_buy=price, connected=connected, **flows)

    def _collect(self, second: Second) -> None:
        self._sums = [total + getattr(second, name) for total, name in zip(self._sums, _FLOWS, strict=True)]
        self._count += 1


def record(change: Change, minute: Minute) -> None:
    """A minute as a row."""
    change.add(schema.minutes, {"at": millis(minute.at), "body": msgspec.json.encode(minute).decode()})


def old(now: datetime, days: int) -> datetime:
    """The moment before which raw records are pruned."""
    return now - timedelta(days=days)
