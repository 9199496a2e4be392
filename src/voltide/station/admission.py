"""Who may come in at the charger door: decided before the handshake, without waiting and without a socket.

The identity is the last segment of the path. An unknown identity gets 404, a wrong proof 401, too many tries 429. The
proof is what the listener's security profile asks for: nothing (0), a secret (1 and, under TLS, 2), or a certificate
that we issued to that very charger (3). A charger comes at the profile it is registered for, or at the one it is moving
to; never at another, whatever it can prove.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Protocol, TypeAlias
from urllib.parse import unquote_to_bytes, urlsplit

from voltide.backbone.registry import Book, Registered
from voltide.domain.site import ChargerId
from voltide.domain.time import Clock, millis
from voltide.security import names
from voltide.security.identities import Keyring, is_identity
from voltide.security.throttle import Throttle, neighbourhood

PATH = "/ocpp/"
TRIES_PER_MINUTE = 10
"""Wrong proofs of one identity; more get 429."""
TRIES_PER_ADDRESS = 30
"""Wrong proofs and unknown identities from one address; more get 429, whatever they ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knock:
    """Someone stands at the door."""

    path: str
    authorization: str
    """The header as it came; empty where there is none."""
    address: str
    profile: int
    """The security profile of the listener that was dialled, 0 to 3."""
    certificate: bytes | None = None
    """The peer's certificate (DER), where the listener has asked for one and TLS has verified its chain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether they may come in: the identity, or the status that turns them away."""

    identity: ChargerId | None = None
    status: HTTPStatus = HTTPStatus.SWITCHING_PROTOCOLS


class Judge(Protocol):
    """Decides at once; the socket calls it in the middle of a handshake."""

    def __call__(self, knock: Knock) -> Verdict:
        """Let in, or turn away."""
        ...


Stranger: TypeAlias = Callable[[ChargerId, Knock], Verdict | None]
"""Whether somebody whom no book knows may come in and wait; None: nobody is expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnedAway:
    """Someone was not let in. ``identity`` is who they said they were, where that can be an identity at all."""

    identity: str
    address: str
    kind: str
    """unknown-charger, wrong-profile, wrong-secret, foreign-certificate or too-many-tries."""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """How a charger came in last: which of its proofs it has, and at which profile."""

    profile: int
    at: datetime
    secret_mac: str | None = None
    serial: str | None = None
    """Of its certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Locks:
    """What a door goes by."""

    book: Book
    keys: Keyring
    clock: Clock
    served: Callable[[ChargerId], bool]
    """Whether the station has such a charger."""
    organisation: str = ""
    """What a charger's certificate must name as its organisation."""


