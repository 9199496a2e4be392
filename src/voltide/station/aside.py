"""Where long reckoning is done: in a thread beside the event loop, so that no second waits; in simulations at once."""

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Aside(Protocol):
    """Does work that touches nothing but what it was given."""

    async def __call__(self, work: Callable[[], T]) -> T:
        """What comes of it; what it raises is raised here."""
        ...


async def at_once(work: Callable[[], T]) -> T:
    """Where it is asked, in no simulated time: a run then repeats itself."""
    return work()


async def apart(work: Callable[[], T]) -> T:
    """In a thread of its own."""
    return await asyncio.to_thread(work)
