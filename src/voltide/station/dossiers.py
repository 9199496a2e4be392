"""The book of dossiers: one row per charger, and one for the door itself. What it says is on the disk."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from weakref import WeakValueDictionary

import msgspec
from sqlalchemy import Engine, delete, select

from voltide.backbone import registry, schema
from voltide.backbone.store import Change, Row, Store, rows
from voltide.domain.dossier import Dossier, Progress, Standing, WelcomeStep
from voltide.domain.site import ChargerId
from voltide.domain.time import millis, moment

DOOR = "/newcomers"
"""No identity has a slash in it, so this row is the door's own: until when it stands open to newcomers."""

_body = msgspec.json.Encoder()
_dossier = msgspec.json.Decoder(Dossier)


class Dossiers:
    """Every dossier, in memory and on the disk."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[ChargerId, Dossier] = {}
        self._writing: WeakValueDictionary[ChargerId, asyncio.Lock] = WeakValueDictionary()

    def load(self, found: list[Dossier]) -> None:
        """Take up where an earlier process stopped."""
        self._known = {dossier.charger: dossier for dossier in found}

    def of(self, charger: ChargerId) -> Dossier | None:
        """One charger's; None: it was never here."""
        return self._known.get(charger)

    def all(self) -> list[Dossier]:
        """Every one, the oldest first."""
        return sorted(self._known.values(), key=lambda dossier: (dossier.since, dossier.charger))

    async def change(self, charger: ChargerId, how: Callable[[Dossier | None], Dossier | None]) -> Dossier | None:
        """A dossier's next state; it is true once it is on the disk. None from ``how`` leaves all as it is."""
        async with self._turn(charger):
            before = self._known.get(charger)
            after = how(before)
            if after is None or after == before:
                return before
            change = Change()
            change.add(schema.dossiers, row(after))
            await self._store.commit(change)
            self._known[charger] = after
            return after

    async def step(self, charger: ChargerId, step: WelcomeStep) -> None:
        """How far one step of a welcome has come."""
        await self.change(charger, lambda before: None if before is None else stepped(before, step))

    async def forget(self, charger: ChargerId) -> None:
        """As if it had never knocked."""
        async with self._turn(charger):
            await self._store.read(lambda engine: drop(engine, charger))
            self._known.pop(charger, None)

    def _turn(self, charger: ChargerId) -> asyncio.Lock:
        """One change of a dossier after the other; those of different chargers reach the disk together."""
        return self._writing.setdefault(charger, asyncio.Lock())

    async def open_until(self, until: datetime) -> None:
        """Open the door to newcomers, or shut it (a moment that has passed)."""
        await self._store.read(lambda engine: open_door(engine, until))

    def door(self) -> datetime | None:
        """Until when it stands open; asked of the disk, for another process may have opened it."""
        return door(self._store.engine)


def stepped(dossier: Dossier, step: WelcomeStep) -> Dossier:
    """The dossier with one step in its new state, in the place that it had."""
    names = [one.name for one in dossier.steps]
    if step.name == "fallback" and step.progress is Progress.DONE:
        dossier = replace(dossier, safe=True)
    if step.name not in names:
        return replace(dossier, steps=(*dossier.steps, step))
    return replace(dossier, steps=tuple(step if one.name == step.name else one for one in dossier.steps))


def step_of(dossier: Dossier, name: str) -> WelcomeStep:
    """One step; one that was never begun waits."""
    return next((one for one in dossier.steps if one.name == name), WelcomeStep(name=name))


def settled(dossier: Dossier, name: str) -> bool:
    """Whether a step is done, or needs not be."""
    return step_of(dossier, name).progress in {Progress.DONE, Progress.SKIPPED}


def row(dossier: Dossier) -> Row:
    """As the table has it."""
    return {
        "charger": dossier.charger,
        "standing": dossier.standing.value,
        "name": dossier.name[:64],
        "since": millis(dossier.since),
        "body": _body.encode(dossier).decode(),
    }


def all_of(engine: Engine) -> list[Dossier]:
    """Every dossier on the disk. Who was accepted here and may connect no longer is away."""
    table = schema.dossiers
    found = rows(engine, select(table.c.body).where(table.c.charger != DOOR).order_by(table.c.charger))
    registered = {row["id"] for row in registry.all_of(engine)}
    return [_known(_dossier.decode(one["body"]), registered) for one in found]


def _known(dossier: Dossier, registered: set[str]) -> Dossier:
    joined = dossier.standing is Standing.ACCEPTED and dossier.pile is not None
    return replace(dossier, standing=Standing.AWAY) if joined and dossier.charger not in registered else dossier


def drop(engine: Engine, charger: str) -> bool:
    """Remove a row; False when there was none."""
    with engine.begin() as connection:
        return connection.execute(delete(schema.dossiers).where(schema.dossiers.c.charger == charger)).rowcount > 0


def open_door(engine: Engine, until: datetime) -> None:
    """Let newcomers in until then. Works beside a running station."""
    table = schema.dossiers
    with engine.begin() as connection:
        connection.execute(delete(table).where(table.c.charger == DOOR))
        values = {"charger": DOOR, "standing": "open", "name": "", "since": millis(until), "body": "{}"}
        connection.execute(table.insert().values(**values))


def door(engine: Engine) -> datetime | None:
    """Until when newcomers are let in; None: nobody ever said."""
    table = schema.dossiers
    found = rows(engine, select(table.c.since).where(table.c.charger == DOOR))
    return moment(found[0]["since"]) if found else None
