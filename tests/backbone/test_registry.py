"""The door's book: exact, never waiting, and a charger that was known stays known while the database is not there."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltide.backbone import registry
from voltide.backbone.database import open_database
from voltide.backbone.registry import Book

CHARGER = {"id": "V1", "secret_mac": "0" * 64, "profile": 1, "added_at": 1}
ISSUED = {
    "serial": "5f", "charger": "V1", "kind": "ChargingStationCertificate", "issued_at": 1, "not_after": 2,
    "revoked_at": None, "pem": "PEM",
}  # fmt: skip


@pytest.fixture
def engine(tmp_path: Path):
    made = open_database(f"sqlite:///{tmp_path / 'station.db'}")
    yield made
    made.dispose()


def test_what_another_process_writes_is_known_at_the_next_question(engine, tmp_path):
    book, other = Book(engine), open_database(f"sqlite:///{tmp_path / 'station.db'}")
    assert book.find("V1") is None
    registry.add(other, CHARGER)
    found = book.find("V1")
    assert found is not None
    assert (found.profile, found.next_macs, found.next_profile, found.name) == (1, (), None, None)
    registry.set_profile(other, "V1", 2)
    registry.promise_secret(other, "V1", "1" * 64, 5)
    registry.allow_profile(other, "V1", 3, 9)
    registry.set_name(other, "V1", "SN-1")
    found = book.find("V1")
    assert found is not None
    assert (found.profile, found.next_macs, found.next_profile, found.next_profile_until) == (2, ("1" * 64,), 3, 9)
    assert found.name == "SN-1"
    registry.keep_issued(other, ISSUED)
    assert (book.issued("5f") or {})["charger"] == "V1"
    registry.revoke(other, "5f", 7)
    assert (book.issued("5f") or {})["revoked_at"] == 7
    registry.remove(other, "V1")
    assert book.find("V1") is None
    book.close()
    other.dispose()


def test_who_was_known_stays_known_while_the_database_does_not_answer(engine, tmp_path):
    book = Book(engine)
    registry.add(engine, CHARGER)
    registry.keep_issued(engine, ISSUED)
    known, issued = book.find("V1"), book.issued("5f")
    file = tmp_path / "station.db"
    with sqlite3.connect(file) as connection:
        connection.execute("ALTER TABLE chargers RENAME TO gone")
        connection.execute("ALTER TABLE certificates RENAME TO gone_too")
    connection.close()
    assert book.find("V1") == known
    assert book.issued("5f") == issued
    assert book.find("V2") is None
    with sqlite3.connect(file) as connection:
        connection.execute("ALTER TABLE gone RENAME TO chargers")
    connection.close()
    registry.set_profile(engine, "V1", 2)
    assert (book.find("V1") or known).profile == 2
    book.close()


def test_the_question_waits_for_no_writer(engine, tmp_path):
    book = Book(engine)
    registry.add(engine, CHARGER)
    writer = sqlite3.connect(tmp_path / "station.db", isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    writer.execute("DELETE FROM chargers")
    assert book.find("V1") is not None  # as it was before: the writer has not committed
    writer.execute("ROLLBACK")
    writer.close()
    book.close()


def test_who_is_removed_loses_every_proof(engine):
    registry.add(engine, CHARGER)
    registry.promise_secret(engine, "V1", "1" * 64, 5)
    registry.allow_profile(engine, "V1", 2, 9)
    registry.keep_issued(engine, ISSUED)
    registry.want(engine, "V1", "rotate", {}, 1)
    assert registry.remove(engine, "V1", 77)
    registry.add(engine, CHARGER)
    book = Book(engine)
    found = book.find("V1")
    assert found is not None
    assert (found.next_macs, found.next_profile) == ((), None)
    assert (book.issued("5f") or {})["revoked_at"] == 77
    assert registry.wanted(engine) == []
    book.close()


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(["promise", "come", "drop"]), st.integers(0, 4)), max_size=14))
def test_whatever_is_lost_on_the_way_the_secret_that_a_charger_has_is_good(tmp_path_factory, story):
    """A charger takes each new secret or not, its answer is lost or not, and it comes by the newest that it took."""
    made = open_database(f"sqlite:///{tmp_path_factory.mktemp('secrets') / 'station.db'}", durable=False)
    registry.add(made, CHARGER)
    book, has, waiting = Book(made), "0" * 64, []
    for at, (what, number) in enumerate(story, start=1):
        if what == "promise" and len(waiting) < 3:
            mac = f"{at:064x}"
            registry.promise_secret(made, "V1", mac, at)
            waiting.append(mac)
            has = mac if number % 2 else has  # it took it, or it did not; nobody else knows
        elif what == "drop" and waiting and waiting[-1] != has:
            registry.drop_new_secret(made, "V1", waiting.pop())  # it said that it did not take it
        elif what == "come":
            found = book.find("V1")
            assert found is not None
            assert has in {found.secret_mac, *found.next_macs}
            if has in found.next_macs:
                registry.keep_new_secret(made, "V1", has)
                waiting = waiting[waiting.index(has) + 1 :]
    found = book.find("V1")
    assert found is not None
    assert has in {found.secret_mac, *found.next_macs}
    book.close()
    made.dispose()


def test_the_newest_wish_of_a_kind_counts_and_an_old_one_is_not_marked_done(engine):
    registry.want(engine, "V1", "move", {"profile": 2}, 1)
    (old,) = registry.wanted(engine)
    registry.want(engine, "V1", "move", {"profile": 3}, 2)
    registry.mark(engine, old, "done")
    (new,) = registry.wanted(engine)
    assert (new["at"], new["body"]) == (2, '{"profile":3}')
    registry.mark(engine, new, "failed", "x" * 900)
    assert registry.wanted(engine) == []
    assert len(registry.every_errand(engine)[0]["detail"]) == 500
