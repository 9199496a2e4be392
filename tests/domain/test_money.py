from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltide.domain.money import cost_fen, exact_fen, rounded

milliwatt_hours = st.integers(0, 10**12)
prices = st.decimals(-100, 100, places=4)


@pytest.mark.parametrize(
    ("energy_wh", "yuan", "fen"),
    [
        (20_000.0, "0.7701", 1540),
        (500.0, "0.01", 0),
        (1500.0, "0.01", 2),
        (2500.0, "0.01", 2),
        (2500.001, "0.01", 3),
        (-2500.0, "0.01", -2),
        (1500.0, "-0.01", -2),
        (0.0, "0.7701", 0),
    ],
)
def test_half_a_fen_goes_to_the_even_one(energy_wh: float, yuan: str, fen: int):
    assert cost_fen(energy_wh, Decimal(yuan)) == fen


@settings(deadline=None, max_examples=60)
@given(milliwatt_hours, prices)
def test_a_cost_is_the_exact_product_rounded_once(milli: int, price: Decimal):
    exact = Decimal(milli) / 1000 * price / 10
    assert cost_fen(milli / 1000, price) == int(exact.quantize(Decimal(1), rounding=ROUND_HALF_EVEN))


@settings(deadline=None, max_examples=60)
@given(milliwatt_hours, prices)
def test_what_one_pays_the_other_earns(milli: int, price: Decimal):
    assert cost_fen(milli / 1000, price) == -cost_fen(milli / 1000, -price)


def test_the_noise_of_binary_fractions_is_no_energy():
    noisy = 12_500.000000000002
    assert noisy != 12_500.0
    assert exact_fen(noisy, Decimal("0.01")) == Decimal("12.5")
    assert cost_fen(noisy, Decimal("0.01")) == 12


def test_an_absurd_energy_still_has_a_cost():
    assert cost_fen(1e30, Decimal(1)) == 10**29
    assert rounded(Decimal("1e40")) == 10**40
