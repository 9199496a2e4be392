"""The step's promises, tried on devices that lose, delay and forget what they are told."""

import random
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltide.control import lease
from voltide.control.image import Image, Measured, Wants
from voltide.control.lease import Held
from voltide.control.step import Memory, step
from voltide.control.wiring import UnsafeStationError, Wiring
from voltide.domain.site import (
    Charger,
    ChargerId,
    Evse,
    EvseId,
    GridConnection,
    ModuleBank,
    Node,
    NodeId,
    Station,
    StationId,
)

LEASE_S = 30.0


def a_station(import_w=200_000.0, export_w=120_000.0, fallback_w=2_000.0, other_w=10_000.0):
    def outlet(name, charge_w, discharge_w=0.0):
        return Evse(
            id=EvseId(f"{name}-1"),
            charger=ChargerId(name),
            number=1,
            charge_w=charge_w,
            discharge_w=discharge_w,
            fallback_w=fallback_w,
        )

    evses = [outlet(f"V{n}", 60_000.0, 60_000.0) for n in range(4)] + [outlet(f"H{n}", 150_000.0) for n in range(3)]
    nodes = (
        Node(id=NodeId("grid"), kind="connection", parent=None, import_w=import_w, export_w=export_w, plant=True),
        Node(
            id=NodeId("cabinet"),
            kind="cabinet",
            parent=NodeId("grid"),
            import_w=180_000.0,
            export_w=0.0,
            evses=tuple(e.id for e in evses[4:]),
            modules=ModuleBank(count=6, module_w=30_000.0),
        ),
        Node(
            id=NodeId("row"),
            kind="feeder",
            parent=NodeId("grid"),
            import_w=150_000.0,
            export_w=100_000.0,
            evses=tuple(e.id for e in evses[:4]),
        ),
    )
    return Station(
        id=StationId("s"),
        name="s",
        name_zh="s",
        latitude=0.0,
        longitude=0.0,
        timezone="UTC",
        connection=GridConnection(import_w=import_w, export_w=export_w, reserve_w=5_000.0, other_load_max_w=other_w),
        nodes=nodes,
        chargers=tuple(Charger(id=e.charger, evses=(e,)) for e in evses),
    )


@dataclass
class Device:
    """A charger with a car: its true setpoint, whatever we think it is."""

    fallback_w: float
    setpoint_w: float | None = None
    until_s: float = 0.0
    power_w: float = 0.0
    shown_w: float = 0.0
    shown_s: float = 0.0

    def allowed(self, now):
        return self.fallback_w if self.setpoint_w is None or now > self.until_s else self.setpoint_w


