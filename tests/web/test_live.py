import asyncio
import json
import time
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.web.depot import STATION, Depot, picture
from tests.web.house import House, in_house, until
from voltide.backbone.bus import LocalBus
from voltide.domain.picture import StationPicture
from voltide.web import live as live_module
from voltide.web.live import QUEUE_FRAMES, RING_FRAMES, Frame, Live, Watcher, difference

WANTED = f"station.{STATION}.picture"


def plain(picture: StationPicture) -> dict[str, Any]:
    """A picture as JSON has it."""
    fields: dict[str, Any] = json.loads(msgspec.json.encode(picture))
    return fields


def apply(fields: dict[str, Any], delta: dict[str, Any]) -> dict[str, Any]:
    """What the page's store does with a delta."""
    merged = {**fields}
    for key, value in delta.items():
        if key in {"outlets", "nodes"} and isinstance(value, dict):
            merged[key] = [{**item, **value.get(item["id"], {})} for item in fields[key]]
        else:
            merged[key] = value
    return merged


@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 46), st.integers(0, 46))
def test_a_picture_and_the_difference_make_the_next_picture(seed, other, many, fewer):
    old = picture(seed=seed)
    new = picture(seed=other)
    old, new = (plain(replace(p, outlets=p.outlets[:n])) for p, n in ((old, many), (new, fewer)))
    assert apply(old, difference(old, new)) == new


def test_what_has_not_changed_is_not_sent():
    old = plain(picture())
    new = json.loads(json.dumps(old))
    new["outlets"][3]["power_w"] = 1.0
    assert difference(old, new) == {"outlets": {new["outlets"][3]["id"]: {"power_w": 1.0}}}


def test_a_watcher_that_does_not_read_keeps_no_more_than_its_queue():
    watcher = Watcher()
    watcher.behind = False
    for number in range(10_000):
        watcher.put(Frame(number, "delta", b"x" * 1000))
        assert len(watcher.waiting) <= QUEUE_FRAMES
    assert watcher.behind
    assert not watcher.waiting


def frames(chunk: bytes) -> list[tuple[str, str, dict[str, Any]]]:
    found = []
    for block in chunk.decode().strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
        if "event" in lines:
            found.append((lines["id"], lines["event"], json.loads(lines["data"])))
    return found


async def next_frames(stream) -> list[tuple[str, str, dict[str, Any]]]:
    while True:
        async with asyncio.timeout(5):
            found = frames(await anext(stream))
        if found:
            return found


def test_a_browser_gets_a_snapshot_first_and_then_what_changed():
    async def run():
        async with LocalBus() as bus:
            depot, live = Depot(bus), Live(bus, STATION)
            async with aclosing(live.stream()) as stream:
                [(first, event, whole)] = await next_frames(stream)
                assert (event, whole) == ("snapshot", plain(depot.now))
                await depot.step(grid_w=1.0)
                [(second, event, delta)] = await next_frames(stream)
                assert event == "delta"
                assert set(delta) == {"at", "grid_w"}
                assert int(second.split("-")[1]) == int(first.split("-")[1]) + 1

    asyncio.run(run())


def test_a_browser_that_comes_back_gets_what_it_missed_and_one_that_missed_too_much_a_snapshot():
    async def run():
        async with LocalBus() as bus:
            depot, live = Depot(bus), Live(bus, STATION)
            async with aclosing(live.stream()) as other:
                [(seen, _, whole)] = await next_frames(other)
                for watts in (1.0, 2.0):
                    await depot.step(grid_w=watts)
                    await next_frames(other)
                async with aclosing(live.stream(seen)) as back:
                    told = [(await next_frames(back))[0] for _ in range(2)]
                    assert [event for _, event, _ in told] == ["delta", "delta"]
                    for _, _, delta in told:
                        whole = apply(whole, delta)
                    assert whole == plain(depot.now)
                for watts in range(RING_FRAMES + 1):
                    await depot.step(grid_w=float(watts) + 10)
                    await next_frames(other)
                for lost in (seen, "elsewhere-3", "nonsense", "", f"{seen.split('-')[0]}-99999999"):
                    async with aclosing(live.stream(lost)) as back:
                        assert (await next_frames(back))[0][1] == "snapshot"

    asyncio.run(run())


