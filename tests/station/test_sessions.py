"""The book of stays by itself: what it remembers, and for how long."""

from datetime import timedelta

from tests.station.house import TOML
from tests.station.transactions import BEGUN
from voltide import compose
from voltide.config import load
from voltide.domain.messages import Moment, Sample, TransactionTold
from voltide.domain.session import Phase
from voltide.station.sessions import Sessions


def told(moment, tx, second, seq, wh=1_000.0):
    at = BEGUN + timedelta(seconds=second / 100)
    return TransactionTold(
        moment=moment, transaction_id=tx, at=at, evse=1, seq_no=seq, samples=(Sample(at=at, import_wh=wh),)
    )


def book(tmp_path):
    file = tmp_path / "station.toml"
    file.write_text(TOML, encoding="utf-8")
    settings = compose.settings(load(file))
    return Sessions(settings.station, settings.tariff, compose.unguessable)


def test_a_charger_that_begins_ten_thousand_stays_and_ends_none_fills_no_memory(tmp_path):
    sessions = book(tmp_path)
    for number in range(10_000):
        sessions.keep(sessions.hear("V1", told(Moment.STARTED, f"t{number}", number, 0), BEGUN))
    assert len(sessions._by_key) < 5_000
    assert len(sessions._keys) == len(sessions._by_key)
    assert [session.transaction_id for session in sessions.open()] == ["t9999"]
    assert sessions.known("V1", "t9998").phase is Phase.ENDED  # a late word still finds it
    assert sessions.known("V1", "t0") is None  # the store is asked for that one


def test_the_car_that_is_there_is_never_forgotten(tmp_path):
    sessions = book(tmp_path)
    sessions.keep(sessions.hear("V2", told(Moment.STARTED, "stays", 0, 0), BEGUN))
    for number in range(6_000):
        sessions.keep(sessions.hear("V1", told(Moment.STARTED, f"t{number}", number, 0), BEGUN))
    assert sessions.at("V2-1").transaction_id == "stays"
    sessions.keep(sessions.hear("V2", told(Moment.ENDED, "stays", 100, 1, 3_000.0), BEGUN))
    assert sessions.known("V2", "stays").phase is Phase.SETTLED
