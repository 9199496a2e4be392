"""What stations ask chargers, as the specification writes it and as the house calls it: by hand, one by one."""

from datetime import timedelta

from tests.ocpp.reported import ALL, AT, CURVE, HASHES, METER, NEW, NOON, PLACE, TWO, V16, V201, Example
from voltide.domain import messages as words
from voltide.domain import reports, requests
from voltide.domain.messages import Token

LATER = "2026-06-01T13:00:00.000Z"
HOUR = NOON + timedelta(hours=1)
TOKEN = {"idToken": "A", "type": "ISO14443"}
DRIVER = Token(id="A")
TARIFF = {"tariffId": "T1", "currency": "EUR", "energy": {"prices": [{"priceKwh": 0.35}]}}
PERMITS = (
    requests.Permit(token=DRIVER, group="G", until=HOUR),
    requests.Permit(token=Token(id="B"), status="Blocked"),
)
SET_ID = 1002
SETPOINT = words.ApplySetpoint(evse=2, transaction_id="7", power_w=7_000.0, lease_s=60.0, now=NOON, ceiling_w=7_000.0)

DRIVERS = [
    Example((V16,), "SendLocalList", {"listVersion": 5, "updateType": "Full", "localAuthorizationList": [{"idTag": "A", "idTagInfo": {"status": "Accepted", "parentIdTag": "G", "expiryDate": LATER}}, {"idTag": "B", "idTagInfo": {"status": "Blocked"}}]}, requests.SendTokens(version=5, whole=True, permits=PERMITS)),
    Example(TWO, "SendLocalList", {"versionNumber": 5, "updateType": "Differential", "localAuthorizationList": [{"idToken": TOKEN, "idTokenInfo": {"status": "NoCredit", "chargingPriority": -2, "groupIdToken": {"idToken": "G", "type": "Central"}, "cacheExpiryDateTime": LATER}}, {"idToken": {"idToken": "C", "type": "eMAID"}}]}, requests.SendTokens(version=5, whole=False, permits=(requests.Permit(token=DRIVER, status="NoCredit", group="G", until=HOUR, priority=-2),), removed=(Token(id="C", kind="eMAID"),))),
    Example(ALL, "GetLocalListVersion", {}, requests.AskListVersion()),
    Example(ALL, "ClearCache", {}, requests.ForgetTokens()),
    Example((V16,), "ReserveNow", {"reservationId": 8, "connectorId": 0, "idTag": "A", "parentIdTag": "G", "expiryDate": LATER}, requests.Reserve(id=8, evse=0, token=DRIVER, until=HOUR, group="G")),
    Example(TWO, "ReserveNow", {"id": 8, "evseId": 1, "idToken": TOKEN, "expiryDateTime": LATER, "groupIdToken": {"idToken": "G", "type": "Central"}}, requests.Reserve(id=8, evse=1, token=DRIVER, until=HOUR, group="G")),
    Example(ALL, "CancelReservation", {"reservationId": 8}, requests.EndReservation(id=8)),
    Example(TWO, "CostUpdated", {"transactionId": "t", "totalCost": 3.45}, requests.TellCost(transaction_id="t", total="3.45")),
    Example(NEW, "SetDefaultTariff", {"evseId": 0, "tariff": TARIFF}, requests.SetTariff(evse=0, tariff=TARIFF)),
    Example(NEW, "ChangeTransactionTariff", {"transactionId": "t", "tariff": TARIFF}, requests.ChangeTariff(transaction_id="t", tariff=TARIFF)),
    Example(TWO, "SetDisplayMessage", {"message": {"id": 1, "priority": "NormalCycle", "message": {"format": "UTF8", "content": "0.35"}, "endDateTime": LATER}}, requests.Show(message=reports.DisplayMessage(id=1, text="0.35", end=HOUR))),
    Example(TWO, "ClearDisplayMessage", {"id": 1}, requests.Hide(id=1)),
    Example(TWO, "GetDisplayMessages", {"requestId": 2}, requests.AskDisplays(request_id=2)),
]  # fmt: skip
POWER = [
    Example((V16,), "GetCompositeSchedule", {"connectorId": 1, "duration": 3600, "chargingRateUnit": "W"}, requests.AskSchedule(evse=1, duration_s=3_600)),
    Example(TWO, "GetCompositeSchedule", {"evseId": 0, "duration": 3600, "chargingRateUnit": "W"}, requests.AskSchedule(evse=0, duration_s=3_600)),
    Example(TWO, "GetChargingProfiles", {"requestId": 3, "evseId": 1, "chargingProfile": {}}, requests.AskProfiles(request_id=3, evse=1)),
    Example((V16,), "SetChargingProfile", {"connectorId": 0, "csChargingProfiles": {"chargingProfileId": 3000, "stackLevel": 0, "chargingProfilePurpose": "ChargePointMaxProfile", "chargingProfileKind": "Absolute", "chargingSchedule": {"startSchedule": AT, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 22000.0}]}}}, requests.CapCharger(ceiling_w=22_000.0, now=NOON)),
    Example(TWO, "SetChargingProfile", {"evseId": 0, "chargingProfile": {"id": 3000, "stackLevel": 0, "chargingProfilePurpose": "ChargingStationMaxProfile", "chargingProfileKind": "Absolute", "chargingSchedule": [{"id": 3000, "startSchedule": AT, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 22000.0}]}]}}, requests.CapCharger(ceiling_w=22_000.0, now=NOON)),
    Example((V16,), "ClearChargingProfile", {"id": 3000}, requests.CapCharger(ceiling_w=None, now=NOON)),
    Example(TWO, "ClearChargingProfile", {"chargingProfileId": 3000}, requests.CapCharger(ceiling_w=None, now=NOON)),
    Example(NEW, "SetChargingProfile", {"evseId": 2, "chargingProfile": {"id": SET_ID, "stackLevel": 1, "chargingProfilePurpose": "TxProfile", "chargingProfileKind": "Absolute", "transactionId": "t", "maxOfflineDuration": 300, "invalidAfterOfflineDuration": True, "chargingSchedule": [{"id": SET_ID, "startSchedule": AT, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "operationMode": "LocalFrequency", "v2xBaseline": 1000.0, "v2xFreqWattCurve": [{"frequency": 49.8, "power": -6000.0}, {"frequency": 50.2, "power": 5000.0}], "v2xSignalWattCurve": [{"signal": -100, "power": -1000.0}, {"signal": 100, "power": 1000.0}]}]}]}}, requests.ShareMode(evse=2, transaction_id="t", mode="LocalFrequency", ceiling_w=11_000.0, floor_w=-10_000.0, lease_s=300.0, now=NOON, baseline_w=1_000.0, frequency_curve=((49.8, -6_000.0), (50.2, 5_000.0)), signal_curve=((-100, -1_000.0), (100, 1_000.0)))),
    Example(NEW, "SetChargingProfile", {"evseId": 2, "chargingProfile": {"id": SET_ID, "stackLevel": 1, "chargingProfilePurpose": "TxProfile", "chargingProfileKind": "Dynamic", "transactionId": "t", "maxOfflineDuration": 300, "invalidAfterOfflineDuration": True, "chargingSchedule": [{"id": SET_ID, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "operationMode": "ExternalSetpoint", "limit": 9000.0, "dischargeLimit": -8000.0}]}]}}, requests.ShareMode(evse=2, transaction_id="t", mode="ExternalSetpoint", ceiling_w=9_000.0, floor_w=-8_000.0, lease_s=300.0, now=NOON)),
    Example(NEW, "SetChargingProfile", {"evseId": 2, "chargingProfile": {"id": SET_ID, "stackLevel": 1, "chargingProfilePurpose": "TxProfile", "chargingProfileKind": "Dynamic", "transactionId": "t", "maxOfflineDuration": 300, "invalidAfterOfflineDuration": True, "chargingSchedule": [{"id": SET_ID, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "operationMode": "CentralFrequency", "setpoint": -4000.0}]}]}}, requests.ShareMode(evse=2, transaction_id="t", mode="CentralFrequency", ceiling_w=11_000.0, floor_w=-10_000.0, lease_s=300.0, now=NOON, setpoint_w=-4_000.0)),
    Example(NEW, "SetChargingProfile", {"evseId": 2, "chargingProfile": {"id": SET_ID, "stackLevel": 1, "chargingProfilePurpose": "TxProfile", "chargingProfileKind": "Absolute", "transactionId": "t", "maxOfflineDuration": 300, "invalidAfterOfflineDuration": True, "chargingSchedule": [{"id": SET_ID, "startSchedule": AT, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "operationMode": "LocalLoadBalancing"}]}]}}, requests.ShareMode(evse=2, transaction_id="t", mode="LocalLoadBalancing", ceiling_w=11_000.0, floor_w=-10_000.0, lease_s=300.0, now=NOON)),
    Example(NEW, "UpdateDynamicSchedule", {"chargingProfileId": SET_ID, "scheduleUpdate": {"setpoint": -4000.0, "limit": 0.0, "dischargeLimit": -4000.0}}, words.ApplySetpoint(evse=2, transaction_id="", power_w=-4_000.0, lease_s=float("inf"), now=NOON, ceiling_w=0.0, floor_w=-4_000.0, fresh=False)),
    Example(NEW, "AFRRSignal", {"timestamp": AT, "signal": -250}, requests.SendSignal(at=NOON, signal=-250)),
    Example(NEW, "NotifyAllowedEnergyTransfer", {"transactionId": "t", "allowedEnergyTransfer": ["DC", "DC_BPT"]}, requests.AllowTransfer(transaction_id="t", modes=("DC", "DC_BPT"))),
    Example(NEW, "UsePriorityCharging", {"transactionId": "t", "activate": True}, requests.UsePriority(transaction_id="t", active=True)),
    Example(NEW, "SetDERControl", {"isDefault": False, "controlId": "c1", "controlType": "FreqWatt", "curve": CURVE}, requests.SetDer(control=reports.DerControl(id="c1", kind="FreqWatt", default=False, body=CURVE))),
    Example(NEW, "SetDERControl", {"isDefault": True, "controlId": "c2", "controlType": "Gradients", "gradient": {"priority": 0, "gradient": 10.0, "softGradient": 5.0}}, requests.SetDer(control=reports.DerControl(id="c2", kind="Gradients", default=True, body={"priority": 0, "gradient": 10.0, "softGradient": 5.0}))),
    Example(NEW, "GetDERControl", {"requestId": 4, "isDefault": True, "controlType": "VoltVar"}, requests.AskDers(request_id=4, kind="VoltVar", default=True)),
    Example(NEW, "ClearDERControl", {"isDefault": False, "controlId": "c1"}, requests.ClearDer(default=False, id="c1")),
    Example(NEW, "RequestBatterySwap", {"requestId": 5, "idToken": TOKEN}, requests.AskSwap(request_id=5, token=DRIVER)),
]  # fmt: skip
BOX = [
    Example(TWO, "SetVariableMonitoring", {"setMonitoringData": [METER | {"transaction": False, "value": 80.0, "type": "UpperThreshold", "severity": 4}]}, requests.SetMonitors(monitors=(reports.Monitor(id=0, place=PLACE, kind="UpperThreshold", value=80.0, severity=4),))),
    Example(NEW, "SetVariableMonitoring", {"setMonitoringData": [METER | {"id": 9, "transaction": True, "value": 30.0, "type": "Periodic", "severity": 9, "periodicEventStream": {"interval": 60, "values": 5}}]}, requests.SetMonitors(monitors=(reports.Monitor(id=9, place=PLACE, kind="Periodic", value=30.0, severity=9, transaction=True, stream_s=60.0, stream_values=5),))),
    Example(TWO, "ClearVariableMonitoring", {"id": [9, 10]}, requests.ClearMonitors(ids=(9, 10))),
    Example(TWO, "GetMonitoringReport", {"requestId": 6}, requests.AskMonitors(request_id=6)),
    Example(NEW, "AdjustPeriodicEventStream", {"id": 1, "params": {"interval": 120}}, requests.AdjustStream(id=1, interval_s=120.0)),
    Example((V16,), "GetDiagnostics", {"location": "ftp://logs", "startTime": AT, "stopTime": LATER}, requests.AskLog(request_id=0, location="ftp://logs", oldest=NOON, latest=HOUR)),
    Example(ALL, "GetLog", {"logType": "SecurityLog", "requestId": 7, "log": {"remoteLocation": "https://logs", "oldestTimestamp": AT, "latestTimestamp": LATER}}, requests.AskLog(request_id=7, location="https://logs", kind="SecurityLog", oldest=NOON, latest=HOUR)),
    Example(NEW, "GetLog", {"logType": "DataCollectorLog", "requestId": 7, "log": {"remoteLocation": "https://logs"}}, requests.AskLog(request_id=7, location="https://logs", kind="DataCollectorLog")),
    Example((V16,), "UpdateFirmware", {"location": "https://f", "retrieveDate": AT}, requests.UpdateSoftware(request_id=0, location="https://f", retrieve_at=NOON)),
    Example((V16,), "SignedUpdateFirmware", {"requestId": 8, "firmware": {"location": "https://f", "retrieveDateTime": AT, "installDateTime": LATER, "signingCertificate": "PEM", "signature": "s"}}, requests.UpdateSoftware(request_id=8, location="https://f", retrieve_at=NOON, install_at=HOUR, certificate="PEM", signature="s")),
    Example(TWO, "UpdateFirmware", {"requestId": 8, "firmware": {"location": "https://f", "retrieveDateTime": AT, "installDateTime": LATER, "signingCertificate": "PEM", "signature": "s"}}, requests.UpdateSoftware(request_id=8, location="https://f", retrieve_at=NOON, install_at=HOUR, certificate="PEM", signature="s")),
    Example((V16,), "CertificateSigned", {"certificateChain": "PEM"}, requests.GiveCertificate(chain="PEM")),
    Example((V201,), "CertificateSigned", {"certificateChain": "PEM", "certificateType": "V2GCertificate"}, requests.GiveCertificate(chain="PEM", kind="V2GCertificate")),
    Example(NEW, "CertificateSigned", {"certificateChain": "PEM", "certificateType": "V2G20Certificate", "requestId": 9}, requests.GiveCertificate(chain="PEM", kind="V2G20Certificate", request_id=9)),
    Example((V16,), "InstallCertificate", {"certificateType": "CentralSystemRootCertificate", "certificate": "PEM"}, requests.InstallRoot(kind="CSMSRootCertificate", certificate="PEM")),
    Example(TWO, "InstallCertificate", {"certificateType": "MORootCertificate", "certificate": "PEM"}, requests.InstallRoot(kind="MORootCertificate", certificate="PEM")),
    Example((V16,), "GetInstalledCertificateIds", {"certificateType": "ManufacturerRootCertificate"}, requests.AskRoots(kinds=("ManufacturerRootCertificate",))),
    Example(TWO, "GetInstalledCertificateIds", {"certificateType": ["V2GCertificateChain", "CSMSRootCertificate"]}, requests.AskRoots(kinds=("V2GCertificateChain", "CSMSRootCertificate"))),
    Example(ALL, "DeleteCertificate", {"certificateHashData": HASHES}, requests.RemoveRoot(hashes=HASHES)),
    Example((V16,), "ChangeConfiguration", {"key": "AuthorizationKey", "value": "4f43415f4f435050"}, requests.ChangeSecret(secret="4f43415f4f435050")),
    Example(TWO, "SetVariables", {"setVariableData": [{"component": {"name": "SecurityCtrlr"}, "variable": {"name": "BasicAuthPassword"}, "attributeValue": "correct-horse-battery"}]}, requests.ChangeSecret(secret="correct-horse-battery")),
]  # fmt: skip
CORE = [
    Example((V16,), "RemoteStartTransaction", {"connectorId": 1, "idTag": "A"}, words.StartTransaction(evse=1, token=DRIVER, remote_start_id=0)),
    Example(TWO, "RequestStartTransaction", {"evseId": 1, "idToken": TOKEN, "remoteStartId": 5}, words.StartTransaction(evse=1, token=DRIVER, remote_start_id=5)),
    Example((V16,), "RemoteStopTransaction", {"transactionId": 7}, words.StopTransaction(transaction_id="7")),
    Example(TWO, "RequestStopTransaction", {"transactionId": "t"}, words.StopTransaction(transaction_id="t")),
    Example((V16,), "ChangeAvailability", {"connectorId": 0, "type": "Inoperative"}, words.ChangeAvailability(evse=0, operative=False)),
    Example(TWO, "ChangeAvailability", {"operationalStatus": "Operative", "evse": {"id": 1}}, words.ChangeAvailability(evse=1, operative=True)),
    Example((V16,), "Reset", {"type": "Hard"}, words.Reset(immediate=True)),
    Example(TWO, "Reset", {"type": "OnIdle"}, words.Reset()),
    Example((V16,), "TriggerMessage", {"requestedMessage": "MeterValues", "connectorId": 1}, words.Trigger(message="MeterValues", evse=1)),
    Example((V16,), "ExtendedTriggerMessage", {"requestedMessage": "SignChargePointCertificate"}, words.Trigger(message="SignChargingStationCertificate")),
    Example(TWO, "TriggerMessage", {"requestedMessage": "TransactionEvent", "evse": {"id": 1}}, words.Trigger(message="TransactionEvent", evse=1)),
    Example(NEW, "TriggerMessage", {"requestedMessage": "CustomTrigger", "customTrigger": "Weather"}, words.Trigger(message="Weather")),
    Example((V16,), "UnlockConnector", {"connectorId": 1}, words.Unlock(evse=1)),
    Example(TWO, "UnlockConnector", {"evseId": 1, "connectorId": 2}, words.Unlock(evse=1, connector=2)),
    Example((V16,), "ChangeConfiguration", {"key": "HeartbeatInterval", "value": "60"}, words.SetVariables(variables=(words.Variable(component="", name="HeartbeatInterval", value="60"),))),
    Example(TWO, "SetVariables", {"setVariableData": [METER | {"attributeValue": "60"}]}, words.SetVariables(variables=(words.Variable(component="EVSE", name="Power", value="60", evse=1, connector=2, component_instance="left", instance="L1"),))),
    Example((V16,), "GetConfiguration", {"key": ["HeartbeatInterval"]}, words.GetVariables(variables=(words.Variable(component="", name="HeartbeatInterval", value=None),))),
    Example(TWO, "GetVariables", {"getVariableData": [METER]}, words.GetVariables(variables=(words.Variable(component="EVSE", name="Power", value=None, evse=1, connector=2, component_instance="left", instance="L1"),))),
    Example(TWO, "GetBaseReport", {"requestId": 1, "reportBase": "FullInventory"}, words.GetReport(request_id=1)),
    Example(TWO, "GetTransactionStatus", {"transactionId": "t"}, words.GetTransactionStatus(transaction_id="t")),
    Example((V16,), "SetChargingProfile", {"connectorId": 2, "csChargingProfiles": {"chargingProfileId": SET_ID, "transactionId": 7, "stackLevel": 1, "chargingProfilePurpose": "TxProfile", "chargingProfileKind": "Absolute", "chargingSchedule": {"startSchedule": AT, "duration": 60, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 7000.0}]}}}, SETPOINT),
    Example(TWO, "SetChargingProfile", {"evseId": 0, "chargingProfile": {"id": 2000, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Relative", "chargingSchedule": [{"id": 2000, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 1400.0}]}]}}, words.ApplyFallback(evse=0, power_w=1_400.0, now=NOON)),
    Example((V16,), "ClearChargingProfile", {"id": SET_ID}, words.ClearSetpoint(evse=2)),
    Example(TWO, "ClearChargingProfile", {"chargingProfileId": SET_ID}, words.ClearSetpoint(evse=2)),
]  # fmt: skip
_ASKS = [
    (TWO, "CustomerInformation", {"requestId": 1, "report": True, "clear": False, "customerIdentifier": "Ada"}),
    (ALL, "DataTransfer", {"vendorId": "org.x"}),
    (TWO, "GetReport", {"requestId": 1, "componentCriteria": ["Problem"]}),
    (TWO, "SetMonitoringBase", {"monitoringBase": "FactoryDefault"}),
    (TWO, "SetMonitoringLevel", {"severity": 5}),
    (TWO, "PublishFirmware", {"location": "https://f", "checksum": "d41d8cd98f00b204e9800998ecf8427e", "requestId": 1}),
    (TWO, "UnpublishFirmware", {"checksum": "d41d8cd98f00b204e9800998ecf8427e"}),
    ((V201,), "SetNetworkProfile", {"configurationSlot": 1, "connectionData": {"ocppVersion": "OCPP20", "ocppTransport": "JSON", "ocppCsmsUrl": "wss://x", "messageTimeout": 30, "securityProfile": 2, "ocppInterface": "Wired0"}}),
    (NEW, "SetNetworkProfile", {"configurationSlot": 1, "connectionData": {"ocppTransport": "JSON", "ocppCsmsUrl": "wss://x", "messageTimeout": 30, "securityProfile": 2, "ocppInterface": "Any"}}),
    (NEW, "GetPeriodicEventStream", {}),
    (NEW, "GetTariffs", {"evseId": 0}),
    (NEW, "ClearTariffs", {"tariffIds": ["T1"]}),
    (NEW, "NotifyWebPaymentStarted", {"evseId": 1, "timeout": 60}),
]  # fmt: skip
ASKED = [Example(versions, action, body, words.Ask(action=action, payload=body)) for versions, action, body in _ASKS]
"""What has no word of its own, or not in this shape."""
REQUESTED = DRIVERS + POWER + BOX + CORE + ASKED
