"""Certificates, security events, software and logs of OCPP 2 (blocks A, L, M and the logs of N), both ways."""

from datetime import datetime
from typing import TypeAlias

from voltide.domain.messages import Json, SecurityTold
from voltide.domain.reports import (
    CertificateAsked,
    CertificateQuery,
    CertificateStatusAsked,
    ChainStatusAsked,
    ContractAsked,
    FirmwareTold,
    LogTold,
)
from voltide.domain.requests import (
    AskLog,
    AskRoots,
    GiveCertificate,
    InstallRoot,
    RemoveRoot,
    UpdateSoftware,
)
from voltide.domain.site import OcppVersion
from voltide.domain.time import stamp
from voltide.ocpp.wire import Hears, Obeys, Says, Voice, maybe_moment, maybe_stamp, moment

V21 = OcppVersion.V21
CertificateRequest: TypeAlias = AskLog | AskRoots | GiveCertificate | InstallRoot | RemoveRoot | UpdateSoftware


# --- certificates that are named by their hashes ---


def read_query(told: Json, urls: tuple[str, ...] = (), source: str = "OCSP") -> CertificateQuery:
    """A certificate by its hashes; OCSP's address may stand among them."""
    responder = told.get("responderURL")
    return CertificateQuery(
        algorithm=told["hashAlgorithm"],
        issuer_name_hash=told["issuerNameHash"],
        issuer_key_hash=told["issuerKeyHash"],
        serial=told["serialNumber"],
        urls=urls if responder is None else (responder,),
        source=source,
    )


def say_hashes(query: CertificateQuery) -> Json:
    """The hashes alone."""
    return {
        "hashAlgorithm": query.algorithm,
        "issuerNameHash": query.issuer_name_hash,
        "issuerKeyHash": query.issuer_key_hash,
        "serialNumber": query.serial,
    }


def say_ocsp(query: CertificateQuery) -> Json:
    """The hashes, and whom to ask: 2.x wants an address, be it empty."""
    return say_hashes(query) | {"responderURL": query.urls[0] if query.urls else ""}


# --- what a charger tells ---


def _security(told: Json, _voice: Voice, now: datetime) -> SecurityTold:
    return SecurityTold(kind=told["type"], at=moment(told["timestamp"], now), info=told.get("techInfo"))


def _say_security(fact: SecurityTold, _voice: Voice, _now: datetime) -> tuple[str, Json]:
    return "SecurityEventNotification", {"type": fact.kind, "timestamp": stamp(fact.at), "techInfo": fact.info}


def _signing(told: Json, _voice: Voice, _now: datetime) -> CertificateAsked:
    root = told.get("hashRootCertificate")
    return CertificateAsked(
        csr=told["csr"],
        kind=told.get("certificateType", "ChargingStationCertificate"),
        request_id=told.get("requestId"),
        root=None if root is None else read_query(root),
    )


def _say_signing(fact: CertificateAsked, voice: Voice, _now: datetime) -> tuple[str, Json]:
    body: Json = {"csr": fact.csr, "certificateType": fact.kind}
    if voice.version is V21:
        root = None if fact.root is None else say_hashes(fact.root)
        body |= {"requestId": fact.request_id, "hashRootCertificate": root}
    return "SignCertificate", body


def _status(told: Json, _voice: Voice, _now: datetime) -> CertificateStatusAsked:
    return CertificateStatusAsked(query=read_query(told["ocspRequestData"]))


def _say_status(fact: CertificateStatusAsked, _voice: Voice, _now: datetime) -> tuple[str, Json]:
    return "GetCertificateStatus", {"ocspRequestData": say_ocsp(fact.query)}


def _chain(told: Json, _voice: Voice, _now: datetime) -> ChainStatusAsked:
    asked = told["certificateStatusRequests"]
    return ChainStatusAsked(
        queries=tuple(read_query(one["certificateHashData"], tuple(one["urls"]), one["source"]) for one in asked)
    )


def _say_chain(fact: ChainStatusAsked, _voice: Voice, _now: datetime) -> tuple[str, Json]:
    asked = [
        {"certificateHashData": say_hashes(one), "source": one.source, "urls": list(one.urls)} for one in fact.queries
    ]
    return "GetCertificateChainStatus", {"certificateStatusRequests": asked}


def _contract(told: Json, _voice: Voice, _now: datetime) -> ContractAsked:
    return ContractAsked(
        schema=told["iso15118SchemaVersion"],
        action=told["action"],
        exi=told["exiRequest"],
        most_chains=told.get("maximumContractCertificateChains"),
        emaids=tuple(told.get("prioritizedEMAIDs", ())),
    )


def _say_contract(fact: ContractAsked, voice: Voice, _now: datetime) -> tuple[str, Json]:
    body: Json = {"iso15118SchemaVersion": fact.schema, "action": fact.action, "exiRequest": fact.exi}
    if voice.version is V21:
        body |= {"maximumContractCertificateChains": fact.most_chains, "prioritizedEMAIDs": list(fact.emaids) or None}
    return "Get15118EVCertificate", body


def _firmware(told: Json, _voice: Voice, _now: datetime) -> FirmwareTold:
    return FirmwareTold(status=told["status"], request_id=told.get("requestId"), info=_reason(told))


