"""One car as a battery on wheels: what it takes, what it gives back, and what is left in it."""

import itertools
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources

from voltide.domain.units import Fraction, Seconds, WattHours, Watts, kw, kwh

GRAIN = 400
"""The tables have one row for each 0.25 % of charge: fine enough that a straight line between two rows is the curve."""
ETA_CHARGE: Fraction = 0.94
"""From the outlet into the battery and, below, back. Together 0.874: a measured round trip lies at 0.79 to 0.88."""
ETA_DISCHARGE: Fraction = 0.93
EMPTY: Fraction = 0.05
"""At this state of charge a car's own battery management gives nothing back, whatever anyone asks."""
WEAK: Fraction = 0.12
"""Below this it gives less and less."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """A make of car. Powers are seen from the outlet (AC); ``curve`` is (state of charge, battery power in C)."""

    name: str
    name_zh: str
    kind: str
    share: float
    capacity_wh: WattHours
    dc_w: Watts
    v2g_w: Watts
    curve: tuple[tuple[Fraction, float], ...]

    @cached_property
    def takes_w(self) -> list[Watts]:
        """The most it takes at each grain of charge, W at the outlet; the last row stands for a full battery."""
        rows = []
        for grain in range(GRAIN + 1):
            battery_w = min(self.dc_w, between(self.curve, grain / GRAIN) * self.capacity_wh)
            rows.append(battery_w / ETA_CHARGE)
        return [*rows[:-1], 0.0, 0.0]

    @cached_property
    def gives_w(self) -> list[Watts]:
        """The most it gives back at each grain of charge, as a positive number, W at the outlet."""
        share = [min(1.0, max(0.0, (grain / GRAIN - EMPTY) / (WEAK - EMPTY))) for grain in range(GRAIN + 1)]
        return [self.v2g_w * part for part in (*share, share[-1])]


def between(curve: Sequence[tuple[float, float]], x: float) -> float:
    """The value of a broken line at x; beyond its ends it stays as it is.

    >>> between([(0.0, 1.0), (1.0, 3.0)], 0.5)
    2.0
    """
    if x <= curve[0][0]:
        return curve[0][1]
    for (x0, y0), (x1, y1) in itertools.pairwise(curve):
        if x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return curve[-1][1]


class Vehicle:
    """One car. ``energy_wh`` is what its battery holds."""

    __slots__ = ("_gives_w", "_takes_w", "capacity_wh", "energy_wh", "model")

    def __init__(self, model: Model, soc: Fraction) -> None:
        self.model = model
        self.capacity_wh = model.capacity_wh
        self.energy_wh = soc * model.capacity_wh
        self._takes_w = model.takes_w
        self._gives_w = model.gives_w

    @property
    def soc(self) -> Fraction:
        """Its state of charge."""
        return self.energy_wh / self.capacity_wh

    def most_in_w(self) -> Watts:
        """The most it takes now, W at the outlet."""
        at = self.energy_wh / self.capacity_wh * GRAIN
        row = int(at)
        low = self._takes_w[row]
        return low + (self._takes_w[row + 1] - low) * (at - row)

    def most_out_w(self) -> Watts:
        """The most it gives back now, as a positive number, W at the outlet."""
        at = self.energy_wh / self.capacity_wh * GRAIN
        row = int(at)
        low = self._gives_w[row]
        return low + (self._gives_w[row + 1] - low) * (at - row)

    def flow(self, power_w: Watts, seconds: Seconds) -> None:
        """Take (positive) or give (negative) a power at the outlet for a time; losses stay on the way."""
        if power_w >= 0.0:
            self.energy_wh = min(self.capacity_wh, self.energy_wh + power_w * ETA_CHARGE * seconds / 3600.0)
        else:
            self.energy_wh = max(0.0, self.energy_wh + power_w / ETA_DISCHARGE * seconds / 3600.0)


def reachable_wh(model: Model, energy_wh: WattHours, outlet_w: Watts, seconds: Seconds) -> WattHours:
    """The most energy that physics can bring into a battery in a time through an outlet used by nobody else."""
    car, step = Vehicle(model, energy_wh / model.capacity_wh), 20.0
    for _ in range(int(seconds // step)):
        power = min(outlet_w, car.most_in_w())
        if power <= 0.0:
            break
        car.flow(power, step)
    return car.energy_wh


def catalogue() -> tuple[Model, ...]:
    """Every model that ships, in the order of the file."""
    text = resources.files("voltide.twin").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return tuple(
        Model(
            name=row["name"],
            name_zh=row["name_zh"],
            kind=row["kind"],
            share=float(row["share"]),
            capacity_wh=kwh(row["battery_kwh"]),
            dc_w=kw(row["dc_kw"]),
            v2g_w=kw(row["v2g_kw"]),
            curve=tuple((float(soc), float(c)) for soc, c in row["curve"]),
        )
        for row in tomllib.loads(text)["model"]
    )
