"""Which chargers exist, how each proves who it is, and what an operator wants done at it. Works beside a station."""

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.schema import Table

from voltide.backbone import schema
from voltide.backbone.store import Row, rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """One charger as the door knows it. Every secret and each profile is good where there are several."""

    id: str
    secret_mac: str
    profile: int
    next_macs: tuple[str, ...] = ()
    next_profile: int | None = None
    next_profile_until: int | None = None
    """Milliseconds since 1970."""
    name: str | None = None
    """What its certificate says, where that is not its identity."""


def add(engine: Engine, row: Row) -> bool:
    """A new charger; False when the identity is taken."""
    try:
        with engine.begin() as connection:
            connection.execute(schema.chargers.insert().values(**row))
    except IntegrityError:
        return False
    return True


def remove(engine: Engine, identity: str, at: int = 0) -> bool:
    """Forget a charger, and with it every proof that it has; False when there was none."""
    with engine.begin() as connection:
        for table in (schema.next_secrets, schema.next_profiles, schema.certificate_names, schema.errands):
            connection.execute(delete(table).where(table.c.charger == identity))
        issued = schema.certificates
        mine = (issued.c.charger == identity) & issued.c.revoked_at.is_(None)
        connection.execute(update(issued).where(mine).values(revoked_at=at))
        return connection.execute(delete(schema.chargers).where(schema.chargers.c.id == identity)).rowcount > 0


def all_of(engine: Engine) -> list[Row]:
    """Every charger, by identity."""
    return rows(engine, select(schema.chargers).order_by(schema.chargers.c.id))


def one(engine: Engine, identity: str) -> Row | None:
    """One charger."""
    found = rows(engine, select(schema.chargers).where(schema.chargers.c.id == identity))
    return found[0] if found else None


# --- secrets and profiles on their way --------------------------------------------------------------------------------


def may_promise(engine: Engine, identity: str) -> bool:
    """Whether there is room for another secret on its way: one more would make an old one forgotten."""
    waiting = schema.next_secrets
    return len(rows(engine, select(waiting.c.at).where(waiting.c.charger == identity))) < _ON_THEIR_WAY


def promise_secret(engine: Engine, identity: str, mac: str, at: int) -> None:
    """A new secret is on its way: from here on it is good beside the old one, and beside others on their way."""
    waiting = schema.next_secrets
    with engine.begin() as connection:
        connection.execute(waiting.insert().values(charger=identity, secret_mac=mac, at=at))
        mine = select(waiting.c.secret_mac).where(waiting.c.charger == identity).order_by(waiting.c.at.desc())
        kept = [row[0] for row in connection.execute(mine.limit(_ON_THEIR_WAY))]
        old = (waiting.c.charger == identity) & waiting.c.secret_mac.not_in(kept)
        connection.execute(delete(waiting).where(old))


def keep_new_secret(engine: Engine, identity: str, mac: str) -> None:
    """The charger has come with a new secret: the old one is dead, and so is what was on its way before this one."""
    waiting = schema.next_secrets
    with engine.begin() as connection:
        mine = (waiting.c.charger == identity) & (waiting.c.secret_mac == mac)
        at = connection.execute(select(waiting.c.at).where(mine)).scalar()
        if at is not None:
            connection.execute(delete(waiting).where((waiting.c.charger == identity) & (waiting.c.at <= at)))
            _set(connection, identity, secret_mac=mac)


def drop_new_secret(engine: Engine, identity: str, mac: str) -> None:
    """The charger has not taken it."""
    waiting = schema.next_secrets
    with engine.begin() as connection:
        connection.execute(delete(waiting).where((waiting.c.charger == identity) & (waiting.c.secret_mac == mac)))


def allow_profile(engine: Engine, identity: str, profile: int, until: int) -> None:
    """A charger may come at another profile, too, until a moment (ms)."""
    _put(engine, schema.next_profiles, {"charger": identity, "profile": profile, "until": until})


def set_profile(engine: Engine, identity: str, profile: int) -> None:
    """From here on this profile alone."""
    with engine.begin() as connection:
        connection.execute(delete(schema.next_profiles).where(schema.next_profiles.c.charger == identity))
        _set(connection, identity, profile=profile)


