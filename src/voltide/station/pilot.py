"""Keeps the optimised plan fresh: asks anew when something that matters has changed, at least every five minutes."""

from collections import deque
from collections.abc import Callable
from time import perf_counter_ns

import numpy as np
import structlog

from voltide.domain.units import Seconds
from voltide.planning.mpc import Horizon
from voltide.planning.problem import Problem
from voltide.planning.schedule import Schedule, Status
from voltide.station import aside as beside
from voltide.station.aside import Aside
from voltide.station.course import Course, Solve
from voltide.station.loop import Crew
from voltide.station.outlook import Outlook, Question, Seen

log = structlog.get_logger()

AT_LEAST_S: Seconds = 300.0
AT_MOST_S: Seconds = 60.0
"""News within a minute are answered together; until then the rules know what to do with a new car."""

PATIENCE_S: Seconds = 3.0
"""A plan takes tenths of a second; a station that ends waits for the one under way, and has five seconds for all."""


class Pilot:
    """One station's."""

    def __init__(self, crew: Crew, outlook: Outlook, solve: Solve, aside: Aside = beside.at_once) -> None:
        self._crew, self.outlook, self._solve, self._aside = crew, outlook, solve, aside
        self._asked_s = -np.inf
        self._news = 0
        self._thinking = False
        self.solves = self.fallbacks = self.failures = 0
        self.solve_ms: deque[float] = deque(maxlen=4096)

    def due(self) -> bool:
        """Whether it is time to think again."""
        since_s = self._crew.clock.monotonic() - self._asked_s
        news = self._crew.planner.news != self._news
        return not self._thinking and since_s >= (AT_MOST_S if news else AT_LEAST_S)

    async def think(self) -> None:
        """Ask, and follow the answer; one that did not come or makes no sense leaves the rules in charge."""
        self._thinking = True
        self._asked_s, self._news = self._crew.clock.monotonic(), self._crew.planner.news
        try:
            await self.outlook.foresight.refresh(self._crew.clock.now())
            station, wiring, seen = self._crew.station, self._crew.wiring, seen_by(self._crew)
            question = await self._aside(lambda: self.outlook.ask(station, wiring, seen))
            began = perf_counter_ns()
            schedule = await self._solve(question.problem)
            self.solve_ms.append((perf_counter_ns() - began) / 1e6)
            self._follow(question, schedule)
        except Exception:
            self.failures += 1
            log.exception("plan.ahead_failed")
        finally:
            self._thinking = False

    def _follow(self, question: Question, schedule: Schedule) -> None:
        self.solves += 1
        if schedule.status is Status.FALLBACK or not sane(question.problem, schedule):
            self.fallbacks += 1
            log.warning("plan.no_answer", status=schedule.status.value)
            return
        self._crew.planner.follow(Course.of(self.solves, question, schedule))


def seen_by(crew: Crew) -> Seen:
    """What is known of this second."""
    now = crew.clock.now()
    demand, plant = crew.demand, crew.plant
    most = {evse: max(band.upper, 0.0) for evse, band in demand.outside.items()}
    for evse, limit in demand.limits.items():
        most[evse] = min(limit, most.get(evse, np.inf))
    sessions = crew.sessions.open()
    return Seen(
        now=now,
        stays=[(session.id, crew.planner.stay(session, now)) for session in sessions],
        arrived={session.id: session.plugged_at for session in sessions},
        sun_w=max(0.0, -(plant.measured("inverter").believed or 0.0)),
        building_w=max(0.0, plant.measured("building").believed or 0.0),
        storage_soc=plant.soc,
        flowing_w={session.evse: session.power_w for session in sessions},
        most_w=most,
        capped=dict(demand.capped),
        first=frozenset(demand.first),
        orders=tuple(order for order in demand.orders.values() if order.end > now),
    )


def sane(problem: Problem, schedule: Schedule) -> bool:
    """Whether an answer is one: finite, and within what each car and the battery can."""
    if not np.isfinite(schedule.objective) or not np.isfinite(schedule.battery_w).all():
        return False
    most = np.array([[car.charge_w] for car in problem.cars]).reshape(-1, 1) + 1.0
    least = -np.array([[car.discharge_w] for car in problem.cars]).reshape(-1, 1) - 1.0
    fits = (schedule.car_w <= most) & (schedule.car_w >= least)
    return bool(fits.all())  # False for NaN, too


def at_once(stopwatch: Callable[[], float]) -> Solve:
    """Solves where it is asked, in no simulated time: a run then repeats itself."""
    horizon = Horizon(stopwatch)

    async def solve(problem: Problem) -> Schedule:
        return horizon.plan(problem, 60.0)

    return solve


def apart(stopwatch: Callable[[], float], patience_s: Seconds = PATIENCE_S) -> Solve:
    """Solves in a thread beside the event loop, so that no second waits for it."""
    horizon = Horizon(stopwatch)

    async def solve(problem: Problem) -> Schedule:
        return await beside.apart(lambda: horizon.plan(problem, patience_s))

    return solve
