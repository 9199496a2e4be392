"""What a kilowatt-hour through a car's battery costs its owner, and when giving back is worth it.

Only what cycling adds is charged to a driver's giving. Calendar ageing is not: the years pass whether the car gives
back or not, and the less full it stands the slower.

    wear = price / (2 · N(d) · d) · rate(c) · warmth        N(d) = N0 · (d0 / d) ** a

A battery of 1 kWh that lives N(d) cycles of depth d takes in N(d) · d kWh and gives out as much before it is at 80 %;
its price is spread over both ways.

References:
    [1] BloombergNEF, "Lithium-ion battery price survey", 9 December 2025: packs of LFP 81, of NMC 128 USD per kWh.
        At about 7.1 yuan per USD and rounded; a driver's replacement may cost more.
    [2] M. Naumann, F. Spingler, A. Jossen, "Analysis and modeling of cycle aging of a commercial LiFePO4/graphite
        cell", J. Power Sources 451 (2020) 227666: loss = (0.0630 c + 0.0971) (4.0253 (d - 0.6)³ + 1.0923) √FEC.
    [3] J. Schmalstieg et al., "A holistic aging model for Li(NiMnCo)O2 based 18650 lithium-ion batteries",
        J. Power Sources 257 (2014) 325-334: loss per √Ah = 7.348e-3 (V - 3.667)² + 7.6e-4 + 4.081e-3 d.
    [4] J. Wang et al., "Cycle-life model for graphite-LiFePO4 cells", J. Power Sources 196 (2011) 3942-3948:
        loss ~ exp(-31 700 / (R T)) Ah ** 0.55.
    [5] M. Feinauer et al., "Temperature-driven path dependence in Li-ion battery cyclic aging", J. Power Sources 594
        (2024) 233948: cells live longest at about 25 °C; above it SEI grows faster, below it lithium plates.
    [6] GAC on its LFP packs: above 3,000 cycles to 80 % (china.org.cn, 27 August 2025).
    [7] GB/T 31484-2015: at least 1,000 cycles to 80 %, the least that may be sold.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

from voltide.domain.units import Fraction


class Chemistry(StrEnum):
    """What the cells are made of."""

    LFP = "lfp"
    NMC = "nmc"


class Warmth(StrEnum):
    """How warm the cells are while they work."""

    FROST = "frost"
    """Below 0 °C."""
    COLD = "cold"
    """0 to 10 °C."""
    MILD = "mild"
    """10 to 30 °C."""
    WARM = "warm"
    """30 to 40 °C."""
    HOT = "hot"
    """Above 40 °C."""


WARMTH: Mapping[Warmth, float] = {
    Warmth.FROST: 4.0,  # assumed: [5] says which way, not how far
    Warmth.COLD: 2.0,  # assumed, likewise
    Warmth.MILD: 1.0,
    Warmth.WARM: 2.1,  # [4] at 35 °C against 25 °C: exp(31 700 / R · (1/298 K - 1/308 K)) ** (1 / 0.55)
    Warmth.HOT: 4.3,  # [4] at 45 °C
}
"""How many times faster cycles wear than at 25 °C."""

LEAST_DEPTH: Fraction = 0.1
"""Shallower cycles are not reckoned any cheaper: nobody has measured them long enough."""
TEST_RATE = 1.0
"""Cycle lives are told for 1 C, full in an hour; slower work is not reckoned any cheaper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A car's battery, as its owner would have to buy it anew."""

    price: float
    """Yuan per kWh of capacity."""
    cycles: float
    """To 80 % of its capacity, at ``depth``."""
    depth: Fraction = 1.0
    exponent: float = 1.5
    """How much longer it lives on shallow cycles; at least 1, so that depth never makes a kWh cheaper."""

    def __post_init__(self) -> None:
        told = (self.price, self.cycles, self.depth, self.exponent)
        if not all(isfinite(value) for value in told):
            raise ValueError("A pack's figures must be finite.")
        if self.price < 0.0 or self.cycles <= 0.0 or not 0.0 < self.depth <= 1.0 or self.exponent < 1.0:
            raise ValueError("A pack needs a price of at least 0, cycles above 0, a depth up to 1, an exponent from 1.")


PACKS: Mapping[Chemistry, Pack] = {
    # [2] between depths 0.3 and 1 gives an exponent of 1.5
    Chemistry.LFP: Pack(price=600.0, cycles=3_000.0, exponent=1.5),  # [1], [6]
    # [3] would give 2.5 at the middle of its voltage; 2 is the careful side
    Chemistry.NMC: Pack(price=900.0, cycles=1_000.0, exponent=2.0),  # [1], [7]
}
"""Where a car's own figures are not known."""


def wear(pack: Pack, depth: Fraction, *, rate: float = TEST_RATE, warmth: Warmth = Warmth.MILD) -> float:
    """Yuan per kWh of throughput, each way, counted inside the battery.

    ``depth`` is of the cycle that is meant, 0 to 1; ``rate`` is power over capacity, in C.

    >>> round(wear(PACKS[Chemistry.LFP], 1.0), 6)                    # 600 / (2 · 3,000)
    0.1
    >>> round(wear(PACKS[Chemistry.LFP], 0.25), 6)                   # 24,000 cycles: 600 / (2 · 24,000 · 0.25)
    0.05
    """
    shallow = min(1.0, max(LEAST_DEPTH, depth)) if depth == depth else 1.0  # noqa: PLR0124 - NaN is taken at its worst
    cycles: float = pack.cycles * (pack.depth / shallow) ** pack.exponent
    return pack.price / (2.0 * cycles * shallow) * _hurry(rate) * WARMTH[warmth]


def worth_giving(price_paid: float, wear: float, least_margin: float, *, refill: float = 0.0, eta: float = 1.0) -> bool:
    """Whether a driver should give back: never for less than the wear and the least that the driver wants to earn.

    All in yuan per kWh. ``price_paid`` is earned at the outlet, ``refill`` is what putting the kWh back costs, with the
    losses of the way round, ``wear`` is each way inside the battery (a kWh given wears it once out and once in), and
    ``eta`` is the efficiency out of the battery: at the outlet 1 kWh takes 1 / ``eta`` out of it. What is not known
    (NaN) is not worth it.

    >>> worth_giving(0.7701, 0.10, 0.05, refill=0.40 / 0.87)         # 0.31 left for 0.20 of wear and 0.05
    True
    >>> worth_giving(0.7701, 0.30, 0.05, refill=0.40 / 0.87)
    False
    """
    return price_paid - refill - 2.0 * max(0.0, wear) / eta >= max(0.0, least_margin) if eta > 0.0 else False


def _hurry(rate: float) -> float:
    """How many times faster a hurried cycle wears. Source: [2], full cycles to the same loss; taken for NMC too."""
    if not isfinite(rate):
        raise ValueError("A rate must be finite.")
    faster = (0.0630 * max(TEST_RATE, rate) + 0.0971) / (0.0630 * TEST_RATE + 0.0971)
    return faster * faster
