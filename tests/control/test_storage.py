"""The storage and the limits above it: whatever a plan wants of it, no node on its way is overrun, not for a second."""

import random
from dataclasses import dataclass, replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.control.test_step import Forecourt, a_station, wants
from voltide.control.image import Measured, Wants
from voltide.control.wiring import Wiring
from voltide.domain.site import Node, NodeId, Station, Storage

STORAGE = Storage(capacity_wh=200_000.0, charge_w=100_000.0, discharge_w=100_000.0)


def with_a_transformer(import_w: float, export_w: float) -> Station:
    """Building and storage hang behind a transformer, together with the cabinet."""
    base = a_station(import_w=400_000.0)
    below = NodeId("T1")
    root, cabinet, row = base.nodes
    transformer = Node(id=below, kind="transformer", parent=root.id, import_w=import_w, export_w=export_w, plant=True)
    nodes = (replace(root, plant=False), transformer, replace(cabinet, parent=below), row)
    return replace(base, nodes=nodes, storage=STORAGE)


@dataclass
class Yard(Forecourt):
    """A forecourt with a storage that is as slow as it likes to be, within a few seconds."""

    storage_w: float = 0.0
    told_w: float = 0.0

    def image(self):
        seen = super().image()
        return replace(
            seen,
            grid=Measured(power_w=seen.grid.power_w + self.storage_w, age_s=0.0),
            battery=Measured(power_w=self.storage_w, age_s=0.0),
            battery_soc=0.5,
            battery_most_w=STORAGE.charge_w,
            battery_least_w=-STORAGE.discharge_w,
        )

    def tick(self, asked: Wants):
        decision = super().tick(asked)
        self.told_w = decision.battery_w
        return decision

    def flow(self):
        super().flow()
        self.storage_w += (self.told_w - self.storage_w) * self.chance.choice([0.0, 0.4, 1.0])


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32), st.floats(90_000.0, 300_000.0), st.floats(0.0, 60_000.0))
def test_no_plan_for_the_storage_overruns_a_node_above_it(seed, import_w, export_w):
    chance = random.Random(seed)
    station = with_a_transformer(import_w, export_w)
    wiring = Wiring.of(station)
    yard = Yard(wiring, chance, 0.1)
    asked = wants([0.0] * 7)
    moved = 0.0
    for _ in range(120):
        if chance.random() < 0.2:
            power = [chance.uniform(-80_000, 200_000) for _ in range(7)]
            asked = replace(wants(power), battery_w=chance.choice([1e9, -1e9, 50_000.0, -50_000.0, 0.0]))
        yard.building_w = chance.uniform(4_000, 6_000)
        yard.tick(asked)
        inward, outward = yard.worst()
        moved = max(moved, abs(yard.storage_w))
        highest = wiring.member @ inward + wiring.plant * (yard.building_w + max(yard.storage_w, yard.told_w))
        lowest = wiring.member @ outward + wiring.plant * min(yard.storage_w, yard.told_w)
        assert (highest <= wiring.import_w + 1e-6).all(), (wiring.nodes, highest, wiring.import_w)
        assert (-lowest <= wiring.export_w + wiring.plant * yard.building_w + 1e-6).all()
    assert moved > 0.0


def test_cars_and_storage_are_not_given_the_same_room_in_the_same_second():
    wiring = Wiring.of(with_a_transformer(import_w=150_000.0, export_w=50_000.0))
    yard = Yard(wiring, random.Random(1), 0.0)
    greedy = replace(wants([0.0] * 4 + [150_000.0] * 3), battery_w=1e9)
    for _ in range(60):
        decision = yard.tick(greedy)
        most = np.maximum(decision.target_w, wiring.fallback_w)[4:].sum() + max(decision.battery_w, yard.storage_w)
        assert most + yard.building_w <= 150_000.0 + 1e-6


def test_where_there_is_room_the_storage_does_what_the_plan_wants():
    wiring = Wiring.of(with_a_transformer(import_w=300_000.0, export_w=60_000.0))
    for wanted in (80_000.0, -40_000.0):
        yard = Yard(wiring, random.Random(1), 0.0)
        for _ in range(20):
            decision = yard.tick(replace(wants([0.0] * 7), battery_w=wanted))
        assert decision.battery_w == wanted
