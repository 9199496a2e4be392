"""What a stay comes to: laws of the arithmetic, and a slow way that must give the same."""

import doctest
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltide.domain.messages import Json
from voltide.ocpp.tariff21 import Price, tariff21
from voltide.twin.blocks import reckoning
from voltide.twin.blocks.reckoning import Reckoning, Span, is_sound, on_clock

ZONE = ZoneInfo("Asia/Shanghai")
NOON = datetime(2025, 3, 28, 4, tzinfo=UTC)
"""A Friday, at twelve in Shenzhen."""


def tariff(**parts: object) -> Json:
    return {"tariffId": "T", "currency": "CNY"} | parts


def energy(*prices: Json, tax: float | None = None) -> Json:
    rows = [one if isinstance(one, dict) else {"priceKwh": one} for one in prices]
    return {"prices": rows} | ({} if tax is None else {"taxRates": [{"type": "VAT", "tax": tax}]})


def minutes(price: float, **conditions: object) -> Json:
    return {"prices": [{"priceMinute": price} | ({"conditions": conditions} if conditions else {})]}


def reckoned(told: Json, *spans: tuple[float, float, float], began: datetime = NOON) -> Reckoning:
    """A stay of spans: seconds, Wh taken, Wh given."""
    stay, at = Reckoning(told, ZONE, began), began
    for seconds, taken, given_ in spans:
        stay.count(Span(start=at, seconds=seconds, import_wh=taken, export_wh=given_))
        at += timedelta(seconds=seconds)
    return stay


def total(stay: Reckoning) -> float:
    cost: float = stay.details(whole=False)["totalCost"]["total"]["exclTax"]
    return cost


BACK = {"priceKwh": 0.9, "conditions": {"minPower": 0, "maxPower": -60_000}}
PLAIN = tariff(energy=energy(BACK, {"priceKwh": 1.15}, tax=6), chargingTime=minutes(0.3), idleTime=minutes(0.1))
SPANS = st.tuples(st.integers(1, 3600), st.integers(0, 20_000), st.integers(0, 20_000))


@given(SPANS, st.integers(1, 7))
def test_a_span_in_parts_comes_to_the_same(span: tuple[int, int, int], parts: int) -> None:
    whole = reckoned(PLAIN, span)
    split = reckoned(PLAIN, *[tuple(value / parts for value in span)] * parts)  # type: ignore[arg-type]
    assert total(split) == pytest.approx(total(whole), abs=2e-4)
    assert split.details(whole=True)["totalUsage"] == whole.details(whole=True)["totalUsage"]


@given(st.integers(0, 36_000))
def test_the_price_of_nothing_is_nothing(seconds: int) -> None:
    stay = reckoned(tariff(energy=energy(1.15), chargingTime=minutes(0.3)), (seconds, 0.0, 0.0), (0.0, 0.0, 0.0))
    assert stay.total[:2] == (0, 0)
    assert reckoned(tariff()).details(whole=True)["totalCost"]["total"] == {"exclTax": 0.0, "inclTax": 0.0}


BOUNDS = st.fixed_dictionaries(
    {},
    optional={
        "minEnergy": st.sampled_from([0, 5, 20, 60]),
        "maxEnergy": st.sampled_from([5, 20, 60, 200]),
        "minPower": st.sampled_from([0, 10_000, 30_000]),
        "maxPower": st.sampled_from([10_000, 30_000]),
        "minTime": st.sampled_from([0, 3, 9]),
        "maxTime": st.sampled_from([3, 9, 30]),
        "minChargingTime": st.sampled_from([2, 5]),
        "maxIdleTime": st.sampled_from([2, 5]),
        "startTimeOfDay": st.sampled_from(["11:00", "12:01"]),
    },
)
ROWS = st.lists(st.tuples(st.sampled_from([0.4, 0.8, 1.15]), BOUNDS), min_size=1, max_size=4)
WATTS = st.lists(st.sampled_from([0, 7_200, 18_000, 36_000]), min_size=1, max_size=80)


def slow(rows: list[tuple[float, Json]], watts: list[int]) -> Fraction:
    """The same from scratch for each second, by reading the specification once more."""
    sum_ = Fraction(0)
    for second, power in enumerate(watts):
        before = watts[:second]
        local = datetime(2025, 3, 28, 12, tzinfo=ZONE) + timedelta(seconds=second)
        facts = {
            "Energy": Fraction(sum(before), 3600),
            "Power": power,
            "Time": second,
            "ChargingTime": sum(one > 0 for one in before),
            "IdleTime": sum(one == 0 for one in before),
        }
        for price, bounds in rows:
            least = all(facts[key[3:]] >= bound for key, bound in bounds.items() if key.startswith("min"))
            most = all(facts[key[3:]] < bound for key, bound in bounds.items() if key.startswith("max"))
            if least and most and bounds.get("startTimeOfDay", "00:00") <= f"{local:%H:%M}":
                sum_ += Fraction(str(price)) * Fraction(power, 3_600_000)
                break
    return sum_


