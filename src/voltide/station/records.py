"""How the station's facts look as rows, and how rows become sessions again."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

import msgspec
from sqlalchemy import Engine, select

from voltide.backbone import codec, schema
from voltide.backbone.store import Change, rows
from voltide.domain.messages import SessionChanged, StationFact
from voltide.domain.session import Phase, Reading, Session, with_readings
from voltide.domain.site import ChargerId, StationId
from voltide.domain.time import millis, moment
from voltide.domain.units import WattHours
from voltide.ledger.settlement import Posting
from voltide.ocpp.events import Called

_body = msgspec.json.Encoder()
_session = msgspec.json.Decoder(Session)


def message(change: Change, charger: ChargerId, heard: Called, answer: str, now: datetime) -> None:
    """A charger's message as it came, with the answer it gets."""
    change.add(
        schema.charger_messages,
        {
            "charger": charger,
            "message_id": heard.id,
            "action": heard.action,
            "digest": heard.digest.hex(),
            "received_at": millis(now),
            "payload": heard.payload.decode(),
            "answer": answer,
        },
    )


def session(change: Change, before: Session | None, after: Session) -> None:
    """A session's new state, and the readings that it did not have before. Its phase changes are facts, too."""
    known = len(before.readings) if before is not None else 0
    grown = before is None or after.readings[:known] == before.readings
    for reading in after.readings[known:] if grown else after.readings:
        change.add(
            schema.readings,
            {
                "session": after.id,
                "seq": reading.seq,
                "at": millis(reading.at),
                "import_mwh": _milli(reading.import_wh),
                "export_mwh": _milli(reading.export_wh),
            },
        )
    if before is not None and _outline(before) == _outline(after):
        return
    change.add(
        schema.sessions,
        {
            "id": after.id,
            "charger": after.charger,
            "evse": after.evse,
            "transaction_id": after.transaction_id,
            "phase": after.phase.value,
            "started_at": millis(after.plugged_at),
            "ended_at": None if after.ended_at is None else millis(after.ended_at),
            "body": _body.encode(replace(after, readings=())).decode(),
        },
    )


def _outline(one: Session) -> tuple[object, ...]:
    """What of a session is worth a row of its own; live values are in its readings and its raw messages."""
    return one.phase, one.ended_at, one.needs, one.flags, one.token, one.evse, one.plugged_at, one.last_seq


def fact(change: Change, station: StationId, what: StationFact, key: str) -> None:
    """A fact for the outbox; its key makes it one however often it is written."""
    body = codec.encode(what).decode()
    row = {"key": key[:160], "subject": f"station.{station}.fact", "body": body, "at": millis(what.at)}
    change.add(schema.facts, row)


def changed(station: StationId, after: Session, at: datetime) -> SessionChanged:
    """A session's step as a fact."""
    return SessionChanged(
        station=station,
        session=after.id,
        evse=after.evse,
        phase=after.phase.value,
        at=at,
        imported_wh=after.imported_wh,
        exported_wh=after.exported_wh,
    )


def postings(change: Change, lines: Iterable[Posting]) -> None:
    """Lines of the ledger."""
    for line in lines:
        change.add(
            schema.postings,
            {
                "batch": line.batch,
                "account": line.account,
                "amount_fen": line.amount_fen,
                "kind": line.kind,
                "source": line.source,
                "at": millis(line.at),
            },
        )


def unsettled(engine: Engine) -> list[Session]:
    """Every session that is not settled, with its readings."""
    table = schema.sessions
    found = [_session.decode(row["body"]) for row in rows(engine, select(table).where(table.c.phase != Phase.SETTLED))]
    return [whole(engine, one) for one in found]


def ended(engine: Engine, since: datetime, until: datetime) -> list[Session]:
    """The sessions that ended in a span, without their readings: enough to learn from."""
    table = schema.sessions
    query = select(table.c.body).where(table.c.ended_at >= millis(since), table.c.ended_at < millis(until))
    return [_session.decode(row["body"]) for row in rows(engine, query.order_by(table.c.ended_at))]


def by_key(engine: Engine, charger: ChargerId, transaction_id: str) -> Session | None:
    """A session of an earlier time, settled or not."""
    table = schema.sessions
    query = select(table).where(table.c.charger == charger, table.c.transaction_id == transaction_id)
    found = rows(engine, query)
    return whole(engine, _session.decode(found[0]["body"])) if found else None


def whole(engine: Engine, one: Session) -> Session:
    """A session with the readings that are kept beside it."""
    table = schema.readings
    query = select(table).where(table.c.session == one.id).order_by(table.c.seq, table.c.at)
    readings = tuple(
        Reading(row["seq"], moment(row["at"]), _whole(row["import_mwh"]), _whole(row["export_mwh"]))
        for row in rows(engine, query)
    )
    seqs = one.seqs | {reading.seq for reading in readings if one.seqs}
    return with_readings(replace(one, seqs=seqs), readings)


def recent_answers(engine: Engine, charger: ChargerId, most: int = 64) -> list[tuple[str, bytes, str]]:
    """The newest messages of a charger with their answers, oldest first."""
    table = schema.charger_messages
    query = select(table).where(table.c.charger == charger).order_by(table.c.id.desc()).limit(most)
    return [(row["message_id"], bytes.fromhex(row["digest"]), row["answer"]) for row in reversed(rows(engine, query))]


def _milli(energy_wh: WattHours | None) -> int | None:
    return None if energy_wh is None else round(energy_wh * 1000)


def _whole(energy_mwh: int | None) -> WattHours | None:
    return None if energy_mwh is None else energy_mwh / 1000
