"""Sessions of a strict foreign client from npm, over real sockets, in all three versions.

Each test ends with the client's own verdict: it has found no call, no answer and no frame of ours that its schemas or
its framing refuse.
"""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest
from websockets.asyncio.server import serve

from tests.station.foreign_npm import Charger16, Charger21, Charger201, RefusedError, node, node_path
from tests.station.house import running, until
from voltide import exports
from voltide.domain.messages import CancelGrid, OrderGrid, SetInService, StartCharging, StopCharging

KINDS = {kind.version: kind for kind in (Charger16, Charger201, Charger21)}
PLACES = [("1.6", "F1"), ("2.0.1", "N1"), ("2.1", "V1")]
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)

every_version = pytest.mark.parametrize(("version", "identity"), PLACES, ids=KINDS)


@pytest.fixture(autouse=True)
def _client():
    """No story is begun where there is no client to tell it."""
    node_path()


def records(house, what):
    return exports.take(what, house.data, *ALWAYS)


async def arrive(house, over, version, identity, name=None):
    """A charger on the line that has booted."""
    charger = KINDS[version](over, identity, name)
    assert await charger.connect(house.url(identity), house.secrets[identity]) == f"ocpp{version}"
    assert (await charger.boot())["status"] == "Accepted"
    return charger


@pytest.mark.ocpp("1.6 2.0.1 2.1", "BootNotification", "StatusNotification", "Authorize", "SetChargingProfile")
@pytest.mark.ocpp("1.6", "StartTransaction", "MeterValues", "StopTransaction")
@pytest.mark.ocpp("2.0.1 2.1", "TransactionEvent")
@every_version
def test_a_strict_client_charges_as_it_is_told_and_is_billed_by_its_registers(tmp_path, version, identity):
    async def story():
        async with running(tmp_path) as house, node() as over:
            charger = await arrive(house, over, version, identity)
            assert await charger.free() == {}
            assert await charger.authorise("CARD1") == "Accepted"
            await charger.plug_in()
            assert charger.car.setpoint_w is None
            await charger.run_until(lambda: (charger.car.setpoint_w or 0) >= 55_000)
            place = house.station.crew.wiring.evses.index(f"{identity}-1")
            await charger.run_until(lambda: house.station.loop.measured_w[place] == charger.car.setpoint_w)
            assert house.station.crew.setpoints.held(f"{identity}-1").power_w == charger.car.setpoint_w
            await charger.unplug()
            car = charger.car
        [session] = records(house, "sessions")
        assert session["status"] == "settled"
        assert session["flags"] == []
        first = 1_000 if version == "1.6" else 1_000 + 5_000 / 36  # a 2.x start comes with its own sample
        assert session["imported_wh"] == pytest.approx(car.import_wh - first, abs=1)
        ledger = records(house, "ledger")
        assert sum(line["amount_fen"] for line in ledger) == 0
        [paid] = [line for line in ledger if line["kind"] == "energy" and line["account"].startswith("driver:")]
        assert paid["amount_fen"] == pytest.approx(-session["imported_wh"] / 1000 * 80, abs=0.51)

    asyncio.run(story())


@pytest.mark.ocpp("1.6", "RemoteStartTransaction", "RemoteStopTransaction")
@pytest.mark.ocpp("2.0.1 2.1", "RequestStartTransaction", "RequestStopTransaction")
@every_version
def test_what_the_page_starts_and_stops_reaches_a_strict_client(tmp_path, version, identity):
    async def story():
        async with running(tmp_path) as house, node() as over:
            charger = await arrive(house, over, version, identity)
            old = version == "1.6"
            start, stop = ("RemoteStart", "RemoteStop") if old else ("RequestStart", "RequestStop")
            assert (await house.order(StartCharging(evse=f"{identity}-1", token="CARD2"))).done
            [asked] = charger.asked(f"{start}Transaction")
            assert (asked["idTag"] if old else asked["idToken"]["idToken"]) == "CARD2"
            await charger.plug_in(None if old else asked["remoteStartId"])
            assert house.station.sessions.at(f"{identity}-1").open
            assert (await house.order(StopCharging(evse=f"{identity}-1"))).done
            [asked] = charger.asked(f"{stop}Transaction")
            assert asked == {"transactionId": charger.transaction}
            await charger.unplug()
            assert house.station.sessions.at(f"{identity}-1") is None

    asyncio.run(story())


@pytest.mark.ocpp("1.6 2.0.1 2.1", "ChangeAvailability", "TriggerMessage")
@every_version
def test_an_outlet_that_is_taken_out_of_service_is_so_at_a_strict_client_and_comes_back(tmp_path, version, identity):
    async def story():
        async with running(tmp_path) as house, node() as over:
            charger = await arrive(house, over, version, identity)
            await until(lambda: charger.asked("TriggerMessage"))  # how its outlets are is asked of every newcomer
            for operative, word in ((False, "Unavailable"), (True, "Available")):
                assert (await house.order(SetInService(evse=f"{identity}-1", operative=operative))).done
                asked = charger.asked("ChangeAvailability")[-1]
                assert ("Operative" if operative else "Inoperative") in asked.values()
                assert await charger.free(word) == {}
                assert house.station.portrait.outlet_states[f"{identity}-1"].value == word

    asyncio.run(story())


