import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.sql.schema import Table

from voltide.backbone import schema
from voltide.backbone.database import open_database
from voltide.backbone.store import Change, Row, Store, rows
from voltide.domain.picture import Minute
from voltide.domain.time import millis

NOON = datetime(2026, 4, 15, 4, tzinfo=UTC)


def with_a_store(folder: Path, check: Callable[[Store], Awaitable[None]], *, inline: bool = False) -> None:
    async def whole() -> None:
        async with Store(open_database(f"sqlite:///{folder / 'station.db'}"), inline=inline) as store:
            await check(store)

    asyncio.run(whole())


def change(*parts: tuple[Table, Row]) -> Change:
    made = Change()
    for table, row in parts:
        made.add(table, row)
    return made


def message(number: int, when: datetime = NOON) -> tuple[Table, Row]:
    return schema.charger_messages, {
        "charger": "V01", "message_id": str(number), "action": "Heartbeat", "digest": "00", "received_at": millis(when),
        "payload": "{}", "answer": "{}",
    }  # fmt: skip


def fact(key: str, when: datetime = NOON) -> tuple[Table, Row]:
    return schema.facts, {"key": key, "subject": "station.a.fact", "body": "{}", "at": millis(when)}


def posting(account: str, fen: int, kind: str = "energy") -> tuple[Table, Row]:
    return schema.postings, {
        "batch": "session:s", "account": account, "amount_fen": fen, "kind": kind, "source": "s", "at": millis(NOON)
    }  # fmt: skip


def session(name: str, transaction: str = "t", phase: str = "charging") -> tuple[Table, Row]:
    return schema.sessions, {
        "id": name, "charger": "V01", "evse": "V01-1", "transaction_id": transaction, "phase": phase,
        "started_at": millis(NOON), "ended_at": None, "body": "{}",
    }  # fmt: skip


def reading(import_mwh: int | None, export_mwh: int | None = None, name: str = "s") -> tuple[Table, Row]:
    row = {"session": name, "seq": 0, "at": millis(NOON), "import_mwh": import_mwh, "export_mwh": export_mwh}
    return schema.readings, row


ABSURD = reading(10**30)
"""No database keeps such a number."""


def count(engine: Engine, table: Table) -> int:
    return int(rows(engine, select(func.count().label("n")).select_from(table))[0]["n"])


@pytest.mark.parametrize("inline", [False, True])
def test_a_change_is_written_whole_or_not_at_all(tmp_path: Path, *, inline: bool):
    async def check(store: Store) -> None:
        with pytest.raises(OverflowError):
            await store.commit(change(message(1), fact("a"), session("s"), ABSURD))
        assert not any(count(store.engine, table) for table in schema.metadata.sorted_tables)
        await store.commit(change(message(1), fact("a"), session("s"), reading(5)))
        assert count(store.engine, schema.charger_messages) == 1
        assert count(store.engine, schema.readings) == 1

    with_a_store(tmp_path, check, inline=inline)


def test_a_change_that_cannot_be_written_fails_alone_and_not_its_neighbours(tmp_path: Path):
    async def check(store: Store) -> None:
        changes = [change(message(n), fact(str(n)), *([ABSURD] if n == 7 else [])) for n in range(20)]
        results = await asyncio.gather(*map(store.commit, changes), return_exceptions=True)
        assert [n for n, result in enumerate(results) if result is not None] == [7]
        assert isinstance(results[7], OverflowError)
        kept = [row["message_id"] for row in rows(store.engine, schema.charger_messages.select())]
        assert kept == [str(n) for n in range(20) if n != 7]
        assert store.facts == 19

    with_a_store(tmp_path, check)


def test_many_changes_share_a_flush(tmp_path: Path):
    async def check(store: Store) -> None:
        await asyncio.gather(*[store.commit(change(message(n))) for n in range(200)])
        assert store.commits <= 2
        ids = [row["message_id"] for row in rows(store.engine, schema.charger_messages.select())]
        assert ids == [str(n) for n in range(200)]

    with_a_store(tmp_path, check)


def test_what_comes_twice_is_written_once(tmp_path: Path):
    async def check(store: Store) -> None:
        whole = change(message(1), fact("a"), posting("driver:x", -5), posting("operator:energy", 5))
        for _ in range(3):
            await store.commit(whole)
        assert count(store.engine, schema.charger_messages) == 1
        assert count(store.engine, schema.facts) == 1
        assert count(store.engine, schema.postings) == 2

    with_a_store(tmp_path, check)


def test_fifty_who_settle_at_once_post_once(tmp_path: Path):
    async def check(store: Store) -> None:
        legs = change(posting("driver:x", -5), posting("operator:energy", 5))
        await asyncio.gather(*[store.commit(legs) for _ in range(50)])
        assert count(store.engine, schema.postings) == 2

    with_a_store(tmp_path, check)


def test_a_posting_is_never_changed(tmp_path: Path):
    async def check(store: Store) -> None:
        await store.commit(change(posting("driver:x", -5)))
        await store.commit(change(posting("driver:x", -500)))
        assert [row["amount_fen"] for row in rows(store.engine, schema.postings.select())] == [-5]

    with_a_store(tmp_path, check)


