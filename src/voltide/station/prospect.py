"""Draws the plan ahead as it stands, for the page: powers, expected states of charge, and why."""

from collections import deque
from datetime import datetime, timedelta

import numpy as np

from voltide.domain.picture import CarPlan, EventPlan, Planned, PlanPicture, ReasonPicture
from voltide.domain.session import Session
from voltide.domain.units import Fraction, WattHours, Watts
from voltide.planning.binding import What
from voltide.planning.problem import Array
from voltide.planning.rules import urgent
from voltide.planning.why import Reason, Why
from voltide.station.course import Course
from voltide.station.loop import Crew
from voltide.station.planner import STILL_W

REMEMBER_EVERY_MIN = 5
REMEMBER = 6 * 60 // REMEMBER_EVERY_MIN
"""Six hours of what was planned, to be held against what happened."""
_WAYS = {1: "in", 0: "", -1: "out"}


class Prospect:
    """Draws only when somebody looks; remembers every five minutes what the plan wanted."""

    def __init__(self, crew: Crew) -> None:
        self._crew = crew
        self._past: deque[Planned] = deque(maxlen=REMEMBER)

    def remember(self, now: datetime) -> None:
        """A minute has just begun: keep what is planned for it, every fifth time."""
        course = self._crew.planner.course
        step = None if course is None else course.step(now)
        if course is None or step is None or now.minute % REMEMBER_EVERY_MIN:
            return
        plan, problem = course.schedule, course.question.problem
        cars = _weighted(course)[:, step]
        self._past.append(
            Planned(
                at=now.replace(second=0, microsecond=0),
                grid_w=round(float(plan.grid_w[step])),
                pv_w=round(-float(plan.pv_used_w[step])),
                battery_w=round(float(plan.battery_w[step])),
                cars_in_w=round(float(cars.clip(min=0.0).sum())),
                cars_out_w=round(float(cars.clip(max=0.0).sum())),
                price_buy=round(float(problem.price_buy[step]), 4),
            )
        )

    def draw(self) -> PlanPicture:
        """The plan that is followed now; where the rules lead, that and no more."""
        crew, now = self._crew, self._crew.clock.now()
        course, storage = crew.planner.course, crew.station.storage
        step = None if course is None else course.step(now)
        past = tuple(self._past)
        if course is None or step is None:
            return PlanPicture(station=crew.station.id, at=now, leads="rules", past=past)
        problem, schedule, cars = course.question.problem, course.schedule, _weighted(course)
        view = View(course, step)
        battery = view.why.battery(step)
        return PlanPicture(
            station=crew.station.id,
            at=now,
            leads="optimiser",
            epoch=course.epoch,
            made_at=course.made_at,
            expires_at=course.expires_at,
            ends_at=view.moment(problem.steps),
            starts=course.question.starts,
            grid_w=_watts(schedule.grid_w),
            pv_w=_watts(-schedule.pv_used_w),
            load_w=_watts(problem.load_w),
            battery_w=_watts(schedule.battery_w),
            battery_soc=() if storage is None else _socs(schedule.battery_wh, storage.capacity_wh),
            cars_in_w=_watts(cars.clip(min=0.0).sum(axis=0)),
            cars_out_w=_watts(cars.clip(max=0.0).sum(axis=0)),
            price_buy=tuple(problem.price_buy.round(4).tolist()),
            cars=tuple(self._car(view, one) for one in crew.sessions.open() if one.id in course.rows),
            events=view.events(),
            past=past,
            connection=view.picture(view.why.connection(step)),
            battery=None if battery is None else view.picture(battery),
        )

    def _car(self, view: "View", session: Session) -> CarPlan:
        """With what leads it in the plan's place, as the planner decides it."""
        crew, now = self._crew, self._crew.clock.now()
        ruled_by = ""
        if session.evse in crew.demand.first:
            ruled_by = "priority"
        elif crew.demand.active(now):
            ruled_by = "order"
        elif urgent(crew.planner.stay(session, now)):
            ruled_by = "urgent"
        return view.car(session, ruled_by)


