"""What an OCPP 1.6 charger is ordered, and what it answers. Variables are configuration keys of the component ""."""

from collections.abc import Callable
from datetime import datetime

from voltide.domain.messages import (
    ApplyFallback,
    ApplySetpoint,
    Ask,
    ChangeAvailability,
    ChargerOrder,
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
from voltide.ocpp.profiles import evse_of, read_profile
from voltide.ocpp.wire import Supply

_EXTENDED = frozenset({"LogStatusNotification", "SignChargePointCertificate"})
"""What only the security extension can trigger."""
_ALIASES = {"TransactionEvent": "MeterValues", "SignChargingStationCertificate": "SignChargePointCertificate"}


def say_order(order: ChargerOrder) -> list[tuple[str, Json]]:  # noqa: C901, PLR0911, PLR0912 - one line per order
    """An order without a charging profile as actions and bodies; KeyError: 1.6 has no such order."""
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
        case GetTransactionStatus():
            raise KeyError("1.6 cannot be asked about a transaction")
        case ApplySetpoint() | ApplyFallback() | ClearSetpoint():
            raise TypeError(f"{type(order).__name__} is a charging profile")
        case _:
            raise KeyError(type(order).__name__)


# --- as a charger reads it ---


def _start(told: Json, _supply: Supply, _now: datetime) -> StartTransaction:
    return StartTransaction(evse=told.get("connectorId", 1), token=Token(id=told["idTag"]), remote_start_id=0)


def _stop(told: Json, _supply: Supply, _now: datetime) -> StopTransaction:
    return StopTransaction(transaction_id=str(told["transactionId"]))


def _availability(told: Json, _supply: Supply, _now: datetime) -> ChangeAvailability:
    return ChangeAvailability(evse=told["connectorId"], operative=told["type"] == "Operative")


def _reset(told: Json, _supply: Supply, _now: datetime) -> Reset:
    return Reset(immediate=told["type"] == "Hard")


def _trigger(told: Json, _supply: Supply, _now: datetime) -> Trigger:
    return Trigger(message=told["requestedMessage"], evse=told.get("connectorId"))


def _unlock(told: Json, _supply: Supply, _now: datetime) -> Unlock:
    return Unlock(evse=told["connectorId"])


def _change(told: Json, _supply: Supply, _now: datetime) -> SetVariables:
    return SetVariables(variables=(Variable(component="", name=told["key"], value=told["value"]),))


def _get(told: Json, _supply: Supply, _now: datetime) -> GetVariables:
    keys = told.get("key", ())
    return GetVariables(variables=tuple(Variable(component="", name=key, value=None) for key in keys))


def _cleared(told: Json, _supply: Supply, _now: datetime) -> ClearSetpoint | None:
    evse = evse_of(told.get("id", 0))
    return None if evse is None else ClearSetpoint(evse=evse)


OBEY: dict[str, Callable[[Json, Supply, datetime], ChargerOrder | None]] = {
    "ChangeAvailability": _availability,
    "ChangeConfiguration": _change,
    "ClearChargingProfile": _cleared,
    "ExtendedTriggerMessage": _trigger,
    "GetConfiguration": _get,
    "RemoteStartTransaction": _start,
    "RemoteStopTransaction": _stop,
    "Reset": _reset,
    "SetChargingProfile": read_profile,
    "TriggerMessage": _trigger,
    "UnlockConnector": _unlock,
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
