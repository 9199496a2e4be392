"""Modes in which outlets act by themselves: no mode, fault or order of answers lets the worst case pass a limit.

The station's own loop and setpoints decide; the devices are true, whatever the station thinks of them: each holds a
setpoint, a band in which it may be anywhere, or its fallback. Messages and answers are lost and late, lines drop.
"""

import asyncio
import random
from types import SimpleNamespace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.control.test_step import a_station
from voltide.control.image import Measured, Wants
from voltide.control.wiring import Wiring
from voltide.domain.messages import Accepted, Refused, Unknown
from voltide.domain.site import Charger, OcppVersion, V2g
from voltide.station.loop import Crew, Loop
from voltide.station.planner import Demand
from voltide.station.setpoints import Setpoints, Terms

TERMS = Terms(lease_s=30.0, offline_s=5.0, notice_s=5.0)


class Clock:
    at = 1000.0

    def monotonic(self):
        return self.at

    def now(self):
        return None


class Device:
    """An outlet and its line, as they truly are."""

    version = OcppVersion.V21

    def __init__(self, evse, clock, chance, loss):
        self.evse, self.clock, self.chance, self.loss = evse, clock, chance, loss
        self.charger = Charger(id=evse.charger, evses=(evse,), v2g=V2g.DYNAMIC)
        self.band, self.transaction = None, ""
        self.online, self.lost_s = True, 0.0
        self.travelling = []

    def worst(self):
        fallback = (0.0, self.evse.fallback_w)
        return fallback if self.band is None else (min(self.band[0], 0.0), max(self.band[1], 0.0))

    async def order(self, order, wait_s=None):
        answer = asyncio.get_running_loop().create_future()
        now = self.clock.at
        self.travelling.append((now + self.chance.choice([0, 0, 1, 3]), now + 6, order, answer))
        return await answer

    def step(self):
        """What has arrived is obeyed, refused or lost; what was alone for too long falls back."""
        waiting = []
        for arrives, ends, order, answer in self.travelling:
            if answer.done():
                continue
            if not self.online or self.clock.at >= ends:
                answer.set_result(Unknown(reason="no answer"))
            elif arrives <= self.clock.at:
                self.obey(order, answer, waiting, ends)
            else:
                waiting.append((arrives, ends, order, answer))
        self.travelling = waiting
        if not self.online and self.clock.at - self.lost_s > TERMS.offline_s:
            self.band = None

    def obey(self, order, answer, waiting, ends):
        fate = self.chance.random()
        if fate < self.loss:
            waiting.append((ends, ends, order, answer))
            return
        if fate < 1.5 * self.loss or order.transaction_id != self.transaction:
            answer.set_result(Refused(reason="Rejected"))
            return
        self.band = (order.floor_w, order.ceiling_w) if hasattr(order, "mode") else (order.power_w, order.power_w)
        if fate < 2.5 * self.loss:
            waiting.append((ends + 99, ends, order, answer))
        else:
            answer.set_result(Accepted())


