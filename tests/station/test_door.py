"""Who may come in, and what bad input costs: the specification's error, or the line; never anybody else's."""

import asyncio
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.station.foreign import Charger21, on_the_line
from tests.station.house import running, until
from voltide import exports

BOOT = [2, "b1", "BootNotification", {"chargingStation": {"model": "M", "vendorName": "V"}, "reason": "PowerUp"}]


async def status_of(url, **more):
    with pytest.raises(InvalidStatus) as refused:
        await connect(url, subprotocols=["ocpp2.1"], **more)
    return refused.value.response.status_code


def test_nobody_comes_in_without_a_known_identity_and_its_secret(tmp_path):
    async def story():
        async with running(tmp_path) as house:
            port, right = house.port, house.secrets["V1"]
            assert await status_of(house.url("V9", "x" * 40)) == 404
            assert await status_of(house.url("V1", "wrong")) == 401
            assert await status_of(f"ws://V2:{right}@127.0.0.1:{port}/ocpp/V1") == 401
            assert await status_of(f"ws://127.0.0.1:{port}/ocpp/V1") == 401
            assert await status_of(f"ws://V1:{right}@127.0.0.1:{port}/elsewhere/V1") == 404
            assert await status_of(f"ws://V1:{right}@127.0.0.1:{port}/ocpp/%2e%2e") == 404
            assert house.station.chargers.lines == {}
        assert exports.take("messages", house.data, *_always()) == []

    asyncio.run(story())


def test_a_sprayer_is_slowed_down_and_the_real_charger_still_comes_in(tmp_path):
    async def story():
        async with running(tmp_path) as house:
            seen = [await status_of(house.url("V1", f"guess{n}")) for n in range(13)]
            assert seen == [401] * 10 + [429] * 3
            socket = await house.dial("V1", "2.1")
            await socket.close()

    asyncio.run(story())


def test_without_a_version_in_common_the_line_is_closed_with_1002(tmp_path):
    async def story():
        async with running(tmp_path) as house, connect(house.url("V1"), subprotocols=["soap"]) as socket:
            with pytest.raises(ConnectionClosed):
                await socket.recv()
            assert socket.close_code == 1002

    asyncio.run(story())


def _always():
    from datetime import UTC, datetime  # noqa: PLC0415

    return datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


ANSWERED = {
    "an unknown action": ('[2,"x","FlyToTheMoon",{}]', "NotImplemented"),
    "a missing field": ('[2,"x","BootNotification",{"reason":"PowerUp"}]', "OccurrenceConstraintViolation"),
    "a wrong type": (
        '[2,"x","BootNotification",{"reason":5,"chargingStation":{"model":"m","vendorName":"v"}}]',
        None,
    ),
    "an unknown message type": ('[7,"x","Heartbeat",{}]', "MessageTypeNotSupported"),
    "no JSON": ("this is no JSON", None),
    "too few parts": ('[2,"x"]', None),
    "not a number": ('[2,"x","Heartbeat",{"customData":{"vendorId":"v","n":NaN}}]', None),
    "a huge number": ('[2,"x","Heartbeat",{"customData":{"vendorId":"v","n":1e400}}]', None),
    "a number of 5,000 digits": (
        '[2,"x","Heartbeat",{"customData":{"vendorId":"v","n":' + "9" * 5_000 + "}}]",
        None,
    ),
    "keys told twice": ('[2,"x","Heartbeat",{"customData":{"vendorId":"v","vendorId":"w"}}]', None),
    "an action that is a list": ('[2,"x",["Heartbeat"],{}]', None),
    "an id that is an object": ('[2,{"a":1},"Heartbeat",{}]', None),
    "an id of 1,000 characters": ('[2,"' + "x" * 1_000 + '","Heartbeat",{}]', None),
    "a depth of 20,000": ('[2,"x","Heartbeat",' + "[" * 20_000 + "]" * 20_000 + "]", None),
}
CLOSED = {
    "a frame above the cap": ("x" * 70_000, 1009),
    "bytes that are no UTF-8": (b"\xff\xfe\xfa", None),
}


def test_bad_frames_get_the_specification_s_error_and_the_line_lives_on(tmp_path):
    async def story():
        async with running(tmp_path) as house, await house.dial("V1", "2.1") as bad:
            for name, (text, code) in ANSWERED.items():
                await bad.send(text)
                answer = json.loads(await asyncio.wait_for(bad.recv(), 5))
                while answer[0] == 2:  # the station's own orders to a new charger
                    answer = json.loads(await asyncio.wait_for(bad.recv(), 5))
                assert answer[0] == 4, name
                assert code is None or answer[2] == code, (name, answer)
                assert len(answer[3]) <= 255
            await bad.send('[2,"fine","Heartbeat",{}]')
            answer = json.loads(await asyncio.wait_for(bad.recv(), 5))
            assert answer[:2] == [3, "fine"]
        kept = exports.take("messages", house.data, *_always())
        assert [m["message_id"] for m in kept] == ["fine"]

    asyncio.run(story())


@pytest.mark.parametrize("name", CLOSED)
def test_what_cannot_be_a_message_costs_its_sender_the_line_and_nobody_else_anything(tmp_path, name):
    frame, code = CLOSED[name]

    async def story():
        async with running(tmp_path) as house:
            good_socket, bad = await house.dial("V2", "2.1"), await house.dial("V1", "2.1")
            async with on_the_line(Charger21, "V2", good_socket) as good:
                await good.boot()
                await good.plug_in()
                await bad.send(frame, text=True) if isinstance(frame, bytes) else await bad.send(frame)
                await asyncio.wait_for(bad.wait_closed(), 5)
                assert bad.close_code in ({1007, 1002} if code is None else {code})
                await good.update()
                await until(lambda: "V1" not in house.station.chargers.lines)
                assert "V2" in house.station.chargers.lines

    asyncio.run(story())


def test_a_flood_of_answers_to_nothing_leaves_the_charger_commandable(tmp_path):
    async def story():
        async with running(tmp_path) as house, await house.dial("V1", "2.1") as socket:
            for n in range(240):  # as many as one burst may hold
                await socket.send(f'[3,"never-asked-{n}",{{}}]')
            await socket.send(json.dumps(BOOT))
            asked = []
            async with asyncio.timeout(60):
                while "SetChargingProfile" not in asked:
                    told = json.loads(await socket.recv())
                    if told[0] == 2:
                        asked.append(told[2])
            assert house.station.chargers.lines["V1"].connection.waiting >= 1

    asyncio.run(story())
