"""What chargers report beside sessions, as the specification writes it and as the house calls it: by hand, one by one."""

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from voltide.domain import messages as words
from voltide.domain import reports
from voltide.domain.messages import Token
from voltide.domain.reports import CertificateQuery, Place
from voltide.domain.site import OcppVersion

V16, V201, V21 = OcppVersion
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
AT = "2026-06-01T12:00:00.000Z"
ALL, TWO, NEW = (V16, V201, V21), (V201, V21), (V21,)


class Example(NamedTuple):
    """One message: in which versions it looks so, and what it means."""

    versions: tuple[OcppVersion, ...]
    action: str
    body: Any
    word: Any


HASHES = {"hashAlgorithm": "SHA256", "issuerNameHash": "aa", "issuerKeyHash": "bb", "serialNumber": "01"}
QUERY = CertificateQuery(algorithm="SHA256", issuer_name_hash="aa", issuer_key_hash="bb", serial="01")
METER = {"component": {"name": "EVSE", "evse": {"id": 1, "connectorId": 2}, "instance": "left"}, "variable": {"name": "Power", "instance": "L1"}}  # fmt: skip
PLACE = Place(
    component="EVSE", variable="Power", evse=1, connector=2, component_instance="left", variable_instance="L1"
)
CURVE = {"priority": 1, "yUnit": "PctMaxW", "curveData": [{"x": 60.2, "y": 100.0}, {"x": 61.5, "y": 0.0}]}
COMPANY = {"name": "Voltide Test GmbH", "address1": "Ring 1", "city": "Berlin", "country": "Germany"}
PROFILE = {
    "id": 1001,
    "stackLevel": 1,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": [{"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 7000.0}]}],
}  # fmt: skip
PERIODS = [{"startPeriod": 0, "limit": 7000.0}, {"startPeriod": 600, "limit": 3500.0}]
STEPS = (reports.PowerStep(offset_s=0, power_w=7_000.0), reports.PowerStep(offset_s=600, power_w=3_500.0))

