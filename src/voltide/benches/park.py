"""A car park of many piles, run by the product itself: ``voltide station`` in a process and a folder of its own."""

import contextlib
import re
import socket
import sqlite3
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from sqlalchemy import insert

from voltide.backbone import schema
from voltide.backbone.clock import SystemClock
from voltide.benches.machine import line, process, python
from voltide.domain.time import millis
from voltide.live import database, keyring
from voltide.security.identities import new_secret

_TOML = """
[station]
id = "park"
name = "Park"
latitude = 22.5
longitude = 114.0
timezone = "Asia/Shanghai"

[station.connection]
import_w = {limit}
export_w = 100_000
reserve_w = 5_000
other_load_max_w = 10_000

[[pile]]
ids = [{ids}]
outlets = [{{ charge_w = 11_000, fallback_w = 1_400 }}]

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
listen = ["basic", "tls"]
"""
_TICKS = re.compile(r'^voltide_control_ticks\{[^}]*what="(\w+)"[^}]*\} (\S+)$', re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Park:
    """A station that runs."""

    child: Popen[str]
    data: Path
    secret: str
    """Of every charger alike: who measures a door need not guard it."""
    page: str
    plain_port: int
    tls_port: int

    def ticks(self) -> dict[str, int]:
        """Control ticks that were done, missed and failed since the start."""
        with urllib.request.urlopen(f"{self.page}metrics", timeout=30) as answer:  # noqa: S310 - our own page
            return {name: int(float(count)) for name, count in _TICKS.findall(answer.read().decode())}

    def stored(self, action: str | None = None) -> int:
        """Charger messages on the disk."""
        with contextlib.closing(sqlite3.connect(f"file:{self.data / 'station.db'}?mode=ro", uri=True)) as records:
            chosen = ("", ()) if action is None else (" WHERE action = ?", (action,))
            (count,) = records.execute(f"SELECT count(*) FROM charger_messages{chosen[0]}", chosen[1]).fetchone()  # noqa: S608 - no value is in the text
            return int(count)


@contextlib.contextmanager
def park(count: int, on: set[int], profile: int = 1) -> Iterator[Park]:
    """A park of so many piles, provisioned for a security profile and running on some cores.

    Its folder lies on a disk where there is one, since a disk is what a station waits for.
    """
    names = [f"CS{number:05d}" for number in range(count)]
    with tempfile.TemporaryDirectory(prefix="voltide-bench-", dir=_disk()) as folder:
        file, data = Path(folder) / "station.toml", Path(folder) / "data"
        ids = ", ".join(f'"{name}"' for name in names)
        file.write_text(_TOML.format(ids=ids, limit=50_000 + 4_000 * count), encoding="utf-8")
        secret = _provision(data, names, profile)
        command = [*python("voltide", "station", "--config", file, "--data", data, "--port-base", _free_ports())]
        with process(command, on) as child:
            told: dict[str, str] = {}
            while not {"operator page", "ws", "wss"} <= told.keys():
                name, _, address = line(child).rpartition(" ")
                told[address.partition(":")[0] if name == "charger door" else name] = address
            yield Park(
                child=child,
                data=data,
                secret=secret,
                page=told["operator page"],
                plain_port=_port(told["ws"]),
                tls_port=_port(told["wss"]),
            )


def _provision(data: Path, names: list[str], profile: int) -> str:
    engine, keys, secret = database(data), keyring(data), new_secret()
    at = millis(SystemClock().now())
    rows = [{"id": name, "secret_mac": keys.mac(name, secret), "profile": profile, "added_at": at} for name in names]
    with engine.begin() as connection:
        connection.execute(insert(schema.chargers), rows)
    engine.dispose()
    return secret


def _port(address: str) -> int:
    return int(address.split("/")[2].rpartition(":")[2])


def _disk() -> str | None:
    return "/var/tmp" if Path("/var/tmp").is_dir() else None  # noqa: S108 - a folder of its own is made in it


def _free_ports() -> int:
    """The first of five neighbouring free ports."""
    while True:
        with contextlib.ExitStack() as held:
            first = held.enter_context(socket.socket())
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                for more in range(1, 5):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", port + more))
            except (OSError, OverflowError):
                continue
            return port