def forbid_profile(engine: Engine, identity: str) -> None:
    """The charger has not come at its new profile: the old one alone is good."""
    with engine.begin() as connection:
        connection.execute(delete(schema.next_profiles).where(schema.next_profiles.c.charger == identity))


def may_come(engine: Engine, identity: str, profile: int) -> int | None:
    """Until when (ms) a charger may come at a profile that it is moving to; None: it is not moving there."""
    table = schema.next_profiles
    there = (table.c.charger == identity) & (table.c.profile == profile)
    found = rows(engine, select(table.c.until).where(there))
    return found[0]["until"] if found else None


def moving_to(engine: Engine) -> dict[str, int]:
    """Which chargers may come at another profile, too."""
    return {row["charger"]: row["profile"] for row in rows(engine, select(schema.next_profiles))}


def set_name(engine: Engine, identity: str, name: str) -> None:
    """What a charger's certificate says, where that is not its identity."""
    _put(engine, schema.certificate_names, {"charger": identity, "name": name})


# --- certificates -----------------------------------------------------------------------------------------------------


def issued_to(engine: Engine, identity: str) -> list[Row]:
    """Every certificate of a charger, the newest first."""
    table = schema.certificates
    return rows(engine, select(table).where(table.c.charger == identity).order_by(table.c.issued_at.desc()))


def all_issued(engine: Engine) -> list[Row]:
    """Every certificate that is not revoked."""
    table = schema.certificates
    return rows(engine, select(table).where(table.c.revoked_at.is_(None)).order_by(table.c.not_after))


def keep_issued(engine: Engine, row: Row) -> None:
    """A certificate that was issued to a charger."""
    _put(engine, schema.certificates, row)


def certificate_ends(engine: Engine) -> dict[str, int]:
    """Until when (ms) each charger's newest certificate for its line holds."""
    table = schema.certificates
    mine = (table.c.kind == "ChargingStationCertificate") & table.c.revoked_at.is_(None)
    query = select(table.c.charger, table.c.not_after).where(mine).order_by(table.c.issued_at)
    return {row["charger"]: row["not_after"] for row in rows(engine, query)}


def every_certificate(engine: Engine) -> list[Row]:
    """All that were ever issued, the newest first."""
    return rows(engine, select(schema.certificates).order_by(schema.certificates.c.issued_at.desc()))


def was_given(engine: Engine, identity: str, kind: str) -> bool:
    """Whether a charger's last request of a kind has come to its end."""
    table = schema.told
    there = (table.c.charger == identity) & (table.c.kind == "csr") & (table.c.key == kind)
    found = rows(engine, select(table.c.body).where(there))
    return not found or msgspec.json.decode(found[0]["body"]).get("state") == "done"


def revoke(engine: Engine, serial: str, at: int) -> bool:
    """A certificate that opens no door any more; False when there was none."""
    table = schema.certificates
    with engine.begin() as connection:
        there = (table.c.serial == serial) & table.c.revoked_at.is_(None)
        return connection.execute(update(table).where(there).values(revoked_at=at)).rowcount > 0


# --- errands ----------------------------------------------------------------------------------------------------------


def want(engine: Engine, identity: str, what: str, body: dict[str, Any], at: int) -> None:
    """An operator wants something done at a charger; the newest wish of a kind counts."""
    text = msgspec.json.encode(body).decode()
    row = {"charger": identity, "what": what, "at": at, "body": text, "state": "waiting", "detail": ""}
    _put(engine, schema.errands, row)


def wanted(engine: Engine) -> list[Row]:
    """Errands that are not done, the oldest first."""
    table = schema.errands
    return rows(engine, select(table).where(table.c.state.in_(("waiting", "begun"))).order_by(table.c.at))


def rewrite(engine: Engine, identity: str, what: str, body: dict[str, Any]) -> None:
    """What has to be remembered of an errand while it goes on."""
    table, text = schema.errands, msgspec.json.encode(body).decode()
    there = (table.c.charger == identity) & (table.c.what == what)
    with engine.begin() as connection:
        connection.execute(update(table).where(there).values(body=text))


def every_errand(engine: Engine) -> list[Row]:
    """Done or not, the newest first."""
    return rows(engine, select(schema.errands).order_by(schema.errands.c.at.desc()))


