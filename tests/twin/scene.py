"""One charger at a stand-in station, one second at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import pytest

from tests.twin.depot import Depot
from tests.twin.places import lotus_hill
from voltide.domain.messages import (
    ApplySetpoint,
    Json,
    OutletReported,
    Token,
    TransactionTold,
)
from voltide.domain.site import ChargerId, OcppVersion
from voltide.domain.units import kw
from voltide.twin.charger import ChargerTwin
from voltide.twin.drivers import Visit
from voltide.twin.faults import Fault
from voltide.twin.line import keep_connected
from voltide.twin.switches import throw
from voltide.twin.vehicle import Vehicle, catalogue
from voltide.twin.world import SimClock, luck, run

START = datetime(2025, 3, 28, tzinfo=UTC)
MODELS = {model.name: model for model in catalogue()}
T = TypeVar("T")
V16, V201, V21 = OcppVersion.V16, OcppVersion.V201, OcppVersion.V21
EVERY = pytest.mark.parametrize(("version", "name"), [(V16, "F1"), (V201, "V20"), (V21, "V01")])


@dataclass
class Scene:
    """One charger at a stand-in station, one second at a time."""

    depot: Depot
    twin: ChargerTwin
    clock: SimClock

    async def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            await asyncio.sleep(1.0)
            now = self.clock.monotonic()
            for outlet in self.twin.outlets:
                if outlet.closed:
                    outlet.step(now)
            for bay in self.twin.bays.values():
                if bay.transaction is not None:
                    bay.tick(now)
            self.twin.chores(now)
            await self.twin.flush()

    def driver(self, soc: float = 0.5, *, v2g: bool = True) -> Visit:
        visit = Visit(7, "commuter", Vehicle(MODELS["BYD Seal"], soc), self.clock.monotonic())
        visit.v2g, visit.floor_soc, visit.need_wh = v2g, 0.3, 0.8 * visit.car.capacity_wh
        visit.departs_s = visit.told_departs_s = self.clock.monotonic() + 7200.0
        return visit

    async def plug(self, evse: int = 1, soc: float = 0.5) -> Visit:
        visit = self.driver(soc)
        self.twin.plug(evse, visit)
        await self.wait(3)
        return visit

    async def park(self, soc: float = 0.5, *, v2g: bool = True, evse: int = 1) -> Visit:
        visit = self.driver(soc, v2g=v2g)
        self.twin.plug(evse, visit)
        await self.wait(3)
        self.twin.present(evse)
        await self.wait(3)
        return visit

    async def present(self, token: str, evse: int = 1) -> None:
        self.twin.present(evse, Token(id=token))
        await self.wait(3)

    def told(self, kind: type[T]) -> list[T]:
        return [fact for _, fact in self.depot.facts if isinstance(fact, kind)]

    @property
    def events(self) -> list[TransactionTold]:
        return self.told(TransactionTold)

    @property
    def power(self) -> float:
        return self.twin.outlets[0].power_w

    def setpoint(self, power_w: float, lease_s: float = 30.0, *, fresh: bool = True) -> ApplySetpoint:
        return ApplySetpoint(
            evse=1,
            transaction_id=next(iter(self.depot.guests[self.twin.charger.id].running.values())),
            power_w=power_w,
            lease_s=lease_s,
            now=self.clock.now(),
            ceiling_w=kw(60),
            floor_w=-kw(60),
            fresh=fresh,
        )

    async def call(self, action: str, body: Json) -> Json:
        """Order by the wire's own words; gives the answer, or ``{"error": code}``."""
        return await self.depot.call(self.twin.charger.id, action, body)

    async def status(self, action: str, body: Json) -> str:
        """The one word that most answers consist of."""
        answer = await self.call(action, body)
        return str(answer.get("status", answer.get("error")))

    def said(self, action: str) -> list[Json]:
        """The requests of one action, as they came."""
        return [body for heard, body in self.depot.heard if heard == action]

    @property
    def state(self) -> str:
        """What the first outlet said last of its state."""
        return [fact.state.value for fact in self.told(OutletReported) if fact.evse == 1][-1]

    async def order(self, order: object) -> object:
        return await self.depot.order(self.twin.charger.id, order)  # type: ignore[arg-type]

    def fault(self, what: str, *, begins: bool = True) -> None:
        throw(self.twin, Fault(what=what, where=self.twin.charger.id, at_s=0, for_s=0), begins=begins)


def play(version: OcppVersion, name: str, story: Callable[[Scene], Awaitable[T]]) -> T:
    async def main(clock: SimClock) -> T:
        station = lotus_hill()
        depot = Depot(station, lambda _: version, clock)
        twin = ChargerTwin(station.charger_of[ChargerId(name)], version, clock, luck(1, name))
        line = asyncio.ensure_future(keep_connected(twin, depot.connect))
        scene = Scene(depot, twin, clock)
        await scene.wait(3)
        told = await story(scene)
        line.cancel()
        assert not twin.crashes, twin.crashes
        assert not depot.bad, depot.bad
        return told

    return run(main, START)
