"""When a car will really leave, whatever it told.

What was learnt is how much later than told cars left, or how long they stayed where nothing was told. A kind of driver
is drawn to all drivers, and all to a prior, by ``SHRINK_STAYS`` stays each:

    S(x) = (n · share later than x + k · S above(x)) / (n + k)

The prior of lateness is Laplace's, one in ten an hour too early and one in ten an hour too late (assumed); that of a
stay is exponential about the mean. Both have tails that never end, so a car that is long overdue may leave in any
minute, and no forecast of it breaks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import exp, log

import numpy as np

from voltide.domain.units import Fraction, Seconds
from voltide.planning.forecast.arrivals import STAY_S
from voltide.planning.forecast.stays import LONGEST_S, PastStay
from voltide.planning.forecast.steps import DAY_S, KEPT_DAYS, Array, Basis, Steps

SHRINK_STAYS = 10.0
"""Stays that the prior is worth."""
LATENESS_S: Seconds = 3600.0 / log(5.0)
"""The scale of a Laplace distribution of which a tenth lies beyond an hour on either side."""
LONGEST_WAIT_S = 2.0 * LONGEST_S
"""Nobody looks further ahead for a car to leave."""

Survival = Callable[[Seconds], float]
"""The share that is still there at a lateness, or after so long a stay; never rises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """When one car that is here now will leave."""

    steps: Steps
    basis: Basis
    from_s: Seconds
    """What lateness is counted from: the told departure, or the arrival."""
    survival: Survival
    tail_s: Seconds
    """The scale of its last, exponential part."""

    def leaving(self) -> Array:
        """By step, how likely it leaves within it, seen from the first step's start. It may stay beyond the last.

        This is what a plan's hazard means: chances that add up to at most 1, each no condition of the others.
        """
        still = np.array([self.still(edge) for edge in self.steps.edges])
        chances: Array = np.maximum(still[:-1] - still[1:], 0.0)
        return chances

    def still(self, moment: datetime) -> Fraction:
        """How likely it is still there; 1 until the first step begins."""
        now, then = self.steps.start_s - self.from_s, moment.timestamp() - self.from_s
        if then <= now:
            return 1.0
        here = self.survival(now)
        if here < 1e-200:  # beyond what a float tells apart, only the tail's memoryless chance is left
            return exp(-(then - now) / self.tail_s)
        return min(1.0, self.survival(then) / here)

    def at(self, level: Fraction) -> datetime:
        """The moment by which it has left with this probability, to the second; at most two months ahead."""
        low, high = 0.0, LONGEST_WAIT_S
        while high - low > 1.0:
            middle = (low + high) / 2.0
            gone = 1.0 - self.still(datetime.fromtimestamp(self.steps.start_s + middle, UTC))
            low, high = (low, middle) if gone >= level else (middle, high)
        return self.steps.edges[0] + timedelta(seconds=high)


def foresee(
    stays: Sequence[PastStay], arrived: datetime, told: datetime | None, steps: Steps, kind: str = ""
) -> Departure:
    """When the car that came at ``arrived`` and means to leave at ``told`` will leave."""
    known = [stay for stay in stays if stay.left is not None and _counts(stay.left.timestamp(), steps.start_s)]
    learnt = [(stay, stay.stay_s if told is None else stay.late_s) for stay in known]
    values = [(stay.kind == kind, value) for stay, value in learnt if value is not None]
    every = np.sort([value for _, value in values])
    own = np.sort([value for mine, value in values if mine])
    mean_s = max(60.0, (float(every.sum()) + STAY_S * SHRINK_STAYS) / (len(every) + SHRINK_STAYS))
    prior, tail = (_after(mean_s), mean_s) if told is None else (_later, LATENESS_S)
    days = {stay.arrived.date() for stay, value in learnt if value is not None}
    return Departure(
        steps=steps,
        basis=Basis(days=len(days), note=f"{len(own)} of {len(every)} stays were of its kind" if values else ""),
        from_s=(told or arrived).timestamp(),
        survival=_drawn(own, _drawn(every, prior)),
        tail_s=tail,
    )


def _counts(left_s: Seconds, now_s: Seconds) -> bool:
    return now_s - KEPT_DAYS * DAY_S <= left_s <= now_s


def _later(late_s: Seconds) -> Fraction:
    """How many leave later than this lateness, where nothing was learnt."""
    return 0.5 * exp(-late_s / LATENESS_S) if late_s >= 0.0 else 1.0 - 0.5 * exp(late_s / LATENESS_S)


def _after(mean_s: Seconds) -> Survival:
    return lambda stayed_s: exp(-max(0.0, stayed_s) / mean_s)


def _drawn(values: Array, above: Survival) -> Survival:
    """The share of ``values`` that is larger, drawn to a survival from above."""

    def survival(x: Seconds) -> Fraction:
        larger = len(values) - int(np.searchsorted(values, x, side="right"))
        return (larger + SHRINK_STAYS * above(x)) / (len(values) + SHRINK_STAYS)

    return survival
