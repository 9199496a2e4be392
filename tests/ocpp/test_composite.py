"""Composite schedules, rule by rule: each case is made by hand, and its comment says why the answer is what it is."""

import doctest
from datetime import UTC, datetime, timedelta
from importlib import import_module
from zoneinfo import ZoneInfo

import pytest

from voltide.ocpp.composite import MOST_STEPS, Asked, Composition, compose
from voltide.ocpp.schedule import (
    Kind,
    Mode,
    Period,
    Phased,
    Profile,
    Purpose,
    Recurrency,
    Schedule,
    Unit,
    delayed,
    updated,
)
from voltide.ocpp.timeline import EvseNow, StationNow
from voltide.ocpp.wire import Supply

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
W, A = Unit
TX, DEFAULT, MAX, GRID = Purpose.TX, Purpose.TX_DEFAULT, Purpose.STATION_MAX, Purpose.EXTERNAL
RATING_W = 22_080.0  # 32 A on three phases


def after(seconds):
    return NOON + timedelta(seconds=seconds)


def limits(*steps, phases=None):
    """Periods of (start, limit)."""
    return tuple(Period(start=start, limit=Phased(float(limit)), phases=phases) for start, limit in steps)


def profile(number, purpose, *periods, unit=W, start=NOON, duration=None, level=0, evse=None, **more):
    schedule = Schedule(unit=unit, start=start, duration_s=duration, periods=periods)
    place = (1 if purpose is TX else 0) if evse is None else evse
    return Profile(id=number, purpose=purpose, schedules=(schedule,), stack_level=level, evse=place, **more)


def station(*evses, **more):
    return StationNow(evses=evses or (evse(),), **more)


def evse(number=1, *, transaction="T", started=NOON, rating=RATING_W, **more):
    return EvseNow(number=number, default_w=rating, transaction=transaction, started=started, **more)


def steps(profiles, where=None, *, number=1, seconds=100, unit=W, now=NOON):
    """The composite as (start, limit) pairs."""
    composite = Composition(profiles, where or station()).schedule(Asked(number, now, seconds, unit))
    return [(one.start, one.limit.l1) for one in composite.periods]


def held(profiles, where=None, *, number=1, at=0):
    return Composition(profiles, where or station()).holding(number, after(at))


# --- a: what is valid ---


def test_a_profile_holds_from_its_validity_on_and_no_longer_at_its_end():
    # validFrom is part of it, validTo is not: 10 s and 20 s are the first seconds of what comes.
    one = profile(1, DEFAULT, *limits((0, 7000)), start=after(-50), valid_from=after(10), valid_to=after(20))
    assert steps([one]) == [(0, RATING_W), (10, 7000.0), (20, RATING_W)]


def test_parts_of_a_second_are_cut_off():
    # 10.9 s and 20.9 s are 10 s and 20 s; a question at 0.7 s is one at 0 s.
    part = timedelta(milliseconds=900)
    one = profile(1, DEFAULT, *limits((0, 7000)), valid_from=after(10) + part, valid_to=after(20) + part)
    assert steps([one], now=NOON + part) == [(0, RATING_W), (10, 7000.0), (20, RATING_W)]


def test_a_purpose_that_is_ignored_offline_stops_when_the_line_is_lost():
    # Lost at 30 s: from there on only what is not ignored holds.
    installed = [profile(1, MAX, *limits((0, 5000))), profile(2, DEFAULT, *limits((0, 9000)))]
    where = station(offline_since=after(30), ignored_offline=frozenset({MAX}))
    assert steps(installed, where) == [(0, 5000.0), (30, 9000.0)]


def test_a_profile_lasts_its_offline_duration_and_then_the_lower_level_shows_through():
    installed = [
        profile(1, DEFAULT, *limits((0, 4000))),
        profile(2, DEFAULT, *limits((0, 9000)), level=1, max_offline_s=20),
    ]
    assert steps(installed, station(offline_since=after(30))) == [(0, 9000.0), (50, 4000.0)]


def test_an_offline_duration_of_nothing_ends_it_at_once():
    # "A value of 0 means that the charging profile is immediately invalid while offline."
    one = profile(1, DEFAULT, *limits((0, 4000)), max_offline_s=0)
    assert steps([one], station(offline_since=after(30))) == [(0, 4000.0), (30, RATING_W)]


