"""A charger twin at a whole station with every lock: real ports, real TLS, real certificates."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from tests.station.locked import Locked, locked, until
from voltide.backbone import registry
from voltide.backbone.clock import SystemClock
from voltide.domain.site import ChargerId, OcppVersion
from voltide.twin.blocks.block import Restart
from voltide.twin.blocks.certificates import Certificates
from voltide.twin.charger import ChargerTwin
from voltide.twin.dial import OWN, dialler
from voltide.twin.line import keep_connected
from voltide.twin.network import Slot
from voltide.twin.variables import SPREAD_S, WAIT_S
from voltide.twin.vault import read
from voltide.twin.world import luck

OWNER = ("SecurityCtrlr", "OrganizationName", "")
SLOTS = ("OCPPCommCtrlr", "NetworkConfigurationPriority", "")


@asynccontextmanager
async def charger(house: Locked, secret: str, version: OcppVersion = OcppVersion.V21) -> AsyncIterator[ChargerTwin]:
    clock = SystemClock()
    twin = ChargerTwin(house.config.station.charger_of[ChargerId("V1")], version, clock, luck(1, "V1"))
    for patience in (WAIT_S, SPREAD_S):  # none, whatever the station would have it be
        twin.variables.put(patience, 0)
        twin.variables.guards[patience] = lambda _value: "Rejected"
    twin._life.reboot_s = 0.1

    async def live() -> None:
        while True:
            twin.chores(clock.monotonic())
            await twin.flush()
            await asyncio.sleep(0.02)

    phone = dialler(house.doors[1], {"V1": secret})
    tasks = [asyncio.create_task(keep_connected(twin, phone)), asyncio.create_task(live())]
    try:
        yield twin
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert not twin.crashes, twin.crashes


def at_home(tmp_path: Path, story: Callable[[Locked, ChargerTwin], object]) -> None:
    async def main() -> None:
        async with locked(tmp_path) as house, charger(house, house.add("V1", 1)) as twin:
            await until(lambda: twin.online)
            await story(house, twin)  # type: ignore[misc]

    asyncio.run(main())


def test_a_charger_moves_up_to_a_certificate_of_its_own_and_keeps_its_line(tmp_path: Path) -> None:
    async def story(house: Locked, twin: ChargerTwin) -> None:
        twin.variables.put(OWNER, "Corner Power")
        twin.vault.roots["CSMSRootCertificate"] = list(read(house.roots))
        twin.part(Certificates).ask()
        await until(lambda: OWN in twin.vault.own)
        issued = registry.issued_to(house.engine, "V1")
        assert issued[0]["serial"] == f"{twin.vault.own[OWN].chain[0].serial_number:x}"
        for profile in (2, 3):
            registry.allow_profile(house.engine, "V1", profile, 2**53)
            twin.network.slots[1] = Slot(profile=profile, url=house.doors[profile])
            twin.variables.put(SLOTS, "1,0")
            twin.plan_reset(Restart(immediate=True))
            await until(lambda: not twin.online)
            await until(lambda: twin.online, 30.0)
            await until(lambda wanted=profile: registry.one(house.engine, "V1")["profile"] == wanted)
            assert twin.network.slot.profile == profile

    at_home(tmp_path, story)


def test_a_charger_does_not_speak_to_a_station_that_it_cannot_trust_and_tells_so_later(tmp_path: Path) -> None:
    async def story(house: Locked, twin: ChargerTwin) -> None:
        registry.allow_profile(house.engine, "V1", 2, 2**53)
        twin.network.slots[1] = Slot(profile=2, url=house.doors[2])
        twin.variables.put(SLOTS, "1,0")
        twin.plan_reset(Restart(immediate=True))
        await until(lambda: not twin.online)
        await until(lambda: twin.online, 30.0)
        assert twin.network.active == 0
        await until(lambda: house.log("InvalidCsmsCertificate"))

    at_home(tmp_path, story)
