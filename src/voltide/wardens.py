"""What goes on beside the door: who came with what, what ends soon, what an operator wants done, the security log."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from voltide import trust
from voltide.backbone.store import Store
from voltide.config import Config
from voltide.domain.site import ChargerId
from voltide.domain.time import Clock
from voltide.listeners import Listeners, shown
from voltide.security.identities import Keyring
from voltide.security.own import OwnAuthority
from voltide.security.pki import Authority
from voltide.station.admission import PATH, Admission
from voltide.station.arrivals import Arrivals
from voltide.station.blocks.certificates import Certificates, Trust
from voltide.station.blocks.security import DoorLog, SecurityLog
from voltide.station.blocks.software import Software, Updates
from voltide.station.chargers import close_quietly
from voltide.station.errands import Comings, Doer, Errands
from voltide.station.line import Line
from voltide.station.moves import Moves, Roots, Rotation, Ways
from voltide.station.renewals import Renewals
from voltide.station.secrets import Secrets
from voltide.station.station import StationActor

log = structlog.get_logger()

EACH_SECOND, EACH_ERRAND, EACH_ROUND, EACH_MINUTE, EACH_HOUR = 1.0, 2.0, 10.0, 60.0, 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the door stands on."""

    config: Config
    data: Path
    store: Store
    keys: Keyring
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Doorstep:
    """Who stands at the door, and who vouches for chargers."""

    judge: Admission
    listeners: Listeners
    own: OwnAuthority
    signer: Authority


class Wardens:
    """All of them, around one station."""

    def __init__(self, ground: Ground, step: Doorstep, station: StationActor) -> None:
        """Raises ``OSError`` for files of the station's file that cannot be read."""
        self._ground = ground
        self._step = step
        self._station = station
        store, clock, diary, order = ground.store, ground.clock, station.diary, station.chargers.order
        self._arrivals = Arrivals(step.judge, store, diary, clock)
        self._door = DoorLog(store, diary, clock)
        self._events = SecurityLog(diary, clock)
        trusted = Trust(
            authority=step.signer,
            organisation=ground.config.organisation,
            responders=trust.responders(ground.config, clock),
            contracts=trust.contracts(ground.config),
            own_names=self._names,
            v2g=trust.v2g(ground.config),
        )
        self._certificates = Certificates(trusted, store, diary, clock, order)
        roots = (lambda: ()) if ground.config.pki.server else step.own.chain  # of files we know no root
        self._renewals = Renewals(roots, store, diary, order)
        updates = Updates(lambda: trust.shelf(ground.config, ground.data), store, clock)
        doers: dict[str, Doer] = {
            "rotate": Rotation(Secrets(ground.keys, store, clock), store),
            "root": Roots(),
            "move": Moves(Ways(urls=self._url, roots=roots, organisation=ground.config.organisation), store),
            "update": updates,
            "publish": updates,
        }
        self._errands = Errands(doers, station.chargers, store, diary, Comings(clock=clock, came=self._came))
        self._attach()

    def _attach(self) -> None:
        """Hear what happens at the door, and what chargers say of it."""
        step, chargers = self._step, self._station.chargers
        step.judge.turned_away = self._door.turned_away
        step.listeners.refused = self._door.refused_in_tls
        step.listeners.troubled = self._door.certificate
        chargers.on_line.append(self._line_changed)
        for block in (self._events, self._certificates, Software(self._station.diary)):
            chargers.blocks.add(block)

    def works(self) -> Iterator[Coroutine[object, object, None]]:
        """What is to be run as long as the door is open; none of it ends by itself."""
        yield _each(EACH_SECOND, self._look)
        yield _each(EACH_ERRAND, self._errands.look)
        yield _each(EACH_ROUND, self._round)
        yield _each(EACH_MINUTE, lambda: self._certificates.resume(self._online()))
        yield _each(EACH_HOUR, self._look_ahead)

    async def _look(self) -> None:
        now = self._ground.clock.now()
        self._arrivals.look()
        self._events.look(now)
        self._door.look(now)
        await self._arrivals.settle()
        await self._door.write()

    async def _round(self) -> None:
        """Whoever is on a line and could not come in any more must go: removed, revoked, or at another profile."""
        for charger, line in list(self._station.chargers.lines.items()):
            if not self._step.judge.holds(charger):
                log.warning("door.shown_out", charger=charger)
                await close_quietly(line)

    async def _look_ahead(self) -> None:
        files = self._ground.config.pki.server
        door = await asyncio.to_thread(lambda: [Path(file).read_text(encoding="utf-8") for file in files])
        await self._renewals.look(self._ground.clock.now(), self._online(), door)

    def _line_changed(self, charger: ChargerId, line: Line | None) -> None:
        self._arrivals.line_changed(charger, line)
        if line is not None:
            self._door.came(charger)

    def _online(self) -> frozenset[ChargerId]:
        return frozenset(self._station.chargers.lines)

    def _came(self, charger: ChargerId) -> datetime | None:
        arrival = self._step.judge.arrivals.get(charger)
        return None if arrival is None else arrival.at

    def _names(self, charger: ChargerId) -> frozenset[str]:
        known = self._step.judge.known(charger)
        return frozenset({charger} if known is None or known.name is None else {charger, known.name})

    def _url(self, profile: int) -> str | None:
        """What a charger is told to dial: the first of [pki] names, else the host that the door is bound to."""
        for listening in self._step.listeners.opened:
            if listening.profile == profile:
                names = self._ground.config.pki.names
                host = shown(names[0]) if names else listening.host
                return f"{listening.scheme}://{host}:{listening.port}{PATH}"
        return None


async def _each(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    """At once, and again and again; what fails is told, and tried again."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("wardens.failed", work=getattr(work, "__qualname__", "work"))
        await asyncio.sleep(seconds)
