"""Power beside setpoints in OCPP 2: others' limits, cars' schedules, priority, V2X (blocks K and Q), both ways."""

from datetime import datetime
from typing import TypeAlias

from voltide.domain.messages import Json, LimitTold, SetpointPulled
from voltide.domain.reports import PowerStep, PriorityTold, ProfilesTold, ScheduleTold
from voltide.domain.requests import AllowTransfer, AskProfiles, AskSchedule, SendSignal, UsePriority
from voltide.domain.site import OcppVersion
from voltide.domain.time import stamp
from voltide.domain.units import Watts
from voltide.ocpp.wire import (
    Hears,
    Obeys,
    Says,
    Supply,
    Voice,
    maybe_moment,
    maybe_stamp,
    moment,
    number,
    power,
    tenths,
)

V21 = OcppVersion.V21
PowerRequest: TypeAlias = AllowTransfer | AskProfiles | AskSchedule | SendSignal | UsePriority
_SOURCES = frozenset({"CSO", "EMS", "Other", "SO"})
"""Who may limit a charger, in 2.0.1's closed list; 2.1 has any text."""


# --- what a charger tells ---


def _limit(told: Json, voice: Voice, now: datetime) -> LimitTold:
    """Someone limits the charger: by a schedule, or without saying how much."""
    limit, schedules = told["chargingLimit"], told.get("chargingSchedule", ())
    fact = LimitTold(
        source=limit["chargingLimitSource"],
        evse=told.get("evseId") or None,
        unsaid=True,
        grid_critical=limit.get("isGridCritical", False),
        local_generation=limit.get("isLocalGeneration", False),
    )
    return _scheduled(fact, schedules[0], voice.supply, now) if schedules else fact


def _scheduled(fact: LimitTold, schedule: Json, supply: Supply, now: datetime) -> LimitTold:
    """The same with what its schedule says, and of that what holds now."""
    start = maybe_moment(schedule.get("startSchedule"))
    steps = read_steps(schedule, "limit", supply)
    present = _present(schedule["chargingSchedulePeriod"], start, now)
    unit = schedule["chargingRateUnit"]
    limit = power(present, "limit", unit, supply)
    return LimitTold(
        source=fact.source,
        evse=fact.evse,
        limit_w=limit,
        floor_w=power(present, "dischargeLimit", unit, supply),
        unsaid=limit is None,
        start=start,
        steps=steps if len(steps) > 1 else (),
        grid_critical=fact.grid_critical,
        local_generation=fact.local_generation,
    )


def _present(periods: list[Json], start: datetime | None, now: datetime) -> Json:
    """The period that holds now; before its start a schedule's first."""
    passed = 0.0 if start is None else (now - start).total_seconds()
    begun = [period for period in periods if period["startPeriod"] <= passed]
    return begun[-1] if begun else periods[0]


def read_steps(schedule: Json, name: str, supply: Supply) -> tuple[PowerStep, ...]:
    """The periods of a schedule as powers."""
    unit, periods = schedule["chargingRateUnit"], schedule["chargingSchedulePeriod"]
    return tuple(PowerStep(offset_s=one["startPeriod"], power_w=power(one, name, unit, supply)) for one in periods)


def _unlimited(told: Json, _voice: Voice, _now: datetime) -> LimitTold:
    return LimitTold(source=told["chargingLimitSource"], evse=told.get("evseId") or None)


def _say_limit(fact: LimitTold, voice: Voice, _now: datetime) -> tuple[str, Json]:
    modern = voice.version is V21
    source = fact.source if modern or fact.source in _SOURCES else "Other"
    if fact.limit_w is None and not fact.unsaid:
        return "ClearedChargingLimit", {"chargingLimitSource": source, "evseId": fact.evse}
    limit = {
        "chargingLimitSource": source,
        "isGridCritical": fact.grid_critical or None,
        "isLocalGeneration": (fact.local_generation or None) if modern else None,
    }
    schedule = _say_limits(fact, modern=modern)
    return "NotifyChargingLimit", {
        "chargingLimit": limit,
        "evseId": fact.evse,
        "chargingSchedule": None if schedule is None else [schedule],
    }


def _say_limits(fact: LimitTold, *, modern: bool) -> Json | None:
    """One period, or as many as the schedule has; None where nothing is said that the version has words for."""
    floor = fact.floor_w if modern else None
    said = fact.limit_w is not None or floor is not None
    steps = fact.steps or ((PowerStep(offset_s=0, power_w=fact.limit_w),) if said else ())
    if not steps:
        return None
    periods = [
        {"startPeriod": round(one.offset_s), "limit": _tenths(one.power_w), "dischargeLimit": _tenths(floor)}
        for one in steps
    ]
    return {
        "id": 1,
        "chargingRateUnit": "W",
        "startSchedule": maybe_stamp(fact.start),
        "chargingSchedulePeriod": periods,
    }