def _published(told: Json, _voice: Voice, _now: datetime) -> FirmwareTold:
    return FirmwareTold(
        status=told["status"],
        request_id=told.get("requestId"),
        published=True,
        locations=tuple(told.get("location", ())),
        info=_reason(told),
    )


def _say_firmware(fact: FirmwareTold, voice: Voice, _now: datetime) -> tuple[str, Json]:
    body = {"status": fact.status, "requestId": fact.request_id} | _info(fact.info, voice)
    if fact.published:
        return "PublishFirmwareStatusNotification", body | {"location": list(fact.locations) or None}
    return "FirmwareStatusNotification", body


def _log(told: Json, _voice: Voice, _now: datetime) -> LogTold:
    return LogTold(status=told["status"], request_id=told.get("requestId"), info=_reason(told))


def _say_log(fact: LogTold, voice: Voice, _now: datetime) -> tuple[str, Json]:
    return "LogStatusNotification", {"status": fact.status, "requestId": fact.request_id} | _info(fact.info, voice)


def _reason(told: Json) -> str | None:
    reason: str | None = told.get("statusInfo", {}).get("reasonCode")
    return reason


def _info(reason: str | None, voice: Voice) -> Json:
    """Why; 2.0.1 has no place for it."""
    return {"statusInfo": {"reasonCode": reason}} if reason is not None and voice.version is V21 else {}


HEAR: Hears = {
    "FirmwareStatusNotification": _firmware,
    "Get15118EVCertificate": _contract,
    "GetCertificateChainStatus": _chain,
    "GetCertificateStatus": _status,
    "LogStatusNotification": _log,
    "PublishFirmwareStatusNotification": _published,
    "SecurityEventNotification": _security,
    "SignCertificate": _signing,
}
SAY: Says = {
    CertificateAsked: _say_signing,
    CertificateStatusAsked: _say_status,
    ChainStatusAsked: _say_chain,
    ContractAsked: _say_contract,
    FirmwareTold: _say_firmware,
    LogTold: _say_log,
    SecurityTold: _say_security,
}


# --- what it is asked ---


def say(order: CertificateRequest, voice: Voice) -> tuple[str, Json]:
    """An order of this page as action and body."""
    match order:
        case GiveCertificate():
            number = order.request_id if voice.version is V21 else None
            body = {"certificateChain": order.chain, "certificateType": order.kind, "requestId": number}
            return "CertificateSigned", body
        case InstallRoot():
            return "InstallCertificate", {"certificateType": order.kind, "certificate": order.certificate}
        case AskRoots():
            return "GetInstalledCertificateIds", {"certificateType": list(order.kinds) or None}
        case RemoveRoot():
            return "DeleteCertificate", {"certificateHashData": order.hashes}
        case AskLog():
            return "GetLog", {"logType": order.kind, "requestId": order.request_id, "log": _say_reach(order)}
        case UpdateSoftware():
            return "UpdateFirmware", {"requestId": order.request_id, "firmware": say_software(order)}


def _say_reach(order: AskLog) -> Json:
    oldest, latest = maybe_stamp(order.oldest), maybe_stamp(order.latest)
    return {"remoteLocation": order.location, "oldestTimestamp": oldest, "latestTimestamp": latest}


def say_software(order: UpdateSoftware) -> Json:
    """Where it is and when, with the maker's signature."""
    return {
        "location": order.location,
        "retrieveDateTime": stamp(order.retrieve_at),
        "installDateTime": maybe_stamp(order.install_at),
        "signingCertificate": order.certificate,
        "signature": order.signature,
    }


def _given(told: Json, _voice: Voice, _now: datetime) -> GiveCertificate:
    kind = told.get("certificateType", "ChargingStationCertificate")
    return GiveCertificate(chain=told["certificateChain"], kind=kind, request_id=told.get("requestId"))


def _install(told: Json, _voice: Voice, _now: datetime) -> InstallRoot:
    return InstallRoot(kind=told["certificateType"], certificate=told["certificate"])


def _roots(told: Json, _voice: Voice, _now: datetime) -> AskRoots:
    return AskRoots(kinds=tuple(told.get("certificateType", ())))


def _remove(told: Json, _voice: Voice, _now: datetime) -> RemoveRoot:
    return RemoveRoot(hashes=told["certificateHashData"])


def read_log(told: Json, _voice: Voice, _now: datetime) -> AskLog:
    """Upload a log; 1.6's security extension asks in the same words."""
    log = told["log"]
    return AskLog(
        request_id=told["requestId"],
        location=log["remoteLocation"],
        kind=told["logType"],
        oldest=maybe_moment(log.get("oldestTimestamp")),
        latest=maybe_moment(log.get("latestTimestamp")),
    )


def read_software(told: Json, _voice: Voice, now: datetime) -> UpdateSoftware:
    """Load and install software; 1.6's security extension asks in the same words."""
    firmware = told["firmware"]
    return UpdateSoftware(
        request_id=told["requestId"],
        location=firmware["location"],
        retrieve_at=moment(firmware["retrieveDateTime"], now),
        install_at=maybe_moment(firmware.get("installDateTime")),
        certificate=firmware.get("signingCertificate"),
        signature=firmware.get("signature"),
    )


OBEY: Obeys = {
    "CertificateSigned": _given,
    "DeleteCertificate": _remove,
    "GetInstalledCertificateIds": _roots,
    "GetLog": read_log,
    "InstallCertificate": _install,
    "UpdateFirmware": read_software,
}
