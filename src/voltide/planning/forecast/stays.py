"""What is remembered of cars that came."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite

from voltide.domain.session import Flag, Session
from voltide.domain.units import Seconds, WattHours
from voltide.planning.forecast.steps import ABSURD, DAY_S

LONGEST_S = 30.0 * DAY_S
"""A stay that lasted longer was forgotten by its charger, or an airport's; it teaches nothing of the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastStay:
    """One car's stay that is over, or that has begun. What was not told is None."""

    arrived: datetime
    left: datetime | None = None
    told: datetime | None = None
    """When it said that it would leave."""
    wanted_wh: WattHours | None = None
    had_wh: WattHours | None = None
    kind: str = ""
    """A class of drivers, if the station knows any: taxi, commuter."""

    @property
    def energy_wh(self) -> WattHours | None:
        """What it wanted, or else what it had; None where both are missing or senseless."""
        for energy in (self.wanted_wh, self.had_wh):
            if energy is not None and isfinite(energy) and 0.0 <= energy < ABSURD:
                return energy
        return None

    @property
    def stay_s(self) -> Seconds | None:
        """How long it stayed."""
        return None if self.left is None else _length((self.left - self.arrived).total_seconds())

    @property
    def late_s(self) -> Seconds | None:
        """How much later than told it left; negative: earlier."""
        if self.left is None or self.told is None or self.stay_s is None:
            return None
        late = (self.left - self.told).total_seconds()
        return late if abs(late) < LONGEST_S else None


def past(session: Session, kind: str = "") -> PastStay:
    """What to remember of a session. Where its end was lost, nobody knows when it left."""
    return PastStay(
        arrived=session.plugged_at,
        left=None if Flag.LOST_END in session.flags else session.ended_at,
        told=session.needs.departure,
        wanted_wh=session.needs.energy_wh,
        had_wh=session.imported_wh,
        kind=kind,
    )


def kinds(stays: Iterable[PastStay]) -> Sequence[str]:
    """Every kind there is, in the alphabet's order."""
    return sorted({stay.kind for stay in stays})


def _length(seconds: Seconds) -> Seconds | None:
    return seconds if 0.0 <= seconds < LONGEST_S else None
