"""Certificates (blocks A and M): a charger asks, an authority signs, and what was issued stands in the records.

A request is checked and kept before the charger is answered, and signed afterwards, beside the event loop. So a request
that was accepted is signed even when the process dies in between, and a certificate that could not be given is given
again when its charger is back.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeAlias

import msgspec
import structlog
from sqlalchemy import select

from voltide.backbone import schema
from voltide.backbone.store import Change, Store, rows
from voltide.domain.messages import Accepted, ChargerOrder, OrderResult, Refused
from voltide.domain.reports import (
    CertificateAsked,
    CertificateState,
    CertificateStatusAsked,
    ChainStates,
    ChainStatusAsked,
    ContractAsked,
    ContractGiven,
    Judged,
    Revocation,
)
from voltide.domain.requests import GiveCertificate
from voltide.domain.site import ChargerId
from voltide.domain.time import Clock, millis
from voltide.security import csr, names
from voltide.security.contracts import Contracts
from voltide.security.ocsp import Responders, Told
from voltide.security.pki import CHARGER, Authority, Denied, Issued, Later, Request
from voltide.station.blocks.block import Heard, Kept, Noticed
from voltide.station.diary import Diary

log = structlog.get_logger()

REQUESTS_PER_HOUR = 6
QUERIES_PER_MINUTE = 30
"""Of one charger: requests for a signature, and questions to responders."""
UNKNOWN_FOR = timedelta(hours=1)
"""After so long a charger may ask again about what nobody could tell."""
_REMEMBERED = 20

Order: TypeAlias = Callable[[ChargerId, ChargerOrder], Awaitable[OrderResult]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A request that was accepted, and how far it is; kept in ``told`` under its kind."""

    pem: str
    request_id: int | None
    state: str = "asked"
    """asked, issued (and not yet given) or done."""
    chain: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Whom this block goes by."""

    authority: Authority
    organisation: str
    responders: Responders
    contracts: Contracts
    own_names: Callable[[ChargerId], frozenset[str]]
    """What may stand in a charger's certificate as its name."""
    v2g: Authority | None = None
    """Who signs what chargers show to cars."""


