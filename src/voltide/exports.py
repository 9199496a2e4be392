"""Records taken out of a data folder, and verified; beside a running station, reading only."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Engine, Select, func, select, text
from sqlalchemy.exc import DatabaseError

from voltide.backbone import schema
from voltide.backbone.database import open_database
from voltide.backbone.store import Row, rows
from voltide.domain.session import Session
from voltide.domain.time import millis, moment, stamp
from voltide.station import records

_session = msgspec.json.Decoder(Session)


def take(what: str, data: Path, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """All records of a kind in a span of time, as ``docs/formats.md`` describes them."""
    engine = open_database(f"sqlite:///{data / 'station.db'}")
    try:
        return _KINDS[what](engine, millis(since), millis(until))
    finally:
        engine.dispose()


def _messages(engine: Engine, since: int, until: int) -> list[dict[str, Any]]:
    table = schema.charger_messages
    return [
        {
            "charger": row["charger"],
            "message_id": row["message_id"],
            "action": row["action"],
            "received_at": stamp(moment(row["received_at"])),
            "payload": json.loads(row["payload"]),
        }
        for row in rows(engine, _span(select(table), table.c.received_at, since, until).order_by(table.c.id))
    ]


def _sessions(engine: Engine, since: int, until: int) -> list[dict[str, Any]]:
    table = schema.sessions
    query = _span(select(table), table.c.started_at, since, until).order_by(table.c.started_at, table.c.id)
    return [_session_row(engine, row) for row in rows(engine, query)]


def _session_row(engine: Engine, row: Row) -> dict[str, Any]:
    session = records.whole(engine, _session.decode(row["body"]))
    registers = [reading.import_wh for reading in session.readings if reading.import_wh is not None]
    return {
        "id": session.id,
        "charger": session.charger,
        "evse": session.evse,
        "transaction_id": session.transaction_id,
        "started_at": stamp(session.plugged_at),
        "ended_at": None if session.ended_at is None else stamp(session.ended_at),
        "imported_wh": round(session.imported_wh, 3),
        "exported_wh": round(session.exported_wh, 3),
        "meter_start_wh": registers[0] if registers else None,
        "meter_stop_wh": registers[-1] if registers else None,
        "status": session.phase.value,
        "flags": sorted(flag.value for flag in session.flags),
        "green_wh": round(session.green_wh, 1),
    }


def _security(engine: Engine, since: int, until: int) -> list[dict[str, Any]]:
    table = schema.security_log
    return [
        {"at": stamp(moment(row["at"])), "charger": row["charger"], "kind": row["kind"], "detail": row["detail"]}
        for row in rows(engine, _span(select(table), table.c.at, since, until).order_by(table.c.at, table.c.id))
    ]


def _ledger(engine: Engine, since: int, until: int) -> list[dict[str, Any]]:
    table = schema.postings
    wanted = ("batch", "account", "amount_fen", "kind", "source")
    return [
        {name: row[name] for name in wanted} | {"at": stamp(moment(row["at"]))}
        for row in rows(engine, _span(select(table), table.c.at, since, until).order_by(table.c.id))
    ]


def _telemetry(engine: Engine, since: int, until: int) -> list[dict[str, Any]]:
    table = schema.minutes
    found = rows(engine, _span(select(table), table.c.at, since, until).order_by(table.c.at))
    return [json.loads(row["body"]) for row in found]


_KINDS: dict[str, Callable[[Engine, int, int], list[dict[str, Any]]]] = {
    "messages": _messages,
    "sessions": _sessions,
    "ledger": _ledger,
    "telemetry": _telemetry,
    "security": _security,
}


def _span(query: Select[Any], column: Any, since: int, until: int) -> Select[Any]:
    return query.where(column >= since, column < until)


def check(data: Path) -> str | None:
    """The first bad record as one sentence; None when all is in order."""
    try:
        engine = open_database(f"sqlite:///{data / 'station.db'}")
    except DatabaseError as error:
        return f"the database file is damaged: {error.orig}"
    try:
        return _file(engine) or _batches(engine) or _bodies(engine) or _readings(engine)
    except DatabaseError as error:
        return f"the database file is damaged: {error.orig}"
    finally:
        engine.dispose()


def _file(engine: Engine) -> str | None:
    with engine.connect().execution_options(reading=True) as connection:
        verdict = connection.execute(text("PRAGMA integrity_check(1)")).scalar_one()
    return None if verdict == "ok" else f"the database file is damaged: {' '.join(str(verdict).split())}"


def _batches(engine: Engine) -> str | None:
    table = schema.postings
    total = func.sum(table.c.amount_fen)
    query = select(table.c.batch, total.label("fen")).group_by(table.c.batch).having(total != 0).limit(1)
    bad = rows(engine, query)
    return f"ledger batch {bad[0]['batch']} sums to {bad[0]['fen']} fen, not to 0" if bad else None


def _bodies(engine: Engine) -> str | None:
    for row in rows(engine, select(schema.sessions)):
        try:
            session = _session.decode(row["body"])
        except msgspec.DecodeError as error:
            return f"session {row['id']} cannot be read: {error}"
        body = {
            "id": session.id,
            "charger": session.charger,
            "evse": session.evse,
            "transaction_id": session.transaction_id,
            "phase": session.phase.value,
            "started_at": millis(session.plugged_at),
            "ended_at": None if session.ended_at is None else millis(session.ended_at),
        }
        for name, said in body.items():
            if row[name] != said:
                return f"session {row['id']} contradicts itself: its row says {name} {row[name]}, its body {said}"
    return None


def _readings(engine: Engine) -> str | None:
    table, known = schema.readings, select(schema.sessions.c.id)
    bad = rows(engine, select(table).where(table.c.session.not_in(known)).limit(1))
    return f"a reading of {stamp(moment(bad[0]['at']))} belongs to no session ({bad[0]['session']})" if bad else None
