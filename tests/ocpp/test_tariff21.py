"""The station's prices as OCPP 2.1 writes them: schema-valid, the whole day, and another id for another price."""

from datetime import time
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltide.ocpp.messages import v21
from voltide.ocpp.tariff21 import Price, tariff21

HOURS = st.lists(st.integers(1, 23), unique=True, max_size=8).map(sorted)
PRICES = st.decimals(min_value="0.01", max_value="9.99", places=4)


@st.composite
def days(draw):
    return [Price(start=time(hour), per_kwh=draw(PRICES)) for hour in [0, *draw(HOURS)]]


def price_at(tariff, clock):
    """The price as a charger would find it."""
    found = [
        one["priceKwh"]
        for one in tariff["energy"]["prices"]
        if "conditions" not in one
        or one["conditions"]["startTimeOfDay"] <= clock < (one["conditions"]["endTimeOfDay"].replace("00:00", "24:00"))
    ]
    assert len(found) == 1
    return found[0]


@given(days(), st.integers(0, 24 * 60 - 1))
def test_every_minute_of_a_day_has_one_price_and_it_is_ours(prices, minute):
    tariff = tariff21(prices, "CNY", "a day")
    clock = time(minute // 60, minute % 60)
    ours = next(one for one in reversed(prices) if one.start <= clock)
    assert price_at(tariff, f"{clock:%H:%M}") == float(ours.per_kwh)


@given(days())
def test_a_tariff_fits_the_schema(prices):
    msgspec.convert({"evseId": 0, "tariff": tariff21(prices, "CNY", "a day")}, v21.SetDefaultTariffRequest)


def test_the_id_changes_with_the_price_and_only_then():
    day = [Price(start=time(0), per_kwh=Decimal("0.5")), Price(start=time(8), per_kwh=Decimal("0.9"))]
    dearer = [day[0], Price(start=time(8), per_kwh=Decimal("0.91"))]
    assert tariff21(day, "CNY", "x")["tariffId"] == tariff21(list(day), "CNY", "x")["tariffId"]
    assert tariff21(day, "CNY", "x")["tariffId"] != tariff21(dearer, "CNY", "x")["tariffId"]


@pytest.mark.parametrize("prices", [[], [Price(start=time(6), per_kwh=Decimal(1))]])
def test_a_day_without_its_first_hours_is_no_tariff(prices):
    with pytest.raises(ValueError, match="midnight"):
        tariff21(prices, "CNY", "x")
