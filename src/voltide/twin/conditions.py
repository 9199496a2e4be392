"""What a world is like: how many come, what they want, the sky, and which dialect each charger speaks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from voltide.domain.site import ChargerId, OcppVersion
from voltide.domain.units import Fraction, Seconds, Watts

SHARES: Mapping[str, float] = {"hurried": 0.61, "taxi": 0.21, "commuter": 0.05, "shopper": 0.095, "night": 0.035}


@dataclass(frozen=True, kw_only=True)
class WorldConfig:
    """One world; the table ``[world]`` of a scenario."""

    vehicles_per_day: int = 640
    shares: Mapping[str, float] = field(default_factory=lambda: dict(SHARES))
    """How many of them are of each kind (see ``drivers.KINDS``); only the proportions count."""
    v2g_consent: Fraction | None = None
    """The part of drivers with a suitable car who agree to give back; None: as each kind does."""
    patience_s: Seconds = 900.0
    """How long a driver waits for an outlet before driving on."""
    cloudiness: Fraction = 0.35
    """How much of the light clouds take at most; 0 is a clear day."""
    building_w: Watts = 40_000.0
    """The highest load of everything that is neither car nor battery nor sun."""
    battery_soc: Fraction = 0.5
    latency_s: Seconds = 0.0
    """How long a message travels on a line in memory, for whoever makes the lines."""
    ocpp: Mapping[str, OcppVersion] = field(default_factory=dict)
    """Dialects by the beginning of a charger's id; the longest beginning wins, none means 2.1."""
    faults: tuple[Mapping[str, Any], ...] = ()
    """Faults to come: see ``faults.Fault``."""

    def version(self, charger: ChargerId) -> OcppVersion:
        """The dialect that a charger speaks.

        >>> config = WorldConfig(ocpp={"V": OcppVersion.V21, "V1": OcppVersion.V201})
        >>> config.version(ChargerId("V14")).value, config.version(ChargerId("V02")).value
        ('2.0.1', '2.1')
        """
        fitting = [start for start in self.ocpp if charger.startswith(start)]
        return self.ocpp[max(fitting, key=len)] if fitting else OcppVersion.V21


def world_from(table: Mapping[str, Any]) -> WorldConfig:
    """A world from the table ``[world]`` of a TOML file; a key it does not know is an error that names the key."""
    known = set(WorldConfig.__dataclass_fields__)
    unknown = sorted(set(table) - known)
    if unknown:
        raise ValueError(f"[world] does not know the key {unknown[0]!r}; it knows {', '.join(sorted(known))}.")
    values = dict(table)
    if "ocpp" in values:
        values["ocpp"] = {str(start): OcppVersion(version) for start, version in values["ocpp"].items()}
    if "faults" in values:
        values["faults"] = tuple(values["faults"])
    return WorldConfig(**values)
