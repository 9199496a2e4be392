"""Lists, caches, groups, and what holds offline (C, D)."""

import pytest

from tests.twin.blocks.test_model import write
from tests.twin.scene import EVERY, V16, V21, V201, Scene, play
from voltide.domain.messages import Json, Moment
from voltide.domain.site import OcppVersion


def row(version: OcppVersion, token: str, status: str | None = "Accepted", group: str | None = None) -> Json:
    """One entry of a list; no status takes it out."""
    if version is V16:
        info = None if status is None else {"status": status} | ({"parentIdTag": group} if group else {})
        return {"idTag": token} | ({"idTagInfo": info} if info else {})
    info = None if status is None else {"status": status}
    if info is not None and group is not None:
        info["groupIdToken"] = {"idToken": group, "type": "Central"}  # type: ignore[assignment]
    return {"idToken": {"idToken": token, "type": "ISO14443"}} | ({"idTokenInfo": info} if info else {})


def send(version: OcppVersion, number: int, *rows: Json, whole: bool = True) -> Json:
    key = "listVersion" if version is V16 else "versionNumber"
    parts = {"localAuthorizationList": list(rows)} if rows else {}
    return {key: number, "updateType": "Full" if whole else "Differential"} | parts


async def number(scene: Scene) -> int:
    answer = await scene.call("GetLocalListVersion", {})
    return int(answer.get("versionNumber", answer.get("listVersion")))


async def put(scene: Scene, component: str, name: str, key: str, value: str) -> None:
    if scene.twin.version is V16:
        assert await scene.status("ChangeConfiguration", {"key": key, "value": value}) == "Accepted"
    else:
        assert await write(scene, component, name, value) == "Accepted"