SOFTWARE = [
    Example((V16,), "FirmwareStatusNotification", {"status": "Installing"}, reports.FirmwareTold(status="Installing")),
    Example((V16,), "SignedFirmwareStatusNotification", {"status": "InvalidSignature", "requestId": 4}, reports.FirmwareTold(status="InvalidSignature", request_id=4)),
    Example(TWO, "FirmwareStatusNotification", {"status": "Installed", "requestId": 4}, reports.FirmwareTold(status="Installed", request_id=4)),
    Example(NEW, "FirmwareStatusNotification", {"status": "DownloadFailed", "requestId": 4, "statusInfo": {"reasonCode": "NoDisk"}}, reports.FirmwareTold(status="DownloadFailed", request_id=4, info="NoDisk")),
    Example(TWO, "PublishFirmwareStatusNotification", {"status": "Published", "location": ["http://10.0.0.2/f"], "requestId": 5}, reports.FirmwareTold(status="Published", request_id=5, published=True, locations=("http://10.0.0.2/f",))),
    Example((V16,), "DiagnosticsStatusNotification", {"status": "UploadFailed"}, reports.LogTold(status="UploadFailure")),
    Example(ALL, "LogStatusNotification", {"status": "Uploading", "requestId": 6}, reports.LogTold(status="Uploading", request_id=6)),
    Example(NEW, "LogStatusNotification", {"status": "PermissionDenied", "requestId": 6, "statusInfo": {"reasonCode": "Ftp530"}}, reports.LogTold(status="PermissionDenied", request_id=6, info="Ftp530")),
    Example(ALL, "SecurityEventNotification", {"type": "InvalidTLSVersion", "timestamp": AT, "techInfo": "1.0"}, words.SecurityTold(kind="InvalidTLSVersion", at=NOON, info="1.0")),
]  # fmt: skip
CERTIFICATES = [
    Example((V16,), "SignCertificate", {"csr": "PEM"}, reports.CertificateAsked(csr="PEM")),
    Example(TWO, "SignCertificate", {"csr": "PEM", "certificateType": "V2GCertificate"}, reports.CertificateAsked(csr="PEM", kind="V2GCertificate")),
    Example(NEW, "SignCertificate", {"csr": "PEM", "certificateType": "V2G20Certificate", "requestId": 7, "hashRootCertificate": HASHES}, reports.CertificateAsked(csr="PEM", kind="V2G20Certificate", request_id=7, root=QUERY)),
    Example(TWO, "GetCertificateStatus", {"ocspRequestData": HASHES | {"responderURL": "http://ocsp"}}, reports.CertificateStatusAsked(query=CertificateQuery(algorithm="SHA256", issuer_name_hash="aa", issuer_key_hash="bb", serial="01", urls=("http://ocsp",)))),
    Example(NEW, "GetCertificateChainStatus", {"certificateStatusRequests": [{"certificateHashData": HASHES, "source": "CRL", "urls": ["http://crl/1", "http://crl/2"]}]}, reports.ChainStatusAsked(queries=(CertificateQuery(algorithm="SHA256", issuer_name_hash="aa", issuer_key_hash="bb", serial="01", urls=("http://crl/1", "http://crl/2"), source="CRL"),))),
    Example(TWO, "Get15118EVCertificate", {"iso15118SchemaVersion": "urn:iso:15118:2:2013:MsgDef", "action": "Install", "exiRequest": "gA=="}, reports.ContractAsked(schema="urn:iso:15118:2:2013:MsgDef", action="Install", exi="gA==")),
    Example(NEW, "Get15118EVCertificate", {"iso15118SchemaVersion": "urn:iso:std:iso:15118:-20:CommonMessages", "action": "Update", "exiRequest": "gA==", "maximumContractCertificateChains": 2, "prioritizedEMAIDs": ["DE8AAA1"]}, reports.ContractAsked(schema="urn:iso:std:iso:15118:-20:CommonMessages", action="Update", exi="gA==", most_chains=2, emaids=("DE8AAA1",))),
]  # fmt: skip
MONITORING = [
    Example(TWO, "NotifyEvent", {"generatedAt": AT, "seqNo": 0, "tbc": True, "eventData": [METER | {"eventId": 1, "timestamp": AT, "trigger": "Alerting", "actualValue": "90", "eventNotificationType": "CustomMonitor", "cleared": True, "variableMonitoringId": 9, "cause": 3, "techCode": "E7", "techInfo": "fan", "transactionId": "t"}]}, reports.EventsTold(at=NOON, more=True, events=(reports.MonitoredEvent(id=1, at=NOON, place=PLACE, value="90", trigger="Alerting", kind="CustomMonitor", cleared=True, monitor=9, cause=3, code="E7", info="fan", transaction_id="t"),))),
    Example(NEW, "NotifyEvent", {"generatedAt": AT, "seqNo": 1, "tbc": False, "eventData": [METER | {"eventId": 2, "timestamp": AT, "trigger": "Delta", "actualValue": "1", "eventNotificationType": "HardWiredMonitor", "severity": 0}]}, reports.EventsTold(at=NOON, seq_no=1, events=(reports.MonitoredEvent(id=2, at=NOON, place=PLACE, value="1", trigger="Delta", kind="HardWiredMonitor", severity=0),))),
    Example((V201,), "NotifyMonitoringReport", {"requestId": 3, "seqNo": 0, "tbc": False, "generatedAt": AT, "monitor": [METER | {"variableMonitoring": [{"id": 9, "transaction": True, "value": 80.5, "type": "UpperThreshold", "severity": 4}, {"id": 10, "transaction": False, "value": 60.0, "type": "Periodic", "severity": 8}]}]}, reports.MonitorsTold(request_id=3, monitors=(reports.Monitor(id=9, place=PLACE, kind="UpperThreshold", value=80.5, severity=4, transaction=True), reports.Monitor(id=10, place=PLACE, kind="Periodic", value=60.0, severity=8)))),
    Example(NEW, "NotifyMonitoringReport", {"requestId": 3, "seqNo": 2, "tbc": True, "generatedAt": AT, "monitor": [METER | {"variableMonitoring": [{"id": 9, "transaction": False, "value": 0.1, "type": "TargetDeltaRelative", "severity": 4, "eventNotificationType": "PreconfiguredMonitor"}]}]}, reports.MonitorsTold(request_id=3, seq_no=2, more=True, monitors=(reports.Monitor(id=9, place=PLACE, kind="TargetDeltaRelative", value=0.1, severity=4, source="PreconfiguredMonitor"),))),
    Example(NEW, "OpenPeriodicEventStream", {"constantStreamData": {"id": 1, "variableMonitoringId": 9, "params": {"interval": 30, "values": 10}}}, reports.StreamOpened(id=1, monitor=9, interval_s=30.0, values=10)),
    Example(NEW, "ClosePeriodicEventStream", {"id": 1}, reports.StreamClosed(id=1)),
    Example(NEW, "NotifyPeriodicEventStream", {"id": 1, "pending": 2, "basetime": AT, "data": [{"t": 0.0, "v": "11"}, {"t": 1.5, "v": "12"}]}, reports.StreamTold(id=1, pending=2, points=(reports.StreamPoint(at=NOON, value="11"), reports.StreamPoint(at=NOON + timedelta(seconds=1.5), value="12")))),
    Example(TWO, "NotifyReport", {"requestId": 4, "generatedAt": AT, "seqNo": 0, "tbc": False, "reportData": [METER | {"variableAttribute": [{"value": "7000", "mutability": "ReadOnly"}], "variableCharacteristics": {"dataType": "decimal", "unit": "W", "minLimit": 0.0, "maxLimit": 22000.0, "valuesList": "a,b", "supportsMonitoring": False}}]}, words.VariablesTold(request_id=4, variables=(words.Variable(component="EVSE", name="Power", value="7000", evse=1, connector=2, component_instance="left", instance="L1", writable=False, unit="W", kind="decimal", lowest=0.0, highest=22_000.0, choices=("a", "b")),))),
]  # fmt: skip
PEOPLE = [
    Example(TWO, "NotifyCustomerInformation", {"requestId": 5, "seqNo": 0, "tbc": True, "generatedAt": AT, "data": "Ada"}, reports.CustomerTold(request_id=5, data="Ada", more=True)),
    Example(TWO, "NotifyDisplayMessages", {"requestId": 6, "tbc": False, "messageInfo": [{"id": 1, "priority": "InFront", "message": {"format": "UTF8", "language": "de", "content": "Bitte warten"}, "state": "Charging", "startDateTime": AT, "endDateTime": AT, "transactionId": "t", "display": {"name": "Display", "evse": {"id": 2}}}]}, reports.DisplaysTold(request_id=6, messages=(reports.DisplayMessage(id=1, text="Bitte warten", priority="InFront", language="de", state="Charging", start=NOON, end=NOON, transaction_id="t", evse=2),))),
    Example(NEW, "NotifyDisplayMessages", {"requestId": 6, "tbc": True, "messageInfo": [{"id": 2, "priority": "AlwaysFront", "message": {"format": "QRCODE", "content": "https://pay"}, "state": "Discharging", "messageExtra": [{"format": "ASCII", "language": "en", "content": "pay"}]}]}, reports.DisplaysTold(request_id=6, more=True, messages=(reports.DisplayMessage(id=2, text="https://pay", priority="AlwaysFront", format="QRCODE", state="Discharging", others=({"format": "ASCII", "language": "en", "content": "pay"},)),))),
    Example(TWO, "ReservationStatusUpdate", {"reservationId": 8, "reservationUpdateStatus": "Expired"}, reports.ReservationTold(id=8, status="Expired")),
    Example(NEW, "ReservationStatusUpdate", {"reservationId": 8, "reservationUpdateStatus": "NoTransaction"}, reports.ReservationTold(id=8, status="NoTransaction")),
    Example(NEW, "NotifySettlement", {"pspRef": "P1", "status": "Settled", "settlementAmount": 12.34, "settlementTime": AT, "transactionId": "t", "statusInfo": "ok", "receiptId": "R1", "receiptUrl": "https://r", "vatNumber": "DE1", "vatCompany": COMPANY}, reports.SettlementTold(reference="P1", status="Settled", amount="12.34", at=NOON, transaction_id="t", info="ok", receipt_id="R1", receipt_url="https://r", vat_number="DE1", company=COMPANY)),
    Example(NEW, "VatNumberValidation", {"vatNumber": "DE123456789", "evseId": 1}, reports.VatAsked(number="DE123456789", evse=1)),
    Example((V16,), "DataTransfer", {"vendorId": "org.x", "messageId": "m", "data": "{}"}, reports.DataTold(vendor="org.x", message="m", data="{}")),
    Example(TWO, "DataTransfer", {"vendorId": "org.x", "messageId": "m", "data": {"a": [1, None]}}, reports.DataTold(vendor="org.x", message="m", data={"a": [1, None]})),
]  # fmt: skip
POWER = [
    Example(TWO, "NotifyChargingLimit", {"chargingLimit": {"chargingLimitSource": "EMS", "isGridCritical": True}, "evseId": 1}, words.LimitTold(source="EMS", evse=1, unsaid=True, grid_critical=True)),
    Example(TWO, "NotifyChargingLimit", {"chargingLimit": {"chargingLimitSource": "SO"}, "chargingSchedule": [{"id": 1, "chargingRateUnit": "W", "startSchedule": AT, "chargingSchedulePeriod": PERIODS}]}, words.LimitTold(source="SO", limit_w=7_000.0, start=NOON, steps=STEPS)),
    Example(NEW, "NotifyChargingLimit", {"chargingLimit": {"chargingLimitSource": "SolarRoof", "isLocalGeneration": True}, "chargingSchedule": [{"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 5000.0, "dischargeLimit": -2000.0}]}]}, words.LimitTold(source="SolarRoof", limit_w=5_000.0, floor_w=-2_000.0, local_generation=True)),
    Example(TWO, "ClearedChargingLimit", {"chargingLimitSource": "EMS", "evseId": 1}, words.LimitTold(source="EMS", evse=1)),
    Example(TWO, "NotifyEVChargingSchedule", {"evseId": 1, "timeBase": AT, "chargingSchedule": {"id": 1, "chargingRateUnit": "W", "duration": 1200, "chargingSchedulePeriod": PERIODS}}, reports.ScheduleTold(evse=1, start=NOON, duration_s=1200.0, steps=STEPS)),
    Example(NEW, "NotifyEVChargingSchedule", {"evseId": 1, "timeBase": AT, "selectedChargingScheduleId": 2, "powerToleranceAcceptance": True, "chargingSchedule": {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "setpoint": -6000.0}]}}, reports.ScheduleTold(evse=1, start=NOON, selected=2, tolerant=True, steps=(reports.PowerStep(offset_s=0, power_w=-6_000.0),))),
    Example(NEW, "NotifyPriorityCharging", {"transactionId": "t", "activated": True}, reports.PriorityTold(transaction_id="t", activated=True)),
    Example(TWO, "ReportChargingProfiles", {"requestId": 9, "chargingLimitSource": "CSO", "evseId": 1, "tbc": False, "chargingProfile": [PROFILE]}, reports.ProfilesTold(request_id=9, source="CSO", evse=1, profiles=(PROFILE,))),
    Example(NEW, "PullDynamicScheduleUpdate", {"chargingProfileId": 1001}, words.SetpointPulled(profile_id=1001)),
    Example(NEW, "NotifyDERAlarm", {"controlType": "HFMustTrip", "timestamp": AT, "gridEventFault": "OverFrequency", "alarmEnded": True, "extraInfo": "62.1 Hz"}, reports.DerAlarm(control="HFMustTrip", at=NOON, fault="OverFrequency", ended=True, info="62.1 Hz")),
    Example(NEW, "NotifyDERStartStop", {"controlId": "c1", "started": True, "timestamp": AT, "supersededIds": ["c0"]}, reports.DerStarted(control_id="c1", started=True, at=NOON, superseded=("c0",))),
    Example(NEW, "ReportDERControl", {"requestId": 10, "tbc": True, "curve": [{"id": "c1", "curveType": "FreqWatt", "isDefault": True, "isSuperseded": False, "curve": CURVE}], "fixedPFInject": [{"id": "c2", "isDefault": False, "isSuperseded": True, "fixedPF": {"priority": 0, "displacement": 0.95, "excitation": True}}], "gradient": [{"id": "c3", "gradient": {"priority": 0, "gradient": 10.0, "softGradient": 5.0}}]}, reports.DersTold(request_id=10, more=True, controls=(
        reports.DerControl(id="c1", kind="FreqWatt", default=True, body=CURVE),
        reports.DerControl(id="c2", kind="FixedPFInject", default=False, superseded=True, body={"priority": 0, "displacement": 0.95, "excitation": True}),
        reports.DerControl(id="c3", kind="Gradients", default=True, body={"priority": 0, "gradient": 10.0, "softGradient": 5.0}),
    ))),
    Example(NEW, "BatterySwap", {"eventType": "BatteryIn", "requestId": 11, "idToken": {"idToken": "A", "type": "ISO14443"}, "batteryData": [{"evseId": 1, "serialNumber": "B1", "soC": 12.5, "soH": 97.0, "productionDate": AT, "vendorInfo": "v"}]}, reports.BatterySwapped(step=reports.SwapStep.IN, request_id=11, token=Token(id="A"), batteries=(reports.Battery(evse=1, serial="B1", soc=0.125, soh=0.97, made_at=NOON, info="v"),))),
]  # fmt: skip
CORE = [
    Example((V16,), "BootNotification", {"chargePointVendor": "V", "chargePointModel": "M", "chargePointSerialNumber": "S", "firmwareVersion": "1"}, words.Booted(vendor="V", model="M", serial="S", firmware="1")),
    Example(TWO, "BootNotification", {"chargingStation": {"vendorName": "V", "model": "M", "serialNumber": "S", "firmwareVersion": "1"}, "reason": "PowerUp"}, words.Booted(vendor="V", model="M", serial="S", firmware="1", reason="PowerUp")),
    Example(ALL, "Heartbeat", {}, words.HeartBeaten()),
    Example((V16,), "StatusNotification", {"connectorId": 1, "status": "SuspendedEV", "errorCode": "WeakSignal", "timestamp": AT}, words.OutletReported(evse=1, connector=1, state=words.OutletState.OCCUPIED, at=NOON, error="WeakSignal", flow=words.Flow.SUSPENDED_BY_CAR)),
    Example(TWO, "StatusNotification", {"evseId": 1, "connectorId": 2, "connectorStatus": "Faulted", "timestamp": AT}, words.OutletReported(evse=1, connector=2, state=words.OutletState.FAULTED, at=NOON)),
    Example((V16,), "Authorize", {"idTag": "A"}, words.AuthorisationAsked(token=Token(id="A"))),
    Example(TWO, "Authorize", {"idToken": {"idToken": "DE8AAA1", "type": "eMAID"}, "certificate": "PEM", "iso15118CertificateHashData": [HASHES | {"responderURL": "http://ocsp"}]}, words.AuthorisationAsked(token=Token(id="DE8AAA1", kind="eMAID"), certificate="PEM", queries=(CertificateQuery(algorithm="SHA256", issuer_name_hash="aa", issuer_key_hash="bb", serial="01", urls=("http://ocsp",)),))),
    Example((V16,), "StartTransaction", {"connectorId": 1, "idTag": "A", "meterStart": 100, "timestamp": AT, "reservationId": 8}, words.TransactionTold(moment=words.Moment.STARTED, transaction_id=None, at=NOON, evse=1, connector=1, token=Token(id="A"), asks_token=True, reservation_id=8, samples=(words.Sample(at=NOON, import_wh=100.0, context="Transaction.Begin"),))),
    Example(TWO, "TransactionEvent", {"eventType": "Started", "timestamp": AT, "triggerReason": "CablePluggedIn", "seqNo": 0, "offline": False, "reservationId": 8, "transactionInfo": {"transactionId": "t", "chargingState": "Charging", "remoteStartId": 3}, "evse": {"id": 1, "connectorId": 1}, "idToken": {"idToken": "A", "type": "ISO14443"}}, words.TransactionTold(moment=words.Moment.STARTED, transaction_id="t", at=NOON, evse=1, connector=1, seq_no=0, trigger="CablePluggedIn", flow=words.Flow.FLOWING, token=Token(id="A"), remote_start_id=3, asks_token=True, reservation_id=8)),
    Example(NEW, "TransactionEvent", {"eventType": "Updated", "timestamp": AT, "triggerReason": "OperationModeChanged", "seqNo": 4, "offline": False, "transactionInfo": {"transactionId": "t", "operationMode": "LocalFrequency", "tariffId": "T1"}, "costDetails": {"totalCost": {"currency": "EUR", "typeOfCost": "NormalCost", "total": {"exclTax": 1.5}}, "totalUsage": {"energy": 3.0, "chargingTime": 60, "idleTime": 0}}}, words.TransactionTold(moment=words.Moment.UPDATED, transaction_id="t", at=NOON, seq_no=4, trigger="OperationModeChanged", mode="LocalFrequency", tariff="T1", cost={"totalCost": {"currency": "EUR", "typeOfCost": "NormalCost", "total": {"exclTax": 1.5}}, "totalUsage": {"energy": 3.0, "chargingTime": 60, "idleTime": 0}})),
    Example((V16,), "StopTransaction", {"transactionId": 7, "idTag": "A", "meterStop": 900, "timestamp": AT, "reason": "Local", "transactionData": [{"timestamp": AT, "sampledValue": [{"value": "900.0", "measurand": "Energy.Active.Import.Register", "unit": "Wh", "context": "Transaction.End"}]}]}, words.TransactionTold(moment=words.Moment.ENDED, transaction_id="7", at=NOON, token=Token(id="A"), stopped_reason="Local", asks_token=True, samples=(words.Sample(at=NOON, import_wh=900.0, context="Transaction.End"),))),
    Example((V16,), "MeterValues", {"connectorId": 1, "transactionId": 7, "meterValue": [{"timestamp": AT, "sampledValue": [{"value": "500.0", "measurand": "Power.Active.Export", "unit": "W", "context": "Sample.Clock"}]}]}, words.TransactionTold(moment=words.Moment.UPDATED, transaction_id="7", at=NOON, evse=1, connector=1, samples=(words.Sample(at=NOON, power_w=-500.0, context="Sample.Clock"),))),
    Example(TWO, "MeterValues", {"evseId": 1, "meterValue": [{"timestamp": AT, "sampledValue": [{"value": 500.0, "measurand": "Power.Active.Export", "unitOfMeasure": {"unit": "W"}, "context": "Sample.Clock"}]}]}, words.Metered(evse=1, samples=(words.Sample(at=NOON, power_w=-500.0, context="Sample.Clock"),))),
    Example((V201,), "NotifyEVChargingNeeds", {"evseId": 1, "maxScheduleTuples": 12, "chargingNeeds": {"requestedEnergyTransfer": "AC_single_phase", "departureTime": AT, "acChargingParameters": {"energyAmount": 9000, "evMinCurrent": 0, "evMaxCurrent": 16, "evMaxVoltage": 230}}}, words.NeedsTold(evse=1, departure=NOON, energy_wh=9_000.0, charge_w=3_680.0, mode="AC_single_phase", most_schedules=12)),
    Example(NEW, "NotifyEVChargingNeeds", {"evseId": 1, "timestamp": AT, "chargingNeeds": {"requestedEnergyTransfer": "DC_BPT", "availableEnergyTransfer": ["DC", "DC_BPT"], "controlMode": "DynamicControl", "dcChargingParameters": {"evMaxCurrent": 110.0, "evMaxVoltage": 400.0, "evMaxPower": 44000.0, "energyAmount": 18000.0, "evEnergyCapacity": 60000.0, "stateOfCharge": 50}, "v2xChargingParameters": {"maxChargePower": 44000.0, "maxDischargePower": 22000.0, "evTargetEnergyRequest": 18000.0, "evMinV2XEnergyRequest": -12000.0, "targetSoC": 80}}}, words.NeedsTold(evse=1, at=NOON, energy_wh=18_000.0, soc=0.5, target_soc=0.8, capacity_wh=60_000.0, charge_w=44_000.0, discharge_w=22_000.0, floor_wh=18_000.0, v2x=True, mode="DC_BPT", modes=("DC", "DC_BPT"), control="DynamicControl")),
]  # fmt: skip
REPORTED = SOFTWARE + CERTIFICATES + MONITORING + PEOPLE + POWER + CORE
