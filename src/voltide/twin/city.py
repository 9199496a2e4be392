"""One station's world: cars and drivers, chargers that speak the real protocols, sun, storage, building and meters.

One tick a second moves everything; between ticks there are only messages.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from voltide.devices.ports import Battery, Inverter, Meter
from voltide.domain.messages import Json, TellNeeds
from voltide.domain.site import Charger, ChargerId, OcppVersion, Station
from voltide.domain.time import Clock
from voltide.domain.units import Seconds
from voltide.twin.auditor import Auditor
from voltide.twin.bay import Bay, departure
from voltide.twin.cabinet import Cabinet
from voltide.twin.charger import ChargerTwin
from voltide.twin.conditions import WorldConfig
from voltide.twin.drivers import TOKEN_START, Crowd
from voltide.twin.faults import Fault, Plan, faults_from
from voltide.twin.line import keep_connected
from voltide.twin.plant import Building, Canopy, StationBattery, TrueMeter
from voltide.twin.street import Stand, Street
from voltide.twin.switches import throw
from voltide.twin.vehicle import catalogue
from voltide.twin.wire import Connect, MemoryWire
from voltide.twin.world import luck

CHORES_S = 3
"""How often a charger looks at its clock, in ticks."""

TellNeedsBeside: TypeAlias = Callable[[TellNeeds], Awaitable[Any]]
"""A driver's page beside the charger; what it answers does not matter here."""


@dataclass(frozen=True, slots=True)
class Doors:
    """How the twins reach the station: its charger door, and its driver page."""

    connect: Connect
    tell_needs: TellNeedsBeside


