"""What an OCPP 2 charger is answered, both ways: our words as the body of a response, and a response in its ears."""

from collections.abc import Callable
from datetime import datetime

from voltide.domain.messages import (
    Boot,
    ChargerAnswer,
    Json,
    Noted,
    SetpointGiven,
    Time,
    TokenVerdict,
    TransactionNoted,
    Welcome,
)
from voltide.domain.reports import (
    CertificateState,
    ChainStates,
    ContractGiven,
    DataAnswered,
    Judged,
    NeedsJudged,
    NeedsVerdict,
    ReceiptGiven,
    Revocation,
    VatVerdict,
)
from voltide.domain.site import OcppVersion
from voltide.domain.time import stamp
from voltide.ocpp.actions import same_certificate
from voltide.ocpp.messages import Message
from voltide.ocpp.people2 import read_group, say_group
from voltide.ocpp.wire import Verbatim, Voice, amount, maybe_moment, maybe_stamp, moment, money, number, plain, tenths

V21 = OcppVersion.V21


# --- what we answer ---


def say_answer(answer: ChargerAnswer, request: Message, voice: Voice) -> Json | None:  # noqa: C901, PLR0911, PLR0912 - one line per answer
    """Our answer as the body of a response; None when only the specification has one."""
    match answer:
        case Welcome():
            return {"status": answer.verdict.value, "currentTime": stamp(answer.now), "interval": answer.interval_s}
        case Time():
            return {"currentTime": stamp(answer.now)}
        case TokenVerdict():
            return _authorised(answer, voice)
        case TransactionNoted():
            return _noted(answer)
        case SetpointGiven():
            update = None if answer.power_w is None else {"setpoint": tenths(answer.power_w)}
            return {"status": _yes(update is not None), "scheduleUpdate": update}
        case Judged():
            return {"status": _yes(answer.accepted), "statusInfo": _reason(answer)}
        case NeedsJudged():
            unknown = answer.verdict is NeedsVerdict.NO_SCHEDULE and voice.version is not V21
            return {"status": "Rejected" if unknown else answer.verdict.value}
        case ReceiptGiven():
            return {"receiptId": answer.receipt_id, "receiptUrl": answer.receipt_url}
        case VatVerdict():
            body = {"vatNumber": answer.number, "status": _yes(answer.valid), "evseId": answer.evse}
            return body | {"company": answer.company}
        case CertificateState():
            return {"status": "Failed" if answer.ocsp is None else "Accepted", "ocspResult": answer.ocsp}
        case ChainStates():
            return {"certificateStatus": _chain(answer, plain(request))} if answer.states else None
        case ContractGiven():
            body = {"status": "Accepted" if answer.accepted else "Failed", "exiResponse": answer.exi}
            return body | {"remainingContracts": answer.remaining if voice.version is V21 else None}
        case DataAnswered():
            return {"status": answer.status, "data": None if answer.data is None else Verbatim(answer.data)}
        case Noted():
            return None


def _yes(accepted: bool) -> str:
    return "Accepted" if accepted else "Rejected"


def _reason(answer: Judged) -> Json | None:
    return {"reasonCode": answer.reason[:20]} if answer.reason else None


def _authorised(answer: TokenVerdict, voice: Voice) -> Json:
    body: Json = {"idTokenInfo": _verdict(answer), "certificateStatus": answer.certificate}
    if voice.version is V21:
        body |= {"allowedEnergyTransfer": list(answer.modes) or None, "tariff": answer.tariff}
    return body


def _noted(answer: TransactionNoted) -> Json:
    return {
        "idTokenInfo": None if answer.token is None else _verdict(answer.token),
        "totalCost": None if answer.cost is None else amount(answer.cost),
        "chargingPriority": answer.priority,
    }


def _verdict(token: TokenVerdict) -> Json:
    return {
        "status": token.status or ("Accepted" if token.valid else "Invalid"),
        "groupIdToken": say_group(token.group),
        "cacheExpiryDateTime": maybe_stamp(token.until),
        "chargingPriority": token.priority,
    }


def _chain(answer: ChainStates, asked: Json) -> list[Json]:
    """One state for each certificate that was asked about; of those that nobody judged nothing is known."""
    queries = asked["certificateStatusRequests"]
    judged = iter(answer.states)
    latest = max(until for _, until in answer.states)
    made = []
    for query in queries:
        state, until = next(judged, (Revocation.FAILED, latest))
        made.append(same_certificate(query) | {"status": state.value, "nextUpdate": stamp(until)})
    return made


