"""What power an outlet asks for in each mode of operation (Q03 to Q10), by what holds and what the grid shows.

Pure: one function for a mode. Positive charges. ``None`` leaves the power to the car, up to the limit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

from voltide.domain.units import Watts
from voltide.ocpp.composite import Holding
from voltide.ocpp.schedule import Mode
from voltide.twin.vehicle import between

EACH_SECOND = frozenset({Mode.LOCAL_FREQUENCY, Mode.LOCAL_LOAD_BALANCING})
"""Modes whose power follows the grid and not the clock."""


@dataclass(frozen=True, slots=True)
class Balance:
    """The thresholds of local load balancing, W at the site's meter. Source: V2XChargingCtrlr.LocalLoadBalancing."""

    upper_w: Watts
    lower_w: Watts
    upper_offset_w: Watts = 0.0
    lower_offset_w: Watts = 0.0

    def of_outlet(self, site_w: Watts, own_w: Watts) -> Watts:
        """What an outlet is to take (or, negative, give) when the site draws so much, its own power included.

        >>> Balance(1000.0, 0.0).of_outlet(5000.0, 0.0), Balance(1000.0, 0.0).of_outlet(-3000.0, 0.0)
        (-4000.0, 3000.0)
        >>> Balance(1000.0, 0.0).of_outlet(1000.0, -4000.0)         # it is doing enough, and goes on
        -4000.0
        """
        others = site_w - own_w
        if others > self.upper_w:
            return self.upper_w + self.upper_offset_w - others
        if others < self.lower_w:
            return self.lower_w + self.lower_offset_w - others
        return 0.0


@dataclass(frozen=True, slots=True)
class Shown:
    """What the charger measures, or was told by a signal."""

    frequency_hz: float
    site_w: Watts
    own_w: Watts
    signal: int | None = None
    balance: Balance | None = None


def asked(held: Holding, shown: Shown) -> Watts | None:
    """The power that a mode asks for, before anyone's limits."""
    period = held.period
    match held.mode:
        case Mode.IDLE:
            return 0.0
        case Mode.CENTRAL_SETPOINT | Mode.CENTRAL_FREQUENCY:
            return held.setpoint_w
        case Mode.EXTERNAL_SETPOINT:
            return 0.0 if held.setpoint_w is None else held.setpoint_w
        case Mode.LOCAL_LOAD_BALANCING if shown.balance is not None:
            return shown.balance.of_outlet(shown.site_w, shown.own_w)
        case Mode.LOCAL_FREQUENCY if period is not None:
            wanted = (period.baseline_w or 0.0) + _on(period.frequency_watt, shown.frequency_hz)
            return wanted + (0.0 if shown.signal is None else _on(period.signal_watt, shown.signal))
    return held.setpoint_w


def _on(curve: Sequence[tuple[float, Watts]], x: float) -> Watts:
    """A curve's power; beyond its ends it stays as it is. No curve, no power."""
    return between(sorted(curve), x) if curve else 0.0


def within(wanted: Watts | None, held: Holding, rating: tuple[Watts, Watts]) -> Watts:
    """The power that is asked of the outlet: what is wanted, inside the limits and the outlet's (least, most).

    Nothing wanted is as much as the limit lets in. Only a mode that may give back goes below 0, unless the limit
    itself is negative, which some makers of 2.0.1 take as an order to give back.
    """
    least, most = rating
    top = min(held.limit_w, most)
    if top < 0.0:
        return max(top, least)
    if wanted is None:
        return top
    bottom = 0.0
    if held.mode not in {Mode.CHARGING_ONLY, Mode.IDLE}:
        bottom = least if held.discharge_w is None else max(least, held.discharge_w)
    return min(max(wanted, bottom), top)


def share(wishes: Mapping[int, Watts], whole: Holding) -> dict[int, Watts]:
    """What each gets when the sum must stay within what holds for all: whoever wants little gets it, the rest alike.

    What some give back does not let others take more: each direction keeps its own limit.
    """
    top, bottom = whole.limit_w, -inf if whole.discharge_w is None else whole.discharge_w
    if whole.setpoint_w is not None:
        top, bottom = min(top, max(whole.setpoint_w, 0.0)), max(bottom, min(whole.setpoint_w, 0.0))
    taking = {number: wish for number, wish in wishes.items() if wish >= 0.0}
    giving = {number: -wish for number, wish in wishes.items() if wish < 0.0}
    parts = _fill(taking, max(top, 0.0))
    return parts | {number: -part for number, part in _fill(giving, -bottom).items()}


def _fill(wishes: Mapping[int, Watts], budget: Watts) -> dict[int, Watts]:
    """Shares of a budget, filled up evenly.

    >>> _fill({1: 1000.0, 2: 9000.0, 3: 9000.0}, 9000.0)
    {1: 1000.0, 2: 4000.0, 3: 4000.0}
    """
    parts: dict[int, Watts] = {}
    left = budget
    for at, (number, wish) in enumerate(sorted(wishes.items(), key=lambda item: item[1])):
        parts[number] = min(wish, left / (len(wishes) - at))
        left -= parts[number]
    return parts