def mark(engine: Engine, row: Row, state: str, detail: str = "") -> None:
    """How far an errand is; nothing, when an operator has put another in its place meanwhile."""
    table = schema.errands
    same = (table.c.charger == row["charger"]) & (table.c.what == row["what"]) & (table.c.at == row["at"])
    with engine.begin() as connection:
        connection.execute(update(table).where(same).values(state=state, detail=detail[:500]))


# --- the door's own look ----------------------------------------------------------------------------------------------


class Book:
    """What the door asks in the middle of a handshake: never waits, and knows at once what another process has changed.

    One question costs a few microseconds. Where the database does not answer at once, the answer before counts, so a
    charger that was known stays known.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[str, tuple[list[Any], Registered]] = {}
        """The rows that were found last, and what they say."""
        self._issued: dict[str, Row] = {}
        self._find = str(_FIND.compile(dialect=engine.dialect))
        self._certificate = str(_ISSUED.compile(dialect=engine.dialect))
        self._raw: Any = None
        self._cursor: Any = None

    def find(self, identity: str) -> Registered | None:
        """One charger; None where there is none."""
        try:
            found = self._ask(self._find, identity)
        except Exception:  # noqa: BLE001 - whatever the driver calls it: it does not answer now
            return self._known[identity][1] if identity in self._known else None
        if not found:
            self._known.pop(identity, None)
            return None
        before = self._known.get(identity)
        if before is not None and before[0] == found:  # as nearly always
            return before[1]
        macs = tuple(row[-1] for row in found if row[-1] is not None)
        known = Registered(**dict(zip(_FIELDS, found[0], strict=False)), next_macs=macs)
        self._known[identity] = (found, known)
        return known

    def issued(self, serial: str) -> Row | None:
        """One certificate by its serial number; None for one that we never issued."""
        try:
            found = self._ask(self._certificate, serial)
        except Exception:  # noqa: BLE001 - as above
            return self._issued.get(serial)
        if not found:
            self._issued.pop(serial, None)
            return None
        row = self._issued[serial] = dict(zip(_ISSUED_FIELDS, found[0], strict=True))
        return row

    def close(self) -> None:
        """Give the connection back."""
        if self._raw is not None:
            self._raw.invalidate()  # not for anybody else: it does not wait
            self._raw = None

    def _ask(self, statement: str, key: str) -> Any:
        if self._raw is None:
            self._raw = self._engine.raw_connection()
            self._cursor = self._raw.cursor()
            if self._engine.dialect.name == "sqlite":
                self._cursor.execute("PRAGMA busy_timeout=0")  # the event loop waits for nobody
        self._cursor.execute(statement, (key,))
        return self._cursor.fetchall()


_ON_THEIR_WAY = 3
"""So many secrets of one charger may be on their way; who wants another must see it come first."""
_FIELDS = ("id", "secret_mac", "profile", "next_profile", "next_profile_until", "name")
_ISSUED_FIELDS = ("serial", "charger", "kind", "not_after", "revoked_at", "pem")
_c, _s, _p, _n = schema.chargers, schema.next_secrets, schema.next_profiles, schema.certificate_names
_FIND = (
    select(_c.c.id, _c.c.secret_mac, _c.c.profile, _p.c.profile, _p.c.until, _n.c.name, _s.c.secret_mac)
    .select_from(
        _c.outerjoin(_s, _s.c.charger == _c.c.id)
        .outerjoin(_p, _p.c.charger == _c.c.id)
        .outerjoin(_n, _n.c.charger == _c.c.id)
    )
    .where(_c.c.id == bindparam("identity"))
)
_ISSUED = select(*[schema.certificates.c[name] for name in _ISSUED_FIELDS]).where(
    schema.certificates.c.serial == bindparam("serial")
)


def _set(connection: Connection, identity: str, **values: Any) -> None:
    connection.execute(update(schema.chargers).where(schema.chargers.c.id == identity).values(**values))


def _put(engine: Engine, table: Table, row: Row) -> None:
    dialect = postgresql if engine.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(table).values(**row)
    keys = [column.name for column in table.primary_key.columns]
    rest = {name: insert.excluded[name] for name in row if name not in keys}
    with engine.begin() as connection:
        connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=rest))


def notice(engine: Engine, row: Row) -> None:
    """A line of the security log, from beside the station."""
    with engine.begin() as connection:
        connection.execute(schema.security_log.insert().values(**row))
