"""One station over one horizon, as a question: what may flow, what it costs, who is there and until when.

Powers are W at the AC side, energies Wh, prices yuan per kWh; positive power flows into the thing named. Arrays have
one entry a step, and steps may differ in length. A stay is half open: [arrive, depart).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voltide.domain.units import Fraction, Seconds, WattHours, Watts

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """The stationary battery."""

    energy_wh: WattHours
    """Now."""
    min_wh: WattHours
    max_wh: WattHours
    charge_w: Watts
    discharge_w: Watts
    eta_charge: Fraction = 1.0
    eta_discharge: Fraction = 1.0
    wear: float = 0.0
    """Yuan per kWh of throughput, each way, counted inside the battery."""
    end_value: float = 0.0
    """Yuan per kWh that it holds at the horizon's end."""

    @property
    def floor_wh(self) -> WattHours:
        """Whoever begins below the floor may stay there; nothing forces a charge."""
        return min(self.min_wh, self.energy_wh)

    @property
    def cap_wh(self) -> WattHours:
        """Likewise above the cap."""
        return max(self.max_wh, self.energy_wh)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Car:
    """One car's stay at one outlet."""

    id: str
    evse: str
    arrive: int
    depart: int
    """It may lie beyond the horizon; equal to ``arrive``: no power at all."""
    energy_wh: WattHours
    """At arrival."""
    min_wh: WattHours
    max_wh: WattHours
    need_wh: WattHours
    """Wanted at departure."""
    shortfall: float
    """Yuan per kWh that is missing of what could have been there."""
    charge_w: Watts
    discharge_w: Watts = 0.0
    eta_charge: Fraction = 1.0
    eta_discharge: Fraction = 1.0
    wear: float = 0.0
    """Yuan per kWh of throughput, each way, counted inside the battery."""
    end_value: float = 0.0
    """Yuan per kWh left above its need: what putting that back would cost; at most ``shortfall`` counts."""
    weight: float = 1.0
    """How likely it comes, above 0 and at most 1: an expected car counts by this much, in power and in money."""
    priority: float = 1.0
    """How much more than its yuan the plan minds its shortfall; no part of the objective that is told."""
    hazard: Array | None = None
    """By step of the horizon, how likely it leaves at the step's end, before ``depart``: 0 to 1."""

    @property
    def floor_wh(self) -> WattHours:
        """Whoever arrives below the floor may stay there; nothing forces a charge."""
        return min(self.min_wh, self.energy_wh)

    @property
    def cap_wh(self) -> WattHours:
        """Likewise above the cap."""
        return max(self.max_wh, self.energy_wh)

    def due_wh(self, steps: int) -> WattHours:
        """What is wanted when the stay ends, or at the horizon's end in proportion to the part of the stay inside it.

        >>> car = Car(id="a", evse="e", arrive=2, depart=8, energy_wh=0.0, min_wh=0.0, max_wh=9.0, need_wh=6.0,
        ...           shortfall=1.0, charge_w=1.0)
        >>> car.due_wh(8), car.due_wh(5), car.due_wh(1)
        (6.0, 3.0, 0.0)
        """
        if self.depart <= steps:
            return self.need_wh
        return self.need_wh * max(0, steps - self.arrive) / max(1, self.depart - self.arrive)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A limit on the cars of some outlets together; nodes may nest or overlap."""

    id: str
    evses: tuple[str, ...]
    import_w: Watts
    export_w: Watts


@dataclass(frozen=True, slots=True, kw_only=True)
class Polygon:
    """Limits that weigh outlets differently, as the sides of a three-phase site's polygon do.

    Side by side: the sum over outlets of factor times power is at most ``most_w``, which is at least 0.
    """

    id: str
    factors: Mapping[str, tuple[float, ...]]
    """By outlet, one factor a side; an outlet that is not named counts nothing."""
    most_w: tuple[Watts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A grid event on steps [start, end): the connection is asked to draw less than its baseline."""

    start: int
    end: int
    reduce_w: Watts
    baseline_w: Watts
    pay: float
    """Yuan per kWh delivered."""
    penalty: float
    """Yuan per kWh short."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reserve:
    """Power that must be free to be taken from the grid's load at once (a frequency product), as far as it can be."""

    up_w: Array
    """By step: how much less the cars and the battery must be able to draw."""
    sustain_s: Seconds
    """For how long."""
    shortage: float
    """Yuan per kWh that is not kept free; no part of the objective that is told."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """The whole question."""

    step_s: Array
    price_buy: Array
    price_sell: Array
    import_limit_w: Array
    export_limit_w: Array
    load_w: Array
    pv_w: Array
    """What the sun offers; it may be curtailed."""
    demand_charge: float = 0.0
    """Yuan per kW of the import peak above ``peak_so_far_w``."""
    peak_so_far_w: Watts = 0.0
    battery: Battery | None = None
    cars: tuple[Car, ...] = ()
    nodes: tuple[Node, ...] = ()
    events: tuple[Event, ...] = ()
    polygons: tuple[Polygon, ...] = ()
    reserve: Reserve | None = None
    may_give: Array | None = None
    """By step, 1 or 0: whether cars may give back, as their drivers may earn too little at times; None: always."""
    least_margin: float = 0.0
    """Yuan per kWh that a car's giving must earn above all its costs to be worth it; no part of the objective."""

    @property
    def steps(self) -> int:
        """How many steps."""
        return len(self.step_s)

    @property
    def hours(self) -> Array:
        """The length of each step in h."""
        hours: Array = self.step_s / 3600.0
        return hours

    @property
    def excess_w(self) -> Array:
        """How far the load alone is above the import limit; only there, and so far, may the limit be passed."""
        excess: Array = np.maximum(self.load_w - self.import_limit_w, 0.0)
        return excess
