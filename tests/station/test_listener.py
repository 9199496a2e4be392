"""From a socket to a line: who goes first, who is sent away, and what happens to those who say nothing more."""

import asyncio
import contextlib
import socket

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.station.raw import PING, TEXT, frame, request
from voltide.backbone.clock import SystemClock
from voltide.station.admission import Verdict, identity_of
from voltide.station.caps import Caps
from voltide.station.listener import Doorway, Listening, bind, hello
from voltide.station.socket import Door

CLOCK = SystemClock()
HEAD = request("V1", "x")


def door(accept, **caps):
    return Door(lambda knock: Verdict(identity=identity_of(knock.path)), accept, CLOCK, Caps(**caps))


async def dial(port, host="127.0.0.1"):
    return await connect(
        f"ws://{host}:{port}/ocpp/V1", subprotocols=["ocpp2.1"], compression=None, ping_interval=None, close_timeout=0.2
    )


class Echo:
    """Gives every text back, after a moment; notes what it heard and how many it held at once."""

    def __init__(self):
        self.heard, self.at_once, self.most, self.lost = [], 0, 0, []

    async def accept(self, identity, version, wire):
        async def later(text):
            self.at_once += 1
            self.most = max(self.most, self.at_once)
            await asyncio.sleep(0.001)
            self.heard.append(text)
            self.at_once -= 1
            wire.say(text.decode())

        try:
            await wire.carry(later)
        except ConnectionError as why:
            self.lost.append(str(why))


def test_texts_are_heard_one_by_one_and_in_order_however_fast_they_come():
    async def story():
        echo = Echo()
        async with await door(echo.accept, messages_per_s=1e6).open("127.0.0.1", 0) as listening:
            line = await dial(listening.sockets[0].getsockname()[1])
            texts = [f"text {number}" for number in range(500)]
            for text in texts:
                await line.send(text)
            assert [await line.recv() for _ in texts] == texts
            assert echo.most == 1
            await line.close(3001, "enough")
            await until(lambda: echo.lost)
        assert echo.lost == ["3001 enough"]

    asyncio.run(story())


async def until(true):
    async with asyncio.timeout(15):
        while not true():
            await asyncio.sleep(0.01)


def test_one_door_has_many_ports_and_an_ipv6_address_may_wear_brackets():
    async def story():
        echo = Echo()
        made = door(echo.accept)
        async with await made.open("127.0.0.1", 0) as one, await made.open("[::1]", 0, profile=0) as other:
            for listening, host in ((one, "127.0.0.1"), (other, "[::1]")):
                async with await dial(listening.sockets[0].getsockname()[1], host) as line:
                    await line.send("x")
                    assert await line.recv() == "x"

    asyncio.run(story())


def test_a_taken_port_is_an_error_and_leaves_nothing_open():
    async def story():
        with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
            await bind("127.0.0.1", taken.getsockname()[1])

    asyncio.run(story())


def test_the_door_lets_go_of_those_who_do_not_answer_its_farewell():
    async def story():
        echo = Echo()
        made = door(echo.accept)
        deaf = []
        async with asyncio.timeout(5):
            async with await made.open("127.0.0.1", 0) as listening:
                for _ in range(20):
                    reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
                    writer.write(HEAD)
                    await reader.readuntil(b"\r\n\r\n")
                    deaf.append((reader, writer))
                await asyncio.sleep(0.05)
            for reader, writer in deaf:
                assert (await reader.read())[2:4] == (1001).to_bytes(2)
                writer.close()

    asyncio.run(story())


@pytest.mark.parametrize("answers", [True, False])
def test_who_gives_no_sign_of_life_is_given_up_and_who_answers_a_ping_is_not(answers):
    async def story():
        echo = Echo()
        async with await door(echo.accept, ping_s=0.5).open("127.0.0.1", 0) as listening:
            reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
            writer.write(HEAD)
            await reader.readuntil(b"\r\n\r\n")
            async with asyncio.timeout(15):
                for _ in range(3 if answers else 1):
                    assert await reader.readexactly(2) == b"\x89\x00"
                    if answers:
                        writer.write(frame(10))
            if not answers:
                await until(lambda: echo.lost)
            assert echo.lost == ([] if answers else ["no sign of life"])
            writer.close()

    asyncio.run(story())


def test_who_does_not_read_what_is_said_is_given_up():
    async def story():
        echo = Echo()
        async with await door(echo.accept, ping_s=0.5, messages_per_s=1e6).open("127.0.0.1", 0) as listening:
            line = socket.socket()
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(line, listening.sockets[0].getsockname())
            await loop.sock_sendall(line, HEAD)
            with contextlib.suppress(OSError):
                while not echo.lost:
                    async with asyncio.timeout(15):
                        await loop.sock_sendall(line, frame(TEXT, b"x" * 50_000))
            await until(lambda: echo.lost)
            line.close()
        assert echo.lost == ["what was said to it was not read"]

    asyncio.run(story())


def test_a_handler_that_breaks_costs_its_own_line_only():
    async def broken(identity, version, wire):
        if identity == "V1":
            raise RuntimeError("a bug")
        await Echo().accept(identity, version, wire)

    async def story():
        async with await door(broken).open("127.0.0.1", 0) as listening:
            port = listening.sockets[0].getsockname()[1]
            line = await dial(port)
            with pytest.raises(ConnectionClosed):
                await line.recv()
            assert line.close_code == 1011
            async with connect(f"ws://127.0.0.1:{port}/ocpp/V2", subprotocols=["ocpp1.6"]) as other:
                await other.send("x")
                assert await other.recv() == "x"

    asyncio.run(story())


