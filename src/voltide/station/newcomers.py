"""Newcomers: chargers that nobody has announced. They may come in while an operator has the door open to them.

A newcomer is held in Pending: it is asked what it is, and nothing it says is acted on. It may not charge, it gets no
setpoint, and nothing is kept of it but its dossier. Once an operator has accepted it, it is told its safe power, how to
measure, and a secret of its own, while it still cannot charge; then it is let in, on the line that it is on.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b

import structlog

from voltide.domain.dossier import Dossier, Nameplate, Progress, Shield, Standing
from voltide.domain.messages import (
    Accepted,
    Boot,
    Booted,
    GetReport,
    GetVariables,
    Noted,
    Trigger,
    Variable,
    VariablesTold,
    Welcome,
)
from voltide.domain.site import Charger, ChargerId, OcppVersion
from voltide.domain.time import Clock
from voltide.ocpp import inventory
from voltide.ocpp.dialect import dialect
from voltide.ocpp.events import Called, Streamed
from voltide.ocpp.faults import ErrorCode
from voltide.ocpp.gate import may_hear
from voltide.station.chargers import Chargers, close_quietly
from voltide.station.dossiers import Dossiers, settled
from voltide.station.line import Line, Wire
from voltide.station.makers import Makers
from voltide.station.oddities import Oddities
from voltide.station.onboarding import Onboarding
from voltide.station.porch import MOST, Guest, Porch
from voltide.station.secrets import Secrets

log = structlog.get_logger()

PENDING_S = 5
"""How soon a newcomer is to ask again whether it may come in."""
SHY_S = 3.0
"""A newcomer that has not said who it is by then is asked."""
READ_S = 20.0
"""How long its report on itself may take."""
MOST_VARIABLES = 5_000

_PREPARED = ("fallback", "metering", "line")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hall:
    """What the newcomers' keeper works with."""

    clock: Clock
    new_id: Callable[[], str]
    chargers: Chargers
    dossiers: Dossiers
    onboarding: Onboarding
    secrets: Secrets
    spawn: Callable[[Awaitable[None]], None]
    makers: Makers
    oddities: Oddities


def plate_of(fact: Booted) -> Nameplate:
    """Who a charger says it is, within bounds."""
    return Nameplate(
        vendor=fact.vendor[:50],
        model=fact.model[:50],
        serial=(fact.serial or "")[:50],
        firmware=(fact.firmware or "")[:50],
    )


