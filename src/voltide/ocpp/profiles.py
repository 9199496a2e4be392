"""Charging profiles: how a setpoint with a lease is said in each version, and read again by a charger.

Never for the purpose ChargingStationExternalConstraints: that is the grid's word. Limits are rounded towards zero. A
negative limit is said only where the maker has promised that it discharges.
"""

import math
from datetime import datetime

from voltide.domain.messages import ApplyFallback, ApplySetpoint, Json
from voltide.domain.site import Charger, OcppVersion, V2g
from voltide.domain.time import stamp
from voltide.domain.units import Seconds, Watts
from voltide.ocpp.wire import Supply, Voice, Wire, maybe_moment, number, power, request, tenths

_SETPOINT, _FALLBACK = 1000, 2000
DYNAMIC = "Dynamic"


def profile_of(evse: int) -> int:
    """The id of the profile that holds an outlet's setpoint; the same id replaces it."""
    return _SETPOINT + evse


def evse_of(profile: int) -> int | None:
    """The outlet whose setpoint a profile holds; None when the profile is not ours.

    >>> evse_of(profile_of(2))
    2
    """
    return profile - _SETPOINT if _SETPOINT < profile < _FALLBACK else None


def is_dynamic(version: OcppVersion, charger: Charger) -> bool:
    """Whether the charger follows a signed setpoint that is updated in place."""
    return version is OcppVersion.V21 and charger.v2g is V2g.DYNAMIC


def setpoint(voice: Voice, order: ApplySetpoint) -> Wire:
    """A setpoint with its lease, as this charger understands it."""
    if is_dynamic(voice.version, voice.charger):
        return _dynamic(voice, order) if order.fresh else _update(voice, order)
    negative = voice.charger.v2g is V2g.NEGATIVE_LIMIT and voice.version is not OcppVersion.V16
    lowest = order.floor_w if negative else 0.0
    given = min(max(order.power_w, min(lowest, 0.0)), max(order.ceiling_w, 0.0))
    schedule = constant(voice, given) | {
        "startSchedule": stamp(order.now),
        "duration": _whole(order.lease_s),
    }
    profile = {
        "stackLevel": 1,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Absolute",
        "transactionId": order.transaction_id,
    }
    return say_profile(voice.version, order.evse, profile_of(order.evse), profile | {"chargingSchedule": schedule})


def fallback(voice: Voice, order: ApplyFallback) -> Wire:
    """What holds when no setpoint does: from the start of each transaction, without an end."""
    profile = {
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": constant(voice, max(order.power_w, 0.0)),
    }
    return say_profile(voice.version, order.evse, _FALLBACK + order.evse, profile)


def band(order: ApplySetpoint) -> Json:
    """A dynamic setpoint, and limits as tight: whatever acts beside it can only move the power towards 0.

    2.1: V2X by central setpoint. Control counts no more than the setpoint itself; see ADR 15.

    >>> told = {"evse": 1, "transaction_id": "t", "lease_s": 10.0, "now": datetime.min}
    >>> band(ApplySetpoint(power_w=-4e3, floor_w=-9e3, ceiling_w=9e3, **told))
    {'setpoint': -4000.0, 'limit': 0.0, 'dischargeLimit': -4000.0}
    """
    given = tenths(min(max(order.power_w, min(order.floor_w, 0.0)), max(order.ceiling_w, 0.0)))
    return {"setpoint": given, "limit": max(given, 0.0), "dischargeLimit": min(given, 0.0)}


def _dynamic(voice: Voice, order: ApplySetpoint) -> Wire:
    """The whole dynamic profile; the charger drops it when it is alone for longer than the lease."""
    period = {"startPeriod": 0, "operationMode": "CentralSetpoint"} | band(order)
    profile = leased(order.transaction_id, order.lease_s) | {
        "chargingProfileKind": DYNAMIC,
        "chargingSchedule": {"chargingRateUnit": "W", "chargingSchedulePeriod": [period]},
    }
    return say_profile(voice.version, order.evse, profile_of(order.evse), profile)


def leased(transaction_id: str, lease_s: Seconds) -> Json:
    """What 2.1's profiles of a transaction have in common: the charger drops them when alone for longer."""
    return {
        "stackLevel": 1,
        "chargingProfilePurpose": "TxProfile",
        "transactionId": transaction_id,
        "maxOfflineDuration": _whole(lease_s),
        "invalidAfterOfflineDuration": True,
    }


def _update(voice: Voice, order: ApplySetpoint) -> Wire:
    body = {"chargingProfileId": profile_of(order.evse), "scheduleUpdate": band(order)}
    return request(voice.version, "UpdateDynamicSchedule", body)


