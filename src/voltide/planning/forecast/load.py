"""What the building will take: the usual of its hour and kind of day, and how today differs."""

from collections.abc import Iterable

import numpy as np

from voltide.domain.picture import Minute
from voltide.domain.units import Watts
from voltide.planning.forecast.calendar import SLOTS, Calendar
from voltide.planning.forecast.climate import Seen, learn
from voltide.planning.forecast.steps import LEVELS, Basis, Forecast, Series, Steps


def took(minutes: Iterable[Minute]) -> Series:
    """What the building took, from the station's minutes."""
    kept = list(minutes)
    return Series.of((minute.at for minute in kept), (minute.building_w for minute in kept))


def foresee(
    taken: Series, calendar: Calendar, most_w: Watts, steps: Steps, levels: tuple[float, ...] = LEVELS
) -> Forecast:
    """The building's load, in W from 0.

    ``most_w``: the most that the station's file allows it. Who has measured nothing knows only that it lies below, and
    holds every value for as likely.
    """
    quarters = taken.before(steps.start_s).quarters()
    clock = calendar.read(quarters.at_s)
    seen = Seen(
        at_s=quarters.at_s,
        value=quarters.value,
        slot=clock.slot,
        kind=clock.kind,
        day=clock.day,
        slots=SLOTS,
    )
    climate = learn(seen, levels, np.array([*levels, 0.5]) * max(0.0, most_w))
    pieces = steps.pieces()
    ahead = calendar.read(pieces.start_s)
    power = np.maximum(climate.foresee(pieces.middle_s, ahead.slot, ahead.kind), 0.0)
    return Forecast(steps=steps, quantiles=pieces.mean(power), basis=_basis(seen, climate.days), levels=levels)


def _basis(seen: Seen, days: int) -> Basis:
    """A week of working days says nothing of a Sunday; whoever reads the forecast should know."""
    kinds = set(seen.kind.tolist())
    missing = {0: "no day off seen", 1: "no working day seen"}
    return Basis(days=days, note=", ".join(missing[kind] for kind in sorted(set(missing) - kinds)) if days else "")
