"""Who may call what, and what is answered when nothing better is known."""

from datetime import datetime

import msgspec

from voltide.domain.messages import Json
from voltide.domain.site import OcppVersion
from voltide.domain.time import stamp
from voltide.ocpp.messages import Message, actions

FROM_CHARGER = frozenset(
    """
    Authorize BatterySwap BootNotification ClearedChargingLimit ClosePeriodicEventStream DataTransfer
    DiagnosticsStatusNotification FirmwareStatusNotification Get15118EVCertificate GetCertificateChainStatus
    GetCertificateStatus Heartbeat LogStatusNotification MeterValues NotifyChargingLimit NotifyCustomerInformation
    NotifyDERAlarm NotifyDERStartStop NotifyDisplayMessages NotifyEVChargingNeeds NotifyEVChargingSchedule NotifyEvent
    NotifyMonitoringReport NotifyPeriodicEventStream NotifyPriorityCharging NotifyReport NotifySettlement
    OpenPeriodicEventStream PublishFirmwareStatusNotification PullDynamicScheduleUpdate ReportChargingProfiles
    ReportDERControl ReservationStatusUpdate SecurityEventNotification SignCertificate SignedFirmwareStatusNotification
    StartTransaction StatusNotification StopTransaction TransactionEvent VatNumberValidation
    """.split()  # noqa: SIM905 - a list of names reads best as a paragraph
)
"""What a charger calls; everything else is called by the station, and DataTransfer by both."""

STREAM = "NotifyPeriodicEventStream"
"""The only message that is told and never answered."""

_DEFAULTS: dict[str, Json] = {
    "Authorize": {"idTokenInfo": {"status": "Invalid"}},
    "BootNotification": {"status": "Pending", "interval": 60},
    "DataTransfer": {"status": "UnknownVendorId"},
    "Get15118EVCertificate": {"status": "Failed", "exiResponse": ""},
    "GetCertificateStatus": {"status": "Failed"},
    "NotifyEVChargingNeeds": {"status": "Processing"},
    "NotifyEVChargingSchedule": {"status": "Accepted"},
    "OpenPeriodicEventStream": {"status": "Rejected"},
    "PullDynamicScheduleUpdate": {"status": "Rejected"},
    "SignCertificate": {"status": "Rejected"},
    "VatNumberValidation": {"vatNumber": "", "status": "Rejected"},
}
_DEFAULTS_16: dict[str, Json] = {
    "Authorize": {"idTagInfo": {"status": "Invalid"}},
    "StartTransaction": {"idTagInfo": {"status": "Invalid"}, "transactionId": 0},
}


def may_call(action: str, *, charger: bool) -> bool:
    """Whether the charger (or the station) is the one that calls an action."""
    return action == "DataTransfer" or (action in FROM_CHARGER) is charger


def default_answer(version: OcppVersion, action: str, request: Message | None, now: datetime) -> Message:
    """The answer that the specification wants when there is nothing else to say.

    >>> from datetime import UTC
    >>> default_answer(OcppVersion.V201, "NotifyReport", None, datetime(2026, 1, 1, tzinfo=UTC))
    NotifyReportResponse(custom_data=UNSET)
    """
    kind = actions(version)[action][1]
    if kind is None:
        raise ValueError(f"{action} is never answered")
    answer = _DEFAULTS_16.get(action) if version is OcppVersion.V16 else None
    answer = dict(answer or _DEFAULTS.get(action, {})) | _echo(action, request, now)
    made: Message = msgspec.convert(answer, kind)
    return made


def _echo(action: str, request: Message | None, now: datetime) -> Json:
    """Some answers tell the time, or repeat what was asked."""
    if action in {"BootNotification", "Heartbeat"}:
        return {"currentTime": stamp(now)}
    asked = msgspec.to_builtins(request) if request is not None else {}
    if action == "VatNumberValidation":
        return {key: asked[key] for key in ("vatNumber", "evseId") if key in asked}
    if action == "GetCertificateChainStatus":
        fate = {"status": "Failed", "nextUpdate": stamp(now)}
        certificates = asked.get("certificateStatusRequests", [])
        return {"certificateStatus": [fate | same_certificate(item) for item in certificates]}
    return {}


def same_certificate(asked: Json) -> Json:
    """Which certificate was asked about, without a vendor's own data: no schema has looked into that."""
    named = {key: value for key, value in asked["certificateHashData"].items() if key != "customData"}
    return {"certificateHashData": named, "source": asked["source"]}
