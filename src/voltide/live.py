"""A station in real seconds on real ports: for a real site, or with twins around it for the demo."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
from sqlalchemy import Engine

from voltide import callbox, compose, gate
from voltide.backbone import registry
from voltide.backbone.bus import LocalBus
from voltide.backbone.database import open_database
from voltide.backbone.store import Store
from voltide.calm import few_collections
from voltide.config import Config
from voltide.domain.messages import TellNeeds
from voltide.domain.time import Clock, millis
from voltide.listeners import Listening, shown
from voltide.security.identities import Keyring, new_secret
from voltide.security.tokens import Operators
from voltide.station import aside, dossiers
from voltide.station.extension import with_accepted
from voltide.station.pilot import apart
from voltide.station.plant import Devices
from voltide.station.station import StationActor, Surroundings
from voltide.twin.city import Doors, Twin
from voltide.twin.conditions import WorldConfig
from voltide.twin.dial import dialler
from voltide.twin.wire import Connect, Wire
from voltide.wardens import Ground
from voltide.web.app import create_app, serve

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where a station lives: its configuration, its folder, its clock, and where it says what it listens on."""

    config: Config
    data: Path
    clock: Clock
    say: Callable[[str], None] = print
    world: WorldConfig | None = None
    """Twins around it; None: the real world."""
    seed: int = 1


def database(data: Path) -> Engine:
    """The records of a data folder, made on first use."""
    data.mkdir(parents=True, exist_ok=True)
    file = data / "station.db"
    file.touch(mode=0o600)  # it holds drivers' tokens
    return open_database(f"sqlite:///{file}")


def keyring(data: Path) -> Keyring:
    """The key of a data folder, made on first use."""
    data.mkdir(parents=True, exist_ok=True)
    return Keyring.at(data / "station.key")


def provision(engine: Engine, keys: Keyring, identity: str, clock: Clock, profile: int = 1) -> str | None:
    """A new charger's secret, which is shown this once; None when the identity is taken."""
    secret = new_secret()
    mac = keys.mac(identity, secret)
    row = {"id": identity, "secret_mac": mac, "profile": profile, "added_at": millis(clock.now())}
    return secret if registry.add(engine, row) else None


async def live(site: Site) -> None:
    """Run until cancelled. Raises ``ConfigError`` or ``UnsafeStationError`` before anything is opened."""
    config, engine = site.config, database(site.data)
    settings = compose.settings(config)
    with_accepted(settings.station, dossiers.all_of(engine))
    keys, operators = keyring(site.data), Operators(site.clock)
    async with Store(engine) as store, LocalBus() as bus, _calls(site, bus), asyncio.TaskGroup() as tasks:
        dial = _Dial()
        twin = _twin(site, bus, dial)
        around = Surroundings(
            clock=site.clock,
            store=store,
            bus=bus,
            devices=_devices(twin),
            new_id=compose.unguessable,
            keys=keys,
            solve=apart(site.clock.monotonic) if config.plan.optimise else None,
            aside=aside.apart,
        )
        station = StationActor(settings, around)
        ground = Ground(config=config, data=site.data, store=store, keys=keys, clock=site.clock)
        async with gate.opened(ground, station) as listening:
            tasks.create_task(station.run(), name="station")
            loopback = config.door.host in _LOOPBACK
            name, calls = config.station.id, compose.calls()
            app = create_app(bus, store, operators, name, site.clock, loopback=loopback, calls=calls)
            tasks.create_task(serve(app, config.door.host, config.door.web_port), name="pages")
            await asyncio.sleep(0)  # the listener is bound in the task's first step, before its address is told
            page = f"http://{shown(config.door.host)}:{config.door.web_port}/"
            site.say(f"operator page {page}")
            site.say(f"sign in once {page}signin/{operators.one_time_link_token()}")
            for one in listening:
                site.say(f"{'open ' if one.profile == 0 else ''}charger door {one.url}")
            if twin is not None:
                secrets = _fresh_secrets(engine, keys, config, site.clock)
                dial.through = dialler(_plain(listening), secrets)
                tasks.create_task(twin.run(), name="twins")
            try:
                await asyncio.Event().wait()
            finally:
                await station.close_lines()


def _calls(site: Site, bus: LocalBus) -> AbstractAsyncContextManager[None]:
    return callbox.opened(site.data, bus, site.config.station.id)


class _Dial:
    """The twins are made before the door has its port."""

    through: Connect

    async def __call__(self, identity: str, subprotocol: str) -> Wire:
        return await self.through(identity, subprotocol)


def _plain(listening: list[Listening]) -> str:
    """Where twins dial. Raises ``ValueError`` when there is no such listener."""
    for one in listening:
        if one.profile == 1:
            return one.url.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - dialled, not bound
    raise ValueError("the twins dial at security profile 1: [door] listen must name 'basic'")


def _twin(site: Site, bus: LocalBus, dial: "_Dial") -> Twin | None:
    if site.world is None:
        return None
    name = site.config.station.id

    async def tell(needs: TellNeeds) -> object:
        return await bus.request(f"station.{name}.order", needs)

    return Twin(site.config.station, site.world, site.clock, site.seed, Doors(dial, tell))


def _devices(twin: Twin | None) -> Devices:
    if twin is None:
        return Devices()
    return Devices(grid=twin.meter, building=twin.building, inverter=twin.inverter, battery=twin.battery)


def _fresh_secrets(engine: Engine, keys: Keyring, config: Config, clock: Clock) -> dict[str, str]:
    """The twins get new secrets at each start; what an operator gave to real chargers is not theirs to know."""
    secrets: dict[str, str] = {}
    for charger in config.station.chargers:
        registry.remove(engine, charger.id)
        secrets[charger.id] = provision(engine, keys, charger.id, clock) or ""
    return secrets


def on_ports(config: Config, base: int) -> Config:
    """The same station with its pages on port ``base`` and its charger doors on the next four."""
    names = ("web_port", "ocpp_port", "tls_port", "mtls_port", "open_port")
    ports = {name: base + place for place, name in enumerate(names)}
    return replace(config, door=msgspec.structs.replace(config.door, **ports))


def run(site: Site) -> None:
    """Run until Ctrl-C or SIGTERM, and end cleanly. Raises ``OSError`` when a port is taken."""
    with few_collections(), asyncio.Runner() as runner:
        loop = runner.get_loop()
        main = loop.create_task(live(site), name="live")
        for sign in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(sign, main.cancel)
        try:
            loop.run_until_complete(main)
        except asyncio.CancelledError:
            return
        except BaseExceptionGroup as group:
            taken = group.subgroup(OSError)
            if taken is not None:
                raise _first(taken) from group
            raise


def _first(group: BaseExceptionGroup[OSError]) -> OSError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error if isinstance(error, OSError) else OSError(str(error))
