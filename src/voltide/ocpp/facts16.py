"""What an OCPP 1.6 charger tells and hears back. Start, MeterValues and Stop are told as events of one transaction."""

from dataclasses import replace
from datetime import datetime

from voltide.domain.messages import (
    AuthorisationAsked,
    Boot,
    Booted,
    ChargerAnswer,
    Flow,
    HeartBeaten,
    Json,
    Metered,
    Moment,
    Noted,
    OutletReported,
    OutletState,
    Sample,
    SetpointGiven,
    Time,
    Token,
    TokenVerdict,
    Told,
    TransactionNoted,
    TransactionTold,
    Welcome,
)
from voltide.domain.reports import (
    CertificateState,
    ChainStates,
    ContractGiven,
    DataAnswered,
    Judged,
    NeedsJudged,
    ReceiptGiven,
    VatVerdict,
)
from voltide.domain.site import OcppVersion
from voltide.domain.time import stamp
from voltide.ocpp import box16
from voltide.ocpp.box16 import data_text
from voltide.ocpp.meter import samples, values
from voltide.ocpp.wire import Hears, Says, Voice, maybe_moment, maybe_stamp, moment

V16 = OcppVersion.V16
BEGIN, END = "Transaction.Begin", "Transaction.End"
_STATES: dict[str, tuple[OutletState, Flow | None]] = {
    "Available": (OutletState.AVAILABLE, None),
    "Preparing": (OutletState.OCCUPIED, Flow.CONNECTED),
    "Charging": (OutletState.OCCUPIED, Flow.FLOWING),
    "SuspendedEV": (OutletState.OCCUPIED, Flow.SUSPENDED_BY_CAR),
    "SuspendedEVSE": (OutletState.OCCUPIED, Flow.SUSPENDED_BY_STATION),
    "Finishing": (OutletState.OCCUPIED, Flow.IDLE),
    "Reserved": (OutletState.RESERVED, None),
    "Unavailable": (OutletState.UNAVAILABLE, None),
    "Faulted": (OutletState.FAULTED, None),
}
"""1.6's nine words, and the two words each of them is."""
_WORDS = {state: word for word, state in _STATES.items()}
_STATUSES = frozenset({"Accepted", "Blocked", "Expired", "Invalid", "ConcurrentTx"})
_REASONS = frozenset(
    {
        *("DeAuthorized", "EmergencyStop", "EVDisconnected", "HardReset", "Local", "Other", "PowerLoss", "Reboot"),
        *("Remote", "SoftReset", "UnlockCommand"),
    }
)


# --- hear ---


def _booted(told: Json, _voice: Voice, _now: datetime) -> Booted:
    return Booted(
        vendor=told["chargePointVendor"],
        model=told["chargePointModel"],
        serial=told.get("chargePointSerialNumber", told.get("chargeBoxSerialNumber")),
        firmware=told.get("firmwareVersion"),
    )


def _beaten(_told: Json, _voice: Voice, _now: datetime) -> HeartBeaten:
    return HeartBeaten()


def _outlet(told: Json, _voice: Voice, now: datetime) -> OutletReported:
    state, flow = _STATES[told["status"]]
    number, error = told["connectorId"], told["errorCode"]
    return OutletReported(
        evse=number,
        connector=1 if number else 0,
        state=state,
        at=moment(told.get("timestamp"), now),
        error=None if error == "NoError" else error,
        flow=flow,
    )


def _asked(told: Json, _voice: Voice, _now: datetime) -> AuthorisationAsked:
    return AuthorisationAsked(token=Token(id=told["idTag"]))


def _started(told: Json, _voice: Voice, now: datetime) -> TransactionTold:
    at = moment(told["timestamp"], now)
    return TransactionTold(
        moment=Moment.STARTED,
        transaction_id=None,
        at=at,
        evse=told["connectorId"],
        connector=1,
        token=Token(id=told["idTag"]),
        samples=(Sample(at=at, import_wh=float(told["meterStart"]), context=BEGIN),),
        asks_token=True,
        reservation_id=told.get("reservationId"),
    )


