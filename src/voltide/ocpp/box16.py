"""Software, logs, certificates and vendors' data of OCPP 1.6: its base profiles' words and its security extension's.

What the extension has two words for (diagnostics and logs, software and signed software) is one word here.
"""

import json
from datetime import datetime

from voltide.domain.messages import Json, SecurityTold
from voltide.domain.reports import CertificateAsked, DataTold, FirmwareTold, LogTold
from voltide.domain.requests import AskLog, AskRoots, GiveCertificate, InstallRoot, RemoveRoot, UpdateSoftware
from voltide.domain.time import stamp
from voltide.ocpp.answers import KINDS_16
from voltide.ocpp.certificates2 import CertificateRequest, read_log, read_software, say_software
from voltide.ocpp.wire import Hears, Obeys, Says, Voice, maybe_moment, maybe_stamp, moment

OWN = "ChargingStationCertificate"
_PLAIN_FIRMWARE = frozenset(
    {"Downloaded", "DownloadFailed", "Downloading", "Idle", "InstallationFailed", "Installing", "Installed"}
)
"""What the base profile can tell of software; all else takes the extension."""
_PLAIN_LOG = {"Idle": "Idle", "Uploaded": "Uploaded", "UploadFailure": "UploadFailed", "Uploading": "Uploading"}
"""What the base profile can tell of diagnostics, and how it spells it."""
_LOG_WORDS = {old: new for new, old in _PLAIN_LOG.items()}
_ROOTS = {old: new for new, old in KINDS_16.items()}


# --- what a charger tells ---


def _security(told: Json, _voice: Voice, now: datetime) -> SecurityTold:
    return SecurityTold(kind=told["type"], at=moment(told["timestamp"], now), info=told.get("techInfo"))


def _say_security(fact: SecurityTold, _voice: Voice, _now: datetime) -> tuple[str, Json]:
    return "SecurityEventNotification", {"type": fact.kind, "timestamp": stamp(fact.at), "techInfo": fact.info}


def _signing(told: Json, _voice: Voice, _now: datetime) -> CertificateAsked:
    return CertificateAsked(csr=told["csr"], kind=OWN)


def _say_signing(fact: CertificateAsked, _voice: Voice, _now: datetime) -> tuple[str, Json] | None:
    return ("SignCertificate", {"csr": fact.csr}) if fact.kind == OWN else None


def _firmware(told: Json, _voice: Voice, _now: datetime) -> FirmwareTold:
    return FirmwareTold(status=told["status"], request_id=told.get("requestId"))


def _say_firmware(fact: FirmwareTold, _voice: Voice, _now: datetime) -> tuple[str, Json] | None:
    if fact.published:
        return None
    if fact.request_id is None and fact.status in _PLAIN_FIRMWARE:
        return "FirmwareStatusNotification", {"status": fact.status}
    return "SignedFirmwareStatusNotification", {"status": fact.status, "requestId": fact.request_id}


def _diagnostics(told: Json, _voice: Voice, _now: datetime) -> LogTold:
    return LogTold(status=_LOG_WORDS[told["status"]])


def _log(told: Json, _voice: Voice, _now: datetime) -> LogTold:
    return LogTold(status=told["status"], request_id=told.get("requestId"))


def _say_log(fact: LogTold, _voice: Voice, _now: datetime) -> tuple[str, Json]:
    if fact.request_id is None and fact.status in _PLAIN_LOG:
        return "DiagnosticsStatusNotification", {"status": _PLAIN_LOG[fact.status]}
    return "LogStatusNotification", {"status": fact.status, "requestId": fact.request_id}


def _data(told: Json, _voice: Voice, _now: datetime) -> DataTold:
    return DataTold(vendor=told["vendorId"], message=told.get("messageId"), data=told.get("data"))


def _say_data(fact: DataTold, _voice: Voice, _now: datetime) -> tuple[str, Json]:
    return "DataTransfer", {"vendorId": fact.vendor, "messageId": fact.message, "data": data_text(fact.data)}


def data_text(data: object) -> str | None:
    """A vendor's data is text in 1.6; what is none is written as JSON."""
    return data if data is None or isinstance(data, str) else json.dumps(data)


