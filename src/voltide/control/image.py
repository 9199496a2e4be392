"""One frozen snapshot of all that was measured and promised; it never changes while a step thinks about it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voltide.control.wiring import Array
from voltide.domain.units import Fraction, Seconds, Watts

METER_BLIND_S = 3.0
"""Older than this, the site's own meters are not believed (invariant I3)."""
OUTLET_STALE_S = 50.0
"""Older than this, an outlet's reading raises nothing: three intervals of 15 s, the longest allowed, and a little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A reading and its age; ``power_w`` None: never read."""

    power_w: Watts | None
    age_s: Seconds

    @property
    def believed(self) -> Watts | None:
        """The power, unless it is too old."""
        return self.power_w if self.age_s <= METER_BLIND_S else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What is known at one tick. Arrays are (n,), in the wiring's order; powers in W."""

    at_s: float
    """The clock's monotonic second."""
    commandable: NDArray[np.bool_]
    """A transaction runs, and its charger is on the line."""
    measured_w: Array
    age_s: Array
    acked_w: Array
    """The setpoint that the device holds by its own word; the fallback where it holds none."""
    command_w: Array
    """The last setpoint that was sent and not refused, answered or not."""
    open_high_w: Array
    """The highest of all setpoints whose fate is open; the acknowledged one where there is none."""
    open_low_w: Array
    """The lowest of them."""
    settled_s: Array
    """Since the acknowledged setpoint last changed."""
    grid: Measured
    pv: Measured
    battery: Measured
    building: Measured
    battery_soc: Fraction | None = None
    battery_most_w: Watts = 0.0
    """What the storage could take now."""
    battery_least_w: Watts = 0.0
    """What it could give now, as a negative number or 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wants:
    """What the plan and the people want of each outlet. Arrays are (n,)."""

    power_w: Array
    weight: Array
    """In sharing what is scarce; above 0."""
    most_w: Array
    """A person's own limit on an outlet; infinite where there is none."""
    battery_w: Watts = 0.0