def _metered(told: Json, _voice: Voice, now: datetime) -> TransactionTold | Metered:
    """With a transaction it is an event of its life; without one (or with the number none has) it is a mere reading."""
    evse, number = told["connectorId"], told.get("transactionId", 0)
    read = samples(told["meterValue"], now)
    if number <= 0:
        return Metered(evse=evse, samples=read)
    at = max((sample.at for sample in read), default=now)
    identity = str(number)
    return TransactionTold(moment=Moment.UPDATED, transaction_id=identity, at=at, evse=evse, connector=1, samples=read)


def _stopped(told: Json, _voice: Voice, now: datetime) -> TransactionTold:
    """The stop's own register closes the transaction; what the transaction data adds to that instant is kept."""
    at = moment(told["timestamp"], now)
    read = samples(told.get("transactionData", ()), at)
    last = next((sample for sample in read if sample.context == END), Sample(at=at, context=END))
    rest = tuple(sample for sample in read if sample is not last)
    tag = told.get("idTag")
    return TransactionTold(
        moment=Moment.ENDED,
        transaction_id=str(told["transactionId"]),
        at=at,
        token=None if tag is None else Token(id=tag),
        stopped_reason=told.get("reason", "Local"),
        samples=(*rest, replace(last, import_wh=float(told["meterStop"]))),
        asks_token=tag is not None,
    )


HEAR: Hears = {
    "Authorize": _asked,
    "BootNotification": _booted,
    "Heartbeat": _beaten,
    "MeterValues": _metered,
    "StartTransaction": _started,
    "StatusNotification": _outlet,
    "StopTransaction": _stopped,
    **box16.HEAR,
}
"""All that a charger of OCPP 1.6 can tell."""


# --- say ---


def _say_booted(fact: Booted, _voice: Voice, _now: datetime) -> tuple[str, Json]:
    return "BootNotification", {
        "chargePointVendor": fact.vendor,
        "chargePointModel": fact.model,
        "chargePointSerialNumber": fact.serial,
        "firmwareVersion": fact.firmware,
    }


def _say_beaten(_fact: HeartBeaten, _voice: Voice, _now: datetime) -> tuple[str, Json]:
    return "Heartbeat", {}


def _say_outlet(fact: OutletReported, _voice: Voice, now: datetime) -> tuple[str, Json]:
    flow = (fact.flow or Flow.CONNECTED) if fact.state is OutletState.OCCUPIED else None
    status, error = _WORDS[fact.state, flow], fact.error or "NoError"
    return "StatusNotification", {
        "connectorId": fact.evse,
        "status": status,
        "errorCode": error,
        "timestamp": stamp(fact.at or now),
    }


def _say_asked(fact: AuthorisationAsked, _voice: Voice, _now: datetime) -> tuple[str, Json]:
    return "Authorize", {"idTag": fact.token.id}


def _say_transaction(fact: TransactionTold, _voice: Voice, _now: datetime) -> tuple[str, Json] | None:
    token = None if fact.token is None else fact.token.id
    number = None if fact.transaction_id is None else int(fact.transaction_id)
    register = next((one.import_wh for one in reversed(fact.samples) if one.import_wh is not None), 0.0)
    told, at = values(V16, fact.samples), stamp(fact.at)
    match fact.moment:
        case Moment.STARTED:
            start = {"connectorId": fact.evse, "idTag": token or "", "meterStart": int(register), "timestamp": at}
            return "StartTransaction", start | {"reservationId": fact.reservation_id}
        case Moment.UPDATED:
            meters = {"connectorId": fact.evse, "transactionId": number, "meterValue": told}
            return ("MeterValues", meters) if told else None
        case Moment.ENDED:
            reason = fact.stopped_reason if fact.stopped_reason in _REASONS else "Other"
            stop = {"transactionId": number, "idTag": token, "meterStop": int(register), "timestamp": at}
            return "StopTransaction", stop | {"reason": reason, "transactionData": told or None}


