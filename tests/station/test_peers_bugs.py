"""What users reported of other stations' software, each as a test of what must hold here.

================================================================  ======================================================
a dead line counts as a live one; the ping has no deadline        test_a_line_whose_charger_has_died_silently...
"not ongoing, messages in queue" drops the queued end             test_a_transaction_that_is_over_but_still_has_news...
an event after the end modifies the transaction                   test_rivals_faults: ..._what_comes_later_bills_nothing...
                                                                  test_session: test_an_event_after_the_end_does_not_reopen
1.6 transaction ids are always 1                                  test_1_6_transactions_never_share_a_number...
a missing outlet is taken for the first                           test_an_event_that_names_no_outlet...
sequence numbers are ignored                                      test_events_that_come_out_of_order_are_held_until...
offline events are applied as live                                test_what_is_replayed_from_an_offline_queue...
a stop with transaction -1                                        test_a_stop_with_minus_one_ends_the_only_car...
a stop that is told twice after a reboot                          test_a_stop_that_is_told_twice_after_a_reboot...
only the stop arrives                                             test_a_stop_whose_start_was_lost...
a CALLERROR in answer to a bad CALLRESULT                         test_frame: test_a_broken_answer_is_never_answered...
                                                                  test_foreign_every: test_an_answer_that_cannot_be_read
more than one call at a time                                      test_calls_that_come_back_to_back_are_all_answered...
message types 5 and 6 are missing                                 test_foreign_every: test_a_send_and_a_result_error...
ReportDERControl in the wrong direction                           test_a_report_of_der_controls_is_heard_and_never_sent
a call that is not known gets no answer at all (PyPI ocpp, 2.1)   test_a_charger_that_says_nothing_to_what_it_does_not...
one frame ends the receive loop                                   test_door: test_bad_frames_get...; test_hostile
================================================================  ======================================================
"""

import asyncio
import itertools
import json

import pytest

from tests.station.foreign_every import OURS, Every, every, theirs
from tests.station.house import running, until
from tests.station.transactions import at, paid, records, teller
from tools import payloads
from voltide.domain.messages import Accepted, GetTransactionStatus, StopCharging
from voltide.domain.site import OcppVersion
from voltide.ocpp.actions import may_call
from voltide.ocpp.messages import actions

POWER = {"measurand": "Power.Active.Import"}


def test_a_line_whose_charger_has_died_silently_is_given_up_and_locks_nobody_out(tmp_path):
    async def story():
        async with running(tmp_path) as house:
            dead = await house.dial("V1", "2.1")
            await until(lambda: "V1" in house.station.chargers.lines)
            dead.transport.pause_reading()  # it hears no ping any more, and says nothing
            await until(lambda: "V1" not in house.station.chargers.lines, seconds=20)
            async with teller(house, "V1", "2.1") as car:
                await car.event("Started", 0, 1_000)
                assert (await house.order(StopCharging(evse="V1-1"))).done
            dead.transport.abort()

    asyncio.run(story())


def test_a_charger_that_says_nothing_to_what_it_does_not_know_has_its_safe_power_first(tmp_path):
    async def story():
        async with running(tmp_path) as house, await house.dial("V1", "2.1") as socket:
            charger = Every("2.1", socket)
            charger.answers["GetBaseReport"] = None
            listening = asyncio.create_task(charger.listen())
            await charger.call("BootNotification", payloads.payload("2.1", "BootNotification", charger.chance), "boot")
            await until(lambda: "GetBaseReport" in [action for action, _ in charger.heard])
            said = [action for action, _ in charger.heard]
            assert said.index("SetChargingProfile") < said.index("GetBaseReport")
            await socket.close()
            await asyncio.gather(listening, return_exceptions=True)

    asyncio.run(story())


@pytest.mark.ocpp("2.1", "GetTransactionStatus", "TransactionEvent")
def test_a_transaction_that_is_over_but_still_has_news_in_its_queue_stays_open_until_they_come(tmp_path):
    async def story():
        async with running(tmp_path) as house, teller(house, "V1", "2.1") as car:
            await car.event("Started", 0, 1_000)
            car.charger.answers["GetTransactionStatus"] = {"ongoingIndicator": False, "messagesInQueue": True}
            asked = await house.station.chargers.order("V1", GetTransactionStatus(transaction_id="t1"))
            assert isinstance(asked, Accepted)
            assert asked.detail == {"ongoingIndicator": False, "messagesInQueue": True}
            assert house.station.sessions.at("V1-1").open
            await car.event("Updated", 1, 6_000, offline=True)
            await car.event("Ended", 2, 11_000, offline=True)
            [session] = records(house, "sessions")
            assert (session["imported_wh"], session["status"]) == (10_000, "settled")
            assert paid(house, "energy") == -800

    asyncio.run(story())