class Newcomers:
    """Keeps those who wait."""

    def __init__(self, hall: Hall, porch: Porch) -> None:
        self._hall = hall
        self.porch = porch

    # --- on the line ---

    def holds(self, identity: ChargerId) -> bool:
        """Whether a charger that comes in is still to be held here."""
        dossier = self._hall.dossiers.of(identity)
        if dossier is None or dossier.standing is not Standing.ACCEPTED:
            return identity in self.porch.guests
        return dossier.pile is not None and not settled(dossier, "boot")

    async def receive(self, identity: ChargerId, version: OcppVersion, wire: Wire) -> None:
        """Hold a newcomer until its line is lost; when it is accepted meanwhile, it stays on this line."""
        hall = self._hall
        guest = self.porch.guests.get(identity) or self.porch.returned(identity)
        line = Line(Charger(id=identity, evses=()), version, wire, hall.clock, hall.new_id)
        old, guest.line, guest.inside, guest.prepared = guest.line, line, False, False
        line.odd = partial(hall.oddities.note, identity)
        log.info("newcomer.online", charger=identity, version=version.value, address=guest.address)
        try:
            async with asyncio.TaskGroup() as tasks:
                if old is not None:
                    tasks.create_task(close_quietly(old))
                greeting = tasks.create_task(self._greet(guest, line))
                await line.run(self._heard)
                greeting.cancel()
        finally:
            if guest.line is line:
                guest.line = None
            hall.chargers.lose(line)
            log.info("newcomer.offline", charger=identity)

    async def _greet(self, guest: Guest, line: Line) -> None:
        """Who was accepted is told the rest; who does not say who it is, is asked."""
        dossier = self._hall.dossiers.of(line.charger.id)
        if dossier is not None and dossier.standing is Standing.ACCEPTED:
            await self._prepare(guest, line)
            return
        await asyncio.sleep(SHY_S)
        if dossier is None:
            await line.order(Trigger(message="BootNotification"))

    async def _heard(self, line: Line, heard: Called | Streamed) -> None:
        """A newcomer may say who and what it is; everything else is refused until it is let in."""
        guest = self.porch.guests[line.charger.id]
        if guest.inside:
            await self._hall.chargers.heard(line, heard)
            return
        if isinstance(heard, Streamed):
            return
        now = self._hall.clock.now()
        fact = line.dialect.hear(heard.action, heard.request, now)
        if isinstance(fact, Booted):
            await self._booted(guest, line, heard, fact)
        elif isinstance(fact, VariablesTold) and may_hear(self._verdict(line.charger.id), heard.action):
            guest.said += fact.variables[: max(0, MOST_VARIABLES - len(guest.said))]
            line.connection.answer(heard.id, line.dialect.reply(heard.action, heard.request, Noted(), now))
            if not fact.more:
                guest.told.set()
        else:
            line.connection.refuse(heard.id, ErrorCode.SECURITY_ERROR, "This charger has not been accepted yet.")

    async def _booted(self, guest: Guest, line: Line, heard: Called, fact: Booted) -> None:
        hall, who = self._hall, line.charger.id
        dossier = hall.dossiers.of(who)
        if dossier is not None and dossier.standing is Standing.ACCEPTED and guest.prepared:
            guest.inside = True
            old = hall.chargers.take(line)
            if old is not None:
                hall.spawn(close_quietly(old))
            await hall.chargers.heard(line, heard)
            return
        verdict = self._verdict(who)
        if verdict is Boot.PENDING and (dossier is None or dossier.standing is not Standing.ACCEPTED):
            await self._meet(guest, line, fact)
        answer = Welcome(verdict=verdict, now=hall.clock.now(), interval_s=PENDING_S)
        said = line.dialect.reply(heard.action, heard.request, answer, hall.clock.now())
        line.connection.answer(heard.id, said)

    def _verdict(self, who: ChargerId) -> Boot:
        """What a charger is told that is not let in yet; who was accepted waits until it has been told the rest."""
        dossier = self._hall.dossiers.of(who)
        rejected = dossier is not None and dossier.standing is Standing.REJECTED
        return Boot.REJECTED if rejected else Boot.PENDING

    async def _meet(self, guest: Guest, line: Line, fact: Booted) -> None:
        """Write down who it says it is; the first time, ask what it is."""
        hall, who = self._hall, line.charger.id
        plate = plate_of(fact)
        line.manner = hall.makers.manner(plate, line.version)
        hall.oddities.made_by(who, plate.vendor)

        def met(before: Dossier | None) -> Dossier:
            known = Dossier(charger=who, standing=Standing.PENDING, since=hall.clock.now())
            if before is not None and before.standing is Standing.PENDING:
                known = before
            if known.plate != plate:
                known = replace(known, pile=None)
            return replace(
                known,
                plate=plate,
                quirks=hall.makers.traits(plate).names,
                version=line.version,
                profile=guest.profile,
                address=guest.address,
            )

        dossier = await hall.dossiers.change(who, met)
        await self._make_room()
        if dossier is not None and dossier.pile is None and not guest.reading:
            guest.reading = True
            hall.spawn(self._read(guest, line))

    async def _make_room(self) -> None:
        """No more dossiers wait than chargers may; the oldest of those who have left goes first."""
        waiting = [one for one in self._hall.dossiers.all() if one.standing is Standing.PENDING]
        for one in waiting[: max(0, len(waiting) - MOST)]:
            guest = self.porch.guests.get(one.charger)
            if guest is None or guest.line is None:
                await self._hall.dossiers.forget(one.charger)

    # --- what it is ---

    async def _read(self, guest: Guest, line: Line) -> None:
        """Ask a newcomer what it is, while it waits."""
        hall, who = self._hall, line.charger.id
        guest.said, guest.told = [], asyncio.Event()
        try:
            await self._ask(guest, line)
            dossier = hall.dossiers.of(who)
            hints = hall.makers.traits(dossier.plate).hints if dossier is not None else None
            pile = inventory.pile(line.version, guest.said, hints)
            if self.porch.guests.get(who) is guest and guest.line is line:
                await hall.dossiers.change(who, lambda before: before and replace(before, pile=before.pile or pile))
        finally:
            guest.reading = False

    async def _ask(self, guest: Guest, line: Line) -> None:
        if line.version is OcppVersion.V16:
            result = await line.order(GetVariables())
        else:
            result = await line.order(GetReport(request_id=1))
            if isinstance(result, Accepted):
                try:
                    async with asyncio.timeout(READ_S):
                        await guest.told.wait()
                except TimeoutError:
                    log.info("newcomer.report_unfinished", charger=line.charger.id, variables=len(guest.said))
                return
            wanted = tuple(Variable(component=component, name=name, value=None) for component, name in inventory.WANTED)
            result = await line.order(GetVariables(variables=wanted))
        guest.said += inventory.answered(getattr(result, "detail", {}))

    # --- what an operator says ---

    def mark(self, dossier: Dossier) -> str:
        """Of all that an operator sees of a newcomer, and of its secret: another charger has another one."""
        guest = self.porch.guests.get(dossier.charger)
        seen = (dossier.charger, dossier.plate, dossier.pile, guest.mac if guest is not None else "")
        return blake2b(repr(seen).encode(), digest_size=12).hexdigest()

    def reading(self, dossier: Dossier) -> bool:
        """Whether a newcomer is still being asked what it is."""
        return dossier.standing is Standing.PENDING and dossier.pile is None

    async def register(self, charger: ChargerId) -> None:
        """An operator has accepted it: the secret that it came with opens the door from now on."""
        guest = self.porch.guests[charger]
        await self._hall.secrets.register(charger, guest.mac, guest.profile)

    def let_in(self, charger: ChargerId) -> None:
        """It is part of the station: tell it all that it must know, then let it in."""
        guest = self.porch.guests.get(charger)
        if guest is not None and guest.line is not None:
            self._hall.spawn(self._prepare(guest, guest.line))

    async def show_out(self, charger: ChargerId) -> None:
        """It was refused: when it asks next, it is told so; then its line is closed."""
        guest = self.porch.guests.get(charger)
        line = guest.line if guest is not None else None
        if line is not None:
            await asyncio.sleep(PENDING_S + 1.0)
            await close_quietly(line)
        self.porch.guests.pop(charger, None)

    # --- before it is let in ---

    async def _prepare(self, guest: Guest, line: Line) -> None:
        """While it cannot charge: its safe power, how to measure, its secret. What it refuses is told again later."""
        hall, who = self._hall, line.charger.id
        dossier = hall.dossiers.of(who)
        if dossier is None or dossier.pile is None or guest.line is not line:
            return
        line.charger = dossier.pile.charger(who)
        line.manner = hall.makers.manner(dossier.plate, line.version)
        line.dialect = dialect(line.version, line.charger)
        if not dossier.pile.steered:
            await hall.onboarding.note(line.charger, "fallback", Progress.SKIPPED, "it takes no charging profiles")
            dossier = hall.dossiers.of(who) or dossier
        names = [name for name in _PREPARED if not settled(dossier, name)]
        if not await hall.onboarding.run(line, names) or not await self._give_secret(guest, line):
            return
        guest.prepared = True
        await line.order(Trigger(message="BootNotification"))

    async def _give_secret(self, guest: Guest, line: Line) -> bool:
        """A secret of its own; False when the line was lost over it."""
        hall, who = self._hall, line.charger.id
        dossier = hall.dossiers.of(who)
        if dossier is None or settled(dossier, "secret") or (not guest.inside and hall.secrets.promised(who)):
            return True  # where a line was lost over it, how it comes in the next time tells whether it was taken
        if guest.profile == 0:
            await self._shielded(line.charger, Shield.NONE, "it came by the door that asks for none")
            return True
        result = await hall.secrets.renew(who, line.order)
        if isinstance(result, Accepted):
            await self._shielded(line.charger, Shield.GIVEN, "")
        elif guest.line is not line or result.reason in {"the line was lost", "NotSent"}:
            return False
        else:
            await self._shielded(line.charger, Shield.OWN if guest.strong else Shield.NONE, result.reason)
        return True

    async def settle_secret(self, line: Line) -> None:
        """A charger that lost its line over its new secret is in: look which one it came with, else make another."""
        hall, who = self._hall, line.charger.id
        dossier, guest = hall.dossiers.of(who), self.porch.guests.get(who)
        if dossier is None or guest is None or settled(dossier, "secret"):
            return
        await asyncio.sleep(SHY_S)
        if await hall.secrets.came_with_it(who):
            await self._shielded(line.charger, Shield.GIVEN, "")
        else:
            await self._give_secret(guest, line)

    async def _shielded(self, charger: Charger, shield: Shield, why: str) -> None:
        await self._hall.dossiers.change(charger.id, lambda before: before and replace(before, shield=shield))
        progress = Progress.DONE if shield is Shield.GIVEN else Progress.SKIPPED
        await self._hall.onboarding.note(charger, "secret", progress, why)
