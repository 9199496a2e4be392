"""Who may come in at the charger door: decided before the handshake, without waiting and without a socket.

The identity is the last segment of the path. An unknown identity gets 404, a wrong secret 401, too many tries 429; of
none of them is anything stored. Security profile 1 (plain, Basic authentication) belongs on trusted networks only.
"""

import base64
import binascii
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol
from urllib.parse import unquote_to_bytes, urlsplit

import structlog

from voltide.domain.site import ChargerId
from voltide.domain.time import Clock
from voltide.security.identities import is_identity

log = structlog.get_logger()

PATH = "/ocpp/"
TRIES_PER_MINUTE = 10


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


Known = Callable[[ChargerId, str], bool | None]
"""Whether a secret is a charger's; None: there is no such charger."""


@dataclass(slots=True)
class Throttle:
    """Wrong secrets per identity and minute; a right one is always let in."""

    clock: Clock
    _wrong: dict[str, deque[float]] = field(default_factory=dict)

    def spent(self, who: str) -> bool:
        """Whether this identity has used up its tries."""
        return len(self._recent(who)) >= TRIES_PER_MINUTE

    def wrong(self, who: str) -> None:
        """One more."""
        if len(self._wrong) > 10_000:  # a sprayer cannot fill the memory
            self._wrong.clear()
        self._wrong.setdefault(who, deque(maxlen=TRIES_PER_MINUTE)).append(self.clock.monotonic())

    def _recent(self, who: str) -> deque[float]:
        tries = self._wrong.get(who, deque())
        while tries and tries[0] < self.clock.monotonic() - 60.0:
            tries.popleft()
        return tries


class Admission:
    """The doorkeeper."""

    def __init__(self, known: Known, clock: Clock) -> None:
        self._known = known
        self._throttle = Throttle(clock)

    def __call__(self, knock: Knock) -> Verdict:
        """Let in, or turn away."""
        identity = identity_of(knock.path)
        if identity is None:
            return Verdict(status=HTTPStatus.NOT_FOUND)
        user, secret = credentials(knock.authorization)
        proved = self._known(identity, secret)
        if proved is None:
            return Verdict(status=HTTPStatus.NOT_FOUND)
        if proved and user == identity:
            return Verdict(identity=identity)
        if self._throttle.spent(identity):  # a right secret has been let in above, however many wrong ones came
            return Verdict(status=HTTPStatus.TOO_MANY_REQUESTS)
        self._throttle.wrong(identity)
        log.warning("door.wrong_secret", charger=identity)
        return Verdict(status=HTTPStatus.UNAUTHORIZED)


def identity_of(path: str) -> ChargerId | None:
    """The last segment of a path, when it can be an identity.

    >>> identity_of("/ocpp/V01"), identity_of("/ocpp/%2e%2e"), identity_of("/other/V01")
    ('V01', None, None)
    """
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
