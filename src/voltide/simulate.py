"""A scenario faster than real time: the station's own code, the twins, and a line in memory between them."""

import asyncio
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from datetime import time as clock_time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import func, select

from voltide import compose
from voltide.backbone import schema
from voltide.backbone.bus import LocalBus
from voltide.backbone.database import open_database
from voltide.backbone.store import Store, rows
from voltide.calm import few_collections
from voltide.config import Config, load
from voltide.domain.messages import OrderGrid, TellNeeds
from voltide.domain.picture import Minute
from voltide.domain.site import ChargerId, OcppVersion
from voltide.domain.time import Clock
from voltide.ledger.tariff import Tariff
from voltide.station.pilot import Pilot, at_once
from voltide.station.planner import Planner
from voltide.station.plant import Devices
from voltide.station.station import StationActor, Surroundings
from voltide.twin import report, world
from voltide.twin.city import Doors, Twin
from voltide.twin.conditions import WorldConfig, world_from
from voltide.twin.wire import MemoryWire, Wire, pair

SCENARIOS = Path(__file__).parent / "twin" / "scenarios"
_FAULT_SETS = Path(__file__).parent / "twin" / "fault_sets.toml"
_UPLOT = Path(__file__).parent / "web" / "ui" / "vendor"
DAY_S = 86_400


@dataclass(frozen=True, kw_only=True)
class Run:
    """What to simulate."""

    scenario: str
    config: Config
    world: WorldConfig
    seconds: int = DAY_S
    seed: int = 1
    start: date = date(2026, 4, 15)
    data: Path | None = None
    """Where the records go; None: nowhere that lasts."""
    orders: tuple[OrderGrid, ...] = ()
    pays: tuple[float, ...] = ()
    """Yuan per kWh that the grid pays for each order, in their order."""


@dataclass(kw_only=True)
class Outcome:
    """The run's report (see the format of ``voltide simulate --json``) and its history."""

    result: dict[str, Any]
    minutes: list[Minute] = field(default_factory=list)


def scenario(name: str) -> Path:
    """The file of a scenario that ships. Raises ``LookupError`` that names those that do."""
    path = SCENARIOS / f"{name.replace('-', '_')}.toml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem.replace("_", "-") for file in SCENARIOS.glob("*.toml")))
        raise LookupError(f"no scenario {name!r}; those that ship: {known}")
    return path


def fault_set(name: str) -> tuple[dict[str, Any], ...]:
    """A named set of faults. Raises ``LookupError`` that names those that ship."""
    sets = tomllib.loads(_FAULT_SETS.read_text(encoding="utf-8"))
    if name not in sets:
        raise LookupError(f"no set of faults {name!r}; those that ship: {', '.join(sorted(sets))}")
    return tuple(sets[name])


def prepare(name: str, *, faults: str | None = None, **changes: Any) -> Run:
    """A run of a scenario that ships, or of a file. Raises ``LookupError``, ``ConfigError`` or ``ValueError``."""
    path = Path(name) if name.endswith(".toml") else scenario(name)
    config = load(path)
    called = config.station.id if name.endswith(".toml") else name
    world = dict(config.world)
    tables = world.pop("orders", [])
    changes.setdefault("orders", _orders(tables, config, changes.get("start", Run.start)))
    changes.setdefault("pays", tuple(float(table.get("pay", 0.0)) for table in tables))
    world_config = world_from(world)
    if faults is not None:
        injected = [fault for fault in fault_set(faults) if fault["at_s"] < changes.get("seconds", DAY_S)]
        world_config = replace(world_config, faults=(*world_config.faults, *injected))
    return Run(scenario=called, config=config, world=world_config, **changes)


def _orders(tables: list[dict[str, Any]], config: Config, day: date) -> tuple[OrderGrid, ...]:
    """What the grid orders on the day: ``[[world.orders]]`` with from, to (local time) and power_w."""
    zone = ZoneInfo(config.station.timezone)
    return tuple(
        OrderGrid(
            id=f"order-{number}",
            start=datetime.combine(day, clock_time.fromisoformat(table["from"]), zone).astimezone(UTC),
            end=datetime.combine(day, clock_time.fromisoformat(table["to"]), zone).astimezone(UTC),
            power_w=float(table["power_w"]),
        )
        for number, table in enumerate(tables, start=1)
    )


def simulate(run: Run, progress: Callable[[float], None] = lambda _share: None) -> Outcome:
    """Play it. ``progress`` hears the share that is done, from 0 to 1."""
    began = time.perf_counter()
    zone = ZoneInfo(run.config.station.timezone)
    start = datetime.combine(run.start, clock_time(0), zone).astimezone(UTC)
    with few_collections():
        outcome = world.run(lambda clock: _play(run, clock, progress), start)
    outcome.result["wall_s"] = round(time.perf_counter() - began, 3)
    return outcome