# --- the porch and the doorway ---


class Slow:
    """A front that shakes hands when it is told to."""

    speaks_tls = False

    def __init__(self):
        self.may, self.greeted = asyncio.Event(), []

    def look(self):
        return

    async def greet(self, guest, address):
        self.greeted.append(address)
        try:
            await self.may.wait()
        finally:
            guest.close()


async def knock(listening, data=HEAD):
    reader, writer = await asyncio.open_connection(*listening.sockets[0].getsockname())
    writer.write(data)
    return reader, writer


def test_when_too_many_wait_the_oldest_are_told_when_to_come_back_and_all_others_get_in():
    async def story():
        front, caps = Slow(), Caps(handshakes=1, waiting=2, patience_s=60.0)
        async with Listening(await bind("127.0.0.1", 0), front, Doorway(caps, CLOCK), caps) as listening:
            guests = []
            for number in range(5):
                guests.append(await knock(listening))
                await until(lambda n=number: len(front.greeted) + len(listening._doorway._waiting) >= min(n + 1, 3))
                await asyncio.sleep(0.02)
            for reader, _ in guests[1:3]:
                head = await asyncio.wait_for(reader.read(), 10)
                assert head.startswith(b"HTTP/1.1 503 ")
                assert 2 <= int(head.partition(b"Retry-After: ")[2].split()[0]) <= 10
            assert listening.sent_away == 2
            front.may.set()
            await until(lambda: len(front.greeted) == 3)
            for _, writer in guests:
                writer.close()

    asyncio.run(story())


def test_who_dawdles_in_the_doorway_loses_the_place_to_the_newest():
    async def story():
        caps = Caps(handshakes=2, waiting=8, patience_s=0.1)
        doorway, inside = Doorway(caps, CLOCK), []

        async def stand(name):
            async with doorway.place():
                inside.append(name)
                await asyncio.sleep(30)

        tasks = []
        for name in "abcde":
            tasks.append(asyncio.create_task(stand(name)))
            await asyncio.sleep(0)
        assert inside == ["a", "b"]
        await until(lambda: len(inside) == 4)
        assert inside[2:] == ["e", "d"]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (doorway._inside, doorway._waiting) == ({}, [])

    asyncio.run(story())


def test_places_are_never_lost_whoever_gives_up_while_waiting():
    async def story():
        caps = Caps(handshakes=1, waiting=8, patience_s=60.0)
        doorway, done = Doorway(caps, CLOCK), []

        async def pass_through(name):
            async with doorway.place():
                await asyncio.sleep(0.001)
                done.append(name)

        for _ in range(30):
            tasks = [asyncio.create_task(pass_through(name)) for name in range(6)]
            await asyncio.sleep(0.0005)
            for task in tasks[1::2]:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert (doorway._inside, doorway._waiting) == ({}, [])
        assert len(done) >= 30 * 3

    asyncio.run(story())


def test_the_porch_holds_so_many_and_drops_those_who_stand_there_longest():
    async def story():
        front, caps = Slow(), Caps(porch=3)
        async with Listening(await bind("127.0.0.1", 0), front, Doorway(caps, CLOCK), caps) as listening:
            guests = [await knock(listening, b"GET /") for _ in range(6)]
            for reader, _ in guests[:3]:
                with contextlib.suppress(ConnectionResetError):
                    assert await asyncio.wait_for(reader.read(), 10) == b""
            await until(lambda: len(listening._guests) == 3)
            for _, writer in guests:
                writer.close()

    asyncio.run(story())


HELLOS = {
    "a whole head": (False, HEAD, True),
    "a whole head and a frame": (False, HEAD + frame(PING), True),
    "half a head": (False, HEAD[:-1], False),
    "a head that never ends": (False, b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 3_000, False),
    "a whole ClientHello": (True, b"\x16\x03\x01\x00\x05hello", True),
    "half a ClientHello": (True, b"\x16\x03\x01\x00\x05hell", False),
    "a ClientHello that is too long": (True, b"\x16\x03\x01\xff\xff" + bytes(20_000), False),
    "HTTP where TLS is spoken": (True, HEAD, False),
    "nothing": (True, b"", False),
}


@pytest.mark.parametrize("name", HELLOS)
def test_a_hello_is_waited_for_until_it_is_whole_and_then_left_where_it_is(name):
    tls, said, whole = HELLOS[name]

    async def story():
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            loop = asyncio.get_running_loop()
            found = asyncio.create_task(hello(ours, tls=tls))
            for byte in range(0, len(said), max(1, len(said) // 7)):
                with contextlib.suppress(OSError):
                    theirs.send(said[byte : byte + max(1, len(said) // 7)])
                await asyncio.sleep(0)
            await asyncio.sleep(0.05)
            theirs.shutdown(socket.SHUT_WR)
            assert await asyncio.wait_for(found, 10) is whole
            if whole:
                assert (await loop.sock_recv(ours, 100)) == said[:100]

    asyncio.run(story())
