"""What an outlet may hold, by what it was told and what it said."""

import math

from voltide.control import lease
from voltide.control.lease import GRACE_S, Held


def told(power, until=60.0, now=0.0, held=None):
    held = held or Held(fallback_w=5.0)
    return lease.accepted(lease.asked(held, power, until), power, until, now)


def test_an_outlet_that_was_told_nothing_is_at_its_fallback():
    assert Held(fallback_w=5.0).possible(0.0) == (5.0, 5.0)


def test_what_is_on_its_way_counts_beside_what_is_held():
    held = lease.asked(told(50.0), 20.0, 90.0)
    assert held.possible(1.0) == (20.0, 50.0)
    assert held.command(1.0) == 20.0


def test_an_answer_that_never_came_leaves_both_possible_until_both_leases_have_run_out():
    held = lease.unknown(lease.asked(told(50.0, until=60.0), -30.0, 90.0))
    assert held.possible(59.0) == (-30.0, 50.0)
    assert held.possible(60.0 + GRACE_S + 1) == (-30.0, 5.0)
    assert held.possible(90.0 + GRACE_S + 1) == (5.0, 5.0)


def test_two_lost_setpoints_both_count_and_the_next_accepted_one_ends_them():
    held = lease.unknown(lease.asked(lease.unknown(lease.asked(told(10.0), 60.0, 90.0)), 1.0, 91.0))
    assert held.possible(1.0) == (1.0, 60.0)
    assert lease.accepted(lease.asked(held, 3.0, 92.0), 3.0, 92.0, 2.0).possible(3.0) == (3.0, 3.0)


def test_a_refusal_says_nothing_of_the_same_power_that_was_asked_before_and_never_answered():
    lost = lease.unknown(lease.asked(told(5.0), 60.0, 90.0))
    assert lease.refused(lease.asked(lost, 60.0, 95.0)).possible(1.0) == (5.0, 60.0)


def test_who_stays_silent_fills_no_memory():
    held = Held(fallback_w=5.0)
    for at in range(1000):
        held = lease.unknown(lease.asked(held, 60.0, 90.0 + at))
    assert len(held.open) == 2
    assert held.possible(1000.0) == (5.0, 60.0)


def test_a_mode_counts_as_its_whole_band_until_a_setpoint_is_taken():
    held = lease.sharing(told(50.0), (-20.0, 30.0))
    assert held.possible(1.0) == (-20.0, 50.0)
    assert lease.unshared(held).possible(1.0) == (50.0, 50.0)
    assert lease.unknown(held).possible(1.0) == (-20.0, 50.0)
    sharing = lease.shared(held, (-20.0, 30.0), 2.0)
    assert sharing.possible(3.0) == (-20.0, 30.0)
    assert sharing.possible(1e9) == (-20.0, 30.0)
    leaving = lease.asked(sharing, 0.0, math.inf)
    assert leaving.possible(4.0) == (-20.0, 30.0)
    assert lease.accepted(leaving, 0.0, math.inf, 5.0).possible(6.0) == (0.0, 0.0)


def test_a_mode_ends_some_time_after_the_line_is_lost():
    sharing = lease.shared(lease.sharing(Held(fallback_w=5.0), (-20.0, 30.0)), (-20.0, 30.0), 0.0)
    alone = lease.offline(sharing, 20.0)
    assert alone.possible(20.0) == (-20.0, 30.0)
    assert alone.possible(20.0 + GRACE_S + 1) == (5.0, 5.0)


def test_a_refusal_leaves_what_was_held_before():
    assert lease.refused(lease.asked(told(50.0), 20.0, 90.0)).possible(1.0) == (50.0, 50.0)


def test_a_dynamic_setpoint_ends_some_time_after_its_line_and_stands_again_when_the_line_is_back_before():
    held = told(50.0, until=math.inf)
    assert held.possible(1e9) == (50.0, 50.0)
    alone = lease.offline(held, until_s=20.0)
    assert alone.possible(20.0 + GRACE_S + 1) == (5.0, 5.0)
    assert lease.online(alone, 10.0).possible(1e9) == (50.0, 50.0)
    assert lease.online(alone, 20.0 + GRACE_S + 1).possible(1e9) == (5.0, 5.0)


def test_a_lease_with_an_end_of_its_own_is_not_changed_by_the_line():
    held = told(50.0, until=60.0)
    assert lease.offline(held, until_s=20.0).until_s == 60.0
    assert lease.online(held, 10.0).until_s in {60.0, math.inf}


def test_after_a_restart_an_outlet_with_a_car_may_hold_anything_until_every_lease_has_run_out():
    held = lease.assumed(Held(fallback_w=5.0), (-60.0, 60.0), 60.0)
    assert held.possible(30.0) == (-60.0, 60.0)
    assert held.possible(60.0 + GRACE_S + 1) == (5.0, 5.0)


def test_half_a_lease_is_when_it_is_renewed():
    held = told(50.0, until=60.0)
    assert not lease.renewal_due(held, 29.0, 60.0)
    assert lease.renewal_due(held, 31.0, 60.0)
    assert not lease.renewal_due(lease.asked(held, 50.0, 90.0), 31.0, 60.0)
