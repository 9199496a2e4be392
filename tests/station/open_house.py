"""A whole station as ``voltide station`` runs it, in this process: door, page and API on free ports."""

import asyncio
import base64
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from websockets.asyncio.client import ClientConnection, connect

from voltide import live
from voltide.backbone.clock import SystemClock
from voltide.config import load

TOML = """
[station]
id = "corner"
name = "Corner"
name_zh = "街角站"
latitude = 22.5
longitude = 114.0
timezone = "Asia/Shanghai"

[station.connection]
import_w = 150_000
export_w = 100_000
reserve_w = 5_000
other_load_max_w = 10_000

[[pile]]
ids = ["V1"]
v2g = "dynamic"
outlets = [{ charge_w = 60_000, discharge_w = 60_000, fallback_w = 5_000 }]

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
listen = ["basic"]
"""
DEADLINE_S = 20.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class OpenHouse:
    web: str
    door: str
    data: Path
    client: httpx.AsyncClient
    said: list[str] = field(default_factory=list)

    async def answers(self) -> bool:
        return (await self.client.get("/api/chargers")).status_code == 200

    async def care(self, kind: str, **fields: object) -> dict:
        answer = await self.client.post(
            "/api/chargers/orders", json={"is": kind, **fields}, headers={"Origin": self.web}
        )
        return answer.json()

    async def chargers(self) -> dict:
        answer = await self.client.get("/api/chargers")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def charger(self, identity: str) -> dict:
        answer = await self.client.get(f"/api/chargers/{identity}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def newcomer(self, identity: str) -> dict | None:
        return next((row for row in (await self.chargers())["newcomers"] if row["id"] == identity), None)

    async def accept(self, identity: str, name: str) -> dict:
        """Wait until it can be accepted, and accept it."""

        async def readable() -> bool:
            row = await self.newcomer(identity)
            return row is not None and not row["reading"]

        await until(readable)
        row = await self.newcomer(identity)
        assert row is not None
        return await self.care("AcceptCharger", charger=identity, name=name, seen=row["mark"])

    async def ready(self, identity: str) -> bool:
        rows = (await self.chargers())["chargers"]
        return any(row["id"] == identity and row["ready"] for row in rows)

    async def dial(self, identity: str, *versions: str, secret: str | None = None) -> ClientConnection:
        headers = {}
        if secret is not None:
            word = base64.b64encode(f"{identity}:{secret}".encode()).decode()
            headers["Authorization"] = f"Basic {word}"
        return await connect(
            self.door + identity,
            subprotocols=[f"ocpp{v}" for v in versions],
            additional_headers=headers,
            compression=None,
            close_timeout=1,
            proxy=None,
        )


@asynccontextmanager
async def opened(tmp_path: Path, toml: str = TOML) -> AsyncIterator[OpenHouse]:
    """The station from its start to its end; the same folder gives the same station again."""
    file = tmp_path / "station.toml"
    file.write_text(toml + f"ocpp_port = 0\nweb_port = {free_port()}\n", encoding="utf-8")
    said: list[str] = []
    site = live.Site(config=load(file), data=tmp_path / "data", clock=SystemClock(), say=said.append)
    running = asyncio.create_task(live.live(site))
    try:
        await until(lambda: running.done() or any("charger door" in line for line in said))
        if running.done():
            running.result()
        page = next(line.split()[-1] for line in said if line.startswith("operator page"))
        link = next(line.split()[-1] for line in said if line.startswith("sign in once"))
        door = next(line.split()[-1] for line in said if "charger door" in line)
        async with httpx.AsyncClient(base_url=page.rstrip("/"), timeout=DEADLINE_S, trust_env=False) as client:
            assert (await client.get(link)).status_code == 303
            house = OpenHouse(web=page.rstrip("/"), door=door, data=tmp_path / "data", client=client, said=said)
            await until(house.answers)
            yield house
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def until(holds, seconds: float = DEADLINE_S) -> None:
    """Wait for the world to come round; the deadline is only for the failure."""
    async with asyncio.timeout(seconds):
        while True:
            now = holds()
            if now is True or (not isinstance(now, bool) and now is not None and await now):
                return
            await asyncio.sleep(0.05)
