"""Monitors, their events, streams, logs, and what is known of customers (N)."""

import pytest

from tests.twin.blocks.test_model import variable
from tests.twin.scene import V16, V21, V201, Scene, play
from voltide.domain.messages import Json
from voltide.domain.site import OcppVersion
from voltide.domain.units import kw
from voltide.twin.files import MemoryFiles

TWO = pytest.mark.parametrize(("version", "name"), [(V201, "V20"), (V21, "V01")])
EVSE = {"evse": {"id": 1}}


def rule(
    kind: str, value: float, severity: int = 4, component: str = "EVSE", name: str = "Power", **more: object
) -> Json:
    return variable(component, name, **EVSE) | {"type": kind, "value": value, "severity": severity} | more


async def watch(scene: Scene, *rules: Json) -> list[tuple[str, int | None]]:
    answer = await scene.call("SetVariableMonitoring", {"setMonitoringData": list(rules)})
    return [(row["status"], row.get("id")) for row in answer["setMonitoringResult"]]


def events(scene: Scene) -> list[Json]:
    return [event for body in scene.said("NotifyEvent") for event in body["eventData"]]


@pytest.mark.ocpp("2.0.1 2.1", "SetVariableMonitoring", "NotifyEvent")
@TWO
def test_a_threshold_raises_an_event_once_and_clears_it_once(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        assert await watch(scene, rule("UpperThreshold", kw(20))) == [("Accepted", 1)]
        await scene.park()
        await scene.order(scene.setpoint(kw(40), 600.0))
        await scene.wait(30)
        await scene.order(scene.setpoint(kw(10), 600.0))
        await scene.wait(30)
        first, last = events(scene)
        assert (first["trigger"], first["variableMonitoringId"]) == ("Alerting", 1)
        assert first["cleared"] is False
        assert (last["cleared"], last["cause"]) == (True, first["eventId"])
        assert float(first["actualValue"]) > kw(20) >= float(last["actualValue"])
        assert first["component"] == {"name": "EVSE", "evse": {"id": 1}}
        assert first["transactionId"] == scene.depot.guests[name].running[1]
        assert first["eventNotificationType"] == "CustomMonitor"
        assert first.get("severity") == (4 if version is V21 else None)

    play(version, name, story)


@TWO
def test_deltas_and_periods_are_told_as_they_come(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        state = variable("Connector", "AvailabilityState", evse={"id": 1, "connectorId": 1})
        rules = (
            rule("Delta", kw(15)),
            rule("Periodic", 20),
            rule("PeriodicClockAligned", 60, severity=7, component="TemperatureSensor", name="Temperature"),
            state | {"type": "Delta", "value": 1.0, "severity": 5},
        )
        assert [status for status, _ in await watch(scene, *rules)] == ["Accepted"] * 4
        await scene.park()
        await scene.order(scene.setpoint(kw(40), 600.0))
        await scene.wait(115)
        told = events(scene)
        assert len([one for one in told if one["variableMonitoringId"] == 2]) == 6
        deltas = [float(one["actualValue"]) for one in told if one["variableMonitoringId"] == 1]
        assert len(deltas) == 2
        assert [one["actualValue"] for one in told if one["variableMonitoringId"] == 4] == ["Occupied"]
        clocked = [one["timestamp"] for one in told if one["variableMonitoringId"] == 3]
        assert [stamp[17:19] for stamp in clocked] == ["00", "00"]
        assert len({one["eventId"] for one in told}) == len(told)

    play(version, name, story)


BAD = [
    (rule("UpperThreshold", kw(70)), "Rejected"),
    (rule("Delta", 0.0), "Rejected"),
    (rule("Periodic", 10, severity=10), "Rejected"),
    (rule("UpperThreshold", 1.0, name="SupplyPhases"), "UnsupportedMonitorType"),
    (rule("UpperThreshold", 1.0, name="Colour"), "UnknownVariable"),
    (rule("UpperThreshold", 1.0, component="Toaster"), "UnknownComponent"),
    (rule("UpperThreshold", 1.0, id=77), "Rejected"),
]


@pytest.mark.parametrize(("asked", "status"), BAD)
@TWO
def test_a_rule_that_does_not_fit_is_refused_with_its_word(
    version: OcppVersion, name: str, asked: Json, status: str
) -> None:
    async def story(scene: Scene) -> None:
        assert [one for one, _ in await watch(scene, asked)] == [status]
        assert await scene.status("GetMonitoringReport", {"requestId": 1}) == "EmptyResultSet"

    play(version, name, story)


@pytest.mark.ocpp("2.0.1 2.1", "GetMonitoringReport", "NotifyMonitoringReport", "ClearVariableMonitoring")
@TWO
def test_rules_are_told_replaced_and_cleared(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        await watch(scene, rule("UpperThreshold", kw(20)), rule("Delta", kw(5)), rule("Periodic", 60))
        assert await watch(scene, rule("UpperThreshold", kw(9))) == [("Duplicate", None)]
        assert await watch(scene, rule("UpperThreshold", kw(9), id=1)) == [("Accepted", 1)]
        assert await watch(scene, rule("UpperThreshold", kw(9), name="Voltage", id=1)) == [("Rejected", 1)]
        report = {"requestId": 5, "monitoringCriteria": ["ThresholdMonitoring", "PeriodicMonitoring"]}
        assert await scene.status("GetMonitoringReport", report) == "Accepted"
        await scene.wait(2)
        [told] = scene.said("NotifyMonitoringReport")
        rules = [row["variableMonitoring"][0] for row in told["monitor"]]
        assert [(one["id"], one["type"], one["value"]) for one in rules] == [
            (3, "Periodic", 60),
            (1, "UpperThreshold", kw(9)),
        ]
        answer = await scene.call("ClearVariableMonitoring", {"id": [1, 9]})
        assert answer["clearMonitoringResult"] == [{"id": 1, "status": "Accepted"}, {"id": 9, "status": "NotFound"}]

    play(version, name, story)


@pytest.mark.ocpp("2.0.1 2.1", "SetMonitoringBase", "SetMonitoringLevel")
@TWO
def test_the_base_and_the_level_decide_what_is_heard(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        await watch(scene, rule("Periodic", 10, severity=6), rule("Periodic", 10, severity=2))
        assert await scene.status("SetMonitoringLevel", {"severity": 10}) == "Rejected"
        assert await scene.status("SetMonitoringLevel", {"severity": 3}) == "Accepted"
        await scene.wait(35)
        assert {one["variableMonitoringId"] for one in events(scene)} == {2}
        assert await scene.status("SetMonitoringBase", {"monitoringBase": "All"}) == "Accepted"
        await scene.status("GetMonitoringReport", {"requestId": 5})
        await scene.wait(2)
        assert len(scene.said("NotifyMonitoringReport")[0]["monitor"]) == 2 + len(scene.twin.bays)
        assert await scene.status("SetMonitoringBase", {"monitoringBase": "HardWiredOnly"}) == "Accepted"
        assert await scene.status("GetMonitoringReport", {"requestId": 6}) == "EmptyResultSet"

    play(version, name, story)


def test_grave_events_outlive_a_lost_line_and_mild_ones_do_not() -> None:
    async def story(scene: Scene) -> None:
        await watch(scene, rule("Periodic", 10, severity=6), rule("Periodic", 10, severity=2))
        scene.depot.heard.clear()
        scene.fault("link-lost")
        await scene.wait(60)
        scene.fault("link-lost", begins=False)
        await scene.wait(45)
        offline = [one for one in events(scene) if one["severity"] == 2]
        assert len(offline) >= 9
        assert len([one for one in events(scene) if one["severity"] == 6]) < len(offline)

    play(V21, "V01", story)


@pytest.mark.ocpp("2.1", "OpenPeriodicEventStream", "NotifyPeriodicEventStream", "ClosePeriodicEventStream")
@pytest.mark.ocpp("2.1", "AdjustPeriodicEventStream", "GetPeriodicEventStream")
def test_a_stream_is_opened_filled_adjusted_told_and_closed() -> None:
    async def story(scene: Scene) -> None:
        scene.depot.answers["OpenPeriodicEventStream"] = {"status": "Accepted"}
        params = {"interval": 10, "values": 100}
        await watch(scene, rule("Periodic", 1, periodicEventStream=params), rule("Delta", kw(1)))
        await scene.park()
        await scene.wait(36)
        [opened] = scene.said("OpenPeriodicEventStream")
        assert opened["constantStreamData"] == {"id": 1, "params": params, "variableMonitoringId": 1}
        parts = scene.said("NotifyPeriodicEventStream")
        assert [len(part["data"]) for part in parts[1:]] == [10] * (len(parts) - 1)
        assert [point["t"] for point in parts[1]["data"]] == [float(second) for second in range(10)]
        assert {part["pending"] for part in parts} == {0}
        assert {one["variableMonitoringId"] for one in events(scene)} == {2}
        answer = await scene.call("GetPeriodicEventStream", {})
        assert answer["constantStreamData"] == [opened["constantStreamData"]]
        adjust = {"id": 1, "params": {"values": 4}}
        assert await scene.status("AdjustPeriodicEventStream", adjust | {"id": 3}) == "Rejected"
        assert await scene.status("AdjustPeriodicEventStream", adjust) == "Accepted"
        await scene.wait(6)
        scene.depot.heard.clear()
        await scene.wait(20)
        assert {len(part["data"]) for part in scene.said("NotifyPeriodicEventStream")} == {4}
        await scene.call("ClearVariableMonitoring", {"id": [1]})
        await scene.wait(2)
        assert scene.said("ClosePeriodicEventStream") == [{"id": 1}]
        assert "constantStreamData" not in await scene.call("GetPeriodicEventStream", {})

    play(V21, "V01", story)


def test_what_the_station_does_not_want_as_a_stream_comes_as_events() -> None:
    async def story(scene: Scene) -> None:
        scene.depot.answers["OpenPeriodicEventStream"] = {"status": "Rejected"}
        await watch(scene, rule("Periodic", 5, periodicEventStream={"interval": 10}))
        await scene.wait(21)
        assert scene.said("NotifyPeriodicEventStream") == []
        assert len(events(scene)) == 4

    play(V21, "V01", story)


# --- logs ---


def log(version: OcppVersion, number: int, where: str) -> Json:
    del version
    return {"logType": "SecurityLog", "requestId": number, "log": {"remoteLocation": where}}


ALL = pytest.mark.parametrize(("version", "name"), [(V16, "F1"), (V201, "V20"), (V21, "V01")])


@pytest.mark.ocpp("1.6 2.0.1 2.1", "GetLog", "LogStatusNotification")
@ALL
def test_a_log_is_uploaded_or_it_is_said_why_not(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        scene.twin.files = files = MemoryFiles({"http://logs.example.com/here": b""})
        answer = await scene.call("GetLog", log(version, 3, "http://logs.example.com/here"))
        assert answer["status"] == "Accepted"
        assert answer["filename"].startswith(f"{name}-SecurityLog")
        await scene.call("GetLog", log(version, 4, "http://logs.example.com/nowhere"))
        await scene.call("GetLog", log(version, 5, "gopher://logs.example.com/here"))
        await scene.wait(3)
        told = [(one["requestId"], one["status"]) for one in scene.said("LogStatusNotification")]
        assert told == [
            (3, "Uploading"),
            (3, "Uploaded"),
            (4, "Uploading"),
            (4, "UploadFailure"),
            (5, "NotSupportedOperation"),
        ]
        assert name.encode() in files.files["http://logs.example.com/here"]
        trigger = "ExtendedTriggerMessage" if version is V16 else "TriggerMessage"
        assert await scene.status(trigger, {"requestedMessage": "LogStatusNotification"}) == "Accepted"
        await scene.wait(2)
        assert scene.said("LogStatusNotification")[-1] == {"status": "Idle"}

    play(version, name, story)


@pytest.mark.ocpp("1.6", "GetDiagnostics", "DiagnosticsStatusNotification")
def test_diagnostics_of_1_6_are_uploaded_too() -> None:
    async def story(scene: Scene) -> None:
        answer = await scene.call("GetDiagnostics", {"location": "http://logs.example.com/"})
        assert answer["fileName"].startswith("F1-DiagnosticsLog")
        await scene.wait(2)
        assert [one["status"] for one in scene.said("DiagnosticsStatusNotification")] == ["Uploading", "Uploaded"]
        await scene.status("TriggerMessage", {"requestedMessage": "DiagnosticsStatusNotification"})
        await scene.wait(2)
        assert scene.said("DiagnosticsStatusNotification")[-1] == {"status": "Idle"}

    play(V16, "F1", story)


@pytest.mark.ocpp("2.0.1 2.1", "CustomerInformation", "NotifyCustomerInformation")
@TWO
def test_what_is_known_of_a_customer_is_told_and_forgotten(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        who = {"idToken": {"idToken": "DRV0000007", "type": "ISO14443"}}
        ask = {"requestId": 4, "report": True, "clear": True} | who
        assert await scene.status("CustomerInformation", ask) == "Accepted"
        await scene.wait(2)
        [told] = scene.said("NotifyCustomerInformation")
        assert "DRV0000007" in told["data"]
        assert (told["requestId"], told["seqNo"]) == (4, 0)
        scene.twin.present(1)
        await scene.wait(2)
        scene.depot.answers["TransactionEvent"] = {}
        assert await scene.status("CustomerInformation", ask | {"report": False, "clear": False}) == "Rejected"
        assert await scene.status("CustomerInformation", ask | {"customerIdentifier": "me"}) == "Invalid"
        stranger = {"idToken": {"idToken": "NOBODY", "type": "ISO14443"}}
        assert await scene.status("CustomerInformation", ask | stranger) == "Accepted"
        await scene.wait(2)
        assert scene.said("NotifyCustomerInformation")[-1]["data"] == ""

    play(version, name, story)
