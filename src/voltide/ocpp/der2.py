"""DER control and battery swap, which only 2.1 has (blocks R and S), both ways."""

from datetime import datetime
from typing import TypeAlias

from voltide.domain.messages import Json
from voltide.domain.reports import (
    Battery,
    BatterySwapped,
    DerAlarm,
    DerControl,
    DerStarted,
    DersTold,
    SwapStep,
)
from voltide.domain.requests import AskDers, AskSwap, ClearDer, SetDer
from voltide.domain.time import stamp
from voltide.ocpp.people2 import read_token, say_token
from voltide.ocpp.wire import Hears, Obeys, Says, Voice, maybe_moment, maybe_stamp, moment

DerRequest: TypeAlias = AskDers | AskSwap | ClearDer | SetDer
_FIELDS = {
    "EnterService": "enterService",
    "FixedPFAbsorb": "fixedPFAbsorb",
    "FixedPFInject": "fixedPFInject",
    "FixedVar": "fixedVar",
    "FreqDroop": "freqDroop",
    "Gradients": "gradient",
    "LimitMaxDischarge": "limitMaxDischarge",
}
"""Which field holds a control of which kind; every other kind is a curve. Source: OCPP 2.1 errata, R04.FR.16."""
_BODIES = {"fixedPFAbsorb": "fixedPF", "fixedPFInject": "fixedPF"}
"""In a report both hold a body of the same name."""
_DEFAULT_ONLY = frozenset({"enterService", "gradient"})
"""What only exists as a default (R04.FR.14): a report does not say so."""


# --- what a charger tells ---


def _alarm(told: Json, _voice: Voice, now: datetime) -> DerAlarm:
    return DerAlarm(
        control=told["controlType"],
        at=moment(told["timestamp"], now),
        fault=told.get("gridEventFault"),
        ended=told.get("alarmEnded", False),
        info=told.get("extraInfo"),
    )


def _say_alarm(fact: DerAlarm, _voice: Voice, _now: datetime) -> tuple[str, Json]:
    return "NotifyDERAlarm", {
        "controlType": fact.control,
        "timestamp": stamp(fact.at),
        "gridEventFault": fact.fault,
        "alarmEnded": fact.ended or None,
        "extraInfo": fact.info,
    }


def _started(told: Json, _voice: Voice, now: datetime) -> DerStarted:
    return DerStarted(
        control_id=told["controlId"],
        started=told["started"],
        at=moment(told["timestamp"], now),
        superseded=tuple(told.get("supersededIds", ())),
    )


def _say_started(fact: DerStarted, _voice: Voice, _now: datetime) -> tuple[str, Json]:
    head = {"controlId": fact.control_id, "started": fact.started, "timestamp": stamp(fact.at)}
    return "NotifyDERStartStop", head | {"supersededIds": list(fact.superseded) or None}


def _ders(told: Json, _voice: Voice, _now: datetime) -> DersTold:
    """The wire has a list for each shape of control; here there is one."""
    curves = [_control(item, "curve", item["curveType"]) for item in told.get("curve", ())]
    others = [_control(item, field, kind) for kind, field in _FIELDS.items() for item in told.get(field, ())]
    return DersTold(request_id=told["requestId"], controls=(*curves, *others), more=told.get("tbc", False))


def _control(item: Json, field: str, kind: str) -> DerControl:
    return DerControl(
        id=item["id"],
        kind=kind,
        default=item.get("isDefault", True),
        body=item[_BODIES.get(field, field)],
        superseded=item.get("isSuperseded", False),
    )


def _say_ders(fact: DersTold, _voice: Voice, _now: datetime) -> tuple[str, Json]:
    lists: dict[str, list[Json]] = {}
    for control in fact.controls:
        field = _FIELDS.get(control.kind, "curve")
        item: Json = {"id": control.id, _BODIES.get(field, field): control.body}
        if field == "curve":
            item["curveType"] = control.kind
        if field not in _DEFAULT_ONLY:
            item |= {"isDefault": control.default, "isSuperseded": control.superseded}
        lists.setdefault(field, []).append(item)
    return "ReportDERControl", {"requestId": fact.request_id, "tbc": fact.more} | lists


