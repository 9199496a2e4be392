"""The second's heartbeat: freeze an image, decide, send. It waits for no network and no disk.

The order of a tick is the law of ``control/step``: what is measured first, one decision, decreases and raises in one
go, since the step grants raises only from what the worst case leaves free.
"""

import asyncio
import time
from collections import deque
from dataclasses import dataclass, replace

import numpy as np
import structlog

from voltide.control.image import Image
from voltide.control.step import Decision, Memory, allows, step
from voltide.control.wiring import Array, Wiring
from voltide.domain.session import Session
from voltide.domain.site import ChargerId, Evse, EvseId, Station
from voltide.domain.time import Clock
from voltide.domain.units import Watts
from voltide.station.chargers import Chargers
from voltide.station.planner import Demand, Flows, Planner
from voltide.station.plant import Plant
from voltide.station.sessions import Sessions
from voltide.station.setpoints import Setpoints

log = structlog.get_logger()

TICK_S = 1.0


@dataclass(slots=True, kw_only=True)
class Crew:
    """All that a tick works with. Station and wiring grow when a charger joins; see ``extension``."""

    station: Station
    wiring: Wiring
    clock: Clock
    chargers: Chargers
    sessions: Sessions
    setpoints: Setpoints
    planner: Planner
    plant: Plant
    demand: Demand


