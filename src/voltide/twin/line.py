"""Keeps one charger connected for ever: connects, listens, and comes back with growing patience."""

import asyncio
from ssl import SSLCertVerificationError

from voltide.domain.messages import SecurityTold
from voltide.domain.units import Seconds
from voltide.twin.charger import ChargerTwin
from voltide.twin.dial import Phone
from voltide.twin.network import Dial
from voltide.twin.variables import REPEATS, SLOT_TRIES, SPREAD_S, WAIT_S
from voltide.twin.wire import Connect, Wire

BLIND_S: Seconds = 2.0
"""How long a charger without a line waits before it looks again."""


async def keep_connected(twin: ChargerTwin, connect: Connect, dial: Dial | None = None) -> None:
    """Run a charger's line until cancelled. Whatever breaks here breaks this charger's line only.

    ``dial`` opens a line by the charger's own network profiles; without it they all lead where ``connect`` does.
    """
    tries = 0
    if dial is None and isinstance(connect, Phone):
        dial = connect.dial
    while True:
        while twin.troubles.unreachable or twin.clock.monotonic() < twin.down_until:  # noqa: ASYNC110 - a poll
            await asyncio.sleep(BLIND_S)
        tries += 1
        welcome = False
        try:
            wire = await twin.network.open(connect, dial)
            try:
                await _talk(twin, wire)
            finally:
                welcome = twin.welcome
                twin.lost()
                await wire.close()
        except SSLCertVerificationError as bad:  # kept until there is a line to tell it on
            why = str(bad.verify_message)[:255]
            twin.tell(SecurityTold(kind="InvalidCsmsCertificate", at=twin.clock.now(), info=why))
        except OSError:
            pass  # the line was lost, or there was none: wait, and try again
        except Exception as bug:  # noqa: BLE001 - see ``crashed``
            twin.crashed(bug)
        if welcome:
            tries = 1
        twin.network.tried(twin.variables.whole(SLOT_TRIES), welcome=welcome)
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