def test_online_the_offline_duration_means_nothing():
    assert steps([profile(1, DEFAULT, *limits((0, 4000)), max_offline_s=0)]) == [(0, 4000.0)]


# --- b: where second 0 is ---


def test_an_absolute_schedule_starts_where_it_says_and_lasts_as_long():
    one = profile(1, DEFAULT, *limits((0, 3000), (10, 6000)), start=after(20), duration=30)
    assert steps([one]) == [(0, RATING_W), (20, 3000.0), (30, 6000.0), (50, RATING_W)]


def test_a_daily_schedule_begins_anew_at_its_hour_and_is_cut_there():
    # It began 10 days ago at 12:00:40 and never ends by itself; its second period has held since yesterday.
    start = after(40) - timedelta(days=10)
    one = profile(
        1, DEFAULT, *limits((0, 3000), (30, 6000)), start=start, kind=Kind.RECURRING, recurrency=Recurrency.DAILY
    )
    assert steps([one]) == [(0, 6000.0), (40, 3000.0), (70, 6000.0)]


def test_a_weekly_schedule_is_silent_on_the_other_days():
    start = after(40) - timedelta(days=8)
    one = profile(
        1, DEFAULT, *limits((0, 3000)), start=start, duration=20, kind=Kind.RECURRING, recurrency=Recurrency.WEEKLY
    )
    assert steps([one]) == [(0, RATING_W)]
    assert steps([one], now=NOON + timedelta(days=6)) == [(0, RATING_W), (40, 3000.0), (60, RATING_W)]


def test_a_recurring_schedule_does_not_hold_before_its_first_time():
    one = profile(1, DEFAULT, *limits((0, 3000)), start=after(60), kind=Kind.RECURRING, recurrency=Recurrency.DAILY)
    assert steps([one]) == [(0, RATING_W), (60, 3000.0)]


def test_a_relative_schedule_counts_from_the_start_of_the_transaction():
    one = profile(1, DEFAULT, *limits((0, 3000), (60, 6000)), start=None, kind=Kind.RELATIVE)
    assert steps([one], station(evse(started=after(-30)))) == [(0, 3000.0), (30, 6000.0)]


def test_a_relative_schedule_counts_from_now_where_a_car_is_only_supposed():
    one = profile(1, DEFAULT, *limits((0, 3000), (60, 6000)), start=None, kind=Kind.RELATIVE)
    free = station(evse(transaction=None, started=None))
    composite = compose([one], free, Asked(1, NOON, 100, W))
    assert [(period.start, period.limit.l1) for period in composite.periods] == [(0, 3000.0), (60, 6000.0)]
    really = compose([one], free, Asked(1, NOON, 100, W), supposing=False)
    assert [period.limit.l1 for period in really.periods] == [RATING_W]


def test_an_absolute_schedule_without_a_start_is_relative():
    # OCPP 1.6: "If absent the schedule will be relative to start of charging."
    one = profile(1, DEFAULT, *limits((0, 3000), (60, 6000)), start=None)
    assert steps([one], station(evse(started=after(-30)))) == [(0, 3000.0), (30, 6000.0)]


def test_a_station_has_no_transaction_so_its_profiles_count_from_when_they_came():
    one = profile(1, MAX, *limits((0, 3000), (60, 6000)), start=None, received=after(-30))
    assert steps([one]) == [(0, 3000.0), (30, 6000.0)]


def test_a_dynamic_profile_holds_its_value_until_it_is_given_another():
    one = profile(1, TX, *limits((0, 3000)), start=None, kind=Kind.DYNAMIC, transaction_id="T", updated=NOON)
    new = updated(one, Period(limit=Phased(5000.0)), after(40))
    assert steps([one]) == [(0, 3000.0)]
    assert steps([new], now=after(40)) == [(0, 5000.0)]


def test_a_dynamic_profile_that_nobody_updates_ends_after_its_duration_and_an_update_revives_it():
    # K28.FR.13: invalid once dynUpdateTime + duration is over; K28.FR.14: an update makes it valid again.
    one = profile(
        1, TX, *limits((0, 3000)), start=None, duration=30, kind=Kind.DYNAMIC, transaction_id="T", updated=NOON
    )
    assert steps([one]) == [(0, 3000.0), (30, RATING_W)]
    revived = updated(one, Period(limit=Phased(4000.0)), after(50))
    assert steps([revived], now=after(50)) == [(0, 4000.0), (30, RATING_W)]


