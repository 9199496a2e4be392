"""The outbox's other end: facts that are on the disk are published, in order, at least once."""

import asyncio

import structlog

from voltide.backbone import codec
from voltide.backbone.bus import Bus
from voltide.backbone.store import Store
from voltide.domain.time import Clock

log = structlog.get_logger()

PAUSE_S = 1.0


async def relay(store: Store, bus: Bus, clock: Clock) -> None:
    """Publish for ever. A fact is marked only after it has been published."""
    seen = -1
    while True:
        await asyncio.sleep(PAUSE_S)
        if store.facts == seen:  # nothing was written, so nothing waits
            continue
        seen = store.facts
        try:
            waiting = await store.unsent()
            for row in waiting:
                await bus.publish(row["subject"], codec.decode(row["body"].encode()))
            if waiting:
                await store.mark_sent([row["id"] for row in waiting])
        except Exception:
            log.exception("relay.failed", at=clock.now().isoformat())