@given(ROWS, WATTS)
def test_second_by_second_it_is_what_a_slow_reading_of_the_tariff_gives(
    rows: list[tuple[float, Json]], watts: list[int]
) -> None:
    prices = [{"priceKwh": price} | ({"conditions": bounds} if bounds else {}) for price, bounds in rows]
    stay = reckoned(tariff(energy=energy(*prices)), *[(1.0, power / 3600, 0.0) for power in watts])
    assert float(stay.total[0]) == pytest.approx(float(slow(rows, watts)), abs=1e-9)
    told = [one.told() for one in stay.periods]
    volumes = [row["volume"] for one in told for row in one["dimensions"] if row["type"] == "Energy"]
    assert sum(volumes) == pytest.approx(sum(watts) / 3600, abs=1e-3 * len(told))
    assert len({one["startPeriod"] for one in told}) == len(told)


# --- what is given back ---


def test_what_is_given_back_has_a_price_only_where_one_names_it() -> None:
    assert total(reckoned(tariff(energy=energy(1.15)), (3600, 0, 20_000))) == 0.0
    both_ways = tariff(energy=energy(BACK, 1.15))
    assert total(reckoned(both_ways, (3600, 0, 20_000))) == pytest.approx(-0.9 * 20)
    assert total(reckoned(both_ways, (3600, 20_000, 0))) == pytest.approx(1.15 * 20)
    assert total(reckoned(both_ways, (3600, 20_000, 10_000))) == pytest.approx(1.15 * 20 - 0.9 * 10)
    assert total(reckoned(both_ways, (360, 0, 10_000))) == 0.0, "100 kW is beyond its bound"


def test_a_minute_s_price_up_to_a_power_of_charging_is_none_for_giving_back() -> None:
    slow_ones = tariff(chargingTime=minutes(0.3, maxPower=50_000))
    assert total(reckoned(slow_ones, (600, 5_000, 0))) == pytest.approx(3.0)
    assert total(reckoned(slow_ones, (600, 0, 5_000))) == 0.0


def test_the_first_so_many_kilowatt_hours_that_are_given_back_may_have_a_price_of_their_own() -> None:
    first = {"priceKwh": 2.0, "conditions": {"maxEnergy": -10_000}}
    then = {"priceKwh": 0.5, "conditions": {"minEnergy": -10_000}}
    stay = reckoned(tariff(energy=energy(first, then)), (600, 0, 10_000), (600, 0, 10_000), (600, 10_000, 0))
    assert total(stay) == pytest.approx(-2.0 * 10 - 0.5 * 10)
    assert stay.details(whole=False)["totalUsage"] == {"energy": -10_000.0, "chargingTime": 1800, "idleTime": 0}


# --- fees, taxes, bounds, a change ---


def test_taxes_are_laid_stack_upon_stack_on_each_part() -> None:
    taxes = [{"type": "federal", "tax": 10}, {"type": "state", "tax": 20, "stack": 1}]
    fee = {"prices": [{"priceFixed": 5}], "taxRates": taxes}
    cost = reckoned(tariff(energy=energy(1.0, tax=6), fixedFee=fee), (3600, 10_000, 0)).details(whole=False)[
        "totalCost"
    ]
    assert cost["fixed"] == {"exclTax": 5.0, "inclTax": 6.6}
    assert cost["energy"] == {"exclTax": 10.0, "inclTax": 10.6}
    assert cost["total"] == {"exclTax": 15.0, "inclTax": 17.2}
    assert (cost["typeOfCost"], cost["currency"]) == ("NormalCost", "CNY")


@pytest.mark.parametrize(
    ("bounds", "said", "kind"),
    [
        ({"minCost": {"exclTax": 20, "taxRates": [{"type": "VAT", "tax": 6}]}}, (20.0, 21.2), "MinCost"),
        ({"minCost": {"exclTax": 5}}, (10.0, 10.6), "NormalCost"),
        ({"maxCost": {"inclTax": 5.3, "taxRates": [{"type": "VAT", "tax": 6}]}}, (5.0, 5.3), "MaxCost"),
        ({"maxCost": {"exclTax": 5, "inclTax": 5.5}}, (5.0, 5.5), "MaxCost"),
        ({"maxCost": {"inclTax": 10.6}, "minCost": {"inclTax": 10.6}}, (10.0, 10.6), "NormalCost"),
    ],
)
def test_the_least_and_the_most_of_a_tariff_hold_with_and_without_tax(
    bounds: Json, said: tuple[float, float], kind: str
) -> None:
    stay = reckoned(tariff(energy=energy(1.0, tax=6), **bounds), (3600, 10_000, 0))
    cost = stay.details(whole=False)["totalCost"]
    assert (cost["total"]["exclTax"], cost["total"]["inclTax"], cost["typeOfCost"]) == (*said, kind)


