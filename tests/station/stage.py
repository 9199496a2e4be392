"""A station and its world on simulated time, for tests that look at every second."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from tests.twin.places import pile, station
from voltide import compose
from voltide.backbone.bus import LocalBus
from voltide.backbone.database import open_database
from voltide.backbone.store import Store
from voltide.config import load
from voltide.domain.site import ChargerId, GridConnection, OcppVersion, Station, V2g
from voltide.simulate import scenario
from voltide.station.plant import Devices
from voltide.station.station import StationActor, Surroundings
from voltide.twin import world
from voltide.twin.city import Doors, Twin
from voltide.twin.conditions import WorldConfig
from voltide.twin.wire import MemoryWire, Wire, pair

START = datetime(2026, 4, 15, 2, 0, tzinfo=UTC)
BUSY = WorldConfig(vehicles_per_day=12_000, cloudiness=0.0, building_w=20_000.0)


def small(import_w: float) -> Station:
    """Three outlets and a connection that holds them all; a charger more is more than it holds."""
    base = station((pile("V01", 2, V2g.DYNAMIC), pile("V02", 1, V2g.DYNAMIC)))
    link = GridConnection(import_w=import_w, export_w=200_000.0, reserve_w=5_000.0, other_load_max_w=30_000.0)
    root = replace(base.nodes[0], import_w=import_w, export_w=200_000.0)
    return replace(base, connection=link, nodes=(root, *base.nodes[1:]), pv=None, storage=None)


class Stage:
    """A station and its world. Whoever ``late`` names gets no line before that second."""

    def __init__(
        self, clock: world.SimClock, of: Station, *, seed: int = 1, late: dict[str, float] | None = None,
        conditions: WorldConfig = BUSY,
    ) -> None:  # fmt: skip
        self.clock, self.late = clock, late or {}
        self.twin = Twin(of, conditions, clock, seed, Doors(self._connect, self._tell))
        self.bus = LocalBus()
        self.store = Store(open_database("sqlite://", durable=False), inline=True)
        self.seen: list[tuple[float, list[float]]] = []
        """What each tick has decided, by outlet."""
        self._group: asyncio.TaskGroup | None = None

    def actor(self, of: Station) -> StationActor:
        devices = Devices(grid=self.twin.meter, building=self.twin.building)
        around = Surroundings(
            clock=self.clock, store=self.store, bus=self.bus, devices=devices, new_id=compose.repeatable(1)
        )
        made = compose.settings(load(scenario("lotus-hill")))
        return StationActor(replace(made, metrics=False, station=of), around)

    async def _connect(self, identity: str, subprotocol: str) -> Wire:
        if self.clock.monotonic() < self.late.get(identity, 0.0):
            raise ConnectionError("not yet")
        ours, theirs = pair(subprotocol)
        assert self._group is not None
        version = OcppVersion(subprotocol.removeprefix("ocpp"))
        self._group.create_task(self._serve(ChargerId(identity), version, ours))
        return theirs

    async def _serve(self, identity: ChargerId, version: OcppVersion, wire: MemoryWire) -> None:
        try:
            await self.station.accept(identity, version, wire)
        finally:
            await wire.close()

    async def _tell(self, needs: object) -> object:
        return await self.bus.request(f"station.{self.twin.station.id}.order", needs)

    async def play(self, of: Station, seconds: int, at: dict[int, Callable[[], None]] | None = None) -> None:
        """Run; ``at`` is done in the middle of its second."""
        self.station = self.actor(of)
        async with self.store, self.bus:
            lines = asyncio.create_task(self._live())
            await asyncio.sleep(0.5)
            for second in range(seconds):
                (at or {}).get(second, bool)()
                await asyncio.sleep(1.0)
                decision = self.station.loop.decision
                assert decision is not None
                self.seen.append((self.clock.monotonic(), decision.target_w.round(3).tolist()))
            lines.cancel()
            await asyncio.gather(lines, return_exceptions=True)

    async def _live(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._group = group
            group.create_task(self.station.run())
            group.create_task(self.twin.run())
