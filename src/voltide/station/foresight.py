"""What the station learns from its own records: its sun, its building, and who comes when.

Learnt anew every quarter of an hour, from what has been written since. With little or nothing written the forecasts say
so, and rest on what is assumed.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from voltide.backbone.store import Store
from voltide.control.wiring import Array
from voltide.domain.picture import Minute
from voltide.domain.session import Session
from voltide.domain.site import Station
from voltide.domain.time import Interval
from voltide.domain.units import Seconds, Watts
from voltide.ledger.tariff import Tariff
from voltide.planning.forecast import arrivals, departures, load, sun
from voltide.planning.forecast.arrivals import Arrivals
from voltide.planning.forecast.calendar import Calendar
from voltide.planning.forecast.stays import PastStay, past
from voltide.planning.forecast.steps import Basis, Forecast, Steps
from voltide.planning.forecast.sun import Canopy
from voltide.planning.problem import Car
from voltide.planning.rules import ETA
from voltide.planning.scenarios import Spread
from voltide.station import records
from voltide.station.aside import Aside, at_once
from voltide.station.outlook import SHORTFALL

EVERY_S: Seconds = 900.0
QUARTERS = 100
"""A little more than a day."""
LEARNS_FROM = timedelta(days=28)
FADE_S: Seconds = 1_800.0
"""How long what is seen now outweighs what is usual."""
LEAST_EXPECTED = 0.05
ENOUGH_STAYS, MOST_STAYS = 30, 500
"""Of which it is known how well they kept to what was told: below, nothing is learnt; above, the newest are enough."""
HURRY = 1.5
"""How much more power a newcomer takes than its stay would need."""


class Learned:
    """One station's foresight. ``refresh`` before it is asked; without it, it knows nothing."""

    def __init__(self, station: Station, tariff: Tariff, store: Store, aside: Aside = at_once) -> None:
        self._station, self._store, self._aside = station, store, aside
        self._calendar = Calendar(zone=tariff.zone)
        self._minutes: list[Minute] = []
        self._stays: dict[str, PastStay] = {}
        self._since: datetime | None = None
        self._due: datetime | None = None
        self._sun: Forecast | None = None
        self._load: Forecast | None = None
        self._coming: Arrivals | None = None
        self._kept: list[PastStay] = []
        """Stays of which is known how well they kept to what was told."""
        self._known: list[Session] = []
        """Sessions of which is known what came and what was wanted, the newest last."""

    async def refresh(self, now: datetime) -> None:
        """Read what has been written since, and foresee the day anew, when a quarter of an hour has passed."""
        if self._due is not None and now < self._due:
            return
        self._due = now + timedelta(seconds=EVERY_S)
        oldest = now - LEARNS_FROM
        since = self._since or oldest
        fresh = await self._store.minutes(since, now)
        ended = await self._store.read(lambda engine: records.ended(engine, since, now))
        self._known = [*self._known, *filter(told_in_full, ended)][-MOST_STAYS:]
        self._since = now
        self._minutes = [minute for minute in self._minutes if minute.at >= oldest] + fresh
        self._stays |= {session.id: past(session) for session in ended}
        self._stays = {name: stay for name, stay in self._stays.items() if stay.arrived >= oldest}
        self._kept = [stay for stay in self._stays.values() if stay.late_s is not None][-MOST_STAYS:]
        await self._aside(lambda: self._foresee(now))

    def _foresee(self, now: datetime) -> None:
        steps, site = Steps.of(now, [EVERY_S] * QUARTERS), self._station
        if site.pv is not None:
            canopy = Canopy(panels=site.pv, latitude=site.latitude, longitude=site.longitude)
            self._sun = sun.foresee(sun.gave(self._minutes), canopy, steps)
        most_w = site.connection.other_load_max_w
        self._load = load.foresee(load.took(self._minutes), self._calendar, most_w, steps)
        first = self._minutes[0].at if self._minutes else now
        watched = (Interval(first, now),) if first < now else ()
        outlets = len(site.evses)
        self._coming = arrivals.foresee(list(self._stays.values()), watched, self._calendar, steps, outlets)

    def sun(self, starts: Sequence[datetime], step_s: Array, now_w: Watts) -> Array:
        """The usual clearness of each hour, as far as the sky is not another one now."""
        if self._sun is None:
            return np.full(len(step_s), max(now_w, 0.0))
        foreseen, ages = _read(self._sun, starts, step_s)
        ratio = now_w / foreseen[0] if foreseen[0] > 0.0 else 1.0
        most = self._station.pv.peak_w if self._station.pv is not None else 0.0
        offered: Array = np.clip(foreseen * (1.0 + (min(ratio, 3.0) - 1.0) * np.exp(-ages / FADE_S)), 0.0, most)
        return offered

    def load(self, starts: Sequence[datetime], step_s: Array, now_w: Watts) -> Array:
        """The usual load of each hour, as far as it is not another one now."""
        if self._load is None or self._load.basis.assumed:
            return np.full(len(step_s), max(now_w, 0.0))
        foreseen, ages = _read(self._load, starts, step_s)
        drawn: Array = np.maximum(foreseen + (now_w - foreseen[0]) * np.exp(-ages / FADE_S), 0.0)
        return drawn

    def expected(self, starts: Sequence[datetime], step_s: Array) -> tuple[Car, ...]:
        """All newcomers of a step as one car at no outlet in particular; nobody, while nothing has been learnt."""
        coming = self._coming
        if coming is None or coming.basis.assumed:
            return ()
        count = coming.expected.sum(axis=0)
        energy = (coming.expected * coming.energy_wh).sum(axis=0)
        stay = (coming.expected * coming.stay_s).sum(axis=0) / np.maximum(count, 1e-9)
        at, length = _places(coming.steps, starts, step_s), np.cumsum(step_s)
        share = step_s / EVERY_S
        cars = []
        for step in range(1, len(step_s)):
            many, wanted = float(count[at[step]] * share[step]), float(energy[at[step]] * share[step])
            if many < LEAST_EXPECTED or wanted <= 0.0:
                continue
            lasts = max(float(stay[at[step]]), EVERY_S)
            depart = int(np.searchsorted(length, length[step - 1] + lasts, side="right")) + 1
            cars.append(_newcomers(step, max(step + 1, depart), wanted, wanted * 3600.0 / lasts * HURRY))
        return tuple(cars)

    def sun_spread(self, starts: Sequence[datetime], step_s: Array, now_w: Watts) -> Spread:
        """How far the sun may differ: not at all now, in some hours as it usually does."""
        return _spread(self._sun, self.sun(starts, step_s, now_w), starts, step_s)

    def load_spread(self, starts: Sequence[datetime], step_s: Array, now_w: Watts) -> Spread:
        """How far the building's load may differ, likewise."""
        return _spread(self._load, self.load(starts, step_s, now_w), starts, step_s)

    def chances(self, arrived: datetime, told: datetime, starts: Sequence[datetime], step_s: Array) -> Array:
        """(steps,) how likely a car leaves in each; of what is assumed, where little has been learnt."""
        steps = Steps.of(starts[0], step_s.tolist())
        return departures.foresee(self._kept, arrived, told, steps).leaving()

    def coming(self) -> Arrivals | None:
        """Who may come, by quarters of an hour; None before the first ``refresh``."""
        return self._coming

    def known(self) -> Sequence[Session]:
        """Sessions that have ended and of which is known what came and what was wanted, the newest last."""
        return self._known

    def basis(self) -> Basis:
        """What all of this rests on: the least of load, sun and stays that ended as known."""
        days = [one.basis.days for one in (self._load, self._sun) if one is not None]
        kept = len({stay.arrived.date() for stay in self._kept})
        return Basis(days=min([*days, kept]))

    def leaving(self, arrived: datetime, told: datetime, starts: Sequence[datetime], step_s: Array) -> Array | None:
        """How drivers here have kept to their word; None while that is not known well enough to act upon."""
        if len(self._kept) < ENOUGH_STAYS:
            return None
        steps = Steps.of(starts[0], step_s.tolist())
        return departures.foresee(self._kept, arrived, told, steps).leaving()


