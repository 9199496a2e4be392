"""A cabinet's power modules are whole: a head has 3 or 4 of them, never 3.5."""

import math
from collections.abc import Sequence

from voltide.domain.site import ModuleBank
from voltide.domain.units import Watts


def share(wanted_w: Sequence[Watts], held: Sequence[int], bank: ModuleBank) -> tuple[int, ...]:
    """How many modules each head gets, by giving the next one to whom it serves most.

    Exact for concave gains over a count (Fox, Discrete optimization via marginal analysis, 1966). A module that a
    head holds already counts a little more there, so that modules do not wander for a few watts.

    >>> share([500_000.0, 460_000.0], [0, 0], ModuleBank(count=24, module_w=40_000.0))
    (13, 11)
    """
    counts = [math.ceil(want / bank.module_w) if want > 0.0 else 0 for want in wanted_w]
    if sum(counts) <= bank.count:
        return tuple(counts)
    counts = [0] * len(wanted_w)
    for _ in range(bank.count):
        gains = [
            min(bank.module_w, max(0.0, want - count * bank.module_w)) * (1.2 if count < have else 1.0)
            for want, count, have in zip(wanted_w, counts, held, strict=True)
        ]
        best = max(range(len(gains)), key=gains.__getitem__, default=0)
        if not gains or gains[best] <= 0.0:
            break
        counts[best] += 1
    return tuple(counts)