def test_an_update_changes_only_what_it_tells():
    period = Period(
        limit=Phased(9000.0), setpoint=Phased(5000.0), discharge=Phased(-7000.0), mode=Mode.CENTRAL_SETPOINT
    )
    one = profile(1, TX, period, start=None, kind=Kind.DYNAMIC, transaction_id="T", updated=NOON)
    now = held([updated(one, Period(setpoint=Phased(-6000.0)), NOON)])
    assert (now.limit_w, now.setpoint_w, now.discharge_w) == (9000.0, -6000.0, -7000.0)
    assert updated(one, Period(limit=Phased(None, 4.0)), NOON).schedules[0].periods[0].limit == Phased(
        9000.0, 4.0, None
    )


def test_only_a_dynamic_profile_can_be_updated():
    with pytest.raises(ValueError, match="only a dynamic one"):
        updated(profile(1, TX, *limits((0, 3000))), Period(), NOON)


@pytest.mark.parametrize("starts", [(5,), (0, 0), (0, 30, 20), (1, 30)])
def test_a_profile_whose_periods_do_not_start_at_0_and_rise_is_ignored(starts):
    broken = profile(2, DEFAULT, *limits(*((start, 1000) for start in starts)), level=9)
    assert steps([profile(1, DEFAULT, *limits((0, 7000))), broken]) == [(0, 7000.0)]


def test_a_schedule_in_local_time_keeps_its_hour_when_the_clock_is_put_forward():
    # Daily at 08:00 by the station's clock: 07:00 UTC on Saturday, 06:00 UTC on Sunday, the 29th of March 2026.
    wall = datetime(2026, 3, 1, 8, tzinfo=UTC)
    schedule = Schedule(unit=W, start=wall, duration_s=3600, periods=limits((0, 3000)), local_time=True)
    daily = Profile(id=1, purpose=DEFAULT, schedules=(schedule,), kind=Kind.RECURRING, recurrency=Recurrency.DAILY)
    where = station(evse(started=wall), zone=ZoneInfo("Europe/Berlin"))
    for day, hour in ((28, 7), (29, 6)):
        begin = datetime(2026, 3, day, hour, tzinfo=UTC)
        assert steps([daily], where, now=begin - timedelta(seconds=60), seconds=5000) == [
            (0, RATING_W),
            (60, 3000.0),
            (3660, RATING_W),
        ]


def test_of_an_hour_that_comes_twice_the_first_is_meant():
    # 02:30 in Berlin on the 25th of October 2026 is 00:30 and 01:30 UTC.
    wall = datetime(2026, 10, 25, 2, 30, tzinfo=UTC)
    schedule = Schedule(unit=W, start=wall, duration_s=60, periods=limits((0, 3000)), local_time=True)
    where = station(evse(started=wall), zone=ZoneInfo("Europe/Berlin"))
    once = Profile(id=1, purpose=DEFAULT, schedules=(schedule,))
    assert steps([once], where, now=datetime(2026, 10, 25, 0, 30, tzinfo=UTC)) == [(0, 3000.0), (60, RATING_W)]
    assert steps([once], where, now=datetime(2026, 10, 25, 1, 30, tzinfo=UTC)) == [(0, RATING_W)]


def test_delays_by_chance_move_all_periods_but_the_first_and_skip_what_is_overtaken():
    # The example of the errata: 300 + 753 comes after 600 + 123, so the second period is left out.
    one = profile(1, TX, *limits((0, 1000), (300, 2000), (600, 3000), (900, 4000)), transaction_id="T")
    assert steps([delayed(one, [0, 753, 123, 87])], seconds=2000) == [(0, 1000.0), (723, 3000.0), (987, 4000.0)]


def test_a_period_that_is_delayed_beyond_the_end_is_left_out():
    one = profile(1, TX, *limits((0, 1000), (300, 2000)), duration=400, transaction_id="T")
    assert steps([delayed(one, [0, 100])], seconds=500) == [(0, 1000.0), (400, RATING_W)]


