"""A real station on a real port for tests: real SQLite, real WebSockets, the real second."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from websockets.asyncio.client import ClientConnection, connect

from voltide import compose, live
from voltide.backbone.bus import LocalBus
from voltide.backbone.clock import SystemClock
from voltide.backbone.registry import Book
from voltide.backbone.store import Store
from voltide.config import Config, load
from voltide.devices.ports import Reading
from voltide.domain.messages import Reply
from voltide.security.identities import Keyring
from voltide.station.admission import Admission, Locks
from voltide.station.plant import Devices
from voltide.station.socket import Caps, Door
from voltide.station.station import StationActor, Surroundings

TOML = """
[station]
id = "corner"
name = "Corner"
latitude = 22.5
longitude = 114.0
timezone = "Asia/Shanghai"

[station.connection]
import_w = 150_000
export_w = 100_000
reserve_w = 5_000
other_load_max_w = 10_000

[[pile]]
ids = ["V1", "V2"]
v2g = "dynamic"
outlets = [{ charge_w = 60_000, discharge_w = 60_000, fallback_w = 5_000 }]

[[pile]]
ids = ["N1"]
v2g = "negative-limit"
outlets = [{ charge_w = 60_000, discharge_w = 60_000, fallback_w = 5_000 }]

[[pile]]
ids = ["F1"]
outlets = [{ charge_w = 60_000, fallback_w = 5_000 }, { charge_w = 60_000, fallback_w = 5_000 }]

[tariff]
service_fee = 0.3
[[tariff.period]]
name = "flat"
from = "00:00"
to = "24:00"
charge = 0.8
feed_in = 0.453
grid_buy = 0.68
grid_sell = 0.453

[door]
ping_s = 2.0
"""


class SteadyMeter:
    """A grid meter that always answers."""

    def __init__(self, power_w=5_000.0):
        self.power_w = power_w
        self.silent = False

    async def read(self):
        if self.silent:
            raise OSError("no answer")
        return Reading(at=datetime.now(UTC), power_w=self.power_w)


@dataclass
class House:
    station: StationActor
    bus: LocalBus
    store: Store
    port: int
    config: Config
    data: Path
    meter: SteadyMeter
    secrets: dict[str, str] = field(default_factory=dict)

    async def order(self, order) -> Reply:
        reply = await self.bus.request("station.corner.order", order)
        assert isinstance(reply, Reply)
        return reply

    def url(self, identity: str, secret: str | None = None) -> str:
        secret = self.secrets[identity] if secret is None else secret
        return f"ws://{identity}:{secret}@127.0.0.1:{self.port}/ocpp/{identity}"

    async def dial(self, identity: str, *versions: str) -> ClientConnection:
        return await connect(
            self.url(identity), subprotocols=[f"ocpp{v}" for v in versions], compression=None, close_timeout=1
        )


@asynccontextmanager
async def running(tmp_path: Path, toml: str = TOML) -> AsyncIterator[House]:
    """A station with every charger of its file provisioned."""
    file = tmp_path / "station.toml"
    file.write_text(toml, encoding="utf-8")
    config, clock = load(file), SystemClock()
    engine = live.database(tmp_path / "data")
    keys: Keyring = live.keyring(tmp_path / "data")
    meter = SteadyMeter()
    async with Store(engine) as store, LocalBus() as bus:
        around = Surroundings(
            clock=clock,
            store=store,
            bus=bus,
            devices=Devices(grid=meter, building=SteadyMeter(2_000.0)),
            new_id=compose.unguessable,
        )
        station = StationActor(compose.settings(config), around)
        locks = Locks(book=Book(engine), keys=keys, clock=clock, served=lambda who: who in config.station.charger_of)
        judge = Admission(locks)
        door = Door(judge, station.accept, clock, Caps(ping_s=config.door.ping_s))
        async with await door.open("127.0.0.1", 0) as listening:
            port = listening.sockets[0].getsockname()[1]
            house = House(station, bus, store, port, config, tmp_path / "data", meter)
            for charger in config.station.chargers:
                live.registry.remove(engine, charger.id)
                secret = live.provision(engine, keys, charger.id, clock)
                assert secret is not None
                house.secrets[charger.id] = secret
            running_station = asyncio.create_task(station.run())
            try:
                yield house
            finally:
                await station.close_lines()
                running_station.cancel()
                await asyncio.gather(running_station, return_exceptions=True)


async def until(true, seconds: float = 15.0, what: str = "it") -> None:
    """Wait for something that a real socket brings about; the deadline is only for the failure."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.02)
    del what
