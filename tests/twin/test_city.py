import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.twin.depot import Depot, Guest
from tests.twin.places import lotus_hill
from voltide.domain.messages import Booted, Json, TellNeeds
from voltide.domain.site import OcppVersion, V2g
from voltide.domain.units import kw
from voltide.twin.city import Doors, Twin
from voltide.twin.conditions import WorldConfig, world_from
from voltide.twin.world import SimClock, run

MIDNIGHT = datetime(2025, 3, 27, 16, tzinfo=UTC)
MORNING = datetime(2025, 3, 27, 23, 30, tzinfo=UTC)
V16, V201, V21 = OcppVersion.V16, OcppVersion.V201, OcppVersion.V21
DIALECTS = {"V": V21, "V2": V201, "H": V21, "H3": V201, "H4": V201, "F": V16}


def full_power(guest: Guest, evse: int) -> float:
    return guest.charger.evses[evse - 1].charge_w


def back_and_forth(guest: Guest, evse: int) -> float:
    return -kw(30) if guest.charger.v2g is not V2g.NONE else full_power(guest, evse)


def play(
    world: WorldConfig, seconds: float, start: datetime = MORNING, *, seed: int = 1, wish: Any = full_power
) -> tuple[Json, Twin, list[TellNeeds], Depot]:
    async def main(clock: SimClock) -> tuple[Json, Twin, list[TellNeeds], Depot]:
        station = lotus_hill()
        depot = Depot(station, world.version, clock)
        depot.fallback, depot.wish = full_power, wish
        needs: list[TellNeeds] = []

        async def tell(told: TellNeeds) -> None:
            needs.append(told)

        twin = Twin(station, world, clock, seed, Doors(depot.connect, tell))
        playing = [asyncio.ensure_future(twin.run()), asyncio.ensure_future(depot.control())]
        await asyncio.sleep(seconds)
        for task in playing:
            task.cancel()
        return twin.result(), twin, needs, depot

    return run(main, start)


def balance(energy: Mapping[str, float]) -> float:
    inward = energy["grid_import"] + energy["pv_used"] + energy["battery_out"] + energy["discharged"]
    outward = energy["grid_export"] + energy["battery_in"] + energy["charged"] + energy["other_load"]
    return inward - outward


def test_a_morning_rush_is_served_in_three_dialects_and_its_energy_balances() -> None:
    result, twin, needs, depot = play(WorldConfig(ocpp=DIALECTS), 5400.0)
    assert result["simulated_s"] == 5400
    assert result["vehicles"]["served"] > 30
    assert result["vehicles"]["turned_away"] == 0
    assert result["vehicles"]["below_floor"] == 0
    assert abs(balance(result["energy_kwh"])) < 1e-3 * result["energy_kwh"]["grid_import"]
    assert result["twin_ocpp"]["crashes"] == []
    assert result["twin_ocpp"]["errors"] == 0
    assert all(count > 0 for count in result["twin_ocpp"]["by_version"].values())
    assert depot.bad == []
    assert {twin.station.evse_of[told.evse].charger[:1] for told in needs} <= {"V", "H", "F"}
    assert needs


def test_the_same_seed_repeats_a_run_byte_for_byte_and_another_does_not() -> None:
    first, again, other = (play(WorldConfig(ocpp=DIALECTS), 1200.0, seed=seed)[0] for seed in (1, 1, 2))
    assert first == again
    assert first["trace_sha256"] != other["trace_sha256"]


def test_power_comes_back_from_the_cars_and_the_judge_sees_it() -> None:
    world = WorldConfig(shares={"giver": 1.0}, vehicles_per_day=900, ocpp={"V": V21, "V2": V201, "F": V16})
    result, _, needs, _ = play(world, 3600.0, datetime(2025, 3, 28, 2, 30, tzinfo=UTC), wish=back_and_forth)
    assert result["energy_kwh"]["discharged"] > 100
    assert result["power_w"]["discharge_peak"] > kw(300)
    assert abs(balance(result["energy_kwh"])) < 0.05
    assert any(told.v2g and told.floor_soc for told in needs)