class Forecourt:
    """The real loop over untrue lines."""

    def __init__(self, seed, loss, *, rising=False):
        self.chance, self.rising = random.Random(seed), rising
        self.station, self.clock = a_station(), Clock()
        self.wiring = Wiring.of(self.station)
        self.devices = {e.charger: Device(e, self.clock, self.chance, loss) for e in self.station.evses}
        self.building_w, self.blind, self.most = 4_000.0, False, np.full(7, np.inf)
        self.cars = {}
        self.power, self.wish = np.zeros(7), np.full(7, 60_000.0)
        self.lines = dict(self.devices)
        self.setpoints = Setpoints(self.station, self.clock, TERMS)
        quiet = SimpleNamespace(lines=self.lines, keep_time=self.nothing)
        crew = Crew(
            station=self.station, wiring=self.wiring, clock=self.clock, chargers=quiet,
            sessions=SimpleNamespace(open=lambda: list(self.cars.values())), setpoints=self.setpoints,
            planner=SimpleNamespace(wants=lambda *_: self.wants()), plant=self, demand=Demand(),
        )  # fmt: skip
        self.loop = Loop(crew)

    async def nothing(self, *_):
        pass

    # --- the plant ---

    read = apply = nothing
    soc = None

    def battery_band(self):
        return 0.0, 0.0

    def measured(self, name):
        power = {"building": self.building_w, "grid": self.building_w + sum(self.power)}.get(name, 0.0)
        return Measured(power_w=power, age_s=9.0 if self.blind and name == "grid" else 0.0)

    def wants(self):
        if self.clock.at % 12 == 0:
            self.wish = np.array([self.chance.choice([-60_000, 5_000, 60_000, 150_000]) for _ in range(7)], dtype=float)
        return Wants(power_w=self.wish, weight=np.ones(7), most_w=self.most)

    # --- a second ---

    async def tick(self, tasks):
        self.clock.at += 1.0
        for device in self.devices.values():
            device.step()
        await self.settle()
        self.act()
        for place, device in enumerate(self.devices.values()):
            low, high = device.worst()
            self.power[place] = self.chance.uniform(low, high) if device.evse.id in self.cars else 0.0
            if device.evse.id in self.cars and self.chance.random() < 0.5:
                self.loop.measured(SimpleNamespace(evse=device.evse.id, power_w=self.power[place]))
        await self.loop.tick(tasks)
        await self.settle()
        self.check()

    async def settle(self):
        for _ in range(4):
            await asyncio.sleep(0)

    def act(self):
        """Something that may happen to a forecourt."""
        device = self.chance.choice(list(self.devices.values()))
        evse, dice = device.evse, self.chance.random()
        if self.rising:  # by less than the reserve while a setpoint is on its way
            self.building_w = 4_000.0 + 300.0 * (self.clock.at - 1_000.0)
            dice = dice if dice < 0.2 or 0.5 < dice < 0.75 else 1.0
        else:
            self.building_w = self.chance.uniform(2_000, 9_000)
        if dice < 0.30:
            self.ask(device)
        elif dice < 0.34:
            self.setpoints.retake(evse.id)
        elif dice < 0.37 and device.online:
            device.online, device.lost_s = False, self.clock.at
            del self.lines[evse.charger]
            self.setpoints.offline(evse.id)
        elif dice < 0.50 and not device.online:
            device.online = True
            self.lines[evse.charger] = device
            self.setpoints.online(evse.id, device)
        elif dice < 0.75 and evse.id not in self.cars:
            device.transaction = f"t{self.clock.at}"
            self.cars[evse.id] = SimpleNamespace(evse=evse.id, transaction_id=device.transaction, id="s")
        elif dice < 0.78 and evse.id in self.cars and device.online:
            del self.cars[evse.id]
            device.band, device.transaction = None, ""
            self.loop.unplugged(evse.id)
        elif dice < 0.79:
            self.blind = not self.blind
        elif self.blind:
            self.blind = False
        elif dice < 0.82:
            self.most[self.wiring.index[evse.id]] = self.chance.choice([np.inf, 5_000.0, 20_000.0])

    def ask(self, device):
        evse = device.evse
        if not device.online or evse.id not in self.cars:
            return
        band = (
            -self.chance.choice([0.0, 0.5, 1.0]) * evse.discharge_w,
            self.chance.choice([0.1, 0.5, 1]) * evse.charge_w,
        )
        stay = self.loop.grant(evse.id, band)
        if stay is not None:
            self.granted = getattr(self, "granted", 0) + 1
            order = SimpleNamespace(
                mode="LocalFrequency", floor_w=band[0], ceiling_w=band[1], transaction_id=device.transaction
            )
            self.tasks.create_task(self.say(device, evse.id, stay, order))

    async def say(self, device, evse, stay, order):
        self.setpoints.share_said(evse, stay, await device.order(order))

    def check(self):
        worst = np.array([device.worst() for device in self.devices.values()])
        inward = self.wiring.member @ worst[:, 1] + self.wiring.plant * self.building_w
        assert (inward <= self.wiring.import_w + 1e-6).all(), "import"
        assert (-(self.wiring.member @ worst[:, 0]) <= self.wiring.export_w + 1e-6).all(), "export"

    async def play(self, ticks):
        async with asyncio.TaskGroup() as self.tasks:
            for _ in range(ticks):
                await self.tick(self.tasks)
            for device in self.devices.values():
                device.online = False
                device.step()
                for *_, answer in device.travelling:
                    answer.cancel()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.1, 0.3]))
def test_no_mode_fault_or_order_of_answers_lets_the_worst_case_pass_a_limit(seed, loss):
    asyncio.run(Forecourt(seed, loss).play(150))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_when_the_building_takes_more_and_more_modes_and_setpoints_make_way(seed):
    asyncio.run(Forecourt(seed, 0.0, rising=True).play(300))


def test_the_laws_are_tried_on_modes_that_were_granted():
    sites = [Forecourt(seed, 0.1) for seed in range(5)]
    for site in sites:
        asyncio.run(site.play(150))
    assert sum(getattr(site, "granted", 0) for site in sites) > 20