def _tenths(value: Watts | None) -> Watts | None:
    return None if value is None else tenths(value)


def _schedule(told: Json, voice: Voice, now: datetime) -> ScheduleTold:
    """What the car intends. Its offsets count from the time base, or from the schedule's own start."""
    schedule = told["chargingSchedule"]
    base = moment(told["timeBase"], now)
    return ScheduleTold(
        evse=told["evseId"],
        start=maybe_moment(schedule.get("startSchedule")) or base,
        steps=tuple(_intended(one, schedule["chargingRateUnit"], voice.supply) for one in _periods(schedule)),
        duration_s=number(schedule.get("duration")),
        selected=told.get("selectedChargingScheduleId"),
        tolerant=told.get("powerToleranceAcceptance"),
    )


def _periods(schedule: Json) -> list[Json]:
    periods: list[Json] = schedule["chargingSchedulePeriod"]
    return periods


def _intended(period: Json, unit: str, supply: Supply) -> PowerStep:
    """A car that gives back says so by a setpoint, by a negative limit, or by a discharge limit alone."""
    names = ("setpoint", "limit", "dischargeLimit")
    told = (power(period, name, unit, supply) for name in names)
    return PowerStep(offset_s=period["startPeriod"], power_w=next((one for one in told if one is not None), None))


def _say_schedule(fact: ScheduleTold, voice: Voice, _now: datetime) -> tuple[str, Json]:
    modern = voice.version is V21
    periods = [_say_intended(step, modern=modern) for step in fact.steps]
    duration = None if fact.duration_s is None else round(fact.duration_s)
    schedule = {"id": 1, "chargingRateUnit": "W", "duration": duration, "chargingSchedulePeriod": periods}
    extra = {"selectedChargingScheduleId": fact.selected, "powerToleranceAcceptance": fact.tolerant}
    body = {"evseId": fact.evse, "timeBase": stamp(fact.start), "chargingSchedule": schedule}
    return "NotifyEVChargingSchedule", body | (extra if modern else {})


def _say_intended(step: PowerStep, *, modern: bool) -> Json:
    name = "setpoint" if modern and (step.power_w or 0.0) < 0 else "limit"
    return {"startPeriod": round(step.offset_s), name: _tenths(step.power_w)}


def _priority(told: Json, _voice: Voice, _now: datetime) -> PriorityTold:
    return PriorityTold(transaction_id=told["transactionId"], activated=told["activated"])


def _say_priority(fact: PriorityTold, _voice: Voice, _now: datetime) -> tuple[str, Json]:
    return "NotifyPriorityCharging", {"transactionId": fact.transaction_id, "activated": fact.activated}


def _profiles(told: Json, _voice: Voice, _now: datetime) -> ProfilesTold:
    return ProfilesTold(
        request_id=told["requestId"],
        source=told["chargingLimitSource"],
        evse=told["evseId"],
        profiles=tuple(told["chargingProfile"]),
        more=told.get("tbc", False),
    )


def _say_profiles(fact: ProfilesTold, _voice: Voice, _now: datetime) -> tuple[str, Json]:
    head = {"requestId": fact.request_id, "chargingLimitSource": fact.source, "evseId": fact.evse, "tbc": fact.more}
    return "ReportChargingProfiles", head | {"chargingProfile": list(fact.profiles)}


def _pulled(told: Json, _voice: Voice, _now: datetime) -> SetpointPulled:
    return SetpointPulled(profile_id=told["chargingProfileId"])


def _say_pulled(fact: SetpointPulled, _voice: Voice, _now: datetime) -> tuple[str, Json]:
    return "PullDynamicScheduleUpdate", {"chargingProfileId": fact.profile_id}


HEAR: Hears = {
    "ClearedChargingLimit": _unlimited,
    "NotifyChargingLimit": _limit,
    "NotifyEVChargingSchedule": _schedule,
    "NotifyPriorityCharging": _priority,
    "PullDynamicScheduleUpdate": _pulled,
    "ReportChargingProfiles": _profiles,
}
SAY: Says = {
    LimitTold: _say_limit,
    PriorityTold: _say_priority,
    ProfilesTold: _say_profiles,
    ScheduleTold: _say_schedule,
    SetpointPulled: _say_pulled,
}


# --- what it is asked ---


