from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltide.domain.messages import Token
from voltide.domain.session import Flag, Phase, Reading, Session, SessionId, _moved
from voltide.domain.site import ChargerId, EvseId
from voltide.ledger.metering import by_period
from voltide.ledger.settlement import HELD, Posting, settle, yuan
from voltide.ledger.tariff import Period, Tariff

TEN = datetime(2026, 4, 15, 2, tzinfo=UTC)  # 10:00 in Shenzhen, when the peak begins
SHENZHEN = ZoneInfo("Asia/Shanghai")


def period(name: str, start: time, charge: str, feed_in: str) -> Period:
    return Period(
        name=name,
        start=start,
        charge=Decimal(charge),
        feed_in=Decimal(feed_in),
        grid_buy=Decimal(1),
        grid_sell=Decimal(1),
    )


DAY = Tariff(
    periods=(
        period("valley", time(0), "0.40", "0.1721"),
        period("flat", time(8), "0.80", "0.4530"),
        period("peak", time(10), "1.15", "0.7701"),
        period("flat", time(12), "0.80", "0.4530"),
    ),
    zone=SHENZHEN,
    service_fee=Decimal("0.30"),
)


def reading(minute: float, import_wh: float | None, export_wh: float | None = None, seq: int = 0) -> Reading:
    return Reading(seq, TEN + timedelta(minutes=minute), import_wh, export_wh)


def ended(*readings: Reading, card: str | None = "04A1", flags: frozenset[Flag] = frozenset()) -> Session:
    return Session(
        id=SessionId("5e55"), charger=ChargerId("V01"), evse=EvseId("V01-1"), transaction_id="t", phase=Phase.ENDED,
        token=Token(id=card) if card else None, plugged_at=TEN, ended_at=TEN + timedelta(hours=5),
        readings=readings, flags=flags, **_moved(readings),
    )  # fmt: skip


def amounts(lines: tuple[Posting, ...]) -> dict[tuple[str, str], int]:
    return {(line.account, line.kind): line.amount_fen for line in lines}


def exact(energies: list[tuple[str, str]]) -> int:
    """The whole line by hand: Wh times yuan per kWh, rounded once."""
    return int(sum((Decimal(wh) * Decimal(price) / 10 for wh, price in energies), Decimal(0)).quantize(Decimal(1)))


registers = st.lists(st.integers(0, 200_000_000).map(lambda milli: milli / 1000), min_size=2, max_size=12)
gaps = st.integers(0, 400)


@st.composite
def sessions(draw: st.DrawFn) -> Session:
    imports, minute, readings = draw(registers), -600.0, []
    for value in imports:
        minute += draw(gaps)
        export = draw(st.none() | st.integers(0, 90_000).map(float))
        readings.append(reading(minute, value if draw(st.booleans()) else None, export))
    return ended(*readings, card=draw(st.none() | st.just("04A1")))


@settings(deadline=None, max_examples=50)
@given(sessions())
def test_every_batch_sums_to_zero_and_nobody_appears_from_nowhere(session: Session):
    lines = settle(session, DAY)
    assert sum(line.amount_fen for line in lines) == 0
    kinds = defaultdict(int)
    for line in lines:
        kinds[line.kind] += line.amount_fen
        assert line.amount_fen != 0
        assert line.batch == f"session:{session.id}"
        assert line.source == session.id
        assert line.at == session.ended_at
    assert set(kinds.values()) <= {0}
    keys = [(line.batch, line.account, line.kind) for line in lines]
    assert len(keys) == len(set(keys))


@settings(deadline=None, max_examples=40)
@given(sessions())
def test_settling_twice_gives_the_same_postings(session: Session):
    assert settle(session, DAY) == settle(session, DAY)


@settings(deadline=None, max_examples=50)
@given(sessions())
def test_the_periods_share_out_exactly_what_the_meter_counted(session: Session):
    parts = by_period(session.readings, DAY).values()
    assert sum(part.in_wh for part in parts) == pytest.approx(session.imported_wh, abs=1e-6)
    assert sum(part.out_wh for part in parts) == pytest.approx(session.exported_wh, abs=1e-6)
    assert all(part.in_wh >= 0.0 and part.out_wh >= 0.0 for part in parts)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 10**8), min_size=2, max_size=60).map(sorted))