def _swapped(told: Json, _voice: Voice, _now: datetime) -> BatterySwapped:
    return BatterySwapped(
        step=SwapStep(told["eventType"]),
        request_id=told["requestId"],
        token=read_token(told["idToken"]),
        batteries=tuple(_battery(item) for item in told["batteryData"]),
    )


def _battery(item: Json) -> Battery:
    return Battery(
        evse=item["evseId"],
        serial=item["serialNumber"],
        soc=item["soC"] / 100,
        soh=item["soH"] / 100,
        made_at=maybe_moment(item.get("productionDate")),
        info=item.get("vendorInfo"),
    )


def _say_swapped(fact: BatterySwapped, _voice: Voice, _now: datetime) -> tuple[str, Json]:
    batteries = [
        {
            "evseId": one.evse,
            "serialNumber": one.serial,
            "soC": round(one.soc * 100, 6),
            "soH": round(one.soh * 100, 6),
            "productionDate": maybe_stamp(one.made_at),
            "vendorInfo": one.info,
        }
        for one in fact.batteries
    ]
    head = {"eventType": fact.step.value, "requestId": fact.request_id, "idToken": say_token(fact.token)}
    return "BatterySwap", head | {"batteryData": batteries}


HEAR: Hears = {
    "BatterySwap": _swapped,
    "NotifyDERAlarm": _alarm,
    "NotifyDERStartStop": _started,
    "ReportDERControl": _ders,
}
SAY: Says = {BatterySwapped: _say_swapped, DerAlarm: _say_alarm, DersTold: _say_ders, DerStarted: _say_started}


# --- what it is asked ---


def say(order: DerRequest) -> tuple[str, Json]:
    """An order of this page as action and body."""
    match order:
        case SetDer():
            return "SetDERControl", _say_control(order.control)
        case AskDers():
            body = {"isDefault": order.default, "controlType": order.kind, "controlId": order.id}
            return "GetDERControl", body | {"requestId": order.request_id}
        case ClearDer():
            body = {"isDefault": order.default, "controlType": order.kind, "controlId": order.id}
            return "ClearDERControl", body
        case AskSwap():
            return "RequestBatterySwap", {"requestId": order.request_id, "idToken": say_token(order.token)}


def _say_control(control: DerControl) -> Json:
    field = _FIELDS.get(control.kind, "curve")
    head = {"isDefault": control.default, "controlId": control.id, "controlType": control.kind}
    return head | {field: control.body}


def _set(told: Json, _voice: Voice, _now: datetime) -> SetDer | None:
    """A control with the one body that its kind has; everything else is against R04.FR.16 and has no word."""
    kind = told["controlType"]
    field = _FIELDS.get(kind, "curve")
    bodies = set(told) & {"curve", *_FIELDS.values()}
    if bodies != {field}:
        return None
    control = DerControl(id=told["controlId"], kind=kind, default=told["isDefault"], body=told[field])
    return SetDer(control=control)


def _ask(told: Json, _voice: Voice, _now: datetime) -> AskDers:
    return AskDers(
        request_id=told["requestId"],
        kind=told.get("controlType"),
        default=told.get("isDefault"),
        id=told.get("controlId"),
    )


def _clear(told: Json, _voice: Voice, _now: datetime) -> ClearDer:
    return ClearDer(default=told["isDefault"], kind=told.get("controlType"), id=told.get("controlId"))


def _swap(told: Json, _voice: Voice, _now: datetime) -> AskSwap:
    return AskSwap(request_id=told["requestId"], token=read_token(told["idToken"]))


OBEY: Obeys = {
    "ClearDERControl": _clear,
    "GetDERControl": _ask,
    "RequestBatterySwap": _swap,
    "SetDERControl": _set,
}
