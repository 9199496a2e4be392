"""What earlier stays teach: how far off from what they said cars left that said the same. Only gone cars count."""

import numpy as np

from voltide.domain.units import Seconds
from voltide.planning.problem import Array
from voltide.studies.sessions import Session

HOUR_S = 3600.0
LEAST = 30
"""Fewer earlier stays teach nothing: the driver's word is taken."""
_GROWTH = 1.05


class Past:
    """Gone cars as a growing table."""

    def __init__(self, like: int) -> None:
        self._like = like
        self._rows: list[tuple[float, float, float, float]] = []
        self._table: Array = np.zeros((0, 4))

    def learn(self, one: Session) -> None:
        """A car has gone."""
        told_h = (one.told_s - one.arrives_s) / HOUR_S
        self._rows.append((float(one.claimed), one.hour, told_h, one.departs_s - one.told_s))

    def departures(self, arrived_s: Seconds, told_s: Seconds, *, claimed: bool, offset_s: Seconds) -> Array:
        """When a car may leave, each moment as likely: as told, and off by as much as the stays most like it were.

        Alike are stays that began at nearly the same hour of the day and were told to last nearly as long.
        """
        if len(self._rows) > len(self._table) * _GROWTH + 10.0:
            self._table = np.array(self._rows)
        table = self._table[self._table[:, 0] == float(claimed)]
        if len(table) < LEAST:
            return np.array([told_s])
        hour = (arrived_s + offset_s) % 86_400 / HOUR_S
        apart = np.abs((table[:, 1] - hour + 12.0) % 24.0 - 12.0) + np.abs(table[:, 2] - (told_s - arrived_s) / HOUR_S)
        near = np.argpartition(apart, min(self._like, len(table) - 1))[: self._like]
        leaves: Array = np.sort(told_s + table[near, 3])
        return leaves[leaves > arrived_s]
