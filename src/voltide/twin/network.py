"""Where and how a charger dials: its network connection profiles, in their order, and what it proves itself with."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from voltide.domain.site import OcppVersion
from voltide.twin.vault import Vault
from voltide.twin.wire import Connect, Wire

FACTORY = 0
"""The slot of the station that the charger was made for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One network connection profile; where it says nothing, the charger's own holds."""

    profile: int = 0
    """Security: 0 nothing, 1 a password, 2 a password under TLS, 3 a certificate under TLS."""
    url: str | None = None
    """None: wherever the factory dialled."""
    version: OcppVersion | None = None
    identity: str | None = None
    password: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """All that one dialling needs."""

    identity: str
    subprotocol: str
    url: str | None
    profile: int
    password: str | None
    """None: what the dialler itself knows."""
    vault: Vault


Dial: TypeAlias = Callable[[Address], Awaitable[Wire]]
"""Opens a line to an address; raises ``OSError`` when the station cannot be reached."""


class Network:
    """Tries one slot some times, then the next one."""

    def __init__(self, version: OcppVersion, identity: str, vault: Vault) -> None:
        self._version, self._identity, self._vault = version, identity, vault
        self.slots: dict[int, Slot] = {FACTORY: Slot()}
        self.order: tuple[int, ...] = (FACTORY,)
        self.password: str | None = None
        """The charger's password once the station has changed it."""
        self.active = FACTORY
        self._failed = 0

    @property
    def slot(self) -> Slot:
        """The one in use."""
        return self.slots[self.active]

    def restart(self, order: tuple[int, ...]) -> None:
        """After a restart: the first of a new order."""
        self.order, self.active, self._failed = order, order[0], 0

    def tried(self, most: int, *, welcome: bool) -> None:
        """A line is over, or there was none; after so many without a welcome the next slot is tried."""
        self._failed = 0 if welcome else self._failed + 1
        if self._failed >= most:
            self._failed = 0
            at = self.order.index(self.active) if self.active in self.order else -1
            self.active = self.order[(at + 1) % len(self.order)]

    async def open(self, connect: Connect, dial: Dial | None) -> Wire:
        """Open a line by the slot in use."""
        slot = self.slot
        identity, version = slot.identity or self._identity, slot.version or self._version
        if dial is None:
            return await connect(identity, version.subprotocol)
        address = Address(
            identity=identity,
            subprotocol=version.subprotocol,
            url=slot.url,
            profile=slot.profile,
            password=slot.password or self.password,
            vault=self._vault,
        )
        return await dial(address)