def test_of_several_schedules_the_one_that_the_car_chose_holds():
    two = tuple(Schedule(unit=W, start=NOON, periods=limits((0, limit))) for limit in (3000, 5000))
    one = Profile(id=1, purpose=TX, evse=1, schedules=two, transaction_id="T")
    assert steps([one]) == [(0, 3000.0)]
    assert steps([one], station(evse(choice=1))) == [(0, 5000.0)]


# --- c: within a purpose ---


def test_the_highest_level_leads_and_lower_ones_show_through_its_gaps():
    installed = [
        profile(1, DEFAULT, *limits((0, 1000)), duration=80),
        profile(2, DEFAULT, *limits((0, 2000)), start=after(10), duration=30, level=1),
        profile(3, DEFAULT, *limits((0, 3000)), start=after(20), duration=10, level=2),
    ]
    assert steps(installed) == [(0, 1000.0), (10, 2000.0), (20, 3000.0), (30, 2000.0), (40, 1000.0), (80, RATING_W)]


def test_a_higher_level_leads_even_when_it_allows_more():
    installed = [profile(1, DEFAULT, *limits((0, 1000))), profile(2, DEFAULT, *limits((0, 2000)), level=1)]
    assert held(installed).limit_by == 2


def test_at_the_same_level_the_evses_own_profile_leads():
    installed = [profile(9, DEFAULT, *limits((0, 1000))), profile(1, DEFAULT, *limits((0, 2000)), evse=1)]
    assert held(installed).limit_by == 1


# --- d: TxProfile and TxDefaultProfile ---


def test_a_tx_profile_stands_for_the_default_even_when_it_allows_more():
    installed = [
        profile(1, DEFAULT, *limits((0, 4000)), level=9),
        profile(2, TX, *limits((0, 9000)), duration=30, transaction_id="T"),
    ]
    assert steps(installed) == [(0, 9000.0), (30, 4000.0)]


def test_a_tx_profile_that_says_nothing_for_a_while_leaves_that_to_the_default():
    installed = [
        profile(1, DEFAULT, *limits((0, 4000))),
        profile(2, TX, *limits((0, 9000)), Period(start=30), transaction_id="T"),
    ]
    assert steps(installed) == [(0, 9000.0), (30, 4000.0)]


def test_a_tx_profile_of_another_transaction_is_nothing():
    installed = [profile(1, DEFAULT, *limits((0, 4000))), profile(2, TX, *limits((0, 9000)), transaction_id="other")]
    assert steps(installed) == [(0, 4000.0)]


def test_without_a_transaction_only_the_station_and_the_grid_limit():
    installed = [profile(1, DEFAULT, *limits((0, 4000))), profile(2, GRID, *limits((0, 9000)))]
    assert held(installed, station(evse(transaction=None))).limit_by == 2


def test_a_default_for_evse_0_holds_for_each_evse_by_itself():
    # Not 10 kW for both: each may take 10 kW, the station 20 kW.
    installed = [profile(1, DEFAULT, *limits((0, 10_000)))]
    where = station(evse(1), evse(2, transaction="U"))
    assert [held(installed, where, number=number).limit_w for number in (1, 2, 0)] == [10_000, 10_000, 20_000]


# --- e: between purposes ---


def test_the_least_limit_holds_and_is_named():
    installed = [
        profile(1, MAX, *limits((0, 9000), (20, 3000))),
        profile(2, GRID, *limits((0, 9500), (40, 2000))),
        profile(3, DEFAULT, *limits((0, 5000))),
    ]
    assert steps(installed) == [(0, 5000.0), (20, 3000.0), (40, 2000.0)]
    assert [held(installed, at=second).limit_by for second in (0, 20, 40)] == [3, 1, 2]
    assert [held(installed, at=second).until for second in (0, 20, 40)] == [after(20), after(40), None]


V2X = {"mode": Mode.CENTRAL_SETPOINT}


def test_a_charging_setpoint_is_capped_by_the_limit():
    # V2X.03, as libocpp's vector has it: 1800 asked for, 1500 allowed.
    period = Period(limit=Phased(1500.0), setpoint=Phased(1800.0), **V2X)
    assert held([profile(1, TX, period, transaction_id="T")]).setpoint_w == 1500.0


def test_a_discharging_setpoint_is_capped_by_the_discharge_limit():
    # V2X.04: -6000 asked for, -5000 allowed.
    period = Period(limit=Phased(9000.0), discharge=Phased(-5000.0), setpoint=Phased(-6000.0), **V2X)
    assert held([profile(1, TX, period, transaction_id="T")]).setpoint_w == -5000.0


