from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltide.domain.time import Interval
from voltide.ledger.tariff import Period, Tariff

ZONES = ["Asia/Shanghai", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "America/Havana", "Africa/Cairo"]
"""An even one, an hour's change at night, one at midnight (until 2019), half an hour's, and two more at midnight."""


def period(start: time) -> Period:
    price = Decimal(start.hour * 60 + start.minute)
    return Period(name=str(start), start=start, charge=price, feed_in=price, grid_buy=price, grid_sell=price)


def tariff(zone: str, *starts: time) -> Tariff:
    return Tariff(periods=tuple(period(start) for start in (time(0), *sorted(starts))), zone=ZoneInfo(zone))


clock_times = st.builds(time, st.integers(0, 23), st.sampled_from([0, 1, 15, 30, 59])).filter(lambda t: t != time(0))
tariffs = st.builds(
    lambda zone, starts: tariff(zone, *starts), st.sampled_from(ZONES), st.sets(clock_times, max_size=5)
)
moments = st.datetimes(datetime(2016, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
changes = st.sampled_from(  # a few hours before the clocks are moved
    [
        datetime(2026, 3, 28, 22, tzinfo=UTC),
        datetime(2026, 10, 24, 22, tzinfo=UTC),
        datetime(2018, 11, 3, 23, tzinfo=UTC),
        datetime(2018, 2, 17, 22, tzinfo=UTC),
        datetime(2026, 4, 4, 12, tzinfo=UTC),
        datetime(2026, 3, 8, 2, tzinfo=UTC),
        datetime(2026, 10, 29, 18, tzinfo=UTC),
    ]
)


@settings(deadline=None, max_examples=50)
@given(tariffs, moments | changes, st.floats(1, 60 * 3600), st.integers(0, 10**6))
def test_a_split_covers_every_moment_once_and_at_its_own_price(
    prices: Tariff, start: datetime, seconds: float, shift: int
):
    whole = Interval(start + timedelta(milliseconds=shift), start + timedelta(milliseconds=shift, seconds=seconds))
    pieces = list(islice(prices.split(whole), 100))
    assert pieces[0][0].start == whole.start
    assert pieces[-1][0].end == whole.end
    assert all(one.end == other.start for (one, _), (other, _) in pairwise(pieces))
    for piece, price in pieces:
        assert piece.start < piece.end
        for share in (0.0, 0.01, 0.33, 0.5, 0.77, 0.99):
            inside = min(piece.start + (piece.end - piece.start) * share, piece.end - timedelta(microseconds=1))
            assert prices.at(inside) == price  # a share of a few microseconds rounds up to the end
        assert prices.at(piece.end - timedelta(microseconds=1)) == price


@settings(deadline=None, max_examples=60)
@given(tariffs, moments | changes)
def test_the_next_change_lies_ahead_and_no_more_than_a_day(prices: Tariff, when: datetime):
    change = prices.change_after(when)
    assert when < change <= when + timedelta(hours=25)
    assert change.tzinfo is when.tzinfo


@pytest.mark.parametrize(
    ("day", "hours"),
    [(datetime(2026, 3, 29), 23), (datetime(2026, 10, 25), 25), (datetime(2026, 6, 1), 24)],  # noqa: DTZ001
)
def test_a_day_has_the_hours_that_its_zone_gives_it(day: datetime, hours: int):
    berlin = ZoneInfo("Europe/Berlin")
    start, end = day.replace(tzinfo=berlin).astimezone(UTC), (day + timedelta(days=1)).replace(tzinfo=berlin)
    night, rest = time(0), time(6)
    lengths = dict.fromkeys((night, rest), 0.0)
    for piece, price in tariff("Europe/Berlin", rest).split(Interval(start, end.astimezone(UTC))):
        lengths[price.start] += piece.seconds / 3600
    assert lengths == {night: hours - 18, rest: 18}


def test_an_hour_that_comes_twice_is_priced_by_its_clock_both_times():
    """02:00 to 03:00 comes twice on 25 October 2026; the price rises at 02:30, and so it does twice."""
    prices = tariff("Europe/Berlin", time(2, 30))
    first = datetime(2026, 10, 25, 0, tzinfo=UTC)
    pieces = list(prices.split(Interval(first, first + timedelta(hours=2))))
    assert [(piece.seconds / 60, price.start) for piece, price in pieces] == [
        (30, time(0)),
        (30, time(2, 30)),
        (30, time(0)),
        (30, time(2, 30)),
    ]


def test_a_price_that_starts_in_the_hour_that_is_skipped_starts_after_it():
    prices = tariff("Europe/Berlin", time(2, 30))
    last = datetime(2026, 3, 29, 0, 59, tzinfo=UTC)
    pieces = list(prices.split(Interval(last, last + timedelta(minutes=31))))
    assert [(piece.seconds / 60, price.start) for piece, price in pieces] == [(1, time(0)), (30, time(2, 30))]


def test_midnight_begins_the_first_period_again():
    prices = tariff("Asia/Shanghai", time(8), time(22))
    start = datetime(2026, 4, 15, 15, tzinfo=UTC)  # 23:00 there
    pieces = list(prices.split(Interval(start, start + timedelta(hours=10))))
    assert [price.start for _, price in pieces] == [time(22), time(0), time(8)]
    assert [piece.seconds / 3600 for piece, _ in pieces] == [1, 8, 1]


def test_an_empty_interval_has_no_pieces():
    now = datetime(2026, 4, 15, tzinfo=UTC)
    assert list(tariff("Asia/Shanghai").split(Interval(now, now))) == []