class Admission:
    """The doorkeeper."""

    def __init__(self, locks: Locks) -> None:
        self._locks = locks
        self._identities = Throttle(locks.clock, TRIES_PER_MINUTE)
        self._addresses = Throttle(locks.clock, TRIES_PER_ADDRESS)
        self.arrivals: dict[ChargerId, Arrival] = {}
        self.turned_away: Callable[[TurnedAway], None] = _nobody
        """Hears of everyone who is not let in."""
        self.stranger: Stranger = _not_expected
        """Asked about an identity that is in no book."""

    def __call__(self, knock: Knock) -> Verdict:
        """Let in, or turn away."""
        identity = identity_of(knock.path)
        known = self._locks.book.find(identity) if identity is not None else None
        if identity is not None and known is None and not self._addresses.spent(neighbourhood(knock.address)):
            verdict = self.stranger(identity, knock)
            if verdict is not None:
                self.arrivals.pop(identity, None)  # of an earlier life
                return verdict
        if identity is None or known is None or not self._locks.served(identity):
            return self._away(knock, identity, "unknown-charger", HTTPStatus.NOT_FOUND)
        if knock.profile not in self._profiles(known):
            detail = f"came at security profile {knock.profile}, is registered for {known.profile}"
            return self._away(knock, identity, "wrong-profile", HTTPStatus.UNAUTHORIZED, detail)
        found = self._proved(knock, known)
        if isinstance(found, Arrival):  # a right proof is let in however many wrong ones came before
            self.arrivals[identity] = found
            return Verdict(identity=identity)
        kind, detail = found
        return self._away(knock, identity, kind, HTTPStatus.UNAUTHORIZED, detail)

    def known(self, identity: ChargerId) -> Registered | None:
        """What the book says of a charger now."""
        return self._locks.book.find(identity)

    def holds(self, identity: ChargerId) -> bool:
        """Whether what a charger came in with is still good; True for one that this door did not let in."""
        arrival, known = self.arrivals.get(identity), self._locks.book.find(identity)
        if arrival is None:
            return True
        if known is None or arrival.profile not in self._profiles(known):
            return False
        if arrival.serial is not None:
            issued = self._locks.book.issued(arrival.serial)
            return issued is not None and issued["revoked_at"] is None
        return arrival.secret_mac in {None, known.secret_mac, *known.next_macs}

    def _profiles(self, known: Registered) -> set[int]:
        if known.next_profile is None or (known.next_profile_until or 0) < millis(self._locks.clock.now()):
            return {known.profile}
        return {known.profile, known.next_profile}

    def _proved(self, knock: Knock, known: Registered) -> Arrival | tuple[str, str]:
        """How it came in; or the kind and detail of what was wrong."""
        if knock.profile == 0:
            return Arrival(profile=0, at=self._locks.clock.now())
        if knock.profile == 3:
            return self._certified(knock, known)
        user, secret = credentials(knock.authorization)
        if user != known.id:
            return "wrong-secret", "" if not user else "the user is not the identity"
        fits = [mac for mac in (known.secret_mac, *known.next_macs) if self._locks.keys.fits(known.id, secret, mac)]
        if not fits:
            return "wrong-secret", ""
        return Arrival(profile=knock.profile, at=self._locks.clock.now(), secret_mac=fits[0])

    def _certified(self, knock: Knock, known: Registered) -> Arrival | tuple[str, str]:
        """TLS has verified the chain; that the certificate is this charger's own is for us to see."""
        shown = names.read(knock.certificate) if knock.certificate is not None else None
        if shown is None:
            return "foreign-certificate", "no certificate"
        wrong = self._foreign(shown, known)
        if wrong is not None:
            return "foreign-certificate", wrong
        return Arrival(profile=3, at=self._locks.clock.now(), serial=shown.serial)

    def _foreign(self, shown: names.Names, known: Registered) -> str | None:
        """What is wrong with a certificate; None: it is the charger's own, and good."""
        if shown.common not in {known.id, known.name or known.id}:
            return f"it is of {shown.common[:64]!r}"
        if shown.organisation != self._locks.organisation:
            return f"its organisation is {shown.organisation[:64]!r}"
        issued = self._locks.book.issued(shown.serial)
        own = names.of_pem(issued["pem"]) if issued is not None else None
        if issued is None or own is None or own.print != shown.print or issued["charger"] != known.id:
            return "we did not issue it to this charger"
        in_time = shown.not_before <= self._locks.clock.now() < shown.not_after
        return "it is revoked" if issued["revoked_at"] is not None else None if in_time else "it is out of date"

    def _away(self, knock: Knock, identity: str | None, kind: str, status: HTTPStatus, detail: str = "") -> Verdict:
        who, where = identity or "", neighbourhood(knock.address)
        if self._addresses.spent(where) or (who and self._identities.spent(who)):
            self.turned_away(TurnedAway(identity=who, address=where, kind="too-many-tries"))
            return Verdict(status=HTTPStatus.TOO_MANY_REQUESTS)
        self._addresses.wrong(where)
        if status is HTTPStatus.UNAUTHORIZED:  # what nobody is called needs no count of its own
            self._identities.wrong(who)
        self.turned_away(TurnedAway(identity=who, address=where, kind=kind, detail=detail))
        return Verdict(status=status)


def _nobody(_event: TurnedAway) -> None:
    return


def _not_expected(_identity: ChargerId, _knock: Knock) -> Verdict | None:
    return None


def identity_of(path: str) -> ChargerId | None:
    """The last segment of a path, when it can be an identity.

    >>> identity_of("/ocpp/V01"), identity_of("/ocpp/%2e%2e"), identity_of("/other/V01")
    ('V01', None, None)
    """
    if path.startswith(PATH) and is_identity(path[len(PATH) :]):  # as nearly always
        return ChargerId(path[len(PATH) :])
    parts = urlsplit(path).path
    if not parts.startswith(PATH):
        return None
    try:
        name = unquote_to_bytes(parts.removeprefix(PATH).rstrip("/").rsplit("/", 1)[-1]).decode()
    except UnicodeDecodeError:
        return None
    return ChargerId(name) if is_identity(name) else None


def credentials(header: str) -> tuple[str, str]:
    """User and secret of a Basic header; empty where there is none. The secret may hold colons and any bytes.

    >>> credentials("Basic " + base64.b64encode(b"V01:a:b").decode())
    ('V01', 'a:b')
    """
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        text = base64.b64decode(rest.strip(), validate=True).decode("utf-8", errors="surrogateescape")
    except (binascii.Error, ValueError):
        return "", ""
    user, _, secret = text.partition(":")
    return user, secret
