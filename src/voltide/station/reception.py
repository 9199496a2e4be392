"""The reception: where chargers are met, looked after and shown. Orders and looks of the chargers' pages end here."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import structlog

from voltide.backbone import registry
from voltide.backbone.store import Change, Store
from voltide.control.wiring import UnsafeStationError
from voltide.domain.dossier import (
    AcceptCharger,
    AskStatus,
    ChargerPicture,
    ChargersPicture,
    Dossier,
    ForgetCharger,
    LookAtChargers,
    Nameplate,
    OpenToNewcomers,
    Progress,
    RefuseCharger,
    RenameCharger,
    RestartCharger,
    Standing,
    WelcomeStep,
)
from voltide.domain.messages import (
    Accepted,
    Booted,
    GetReport,
    GetVariables,
    Refused,
    Reply,
    Reset,
    Trigger,
    Variable,
    VariablesTold,
)
from voltide.domain.site import Charger, ChargerId, OcppVersion
from voltide.ocpp import inventory
from voltide.ocpp.dialect import dialect
from voltide.ocpp.quirks import Told
from voltide.station.diary import Diary
from voltide.station.dossiers import Dossiers, settled
from voltide.station.extension import extend, taken
from voltide.station.gallery import Gallery
from voltide.station.line import Line
from voltide.station.loop import Crew, Loop
from voltide.station.makers import Makers
from voltide.station.newcomers import Hall, Newcomers, plate_of
from voltide.station.oddities import Oddities
from voltide.station.onboarding import Habits, Onboarding
from voltide.station.porch import Porch, Terms
from voltide.station.portrait import Portrait
from voltide.station.secrets import Secrets
from voltide.station.watch import Watch

log = structlog.get_logger()

MOST_MINUTES = 24 * 60
_REPORT = 1
"""The number of a report that was asked for here; see also the blocks' own numbers, which are far above it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lobby:
    """What the reception works with."""

    crew: Crew
    loop: Loop
    watch: Watch
    portrait: Portrait
    diary: Diary
    store: Store
    secrets: Secrets
    new_id: Callable[[], str]
    spawn: Callable[[Awaitable[None]], None]
    habits: Habits
    makers: Makers
    always: bool = False


