"""What an operator wants done at a charger that may be away: kept on the disk, done when the charger is on its line.

A wish is one row, and the newest of its kind counts. It is tried until it is done or has failed; either stands in the
row, the security log and the diary. Setpoints never wait here: what is decided for this second is worth nothing later.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol, TypeAlias

import msgspec
import structlog

from voltide.backbone import registry
from voltide.backbone.store import Change, Row, Store
from voltide.domain.messages import ChargerOrder, Json, OrderResult
from voltide.domain.site import ChargerId, OcppVersion
from voltide.domain.time import Clock, moment
from voltide.station.blocks.block import Noticed
from voltide.station.chargers import Chargers
from voltide.station.diary import Diary

log = structlog.get_logger()

AT_ONCE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """It is."""

    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Something else must happen first; it is tried again."""

    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """It will not be; a person must see why."""

    detail: str


Outcome: TypeAlias = Done | Waits | Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One wish, and the charger that is on its line (``version``), or is not (None)."""

    charger: ChargerId
    what: str
    body: Json
    since: datetime
    state: str
    version: OcppVersion | None
    came: datetime | None
    """When it came in last, while this process runs."""
    say: Callable[[ChargerOrder], Awaitable[OrderResult]]


class Doer(Protocol):
    """Does one kind of errand."""

    async def do(self, errand: Errand, now: datetime) -> Outcome:
        """As far as it goes now. It is called again, for a charger that is away as well, while it waits."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Comings:
    """What time it is, and when each charger came in last."""

    clock: Clock
    came: Callable[[ChargerId], datetime | None]


class Errands:
    """Goes on them."""

    def __init__(
        self, doers: Mapping[str, Doer], chargers: Chargers, store: Store, diary: Diary, comings: Comings
    ) -> None:
        self._doers = doers
        self._chargers = chargers
        self._store = store
        self._diary = diary
        self._comings = comings

    async def look(self) -> None:
        """Every one that is not done, a number of them at a time; one that goes wrong does not stop the others."""
        waiting = await self._store.read(registry.wanted)
        gate = asyncio.Semaphore(AT_ONCE)

        async def go(row: Row) -> None:
            async with gate:
                await self._go(row)

        await asyncio.gather(*(go(row) for row in waiting if row["what"] in self._doers))

    async def _go(self, row: Row) -> None:
        charger = ChargerId(row["charger"])
        line = self._chargers.lines.get(charger)
        if line is None and row["state"] == "waiting":
            return
        errand = Errand(
            charger=charger,
            what=row["what"],
            body=msgspec.json.decode(row["body"], type=dict[str, object]),
            since=moment(row["at"]),
            state=row["state"],
            version=None if line is None else line.version,
            came=self._comings.came(charger),
            say=partial(self._chargers.order, charger),
        )
        try:
            outcome = await self._doers[row["what"]].do(errand, self._comings.clock.now())
        except Exception as error:
            log.exception("errand.failed", charger=charger, what=row["what"])
            outcome = Failed(detail=f"it went wrong here: {type(error).__name__}")
        await self._write(row, outcome)

    async def _write(self, row: Row, outcome: Outcome) -> None:
        state = {Done: "done", Waits: "begun", Failed: "failed"}[type(outcome)]
        if (state, outcome.detail) == (row["state"], row["detail"]):
            return
        await self._store.read(lambda engine: registry.mark(engine, row, state, outcome.detail))
        if state == "begun":
            return
        charger, what = ChargerId(row["charger"]), row["what"]
        self._diary.note("errand", charger, f"{what} {state} {outcome.detail}".strip())
        self._diary.alarm_if(isinstance(outcome, Failed), "errand-failed", charger, f"{what}: {outcome.detail}")
        change = Change()
        Noticed(kind=f"{what}-{state}", detail=outcome.detail).write(change, charger, self._comings.clock.now())
        await self._store.commit(change)