@dataclass
class Forecourt:
    """Devices on lines that lose messages and answers."""

    wiring: Wiring
    chance: random.Random
    loss: float
    devices: list[Device] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    travelling: list = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)
    now: float = 0.0
    building_w: float = 4_000.0

    def __post_init__(self):
        fallbacks = self.wiring.fallback_w
        self.devices = [Device(fallback_w=w) for w in fallbacks]
        self.held = [Held(fallback_w=w) for w in fallbacks]

    def image(self):
        held, now = self.held, self.now
        possible = np.array([h.possible(now) for h in held])
        power = sum(d.power_w for d in self.devices) + self.building_w
        return Image(
            at_s=now,
            commandable=np.ones(len(held), dtype=bool),
            measured_w=np.array([d.shown_w for d in self.devices]),
            age_s=np.array([now - d.shown_s for d in self.devices]),
            acked_w=np.array([h.acked(now) for h in held]),
            command_w=np.array([h.command(now) for h in held]),
            open_low_w=possible[:, 0],
            open_high_w=possible[:, 1],
            settled_s=np.array([now - h.since_s for h in held]),
            grid=Measured(power_w=power, age_s=0.0),
            pv=Measured(power_w=0.0, age_s=0.0),
            battery=Measured(power_w=0.0, age_s=0.0),
            building=Measured(power_w=self.building_w, age_s=0.0),
        )

    def tick(self, wants):
        self.now += 1.0
        self.arrive()
        self.flow()
        decision, self.memory = step(self.wiring, self.image(), wants, self.memory)
        for at in range(len(self.held)):
            due = lease.renewal_due(self.held[at], self.now, LEASE_S)
            if (decision.send[at] or due) and not self.held[at].waiting:
                self.send(at, float(decision.target_w[at]))
        return decision

    def send(self, at, power):
        until = self.now + LEASE_S
        self.held[at] = lease.asked(self.held[at], power, until)
        fate = self.chance.random()
        arrives = None if fate < self.loss else self.now + self.chance.choice([0, 0, 1, 3])
        answered = fate > 2 * self.loss
        self.travelling.append((arrives, self.now + 4, at, power, until, answered))

    def arrive(self):
        waiting = []
        for arrives, answer_s, at, power, until, answered in self.travelling:
            if arrives is not None and arrives <= self.now:
                self.devices[at].setpoint_w, self.devices[at].until_s = power, until
                if answered:
                    self.held[at] = lease.accepted(self.held[at], power, until, self.now)
                    continue
            lost = arrives is None or arrives <= self.now
            if answer_s <= self.now and lost:
                self.held[at] = lease.unknown(self.held[at])
                continue
            waiting.append((None if lost else arrives, answer_s, at, power, until, answered))
        self.travelling = waiting

    def flow(self):
        for device in self.devices:
            allowed = device.allowed(self.now)
            device.power_w = allowed if allowed <= 0 else allowed * self.chance.choice([0.0, 0.5, 1.0, 1.0])
            if self.chance.random() < 0.3:
                device.shown_w, device.shown_s = device.power_w, self.now

    def worst(self):
        """The most and the least that the devices might draw now, by what they really hold."""
        allowed = np.array([d.allowed(self.now) for d in self.devices])
        return np.maximum(allowed, 0.0), np.minimum(allowed, 0.0)


def wants(power, weight=None):
    count = len(power)
    return Wants(
        power_w=np.array(power, dtype=float),
        weight=np.ones(count) if weight is None else np.array(weight, dtype=float),
        most_w=np.full(count, np.inf),
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.1, 0.3]))
def test_no_node_can_ever_be_overrun_whatever_is_lost_on_the_lines(seed, loss):
    chance = random.Random(seed)
    wiring = Wiring.of(a_station())
    site = Forecourt(wiring, chance, loss)
    asked = wants([0.0] * 7)
    for _ in range(120):
        if chance.random() < 0.15:
            asked = wants(
                [chance.uniform(-80_000, 200_000) for _ in range(7)], [chance.uniform(0.05, 9) for _ in range(7)]
            )
        site.building_w = chance.uniform(2_000, 9_000)
        site.tick(asked)
        inward, outward = site.worst()
        assert (wiring.member @ inward + wiring.plant * site.building_w <= wiring.import_w + 1e-6).all()
        assert (-(wiring.member @ outward) <= wiring.export_w + 1e-6).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_a_planner_that_says_nonsense_changes_nothing_about_the_limits(seed):
    chance = random.Random(seed)
    wiring = Wiring.of(a_station())
    site = Forecourt(wiring, chance, 0.05)
    odd = [float("nan"), float("inf"), -float("inf"), 1e15, -1e15, 0.0, 60_000.0]
    for _ in range(40):
        decision = site.tick(wants([chance.choice(odd) for _ in range(7)]))
        assert np.isfinite(decision.target_w).all()
        inward, outward = site.worst()
        assert (wiring.member @ inward + wiring.plant * site.building_w <= wiring.import_w + 1e-6).all()
        assert (-(wiring.member @ outward) <= wiring.export_w + 1e-6).all()


def settled(power, loss=0.0, ticks=60, **station):
    site = Forecourt(Wiring.of(a_station(**station)), random.Random(1), loss)
    for _ in range(ticks):
        decision = site.tick(wants(power))
    return site, decision


def test_what_fits_is_given_in_full():
    site, _ = settled([20_000, 0, 0, 0, 30_000, 0, 0])
    assert [h.power_w for h in (site.held[0], site.held[4])] == [20_000, 30_000]


def test_what_does_not_fit_is_shared_and_fills_the_limit():
    site, decision = settled([60_000] * 4 + [150_000] * 3)
    given = np.maximum(decision.target_w, site.wiring.fallback_w)
    assert given.sum() + 9_000 + 5_000 <= 200_000
    assert given.sum() > 170_000


