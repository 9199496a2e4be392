"""The device model, told and written (B05 to B08), and the keys of 1.6."""

import pytest

from tests.twin.scene import V16, V21, V201, Scene, play
from voltide.domain.messages import Json
from voltide.domain.site import OcppVersion

TWO = pytest.mark.parametrize(("version", "name"), [(V201, "V20"), (V21, "V01")])


def variable(component: str, name: str, **more: object) -> Json:
    evse = more.pop("evse", None)
    instance = more.pop("instance", None)
    place = {"name": component} | ({} if evse is None else {"evse": evse})
    return {"component": place, "variable": {"name": name} | ({"instance": instance} if instance else {})} | more


async def read(scene: Scene, component: str, name: str, **more: object) -> tuple[str, str | None]:
    answer = await scene.call("GetVariables", {"getVariableData": [variable(component, name, **more)]})
    [one] = answer["getVariableResult"]
    return one["attributeStatus"], one.get("attributeValue")


async def write(scene: Scene, component: str, name: str, value: str, **more: object) -> str:
    data = variable(component, name, attributeValue=value, **more)
    answer = await scene.call("SetVariables", {"setVariableData": [data]})
    return str(answer["setVariableResult"][0]["attributeStatus"])


async def report(scene: Scene, action: str, body: Json) -> list[Json]:
    scene.depot.heard.clear()
    assert await scene.status(action, {"requestId": 9} | body) == "Accepted"
    await scene.wait(3)
    parts = scene.said("NotifyReport")
    assert [part["seqNo"] for part in parts] == list(range(len(parts)))
    assert [part.get("tbc", False) for part in parts] == [True] * (len(parts) - 1) + [False]
    assert {part["requestId"] for part in parts} == {9}
    return [row for part in parts for row in part["reportData"]]


@pytest.mark.ocpp("2.0.1 2.1", "GetBaseReport", "NotifyReport")
@TWO
def test_the_full_inventory_tells_every_variable_of_every_outlet_with_its_bounds(
    version: OcppVersion, name: str
) -> None:
    async def story(scene: Scene) -> None:
        rows = await report(scene, "GetBaseReport", {"reportBase": "FullInventory"})
        assert len(rows) > 100
        places = [(str(row["component"]), str(row["variable"])) for row in rows]
        assert len(set(places)) == len(places)
        power = [row for row in rows if (row["component"]["name"], row["variable"]["name"]) == ("EVSE", "Power")]
        assert [row["component"]["evse"]["id"] for row in power] == [evse.number for evse in scene.twin.charger.evses]
        bounds = power[0]["variableCharacteristics"]
        assert (bounds["maxLimit"], bounds["minLimit"], bounds["unit"]) == (60_000.0, -60_000.0, "W")
        assert bounds["supportsMonitoring"] is True
        [secret] = [row for row in rows if row["variable"]["name"] == "BasicAuthPassword"]
        assert "value" not in secret["variableAttribute"][0]
        modes = [row for row in rows if row["variable"]["name"] == "SupportedOperationModes"]
        assert len(modes) == (1 if version is V21 else 0)

    play(version, name, story)


@pytest.mark.ocpp("2.1", "GetBaseReport")
def test_the_other_bases_tell_what_may_be_set_and_how_things_are() -> None:
    async def story(scene: Scene) -> None:
        rows = await report(scene, "GetBaseReport", {"reportBase": "ConfigurationInventory"})
        assert {row["variableAttribute"][0]["mutability"] for row in rows} == {"ReadWrite", "WriteOnly"}
        rows = await report(scene, "GetBaseReport", {"reportBase": "SummaryInventory"})
        assert {row["variable"]["name"] for row in rows} == {"AvailabilityState", "Problem"}

    play(V21, "V01", story)


