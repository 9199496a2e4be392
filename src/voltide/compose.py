"""Puts a station together from its configuration; the only place where choices are made."""

import random
import secrets
from collections.abc import Callable

from voltide.config import Config
from voltide.station.chargers import Manners
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
        manners=Manners(tokens=tuple(config.door.tokens)),
        sample_s=config.door.sample_s,
        keep_days=config.backbone.keep_messages_days,
    )


def unguessable() -> str:
    """An id of 128 random bits, 32 characters long."""
    return secrets.token_hex(16)


def repeatable(seed: int) -> Callable[[], str]:
    """Ids for a simulated world: as long, and the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311 - a simulated id must repeat, not be secret
    return lambda: f"{chance.getrandbits(128):032x}"