async def _play(run: Run, clock: Clock, progress: Callable[[float], None]) -> Outcome:
    url = "sqlite://" if run.data is None else f"sqlite:///{run.data / 'station.db'}"
    store = Store(open_database(url, durable=False), inline=True)
    async with store, LocalBus() as bus:
        outcome: Outcome | None = None
        async with asyncio.TaskGroup() as tasks:
            stage = _Stage(run, clock, store, bus, tasks)
            playing = [
                tasks.create_task(stage.station.run(), name="station"),
                tasks.create_task(stage.twin.run(), name="twin"),
            ]
            for order in run.orders:
                await asyncio.sleep(0)
                await bus.request(f"station.{run.config.station.id}.order", order)
            for hundredth in range(100):
                await asyncio.sleep(run.seconds / 100)
                progress((hundredth + 1) / 100)
            for task in playing:
                task.cancel()
            outcome = await stage.report()
            for line in stage.lines:
                line.cancel()
        return outcome


class _Stage:
    """The station and its world on one clock."""

    def __init__(self, run: Run, clock: Clock, store: Store, bus: LocalBus, tasks: asyncio.TaskGroup) -> None:
        self._run, self._clock, self._store, self._tasks = run, clock, store, tasks
        self.lines: list[asyncio.Task[None]] = []
        self._bus = bus
        self.twin = Twin(run.config.station, run.world, clock, run.seed, Doors(self._connect, self._tell))
        around = Surroundings(
            clock=clock,
            store=store,
            bus=bus,
            devices=Devices(
                grid=self.twin.meter,
                building=self.twin.building,
                inverter=self.twin.inverter,
                battery=self.twin.battery,
            ),
            new_id=compose.repeatable(run.seed),
            solve=at_once(time.perf_counter) if run.config.plan.optimise else None,
        )
        self.station = StationActor(replace(compose.settings(run.config), metrics=False), around)

    async def _connect(self, identity: str, subprotocol: str) -> Wire:
        ours, theirs = pair(subprotocol, self._run.world.latency_s)
        version = OcppVersion(subprotocol.removeprefix("ocpp"))
        self.lines = [line for line in self.lines if not line.done()]
        self.lines.append(self._tasks.create_task(self._serve(ChargerId(identity), version, ours)))
        return theirs

    async def _serve(self, identity: ChargerId, version: OcppVersion, wire: MemoryWire) -> None:
        try:
            await self.station.accept(identity, version, wire)
        finally:
            await wire.close()

    async def _tell(self, needs: TellNeeds) -> object:
        return await self._bus.request(f"station.{self._run.config.station.id}.order", needs)

    async def report(self) -> Outcome:
        """What the format of ``voltide simulate --json`` asks for."""
        truth = self.twin.result()
        start = self._clock.now().timestamp() - self._clock.monotonic()
        minutes = await self._store.minutes(datetime.fromtimestamp(start, UTC), self._clock.now())
        loop, planner, pilot = self.station.loop, self.station.planner, self.station.pilot
        steps = np.array(loop.step_us) if loop.step_us else np.zeros(1)
        versions = {version.value: count for version, count in self.station.chargers.messages.items()}
        result = {
            "scenario": self._run.scenario,
            "seed": self._run.seed,
            "stations": 1,
            "timezone": self._run.config.station.timezone,
            **truth,
            "money_fen": _money(self._store, minutes, self._run.config.tariff, _paid(self._run, self.station)),
            "events": [_event(order, self.station) for order in self._run.orders],
            "ocpp": {
                "messages": sum(versions.values()),
                "errors": truth["twin_ocpp"]["errors"],
                "by_version": versions,
            },
            "planner": _planning(planner, pilot),
            "control": {
                "ticks": loop.ticks,
                "p50_us": round(float(np.percentile(steps, 50)), 1),
                "p99_us": round(float(np.percentile(steps, 99)), 1),
                "missed": loop.missed,
                "failures": loop.failures,
                "setpoints_not_taken": self.station.crew.setpoints.refusals,
            },
        }
        return Outcome(result=result, minutes=minutes)