def test_more_readings_between_do_not_change_the_bill(milli: list[int]):
    """All within the peak, so only the first and the last register count."""
    many = [reading(index, value / 1000) for index, value in enumerate(milli)]
    assert settle(ended(*many), DAY) == settle(ended(many[0], many[-1]), DAY)


def test_twenty_kwh_fed_in_at_the_peak_earn_1540_fen():
    session = ended(reading(0, 0.0, 100_000.0), reading(60, 0.0, 120_000.0))
    assert amounts(settle(session, DAY)) == {("operator:feed-in", "feed-in"): -1540, ("driver:04A1", "feed-in"): 1540}


def test_a_driver_pays_energy_and_service_to_the_operator():
    session = ended(reading(0, 5000.0), reading(60, 25_000.0))
    assert amounts(settle(session, DAY)) == {
        ("driver:04A1", "energy"): -2300,
        ("operator:energy", "energy"): 2300,
        ("driver:04A1", "service"): -600,
        ("operator:service", "service"): 600,
    }


def test_a_session_over_a_change_of_price_is_paid_at_both_prices():
    session = ended(reading(-60, 0.0), reading(60, 10_000.0))
    assert amounts(settle(session, DAY))["operator:energy", "energy"] == exact([("5000", "0.80"), ("5000", "1.15")])


def test_each_line_is_rounded_once_however_many_periods_it_spans():
    """16.7 Wh in each of three periods: half a fen of service each, one and a half together."""
    fee = replace(DAY, service_fee=Decimal("0.30"))
    readings = (reading(-120, 0.0), reading(0, 33.4), reading(120, 50.1), reading(121, 50.1))
    session = ended(
        reading(-240, 0.0), reading(-121, 16.7), *[replace(r, import_wh=r.import_wh + 16.7) for r in readings]
    )
    lines = amounts(settle(session, fee))
    assert lines["operator:service", "service"] == exact([("66.8", "0.30")]) == 2
    per_period = [round(part.in_wh, 3) for part in by_period(session.readings, fee).values()]
    assert len(per_period) == 3
    assert sum(exact([(str(wh), "0.30")]) for wh in per_period) != 2


@pytest.mark.parametrize("flag", sorted(HELD))
def test_nothing_is_billed_while_the_record_is_in_doubt(flag: Flag):
    session = ended(reading(0, 0.0), reading(60, 9000.0), flags=frozenset({flag, Flag.OFFLINE}))
    assert settle(session, DAY) == ()


def test_late_and_offline_records_are_billed_once_they_are_whole():
    session = ended(reading(0, 0.0), reading(60, 9000.0), flags=frozenset({Flag.OFFLINE, Flag.LATE}))
    assert len(settle(session, DAY)) == 4


def test_nothing_is_billed_before_the_end():
    session = replace(ended(reading(0, 0.0), reading(60, 9000.0)), ended_at=None)
    assert settle(session, DAY) == ()


def test_nobody_known_is_an_account_of_its_own():
    session = ended(reading(0, 0.0), reading(60, 9000.0), card=None)
    assert "driver:unknown" in {line.account for line in settle(session, DAY)}


def test_a_clock_that_stood_still_puts_all_into_one_period():
    session = ended(reading(0, 0.0), reading(0, 3000.0))
    assert [part.in_wh for part in by_period(session.readings, DAY).values()] == [3000.0]


def test_a_fall_of_the_register_counts_as_nothing():
    parts = by_period((reading(0, 900.0), reading(10, 5.0), reading(20, 25.0)), DAY)
    assert [part.in_wh for part in parts.values()] == [20.0]


@pytest.mark.parametrize("price", [0.7701, 0.1, 1.15, -0.05, 100.0])
def test_a_price_is_the_decimal_that_was_written(price: float):
    assert str(yuan(price)) == str(price)


def test_an_absurd_register_is_no_crash():
    session = ended(reading(0, 0.0), reading(10, 1e30))
    assert sum(line.amount_fen for line in settle(session, DAY)) == 0