def test_a_session_and_a_reading_are_kept_in_their_newest_state(tmp_path: Path):
    async def check(store: Store) -> None:
        await store.commit(change(session("s"), reading(100, None)))
        await store.commit(change(session("s", phase="ended"), reading(100, 20)))
        assert [row["phase"] for row in rows(store.engine, schema.sessions.select())] == ["ended"]
        kept = rows(store.engine, schema.readings.select())
        assert [(row["import_mwh"], row["export_mwh"]) for row in kept] == [(100, 20)]

    with_a_store(tmp_path, check)


def test_two_sessions_cannot_share_a_transaction(tmp_path: Path):
    async def check(store: Store) -> None:
        await store.commit(change(session("one")))
        with pytest.raises(Exception, match="UNIQUE"):
            await store.commit(change(session("other")))
        await store.commit(change(session("other", transaction="u")))
        assert count(store.engine, schema.sessions) == 2

    with_a_store(tmp_path, check)


def test_nothing_to_write_needs_no_disk(tmp_path: Path):
    async def check(store: Store) -> None:
        await store.commit(Change())
        assert store.commits == 0

    with_a_store(tmp_path, check)


def test_the_outbox_gives_each_unsent_fact_in_order_until_it_is_sent(tmp_path: Path):
    async def check(store: Store) -> None:
        await store.commit(change(*[fact(str(n)) for n in range(7)]))
        first = await store.unsent(3)
        assert [row["key"] for row in first] == ["0", "1", "2"]
        await store.mark_sent(row["id"] for row in first)
        await store.mark_sent([])
        assert [row["key"] for row in await store.unsent()] == ["3", "4", "5", "6"]
        await store.commit(change(fact("0")))
        assert [row["key"] for row in await store.unsent()] == ["3", "4", "5", "6"]

    with_a_store(tmp_path, check)


def test_pruning_forgets_old_messages_and_sent_facts_and_nothing_else(tmp_path: Path):
    async def check(store: Store) -> None:
        old = NOON - timedelta(days=100)
        parts = [message(1, old), message(2), fact("sent", old), fact("waits", old), fact("new")]
        await store.commit(change(*parts, session("s"), reading(1), posting("x", 0)))
        await store.mark_sent([row["id"] for row in await store.unsent() if row["key"] in {"sent", "new"}])
        await store.prune(NOON)
        assert [row["message_id"] for row in rows(store.engine, schema.charger_messages.select())] == ["2"]
        assert {row["key"] for row in rows(store.engine, schema.facts.select())} == {"waits", "new"}
        for table in (schema.sessions, schema.readings, schema.postings):
            assert count(store.engine, table) == 1

    with_a_store(tmp_path, check)


def test_minutes_come_back_by_the_half_open_span(tmp_path: Path):
    async def check(store: Store) -> None:
        for n in range(4):
            minute = Minute(
                at=NOON + timedelta(minutes=n), grid_w=float(n), pv_w=0.0, battery_w=0.0, battery_soc=None, building_w=0.0,
                cars_in_w=0.0, cars_out_w=0.0, price_buy=None, connected=n,
            )  # fmt: skip
            body = msgspec.json.encode(minute).decode()
            await store.commit(change((schema.minutes, {"at": millis(minute.at), "body": body})))
        found = await store.minutes(NOON + timedelta(minutes=1), NOON + timedelta(minutes=3))
        assert [minute.connected for minute in found] == [1, 2]

    with_a_store(tmp_path, check)


def test_whoever_stops_waiting_stops_nobody_else(tmp_path: Path):
    async def check(store: Store) -> None:
        waits = [asyncio.ensure_future(store.commit(change(message(n)))) for n in range(3)]
        await asyncio.sleep(0)
        waits[1].cancel()
        results = await asyncio.gather(*waits, return_exceptions=True)
        assert [type(result) for result in results] == [type(None), asyncio.CancelledError, type(None)]
        await store.commit(change(message(9)))

    with_a_store(tmp_path, check)


def test_closing_writes_what_still_waits(tmp_path: Path):
    async def check(store: Store) -> None:
        waits.extend(asyncio.ensure_future(store.commit(change(message(n)))) for n in range(5))
        await asyncio.sleep(0)

    waits: list[asyncio.Future[None]] = []
    with_a_store(tmp_path, check)
    engine = open_database(f"sqlite:///{tmp_path / 'station.db'}")
    assert count(engine, schema.charger_messages) == 5
    engine.dispose()


def test_two_stores_may_write_to_one_file(tmp_path: Path):
    async def both() -> None:
        url = f"sqlite:///{tmp_path / 'station.db'}"
        async with Store(open_database(url)) as one, Store(open_database(url)) as other:
            stores = [one, other]
            await asyncio.gather(*[stores[n % 2].commit(change(message(n))) for n in range(40)])
            assert count(one.engine, schema.charger_messages) == 40

    asyncio.run(both())
