"""What a car makes of a schedule that it is offered: it chooses one of several, and says how it will charge (K15)."""

from datetime import datetime

from voltide.domain.messages import Json
from voltide.domain.time import stamp
from voltide.domain.units import Seconds, WattHours, Watts
from voltide.ocpp.composite import Asked, Composition
from voltide.ocpp.schedule import Period, Profile, Unit
from voltide.ocpp.wire import Supply, tenths
from voltide.twin.bay import Bay
from voltide.twin.vehicle import ETA_CHARGE

LOOKS_AHEAD_S = 24 * 3600
FIRST_HOUR_S = 3600


def chosen(profile: Profile) -> int:
    """The schedule of a profile that lets in most within its first hour; the first of equals."""
    watts = Supply().watts_per_ampere
    sums = []
    for schedule in profile.schedules:
        ends = [*(period.start for period in schedule.periods[1:]), FIRST_HOUR_S]
        factor = watts if schedule.unit is Unit.A else 1.0
        spans = zip(schedule.periods, ends, strict=True)
        sums.append(
            sum(_limit(period) * factor * max(0, min(end, FIRST_HOUR_S) - period.start) for period, end in spans)
        )
    return sums.index(max(sums)) if sums else 0


def _limit(period: Period) -> float:
    told = period.limit.each if period.limit is not None else ()
    return min(told, default=0.0)


def plan(bay: Bay, composition: Composition, now: datetime) -> Json:
    """The body of a NotifyEVChargingSchedule: full power within what holds, until the car has what it came for."""
    visit, car = bay.visit, bay.outlet.car
    if visit is None or car is None:
        raise ValueError(f"no car at outlet {bay.number}")
    lasts = min(LOOKS_AHEAD_S, max(60, int(visit.told_departs_s - bay.teller.clock.monotonic())))
    composite = composition.schedule(Asked(bay.number, now, lasts, Unit.W))
    need: WattHours = max(0.0, visit.need_wh - car.energy_wh) / ETA_CHARGE
    most = min(car.most_in_w(), bay.outlet.evse.charge_w)
    starts = [*(period.start for period in composite.periods), composite.duration_s]
    steps: list[tuple[int, Watts]] = []
    for at, period in enumerate(composite.periods):
        power, span = max(0.0, min(most, _limit(period))), float(starts[at + 1] - period.start)
        steps.append((period.start, power if need > 0 else 0.0))
        full: Seconds = need / power * 3600.0 if power > 0 else span
        if need > 0 and full < span:
            steps.append((period.start + int(full), 0.0))
        need -= power * min(span, full) / 3600.0
        if need <= 0:
            break
    periods = [{"startPeriod": start, "limit": tenths(power)} for start, power in steps]
    schedule = {"id": 1, "duration": lasts, "chargingRateUnit": "W", "chargingSchedulePeriod": periods}
    return {"timeBase": stamp(now), "evseId": bay.number, "chargingSchedule": schedule}
