"""Composite schedules by brute force: one second, every rule literally, in watts of single phases.

It shares the records with the product and no arithmetic: the product works in the unit that is asked for, with one
value where it can, and jumps from change to change; this here takes each second for itself.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from voltide.ocpp.schedule import Kind, Mode, Period, Profile, Purpose, Recurrency, Unit
from voltide.ocpp.timeline import EvseNow, StationNow


@dataclass
class Held:
    """What holds, in W on each of three phases; ``wide`` when single phases are spoken of."""

    limit: list
    discharge: list | None
    setpoint: list | None
    phases: int | None
    mode: Mode
    used: int
    wide: bool


def floored(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


def period_at(  # noqa: PLR0911 -- each rule has its own way out
    profile: Profile, station: StationNow, evse: EvseNow | None, when: datetime
) -> Period | None:
    """Rules a and b."""
    if profile.valid_from is not None and when < floored(profile.valid_from):
        return None
    if profile.valid_to is not None and when >= floored(profile.valid_to):
        return None
    if station.offline_since is not None and when >= (lost := floored(station.offline_since)):
        if profile.purpose in station.ignored_offline:
            return None
        if profile.max_offline_s is not None and when >= lost + timedelta(seconds=profile.max_offline_s):
            return None
    schedule = schedule_of(profile, evse)
    starts = [period.start for period in schedule.periods]
    if starts[0] != 0 or any(late <= early for early, late in pairwise(starts)):
        return None
    if profile.kind is Kind.DYNAMIC:
        over = timedelta(seconds=schedule.duration_s or 0)
        if schedule.duration_s is not None and profile.updated is not None and when >= floored(profile.updated) + over:
            return None
        return schedule.periods[0]
    begin = begin_of(profile, station, evse, when)
    if begin is None or when < begin:
        return None
    into = int((when - begin).total_seconds())
    if schedule.duration_s is not None and into >= schedule.duration_s:
        return None
    return [period for period in schedule.periods if period.start <= into][-1]


def schedule_of(profile, evse):
    if evse is not None and 0 <= evse.choice < len(profile.schedules):
        return profile.schedules[evse.choice]
    return profile.schedules[0]


def begin_of(profile, station, evse, when):
    """Where second 0 is, for the latest time that it is not later than ``when``."""
    start = schedule_of(profile, evse).start
    if profile.kind is Kind.RELATIVE or (profile.kind is Kind.ABSOLUTE and start is None):
        if profile.purpose in {Purpose.TX, Purpose.TX_DEFAULT, Purpose.PRIORITY}:
            origin = None if evse is None else evse.started
        else:
            origin = profile.valid_from or profile.received
        return None if origin is None else floored(origin)
    if start is None:
        return None
    local = schedule_of(profile, evse).local_time and station.zone is not None

    def clock(days):
        if not local:
            return floored(start) + timedelta(days=days)
        wall = start.replace(tzinfo=None, microsecond=0) + timedelta(days=days)
        return wall.replace(tzinfo=station.zone).astimezone(UTC)

    if profile.kind is Kind.ABSOLUTE:
        return clock(0)
    if profile.recurrency is None:
        return None
    step, days = (1 if profile.recurrency is Recurrency.DAILY else 7), 0
    while clock(days + step) <= when:
        days += step
    return clock(days)


def leader(profiles, purpose, place, station, evse, when):
    """Rule c: (profile, period, EVSE) of the strongest that has a period now, at a place (an EVSE's number, or 0).

    What is the station's own (its maximum, what is external to all of it) has no EVSE, so no car either.
    """
    found = []
    for profile in profiles:
        everywhere = purpose in {Purpose.TX_DEFAULT, Purpose.PRIORITY} and profile.evse == 0
        here = profile.evse == place or everywhere or purpose is Purpose.STATION_MAX
        if profile.purpose is not purpose or not here:
            continue
        if purpose is Purpose.TX and profile.transaction_id not in {None, evse.transaction}:
            continue
        period = period_at(profile, station, evse, when)
        if period is not None:
            found.append((profile.stack_level, profile.evse, profile.id, profile, period))
    return (*max(found, key=lambda one: one[:3])[3:], evse) if found else None


def transactions_leader(profiles, station, evse, when):
    """Rules d and h: the first that says anything, of PriorityCharging, TxProfile and TxDefaultProfile."""
    if evse.transaction is None:
        return None
    for purpose in [Purpose.PRIORITY] * evse.priority + [Purpose.TX, Purpose.TX_DEFAULT]:
        found = leader(profiles, purpose, evse.number, station, evse, when)
        if found is not None:
            period = found[1]
            values = [period.limit, period.discharge, period.setpoint]
            if period.mode is not Mode.CHARGING_ONLY or values != [None, None, None]:
                return found
    return None


def nearest_zero(values):
    """What all can bear: the smallest of one sign, nothing where the signs differ."""
    if all(value >= 0 for value in values):
        return min(values)
    return max(values) if all(value <= 0 for value in values) else 0.0


def told(period, name):
    """The three values of a period, or one for all phases (then twice None), or None."""
    value = getattr(period, name)
    if value is None or list(value) == [None, None, None]:
        return None
    if value.l2 is None and value.l3 is None:
        return [value.l1, None, None]
    safe = nearest_zero([one for one in value if one is not None])
    return [safe if one is None else one for one in value]


def limits_of(profile, period, evse):
    """All limits that a leader sets: its own, and that beyond a state of charge. Each is (three values, unit)."""
    schedule = schedule_of(profile, evse)
    if period.mode is Mode.IDLE:
        limits = [([0.0, None, None], schedule.unit)]
    else:
        limits = [(told(period, "limit"), schedule.unit)] if told(period, "limit") is not None else []
    beyond = schedule.limit_at_soc
    if beyond is not None and evse is not None and evse.soc is not None and evse.soc >= beyond[0]:
        wide = bool(limits) and limits[0][0][1] is not None
        share = beyond[1] / 3 if wide and schedule.unit is Unit.W else beyond[1]
        limits.append(([share] * 3 if wide else [share, None, None], schedule.unit))
    return limits


def on_phases(values, unit, used, volts):
    """Three values of a unit as W on each phase; with one phase in use, all three are the one nearest 0."""
    if values[1] is None:
        each = values[0] * volts if unit is Unit.A else values[0] / used
        return [each] * 3
    if used == 1:
        values = [nearest_zero(values)] * 3
    return [value * volts if unit is Unit.A else value for value in values]


def used_phases(leaders, station, direct):
    """The lowest number of phases that is told, and how many are used."""
    counts = [] if direct else [period.phases for _, period, _ in leaders if period.phases in {1, 2, 3}]
    used = min([*counts, station.supply.phases])
    return (used if counts else None), used


def is_wide(leaders):
    return any(
        told(period, name) is not None and told(period, name)[1] is not None and period.mode is not Mode.IDLE
        for _, period, _ in leaders
        for name in ("limit", "discharge", "setpoint")
    )


def merge(leaders, station, used, start: Held, default):
    """Rule e, within what is there already."""
    volts, limits = station.supply.volts, [] if start.limit is None else [start.limit]
    discharges = [] if start.discharge is None else [start.discharge]
    setpoint, mode = start.setpoint, start.mode
    for profile, period, evse in leaders:
        unit = schedule_of(profile, evse).unit
        limits += [on_phases(values, its, used, volts) for values, its in limits_of(profile, period, evse)]
        if period.mode is Mode.IDLE:
            discharges.append([0.0] * 3)
        else:
            if told(period, "discharge") is not None:
                values = on_phases(told(period, "discharge"), unit, used, volts)
                discharges.append([min(value, 0.0) for value in values])
            if told(period, "setpoint") is not None:
                its = on_phases(told(period, "setpoint"), unit, used, volts)
                setpoint = its if setpoint is None else [nearest_zero(pair) for pair in zip(setpoint, its, strict=True)]
        if mode is Mode.CHARGING_ONLY:
            mode = period.mode
    limit = [min(each) for each in zip(*limits, strict=True)] if limits else default
    discharge = [max(each) for each in zip(*discharges, strict=True)] if discharges else None
    if setpoint is not None:
        setpoint = [
            max(0.0, min(value, limit[phase]))
            if value > 0
            else (value if discharge is None else min(0.0, max(value, discharge[phase])))
            for phase, value in enumerate(setpoint)
        ]
    return limit, discharge, setpoint, mode


def generated(limit, makers, station, used, default):
    """Rule h: capacity on top, never above the default."""
    raised = list(limit)
    for profile, period, evse in makers:
        limits = limits_of(profile, period, evse)
        if limits:
            fitted = [on_phases(values, unit, used, station.supply.volts) for values, unit in limits]
            more = [min(each) for each in zip(*fitted, strict=True)]
            raised = [was + max(0.0, plus) for was, plus in zip(raised, more, strict=True)]
    return [min(up, max(was, most)) for up, was, most in zip(raised, limit, default, strict=True)]


NOTHING = Held(None, None, None, None, Mode.CHARGING_ONLY, 3, False)


def at_evse(profiles, station, evse, when, *, part=False) -> Held:
    leaders = [
        transactions_leader(profiles, station, evse, when),
        leader(profiles, Purpose.EXTERNAL, evse.number, station, evse, when),
        leader(profiles, Purpose.EXTERNAL, 0, station, None, when),
        None if part else leader(profiles, Purpose.STATION_MAX, 0, station, None, when),
    ]
    makers = [
        None if part else leader(profiles, Purpose.GENERATION, evse.number, station, evse, when),
        None if part else leader(profiles, Purpose.GENERATION, 0, station, None, when),
    ]
    leaders, makers = [one for one in leaders if one], [one for one in makers if one]
    phases, used = used_phases(leaders, station, evse.direct)
    default = [evse.default_w / station.supply.phases] * 3
    limit, discharge, setpoint, mode = merge(leaders, station, used, NOTHING, default)
    limit = generated(limit, makers, station, used, default)
    wide = used > 1 and is_wide(leaders + makers)
    return Held(limit, discharge, setpoint, phases, mode, used, wide)


def at_station(profiles, station, when) -> Held:
    """Rule f."""
    parts = [(evse, at_evse(profiles, station, evse, when, part=True)) for evse in station.evses]
    leaders = [
        leader(profiles, Purpose.EXTERNAL, 0, station, None, when),
        leader(profiles, Purpose.STATION_MAX, 0, station, None, when),
    ]
    leaders = [one for one in leaders if one]
    makers = [leader(profiles, Purpose.GENERATION, 0, station, None, when)]
    makers += [leader(profiles, Purpose.GENERATION, evse.number, station, evse, when) for evse in station.evses]
    makers = [one for one in makers if one]
    direct = all(evse.direct for evse in station.evses)
    phases, bound = used_phases(leaders, station, direct)
    used = min(bound, max(part.used for _, part in parts))
    if not direct and (phases is not None or any(part.phases is not None for _, part in parts)):
        phases = used
    wide = used > 1 and (is_wide(leaders + makers) or any(part.wide for _, part in parts))

    def summed(name, instead=None):
        total = [0.0] * 3
        for evse, part in parts:
            values = getattr(part, name)
            if values is None:
                each = [instead(evse, part) / used if instead else 0.0] * 3
            elif part.wide and wide:
                each = values
            else:
                each = [nearest_zero(values) * part.used / used] * 3
            total = [was + more for was, more in zip(total, each, strict=True)]
        return total

    limit = summed("limit")
    if not wide and any(part.used > used for _, part in parts):
        by_current = sum(nearest_zero(part.limit) for _, part in parts)
        limit = [min(value, by_current) for value in limit]
    discharge = setpoint = None
    if any(part.discharge is not None for _, part in parts):
        gives = {Mode.CHARGING_ONLY: 0.0}
        discharge = summed("discharge", lambda evse, part: gives.get(part.mode, min(evse.default_discharge_w, 0.0)))
    if any(part.setpoint is not None for _, part in parts):
        setpoint = summed("setpoint")
    modes = {part.mode for _, part in parts}
    mode = modes.pop() if len(modes) == 1 else Mode.CHARGING_ONLY
    default = [sum(evse.default_w for evse in station.evses) / station.supply.phases] * 3
    start = Held(limit, discharge, setpoint, None, mode, used, wide)
    limit, discharge, setpoint, mode = merge(leaders, station, used, start, default)
    limit = generated(limit, makers, station, used, default)
    return Held(limit, discharge, setpoint, phases, mode, used, wide)


def at(profiles, station, number, when) -> Held:
    """What holds at an EVSE, or at the station (0), at a whole second."""
    if number == 0:
        return at_station(profiles, station, when)
    return at_evse(profiles, station, next(one for one in station.evses if one.number == number), when)
