"""Puts a station together from its configuration; the only place where choices are made."""

import random
import secrets
from collections.abc import Callable
from pathlib import Path

from voltide.backbone.database import open_database
from voltide.config import Config, ConfigError
from voltide.domain.site import OcppVersion
from voltide.ocpp.actions import may_call
from voltide.ocpp.messages import actions
from voltide.ocpp.quirks import Quirk
from voltide.station import dossiers, makers
from voltide.station.chargers import Manners
from voltide.station.extension import with_accepted
from voltide.station.operations import CallTerms
from voltide.station.outlook import Economy
from voltide.station.planner import Policy
from voltide.station.setpoints import Terms
from voltide.station.station import Settings


def settings(config: Config) -> Settings:
    """How the station of a configuration is run."""
    return Settings(
        station=config.station,
        tariff=config.tariff,
        policy=Policy(
            discharge_in=frozenset(config.rules.discharge_in),
            wait_in=frozenset(config.rules.wait_in),
            floor_soc=config.rules.floor_soc,
        ),
        terms=Terms(lease_s=config.door.lease_s, offline_s=config.door.offline_lease_s),
        manners=Manners(tokens=tuple(config.door.tokens), newcomers=config.door.newcomers),
        sample_s=config.door.sample_s,
        keep_days=config.backbone.keep_messages_days,
        quirks=_quirks(config),
        calls=CallTerms(log_places=config.operations.log_places),
        economy=Economy(
            wear=config.plan.wear, least_margin=config.plan.least_margin, storage_wear=config.plan.storage_wear
        ),
    )


def calls() -> dict[str, dict[str, tuple[type, type | None]]]:
    """What a station may call a charger: by action, the request and the answer of each version that has it."""
    found: dict[str, dict[str, tuple[type, type | None]]] = {}
    for version in OcppVersion:
        for action, kinds in actions(version).items():
            if may_call(action, charger=False):
                found.setdefault(action, {})[version.value] = kinds
    return found


def _quirks(config: Config) -> tuple[Quirk, ...]:
    """The quirk files that ship, and those of the station's own folder. Raises ``ConfigError``."""
    folders = [Path(config.door.quirks)] if config.door.quirks else []
    try:
        return makers.known(*folders)
    except ValueError as error:
        raise ConfigError("door.quirks", [str(error)]) from error


def check(config: Config, data: Path) -> None:
    """Whether the station could start on a folder. Raises ``ConfigError`` or ``UnsafeStationError``."""
    made = settings(config)
    if (data / "station.db").is_file():
        engine = open_database(f"sqlite:///{data / 'station.db'}")
        with_accepted(made.station, dossiers.all_of(engine))
        engine.dispose()


def unguessable() -> str:
    """An id of 128 random bits, 32 characters long."""
    return secrets.token_hex(16)


def repeatable(seed: int) -> Callable[[], str]:
    """Ids for a simulated world: as long, and the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - a simulated id must repeat, not be secret
    return lambda: f"{chance.getrandbits(128):032x}"
