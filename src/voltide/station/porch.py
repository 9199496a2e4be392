"""The porch: whether somebody whom no book knows may come in and wait, and who is there."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus

from voltide.domain.dossier import Standing
from voltide.domain.messages import Variable
from voltide.domain.site import ChargerId, Station
from voltide.domain.time import Clock
from voltide.station.admission import Knock, Verdict, credentials
from voltide.station.dossiers import Dossiers
from voltide.station.extension import taken
from voltide.station.line import Line
from voltide.station.secrets import STRONG, Secrets

MOST = 64
"""So many may wait."""
BURST, REFILL_S = 16, 1.0
"""So many may come at once, and one more each second."""
ABANDONED_S = 60.0
"""Who has knocked and left makes room for others after this time."""


@dataclass(slots=True, kw_only=True)
class Guest:
    """A newcomer at the door, or on its line."""

    mac: str
    """Of the secret that it came with; nobody's, when it came with none."""
    strong: bool
    """That secret is long enough to be kept."""
    profile: int
    address: str
    came_s: float
    line: Line | None = None
    said: list[Variable] = field(default_factory=list)
    told: asyncio.Event = field(default_factory=asyncio.Event)
    """Its report is whole."""
    reading: bool = False
    prepared: bool = False
    """All is said that must be said before it is let in."""
    inside: bool = False
    """It is a charger like all others now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the porch goes by."""

    clock: Clock
    dossiers: Dossiers
    secrets: Secrets
    station: Callable[[], Station]
    always: bool = False
    """The station's file keeps the door open to newcomers."""


class Porch:
    """Everybody who waits, or is on the way in."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self.guests: dict[ChargerId, Guest] = {}
        self._tokens, self._refilled_s = float(BURST), terms.clock.monotonic()

    def knock(self, identity: ChargerId, knock: Knock) -> Verdict | None:
        """Whether somebody unknown may come in and wait; None: newcomers are not expected, or not this one."""
        terms = self._terms
        dossier = terms.dossiers.of(identity)
        refused = dossier is not None and dossier.standing is Standing.REJECTED
        if refused or knock.profile > 2 or taken(terms.station(), identity) or not self._admits():
            return None
        user, secret = credentials(knock.authorization)
        named = user == identity
        here = self.guests.get(identity)
        if here is not None and here.line is not None:
            same = named and terms.secrets.same(identity, secret, here.mac)
            if not same:  # whoever came first is the one that the operator sees
                return Verdict(status=HTTPStatus.UNAUTHORIZED)
            return Verdict(identity=identity)
        if here is None and not self._room():
            return Verdict(status=HTTPStatus.SERVICE_UNAVAILABLE)
        self.guests[identity] = Guest(
            mac=terms.secrets.mac(identity, secret) if named else terms.secrets.nobodys(identity),
            strong=named and len(secret) >= STRONG,
            profile=knock.profile,
            address=knock.address,
            came_s=terms.clock.monotonic(),
        )
        return Verdict(identity=identity)

    def returned(self, identity: ChargerId) -> Guest:
        """One that was accepted and lost its line before it was let in."""
        dossier = self._terms.dossiers.of(identity)
        profile, address = (dossier.profile, dossier.address) if dossier is not None else (1, "")
        guest = Guest(mac="", strong=False, profile=profile, address=address, came_s=self._terms.clock.monotonic())
        self.guests[identity] = guest
        return guest

    @property
    def always(self) -> bool:
        """Whether the station's file keeps the door open."""
        return self._terms.always

    def open_until(self) -> datetime | None:
        """Until when the door stands open, by an operator's word; None: it does not."""
        until = self._terms.dossiers.door()
        return until if until is not None and until > self._terms.clock.now() else None

    def _admits(self) -> bool:
        """Whether one more may come now; asks the disk only where the rate allows one more."""
        now = self._terms.clock.monotonic()
        self._tokens = min(float(BURST), self._tokens + (now - self._refilled_s) / REFILL_S)
        self._refilled_s = now
        if self._tokens < 1.0 or not (self.always or self.open_until() is not None):
            return False
        self._tokens -= 1.0
        return True

    def _room(self) -> bool:
        old = self._terms.clock.monotonic() - ABANDONED_S
        gone = [name for name, guest in self.guests.items() if guest.line is None and guest.came_s < old]
        for name in gone:
            del self.guests[name]
        return len(self.guests) < MOST