def test_the_urgent_car_gets_more_than_the_patient_one():
    wiring = Wiring.of(a_station())
    site = Forecourt(wiring, random.Random(1), 0.0)
    for _ in range(60):
        decision = site.tick(wants([60_000] * 4 + [0] * 3, [9, 1, 1, 1, 1, 1, 1]))
    assert decision.target_w[0] > 1.5 * decision.target_w[1]


def test_a_cabinet_gives_whole_modules_only():
    _, decision = settled([0] * 4 + [150_000, 100_000, 70_000])
    assert decision.target_w[4:].sum() <= 180_000
    modules = decision.target_w[4:] / 30_000
    assert np.ceil(modules - 1e-9).sum() <= 6


def test_power_turns_round_only_through_a_standstill():
    site = Forecourt(Wiring.of(a_station()), random.Random(1), 0.0)
    seen = []
    for tick in range(80):
        site.tick(wants([60_000 if tick < 30 else -60_000] + [0] * 6))
        command = site.held[0].command(site.now)
        if not seen or seen[-1] != command:
            seen.append(command)
    turn = next(at for at, command in enumerate(seen) if command < 0)
    assert seen[turn - 1] == 0.0
    assert seen[-1] < 0.0


def test_without_a_meter_everything_goes_to_its_fallback_and_nothing_is_given_back():
    site, _ = settled([60_000, -60_000, 0, 0, 100_000, 0, 0])
    image = replace(site.image(), grid=Measured(power_w=50_000.0, age_s=3.5))
    decision, _ = step(site.wiring, image, wants([60_000, -60_000, 0, 0, 100_000, 0, 0]), site.memory)
    assert decision.blind
    assert (decision.target_w <= site.wiring.fallback_w + 1e-9).all()
    assert (decision.target_w >= 0.0).all()
    assert decision.send[[0, 1, 4]].all()


def test_an_outlet_that_has_long_been_silent_is_never_raised_and_never_discharged():
    site, _ = settled([20_000] + [0] * 6)
    image = site.image()
    image = replace(image, age_s=np.full(7, 60.0))
    higher, _ = step(site.wiring, image, wants([60_000] + [0] * 6), site.memory)
    assert higher.target_w[0] <= image.acked_w[0]
    back, _ = step(site.wiring, image, wants([-60_000] + [0] * 6), site.memory)
    assert back.target_w[0] == 0.0


def test_a_decrease_does_not_wait_and_frees_nothing_before_it_is_acknowledged_and_measured():
    site, _ = settled([0] * 4 + [150_000, 0, 0])
    high = site.held[4].power_w
    image = site.image()
    turned = wants([60_000] * 3 + [0] + [0, 0, 0])
    decision, _ = step(site.wiring, image, turned, site.memory)
    assert decision.send[4]
    assert decision.target_w[4] == 0.0
    assert decision.target_w[:3].sum() + high <= 200_000 - 5_000


def test_a_person_s_limit_holds():
    wiring = Wiring.of(a_station())
    site = Forecourt(wiring, random.Random(1), 0.0)
    most = np.full(7, np.inf)
    most[0] = 7_000.0
    for _ in range(30):
        decision = site.tick(replace(wants([60_000] + [0] * 6), most_w=most))
    assert decision.target_w[0] == 7_000.0


def test_a_meter_that_shows_more_than_the_limit_cuts_even_when_the_books_say_it_fits():
    site, before = settled([50_000, 50_000, 0, 0, 60_000, 0, 0])
    memory = site.memory
    for tick in range(10):
        over = replace(site.image(), at_s=site.now + tick, grid=Measured(power_w=230_000.0, age_s=0.0))
        decision, memory = step(site.wiring, over, wants([50_000, 50_000, 0, 0, 60_000, 0, 0]), memory)
    assert decision.target_w.sum() < before.target_w.sum() - 25_000


@pytest.mark.parametrize("change", [{"fallback_w": 40_000.0}, {"other_w": 250_000.0}])
def test_a_station_that_is_unsafe_with_nobody_at_fault_is_refused(change):
    with pytest.raises(UnsafeStationError, match="import limit"):
        Wiring.of(a_station(**change))
