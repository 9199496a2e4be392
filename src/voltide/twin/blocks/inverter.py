"""What DER controls make of an outlet's power (R): pure functions of a control, the grid, and the outlet's rating.

Positive power charges; what the specification calls output is negative here. Voltages in curves are in per cent of the
nominal voltage, powers in per cent of the rating. Trip curves: beyond x for longer than y seconds, the outlet ceases.
Source: OCPP 2.1 Part 2, R, and IEEE 1547-2018, which it follows.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from voltide.domain.messages import Json
from voltide.domain.units import Seconds, Watts
from voltide.twin.grid import Grid
from voltide.twin.vehicle import between

NOMINAL_HZ = 50.0
VAR_SHARE = 0.44
"""The reactive power that an inverter can give, as a share of its rating (IEEE 1547, category B)."""
Points: TypeAlias = Sequence[tuple[float, float]]
HIGH, LOW = "H", "L"


@dataclass(frozen=True, slots=True)
class Watch:
    """A trip curve: which side of what it watches."""

    side: str
    of: str
    """F or V."""


TRIPS = {
    "HFMustTrip": Watch(HIGH, "F"),
    "LFMustTrip": Watch(LOW, "F"),
    "HVMustTrip": Watch(HIGH, "V"),
    "LVMustTrip": Watch(LOW, "V"),
}
CESSATIONS = {"HVMomCess": Watch(HIGH, "V"), "LVMomCess": Watch(LOW, "V")}
"""Give and take nothing while the voltage is out, and go on at once when it is back."""
CAPS = {"FreqWatt": "F", "VoltWatt": "V"}
"""Curves of the most that may be given back."""
DEFAULT_ONLY = frozenset({"EnterService", "Gradients"})
FIELDS = {
    "EnterService": "enterService",
    "FixedPFAbsorb": "fixedPFAbsorb",
    "FixedPFInject": "fixedPFInject",
    "FixedVar": "fixedVar",
    "FreqDroop": "freqDroop",
    "Gradients": "gradient",
    "LimitMaxDischarge": "limitMaxDischarge",
}
"""Where a control of a kind stands in a message; every other kind is a curve."""


def points(body: Json) -> Points:
    """A curve's points by x."""
    return sorted((one["x"], one["y"]) for one in body["curveData"])


def seen(grid: Grid, of: str) -> float:
    """The frequency in Hz, or the voltage in per cent."""
    return grid.frequency_hz if of == "F" else grid.voltage_pu * 100.0


def fault(side: str, of: str) -> str:
    """The word for a grid that is out on one side."""
    return ("Over" if side == HIGH else "Under") + ("Frequency" if of == "F" else "Voltage")


def trips_after(curve: Points, side: str, value: float) -> Seconds | None:
    """How long a value may last; None: it is within the curve.

    >>> trips_after([(51.0, 5.0), (52.0, 0.2)], HIGH, 51.5), trips_after([(51.0, 5.0)], HIGH, 50.9)
    (5.0, None)
    >>> trips_after([(47.5, 0.2), (49.0, 10.0)], LOW, 47.0)
    0.2
    """
    beyond = [y for x, y in curve if (value > x if side == HIGH else value < x)]
    return min(beyond, default=None)


def drooped(body: Json, frequency: float, rating: Watts) -> Watts:
    """What a frequency droop adds to the power: more is taken when the frequency is high, less when it is low.

    >>> body = {"overFreq": 50.2, "underFreq": 49.8, "overDroop": 0.05, "underDroop": 0.05}
    >>> round(drooped(body, 50.45, 10_000.0)), round(drooped(body, 49.55, 10_000.0)), drooped(body, 50.1, 10_000.0)
    (1000, -1000, 0.0)
    """
    over, over_droop = frequency - float(body["overFreq"]), float(body["overDroop"])
    under, under_droop = float(body["underFreq"]) - frequency, float(body["underDroop"])
    if over > 0.0 and over_droop > 0.0:
        return over / (NOMINAL_HZ * over_droop) * rating
    if under > 0.0 and under_droop > 0.0:
        return -under / (NOMINAL_HZ * under_droop) * rating
    return 0.0


def capped(body: Json, value: float, rating: Watts) -> Watts:
    """The least power that a curve of the most output lets through: as a rule 0 or less."""
    return -between(points(body), value) / 100.0 * rating


def eased(body: Json, value: float) -> bool:
    """Whether a curve of the most output lets all of it through."""
    curve = points(body)
    return between(curve, value) >= max(y for _, y in curve)


def reactive(kind: str, body: Json, grid: Grid, power: Watts, rating: Watts) -> float:
    """The reactive power of one control, var; positive is injected."""
    most, share = rating * VAR_SHARE, abs(power) / rating * 100.0
    match kind:
        case "FixedVar":
            return float(body["setpoint"]) / 100.0 * most
        case "VoltVar":
            return between(points(body), seen(grid, "V")) / 100.0 * most
        case "WattVar":
            return between(points(body), share) / 100.0 * most
        case "WattPF":
            return _by_factor(between(points(body), share), power)
    sign = 1.0 if kind == "FixedPFInject" else -1.0
    return sign * abs(_by_factor(body["displacement"], power))


def _by_factor(factor: float, power: Watts) -> float:
    """The reactive power beside an active one at a power factor; a negative factor absorbs."""
    ratio = min(1.0, max(0.01, abs(factor)))
    return math.copysign(abs(power) * math.tan(math.acos(ratio)), factor)
