"""One station, put together: an object with its own loop, so one process can host many."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import numpy as np
import structlog

from voltide.backbone.bus import Bus
from voltide.backbone.store import Change, Store
from voltide.control.wiring import Wiring
from voltide.domain.messages import (
    Booted,
    ChargerFact,
    ChargerSeen,
    NeedsTold,
    OutletReported,
    TransactionTold,
)
from voltide.domain.session import Phase
from voltide.domain.site import ChargerId, EvseId, OcppVersion, Station
from voltide.domain.time import Clock
from voltide.ledger.tariff import Tariff
from voltide.ocpp.quirks import Quirk
from voltide.security.identities import Keyring
from voltide.station import dossiers, history, metrics, records
from voltide.station.aside import Aside, at_once
from voltide.station.blocks.assembly import Assembly
from voltide.station.blocks.ground import Ground, Numbers
from voltide.station.chargers import Chargers, Manners
from voltide.station.course import Solve
from voltide.station.diary import Diary
from voltide.station.dossiers import Dossiers
from voltide.station.extension import with_accepted
from voltide.station.foresight import Learned
from voltide.station.history import History, Second
from voltide.station.line import Line, Wire
from voltide.station.loop import TICK_S, Crew, Loop
from voltide.station.makers import Makers
from voltide.station.offer import Offers
from voltide.station.onboarding import Habits
from voltide.station.operations import CallTerms
from voltide.station.orders import Orders
from voltide.station.outlook import Economy, Outlook
from voltide.station.pilot import Pilot
from voltide.station.planner import Demand, Planner, Policy
from voltide.station.plant import Devices, Plant
from voltide.station.portrait import Portrait
from voltide.station.prospect import Prospect
from voltide.station.reception import Lobby, Reception
from voltide.station.relay import relay
from voltide.station.secrets import Secrets
from voltide.station.sessions import Sessions, Turn
from voltide.station.setpoints import Setpoints, Terms
from voltide.station.watch import Watch

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one station is run."""

    station: Station
    tariff: Tariff
    policy: Policy
    terms: Terms
    manners: Manners
    sample_s: int = 15
    keep_days: int = 90
    calls: CallTerms = field(default_factory=CallTerms)
    quirks: tuple[Quirk, ...] = ()
    """What is known of models that depart from the standard."""
    metrics: bool = True
    """Whether Prometheus' figures are kept; a simulated day has nobody to read them."""
    economy: Economy = field(default_factory=Economy)
    """What the optimiser reckons with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a station is given: time, memory, the bus, its hardware, and a source of ids that nobody can guess."""

    clock: Clock
    store: Store
    bus: Bus
    devices: Devices
    new_id: Callable[[], str]
    keys: Keyring = field(default_factory=lambda: Keyring(secrets.token_bytes(32)))
    """Under which the secrets of chargers are kept; a simulated world has nobody to keep them for."""
    solve: Solve | None = None
    """Answers the optimiser's problems; None: the rules plan alone."""
    aside: Aside = at_once
    """Where it is reckoned what the station could promise."""


