"""Puts the charger door together: its book, its doorkeeper, its listeners, the authority behind its certificates."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from voltide import trust
from voltide.backbone.registry import Book
from voltide.config import Config
from voltide.domain.dossier import Doorway
from voltide.listeners import Listeners, Listening
from voltide.station.admission import Admission, Locks
from voltide.station.caps import Caps
from voltide.station.socket import Door
from voltide.station.station import StationActor
from voltide.wardens import Doorstep, Ground, Wardens


@asynccontextmanager
async def opened(ground: Ground, station: StationActor) -> AsyncIterator[list[Listening]]:
    """The door of a station, open; leaving shuts it. Raises ``OSError`` when it cannot be opened."""
    config, clock, book = ground.config, ground.clock, Book(ground.store.engine)
    own = trust.own(config, ground.data, clock)
    signer = trust.authority(config, own)
    judge = Admission(
        Locks(
            book=book,
            keys=ground.keys,
            clock=clock,
            served=lambda identity: identity in station.crew.station.charger_of,
            organisation=config.organisation,
        )
    )
    judge.stranger = station.reception.newcomers.porch.knock
    listeners = Listeners(config, own, signer, clock)
    door = Door(judge, station.accept, clock, caps(config))
    wardens = Wardens(ground, Doorstep(judge=judge, listeners=listeners, own=own, signer=signer), station)
    async with AsyncExitStack() as stack:
        stack.callback(book.close)
        listening = await listeners.open(door, stack)
        door.on_odd = station.reception.oddities.handshake
        doors = tuple(Doorway(profile=one.profile, url=one.url) for one in listening)
        station.reception.gallery.doors = doors
        async with asyncio.TaskGroup() as tasks:
            begun = [tasks.create_task(work) for work in (*wardens.works(), listeners.keep_fresh())]
            try:
                yield listening
            finally:
                for task in begun:
                    task.cancel()


def caps(config: Config) -> Caps:
    """What one charger may ask of the door."""
    table = config.door
    return Caps(frame_bytes=table.max_frame_bytes, messages_per_s=table.messages_per_s, ping_s=table.ping_s)
