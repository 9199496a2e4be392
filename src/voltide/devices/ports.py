"""What the station needs of its own hardware: one or two methods each.

A driver is any class with these methods. Sign: positive power flows into the thing named.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from voltide.domain.units import Fraction, Seconds, WattHours, Watts


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a device measured, and when; the registers rise for ever. Absent is None."""

    at: datetime
    power_w: Watts
    import_wh: WattHours | None = None
    export_wh: WattHours | None = None
    soc: Fraction | None = None


class Meter(Protocol):
    """Measures. Raises ``OSError`` when its line is lost."""

    async def read(self) -> Reading:
        """The newest reading; its ``at`` is the time of measuring, not of asking."""
        ...


class Battery(Meter, Protocol):
    """Takes and gives."""

    async def apply(self, power_w: Watts, lease_s: Seconds) -> None:
        """Take (positive) or give (negative) this power; the device itself falls to 0 when the lease runs out."""
        ...


class Inverter(Meter, Protocol):
    """A solar inverter."""

    async def curtail(self, most_w: Watts | None, lease_s: Seconds) -> None:
        """Give at most this power (a positive number), or all there is (None); the lease's end lifts it."""
        ...
