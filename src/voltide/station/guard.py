"""What a raw call to a charger may not do: loosen what control relies on, or go round a flow that keeps its own record.

Control reckons with the setpoints, leases and fallbacks that it gave, with lines that are noticed to be lost, and with
readings that come often. A call that would change one of these is refused with a sentence that says what to use. An
action that no list names is refused too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from voltide.domain.messages import Json

OUR_PROFILES = range(1001, 3001)
"""Ids of the charging profiles that are the station's own: setpoints, fallbacks and caps."""

FREE = frozenset(
    """
    AFRRSignal AdjustPeriodicEventStream CancelReservation ChangeAvailability ClearCache ClearDERControl
    ClearDisplayMessage ClearTariffs ClearVariableMonitoring CostUpdated CustomerInformation DataTransfer
    DeleteCertificate ExtendedTriggerMessage GetBaseReport GetChargingProfiles GetCompositeSchedule GetConfiguration
    GetDERControl GetDisplayMessages GetInstalledCertificateIds GetLocalListVersion GetMonitoringReport
    GetPeriodicEventStream GetReport GetTariffs GetTransactionStatus GetVariables NotifyAllowedEnergyTransfer
    NotifyWebPaymentStarted RemoteStopTransaction RequestBatterySwap RequestStopTransaction ReserveNow Reset
    SetDERControl SetDisplayMessage SetMonitoringBase SetMonitoringLevel SetVariableMonitoring TriggerMessage
    UnlockConnector UnpublishFirmware UsePriorityCharging
    """.split()  # noqa: SIM905 - a list of names reads best as a paragraph
)
"""What cannot loosen a limit by itself; the block that it belongs to may still have a say."""

_SOFTWARE = "Software goes to a charger only as a release that two people have approved: see voltide firmware."
FORBIDDEN = {
    "CertificateSigned": "A certificate is given only for a request of the charger's own: see voltide pki.",
    "PublishFirmware": _SOFTWARE,
    "SendLocalList": "The station keeps a charger's list in step with its own book of tokens: use the order PutPermit.",
    "SignedUpdateFirmware": _SOFTWARE,
    "UpdateFirmware": _SOFTWARE,
}

_ROOTS = frozenset({"CSMSRootCertificate", "ManufacturerRootCertificate", "CentralSystemRootCertificate"})

_OURS_16 = frozenset(
    """
    allowofflinetxforunknownid authorizationkey chargeprofilemaxstacklevel chargingscheduleallowedchargingrateunit
    clockaligneddatainterval localauthorizeoffline maxenergyoninvalidid metervaluesaligneddata metervaluesampleinterval
    metervaluessampleddata metervaluessampleddatamaxlength securityprofile stoptransactiononevsidedisconnect
    stoptransactiononinvalidid stoptxnsampleddata transactionmessageattempts transactionmessageretryinterval
    websocketpinginterval
    """.split()  # noqa: SIM905 - as above
)
"""Configuration keys of 1.6; keys and variables are told apart without regard to case."""
_OUR_COMPONENTS = frozenset(
    """
    acderctrlr aligneddatactrlr dcderctrlr derctrlr networkconfiguration sampleddatactrlr securityctrlr
    smartchargingctrlr v2xchargingctrlr
    """.split()  # noqa: SIM905 - as above
)
"""Components of the device model of which no variable may be written."""
_OUR_VARIABLES = {
    "authctrlr": frozenset({"localauthorizeoffline", "offlinetxforunknownidenabled"}),
    "ocppcommctrlr": frozenset(
        """
        activenetworkprofile messageattempts messageattemptinterval messagetimeout networkconfigurationpriority
        networkprofileconnectionattempts offlinethreshold queueallmessages resetretries retrybackoffrandomrange
        retrybackoffrepeattimes retrybackoffwaitminimum websocketpinginterval
        """.split()  # noqa: SIM905 - as above
    ),
    "txctrlr": frozenset(
        {"maxenergyoninvalidid", "stoptxonevsidedisconnect", "stoptxoninvalidid", "txstartpoint", "txstoppoint"}
    ),
}
_VARIABLE = "The station sets {name} itself, since limits or records rest on it: change the station's file instead."
_PROFILE = (
    "Only a ChargingStationMaxProfile, which lowers, may be set by hand: use the orders LimitOutlet or ShareOutlet."
)
_STEADY = frozenset({"startPeriod", "limit", "limit_L2", "limit_L3", "numberPhases", "phaseToUse"})
_HELD = "Profiles 1001 to 3000 are the station's own: they change with the plan, or by the order LimitOutlet."


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What a check must know beside the call."""

    profile: int
    """The security profile by which the charger comes."""
    places: tuple[str, ...] = ()
    """Where logs may be uploaded: beginnings of addresses."""
    tariff: Json | None = None
    """The station's own tariff, as this charger was given it."""


Check: TypeAlias = Callable[[Json, Circumstances], str | None]


def refusal(action: str, body: Json, around: Circumstances) -> str | None:
    """Why a call may not be made, as a sentence that says what to use instead; None: it may.

    >>> refusal("Reset", {"type": "Immediate"}, Circumstances(profile=1)) is None
    True
    """
    if action in FORBIDDEN:
        return FORBIDDEN[action]
    check = CHECKED.get(action)
    if check is not None:
        return check(body, around)
    return None if action in FREE else f"{action} is not among the calls that may be made by hand."


# --- charging profiles ---