def _say_metered(fact: Metered, _voice: Voice, _now: datetime) -> tuple[str, Json] | None:
    told, number = values(V16, fact.samples), fact.transaction_id
    body = {"connectorId": fact.evse, "transactionId": None if number is None else int(number), "meterValue": told}
    return ("MeterValues", body) if told else None


def _say_told(fact: Told, _voice: Voice, _now: datetime) -> tuple[str, Json]:
    return fact.action, fact.payload


SAY: Says = {
    AuthorisationAsked: _say_asked,
    Booted: _say_booted,
    HeartBeaten: _say_beaten,
    Metered: _say_metered,
    OutletReported: _say_outlet,
    Told: _say_told,
    TransactionTold: _say_transaction,
    **box16.SAY,
}
"""Needs, reports, foreign limits and all of 2.1 have no words in 1.6."""


# --- answers, both ways ---


def say_answer(action: str, answer: ChargerAnswer) -> Json | None:  # noqa: PLR0911 - one line per answer
    """Our answer as the body of a response; None when only the specification has one."""
    match answer:
        case Welcome():
            return {"status": answer.verdict.value, "currentTime": stamp(answer.now), "interval": answer.interval_s}
        case Time():
            return {"currentTime": stamp(answer.now)}
        case TokenVerdict():
            return {"idTagInfo": _verdict(answer)}
        case TransactionNoted() if action == "StartTransaction":
            token = answer.token or TokenVerdict(valid=False)
            return {"transactionId": int(answer.transaction_id), "idTagInfo": _verdict(token)}
        case TransactionNoted() if action == "StopTransaction" and answer.token is not None:
            return {"idTagInfo": _verdict(answer.token)}
        case Judged():
            return {"status": "Accepted" if answer.accepted else "Rejected"}
        case DataAnswered():
            return {"status": answer.status, "data": data_text(answer.data)}
        case TransactionNoted() | SetpointGiven() | Noted():
            return None
        case NeedsJudged() | ReceiptGiven() | VatVerdict() | CertificateState() | ChainStates() | ContractGiven():
            return None  # 1.6 never asks


def _verdict(token: TokenVerdict) -> Json:
    status = token.status or ("Accepted" if token.valid else "Invalid")
    return permit_info(status, token.group, token.until)


def permit_info(status: str, group: str | None, until: datetime | None) -> Json:
    """What a token may do, in the five words of 1.6: one that is known but may not charge here and now is blocked."""
    known = status if status in _STATUSES else "Invalid" if status == "Unknown" else "Blocked"
    return {"status": known, "parentIdTag": group, "expiryDate": maybe_stamp(until)}


def hear_answer(action: str, asked: Json, answer: Json, now: datetime) -> ChargerAnswer:  # noqa: PLR0911 - likewise
    """A response of the station in a charger's ears."""
    info = answer.get("idTagInfo")
    verdict = None if info is None else _hear_verdict(info)
    match action:
        case "BootNotification":
            at = moment(answer["currentTime"], now)
            return Welcome(verdict=Boot(answer["status"]), now=at, interval_s=answer["interval"])
        case "Heartbeat":
            return Time(now=moment(answer["currentTime"], now))
        case "Authorize":
            return verdict or Noted()
        case "StartTransaction" | "StopTransaction":
            number = answer.get("transactionId", asked.get("transactionId"))
            return TransactionNoted(transaction_id=str(number), token=verdict)
        case "SignCertificate":
            return Judged(accepted=answer["status"] == "Accepted")
        case "DataTransfer":
            return DataAnswered(status=answer["status"], data=answer.get("data"))
    return Noted()


def _hear_verdict(info: Json) -> TokenVerdict:
    status = info["status"]
    return TokenVerdict(
        valid=status == "Accepted",
        status="" if status in {"Accepted", "Invalid"} else status,
        group=info.get("parentIdTag"),
        until=maybe_moment(info.get("expiryDate")),
    )
