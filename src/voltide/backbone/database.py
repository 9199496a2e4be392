"""Opens a database as the store wants it, and brings its tables up to date."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import StaticPool

_MIGRATIONS = Path(__file__).parent / "migrations"


def open_database(url: str, *, durable: bool = True) -> Engine:
    """An engine whose transactions are ours to begin, with its tables at the newest revision.

    ``durable`` False is for simulated days only: SQLite then leaves the moment of writing to the machine.
    """
    if make_url(url).database in {None, "", ":memory:"}:
        engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
    else:
        engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": 30})
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine, durable=durable)
    with engine.begin() as connection:
        migrate(connection)
    return engine


def migrate(connection: Connection, revision: str = "head") -> None:
    """Bring the tables to a revision."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def _prepare_sqlite(engine: Engine, *, durable: bool) -> None:
    synchronous = "FULL" if durable else "OFF"

    @event.listens_for(engine, "connect")
    def _connect(raw: object, _record: object) -> None:
        raw.isolation_level = None  # type: ignore[attr-defined]  # SQLAlchemy types it as object; we say BEGIN below
        cursor = raw.cursor()  # type: ignore[attr-defined]  # likewise
        for pragma in ("journal_mode=WAL", f"synchronous={synchronous}", "foreign_keys=ON", "busy_timeout=30000"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that reads first and writes later fails where another wrote in between; so writers lock at once.
        reading = connection.get_execution_options().get("reading", False)
        cursor = connection.connection.cursor()
        cursor.execute("BEGIN" if reading else "BEGIN IMMEDIATE")
        cursor.close()