# --- in a charger's ears ---


def _welcome(_asked: Json, told: Json, now: datetime) -> Welcome:
    at = moment(told["currentTime"], now)
    return Welcome(verdict=Boot(told["status"]), now=at, interval_s=told["interval"])


def _time(_asked: Json, told: Json, now: datetime) -> Time:
    return Time(now=moment(told["currentTime"], now))


def _hear_verdict(info: Json) -> TokenVerdict:
    status = info["status"]
    return TokenVerdict(
        valid=status == "Accepted",
        status="" if status in {"Accepted", "Invalid"} else status,
        group=read_group(info),
        until=maybe_moment(info.get("cacheExpiryDateTime")),
        priority=info.get("chargingPriority"),
    )


def _hear_authorised(_asked: Json, told: Json, _now: datetime) -> TokenVerdict:
    judged = _hear_verdict(told["idTokenInfo"])
    return TokenVerdict(
        valid=judged.valid,
        status=judged.status,
        group=judged.group,
        until=judged.until,
        priority=judged.priority,
        modes=tuple(told.get("allowedEnergyTransfer", ())),
        tariff=told.get("tariff"),
        certificate=told.get("certificateStatus"),
    )


def _hear_noted(asked: Json, told: Json, _now: datetime) -> TransactionNoted:
    info, cost = told.get("idTokenInfo"), told.get("totalCost")
    return TransactionNoted(
        transaction_id=asked["transactionInfo"]["transactionId"],
        token=None if info is None else _hear_verdict(info),
        cost=None if cost is None else money(cost),
        priority=told.get("chargingPriority"),
    )


def _setpoint(_asked: Json, told: Json, _now: datetime) -> SetpointGiven:
    return SetpointGiven(power_w=number(told.get("scheduleUpdate", {}).get("setpoint")))


def _judged(_asked: Json, told: Json, _now: datetime) -> Judged:
    reason = told.get("statusInfo", {}).get("reasonCode", "")
    return Judged(accepted=told["status"] == "Accepted", reason=reason)


def _hear_needs(_asked: Json, told: Json, _now: datetime) -> NeedsJudged:
    return NeedsJudged(verdict=NeedsVerdict(told["status"]))


def _receipt(_asked: Json, told: Json, _now: datetime) -> ReceiptGiven:
    return ReceiptGiven(receipt_id=told.get("receiptId"), receipt_url=told.get("receiptUrl"))


def _vat(_asked: Json, told: Json, _now: datetime) -> VatVerdict:
    valid, company = told["status"] == "Accepted", told.get("company")
    return VatVerdict(number=told["vatNumber"], valid=valid, evse=told.get("evseId"), company=company)


def _state(_asked: Json, told: Json, _now: datetime) -> CertificateState:
    return CertificateState(ocsp=told.get("ocspResult") if told["status"] == "Accepted" else None)


def _states(_asked: Json, told: Json, now: datetime) -> ChainStates:
    found = told["certificateStatus"]
    return ChainStates(states=tuple((Revocation(one["status"]), moment(one["nextUpdate"], now)) for one in found))


def _contract(_asked: Json, told: Json, _now: datetime) -> ContractGiven:
    accepted, remaining = told["status"] == "Accepted", told.get("remainingContracts")
    return ContractGiven(accepted=accepted, exi=told["exiResponse"], remaining=remaining)


def _data(_asked: Json, told: Json, _now: datetime) -> DataAnswered:
    return DataAnswered(status=told["status"], data=told.get("data"))


LEARN: dict[str, Callable[[Json, Json, datetime], ChargerAnswer]] = {
    "Authorize": _hear_authorised,
    "BootNotification": _welcome,
    "DataTransfer": _data,
    "Get15118EVCertificate": _contract,
    "GetCertificateChainStatus": _states,
    "GetCertificateStatus": _state,
    "Heartbeat": _time,
    "NotifyEVChargingNeeds": _hear_needs,
    "NotifyEVChargingSchedule": _judged,
    "NotifySettlement": _receipt,
    "OpenPeriodicEventStream": _judged,
    "PullDynamicScheduleUpdate": _setpoint,
    "SignCertificate": _judged,
    "TransactionEvent": _hear_noted,
    "VatNumberValidation": _vat,
}
"""What a charger learns from an answer that says more than that it was heard."""
