"""Integer fen; rounded once, at posting, half to even."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import TypeAlias

from voltide.domain.units import WattHours

Fen: TypeAlias = int
"""A hundredth of a yuan; never a fraction of one."""

Yuan: TypeAlias = Decimal
"""A price's unit, exact."""


def cost_fen(energy_wh: WattHours, yuan_per_kwh: Yuan) -> Fen:
    """What an amount of energy costs, rounded once, half to even.

    >>> cost_fen(20_000.0, Decimal("0.7701"))
    1540
    >>> cost_fen(12_500.0, Decimal("0.01"))     # 12.5 fen
    12
    """
    exact = Decimal(str(energy_wh)) * yuan_per_kwh / 10
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
