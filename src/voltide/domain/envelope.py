"""An envelope: all that a level must tell the level above; here, its value at one instant."""

from collections.abc import Sequence
from dataclasses import dataclass

from voltide.domain.units import Watts


@dataclass(frozen=True, slots=True)
class Band:
    """The power that a thing may take now, in W; negative gives back to the grid.

    >>> car, fuse = Band(-10_000.0, 11_000.0), Band(-7_000.0, 7_000.0)
    >>> car & fuse                      # both must agree
    Band(lower=-7000.0, upper=7000.0)
    >>> car + car                       # two cars, seen from the street
    Band(lower=-20000.0, upper=22000.0)
    """

    lower: Watts
    upper: Watts

    def __and__(self, other: "Band") -> "Band":
        """What both allow. Where they share nothing, standing still at the nearest edge to zero."""
        lower, upper = max(self.lower, other.lower), min(self.upper, other.upper)
        if lower <= upper:
            return Band(lower, upper)
        still = min(max(0.0, upper), lower)
        return Band(still, still)

    def __add__(self, other: "Band") -> "Band":
        """What two things allow together."""
        return Band(self.lower + other.lower, self.upper + other.upper)

    def __contains__(self, power_w: Watts) -> bool:
        return self.lower <= power_w <= self.upper

    def clip(self, power_w: Watts) -> Watts:
        """The allowed power nearest to a wish.

        >>> Band(-1.0, 2.0).clip(5.0)
        2.0
        """
        return min(max(power_w, self.lower), self.upper)


NOTHING = Band(0.0, 0.0)


def divide(total_w: Watts, bands: Sequence[Band]) -> tuple[Watts, ...]:
    """Share a total among bands in proportion to the room each has; what no band can carry is left out.

    The sum is exactly what was asked (to rounding) whenever the bands together allow it.

    >>> divide(30.0, [Band(0.0, 10.0), Band(0.0, 50.0)])
    (5.0, 25.0)
    """
    whole = Band(sum(band.lower for band in bands), sum(band.upper for band in bands))
    asked = whole.clip(total_w)
    span = whole.upper - whole.lower
    if span <= 0.0:
        return tuple(band.lower for band in bands)
    share = (asked - whole.lower) / span
    return tuple(band.clip(band.lower + share * (band.upper - band.lower)) for band in bands)
