"""The composite against the oracle, second by second, and laws that hold for any set of profiles."""

from datetime import timedelta
from itertools import pairwise, permutations

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.ocpp import composite_oracle as oracle
from tests.ocpp.profile_sets import WINDOW_S, situations
from tests.ocpp.tongues import V16, V21, V201, official
from voltide.ocpp.composite import Asked, Composition, compose
from voltide.ocpp.merging import total
from voltide.ocpp.schedule import Mode, Purpose, Unit
from voltide.ocpp.schedule_wire import composite_answer
from voltide.ocpp.wire import response

PATIENT = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
THOROUGH = settings(max_examples=250, deadline=None, suppress_health_check=PATIENT)
BRIEF = settings(max_examples=60, deadline=None, suppress_health_check=PATIENT)
NUMBERS = st.sampled_from([0, 1, 2])
UNITS = st.sampled_from(Unit)


def per_phase(phased, unit, used, volts):
    """A value of a composite as W on each of three phases."""
    if phased is None:
        return None
    each = phased.each
    if len(each) == 3:
        return [value * volts if unit is Unit.A else value for value in each]
    return [each[0] * volts if unit is Unit.A else each[0] / used] * 3


def close(mine, its):
    if mine is None or its is None:
        return mine is its
    return all(abs(one - other) <= 1e-6 * (1 + abs(other)) for one, other in zip(mine, its, strict=True))


def composite_of(situation, number, unit=Unit.W):
    installed, station, now = situation
    return Composition(installed, station).schedule(Asked(number, now, WINDOW_S, unit))


def second_by_second(composite):
    """Each second of the window, and the period that holds then."""
    index = 0
    for second in range(composite.duration_s):
        if index + 1 < len(composite.periods) and composite.periods[index + 1].start <= second:
            index += 1
        yield composite.start + timedelta(seconds=second), composite.periods[index]


def agree(situation, number, unit):
    installed, station, _ = situation
    composite = composite_of(situation, number, unit)
    assert composite.duration_s == WINDOW_S
    for when, period in second_by_second(composite):
        truth = oracle.at(installed, station, number, when)
        used = period.phases or station.supply.phases
        assert (period.phases, period.mode, used) == (truth.phases, truth.mode, truth.used), (when, truth, period)
        for name in ("limit", "discharge", "setpoint"):
            mine = per_phase(getattr(period, name), unit, used, station.supply.volts)
            assert close(mine, getattr(truth, name)), (when, name, mine, truth, period)
        assert (period.limit.l2 is not None) == truth.wide, (when, truth, period)


@THOROUGH
@given(situations(), NUMBERS, UNITS)
def test_the_composite_is_what_the_oracle_finds_second_by_second(situation, number, unit):
    agree(situation, number, unit)


@BRIEF
@given(situations(), NUMBERS)
def test_a_point_stays_as_long_as_it_says_and_is_what_the_schedule_says(situation, number):
    installed, station, _ = situation
    asked_often = Composition(installed, station)
    stays, held = None, None
    for when, period in second_by_second(composite_of(situation, number)):
        now = Composition(installed, station).holding(number, when)
        assert asked_often.holding(number, when)[:-2] == now[:-2]
        if stays is not None and when < stays:
            assert now[:-2] == held[:-2]
        assert now.limit == period.limit.each
        assert (now.mode, now.phases, now.phase) == (period.mode, period.phases, period.phase)
        assert now.until is None or now.until > when
        stays, held = now.until or stays, now


@BRIEF
@given(situations(), NUMBERS)
def test_no_limit_of_the_station_or_of_the_grid_is_exceeded(situation, number):
    installed, station, now = situation
    installed = [one for one in installed if one.purpose is not Purpose.GENERATION]
    places = {0, number}
    for when, period in second_by_second(composite_of((installed, station, now), number)):
        used = period.phases or station.supply.phases
        mine = per_phase(period.limit, Unit.W, used, station.supply.volts)
        for purpose, place in [(Purpose.STATION_MAX, 0), *((Purpose.EXTERNAL, place) for place in places)]:
            evse = next((one for one in station.evses if one.number == place), None)
            found = oracle.leader(installed, purpose, place, station, evse, when)
            if found is None or found[1].limit is None or found[1].mode is Mode.IDLE:
                continue
            values, unit = oracle.told(found[1], "limit"), oracle.schedule_of(found[0], evse).unit
            most = oracle.on_phases(values, unit, used, station.supply.volts)
            assert all(one <= bound + 1e-6 for one, bound in zip(mine, most, strict=True)), (when, period, found)


