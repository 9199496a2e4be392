"""Sessions of chargers that somebody else wrote, over real sockets."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.station.foreign import Charger16, Charger21, Charger201, on_the_line, run_until
from tests.station.house import running, until
from tests.station.test_kill import EVENTS, event
from voltide import exports
from voltide.domain.messages import OrderGrid, StopCharging
from voltide.domain.site import OcppVersion

FOREVER = datetime(2100, 1, 1, tzinfo=UTC), datetime(2000, 1, 1, tzinfo=UTC)


def records(house, what):
    until_, since = FOREVER
    return exports.take(what, house.data, since, until_)


@pytest.mark.ocpp(
    "1.6",
    "BootNotification",
    "StartTransaction",
    "MeterValues",
    "StopTransaction",
    "SetChargingProfile",
    "ChangeConfiguration",
)
def test_a_foreign_1_6_charger_boots_charges_within_its_limits_and_is_billed(tmp_path):
    async def story():
        async with running(tmp_path) as house:
            socket = await house.dial("F1", "1.6")
            async with on_the_line(Charger16, "F1", socket) as charger:
                assert (await charger.boot()).status == "Accepted"
                answer = await charger.plug_in()
                assert answer.transaction_id > 0
                assert answer.id_tag_info["status"] == "Accepted"
                await run_until(charger, lambda: (charger.car.setpoint_w or 0) >= 55_000)
                purposes = {p["charging_profile_purpose"] for p in charger.profiles}
                assert purposes == {"TxDefaultProfile", "TxProfile"}
                assert all(
                    p.get("charging_schedule", {}).get("duration") == 60
                    for p in charger.profiles
                    if p["charging_profile_purpose"] == "TxProfile"
                )
                await charger.unplug()
            [session] = records(house, "sessions")
            assert session["status"] == "settled"
            assert session["meter_stop_wh"] == round(charger.car.import_wh)
            assert session["imported_wh"] == round(charger.car.import_wh) - 1_000
            ledger = records(house, "ledger")
            assert ledger
            assert sum(line["amount_fen"] for line in ledger) == 0

    asyncio.run(story())


@pytest.mark.ocpp(
    "2.0.1", "BootNotification", "TransactionEvent", "SetChargingProfile", "SetVariables", "RequestStopTransaction"
)
def test_a_foreign_2_0_1_charger_is_held_to_its_share_and_a_stop_from_the_page_reaches_it(tmp_path):
    async def story():
        async with running(tmp_path) as house:
            socket = await house.dial("N1", "2.0.1")
            async with on_the_line(Charger201, "N1", socket) as charger:
                assert (await charger.boot()).status == "Accepted"
                await charger.plug_in()
                await run_until(charger, lambda: (charger.car.setpoint_w or 0) >= 55_000)
                reply = await house.order(StopCharging(evse="N1-1"))
                assert reply.done
                assert charger.stop_asked == charger.transaction
                await charger.unplug()
            [session] = records(house, "sessions")
            assert session["status"] == "settled"
            assert session["transaction_id"] == charger.transaction

    asyncio.run(story())


@pytest.mark.ocpp(
    "2.1",
    "BootNotification",
    "NotifyEVChargingNeeds",
    "TransactionEvent",
    "SetChargingProfile",
    "UpdateDynamicSchedule",
    "SetVariables",
)
def test_a_foreign_2_1_car_gives_power_back_for_a_grid_order_and_is_paid_for_it(tmp_path):
    async def story():
        async with running(tmp_path) as house:
            socket = await house.dial("V1", "2.0.1", "2.1")
            assert socket.subprotocol == "ocpp2.1"
            async with on_the_line(Charger21, "V1", socket) as charger:
                await charger.boot()
                await charger.plug_in()
                answer = await charger.needs(datetime.now(UTC) + timedelta(hours=5))
                assert answer.status == "Processing"  # the schedule follows by itself
                await run_until(charger, lambda: (charger.car.setpoint_w or 0) >= 50_000)
                now = datetime.now(UTC)
                order = OrderGrid(id="o1", start=now, end=now + timedelta(hours=1), power_w=-40_000)
                assert (await house.order(order)).done
                await run_until(charger, lambda: charger.car.setpoint_w == -40_000.0)
                whole = [p for p in charger.profiles if p["charging_profile_purpose"] == "TxProfile"]
                assert whole[-1]["charging_profile_kind"] == "Dynamic"
                assert whole[-1]["invalid_after_offline_duration"] is True
                assert all(abs(update["setpoint"]) <= 60_000 for update in charger.updates)
                before = charger.car.export_wh
                await run_until(charger, lambda: charger.car.export_wh > before + 3_000)
                session = house.station.sessions.at("V1-1")
                assert session.phase.value == "discharging"
                await charger.unplug()
            [session] = records(house, "sessions")
            assert session["exported_wh"] == pytest.approx(charger.car.export_wh - 500, abs=0.01)
            ledger = records(house, "ledger")
            [line] = [p for p in ledger if p["kind"] == "feed-in" and p["account"] == "driver:CARD2"]
            assert line["amount_fen"] == pytest.approx(session["exported_wh"] / 1000 * 45.3, abs=0.51)

    asyncio.run(story())


def test_every_answered_message_is_in_the_record_in_order_and_verbatim(tmp_path):
    async def story():
        async with running(tmp_path) as house:
            socket = await house.dial("V1", "2.1")
            async with on_the_line(Charger21, "V1", socket) as charger:
                await charger.boot()
                await charger.plug_in()
                for _ in range(5):
                    await charger.update()
                await charger.unplug()
            kept = [m for m in records(house, "messages") if m["charger"] == "V1"]
            assert [m["action"] for m in kept] == ["BootNotification"] + ["TransactionEvent"] * 7
            assert [m["payload"]["seqNo"] for m in kept[1:]] == list(range(7))
            assert json.dumps(kept[-1]["payload"]).count("Transaction.End") == 4

    asyncio.run(story())


def test_a_charger_that_returns_over_a_half_open_line_stays_commandable_when_the_old_one_closes_late(tmp_path):
    async def story():
        async with running(tmp_path) as house:
            old = await house.dial("V1", "2.1")
            old_charger = Charger21("V1", old)  # nobody listens on it: half-open as far as the station can tell
            await until(lambda: "V1" in house.station.chargers.lines)
            first = house.station.chargers.lines["V1"]
            new = await house.dial("V1", "2.1")
            async with on_the_line(Charger21, "V1", new) as charger:
                await until(lambda: house.station.chargers.lines.get("V1") is not first)
                await charger.boot()
                await charger.plug_in()
                old.transport.abort()
                await run_until(charger, lambda: (charger.car.setpoint_w or 0) >= 55_000)
                assert "V1" in house.station.chargers.lines
                assert (await house.order(StopCharging(evse="V1-1"))).done
            assert old_charger.profiles == []

    asyncio.run(story())


def test_two_chargers_may_use_the_same_transaction_id(tmp_path):
    async def story():
        async with running(tmp_path) as house:
            one, other = await house.dial("V1", "2.1"), await house.dial("V2", "2.1")
            async with on_the_line(Charger21, "V1", one) as a, on_the_line(Charger21, "V2", other) as b:
                a.transaction = b.transaction = "same"
                for charger in (a, b):
                    await charger.boot()
                    await charger.plug_in()
                b.car.import_wh = 7_000.0
                await b.update()
                await a.unplug()
                assert house.station.sessions.at("V1-1") is None
                assert house.station.sessions.at("V2-1").open
            ended = {s["charger"]: s["status"] for s in records(house, "sessions")}
            assert ended["V1"] == "settled"
            assert ended["V2"] != "settled"

    asyncio.run(story())


def test_a_station_that_restarts_with_a_car_there_reckons_with_the_worst_until_it_has_spoken_to_it(tmp_path):
    async def story():
        async with running(tmp_path) as house:
            socket = await house.dial("V1", "2.1")
            async with on_the_line(Charger21, "V1", socket) as charger:
                await charger.boot()
                await charger.plug_in()
                await run_until(charger, lambda: (charger.car.setpoint_w or 0) >= 55_000)
        async with running(tmp_path) as house:
            await until(lambda: house.station.loop.ticks > 0)
            now = house.station.crew.clock.monotonic()
            assert house.station.crew.setpoints.held("V1-1").possible(now) == (-60_000.0, 60_000.0)
            assert house.station.crew.setpoints.held("V2-1").possible(now) == (5_000.0, 5_000.0)
            socket = await house.dial("V1", "2.1")
            async with on_the_line(Charger21, "V1", socket) as again:
                again.transaction, again.seq = charger.transaction, charger.seq
                await run_until(again, lambda: again.car.setpoint_w is not None)
                await until(lambda: not house.station.crew.setpoints.held("V1-1").open)
                low, high = house.station.crew.setpoints.held("V1-1").possible(now)
                assert low == high == again.car.setpoint_w

    asyncio.run(story())


def test_a_late_word_about_a_session_of_an_earlier_process_begins_no_second_one(tmp_path):
    async def story():
        async with running(tmp_path) as house:
            socket = await house.dial("V1", "2.1")
            async with on_the_line(Charger21, "V1", socket) as charger:
                await charger.boot()
                await charger.plug_in()
                await charger.unplug()
        async with running(tmp_path) as house:
            socket = await house.dial("V1", "2.1")
            async with on_the_line(Charger21, "V1", socket) as again:
                again.transaction, again.seq = charger.transaction, 0
                await again.plug_in()
                again.seq = charger.seq - 1
                await again.unplug()
            assert house.station.sessions.at("V1-1") is None
        [session] = records(house, "sessions")
        assert session["status"] == "settled"

    asyncio.run(story())


def test_a_register_that_no_meter_can_show_is_kept_raw_flagged_and_not_billed(tmp_path):
    async def story():
        async with running(tmp_path) as house:
            socket = await house.dial("V1", "2.1")
            async with on_the_line(Charger21, "V1", socket) as charger:
                await charger.boot()
                await charger.plug_in()
                sane, charger.car.import_wh = charger.car.import_wh, 1e30
                await charger.update()
                charger.car.import_wh = sane
                await charger.unplug()
        [session] = records(house, "sessions")
        assert session["status"] == "ended"
        assert "absurd-register" in session["flags"]
        assert session["imported_wh"] < 10_000
        assert records(house, "ledger") == []
        assert exports.check(house.data) is None

    asyncio.run(story())


class LostBeforeTheAnswer:
    """A line that carries messages to the station and no word back."""

    def __init__(self, *texts):
        self.texts = list(texts)

    async def send(self, text):
        raise ConnectionError("lost")

    async def receive(self):
        if not self.texts:
            raise ConnectionError("lost")
        return self.texts.pop(0)

    async def close(self, code=1000, reason=""):
        self.texts = []


def test_what_is_written_is_true_also_where_the_line_is_lost_before_the_answer(tmp_path):
    async def story():
        async with running(tmp_path) as house:
            for number in (0, EVENTS - 1):
                line = LostBeforeTheAnswer(event(number))
                await house.station.accept("V1", OcppVersion.V21, line)
                assert (house.station.sessions.at("V1-1") is not None) == (number == 0)
            socket = await house.dial("V1", "2.1")
            await socket.send(event(EVENTS - 1))
            answer = json.loads(await asyncio.wait_for(socket.recv(), 10))
            assert answer[:2] == [3, f"m{EVENTS - 1}"]
            await socket.close()
        assert [m["message_id"] for m in records(house, "messages")] == ["m0", f"m{EVENTS - 1}"]
        [session] = records(house, "sessions")
        assert session["flags"] == ["gap"]

    asyncio.run(story())


def test_the_next_car_is_told_its_own_setpoint_when_the_end_of_the_last_one_was_lost(tmp_path):
    async def story():
        async with running(tmp_path) as house:
            socket = await house.dial("V1", "2.1")
            async with on_the_line(Charger21, "V1", socket) as charger:
                await charger.boot()
                await charger.plug_in()
                await run_until(charger, lambda: (charger.car.setpoint_w or 0) >= 55_000)
                charger.transaction, charger.seq, charger.car.setpoint_w = "the-next", 0, None
                charger.profiles.clear()
                await charger.plug_in()
                await run_until(charger, lambda: (charger.car.setpoint_w or 0) >= 55_000)
                told = [p for p in charger.profiles if p["charging_profile_purpose"] == "TxProfile"]
                assert told[0]["transaction_id"] == "the-next"

    asyncio.run(story())
