"""Ways in which the day could go: who leaves when, who comes and wants what, how much sun and load there is.

All chance comes in as uniform numbers from 0 to 1, so the same numbers give the same days. A scenario is a problem in
which nothing is unsure any more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from voltide.domain.units import Fraction, Watts
from voltide.planning.problem import Array, Car, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """Somebody who may come."""

    chance: Fraction
    cars: tuple[Car, ...]
    """What may come, each as likely: with how much need, for how long, and whether its driver agrees to give back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """An outlet at which a guest may stand, and what it can."""

    evse: str
    charge_w: Watts
    discharge_w: Watts = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Spread:
    """How much of one thing there may be: quantiles in W by level and step; all steps of a day err alike."""

    levels: tuple[Fraction, ...]
    """Rising, at least one; one alone means that nothing is unsure."""
    quantiles: Array
    """(levels, steps)"""

    def at(self, level: Fraction) -> Array:
        """(steps,) W, at least 0; beyond the outermost levels it goes on as between the last two.

        >>> Spread(levels=(0.1, 0.5, 0.9), quantiles=np.array([[0.0], [40.0], [120.0]])).at(0.7).round(6).tolist()
        [80.0]
        """
        if len(self.levels) == 1:
            known: Array = np.maximum(self.quantiles[0], 0.0)
            return known
        above = min(max(int(np.searchsorted(self.levels, level)), 1), len(self.levels) - 1)
        low, high = self.levels[above - 1], self.levels[above]
        share = (level - low) / (high - low)
        drawn: Array = np.maximum(self.quantiles[above - 1] * (1.0 - share) + self.quantiles[above] * share, 0.0)
        return drawn


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Unsure:
    """A problem, and all that is unsure about it."""

    problem: Problem
    """Its cars are here or sure to come; their hazards say who may leave early. Sun and load of it are not read."""
    sun: Spread
    load: Spread
    guests: tuple[Guest, ...] = ()
    seats: tuple[Seat, ...] = ()
    """Where guests without an outlet of their own stand; without any they stand at none, and no node counts them."""

    @property
    def dice(self) -> int:
        """How many uniform numbers one scenario takes."""
        return 2 + len(self.problem.cars) + 2 * len(self.guests)


def scenarios(unsure: Unsure, dice: Array) -> Iterator[Problem]:
    """One problem for each row of uniform numbers.

    ``dice`` is (scenarios, ``unsure.dice``): sun, load, then each car's departure, then for each guest whether it comes
    and as which of its cars.
    """
    problem, guests = unsure.problem, unsure.guests
    for row in dice:
        leaves, rest = np.split(row[2:], [len(problem.cars)])
        comes, which = rest.reshape(len(guests), 2).T
        stays = [_leaving(car, problem.steps, float(one)) for car, one in zip(problem.cars, leaves, strict=True)]
        came = [
            guest.cars[int(kind * len(guest.cars))]
            for guest, one, kind in zip(guests, comes, which, strict=True)
            if one < guest.chance
        ]
        if unsure.seats:
            came = list(_seated(came, stays, unsure.seats))
        yield replace(
            problem, cars=(*stays, *came), pv_w=unsure.sun.at(float(row[0])), load_w=unsure.load.at(float(row[1]))
        )


def _leaving(car: Car, steps: int, chance: Fraction) -> Car:
    """The car as it leaves in one scenario; what it wants stays due, as far as full power until then could bring it."""
    if car.hazard is None:
        return car
    gone = int(np.searchsorted(np.cumsum(car.hazard), chance, side="right")) + 1
    if gone > steps or gone >= car.depart:
        return replace(car, hazard=None)
    return replace(car, hazard=None, depart=max(gone, car.arrive), need_wh=car.due_wh(steps))


def _seated(came: Sequence[Car], stays: Sequence[Car], seats: Sequence[Seat]) -> Iterator[Car]:
    """Each guest at the first outlet that is free when it comes; where none is, it drives on.

    Who gives back goes where that is possible, everybody else where it is not, as far as there is a choice.
    """
    taken = {seat.evse: 0 for seat in seats}
    taken |= {car.evse: max(car.depart, taken.get(car.evse, 0)) for car in stays}
    for car in sorted(came, key=lambda one: one.arrive):
        gives = car.discharge_w > 0.0
        free = [seat for seat in seats if taken[seat.evse] <= car.arrive]
        chosen = min(free, key=lambda one: (one.discharge_w > 0.0) != gives, default=None)
        if car.evse:
            yield car
        elif chosen is not None:
            taken[chosen.evse] = car.depart
            most, least = min(car.charge_w, chosen.charge_w), min(car.discharge_w, chosen.discharge_w)
            yield replace(car, evse=chosen.evse, charge_w=most, discharge_w=least)
