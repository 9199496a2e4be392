"""Boots that are not accepted, restarts of every kind, network profiles and passwords (A01, A05, B)."""

import asyncio
from collections.abc import Callable

import pytest

from tests.twin.blocks.authority import Authority, pem
from tests.twin.blocks.test_certificates import ask, give, install
from tests.twin.blocks.test_model import read, write
from tests.twin.depot import Depot
from tests.twin.places import lotus_hill
from tests.twin.scene import EVERY, START, V16, V21, V201, Scene, play
from voltide.domain.messages import Boot, Json, Moment
from voltide.domain.site import ChargerId, OcppVersion
from voltide.twin.charger import ChargerTwin
from voltide.twin.line import keep_connected
from voltide.twin.network import Address
from voltide.twin.wire import Wire
from voltide.twin.world import SimClock, luck, run

TWO = pytest.mark.parametrize(("version", "name"), [(V201, "V20"), (V21, "V01")])


async def again(scene: Scene, verdict: Boot) -> None:
    """Have it boot anew, with this answer."""
    scene.depot.verdict = verdict
    scene.fault("link-lost")
    await scene.wait(5)
    scene.fault("link-lost", begins=False)
    await scene.wait(20)
    scene.depot.heard.clear()


@pytest.mark.ocpp("1.6 2.0.1 2.1", "BootNotification")
@EVERY
def test_while_its_boot_is_pending_a_charger_is_configured_and_starts_nothing(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        await again(scene, Boot.PENDING)
        old = version is V16
        if old:
            change = {"key": "MeterValueSampleInterval", "value": "20"}
            assert await scene.status("ChangeConfiguration", change) == "Accepted"
            start: Json = {"idTag": "X", "connectorId": 1}
        else:
            assert await write(scene, "SampledDataCtrlr", "TxUpdatedInterval", "20") == "Accepted"
            assert await scene.status("GetBaseReport", {"requestId": 1, "reportBase": "SummaryInventory"}) == "Accepted"
            await scene.wait(2)
            assert len(scene.said("NotifyReport")) == 1
            start = {"evseId": 1, "remoteStartId": 1, "idToken": {"idToken": "X", "type": "Central"}}
        await scene.plug()
        action = "RemoteStartTransaction" if old else "RequestStartTransaction"
        assert await scene.status(action, start) == "Rejected"
        await scene.wait(20)
        assert {heard for heard, _ in scene.depot.heard} <= {"BootNotification", "NotifyReport"}
        asked = {"requestedMessage": "BootNotification"}
        scene.depot.verdict = Boot.ACCEPTED
        assert await scene.status("TriggerMessage", asked) == "Accepted"
        await scene.wait(3)
        assert scene.twin.online

    play(version, name, story)


@EVERY
def test_a_rejected_charger_answers_nobody(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        await again(scene, Boot.REJECTED)
        answer = await scene.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
        assert answer == {"error": "SecurityError"}

    play(version, name, story)


@pytest.mark.ocpp("2.0.1 2.1", "Reset")
@TWO
def test_one_outlet_is_reset_alone_at_once_or_when_its_stay_is_over(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        assert await scene.status("Reset", {"type": "OnIdle", "evseId": 1}) == "Scheduled"
        await scene.wait(10)
        assert scene.twin.bays[1].transaction is not None
        assert await scene.status("Reset", {"type": "Immediate", "evseId": 1}) == "Accepted"
        await scene.wait(5)
        assert scene.twin.online
        assert scene.events[-1].stopped_reason == "ImmediateReset"
        assert await scene.status("Reset", {"type": "Immediate", "evseId": 9}) == "Rejected"

    play(version, name, story)


@pytest.mark.ocpp("2.1", "Reset", "TransactionEvent")
def test_a_stay_goes_on_after_a_restart_that_is_to_resume_it() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        await scene.wait(20)
        assert scene.power > 0
        running = scene.twin.bays[1].transaction
        assert await scene.status("Reset", {"type": "ImmediateAndResume"}) == "Accepted"
        await scene.wait(5)
        assert scene.power == 0.0
        await scene.wait(60)
        assert scene.twin.bays[1].transaction == running
        assert scene.power > 0
        assert "TxResumed" in {event.trigger for event in scene.events}
        assert Moment.ENDED not in {event.moment for event in scene.events}
        seqs = [event.seq_no for event in scene.events]
        assert seqs == list(range(len(seqs)))

    play(V21, "V01", story)


@pytest.mark.ocpp("1.6", "Reset", "StopTransaction")
def test_a_soft_reset_of_1_6_tells_its_own_reason() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        assert await scene.status("Reset", {"type": "Soft"}) == "Accepted"
        await scene.wait(60)
        assert {one["reason"] for one in scene.said("StopTransaction")} == {"SoftReset"}

    play(V16, "F1", story)


@EVERY
def test_what_was_not_told_before_a_restart_is_told_after_it_in_order(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        scene.fault("link-lost")
        await scene.wait(40)
        assert scene.twin.queued >= 3
        scene.twin.present(1)
        scene.twin.unplug(1)
        kept = scene.twin.queued
        scene.fault("link-lost", begins=False)
        await scene.wait(60)
        assert scene.twin.queued == 0
        assert len(scene.events) >= kept
        assert [event.at for event in scene.events] == sorted(event.at for event in scene.events)

    play(version, name, story)


def test_an_event_that_the_station_cannot_take_is_told_again_later_and_given_up_in_the_end() -> None:
    async def story(scene: Scene) -> None:
        assert await write(scene, "OCPPCommCtrlr", "MessageAttempts", "3", instance="TransactionEvent") == "Accepted"
        interval = await write(scene, "OCPPCommCtrlr", "MessageAttemptInterval", "10", instance="TransactionEvent")
        assert interval == "Accepted"
        refusing = scene.depot.refusing = {"TransactionEvent"}
        await scene.plug()
        began = scene.clock.monotonic()
        told: list[float] = []
        for _ in range(60):
            await scene.wait(1)
            told += [scene.clock.monotonic() - began] * (len(scene.said("TransactionEvent")) - len(told))
        first = [one["seqNo"] for one in scene.said("TransactionEvent")]
        assert first[:3] == [0, 0, 0]
        assert told[1] - told[0] >= 7
        assert told[2] - told[1] >= 17
        refusing.clear()
        await scene.wait(40)
        assert scene.twin.queued == 0
        assert scene.said("TransactionEvent")[-1]["seqNo"] > 0

    play(V21, "V01", story)


# --- network profiles ---


class Town:
    """Two stations, one charger, and a way to dial either."""

    def __init__(self, version: OcppVersion, clock: SimClock) -> None:
        station = lotus_hill()
        name = "V20" if version is V201 else "V01"
        self.depots = {url: Depot(station, lambda _: version, clock) for url in ("ws://old/", "ws://new/")}
        self.twin = ChargerTwin(station.charger_of[ChargerId(name)], version, clock, luck(1, name))
        self.scene = Scene(self.depots["ws://old/"], self.twin, clock)
        self.dialled: list[Address] = []
        self.closed: set[str] = set()

    async def dial(self, address: Address) -> Wire:
        self.dialled.append(address)
        url = address.url or "ws://old/"
        if url in self.closed:
            raise ConnectionRefusedError
        return await self.depots[url].connect(address.identity, address.subprotocol)


def travel(version: OcppVersion, story: Callable[[Town], object]) -> None:
    async def main(clock: SimClock) -> None:
        town = Town(version, clock)
        line = asyncio.ensure_future(keep_connected(town.twin, town.depots["ws://old/"].connect, town.dial))
        await town.scene.wait(3)
        await story(town)  # type: ignore[misc]
        line.cancel()
        assert not town.twin.crashes, town.twin.crashes

    run(main, START)


def slot(number: int, url: str, profile: int = 1, **more: object) -> Json:
    data = {
        "ocppVersion": "OCPP20",
        "ocppInterface": "Wired0",
        "ocppTransport": "JSON",
        "messageTimeout": 30,
        "ocppCsmsUrl": url,
        "securityProfile": profile,
    }
    return {"configurationSlot": number, "connectionData": data | more}


@pytest.mark.ocpp("2.0.1 2.1", "SetNetworkProfile")
@pytest.mark.parametrize("version", [V201, V21])
def test_a_charger_moves_to_another_station_at_its_restart_and_back_when_nobody_is_there(version: OcppVersion) -> None:
    async def story(town: Town) -> None:
        scene = town.scene
        assert await scene.status("SetNetworkProfile", slot(7, "ws://new/")) == "Rejected"
        assert await scene.status("SetNetworkProfile", slot(0, "ws://new/")) == "Rejected"
        priority = ("OCPPCommCtrlr", "NetworkConfigurationPriority")
        assert await write(scene, *priority, "1,0") == "Rejected"
        assert await scene.status("SetNetworkProfile", slot(1, "ws://new/")) == "Accepted"
        assert await write(scene, *priority, "1,0") == "RebootRequired"
        assert await read(scene, "OCPPCommCtrlr", "ActiveNetworkProfile") == ("Accepted", "0")
        await scene.wait(30)
        assert town.depots["ws://new/"].heard == []
        assert await scene.status("Reset", {"type": "Immediate"}) == "Accepted"
        await scene.wait(40)
        new = Scene(town.depots["ws://new/"], town.twin, scene.clock)
        assert new.said("BootNotification")
        assert await read(new, "OCPPCommCtrlr", "ActiveNetworkProfile") == ("Accepted", "1")
        assert await read(new, "SecurityCtrlr", "SecurityProfile") == ("Accepted", "1")
        assert await new.status("SetNetworkProfile", slot(2, "ws://old/", profile=0)) == "Rejected"
        town.closed.add("ws://new/")
        town.twin.hanging = True
        scene.depot.heard.clear()
        await scene.wait(120)
        assert scene.said("BootNotification")
        assert town.twin.online

    travel(version, story)


def test_a_higher_security_profile_needs_its_keys_first() -> None:
    async def story(town: Town) -> None:
        scene, authority = town.scene, Authority()
        priority = ("OCPPCommCtrlr", "NetworkConfigurationPriority")
        assert await scene.status("SetNetworkProfile", slot(1, "ws://new/", profile=3)) == "Accepted"
        assert await write(scene, *priority, "1,0") == "Rejected"
        assert await install(scene, pem(authority.root)) == "Accepted"
        assert await write(scene, *priority, "1,0") == "Rejected"
        asked = await ask(scene)
        assert await give(scene, authority.sign(asked["csr"]), asked) == "Accepted"
        assert await write(scene, *priority, "1,0") == "RebootRequired"
        await scene.status("Reset", {"type": "Immediate"})
        await scene.wait(40)
        assert town.dialled[-1].profile == 3
        assert town.dialled[-1].vault.own

    travel(V21, story)


@pytest.mark.ocpp("2.1", "SetVariables", "SecurityEventNotification")
def test_a_new_password_is_in_force_at_the_next_dialling_at_once() -> None:
    async def story(town: Town) -> None:
        scene, secret = town.scene, "a password of 24 letters"
        place = ("SecurityCtrlr", "BasicAuthPassword")
        assert town.dialled[-1].password is None
        assert await write(scene, *place, "too short") == "Rejected"
        assert await write(scene, *place, secret) == "Accepted"
        await scene.wait(15)
        assert town.twin.online
        assert town.dialled[-1].password == secret
        assert (await read(scene, *place))[1] is None
        told = [one["type"] for one in scene.said("SecurityEventNotification")]
        assert "ReconfigurationOfSecurityParameters" in told

    travel(V21, story)


@pytest.mark.ocpp("1.6", "ChangeConfiguration")
def test_a_1_6_charger_takes_a_key_and_a_higher_profile_and_never_a_lower_one() -> None:
    async def story(scene: Scene) -> None:
        async def change(key: str, value: str) -> str:
            return await scene.status("ChangeConfiguration", {"key": key, "value": value})

        assert await change("AuthorizationKey", "0123456789abcdef0123") == "Accepted"
        assert scene.twin.network.password == "0123456789abcdef0123"
        await scene.wait(15)
        assert await change("SecurityProfile", "2") == "Rejected"
        assert await install(scene, pem(Authority().root)) == "Accepted"
        assert await change("SecurityProfile", "2") == "Accepted"
        await scene.wait(15)
        assert scene.twin.network.slot.profile == 2
        assert await change("SecurityProfile", "1") == "Rejected"

    play(V16, "F1", story)
