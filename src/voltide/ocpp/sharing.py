"""The profiles that are no setpoint: an outlet that acts by itself within a band (2.1, block Q), and a charger's cap.

Which fields a mode of operation may have is the specification's own table (2.1, limits and setpoints per operation
mode; Q07.FR.03, Q08.FR.02 to 04). Where it has no field for the band, the band is kept otherwise: the points of a curve
must lie in it, or the outlet must not be able to leave it.
"""

import math
from datetime import datetime
from typing import TypeAlias

from voltide.domain.messages import ApplyFallback, ApplySetpoint, ClearSetpoint, Json
from voltide.domain.requests import CapCharger, ShareMode
from voltide.domain.site import Evse, OcppVersion, V2g
from voltide.domain.time import stamp
from voltide.domain.units import Watts
from voltide.ocpp.profiles import (
    DYNAMIC,
    clear,
    constant,
    fallback,
    leased,
    profile_of,
    read_setpoint,
    say_profile,
    setpoint,
    the_period,
)
from voltide.ocpp.wire import Supply, Voice, Wire, maybe_moment, number, power, request, tenths

CAP = 3000
"""The id of the profile that caps a whole charger."""
_UPDATED = frozenset({"CentralFrequency", "ExternalLimits", "ExternalSetpoint"})
"""Modes whose profile is Dynamic, for another side gives the values."""
_BOUNDLESS = frozenset({"ExternalLimits", "LocalLoadBalancing"})
"""Modes that have no field for the band, and no curve either."""
_MAX_16, _MAX_2 = "ChargePointMaxProfile", "ChargingStationMaxProfile"


ProfileOrder: TypeAlias = ApplySetpoint | ApplyFallback | ClearSetpoint | ShareMode | CapCharger


def say_profiled(order: ProfileOrder, voice: Voice) -> Wire:
    """Every order that is a charging profile; KeyError: this version or charger has none such."""
    match order:
        case ApplySetpoint():
            return setpoint(voice, order)
        case ApplyFallback():
            return fallback(voice, order)
        case ClearSetpoint():
            return clear(voice.version, order.evse)
        case ShareMode():
            return share(voice, order)
        case CapCharger():
            return cap(voice, order)


def share(voice: Voice, order: ShareMode) -> Wire:
    """The mode as a profile of the transaction, in place of its setpoint; KeyError: only 2.1 has modes."""
    if voice.version is not OcppVersion.V21:
        raise KeyError("only 2.1 has modes of operation")
    period = {"startPeriod": 0, "operationMode": order.mode} | _fields(voice, order)
    dynamic = order.mode in _UPDATED
    schedule = {
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [period],
        "startSchedule": None if dynamic else stamp(order.now),
    }
    profile = leased(order.transaction_id, order.lease_s) | {
        "chargingProfileKind": DYNAMIC if dynamic else "Absolute",
        "chargingSchedule": schedule,
    }
    return say_profile(voice.version, order.evse, profile_of(order.evse), profile)


def _fields(voice: Voice, order: ShareMode) -> Json:
    """What the period of each mode says."""
    ceiling, floor = max(order.ceiling_w, 0.0), min(order.floor_w, 0.0)
    match order.mode:
        case "ChargingOnly":
            return {"limit": tenths(ceiling)}
        case "ExternalSetpoint":
            return {"limit": tenths(ceiling), "dischargeLimit": tenths(floor)}
        case "CentralFrequency":
            wanted = 0.0 if order.setpoint_w is None else order.setpoint_w
            return {"setpoint": tenths(min(max(wanted, floor), ceiling))}
        case "LocalFrequency":
            return _curves(order)
        case "Idle":
            return {}
    if order.mode not in _BOUNDLESS:
        raise KeyError(f"{order.mode} is no mode of operation")
    _must_stay_within(voice, order)
    return {}


def _curves(order: ShareMode) -> Json:
    """Watts by the grid's frequency, and beside it by the aFRR signal; all sums of both must lie in the band."""
    base = order.baseline_w or 0.0
    shortest = min(len(curve) for curve in (order.frequency_curve, order.signal_curve or order.frequency_curve))
    if shortest < 2:
        raise ValueError("a curve has two points or more")
    lowest, highest = _reach(order.frequency_curve)
    less, more = _reach(order.signal_curve)
    if base + lowest + less < order.floor_w or base + highest + more > order.ceiling_w:
        raise ValueError("the curves leave the band")
    signals = [{"signal": signal, "power": tenths(watts)} for signal, watts in order.signal_curve]
    return {
        "v2xBaseline": tenths(base),
        "v2xFreqWattCurve": [{"frequency": hertz, "power": tenths(watts)} for hertz, watts in order.frequency_curve],
        "v2xSignalWattCurve": signals or None,
    }


def _reach(curve: tuple[tuple[float, Watts], ...]) -> tuple[Watts, Watts]:
    """The least and the most that a curve adds."""
    powers = [watts for _, watts in curve]
    return min(powers, default=0.0), max(powers, default=0.0)


