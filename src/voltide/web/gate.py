"""Who may see, and who may command.

Bound to the loopback address, reading is open to this machine and to nobody else: a request by another host name, or
one that a proxy passed on, is asked who it is. Beyond loopback every request is. A command always needs the signed-in
cookie, and must come from this page.
"""

from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler

COOKIE = "voltide"
PUBLIC = {"asks": "nobody"}
"""The ``opt`` of a route that anybody may see."""
COMMAND = {"asks": "operator"}
"""The ``opt`` of a route that only a signed-in operator may use, from this page."""

_LOCAL_NAMES = {"localhost", "127.0.0.1", "::1"}
_PROXY_HEADERS = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")

Connection = ASGIConnection[Any, Any, Any, Any]


class Operators(Protocol):
    """Those who may command: what the gate needs of them."""

    def redeem(self, token: str) -> str | None:
        """A new session for a one-time token; None for any other."""
        ...

    def check(self, session: str) -> bool:
        """Whether a session is signed in."""
        ...

    def revoke(self, session: str) -> None:
        """Sign a session out."""
        ...


@dataclass(frozen=True, slots=True)
class Gate:
    """Asks who comes; as a Litestar guard it stands before every route."""

    operators: Operators
    loopback: bool

    async def __call__(self, connection: Connection, handler: BaseRouteHandler) -> None:
        """Let through, or raise 401 or 403."""
        asks = handler.opt.get("asks", "reader")
        if asks == "nobody":
            return
        known = self.signed_in(connection)
        if not known and (asks == "operator" or not self.at_home(connection)):
            raise NotAuthorizedException("Sign in with a link from the station's own machine.")
        if asks == "operator" and not same_origin(connection):
            raise PermissionDeniedException("A command must come from this page.")

    def signed_in(self, connection: Connection) -> bool:
        """Whether the cookie is that of a signed-in operator."""
        session = connection.cookies.get(COOKIE)
        return session is not None and self.operators.check(session)

    def at_home(self, connection: Connection) -> bool:
        """Whether a request was made on this very machine, by its own name for itself."""
        host = urlsplit("//" + connection.headers.get("host", "")).hostname
        return self.loopback and host in _LOCAL_NAMES and not any(h in connection.headers for h in _PROXY_HEADERS)


def same_origin(connection: Connection) -> bool:
    """Whether the browser says that the request comes from a page of ours."""
    if connection.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    origin, host = connection.headers.get("origin", ""), connection.headers.get("host", "")
    return bool(host) and urlsplit(origin).netloc == host


def encrypted(connection: Connection) -> bool:
    """Whether the browser's own line is encrypted, be it to us or to a proxy before us."""
    return "https" in {connection.url.scheme, connection.headers.get("x-forwarded-proto")}
