"""The quirk files that are known: those that ship, and those of the station's own folder."""

import tomllib
from datetime import tzinfo
from pathlib import Path

import voltide.ocpp
from voltide.domain.dossier import Nameplate
from voltide.domain.site import OcppVersion
from voltide.ocpp.quirks import Manner, Quirk, Traits, parse, traits_of

SHIPPED = Path(voltide.ocpp.__file__).parent / "makers"


def known(*folders: Path) -> tuple[Quirk, ...]:
    """Every quirk, those that ship first; a later file counts before an earlier one. Raises ``ValueError``."""
    for folder in folders:
        if not folder.is_dir():
            raise ValueError(f"{folder} is no folder")
    files = [file for folder in (SHIPPED, *folders) for file in sorted(folder.glob("*.toml"))]
    return tuple(_read(file) for file in files)


class Makers:
    """What is known of chargers by who they say they are."""

    def __init__(self, quirks: tuple[Quirk, ...], zone: tzinfo) -> None:
        self._quirks = quirks
        self._zone = zone

    def traits(self, plate: Nameplate) -> Traits:
        """The quirks of a charger."""
        return traits_of(plate, self._quirks)

    def manner(self, plate: Nameplate, version: OcppVersion) -> Manner | None:
        """How it is heard and told; None: by the standard."""
        traits = self.traits(plate)
        return None if traits.plain else Manner(traits=traits, version=version, zone=self._zone)


def _read(file: Path) -> Quirk:
    try:
        return parse(file.stem, tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"quirk file {file}: {error}") from error
