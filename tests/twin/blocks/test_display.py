"""Texts on a charger's display: which stand, which are seen, and which are refused (O)."""

from datetime import timedelta

import pytest

from tests.twin.blocks.test_model import read, write
from tests.twin.scene import V21, V201, Scene, play
from voltide.domain.messages import Json
from voltide.domain.site import OcppVersion
from voltide.domain.time import stamp
from voltide.domain.units import kw
from voltide.twin.blocks.display import MOST, Display

TWO = pytest.mark.parametrize(("version", "name"), [(V201, "V20"), (V21, "V01")])


def text(number: int = 1, words: str = "0.96 yuan", priority: str = "NormalCycle", **more: object) -> Json:
    return {"id": number, "priority": priority, "message": {"format": "UTF8", "content": words}} | more


async def show(scene: Scene, number: int = 1, words: str = "0.96 yuan", **more: object) -> str:
    return await scene.status("SetDisplayMessage", {"message": text(number, words, **more)})  # type: ignore[arg-type]


async def listed(scene: Scene, **criteria: object) -> list[int] | None:
    """The ids of what it says that it has; None: nothing like that."""
    scene.depot.heard.clear()
    status = await scene.status("GetDisplayMessages", {"requestId": 9} | criteria)
    await scene.wait(3)
    parts = scene.said("NotifyDisplayMessages")
    assert [part["tbc"] for part in parts] == [True] * (len(parts) - 1) + [False] * bool(parts)
    assert {part["requestId"] for part in parts} <= {9}
    assert (status == "Unknown") == (not parts)
    return [one["id"] for part in parts for one in part["messageInfo"]] or None


def seen(scene: Scene, evse: int = 1) -> list[str]:
    return scene.twin.part(Display).shown(evse)


def after(scene: Scene, seconds: float) -> str:
    return stamp(scene.clock.now() + timedelta(seconds=seconds))


