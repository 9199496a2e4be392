"""Calls by hand: over the bus to a real charger on a real socket; and what a hostile hand tries."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.station.blocks.poles import NEVER, in_house, pole
from tests.station.house import until
from voltide import compose
from voltide.domain.messages import CallCharger, CallResult, Outcome
from voltide.domain.site import ChargerId, OcppVersion
from voltide.ocpp.actions import FROM_CHARGER
from voltide.ocpp.messages import actions
from voltide.station.guard import CHECKED, FORBIDDEN, FREE, KNOWN, Circumstances, refusal

PLAIN = Circumstances(profile=1, places=("https://logs.example.com/in",))


async def calling(house, charger, action, payload=None, wait_s=30.0) -> CallResult:
    order = CallCharger(charger=ChargerId(charger), action=action, payload=payload or {})
    result = await house.bus.request("station.corner.order", order, wait_s)
    assert isinstance(result, CallResult)
    return result


def test_a_call_reaches_the_charger_as_it_was_said_and_its_answer_comes_back(tmp_path):
    async def work(house):
        async with pole(house, "F1", "2.0.1", Reset={"status": "Scheduled"}) as one:
            result = await calling(house, "F1", "Reset", {"type": "OnIdle", "evseId": 2})
            assert result == CallResult(outcome=Outcome.ACCEPTED, answer={"status": "Scheduled"})
            assert one.asked("Reset") == [{"type": "OnIdle", "evseId": 2}]

    in_house(tmp_path, work)


def test_a_charger_that_says_no_or_an_error_has_refused(tmp_path):
    async def work(house):
        answers = {"ClearCache": {"status": "Rejected"}, "GetLocalListVersion": ["NotSupported", "no list here"]}
        async with pole(house, "F1", "1.6", **answers):
            result = await calling(house, "F1", "ClearCache")
            assert result == CallResult(outcome=Outcome.REFUSED, reason="Rejected", answer={"status": "Rejected"})
            result = await calling(house, "F1", "GetLocalListVersion")
            assert result == CallResult(outcome=Outcome.REFUSED, reason="NotSupported: no list here")

    in_house(tmp_path, work)


def test_a_line_that_is_lost_before_the_answer_leaves_the_outcome_unknown(tmp_path):
    async def work(house):
        async with pole(house, "F1", "2.0.1", ClearCache=NEVER) as one:
            waiting = asyncio.create_task(calling(house, "F1", "ClearCache"))
            await until(lambda: one.asked("ClearCache"))
            await one.socket.close()
            assert (await waiting).outcome is Outcome.UNKNOWN

    in_house(tmp_path, work)


def test_who_is_not_there_or_not_known_is_told_apart(tmp_path):
    async def work(house):
        result = await calling(house, "F1", "ClearCache")
        assert result.outcome is Outcome.REFUSED
        assert "not on the line" in result.reason
        assert (await calling(house, "F9", "ClearCache")).outcome is Outcome.NO_CHARGER

    in_house(tmp_path, work)


@pytest.mark.parametrize(
    ("version", "action", "payload", "place"),
    [
        ("1.6", "Reset", {"type": "OnIdle"}, "$.type"),
        ("2.0.1", "Reset", {}, "type"),
        ("2.1", "Reset", {"type": "OnIdle", "evseId": "one"}, "$.evseId"),
        ("2.1", "Reset", {"type": "OnIdle", "extra": 1}, "extra"),
    ],
)
def test_a_body_that_does_not_fit_the_charger_s_version_is_never_said(tmp_path, version, action, payload, place):
    async def work(house):
        async with pole(house, "F1", version) as one:
            result = await calling(house, "F1", action, payload)
            assert result.outcome is Outcome.INVALID
            assert place in result.reason
            assert one.asked(action) == []

    in_house(tmp_path, work)


def test_a_call_that_a_version_does_not_have_or_only_chargers_make_is_refused(tmp_path):
    async def work(house):
        async with pole(house, "F1", "1.6") as one:
            for action in ("SetVariables", "BootNotification", "Nonsense"):
                result = await calling(house, "F1", action)
                assert (result.outcome, result.answer) == (Outcome.REFUSED, {})
                assert "1.6" in result.reason
            assert one.asked("SetVariables") == []

    in_house(tmp_path, work)


# --- the guard ---


def test_every_call_of_every_version_is_named_once_and_nothing_else():
    said = {a for v in OcppVersion for a in actions(v) if a not in FROM_CHARGER or a == "DataTransfer"}
    assert said == KNOWN
    assert len(KNOWN) == len(FREE) + len(FORBIDDEN) + len(CHECKED)
    assert set(compose.calls()) == KNOWN


def profile(purpose="ChargingStationMaxProfile", number=7, kind="Absolute", **period):
    period = {"startPeriod": 0, "limit": 1000.0} | period
    schedule = {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [period]}
    return {
        "evseId": 0,
        "chargingProfile": {
            "id": number, "stackLevel": 1, "chargingProfilePurpose": purpose, "chargingProfileKind": kind,
            "chargingSchedule": [schedule],
        },
    }  # fmt: skip


def variable(component, name):
    return {
        "setVariableData": [
            {"attributeValue": "1", "component": {"name": "Connector"}, "variable": {"name": "Harmless"}},
            {"attributeValue": "1", "component": {"name": component}, "variable": {"name": name}},
        ]
    }


def network(profile=1, url="ws://here/ocpp", **more):
    data = {
        "ocppCsmsUrl": url, "ocppInterface": "Wired0", "ocppTransport": "JSON", "messageTimeout": 30,
        "securityProfile": profile, **more,
    }  # fmt: skip
    return {"configurationSlot": 1, "connectionData": data}


def log(place):
    return {"logType": "SecurityLog", "requestId": 1, "log": {"remoteLocation": place}}


HOSTILE = [
    *[
        ("SetChargingProfile", profile(purpose))
        for purpose in (
            "ChargingStationExternalConstraints", "TxProfile", "TxDefaultProfile", "PriorityCharging", "LocalGeneration",
        )
    ],
    ("SetChargingProfile", profile(number=1001)),
    ("SetChargingProfile", profile(number=2002)),
    ("SetChargingProfile", profile(number=3000)),
    ("SetChargingProfile", profile(kind="Dynamic")),
    ("SetChargingProfile", profile(limit=-1000.0)),
    ("SetChargingProfile", profile(limit_L2=-1.0)),
    ("SetChargingProfile", profile(setpoint=-5000.0)),
    ("SetChargingProfile", profile(dischargeLimit=-5000.0)),
    ("SetChargingProfile", profile(operationMode="CentralFrequency")),
    ("SetChargingProfile", profile(v2xFreqWattCurve=[{"frequency": 50.0, "power": 9e6}])),
    ("SetChargingProfile", {"connectorId": 0, "csChargingProfiles": {"chargingProfilePurpose": "TxProfile"}}),
    ("SetChargingProfile", {"evseId": 0}),
    ("ClearChargingProfile", {}),
    ("ClearChargingProfile", {"chargingProfileId": 1001}),
    ("ClearChargingProfile", {"id": 2001}),
    ("ClearChargingProfile", {"chargingProfileCriteria": {"stackLevel": 1}}),
    ("ClearChargingProfile", {"chargingProfileId": 7, "chargingProfileCriteria": {"chargingProfilePurpose": "TxProfile"}}),
    ("ClearChargingProfile", {"id": 7, "connectorId": 1}),
    ("UpdateDynamicSchedule", {"chargingProfileId": 1001, "scheduleUpdate": {"limit": 10.0}}),
    ("UpdateDynamicSchedule", {"chargingProfileId": 5, "scheduleUpdate": {"setpoint": -10.0}}),
    ("UpdateDynamicSchedule", {"chargingProfileId": 5, "scheduleUpdate": {"limit": 10.0, "dischargeLimit": -9.0}}),
    ("RequestStartTransaction", {"remoteStartId": 1, "chargingProfile": {"id": 5}}),
    ("RemoteStartTransaction", {"idTag": "T", "chargingProfile": {"chargingProfileId": 5}}),
    ("SetVariables", variable("SampledDataCtrlr", "TxUpdatedInterval")),
    ("SetVariables", variable("sampleddatactrlr", "anything")),
    ("SetVariables", variable("OCPPCommCtrlr", "WebSocketPingInterval")),
    ("SetVariables", variable("OCPPCommCtrlr ", "websocketpinginterval")),
    ("SetVariables", variable("OCPPCommCtrlr", "OfflineThreshold")),
    ("SetVariables", variable("OCPPCommCtrlr", "NetworkConfigurationPriority")),
    ("SetVariables", variable("OCPPCommCtrlr", "MessageAttempts")),
    ("SetVariables", variable("SmartChargingCtrlr", "Enabled")),
    ("SetVariables", variable("V2XChargingCtrlr", "Enabled")),
    ("SetVariables", variable("SecurityCtrlr", "BasicAuthPassword")),
    ("SetVariables", variable("SecurityCtrlr", "SecurityProfile")),
    ("SetVariables", variable("Odd", "BasicAuthPassword")),
    ("SetVariables", variable("TxCtrlr", "TxStartPoint")),
    ("SetVariables", variable("AuthCtrlr", "OfflineTxForUnknownIdEnabled")),
    ("SetVariables", variable("Odd", "MeterValueSampleInterval")),
    ("ChangeConfiguration", {"key": "MeterValueSampleInterval", "value": "86400"}),
    ("ChangeConfiguration", {"key": "metervaluesAMPLEinterval", "value": "86400"}),
    ("ChangeConfiguration", {"key": " WebSocketPingInterval", "value": "0"}),
    ("ChangeConfiguration", {"key": "SecurityProfile", "value": "0"}),
    ("ChangeConfiguration", {"key": "AuthorizationKey", "value": "0"}),
    ("ChangeConfiguration", {"key": "AllowOfflineTxForUnknownId", "value": "true"}),
    ("SetNetworkProfile", network(profile=0)),
    ("SetNetworkProfile", network(profile=2)),
    ("SetNetworkProfile", network(basicAuthPassword="my-own-password!")),
    ("InstallCertificate", {"certificateType": "CSMSRootCertificate", "certificate": "x"}),
    ("InstallCertificate", {"certificateType": "CentralSystemRootCertificate", "certificate": "x"}),
    ("GetLog", log("https://elsewhere.example.com/in")),
    ("GetLog", log("http://logs.example.com/in")),
    ("GetLog", log("https://logs.example.com/inside-out")),
    ("GetLog", log("https://logs.example.com/in/../out")),
    ("GetLog", log("https://logs.example.com:8443/in/a")),
    ("GetLog", log("https://logs.example.com@evil.example.com/in/a")),
    ("GetLog", log("https://logs.example.com/in/%2e%2e/out")),
    ("GetLog", log("https://logs.example.com:port/in/")),
    ("GetLog", {}),
    ("GetDiagnostics", {"location": "ftp://elsewhere/"}),
    *[(action, {}) for action in sorted(FORBIDDEN)],
    ("SetDefaultTariff", {"evseId": 0, "tariff": {"tariffId": "mine", "currency": "CNY"}}),
    ("ChangeTransactionTariff", {"transactionId": "t", "tariff": {"tariffId": "mine", "currency": "CNY"}}),
    ("BootNotification", {}),
    ("MadeUp", {}),
]  # fmt: skip


@pytest.mark.parametrize(("action", "body"), HOSTILE, ids=lambda part: part if isinstance(part, str) else "")
def test_what_would_loosen_a_limit_or_go_round_a_flow_is_refused_with_a_sentence(action, body):
    why = refusal(action, body, PLAIN)
    assert why is not None
    assert why.endswith(".")
    assert len(why) > 20


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("SetChargingProfile", profile()),
        ("SetChargingProfile", profile(limit=0.0, numberPhases=3)),
        ("ClearChargingProfile", {"chargingProfileId": 7}),
        ("ClearChargingProfile", {"id": 3001}),
        ("UpdateDynamicSchedule", {"chargingProfileId": 5, "scheduleUpdate": {"limit": 10.0}}),
        ("RequestStartTransaction", {"remoteStartId": 1}),
        ("SetVariables", variable("AuthCtrlr", "AuthorizeRemoteStart")),
        ("SetVariables", variable("OCPPCommCtrlr", "HeartbeatInterval")),
        ("ChangeConfiguration", {"key": "LightIntensity", "value": "50"}),
        ("SetNetworkProfile", network()),
        ("SetNetworkProfile", network(profile=3, url="wss://here/ocpp")),
        ("InstallCertificate", {"certificateType": "V2GRootCertificate", "certificate": "x"}),
        ("GetLog", log("https://logs.example.com/in/V1.zip")),
        ("GetDiagnostics", {"location": "https://logs.example.com/in"}),
        ("DataTransfer", {"vendorId": "acme"}),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_what_only_lowers_or_touches_no_limit_may_be_said(action, body):
    assert refusal(action, body, PLAIN) is None


@given(st.sampled_from(["OCPPCommCtrlr", "SampledDataCtrlr"]), st.data())
def test_no_spelling_gets_past_the_guard(component, data):
    def spelt(name):
        letters = [data.draw(st.sampled_from([c.upper(), c.lower()])) for c in name]
        spaces = data.draw(st.sampled_from(["", " ", "_", "\u200b", "-"]))
        return spaces.join(letters)

    body = variable(spelt(component), spelt("WebSocketPingInterval"))
    assert refusal("SetVariables", body, PLAIN) is not None


def test_a_hostile_call_never_reaches_the_charger(tmp_path):
    async def work(house):
        async with pole(house, "V1", "2.1") as one:
            before = len(one.asked("SetChargingProfile"))
            body = profile("TxDefaultProfile", limit=1e6)
            result = await calling(house, "V1", "SetChargingProfile", body)
            assert result.outcome is Outcome.REFUSED
            assert "LimitOutlet" in result.reason
            assert json.dumps(one.asked("SetChargingProfile")[before:]).count("1000000") == 0

    in_house(tmp_path, work)