def test_1_6_transactions_never_share_a_number_also_after_a_restart(tmp_path):
    numbers = []

    async def day():
        async with running(tmp_path) as house, teller(house, "F1", "1.6") as one, teller(house, "V2", "1.6") as other:
            for second in range(0, 50, 10):
                for car in (one, other):
                    number = await car.start(1_000, second + 60 * len(numbers))
                    await car.stop(number, 1_500, second + 5 + 60 * len(numbers))
                    numbers.append(number)

    asyncio.run(day())
    asyncio.run(day())
    assert len(set(numbers)) == len(numbers) == 20
    assert all(0 < number < 2**31 for number in numbers)
    steps = {later - earlier for earlier, later in itertools.pairwise(numbers)}
    assert len(steps) > 15  # nobody finds another's number by counting


def test_an_event_that_names_no_outlet_stays_with_the_outlet_of_its_transaction(tmp_path):
    async def story():
        async with running(tmp_path) as house, teller(house, "F1", "2.0.1") as car:
            await car.event("Started", 0, 1_000, tx="one", evse=1)
            await car.event("Started", 0, 5_000, tx="two", evse=2)
            await car.event("Updated", 1, 9_000, tx="two", evse=None)
            assert house.station.sessions.at("F1-1").imported_wh == 0
            assert house.station.sessions.at("F1-2").imported_wh == 4_000
            await car.event("Ended", 2, 10_000, tx="two", evse=None)
            assert house.station.sessions.at("F1-1").open
            assert house.station.sessions.at("F1-2") is None

    asyncio.run(story())


def test_events_that_come_out_of_order_are_held_until_they_are_whole_and_then_billed_once(tmp_path):
    async def story():
        async with running(tmp_path) as house, teller(house, "V1", "2.1") as car:
            await car.event("Started", 0, 1_000)
            await car.event("Ended", 3, 16_000)
            [session] = records(house, "sessions")
            assert (session["status"], session["flags"]) == ("ended", ["gap"])
            assert paid(house, "energy") == 0
            await car.event("Updated", 2, 11_000)
            assert paid(house, "energy") == 0
            await car.event("Updated", 1, 6_000)
            [session] = records(house, "sessions")
            assert (session["status"], session["imported_wh"]) == ("settled", 15_000)
            assert paid(house, "energy") == -1_200

    asyncio.run(story())


def test_an_older_stay_that_is_told_afterwards_takes_nothing_from_the_car_that_is_there(tmp_path):
    async def story():
        async with running(tmp_path) as house, teller(house, "V1", "2.1") as car:
            await car.event("Started", 0, 5_000, POWER | {"value": 20_000}, tx="now", second=0)
            place = house.station.crew.wiring.evses.index("V1-1")
            assert house.station.loop.measured_w[place] == 20_000
            await car.event("Started", 0, 1_000, tx="older", second=-300, offline=True)
            [older] = [row for row in records(house, "sessions") if row["transaction_id"] == "older"]
            assert (older["status"], older["flags"]) == ("ended", ["lost-end", "offline"])
            for seq, kind in ((1, "Updated"), (2, "Ended")):
                await car.event(kind, seq, 1_000 + 1_000 * seq, tx="older", second=-300 + 10 * seq, offline=True)
                assert house.station.sessions.at("V1-1").transaction_id == "now"
                assert house.station.loop.measured_w[place] == 20_000
            assert house.station.crew.setpoints.held("V1-1").acked(house.station.crew.clock.monotonic()) >= 5_000
            assert paid(house, "energy") == -160  # the older one is whole now
            await car.event("Started", 0, 9_000, tx="next", second=60, offline=True)  # its own end is still to come
            assert house.station.sessions.at("V1-1").transaction_id == "next"
            await car.event("Ended", 1, 8_000, tx="now", second=50, offline=True)
            assert house.station.sessions.at("V1-1").transaction_id == "next"
            assert paid(house, "energy") == -160 - 240

    asyncio.run(story())


def test_what_is_replayed_from_an_offline_queue_is_billed_and_changes_nothing_that_is_live(tmp_path):
    async def story():
        async with running(tmp_path) as house, teller(house, "V1", "2.1") as car:
            await car.event("Started", 0, 1_000, second=0)
            await car.event("Updated", 3, 16_000, POWER | {"value": 20_000}, second=30)
            await car.event("Updated", 1, 6_000, POWER | {"value": 55_000}, second=10, offline=True)
            session = house.station.sessions.at("V1-1")
            assert (session.power_w, session.imported_wh) == (20_000, 15_000)
            await car.event("Started", 0, 7_000, tx="older", second=-500, offline=True)
            await car.event("Ended", 1, 9_000, tx="older", second=-400, offline=True)
            assert house.station.sessions.at("V1-1").transaction_id == "t1"
            await car.event("Updated", 2, 11_000, POWER | {"value": 55_000}, second=20, offline=True)
            await car.event("Ended", 4, 21_000, second=40)
            imported = {row["transaction_id"]: row["imported_wh"] for row in records(house, "sessions")}
            assert imported == {"t1": 20_000, "older": 2_000}
            assert paid(house, "energy") == -1_600 - 160

    asyncio.run(story())


