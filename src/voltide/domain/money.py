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
    return rounded(exact_fen(energy_wh, yuan_per_kwh))


def exact_fen(energy_wh: WattHours, yuan_per_kwh: Yuan) -> Decimal:
    """The same before it is rounded, to be added to others of its line. No meter is finer than a mWh."""
    return Decimal(str(round(energy_wh, 3))) * yuan_per_kwh / 10


def rounded(exact_fen: Decimal) -> Fen:
    """Whole fen, half to even.

    >>> rounded(Decimal("0.5")), rounded(Decimal("1.5"))
    (0, 2)
    """
    return int(exact_fen.to_integral_value(rounding=ROUND_HALF_EVEN))
