"""Nothing ends unseen: certificates are renewed in their last tenth; a person is told 30, 7 and 1 days before an end.

A new root is made a year before the old one ends (``security.roots``). Here every charger that trusts us by TLS is
given it, and whoever has not taken it while the year runs out is named.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Engine, select

from voltide.backbone import registry, schema
from voltide.backbone.store import Change, Row, Store, rows
from voltide.domain.messages import Accepted, ChargerOrder, OrderResult, Trigger
from voltide.domain.requests import InstallRoot
from voltide.domain.site import ChargerId
from voltide.domain.time import moment
from voltide.security.ends import due, warning
from voltide.security.names import of_pem
from voltide.security.pki import CHARGER
from voltide.station.blocks.block import Kept, Noticed
from voltide.station.diary import Diary

log = structlog.get_logger()

CSMS_ROOT = "CSMSRootCertificate"
AGAIN = timedelta(days=1)
"""A charger that has not asked for its new certificate, or not taken a root, is asked again after this."""

Order: TypeAlias = Callable[[ChargerId, ChargerOrder], Awaitable[OrderResult]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """A root that a charger has taken; kept in ``told``, by its fingerprint."""

    not_after: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the records say: the newest good certificate of each charger, and the roots that it has taken."""

    profiles: dict[ChargerId, int]
    newest: dict[ChargerId, Row]
    taken: dict[ChargerId, set[str]]


class Renewals:
    """Looks ahead, once an hour."""

    def __init__(self, roots: Callable[[], tuple[str, ...]], store: Store, diary: Diary, order: Order) -> None:
        self._roots = roots
        self._store = store
        self._diary = diary
        self._order = order
        self._asked: dict[tuple[str, ChargerId], datetime] = {}
        self._said: dict[tuple[str, str], timedelta] = {}

    async def look(self, now: datetime, online: Iterable[ChargerId], door: Iterable[str] = ()) -> None:
        """``door``: the certificates in files (PEM) that our own doors show, and that we cannot renew."""
        known, here = await self._store.read(_known), frozenset(online)
        for charger, row in known.newest.items():
            await self._renewed(charger, row, now, here=charger in here)
        for pem in door:
            shown = of_pem(pem)
            if shown is not None:
                when = self._near("certificate-ends", "door", shown.not_before, shown.not_after, now)
                self._diary.alarm_if(bool(when), "certificate-ends", "door", when)
        await self._rooted(known, now, here)

    async def _renewed(self, charger: ChargerId, row: Row, now: datetime, *, here: bool) -> None:
        start, end = moment(row["issued_at"]), moment(row["not_after"])
        when = self._near("certificate-ends", charger, start, end, now)
        self._diary.alarm_if(bool(when), "certificate-ends", charger, when)
        if due(start, end, now) and here and self._may_ask("renew", charger, now):
            result = await self._order(charger, Trigger(message="SignChargingStationCertificate"))
            await self._note(charger, Noticed(kind="renewal-asked", detail=type(result).__name__), now)

    async def _rooted(self, known: _Known, now: datetime, here: frozenset[ChargerId]) -> None:
        """One root came with the move to TLS. Of two, the newer must be everywhere before the older ends."""
        roots = [x509.load_pem_x509_certificate(pem.encode()) for pem in self._roots()]
        if len(roots) < 2:
            return
        oldest, newest = roots[0], roots[-1]
        mark = newest.fingerprint(hashes.SHA256()).hex()
        for charger, profile in known.profiles.items():
            if profile < 2 or mark in known.taken.get(charger, set()):
                self._diary.clear_alarm("root-missing", charger)
                continue
            start, end = oldest.not_valid_before_utc, oldest.not_valid_after_utc
            when = self._near("root-missing", charger, start, end, now)
            self._diary.alarm_if(bool(when), "root-missing", charger, when)
            if charger in here and self._may_ask("root", charger, now):
                await self._install(charger, newest, mark, now)

    async def _install(self, charger: ChargerId, root: x509.Certificate, mark: str, now: datetime) -> None:
        pem = root.public_bytes(Encoding.PEM).decode()
        result = await self._order(charger, InstallRoot(kind=CSMS_ROOT, certificate=pem))
        if isinstance(result, Accepted):
            change = Change()
            Kept(kind="root", key=mark, what=Trusted(not_after=root.not_valid_after_utc)).write(change, charger, now)
            Noticed(kind="root-installed", detail=mark[:16]).write(change, charger, now)
            await self._store.commit(change)
            self._diary.clear_alarm("root-missing", charger)
        else:
            await self._note(charger, Noticed(kind="root-not-installed", detail=result.reason), now)

    def _near(self, code: str, subject: str, start: datetime, end: datetime, now: datetime) -> str:
        """When it ends, where that is near; the alarm is raised anew each time that it is nearer: 30, 7 and 1 days."""
        near = warning(start, end, now)
        if near != self._said.get((code, subject)):
            self._diary.clear_alarm(code, subject)
        if near is None:
            self._said.pop((code, subject), None)
            return ""
        self._said[code, subject] = near
        return f"{end:%Y-%m-%d %H:%M} UTC"

    def _may_ask(self, what: str, charger: ChargerId, now: datetime) -> bool:
        if now - self._asked.get((what, charger), datetime.min.replace(tzinfo=now.tzinfo)) < AGAIN:
            return False
        self._asked[what, charger] = now
        return True

    async def _note(self, charger: ChargerId, notice: Noticed, now: datetime) -> None:
        change = Change()
        notice.write(change, charger, now)
        await self._store.commit(change)


def _known(engine: Engine) -> _Known:
    newest: dict[ChargerId, Row] = {}
    for row in sorted(registry.all_issued(engine), key=lambda row: row["issued_at"]):
        if row["kind"] == CHARGER:
            newest[ChargerId(row["charger"])] = row
    taken: dict[ChargerId, set[str]] = {}
    table = schema.told
    for row in rows(engine, select(table.c.charger, table.c.key).where(table.c.kind == "root")):
        taken.setdefault(ChargerId(row["charger"]), set()).add(row["key"])
    profiles = {ChargerId(row["id"]): row["profile"] for row in registry.all_of(engine)}
    return _Known(profiles=profiles, newest=newest, taken=taken)
