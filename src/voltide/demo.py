"""Lotus Hill on twins, in real time, in one process."""

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from zoneinfo import ZoneInfo

from voltide.backbone.clock import SystemClock
from voltide.live import Site, on_ports, run
from voltide.simulate import prepare


def play(
    scenario: str, *, data: Path | None, port_base: int, at: str | None, seed: int, say: Callable[[str], None]
) -> None:
    """Run until Ctrl-C. Raises ``LookupError``, ``ValueError`` or ``OSError`` with one plain sentence."""
    prepared = prepare(scenario, seed=seed)
    _claim(data)
    zone = ZoneInfo(prepared.config.station.timezone)
    clock = SystemClock(shift=_shift(at, zone))
    with tempfile.TemporaryDirectory(prefix="voltide-demo-") as folder:
        site = Site(
            config=on_ports(prepared.config, port_base),
            data=data or Path(folder),
            clock=clock,
            say=say,
            world=prepared.world,
            seed=seed,
        )
        local = clock.now().astimezone(zone)
        say(f"{prepared.config.station.name}: it is {local:%H:%M} there, {len(prepared.config.station.evses)} outlets")
        run(site)


def _claim(data: Path | None) -> None:
    """The twins get new secrets, so a real station's folder is never theirs."""
    if data is None:
        return
    mark = data / "demo"
    if (data / "station.db").exists() and not mark.exists():
        raise ValueError(f"{data} holds a real station's records; the demo wants a folder of its own")
    data.mkdir(parents=True, exist_ok=True)
    mark.touch()


def _shift(at: str | None, zone: ZoneInfo) -> timedelta:
    """How far the demo's clock is ahead of the machine's."""
    if at is None:
        return timedelta(0)
    try:
        wanted = clock_time.fromisoformat(at)
    except ValueError:
        raise ValueError(f"{at!r} is no time of day; like 10:30") from None
    now = SystemClock().now()
    today = now.astimezone(zone).date()
    return datetime.combine(today, wanted, zone).astimezone(UTC) - now
