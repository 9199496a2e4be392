"""What an OCPP 2 charger tells of itself, its outlets, its transactions and its cars, and where all else stands."""

from datetime import datetime

from voltide.domain.messages import (
    AuthorisationAsked,
    Booted,
    Flow,
    HeartBeaten,
    Json,
    Metered,
    Moment,
    NeedsTold,
    OutletReported,
    OutletState,
    Told,
    TransactionTold,
    VariablesTold,
)
from voltide.domain.reports import DataTold
from voltide.domain.site import OcppVersion
from voltide.domain.time import stamp
from voltide.ocpp import certificates2, der2, monitoring2, people2, power2
from voltide.ocpp.certificates2 import read_query, say_ocsp
from voltide.ocpp.meter import samples, values
from voltide.ocpp.needs import read_needs, say_needs
from voltide.ocpp.people2 import read_token, say_token
from voltide.ocpp.variables2 import hear_report, say_report
from voltide.ocpp.wire import Hears, Says, Verbatim, Voice, moment

_TRIGGERS = {Moment.STARTED: "CablePluggedIn", Moment.UPDATED: "MeterValuePeriodic", Moment.ENDED: "EVDeparted"}


# --- hear: a charger's request as a fact ---


def _booted(told: Json, _voice: Voice, _now: datetime) -> Booted:
    box = told["chargingStation"]
    return Booted(
        vendor=box["vendorName"],
        model=box["model"],
        serial=box.get("serialNumber"),
        firmware=box.get("firmwareVersion"),
        reason=told["reason"],
    )


def _outlet(told: Json, _voice: Voice, now: datetime) -> OutletReported:
    state, at = OutletState(told["connectorStatus"]), moment(told["timestamp"], now)
    return OutletReported(evse=told["evseId"], connector=told["connectorId"], state=state, at=at)


def _asked(told: Json, _voice: Voice, _now: datetime) -> AuthorisationAsked:
    hashes = told.get("iso15118CertificateHashData", ())
    return AuthorisationAsked(
        token=read_token(told["idToken"]),
        certificate=told.get("certificate"),
        queries=tuple(read_query(one) for one in hashes),
    )


def _transaction(told: Json, _voice: Voice, now: datetime) -> TransactionTold:
    info, evse = told["transactionInfo"], told.get("evse", {})
    state, at = info.get("chargingState"), moment(told["timestamp"], now)
    token = told.get("idToken")
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
        token=None if token is None else read_token(token),
        remote_start_id=info.get("remoteStartId"),
        stopped_reason=info.get("stoppedReason"),
        samples=samples(told.get("meterValue", ()), at),
        asks_token=token is not None,
        reservation_id=told.get("reservationId"),
        mode=info.get("operationMode"),
        tariff=info.get("tariffId"),
        cost=told.get("costDetails"),
    )


def _metered(told: Json, _voice: Voice, now: datetime) -> Metered:
    return Metered(evse=told["evseId"], samples=samples(told["meterValue"], now))


def _needs(told: Json, _voice: Voice, _now: datetime) -> NeedsTold:
    return read_needs(told)


def _beaten(_told: Json, _voice: Voice, _now: datetime) -> HeartBeaten:
    return HeartBeaten()


def _data(told: Json, _voice: Voice, _now: datetime) -> DataTold:
    return DataTold(vendor=told["vendorId"], message=told.get("messageId"), data=told.get("data"))


HEAR: Hears = {
    "Authorize": _asked,
    "BootNotification": _booted,
    "DataTransfer": _data,
    "Heartbeat": _beaten,
    "MeterValues": _metered,
    "NotifyEVChargingNeeds": _needs,
    "NotifyReport": hear_report,
    "StatusNotification": _outlet,
    "TransactionEvent": _transaction,
    **certificates2.HEAR,
    **der2.HEAR,
    **monitoring2.HEAR,
    **people2.HEAR,
    **power2.HEAR,
}
"""All that a charger of OCPP 2 can tell."""


# --- say: a fact as a charger's request ---


def _say_booted(fact: Booted, _voice: Voice, _now: datetime) -> tuple[str, Json]:
    box = {
        "vendorName": fact.vendor,
        "model": fact.model,
        "serialNumber": fact.serial,
        "firmwareVersion": fact.firmware,
    }
    return "BootNotification", {"chargingStation": box, "reason": fact.reason or "PowerUp"}


def _say_beaten(_fact: HeartBeaten, _voice: Voice, _now: datetime) -> tuple[str, Json]:
    return "Heartbeat", {}


def _say_outlet(fact: OutletReported, _voice: Voice, now: datetime) -> tuple[str, Json]:
    place = {"evseId": fact.evse, "connectorId": fact.connector}
    return "StatusNotification", place | {"connectorStatus": fact.state.value, "timestamp": stamp(fact.at or now)}


def _say_asked(fact: AuthorisationAsked, _voice: Voice, _now: datetime) -> tuple[str, Json]:
    hashes = [say_ocsp(one) for one in fact.queries] or None
    body = {"idToken": say_token(fact.token), "certificate": fact.certificate}
    return "Authorize", body | {"iso15118CertificateHashData": hashes}


def _say_transaction(fact: TransactionTold, voice: Voice, _now: datetime) -> tuple[str, Json]:
    modern = voice.version is OcppVersion.V21
    info = {
        "transactionId": fact.transaction_id,
        "chargingState": fact.flow,
        "stoppedReason": fact.stopped_reason,
        "remoteStartId": fact.remote_start_id,
        "operationMode": fact.mode if modern else None,
        "tariffId": fact.tariff if modern else None,
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
        "meterValue": values(voice.version, fact.samples) or None,
        "reservationId": fact.reservation_id,
        "costDetails": fact.cost if modern else None,
    }


def _say_metered(fact: Metered, voice: Voice, _now: datetime) -> tuple[str, Json] | None:
    told = values(voice.version, fact.samples)
    return ("MeterValues", {"evseId": fact.evse, "meterValue": told}) if told else None


def _say_needs(fact: NeedsTold, voice: Voice, _now: datetime) -> tuple[str, Json]:
    return "NotifyEVChargingNeeds", say_needs(voice.version, fact)


def _say_data(fact: DataTold, _voice: Voice, _now: datetime) -> tuple[str, Json]:
    data = None if fact.data is None else Verbatim(fact.data)
    return "DataTransfer", {"vendorId": fact.vendor, "messageId": fact.message, "data": data}


def _say_told(fact: Told, _voice: Voice, _now: datetime) -> tuple[str, Json]:
    return fact.action, fact.payload


SAY: Says = {
    AuthorisationAsked: _say_asked,
    Booted: _say_booted,
    DataTold: _say_data,
    HeartBeaten: _say_beaten,
    Metered: _say_metered,
    NeedsTold: _say_needs,
    OutletReported: _say_outlet,
    Told: _say_told,
    TransactionTold: _say_transaction,
    VariablesTold: say_report,
    **certificates2.SAY,
    **der2.SAY,
    **monitoring2.SAY,
    **people2.SAY,
    **power2.SAY,
}
