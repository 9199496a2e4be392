"""What blocks stand on: the station's crew, its memory, and its diary; and what a block may do besides hearing."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

import msgspec
from sqlalchemy import Engine, select

from voltide.backbone import schema
from voltide.backbone.store import Change, Store, rows
from voltide.domain.messages import ChargerFact, ChargerOrder, OrderResult, Unknown
from voltide.domain.site import ChargerId
from voltide.domain.time import Clock
from voltide.domain.units import Seconds
from voltide.ledger.tariff import Tariff
from voltide.station.blocks.block import Heard, Kept
from voltide.station.diary import Diary
from voltide.station.loop import Crew
from voltide.station.sessions import Turn

T = TypeVar("T")

TURN_S: Seconds = 30.0
"""So long a block's own order waits for its turn on a line that sets outlets first."""
PATIENCE_S: Seconds = 300.0
"""Who has left a call without an answer held up its setpoints; so long nothing that can wait is said to it."""
SOON_S: Seconds = 8.0
"""So long whoever asks for something at many chargers waits for what came of it."""
STATION = ChargerId(":station")
"""Whose are the things that a station keeps for all its chargers; no identity has a colon in it."""


class Numbers:
    """Numbers for requests, larger after each restart, so that a late answer is never taken for another's."""

    def __init__(self, clock: Clock) -> None:
        self._last = int(clock.now().timestamp()) & 0x3FFF_FFFF

    def next(self) -> int:
        """One more."""
        self._last += 1
        return self._last


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What every block is given."""

    crew: Crew
    diary: Diary
    store: Store
    tariff: Tariff
    new_id: Callable[[], str]
    numbers: Numbers
    patience: dict[ChargerId, float] = field(default_factory=dict)
    """Until when (monotonic s) a charger is spared courtesies."""

    @property
    def clock(self) -> Clock:
        """The station's clock."""
        return self.crew.clock

    async def call(self, charger: ChargerId, order: ChargerOrder) -> OrderResult:
        """Order a charger; one that is away is not ordered later."""
        return await self.crew.chargers.order(charger, order, wait_s=TURN_S)

    async def call_all(self, orders: dict[ChargerId, ChargerOrder]) -> dict[ChargerId, OrderResult]:
        """Order several chargers at once; who has not answered soon goes on, and is unknown to the one who asks."""
        results: dict[ChargerId, OrderResult] = {}
        done = asyncio.Event()

        async def one(charger: ChargerId, order: ChargerOrder) -> None:
            results[charger] = await self.call(charger, order)
            if len(results) == len(orders):
                done.set()

        for charger, order in orders.items():
            self.crew.chargers.spawn(one(charger, order))
        with suppress(TimeoutError):
            async with asyncio.timeout(SOON_S if orders else 0.0):
                await done.wait()
        return {charger: results.get(charger, Unknown(reason="no answer in time")) for charger in orders}

    def idle(self, charger: ChargerId) -> bool:
        """Whether a courtesy would hold up nothing: the line is quiet, and its charger has answered of late."""
        line = self.crew.chargers.lines.get(charger)
        quiet_s = self.patience.get(charger, 0.0)
        return line is not None and not line.connection.waiting and self.clock.monotonic() >= quiet_s

    def watch(self) -> None:
        """Once a second: who has left a call without an answer is spared courtesies for a while."""
        for charger, line in self.crew.chargers.lines.items():
            if line.unanswered:
                line.unanswered = 0
                self.patience[charger] = self.clock.monotonic() + PATIENCE_S

    def online(self) -> list[ChargerId]:
        """The chargers on the line."""
        return list(self.crew.chargers.lines)

    async def keep(self, charger: ChargerId, *kept: Kept) -> None:
        """Write what a block keeps that no message of a charger has told."""
        change, now = Change(), self.clock.now()
        for one in kept:
            one.write(change, charger, now)
        await self.store.commit(change)

    async def kept(self, kind: str, of: type[T]) -> list[tuple[ChargerId, str, T]]:
        """Everything that was kept of a kind, by charger and key; what cannot be read any more is left out."""
        return await self.store.read(lambda engine: kept(engine, kind, of))


def kept(engine: Engine, kind: str, of: type[T]) -> list[tuple[ChargerId, str, T]]:
    """Everything that was kept of a kind, by charger and key."""
    table, decoder = schema.told, msgspec.json.Decoder(of)
    query = select(table.c.charger, table.c.key, table.c.body).where(table.c.kind == kind).order_by(table.c.at)
    found: list[tuple[ChargerId, str, T]] = []
    for row in rows(engine, query):
        try:
            found.append((ChargerId(row["charger"]), row["key"], decoder.decode(row["body"])))
        except msgspec.ValidationError:
            continue  # an earlier version's word
    return found


class Rounds(Protocol):
    """What a block may do besides hearing. One that does not need a thing leaves it as it is in ``Quiet``."""

    async def load(self) -> None:
        """Take up what an earlier process has kept, before the first charger comes."""
        ...

    async def greet(self, charger: ChargerId) -> None:
        """A charger has come, or come back: give it what it should have."""
        ...

    def heard(self, charger: ChargerId, fact: ChargerFact, turn: Turn) -> None:
        """Any charger's fact is on the disk."""
        ...

    def left(self, charger: ChargerId) -> None:
        """A charger's line is lost."""
        ...

    async def look(self) -> None:
        """Once a second: what the clock alone brings about. It must not wait for a charger."""
        ...


class Quiet:
    """A block that does nothing of its own accord."""

    async def load(self) -> None:
        """Nothing was kept."""

    async def greet(self, charger: ChargerId) -> None:
        """Nothing to give."""

    def heard(self, charger: ChargerId, fact: ChargerFact, turn: Turn) -> None:
        """Not its matter."""

    def left(self, charger: ChargerId) -> None:
        """Not its matter."""

    async def look(self) -> None:
        """Nothing is due."""


class Silent(Quiet):
    """A block that no charger tells anything of its own."""

    @property
    def hears(self) -> tuple[type, ...]:
        """Nothing."""
        return ()

    async def hear(self, charger: ChargerId, fact: Any, now: datetime) -> Heard:
        """Never called."""
        raise TypeError(f"{type(self).__name__} hears nothing: {charger} {fact!r} at {now}")

    def told(self, charger: ChargerId, fact: Any) -> None:
        """Never called."""
        raise TypeError(f"{type(self).__name__} hears nothing: {charger} {fact!r}")


class Keys:
    """Names that chargers give to what is kept, so many at most for each: a flood of names fills no disk."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[ChargerId, set[str]] = {}

    def of(self, charger: ChargerId, name: str) -> str:
        """The key of a name; from ``most`` on all share one."""
        known = self._known.setdefault(charger, set())
        if name not in known and len(known) >= self._most:
            return "…"
        known.add(name)
        return name


def evse_name(charger: ChargerId, number: int | None) -> str:
    """An outlet as people know it; the charger itself where there is no number."""
    return f"{charger}-{number}" if number else charger


def body(what: Any) -> str:
    """A word as the store keeps it."""
    return msgspec.json.encode(what).decode()
