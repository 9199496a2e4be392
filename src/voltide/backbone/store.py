"""A station's memory. A change is one transaction; waiting for ``commit`` is waiting for the disk.

Group commit: all changes that wait while the disk is busy are written together by one writer, so many chargers share
one flush. A change is written whole or not at all, and in the order in which it was handed in.
"""

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeAlias, TypeVar

import msgspec
from sqlalchemy import Engine, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.schema import Table

from voltide.backbone import schema
from voltide.domain.picture import Minute
from voltide.domain.time import millis

Row: TypeAlias = dict[str, Any]
T = TypeVar("T")

_INSERT_ONCE = (schema.charger_messages, schema.facts, schema.postings, schema.security_log)
_UPSERT = (
    schema.sessions,
    schema.readings,
    schema.variables,
    schema.minutes,
    schema.certificates,
    schema.dossiers,
    schema.told,
)


@dataclass(slots=True)
class Change:
    """Rows to be written together, by table. ``facts`` rows are the outbox too."""

    rows: dict[str, list[Row]] = field(default_factory=dict)

    def add(self, table: Table, row: Row) -> None:
        """One more row."""
        self.rows.setdefault(table.name, []).append(row)


class Store:
    """SQLite today, PostgreSQL by the same statements. Use it as an async context."""

    def __init__(self, engine: Engine, *, inline: bool = False) -> None:
        """``inline``: write on the caller's own thread, for simulated time where no real thread may be waited for."""
        self.engine = engine
        self._statements = {table.name: self._statement(table) for table in (*_INSERT_ONCE, *_UPSERT)}
        self._waiting: list[tuple[Change, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._thread = None if inline else ThreadPoolExecutor(1, thread_name_prefix="store")
        self._tasks = asyncio.TaskGroup()
        self._closing = False
        self.commits = 0
        self.facts = 0
        """How many facts have been written since the store was opened; a relay looks when it has grown."""

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._tasks.create_task(self._write_until_closed(), name="store writer")
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._closing = True  # the writer ends when nothing waits any more
        self._wake.set()
        await self._tasks.__aexit__(None, None, None)
        if self._thread is not None:
            self._thread.shutdown()
        self.engine.dispose()

    async def commit(self, change: Change) -> None:
        """Write a change; returns when it would survive the process. Raises what the database raises."""
        if not change.rows:
            return
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((change, done))
        self._wake.set()
        await done

    async def read(self, question: Callable[[Engine], T]) -> T:
        """Ask on the store's own thread, so that no page ever holds up the second."""
        if self._thread is None:
            return question(self.engine)
        return await asyncio.get_running_loop().run_in_executor(None, question, self.engine)

    async def minutes(self, since: datetime, until: datetime) -> list[Minute]:
        """The history of a span, minute by minute."""
        table = schema.minutes
        query = select(table.c.body).where(table.c.at >= millis(since), table.c.at < millis(until)).order_by(table.c.at)
        decoder = msgspec.json.Decoder(Minute)
        bodies = await self.read(lambda engine: rows(engine, query))
        return [decoder.decode(row["body"]) for row in bodies]

    async def unsent(self, limit: int = 500) -> list[Row]:
        """The oldest facts that have not been published yet."""
        table = schema.facts
        query = select(table).where(table.c.sent.is_(False)).order_by(table.c.id).limit(limit)
        return await self.read(lambda engine: rows(engine, query))

    async def mark_sent(self, ids: Iterable[int]) -> None:
        """These facts have been published."""
        statement = update(schema.facts).where(schema.facts.c.id.in_(list(ids))).values(sent=True)
        await self._run(lambda: self._execute(statement))

    async def prune(self, before: datetime) -> None:
        """Forget raw messages and published facts older than a moment; sessions, readings and postings stay."""
        old = millis(before)
        messages, facts = schema.charger_messages, schema.facts
        await self._run(lambda: self._execute(delete(messages).where(messages.c.received_at < old)))
        await self._run(lambda: self._execute(delete(facts).where(facts.c.at < old, facts.c.sent.is_(True))))

    async def _write_until_closed(self) -> None:
        while self._waiting or not self._closing:
            if not self._waiting:
                self._wake.clear()
                await self._wake.wait()
                continue
            batch, self._waiting = self._waiting, []
            if not await self._write_together(batch):
                for one in batch:  # a change that cannot be written fails alone, not its neighbours
                    await self._write_together([one])

    async def _write_together(self, batch: list[tuple[Change, asyncio.Future[None]]]) -> bool:
        """Write and tell the waiters; False, and nobody was told, when several together could not be written."""
        try:
            await self._run(partial(self._write, [change for change, _ in batch]))
        except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it is
            if len(batch) > 1:
                return False
            if not batch[0][1].done():
                batch[0][1].set_exception(error)
            return True
        for _, done in batch:
            if not done.done():
                done.set_result(None)
        return True

    async def _run(self, work: Callable[[], None]) -> None:
        if self._thread is None:
            work()
        else:
            await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _write(self, changes: list[Change]) -> None:
        together: dict[str, list[Row]] = {}
        for change in changes:
            for table, more in change.rows.items():
                together.setdefault(table, []).extend(more)
        raw = self.engine.raw_connection()  # the driver's own: these statements are compiled already
        try:
            cursor = raw.cursor()
            cursor.execute("BEGIN IMMEDIATE" if self.engine.dialect.name == "sqlite" else "BEGIN")
            for table, (sql, columns, fill) in self._statements.items():
                if waiting := together.get(table):
                    cursor.executemany(sql, [[row.get(name, fill.get(name)) for name in columns] for row in waiting])
            raw.commit()
        finally:
            raw.close()  # back to the pool, which rolls back what was not committed
        self.commits += 1
        self.facts += len(together.get(schema.facts.name, ()))

    def _execute(self, statement: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(statement)

    def _statement(self, table: Table) -> tuple[str, tuple[str, ...], Row]:
        """The table's insert, compiled once: a row of a known shape costs no more than its driver does."""
        dialect = postgresql if self.engine.dialect.name == "postgresql" else sqlite
        insert = dialect.insert(table)
        if table in _UPSERT:
            keys = [column.name for column in table.primary_key.columns]
            rest = {c.name: insert.excluded[c.name] for c in table.columns if c.name not in keys}
            insert = insert.on_conflict_do_update(index_elements=keys, set_=rest)
        else:
            insert = insert.on_conflict_do_nothing()
        columns = tuple(c.name for c in table.columns if not (c.primary_key and c.autoincrement is True))
        compiled = insert.compile(dialect=self.engine.dialect, column_keys=list(columns))
        fill: Row = {"sent": False} if table is schema.facts else {}
        return str(compiled), tuple(compiled.positiontup or columns), fill


def rows(engine: Engine, query: Any) -> list[Row]:
    """All rows of a question, as dictionaries."""
    with engine.connect().execution_options(reading=True) as connection:
        return [dict(row) for row in connection.execute(query).mappings()]
