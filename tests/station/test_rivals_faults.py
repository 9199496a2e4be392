"""What a rival product was found to do wrong, each as a test of what must hold here.

==  =====================================================  ===========================================================
 1  the old line's late close removes the new connection   test_foreign_charger: ..._half_open_line_stays_commandable...
                                                           test_foreign_npm: ..._half_open_line_is_commanded_on_the_new...
 2  answered before it is committed                        test_a_message_that_cannot_be_written...; test_kill
 3  the last meter value is billed by luck                 test_the_register_that_comes_in_the_end_is_billed...
 4  transaction ids are taken for unique over all          test_foreign_charger: test_two_chargers_may_use_the_same...
    chargers; one ends another's                           test_a_charger_cannot_end_the_transaction_of_another
 5  kWh billed as Wh; multiplier, missing measurand and    test_energy_is_billed_alike_however_it_is_told
    export ignored; energy goes to whoever is there        test_a_late_reading_belongs_to_its_own_transaction...
 6  profiles that chargers must refuse; the wrong key on   test_no_profile_is_an_external_constraint...
    1.6; answers not read; refused ones never said again   test_a_refused_setpoint_is_reckoned_with_and_said_again
                                                           test_a_setpoint_whose_answer_was_lost_is_said_again...
 7  commands for a charger that is away are said later     test_nothing_that_was_ordered_while_a_charger_was_away...
 8  all samples of minutes are summed into one draw        test_a_car_that_tells_often_is_one_car
 9  dynamic setpoints that are pulled are always refused   test_a_charger_that_pulls_its_setpoint_gets_the_one...
==  =====================================================  ===========================================================

What peers were found to do wrong on the wire is in ``test_peers_bugs``.
"""

import asyncio
import json
import sqlite3
from contextlib import closing

import pytest
from websockets.exceptions import ConnectionClosed

from tests.station.foreign_every import every
from tests.station.house import running, until
from tests.station.transactions import at, paid, records, teller
from voltide.domain.messages import Accepted, Ask, Unknown

REGISTER = {"measurand": "Energy.Active.Import.Register"}
EXPORT = {"measurand": "Energy.Active.Export.Register"}
NO_DISK = """
CREATE TRIGGER no_disk BEFORE INSERT ON {table} WHEN new.message_id = 'lost'
BEGIN SELECT RAISE(ABORT, 'no disk'); END
"""


def test_a_message_that_cannot_be_written_is_not_answered_and_is_done_once_when_it_is_told_again(tmp_path):
    async def story():
        async with running(tmp_path) as house:
            with closing(sqlite3.connect(house.data / "station.db", isolation_level=None)) as disk:
                [[table]] = disk.execute(
                    "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) p"
                    " WHERE m.type = 'table' AND p.name = 'message_id'"
                ).fetchall()
                disk.execute(NO_DISK.format(table=table))
                event = {
                    "eventType": "Started",
                    "timestamp": at(),
                    "triggerReason": "CablePluggedIn",
                    "seqNo": 0,
                    "transactionInfo": {"transactionId": "t1"},
                    "evse": {"id": 1},
                }
                text = json.dumps([2, "lost", "TransactionEvent", event])
                socket = await house.dial("V1", "2.1")
                await socket.send(text)
                with pytest.raises(ConnectionClosed):  # no answer: the charger keeps it
                    await asyncio.wait_for(socket.recv(), 10)
                assert house.station.sessions.at("V1-1") is None
                assert records(house, "sessions") == records(house, "messages") == []
                disk.execute("DROP TRIGGER no_disk")
            async with every(house, "V1", "2.1") as charger:
                for _ in range(2):
                    answer = await charger.say("lost", "TransactionEvent", text)
                    assert answer.payload == {}
                assert house.station.sessions.at("V1-1").transaction_id == "t1"
            assert [row["action"] for row in records(house, "messages")] == ["BootNotification", "TransactionEvent"]
            assert len(records(house, "sessions")) == 1

    asyncio.run(story())


def test_the_register_that_comes_in_the_end_is_billed_and_what_comes_later_bills_nothing_again(tmp_path):
    async def story():
        async with running(tmp_path) as house:
            async with teller(house, "F1", "1.6") as old:
                number = await old.start(1_000)
                await old.stop(number, 11_000)
                bill = records(house, "ledger")
                assert paid(house, "energy") == -800
                await old.meter(number, 12_000, second=61)
                await old.stop(number, 12_000, second=62)
                assert records(house, "ledger") == bill
            async with teller(house, "V1", "2.1") as new:
                await new.event("Started", 0, 1_000)
                await new.event("Ended", 1, 21_000)
                bill = records(house, "ledger")
                assert paid(house, "energy") == -800 - 1_600
                await new.event("Updated", 2, 30_000)
                await new.event("Ended", 1, 30_000)
                assert records(house, "ledger") == bill
            imported = {row["charger"]: (row["imported_wh"], row["status"]) for row in records(house, "sessions")}
            assert imported == {"F1": (10_000, "settled"), "V1": (20_000, "settled")}

    asyncio.run(story())


