"""The device model of OCPP 2 (block B): reported, read, written, and whether it was."""

from datetime import datetime

from voltide.domain.messages import GetReport, GetVariables, Json, SetVariables, Variable, VariablesTold
from voltide.domain.reports import Place
from voltide.domain.requests import ChangeSecret
from voltide.domain.time import stamp
from voltide.ocpp.wire import Voice, number

SECRET = ("SecurityCtrlr", "BasicAuthPassword")
"""Where a charger keeps its password: a variable that can only be written."""


def say_place(place: Place) -> Json:
    """Where in the device model something is."""
    evse = None if place.evse is None else {"id": place.evse, "connectorId": place.connector}
    component = {"name": place.component, "instance": place.component_instance, "evse": evse}
    return {"component": component, "variable": {"name": place.variable, "instance": place.variable_instance}}


def read_place(item: Json) -> Place:
    """The inverse; a component without a variable (it may be asked for as a whole) has none."""
    component, variable = item["component"], item.get("variable", {})
    evse = component.get("evse", {})
    return Place(
        component=component["name"],
        variable=variable.get("name", ""),
        evse=evse.get("id"),
        connector=evse.get("connectorId"),
        component_instance=component.get("instance"),
        variable_instance=variable.get("instance"),
    )


def _place(variable: Variable) -> Json:
    return say_place(
        Place(
            component=variable.component,
            variable=variable.name,
            evse=variable.evse,
            connector=variable.connector,
            component_instance=variable.component_instance,
            variable_instance=variable.instance,
        )
    )


def _variable(item: Json, value: str | None, status: str = "Accepted") -> Variable:
    place = read_place(item)
    return Variable(
        component=place.component,
        name=place.variable,
        value=value,
        evse=place.evse,
        connector=place.connector,
        component_instance=place.component_instance,
        instance=place.variable_instance,
        status=status,
    )


# --- what a charger reports ---


def hear_report(told: Json, _voice: Voice, _now: datetime) -> VariablesTold:
    """A part of a charger's report on itself."""
    parts = tuple(reported(item) for item in told.get("reportData", ()))
    more = told.get("tbc", False)
    return VariablesTold(variables=parts, request_id=told["requestId"], seq_no=told["seqNo"], more=more)


def reported(item: Json) -> Variable:
    """One variable of a report, by its actual value, with all that is said of its kind."""
    attributes = item["variableAttribute"]
    actual = next((one for one in attributes if one.get("type", "Actual") == "Actual"), attributes[0])
    bounds, place = item.get("variableCharacteristics", {}), read_place(item)
    choices = bounds.get("valuesList", "")
    return Variable(
        component=place.component,
        name=place.variable,
        value=actual.get("value"),
        evse=place.evse,
        connector=place.connector,
        component_instance=place.component_instance,
        instance=place.variable_instance,
        writable=actual.get("mutability", "ReadWrite") != "ReadOnly",
        unit=bounds.get("unit"),
        kind=bounds.get("dataType"),
        lowest=number(bounds.get("minLimit")),
        highest=number(bounds.get("maxLimit")),
        choices=tuple(part.strip() for part in choices.split(",")) if choices else (),
    )


def say_report(fact: VariablesTold, _voice: Voice, now: datetime) -> tuple[str, Json]:
    """The same from a charger's mouth."""
    return "NotifyReport", {
        "requestId": fact.request_id or 0,
        "generatedAt": stamp(now),
        "seqNo": fact.seq_no,
        "tbc": fact.more,
        "reportData": [_reported(one) for one in fact.variables] or None,
    }


def _reported(one: Variable) -> Json:
    attribute = {"value": one.value, "mutability": "ReadWrite" if one.writable else "ReadOnly"}
    bounds = {
        "dataType": one.kind,
        "unit": one.unit,
        "minLimit": one.lowest,
        "maxLimit": one.highest,
        "valuesList": ",".join(one.choices) or None,
        "supportsMonitoring": False,
    }
    said = one.kind is not None
    return _place(one) | {"variableAttribute": [attribute], "variableCharacteristics": bounds if said else None}


# --- what is read and written ---


def say_get(order: GetVariables) -> tuple[str, Json]:
    """Read these."""
    return "GetVariables", {"getVariableData": [_place(one) for one in order.variables]}


def say_set(order: SetVariables) -> tuple[str, Json]:
    """Write these."""
    data = [_place(one) | {"attributeValue": one.value or ""} for one in order.variables]
    return "SetVariables", {"setVariableData": data}


def say_secret(order: ChangeSecret) -> tuple[str, Json]:
    """A new password is a variable, too."""
    component, name = SECRET
    return say_set(SetVariables(variables=(Variable(component=component, name=name, value=order.secret),)))


def read_get(told: Json, _voice: Voice, _now: datetime) -> GetVariables:
    """What is to be read."""
    return GetVariables(variables=tuple(_variable(item, None) for item in told["getVariableData"]))


def read_set(told: Json, _voice: Voice, _now: datetime) -> SetVariables | ChangeSecret:
    """What is to be written; a password alone is a new secret."""
    variables = tuple(_variable(item, item["attributeValue"]) for item in told["setVariableData"])
    first = variables[0]
    if len(variables) == 1 and (first.component, first.name) == SECRET and first.value is not None:
        return ChangeSecret(secret=first.value)
    return SetVariables(variables=variables)


def read_report(told: Json, _voice: Voice, _now: datetime) -> GetReport:
    """A report on the whole device model."""
    return GetReport(request_id=told["requestId"], base=told["reportBase"])


def say_variables(action: str, told: tuple[Variable, ...]) -> Json:
    """What a charger read or wrote, as the body of its answer."""
    if action == "SetVariables":
        return {"setVariableResult": [_place(one) | {"attributeStatus": one.status} for one in told]}
    return {
        "getVariableResult": [
            _place(one) | {"attributeStatus": one.status, "attributeValue": one.value} for one in told
        ]
    }


def hear_variables(answer: Json) -> tuple[Variable, ...]:
    """The same as the station hears it."""
    results = [*answer.get("getVariableResult", ()), *answer.get("setVariableResult", ())]
    return tuple(_variable(item, item.get("attributeValue"), item["attributeStatus"]) for item in results)
