"""Event streams: let in while there is room, heard without an answer, bounded in memory, known after a restart."""

import asyncio

import pytest

from tests.station.blocks.poles import in_house, now, pole, told
from tests.station.house import until
from tests.station.test_operations import calling
from voltide.domain.messages import Outcome
from voltide.domain.site import ChargerId
from voltide.station.blocks.streams import MOST_STREAMS, REMEMBERED

V1 = ChargerId("V1")


def stream(number, monitor=1, **params):
    return {"constantStreamData": {"id": number, "variableMonitoringId": monitor, "params": params or {"interval": 10}}}


def values(number, *readings):
    data = [{"t": float(at), "v": str(value)} for at, value in readings]
    return {"id": number, "pending": 0, "basetime": now(), "data": data}


@pytest.mark.ocpp("2.1", "OpenPeriodicEventStream", "NotifyPeriodicEventStream", "ClosePeriodicEventStream")
def test_values_of_an_open_stream_are_heard_in_order_and_the_newest_is_kept(tmp_path):
    async def work(house):
        streams = house.station.blocks.streams
        async with pole(house, "V1") as one:
            assert (await one.call("OpenPeriodicEventStream", stream(3)))["status"] == "Accepted"
            await one.send("NotifyPeriodicEventStream", values(3, (0, 20), (1, 21)))
            await one.send("NotifyPeriodicEventStream", values(3, (2, 22)))
            await until(lambda: len(streams.values(V1, 3)) == 3)
            assert [point.value for point in streams.values(V1, 3)] == ["20", "21", "22"]
            await until(lambda: told(house, "stream-value"))
            assert told(house, "stream-value")["V1", "3"]["value"] == "22"
            await one.call("ClosePeriodicEventStream", {"id": 3})
            assert streams.of(V1) == ()
            await one.send("NotifyPeriodicEventStream", values(3, (3, 23)))
            await one.call("Heartbeat", {})
            assert streams.values(V1, 3) == ()
            assert one.errors == []

    in_house(tmp_path, work)


def test_a_stream_too_many_or_too_often_is_not_let_in(tmp_path):
    async def work(house):
        async with pole(house, "V1") as one:
            answer = await one.call("OpenPeriodicEventStream", stream(1, interval=0))
            assert answer["status"] == "Rejected"
            for number in range(MOST_STREAMS):
                answer = await one.call("OpenPeriodicEventStream", stream(number))
                assert answer["status"] == "Accepted"
            assert (await one.call("OpenPeriodicEventStream", stream(99)))["status"] == "Rejected"
            assert (await one.call("OpenPeriodicEventStream", stream(0, interval=60)))["status"] == "Accepted"
            await one.send("NotifyPeriodicEventStream", values(99, (0, 1)))
            await one.call("ClosePeriodicEventStream", {"id": 99})
            assert len(house.station.blocks.streams.of(V1)) == MOST_STREAMS

    in_house(tmp_path, work)


def test_what_is_remembered_of_a_stream_is_bounded(tmp_path):
    async def work(house):
        async with pole(house, "V1") as one:
            await one.call("OpenPeriodicEventStream", stream(1))
            for part in range(8):
                await one.send("NotifyPeriodicEventStream", values(1, *((at, part) for at in range(100))))
            newest = house.station.blocks.streams
            await until(lambda: newest.values(V1, 1) and newest.values(V1, 1)[-1].value == "7")
            await asyncio.sleep(0)
            assert len(newest.values(V1, 1)) == REMEMBERED

    in_house(tmp_path, work)


def test_open_streams_are_known_after_a_restart_and_closed_ones_are_not(tmp_path):
    async def work(house):
        async with pole(house, "V1") as one:
            await one.call("OpenPeriodicEventStream", stream(1))
            await one.call("OpenPeriodicEventStream", stream(2))
            await one.call("ClosePeriodicEventStream", {"id": 2})

    async def again(house):
        streams = house.station.blocks.streams
        await until(lambda: [one.id for one in streams.of(V1)] == [1])
        async with pole(house, "V1") as one:
            await one.send("NotifyPeriodicEventStream", values(1, (0, 5)))
            await until(lambda: streams.values(V1, 1))

    in_house(tmp_path, work)
    in_house(tmp_path, again)


@pytest.mark.ocpp("2.1", "AdjustPeriodicEventStream")
def test_a_stream_is_not_made_to_speak_too_often_by_hand(tmp_path):
    async def work(house):
        async with pole(house, "V1") as one:
            body = {"id": 1, "params": {"interval": 0}}
            result = await calling(house, "V1", "AdjustPeriodicEventStream", body)
            assert (result.outcome, one.asked("AdjustPeriodicEventStream")) == (Outcome.REFUSED, [])
            body = {"id": 1, "params": {"interval": 30}}
            result = await calling(house, "V1", "AdjustPeriodicEventStream", body)
            assert (result.outcome, one.asked("AdjustPeriodicEventStream")) == (Outcome.ACCEPTED, [body])

    in_house(tmp_path, work)