def test_a_charger_cannot_end_the_transaction_of_another(tmp_path):
    async def story():
        async with running(tmp_path) as house, teller(house, "F1", "1.6") as one, teller(house, "V2", "1.6") as other:
            number = await one.start(1_000)
            await other.stop(number, 999_000)
            await other.meter(number, 500_000)
            session = house.station.sessions.at("F1-1")
            assert session.open
            assert (session.imported_wh, session.charger) == (0, "F1")
            assert paid(house, "energy") == 0
            await one.stop(number, 2_000)
            assert paid(house, "energy") == -80

    asyncio.run(story())


SPELLINGS = {
    "Wh": (REGISTER | {"unitOfMeasure": {"unit": "Wh"}}, 1.0),
    "kWh": (REGISTER | {"unitOfMeasure": {"unit": "kWh"}}, 1e-3),
    "by multiplier": (REGISTER | {"unitOfMeasure": {"unit": "Wh", "multiplier": 3}}, 1e-3),
    "by a small multiplier": (REGISTER | {"unitOfMeasure": {"multiplier": -1}}, 10.0),
    "without a unit": (REGISTER, 1.0),
    "without a measurand": ({}, 1.0),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_energy_is_billed_alike_however_it_is_told(tmp_path, spelling):
    words, factor = SPELLINGS[spelling]

    async def story():
        async with running(tmp_path) as house, teller(house, "V1", "2.1") as car:
            await car.event("Started", 0, words | {"value": 4_000 * factor}, EXPORT | {"value": 700})
            await car.event("Updated", 1, words | {"value": 9_000 * factor}, EXPORT | {"value": 700})
            await car.event("Ended", 2, words | {"value": 14_000 * factor}, EXPORT | {"value": 2_700})
            [session] = records(house, "sessions")
            assert (session["imported_wh"], session["exported_wh"]) == pytest.approx((10_000, 2_000))
            assert (paid(house, "energy"), paid(house, "service"), paid(house, "feed-in")) == (-800, -300, 91)

    asyncio.run(story())


@pytest.mark.ocpp("1.6", "StartTransaction", "MeterValues", "StopTransaction")
def test_1_6_registers_in_kilowatt_hours_and_without_a_name_meet_those_of_start_and_stop(tmp_path):
    async def story():
        async with running(tmp_path) as house, teller(house, "F1", "1.6") as car:
            number = await car.start(4_000)
            await car.meter(number, "9.0", second=20, unit="kWh", **REGISTER)
            assert house.station.sessions.at("F1-1").imported_wh == 5_000
            await car.meter(number, "10000", second=30)
            assert house.station.sessions.at("F1-1").imported_wh == 6_000
            await car.stop(number, 14_000)
            [session] = records(house, "sessions")
            assert (session["imported_wh"], session["flags"]) == (10_000, [])
            assert paid(house, "energy") == -800

    asyncio.run(story())


def test_a_late_reading_belongs_to_its_own_transaction_and_not_to_the_car_that_is_there_now(tmp_path):
    async def story():
        async with running(tmp_path) as house, teller(house, "V1", "2.1") as car:
            await car.event("Started", 0, 1_000, tx="first")
            await car.event("Ended", 2, 6_000, tx="first", second=20)
            await car.event("Started", 0, 6_000, tx="second", second=30)
            await car.event("Updated", 1, 3_000, tx="first", second=10)
            await car.event("Ended", 1, 8_000, tx="second", second=40)
            imported = {row["transaction_id"]: row["imported_wh"] for row in records(house, "sessions")}
            assert imported == {"first": 5_000, "second": 2_000}
            assert {row["status"] for row in records(house, "sessions")} == {"settled"}
            assert paid(house, "energy") == -400 - 160

    asyncio.run(story())


def purposes(charger):
    key = "csChargingProfiles" if charger.version == "1.6" else "chargingProfile"
    return [body[key]["chargingProfilePurpose"] for action, body in charger.heard if action == "SetChargingProfile"]


@pytest.mark.parametrize(("version", "identity"), [("1.6", "F1"), ("2.0.1", "N1"), ("2.1", "V1")])
def test_no_profile_is_an_external_constraint_and_each_version_has_its_own_key(tmp_path, version, identity):
    async def story():
        async with running(tmp_path) as house, teller(house, identity, version) as car:
            await (car.start(1_000) if version == "1.6" else car.event("Started", 0, 1_000))
            await until(lambda: "TxProfile" in purposes(car.charger))
            assert set(purposes(car.charger)) <= {"TxDefaultProfile", "TxProfile", "ChargingStationMaxProfile"}

    asyncio.run(story())


def test_a_refused_setpoint_is_reckoned_with_and_said_again(tmp_path):
    async def story():
        async with running(tmp_path) as house, teller(house, "N1", "2.0.1") as car:
            await until(lambda: purposes(car.charger) == ["TxDefaultProfile"])
            car.charger.answers["SetChargingProfile"] = {"status": "Rejected"}
            await car.event("Started", 0, 1_000)
            await until(lambda: purposes(car.charger).count("TxProfile") >= 2)
            setpoints, clock = house.station.crew.setpoints, house.station.crew.clock
            await until(lambda: setpoints.refusals >= 2)
            assert setpoints.held("N1-1").acked(clock.monotonic()) == 5_000.0  # the fallback, not what was asked
            car.charger.answers["SetChargingProfile"] = {"status": "Accepted"}
            await until(lambda: setpoints.held("N1-1").acked(clock.monotonic()) > 5_000.0)

    asyncio.run(story())


@pytest.mark.parametrize(("version", "identity"), [("1.6", "F1"), ("2.0.1", "N1"), ("2.1", "V1")])
def test_a_setpoint_whose_answer_was_lost_is_said_again_on_the_next_line(tmp_path, version, identity):
    async def story():
        async with running(tmp_path) as house:
            async with teller(house, identity, version) as car:
                outlets = len(house.config.station.charger_of[identity].evses)
                await until(lambda: purposes(car.charger).count("TxDefaultProfile") == outlets)
                car.charger.answers["SetChargingProfile"] = None
                await (car.start(1_000) if version == "1.6" else car.event("Started", 0, 1_000))
                await until(lambda: "TxProfile" in purposes(car.charger))
            setpoints, clock = house.station.crew.setpoints, house.station.crew.clock
            await until(lambda: not setpoints.held(f"{identity}-1").waiting)
            assert setpoints.held(f"{identity}-1").acked(clock.monotonic()) == 5_000.0
            async with teller(house, identity, version) as again:
                await until(lambda: setpoints.held(f"{identity}-1").acked(clock.monotonic()) > 5_000.0)
                assert "TxProfile" in purposes(again.charger)

    asyncio.run(story())


def test_nothing_that_was_ordered_while_a_charger_was_away_is_said_when_it_comes_back(tmp_path):
    async def story():
        async with running(tmp_path) as house:
            order, stale = house.station.chargers.order, Ask(action="Reset", payload={"type": "OnIdle"})
            assert await order("V1", stale) == Unknown(reason="not on the line")
            async with every(house, "V1", "2.1") as charger:
                charger.answers["GetLocalListVersion"] = None
                first = asyncio.create_task(order("V1", Ask(action="GetLocalListVersion", payload={})))
                await until(lambda: ("GetLocalListVersion", {}) in charger.heard)
                waiting = asyncio.create_task(order("V1", stale))  # behind the one that is not answered
                await until(lambda: house.station.chargers.lines["V1"].connection.waiting >= 2)
            assert isinstance(await first, Unknown)
            assert not isinstance(await waiting, Accepted)
            async with every(house, "V1", "2.1") as charger:
                now = Ask(action="ClearCache", payload={})
                assert isinstance(await order("V1", now), Accepted)
                await until(lambda: house.station.chargers.lines["V1"].connection.waiting == 0)
                said = {action for action, _ in charger.heard}
                assert not said & {"Reset", "GetLocalListVersion"}

    asyncio.run(story())


def test_a_car_that_tells_often_is_one_car(tmp_path):
    async def story():
        async with running(tmp_path) as house, teller(house, "V1", "2.1") as car:
            power = {"measurand": "Power.Active.Import", "value": 20_000}
            await car.event("Started", 0, 1_000, power)
            for seq in range(1, 40):
                await car.event("Updated", seq, 1_000 + 50 * seq, power)
            place = house.station.crew.wiring.evses.index("V1-1")
            await until(lambda: house.station.loop.measured_w[place] == 20_000.0)
            assert house.station.loop.measured_w.sum() == 20_000.0
            await car.event("Ended", 40, 3_000)
            assert house.station.loop.measured_w.sum() == 0.0

    asyncio.run(story())


@pytest.mark.ocpp("2.1", "PullDynamicScheduleUpdate")
def test_a_charger_that_pulls_its_setpoint_gets_the_one_that_holds_for_its_car(tmp_path):
    async def story():
        async with running(tmp_path) as house, teller(house, "V1", "2.1") as car:
            none = await car.say("PullDynamicScheduleUpdate", {"chargingProfileId": 1001})
            assert none["status"] == "Rejected"
            await car.event("Started", 0, 1_000)
            held = house.station.crew.setpoints.held
            clock = house.station.crew.clock
            await until(lambda: held("V1-1").acked(clock.monotonic()) >= 55_000)
            told = [body for action, body in car.charger.heard if action == "SetChargingProfile"]
            mine = next(
                body["chargingProfile"]
                for body in told
                if body["chargingProfile"]["chargingProfilePurpose"] == "TxProfile"
            )
            assert mine["chargingProfileKind"] == "Dynamic"
            given = await car.say("PullDynamicScheduleUpdate", {"chargingProfileId": mine["id"]})
            assert given["status"] == "Accepted"
            assert given["scheduleUpdate"]["setpoint"] == held("V1-1").power_w
            other = await car.say("PullDynamicScheduleUpdate", {"chargingProfileId": 7})
            assert other["status"] == "Rejected"

    asyncio.run(story())
