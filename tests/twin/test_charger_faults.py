import asyncio

from tests.twin.places import lotus_hill
from tests.twin.scene import START, V21, Scene, play
from voltide.domain.messages import (
    Accepted,
    Moment,
    OutletReported,
    OutletState,
    Refused,
)
from voltide.domain.site import ChargerId
from voltide.domain.units import kw
from voltide.twin.charger import ChargerTwin
from voltide.twin.line import keep_connected
from voltide.twin.wire import MemoryWire
from voltide.twin.world import SimClock, luck, run


def test_a_half_open_line_is_noticed_and_replaced_and_nothing_is_lost_or_told_twice() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        await scene.wait(20)
        scene.fault("half-open")
        await scene.wait(120)
        assert scene.twin.online
        seqs = [event.seq_no for event in scene.events]
        assert sorted(set(seqs)) == list(range(len(set(seqs))))

    play(V21, "V01", story)


def test_a_deaf_charger_says_yes_and_changes_nothing() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        await scene.order(scene.setpoint(kw(40), 20.0))
        await scene.wait(10)
        scene.fault("deaf")
        assert isinstance(await scene.order(scene.setpoint(0.0)), Accepted)
        await scene.wait(60)
        assert scene.power == kw(40)

    play(V21, "V01", story)


def test_a_refusing_charger_refuses_and_a_late_one_is_late() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        scene.fault("refusing")
        assert isinstance(await scene.order(scene.setpoint(kw(9))), Refused)
        scene.fault("refusing", begins=False)
        scene.fault("late")
        began = scene.clock.monotonic()
        asked = asyncio.ensure_future(scene.order(scene.setpoint(kw(9))))
        await scene.wait(25)
        assert asked.done()
        assert isinstance(asked.result(), Accepted)
        assert scene.clock.monotonic() - began >= 20

    play(V21, "V01", story)


def test_a_frozen_meter_goes_on_showing_what_it_showed() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        await scene.wait(20)
        scene.fault("frozen-meter")
        await scene.wait(60)
        last = [event.samples[0].import_wh for event in scene.events if event.samples][-4:]
        assert len(set(last)) == 1
        assert scene.twin.outlets[0].import_wh > last[-1] + 50  # type: ignore[operator]

    play(V21, "V01", story)


def test_an_echoing_charger_tells_events_twice_and_out_of_order() -> None:
    async def story(scene: Scene) -> None:
        scene.fault("echoing")
        await scene.park()
        scene.fault("link-lost")
        await scene.wait(60)
        scene.fault("link-lost", begins=False)
        await scene.wait(60)
        seqs = [event.seq_no for event in scene.events]
        assert len(seqs) > len(set(seqs))
        assert seqs != sorted(seqs)  # type: ignore[type-var]

    play(V21, "V01", story)


def test_a_faulted_outlet_ends_its_stay_and_says_so_until_it_works_again() -> None:
    async def story(scene: Scene) -> None:
        visit = await scene.park()
        scene.fault("faulted")
        await scene.wait(3)
        assert visit.stopped
        assert scene.events[-1].moment is Moment.ENDED
        assert OutletState.FAULTED in {fact.state for fact in scene.told(OutletReported)[-2:]}
        assert not scene.twin.usable(1)
        scene.fault("faulted", begins=False)
        assert scene.twin.usable(1)

    play(V21, "V01", story)


def test_only_the_twin_s_own_line_breaks_when_its_charger_has_a_bug() -> None:
    async def main(clock: SimClock) -> tuple[list[str], int]:
        station = lotus_hill()
        twin = ChargerTwin(station.charger_of[ChargerId("V01")], V21, clock, luck(1, "V01"))
        calls = 0

        async def broken(_identity: str, _subprotocol: str) -> MemoryWire:
            nonlocal calls
            calls += 1
            raise ZeroDivisionError("a bug")

        line = asyncio.ensure_future(keep_connected(twin, broken))
        await asyncio.sleep(60)
        assert not line.done()
        line.cancel()
        return twin.crashes, calls

    crashes, calls = run(main, START)
    assert len(crashes) == calls
    assert 3 < calls < 30
