"""Charging profiles that are more than the house's own (K)."""

from datetime import timedelta

import pytest

from tests.twin.blocks.profiles import limits, profile, put, station_max
from tests.twin.scene import EVERY, V16, V21, V201, Scene, play
from voltide.domain.messages import Json
from voltide.domain.site import OcppVersion
from voltide.domain.time import stamp
from voltide.domain.units import kw

TWO = pytest.mark.parametrize(("version", "name"), [(V201, "V20"), (V21, "V01")])
PILE = pytest.mark.parametrize(("version", "name"), [(V16, "V03"), (V201, "V20"), (V21, "V01")])


async def clear(scene: Scene, body: Json) -> str:
    return await scene.status("ClearChargingProfile", body)


@pytest.mark.ocpp("1.6 2.0.1 2.1", "SetChargingProfile")
@PILE
def test_a_schedule_of_several_periods_is_followed_period_by_period(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        body = profile(scene, 7, *limits((0, kw(40)), (60, kw(10)), (120, kw(30))))
        assert await put(scene, body) == "Accepted"
        for wanted in (kw(40), kw(10), kw(30)):
            await scene.wait(55)
            assert scene.power == wanted
            await scene.wait(5)

    play(version, name, story)


@PILE
def test_the_highest_level_leads_and_the_one_below_shows_where_it_ends(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        assert await put(scene, profile(scene, 1, *limits((0, kw(20))))) == "Accepted"
        short = profile(scene, 2, *limits((0, kw(45))), level=3, schedule={"duration": 40})
        assert await put(scene, short) == "Accepted"
        await scene.wait(30)
        assert scene.power == kw(45)
        await scene.wait(20)
        assert scene.power == kw(20)

    play(version, name, story)


@pytest.mark.ocpp("1.6 2.0.1 2.1", "ClearChargingProfile")
@PILE
def test_profiles_are_cleared_by_what_is_said_of_them_and_the_plain_way_is_taken_again(
    version: OcppVersion, name: str
) -> None:
    async def story(scene: Scene) -> None:
        scene.depot.fallback = lambda _guest, _evse: kw(25)
        await scene.park()
        assert (
            await put(scene, profile(scene, 8, *limits((0, kw(11))), purpose="TxDefaultProfile", level=4)) == "Accepted"
        )
        assert await put(scene, profile(scene, 7, *limits((0, kw(40)), (600, kw(10))))) == "Accepted"
        assert scene.twin.desk.closed
        await scene.wait(20)
        assert scene.power == kw(40)
        key = "id" if version is V16 else "chargingProfileId"
        assert await clear(scene, {key: 99}) == "Unknown"
        assert await clear(scene, {key: 7}) == "Accepted"
        await scene.wait(20)
        assert scene.power == kw(11)
        level = {"stackLevel": 4}
        assert await clear(scene, level if version is V16 else {"chargingProfileCriteria": level}) == "Accepted"
        assert not scene.twin.desk.closed
        await scene.wait(20)
        assert scene.power == kw(5)

    play(version, name, story)


@PILE
def test_a_transaction_s_own_profile_ends_with_it(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        assert await put(scene, profile(scene, 7, *limits((0, kw(40)), (600, kw(10))))) == "Accepted"
        scene.twin.present(1)
        await scene.wait(2)
        scene.twin.unplug(1)
        await scene.park()
        await scene.wait(20)
        assert scene.power == kw(5)
        assert not scene.twin.desk.closed

    play(version, name, story)


@PILE
def test_the_whole_charger_s_limit_is_shared_by_its_outlets(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        places = list(scene.twin.bays)
        for evse in places:
            await scene.park(evse=evse)
        most = profile(scene, 3, *limits((0, kw(50))), purpose=station_max(version), evse=0)
        assert await put(scene, most) == "Accepted"
        for evse in places:
            mine = profile(scene, 10 + evse, *limits((0, kw(40)), (900, kw(5))), evse=evse)
            assert await put(scene, mine) == "Accepted"
        most_seen = 0.0
        for _ in range(40):
            await scene.wait(1)
            most_seen = max(most_seen, sum(outlet.power_w for outlet in scene.twin.outlets))
        assert most_seen == pytest.approx(min(kw(50), kw(40) * len(places)))
        powers = [outlet.power_w for outlet in scene.twin.outlets]
        assert powers == pytest.approx([min(kw(40), kw(50) / len(places))] * len(places))

    play(version, name, story)


@TWO
def test_a_daily_schedule_holds_again_the_next_day(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        yesterday = stamp(scene.clock.now() - timedelta(hours=23, minutes=59))
        schedule = {"startSchedule": yesterday, "duration": 3600}
        daily = profile(scene, 5, *limits((0, kw(33))), kind="Recurring", schedule=schedule, recurrencyKind="Daily")
        assert await put(scene, daily) == "Accepted"
        await scene.wait(30)
        assert scene.power == kw(5)
        await scene.wait(60)
        assert scene.power == kw(33)

    play(version, name, story)


BROKEN = [
    ({"evse": 9}, {}, "UnknownEvse"),
    ({}, {"transactionId": "nobody"}, "TxNotFound"),
    ({"kind": "Recurring"}, {}, "InvalidProfile"),
    ({"schedule": {"chargingSchedulePeriod": [{"startPeriod": 5, "limit": 9.0}]}}, {}, "InvalidSchedule"),
    ({"level": 21}, {}, "InvalidStackLevel"),
    ({"purpose": "ChargingStationMaxProfile"}, {}, "InvalidProfile"),
    ({"purpose": "ChargingStationExternalConstraints"}, {}, "InvalidValue"),
    ({"schedule": {"chargingRateUnit": "A"}}, {}, "UnsupportedRateUnit"),
]


@pytest.mark.parametrize(("how", "more", "reason"), BROKEN)
@TWO
def test_what_breaks_a_rule_is_refused_with_its_reason(
    version: OcppVersion, name: str, how: Json, more: Json, reason: str
) -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        where = how.get("evse", 1)
        scene.depot.guests[name].running.setdefault(where, "V01-000001")
        body = profile(scene, 7, *limits((0, kw(9))), **(how | more))
        assert await put(scene, body) == f"Rejected:{reason}"
        assert not scene.twin.desk.closed

    play(version, name, story)


@pytest.mark.ocpp("2.0.1 2.1", "GetChargingProfiles", "ReportChargingProfiles")
@TWO
def test_profiles_are_told_as_they_came_plain_or_not(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        assert await scene.status("GetChargingProfiles", {"requestId": 1, "chargingProfile": {}}) == "NoProfiles"
        await scene.park()
        await scene.order(scene.setpoint(kw(20)))
        assert await scene.status("GetChargingProfiles", {"requestId": 2, "chargingProfile": {}}) == "Accepted"
        await scene.wait(2)
        assert not scene.twin.desk.closed
        [report] = scene.said("ReportChargingProfiles")
        assert (report["requestId"], report["evseId"], report["chargingLimitSource"]) == (2, 1, "CSO")
        assert [one["id"] for one in report["chargingProfile"]] == [1001]
        sent = [profile(scene, n, *limits((0, kw(n)), (60, 0.0)), level=n) for n in range(2, 9)]
        for body in sent:
            assert await put(scene, body) == "Accepted"
        scene.depot.heard.clear()
        assert (
            await scene.status("GetChargingProfiles", {"requestId": 3, "evseId": 1, "chargingProfile": {}})
            == "Accepted"
        )
        await scene.wait(3)
        reports = scene.said("ReportChargingProfiles")
        assert [one.get("tbc", False) for one in reports] == [True] * (len(reports) - 1) + [False]
        told = {one["id"]: one for report in reports for one in report["chargingProfile"]}
        assert sorted(told) == [2, 3, 4, 5, 6, 7, 8, 1001]
        assert told[4] == sent[2]["chargingProfile"]
        some = {"chargingProfilePurpose": "TxProfile", "stackLevel": 5}
        scene.depot.heard.clear()
        assert await scene.status("GetChargingProfiles", {"requestId": 4, "chargingProfile": some}) == "Accepted"
        await scene.wait(2)
        assert [one["id"] for one in scene.said("ReportChargingProfiles")[0]["chargingProfile"]] == [5]

    play(version, name, story)


@pytest.mark.ocpp("1.6 2.0.1 2.1", "GetCompositeSchedule")
@PILE
def test_the_composite_schedule_is_what_the_outlet_then_does(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        await put(scene, profile(scene, 7, *limits((0, kw(40)), (60, kw(10)), (120, kw(30)))))
        most = profile(scene, 3, *limits((0, kw(20))), purpose=station_max(version), evse=0)
        assert await put(scene, most) == "Accepted"
        place = "connectorId" if version is V16 else "evseId"
        asked = {place: 1, "duration": 180, "chargingRateUnit": "W"}
        answer = await scene.call("GetCompositeSchedule", asked)
        assert answer["status"] == "Accepted"
        schedule = answer["chargingSchedule" if version is V16 else "schedule"]
        rows = [(row["startPeriod"], row["limit"]) for row in schedule["chargingSchedulePeriod"]]
        assert [limit for _, limit in rows] == [kw(20), kw(10), kw(20)]
        assert [start for start, _ in rows] == pytest.approx([0, 60, 120], abs=2)
        for wanted in (kw(20), kw(10), kw(20)):
            await scene.wait(50)
            assert scene.power == wanted
            await scene.wait(10)
        assert await scene.status("GetCompositeSchedule", asked | {place: 7}) == "Rejected"

    play(version, name, story)


def test_a_composite_schedule_without_any_profile_is_the_maker_s_fallback_and_takes_nothing_over() -> None:
    async def story(scene: Scene) -> None:
        answer = await scene.call("GetCompositeSchedule", {"evseId": 0, "duration": 60})
        rows = answer["schedule"]["chargingSchedulePeriod"]
        assert [(row["startPeriod"], row["limit"]) for row in rows] == [(0, 2 * kw(5))]
        assert not scene.twin.desk.closed

    play(V21, "V01", story)


@pytest.mark.ocpp("2.1", "UpdateDynamicSchedule", "PullDynamicScheduleUpdate")
def test_a_dynamic_profile_is_pushed_pulled_and_ends_when_nobody_does() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        period = {"operationMode": "CentralSetpoint", "setpoint": kw(10)}
        body = profile(scene, 7, period, kind="Dynamic", schedule={"duration": 30})
        assert await put(scene, body) == "Accepted"
        await scene.wait(10)
        assert scene.power == kw(10)
        update = {"chargingProfileId": 7, "scheduleUpdate": {"setpoint": -kw(20)}}
        assert await scene.status("UpdateDynamicSchedule", update) == "Accepted"
        await scene.wait(25)
        assert scene.power == -kw(20)
        await scene.wait(30)
        assert scene.power == kw(5)
        assert await scene.status("UpdateDynamicSchedule", update) == "Accepted"
        await scene.wait(25)
        assert scene.power == -kw(20)
        assert await scene.status("UpdateDynamicSchedule", update | {"chargingProfileId": 8}) == "Rejected"
        scene.depot.answers["PullDynamicScheduleUpdate"] = {
            "status": "Accepted",
            "scheduleUpdate": {"setpoint": kw(15)},
        }
        pulled = profile(scene, 7, period, kind="Dynamic", dynUpdateInterval=20)
        assert await put(scene, pulled) == "Accepted"
        await scene.wait(65)
        assert scene.said("PullDynamicScheduleUpdate") == [{"chargingProfileId": 7}] * 3
        assert scene.power == kw(15)

    play(V21, "V01", story)


def test_what_was_plain_stays_in_force_when_something_else_is_set_beside_it() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        await scene.order(scene.setpoint(-kw(30), 20.0))
        await scene.wait(15)
        other = profile(scene, 50, *limits((0, kw(60)), (60, kw(50))), purpose="TxDefaultProfile", level=9)
        assert await put(scene, other) == "Accepted"
        assert scene.twin.desk.closed
        await scene.wait(60)
        assert scene.power == -kw(30)
        await scene.order(scene.setpoint(-kw(10), fresh=False))
        await scene.wait(10)
        assert scene.power == -kw(10)
        scene.fault("link-lost")
        await scene.wait(40)
        assert scene.power > kw(40)

    play(V21, "V01", story)


def test_a_profile_may_die_offline_or_come_back_and_some_do_not_count_at_all() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        mortal = profile(scene, 7, *limits((0, kw(40)), (9000, 0.0)), level=2, maxOfflineDuration=30)
        mortal["chargingProfile"]["invalidAfterOfflineDuration"] = False
        assert await put(scene, mortal) == "Accepted"
        dying = profile(scene, 8, *limits((0, kw(20)), (9000, 0.0)), level=1, maxOfflineDuration=60)
        dying["chargingProfile"]["invalidAfterOfflineDuration"] = True
        assert await put(scene, dying) == "Accepted"
        scene.fault("link-lost")
        await scene.wait(25)
        assert scene.power == kw(40)
        await scene.wait(20)
        assert scene.power == kw(20)
        await scene.wait(30)
        assert scene.power == kw(5)
        scene.fault("link-lost", begins=False)
        await scene.wait(60)
        assert scene.twin.online
        assert scene.power == kw(40)
        assert await clear(scene, {"chargingProfileId": 8}) == "Unknown"

    play(V21, "V01", story)


def test_purposes_that_are_to_be_ignored_offline_are() -> None:
    async def story(scene: Scene) -> None:
        place = {"component": {"name": "SmartChargingCtrlr"}, "variable": {"name": "IgnoredProfilePurposesOffline"}}
        data = {"setVariableData": [place | {"attributeValue": "TxProfile"}]}
        await scene.call("SetVariables", data)
        await scene.park()
        assert await put(scene, profile(scene, 7, *limits((0, kw(40)), (9000, 0.0)))) == "Accepted"
        await scene.wait(20)
        assert scene.power == kw(40)
        scene.fault("link-lost")
        await scene.wait(20)
        assert scene.power == kw(5)

    play(V21, "V01", story)


@pytest.mark.ocpp("1.6", "RemoteStartTransaction")
@pytest.mark.ocpp("2.0.1 2.1", "RequestStartTransaction")
@PILE
def test_a_remote_start_brings_its_profile_along(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        await scene.plug()
        scene.depot.guests[name].running.setdefault(1, "1")
        body = profile(scene, 7, *limits((0, kw(40)), (3000, 0.0)))
        inner = body["csChargingProfiles" if version is V16 else "chargingProfile"]
        inner.pop("transactionId")
        if version is V16:
            start: Json = {"connectorId": 1, "idTag": "REMOTE", "chargingProfile": inner}
        else:
            token = {"idToken": "REMOTE", "type": "Central"}
            start = {"evseId": 1, "remoteStartId": 5, "idToken": token, "chargingProfile": inner}
        action = "RemoteStartTransaction" if version is V16 else "RequestStartTransaction"
        wrong = start | {"chargingProfile": inner | {"chargingProfilePurpose": "TxDefaultProfile"}}
        assert await scene.status(action, wrong) == "Rejected"
        assert await scene.status(action, start) == "Accepted"
        await scene.wait(20)
        assert scene.power == kw(40)

    play(version, name, story)


@pytest.mark.ocpp("2.0.1 2.1", "NotifyEVChargingSchedule")
@TWO
def test_the_car_tells_what_it_makes_of_a_schedule(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        visit = await scene.park(0.5)
        assert await put(scene, profile(scene, 7, *limits((0, kw(30)), (600, kw(50))))) == "Accepted"
        await scene.wait(2)
        [told] = scene.said("NotifyEVChargingSchedule")
        assert told["evseId"] == 1
        assert told.get("selectedChargingScheduleId") == (7 if version is V21 else None)
        rows = told["chargingSchedule"]["chargingSchedulePeriod"]
        assert [row["limit"] for row in rows] == [kw(30), kw(50), 0.0]
        energy = (
            kw(30) * rows[1]["startPeriod"] / 3600 + kw(50) * (rows[2]["startPeriod"] - rows[1]["startPeriod"]) / 3600
        )
        assert energy * 0.94 == pytest.approx(visit.need_wh - visit.car.energy_wh, rel=0.02)

    play(version, name, story)


@EVERY
def test_a_profile_for_an_outlet_that_is_not_there_changes_nothing(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        scene.depot.guests[name].running[5] = "77"
        answer = await put(scene, profile(scene, 7, *limits((0, kw(9)), (60, 0.0)), evse=5))
        assert answer.startswith("Rejected")
        assert not scene.twin.desk.closed

    play(version, name, story)