class Twin:
    """One station's world."""

    def __init__(self, station: Station, world: WorldConfig, clock: Clock, seed: int, doors: Doors) -> None:
        self.station, self.world, self.clock, self._doors = station, world, clock, doors
        self.chargers = tuple(self._charger(charger, seed) for charger in station.chargers)
        self._by_id = {twin.charger.id: twin for twin in self.chargers}
        self.outlets = tuple(outlet for twin in self.chargers for outlet in twin.outlets)
        self._bays = tuple((twin, bay) for twin in self.chargers for bay in twin.bays.values())
        self._cabinets = tuple(self._cabinet(node.id) for node in station.nodes if node.modules is not None)
        self._make_plant(seed)
        self.auditor = Auditor(station)
        self.street = Street(world, Crowd(world, catalogue(), seed), self._stands(), self._begins_s())
        self._plan = Plan(faults_from(world.faults))
        self._tick = 0

    def _charger(self, charger: Charger, seed: int) -> ChargerTwin:
        version = self.world.version(charger.id)
        return ChargerTwin(charger, version, self.clock, luck(seed, "charger", charger.id))

    def _make_plant(self, seed: int) -> None:
        """Meters and what they measure; a station without sun or storage has neither port."""
        station, world, clock = self.station, self.world, self.clock
        self._grid = TrueMeter(clock, luck(seed, "grid meter"))
        self._building = Building(world.building_w, station.longitude, clock, luck(seed, "building"))
        self._canopy = self._battery = None
        if station.pv is not None:
            self._canopy = Canopy(station, station.pv, clock, luck(seed, "sky"), world.cloudiness)
        if station.storage is not None:
            self._battery = StationBattery(station.storage, clock, luck(seed, "battery"), world.battery_soc)

    def _cabinet(self, node_id: str) -> Cabinet:
        node = next(node for node in self.station.nodes if node.id == node_id)
        if node.modules is None:
            raise ValueError(f"node {node_id} has no modules")
        below = set(self.station.below(node))
        return Cabinet(node.modules, tuple(outlet for outlet in self.outlets if outlet.evse.id in below))

    def _stands(self) -> list[Stand]:
        shared = {evse: node.id for node in self.station.nodes if node.modules for evse in self.station.below(node)}
        return [
            Stand(twin, outlet, shared.get(outlet.evse.id, outlet.evse.charger))
            for twin in self.chargers
            for outlet in twin.outlets
        ]

    def _begins_s(self) -> Seconds:
        """The world's start as seconds of its local day."""
        local = self.clock.now().astimezone(ZoneInfo(self.station.timezone))
        return local.hour * 3600.0 + local.minute * 60.0 + local.second - self.clock.monotonic()

    # --- what the station reads ---

    @property
    def meter(self) -> Meter:
        """The meter at the grid connection; positive is import."""
        return self._grid

    @property
    def building(self) -> Meter:
        """The meter of all other load."""
        return self._building

    @property
    def battery(self) -> Battery | None:
        """The stationary battery, if there is one."""
        return self._battery

    @property
    def inverter(self) -> Inverter | None:
        """The canopy's inverter, if there is one."""
        return self._canopy

    @staticmethod
    def knows(token: str) -> bool:
        """Whether a token is one that a driver of such a world holds."""
        return token.startswith(TOKEN_START)

    # --- the world goes on ---

    async def run(self) -> None:
        """Play until cancelled: one tick a second, and a line for each charger."""
        async with asyncio.TaskGroup() as group:
            for twin in self.chargers:
                group.create_task(keep_connected(twin, self._doors.connect))
            started = self.clock.monotonic()
            while True:
                self._tick += 1
                self.step(self.clock.now(), self.clock.monotonic())
                await self.speak(group)
                await asyncio.sleep(max(0.0, started + self._tick - self.clock.monotonic()))

    def step(self, at: datetime, now: Seconds) -> None:
        """One second of physics: drivers, modules, outlets, plant, judge."""
        for fault, begins in self._plan.due(now):
            self._throw(fault, begins=begins)
        self.street.step(now)
        for cabinet in self._cabinets:
            cabinet.step(now)
        powers = [outlet.step(now) if outlet.closed else 0.0 for outlet in self.outlets]
        sun = available = battery = 0.0
        if self._canopy is not None:
            sun = self._canopy.step(at, now)
            available = self._canopy.available_w
        if self._battery is not None:
            battery = self._battery.step(at, now)
        building = self._building.step(at, now)
        self._grid.count(self.auditor.step(powers, (sun, battery, building), available + sun), at)

    async def speak(self, group: asyncio.TaskGroup) -> None:
        """What the chargers have to say after a tick, and what drivers tell beside them."""
        now = self.clock.monotonic()
        for twin, bay in self._bays:
            if bay.transaction is not None:
                try:
                    bay.tick(now)
                except Exception as bug:  # noqa: BLE001 - see ``crashed``
                    twin.crashed(bug)
        for at, twin in enumerate(self.chargers):
            if (self._tick + at) % CHORES_S == 0 or twin.hasty:
                twin.chores(now)
            elif not twin.pending:
                continue
            if isinstance(twin.wire, MemoryWire):
                await twin.flush()  # a line in memory never makes anyone wait
            elif twin.wire is not None:
                group.create_task(twin.flush())
        if self._tick % CHORES_S == 0:
            self._scan(group)

    def _scan(self, group: asyncio.TaskGroup) -> None:
        """Drivers at chargers that cannot tell everything themselves scan the code beside them."""
        for twin, bay in self._bays:
            visit = bay.visit
            if visit is not None and not visit.told and bay.outlet.closed:
                visit.told = True
                if twin.version is not OcppVersion.V21:
                    group.create_task(self._tell_beside(twin, bay))

    async def _tell_beside(self, twin: ChargerTwin, bay: Bay) -> None:
        """The driver scans the code on the charger and types in the needs, some seconds after the start."""
        await asyncio.sleep(4.0)
        visit = bay.visit
        if visit is None or not bay.outlet.closed:
            return
        needs = TellNeeds(
            evse=bay.outlet.evse.id,
            departure=departure(visit, self.clock),
            energy_wh=max(0.0, visit.need_wh - visit.car.energy_wh),
            target_soc=min(1.0, visit.need_wh / visit.car.capacity_wh),
            floor_soc=visit.floor_soc if visit.v2g else None,
            v2g=visit.v2g,
        )
        try:
            await self._doors.tell_needs(needs)
        except OSError:
            visit.told = False  # the page did not answer: try again
        except Exception as bug:  # noqa: BLE001 - a page that breaks must not end the world
            twin.crashed(bug)

    def _throw(self, fault: Fault, *, begins: bool) -> None:
        """Throw one switch."""
        plant = {
            "meter": self._grid,
            "building": self._building,
            "battery": self._battery,
            "inverter": self._canopy,
        }
        if fault.where in plant:
            device = plant[fault.where]
            if device is not None:
                device.fault = fault.what if begins else None
            return
        throw(self._by_id[ChargerId(fault.where)], fault, begins=begins)

    def result(self) -> Json:
        """What only the world knows of a run; see the format of ``voltide simulate``."""
        versions = {version.value: 0 for version in OcppVersion}
        for twin in self.chargers:
            versions[twin.version.value] += twin.messages
        return {
            "simulated_s": self._tick,
            "vehicles": self.street.result(),
            **self.auditor.result(),
            "faults": {"injected": self._plan.injected, "by_kind": dict(sorted(self._plan.by_kind.items()))},
            "twin_ocpp": {
                "messages": sum(versions.values()),
                "errors": sum(twin.errors for twin in self.chargers),
                "by_version": versions,
                "crashes": [crash for twin in self.chargers for crash in twin.crashes],
            },
            "at": self.clock.now().astimezone(UTC).isoformat(),
        }