def test_a_setpoint_never_turns_its_sign():
    # A negative limit is an older way to say discharge; it stands by itself and does not turn a setpoint.
    period = Period(limit=Phased(-3000.0), setpoint=Phased(2000.0), **V2X)
    now = held([profile(1, TX, period, transaction_id="T")])
    assert (now.limit_w, now.setpoint_w) == (-3000.0, 0.0)


def test_a_setpoint_within_its_limits_stays():
    period = Period(limit=Phased(9000.0), discharge=Phased(-10_000.0), setpoint=Phased(-8000.0), **V2X)
    assert held([profile(1, TX, period, transaction_id="T")]).setpoint_w == -8000.0


def test_the_discharge_limit_nearest_0_holds():
    one = profile(1, TX, Period(discharge=Phased(-9000.0), setpoint=Phased(-9000.0), **V2X), transaction_id="T")
    grid = profile(2, GRID, Period(discharge=Phased(-4000.0), mode=Mode.EXTERNAL_LIMITS))
    now = held([one, grid])
    assert (now.discharge_w, now.setpoint_w, now.discharge_by, now.setpoint_by) == (-4000.0, -4000.0, 2, 1)


@pytest.mark.parametrize(
    ("ours", "grids", "result"),
    [(5000.0, 3000.0, 3000.0), (-5000.0, -3000.0, -3000.0), (5000.0, -3000.0, 0.0), (0.0, 3000.0, 0.0)],
)
def test_of_two_setpoints_the_one_nearer_0_holds_and_0_where_they_disagree(ours, grids, result):
    one = profile(1, TX, Period(setpoint=Phased(ours), **V2X), transaction_id="T")
    grid = profile(2, GRID, Period(setpoint=Phased(grids), mode=Mode.EXTERNAL_SETPOINT))
    assert held([one, grid]).setpoint_w == result


def test_a_setpoint_does_not_pass_the_rating_where_no_limit_is_told():
    one = profile(1, TX, Period(setpoint=Phased(30_000.0), **V2X), transaction_id="T")
    assert held([one]).setpoint_w == RATING_W


def test_the_lowest_number_of_phases_holds_for_the_currents_too():
    # K01.FR.140: one phase and three make one; 16 A are then 3680 W, not 11040 W.
    installed = [
        profile(1, MAX, Period(limit=Phased(32.0), phases=1), unit=A),
        profile(2, DEFAULT, Period(limit=Phased(16.0), phases=3), unit=A),
    ]
    now = held(installed)
    assert (now.phases, now.phases_by, now.limit_w, now.limit_by) == (1, 1, 3680.0, 2)


def test_the_phase_to_use_is_told_where_one_phase_holds():
    one = profile(1, TX, Period(limit=Phased(16.0), phases=1, phase=2), unit=A, transaction_id="T")
    assert (held([one]).phases, held([one]).phase) == (1, 2)


def test_mode_curve_and_baseline_are_those_of_the_transactions_profile():
    curve = ((49.8, -7000.0), (50.2, 7000.0))
    local = Period(mode=Mode.LOCAL_FREQUENCY, baseline_w=1000.0, frequency_watt=curve)
    one = profile(7, TX, local, transaction_id="T", level=2)
    now = held([one, profile(8, MAX, *limits((0, 9000)))])
    assert (now.mode, now.mode_by, now.period, now.period_by) == (Mode.LOCAL_FREQUENCY, 7, local, 7)
    assert now.limit_w == 9000.0


def test_an_idle_car_takes_and_gives_nothing():
    one = profile(1, TX, Period(mode=Mode.IDLE, sleep=True), transaction_id="T")
    now = held([one])
    assert (now.limit_w, now.discharge_w, now.setpoint, now.mode) == (0.0, 0.0, None, Mode.IDLE)


def test_a_limit_beyond_a_state_of_charge_joins_in_once_the_car_is_there():
    schedule = Schedule(unit=W, start=NOON, periods=limits((0, 9000)), limit_at_soc=(0.8, 2000.0))
    one = Profile(id=1, purpose=TX, evse=1, schedules=(schedule,), transaction_id="T")
    assert [held([one], station(evse(soc=soc))).limit_w for soc in (None, 0.79, 0.8)] == [9000.0, 9000.0, 2000.0]