def _must_stay_within(voice: Voice, order: ShareMode) -> None:
    """Refuse a mode that could take the outlet out of the band. An outlet that nobody reckons with has no band."""
    evse = _outlet(voice, order.evse)
    if evse is not None and (evse.charge_w > order.ceiling_w or -evse.discharge_w < order.floor_w):
        raise ValueError(f"{order.mode} cannot say a band that is narrower than the outlet")


def _outlet(voice: Voice, evse: int) -> Evse | None:
    return next((one for one in voice.charger.evses if one.number == evse), None)


# --- the cap of a whole charger ---


def cap(voice: Voice, order: CapCharger) -> Wire:
    """No more than this for all outlets together, without an end; both None clear it.

    Only 2.1 has a word for the floor, and a charger may refuse it (its table has none for this purpose). Where nothing
    is ever given back, a floor says nothing.
    """
    if order.ceiling_w is None and order.floor_w is None:
        return request(voice.version, "ClearChargingProfile", {_clear_key(voice): CAP})
    floored = order.floor_w is not None and voice.charger.v2g is not V2g.NONE
    if floored and voice.version is not OcppVersion.V21:
        raise KeyError("only 2.1 can limit what is given back")
    if order.ceiling_w is None and not floored:
        raise KeyError("there is nothing to be capped")
    schedule = constant(voice, max(order.ceiling_w or 0.0, 0.0)) | {"startSchedule": stamp(order.now)}
    (period,) = schedule["chargingSchedulePeriod"]
    if order.ceiling_w is None:
        del period["limit"]
    if floored and order.floor_w is not None:
        share_ = voice.supply.watts_per_ampere if voice.charger.amperes else 1.0
        period["dischargeLimit"] = tenths(min(order.floor_w, 0.0) / share_)
    profile = {
        "stackLevel": 0,
        "chargingProfilePurpose": _MAX_16 if voice.version is OcppVersion.V16 else _MAX_2,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": schedule,
    }
    return say_profile(voice.version, 0, CAP, profile)


def _clear_key(voice: Voice) -> str:
    return "id" if voice.version is OcppVersion.V16 else "chargingProfileId"


# --- as a charger reads them ---


def read_profile(
    payload: Json, voice: Voice, now: datetime
) -> ApplySetpoint | ApplyFallback | ShareMode | CapCharger | None:
    """The order behind a SetChargingProfile of any version; None when it says more than one period from now on."""
    evse = int(payload["connectorId"] if "connectorId" in payload else payload["evseId"])
    profile = payload.get("chargingProfile") or payload.get("csChargingProfiles") or {}
    return (
        read_share(evse, profile, voice, now)
        or read_cap(evse, profile, voice.supply, now)
        or read_setpoint(evse, profile, voice.supply, now)
    )


def read_share(evse: int, profile: Json, voice: Voice, now: datetime) -> ShareMode | None:
    """The mode behind a profile; None when it has none, or the one of an ordinary setpoint or limit."""
    found = the_period(profile)
    if found is None or profile.get("chargingProfilePurpose") != "TxProfile":
        return None
    schedule, period = found
    mode, lease = period.get("operationMode"), profile.get("maxOfflineDuration")
    if mode is None or mode == "CentralSetpoint" or (mode == "ChargingOnly" and lease is None):
        return None
    ceiling, floor = _read_band(evse, mode, schedule, voice)
    return ShareMode(
        evse=evse,
        transaction_id=str(profile.get("transactionId", "")),
        mode=mode,
        ceiling_w=ceiling,
        floor_w=floor,
        lease_s=math.inf if lease is None else float(lease),
        now=maybe_moment(schedule.get("startSchedule")) or now,
        setpoint_w=power(period, "setpoint", schedule["chargingRateUnit"], voice.supply),
        baseline_w=number(period.get("v2xBaseline")),
        frequency_curve=tuple((one["frequency"], one["power"]) for one in period.get("v2xFreqWattCurve", ())),
        signal_curve=tuple((one["signal"], one["power"]) for one in period.get("v2xSignalWattCurve", ())),
    )


def _read_band(evse: int, mode: str, schedule: Json, voice: Voice) -> tuple[Watts, Watts]:
    """The band that is told, or else the outlet's own."""
    (period,), unit = schedule["chargingSchedulePeriod"], schedule["chargingRateUnit"]
    outlet = _outlet(voice, evse)
    most, least = (math.inf, -math.inf) if outlet is None else (outlet.charge_w, -outlet.discharge_w)
    ceiling, floor = power(period, "limit", unit, voice.supply), power(period, "dischargeLimit", unit, voice.supply)
    least = 0.0 if mode == "ChargingOnly" else least
    return most if ceiling is None else ceiling, least if floor is None else floor


def read_cap(evse: int, profile: Json, supply: Supply, now: datetime) -> CapCharger | None:
    """The cap behind a profile of one period; None when it is none."""
    found = the_period(profile)
    if found is None or evse or profile.get("chargingProfilePurpose") not in {_MAX_16, _MAX_2}:
        return None
    schedule, period = found
    unit = schedule["chargingRateUnit"]
    begun = maybe_moment(schedule.get("startSchedule")) or now
    ceiling, floor = power(period, "limit", unit, supply), power(period, "dischargeLimit", unit, supply)
    return CapCharger(ceiling_w=ceiling, floor_w=floor, now=begun)
