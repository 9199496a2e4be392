"""Authorisation and the local list (blocks C and D): one book of tokens, and every charger's own list in step with it.

A token that the book names gets the word that stands there; any other is let in by the patterns of the station's file.
A charger that has a list of its own is given what has changed since it last heard, or the whole.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

import structlog

from voltide.domain.messages import Accepted, AuthorisationAsked, PutPermit, Refused, Reply, TokenVerdict
from voltide.domain.requests import AskListVersion, ForgetTokens, Permit, SendTokens
from voltide.domain.site import ChargerId
from voltide.domain.token import Token
from voltide.station.blocks.block import Heard, Kept
from voltide.station.blocks.ground import STATION, Ground, Quiet

log = structlog.get_logger()

STATUSES = frozenset({"Accepted", "Blocked", "Expired", "Invalid"})
"""What a book may say of a token; all versions spell them so."""
CACHED = timedelta(hours=24)
"""So long a charger may go by an answer from its cache."""
Judge: TypeAlias = Callable[[Token, tuple[ChargerId, str] | None], TokenVerdict]
"""What a token may do, and for which transaction that is asked."""
MOST = 20_000
"""Tokens of the book."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the book, and with which version of it the line came."""

    permit: Permit
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Which version of the book a charger has taken; None: it is not known."""

    version: int | None


class Tokens(Quiet):
    """The book of tokens."""

    def __init__(self, ground: Ground, others: Judge) -> None:
        self._ground = ground
        self._others = others
        self._book: dict[tuple[str, str], Entry] = {}
        self._kinds: dict[str, set[str]] = {}
        """The kinds of token that bear an id."""
        self._version = 0
        self._writing = asyncio.Lock()
        self._told: dict[ChargerId, int | None] = {}
        self._without: set[ChargerId] = set()
        """Chargers on the line that have no list of their own."""
        self._turns: dict[ChargerId, asyncio.Lock] = {}
        """One at a time brings a charger's list up: an older list must not come after a newer one."""

    @property
    def hears(self) -> tuple[type, ...]:
        """A charger's question."""
        return (AuthorisationAsked,)

    async def load(self) -> None:
        """The book, and who has which version of it."""
        for _, _, one in await self._ground.kept("permit", Entry):
            self._write(one)
            self._version = max(self._version, one.version)
        for charger, _, told in await self._ground.kept("list", Told):
            self._told[charger] = told.version

    # --- what a token may do ---

    def verdict(self, token: Token, here: tuple[ChargerId, str] | None = None) -> TokenVerdict:
        """The word for a token; ``here``: the transaction that asks, which is no other than itself."""
        permit = self._permit(token)
        if permit is None:
            return self._others(token, here)
        now = self._ground.clock.now()
        status = permit.status
        if status == "Accepted" and permit.until is not None and permit.until <= now:
            status = "Expired"
        if status == "Accepted" and self._busy(token, here):
            status = "ConcurrentTx"
        until = min(now + CACHED, permit.until or now + CACHED)
        valid = status == "Accepted"
        return TokenVerdict(
            valid=valid,
            status=status,
            group=permit.group,
            until=until if valid else None,
            priority=permit.priority,
        )

    def _permit(self, token: Token) -> Permit | None:
        """By kind and id; 1.6 knows no kinds, so a token without a line of its kind is looked up by its id alone."""
        exact = self._book.get((token.kind, _folded(token)))
        if exact is not None:
            return exact.permit
        kinds = self._kinds.get(_folded(token), set())
        return self._book[next(iter(kinds)), _folded(token)].permit if len(kinds) == 1 else None

    def _busy(self, token: Token, here: tuple[ChargerId, str] | None) -> bool:
        """Whether the token has a car somewhere else."""
        return any(
            session.token is not None
            and _folded(session.token) == _folded(token)
            and (session.charger, session.transaction_id) != here
            for session in self._ground.crew.sessions.open()
        )

    async def hear(self, charger: ChargerId, fact: AuthorisationAsked, now: datetime) -> Heard:
        """Judge it."""
        del charger, now
        return Heard(answer=self.verdict(fact.token))

    def told(self, charger: ChargerId, fact: AuthorisationAsked) -> None:
        """A card that is turned away is worth a line: its holder may ask."""
        word = self.verdict(fact.token)
        if not word.valid:
            self._ground.diary.note("token-refused", charger, word.status or "Invalid")

    # --- the book ---

    def _write(self, entry: Entry) -> None:
        token = entry.permit.token
        self._book[token.kind, _folded(token)] = entry
        self._kinds.setdefault(_folded(token), set()).add(token.kind)

    async def put(self, order: PutPermit) -> Reply:
        """A new line, or another instead; lists and caches of chargers follow, also where a token is blocked."""
        permit = order.permit
        key = (permit.token.kind, _folded(permit.token))
        if permit.status not in STATUSES:
            return Reply(done=False, code="out-of-range", detail=f"one of {', '.join(sorted(STATUSES))}")
        if key not in self._book and len(self._book) >= MOST:
            return Reply(done=False, code="too-many", detail=f"{MOST} tokens at most")
        async with self._writing:
            before = self._book.get(key)
            if before is not None and before.permit == permit:
                return Reply(done=True, code="accepted")
            entry = Entry(permit=permit, version=self._version + 1)
            await self._ground.keep(STATION, Kept(kind="permit", key="/".join(key), what=entry))
            self._write(entry)  # with its version: a list that is sent meanwhile is not taken for one that has it
            self._version = entry.version
        for charger in self._ground.online():
            self._ground.crew.chargers.spawn(self._follow(charger, forget=permit.status != "Accepted"))
        return Reply(done=True, code="accepted")

    async def _follow(self, charger: ChargerId, *, forget: bool) -> None:
        """A list that names a token outweighs a cache, but not every charger has a list."""
        if forget:
            await self._ground.call(charger, ForgetTokens())
        await self._bring_up(charger)

    # --- the chargers' lists ---

    async def greet(self, charger: ChargerId) -> None:
        """Bring a charger's list up to the book."""
        self._without.discard(charger)
        await self._bring_up(charger)

    async def _bring_up(self, charger: ChargerId) -> None:
        """What it says itself that it has decides what it needs."""
        async with self._turns.setdefault(charger, asyncio.Lock()):
            if self._book and charger not in self._without:
                await self._compare(charger)

    async def _compare(self, charger: ChargerId) -> None:
        result = await self._ground.call(charger, AskListVersion())
        if isinstance(result, Refused):
            self._without.add(charger)
            return
        if not isinstance(result, Accepted):
            return
        has = result.detail.get("versionNumber", result.detail.get("listVersion"))
        if has == -1:
            self._without.add(charger)  # 1.6: it has no list
            return
        ours = has if has == self._told.get(charger) and isinstance(has, int) else None
        if ours != self._version:
            await self._send(charger, ours)

    async def _send(self, charger: ChargerId, since: int | None) -> None:
        """What came after a version; the whole where it is unknown, or where the change does not fit what is there."""
        version = self._version
        order = SendTokens(version=version, whole=since is None, permits=self._permits(since or 0))
        result = await self._ground.call(charger, order)
        if isinstance(result, Refused) and since is not None:
            await self._send(charger, None)
            return
        taken = version if isinstance(result, Accepted) else None
        self._told[charger] = taken
        await self._ground.keep(charger, Kept(kind="list", key="tokens", what=Told(version=taken)))
        if isinstance(result, Refused):
            self._without.add(charger)
            log.info("tokens.refused", charger=charger, why=result.reason)

    def _permits(self, since: int) -> tuple[Permit, ...]:
        """The lines that came after a version."""
        newer = [entry for entry in self._book.values() if entry.version > since]
        return tuple(entry.permit for entry in sorted(newer, key=lambda entry: entry.version))


def _folded(token: Token) -> str:
    """Ids are compared without regard to case. Source: OCPP 2.1, IdTokenType; 1.6, CiString20Type."""
    return token.id.casefold()
