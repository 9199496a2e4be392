"""What an OCPP 1.6 charger is ordered, and what it answers. Variables are configuration keys of the component ""."""

from datetime import datetime

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
    Token,
    Trigger,
    Unlock,
    Variable,
)
from voltide.domain.requests import (
    AskListVersion,
    AskSchedule,
    CapCharger,
    ChangeSecret,
    EndReservation,
    ForgetTokens,
    Permit,
    Reserve,
    SendTokens,
)
from voltide.domain.time import stamp
from voltide.ocpp import box16
from voltide.ocpp.certificates2 import CertificateRequest
from voltide.ocpp.der2 import DerRequest
from voltide.ocpp.facts16 import permit_info
from voltide.ocpp.monitoring2 import MonitorRequest
from voltide.ocpp.orders2 import CoreOrder, PlainOrder
from voltide.ocpp.people2 import DisplayRequest, DriverRequest, MoneyRequest
from voltide.ocpp.power2 import PowerRequest
from voltide.ocpp.profiles import evse_of
from voltide.ocpp.sharing import CAP, read_profile
from voltide.ocpp.wire import Obeys, Voice, maybe_moment, moment

_EXTENDED = frozenset({"LogStatusNotification", "SignChargePointCertificate"})
"""What only the security extension can trigger."""
_ALIASES = {"TransactionEvent": "MeterValues", "SignChargingStationCertificate": "SignChargePointCertificate"}
_NAMES = {"SignChargePointCertificate": "SignChargingStationCertificate"}
_SECRET = "AuthorizationKey"  # noqa: S105 - the name of a key


def say_order(order: PlainOrder, voice: Voice) -> list[tuple[str, Json]]:
    """An order as actions and bodies; KeyError: 1.6 has no such order."""
    if isinstance(order, CertificateRequest):
        return box16.say(order, voice)
    if isinstance(order, DriverRequest):
        return [_say_to_drivers(order)]
    if isinstance(order, AskSchedule):
        unit = "A" if voice.charger.amperes else "W"
        body = {"connectorId": order.evse, "duration": round(order.duration_s), "chargingRateUnit": unit}
        return [("GetCompositeSchedule", body)]
    if isinstance(order, DerRequest | DisplayRequest | MoneyRequest | MonitorRequest | PowerRequest):
        raise KeyError(f"1.6 has no word for {type(order).__name__}")
    return _say(order)


def _say_to_drivers(order: DriverRequest) -> tuple[str, Json]:
    """Tokens and reservations."""
    match order:
        case SendTokens():
            return "SendLocalList", _say_list(order)
        case AskListVersion():
            return "GetLocalListVersion", {}
        case ForgetTokens():
            return "ClearCache", {}
        case Reserve():
            until, group = stamp(order.until), order.group
            body = {"reservationId": order.id, "connectorId": order.evse, "idTag": order.token.id}
            return "ReserveNow", body | {"expiryDate": until, "parentIdTag": group}
        case EndReservation():
            return "CancelReservation", {"reservationId": order.id}


def _say_list(order: SendTokens) -> Json:
    entries: list[Json] = [
        {"idTag": one.token.id, "idTagInfo": permit_info(one.status, one.group, one.until)} for one in order.permits
    ]
    if not order.whole:
        entries += [{"idTag": token.id} for token in order.removed]
    kind = "Full" if order.whole else "Differential"
    return {"listVersion": order.version, "updateType": kind, "localAuthorizationList": entries or None}


def _say(order: CoreOrder) -> list[tuple[str, Json]]:  # noqa: C901, PLR0911 - one line per order
    match order:
        case StartTransaction():
            return [("RemoteStartTransaction", {"connectorId": order.evse, "idTag": order.token.id})]
        case StopTransaction():
            return [("RemoteStopTransaction", {"transactionId": int(order.transaction_id)})]
        case ChangeAvailability():
            state = "Operative" if order.operative else "Inoperative"
            return [("ChangeAvailability", {"connectorId": order.evse, "type": state})]
        case Reset():
            return [("Reset", {"type": "Hard" if order.immediate else "Soft"})]
        case Trigger():
            message = _ALIASES.get(order.message, order.message)
            action = "ExtendedTriggerMessage" if message in _EXTENDED else "TriggerMessage"
            return [(action, {"requestedMessage": message, "connectorId": order.evse or None})]
        case Unlock():
            return [("UnlockConnector", {"connectorId": order.evse})]
        case SetVariables():
            pairs = [{"key": one.name, "value": one.value or ""} for one in order.variables]
            return [("ChangeConfiguration", pair) for pair in pairs]
        case GetVariables():
            return [("GetConfiguration", {"key": [one.name for one in order.variables] or None})]
        case GetReport():
            return [("GetConfiguration", {})]
        case Ask():
            return [(order.action, order.payload)]
        case ChangeSecret():
            return [("ChangeConfiguration", {"key": _SECRET, "value": order.secret})]
        case GetTransactionStatus():
            raise KeyError("1.6 cannot be asked about a transaction")


# --- as a charger reads it ---


