"""Simulated time: an event loop whose clock jumps to the next timer when nothing else is ready.

The law: whoever waits asks ``asyncio.sleep``; whoever wants the time asks the Clock. So the same twins run in simulated
and in real time. No threads here: a simulated world does not wait for them.
"""

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")


class StuckError(RuntimeError):
    """Nothing is ready and nobody waits for a time: the simulated world would stand still for ever."""


class _Jump(selectors.BaseSelector):
    """A selector that never waits: it looks once, and then moves the loop's time instead."""

    def __init__(self) -> None:
        self.time = 0.0
        self._real = selectors.DefaultSelector()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout == 0:
            return []
        ready = self._real.select(0)
        if ready:
            return ready
        if timeout is None:
            raise StuckError("The simulated world is stuck: every task waits, and none of them for a time.")
        self.time += timeout
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class WorldLoop(asyncio.SelectorEventLoop):
    """An asyncio loop on simulated time, which starts at 0 s."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        """Simulated seconds since the loop was made."""
        return self._jump.time


class SimClock:
    """The Clock of a simulated world: ``start`` plus the loop's own seconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("A world starts at an aware time.")
        self._time = loop.time
        self._start = start.astimezone(UTC)
        self._told = (0.0, self._start)

    def now(self) -> datetime:
        """The simulated wall clock, aware, in UTC; asked many times within an instant, it is worked out once."""
        seconds, told = self._time(), self._told
        if told[0] != seconds:
            told = self._told = (seconds, self._start + timedelta(seconds=seconds))
        return told[1]

    def monotonic(self) -> float:
        """Simulated seconds since the world began."""
        return self._time()


def run(main: Callable[[SimClock], Coroutine[Any, Any, T]], start: datetime) -> T:
    """Play a whole world from ``start`` as fast as the machine can, and give back what ``main`` gives."""
    with asyncio.Runner(loop_factory=WorldLoop) as runner:
        clock = SimClock(runner.get_loop(), start)
        return runner.run(main(clock))


def luck(seed: int, *names: object) -> random.Random:
    """A source of chance of its own for each thing, so that a new thing does not change the luck of the others."""
    return random.Random("/".join(map(str, (seed, *names))))  # noqa: S311 - it must repeat, not be secret