@pytest.mark.parametrize("number", [-1, 0])
def test_a_stop_with_minus_one_ends_the_only_car_that_it_can_mean(tmp_path, number):
    async def story():
        async with running(tmp_path) as house, teller(house, "F1", "1.6") as car:
            await car.start(1_000)
            assert await car.stop(number, 11_000, idTag="CARD1") == {"idTagInfo": {"status": "Accepted"}}
            [session] = records(house, "sessions")
            assert (session["imported_wh"], session["status"]) == (10_000, "settled")

    asyncio.run(story())


def test_a_stop_with_minus_one_ends_nobody_where_it_can_mean_two(tmp_path):
    async def story():
        async with running(tmp_path) as house, teller(house, "F1", "1.6") as car:
            await car.start(1_000, tag="CARD1", connector=1)
            await car.start(1_000, tag="CARD1", connector=2)
            await car.stop(-1, 11_000)
            assert house.station.sessions.at("F1-1").open
            assert house.station.sessions.at("F1-2").open
            assert paid(house, "energy") == 0

    asyncio.run(story())


@pytest.mark.ocpp("1.6", "StartTransaction", "StopTransaction")
def test_a_stop_that_is_told_twice_after_a_reboot_is_billed_once(tmp_path):
    async def story():
        async with running(tmp_path) as house:
            async with teller(house, "F1", "1.6") as car:
                number = await car.start(1_000)
                await car.stop(number, 11_000, reason="PowerLoss")
            async with teller(house, "F1", "1.6") as again:
                assert await again.stop(number, 11_000, reason="PowerLoss") == {}
            assert paid(house, "energy") == -800
            assert len(records(house, "sessions")) == 1
        async with running(tmp_path) as house:
            async with teller(house, "F1", "1.6") as later:
                await later.stop(number, 11_000, reason="Reboot")
            assert paid(house, "energy") == -800
            assert len(records(house, "sessions")) == 1

    asyncio.run(story())


def test_a_stop_whose_start_was_lost_is_answered_kept_and_billed_to_nobody_unseen(tmp_path):
    async def story():
        async with running(tmp_path) as house, teller(house, "F1", "1.6") as car:
            assert await car.stop(4711, 11_000, idTag="CARD1") == {"idTagInfo": {"status": "Accepted"}}
            [session] = records(house, "sessions")
            assert (session["status"], session["flags"]) == ("ended", ["lost-start"])
            assert session["meter_stop_wh"] == 11_000
            assert records(house, "ledger") == []
            assert house.station.sessions.at("F1-1") is None

    asyncio.run(story())


def test_calls_that_come_back_to_back_are_all_answered_and_in_order(tmp_path):
    async def story():
        async with running(tmp_path) as house, await house.dial("F1", "1.6") as socket:
            boot = {"chargePointModel": "m", "chargePointVendor": "v"}
            status = {"connectorId": 1, "errorCode": "NoError", "status": "Available", "timestamp": at()}
            said = [("BootNotification", boot), *[("StatusNotification", status)] * 30, ("Heartbeat", {})]
            for number, (action, body) in enumerate(said):
                await socket.send(json.dumps([2, str(number), action, body]))
            answered = []
            async with asyncio.timeout(20):
                while len(answered) < len(said):
                    told = json.loads(await socket.recv())
                    answered += [told[1]] if told[0] == 3 else []
            assert answered == [str(number) for number in range(len(said))]

    asyncio.run(story())


@pytest.mark.ocpp("2.1", "ReportDERControl")
def test_a_report_of_der_controls_is_heard_and_never_sent(tmp_path):
    assert "ReportDERControl" in OURS["2.1"]
    for version in OcppVersion:
        for action in actions(version):
            assert may_call(action, charger=True) == (action in {*OURS[version.value], "NotifyPeriodicEventStream"})
            assert may_call(action, charger=False) == (action in theirs(version.value))

    async def story():
        async with running(tmp_path) as house, every(house, "V1", "2.1") as charger:
            body = {"requestId": 1, "tbc": False}
            answer = await charger.call("ReportDERControl", body, "der")
            assert answer.payload == {}
            assert [row["payload"] for row in records(house, "messages")][-1] == body

    asyncio.run(story())
