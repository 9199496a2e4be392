"""Operators sign in by a link that works once; a cookie then stands for them."""

import hmac
import secrets
from dataclasses import dataclass, field

from voltide.domain.time import Clock

LINK_S = 24 * 3600.0
SESSION_S = 12 * 3600.0


@dataclass
class Operators:
    """Who is signed in, for the life of the process."""

    clock: Clock
    _links: dict[str, float] = field(default_factory=dict)
    _sessions: dict[str, float] = field(default_factory=dict)

    def one_time_link_token(self) -> str:
        """A token for one sign-in, good for a day."""
        token = secrets.token_urlsafe(24)
        self._links[token] = self.clock.monotonic() + LINK_S
        return token

    def redeem(self, token: str) -> str | None:
        """A new session for a token that has not been used; None for any other."""
        known = next((link for link in self._links if hmac.compare_digest(link.encode(), token.encode())), None)
        if known is None or self._links.pop(known) < self.clock.monotonic():
            return None
        session = secrets.token_urlsafe(24)
        self._sessions[session] = self.clock.monotonic() + SESSION_S
        return session

    def check(self, session: str) -> bool:
        """Whether a session is signed in."""
        now = self.clock.monotonic()
        self._sessions = {key: until for key, until in self._sessions.items() if until > now}
        return any(hmac.compare_digest(key.encode(), session.encode()) for key in self._sessions)

    def revoke(self, session: str) -> None:
        """Sign out: from now on this session is nobody's."""
        known = next((key for key in self._sessions if hmac.compare_digest(key.encode(), session.encode())), None)
        if known is not None:
            del self._sessions[known]
