"""When a charger's inverters cease by a must-trip curve, and how they come back (IEEE 1547: enter service)."""

from collections.abc import Mapping
from math import inf
from random import Random

from voltide.domain.messages import Json
from voltide.domain.units import Seconds, Watts
from voltide.twin.blocks.inverter import TRIPS, points, seen, trips_after
from voltide.twin.grid import Grid


class Breaker:
    """Open means that nothing flows. ``by`` is the kind of control that opened it."""

    def __init__(self, grid: Grid, chance: Random) -> None:
        self._grid, self._chance = grid, chance
        self.by: str | None = None
        self._out_since: dict[str, Seconds] = {}
        self._back_since: Seconds | None = None
        self._delay_s: Seconds = 0.0
        self._ramp_from: Seconds = -inf
        self._ramp: float = inf
        """Share of the rating that the power may rise to in a second after coming back."""

    @property
    def open(self) -> bool:
        """Whether nothing may flow."""
        return self.by is not None

    def look(self, now: Seconds, trips: Mapping[str, Json], enter: Json | None) -> None:
        """Each second: trip when the grid has been out for too long, and come back when it has been in long enough."""
        out = None
        for kind, body in trips.items():
            watch = TRIPS[kind]
            allowed = trips_after(points(body), watch.side, seen(self._grid, watch.of))
            if allowed is None:
                self._out_since.pop(kind, None)
            else:
                out = kind
                if now - self._out_since.setdefault(kind, now) >= allowed and self.by is None:
                    self.by, self._back_since = kind, None
        if self.by is not None:
            self._come_back(now, enter, out=out is not None or not self._may_enter(enter))

    def _may_enter(self, enter: Json | None) -> bool:
        if enter is None:
            return True
        volts, hertz = seen(self._grid, "V"), seen(self._grid, "F")
        return bool(
            enter["lowVoltage"] <= volts <= enter["highVoltage"] and enter["lowFreq"] <= hertz <= enter["highFreq"]
        )

    def _come_back(self, now: Seconds, enter: Json | None, *, out: bool) -> None:
        told = enter or {}
        if out:
            self._back_since = None
            return
        if self._back_since is None:
            self._back_since = now
            self._delay_s = told.get("delay", 0.0) + self._chance.random() * told.get("randomDelay", 0.0)
        if now - self._back_since >= self._delay_s:
            self.by, self._ramp_from = None, now
            self._ramp = told.get("rampRate", 0.0) / 100.0 or inf

    def ramped(self, now: Seconds, power: Watts, rating: Watts) -> Watts:
        """The power while coming back: it rises so fast and no faster."""
        most = self._ramp * max(1.0, now - self._ramp_from + 1.0) * rating
        return min(max(power, -most), most)
