"""Puts the charger door together: its book, its doorkeeper, its listeners, the authority behind its certificates."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog
from sqlalchemy import Engine

from voltide.backbone.registry import Book
from voltide.backbone.store import Store
from voltide.config import Config
from voltide.domain.dossier import Doorway
from voltide.domain.site import ChargerId
from voltide.domain.time import Clock
from voltide.listeners import Listeners, Listening
from voltide.security.identities import Keyring
from voltide.security.own import OwnAuthority, Terms
from voltide.station.admission import Admission, Locks
from voltide.station.arrivals import Arrivals
from voltide.station.blocks.security import DoorLog, SecurityLog
from voltide.station.line import Line
from voltide.station.socket import Caps, Door
from voltide.station.station import StationActor

log = structlog.get_logger()

LOOK_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the door stands on."""

    config: Config
    data: Path
    engine: Engine
    keys: Keyring
    clock: Clock


def own_authority(config: Config, data: Path, clock: Clock) -> OwnAuthority:
    """The certificate authority of a data folder, made on first use."""
    terms = Terms(organisation=config.organisation, charger_life=timedelta(days=config.pki.certificate_days))
    return OwnAuthority(data / "pki", terms, clock)


@asynccontextmanager
async def opened(ground: Ground, station: StationActor, store: Store) -> AsyncIterator[list[Listening]]:
    """The door of a station, open; leaving shuts it. Raises ``OSError`` when it cannot be opened."""
    config, clock, book = ground.config, ground.clock, Book(ground.engine)
    own = own_authority(config, ground.data, clock)
    judge = Admission(
        Locks(
            book=book,
            keys=ground.keys,
            clock=clock,
            served=lambda identity: identity in station.crew.station.charger_of,
            organisation=config.organisation,
        )
    )
    listeners = Listeners(config, own, own, clock)
    door = Door(judge, station.accept, clock, caps(config))
    watch = Watch(
        arrivals=Arrivals(judge, store, station.diary, clock),
        door=DoorLog(store, station.diary, clock),
        events=SecurityLog(station.diary, clock),
        clock=clock,
    )
    watch.attach(judge, listeners, station)
    judge.stranger = station.reception.newcomers.porch.knock
    async with AsyncExitStack() as stack:
        stack.callback(book.close)
        listening = await listeners.open(door, stack)
        doors = tuple(Doorway(profile=one.profile, url=one.url) for one in listening)
        station.reception.gallery.doors = doors
        async with asyncio.TaskGroup() as tasks:
            begun = [tasks.create_task(watch.run()), tasks.create_task(listeners.keep_fresh())]
            try:
                yield listening
            finally:
                for task in begun:
                    task.cancel()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What goes on beside the door, once a second."""

    arrivals: Arrivals
    door: DoorLog
    events: SecurityLog
    clock: Clock

    def attach(self, judge: Admission, listeners: Listeners, station: StationActor) -> None:
        """Hear what happens at the door."""
        judge.turned_away = self.door.turned_away
        listeners.refused = self.door.refused_in_tls
        listeners.troubled = self.door.certificate
        station.chargers.on_line.append(self._line_changed)
        station.chargers.blocks.add(self.events)

    def _line_changed(self, charger: ChargerId, line: Line | None) -> None:
        self.arrivals.line_changed(charger, line)
        if line is not None:
            self.door.came(charger)

    async def run(self) -> None:
        """Until cancelled; what fails is told, and tried again."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                self.arrivals.look()
                self.events.look(self.clock.now())
                self.door.look(self.clock.now())
                await self.arrivals.settle()
                await self.door.write()
            except Exception:
                log.exception("gate.watch_failed")


def caps(config: Config) -> Caps:
    """What one charger may ask of the door."""
    table = config.door
    return Caps(frame_bytes=table.max_frame_bytes, messages_per_s=table.messages_per_s, ping_s=table.ping_s)