@pytest.mark.ocpp("2.0.1 2.1", "SetDisplayMessage", "GetDisplayMessages", "ClearDisplayMessage")
@pytest.mark.ocpp("2.0.1 2.1", "NotifyDisplayMessages")
@TWO
def test_texts_stand_are_told_part_by_part_replaced_by_their_id_and_cleared(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        assert await listed(scene) is None
        for number in range(1, 8):
            assert await show(scene, number, f"text {number}") == "Accepted"
        assert await listed(scene) == [1, 2, 3, 4, 5, 6, 7]
        assert len(scene.said("NotifyDisplayMessages")) == 2
        assert scene.said("NotifyDisplayMessages")[0]["messageInfo"][0] == text(1, "text 1")
        assert await show(scene, 3, "new words") == "Accepted"
        assert sorted(seen(scene)) == ["new words", *(f"text {number}" for number in (1, 2, 4, 5, 6, 7))]
        assert await scene.status("ClearDisplayMessage", {"id": 3}) == "Accepted"
        assert await scene.status("ClearDisplayMessage", {"id": 3}) == "Unknown"
        assert await listed(scene) == [1, 2, 4, 5, 6, 7]
        assert "new words" not in seen(scene)

    play(version, name, story)


@TWO
def test_what_is_asked_for_is_told_and_nothing_else(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        await show(scene, 1, priority="InFront")
        await show(scene, 2, state="Charging")
        await show(scene, 3, priority="InFront", state="Charging")
        assert await listed(scene, priority="InFront") == [1, 3]
        assert await listed(scene, state="Charging") == [2, 3]
        assert await listed(scene, priority="InFront", state="Charging", id=[2, 3, 99]) == [3]
        assert await listed(scene, id=[99]) is None
        assert await listed(scene, priority="AlwaysFront") is None

    play(version, name, story)


REFUSED = {
    "an unsupported format": ({"message": {"format": "HTML", "content": "<b>"}}, "NotSupportedMessageFormat"),
    "an unsupported priority": ({"priority": "AlwaysFront"}, "NotSupportedPriority"),
    "an unknown transaction": ({"transactionId": "nobody"}, "UnknownTransaction"),
    "a time that is over": ({"endDateTime": "2025-03-27T00:00:00Z"}, "Rejected"),
    "an end before its start": (
        {"startDateTime": "2025-05-02T00:00:00Z", "endDateTime": "2025-05-01T00:00:00Z"},
        "Rejected",
    ),
    "the display of no outlet": ({"display": {"name": "Display", "evse": {"id": 7}}}, "Rejected"),
    "no display": ({"display": {"name": "Toaster"}}, "Rejected"),
}


@pytest.mark.parametrize("case", REFUSED)
@TWO
def test_what_the_display_cannot_show_is_refused_with_its_word(version: OcppVersion, name: str, case: str) -> None:
    async def story(scene: Scene) -> None:
        flaw, status = REFUSED[case]
        scene.twin.variables.put(("DisplayMessageCtrlr", "SupportedPriorities", ""), "InFront,NormalCycle")
        body = {"message": text(5) | flaw}
        assert await scene.status("SetDisplayMessage", body) == status
        assert await listed(scene) is None
        assert await show(scene, 5) == "Accepted"
        assert await scene.status("SetDisplayMessage", body) == status
        assert seen(scene) == ["0.96 yuan"]

    play(version, name, story)


def test_2_1_knows_more_states_and_languages_than_a_display_may_have() -> None:
    async def story(scene: Scene) -> None:
        scene.twin.variables.put(("DisplayMessageCtrlr", "SupportedStates", ""), "Charging,Idle")
        assert await show(scene, state="Discharging") == "NotSupportedState"
        for language, status in (("fr", "LanguageNotSupported"), ("EN-gb", "Accepted"), ("zh", "Accepted")):
            body = text() | {"message": {"format": "UTF8", "content": "x", "language": language}}
            assert await scene.status("SetDisplayMessage", {"message": body}) == status
        extra = [{"format": "UTF8", "content": "prix", "language": "fr"}]
        assert await show(scene, messageExtra=extra) == "LanguageNotSupported"
        extra[0] |= {"format": "QRCODE", "language": "en"}
        assert await show(scene, messageExtra=extra) == "NotSupportedMessageFormat"

    play(V21, "V01", story)


@TWO
def test_the_display_has_room_for_so_many_and_what_has_ended_makes_room(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        until = after(scene, 60)
        assert await show(scene, 0, endDateTime=until) == "Accepted"
        for number in range(1, MOST):
            assert await show(scene, number) == "Accepted"
        assert await read(scene, "DisplayMessageCtrlr", "DisplayMessages") == ("Accepted", str(MOST))
        assert await show(scene, MOST) == "Rejected"
        assert await show(scene, MOST - 1, "other words") == "Accepted"
        await scene.wait(70)
        assert await read(scene, "DisplayMessageCtrlr", "DisplayMessages") == ("Accepted", str(MOST - 1))
        assert await scene.status("ClearDisplayMessage", {"id": 0}) == "Unknown"
        assert await show(scene, MOST) == "Accepted"

    play(version, name, story)


@TWO
def test_a_text_is_seen_from_its_start_until_its_end_and_is_gone_then(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        await show(scene, 1, startDateTime=after(scene, 60), endDateTime=after(scene, 120))
        await scene.wait(50)
        assert (seen(scene), await listed(scene)) == ([], [1])
        await scene.wait(30)
        assert seen(scene) == ["0.96 yuan"]
        await scene.wait(60)
        assert (seen(scene), await listed(scene)) == ([], None)

    play(version, name, story)


@TWO
def test_a_text_for_a_transaction_is_seen_there_and_gone_with_it(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        [running] = scene.depot.guests[name].running.values()
        await show(scene, 1, "your stay", transactionId=running)
        await show(scene, 2, "for all")
        assert seen(scene) == ["your stay", "for all"]
        if 2 in scene.twin.bays:
            assert seen(scene, 2) == ["for all"]
        scene.twin.unplug(1)
        await scene.wait(3)
        assert (seen(scene), await listed(scene)) == (["for all"], [2])
        assert await show(scene, 3, transactionId=running) == "UnknownTransaction"

    play(version, name, story)


@TWO
def test_the_newest_that_is_always_in_front_replaces_the_other_and_hides_the_rest(
    version: OcppVersion, name: str
) -> None:
    async def story(scene: Scene) -> None:
        await show(scene, 1, "cycle")
        await show(scene, 2, "front", priority="InFront")
        assert seen(scene) == ["front", "cycle"]
        await show(scene, 3, "alarm", priority="AlwaysFront")
        assert seen(scene) == ["alarm"]
        await show(scene, 4, "fire", priority="AlwaysFront", endDateTime=after(scene, 30))
        assert (seen(scene), await listed(scene)) == (["fire"], [1, 2, 4])
        await scene.wait(40)
        assert seen(scene) == ["front", "cycle"]

    play(version, name, story)


def test_a_text_for_one_outlet_s_display_is_seen_there_alone() -> None:
    async def story(scene: Scene) -> None:
        def at(evse: int) -> Json:
            return {"name": "Display", "evse": {"id": evse}}

        await show(scene, 1, "all")
        await show(scene, 2, "here", display=at(2))
        assert (seen(scene, 1), seen(scene, 2)) == (["all"], ["all", "here"])
        await show(scene, 3, "front 1", priority="AlwaysFront", display=at(1))
        await show(scene, 4, "front 2", priority="AlwaysFront", display=at(2))
        assert (seen(scene, 1), seen(scene, 2)) == (["front 1"], ["front 2"])

    play(V21, "V01", story)


STATES = ("Idle", "Charging", "Suspended", "Discharging", "Faulted", "Unavailable")


async def through_the_day(scene: Scene) -> list[list[str]]:
    """What is seen as an outlet goes from one state to the next."""
    found = [seen(scene)]
    await scene.plug()
    found.append(seen(scene))
    scene.twin.present(1)
    await scene.wait(2)
    assert scene.twin.bays[1].token is not None
    found.append(seen(scene))
    for power in (kw(20), 0.0, -kw(20)):
        await scene.wait(3)
        await scene.order(scene.setpoint(power, 600.0))
        await scene.wait(20)
        found.append(seen(scene))
    scene.twin.unplug(1)
    await scene.wait(3)
    found.append(seen(scene))
    scene.fault("faulted")
    found.append(seen(scene))
    scene.fault("faulted", begins=False)
    await scene.status("ChangeAvailability", {"operationalStatus": "Inoperative"})
    found.append(seen(scene))
    return found


def test_a_text_for_a_state_is_seen_in_it_and_not_when_it_is_over() -> None:
    async def story(scene: Scene) -> None:
        for number, state in enumerate(STATES):
            assert await show(scene, number, state, state=state) == "Accepted"
        day = ["Idle", "Idle", "Idle", "Charging", "Suspended", "Discharging", "Idle", "Faulted", "Unavailable"]
        assert await through_the_day(scene) == [[state] for state in day]
        assert await listed(scene) == list(range(len(STATES)))

    play(V21, "V01", story)


def test_2_0_1_has_no_word_for_a_pause_and_none_for_giving_back() -> None:
    async def story(scene: Scene) -> None:
        for number, state in enumerate(STATES[:2] + STATES[4:]):
            assert await show(scene, number, state, state=state) == "Accepted"
        day = ["Idle", "Idle", "Idle", "Charging", "Charging", "Charging", "Idle", "Faulted", "Unavailable"]
        assert await through_the_day(scene) == [[state] for state in day]

    play(V201, "V20", story)


@TWO
def test_a_display_that_is_switched_off_takes_and_shows_nothing(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        await show(scene, 1)
        assert await write(scene, "DisplayMessageCtrlr", "Enabled", "false") == "Accepted"
        assert seen(scene) == []
        assert await show(scene, 2) == "Rejected"
        assert await write(scene, "DisplayMessageCtrlr", "Enabled", "true") == "Accepted"
        assert seen(scene) == ["0.96 yuan"]

    play(version, name, story)
