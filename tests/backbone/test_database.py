from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from voltide.backbone import registry, schema
from voltide.backbone.database import open_database
from voltide.backbone.store import rows

MIGRATIONS = Path(open_database.__code__.co_filename).parent / "migrations"
CHARGER = {"id": "V01", "secret_mac": "0" * 64, "profile": 1, "added_at": 1}


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'station.db'}"


def test_a_new_database_has_exactly_the_tables_of_the_schema(tmp_path: Path):
    engine = open_database(url(tmp_path))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    assert set(inspect(engine).get_table_names()) == {*schema.metadata.tables, "alembic_version"}
    engine.dispose()


def test_opening_again_changes_nothing(tmp_path: Path):
    first = open_database(url(tmp_path))
    assert registry.add(first, CHARGER)
    first.dispose()
    again = open_database(url(tmp_path))
    assert registry.all_of(again) == [CHARGER]
    again.dispose()


def test_a_migration_can_be_undone(tmp_path: Path):
    engine = open_database(url(tmp_path))
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        command.downgrade(config, "base")
    assert set(inspect(engine).get_table_names()) == {"alembic_version"}
    engine.dispose()
    again = open_database(url(tmp_path))
    assert set(schema.metadata.tables) <= set(inspect(again).get_table_names())
    again.dispose()


@pytest.mark.parametrize(("durable", "synchronous"), [(True, 2), (False, 0)])
def test_a_commit_waits_for_the_disk_unless_the_world_is_simulated(tmp_path: Path, *, durable: bool, synchronous: int):
    engine = open_database(url(tmp_path), durable=durable)
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar_one() == synchronous
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
    engine.dispose()


def test_two_who_open_the_same_database_see_each_others_chargers(tmp_path: Path):
    one, other = open_database(url(tmp_path)), open_database(url(tmp_path))
    assert registry.add(one, CHARGER)
    assert registry.one(other, "V01") == CHARGER
    assert not registry.add(other, CHARGER)
    assert registry.remove(other, "V01")
    assert not registry.remove(one, "V01")
    assert registry.one(one, "V01") is None
    one.dispose()
    other.dispose()


def test_a_reader_sees_the_last_commit_while_another_writes(tmp_path: Path):
    one, other = open_database(url(tmp_path)), open_database(url(tmp_path))
    registry.add(one, CHARGER)
    with one.begin() as writing:
        writing.execute(schema.chargers.insert().values({**CHARGER, "id": "V02"}))
        assert [row["id"] for row in rows(other, schema.chargers.select())] == ["V01"]
    assert [row["id"] for row in registry.all_of(other)] == ["V01", "V02"]
    one.dispose()
    other.dispose()


def test_no_identity_is_read_as_sql(tmp_path: Path):
    engine = open_database(url(tmp_path))
    wicked = "x'; DROP TABLE chargers; --"
    assert registry.add(engine, {**CHARGER, "id": wicked})
    assert registry.one(engine, wicked) is not None
    assert registry.one(engine, "' OR '1'='1") is None
    engine.dispose()


def test_memory_is_a_database_too():
    engine = open_database("sqlite://")
    assert registry.add(engine, CHARGER)
    assert registry.all_of(engine) == [CHARGER]
    engine.dispose()


def test_a_plain_engine_reads_the_file(tmp_path: Path):
    """The records are an ordinary SQLite file, open to any tool."""
    engine = open_database(url(tmp_path))
    registry.add(engine, CHARGER)
    engine.dispose()
    plain = create_engine(url(tmp_path))
    with plain.connect() as connection:
        assert connection.execute(text("SELECT id FROM chargers")).scalar_one() == "V01"
    plain.dispose()