@BRIEF
@given(situations(), NUMBERS)
def test_what_lies_below_an_active_profile_of_its_purpose_changes_nothing(situation, number):
    installed, station, now = situation
    pairs = [
        (low, high)
        for low, high in permutations(installed, 2)
        if (low.purpose, low.evse, low.transaction_id) == (high.purpose, high.evse, high.transaction_id)
        and low.stack_level < high.stack_level
    ]
    assume(pairs)
    low, high = pairs[0]
    owner = next((one for one in station.evses if one.number == high.evse), None)
    full = second_by_second(composite_of(situation, number))
    less = second_by_second(composite_of(([one for one in installed if one is not low], station, now), number))
    for (when, one), (_, other) in zip(full, less, strict=True):
        evses = station.evses if high.evse == 0 and high.purpose in {Purpose.TX_DEFAULT, Purpose.PRIORITY} else (owner,)
        if all(oracle.period_at(high, station, evse, when) is not None for evse in evses):
            assert (one.limit, one.discharge, one.setpoint, one.phases, one.mode) == (
                other.limit,
                other.discharge,
                other.setpoint,
                other.phases,
                other.mode,
            )


@BRIEF
@given(situations())
def test_the_station_is_the_sum_of_its_evses(situation):
    installed, station, now = situation
    shared = {Purpose.STATION_MAX, Purpose.GENERATION}
    installed = [
        one
        for one in installed
        if one.purpose not in shared and not (one.purpose is Purpose.EXTERNAL and one.evse == 0)
    ]
    asked = Composition(installed, station)
    for second in range(0, WINDOW_S, 3):
        when = now + timedelta(seconds=second)
        whole, parts = asked.holding(0, when), [asked.holding(evse.number, when) for evse in station.evses]
        narrow = all(len(part.limit) == 1 for part in parts)
        if narrow and len(whole.limit) == 1:
            assert close([whole.limit_w], [sum(part.limit_w for part in parts)])
        given_back = [
            part.discharge_w
            if part.discharge_w is not None
            else (0.0 if part.mode is Mode.CHARGING_ONLY else evse.default_discharge_w)
            for evse, part in zip(station.evses, parts, strict=True)
        ]
        assert (whole.discharge is None) == all(part.discharge is None for part in parts)
        assert (whole.setpoint is None) == all(part.setpoint is None for part in parts)
        if narrow and whole.discharge is not None:
            assert close([whole.discharge_w], [sum(given_back)])
        told = [part.setpoint_w or 0.0 for part in parts]
        if narrow and whole.setpoint is not None and whole.discharge is None and min(told) >= 0:
            assert close([whole.setpoint_w], [sum(told)])


@BRIEF
@given(situations(), NUMBERS, UNITS)
def test_a_setpoint_lies_within_its_limits_and_never_turns(situation, number, unit):
    for _, period in second_by_second(composite_of(situation, number, unit)):
        if period.setpoint is None:
            continue
        bottoms = period.discharge.each if period.discharge else (float("-inf"),) * 3
        for value, top, bottom in zip(period.setpoint.each, period.limit.each, bottoms, strict=False):
            assert bottom <= value <= max(top, 0.0)


@BRIEF
@given(situations(), NUMBERS, UNITS, st.randoms(use_true_random=False))
def test_the_order_in_which_profiles_came_does_not_matter(situation, number, unit, chance):
    installed, station, now = situation
    shuffled = list(installed)
    chance.shuffle(shuffled)
    assert composite_of((shuffled, station, now), number, unit) == composite_of(situation, number, unit)


@BRIEF
@given(situations(), NUMBERS, UNITS, st.sampled_from([V16, V201, V21]))
def test_what_is_answered_keeps_the_schema_and_is_never_more_than_what_holds(situation, number, unit, version):
    installed, station, now = situation
    composite = compose(installed, station, Asked(number, now, WINDOW_S, unit))
    answer = composite_answer(version, composite)
    official(version, "GetCompositeSchedule", response(version, "GetCompositeSchedule", answer), answer=True)
    schedule = answer["chargingSchedule"] if version is V16 else answer["schedule"]
    said = schedule["chargingSchedulePeriod"]
    assert said[0]["startPeriod"] == 0
    assert all(
        early["startPeriod"] < late["startPeriod"] and early | {"startPeriod": 0} != late | {"startPeriod": 0}
        for early, late in pairwise(said)
    )
    for _, period in second_by_second(composite):
        one = [line for line in said if line["startPeriod"] <= period.start][-1]
        used = period.phases or 3
        exact = period.limit.each
        most = exact[0] if version is V21 else total(exact, used if unit is Unit.W else 1)
        assert abs(one["limit"]) <= abs(most) + 1e-9
        assert one["limit"] >= most - 0.1 or most < 0
        for name, values in (("dischargeLimit", period.discharge), ("setpoint", period.setpoint)):
            if version is V21 and values is not None:
                assert abs(one[name]) <= abs(values.l1) + 1e-9
            else:
                assert name not in one
