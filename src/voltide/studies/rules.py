"""The classic rules: whom to serve first, or all alike. Each fills the wires exactly, phase by phase."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np

from voltide.domain.units import Seconds
from voltide.planning.phasors import fill, level
from voltide.planning.problem import Array
from voltide.studies.sessions import Session
from voltide.studies.sites import Site
from voltide.studies.yard import Present

Order: TypeAlias = Callable[[Present], Array]
"""The lowest is served first."""


def all_fit(site: Site, present: Present) -> bool:
    """Whether everyone can have all that an outlet gives: then there is nothing to divide."""
    return site.wires.excess(site.wires.by_kind(present.kind, present.most_w)) <= 0.0


class AtOnce:
    """Everyone takes all, whatever the wires carry. For reference: it breaks limits."""

    repeat_s: Seconds = float("inf")

    def decide(self, site: Site, present: Present) -> Array:  # noqa: ARG002 - as every rule
        """Power by car, in W."""
        return present.most_w

    def left(self, session: Session) -> None:
        """Nothing to learn."""


class InOrder:
    """By priority: who comes first takes what it can, the next takes of the rest."""

    def __init__(self, order: Order, repeat_s: Seconds) -> None:
        self._order, self.repeat_s = order, repeat_s

    def decide(self, site: Site, present: Present) -> Array:
        """Power by car, in W."""
        most = present.most_w
        if all_fit(site, present):
            return most
        turn = np.lexsort((present.number, self._order(present)))
        power = np.zeros(len(turn))
        power[turn] = fill(site.wires, present.kind[turn], most[turn])
        return power

    def left(self, session: Session) -> None:
        """Nothing to learn."""


class Alike:
    """Round robin with continuous currents: all rise together until a limit holds them."""

    repeat_s: Seconds = float("inf")

    def decide(self, site: Site, present: Present) -> Array:
        """Power by car, in W."""
        most = present.most_w
        return most if all_fit(site, present) else level(site.wires, present.kind, most)

    def left(self, session: Session) -> None:
        """Nothing to learn."""


def arrival(present: Present) -> Array:
    """First come, first served."""
    return present.arrived_s


def deadline(present: Present) -> Array:
    """Earliest departure first."""
    return present.told_s


def laxity(present: Present) -> Array:
    """Least laxity first: the time that is left beyond what charging takes, in s.

    >>> car = {"now_s": 0.0, "number": np.array([0]), "kind": np.array([0]), "arrived_s": np.zeros(1),
    ...        "claimed": np.ones(1), "offset_s": 0.0, "most_w": np.array([1000.0])}
    >>> laxity(Present(told_s=np.array([7200.0]), left_wh=np.array([500.0]), **car)).tolist()
    [5400.0]
    """
    return present.told_s - present.now_s - present.left_wh / present.most_w * 3600.0


STEP_S: Seconds = 300.0
RULES: Mapping[str, Callable[[], AtOnce | InOrder | Alike]] = {
    "uncontrolled": AtOnce,
    "fcfs": lambda: InOrder(arrival, float("inf")),
    "round-robin": Alike,
    "edf": lambda: InOrder(deadline, float("inf")),
    "llf": lambda: InOrder(laxity, STEP_S),
}
"""By name; a new one for each run."""
