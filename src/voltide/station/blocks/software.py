"""Software of chargers (block L): approved releases alone go out, never an older one; and how far each update is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Engine, select

from voltide.backbone import registry, schema
from voltide.backbone.store import Store, rows
from voltide.domain.messages import Accepted, Ask, Refused, Trigger
from voltide.domain.reports import FirmwareTold
from voltide.domain.requests import UpdateSoftware
from voltide.domain.site import ChargerId
from voltide.domain.time import Clock, millis
from voltide.security.releases import Release, Shelf, newer
from voltide.station.blocks.block import Heard, Kept, Noticed
from voltide.station.diary import Diary
from voltide.station.errands import Done, Errand, Failed, Outcome, Waits

INSTALLED = frozenset({"Installed", "Published"})
BROKEN = frozenset(
    {"DownloadFailed", "InstallationFailed", "InstallVerificationFailed", "InvalidSignature", "PublishFailed",
     "InvalidChecksum"}
)  # fmt: skip
INSTALLED_WITHIN = timedelta(days=7)
"""A charger may wait until its last car has gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Who a charger says it is, by its last BootNotification."""

    vendor: str
    model: str
    version: str


class Software:
    """The block that hears how far an update is."""

    hears = (FirmwareTold,)

    def __init__(self, diary: Diary) -> None:
        self._diary = diary

    async def hear(self, _charger: ChargerId, fact: FirmwareTold, _now: datetime) -> Heard:
        """The last state of each update is kept; what is broken, or has been installed, is news for security."""
        kept = Kept(kind="firmware", key=_key(fact.request_id, published=fact.published), what=fact)
        if fact.status in INSTALLED | BROKEN:
            return Heard(written=(kept, Noticed(kind=f"firmware-{fact.status}", detail=str(fact.request_id or ""))))
        return Heard(written=(kept,))

    def told(self, charger: ChargerId, fact: FirmwareTold) -> None:
        """A person looks at what is broken."""
        if fact.status != "Idle":
            self._diary.note("firmware", charger, fact.status)
        if fact.status in INSTALLED | BROKEN:
            self._diary.alarm_if(fact.status in BROKEN, "firmware-failed", charger, fact.status)


class Updates:
    """``update`` and ``publish``: an approved release, and nothing else. ``body``: ``release``."""

    def __init__(self, shelf: Callable[[], Shelf], store: Store, clock: Clock) -> None:
        self._shelf = shelf
        self._store = store
        self._clock = clock

    async def do(self, errand: Errand, now: datetime) -> Outcome:
        """Say it once; then hear how it goes."""
        number = errand.body.get("number")
        if isinstance(number, int):
            return await self._follow(errand, number, now)
        if errand.version is None:
            return Waits(detail="it is away")
        try:
            shelf = self._shelf()
            release = shelf.take(str(errand.body.get("release", "")))
        except ValueError as error:
            return Failed(detail=str(error))
        box = await self._store.read(lambda engine: box_of(engine, errand.charger))
        if box is None:
            if errand.state == "waiting":
                await errand.say(Trigger(message="BootNotification"))
            return Waits(detail="it has been asked who it is")
        wrong = unfit(release, box, shelf.all())
        if wrong is not None:
            return Failed(detail=wrong)
        return await (self._publish(errand, release) if errand.what == "publish" else self._update(errand, release))

    async def _update(self, errand: Errand, release: Release) -> Outcome:
        order = UpdateSoftware(
            request_id=await self._number(errand),
            location=release.url,
            retrieve_at=self._clock.now(),
            certificate=release.certificate or None,
            signature=release.signature or None,
        )
        result = await errand.say(order)
        return Failed(detail=result.reason) if isinstance(result, Refused) else Waits(detail=f"told {release.version}")

    async def _publish(self, errand: Errand, release: Release) -> Outcome:
        """A local controller gets it for the chargers behind it; it checks the digest that OCPP has for that."""
        if not release.md5:
            return Failed(detail="the release does not say the digest that a local controller asks for")
        number = await self._number(errand)
        body = {"location": release.url, "checksum": release.md5, "requestId": number}
        result = await errand.say(Ask(action="PublishFirmware", payload=body))
        return Waits(detail=f"told {release.version}") if isinstance(result, Accepted) else Failed(detail=result.reason)

    async def _number(self, errand: Errand) -> int:
        """By which the charger's reports are known again; on the disk before it is said."""
        number = millis(self._clock.now()) % 2**31
        kept = {**errand.body, "number": number}
        await self._store.read(lambda engine: registry.rewrite(engine, errand.charger, errand.what, kept))
        return number

    async def _follow(self, errand: Errand, number: int, now: datetime) -> Outcome:
        published = errand.what == "publish"
        keys = {_key(number, published=published), _key(None, published=published)}
        told = await self._store.read(lambda engine: _told(engine, errand, keys))
        states = [one.status for one in told]
        if found := next((state for state in states if state in BROKEN), None):
            return Failed(detail=found)
        if any(state in INSTALLED for state in states):
            return Done(detail="installed" if not published else "published")
        if now - errand.since > INSTALLED_WITHIN:
            return Failed(detail="it never said that it was installed")
        return Waits(detail=states[-1] if states else "told")


def unfit(release: Release, box: Box, known: Sequence[Release]) -> str | None:
    """Why a release is not for this charger; None: it is."""
    if (box.vendor.casefold(), box.model.casefold()) != (release.vendor.casefold(), release.model.casefold()):
        return f"it is a {box.vendor} {box.model}, and the release is for a {release.vendor} {release.model}"
    if not box.version:
        return "it does not say which version it has"
    before = [one.sequence for one in known if (one.model, one.version) == (release.model, box.version)]
    if not newer(release, box.version) or any(release.sequence <= sequence for sequence in before):
        return f"it has {box.version}, and {release.version} is not newer"
    return None


def box_of(engine: Engine, charger: ChargerId) -> Box | None:
    """Who a charger says it is, by what it said last."""
    table = schema.charger_messages
    there = (table.c.charger == charger) & (table.c.action == "BootNotification")
    found = rows(engine, select(table.c.payload).where(there).order_by(table.c.id.desc()).limit(1))
    if not found:
        return None
    said = msgspec.json.decode(found[0]["payload"], type=dict[str, object])
    inner = said.get("chargingStation")
    if isinstance(inner, dict):
        return Box(
            vendor=str(inner.get("vendorName", "")),
            model=str(inner.get("model", "")),
            version=str(inner.get("firmwareVersion", "")),
        )
    return Box(
        vendor=str(said.get("chargePointVendor", "")),
        model=str(said.get("chargePointModel", "")),
        version=str(said.get("firmwareVersion", "")),
    )


def _key(number: int | None, *, published: bool) -> str:
    kind = "publish" if published else "update"
    return kind if number is None else f"{kind} {number}"


def _told(engine: Engine, errand: Errand, keys: set[str]) -> list[FirmwareTold]:
    """What it said since it was told, the oldest first; 1.6 without its extension names no number."""
    table = schema.told
    there = (table.c.charger == errand.charger) & (table.c.kind == "firmware") & table.c.key.in_(keys)
    query = select(table.c.body).where(there & (table.c.at >= millis(errand.since))).order_by(table.c.at)
    return [_firmware.decode(row["body"]) for row in rows(engine, query)]


_firmware = msgspec.json.Decoder(FirmwareTold)