def test_a_station_whose_limits_are_too_small_is_caught() -> None:
    result, twin, _, _ = play(WorldConfig(ocpp=DIALECTS, building_w=kw(30)), 300.0)
    assert result["limits"]["node_ticks_over"] == 0
    twin.auditor.step([kw(600)] * len(twin.outlets), (0.0, 0.0, 0.0), 0.0)
    twin.auditor.step([kw(600)] * len(twin.outlets), (0.0, 0.0, 0.0), 0.0)
    limits = twin.auditor.result()["limits"]
    assert limits["longest_over_s"] == 2
    assert limits["node_ticks_over"] == 6
    assert limits["worst_node"] == "grid"
    assert limits["worst_over_w"] == pytest.approx(46 * kw(600) - kw(3150))


def test_a_driver_page_that_breaks_does_not_end_the_world() -> None:
    async def main(clock: SimClock) -> Json:
        station, world = lotus_hill(), WorldConfig(ocpp=dict.fromkeys("VHF", V201))
        depot = Depot(station, world.version, clock)

        async def broken(_: TellNeeds) -> None:
            raise ZeroDivisionError("a bug on the page")

        twin = Twin(station, world, clock, 1, Doors(depot.connect, broken))
        playing = asyncio.ensure_future(twin.run())
        await asyncio.sleep(600)
        assert not playing.done()
        playing.cancel()
        return twin.result()

    assert "a bug on the page" in run(main, MORNING)["twin_ocpp"]["crashes"][0]


def test_faults_come_and_go_by_plan() -> None:
    faults = (
        {"what": "link-lost", "where": "V01", "at_s": 100, "for_s": 60},
        {"what": "silent", "where": "meter", "at_s": 50, "for_s": 500},
    )
    result, twin, _, depot = play(WorldConfig(ocpp=DIALECTS, faults=faults), 300.0)
    assert result["faults"] == {"injected": 2, "by_kind": {"link-lost": 1, "silent": 1}}
    assert sum(who == "V01" and isinstance(fact, Booted) for who, fact in depot.facts) == 2

    async def read() -> None:
        await twin.meter.read()

    with pytest.raises(OSError, match="answer"):
        asyncio.run(read())


def test_a_world_is_read_from_its_table_and_an_unknown_key_is_named() -> None:
    world = world_from({"vehicles_per_day": 10, "ocpp": {"F": "1.6"}})
    assert world.vehicles_per_day == 10
    assert world.ocpp == {"F": V16}
    with pytest.raises(ValueError, match="vehicels"):
        world_from({"vehicels": 3})
    with pytest.raises(ValueError, match="sleepy"):
        play(WorldConfig(faults=({"what": "sleepy", "where": "V01", "at_s": 1, "for_s": 1},)), 1.0)


def test_the_meters_agree_with_the_judge() -> None:
    async def main(clock: SimClock) -> None:
        station, world = lotus_hill(), WorldConfig(ocpp=DIALECTS)
        depot = Depot(station, world.version, clock)

        async def tell(_: TellNeeds) -> None:
            return None

        twin = Twin(station, world, clock, 3, Doors(depot.connect, tell))
        playing = asyncio.ensure_future(twin.run())
        await asyncio.sleep(1800.5)
        playing.cancel()
        assert twin.inverter is not None
        assert twin.battery is not None
        grid, building = await twin.meter.read(), await twin.building.read()
        sun, battery = await twin.inverter.read(), await twin.battery.read()
        cars = sum(outlet.power_w for outlet in twin.outlets)
        assert grid.power_w == pytest.approx(building.power_w + sun.power_w + battery.power_w + cars, rel=0.01)
        assert grid.import_wh == pytest.approx(twin.auditor.grid_import / 3600)
        assert battery.soc == 0.5
        assert (clock.now() - grid.at).total_seconds() <= 1.0

    run(main, MORNING)
