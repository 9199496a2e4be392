from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.planning.forecast.days import NOW, any_steps, around_now, hours, laws, stay
from tests.planning.forecast.test_arrivals import some_stays
from voltide.domain.session import Flag, Needs, Session, SessionId
from voltide.domain.site import ChargerId, EvseId
from voltide.planning.forecast import departures
from voltide.planning.forecast.reservations import no_show
from voltide.planning.forecast.stays import past
from voltide.planning.forecast.steps import Steps

ARRIVED, TOLD = NOW - timedelta(hours=2), NOW + timedelta(hours=4)


def late(count: int, late_s: float, kind: str = ""):
    return [stay(NOW - timedelta(days=1 + at % 20, hours=6), 3.0, late_s, kind) for at in range(count)]


def foreseen(stays, told: datetime | None = TOLD, steps: Steps | None = None, kind: str = ""):
    return departures.foresee(stays, ARRIVED, told, steps or hours(NOW, 12), kind)


def test_nothing_known_is_half_before_and_half_after_and_one_in_ten_an_hour_off():
    found = foreseen([])
    assert found.basis.assumed
    assert found.still(TOLD) == pytest.approx(0.5, abs=0.001)
    assert found.still(TOLD - timedelta(hours=1)) == pytest.approx(0.9, abs=0.001)
    assert found.still(TOLD + timedelta(hours=1)) == pytest.approx(0.1, abs=0.001)
    assert found.at(0.5) == pytest.approx(TOLD, abs=timedelta(seconds=10))


def test_drivers_who_always_leave_an_hour_early_are_expected_an_hour_early():
    found = foreseen(late(200, -3600.0))
    assert found.at(0.5) == pytest.approx(TOLD - timedelta(hours=1), abs=timedelta(seconds=2))
    assert found.leaving()[2] > 0.9, "within the hour that ends an hour before"
    assert found.still(TOLD) < 0.05
    assert str(found.basis) == "learnt from 20 days; 200 of 200 stays were of its kind"


def test_a_kind_of_driver_is_drawn_to_all_drivers_while_it_is_few():
    others = late(200, 3600.0, "late")
    few, many = (foreseen(others + late(count, -3600.0, "early"), kind="early") for count in (3, 100))
    after_told = TOLD + timedelta(minutes=1)
    assert few.still(after_told) > 0.5
    assert many.still(after_told) < 0.2


def test_the_chances_of_the_steps_add_up_to_what_is_no_longer_there():
    found = foreseen(late(30, 600.0))
    assert found.leaving().sum() == pytest.approx(1.0 - found.still(NOW + timedelta(hours=12)))


def test_who_is_overdue_may_leave_in_any_minute_and_an_hour_of_waiting_changes_little():
    for overdue in (3, 30, 300):
        found = foreseen(late(30, 600.0), NOW - timedelta(hours=overdue), hours(NOW, 3))
        assert found.leaving()[0] == pytest.approx(0.8, abs=0.01), "four of five within the hour: Laplace's tail"
    assert foreseen([], NOW - timedelta(days=365), hours(NOW, 1)).leaving()[0] == pytest.approx(0.8, abs=0.01)


def test_without_a_told_departure_the_stay_is_as_long_as_others_were():
    found = foreseen(late(500, 0.0), None, Steps.of(NOW, [3000.0, 1200.0, 3600.0]))
    assert found.leaving()[1] > 0.9, "three hours after its arrival"
    nothing = foreseen([], None)
    assert nothing.still(NOW + timedelta(hours=1)) == pytest.approx(np.exp(-1.0), abs=0.001)


def test_the_future_and_what_is_long_past_teach_nothing():
    future = [stay(NOW + timedelta(days=1), 3.0, -3600.0)] * 50
    old = [stay(NOW - timedelta(days=70), 3.0, -3600.0)] * 50
    assert foreseen(future + old).basis.assumed


def test_a_stay_whose_end_was_lost_does_not_tell_when_it_left():
    ended = Session(
        id=SessionId("s"), charger=ChargerId("c"), evse=EvseId("c/1"), transaction_id="1",
        plugged_at=ARRIVED, ended_at=NOW, imported_wh=9_000.0, needs=Needs(departure=TOLD, energy_wh=12_000.0),
    )  # fmt: skip
    assert past(ended).late_s == -4 * 3600.0
    assert (past(ended).stay_s, past(ended).energy_wh) == (2 * 3600.0, 12_000.0)
    assert past(replace(ended, flags=frozenset({Flag.LOST_END}))).late_s is None


@laws
@given(st.lists(some_stays, max_size=30), st.none() | around_now, any_steps(), st.randoms(use_true_random=False))
def test_whatever_is_remembered_chances_are_chances_and_its_order_changes_nothing(stays, told, steps, chance):
    found = departures.foresee(stays, ARRIVED, told, steps, "taxi")
    chances = found.leaving()
    assert np.isfinite(chances).all()
    assert (chances >= 0.0).all()
    assert chances.sum() <= 1.0 + 1e-9
    assert found.at(0.1) <= found.at(0.5) <= found.at(0.9)
    mixed = chance.sample(stays, len(stays))
    assert np.array_equal(chances, departures.foresee(mixed, ARRIVED, told, steps, "taxi").leaving())


def test_more_stays_narrow_the_departure():
    def width(count: int) -> timedelta:
        found = foreseen(late(count, 0.0))
        return found.at(0.9) - found.at(0.1)

    widths = [width(count) for count in (0, 3, 20, 300)]
    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < timedelta(minutes=1) < timedelta(hours=1) < widths[0]


def test_the_share_of_no_shows_is_learnt_and_grows_surer():
    few, many = no_show([0.0] * 7 + [None] * 3), no_show(([0.0] * 7 + [None] * 3) * 50)
    assert few.mean == pytest.approx(4 / 15)
    assert no_show([], late_s=600.0).mean == pytest.approx(0.2 / (0.2 + 0.8 / np.e)), "Bayes, ten minutes late"
    assert many.mean == pytest.approx(0.3, abs=0.005)
    assert few.quantiles[0] < many.quantiles[0] < 0.3 < many.quantiles[2] < few.quantiles[2]


def test_a_beta_s_quantiles_are_those_of_its_draws():
    found = no_show([0.0] * 7 + [None] * 3)
    drawn = np.random.default_rng(1).beta(4.0, 11.0, 100_000)
    assert found.quantiles == pytest.approx(np.quantile(drawn, [0.1, 0.5, 0.9]), abs=0.004)


@laws
@given(
    st.lists(st.none() | st.floats(-7200, 7200) | st.just(float("nan")), max_size=40),
    st.floats(0, 1e6),
    st.floats(0, 1e6),
)
def test_whoever_is_later_is_less_likely_to_come(outcomes, one, other):
    early, later = (no_show(outcomes, late_s=late_s) for late_s in sorted((one, other)))
    assert 0.0 < early.mean <= later.mean <= 1.0
    assert list(later.quantiles) == sorted(later.quantiles)