class View:
    """One plan at one moment."""

    def __init__(self, course: Course, step: int) -> None:
        self._course, self._step = course, step
        self._problem, self._starts = course.question.problem, course.question.starts
        self.why = Why(self._problem, course.schedule, STILL_W)

    def moment(self, step: int) -> datetime:
        """When a step begins; beyond the plan steps are as long as the last one."""
        lengths = self._problem.step_s
        if step < len(lengths):
            return self._starts[step]
        return self._starts[-1] + timedelta(seconds=float(lengths[-1]) * (1 + step - len(lengths)))

    def car(self, session: Session, ruled_by: str) -> CarPlan:
        """One car's plan."""
        row, capacity = self._course.rows[session.id], session.needs.capacity_wh
        car = self._problem.cars[row]
        stay = slice(0, min(car.depart, self._problem.steps))
        held = np.concatenate(([car.energy_wh], self._course.schedule.car_wh[row, stay]))
        reason = self.why.car(row, self._step)
        return CarPlan(
            session=session.id,
            outlet=session.evse,
            power_w=_watts(self._course.schedule.car_w[row, stay]),
            soc=_socs(held, capacity) if capacity else (),
            reason=None if reason is None else self.picture(reason, capacity, session.needs.departure),
            ruled_by=ruled_by,
        )

    def events(self) -> tuple[EventPlan, ...]:
        """Each grid order's."""
        found = []
        for number, (order, event) in enumerate(zip(self._course.question.orders, self._problem.events, strict=True)):
            hours = float(self._problem.hours[event.start : event.end].sum())
            found.append(
                EventPlan(
                    id=order.id,
                    start=order.start,
                    end=order.end,
                    asked_wh=round(event.reduce_w * hours),
                    planned_wh=round(self._course.schedule.events[number].delivered_wh),
                    reason=self.picture(self.why.event(number)),
                )
            )
        return tuple(found)

    def picture(
        self, reason: Reason, capacity: WattHours | None = None, departure: datetime | None = None
    ) -> ReasonPicture:
        """A reason in moments and fractions. ``departure``: the driver's own word, a little after the plan's."""
        leaves = reason.by is not None and reason.until == reason.by
        by = None if reason.by is None else departure or self.moment(reason.by)
        missing = 0.0 if reason.need_wh is None or reason.held_wh is None else reason.need_wh - reason.held_wh
        return ReasonPicture(
            code=reason.code.value,
            power_w=round(reason.power_w),
            until=by if leaves and by is not None else self.moment(reason.until),
            price=round(reason.price, 4),
            then_at=None if reason.then is None else self.moment(reason.then),
            then_way=_WAYS[reason.then_way],
            then_price=None if reason.then_price is None else round(reason.then_price, 4),
            need_soc=_share(reason.need_wh, capacity),
            missing_wh=round(max(0.0, missing)),
            short_wh=round(reason.short_wh),
            by=by,
            floor_soc=_share(reason.floor_wh, capacity),
            limit=_limit(reason),
            limit_worth=None if reason.limit_worth is None else round(reason.limit_worth, 4),
        )


def _limit(reason: Reason) -> str:
    if reason.limit is None:
        return ""
    return f"node:{reason.limit_name}" if reason.limit is What.NODE else reason.limit.value


def _weighted(course: Course) -> Array:
    """(cars, steps) powers, those of expected cars by how likely they come."""
    weights = np.array([car.weight for car in course.question.problem.cars])
    weighted: Array = course.schedule.car_w * weights[:, None]
    return weighted


def _share(energy_wh: WattHours | None, capacity: WattHours | None) -> Fraction | None:
    return round(energy_wh / capacity, 4) if energy_wh is not None and capacity else None


def _watts(power_w: Array) -> tuple[Watts, ...]:
    return tuple((power_w.round() + 0.0).tolist())  # no negative nothing


def _socs(energy_wh: Array, capacity: WattHours) -> tuple[Fraction, ...]:
    return tuple((energy_wh / capacity).round(4).tolist())
