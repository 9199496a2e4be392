"""One frozen configuration from TOML. Everything wrong with a file is said at once, before anything starts."""

import tomllib
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import UNSET

from voltide.control.wiring import UnsafeStationError, Wiring
from voltide.domain import site
from voltide.faults import faults as find_faults
from voltide.faults import trust_faults
from voltide.ledger.settlement import yuan
from voltide.ledger.tariff import Period, Tariff
from voltide.security.identities import is_identity
from voltide.tables import (
    BackboneTable,
    DoorTable,
    File,
    FirmwareTable,
    OperationsTable,
    PileTable,
    PkiTable,
    PlanTable,
    RulesTable,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What a station process is made from."""

    station: site.Station
    tariff: Tariff
    rules: RulesTable
    plan: PlanTable
    door: DoorTable
    pki: PkiTable
    firmware: FirmwareTable
    backbone: BackboneTable
    operations: OperationsTable
    world: dict[str, Any]

    @property
    def organisation(self) -> str:
        """Whose the chargers are, as their certificates say."""
        return self.pki.organisation or self.station.name


class ConfigError(ValueError):
    """Everything that is wrong with a file, one sentence a line: file, key, value and what is allowed."""

    def __init__(self, file: str, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("\n".join(f"{file}: {fault}" for fault in faults))


def _tables(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(str(path), [f"cannot be read: {error.strerror}"]) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(str(path), [f"is not TOML: {error}"]) from error


def load(path: Path) -> Config:
    """Read a station's file. Raises ``ConfigError``.

    A file that ``extends`` another one beside it has its tables, save those that it gives itself.
    """
    raw = _tables(path)
    base = raw.pop("extends", None)
    if base is not None:
        known = sorted(file.name for file in path.parent.glob("*.toml") if file != path)
        if base not in known:
            raise ConfigError(str(path), [f"extends = {base!r}: no such file beside it; there are {', '.join(known)}"])
        raw = {key: table for key, table in _tables(path.parent / base).items() if key != "extends"} | raw
    faults = find_faults(File, raw, "")
    if faults:
        raise ConfigError(str(path), faults)
    return _config(str(path), msgspec.convert(raw, File))


def _config(file: str, parsed: File) -> Config:
    """What single keys cannot tell: names that refer to each other, a tree that is one, fallbacks that are safe."""
    faults = [*_site_faults(parsed), *_tariff_faults(parsed), *trust_faults(parsed)]
    if faults:
        raise ConfigError(file, faults)
    station = _station(parsed)
    try:
        Wiring.of(station)
    except UnsafeStationError as error:
        raise ConfigError(file, [f"refused as unsafe: {error}"]) from error
    return Config(
        station=station,
        tariff=_tariff(parsed),
        rules=parsed.rules,
        plan=parsed.plan,
        door=parsed.door,
        pki=parsed.pki,
        firmware=parsed.firmware,
        backbone=parsed.backbone,
        operations=parsed.operations,
        world=parsed.world,
    )


def _site_faults(parsed: File) -> list[str]:
    faults = []
    try:
        ZoneInfo(parsed.station.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        faults.append(f"station.timezone = {parsed.station.timezone!r}: no such zone; like 'Asia/Shanghai'")
    store = parsed.station.storage
    if store and store.soc_min >= store.soc_max:
        faults.append(f"station.storage.soc_min = {store.soc_min:g}: must be below its soc_max, {store.soc_max:g}")
    nodes = {"grid": None, **{node.id: node.parent or "grid" for node in parsed.node}}
    names = [node.id for node in parsed.node]
    piles = [name for pile in parsed.pile for name in pile.ids]
    twice = sorted({name for name in names if names.count(name) > 1} | {"grid"} & set(names))
    faults += [f"node.id = {name!r}: this id is taken already" for name in twice]
    twice = sorted({name for name in piles if piles.count(name) > 1 or name in nodes})
    faults += [f"pile.ids = {name!r}: this id is taken already" for name in twice]
    bad = [name for name in piles if not is_identity(name)]
    faults += [f"pile.ids = {name!r}: must be 1 to 48 of A-Z a-z 0-9 * _ = | @ . + -" for name in bad]
    for place, node in enumerate(parsed.node):
        if node.parent and node.parent not in nodes:
            faults.append(f"node[{place}].parent = {node.parent!r}: no such node; known are {', '.join(nodes)}")
        elif _circular(node.id, nodes):
            faults.append(f"node[{place}].parent = {node.parent!r}: the tree runs in a circle here")
    return faults + [
        fault for place, pile in enumerate(parsed.pile) for fault in _pile_faults(place, pile, list(nodes))
    ]


def _pile_faults(place: int, pile: PileTable, nodes: list[str]) -> list[str]:
    faults = []
    if pile.parent and pile.parent not in nodes:
        faults.append(f"pile[{place}].parent = {pile.parent!r}: no such node; known are {', '.join(nodes)}")
    for number, outlet in enumerate(pile.outlets):
        at = f"pile[{place}].outlets[{number}]"
        if outlet.fallback_w > outlet.charge_w:
            faults.append(f"{at}.fallback_w = {outlet.fallback_w:g}: must be at most its charge_w, {outlet.charge_w:g}")
        if outlet.discharge_w and pile.v2g is site.V2g.NONE:
            faults.append(
                f"{at}.discharge_w = {outlet.discharge_w:g}: "
                "needs v2g = 'dynamic' (OCPP 2.1) or 'negative-limit' (2.0.1)"
            )
    return faults


def _circular(name: str, parents: dict[str, str | None]) -> bool:
    seen: set[str] = set()
    here: str | None = name
    while here is not None and here not in seen:
        seen.add(here)
        here = parents.get(here)
    return here is not None


def _tariff_faults(parsed: File) -> list[str]:
    faults, expected = [], "00:00"
    for place, period in enumerate(parsed.tariff.period):
        if period.from_ != expected:
            faults.append(
                f"tariff.period[{place}].from = {period.from_!r}: must be {expected!r}, without gap or overlap"
            )
        if period.to <= period.from_:
            faults.append(f"tariff.period[{place}].to = {period.to!r}: must be later than {period.from_!r}")
        expected = period.to
    if expected != "24:00":
        faults.append(f"tariff.period[{len(parsed.tariff.period) - 1}].to = {expected!r}: the day must end at '24:00'")
    known = sorted({period.name for period in parsed.tariff.period})
    for key, names in (("discharge_in", parsed.rules.discharge_in), ("wait_in", parsed.rules.wait_in)):
        faults += [
            f"rules.{key} = {name!r}: no such period; known are {', '.join(known)}"
            for name in names
            if name not in known
        ]
    return faults


def _station(parsed: File) -> site.Station:
    table, link = parsed.station, parsed.station.connection
    root = site.NodeId("grid")
    nodes = [
        site.Node(
            id=root,
            kind="connection",
            parent=None,
            import_w=link.import_w,
            export_w=link.export_w,
            plant=not any(node.plant for node in parsed.node),
        )
    ]
    nodes += [
        site.Node(
            id=site.NodeId(node.id),
            kind=node.kind,
            parent=site.NodeId(node.parent or root),
            import_w=node.import_w,
            export_w=node.export_w,
            plant=node.plant,
            modules=site.ModuleBank(**msgspec.structs.asdict(node.modules)) if node.modules else None,
        )
        for node in parsed.node
    ]
    chargers = [_charger(name, pile) for pile in parsed.pile for name in pile.ids]
    nodes += [_pile_node(charger, pile, root) for pile in parsed.pile for charger in chargers if charger.id in pile.ids]
    return site.Station(
        id=site.StationId(table.id),
        name=table.name,
        name_zh=table.name_zh or table.name,
        latitude=table.latitude,
        longitude=table.longitude,
        timezone=table.timezone,
        connection=site.GridConnection(**msgspec.structs.asdict(link)),
        nodes=tuple(nodes),
        chargers=tuple(chargers),
        pv=site.Photovoltaics(**msgspec.structs.asdict(table.pv)) if table.pv else None,
        storage=site.Storage(**msgspec.structs.asdict(table.storage)) if table.storage else None,
    )


def _charger(name: str, pile: PileTable) -> site.Charger:
    identity = site.ChargerId(name)
    evses = tuple(
        site.Evse(
            id=site.EvseId(f"{name}-{number}"),
            charger=identity,
            number=number,
            charge_w=outlet.charge_w,
            discharge_w=outlet.discharge_w,
            fallback_w=outlet.fallback_w,
        )
        for number, outlet in enumerate(pile.outlets, start=1)
    )
    return site.Charger(id=identity, evses=evses, v2g=pile.v2g, amperes=pile.amperes)


def _pile_node(charger: site.Charger, pile: PileTable, root: site.NodeId) -> site.Node:
    return site.Node(
        id=site.NodeId(charger.id),
        kind="pile",
        parent=site.NodeId(pile.parent) if pile.parent else root,
        import_w=pile.import_w or sum(evse.charge_w for evse in charger.evses),
        export_w=sum(evse.discharge_w for evse in charger.evses) if pile.export_w is UNSET else pile.export_w,
        evses=tuple(evse.id for evse in charger.evses),
    )


def _tariff(parsed: File) -> Tariff:
    periods = tuple(
        Period(
            name=period.name,
            start=time.fromisoformat(period.from_),
            charge=yuan(period.charge),
            feed_in=yuan(period.feed_in),
            grid_buy=yuan(period.grid_buy),
            grid_sell=yuan(period.grid_sell),
        )
        for period in parsed.tariff.period
    )
    return Tariff(periods=periods, zone=ZoneInfo(parsed.station.timezone), service_fee=yuan(parsed.tariff.service_fee))