class Certificates:
    """The block."""

    hears = (CertificateAsked, CertificateStatusAsked, ChainStatusAsked, ContractAsked)

    def __init__(self, trust: Trust, store: Store, diary: Diary, clock: Clock, order: Order) -> None:
        self._trust = trust
        self._store = store
        self._diary = diary
        self._clock = clock
        self._order = order
        self._asked: dict[ChargerId, deque[float]] = {}
        self._queried: dict[ChargerId, deque[float]] = {}
        self._numbers: dict[ChargerId, dict[int, str]] = {}
        self._open: dict[tuple[ChargerId, str], Wanted] = {}
        """The newest request of each charger and kind: an older one that is still being signed is given no more."""
        self._turns: dict[tuple[ChargerId, str], asyncio.Lock] = {}

    async def hear(
        self,
        charger: ChargerId,
        fact: CertificateAsked | CertificateStatusAsked | ChainStatusAsked | ContractAsked,
        _now: datetime,
    ) -> Heard:
        """Requests are judged; questions are passed on, for no longer than a charger waits."""
        match fact:
            case CertificateAsked():
                return await self._judge(charger, fact)
            case ContractAsked():
                return Heard(answer=await self._contract(charger, fact))
            case CertificateStatusAsked():
                found = await self._trust.responders.ask(fact.query) if self._may_query(charger) else None
                return Heard(answer=CertificateState(ocsp=None if found is None else found.text))
            case ChainStatusAsked():
                return Heard(answer=await self._states(charger, fact))

    def told(self, charger: ChargerId, fact: object) -> None:
        """A line of the diary."""
        if isinstance(fact, CertificateAsked):
            self._diary.note("certificate-asked", charger)

    # --- requests ---

    async def _judge(self, charger: ChargerId, fact: CertificateAsked) -> Heard:
        if not _room(self._asked, charger, REQUESTS_PER_HOUR, 3600.0, self._clock):
            return _refused("Unspecified", "more requests than an hour holds")
        allowed, ours = self._trust.own_names(charger), self._trust.organisation
        found = await asyncio.to_thread(csr.check, fact.csr, fact.kind, charger, allowed, ours)
        if isinstance(found, Denied):
            return _refused("InvalidCSR", found.reason)
        if fact.request_id is not None:
            seen = self._numbers.setdefault(charger, {})
            if seen.get(fact.request_id, found.pem) != found.pem:
                return _refused("DuplicateRequestId", f"request {fact.request_id} was another one before")
            seen[fact.request_id] = found.pem
            if len(seen) > _REMEMBERED:
                del seen[next(iter(seen))]
        if self._signer(fact.kind) is None:
            return _refused("UnsupportedRequest", "nobody here signs what cars are shown")
        wanted, before = Wanted(pem=found.pem, request_id=fact.request_id), self._open.get((charger, fact.kind))
        if before is not None and before.pem == wanted.pem and before.state != "done":
            wanted = replace(before, request_id=fact.request_id)  # the same request again: it is not signed twice
        self._open[charger, fact.kind] = wanted
        return Heard(
            answer=Judged(accepted=True),
            written=(Kept(kind="csr", key=fact.kind, what=wanted),),
            then=partial(self.go_on, charger, fact.kind),
        )

    def _signer(self, kind: str) -> Authority | None:
        return self._trust.authority if kind == CHARGER else self._trust.v2g

    async def go_on(self, charger: ChargerId, kind: str) -> None:
        """Have it signed, write it down, give it to the charger; each step only where it is not done."""
        try:
            async with self._turns.setdefault((charger, kind), asyncio.Lock()):
                if self._open[charger, kind].state == "asked":
                    await self._sign(charger, kind, self._open[charger, kind])
                if self._open[charger, kind].state == "issued":
                    await self._give(charger, kind, self._open[charger, kind])
        except OSError as error:
            log.warning("certificates.authority_silent", charger=charger, why=str(error)[:200])
            self._diary.raise_alarm("authority-silent", "pki", str(error))

    async def _sign(self, charger: ChargerId, kind: str, wanted: Wanted) -> None:
        signer, allowed = self._signer(kind), self._trust.own_names(charger)
        asked = csr.check(wanted.pem, kind, charger, allowed, self._trust.organisation)
        if signer is None or isinstance(asked, Denied):  # the station's file, or the charger's name, is another now
            await self._keep(charger, kind, replace(wanted, state="done"), Noticed(kind="csr-dropped"))
            return
        signed = await signer.sign(asked)
        self._diary.clear_alarm("authority-silent", "pki")
        match signed:
            case Later():
                return
            case Denied():
                notice = Noticed(kind="certificate-denied", detail=signed.reason)
                await self._keep(charger, kind, replace(wanted, state="done"), notice)
            case Issued():
                await self._issued(charger, asked, wanted, signed.chain)

    async def _issued(self, charger: ChargerId, asked: Request, wanted: Wanted, chain: str) -> None:
        leaf, now = names.of_pem(chain), self._clock.now()
        fits = asked.kind != CHARGER or (
            leaf is not None and (leaf.common, leaf.organisation) == (asked.common, self._trust.organisation)
        )
        if leaf is None or not fits or leaf.not_after <= now:
            notice = Noticed(kind="certificate-unfit", detail="the authority has signed other names or times")
            self._diary.raise_alarm("certificate-refused", charger, "the authority signed something else")
            await self._keep(charger, asked.kind, replace(wanted, state="done"), notice)
            return
        row = {
            "serial": leaf.serial,
            "charger": charger,
            "kind": asked.kind,
            "issued_at": millis(now),
            "not_after": millis(leaf.not_after),
            "revoked_at": None,
            "pem": chain,
        }
        change = Change()
        change.add(schema.certificates, row)
        notice = Noticed(kind="certificate-issued", detail=f"{asked.kind} {leaf.serial}")
        await self._keep(charger, asked.kind, replace(wanted, state="issued", chain=chain), notice, change)

    async def _give(self, charger: ChargerId, kind: str, wanted: Wanted) -> None:
        order = GiveCertificate(chain=wanted.chain, kind=kind, request_id=wanted.request_id)
        result = await self._order(charger, order)
        done = replace(wanted, state="done", chain="")
        if isinstance(result, Accepted):
            self._diary.clear_alarm("certificate-refused", charger)
            await self._keep(charger, kind, done, Noticed(kind="certificate-given", detail=kind))
        elif isinstance(result, Refused) and result.reason != "NotSent":
            # It may have taken it before, and its answer was lost: so what it does not take now is not taken back.
            self._diary.raise_alarm("certificate-refused", charger, result.reason)
            await self._keep(charger, kind, done, Noticed(kind="certificate-refused", detail=result.reason))

    async def _keep(
        self, charger: ChargerId, kind: str, wanted: Wanted, notice: Noticed, change: Change | None = None
    ) -> None:
        """How far it is; a newer request's state is not written over."""
        change, now = change or Change(), self._clock.now()
        notice.write(change, charger, now)
        if self._open[charger, kind].pem == wanted.pem:
            self._open[charger, kind] = wanted
            Kept(kind="csr", key=kind, what=wanted).write(change, charger, now)
        await self._store.commit(change)

    async def resume(self, online: frozenset[ChargerId]) -> None:
        """What is not done: sign it, and give it to those that are here. Called now and then, and after a restart."""
        table = schema.told
        query = select(table.c.charger, table.c.key, table.c.body).where(table.c.kind == "csr")
        for row in await self._store.read(lambda engine: rows(engine, query)):
            charger, kind = ChargerId(row["charger"]), row["key"]
            wanted = self._open.setdefault((charger, kind), _wanted.decode(row["body"]))
            if wanted.state == "asked" or (wanted.state == "issued" and charger in online):
                await self.go_on(charger, kind)

    # --- questions ---

    def _may_query(self, charger: ChargerId) -> bool:
        return _room(self._queried, charger, QUERIES_PER_MINUTE, 60.0, self._clock)

    async def _contract(self, charger: ChargerId, fact: ContractAsked) -> ContractGiven:
        return await self._trust.contracts.give(fact) if self._may_query(charger) else ContractGiven(accepted=False)

    async def _states(self, charger: ChargerId, fact: ChainStatusAsked) -> ChainStates:
        """One state for each; only what an issuer that we know has signed is good or revoked."""
        found: list[Told | None] = [None] * len(fact.queries)
        if self._may_query(charger):
            asked = [one if one.source == "OCSP" else replace(one, urls=()) for one in fact.queries[:4]]
            found[:4] = await asyncio.gather(*(self._trust.responders.ask(one) for one in asked))
        later = self._clock.now() + UNKNOWN_FOR
        return ChainStates(
            states=tuple((one.state, one.until) if one and one.proved else (Revocation.FAILED, later) for one in found)
        )


_wanted = msgspec.json.Decoder(Wanted)


def _refused(code: str, why: str) -> Heard:
    return Heard(answer=Judged(accepted=False, reason=code), written=(Noticed(kind="csr-refused", detail=why),))


def _room(book: dict[ChargerId, deque[float]], charger: ChargerId, most: int, seconds: float, clock: Clock) -> bool:
    """Whether one more fits into a charger's span; and count it."""
    seen, now = book.setdefault(charger, deque(maxlen=most)), clock.monotonic()
    if len(seen) == most and seen[0] > now - seconds:
        return False
    seen.append(now)
    return True