def told_in_full(session: Session) -> bool:
    """Whether it is known of a session what its car held and should have held, and how long it stayed."""
    needs = session.needs
    return bool(needs.capacity_wh) and None not in (needs.target_soc, session.soc, session.ended_at)


def _newcomers(step: int, depart: int, wanted_wh: float, power_w: Watts) -> Car:
    stored = wanted_wh * ETA
    return Car(
        id=f"expected-{step}",
        evse="",
        arrive=step,
        depart=depart,
        energy_wh=0.0,
        min_wh=0.0,
        max_wh=stored,
        need_wh=stored,
        shortfall=SHORTFALL,
        charge_w=power_w,
        eta_charge=ETA,
        eta_discharge=ETA,
    )


def _spread(forecast: Forecast | None, middle: Array, starts: Sequence[datetime], step_s: Array) -> Spread:
    """Quantiles about what is foreseen: as wide as the forecast's, as far as what is seen now no longer counts."""
    if forecast is None:
        return Spread(levels=(0.5,), quantiles=middle[None, :])
    usual, ages = _read(forecast, starts, step_s)
    away = forecast.quantiles[:, _places(forecast.steps, starts, step_s)] - usual
    return Spread(levels=forecast.levels, quantiles=middle + away * (1.0 - np.exp(-ages / FADE_S)))


def _read(forecast: Forecast, starts: Sequence[datetime], step_s: Array) -> tuple[Array, Array]:
    """The middle forecast of each step, and how far off its middle is, in s."""
    middles = np.cumsum(step_s) - step_s / 2.0
    return forecast.middle[_places(forecast.steps, starts, step_s)], middles


def _places(steps: Steps, starts: Sequence[datetime], step_s: Array) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """The quarter that the middle of each step lies in."""
    offset = (starts[0] - steps.edges[0]).total_seconds()
    middles = offset + np.cumsum(step_s) - step_s / 2.0
    return np.clip((middles // EVERY_S).astype(np.intp), 0, steps.count - 1)
