"""Sharing what is scarce: weighted max-min fairness under a tree of limits."""

import numpy as np
from numpy.typing import NDArray

from voltide.control.wiring import Array

_EPSILON_W = 1e-6


def fill(want: Array, weight: Array, member: Array, room: Array) -> Array:
    """Raise everybody's level together, in proportion to weights, until each is full or stands under a full limit.

    Args:
        want: (n,) W, at least 0.
        weight: (n,) above 0.
        member: (m, n), 1 where a device draws through a limit; the limits form a tree.
        room: (m,) W; a negative room counts as none.

    Returns:
        (n,) W, at most ``want``; no limit's sum exceeds its room. The only such sharing in which nobody can gain
        without somebody with a lower level losing. Source: Bertsekas and Gallager, Data Networks, 6.5.2
        (progressive filling), one limit at a time instead of one device at a time.

    >>> fill(np.array([10.0, 10.0, 2.0]), np.ones(3), np.ones((1, 3)), np.array([12.0])).tolist()
    [5.0, 5.0, 2.0]
    """
    room = np.maximum(room, 0.0)
    given = want.copy()
    over = member @ given > room + _EPSILON_W
    if not over.any():
        return given
    loose = want > 0.0
    while over.any():
        levels = {
            row: _level_at(member[row] > 0.0, room[row], loose, given, (want, weight)) for row in np.flatnonzero(over)
        }
        row = min(levels, key=levels.__getitem__)
        stuck = (member[row] > 0.0) & loose
        given[stuck] = np.minimum(want[stuck], levels[row] * weight[stuck])
        loose &= ~stuck
        over = member @ given > room + _EPSILON_W
        over[row] = False
    return given


def _level_at(
    inside: NDArray[np.bool_], room: float, loose: NDArray[np.bool_], given: Array, wishes: tuple[Array, Array]
) -> float:
    """The level at which one limit is just full: the root of a rising, piecewise linear sum."""
    want, weight = wishes
    mine = inside & loose
    left = room - given[inside & ~loose].sum()
    if left <= 0.0 or not mine.any():
        return 0.0
    full_at = want[mine] / weight[mine]
    order = np.argsort(full_at)
    full_at, wants, weights = full_at[order], want[mine][order], weight[mine][order]
    below = np.concatenate(([0.0], np.cumsum(wants)))  # drawn by those that are full
    above = np.concatenate((np.cumsum(weights[::-1])[::-1], [0.0]))  # weight of those that are not yet
    drawn = below[:-1] + full_at * above[:-1]
    first = int(np.searchsorted(drawn, left))
    if first == len(full_at):
        return float(full_at[-1])
    return float((left - below[first]) / above[first])
