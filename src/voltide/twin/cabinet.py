"""A cabinet of power modules that its heads share: a head cannot draw more than the modules it holds."""

from math import ceil

from voltide.domain.site import ModuleBank
from voltide.domain.units import Seconds
from voltide.twin.outlet import Outlet

MOVE_S: Seconds = 3.0
"""Contactors and voltages need this long before a moved module carries current."""


class Cabinet:
    """Moves modules between heads by itself: fairly, no module sooner than ``hold_s`` after its last move."""

    __slots__ = ("_bank", "_coming", "_heads", "_held", "_needs", "_since")

    def __init__(self, bank: ModuleBank, heads: tuple[Outlet, ...]) -> None:
        self._bank = bank
        self._heads = heads
        self._held = [0] * len(heads)
        self._since: list[Seconds] = [0.0] * len(heads)
        self._coming: list[tuple[Seconds, int, int]] = []
        self._needs: list[int] = []
        for head in heads:
            head.head_w = 0.0

    @property
    def held(self) -> tuple[int, ...]:
        """How many modules feed each head now."""
        return tuple(self._held)

    def step(self, now: Seconds) -> None:
        """One second: modules arrive, are taken back and are given."""
        module_w = self._bank.module_w
        needs = [ceil(head.wish_w / module_w - 1e-6) if head.wish_w > 0.0 else 0 for head in self._heads]
        if self._coming and self._coming[0][0] <= now:
            _, at, count = self._coming.pop(0)
            self._held[at] += count
            self._heads[at].head_w = self._held[at] * module_w
        elif needs == self._needs:
            return
        fair = _fair(self._bank.count, needs)
        settled = True
        for at, need in enumerate(needs):
            surplus = self._held[at] - max(fair[at], 0)
            if surplus <= 0:
                continue
            if need == 0 or now - self._since[at] >= self._bank.hold_s:
                self._held[at] -= surplus
                self._heads[at].head_w = self._held[at] * module_w
            else:
                settled = False
        settled &= self._give(now, fair)
        self._needs = needs if settled else []

    def _give(self, now: Seconds, fair: list[int]) -> bool:
        """Send free modules to where they are missing; True when nobody misses any."""
        due = [sum(count for _, to, count in self._coming if to == at) for at in range(len(fair))]
        free = self._bank.count - sum(self._held) - sum(due)
        missing = [fair[at] - self._held[at] - due[at] for at in range(len(fair))]
        for at, count in enumerate(missing):
            if count > 0 and free > 0:
                moved = min(count, free)
                free -= moved
                self._coming.append((now + MOVE_S, at, moved))
                self._since[at] = now
                missing[at] -= moved
        return all(count <= 0 for count in missing)


def _fair(count: int, needs: list[int]) -> list[int]:
    """Max-min fair whole shares: who needs little gets it all, the rest is split evenly.

    >>> _fair(24, [15, 6, 15, 0])
    [9, 6, 9, 0]
    """
    shares, left = [0] * len(needs), count
    order = sorted(range(len(needs)), key=lambda at: needs[at])
    for place, at in enumerate(order):
        shares[at] = min(needs[at], left // (len(order) - place))
        left -= shares[at]
    return shares
