"""The plan when no solver answers: a few sentences that a technician can check by eye.

1. Who must leave soon and still needs much charges at full power, whatever else is wanted.
2. A grid order is met by the bidirectional outlets together, each as far as its car can spare energy.
3. In the tariff's dear periods, cars whose drivers agreed give back what they do not need.
4. In periods to wait in, cars that can still make their departure wait.
5. Everybody else charges as fast as the outlet and the car allow.

A car never goes below its floor, nor so low that full power until departure could not meet its need.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from voltide.domain.envelope import Band, divide
from voltide.domain.plan import Wish
from voltide.domain.site import EvseId
from voltide.domain.units import Fraction, Seconds, WattHours, Watts

ETA: Fraction = 0.94
"""One way, outlet to battery; a careful middle of what is measured (round trip 0.79 to 0.88)."""
SLACK_S: Seconds = 300.0
"""Who has less time than this to spare is urgent."""
START_SPARE_WH: WattHours = 3_000.0
"""A car that does not give back yet starts only with this much to spare, so that it does not go back and forth."""
SUSTAIN_S: Seconds = 120.0
"""A promise of power must last at least this long."""


class Season(StrEnum):
    """What the price says of this moment."""

    CHARGE = "charge"
    WAIT = "wait"
    GIVE = "give"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """What the plan knows of one car. ``energy_wh`` None: its state of charge is not known."""

    evse: EvseId
    charge_w: Watts
    """The most that outlet and car take."""
    discharge_w: Watts
    """The most that they give back; 0 without the driver's word."""
    energy_wh: WattHours | None
    capacity_wh: WattHours | None
    need_wh: WattHours | None
    """What the battery must hold at departure."""
    floor_wh: WattHours
    left_s: Seconds | None
    """Until departure; None: the driver has not said, so now."""
    gives: bool = False
    """It gives back at this moment."""


def wishes(stays: Sequence[Stay], season: Season, ordered_w: Watts | None) -> dict[EvseId, Wish]:
    """One wish per car. ``ordered_w``: what the grid wants of the bidirectional outlets together, if anything."""
    plain = {stay.evse: _wish(stay, season) for stay in stays}
    if ordered_w is None:
        return plain
    able = [stay for stay in stays if stay.discharge_w > 0.0 and not urgent(stay)]
    fixed = sum(plain[stay.evse].power_w for stay in stays if stay.discharge_w > 0.0 and urgent(stay))
    bands = [Band(-giving(stay), stay.charge_w if takes(stay) else 0.0) for stay in able]
    shares = _share_order(ordered_w - fixed, bands)
    return plain | {stay.evse: Wish(power, urgency(stay), "order") for stay, power in zip(able, shares, strict=True)}


def spare_wh(stay: Stay, hold_s: Seconds = SUSTAIN_S) -> WattHours:
    """What a car can give after which, ``hold_s`` from now, full power until departure still meets its need."""
    if stay.energy_wh is None:
        return 0.0
    lowest = stay.floor_wh
    if stay.need_wh is not None:
        left = max(0.0, (stay.left_s or 0.0) - hold_s - SLACK_S)
        lowest = max(lowest, stay.need_wh - left / 3600.0 * stay.charge_w * ETA)
    return max(0.0, stay.energy_wh - lowest)


def _share_order(asked_w: Watts, bands: Sequence[Band]) -> tuple[Watts, ...]:
    """Only one direction at a time: nobody charges while another gives back for the same order."""
    way = [Band(band.lower, 0.0) if asked_w < 0 else Band(0.0, band.upper) for band in bands]
    return divide(asked_w, way)


def _wish(stay: Stay, season: Season) -> Wish:
    if not takes(stay):
        spare = stay.discharge_w > 0 and season is Season.GIVE and giving(stay)
        return Wish(-giving(stay), 1.0, "price") if spare else Wish(0.0, 0.05, "full")
    if urgent(stay):
        return Wish(stay.charge_w, urgency(stay), "urgent")
    if season is Season.GIVE and stay.discharge_w > 0.0:
        given = giving(stay)
        return Wish(-given, 1.0, "price") if given else Wish(0.0, 0.05, "wait-cheap")
    if season is Season.WAIT and stay.left_s is not None:
        return Wish(0.0, 0.05, "wait-cheap")
    return Wish(stay.charge_w, urgency(stay), "charge")


def giving(stay: Stay) -> Watts:
    """The power that a car can give back now; 0 where it is not worth starting."""
    spare = spare_wh(stay)
    least = 0.0 if stay.gives else START_SPARE_WH
    if spare <= least:
        return 0.0
    return min(stay.discharge_w, spare * ETA * 3600.0 / SUSTAIN_S)


def takes(stay: Stay) -> bool:
    """Whether the car still takes energy: only a battery known to hold what was asked is full."""
    if stay.energy_wh is None:
        return True
    if stay.capacity_wh is not None and stay.energy_wh >= stay.capacity_wh * 0.998:
        return False
    return stay.need_wh is None or stay.energy_wh < stay.need_wh or stay.left_s is None


def _missing_s(stay: Stay) -> Seconds:
    """How long full power would take to meet the need."""
    if stay.need_wh is None or stay.energy_wh is None or stay.charge_w <= 0.0:
        return 0.0
    return max(0.0, stay.need_wh - stay.energy_wh) / (stay.charge_w * ETA) * 3600.0


def urgent(stay: Stay) -> bool:
    """Whether it must charge at full power now to meet its need."""
    missing = _missing_s(stay)
    return missing > 0.0 and (stay.left_s is None or stay.left_s - missing < SLACK_S)


def urgency(stay: Stay) -> float:
    """Full power's share of the time left, from 0.05 to 1; 1 where nothing was said."""
    if stay.left_s is None or stay.need_wh is None or stay.energy_wh is None:
        return 1.0
    return min(1.0, max(0.05, _missing_s(stay) / max(stay.left_s, 1.0)))


def battery_wish(sun_w: Watts, cars_w: Watts, season: Season, *, charge_w: Watts, discharge_w: Watts) -> Watts:
    """What the stationary battery should do: keep the sun that the cars do not take, and feed cars when it is dear.

    ``sun_w`` and ``cars_w`` are at least 0: what the canopy gives and the cars take now. Positive charges.

    >>> battery_wish(100_000.0, 40_000.0, Season.WAIT, charge_w=50_000.0, discharge_w=50_000.0)
    50000.0
    """
    surplus = sun_w - cars_w
    if surplus > 0.0:
        return min(surplus, charge_w)
    if season is Season.GIVE:
        return -min(-surplus, discharge_w)
    return charge_w * 0.3 if season is Season.CHARGE else 0.0