@pytest.mark.ocpp("2.1", "NotifyEVChargingNeeds", "SetChargingProfile", "UpdateDynamicSchedule")
def test_a_car_of_a_strict_2_1_client_gives_power_back_is_paid_and_charges_again(tmp_path):
    async def story():
        async with running(tmp_path) as house, node() as over:
            charger = await arrive(house, over, "2.1", "V1")
            await charger.plug_in()
            assert (await charger.needs(datetime.now(UTC) + timedelta(hours=5)))["status"] in {"Accepted", "Processing"}
            await charger.run_until(lambda: (charger.car.setpoint_w or 0) >= 50_000)
            moment = datetime.now(UTC)
            order = OrderGrid(id="o1", start=moment, end=moment + timedelta(hours=1), power_w=-40_000)
            assert (await house.order(order)).done
            await charger.run_until(lambda: charger.car.setpoint_w == -40_000.0)
            assert charger.asked("UpdateDynamicSchedule")[-1]["scheduleUpdate"]["setpoint"] == -40_000.0
            before = charger.car.export_wh
            await charger.run_until(lambda: charger.car.export_wh > before + 3_000)
            assert house.station.sessions.at("V1-1").phase.value == "discharging"
            assert (await house.order(CancelGrid(id="o1"))).done
            await charger.run_until(lambda: charger.car.setpoint_w > 0)
            await charger.unplug()
        [session] = records(house, "sessions")
        assert session["status"] == "settled"
        assert session["exported_wh"] == pytest.approx(charger.car.export_wh - 500, abs=0.01)
        lines = [line for line in records(house, "ledger") if line["account"] == "driver:CARD2"]
        [given] = [line["amount_fen"] for line in lines if line["kind"] == "feed-in"]
        [taken] = [line["amount_fen"] for line in lines if line["kind"] == "energy"]
        assert given == pytest.approx(session["exported_wh"] / 1000 * 45.3, abs=0.51)
        assert taken == pytest.approx(-session["imported_wh"] / 1000 * 80, abs=0.51)

    asyncio.run(story())


@every_version
def test_a_strict_client_that_returns_over_a_half_open_line_is_commanded_on_the_new_one(tmp_path, version, identity):
    async def story():
        async with running(tmp_path) as house, node() as over:
            old = await arrive(house, over, version, identity, "old")
            await old.plug_in()
            await until(lambda: house.station.sessions.at(f"{identity}-1") is not None)
            await over.ask(do="freeze", client="old")
            new = await arrive(house, over, version, identity, "new")
            new.transaction, new.car, new.seq = old.transaction, old.car, getattr(old, "seq", 0)
            await new.run_until(lambda: (new.car.setpoint_w or 0) >= 55_000)
            over.tell(do="terminate", client="old")
            await until(lambda: old.closed is not None)
            await new.update()
            assert identity in house.station.chargers.lines
            assert (await house.order(StopCharging(evse=f"{identity}-1"))).done
            asked = [[name for name, _ in charger.heard if "StopTransaction" in name] for charger in (old, new)]
            assert [len(names) for names in asked] == [0, 1]
            await new.unplug()
        [session] = records(house, "sessions")
        assert session["status"] == "settled"

    asyncio.run(story())


@every_version
def test_what_is_wrong_is_answered_in_the_client_s_own_words(tmp_path, version, identity):
    async def story():
        async with running(tmp_path) as house, node() as over:
            charger = await arrive(house, over, version, identity)
            await charger.plug_in()
            with pytest.raises(RefusedError) as refused:  # of the right schema, and not for this side
                await charger.call("ClearCache", {})
            assert refused.value.args[0] == "NotSupported"
            await charger.unplug()

    asyncio.run(story())


@pytest.mark.parametrize("version", KINDS)
def test_the_strict_client_would_have_found_a_bad_call_a_bad_answer_and_a_bad_frame(version):
    bad = ['[2,"a","Reset",{"type":"Sideways"}]', '[9,"b",{}]', "noise"]

    async def station(socket):
        heard = json.loads(await socket.recv())
        await socket.send(json.dumps([3, heard[1], {"currentTime": "noon"}]))
        for text in bad:
            await socket.send(text)
        await socket.wait_closed()

    async def story():
        async with node(flaws=None) as over:
            async with serve(station, "127.0.0.1", 0, subprotocols=[f"ocpp{version}"]) as door:
                port = door.sockets[0].getsockname()[1]
                charger = KINDS[version](over, "X1")
                await charger.connect(f"ws://127.0.0.1:{port}/ocpp/X1", "secret")
                with pytest.raises(RefusedError):
                    await charger.call("Heartbeat", {})
                await until(lambda: len(over.flaws) == 4)
                await over.ask(do="close", client="X1")
            assert [flaw.split(": ")[1].split()[0] for flaw in over.flaws] == ["heard"] * 4

    asyncio.run(story())
