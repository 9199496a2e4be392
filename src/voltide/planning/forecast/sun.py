"""What the canopy will offer: a clear sky, times how clear it is.

Clearness is measured over clear sky, so panels' dust and a wrong peak in the station's file are learnt with the clouds.
Today's clearness lasts for hours and fades into what is usual at that hour of the sun.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from voltide.domain.picture import Minute
from voltide.domain.site import Photovoltaics
from voltide.domain.sun import clear_sky, on_canopy, sun_position
from voltide.domain.units import Watts
from voltide.planning.forecast.climate import HOURS, Seen, learn
from voltide.planning.forecast.steps import LEVELS, QUARTER_S, Array, Basis, Forecast, Index, Series, Steps

LIT = 0.03
"""Below this share of the peak under a clear sky, twilight and shadows of houses say nothing of clouds."""
LEAST_W: Watts = 1.0
"""Below this there is no canopy to learn of."""
BRIGHTEST = 1.5
"""No clearness is above: clouds' edges reach 1.3 for minutes, the rest is a wrong peak in the file."""
PRIOR_LEVEL = (0.0, 0.1, 0.5, 0.9, 1.0)
PRIOR_CLEARNESS = (0.0, 0.15, 0.60, 0.85, 1.0)
"""Assumed where nothing was measured: overcast to clear, less a system's losses of about 0.86."""
SAMPLE_S = 300.0
"""The sun moves little in five minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Canopy:
    """The panels and where they stand."""

    panels: Photovoltaics
    latitude: float
    longitude: float

    def clear_w(self, start_s: Array, end_s: Array) -> Array:
        """Mean power between moments under a clear sky, without any loss; at most a quarter of an hour apart."""
        count = int(np.ceil(QUARTER_S / SAMPLE_S))
        share = (np.arange(count) + 0.5) / count
        moments = start_s[:, None] + (end_s - start_s)[:, None] * share
        light = np.array([self._light(second) for second in moments.ravel().tolist()])
        power: Array = self.panels.peak_w * light.reshape(moments.shape).mean(axis=1) / 1000.0
        return power

    def solar_hour(self, at_s: Array) -> Index:
        """The hour by the sun's mean clock, 0 to 23: no law moves it."""
        hour: Index = self._solar_hours(at_s).astype(np.intp) % HOURS
        return hour

    def solar_day(self, at_s: Array) -> Index:
        """Days by the same clock, counted."""
        day: Index = np.floor(self._solar_hours(at_s) / HOURS).astype(np.intp)
        return day

    def _solar_hours(self, at_s: Array) -> Array:
        hours: Array = np.floor(at_s / 3600.0 + self.longitude / 15.0)
        return hours

    def _light(self, second: float) -> float:
        sun = sun_position(datetime.fromtimestamp(second, UTC), self.latitude, self.longitude)
        if sun[0] <= 0.0:
            return 0.0
        return on_canopy(clear_sky(sun[0]), sun, self.panels.tilt_deg, self.panels.azimuth_deg)


def gave(minutes: Iterable[Minute]) -> Series:
    """What the canopy gave, positive, from the station's minutes, in which what flows out of it is negative."""
    kept = list(minutes)
    return Series.of((minute.at for minute in kept), (-minute.pv_w for minute in kept))


def foresee(offered: Series, canopy: Canopy, steps: Steps, levels: tuple[float, ...] = LEVELS) -> Forecast:
    """What the sun will offer, in W from 0.

    ``offered``: what it gave, in W, positive; leave out minutes in which the inverter was held back.
    """
    quarters = offered.before(steps.start_s).quarters()
    clear = canopy.clear_w(quarters.at_s, quarters.at_s + QUARTER_S)
    lit = clear > max(LEAST_W, LIT * canopy.panels.peak_w)
    at_s, clear = quarters.at_s[lit], clear[lit]
    seen = Seen(
        at_s=at_s,
        value=np.clip(quarters.value[lit] / clear, 0.0, BRIGHTEST),
        slot=canopy.solar_hour(at_s),
        kind=np.zeros(len(at_s), dtype=np.intp),
        day=canopy.solar_day(at_s),
        slots=HOURS,
    )
    climate = learn(seen, levels, np.interp([*levels, 0.5], PRIOR_LEVEL, PRIOR_CLEARNESS), weight=clear)
    pieces = steps.pieces()
    kind = np.zeros(len(pieces.step), dtype=np.intp)
    clearness = climate.foresee(pieces.middle_s, canopy.solar_hour(pieces.middle_s), kind)
    power = np.clip(clearness, 0.0, BRIGHTEST) * canopy.clear_w(pieces.start_s, pieces.end_s)
    return Forecast(steps=steps, quantiles=pieces.mean(power), basis=Basis(days=climate.days), levels=levels)