def test_a_limit_beyond_a_state_of_charge_is_shared_by_three_phases():
    three = Period(limit=Phased(3000.0, 900.0, 3000.0))
    schedule = Schedule(unit=W, start=NOON, periods=(three,), limit_at_soc=(0.8, 3000.0))
    one = Profile(id=1, purpose=TX, evse=1, schedules=(schedule,), transaction_id="T")
    assert held([one], station(evse(soc=0.9))).limit == (1000.0, 900.0, 1000.0)


# --- f: the whole station ---


def test_the_station_is_the_sum_of_its_evses_within_its_maximum():
    # The case of libocpp's pull request 943: two EVSEs with 10 A each under 32 A are 20 A.
    installed = [profile(1, MAX, *limits((0, 32)), unit=A), profile(2, DEFAULT, *limits((0, 10), (50, 20)), unit=A)]
    where = station(evse(1), evse(2))
    assert steps(installed, where, number=0, unit=A) == [(0, 20.0), (50, 32.0)]


def test_the_sum_keeps_setpoints_and_discharge_limits():
    # libocpp drops both: one car in with 7 kW and one out with 5 kW are 2 kW at the station.
    into = Period(limit=Phased(9000.0), discharge=Phased(-1000.0), setpoint=Phased(7000.0), **V2X)
    out = Period(limit=Phased(4000.0), discharge=Phased(-6000.0), setpoint=Phased(-5000.0), **V2X)
    installed = [profile(1, TX, into, transaction_id="T"), profile(2, TX, out, evse=2, transaction_id="U")]
    now = held(installed, station(evse(1), evse(2, transaction="U")), number=0)
    assert (now.limit_w, now.discharge_w, now.setpoint_w) == (13_000.0, -7000.0, 2000.0)
    assert now.mode is Mode.CENTRAL_SETPOINT


def test_an_evse_without_a_limit_counts_with_its_rating():
    where = station(evse(1), evse(2, transaction=None, rating=7000.0))
    assert held([profile(1, DEFAULT, *limits((0, 4000)))], where, number=0).limit_w == 11_000.0


def test_an_evse_that_may_not_discharge_counts_for_nothing_and_one_that_may_with_its_rating():
    out = Period(discharge=Phased(-6000.0), setpoint=Phased(-5000.0), **V2X)
    free = Period(mode=Mode.LOCAL_LOAD_BALANCING)
    installed = [
        profile(1, TX, out, transaction_id="T"),
        profile(2, TX, *limits((0, 4000)), evse=2, transaction_id="T"),
        profile(3, TX, free, evse=3, transaction_id="T"),
    ]
    able = {"default_discharge_w": -10_000.0}
    where = station(evse(1, **able), evse(2, **able), evse(3, **able))
    assert held(installed, where, number=0).discharge_w == -16_000.0


def test_an_external_limit_of_the_station_holds_for_the_sum():
    # libocpp gives each EVSE 10 kW, 20 kW together: more than the grid allows.
    where = station(evse(1), evse(2))
    assert held([profile(1, GRID, *limits((0, 10_000)))], where, number=0).limit_w == 10_000.0


def test_an_external_limit_of_the_station_is_not_hidden_by_one_of_an_evse():
    installed = [profile(1, GRID, *limits((0, 5000))), profile(2, GRID, *limits((0, 9000)), evse=1, level=5)]
    assert held(installed).limit_by == 1


def test_a_station_on_one_phase_adds_currents_not_powers():
    # 14 A on three phases each, but the station has one phase: 28 A, as libocpp's vector has it, and 6440 W.
    installed = [
        profile(1, MAX, Period(limit=Phased(32.0), phases=1), unit=A),
        profile(2, DEFAULT, Period(limit=Phased(14.0), phases=3), unit=A),
    ]
    where = station(evse(1), evse(2))
    assert steps(installed, where, number=0, unit=A) == [(0, 28.0)]
    assert steps(installed, where, number=0) == [(0, 6440.0)]


def test_evses_on_different_phases_add_up_in_power():
    # 16 A on one phase and 16 A on three: 3680 W and 11040 W.
    installed = [
        profile(1, DEFAULT, Period(limit=Phased(16.0), phases=1), unit=A, evse=1),
        profile(2, DEFAULT, Period(limit=Phased(16.0), phases=3), unit=A, evse=2),
    ]
    now = held(installed, station(evse(1), evse(2)), number=0)
    assert (now.phases, now.limit_w) == (3, 14_720.0)


