"""Keeps one charger connected for ever: connects, listens, and comes back with growing patience."""

import asyncio

from voltide.domain.units import Seconds
from voltide.twin.charger import ChargerTwin
from voltide.twin.variables import REPEATS, SPREAD_S, WAIT_S
from voltide.twin.wire import Connect, Wire

BLIND_S: Seconds = 2.0
"""How long a charger without a line waits before it looks again."""


async def keep_connected(twin: ChargerTwin, connect: Connect) -> None:
    """Run a charger's line until cancelled. Whatever breaks here breaks this charger's line only."""
    tries = 0
    while True:
        while twin.troubles.unreachable or twin.clock.monotonic() < twin.down_until:  # noqa: ASYNC110 - a poll
            await asyncio.sleep(BLIND_S)
        tries += 1
        try:
            wire = await connect(twin.charger.id, twin.version.subprotocol)
            try:
                await _talk(twin, wire)
            finally:
                tries = 1 if twin.online else tries
                twin.lost()
                await wire.close()
        except OSError:
            pass  # the line was lost, or there was none: wait, and try again
        except Exception as bug:  # noqa: BLE001 - see ``crashed``
            twin.crashed(bug)
        await asyncio.sleep(_patience(twin, tries))


async def _talk(twin: ChargerTwin, wire: Wire) -> None:
    """One line's life; ends by ``ConnectionError``."""
    twin.connected(wire)
    await twin.flush()
    while True:
        twin.hear(await wire.receive())
        await twin.flush()


def _patience(twin: ChargerTwin, tries: int) -> Seconds:
    """How long to wait before the next try: doubling up to a number of times, with a random part each time."""
    settings = twin.variables
    doublings = min(max(0, tries - 1), settings.whole(REPEATS))
    return settings.whole(WAIT_S) * 2.0**doublings + twin.chance.random() * settings.whole(SPREAD_S)
