"""Sites of studies: which outlet hangs where, and the limits of wires and transformers, from a file."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from voltide.domain.units import Watts
from voltide.planning.phasors import Wires

FOLDER = Path(__file__).parent / "sites"
NAMES = tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Site:
    """One site with a capacity of its transformers."""

    name: str
    capacity_kw: float
    kind_of: dict[str, int]
    """Outlet to kind: outlets of one kind count alike in every limit."""
    wires: Wires
    outlet_w: Watts
    """The most that one outlet gives."""


def elsewhere(names: Sequence[str]) -> frozenset[str]:
    """Outlets that published sessions name and the sites do not have; what happens there is none of their business."""
    tables = [tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8")) for name in names]
    return frozenset(outlet for table in tables for outlet in table["elsewhere"])


def load(name: str, capacity_kw: float) -> Site:
    """A site that ships, its largest transformer at this capacity; smaller ones keep their proportion to it."""
    table = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    groups, volts = table["group"], float(table["volts"])
    largest = max(float(one["capacity_kw"]) for one in table["transformer"])
    capacity_w = {one["name"]: one["capacity_kw"] / largest * capacity_kw * 1000.0 for one in table["transformer"]}
    names = [group["name"] for group in groups]
    turn = np.exp(1j * np.radians([float(group["angle_deg"]) for group in groups]))
    limits = table["limit"]
    factor = np.zeros((len(limits), len(groups)), dtype=np.complex128)
    for row, limit in enumerate(limits):
        for group, share in limit["of"].items():
            factor[row, names.index(group)] = share
    return Site(
        name=table["name"],
        capacity_kw=capacity_kw,
        kind_of={outlet: kind for kind, group in enumerate(groups) for outlet in group["outlets"]},
        wires=Wires(
            names=tuple(limit["name"] for limit in limits),
            factor=factor * turn,
            most_w=np.array([_amperes(limit, capacity_w) * volts for limit in limits]),
        ),
        outlet_w=float(table["outlet_a"]) * volts,
    )


def _amperes(limit: dict[str, Any], capacity_w: dict[str, float]) -> float:
    if "amperes" in limit:
        return float(limit["amperes"])
    return capacity_w[limit["transformer"]] / 3.0 / float(limit["volts"])
