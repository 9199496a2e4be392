"""Whether a driver who has reserved will come.

Source: A. Gelman et al., "Bayesian Data Analysis", 3rd ed., section 2.4 (a share with a beta prior); and Bayes' rule
for a driver who is late already.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, isfinite

import numpy as np

from voltide.domain.units import Fraction, Seconds
from voltide.planning.forecast.steps import LEVELS

MISSED, KEPT = 1.0, 4.0
"""The prior: one in five stays away, and five reservations' worth of belief; assumed."""
LATE_S: Seconds = 600.0
"""How late those who come are on the mean, where nothing is known; assumed."""
SHRINK = 5.0
"""Reservations that it is worth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoShow:
    """How likely a reservation is not kept."""

    mean: Fraction
    quantiles: tuple[Fraction, ...]
    """Of the share itself, which is never known exactly."""
    learnt_from: int
    """Reservations."""


def no_show(outcomes: Sequence[Seconds | None], late_s: Seconds = 0.0, levels: tuple[float, ...] = LEVELS) -> NoShow:
    """From past reservations: how late each driver was (s, negative: early), or None for one who never came.

    ``late_s``: how late this one is already; whoever is later than most hardly comes any more.

    >>> round(no_show([]).mean, 3), round(no_show([0.0] * 15).mean, 3), round(no_show([], late_s=3600.0).mean, 3)
    (0.2, 0.05, 0.99)
    """
    came = sorted(late for late in outcomes if late is not None and isfinite(late))
    missed = sum(late is None for late in outcomes)
    here, away = len(came) + KEPT, missed + MISSED
    share = (np.arange(4000) + 0.5) / 4000.0
    density = np.log(share) * (away - 1.0) + np.log1p(-share) * (here - 1.0)
    below = np.cumsum(np.exp(density - density.max()))
    shares = np.interp(levels, below / below[-1], share)
    still = _still(came, late_s)
    quantiles = tuple(_given_late(float(one), still) for one in shares)
    return NoShow(mean=_given_late(away / (away + here), still), quantiles=quantiles, learnt_from=len(outcomes))


def _given_late(share: Fraction, still: Fraction) -> Fraction:
    """Bayes' rule: ``still`` is the part of those who come that is not here yet either."""
    return share / (share + (1.0 - share) * still)


def _still(came: Sequence[Seconds], late_s: Seconds) -> Fraction:
    later = sum(late > late_s for late in came) if late_s > 0.0 else len(came)
    return (later + SHRINK * exp(-max(0.0, late_s) / LATE_S)) / (len(came) + SHRINK)
