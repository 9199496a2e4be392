import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from voltide.twin.world import SimClock, StuckError, luck, run

START = datetime(2025, 3, 28, tzinfo=UTC)


def test_a_day_passes_in_an_instant_and_the_clock_tells_it() -> None:
    async def main(clock: SimClock) -> tuple[datetime, float]:
        await asyncio.sleep(86_400)
        return clock.now(), clock.monotonic()

    began = time.perf_counter()
    assert run(main, START) == (START + timedelta(days=1), 86_400.0)
    assert time.perf_counter() - began < 1.0


def test_sleepers_wake_in_the_order_of_their_times() -> None:
    async def main(clock: SimClock) -> list[tuple[float, str]]:
        woke: list[tuple[float, str]] = []

        async def sleeper(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            woke.append((clock.monotonic(), name))

        async with asyncio.TaskGroup() as group:
            for name, seconds in (("c", 3.0), ("a", 1.0), ("b", 2.0)):
                group.create_task(sleeper(name, seconds))
        return woke

    assert run(main, START) == [(1.0, "a"), (2.0, "b"), (3.0, "c")]


def test_a_world_in_which_nobody_waits_for_a_time_says_so_instead_of_hanging() -> None:
    async def main(_: SimClock) -> None:
        await asyncio.Event().wait()

    with pytest.raises(StuckError, match="stuck"):
        run(main, START)


def test_a_time_limit_is_met_in_simulated_time() -> None:
    async def main(clock: SimClock) -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()
        return clock.monotonic()

    assert run(main, START) == 30.0


def test_a_naive_start_is_refused() -> None:
    async def main(_: SimClock) -> None:
        return None

    with pytest.raises(ValueError, match="aware"):
        run(main, datetime(2025, 3, 28))  # noqa: DTZ001


def test_luck_repeats_and_differs_by_name() -> None:
    assert luck(1, "cloud").random() == luck(1, "cloud").random()
    assert luck(1, "cloud").random() != luck(1, "driver").random()