def say(order: PowerRequest, voice: Voice) -> tuple[str, Json]:
    """An order of this page as action and body."""
    match order:
        case AskSchedule():
            unit = "A" if voice.charger.amperes else "W"
            body = {"evseId": order.evse, "duration": round(order.duration_s), "chargingRateUnit": unit}
            return "GetCompositeSchedule", body
        case AskProfiles():
            body = {"requestId": order.request_id, "evseId": order.evse, "chargingProfile": {}}
            return "GetChargingProfiles", body
        case UsePriority():
            return "UsePriorityCharging", {"transactionId": order.transaction_id, "activate": order.active}
        case AllowTransfer():
            modes = list(order.modes)
            body = {"transactionId": order.transaction_id, "allowedEnergyTransfer": modes}
            return "NotifyAllowedEnergyTransfer", body
        case SendSignal():
            return "AFRRSignal", {"timestamp": stamp(order.at), "signal": order.signal}


def _ask_schedule(told: Json, _voice: Voice, _now: datetime) -> AskSchedule:
    return AskSchedule(evse=told["evseId"], duration_s=told["duration"])


def _ask_profiles(told: Json, _voice: Voice, _now: datetime) -> AskProfiles | None:
    """All profiles, or those of an outlet; a choice by purpose, level, id or source has no word."""
    return None if told["chargingProfile"] else AskProfiles(request_id=told["requestId"], evse=told.get("evseId"))


def _use_priority(told: Json, _voice: Voice, _now: datetime) -> UsePriority:
    return UsePriority(transaction_id=told["transactionId"], active=told["activate"])


def _allow(told: Json, _voice: Voice, _now: datetime) -> AllowTransfer:
    return AllowTransfer(transaction_id=told["transactionId"], modes=tuple(told["allowedEnergyTransfer"]))


def _signal(told: Json, _voice: Voice, now: datetime) -> SendSignal:
    return SendSignal(at=moment(told["timestamp"], now), signal=told["signal"])


OBEY: Obeys = {
    "AFRRSignal": _signal,
    "GetChargingProfiles": _ask_profiles,
    "GetCompositeSchedule": _ask_schedule,
    "NotifyAllowedEnergyTransfer": _allow,
    "UsePriorityCharging": _use_priority,
}


# --- a composite schedule, the answer to AskSchedule ---


def hear_composite(answer: Json, supply: Supply) -> Json:
    """The schedule that a charger has reckoned, in W: see ``AskSchedule``. 1.6 writes it a little differently."""
    old = answer.get("chargingSchedule")
    schedule = old or answer.get("schedule")
    if schedule is None:
        return {"status": answer.get("status")}
    unit = schedule["chargingRateUnit"]
    return {
        "status": answer.get("status"),
        "start": answer.get("scheduleStart") or schedule.get("scheduleStart") or schedule.get("startSchedule"),
        "duration_s": number(schedule.get("duration")),
        "steps": [_composite(period, unit, supply) for period in schedule["chargingSchedulePeriod"]],
    }


_FIELDS = {"limit_w": "limit", "floor_w": "dischargeLimit", "setpoint_w": "setpoint"}


def _composite(period: Json, unit: str, supply: Supply) -> Json:
    told = {ours: power(period, theirs, unit, supply) for ours, theirs in _FIELDS.items()}
    known = {name: value for name, value in told.items() if value is not None}
    return {"offset_s": float(period["startPeriod"])} | known


def say_composite(asked: Json, told: Json, voice: Voice) -> Json:
    """The same from a charger's mouth, in the unit that was asked for."""
    unit, old = asked.get("chargingRateUnit", "W"), voice.version is OcppVersion.V16
    share = voice.supply.watts_per_ampere if unit == "A" else 1.0
    periods = [_say_composite(step, share, fine=voice.version is V21) for step in told["steps"]]
    schedule = {"chargingRateUnit": unit, "duration": round(told["duration_s"]), "chargingSchedulePeriod": periods}
    if old:
        head = {"connectorId": asked["connectorId"], "scheduleStart": told["start"]}
        return {"status": "Accepted", "chargingSchedule": schedule} | head
    return {
        "status": "Accepted",
        "schedule": schedule | {"evseId": asked["evseId"], "scheduleStart": told["start"]},
    }


def _say_composite(step: Json, share: float, *, fine: bool) -> Json:
    """Only 2.1 has more than a limit."""
    said = {
        theirs: tenths(step[ours] / share)
        for ours, theirs in _FIELDS.items()
        if step.get(ours) is not None and (fine or theirs == "limit")
    }
    return {"startPeriod": round(step["offset_s"])} | said
