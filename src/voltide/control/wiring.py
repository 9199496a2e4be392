"""The station as arrays: which outlet draws through which limit. Built once; every array below is in its order.

Shapes: ``n`` outlets, ``m`` nodes; the root of the tree, the grid connection, is node 0.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voltide.domain.site import EvseId, ModuleBank, NodeId, Station
from voltide.domain.units import Watts

Array = NDArray[np.float64]


class UnsafeStationError(ValueError):
    """A configuration under which a limit could be exceeded with nobody at fault (invariant I5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """A cabinet's power modules and the outlets that share them."""

    node: int
    outlets: NDArray[np.intp]
    modules: ModuleBank


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Limits and members as arrays; powers in W."""

    evses: tuple[EvseId, ...]
    nodes: tuple[NodeId, ...]
    index: dict[EvseId, int]
    charge_w: Array
    discharge_w: Array
    fallback_w: Array
    member: Array
    """(m, n): 1 where an outlet draws through a node."""
    import_w: Array
    export_w: Array
    reserve_w: Array
    """(m,): kept free below the import limit, at the root and wherever the building may add its rise."""
    plant: Array
    """(m,): 1 where the building, the sun and the storage draw through a node."""
    banks: tuple[Bank, ...]
    other_load_max_w: Watts
    sun_max_w: Watts = 0.0
    """Reckoned with while the canopy's own meter is silent."""
    storage_in_w: Watts = 0.0
    storage_out_w: Watts = 0.0
    """Likewise for the storage, each way; positive."""

    @classmethod
    def of(cls, station: Station) -> "Wiring":
        """The arrays of a station. Raises ``UnsafeStationError`` when its fallbacks alone could exceed a limit."""
        evses = tuple(evse.id for evse in station.evses)
        index = {evse: place for place, evse in enumerate(evses)}
        nodes = sorted(station.nodes, key=lambda node: node.parent is not None)
        member = np.zeros((len(nodes), len(evses)))
        for row, node in enumerate(nodes):
            member[row, [index[evse] for evse in station.below(node)]] = 1.0
        plant_at = [node.id for node in nodes if node.plant]
        plant = np.array([float(_carries_plant(station, node.id, plant_at)) for node in nodes])
        wiring = cls(
            evses=evses,
            nodes=tuple(node.id for node in nodes),
            index=index,
            charge_w=np.array([evse.charge_w for evse in station.evses]),
            discharge_w=np.array([evse.discharge_w for evse in station.evses]),
            fallback_w=np.array([evse.fallback_w for evse in station.evses]),
            member=member,
            import_w=np.array([node.import_w for node in nodes]),
            export_w=np.array([node.export_w for node in nodes]),
            reserve_w=station.connection.reserve_w * np.maximum(plant, np.arange(len(nodes)) == 0),
            plant=plant,
            banks=tuple(
                Bank(node=row, outlets=np.flatnonzero(member[row]), modules=node.modules)
                for row, node in enumerate(nodes)
                if node.modules is not None
            ),
            other_load_max_w=station.connection.other_load_max_w,
            sun_max_w=station.pv.peak_w if station.pv else 0.0,
            storage_in_w=station.storage.charge_w if station.storage else 0.0,
            storage_out_w=station.storage.discharge_w if station.storage else 0.0,
        )
        wiring.refuse_unsafe()
        return wiring

    def refuse_unsafe(self) -> None:
        """Invariant I5: with every device at its fallback and the building at its most, every limit holds."""
        worst = self.member @ self.fallback_w + self.plant * self.other_load_max_w + self.reserve_w
        for row in np.flatnonzero(worst > self.import_w):
            raise UnsafeStationError(
                f"node {self.nodes[row]!r}: fallbacks, the building's most and the reserve come to {worst[row]:.0f} W, "
                f"above its import limit of {self.import_w[row]:.0f} W; lower fallback_w or raise the limit"
            )


def _carries_plant(station: Station, node: NodeId, plant_at: list[NodeId]) -> bool:
    if node in plant_at:
        return True
    return any(child.parent == node and _carries_plant(station, child.id, plant_at) for child in station.nodes)
