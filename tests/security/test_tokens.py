from datetime import UTC, datetime, timedelta

import pytest

from voltide.security.tokens import LINK_S, SESSION_S, Operators


class Manual:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def now(self) -> datetime:
        return datetime(2026, 4, 15, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Manual:
    return Manual()


def test_a_link_works_once(clock: Manual):
    operators = Operators(clock)
    link = operators.one_time_link_token()
    session = operators.redeem(link)
    assert session is not None
    assert operators.check(session)
    assert operators.redeem(link) is None


def test_a_link_is_no_session_and_a_session_no_link(clock: Manual):
    operators = Operators(clock)
    link = operators.one_time_link_token()
    assert not operators.check(link)
    session = operators.redeem(link)
    assert session not in {None, link}
    assert operators.redeem(session or "") is None


@pytest.mark.parametrize(("waited", "opens"), [(0.0, True), (LINK_S - 1, True), (LINK_S + 1, False)])
def test_a_link_expires_by_the_clock(clock: Manual, waited: float, opens: bool):
    operators = Operators(clock)
    link = operators.one_time_link_token()
    clock.seconds += waited
    assert (operators.redeem(link) is not None) == opens


def test_an_expired_link_stays_expired_though_the_clock_were_set_back(clock: Manual):
    operators = Operators(clock)
    link = operators.one_time_link_token()
    clock.seconds += LINK_S + 1
    assert operators.redeem(link) is None
    clock.seconds -= LINK_S
    assert operators.redeem(link) is None


@pytest.mark.parametrize(("waited", "stays"), [(SESSION_S - 1, True), (SESSION_S, False), (SESSION_S + 1, False)])
def test_a_session_expires_by_the_clock(clock: Manual, waited: float, stays: bool):
    operators = Operators(clock)
    session = operators.redeem(operators.one_time_link_token()) or ""
    clock.seconds += waited
    assert operators.check(session) == stays


@pytest.mark.parametrize("token", ["", "x", "é", "0" * 10_000])
def test_any_other_token_opens_nothing(clock: Manual, token: str):
    operators = Operators(clock)
    operators.redeem(operators.one_time_link_token())
    assert operators.redeem(token) is None
    assert not operators.check(token)


def test_operators_do_not_share_what_they_know(clock: Manual):
    link = Operators(clock).one_time_link_token()
    assert Operators(clock).redeem(link) is None


def test_two_links_are_two_sign_ins(clock: Manual):
    operators = Operators(clock)
    one, other = operators.one_time_link_token(), operators.one_time_link_token()
    assert one != other
    assert len(one) >= 32
    first, second = operators.redeem(one), operators.redeem(other)
    assert first != second
    assert operators.check(first or "")
    assert operators.check(second or "")


def test_who_signs_out_is_out_and_nobody_else_is(clock: Manual):
    operators = Operators(clock)
    one, other = (operators.redeem(operators.one_time_link_token()) or "" for _ in range(2))
    for nobody in ("", "x", other + "x", "é"):
        operators.revoke(nobody)
    operators.revoke(one)
    operators.revoke(one)
    assert not operators.check(one)
    assert operators.check(other)
