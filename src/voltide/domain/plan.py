"""What the station wants next, minutes to a day ahead; the second's control keeps every limit whatever it says."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from voltide.domain.site import EvseId
from voltide.domain.units import Watts


@dataclass(frozen=True, slots=True)
class Wish:
    """What a plan wants of one outlet now."""

    power_w: Watts
    urgency: float = 1.0
    """The weight in sharing what is scarce: how much of the time left the car needs at full power; above 0."""
    why: str = "charge"
    """A word of the page's catalogue: charge, urgent, wait-cheap, price, order, full, held, idle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The wishes of one planning run; nobody follows it after it has expired."""

    epoch: int
    made_at: datetime
    expires_at: datetime
    wishes: Mapping[EvseId, Wish]