class StationActor:
    """A running station; raises ``UnsafeStationError`` where chargers that joined it do not fit its file any more."""

    def __init__(self, settings: Settings, around: Surroundings) -> None:
        clock, book = around.clock, Dossiers(around.store)
        book.load(dossiers.all_of(around.store.engine))
        station = with_accepted(settings.station, book.all())
        self._settings = settings
        self._around = around
        wiring = Wiring.of(station)
        self.sessions = Sessions(station, settings.tariff, around.new_id)
        self.chargers = Chargers(station, around.store, self.sessions, clock, around.new_id, settings.manners)
        self.planner = Planner(station, wiring, settings.tariff, settings.policy, clock)
        self.diary = Diary(station.id, clock)
        self.history = History()
        self.crew = Crew(
            station=station,
            wiring=wiring,
            clock=clock,
            chargers=self.chargers,
            sessions=self.sessions,
            setpoints=Setpoints(station, clock, settings.terms),
            planner=self.planner,
            plant=Plant(around.devices, station, clock),
            demand=Demand(),
        )
        self.loop = Loop(self.crew)
        foresight = Learned(station, settings.tariff, around.store, around.aside)
        outlook = Outlook(settings.tariff, settings.economy, foresight)
        self.planner.worth_giving_at, self.planner.refill_pays = outlook.worth_giving_at, outlook.refill_pays
        self.pilot = None if around.solve is None else Pilot(self.crew, outlook, around.solve, around.aside)
        self.offers = Offers(self.crew, outlook, foresight, around.aside, settings.policy.floor_soc)
        self.watch = Watch(self.crew, self.loop, self.diary)
        self.portrait = Portrait(self.crew, self.loop, self.history, self.diary, settings.tariff)
        self.prospect = Prospect(self.crew)
        self.orders = Orders(self.crew, self.diary, around.new_id)
        self.chargers.pulled = self.loop.pulled
        self.chargers.spawn = self._spawn
        self.chargers.on_fact.append(self._told)
        self.chargers.on_line.append(self._line_changed)
        ground = Ground(
            crew=self.crew,
            diary=self.diary,
            store=around.store,
            tariff=settings.tariff,
            new_id=around.new_id,
            numbers=Numbers(clock),
        )
        self.blocks = Assembly(ground, self.loop, self.orders, settings.calls)
        self._phases: dict[EvseId, tuple[str, Phase]] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._open = asyncio.Event()
        lobby = Lobby(
            crew=self.crew,
            loop=self.loop,
            watch=self.watch,
            portrait=self.portrait,
            diary=self.diary,
            store=around.store,
            secrets=Secrets(around.keys, around.store, clock),
            new_id=around.new_id,
            spawn=self._spawn,
            makers=Makers(settings.quirks, settings.tariff.zone),
            habits=Habits(sample_s=settings.sample_s, heartbeat_s=settings.manners.heartbeat_s),
            always=settings.manners.newcomers,
        )
        self.reception = Reception(lobby, book)

    async def accept(self, identity: ChargerId, version: OcppVersion, wire: Wire) -> None:
        """A charger that has proved who it is; returns when its line is lost.

        Nobody is heard before the station knows again what it knew: a blocked card would be let in.
        """
        await self._open.wait()
        if self.reception.newcomers.holds(identity):
            await self.reception.newcomers.receive(identity, version, wire)
        else:
            await self.chargers.accept(identity, version, wire)

    async def run(self) -> None:
        """Live until cancelled. Every part that fails is named; the loop's own end ends the station."""
        station, around = self.crew.station, self._around
        self.sessions.load(await around.store.read(records.unsettled))
        for session in self.sessions.open():
            self.crew.setpoints.assume_the_worst(station.evse_of[session.evse])
        served = [
            around.bus.serve(f"station.{station.id}.look", self._look),
            around.bus.serve(f"station.{station.id}.plan", self._plan),
            around.bus.serve(f"station.{station.id}.offer", self.offers.answer),
        ]
        await self.blocks.load()
        served += [
            around.bus.serve(f"station.{station.id}.order", self.orders.obey),
            around.bus.serve(f"station.{station.id}.care", self.reception.obey),
        ]
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            tasks.create_task(self.loop.run(), name="loop")
            tasks.create_task(relay(around.store, around.bus, around.clock), name="relay")
            self._open.set()
            try:
                await self._each_second()
            finally:
                self._tasks = None  # from here on nothing new is begun
                for one in served:
                    one.close()

    def _spawn(self, work: Awaitable[None]) -> None:
        """Do something beside; what fails in it is logged, and ends nothing else."""
        if self._tasks is not None:
            self._tasks.create_task(_apart(work))

    async def close_lines(self) -> None:
        """Let every charger go, so that it falls back by itself."""
        for line in list(self.chargers.lines.values()):
            await line.close(1001, "the station is going away")

    # --- what chargers tell ---

    def _told(self, charger: ChargerId, fact: ChargerFact, turn: Turn) -> None:
        begun = {session.evse for session in turn.sessions if session.open}
        for session in turn.sessions:
            if session.open:
                self.loop.measured(session)
            elif self.sessions.at(session.evse) is None or session.evse in begun:
                self.loop.unplugged(session.evse)  # also where the next car tells us that this one has gone
        if isinstance(fact, OutletReported):
            evse = self.crew.station.evse_at.get((charger, fact.evse))
            if evse is not None:
                self.portrait.outlet_states[evse.id] = fact.state
                self.diary.alarm_if(fact.error is not None, "outlet-fault", evse.id, fact.error or "")
        if isinstance(fact, TransactionTold | NeedsTold | OutletReported) and turn.sessions:
            self._note_steps(turn)
        if isinstance(fact, Booted) and self._tasks is not None:
            self.diary.note("charger-booted", charger, f"{fact.vendor} {fact.model}")
            self._spawn(self.reception.booted(self.chargers.lines[charger], fact))

    def _note_steps(self, turn: Turn) -> None:
        seen = self._phases
        for session in turn.sessions:
            before = seen.get(session.evse)
            if before == (session.id, session.phase):
                continue
            seen[session.evse] = (session.id, session.phase)
            self.planner.changed()
            if before is None or before[0] != session.id:
                self.history.today.sessions += 1
            self.diary.note(session.phase.value, session.evse)

    def _line_changed(self, charger: ChargerId, line: Line | None) -> None:
        evses = self.crew.station.charger_of[charger].evses
        for evse in evses:
            if line is None:
                self.crew.setpoints.offline(evse.id)
            else:
                self.crew.setpoints.online(evse.id, line)
        self.diary.note("charger-online" if line is not None else "charger-offline", charger)
        self.diary.alarm_if(line is None, "charger-offline", charger)
        if line is not None:
            self.reception.come(line)
        version = line.version.value if line is not None else None
        station, now = self.crew.station.id, self._around.clock.now()
        self.diary.tell(ChargerSeen(station=station, charger=charger, online=line is not None, at=now, version=version))

    # --- once a second, after the loop and never in its way ---

    async def _each_second(self) -> None:
        clock, bus, station = self._around.clock, self._around.bus, self.crew.station
        while True:
            await asyncio.sleep(TICK_S)
            try:
                self._look_around()
                if self.pilot is not None and self.pilot.due():
                    self._spawn(self.pilot.think())
                await self.blocks.look()
                await self._remember()
                if bus.wanted(f"station.{station.id}.picture"):
                    await bus.publish(f"station.{station.id}.picture", self.portrait.draw())
            except Exception:
                log.exception("station.second_failed", at=clock.now().isoformat())

    def _look_around(self) -> None:
        """Alarms, figures, and lines that must not outlive the loop."""
        self.reception.look()
        spawn = self._tasks.create_task if self._tasks is not None else None
        for evse in self.watch.look():
            if spawn is not None:
                spawn(self.watch.stop(evse), name=f"stop {evse}")
        if self.watch.stuck() and spawn is not None:  # chargers that are alone fall back; those we only ping do not
            spawn(self.close_lines(), name="let go")
        if self._settings.metrics:
            metrics.tell(self.crew.station.id, self.crew, self.loop, self.reception.oddities)

    async def _remember(self) -> None:
        """Powers of this second; a row when a minute has ended; the outbox when there is something to tell."""
        clock, plant, cars = self._around.clock, self.crew.plant, self.loop.measured_w
        now = clock.now()
        second = Second(
            at=now,
            grid_w=plant.measured("grid").power_w or 0.0,
            pv_w=plant.measured("inverter").power_w or 0.0,
            battery_w=plant.measured("battery").power_w or 0.0,
            building_w=plant.measured("building").power_w or 0.0,
            cars_in_w=float(cars.clip(min=0.0).sum()),
            cars_out_w=float(cars.clip(max=0.0).sum()),
        )
        self._count_green(second, cars)
        self._count_orders(second)
        tariff = self._settings.tariff
        ended = self.history.add(second, str(now.astimezone(tariff.zone).date()))
        change = Change()
        if ended is not None:
            self.prospect.remember(now)
            connected = len(self.sessions.open())
            price = float(tariff.at(ended).charge + tariff.service_fee)
            history.record(change, self.history.close(ended, soc=plant.soc, price=price, connected=connected))
            self.crew.demand.forget(now)
        for fact in self.diary.facts():
            records.fact(change, self.crew.station.id, fact, f"diary/{self._around.new_id()}")
        await self._around.store.commit(change)
        if ended is not None and ended.hour == 3 and ended.minute == 0:
            await self._around.store.prune(history.old(now, self._settings.keep_days))

    def _count_green(self, second: Second, cars: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
        """The sun's share of all that is consumed now goes into every car alike."""
        consumed = second.cars_in_w + max(second.building_w, 0.0) + max(second.battery_w, 0.0)
        share = min(1.0, max(0.0, -second.pv_w) / consumed) if consumed > 0.0 else 0.0
        if share <= 0.0:
            return
        green = self.sessions.green_wh
        for place in np.flatnonzero(cars > 0.0):
            evse = self.crew.wiring.evses[place]
            green[evse] = green.get(evse, 0.0) + float(cars[place]) * share / 3600.0

    def _count_orders(self, second: Second) -> None:
        demand = self.crew.demand
        able = self.crew.wiring.discharge_w > 0.0
        net = float(self.loop.measured_w[able].sum())
        for order in demand.active(second.at):
            demand.delivered_wh[order.id] = demand.delivered_wh.get(order.id, 0.0) + net / 3600.0
            reach_w = max(order.power_w, -self.planner.able_w) if order.power_w < 0.0 else order.power_w
            demand.within_reach_wh[order.id] = demand.within_reach_wh.get(order.id, 0.0) + reach_w / 3600.0

    async def _look(self, _message: object) -> object:
        return self.portrait.draw()

    async def _plan(self, _message: object) -> object:
        return self.prospect.draw()


async def _apart(work: Awaitable[None]) -> None:
    try:
        await work
    except Exception:
        log.exception("station.work_failed")