class Loop:
    """One control loop. ``tick`` is called once a second; whoever calls it owns the time."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        count = len(crew.wiring.evses)
        self.measured_w = np.zeros(count)
        self._measured_s = np.full(count, -np.inf)
        self._memory = Memory()
        self.decision: Decision | None = None
        self.ticks = 0
        self.missed = 0
        self.failures = 0
        self.last_s = crew.clock.monotonic()
        self.step_us: deque[float] = deque(maxlen=4096)
        self._evses: list[Evse] = list(crew.station.evses)

    def measured(self, session: Session) -> None:
        """A session's meter has spoken."""
        place = self._crew.wiring.index[session.evse]
        self.measured_w[place] = session.power_w
        self._measured_s[place] = self._crew.clock.monotonic()

    def extend(self) -> None:
        """The wiring has grown: nothing is known yet of the outlets behind the old ones."""
        self._evses = list(self._crew.station.evses)
        more = len(self._evses) - len(self.measured_w)
        self.measured_w = np.append(self.measured_w, np.zeros(more))
        self._measured_s = np.append(self._measured_s, np.full(more, -np.inf))
        if self.decision is not None:
            idle = np.zeros(more, dtype=bool)
            self.decision = replace(
                self.decision,
                target_w=np.append(self.decision.target_w, np.zeros(more)),
                send=np.append(self.decision.send, idle),
                binding=np.append(self.decision.binding, np.full(more, -1)),
                release=np.append(self.decision.release, idle),
            )

    def ages(self) -> Array:
        """How old each outlet's reading is, in s."""
        return self._crew.clock.monotonic() - self._measured_s

    def unplugged(self, evse: EvseId) -> None:
        """No car, no power."""
        self.measured_w[self._crew.wiring.index[evse]] = 0.0
        self._crew.setpoints.unplugged(evse)

    async def run(self) -> None:
        """Tick for ever. A tick that fails is logged and the next one comes; leases guard the time between."""
        clock = self._crew.clock
        async with asyncio.TaskGroup() as tasks:
            due = clock.monotonic()
            while True:
                try:
                    await self.tick(tasks)
                except Exception:
                    self.failures += 1
                    log.exception("loop.tick_failed")
                due += TICK_S
                late = clock.monotonic() - due
                if late > TICK_S:
                    self.missed += int(late)
                    due += int(late)
                await asyncio.sleep(max(0.0, due - clock.monotonic()))

    async def tick(self, tasks: asyncio.TaskGroup) -> None:
        """One second."""
        crew = self._crew
        await crew.plant.read()
        sessions = {session.evse: session for session in crew.sessions.open()}
        wants = crew.planner.wants(lambda: self._steered(sessions), crew.demand, self._flows())
        image, wiring = self._freeze(sessions), self._wiring()
        began = time.perf_counter_ns()
        decision, self._memory = step(wiring, image, wants, self._memory)
        self.step_us.append((time.perf_counter_ns() - began) / 1000.0)
        self.decision = decision
        for place in np.flatnonzero(decision.release):
            crew.setpoints.retake(self._evses[place].id)
        self._send(tasks, decision, sessions)
        await crew.plant.apply(decision.battery_w)
        await crew.chargers.keep_time()
        self.ticks += 1
        self.last_s = crew.clock.monotonic()

    def _steered(self, sessions: dict[EvseId, Session]) -> list[Session]:
        """The cars that the plan is for: those whose outlets act by themselves follow nobody's wish."""
        return [session for evse, session in sessions.items() if evse not in self._crew.setpoints.shared]

    def _flows(self) -> Flows:
        """The grid's meter knows what is used better than outlets do that speak every few seconds."""
        plant = self._crew.plant
        sun = max(0.0, -(plant.measured("inverter").believed or 0.0))
        back = float(np.minimum(self.measured_w, 0.0).sum())
        grid, battery = plant.measured("grid").believed or 0.0, plant.measured("battery").believed or 0.0
        both_ways = float(self.measured_w[self._crew.wiring.discharge_w > 0.0].sum())
        return Flows(sun_w=sun, used_w=max(0.0, grid - battery - back + sun), bidirectional_w=both_ways)

    def _freeze(self, sessions: dict[EvseId, Session]) -> Image:
        crew, now_s = self._crew, self._crew.clock.monotonic()
        here = np.array([evse.id in sessions for evse in self._evses])
        promises = crew.setpoints.promises()
        least, most = crew.plant.battery_band()
        return Image(
            at_s=now_s,
            commandable=here & np.array([self._commandable(evse) for evse in self._evses]),
            measured_w=self.measured_w.copy(),
            age_s=np.where(here, now_s - self._measured_s, 0.0),
            acked_w=promises.acked_w,
            command_w=promises.command_w,
            open_low_w=promises.open_low_w,
            open_high_w=promises.open_high_w,
            settled_s=now_s - promises.since_s,
            grid=crew.plant.measured("grid"),
            pv=crew.plant.measured("inverter"),
            battery=crew.plant.measured("battery"),
            building=crew.plant.measured("building"),
            battery_soc=crew.plant.soc,
            battery_most_w=most,
            battery_least_w=least,
        )

    def _commandable(self, evse: Evse) -> bool:
        """On the line, and neither acting by itself nor following another's profile."""
        setpoints = self._crew.setpoints
        own = evse.id in setpoints.shared or evse.id in setpoints.unbound
        return evse.charger in self._crew.chargers.lines and not own

    def _wiring(self) -> Wiring:
        """The tree of limits, as far as others leave it to us now."""
        wiring, capped = self._crew.wiring, self._crew.demand.capped
        if not capped:
            return wiring
        caps = np.array([capped.get(node, np.inf) for node in wiring.nodes])
        return replace(wiring, import_w=np.minimum(wiring.import_w, caps))

    def grant(self, evse: EvseId, band: tuple[Watts, Watts]) -> int | None:
        """Count an outlet's whole band from now on, if every limit bears it; gives the stay that it is for.

        Nothing in here waits, so nobody else is given the same room meanwhile.
        """
        return self._crew.setpoints.share(evse, band) if self.bears(evse, band) else None

    def bears(self, evse: EvseId, band: tuple[Watts, Watts]) -> bool:
        """Whether every limit bears an outlet anywhere in a band, with everybody else at their worst."""
        crew, wiring = self._crew, self._wiring()
        at = wiring.index[evse]
        if any(at in bank.outlets for bank in wiring.banks):
            return False  # the modules of a cabinet are shared out by setpoints
        image = self._freeze({session.evse: session for session in crew.sessions.open()})
        return allows(wiring, image, self._memory, at, band)

    def overruns(self, evse: EvseId) -> bool:
        """Whether an outlet that is not steered does what no limit bears."""
        return self.decision is not None and bool(self.decision.release[self._crew.wiring.index[evse]])

    def _send(self, tasks: asyncio.TaskGroup, decision: Decision, sessions: dict[EvseId, Session]) -> None:
        """New setpoints where they differ, old ones again where their lease grows short."""
        setpoints = self._crew.setpoints
        due = setpoints.renewals_due()
        if not due and not decision.send.any():
            return
        for evse_id, session in sessions.items():
            place = self._crew.wiring.index[evse_id]
            evse = self._evses[place]
            line = self._crew.chargers.lines.get(evse.charger)
            told = decision.send[place] or evse_id in due
            if line is not None and told and self._commandable(evse):
                setpoints.send(tasks, line, evse, session, float(decision.target_w[place]))

    def pulled(self, charger: ChargerId, number: int) -> Watts | None:
        """What a charger's dynamic profile holds now."""
        evse = self._crew.station.evse_at.get((charger, number))
        return None if evse is None else self._crew.setpoints.held(evse.id).power_w