@pytest.mark.ocpp("2.0.1 2.1", "GetReport")
@TWO
def test_a_report_tells_what_is_asked_for_and_nothing_when_there_is_none(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        wanted = [{"component": {"name": "EVSE"}, "variable": {"name": "Power"}}]
        rows = await report(scene, "GetReport", {"componentVariable": wanted})
        assert [row["component"]["evse"]["id"] for row in rows] == [evse.number for evse in scene.twin.charger.evses]
        one = [{"component": {"name": "EVSE", "evse": {"id": 1}}}]
        rows = await report(scene, "GetReport", {"componentVariable": one})
        assert len(rows) > 3
        assert {row["component"]["name"] for row in rows} == {"EVSE"}
        none = {"requestId": 4, "componentCriteria": ["Problem"]}
        assert await scene.status("GetReport", none) == "EmptyResultSet"
        scene.fault("faulted")
        rows = await report(scene, "GetReport", {"componentCriteria": ["Problem"]})
        assert {row["component"]["name"] for row in rows} == {"ChargingStation", "EVSE"}

    play(version, name, story)


@pytest.mark.ocpp("2.0.1 2.1", "GetVariables", "SetVariables")
@TWO
def test_each_variable_says_for_itself_what_became_of_it(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        comm = "OCPPCommCtrlr"
        assert await read(scene, comm, "HeartbeatInterval") == ("Accepted", "60")
        assert await read(scene, comm, "MessageTimeout", instance="Default") == ("Accepted", "30")
        assert (await read(scene, comm, "MessageTimeout"))[0] == "UnknownVariable"
        assert (await read(scene, "Toaster", "Crumbs"))[0] == "UnknownComponent"
        assert (await read(scene, comm, "HeartbeatInterval", attributeType="Target"))[0] == "NotSupportedAttributeType"
        assert (await read(scene, "SecurityCtrlr", "BasicAuthPassword"))[0] == "Rejected"
        assert (await read(scene, "EVSE", "Power", evse={"id": 7}))[0] == "UnknownVariable"
        assert await read(scene, "Connector", "ConnectorType", evse={"id": 1, "connectorId": 1}) == (
            "Accepted",
            "cGBT-DC",
        )
        assert await write(scene, comm, "HeartbeatInterval", "77") == "Accepted"
        assert await read(scene, comm, "HeartbeatInterval") == ("Accepted", "77")
        assert await write(scene, comm, "HeartbeatInterval", "0") == "Rejected"
        assert await write(scene, comm, "HeartbeatInterval", "soon") == "Rejected"
        assert await write(scene, comm, "QueueAllMessages", "yes") == "Rejected"
        assert await write(scene, "SampledDataCtrlr", "TxUpdatedMeasurands", "SoC,Horsepower") == "Rejected"
        assert await write(scene, "ClockCtrlr", "DateTime", "2026-01-01T00:00:00Z") == "Rejected"
        assert await write(scene, comm, "NetworkConfigurationPriority", "1,0") in {"RebootRequired", "Rejected"}

    play(version, name, story)


@pytest.mark.ocpp("2.1", "GetVariables")
def test_what_is_measured_is_told_as_it_is_now() -> None:
    async def story(scene: Scene) -> None:
        assert await read(scene, "EVSE", "AvailabilityState", evse={"id": 1}) == ("Accepted", "Available")
        await scene.park()
        await scene.wait(20)
        state, power = await read(scene, "EVSE", "Power", evse={"id": 1})
        assert state == "Accepted"
        assert float(power or 0) == pytest.approx(scene.power, abs=0.1)
        assert await read(scene, "EVSE", "AvailabilityState", evse={"id": 1}) == ("Accepted", "Occupied")

    play(V21, "V01", story)


@pytest.mark.ocpp("1.6", "GetConfiguration", "ChangeConfiguration")
def test_keys_of_1_6_are_read_written_and_unknown() -> None:
    async def story(scene: Scene) -> None:
        answer = await scene.call("GetConfiguration", {})
        keys = {row["key"]: row for row in answer["configurationKey"]}
        assert keys["NumberOfConnectors"] == {"key": "NumberOfConnectors", "readonly": True, "value": "2"}
        assert "value" not in keys["AuthorizationKey"]
        answer = await scene.call("GetConfiguration", {"key": ["heartbeatinterval", "Nonsense"]})
        assert [row["key"] for row in answer["configurationKey"]] == ["HeartbeatInterval"]
        assert answer["unknownKey"] == ["Nonsense"]
        change = {"key": "MeterValueSampleInterval", "value": "33"}
        assert await scene.status("ChangeConfiguration", change) == "Accepted"
        assert scene.twin.sample_s == 33.0
        assert await scene.status("ChangeConfiguration", change | {"value": "x"}) == "Rejected"
        assert await scene.status("ChangeConfiguration", {"key": "Nonsense", "value": "1"}) == "NotSupported"
        assert await scene.status("ChangeConfiguration", {"key": "NumberOfConnectors", "value": "9"}) == "Rejected"

    play(V16, "F1", story)