def _start(told: Json, _voice: Voice, _now: datetime) -> StartTransaction:
    return StartTransaction(evse=told.get("connectorId", 1), token=Token(id=told["idTag"]), remote_start_id=0)


def _stop(told: Json, _voice: Voice, _now: datetime) -> StopTransaction:
    return StopTransaction(transaction_id=str(told["transactionId"]))


def _availability(told: Json, _voice: Voice, _now: datetime) -> ChangeAvailability:
    return ChangeAvailability(evse=told["connectorId"], operative=told["type"] == "Operative")


def _reset(told: Json, _voice: Voice, _now: datetime) -> Reset:
    return Reset(immediate=told["type"] == "Hard")


def _trigger(told: Json, _voice: Voice, _now: datetime) -> Trigger:
    name: str = told["requestedMessage"]
    return Trigger(message=_NAMES.get(name, name), evse=told.get("connectorId"))


def _unlock(told: Json, _voice: Voice, _now: datetime) -> Unlock:
    return Unlock(evse=told["connectorId"])


def _change(told: Json, _voice: Voice, _now: datetime) -> SetVariables | ChangeSecret:
    if told["key"] == _SECRET:
        return ChangeSecret(secret=told["value"])
    return SetVariables(variables=(Variable(component="", name=told["key"], value=told["value"]),))


def _get(told: Json, _voice: Voice, _now: datetime) -> GetVariables:
    keys = told.get("key", ())
    return GetVariables(variables=tuple(Variable(component="", name=key, value=None) for key in keys))


def _cleared(told: Json, _voice: Voice, now: datetime) -> ClearSetpoint | CapCharger | None:
    number = told.get("id", 0)
    evse = evse_of(number)
    if number == CAP:
        return CapCharger(ceiling_w=None, now=now)
    return None if evse is None else ClearSetpoint(evse=evse)


def _list(told: Json, _voice: Voice, _now: datetime) -> SendTokens:
    entries = told.get("localAuthorizationList", ())
    return SendTokens(
        version=told["listVersion"],
        whole=told["updateType"] == "Full",
        permits=tuple(_permit(item) for item in entries if "idTagInfo" in item),
        removed=tuple(Token(id=item["idTag"]) for item in entries if "idTagInfo" not in item),
    )


def _permit(item: Json) -> Permit:
    info = item["idTagInfo"]
    until = maybe_moment(info.get("expiryDate"))
    return Permit(token=Token(id=item["idTag"]), status=info["status"], group=info.get("parentIdTag"), until=until)


def _list_version(_told: Json, _voice: Voice, _now: datetime) -> AskListVersion:
    return AskListVersion()


def _forget(_told: Json, _voice: Voice, _now: datetime) -> ForgetTokens:
    return ForgetTokens()


def _reserve(told: Json, _voice: Voice, now: datetime) -> Reserve:
    return Reserve(
        id=told["reservationId"],
        evse=told["connectorId"],
        token=Token(id=told["idTag"]),
        until=moment(told["expiryDate"], now),
        group=told.get("parentIdTag"),
    )


def _cancel(told: Json, _voice: Voice, _now: datetime) -> EndReservation:
    return EndReservation(id=told["reservationId"])


def _ask_schedule(told: Json, _voice: Voice, _now: datetime) -> AskSchedule:
    return AskSchedule(evse=told["connectorId"], duration_s=told["duration"])


OBEY: Obeys = {
    "CancelReservation": _cancel,
    "ChangeAvailability": _availability,
    "ChangeConfiguration": _change,
    "ClearCache": _forget,
    "ClearChargingProfile": _cleared,
    "ExtendedTriggerMessage": _trigger,
    "GetCompositeSchedule": _ask_schedule,
    "GetConfiguration": _get,
    "GetLocalListVersion": _list_version,
    "RemoteStartTransaction": _start,
    "RemoteStopTransaction": _stop,
    "ReserveNow": _reserve,
    "Reset": _reset,
    "SendLocalList": _list,
    "SetChargingProfile": read_profile,
    "TriggerMessage": _trigger,
    "UnlockConnector": _unlock,
    **box16.OBEY,
}


def say_variables(action: str, asked: Json, told: tuple[Variable, ...]) -> Json:
    """What a charger read or wrote, as the body of its answer; keys that it does not have are named."""
    if action == "ChangeConfiguration":
        return {"status": told[0].status}
    known = [one for one in told if one.status == "Accepted"]
    keys = [{"key": one.name, "readonly": not one.writable, "value": one.value} for one in known]
    missing = [key for key in asked.get("key", ()) if key not in {one.name for one in known}]
    return {"configurationKey": keys or None, "unknownKey": missing or None}


def hear_variables(answer: Json) -> tuple[Variable, ...]:
    """The same as the station hears it."""
    known = tuple(
        Variable(component="", name=item["key"], value=item.get("value"), writable=not item["readonly"])
        for item in answer.get("configurationKey", ())
    )
    unknown = (
        Variable(component="", name=key, value=None, writable=False, status="UnknownVariable")
        for key in answer.get("unknownKey", ())
    )
    return known + tuple(unknown)
