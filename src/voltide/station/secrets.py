"""Secrets of newcomers: registered, made and given. Of each only its keyed MAC is kept."""

import secrets
from collections.abc import Awaitable, Callable

from voltide.backbone import registry
from voltide.backbone.store import Store
from voltide.domain.messages import ChargerOrder, OrderResult, Refused
from voltide.domain.requests import ChangeSecret
from voltide.domain.site import ChargerId
from voltide.domain.time import Clock, millis
from voltide.security.identities import Keyring, new_secret

STRONG = 16
"""A secret of its own is kept from this length on; OCPP asks for as many characters."""


class Secrets:
    """The desk where secrets are made."""

    def __init__(self, keys: Keyring, store: Store, clock: Clock) -> None:
        self._keys = keys
        self._store = store
        self._clock = clock
        self._promised: dict[ChargerId, str] = {}

    def mac(self, charger: ChargerId, secret: str) -> str:
        """What is kept of a secret."""
        return self._keys.mac(charger, secret)

    def same(self, charger: ChargerId, secret: str, mac: str) -> bool:
        """Whether a secret is the one that was kept."""
        return self._keys.fits(charger, secret, mac)

    def nobodys(self, charger: ChargerId) -> str:
        """The MAC of a secret that nobody has."""
        return self._keys.mac(charger, secrets.token_hex(32))

    async def register(self, charger: ChargerId, mac: str, profile: int) -> None:
        """From now on the charger may connect with this secret, at this security profile."""
        row = {"id": charger, "secret_mac": mac, "profile": profile, "added_at": millis(self._clock.now())}
        await self._store.read(lambda engine: registry.add(engine, row))

    async def strike(self, charger: ChargerId) -> None:
        """It may connect no more."""
        await self._store.read(lambda engine: registry.remove(engine, charger))

    async def renew(self, charger: ChargerId, say: Callable[[ChargerOrder], Awaitable[OrderResult]]) -> OrderResult:
        """Make a secret and give it. Until the charger has come with the new one, both are good."""
        secret = new_secret()
        mac, at = self._keys.mac(charger, secret), millis(self._clock.now())
        await self._store.read(lambda engine: registry.promise_secret(engine, charger, mac, at))
        self._promised[charger] = mac
        result = await say(ChangeSecret(secret=secret))
        if isinstance(result, Refused):
            await self._store.read(lambda engine: registry.drop_new_secret(engine, charger, mac))
            del self._promised[charger]
        return result

    def promised(self, charger: ChargerId) -> bool:
        """Whether nobody knows which secret it has: the line was lost over the answer."""
        return charger in self._promised

    async def came_with_it(self, charger: ChargerId) -> bool:
        """Whether it has come with the secret that was promised last; asked once it is on a line again."""
        mac = self._promised.pop(charger, None)
        row = await self._store.read(lambda engine: registry.one(engine, charger))
        return row is not None and mac == row["secret_mac"]
