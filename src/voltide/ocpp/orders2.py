"""What an OCPP 2 charger is ordered: words to wire, and wire to words. Charging profiles are in ``sharing``."""

from datetime import datetime
from typing import TypeAlias

from voltide.domain.messages import (
    Ask,
    ChangeAvailability,
    ClearSetpoint,
    GetReport,
    GetTransactionStatus,
    GetVariables,
    Json,
    Reset,
    SetVariables,
    StartTransaction,
    StopTransaction,
    Trigger,
    Unlock,
)
from voltide.domain.requests import CapCharger, ChangeSecret
from voltide.domain.site import OcppVersion
from voltide.ocpp import certificates2, der2, monitoring2, people2, power2
from voltide.ocpp.certificates2 import CertificateRequest
from voltide.ocpp.der2 import DerRequest
from voltide.ocpp.monitoring2 import MonitorRequest
from voltide.ocpp.people2 import DisplayRequest, DriverRequest, MoneyRequest, read_token, say_token
from voltide.ocpp.power2 import PowerRequest
from voltide.ocpp.profiles import evse_of, read_update
from voltide.ocpp.sharing import CAP, read_profile
from voltide.ocpp.variables2 import read_get, read_report, read_set, say_get, say_secret, say_set
from voltide.ocpp.wire import Obeys, Voice

CoreOrder: TypeAlias = (
    StartTransaction
    | StopTransaction
    | ChangeAvailability
    | Reset
    | Trigger
    | Unlock
    | SetVariables
    | GetVariables
    | GetReport
    | GetTransactionStatus
    | ChangeSecret
    | Ask
)
PlainOrder: TypeAlias = (
    CoreOrder
    | CertificateRequest
    | DerRequest
    | DisplayRequest
    | DriverRequest
    | MoneyRequest
    | MonitorRequest
    | PowerRequest
)
"""All that is ordered but charging profiles."""
_CUSTOM = "CustomTrigger"
_TRIGGERS = frozenset(
    """
    BootNotification FirmwareStatusNotification Heartbeat LogStatusNotification MeterValues
    PublishFirmwareStatusNotification SignChargingStationCertificate SignCombinedCertificate SignV2G20Certificate
    SignV2GCertificate StatusNotification TransactionEvent
    """.split()  # noqa: SIM905 - a list of names reads best as a paragraph
)
"""What 2.1 triggers by name; everything else it triggers as a custom message."""
_OLD_NAMES = {"DiagnosticsStatusNotification": "LogStatusNotification"}


def say_order(order: PlainOrder, voice: Voice) -> tuple[str, Json]:  # noqa: PLR0911 - one line per page
    """An order as action and body; KeyError: the version has no such order."""
    if isinstance(order, CertificateRequest):
        return certificates2.say(order, voice)
    if isinstance(order, DerRequest):
        return der2.say(order)
    if isinstance(order, DisplayRequest):
        return people2.say_to_display(order, voice)
    if isinstance(order, DriverRequest):
        return people2.say_to_drivers(order)
    if isinstance(order, MoneyRequest):
        return people2.say_of_money(order)
    if isinstance(order, MonitorRequest):
        return monitoring2.say(order, voice)
    if isinstance(order, PowerRequest):
        return power2.say(order, voice)
    return _say(order, voice)


def _say(order: CoreOrder, voice: Voice) -> tuple[str, Json]:  # noqa: C901, PLR0911 - one line per order
    match order:
        case StartTransaction():
            token = say_token(order.token)
            body = {"evseId": order.evse, "idToken": token, "remoteStartId": order.remote_start_id}
            return "RequestStartTransaction", body
        case StopTransaction():
            return "RequestStopTransaction", {"transactionId": order.transaction_id}
        case ChangeAvailability():
            state = "Operative" if order.operative else "Inoperative"
            return "ChangeAvailability", {"operationalStatus": state, "evse": _evse(order.evse)}
        case Reset():
            return "Reset", {"type": "Immediate" if order.immediate else "OnIdle"}
        case Trigger():
            return "TriggerMessage", _say_trigger(order, voice)
        case Unlock():
            return "UnlockConnector", {"evseId": order.evse, "connectorId": order.connector}
        case SetVariables():
            return say_set(order)
        case GetVariables():
            return say_get(order)
        case ChangeSecret():
            return say_secret(order)
        case GetReport():
            return "GetBaseReport", {"requestId": order.request_id, "reportBase": order.base}
        case GetTransactionStatus():
            return "GetTransactionStatus", {"transactionId": order.transaction_id}
        case Ask():
            return order.action, order.payload


def _say_trigger(order: Trigger, voice: Voice) -> Json:
    """By name; what has no name there is a message of the vendor's, for which only 2.1 has a word."""
    name = _OLD_NAMES.get(order.message, order.message)
    custom = name not in _TRIGGERS and voice.version is OcppVersion.V21
    body = {"requestedMessage": _CUSTOM if custom else name, "evse": _evse(order.evse)}
    return body | {"customTrigger": name if custom else None}


def _evse(number: int | None) -> Json | None:
    """An outlet; absent means the whole charger."""
    return {"id": number} if number else None


# --- as a charger reads it ---


def _start(told: Json, _voice: Voice, _now: datetime) -> StartTransaction:
    token = read_token(told["idToken"])
    return StartTransaction(evse=told.get("evseId", 1), token=token, remote_start_id=told["remoteStartId"])


def _stop(told: Json, _voice: Voice, _now: datetime) -> StopTransaction:
    return StopTransaction(transaction_id=told["transactionId"])


def _availability(told: Json, _voice: Voice, _now: datetime) -> ChangeAvailability:
    evse = told.get("evse", {}).get("id", 0)
    return ChangeAvailability(evse=evse, operative=told["operationalStatus"] == "Operative")


def _reset(told: Json, _voice: Voice, _now: datetime) -> Reset:
    return Reset(immediate=told["type"] != "OnIdle")


def _trigger(told: Json, _voice: Voice, _now: datetime) -> Trigger:
    name: str = told["requestedMessage"]
    message = told.get("customTrigger", name) if name == _CUSTOM else name
    return Trigger(message=message, evse=told.get("evse", {}).get("id"))


def _unlock(told: Json, _voice: Voice, _now: datetime) -> Unlock:
    return Unlock(evse=told["evseId"], connector=told["connectorId"])


def _status(told: Json, _voice: Voice, _now: datetime) -> GetTransactionStatus:
    return GetTransactionStatus(transaction_id=told.get("transactionId"))


def _cleared(told: Json, _voice: Voice, now: datetime) -> ClearSetpoint | CapCharger | None:
    """Only the clearing of a profile of ours has a word; criteria are the charger's own affair."""
    number = told.get("chargingProfileId", 0)
    evse = evse_of(number)
    if number == CAP:
        return CapCharger(ceiling_w=None, now=now)
    return None if evse is None else ClearSetpoint(evse=evse)


OBEY: Obeys = {
    "ChangeAvailability": _availability,
    "ClearChargingProfile": _cleared,
    "GetBaseReport": read_report,
    "GetTransactionStatus": _status,
    "GetVariables": read_get,
    "RequestStartTransaction": _start,
    "RequestStopTransaction": _stop,
    "Reset": _reset,
    "SetChargingProfile": read_profile,
    "SetVariables": read_set,
    "TriggerMessage": _trigger,
    "UnlockConnector": _unlock,
    "UpdateDynamicSchedule": read_update,
    **certificates2.OBEY,
    **der2.OBEY,
    **monitoring2.OBEY,
    **people2.OBEY,
    **power2.OBEY,
}
