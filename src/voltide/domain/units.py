"""One unit per dimension inside the house: W, Wh, A, V, s, and SoC as a fraction 0 to 1.

The one sign rule: positive power flows *into* the thing named; at the grid connection positive is import.
So ``grid = sum(devices)``, always. Other units exist at the doors only, through the constructors below.
"""

from typing import TypeAlias

Watts: TypeAlias = float
WattHours: TypeAlias = float
Amperes: TypeAlias = float
Volts: TypeAlias = float
Seconds: TypeAlias = float
Fraction: TypeAlias = float
"""A state of charge or a share, from 0 to 1."""


def kw(kilowatts: float) -> Watts:
    """Kilowatts as watts.

    >>> kw(7)
    7000.0
    """
    return kilowatts * 1000.0


def kwh(kilowatt_hours: float) -> WattHours:
    """Kilowatt-hours as watt-hours."""
    return kilowatt_hours * 1000.0


def energy_wh(power_w: Watts, seconds: Seconds) -> WattHours:
    """The energy that a constant power moves in a time.

    >>> energy_wh(kw(60), 60)
    1000.0
    """
    return power_w * seconds / 3600.0
