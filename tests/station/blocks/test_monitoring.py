"""What a charger notices about itself: what is grave is an alarm until it is over, and a flood is bounded."""

import pytest

from tests.station.blocks.poles import alarms, in_house, now, pole, told
from tests.station.blocks.test_provisioning import report
from tests.station.house import until
from voltide.domain.messages import Variable
from voltide.domain.reports import Monitor
from voltide.station.blocks.ground import Keys
from voltide.station.blocks.monitoring import MOST_ALARMS, MOST_MONITORS, wanted


def event(number, variable="Problem", value="true", component="EVSE", **more):
    return {
        "eventId": number, "timestamp": now(), "trigger": "Alerting", "actualValue": value,
        "eventNotificationType": "CustomMonitor",
        "component": {"name": component, "evse": {"id": 1}}, "variable": {"name": variable}, **more,
    }  # fmt: skip


async def notice(one, *events):
    assert await one.call("NotifyEvent", {"generatedAt": now(), "seqNo": 0, "eventData": list(events)}) == {}


@pytest.mark.ocpp("2.0.1 2.1", "NotifyEvent")
@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_a_problem_is_an_alarm_until_the_charger_says_that_it_is_over(tmp_path, version):
    async def work(house):
        async with pole(house, "V1", version) as one:
            await notice(one, event(1, techCode="E42"))
            assert alarms(house, "charger-event") == ["V1 EVSE 1 Problem"]
            (alarm,) = [one for one in house.station.diary.alarms if one.code == "charger-event"]
            assert "E42" in alarm.detail
            await notice(one, event(2, cleared=True))
            assert alarms(house, "charger-event") == []
            await notice(one, event(3))
            await notice(one, event(4, value="false"))
            assert alarms(house, "charger-event") == []
            assert told(house, "event")["V1", "EVSE 1 Problem"]["id"] == 4

    in_house(tmp_path, work)


def test_the_severity_is_the_event_s_own_or_its_monitor_s(tmp_path):
    async def work(house):
        async with pole(house, "V1") as one:
            await notice(one, event(1, "Temperature", "91.5", severity=3), event(2, "Humidity", "99", severity=4))
            assert alarms(house, "charger-event") == ["V1 EVSE 1 Temperature"]
        async with pole(house, "N1", "2.0.1") as one:
            rule = {"id": 55, "transaction": False, "value": 9.0, "type": "UpperThreshold", "severity": 1}
            place = {"component": {"name": "EVSE"}, "variable": {"name": "Voltage"}, "variableMonitoring": [rule]}
            body = {"requestId": 1, "seqNo": 0, "generatedAt": now(), "monitor": [place]}
            assert await one.call("NotifyMonitoringReport", body) == {}
            await notice(one, event(1, "Voltage", "10", variableMonitoringId=55), event(2, "Current", "10"))
            assert "N1 EVSE 1 Voltage" in alarms(house, "charger-event")
            assert "N1 EVSE 1 Current" not in alarms(house, "charger-event")
            assert told(house, "monitor", Monitor)["N1", "55"].severity == 1

    in_house(tmp_path, work)


@pytest.mark.ocpp("2.0.1", "NotifyMonitoringReport")
def test_the_gravity_of_a_monitor_is_known_after_a_restart(tmp_path):
    test_the_severity_is_the_event_s_own_or_its_monitor_s(tmp_path)

    async def work(house):
        async with pole(house, "N1", "2.0.1") as one:
            await notice(one, event(3, "Voltage", "10", variableMonitoringId=55))
            assert alarms(house, "charger-event") == ["N1 EVSE 1 Voltage"]

    in_house(tmp_path, work)


def test_a_flood_of_odd_events_raises_no_more_alarms_than_a_person_can_read(tmp_path):
    async def work(house):
        async with pole(house, "V1") as one:
            for part in range(4):
                await notice(one, *(event(n, component=f"Odd{part}.{n}", severity=0) for n in range(20)))
            assert len(alarms(house, "charger-event")) == MOST_ALARMS

    in_house(tmp_path, work)


def test_so_many_names_at_most_are_kept_of_one_charger():
    keys = Keys(2)
    assert [keys.of("V1", name) for name in ("a", "b", "c", "a", "d")] == ["a", "b", "…", "a", "…"]
    assert keys.of("V2", "c") == "c"


@pytest.mark.ocpp("2.1", "SetVariableMonitoring")
def test_a_charger_that_has_told_its_device_model_is_given_monitors_once(tmp_path):
    async def work(house):
        async with pole(house, "V1") as one:
            data = [report("Problem", "false", evse={"id": 1}), report("Temperature", "20", "Cabinet")]
            body = {"requestId": 7, "generatedAt": now(), "seqNo": 0, "reportData": data}
            await one.call("NotifyReport", body)
        async with pole(house, "V1") as one:
            await until(lambda: one.asked("SetVariableMonitoring"))
            (body,) = one.asked("SetVariableMonitoring")
            rules = {(r["component"]["name"], r["variable"]["name"], r["type"]): r for r in body["setMonitoringData"]}
            assert set(rules) == {("EVSE", "Problem", "Delta"), ("Cabinet", "Temperature", "UpperThreshold")}
            assert rules["EVSE", "Problem", "Delta"]["severity"] == 2
            await until(lambda: told(house, "monitors-given"))
        async with pole(house, "V1") as one:
            await one.call("Heartbeat", {})
            await until(lambda: house.station.blocks._greeted.get("V1") and not house.station.blocks._due)
            await until(lambda: one.asked("SetVariables"))
            assert one.asked("SetVariableMonitoring") == []

    in_house(tmp_path, work)


def test_no_more_monitors_are_wanted_than_a_charger_has_room_for():
    model = tuple(Variable(component=f"C{n}", name="Problem", value="false") for n in range(100))
    assert len(wanted(model)) == MOST_MONITORS
    assert wanted((Variable(component="EVSE", name="Power", value="1"),)) == ()