HEAR: Hears = {
    "DataTransfer": _data,
    "DiagnosticsStatusNotification": _diagnostics,
    "FirmwareStatusNotification": _firmware,
    "LogStatusNotification": _log,
    "SecurityEventNotification": _security,
    "SignCertificate": _signing,
    "SignedFirmwareStatusNotification": _firmware,
}
SAY: Says = {
    CertificateAsked: _say_signing,
    DataTold: _say_data,
    FirmwareTold: _say_firmware,
    LogTold: _say_log,
    SecurityTold: _say_security,
}


# --- what it is asked ---


def say(order: CertificateRequest, voice: Voice) -> list[tuple[str, Json]]:
    """An order of this page as actions and bodies; KeyError: 1.6 has no such order."""
    match order:
        case GiveCertificate():
            if order.kind != OWN:
                raise KeyError("1.6 signs no certificates of cars")
            return [("CertificateSigned", {"certificateChain": order.chain})]
        case InstallRoot():
            body = {"certificateType": KINDS_16[order.kind], "certificate": order.certificate}
            return [("InstallCertificate", body)]
        case AskRoots():
            kinds = [KINDS_16[kind] for kind in order.kinds or KINDS_16]
            return [("GetInstalledCertificateIds", {"certificateType": kind}) for kind in kinds]
        case RemoveRoot():
            return [("DeleteCertificate", {"certificateHashData": order.hashes})]
        case AskLog():
            return [_say_reach(order, voice)]
        case UpdateSoftware():
            return [_say_update(order)]


def _say_reach(order: AskLog, voice: Voice) -> tuple[str, Json]:
    """Diagnostics by the base profile's word, unless the charger has the extension; other logs by the extension's."""
    oldest, latest = maybe_stamp(order.oldest), maybe_stamp(order.latest)
    if order.kind == "DiagnosticsLog" and not voice.capacity.extended:
        return "GetDiagnostics", {"location": order.location, "startTime": oldest, "stopTime": latest}
    log = {"remoteLocation": order.location, "oldestTimestamp": oldest, "latestTimestamp": latest}
    return "GetLog", {"logType": order.kind, "requestId": order.request_id, "log": log}


def _say_update(order: UpdateSoftware) -> tuple[str, Json]:
    """Signed software takes the extension. Without it a charger installs at once: so a later time cannot be said."""
    if order.signature is not None or order.certificate is not None:
        return "SignedUpdateFirmware", {"requestId": order.request_id, "firmware": say_software(order)}
    if order.install_at is not None and order.install_at > order.retrieve_at:
        raise KeyError("only signed software can be installed later than it is loaded")
    return "UpdateFirmware", {"location": order.location, "retrieveDate": stamp(order.retrieve_at)}


def _given(told: Json, _voice: Voice, _now: datetime) -> GiveCertificate:
    return GiveCertificate(chain=told["certificateChain"], kind=OWN)


def _install(told: Json, _voice: Voice, _now: datetime) -> InstallRoot:
    return InstallRoot(kind=_ROOTS[told["certificateType"]], certificate=told["certificate"])


def _roots(told: Json, _voice: Voice, _now: datetime) -> AskRoots:
    return AskRoots(kinds=(_ROOTS[told["certificateType"]],))


def _remove(told: Json, _voice: Voice, _now: datetime) -> RemoveRoot:
    return RemoveRoot(hashes=told["certificateHashData"])


def _read_diagnostics(told: Json, _voice: Voice, _now: datetime) -> AskLog:
    oldest, latest = maybe_moment(told.get("startTime")), maybe_moment(told.get("stopTime"))
    return AskLog(request_id=0, location=told["location"], oldest=oldest, latest=latest)


def _read_update(told: Json, _voice: Voice, now: datetime) -> UpdateSoftware:
    return UpdateSoftware(request_id=0, location=told["location"], retrieve_at=moment(told["retrieveDate"], now))


OBEY: Obeys = {
    "CertificateSigned": _given,
    "DeleteCertificate": _remove,
    "GetDiagnostics": _read_diagnostics,
    "GetInstalledCertificateIds": _roots,
    "GetLog": read_log,
    "InstallCertificate": _install,
    "SignedUpdateFirmware": read_software,
    "UpdateFirmware": _read_update,
}
