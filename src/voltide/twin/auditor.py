"""The judge of a run: it sees the true powers of the plant, not what anyone measured or reported."""

from hashlib import sha256

import numpy as np

from voltide.domain.messages import Json
from voltide.domain.site import Node, Station
from voltide.domain.units import WattHours, Watts

TOLERANCE_W: Watts = 1.0
"""Rounding of sums, not leniency."""


class Auditor:
    """Checks every node limit each tick, counts energy, and keeps a fingerprint of the true state."""

    def __init__(self, station: Station) -> None:
        self._station = station
        order = {evse.id: at for at, evse in enumerate(station.evses)}
        self._matrix = np.zeros((len(station.nodes), len(order) + 3))
        for row, node in enumerate(station.nodes):
            for evse in station.below(node):
                self._matrix[row, order[evse]] = 1.0
            self._matrix[row, -3:] = 1.0 if _plant_below(station, node) else 0.0
        self._powers = np.zeros(len(order) + 3)
        self._milliwatts = np.zeros(len(order) + 3)
        self._upper = np.array([node.import_w for node in station.nodes]) + TOLERANCE_W
        self._lower = np.array([-node.export_w for node in station.nodes]) - TOLERANCE_W
        self._over_s = np.zeros(len(station.nodes), dtype=np.int64)
        self._strained = False
        self._trace = sha256()
        self.ticks = self.node_ticks_over = self.longest_over_s = 0
        self.worst_over_w: Watts = 0.0
        self.worst_node = ""
        self.charged = self.discharged = self.green = self.grid_import = self.grid_export = 0.0
        self.pv_used = self.pv_curtailed = self.battery_in = self.battery_out = self.other_load = 0.0
        self.import_peak = self.export_peak = self.discharge_peak = 0.0

    def step(self, outlets: list[Watts], plant: tuple[Watts, Watts, Watts], curtailed: Watts) -> Watts:
        """One second at these true powers (sun, battery, building; positive into each); gives the grid's power."""
        cars = sum(outlets)
        back = -sum(power for power in outlets if power < 0.0) if min(outlets) < 0.0 else 0.0
        grid = cars + plant[0] + plant[1] + plant[2]
        powers = self._powers
        powers[:] = (*outlets, *plant)
        self._check(powers)
        self._count(cars + back, back, grid, plant)
        self.pv_curtailed += curtailed
        np.multiply(powers, 1000.0, out=self._milliwatts)
        self._trace.update(np.rint(self._milliwatts, out=self._milliwatts).astype("<i8").tobytes())
        self.ticks += 1
        return grid

    def _check(self, powers: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> None:
        at_nodes = self._matrix @ powers
        over = (at_nodes > self._upper) | (at_nodes < self._lower)
        if not over.any():
            if self._strained:
                self._strained = False
                self._over_s[:] = 0
            return
        self._strained = True
        self._over_s = np.where(over, self._over_s + 1, 0)
        excess = np.maximum(at_nodes - self._upper, self._lower - at_nodes)
        worst = int(excess.argmax())
        self.node_ticks_over += int(over.sum())
        self.longest_over_s = max(self.longest_over_s, int(self._over_s.max()))
        if excess[worst] + TOLERANCE_W > self.worst_over_w:
            self.worst_over_w = float(excess[worst]) + TOLERANCE_W
            self.worst_node = self._station.nodes[worst].id

    def _count(self, into: Watts, back: Watts, grid: Watts, plant: tuple[Watts, Watts, Watts]) -> None:
        """Energies in Ws; the sun's share of all that feeds the station is the share in what cars take."""
        sun, battery, building = plant
        self.charged += into
        self.discharged += back
        self.pv_used -= sun
        self.battery_in += max(0.0, battery)
        self.battery_out += max(0.0, -battery)
        self.other_load += building
        self.grid_import += max(0.0, grid)
        self.grid_export += max(0.0, -grid)
        supply = -sun + max(0.0, -battery) + max(0.0, grid) + back
        if supply > 0.0:
            self.green += into * -sun / supply
        self.import_peak = max(self.import_peak, grid)
        self.export_peak = max(self.export_peak, -grid)
        self.discharge_peak = max(self.discharge_peak, back)

    @property
    def trace_sha256(self) -> str:
        """The fingerprint of every true power of every second so far, rounded to mW."""
        return self._trace.hexdigest()

    @property
    def green_share(self) -> float:
        """The part of the energy into cars that came straight from the sun."""
        return self.green / self.charged if self.charged else 0.0

    def result(self) -> Json:
        """The parts of a run's report that only the judge knows; energies in kWh."""
        names = ("charged", "discharged", "pv_used", "pv_curtailed", "battery_in", "battery_out")
        energies = {name: _kwh(getattr(self, name)) for name in (*names, "grid_import", "grid_export", "other_load")}
        connection = self._station.connection
        return {
            "energy_kwh": energies,
            "power_w": {
                "import_peak": round(self.import_peak, 1),
                "export_peak": round(self.export_peak, 1),
                "discharge_peak": round(self.discharge_peak, 1),
                "import_limit": connection.import_w,
                "export_limit": connection.export_w,
            },
            "limits": {
                "ticks": self.ticks,
                "node_ticks_over": self.node_ticks_over,
                "worst_over_w": round(self.worst_over_w, 1),
                "longest_over_s": self.longest_over_s,
                "worst_node": self.worst_node,
            },
            "green_share": round(self.green_share, 6),
            "trace_sha256": self.trace_sha256,
        }


def _kwh(watt_seconds: float) -> WattHours:
    return round(watt_seconds / 3.6e6, 6)


def _plant_below(station: Station, node: Node) -> bool:
    """Whether sun, storage and building hang on a node or on one below it."""
    return node.plant or any(_plant_below(station, child) for child in station.nodes if child.parent == node.id)
