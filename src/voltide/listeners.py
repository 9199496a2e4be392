"""The listeners of the charger door, one for each security profile, and the certificates that they show.

The door's own certificates live for a day and are made anew after half of it; those of files are read again when the
files change. Neither needs a restart, and no line is closed for it.
"""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from voltide.config import Config
from voltide.domain.time import Clock
from voltide.security import tls
from voltide.security.own import SERVER_LIFE, OwnAuthority, Pair, server_names
from voltide.security.pki import Authority
from voltide.station.admission import PATH
from voltide.station.socket import Door

log = structlog.get_logger()

LOOK_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """One listener that is open."""

    profile: int
    scheme: str
    host: str
    """As it stands in an address."""
    port: int

    @property
    def url(self) -> str:
        """What is printed, and dialled on this machine."""
        return f"{self.scheme}://{self.host}:{self.port}{PATH}"


class Listeners:
    """Opens the listeners of a station's file, and keeps their certificates fresh."""

    def __init__(self, config: Config, own: OwnAuthority, authority: Authority, clock: Clock) -> None:
        self._config = config
        self._own = own
        self._authority = authority
        self._clock = clock
        self._contexts: dict[int, ssl.SSLContext] = {}
        self.opened: list[Listening] = []
        self._seen: dict[Path, int] = {}
        self._end: datetime | None = None
        self._trusted: set[str] = set()
        self.refused: Callable[[str], None] = lambda _why: None
        """Hears why a charger's certificate was not taken in a handshake."""
        self.troubled: Callable[[str | None], None] = lambda _why: None
        """Hears what keeps the door's certificates from being renewed; None: nothing does."""

    async def open(self, door: Door, stack: AsyncExitStack) -> list[Listening]:
        """Listen, in the order of the profiles. Raises ``OSError``: a taken port, files that are no certificates."""
        table = self._config.door
        ports = {0: table.open_port, 1: table.ocpp_port, 2: table.tls_port, 3: table.mtls_port}
        wanted = sorted({listen.profile for listen in table.listen})
        for profile in wanted:
            if profile >= 2:
                self._contexts[profile] = tls.context(mutual=profile == 3, refused=self._refuse)
        await self.freshen()
        for profile in wanted:
            server = await door.open(table.host, ports[profile], profile, self._contexts.get(profile))
            await stack.enter_async_context(server)
            port = server.sockets[0].getsockname()[1]
            scheme = "wss" if profile in self._contexts else "ws"
            self.opened.append(Listening(profile=profile, scheme=scheme, host=shown(table.host), port=port))
        return self.opened

    def _refuse(self, why: str) -> None:
        self.refused(why)  # whoever hears it now, not when the listener was opened

    async def keep_fresh(self) -> None:
        """Once a minute: renew what is half over, read what has changed."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.freshen()
            except OSError as error:  # ssl.SSLError is one too
                log.warning("door.certificate_not_renewed", why=str(error))
                self.troubled(str(error))
            else:
                self.troubled(None)

    async def freshen(self) -> None:
        """What the next handshake shows, and whom it trusts. Raises ``OSError``.

        Files and keys are made beside the event loop; the contexts change on it, between two handshakes.
        """
        if not self._contexts:
            return
        if self._config.pki.server:
            self._show_files([Path(name) for name in self._config.pki.server])
        elif self._end is None or self._clock.now() >= self._end - SERVER_LIFE / 2:
            names = server_names(self._config.door.host, self._config.pki.names)
            pairs, self._end = await asyncio.to_thread(self._own.server, names)
            tls.show(self._contexts.values(), pairs)
        if 3 in self._contexts:
            roots = await asyncio.to_thread(lambda: {*self._own.chain(), *self._authority.chain()})
            tls.trust(self._contexts[3], roots - self._trusted)
            self._trusted |= roots

    def _show_files(self, files: list[Path]) -> None:
        changed = {file: file.stat().st_mtime_ns for file in files}
        if changed != self._seen:
            tls.show(self._contexts.values(), [Pair(chain=file, key=file) for file in files])
            self._seen = changed


def shown(host: str) -> str:
    """A host as it stands in an address."""
    return f"[{host}]" if ":" in host else host
