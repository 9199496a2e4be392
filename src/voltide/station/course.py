"""The optimised plan that the station follows until a newer one comes or it has expired."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeAlias

from voltide.domain.session import SessionId
from voltide.domain.units import Seconds, Watts
from voltide.planning.problem import Problem
from voltide.planning.schedule import Schedule
from voltide.station.outlook import Question

HOLDS_S: Seconds = 900.0
"""Nobody follows a plan that is older: after three that failed the rules take over."""
Solve: TypeAlias = Callable[[Problem], Awaitable[Schedule]]
"""Answers a problem: in a thread of its own, or at once in simulated time."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Course:
    """One plan, by session."""

    epoch: int
    made_at: datetime
    question: Question
    schedule: Schedule
    rows: dict[str, int] = field(default_factory=dict)
    """Each car's row."""

    @classmethod
    def of(cls, epoch: int, question: Question, schedule: Schedule) -> "Course":
        """A plan and what it answers."""
        rows = {car.id: row for row, car in enumerate(question.problem.cars)}
        return cls(epoch=epoch, made_at=question.starts[0], question=question, schedule=schedule, rows=rows)

    @property
    def expires_at(self) -> datetime:
        """From here on nobody follows it."""
        return self.made_at + timedelta(seconds=HOLDS_S)

    def step(self, now: datetime) -> int | None:
        """The step that it is in; None when it has expired."""
        return self.question.step_at(now) if now < self.expires_at else None

    def power_w(self, session: SessionId, now: datetime) -> Watts | None:
        """What a car should do now; None where the plan does not know it."""
        step, row = self.step(now), self.rows.get(session)
        return None if step is None or row is None else float(self.schedule.car_w[row, step])

    def battery_w(self, now: datetime) -> Watts | None:
        """What the storage should do now."""
        step = self.step(now)
        return None if step is None else float(self.schedule.battery_w[step])
