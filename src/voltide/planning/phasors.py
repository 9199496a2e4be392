"""Limits of a three-phase site: currents add as phasors, and what a wire carries is the length of their sum.

Outlets between two phases take their power at an angle of their own. A limit k holds when |sum_j m_kj p_j| is at most
c_k, where m_kj is a complex factor and all powers are at least 0. Powers are W at the outlets' one voltage.
Source: Z. Lee, G. Lee, T. Lee et al., "Adaptive Charging Networks: A Framework for Smart Electric Vehicle Charging"
(2021), section on the unbalanced three-phase infrastructure.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voltide.domain.units import Watts
from voltide.planning.problem import Array

Phasors = NDArray[np.complex128]
Places = NDArray[np.intp]
SIDES = 12
"""Of the polygon that stands in for a circle in a linear programme."""
_ROUND = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wires:
    """Every limit of a site; outlets that count alike in all of them are one kind."""

    names: tuple[str, ...]
    factor: Phasors
    """(limits, kinds)"""
    most_w: Array
    """(limits,)"""

    def by_kind(self, kinds: Places, power_w: Array) -> Array:
        """The power of each kind, from that of its cars, in W."""
        return np.bincount(kinds, power_w, self.factor.shape[1]).astype(np.float64)

    def loads(self, power_w: Array) -> Array:
        """What each limit's wire carries, in W, when the kinds draw so much."""
        carried: Array = np.abs(self.factor @ power_w)
        return carried

    def excess(self, power_w: Array) -> float:
        """How far the worst limit is passed, as a part of it; negative: how much of it is left."""
        return float((self.loads(power_w) / self.most_w).max(initial=0.0)) - 1.0

    def room(self, carried: Phasors, kind: int) -> Watts:
        """How much more one kind may draw, in W, beside what is carried already.

        The way into a convex set is straight, so each limit is left at one root of a quadratic equation.
        """
        z = self.factor[:, kind]
        square = (z * z.conjugate()).real
        touched = square > 0.0
        z, s, square = z[touched], carried[touched], square[touched]
        along = (z.conjugate() * s).real
        free = np.maximum(self.most_w[touched] ** 2 - (s * s.conjugate()).real, 0.0)
        return float(((np.sqrt(along * along + square * free) - along) / square).min(initial=np.inf))

    def stretch(self, carried: Phasors, rise_w: Array) -> float:
        """How often a rise of all kinds together fits beside what is carried already."""
        whole = Wires(names=self.names, factor=(self.factor @ rise_w)[:, None], most_w=self.most_w)
        return whole.room(carried, 0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sides:
    """The same limits as straight sides: factor @ power is at most ``most_w``."""

    factor: Array
    """(sides, kinds)"""
    most_w: Array


def polygon(wires: Wires, sides: int = SIDES, *, inner: bool = True) -> Sides:
    """Each circle as a regular polygon: inside it, or around it; sides that no power from 0 up can meet are left out.

    >>> wires = Wires(names=("A",), factor=np.array([[1.0 + 0j]]), most_w=np.array([10.0]))
    >>> inside = polygon(wires, 12)
    >>> float((inside.most_w[:, None] / inside.factor).min())      # its corner lies on the circle
    10.0
    """
    half = np.pi / sides
    turns = np.exp(-1j * (2 * np.arange(sides) + 1) * half)
    reach = np.cos(half) if inner else 1.0
    if not inner:
        turns = np.exp(-1j * 2 * np.arange(sides) * half)
    factor = (turns[None, :, None] * wires.factor[:, None, :]).real.reshape(-1, wires.factor.shape[1])
    most = np.repeat(wires.most_w * reach, sides)
    return _needed(factor / most[:, None], most)


def _needed(share: Array, most_w: Array) -> Sides:
    """Without the sides that another one always meets first."""
    share = np.where(np.abs(share) < _ROUND * np.abs(share).max(initial=0.0), 0.0, share)
    order = np.argsort(-share.sum(axis=1), kind="stable")
    kept: list[int] = []
    for row in order:
        if (share[row] <= 0.0).all():
            continue
        beaten = kept and (share[row] <= share[kept] * (1.0 + _ROUND)).all(axis=1).any()
        if not beaten:
            kept.append(int(row))
    return Sides(factor=share[kept] * most_w[kept, None], most_w=most_w[kept])


def fill(wires: Wires, kinds: Places, most_w: Array, begun_w: Array | None = None) -> Array:
    """Power by priority, in W: the first takes all that it can and the limits allow, then the next, and so on.

    Args:
        wires: the limits.
        kinds: of each car, in order of priority.
        most_w: what each car can take.
        begun_w: what each car has already; it must fit.
    """
    given = np.zeros(len(kinds)) if begun_w is None else begun_w.copy()
    carried = wires.factor @ wires.by_kind(kinds, given)
    for place, kind in enumerate(kinds):
        more = min(most_w[place] - given[place], wires.room(carried, int(kind)) * (1.0 - _ROUND))
        if more > 0.0:
            given[place] += more
            carried = carried + wires.factor[:, kind] * more
    return given


def level(wires: Wires, kinds: Places, most_w: Array) -> Array:
    """Equal power for all, in W: everyone rises together, and who meets a limit stays there (max-min fairness)."""
    given, every = np.zeros(len(kinds)), range(wires.factor.shape[1])
    rising = most_w > 0.0
    while rising.any():
        carried = wires.factor @ wires.by_kind(kinds, given)
        rise = wires.by_kind(kinds, rising.astype(np.float64))
        lowest = float((most_w - given)[rising].min())
        step = min(lowest, wires.stretch(carried, rise) * (1.0 - _ROUND))
        given[rising] += step
        carried = wires.factor @ wires.by_kind(kinds, given)
        room = np.array([wires.room(carried, kind) for kind in every])
        rising &= (most_w - given > _ROUND * most_w.max()) & (room[kinds] > 1e-6 * wires.most_w.min())
        if step <= 0.0:
            break
    return given