def _planning(planner: Planner, pilot: Pilot | None) -> dict[str, Any]:
    """How often the optimiser was asked, and how quickly it answered; without it, how often the rules were."""
    if pilot is None:
        return {"solves": planner.plan.epoch, "p50_ms": 0.0, "p99_ms": 0.0, "fallbacks": planner.failures}
    took = np.array(pilot.solve_ms or [0.0])
    return {
        "solves": pilot.solves,
        "p50_ms": round(float(np.percentile(took, 50)), 1),
        "p99_ms": round(float(np.percentile(took, 99)), 1),
        "fallbacks": pilot.fallbacks + pilot.failures + planner.failures,
    }


def _event(order: OrderGrid, station: StationActor) -> dict[str, float]:
    hours = (order.end - order.start).total_seconds() / 3600.0
    asked = order.power_w * hours / 1000.0
    delivered = station.crew.demand.delivered_wh.get(order.id, 0.0) / 1000.0
    reach = station.crew.demand.within_reach_wh.get(order.id, 0.0) / 1000.0
    return {
        "asked_kwh": asked,
        "within_reach_kwh": reach,
        "delivered_kwh": delivered,
        "score": delivered / asked if asked else 0.0,
    }


def _paid(run: Run, station: StationActor) -> float:
    """Yuan for what the orders got."""
    got = station.crew.demand.delivered_wh
    return sum(abs(got.get(order.id, 0.0)) / 1000.0 * pay for order, pay in zip(run.orders, run.pays, strict=False))


def _money(store: Store, minutes: list[Minute], tariff: Tariff, events: float) -> dict[str, int]:
    """Drivers' money from the ledger; the grid's from the minutes of its meter, and what it pays for orders."""
    table = schema.postings
    query = select(table.c.kind, func.sum(table.c.amount_fen).label("fen")).where(table.c.amount_fen > 0)
    kinds = {row["kind"]: int(row["fen"]) for row in rows(store.engine, query.group_by(table.c.kind))}
    whole = rows(store.engine, select(func.coalesce(func.sum(table.c.amount_fen), 0).label("fen")))
    bought = sum(max(m.grid_w, 0.0) / 60e3 * float(tariff.at(m.at).grid_buy) for m in minutes)
    sold = sum(max(-m.grid_w, 0.0) / 60e3 * float(tariff.at(m.at).grid_sell) for m in minutes)
    paid, earned = kinds.get("energy", 0) + kinds.get("service", 0), kinds.get("feed-in", 0)
    money = {
        "drivers_paid": paid,
        "drivers_earned": earned,
        "energy_bought": round(bought * 100),
        "energy_sold": round(sold * 100),
        "events": round(events * 100),
    }
    money["margin"] = paid - earned - money["energy_bought"] + money["energy_sold"] + money["events"]
    money["ledger_sum"] = int(whole[0]["fen"])
    return money


def write_report(folder: Path, outcome: Outcome) -> Path:
    """One self-contained HTML page with plots; gives its path."""
    module = (_UPLOT / "uplot.js").read_text(encoding="utf-8")
    script = module.replace("export default uPlot;", "")  # one file needs no modules, and opens from a disk
    style = (_UPLOT / "uplot.css").read_text(encoding="utf-8")
    return report.write(folder, outcome.result, outcome.minutes, script, style)


def summary(result: dict[str, Any]) -> str:
    """The run in a few lines for a terminal."""
    cars, energy, limits = result["vehicles"], result["energy_kwh"], result["limits"]
    money, control, power = result["money_fen"], result["control"], result["power_w"]
    hours, yuan = result["simulated_s"] / 3600, {name: fen / 100 for name, fen in money.items()}
    waited = f"95 % waited at most {cars['wait_p95_s']:.0f} s, {cars['short_of_need']} short of their need"
    came = f"{cars['arrived']} came, {cars['served']} left served, {cars['turned_away']} turned away"
    flows = f"{energy['charged']:.0f} kWh charged, {energy['discharged']:.0f} kWh given back"
    sources = f"{energy['pv_used']:.0f} kWh from the sun, {energy['grid_import']:.0f} kWh from the grid"
    peak = f"import peak {power['import_peak'] / 1000:.0f} kW of {power['import_limit'] / 1000:.0f} kW"
    lines = (
        f"{result['scenario']}, seed {result['seed']}: {hours:.1f} h in {result['wall_s']:.1f} s",
        f"cars     {came}, {waited}",
        f"energy   {flows}, {sources}",
        f"limits   {limits['node_ticks_over']} of {limits['ticks']} seconds over; {peak}",
        f"money    drivers paid {yuan['drivers_paid']:.2f} and earned {yuan['drivers_earned']:.2f} yuan",
        f"control  median {control['p50_us']:.0f} us a step, {control['missed']} ticks missed",
        f"trace    {result['trace_sha256']}",
    )
    return "\n".join(lines)