# --- g: units, phases, gaps ---


@pytest.mark.parametrize(
    ("phases", "limits_a"),
    [(1, [16.0, 16.0, 16.0, 16.0, 9.0]), (3, [16.0, 12.0, 9.0, 6.0, 3.0])],
)
def test_amperes_and_watts_mix_by_the_phases_that_hold(phases, limits_a):
    # libocpp's vector: 16 A against 12420, 8280, 6210, 4140 and 2070 W, on one phase and on three.
    watts = limits((0, 12_420), (300, 8280), (600, 6210), (900, 4140), (1200, 2070), phases=3)
    installed = [
        profile(1, MAX, Period(limit=Phased(16.0), phases=phases), unit=A),
        profile(2, DEFAULT, *watts),
    ]
    assert [held(installed, at=second).limit_w / 230 / phases for second in range(0, 1500, 300)] == limits_a


def test_a_value_in_its_own_unit_is_not_converted():
    # 16.1 * 690 / 690 is 16.099999999999998: a tenth would be lost.
    assert steps([profile(1, DEFAULT, *limits((0, 16.1)), unit=A)], unit=A) == [(0, 16.1)]


def test_direct_current_has_no_phases():
    one = profile(1, DEFAULT, Period(limit=Phased(9000.0), phases=1, phase=2))
    now = held([one], station(evse(direct=True)))
    assert (now.phases, now.phase, now.limit_w) == (None, None, 9000.0)


def test_where_one_profile_speaks_of_single_phases_all_do():
    # A: the limit of each phase is copied; W: the whole is shared out. 6900 W over three phases are 2300 W each.
    installed = [
        profile(1, TX, Period(limit=Phased(16.0, 10.0, 6.0)), unit=A, transaction_id="T"),
        profile(2, MAX, *limits((0, 6900))),
        profile(3, GRID, *limits((0, 12)), unit=A),
    ]
    now = held(installed)
    assert now.limit == (2300.0, 2300.0, 1380.0)
    assert now.limit_w == 3 * 1380.0


def test_on_one_phase_the_least_of_three_holds():
    one = profile(1, TX, Period(limit=Phased(16.0, 10.0, 12.0), phases=1), unit=A, transaction_id="T")
    assert held([one]).limit == (2300.0,)


def test_a_phase_that_is_not_told_gets_the_least_that_is():
    one = profile(1, TX, Period(limit=Phased(16.0, 10.0)), unit=A, transaction_id="T")
    assert held([one]).limit == (3680.0, 2300.0, 2300.0)


def test_two_phases_share_a_power_by_two():
    installed = [
        profile(1, TX, Period(limit=Phased(9999.0, 9999.0, 9999.0), phases=2), transaction_id="T"),
        profile(2, MAX, *limits((0, 6000))),
    ]
    assert held(installed).limit == (3000.0, 3000.0, 3000.0)
    assert held(installed).limit_w == 6000.0


def test_gaps_get_the_rating_and_equal_neighbours_are_one_period():
    installed = [
        profile(1, DEFAULT, *limits((0, 7000), (10, 7000), (20, 8000)), duration=30),
        profile(2, MAX, *limits((0, 7000)), start=after(20), duration=5),
    ]
    assert steps(installed) == [(0, 7000.0), (25, 8000.0), (30, RATING_W)]


def test_a_rating_is_less_on_fewer_phases():
    one = profile(1, TX, Period(setpoint=Phased(5000.0), phases=1, **V2X), transaction_id="T")
    assert held([one]).limit_w == RATING_W / 3


# --- h: priority charging, local generation ---


def test_priority_charging_stands_for_the_transactions_profiles_while_it_is_on():
    installed = [
        profile(1, DEFAULT, *limits((0, 4000))),
        profile(2, TX, *limits((0, 3000)), transaction_id="T", level=9),
        profile(3, Purpose.PRIORITY, *limits((0, 20_000)), valid_to=after(50)),
        profile(4, MAX, *limits((0, 15_000))),
    ]
    assert steps(installed) == [(0, 3000.0)]
    # The station's maximum still holds; when the priority profile is over, the transaction's is back.
    assert steps(installed, station(evse(priority=True))) == [(0, 15_000.0), (50, 3000.0)]


