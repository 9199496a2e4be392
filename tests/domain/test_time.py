from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltide.domain.time import Interval, millis, moment, stamp

FIRST, LAST = datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
laws = settings(deadline=None, max_examples=60)
moments = st.datetimes(FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None), timezones=st.just(UTC))


@laws
@given(st.integers(millis(FIRST), millis(LAST)))
def test_milliseconds_come_back_as_they_went_before_1970_too(milliseconds: int):
    assert millis(moment(milliseconds)) == milliseconds


@laws
@given(moments)
def test_a_moment_is_kept_to_half_a_millisecond(when: datetime):
    assert abs(moment(millis(when)) - when) <= timedelta(microseconds=501)


@laws
@given(moments, moments)
def test_the_store_keeps_the_order_of_moments(one: datetime, other: datetime):
    assert (millis(one) <= millis(other)) or one > other


@laws
@given(moments, st.integers(-14 * 60, 14 * 60))
def test_a_stamp_says_the_same_moment_in_utc_wherever_it_was_told(when: datetime, minutes: int):
    there = when.astimezone(timezone(timedelta(minutes=minutes)))
    said = stamp(there)
    assert said == stamp(when)
    assert said.endswith("Z")
    assert abs(datetime.fromisoformat(said) - when) < timedelta(milliseconds=1)


def test_an_interval_holds_its_start_and_not_its_end():
    hour = Interval(datetime(2026, 1, 1, 9, tzinfo=UTC), datetime(2026, 1, 1, 10, tzinfo=UTC))
    assert hour.start in hour
    assert hour.end not in hour
    assert hour.end - timedelta(microseconds=1) in hour
    assert hour.start - timedelta(microseconds=1) not in hour
    assert hour.seconds == 3600.0
    assert Interval(hour.end, hour.start).seconds == 0.0


def test_neighbouring_intervals_share_no_moment():
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    before, after = Interval(noon - timedelta(hours=1), noon), Interval(noon, noon + timedelta(hours=1))
    assert [noon in before, noon in after] == [False, True]


@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_a_stamp_has_milliseconds_even_when_there_are_none(shift: int):
    assert stamp(datetime(2026, 1, 1, 0, 0, 2 + shift, tzinfo=UTC)) == f"2026-01-01T00:00:0{2 + shift}.000Z"
