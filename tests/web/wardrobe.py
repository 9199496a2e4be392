"""Chargers of a fake station for the chargers' pages: every condition, and names that try to be more than names."""

from datetime import datetime, timedelta

from tests.web.depot import KW, STATION, piles
from voltide.backbone.bus import LocalBus
from voltide.domain.dossier import (
    ChargerPicture,
    ChargerRow,
    ChargersPicture,
    Doorway,
    LookAtChargers,
    Oddity,
    Plate,
    Progress,
    Shield,
    Standing,
    WelcomeStep,
)
from voltide.domain.messages import Reply
from voltide.domain.picture import EventPicture
from voltide.domain.site import ChargerId


def row(who: str, now: datetime, standing: Standing = Standing.ACCEPTED, **changes: object) -> ChargerRow:
    fields: dict[str, object] = {
        "id": ChargerId(who), "name": who, "standing": standing, "online": True, "ready": True, "joined": False,
        "vendor": "Shenzhen Longhua Power", "model": "DC-60-2-LC", "serial": "SZ-2026-0001987", "firmware": "4.11.0-rc2",
        "version": "2.1", "address": "10.20.30.40", "since": now - timedelta(hours=3), "shield": Shield.ANNOUNCED,
        "outlets": (Plate(number=1, charge_w=60 * KW, discharge_w=60 * KW),), "v2g": True, "steered": True,
        "reading": False, "mark": "0" * 24, "done": 6, "steps": 6, "doing": "",
    }  # fmt: skip
    return ChargerRow(**(fields | changes))  # type: ignore[arg-type]


def chargers(now: datetime, names: tuple[str, ...] = ()) -> ChargersPicture:
    """The station's own, with one of each condition; newcomers, whose names are a test's own."""
    mine = [
        row(name, now, outlets=tuple(Plate(number=n, charge_w=w, discharge_w=gives) for n, w in enumerate(takes, 1)))
        for name, _, takes, gives in piles()
    ]
    mine[3] = row("V04", now, online=False)
    mine[5] = row("V06", now, online=False, vendor="", model="", version="", ready=False)
    mine.append(row("N01", now, joined=True, ready=False, done=3, steps=7, doing="line", name="North side 1"))
    mine.append(row("N02", now, joined=True, shield=Shield.NONE, name="By the gate"))
    wall = (Plate(number=1, charge_w=11 * KW, assumed=("charge_w",)),)
    new = [
        row("W01", now, Standing.PENDING, v2g=False, outlets=wall, version="1.6", serial="", shield=Shield.NONE),
        row("W02", now, Standing.PENDING, reading=True, outlets=()),
        row("W03", now, Standing.PENDING, online=False, steered=False),
        *(row(f"X{n:02}", now, Standing.PENDING, vendor=name, model=name, serial=name) for n, name in enumerate(names)),
    ]
    return ChargersPicture(
        at=now,
        open_until=now + timedelta(minutes=23),
        always_open=False,
        doors=(Doorway(profile=1, url="ws://0.0.0.0:9000/ocpp/"), Doorway(profile=2, url="wss://0.0.0.0:9001/ocpp/")),
        newcomers=tuple(new),
        chargers=tuple(mine),
        refused=(row("B01", now, Standing.REJECTED),),
    )


def charger(one: ChargerRow, now: datetime) -> ChargerPicture:
    """One in full, with every progress and every kind of oddity that has a long text."""
    steps = [
        ("read", Progress.DONE, ""),
        ("fallback", Progress.REFUSED, "1: Rejected, 2: Rejected"),
        ("metering", Progress.DONE, "Interval: UnknownVariable"),
        ("line", Progress.WAITING, ""),
        ("secret", Progress.SKIPPED, "NotSupported"),
        ("boot", Progress.WAITING, ""),
        ("status", Progress.WAITING, ""),
    ]
    return ChargerPicture(
        at=now,
        row=one,
        profile=1,
        steps=tuple(WelcomeStep(name=n, progress=p, detail=d, at=now if d else None) for n, p, d in steps),
        quirks=("growatt-thor", "ours"),
        oddities=(
            Oddity(kind="quirk-times", count=1204, example="quirk times"),
            Oddity(kind="null", count=3, example="$.meterValue[0].sampledValue[0].phase is null"),
            Oddity(kind="other", count=1, example="<img src=x onerror=window.hacked=1>"),
        ),
        events=(EventPicture(at=now, code="charger-booted", subject=one.id, detail="Long Maker Name"),),
    )


class Wardrobe:
    """Answers ``care`` on the bus."""

    def __init__(self, bus: LocalBus, now: datetime, names: tuple[str, ...] = ()) -> None:
        self.now = now
        self.shown = chargers(now, names)
        self.ordered: list[object] = []
        self.reply = Reply(done=True, code="accepted")
        self.served = bus.serve(f"station.{STATION}.care", self._care)

    async def _care(self, message: object) -> object:
        if not isinstance(message, LookAtChargers):
            self.ordered.append(message)
            return self.reply
        if message.charger is None:
            return self.shown
        everyone = (*self.shown.newcomers, *self.shown.chargers, *self.shown.refused)
        found = next((one for one in everyone if one.id == message.charger), None)
        return Reply(done=False, code="unknown-charger") if found is None else charger(found, self.now)
