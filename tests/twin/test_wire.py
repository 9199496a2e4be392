import asyncio
from datetime import UTC, datetime

import pytest

from voltide.twin.wire import ClosedError, pair
from voltide.twin.world import SimClock, run

START = datetime(2025, 3, 28, tzinfo=UTC)


def test_texts_arrive_in_order() -> None:
    async def main(_: SimClock) -> list[str]:
        here, there = pair("ocpp2.1")
        for word in ("a", "b", "c"):
            await here.send(word)
        return [await there.receive() for _ in range(3)]

    assert run(main, START) == ["a", "b", "c"]


def test_a_slow_line_keeps_the_order_and_takes_its_time() -> None:
    async def main(clock: SimClock) -> list[tuple[float, str]]:
        here, there = pair("ocpp2.1", latency_s=0.25)
        for number in range(20):
            await here.send(str(number))
        await asyncio.sleep(0.1)
        await here.send("late")
        return [(round(clock.monotonic(), 3), text) for text in [await there.receive() for _ in range(21)]]

    told = run(main, START)
    assert [text for _, text in told] == [*map(str, range(20)), "late"]
    assert told[-1][0] == 0.35


def test_a_closed_line_still_gives_what_had_arrived_and_then_says_closed() -> None:
    async def main(_: SimClock) -> str:
        here, there = pair("ocpp1.6")
        await here.send("last words")
        await here.close(1000, "done")
        heard = await there.receive()
        with pytest.raises(ClosedError):
            await there.receive()
        with pytest.raises(ConnectionError):
            await there.send("anyone?")
        return heard

    assert run(main, START) == "last words"


def test_whoever_waits_is_woken_by_the_close() -> None:
    async def main(_: SimClock) -> bool:
        here, there = pair("ocpp1.6")
        waiting = asyncio.ensure_future(there.receive())
        await asyncio.sleep(1)
        here.shut()
        with pytest.raises(ClosedError):
            await waiting
        return there.closed

    assert run(main, START)


def test_a_half_open_line_swallows_everything_and_tells_nobody() -> None:
    async def main(_: SimClock) -> tuple[bool, bool]:
        here, there = pair("ocpp2.1")
        here.cut = True
        await here.send("lost")
        await there.send("lost too")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(60):
                await there.receive()
        await here.close()
        return here.closed, there.closed

    assert run(main, START) == (True, False)
