from hypothesis import given, settings
from hypothesis import strategies as st

from tests.security.clocks import Manual
from voltide.security.throttle import Throttle, neighbourhood


def test_a_name_has_so_many_wrong_tries_a_minute():
    clock = Manual()
    throttle = Throttle(clock, most=3)
    for _ in range(3):
        assert not throttle.spent("V1")
        throttle.wrong("V1")
    assert throttle.spent("V1")
    assert not throttle.spent("V2")
    clock.go(seconds=61)
    assert not throttle.spent("V1")


def test_tries_come_back_one_by_one_as_they_grow_old():
    clock = Manual()
    throttle = Throttle(clock, most=2)
    throttle.wrong("V1")
    clock.go(seconds=40)
    throttle.wrong("V1")
    assert throttle.spent("V1")
    clock.go(seconds=21)
    assert not throttle.spent("V1")
    throttle.wrong("V1")
    assert throttle.spent("V1")


def test_a_sprayer_fills_no_memory_and_drives_out_the_silent_ones_first():
    clock = Manual()
    throttle = Throttle(clock, most=2, names=100)
    throttle.wrong("attacked")
    for number in range(1_000):
        throttle.wrong(f"sprayed-{number}")
        if number % 50 == 0:
            throttle.wrong("attacked")
    assert throttle.spent("attacked")
    assert len(throttle._wrong) <= 100


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 90)), max_size=40))
def test_nobody_ever_has_more_than_the_allowed_tries_in_any_minute(story):
    clock = Manual()
    throttle, allowed = Throttle(clock, most=5), {name: [] for name in "abc"}
    for name, wait in story:
        clock.go(seconds=wait)
        if not throttle.spent(name):
            throttle.wrong(name)
            allowed[name].append(clock.monotonic())
    for times in allowed.values():
        for at in times:
            assert sum(at - 60.0 < other <= at for other in times) <= 5


def test_a_network_of_ipv6_counts_as_one_sender_and_a_mapped_address_as_its_own():
    assert neighbourhood("2001:db8:1:2::1") == neighbourhood("2001:db8:1:2:ffff::9")
    assert neighbourhood("2001:db8:1:2::1") != neighbourhood("2001:db8:1:3::1")
    assert neighbourhood("::ffff:192.0.2.1") == neighbourhood("192.0.2.1") != neighbourhood("192.0.2.2")
    assert neighbourhood("fe80::1%eth0") == neighbourhood("fe80::2")
    assert neighbourhood("no address at all" * 20) == ("no address at all" * 20)[:64]
