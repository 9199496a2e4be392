"""What an OCPP 2 charger is ordered, and what it answers: words to wire, and wire to words."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

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
from voltide.ocpp.facts2 import place, say_token
from voltide.ocpp.profiles import evse_of, read_profile, read_update
from voltide.ocpp.wire import Supply


def say_order(order: ChargerOrder) -> tuple[str, Json]:  # noqa: C901, PLR0911, PLR0912 - one line per order
    """An order without a charging profile as action and body."""
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
            return "TriggerMessage", {"requestedMessage": order.message, "evse": _evse(order.evse)}
        case Unlock():
            return "UnlockConnector", {"evseId": order.evse, "connectorId": order.connector}
        case SetVariables():
            data = [place(one) | {"attributeValue": one.value or ""} for one in order.variables]
            return "SetVariables", {"setVariableData": data}
        case GetVariables():
            return "GetVariables", {"getVariableData": [place(one) for one in order.variables]}
        case GetReport():
            return "GetBaseReport", {"requestId": order.request_id, "reportBase": order.base}
        case GetTransactionStatus():
            return "GetTransactionStatus", {"transactionId": order.transaction_id}
        case Ask():
            return order.action, order.payload
        case ApplySetpoint() | ApplyFallback() | ClearSetpoint():
            raise TypeError(f"{type(order).__name__} is a charging profile")
        case _:
            raise KeyError(type(order).__name__)


def _evse(number: int | None) -> Json | None:
    """An outlet; absent means the whole charger."""
    return {"id": number} if number else None


# --- as a charger reads it ---


def _start(told: Json, _supply: Supply, _now: datetime) -> StartTransaction:
    token = Token(id=told["idToken"]["idToken"], kind=told["idToken"]["type"])
    return StartTransaction(evse=told.get("evseId", 1), token=token, remote_start_id=told["remoteStartId"])


def _stop(told: Json, _supply: Supply, _now: datetime) -> StopTransaction:
    return StopTransaction(transaction_id=told["transactionId"])


def _availability(told: Json, _supply: Supply, _now: datetime) -> ChangeAvailability:
    evse = told.get("evse", {}).get("id", 0)
    return ChangeAvailability(evse=evse, operative=told["operationalStatus"] == "Operative")


def _reset(told: Json, _supply: Supply, _now: datetime) -> Reset:
    return Reset(immediate=told["type"] != "OnIdle")


def _trigger(told: Json, _supply: Supply, _now: datetime) -> Trigger:
    return Trigger(message=told["requestedMessage"], evse=told.get("evse", {}).get("id"))


def _unlock(told: Json, _supply: Supply, _now: datetime) -> Unlock:
    return Unlock(evse=told["evseId"], connector=told["connectorId"])


def _variable(item: Json, value: str | None, status: str = "Accepted") -> Variable:
    component, variable = item["component"], item["variable"]
    evse, instance = component.get("evse", {}).get("id"), variable.get("instance")
    name = variable["name"]
    return Variable(component=component["name"], name=name, value=value, evse=evse, instance=instance, status=status)


def _set(told: Json, _supply: Supply, _now: datetime) -> SetVariables:
    data = told["setVariableData"]
    return SetVariables(variables=tuple(_variable(item, item["attributeValue"]) for item in data))


def _get(told: Json, _supply: Supply, _now: datetime) -> GetVariables:
    return GetVariables(variables=tuple(_variable(item, None) for item in told["getVariableData"]))


def _report(told: Json, _supply: Supply, _now: datetime) -> GetReport:
    return GetReport(request_id=told["requestId"], base=told["reportBase"])


def _status(told: Json, _supply: Supply, _now: datetime) -> GetTransactionStatus:
    return GetTransactionStatus(transaction_id=told.get("transactionId"))


def _cleared(told: Json, _supply: Supply, _now: datetime) -> ClearSetpoint | None:
    """Only the clearing of a setpoint profile of ours has a word; criteria are the charger's own affair."""
    evse = evse_of(told.get("chargingProfileId", 0))
    return None if evse is None else ClearSetpoint(evse=evse)


OBEY: dict[str, Callable[[Json, Supply, datetime], ChargerOrder | None]] = {
    "ChangeAvailability": _availability,
    "ClearChargingProfile": _cleared,
    "GetBaseReport": _report,
    "GetTransactionStatus": _status,
    "GetVariables": _get,
    "RequestStartTransaction": _start,
    "RequestStopTransaction": _stop,
    "Reset": _reset,
    "SetChargingProfile": read_profile,
    "SetVariables": _set,
    "TriggerMessage": _trigger,
    "UnlockConnector": _unlock,
    "UpdateDynamicSchedule": read_update,
}


def say_variables(action: str, told: tuple[Variable, ...]) -> Json:
    """What a charger read or wrote, as the body of its answer."""
    if action == "SetVariables":
        return {"setVariableResult": [place(one) | {"attributeStatus": one.status} for one in told]}
    results: list[Any] = [place(one) | {"attributeStatus": one.status, "attributeValue": one.value} for one in told]
    return {"getVariableResult": results}


def hear_variables(answer: Json) -> tuple[Variable, ...]:
    """The same as the station hears it."""
    results = [*answer.get("getVariableResult", ()), *answer.get("setVariableResult", ())]
    return tuple(_variable(item, item.get("attributeValue"), item["attributeStatus"]) for item in results)