def test_the_bus_is_listened_to_only_while_somebody_watches_and_once_for_all():
    async def run():
        async with LocalBus() as bus:
            live = Live(bus, STATION)
            Depot(bus)
            assert not bus.wanted(WANTED)
            async with aclosing(live.stream()) as one, aclosing(live.stream()) as two:
                await next_frames(one)
                await next_frames(two)
                assert bus.wanted(WANTED)
                assert len(bus._listeners) == 1
            assert not bus.wanted(WANTED)
            assert not live.watchers

    asyncio.run(run())


def test_a_browser_that_fell_behind_gets_the_newest_snapshot():
    async def run():
        async with LocalBus() as bus:
            depot, live = Depot(bus), Live(bus, STATION)
            async with aclosing(live.stream()) as slow:
                await next_frames(slow)
                for _ in range(QUEUE_FRAMES * 3):
                    await depot.step(grid_w=depot.now.grid_w + 1)
                await until(lambda: live._picture == depot.now)
                last = (await next_frames(slow))[-1]
                assert (last[1], last[2]) == ("snapshot", plain(depot.now))

    asyncio.run(run())


def test_a_picture_that_a_look_has_overtaken_is_left_out():
    async def run():
        async with LocalBus() as bus:
            depot, live = Depot(bus), Live(bus, STATION)
            async with aclosing(live.stream()) as stream:
                await next_frames(stream)
                await bus.publish(WANTED, replace(depot.now, at=depot.now.at, grid_w=0.0))
                await depot.step(grid_w=5.0)
                assert [delta["grid_w"] for _, _, delta in await next_frames(stream)] == [5.0]

    asyncio.run(run())


def test_a_quiet_line_has_a_heartbeat(monkeypatch):
    monkeypatch.setattr(live_module, "HEARTBEAT_S", 0.01)

    async def run():
        async with LocalBus() as bus:
            live = Live(bus, STATION)
            async with aclosing(live.stream()) as stream:
                chunks = [await anext(stream) for _ in range(3)]
                assert chunks == [b"retry: 2000\n\n", b": still here\n\n", b": still here\n\n"]

    asyncio.run(run())


async def open_stream(home: House) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", home.port, limit=4096)
    writer.write(f"GET /api/live HTTP/1.1\r\nHost: 127.0.0.1:{home.port}\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


def test_a_browser_that_stops_reading_holds_no_memory_and_a_gone_one_is_forgotten():
    async def check(home: House) -> None:
        _, writer = await open_stream(home)
        await until(lambda: len(home.live.watchers) == 1)
        [watcher] = home.live.watchers
        for step in range(300):
            await home.depot.step(name=f"{step}" + "x" * 60_000)
            await until(lambda: home.live._picture == home.depot.now)
            assert len(watcher.waiting) <= QUEUE_FRAMES
        assert watcher.behind, "18 MB were told, and the socket took them all: it must stop somewhere"
        writer.transport.abort()
        await until(lambda: not home.live.watchers)
        assert not home.bus.wanted(WANTED)

    in_house(check)


def test_the_server_ends_within_two_seconds_though_streams_are_open():
    async def check(home: House) -> None:
        readers = [await open_stream(home) for _ in range(5)]
        await until(lambda: len(home.live.watchers) == 5)
        started = time.monotonic()
        home.serving.cancel()
        await asyncio.wait([home.serving])
        assert time.monotonic() - started < 2.0
        for reader, writer in readers:
            async with asyncio.timeout(2):
                while await reader.read(65536):
                    pass
            writer.close()

    in_house(check)


def test_too_many_browsers_are_refused_and_not_kept(monkeypatch):
    monkeypatch.setattr(live_module, "MAX_WATCHERS", 1)

    async def check(home: House) -> None:
        _, writer = await open_stream(home)
        await until(lambda: len(home.live.watchers) == 1)
        answer = await home.client.get("/api/live")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        writer.close()

    in_house(check)
