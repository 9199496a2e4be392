"""A page as it is served: a real uvicorn on a free loopback port, a real bus, and a fake station behind it."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

import httpx
from litestar import Litestar

from tests.web.depot import STATION, Depot, ManualClock, Records
from voltide.backbone.bus import LocalBus
from voltide.domain.picture import StationPicture
from voltide.security.tokens import Operators
from voltide.web.app import create_app, serve
from voltide.web.live import Live

T = TypeVar("T")
DEADLINE_S = 10.0


@dataclass(kw_only=True)
class House:
    """What a test holds of a served page."""

    app: Litestar
    bus: LocalBus
    depot: Depot
    operators: Operators
    clock: ManualClock
    records: Records
    port: int
    client: httpx.AsyncClient
    serving: asyncio.Task[None]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def live(self) -> Live:
        live = self.app.state["desk"].live
        assert isinstance(live, Live)
        return live

    @property
    def origin(self) -> dict[str, str]:
        return {"Origin": self.url}

    async def sign_in(self) -> None:
        answer = await self.client.get(f"/signin/{self.operators.one_time_link_token()}")
        assert answer.status_code == 303

    async def order(self, body: object, **headers: str) -> httpx.Response:
        return await self.client.post("/api/orders", json=body, headers={**self.origin, **headers})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def house(*, loopback: bool = True, first: StationPicture | None = None) -> AsyncIterator[House]:
    """Open a house, wait until it answers, and close it again."""
    clock, port, records = ManualClock(), free_port(), Records()
    operators = Operators(clock)
    async with LocalBus() as bus:
        depot = Depot(bus, first)
        app = create_app(bus, records, operators, STATION, clock, loopback=loopback)
        serving = asyncio.create_task(serve(app, "127.0.0.1", port))
        async with httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE_S, trust_env=False
        ) as client:
            await until(lambda: answers(port))
            yield House(
                app=app, bus=bus, depot=depot, operators=operators, clock=clock, records=records, port=port,
                client=client, serving=serving,
            )  # fmt: skip
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving


async def answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


async def until(holds: Callable[[], Awaitable[bool] | bool], deadline_s: float = DEADLINE_S) -> None:
    """Wait for the world to come round; fail when it does not in time."""
    async with asyncio.timeout(deadline_s):
        while True:
            now = holds()
            if now is True or (not isinstance(now, bool) and await now):
                return
            await asyncio.sleep(0.01)


def in_house(test: Callable[[House], Awaitable[None]], **options: bool) -> None:
    """Run one test in a house of its own."""

    async def run() -> None:
        async with house(**options) as home:
            await test(home)

    asyncio.run(run())


@contextmanager
def house_next_door(*, loopback: bool = True, first: StationPicture | None = None) -> Iterator["Neighbour"]:
    """A house on a thread of its own, for tests that drive a browser from this one."""
    neighbour = Neighbour(loopback, first)
    neighbour.thread.start()
    try:
        assert neighbour.ready.wait(DEADLINE_S), "the page did not start"
        yield neighbour
    finally:
        neighbour.leave()


class Neighbour:
    """The house, and a way to do things in it."""

    home: House
    loop: asyncio.AbstractEventLoop

    def __init__(self, loopback: bool, first: StationPicture | None) -> None:
        self.ready = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self._live(loopback, first)), daemon=True)

    async def _live(self, loopback: bool, first: StationPicture | None) -> None:
        self.loop, self._gone = asyncio.get_running_loop(), asyncio.Event()
        async with house(loopback=loopback, first=first) as self.home:
            self.ready.set()
            await self._gone.wait()

    def do(self, work: Callable[[House], Awaitable[T]]) -> T:
        async def run() -> T:
            return await work(self.home)

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(DEADLINE_S)

    def leave(self) -> None:
        if self.ready.is_set():
            self.loop.call_soon_threadsafe(self._gone.set)
        self.thread.join(DEADLINE_S)

    def wait(self, holds: Callable[[House], bool]) -> None:
        """Poll from this thread until something holds over there."""
        end = time.monotonic() + DEADLINE_S
        while not holds(self.home):
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.01)
