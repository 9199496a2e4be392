"""What an OCPP 2 charger tells and hears back: wire to words, and words to wire. One small function each."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from voltide.domain.messages import (
    AuthorisationAsked,
    Boot,
    Booted,
    ChargerAnswer,
    ChargerFact,
    Flow,
    HeartBeaten,
    Json,
    LimitTold,
    Metered,
    Moment,
    NeedsTold,
    Noted,
    OutletReported,
    OutletState,
    SecurityTold,
    SetpointGiven,
    SetpointPulled,
    Time,
    Token,
    TokenVerdict,
    TransactionNoted,
    TransactionTold,
    Variable,
    VariablesTold,
    Welcome,
)
from voltide.domain.site import OcppVersion
from voltide.domain.time import stamp
from voltide.ocpp.meter import samples, values
from voltide.ocpp.needs import read_needs, say_needs
from voltide.ocpp.wire import Supply, moment, number, tenths, watts

_TRIGGERS = {Moment.STARTED: "CablePluggedIn", Moment.UPDATED: "MeterValuePeriodic", Moment.ENDED: "EVDeparted"}


# --- hear: a charger's request as a fact ---


def _booted(told: Json, _now: datetime) -> Booted:
    box = told["chargingStation"]
    return Booted(
        vendor=box["vendorName"],
        model=box["model"],
        serial=box.get("serialNumber"),
        firmware=box.get("firmwareVersion"),
        reason=told["reason"],
    )


def _outlet(told: Json, now: datetime) -> OutletReported:
    state, at = OutletState(told["connectorStatus"]), moment(told["timestamp"], now)
    return OutletReported(evse=told["evseId"], connector=told["connectorId"], state=state, at=at)


def _token(told: Json | None) -> Token | None:
    return None if told is None else Token(id=told["idToken"], kind=told["type"])


def _asked(told: Json, _now: datetime) -> AuthorisationAsked:
    token = told["idToken"]
    return AuthorisationAsked(token=Token(id=token["idToken"], kind=token["type"]))


def _transaction(told: Json, now: datetime) -> TransactionTold:
    info, evse = told["transactionInfo"], told.get("evse", {})
    state, at = info.get("chargingState"), moment(told["timestamp"], now)
    return TransactionTold(
        moment=Moment(told["eventType"]),
        transaction_id=info["transactionId"],
        at=at,
        evse=evse.get("id"),
        connector=evse.get("connectorId"),
        seq_no=told["seqNo"],
        offline=told.get("offline", False),
        trigger=told["triggerReason"],
        flow=None if state is None else Flow(state),
        token=_token(told.get("idToken")),
        remote_start_id=info.get("remoteStartId"),
        stopped_reason=info.get("stoppedReason"),
        samples=samples(told.get("meterValue", ()), at),
        asks_token="idToken" in told,
    )


def _metered(told: Json, now: datetime) -> Metered:
    return Metered(evse=told["evseId"], samples=samples(told["meterValue"], now))


def _needs(told: Json, _now: datetime) -> NeedsTold:
    return read_needs(told)


def _report(told: Json, _now: datetime) -> VariablesTold:
    parts = tuple(reported(item) for item in told.get("reportData", ()))
    more = told.get("tbc", False)
    return VariablesTold(variables=parts, request_id=told["requestId"], seq_no=told["seqNo"], more=more)


def reported(item: Json) -> Variable:
    """One variable of a report, by its actual value."""
    attributes = item["variableAttribute"]
    actual = next((one for one in attributes if one.get("type", "Actual") == "Actual"), attributes[0])
    return Variable(
        component=item["component"]["name"],
        name=item["variable"]["name"],
        value=actual.get("value"),
        evse=item["component"].get("evse", {}).get("id"),
        instance=item["variable"].get("instance"),
        writable=actual.get("mutability", "ReadWrite") != "ReadOnly",
    )


def _security(told: Json, now: datetime) -> SecurityTold:
    return SecurityTold(kind=told["type"], at=moment(told["timestamp"], now), info=told.get("techInfo"))


def _limit(told: Json, _now: datetime) -> LimitTold | None:
    """Someone limits the charger; without a schedule it is not said how much, and there is no word for that."""
    schedules = told.get("chargingSchedule", [])
    if not schedules:
        return None
    period = schedules[0]["chargingSchedulePeriod"][0]
    limit = watts(period.get("limit"), schedules[0]["chargingRateUnit"], Supply())
    source = told["chargingLimit"]["chargingLimitSource"]
    return None if limit is None else LimitTold(source=source, evse=told.get("evseId") or None, limit_w=limit)


def _unlimited(told: Json, _now: datetime) -> LimitTold:
    return LimitTold(source=told["chargingLimitSource"], evse=told.get("evseId") or None)


def _pulled(told: Json, _now: datetime) -> SetpointPulled:
    return SetpointPulled(profile_id=told["chargingProfileId"])


def _beaten(_told: Json, _now: datetime) -> HeartBeaten:
    return HeartBeaten()


HEAR: dict[str, Callable[[Json, datetime], ChargerFact | None]] = {
    "Authorize": _asked,
    "BootNotification": _booted,
    "ClearedChargingLimit": _unlimited,
    "Heartbeat": _beaten,
    "MeterValues": _metered,
    "NotifyChargingLimit": _limit,
    "NotifyEVChargingNeeds": _needs,
    "NotifyReport": _report,
    "PullDynamicScheduleUpdate": _pulled,
    "SecurityEventNotification": _security,
    "StatusNotification": _outlet,
    "TransactionEvent": _transaction,
}
"""What has a word in the domain; all else is told as it came."""


# --- say: a fact as a charger's request ---


def _say_booted(_version: OcppVersion, fact: Booted, _now: datetime) -> tuple[str, Json]:
    box = {
        "vendorName": fact.vendor,
        "model": fact.model,
        "serialNumber": fact.serial,
        "firmwareVersion": fact.firmware,
    }
    return "BootNotification", {"chargingStation": box, "reason": fact.reason or "PowerUp"}


def _say_beaten(_version: OcppVersion, _fact: HeartBeaten, _now: datetime) -> tuple[str, Json]:
    return "Heartbeat", {}


def _say_outlet(_version: OcppVersion, fact: OutletReported, now: datetime) -> tuple[str, Json]:
    place = {"evseId": fact.evse, "connectorId": fact.connector}
    return "StatusNotification", place | {"connectorStatus": fact.state.value, "timestamp": stamp(fact.at or now)}


def say_token(token: Token | None) -> Json | None:
    """A token as OCPP 2 writes it."""
    return None if token is None else {"idToken": token.id, "type": token.kind}


def _say_asked(_version: OcppVersion, fact: AuthorisationAsked, _now: datetime) -> tuple[str, Json]:
    return "Authorize", {"idToken": say_token(fact.token)}


def _say_transaction(version: OcppVersion, fact: TransactionTold, _now: datetime) -> tuple[str, Json]:
    info = {
        "transactionId": fact.transaction_id,
        "chargingState": fact.flow,
        "stoppedReason": fact.stopped_reason,
        "remoteStartId": fact.remote_start_id,
    }
    return "TransactionEvent", {
        "eventType": fact.moment.value,
        "timestamp": stamp(fact.at),
        "triggerReason": fact.trigger or _TRIGGERS[fact.moment],
        "seqNo": fact.seq_no or 0,
        "offline": fact.offline,
        "transactionInfo": info,
        "evse": None if fact.evse is None else {"id": fact.evse, "connectorId": fact.connector},
        "idToken": say_token(fact.token),
        "meterValue": values(version, fact.samples) or None,
    }


def _say_metered(version: OcppVersion, fact: Metered, _now: datetime) -> tuple[str, Json]:
    return "MeterValues", {"evseId": fact.evse, "meterValue": values(version, fact.samples)}


def _say_needs(version: OcppVersion, fact: NeedsTold, _now: datetime) -> tuple[str, Json]:
    return "NotifyEVChargingNeeds", say_needs(version, fact)


def place(variable: Variable) -> Json:
    """Where a variable lives."""
    evse = None if variable.evse is None else {"id": variable.evse}
    component = {"name": variable.component, "evse": evse}
    return {"component": component, "variable": {"name": variable.name, "instance": variable.instance}}


def _say_report(_version: OcppVersion, fact: VariablesTold, now: datetime) -> tuple[str, Json]:
    parts = [
        place(one)
        | {"variableAttribute": [{"value": one.value, "mutability": "ReadWrite" if one.writable else "ReadOnly"}]}
        for one in fact.variables
    ]
    return "NotifyReport", {
        "requestId": fact.request_id or 0,
        "generatedAt": stamp(now),
        "seqNo": fact.seq_no,
        "tbc": fact.more,
        "reportData": parts or None,
    }


def _say_security(_version: OcppVersion, fact: SecurityTold, _now: datetime) -> tuple[str, Json]:
    return "SecurityEventNotification", {"type": fact.kind, "timestamp": stamp(fact.at), "techInfo": fact.info}


def _say_limit(_version: OcppVersion, fact: LimitTold, _now: datetime) -> tuple[str, Json]:
    if fact.limit_w is None:
        return "ClearedChargingLimit", {"chargingLimitSource": fact.source, "evseId": fact.evse}
    period = {"startPeriod": 0, "limit": tenths(fact.limit_w)}
    schedule = {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [period]}
    limit = {"chargingLimitSource": fact.source}
    return "NotifyChargingLimit", {"chargingLimit": limit, "evseId": fact.evse, "chargingSchedule": [schedule]}


def _say_pulled(_version: OcppVersion, fact: SetpointPulled, _now: datetime) -> tuple[str, Json]:
    return "PullDynamicScheduleUpdate", {"chargingProfileId": fact.profile_id}


SAY: dict[type, Callable[[OcppVersion, Any, datetime], tuple[str, Json]]] = {
    AuthorisationAsked: _say_asked,
    Booted: _say_booted,
    HeartBeaten: _say_beaten,
    LimitTold: _say_limit,
    Metered: _say_metered,
    NeedsTold: _say_needs,
    OutletReported: _say_outlet,
    SecurityTold: _say_security,
    SetpointPulled: _say_pulled,
    TransactionTold: _say_transaction,
    VariablesTold: _say_report,
}


# --- answers, both ways ---


def say_answer(answer: ChargerAnswer) -> Json | None:
    """Our answer as the body of a response; None when only the specification has one."""
    match answer:
        case Welcome():
            return {"status": answer.verdict.value, "currentTime": stamp(answer.now), "interval": answer.interval_s}
        case Time():
            return {"currentTime": stamp(answer.now)}
        case TokenVerdict():
            return {"idTokenInfo": _verdict(answer)}
        case TransactionNoted():
            return {"idTokenInfo": _verdict(answer.token) if answer.token is not None else None}
        case SetpointGiven():
            update = None if answer.power_w is None else {"setpoint": tenths(answer.power_w)}
            return {"status": "Rejected" if update is None else "Accepted", "scheduleUpdate": update}
        case Noted():
            return None
        case _:
            raise KeyError(type(answer).__name__)


def _verdict(token: TokenVerdict) -> Json:
    return {"status": "Accepted" if token.valid else "Invalid"}


def hear_answer(action: str, asked: Json, answer: Json, now: datetime) -> ChargerAnswer:
    """A response of the station in a charger's ears."""
    match action:
        case "BootNotification":
            at = moment(answer["currentTime"], now)
            return Welcome(verdict=Boot(answer["status"]), now=at, interval_s=answer["interval"])
        case "Heartbeat":
            return Time(now=moment(answer["currentTime"], now))
        case "Authorize":
            return TokenVerdict(valid=answer["idTokenInfo"]["status"] == "Accepted")
        case "TransactionEvent":
            info = answer.get("idTokenInfo")
            verdict = None if info is None else TokenVerdict(valid=info["status"] == "Accepted")
            return TransactionNoted(transaction_id=asked["transactionInfo"]["transactionId"], token=verdict)
        case "PullDynamicScheduleUpdate":
            return SetpointGiven(power_w=number(answer.get("scheduleUpdate", {}).get("setpoint")))
    return Noted()
