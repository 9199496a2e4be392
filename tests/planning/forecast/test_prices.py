from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.planning.forecast.days import (
    BERLIN,
    NOW,
    SHENZHEN,
    any_steps,
    around_now,
    hours,
    is_sound,
    laws,
    midnight,
    wide,
)
from voltide.domain.time import Interval
from voltide.ledger.tariff import Period, Tariff
from voltide.planning.forecast import prices
from voltide.planning.forecast.prices import Quote, posted
from voltide.planning.forecast.steps import Steps

TABLE = [(time(0), 0.40), (time(8), 0.80), (time(10), 1.15), (time(12), 0.80), (time(14), 1.15), (time(19), 0.80)]
"""What a driver pays at Lotus Hill."""


def quote(start: datetime, hours_: float, price: float) -> Quote:
    return Quote(during=Interval(start, start + timedelta(hours=hours_)), price=price)


def market(first: datetime, days: int) -> list[Quote]:
    """Day-ahead prices by the hour, negative at noon."""
    return [quote(first + timedelta(hours=at), 1.0, 0.5 * np.cos(at / 24 * 2 * np.pi)) for at in range(24 * days)]


def test_a_tariff_is_known_and_so_all_its_quantiles_are_equal():
    known = list(posted(TABLE, SHENZHEN, Interval(NOW, NOW + timedelta(days=2))))
    found = prices.foresee(known, SHENZHEN, hours(NOW, 24))
    assert found.gaps == ()
    assert found.forecast.middle[:9].tolist() == [0.80, 0.80, 1.15, 1.15, 1.15, 1.15, 1.15, 0.80, 0.80]
    assert wide(found.forecast).max() == 0.0


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25), date(2026, 6, 1)])
def test_a_posted_table_says_what_the_ledger_s_tariff_says_also_when_the_clock_is_moved(day):
    table = [(time(0), 0.2), (time(1, 30), 0.3), (time(2, 15), 0.4), (time(3), 0.5), (time(22, 45), 0.6)]
    rows = [
        Period(
            name="p",
            start=start,
            charge=Decimal(str(price)),
            feed_in=Decimal(0),
            grid_buy=Decimal(0),
            grid_sell=Decimal(0),
        )
        for start, price in table
    ]
    tariff = Tariff(periods=tuple(rows), zone=ZoneInfo("Europe/Berlin"))
    whole = Interval(
        midnight(day, BERLIN) - timedelta(minutes=7), midnight(day + timedelta(days=1), BERLIN) + timedelta(hours=3)
    )
    steps = Steps.of(whole.start, [600.0] * int(whole.seconds // 600))
    ours = prices.foresee(posted(table, BERLIN, whole), BERLIN, steps)
    cut = [Quote(during=part, price=float(period.charge)) for part, period in tariff.split(whole)]
    theirs = prices.foresee(cut, BERLIN, steps)
    assert ours.forecast.middle == pytest.approx(theirs.forecast.middle)
    assert ours.gaps == theirs.gaps == ()


@pytest.mark.parametrize("wrong", [[], [(time(1), 0.5)], [(time(0), 0.5), (time(0), 0.6)]])
def test_a_table_that_does_not_cover_the_day_is_a_mistake(wrong):
    with pytest.raises(ValueError, match="midnight"):
        list(posted(wrong, SHENZHEN, Interval(NOW, NOW + timedelta(days=1))))


def test_an_unequal_step_costs_its_mean_over_time():
    found = prices.foresee(market(NOW, 1), SHENZHEN, Steps.of(NOW, [3600.0, 5400.0, 1234.0]))
    two = [0.5 * np.cos(at / 24 * 2 * np.pi) for at in (1, 2)]
    assert found.forecast.middle[1] == pytest.approx((2 * two[0] + two[1]) / 3)


def test_the_hours_without_a_price_are_named_and_foreseen_as_usual():
    first = midnight(date(2026, 10, 12), SHENZHEN)
    known = market(first, 15)
    hidden = [one for one in known if not NOW + timedelta(hours=2) <= one.during.start < NOW + timedelta(hours=4)]
    whole = prices.foresee(known, SHENZHEN, hours(NOW, 30))
    found = prices.foresee(hidden, SHENZHEN, hours(NOW, 30))
    tomorrow = midnight(date(2026, 10, 27), SHENZHEN)
    assert found.gaps == (
        Interval(NOW + timedelta(hours=2), NOW + timedelta(hours=4)),
        Interval(tomorrow, NOW + timedelta(hours=30)),
    )
    assert found.forecast.middle[2:4] == pytest.approx(whole.forecast.middle[2:4])
    assert (wide(found.forecast)[2:4] > 0.05).all()
    assert wide(found.forecast)[4] == 0.0


def test_no_price_at_all_is_nothing_known_and_the_whole_is_a_gap():
    found = prices.foresee([], SHENZHEN, hours(NOW, 3))
    assert found.gaps == (Interval(NOW, NOW + timedelta(hours=3)),)
    assert found.forecast.basis.assumed
    assert is_sound(found.forecast, least=-1.0)


def test_a_correction_of_a_part_covers_the_longer_quote_whichever_is_told_first():
    day, event = quote(NOW, 24.0, 0.5), quote(NOW + timedelta(hours=1), 1.0, 4.0)
    for told in ([day, event], [event, day]):
        assert prices.foresee(told, SHENZHEN, hours(NOW, 4)).forecast.middle.tolist() == [0.5, 4.0, 0.5, 0.5]


def test_a_price_that_is_no_number_is_a_gap():
    found = prices.foresee(
        [quote(NOW, 1.0, 0.5), quote(NOW + timedelta(hours=1), 1.0, float("nan"))], SHENZHEN, hours(NOW, 2)
    )
    assert found.gaps == (Interval(NOW + timedelta(hours=1), NOW + timedelta(hours=2)),)


some_quotes = st.lists(
    st.builds(Quote, during=st.builds(Interval, around_now, around_now), price=st.floats()), max_size=15
)


@laws
@given(some_quotes, any_steps(), st.randoms(use_true_random=False))
def test_whatever_is_quoted_the_forecast_is_sound_and_the_order_of_quotes_changes_nothing(quotes, steps, chance):
    found = prices.foresee(quotes, BERLIN, steps)
    assert is_sound(found.forecast, least=-np.inf)
    again = prices.foresee(chance.sample(quotes, len(quotes)), BERLIN, steps)
    assert np.array_equal(found.forecast.quantiles, again.forecast.quantiles)
    assert found.gaps == again.gaps
    for gap in found.gaps:
        assert not any(
            np.isfinite(one.price)
            and abs(one.price) < 1e12
            and one.during.start < gap.end
            and gap.start < min(one.during.end, gap.end)
            and one.during.seconds > 0
            for one in quotes
        )
