"""Charging profiles: how a setpoint with a lease is said in each version, and read again by a charger.

Never for the purpose ChargingStationExternalConstraints: that is the grid's word. Limits are rounded towards zero. A
negative limit is said only where the maker has promised that it discharges.
"""

import math
from datetime import datetime

from voltide.domain.messages import ApplyFallback, ApplySetpoint, Ask, Json
from voltide.domain.site import Charger, OcppVersion, V2g
from voltide.domain.time import stamp
from voltide.domain.units import Watts
from voltide.ocpp.wire import Supply, Wire, maybe_moment, number, request, tenths, watts

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


def setpoint(version: OcppVersion, charger: Charger, supply: Supply, order: ApplySetpoint) -> Wire:
    """A setpoint with its lease, as this charger understands it."""
    if is_dynamic(version, charger):
        return _dynamic(version, order) if order.fresh else _update(version, order)
    lowest = order.floor_w if charger.v2g is V2g.NEGATIVE_LIMIT and version is not OcppVersion.V16 else 0.0
    power = min(max(order.power_w, min(lowest, 0.0)), max(order.ceiling_w, 0.0))
    schedule = _schedule(charger, supply, power) | {
        "startSchedule": stamp(order.now),
        "duration": _whole(order.lease_s),
    }
    profile = {
        "stackLevel": 1,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Absolute",
        "transactionId": order.transaction_id,
    }
    return _say(version, order.evse, profile_of(order.evse), profile, schedule)


def fallback(version: OcppVersion, charger: Charger, supply: Supply, order: ApplyFallback) -> Wire:
    """What holds when no setpoint does: from the start of each transaction, without an end."""
    schedule = _schedule(charger, supply, max(order.power_w, 0.0))
    profile = {"stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Relative"}
    return _say(version, order.evse, _FALLBACK + order.evse, profile, schedule)


def band(order: ApplySetpoint) -> Json:
    """A dynamic setpoint and the limits around it. 2.1: V2X by central setpoint."""
    ceiling, floor = max(order.ceiling_w, 0.0), min(order.floor_w, 0.0)
    power = min(max(order.power_w, floor), ceiling)
    return {"setpoint": tenths(power), "limit": tenths(ceiling), "dischargeLimit": tenths(floor)}


def _dynamic(version: OcppVersion, order: ApplySetpoint) -> Wire:
    """The whole dynamic profile; the charger drops it when it is alone for longer than the lease."""
    lease = _whole(order.lease_s)
    period = {"startPeriod": 0, "operationMode": "CentralSetpoint"} | band(order)
    profile = {
        "stackLevel": 1,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": DYNAMIC,
        "transactionId": order.transaction_id,
        "maxOfflineDuration": lease,
        "invalidAfterOfflineDuration": True,
    }
    schedule = {"chargingRateUnit": "W", "chargingSchedulePeriod": [period]}
    return _say(version, order.evse, profile_of(order.evse), profile, schedule)


def _update(version: OcppVersion, order: ApplySetpoint) -> Wire:
    body = {"chargingProfileId": profile_of(order.evse), "scheduleUpdate": band(order)}
    return request(version, "UpdateDynamicSchedule", body)


def _schedule(charger: Charger, supply: Supply, power: Watts) -> Json:
    """One period from now on, in the unit that the charger takes."""
    unit, limit = ("A", power / supply.watts_per_ampere) if charger.amperes else ("W", power)
    return {"chargingRateUnit": unit, "chargingSchedulePeriod": [{"startPeriod": 0, "limit": tenths(limit)}]}


def _say(version: OcppVersion, evse: int, number_: int, profile: Json, schedule: Json) -> Wire:
    """The same profile in the words of a version: 1.6 has its own keys, and numbers for transactions."""
    if version is OcppVersion.V16:
        transaction = profile.get("transactionId")
        body = profile | {
            "chargingProfileId": number_,
            "transactionId": None if transaction is None else int(transaction),
            "chargingSchedule": schedule,
        }
        return request(version, "SetChargingProfile", {"connectorId": evse, "csChargingProfiles": body})
    body = profile | {"id": number_, "chargingSchedule": [schedule | {"id": number_}]}
    return request(version, "SetChargingProfile", {"evseId": evse, "chargingProfile": body})


def _whole(seconds: float) -> int:
    """A lease in whole seconds, rounded down but never nothing."""
    return max(1, math.floor(seconds))


def clear(version: OcppVersion, evse: int) -> Wire:
    """Forget the profile that holds an outlet's setpoint."""
    key = "id" if version is OcppVersion.V16 else "chargingProfileId"
    return request(version, "ClearChargingProfile", {key: profile_of(evse)})


# --- as a charger reads it ---


def read_profile(payload: Json, supply: Supply, now: datetime) -> ApplySetpoint | ApplyFallback | None:
    """The order behind a SetChargingProfile of any version; None when it says more than one limit from now on."""
    evse = int(payload["connectorId"] if "connectorId" in payload else payload["evseId"])
    profile = payload.get("chargingProfile") or payload.get("csChargingProfiles") or {}
    schedules = profile.get("chargingSchedule", [])
    schedules = [schedules] if isinstance(schedules, dict) else schedules
    if len(schedules) != 1 or len(schedules[0]["chargingSchedulePeriod"]) != 1:
        return None
    schedule, period = schedules[0], schedules[0]["chargingSchedulePeriod"][0]
    unit, purpose = schedule.get("chargingRateUnit"), profile.get("chargingProfilePurpose")
    limit = watts(period.get("setpoint", period.get("limit")), unit, supply)
    if limit is None or purpose not in {"TxProfile", "TxDefaultProfile"}:
        return None
    if purpose == "TxDefaultProfile":
        return ApplyFallback(evse=evse, power_w=limit, now=now)
    ceiling, floor = _band(period, unit, supply, limit)
    return ApplySetpoint(
        evse=evse,
        transaction_id=str(profile.get("transactionId", "")),
        power_w=limit,
        lease_s=float(profile.get("maxOfflineDuration", schedule.get("duration", math.inf))),
        now=maybe_moment(schedule.get("startSchedule")) or now,
        ceiling_w=ceiling,
        floor_w=floor,
    )


def read_update(payload: Json, supply: Supply, now: datetime) -> ApplySetpoint | Ask:
    """The order behind an UpdateDynamicSchedule; its transaction and lease are those of the profile it updates."""
    update, evse = payload["scheduleUpdate"], evse_of(payload["chargingProfileId"])
    power = number(update.get("setpoint", update.get("limit")))
    if power is None or evse is None:
        return Ask(action="UpdateDynamicSchedule", payload=payload)
    ceiling, floor = _band(update, "W", supply, power)
    return ApplySetpoint(
        evse=evse,
        transaction_id="",
        power_w=power,
        lease_s=math.inf,
        now=now,
        ceiling_w=ceiling,
        floor_w=floor,
        fresh=False,
    )


def _band(period: Json, unit: object, supply: Supply, power: Watts) -> tuple[Watts, Watts]:
    """Ceiling and floor around a setpoint, by the limits told or by the setpoint itself."""
    ceiling = watts(period.get("limit"), unit, supply)
    floor = watts(period.get("dischargeLimit"), unit, supply)
    return max(power if ceiling is None else ceiling, 0.0), min(power if floor is None else floor, 0.0)
