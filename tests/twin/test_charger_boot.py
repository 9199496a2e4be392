import asyncio
import itertools

import pytest

from tests.twin.places import lotus_hill
from tests.twin.scene import EVERY, START, V16, V21, Scene, play
from voltide.domain.messages import (
    Accepted,
    Boot,
    Booted,
    GetVariables,
    HeartBeaten,
    Moment,
    OutletReported,
    OutletState,
    Refused,
    Reset,
    SecurityTold,
    SetVariables,
    Variable,
)
from voltide.domain.site import ChargerId, OcppVersion
from voltide.twin.charger import ChargerTwin
from voltide.twin.line import keep_connected
from voltide.twin.wire import MemoryWire
from voltide.twin.world import SimClock, luck, run


@pytest.mark.ocpp("1.6 2.0.1 2.1", "BootNotification", "StatusNotification", "SecurityEventNotification", "Heartbeat")
@EVERY
def test_a_charger_says_who_it_is_and_how_its_outlets_are(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        assert isinstance(scene.depot.facts[0][1], Booted)
        outlets = [fact for fact in scene.told(OutletReported) if fact.evse > 0]
        assert [fact.state for fact in outlets] == [OutletState.AVAILABLE] * len(scene.twin.outlets)
        assert [fact.kind for fact in scene.told(SecurityTold)] == ["StartupOfTheDevice"]
        await scene.wait(70)
        assert scene.told(HeartBeaten)

    play(version, name, story)


@EVERY
def test_a_charger_that_is_not_accepted_tells_nothing_else_and_asks_again(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        scene.depot.verdict = Boot.PENDING
        scene.fault("link-lost")
        await scene.wait(5)
        scene.fault("link-lost", begins=False)
        await scene.wait(20)
        scene.depot.facts.clear()
        await scene.wait(130)
        assert len(scene.depot.facts) >= 2
        assert all(isinstance(fact, Booted) for _, fact in scene.depot.facts)
        scene.depot.verdict = Boot.ACCEPTED
        await scene.wait(70)
        assert scene.told(OutletReported)

    play(version, name, story)


@EVERY
def test_the_sample_interval_can_be_set_and_read(version: OcppVersion, name: str) -> None:
    place = ("", "MeterValueSampleInterval") if version is V16 else ("SampledDataCtrlr", "TxUpdatedInterval")

    async def story(scene: Scene) -> None:
        wanted = (Variable(component=place[0], name=place[1], value="30"),)
        assert isinstance(await scene.order(SetVariables(variables=wanted)), Accepted)
        assert isinstance(await scene.order(GetVariables(variables=wanted)), Accepted)
        data = "MeterValuesSampledData" if version is V16 else "TxUpdatedMeasurands"
        measurands = (Variable(component=place[0], name=data, value="SoC"),)
        assert isinstance(await scene.order(SetVariables(variables=measurands)), Accepted)
        absurd = (Variable(component=place[0], name=place[1], value="-5"),)
        assert isinstance(await scene.order(SetVariables(variables=absurd)), Refused)
        unknown = (Variable(component=place[0], name="Nonsense", value="1"),)
        assert isinstance(await scene.order(SetVariables(variables=unknown)), Refused)
        await scene.park()
        before = len(scene.events)
        await scene.wait(95)
        assert 3 <= len(scene.events) - before <= 5

    play(version, name, story)


@pytest.mark.ocpp("1.6 2.0.1 2.1", "Reset")
@EVERY
def test_a_reset_ends_the_stay_drops_the_line_and_boots_again(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        assert isinstance(await scene.order(Reset(immediate=True)), Accepted)
        await scene.wait(10)
        assert not scene.twin.online
        assert not scene.twin.usable(1)
        await scene.wait(40)
        assert scene.twin.online
        assert scene.twin.usable(1)
        assert scene.events[-1].moment is Moment.ENDED
        if version is not V16:
            assert scene.told(Booted)[-1].reason == "RemoteReset"

    play(version, name, story)


def test_a_reset_on_idle_waits_for_the_stay_to_end() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        assert isinstance(await scene.order(Reset()), Accepted)
        await scene.wait(30)
        assert scene.twin.online
        scene.twin.present(1)
        await scene.wait(10)
        assert not scene.twin.online

    play(V21, "V01", story)


def test_a_charger_comes_back_with_growing_patience() -> None:
    async def main(clock: SimClock) -> list[float]:
        station = lotus_hill()
        twin = ChargerTwin(station.charger_of[ChargerId("V01")], V21, clock, luck(1, "V01"))
        tries: list[float] = []

        async def nobody(_identity: str, _subprotocol: str) -> MemoryWire:
            tries.append(clock.monotonic())
            raise ConnectionRefusedError

        line = asyncio.ensure_future(keep_connected(twin, nobody))
        await asyncio.sleep(600)
        line.cancel()
        return tries

    tries = run(main, START)
    gaps = [later - earlier for earlier, later in itertools.pairwise(tries)]
    assert gaps[0] < 9
    assert max(gaps) > 30
    assert max(gaps) < 60