def _set_profile(body: Json, _around: Circumstances) -> str | None:
    profile = body.get("chargingProfile") or body.get("csChargingProfiles") or {}
    purpose = profile.get("chargingProfilePurpose")
    if purpose not in {"ChargingStationMaxProfile", "ChargePointMaxProfile"}:
        return _PROFILE
    if profile.get("id", profile.get("chargingProfileId")) in OUR_PROFILES:
        return _HELD
    if profile.get("chargingProfileKind") == "Dynamic":
        return _PROFILE
    schedules = profile.get("chargingSchedule", [])
    periods = [
        period
        for schedule in (schedules if isinstance(schedules, list) else [schedules])
        for period in schedule.get("chargingSchedulePeriod", [])
    ]
    return None if periods and all(map(_lowers, periods)) else _PROFILE


def _lowers(period: Json) -> bool:
    """A plain limit at or above 0: nothing that could make a charger give back, or follow something else."""
    words = {key for key in period if key != "customData"}
    limits = [period[key] for key in ("limit", "limit_L2", "limit_L3") if key in period]
    return words <= _STEADY and "limit" in period and all(limit >= 0.0 for limit in limits)


def _clear_profile(body: Json, _around: Circumstances) -> str | None:
    number = body.get("chargingProfileId", body.get("id"))
    if number is None or set(body) - {"chargingProfileId", "id", "customData"}:
        return "Name one profile by its id alone: criteria could clear a setpoint or a fallback of the station."
    return _HELD if number in OUR_PROFILES else None


def _update_schedule(body: Json, _around: Circumstances) -> str | None:
    if body.get("chargingProfileId") in OUR_PROFILES:
        return _HELD
    update = body.get("scheduleUpdate", {})
    return None if _lowers(update) else _PROFILE


def _start(body: Json, _around: Circumstances) -> str | None:
    if "chargingProfile" in body:
        return "Start without a profile: the station gives the transaction its setpoint."
    return None


# --- variables ---


def _set_variables(body: Json, _around: Circumstances) -> str | None:
    for item in body.get("setVariableData", []):
        component, variable = _plain(item["component"]["name"]), _plain(item["variable"]["name"])
        if component in _OUR_COMPONENTS or variable in _OUR_VARIABLES.get(component, ()) or variable in _OURS_16:
            return _VARIABLE.format(name=f"{item['component']['name']}.{item['variable']['name']}")
        if variable in {"basicauthpassword", "identity", "securityprofile"}:
            return "A charger's proof changes by voltide charger and voltide pki only, so that it is never locked out."
    return None


def _configure(body: Json, _around: Circumstances) -> str | None:
    return _VARIABLE.format(name=body.get("key", "")) if _plain(body.get("key", "")) in _OURS_16 else None


def _plain(name: str) -> str:
    """A name as chargers compare it: without regard to case, and without what some of them trim."""
    return "".join(letter for letter in name if letter.isalnum()).casefold()


# --- the line, certificates, logs ---


def _network(body: Json, around: Circumstances) -> str | None:
    data = body.get("connectionData", {})
    profile = data.get("securityProfile", 0)
    if profile < around.profile:
        return f"Security profile {profile} is below the charger's {around.profile}, which is never lowered."
    if "basicAuthPassword" in data or "identity" in data:
        return "A charger's name and password change by voltide charger only, so that it is never locked out."
    scheme = urlsplit(data.get("ocppCsmsUrl", "")).scheme.lower()
    if profile >= 2 and scheme != "wss":
        return f"Security profile {profile} needs an address that begins with wss://."
    return None


def _install(body: Json, _around: Circumstances) -> str | None:
    if body.get("certificateType") in _ROOTS:
        return "Whom a charger trusts as its station or maker is changed by voltide pki only."
    return None


def _tariff(body: Json, around: Circumstances) -> str | None:
    if around.tariff is not None and body.get("tariff") == around.tariff:
        return None
    return "The bill follows the station's own tariff, and so does what a charger shows: only that one is given."


def _log(body: Json, around: Circumstances) -> str | None:
    place = body.get("log", {}).get("remoteLocation") or body.get("location") or ""
    if any(_inside(place, allowed) for allowed in around.places):
        return None
    known = ", ".join(around.places) or "none"
    return f"Logs are uploaded only to the places of [operations] log_places in the station's file; known are: {known}."


def _inside(place: str, allowed: str) -> bool:
    """Whether an address lies below an allowed one: the same scheme, host and port, and a path that stays below."""
    there, here = urlsplit(place), urlsplit(allowed)
    try:
        same = (there.scheme, there.hostname, there.port) == (here.scheme, here.hostname, here.port)
    except ValueError:
        return False
    folder = here.path if here.path.endswith("/") else f"{here.path}/"
    inner = there.path == here.path or there.path.startswith(folder)
    own = there.username in {None, here.username} and there.password in {None, here.password}
    odd = "\\" in place or "%" in place or any(part == ".." for part in there.path.split("/"))
    return same and inner and own and not odd


CHECKED: dict[str, Check] = {
    "ChangeTransactionTariff": _tariff,
    "ChangeConfiguration": _configure,
    "ClearChargingProfile": _clear_profile,
    "GetDiagnostics": _log,
    "GetLog": _log,
    "InstallCertificate": _install,
    "RemoteStartTransaction": _start,
    "RequestStartTransaction": _start,
    "SetChargingProfile": _set_profile,
    "SetDefaultTariff": _tariff,
    "SetNetworkProfile": _network,
    "SetVariables": _set_variables,
    "UpdateDynamicSchedule": _update_schedule,
}


KNOWN = FREE | FORBIDDEN.keys() | CHECKED.keys()
"""Every action that a rule names."""