class Reception:
    """Meets every charger."""

    def __init__(self, lobby: Lobby, dossiers: Dossiers) -> None:
        self._lobby = lobby
        crew = lobby.crew
        self.dossiers = dossiers
        self.oddities = Oddities()
        self.onboarding = Onboarding(dossiers, crew.clock, lobby.habits)
        self.onboarding.on_step.append(self._stepped)
        self.newcomers = Newcomers(
            Hall(
                clock=crew.clock,
                new_id=lobby.new_id,
                chargers=crew.chargers,
                dossiers=dossiers,
                onboarding=self.onboarding,
                secrets=lobby.secrets,
                spawn=lobby.spawn,
                makers=lobby.makers,
                oddities=self.oddities,
            ),
            Porch(
                Terms(
                    clock=crew.clock,
                    dossiers=dossiers,
                    secrets=lobby.secrets,
                    station=lambda: crew.station,
                    always=lobby.always,
                )
            ),
        )
        self._waiting: set[ChargerId] = set()
        lobby.portrait.called = self._called
        self.gallery = Gallery(crew, lobby.diary, self)

    def _called(self, who: ChargerId) -> str:
        dossier = self.dossiers.of(who)
        return dossier.name if dossier is not None else ""

    def look(self) -> None:
        """Once a second: who waits needs somebody to look at it."""
        diary, guests = self._lobby.diary, self.newcomers.porch.guests
        here = {who for who, guest in guests.items() if guest.line is not None}
        waiting = {one.charger for one in self.dossiers.all() if one.standing is Standing.PENDING} & here
        for who in waiting - self._waiting:
            diary.raise_alarm("newcomer-waits", who)
        for who in self._waiting - waiting:
            diary.clear_alarm("newcomer-waits", who)
        self._waiting = waiting
        self._lobby.portrait.newcomers = len(waiting)

    # --- what chargers do ---

    async def booted(self, line: Line, fact: Booted) -> None:
        """A charger of the station has started: who it says it is, then its steps."""
        who, now = line.charger.id, self._lobby.crew.clock.now()
        plate, known = plate_of(fact), self.dossiers.of(who)
        joining = known is not None and known.pile is not None and not settled(known, "boot")

        def met(before: Dossier | None) -> Dossier:
            dossier = before or Dossier(charger=who, standing=Standing.ACCEPTED, since=now)
            quirks = self._lobby.makers.traits(plate).names
            return replace(dossier, plate=plate, version=line.version, quirks=quirks)

        await self.dossiers.change(who, met)
        self._suit(line, plate)
        await self.onboarding.note(line.charger, "boot", Progress.DONE)
        if joining:
            self._lobby.diary.note("charger-joined", who, f"{plate.vendor} {plate.model}")
            self._lobby.spawn(self.newcomers.settle_secret(line))
        self._lobby.spawn(self.onboarding.welcome(line, again=joining, then=partial(self._read, line)))

    async def _read(self, line: Line) -> None:
        """Its device model, when it is another charger than the one that was read."""
        who = line.charger.id
        dossier = self.dossiers.of(who)
        if dossier is None or dossier.read_of == _kind(dossier):
            return
        if line.version is OcppVersion.V16:
            result = await line.order(GetVariables())
            if isinstance(result, Accepted):
                await self._write(who, inventory.answered(result.detail))
        else:
            result = await line.order(GetReport(request_id=_REPORT))
        if isinstance(result, Accepted):
            await self.dossiers.change(who, lambda before: before and replace(before, read_of=_kind(before)))
        progress = Progress.DONE if isinstance(result, Accepted) else Progress.REFUSED
        await self.onboarding.note(
            line.charger, "read", progress, "" if isinstance(result, Accepted) else result.reason
        )

    async def _write(self, who: ChargerId, said: Iterable[Variable]) -> None:
        """What a charger has answered about itself is kept as a report of it would be."""
        crew, change = self._lobby.crew, Change()
        made = await crew.chargers.blocks.hear(who, VariablesTold(variables=tuple(said)), crew.clock.now())
        for row in made.written if made is not None else ():
            row.write(change, who, crew.clock.now())
        await self._lobby.store.commit(change)

    def come(self, line: Line) -> None:
        """A charger's line is there, perhaps without a boot: what is not settled yet goes on."""
        dossier = self.dossiers.of(line.charger.id)
        line.odd = partial(self.oddities.note, line.charger.id)
        if dossier is not None:
            self._suit(line, dossier.plate)
        if dossier is not None and settled(dossier, "boot") and not dossier.ready:
            self._lobby.spawn(self.onboarding.welcome(line, again=True))

    def _suit(self, line: Line, plate: Nameplate) -> None:
        """From here on the charger is heard and told as its model needs it."""
        self.oddities.made_by(line.charger.id, plate.vendor)
        line.manner = self._lobby.makers.manner(plate, line.version)
        told = line.manner.traits.told if line.manner is not None else Told()
        if told.limits == "A" and not line.charger.amperes:
            line.charger = replace(line.charger, amperes=True)
            line.dialect = dialect(line.version, line.charger)
        for evse in line.charger.evses:
            resend = self._lobby.crew.setpoints.resend_s
            if told.resend_s is not None:
                resend[evse.id] = told.resend_s
            else:
                resend.pop(evse.id, None)

    def _stepped(self, charger: Charger, step: WelcomeStep) -> None:
        """A charger without a safe power is reckoned with at its full power, until it has one."""
        if step.name != "fallback":
            return
        dossier = self.dossiers.of(charger.id)
        safe = dossier is not None and dossier.safe
        self._lobby.diary.alarm_if(step.progress is Progress.REFUSED, "fallback-refused", charger.id, step.detail)
        for evse in charger.evses:
            self._lobby.crew.setpoints.trust(evse, safe=safe)

    # --- what people order ---

    async def obey(self, order: object) -> object:  # noqa: PLR0911 - one line per order
        """Do one order, or show what was asked for."""
        match order:
            case LookAtChargers():
                return await self._look(order)
            case OpenToNewcomers():
                return await self._open(order.minutes)
            case AcceptCharger():
                return await self._accept(order)
            case RefuseCharger():
                return await self._refuse(order.charger)
            case ForgetCharger():
                return await self._forget(order.charger)
            case RenameCharger():
                return await self._rename(order)
            case RestartCharger():
                return await self._order(order.charger, Reset(immediate=order.immediate))
            case AskStatus():
                return await self._ask_status(order.charger)
            case _:
                return Reply(done=False, code="unknown-order", detail=type(order).__name__)

    async def _look(self, order: LookAtChargers) -> ChargersPicture | ChargerPicture | Reply:
        who = order.charger
        if who is None:
            return self.gallery.all(await self._lobby.store.read(lambda _engine: self.newcomers.porch.open_until()))
        row = await self._lobby.store.read(lambda engine: registry.one(engine, who))
        found = self.gallery.one(who, None if row is None else row["profile"])
        return found or Reply(done=False, code="unknown-charger", detail=who)

    async def _open(self, minutes: int) -> Reply:
        if not 0 <= minutes <= MOST_MINUTES:
            return Reply(done=False, code="out-of-range", detail=f"0 to {MOST_MINUTES} min")
        clock, diary = self._lobby.crew.clock, self._lobby.diary
        await self.dossiers.open_until(clock.now() + timedelta(minutes=minutes))
        if minutes:
            diary.note("door-opened", "", f"{minutes} min")
        else:
            diary.note("door-shut", "")
        return Reply(done=True, code="accepted")

    async def _accept(self, order: AcceptCharger) -> Reply:
        """A newcomer becomes part of the station; everything that could speak against it is looked at first."""
        lobby, dossier = self._lobby, self.dossiers.of(order.charger)
        against = self._against(order, dossier)
        if against is not None or dossier is None or dossier.pile is None:
            return Reply(done=False, code=against or "not-waiting", detail=order.charger)
        try:  # first, so that no other takes its room meanwhile
            extend(lobby.crew, lobby.loop, lobby.watch, lobby.portrait, dossier.pile.charger(order.charger))
        except UnsafeStationError as error:
            return Reply(done=False, code="does-not-fit", detail=str(error))
        await self._write_down(order)
        self.newcomers.let_in(order.charger)
        return Reply(done=True, code="accepted")

    def _against(self, order: AcceptCharger, dossier: Dossier | None) -> str | None:
        """Why a newcomer cannot be accepted now; None: it can."""
        guest = self.newcomers.porch.guests.get(order.charger)
        if (
            dossier is None
            or dossier.standing is not Standing.PENDING
            or taken(self._lobby.crew.station, order.charger)
        ):
            return "not-waiting"
        if guest is None or guest.line is None:
            return "charger-left"
        if dossier.pile is None:
            return "still-reading"
        return None if order.seen == self.newcomers.mark(dossier) else "charger-changed"

    async def _write_down(self, order: AcceptCharger) -> None:
        lobby, who = self._lobby, order.charger
        guest = self.newcomers.porch.guests.get(who)
        await self._write(who, guest.said if guest is not None else ())
        await self.dossiers.change(who, lambda before: before and _accepted(before, order.name, self._read_step()))
        await self.newcomers.register(who)
        lobby.diary.note("charger-accepted", who, order.name)

    def _read_step(self) -> WelcomeStep:
        return WelcomeStep(name="read", progress=Progress.DONE, at=self._lobby.crew.clock.now(), tries=1)

    async def _refuse(self, who: ChargerId) -> Reply:
        dossier = self.dossiers.of(who)
        if dossier is None or dossier.standing is not Standing.PENDING:
            return Reply(done=False, code="not-waiting", detail=who)
        await self.dossiers.change(who, lambda before: before and replace(before, standing=Standing.REJECTED))
        self._lobby.diary.note("charger-refused", who)
        self._lobby.spawn(self.newcomers.show_out(who))
        return Reply(done=True, code="accepted")

    async def _forget(self, who: ChargerId) -> Reply:
        """A refused one may knock again; an accepted one loses its right, and its place with the next start."""
        dossier = self.dossiers.of(who)
        joined = dossier is not None and dossier.standing is Standing.ACCEPTED and dossier.pile is not None
        if not joined and who in self._lobby.crew.station.charger_of:
            return Reply(done=False, code="from-file", detail=who)
        if dossier is None:
            return Reply(done=False, code="unknown-charger", detail=who)
        if not joined:
            await self.dossiers.forget(who)
            self.oddities.forget(who)
            return Reply(done=True, code="accepted")
        await self._lobby.secrets.strike(who)
        await self.dossiers.change(who, lambda before: before and replace(before, standing=Standing.AWAY))
        self._lobby.diary.note("charger-removed", who)
        line = self._lobby.crew.chargers.lines.get(who)
        if line is not None:
            await line.close(1008, "this charger has been taken off the station")
        return Reply(done=True, code="accepted")

    async def _rename(self, order: RenameCharger) -> Reply:
        if order.charger not in self._lobby.crew.station.charger_of:
            return Reply(done=False, code="unknown-charger", detail=order.charger)
        now = self._lobby.crew.clock.now()

        def called(before: Dossier | None) -> Dossier:
            dossier = before or Dossier(charger=order.charger, standing=Standing.ACCEPTED, since=now)
            return replace(dossier, name=order.name)

        await self.dossiers.change(order.charger, called)
        return Reply(done=True, code="accepted")

    async def _ask_status(self, who: ChargerId) -> Reply:
        charger = self._lobby.crew.station.charger_of.get(who)
        reply = Reply(done=False, code="unknown-charger", detail=who)
        for evse in charger.evses if charger is not None else ():
            reply = await self._order(who, Trigger(message="StatusNotification", evse=evse.number))
            if not reply.done:
                break
        return reply

    async def _order(self, who: ChargerId, order: Reset | Trigger) -> Reply:
        if who not in self._lobby.crew.station.charger_of:
            return Reply(done=False, code="unknown-charger", detail=who)
        match await self._lobby.crew.chargers.order(who, order):
            case Accepted():
                return Reply(done=True, code="accepted")
            case Refused(reason=reason):
                return Reply(done=False, code="refused", detail=reason)
            case unknown:
                return Reply(done=False, code="unknown", detail=unknown.reason)


def _accepted(before: Dossier, name: str, read: WelcomeStep) -> Dossier:
    return replace(before, standing=Standing.ACCEPTED, name=name, steps=(read,), read_of=_kind(before))


def _kind(dossier: Dossier) -> str:
    """What a device model belongs to."""
    return f"{dossier.plate.model} {dossier.plate.firmware}"[:200]
