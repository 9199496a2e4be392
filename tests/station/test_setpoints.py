"""Setpoints that are refused are not asked for each second; what is counted as the worst stays counted."""

from tests.station.stage import START, Stage, small
from voltide.domain.site import EvseId
from voltide.twin import world

V01 = ("V01-1", "V01-2")


def played(refusing_from: int, until: int, seconds: int) -> tuple[Stage, list[int]]:
    refusals: list[int] = []

    async def story(clock: world.SimClock) -> Stage:
        stage = Stage(clock, small(import_w=240_000.0))
        charger = stage.twin.chargers[0]

        def refuse(*, now: bool) -> None:
            charger.troubles.refusing = now
            refusals.append(stage.station.crew.setpoints.refusals)

        await stage.play(
            small(import_w=240_000.0),
            seconds,
            {refusing_from: lambda: refuse(now=True), until: lambda: refuse(now=False)},
        )
        refusals.append(stage.station.crew.setpoints.refusals)
        return stage

    return world.run(story, START), refusals


def test_an_outlet_that_refuses_is_asked_ever_less_often_and_obeys_again_when_it_can():
    stage, (before, after, end) = played(5, 125, 260)
    assert before == 0
    assert 2 <= after - before <= 2 * 12  # two outlets, 120 s: 1, 2, 4, 8, 15, 30, 60 s apart, anew for each car
    assert end - after <= 2
    assert stage.twin.auditor.node_ticks_over == 0
    held = [stage.station.crew.setpoints.held(EvseId(name)) for name in V01]
    assert any(one.power_w is not None for one in held)