def test_local_generation_is_added_on_top():
    # K27's own case: 2 kW of sun on top of a default of 5 kW are 7 kW.
    installed = [profile(1, DEFAULT, *limits((0, 5000))), profile(2, Purpose.GENERATION, *limits((0, 2000)))]
    assert held(installed).limit_w == 7000.0


def test_local_generation_is_added_after_the_minimum_so_it_lifts_the_grids_limit():
    installed = [
        profile(1, DEFAULT, *limits((0, 9000))),
        profile(2, MAX, *limits((0, 8000))),
        profile(3, GRID, *limits((0, 6000))),
        profile(4, Purpose.GENERATION, *limits((0, 2000), (50, 0))),
    ]
    assert steps(installed) == [(0, 8000.0), (50, 6000.0)]
    assert steps(installed, number=0) == [(0, 8000.0), (50, 6000.0)]


def test_local_generation_lifts_nothing_above_the_rating_nor_where_nothing_limits():
    sun = profile(2, Purpose.GENERATION, *limits((0, 9000)))
    assert held([profile(1, DEFAULT, *limits((0, 20_000))), sun]).limit_w == RATING_W
    assert held([sun]).limit_w == RATING_W


def test_local_generation_never_lowers():
    installed = [profile(1, DEFAULT, *limits((0, 5000))), profile(2, Purpose.GENERATION, *limits((0, -2000)))]
    assert held(installed).limit_w == 5000.0


def test_local_generation_lifts_no_setpoint():
    period = Period(limit=Phased(5000.0), setpoint=Phased(6000.0), **V2X)
    installed = [profile(1, TX, period, transaction_id="T"), profile(2, Purpose.GENERATION, *limits((0, 2000)))]
    assert (held(installed).limit_w, held(installed).setpoint_w) == (7000.0, 5000.0)


def test_generation_of_one_evse_is_not_another_ones_but_is_the_stations():
    installed = [
        profile(1, DEFAULT, *limits((0, 5000))),
        profile(2, Purpose.GENERATION, *limits((0, 2000)), evse=1),
        profile(3, Purpose.GENERATION, *limits((0, 1000))),
    ]
    where = station(evse(1), evse(2))
    assert [held(installed, where, number=number).limit_w for number in (1, 2, 0)] == [8000.0, 6000.0, 13_000.0]


# --- asking ---


def test_a_window_of_nothing_still_has_one_period():
    composite = Composition([], station()).schedule(Asked(1, NOON, 0, W))
    assert (composite.duration_s, [period.start for period in composite.periods]) == (0, [0])


def test_a_window_that_changes_too_often_is_cut_and_says_so():
    restless = profile(
        1,
        DEFAULT,
        *limits(*((second, 1000 + second % 2) for second in range(86_400 // 2))),
        kind=Kind.RECURRING,
        recurrency=Recurrency.DAILY,
    )
    composite = Composition([restless], station()).schedule(Asked(1, NOON, 10**9, W))
    assert len(composite.periods) == composite.duration_s == MOST_STEPS


def test_an_evse_that_is_not_there_is_an_error():
    with pytest.raises(ValueError, match="no EVSE 7"):
        Composition([], station()).holding(7, NOON)


def test_an_answer_is_remembered_only_while_it_surely_stays():
    asked = Composition([profile(1, DEFAULT, *limits((0, 3000), (10, 6000)))], station())
    assert [asked.holding(1, after(second)).limit_w for second in (0, 9, 10, 9, 0)] == [3000, 3000, 6000, 3000, 3000]


def test_a_station_asked_in_amperes_of_another_voltage_divides_by_it():
    where = station(evse(rating=12_000.0), supply=Supply(400.0, 3))
    assert steps([profile(1, DEFAULT, *limits((0, 12_000)))], where, unit=A) == [(0, 10.0)]


@pytest.mark.parametrize(
    "name", ["schedule", "timeline", "merging", "composite", "installed", "profile_rules", "schedule_wire"]
)
def test_the_examples_in_the_docstrings_run(name):
    result = doctest.testmod(import_module(f"voltide.ocpp.{name}"))
    assert (result.failed, result.attempted > 0) == (0, True)
