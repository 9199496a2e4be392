"""What a station asks from afar: to let go of a plug, to say how a transaction stands, to be told now (E14, F)."""

import pytest

from tests.twin.scene import EVERY, V16, V21, V201, Scene, play
from voltide.domain.messages import Json
from voltide.domain.site import OcppVersion
from voltide.domain.units import kw


@pytest.mark.ocpp("2.0.1 2.1", "UnlockConnector", "GetTransactionStatus")
@pytest.mark.parametrize(("version", "name"), [(V201, "V20"), (V21, "V01")])
def test_a_plug_is_released_only_when_nothing_is_authorised(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        for place, status in (((1, 1), "Unlocked"), ((1, 2), "UnknownConnector"), ((9, 1), "UnknownConnector")):
            evse, connector = place
            assert await scene.status("UnlockConnector", {"evseId": evse, "connectorId": connector}) == status
        await scene.park()
        running = scene.depot.guests[name].running[1]
        plug = {"evseId": 1, "connectorId": 1}
        assert await scene.status("UnlockConnector", plug) == "OngoingAuthorizedTransaction"
        asked = {"transactionId": running}
        assert await scene.call("GetTransactionStatus", asked) == {"messagesInQueue": False, "ongoingIndicator": True}
        scene.twin.unplug(1)
        await scene.wait(2)
        assert await scene.call("GetTransactionStatus", asked) == {"messagesInQueue": False, "ongoingIndicator": False}
        assert await scene.call("GetTransactionStatus", {}) == {"messagesInQueue": False}

    play(version, name, story)


@pytest.mark.ocpp("1.6", "UnlockConnector")
def test_in_1_6_what_runs_is_ended_before_the_plug_is_released() -> None:
    async def story(scene: Scene) -> None:
        assert await scene.status("UnlockConnector", {"connectorId": 9}) == "NotSupported"
        await scene.park()
        assert await scene.status("UnlockConnector", {"connectorId": 1}) == "Unlocked"
        await scene.wait(2)
        assert scene.said("StopTransaction")[-1]["reason"] == "UnlockCommand"

    play(V16, "F1", story)


@pytest.mark.ocpp("1.6 2.0.1 2.1", "MeterValues", "TriggerMessage")
@EVERY
def test_meter_values_are_told_when_they_are_asked_for(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        old = version is V16
        asked: Json = {"requestedMessage": "MeterValues"} | ({"connectorId": 1} if old else {"evse": {"id": 1}})
        assert await scene.status("TriggerMessage", asked) == "Accepted"
        await scene.wait(2)
        [idle] = scene.said("MeterValues")
        await scene.park()
        await scene.order(scene.setpoint(kw(36), 600.0))
        await scene.wait(20)
        scene.depot.heard.clear()
        await scene.call("TriggerMessage", asked)
        await scene.wait(1)
        [running] = scene.said("MeterValues")
        for body in (idle, running):
            assert body["connectorId" if old else "evseId"] == 1
            assert {value["context"] for value in body["meterValue"][0]["sampledValue"]} == {"Trigger"}
        powers = [power(body) for body in (idle, running)]
        assert powers == [0.0, pytest.approx(kw(36), rel=0.01)]

    play(version, name, story)


def power(body: Json) -> float:
    rows = [row for row in body["meterValue"][0]["sampledValue"] if row["measurand"] == "Power.Active.Import"]
    return float(rows[0]["value"])