def test_a_changed_tariff_leaves_what_was_reckoned_and_asks_no_second_fee() -> None:
    fee = {"prices": [{"priceFixed": 5}]}
    stay = reckoned(tariff(energy=energy(1.0), fixedFee=fee), (3600, 10_000, 0))
    stay.change({"tariffId": "NEW", "currency": "CNY", "energy": energy(3.0), "fixedFee": fee})
    stay.count(Span(start=NOON + timedelta(hours=1), seconds=3600, import_wh=10_000))
    assert total(stay) == 5 + 10 + 30
    told = stay.details(whole=True)["chargingPeriods"]
    assert [(one["tariffId"], one["dimensions"][0]["volume"]) for one in told] == [("T", 10_000.0), ("NEW", 10_000.0)]


def test_idle_minutes_and_charging_minutes_are_told_apart() -> None:
    stay = reckoned(PLAIN, (600, 5_000, 0), (1200, 0, 0))
    assert total(stay) == pytest.approx(5 * 1.15 + 10 * 0.3 + 20 * 0.1)
    told = stay.details(whole=True)
    assert told["totalUsage"] == {"energy": 5000.0, "chargingTime": 1800, "idleTime": 1200}
    assert [row["type"] for row in told["chargingPeriods"][1]["dimensions"]] == ["Energy", "IdleTIme"]


# --- the clock ---


@pytest.mark.parametrize(
    ("conditions", "holds"),
    [
        ({}, True),
        ({"startTimeOfDay": "12:00"}, True),
        ({"endTimeOfDay": "12:00"}, False),
        ({"startTimeOfDay": "22:00", "endTimeOfDay": "12:01"}, True),
        ({"dayOfWeek": ["Friday"]}, True),
        ({"dayOfWeek": ["Saturday", "Sunday"]}, False),
        ({"validFromDate": "2025-03-28", "validToDate": "2025-03-29"}, True),
        ({"validToDate": "2025-03-28"}, False),
        ({"validFromDate": "2025-03-29"}, False),
        ({"evseKind": "AC"}, False),
        ({"paymentBrand": "VISA"}, False),
        ({"paymentRecognition": "CC", "startTimeOfDay": "08:00"}, False),
    ],
)
def test_a_price_holds_by_local_calendar_clock_place_and_payer(conditions: Json, holds: bool) -> None:
    assert on_clock(conditions, NOON.astimezone(ZONE)) is holds


def test_the_clock_is_the_charger_s_own() -> None:
    row = {"priceKwh": 1.0, "conditions": {"startTimeOfDay": "12:00", "endTimeOfDay": "13:00"}}
    assert total(reckoned(tariff(energy=energy(row)), (60, 1000, 0))) == 1.0
    assert total(reckoned(tariff(energy=energy(row)), (60, 1000, 0), began=NOON.replace(hour=12))) == 0.0


def test_the_station_s_own_tariff_is_read_as_it_was_meant() -> None:
    own = tariff21([Price(start=time(hour), per_kwh=Decimal(hour)) for hour in (0, 7, 14, 23)], "CNY", "a day")
    assert is_sound(own)
    midnight = NOON.replace(hour=16)
    costs = [total(reckoned(own, (60, 1000, 0), began=midnight + timedelta(hours=hour))) for hour in range(24)]
    assert costs == [0.0] * 7 + [7.0] * 7 + [14.0] * 9 + [23.0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"energy": energy({"priceKwh": 1.0, "conditions": {"startTimeOfDay": "8:00"}})},
        {"energy": energy({"priceKwh": 1.0, "conditions": {"endTimeOfDay": "24:00"}})},
        {"idleTime": minutes(1.0, validFromDate="28.03.2025")},
        {"minCost": {}},
        {"validFrom": "tomorrow"},
    ],
)
def test_what_cannot_be_read_is_not_sound(wrong: Json) -> None:
    assert is_sound(PLAIN)
    assert not is_sound(PLAIN | wrong)


def test_the_examples_in_the_documentation_are_true() -> None:
    failed, tried = doctest.testmod(reckoning)
    assert (failed, tried > 3) == (0, True)