def constant(voice: Voice, limit_w: Watts) -> Json:
    """A schedule of one period, in the unit that the charger takes."""
    unit, limit = ("A", limit_w / voice.supply.watts_per_ampere) if voice.charger.amperes else ("W", limit_w)
    return {"chargingRateUnit": unit, "chargingSchedulePeriod": [{"startPeriod": 0, "limit": tenths(limit)}]}


def say_profile(version: OcppVersion, evse: int, number_: int, profile: Json) -> Wire:
    """The same profile in the words of a version: 1.6 has its own keys, and numbers for transactions."""
    if version is OcppVersion.V16:
        transaction = profile.get("transactionId")
        numbers = {
            "chargingProfileId": number_,
            "transactionId": None if transaction is None else int(transaction),
        }
        return request(version, "SetChargingProfile", {"connectorId": evse, "csChargingProfiles": profile | numbers})
    schedule = profile["chargingSchedule"] | {"id": number_}
    body = profile | {"id": number_, "chargingSchedule": [schedule]}
    return request(version, "SetChargingProfile", {"evseId": evse, "chargingProfile": body})


def _whole(seconds: float) -> int:
    """A lease in whole seconds, rounded down but never nothing."""
    return max(1, math.floor(seconds))


def clear(version: OcppVersion, evse: int) -> Wire:
    """Forget the profile that holds an outlet's setpoint."""
    key = "id" if version is OcppVersion.V16 else "chargingProfileId"
    return request(version, "ClearChargingProfile", {key: profile_of(evse)})


# --- as a charger reads it ---


def the_period(profile: Json) -> tuple[Json, Json] | None:
    """The schedule of a profile and its only period; None when it says more than one."""
    schedules = profile.get("chargingSchedule", [])
    schedules = [schedules] if isinstance(schedules, dict) else schedules
    if len(schedules) != 1 or len(schedules[0]["chargingSchedulePeriod"]) != 1:
        return None
    return schedules[0], schedules[0]["chargingSchedulePeriod"][0]


def read_setpoint(evse: int, profile: Json, supply: Supply, now: datetime) -> ApplySetpoint | ApplyFallback | None:
    """The order behind a profile of one limit or setpoint from now on; None when it says anything else."""
    found, purpose = the_period(profile), profile.get("chargingProfilePurpose")
    if found is None or purpose not in {"TxProfile", "TxDefaultProfile"}:
        return None
    schedule, period = found
    unit = schedule.get("chargingRateUnit")
    ordered = power(period, "setpoint", unit, supply)
    limit = power(period, "limit", unit, supply) if ordered is None else ordered
    if limit is None:
        return None
    if purpose == "TxDefaultProfile":
        return ApplyFallback(evse=evse, power_w=limit, now=now)
    ceiling, floor = _band(period, unit, supply, limit)
    return ApplySetpoint(
        evse=evse,
        transaction_id=str(profile.get("transactionId", "")),
        power_w=limit,
        lease_s=_lease(profile, schedule),
        now=maybe_moment(schedule.get("startSchedule")) or now,
        ceiling_w=ceiling,
        floor_w=floor,
    )


def _lease(profile: Json, schedule: Json) -> Seconds:
    """For how long it stands: alone (2.1), or at all."""
    told = number(profile.get("maxOfflineDuration", schedule.get("duration")))
    return math.inf if told is None else told


def read_update(payload: Json, voice: Voice, now: datetime) -> ApplySetpoint | None:
    """The order behind an UpdateDynamicSchedule; its transaction and lease are those of the profile it updates."""
    update, evse = payload["scheduleUpdate"], evse_of(payload["chargingProfileId"])
    ordered = power(update, "setpoint", "W", voice.supply)
    limit = power(update, "limit", "W", voice.supply) if ordered is None else ordered
    if limit is None or evse is None:
        return None
    ceiling, floor = _band(update, "W", voice.supply, limit)
    return ApplySetpoint(
        evse=evse,
        transaction_id="",
        power_w=limit,
        lease_s=math.inf,
        now=now,
        ceiling_w=ceiling,
        floor_w=floor,
        fresh=False,
    )


def _band(period: Json, unit: object, supply: Supply, setpoint_w: Watts) -> tuple[Watts, Watts]:
    """Ceiling and floor around a setpoint, by the limits told or by the setpoint itself."""
    ceiling, floor = power(period, "limit", unit, supply), power(period, "dischargeLimit", unit, supply)
    return max(setpoint_w if ceiling is None else ceiling, 0.0), min(setpoint_w if floor is None else floor, 0.0)