@pytest.mark.ocpp("1.6 2.0.1 2.1", "SendLocalList", "GetLocalListVersion")
@EVERY
def test_a_list_is_taken_whole_or_by_changes_and_a_change_from_the_past_is_not(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        assert await number(scene) == 0
        whole = send(version, 5, row(version, "A"), row(version, "B"))
        assert await scene.status("SendLocalList", whole) == "Accepted"
        assert await number(scene) == 5
        old = send(version, 5, row(version, "C"), whole=False)
        assert await scene.status("SendLocalList", old) == "VersionMismatch"
        twice = send(version, 6, row(version, "C"), row(version, "C"), whole=False)
        assert await scene.status("SendLocalList", twice) == "Failed"
        change = send(version, 7, row(version, "C"), row(version, "A", None), whole=False)
        assert await scene.status("SendLocalList", change) == "Accepted"
        assert await number(scene) == 7
        assert await scene.status("SendLocalList", send(version, 0, row(version, "C"))) == "Failed"
        assert await scene.status("SendLocalList", send(version, 8)) == "Accepted"
        assert await number(scene) == (0 if version is V16 else 8)

    play(version, name, story)


@EVERY
def test_a_token_of_the_list_starts_without_a_question_where_that_is_set(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        await put(scene, "AuthCtrlr", "LocalPreAuthorize", "LocalPreAuthorize", "true")
        rows = (row(version, "GOOD"), row(version, "BAD", "Blocked"))
        assert await scene.status("SendLocalList", send(version, 1, *rows)) == "Accepted"
        await scene.plug()
        await scene.present("GOOD")
        assert scene.said("Authorize") == []
        assert scene.twin.outlets[0].closed
        await scene.present("GOOD")
        assert scene.events[-1].moment is Moment.ENDED
        scene.twin.unplug(1)
        await scene.plug()
        await scene.present("BAD")
        assert len(scene.said("Authorize")) == 1

    play(version, name, story)


@pytest.mark.ocpp("1.6 2.0.1 2.1", "ClearCache")
@EVERY
def test_the_cache_remembers_a_token_until_it_is_cleared(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        await put(scene, "AuthCtrlr", "LocalPreAuthorize", "LocalPreAuthorize", "true")
        for asked in (1, 1, 2):
            await scene.park()
            scene.twin.present(1)
            await scene.wait(2)
            scene.twin.unplug(1)
            await scene.wait(2)
            assert len(scene.said("Authorize")) == asked
            if len(scene.events) > 12:
                break
            if asked == 1 and sum(event.moment is Moment.ENDED for event in scene.events) == 2:
                assert await scene.status("ClearCache", {}) == "Accepted"
        await put(scene, "AuthCacheCtrlr", "Enabled", "AuthorizationCacheEnabled", "false")
        assert await scene.status("ClearCache", {}) == "Rejected"

    play(version, name, story)


def test_what_the_cache_knows_is_over_when_it_expires() -> None:
    async def story(scene: Scene) -> None:
        await put(scene, "AuthCtrlr", "LocalPreAuthorize", "", "true")
        await put(scene, "AuthCacheCtrlr", "LifeTime", "", "60")
        for _ in range(2):
            await scene.park()
            scene.twin.present(1)
            await scene.wait(2)
            scene.twin.unplug(1)
            await scene.wait(70)
        assert len(scene.said("Authorize")) == 2

    play(V21, "V01", story)


@pytest.mark.ocpp("1.6 2.0.1 2.1", "Authorize")
@EVERY
def test_a_stay_is_ended_by_a_token_of_its_group_and_by_no_other(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        rows = (row(version, "ONE", group="G"), row(version, "TWO", group="G"), row(version, "FAR", group="H"))
        assert await scene.status("SendLocalList", send(version, 1, *rows)) == "Accepted"
        await put(scene, "AuthCtrlr", "LocalPreAuthorize", "LocalPreAuthorize", "true")
        await scene.plug()
        await scene.present("ONE")
        await scene.present("FAR")
        assert scene.twin.bays[1].transaction is not None
        await scene.present("STRANGER")
        assert scene.twin.bays[1].transaction is not None
        await scene.present("TWO")
        assert scene.twin.bays[1].transaction is None
        assert scene.events[-1].stopped_reason == "Local"

    play(version, name, story)


def test_a_group_that_only_the_station_knows_is_asked_for() -> None:
    async def story(scene: Scene) -> None:
        group = {"groupIdToken": {"idToken": "G", "type": "Central"}}
        scene.depot.answers["Authorize"] = {"idTokenInfo": {"status": "Accepted"} | group}
        scene.depot.answers["TransactionEvent"] = {"idTokenInfo": {"status": "Accepted"} | group}
        await scene.park()
        await scene.present("FRIEND")
        assert [body["idToken"]["idToken"] for body in scene.said("Authorize")] == ["DRV0000007", "FRIEND"]
        assert scene.twin.bays[1].transaction is None

    play(V21, "V01", story)


@EVERY
def test_offline_the_list_and_the_settings_decide(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        rows = (row(version, "GOOD"), row(version, "BAD", "Blocked"))
        assert await scene.status("SendLocalList", send(version, 1, *rows)) == "Accepted"
        await put(scene, "AuthCtrlr", "OfflineTxForUnknownIdEnabled", "AllowOfflineTxForUnknownId", "false")
        scene.fault("link-lost")
        await scene.wait(5)
        for token, charges in (("BAD", False), ("STRANGER", False), ("GOOD", True)):
            await scene.plug()
            await scene.present(token)
            assert scene.twin.outlets[0].closed is charges, token
            scene.twin.unplug(1)
            await scene.wait(2)

    play(version, name, story)


def test_a_token_turned_down_afterwards_is_starved_where_the_stay_is_to_go_on() -> None:
    async def story(scene: Scene) -> None:
        await put(scene, "TxCtrlr", "StopTxOnInvalidId", "", "false")
        scene.depot.valid = False
        scene.fault("link-lost")
        await scene.wait(4)
        await scene.park()
        assert scene.twin.outlets[0].closed
        scene.fault("link-lost", begins=False)
        await scene.wait(40)
        assert not scene.twin.outlets[0].closed
        assert scene.twin.bays[1].transaction is not None

    play(V201, "V20", story)


def test_the_master_pass_stops_all_that_runs_and_starts_nothing() -> None:
    async def story(scene: Scene) -> None:
        await put(scene, "AuthCtrlr", "MasterPassGroupId", "", "POLICE")
        for evse in (1, 2):
            await scene.park(evse=evse)
        group = {"groupIdToken": {"idToken": "POLICE", "type": "Central"}}
        scene.depot.answers["Authorize"] = {"idTokenInfo": {"status": "Accepted"} | group}
        await scene.present("BADGE")
        ended = [event.stopped_reason for event in scene.events if event.moment is Moment.ENDED]
        assert ended == ["MasterPass", "MasterPass"]
        scene.twin.unplug(1)
        visit = await scene.plug()
        await scene.present("BADGE")
        assert visit.refused

    play(V21, "V01", story)
