"""What a station is made of: a tree of limits with chargers at its leaves.

Glossary: 站 station, 桩 charger (pile), 枪 outlet (EVSE), 堆 cabinet. See docs/glossary.md.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import NewType

from voltide.domain.units import Fraction, WattHours, Watts

StationId = NewType("StationId", str)
ChargerId = NewType("ChargerId", str)
EvseId = NewType("EvseId", str)
NodeId = NewType("NodeId", str)


class OcppVersion(StrEnum):
    """The dialects of the charger's language that Voltide speaks."""

    V16 = "1.6"
    V201 = "2.0.1"
    V21 = "2.1"

    @property
    def subprotocol(self) -> str:
        """The WebSocket sub-protocol that stands for it."""
        return f"ocpp{self.value}"


class V2g(StrEnum):
    """How a charger is told to give power back."""

    NONE = "none"
    DYNAMIC = "dynamic"
    """OCPP 2.1: a dynamic profile whose setpoint may be negative."""
    NEGATIVE_LIMIT = "negative-limit"
    """OCPP 2.0.1 with a maker's word that a negative limit discharges, by short-lived profiles."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evse:
    """One outlet: at most one car at a time."""

    id: EvseId
    charger: ChargerId
    number: int
    """As the charger counts its outlets, from 1."""
    charge_w: Watts
    discharge_w: Watts = 0.0
    """The most it takes back from a car, as a positive number; 0 cannot."""
    fallback_w: Watts = 0.0
    """What the charger falls back to by itself when a lease runs out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charger:
    """One pile: one socket, one identity, some outlets."""

    id: ChargerId
    evses: tuple[Evse, ...]
    v2g: V2g = V2g.NONE
    amperes: bool = False
    """It understands limits in A only (some 1.6 piles do)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleBank:
    """The power modules of a cabinet; each feeds one head at a time."""

    count: int
    module_w: Watts
    hold_s: float = 60.0
    """How long a module stays with a head before it may be moved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A limit that several devices share: the grid connection, a transformer, a cabinet, a twin pile."""

    id: NodeId
    kind: str
    parent: NodeId | None
    import_w: Watts
    export_w: Watts
    evses: tuple[EvseId, ...] = ()
    """The outlets that hang directly on it; those of the nodes below come in addition."""
    plant: bool = False
    """Sun, storage and the building hang here too."""
    modules: ModuleBank | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GridConnection:
    """The contract with the grid, and what must be kept free below it."""

    import_w: Watts
    export_w: Watts
    reserve_w: Watts
    """Kept free at the root for what other load may rise within one lease."""
    other_load_max_w: Watts
    """The most that the building may draw; used when its meter is silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Photovoltaics:
    """The solar canopy."""

    peak_w: Watts
    tilt_deg: float = 10.0
    azimuth_deg: float = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """The stationary battery, seen from its AC terminals."""

    capacity_wh: WattHours
    charge_w: Watts
    discharge_w: Watts
    soc_min: Fraction = 0.1
    soc_max: Fraction = 0.95
    eta_charge: Fraction = 0.96
    eta_discharge: Fraction = 0.96


@dataclass(frozen=True, kw_only=True)
class Station:
    """A whole station. ``nodes`` is a tree whose root is the grid connection."""

    id: StationId
    name: str
    name_zh: str
    latitude: float
    longitude: float
    timezone: str
    connection: GridConnection
    nodes: tuple[Node, ...]
    chargers: tuple[Charger, ...]
    pv: Photovoltaics | None = None
    storage: Storage | None = None

    @cached_property
    def evses(self) -> tuple[Evse, ...]:
        """Every outlet, in the order in which every array of the control room lists them."""
        return tuple(evse for charger in self.chargers for evse in charger.evses)

    @cached_property
    def charger_of(self) -> dict[ChargerId, Charger]:
        """Chargers by identity."""
        return {charger.id: charger for charger in self.chargers}

    @cached_property
    def evse_of(self) -> dict[EvseId, Evse]:
        """Outlets by id."""
        return {evse.id: evse for evse in self.evses}

    @cached_property
    def evse_at(self) -> dict[tuple[ChargerId, int], Evse]:
        """Outlets by charger and the charger's own number for them."""
        return {(evse.charger, evse.number): evse for evse in self.evses}

    def below(self, node: Node) -> tuple[EvseId, ...]:
        """Every outlet that draws through a node."""
        inner = [evse for child in self.nodes if child.parent == node.id for evse in self.below(child)]
        return (*node.evses, *inner)
