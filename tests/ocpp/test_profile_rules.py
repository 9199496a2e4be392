"""What a charger lets in (K01), and how its set of profiles changes (K01, K10)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings

from tests.ocpp.profile_sets import situations
from tests.ocpp.tongues import V16, V21, V201, official
from voltide.ocpp.composite import Asked
from voltide.ocpp.installed import Criteria, back_online, clear, ended, install, read_clear, read_get
from voltide.ocpp.profile_rules import (
    Abilities,
    Arrival,
    Feature,
    Reason,
    Refusal,
    examine,
    examine_asked,
)
from voltide.ocpp.schedule import Kind, Mode, Period, Phased, Profile, Purpose, Recurrency, Schedule, Unit
from voltide.ocpp.timeline import EvseNow, StationNow
from voltide.ocpp.wire import Supply, request, response

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
STATION = StationNow(
    evses=(
        EvseNow(number=1, default_w=22_080.0, transaction="T", started=NOON),
        EvseNow(number=2, default_w=22_080.0),
        EvseNow(number=3, default_w=60_000.0, direct=True),
    )
)
ABLE = Abilities(
    version=V21,
    features=frozenset(Feature),
    modes=frozenset(Mode),
    purposes=frozenset({Purpose.PRIORITY, Purpose.GENERATION}),
)
POOR = Abilities(version=V21)
PLAIN = Period(limit=Phased(6.0))
SETPOINT = Period(setpoint=Phased(-5000.0), mode=Mode.CENTRAL_SETPOINT)


def profile(*periods, unit=Unit.A, start=NOON, duration=None, **more):
    schedule = Schedule(unit=unit, start=start, duration_s=duration, periods=periods or (PLAIN,))
    fields = {"id": 5, "purpose": Purpose.TX_DEFAULT, "evse": 1, "schedules": (schedule,)}
    return Profile(**fields | more)


def tx(*periods, **more):
    return profile(*periods, **{"purpose": Purpose.TX, "transaction_id": "T"} | more)


def verdict(one, installed=(), able=ABLE, where=STATION, **arrival):
    found = examine(one, list(installed), where, able, Arrival(now=NOON, **arrival))
    return None if found is None else found.reason.value


# --- what is let in ---


@pytest.mark.parametrize(
    "one",
    [
        profile(),
        profile(evse=0),
        profile(purpose=Purpose.STATION_MAX, evse=0),
        profile(purpose=Purpose.STATION_MAX, evse=0, kind=Kind.RECURRING, recurrency=Recurrency.DAILY),
        profile(start=None, kind=Kind.RELATIVE),
        profile(purpose=Purpose.PRIORITY, start=None, kind=Kind.RELATIVE),
        profile(purpose=Purpose.GENERATION, evse=0),
        profile(evse=3),
        tx(),
        tx(SETPOINT, start=None, kind=Kind.DYNAMIC, updated=NOON, update_interval_s=5, max_offline_s=10),
        tx(Period(limit=Phased(16.0, 10.0, 10.0))),
        tx(Period(limit=Phased(16.0), phases=1, phase=2)),
        tx(
            Period(mode=Mode.LOCAL_FREQUENCY, baseline_w=0.0, frequency_watt=((49.8, -1.0), (50.2, 1.0))),
            unit=Unit.W,
        ),
        tx(Period(mode=Mode.IDLE, sleep=True)),
    ],
)
def test_a_proper_profile_is_let_in(one):
    assert verdict(one) is None


def test_the_same_id_may_come_again():
    assert verdict(profile(), [profile(PLAIN, Period(start=60, limit=Phased(8.0)))]) is None


# --- who, where ---


def test_external_constraints_are_not_the_csmss_but_an_external_systems():
    one = profile(purpose=Purpose.EXTERNAL, evse=0)
    assert verdict(one) == "InvalidValue"
    assert verdict(one, external=True) is None


def test_an_id_of_the_chargers_own_is_not_the_csmss():
    able = replace(ABLE, external_ids_to=99)
    assert verdict(profile(id=99), able=able) == "InvalidProfileId"
    assert verdict(profile(id=100), able=able) is None
    assert verdict(profile(id=5, purpose=Purpose.EXTERNAL, evse=0), able=able, external=True) is None


def test_the_id_of_an_external_constraint_is_not_replaced():
    assert verdict(profile(), [profile(purpose=Purpose.EXTERNAL, source="EMS")]) == "DuplicateProfile"


def test_an_unknown_evse_has_no_profiles():
    assert verdict(profile(evse=9)) == "UnknownEvse"


@pytest.mark.parametrize("purpose", [Purpose.PRIORITY, Purpose.GENERATION])
def test_a_purpose_that_is_not_supported_is_refused(purpose):
    assert verdict(profile(purpose=purpose), able=POOR) == "UnsupportedPurpose"


def test_a_stations_maximum_is_for_evse_0_and_never_relative():
    assert verdict(profile(purpose=Purpose.STATION_MAX)) == "InvalidProfile"
    relative = profile(purpose=Purpose.STATION_MAX, evse=0, start=None, kind=Kind.RELATIVE)
    assert verdict(relative) == "InvalidProfile"


def test_a_tx_profile_belongs_to_a_running_transaction_of_its_evse():
    assert verdict(tx(evse=0)) == "InvalidProfile"
    assert verdict(tx(transaction_id=None)) == "MissingParam"
    assert verdict(tx(transaction_id="other")) == "TxNotFound"
    assert verdict(tx(evse=2)) == "TxNotFound"
    assert verdict(profile(transaction_id="T")) == "InvalidProfile"


def test_a_tx_profile_may_come_with_the_start_of_its_transaction():
    assert verdict(tx(transaction_id=None, evse=2), starting=True) is None
    assert verdict(profile(), starting=True) == "InvalidProfile"


def test_two_tx_profiles_of_a_transaction_have_different_levels():
    assert verdict(tx(), [tx(id=6)]) == "InvalidStackLevel"
    assert verdict(tx(stack_level=1), [tx(id=6)]) is None
    assert verdict(tx(), [tx(id=6, transaction_id="older")]) is None


def test_a_purpose_that_was_just_set_rests():
    able = replace(ABLE, rest_s=60.0)
    found = examine(profile(), [], STATION, able, Arrival(now=NOON, last=NOON - timedelta(seconds=12.5)))
    assert found == Refusal(Reason.RATE_LIMIT_EXCEEDED, "48 seconds before retry")
    assert verdict(profile(), able=able, last=NOON - timedelta(seconds=60)) is None


# --- kinds and schedules ---


def test_a_dynamic_profile_has_one_schedule_of_one_period_and_is_supported():
    dynamic = {"start": None, "kind": Kind.DYNAMIC}
    assert verdict(tx(SETPOINT, **dynamic), able=replace(ABLE, features=frozenset())) == "UnsupportedKind"
    assert verdict(tx(PLAIN, Period(start=9, limit=Phased(1.0)), **dynamic)) == "InvalidSchedule"
    two = tx(SETPOINT, **dynamic)
    assert verdict(replace(two, schedules=two.schedules * 2)) == "InvalidSchedule"


def test_only_a_dynamic_profile_has_updates():
    assert verdict(profile(update_interval_s=5)) == "InvalidProfile"
    assert verdict(profile(updated=NOON)) == "InvalidProfile"


def test_a_start_is_there_where_the_kind_needs_one_and_nowhere_else():
    assert verdict(profile(start=None)) == "InvalidSchedule"
    assert verdict(profile(start=None, kind=Kind.RECURRING, recurrency=Recurrency.DAILY)) == "InvalidSchedule"
    assert verdict(profile(kind=Kind.RELATIVE)) == "InvalidSchedule"
    assert verdict(profile(kind=Kind.RECURRING)) == "InvalidProfile"


@pytest.mark.parametrize("starts", [(1,), (0, 0), (0, 20, 10)])
def test_periods_start_at_0_and_rise(starts):
    assert verdict(profile(*(Period(start=start, limit=Phased(6.0)) for start in starts))) == "InvalidSchedule"


def test_a_profile_without_schedules_or_periods_is_refused():
    assert verdict(replace(profile(), schedules=())) == "InvalidSchedule"
    assert verdict(replace(profile(), schedules=(Schedule(unit=Unit.A, start=NOON, periods=()),))) == "InvalidSchedule"


def test_priority_charging_has_no_duration_and_charges_only():
    assert verdict(profile(purpose=Purpose.PRIORITY, duration=60)) == "InvalidSchedule"
    assert verdict(profile(SETPOINT, purpose=Purpose.PRIORITY)) == "InvalidOperationMode"


@pytest.mark.parametrize(
    "change",
    [{"local_time": True}, {"randomized_delay_s": 60}, {"limit_at_soc": (0.8, 6.0)}, {"duration_s": -1}],
)
def test_what_a_schedule_asks_for_must_be_supported(change):
    one = profile()
    one = replace(one, schedules=(replace(one.schedules[0], **change),))
    assert verdict(one, able=POOR) == "InvalidSchedule"
    assert verdict(one) == ("InvalidSchedule" if "duration_s" in change else None)


def test_only_a_transactions_profile_is_delayed_by_chance():
    one = profile(purpose=Purpose.STATION_MAX, evse=0)
    assert verdict(replace(one, schedules=(replace(one.schedules[0], randomized_delay_s=9),))) == "InvalidSchedule"


def test_offline_durations_must_be_supported():
    assert verdict(profile(max_offline_s=9), able=POOR) == "InvalidProfile"


def test_a_unit_must_be_supported():
    assert verdict(profile(), able=replace(ABLE, units=frozenset({Unit.W}))) == "UnsupportedRateUnit"


def test_there_is_room_for_so_many_periods_and_profiles():
    assert verdict(profile(PLAIN, Period(start=9)), able=replace(ABLE, most_periods=1)) == "TooManyElements"
    full = replace(ABLE, most_profiles=1)
    assert verdict(profile(), [profile(id=6, stack_level=1)], able=full) == "OutOfStorage"
    assert verdict(profile(), [profile(stack_level=1)], able=full) is None


def test_a_stack_level_has_an_upper_end():
    assert verdict(profile(stack_level=101)) == "InvalidStackLevel"
    assert verdict(profile(stack_level=-1)) == "InvalidStackLevel"


# --- duplicates ---


def test_two_profiles_of_a_purpose_and_level_do_not_overlap_in_time():
    other = profile(id=6, valid_from=NOON, valid_to=NOON + timedelta(hours=1))
    assert verdict(profile(), [other]) == "DuplicateProfile"
    assert verdict(profile(valid_from=NOON + timedelta(hours=1)), [other]) is None
    assert verdict(profile(valid_to=NOON), [other]) is None
    assert verdict(profile(evse=2), [other]) is None


def test_a_default_for_all_evses_and_one_for_one_have_different_levels():
    assert verdict(profile(evse=0), [profile(id=6)]) == "DuplicateProfile"
    assert verdict(profile(), [profile(id=6, evse=0)]) == "DuplicateProfile"
    assert verdict(profile(), [profile(id=6, evse=0, stack_level=1)]) is None


# --- phases ---


def test_a_phase_can_be_chosen_only_of_one_and_where_that_is_supported():
    assert verdict(profile(Period(limit=Phased(6.0), phases=3, phase=1))) == "InvalidSchedule"
    chosen = profile(Period(limit=Phased(6.0), phases=1, phase=1))
    assert verdict(chosen, able=POOR) == "InvalidSchedule"


def test_direct_current_has_no_phases():
    one = profile(Period(limit=Phased(6.0), phases=3), evse=3)
    able = replace(ABLE, features=frozenset())
    assert verdict(one, able=able) == "NoPhaseForDC"
    assert verdict(one, able=replace(able, version=V201)) == "InvalidSchedule"
    assert verdict(one) is None  # it has control of its phases at the AC side


@pytest.mark.parametrize("phases", [0, 4])
def test_there_are_no_more_phases_than_the_supply_has(phases):
    assert verdict(profile(Period(limit=Phased(6.0), phases=phases))) == "InvalidSchedule"
    single = replace(STATION, supply=Supply(230.0, 1))
    assert verdict(profile(Period(limit=Phased(6.0), phases=2)), where=single) == "InvalidSchedule"


def test_only_a_tx_profile_speaks_of_l2_and_l3_and_never_without_l1():
    assert verdict(profile(Period(limit=Phased(6.0, 6.0, 6.0)))) == "PhaseConflict"
    assert verdict(tx(Period(limit=Phased(None, 6.0, 6.0)))) == "PhaseConflict"


def test_two_profiles_that_hold_together_do_not_ask_for_different_phases():
    one = tx(Period(limit=Phased(6.0), phases=1, phase=3))
    other = profile(Period(limit=Phased(9.0), phases=1, phase=1), id=6, evse=0, purpose=Purpose.STATION_MAX)
    assert verdict(one, [other]) == "PhaseConflict"
    assert verdict(one, [replace(other, valid_to=NOON)]) == "PhaseConflict"
    assert verdict(replace(one, valid_from=NOON), [replace(other, valid_to=NOON)]) is None
    assert verdict(one, [replace(other, purpose=Purpose.TX_DEFAULT)]) is None  # never both at once


# --- values and modes ---


@pytest.mark.parametrize(
    "period",
    [
        Period(limit=Phased(float("inf"))),
        Period(limit=Phased(float("nan"))),
        Period(limit=Phased(6.0), discharge=Phased(1.0), setpoint=Phased(1.0), mode=Mode.CENTRAL_SETPOINT),
        Period(setpoint=Phased(5.0, -5.0, 5.0), mode=Mode.CENTRAL_SETPOINT),
        Period(limit=Phased(6.0), discharge=Phased(-6.0)),
        Period(setpoint=Phased(6.0)),
        Period(limit=Phased(6.0), mode=Mode.CENTRAL_SETPOINT),
        Period(limit=Phased(6.0), mode=Mode.IDLE),
        Period(mode=Mode.CHARGING_ONLY),
        Period(limit=Phased(6.0), sleep=True),
    ],
)
def test_values_fit_their_mode(period):
    assert verdict(tx(period)) == "InvalidSchedule"


def test_a_mode_must_be_of_the_purpose_and_supported():
    assert verdict(profile(SETPOINT, purpose=Purpose.STATION_MAX, evse=0)) == "InvalidOperationMode"
    assert verdict(profile(SETPOINT, purpose=Purpose.GENERATION)) == "InvalidOperationMode"
    assert verdict(tx(SETPOINT), able=replace(ABLE, modes=frozenset())) == "InvalidOperationMode"


def test_local_frequency_control_needs_watts_a_baseline_and_two_points():
    curve = ((49.8, -1.0), (50.2, 1.0))
    local = Period(mode=Mode.LOCAL_FREQUENCY, baseline_w=0.0, frequency_watt=curve)
    assert verdict(tx(local)) == "UnsupportedRateUnit"
    assert verdict(tx(replace(local, frequency_watt=curve[:1]), unit=Unit.W)) == "NoFreqWattCurve"
    assert verdict(tx(replace(local, baseline_w=None), unit=Unit.W)) == "NoFreqWattCurve"


# --- 1.6 is of its own mind ---


def test_a_1_6_charger_takes_what_the_later_rules_forbid():
    old = Abilities(version=V16)
    assert verdict(profile(start=None), able=old) is None
    assert verdict(profile(kind=Kind.RELATIVE), able=old) is None
    assert verdict(tx(transaction_id=None), able=old) is None
    assert verdict(tx(), [tx(id=6)], able=old) is None
    assert verdict(profile(), [profile(id=6)], able=old) is None
    assert verdict(tx(transaction_id="7"), able=old) == "TxNotFound"
    assert verdict(profile(purpose=Purpose.STATION_MAX), able=old) == "InvalidProfile"


# --- composite schedules ---


def test_a_composite_is_asked_of_a_known_evse_in_a_supported_unit():
    able = replace(ABLE, units=frozenset({Unit.W}))
    assert examine_asked(Asked(0, NOON, 60, Unit.W), STATION, able) is None
    assert examine_asked(Asked(3, NOON, 60, Unit.W), STATION, able) is None
    assert examine_asked(Asked(4, NOON, 60, Unit.W), STATION, able).reason is Reason.UNKNOWN_EVSE
    assert examine_asked(Asked(1, NOON, 60, Unit.A), STATION, able).reason is Reason.UNSUPPORTED_RATE_UNIT


# --- any profile at all ---


@settings(max_examples=100, deadline=None)
@given(situations())
def test_every_profile_is_judged_and_every_reason_fits_the_wire(situation):
    profiles, station, now = situation
    for one in profiles:
        for able in (ABLE, POOR, Abilities(version=V201), Abilities(version=V16)):
            found = examine(one, profiles, station, able, Arrival(now=now))
            if found is None or able.version is V16:
                continue
            status = {"reasonCode": found.reason.value, "additionalInfo": found.detail}
            body = {"status": "Rejected", "statusInfo": status}
            answer = response(able.version, "SetChargingProfile", body)
            official(able.version, "SetChargingProfile", answer, answer=True)


# --- the set ---


def ids(profiles):
    return [one.id for one in profiles]


def test_installing_replaces_the_same_id_wherever_it_was():
    changed = install([profile(id=1), profile(id=2)], profile(id=1, evse=2), V21)
    assert [(one.id, one.evse) for one in changed] == [(2, 1), (1, 2)]


def test_in_1_6_the_same_purpose_and_level_on_a_connector_is_replaced():
    there = [profile(id=1), profile(id=2, stack_level=1), profile(id=3, evse=2), tx(id=4)]
    assert ids(install(there, profile(id=9), V16)) == [2, 3, 4, 9]
    assert ids(install(there, profile(id=9), V201)) == [1, 2, 3, 4, 9]
    assert ids(install(there, tx(id=9), V16)) == [1, 2, 3, 9]


THERE = (
    profile(id=1),
    profile(id=2, stack_level=1, evse=2),
    tx(id=3),
    profile(id=4, purpose=Purpose.STATION_MAX, evse=0),
    profile(id=-5, purpose=Purpose.EXTERNAL, evse=0, source="EMS"),
    profile(id=-6, purpose=Purpose.GENERATION, evse=0, source="EMS"),
    profile(id=7, purpose=Purpose.GENERATION, evse=0),
)


@pytest.mark.parametrize(
    ("criteria", "left"),
    [
        (Criteria(), [-5, -6]),
        (Criteria(ids=(3,)), [1, 2, 4, -5, -6, 7]),
        (Criteria(ids=(3,), evse=2), [1, 2, 4, -5, -6, 7]),
        (Criteria(ids=(-5,)), [1, 2, 3, 4, -5, -6, 7]),
        (Criteria(evse=1), [2, 4, -5, -6, 7]),
        (Criteria(purpose=Purpose.TX_DEFAULT), [3, 4, -5, -6, 7]),
        (Criteria(purpose=Purpose.TX_DEFAULT, stack_level=1), [1, 3, 4, -5, -6, 7]),
        (Criteria(purpose=Purpose.GENERATION), [1, 2, 3, 4, -5, -6]),
        (Criteria(evse=9), [1, 2, 3, 4, -5, -6, 7]),
    ],
)
def test_clearing_takes_what_is_meant_but_not_what_an_external_system_set(criteria, left):
    assert ids(clear(THERE, criteria)) == left


def test_a_transactions_profiles_end_with_it_and_only_those():
    there = [tx(id=1), tx(id=2, transaction_id="U"), profile(id=3), tx(id=4, transaction_id=None)]
    there.append(tx(id=5, transaction_id=None, evse=2))
    assert ids(ended(there, "T", 1)) == [2, 3, 5]


def test_what_was_to_die_of_a_lost_line_is_gone_when_it_is_back():
    there = [
        profile(id=1, max_offline_s=30, dies_offline=True),
        profile(id=2, max_offline_s=31, dies_offline=True),
        profile(id=3, max_offline_s=10),
        profile(id=4, dies_offline=True),
    ]
    assert ids(back_online(there, NOON, NOON + timedelta(seconds=30.9))) == [2, 3, 4]


def test_criteria_are_read_in_all_versions():
    old = request(V16, "ClearChargingProfile", {"connectorId": 0, "chargingProfilePurpose": "ChargePointMaxProfile"})
    assert read_clear(said(V16, old)) == Criteria(evse=0, purpose=Purpose.STATION_MAX)
    assert read_clear(said(V16, request(V16, "ClearChargingProfile", {"id": 7, "stackLevel": 2}))) == Criteria(
        ids=(7,), stack_level=2
    )
    told = {"evseId": 1, "chargingProfilePurpose": "TxProfile", "stackLevel": 3}
    new = request(V201, "ClearChargingProfile", {"chargingProfileCriteria": told})
    assert read_clear(said(V201, new)) == Criteria(evse=1, purpose=Purpose.TX, stack_level=3)
    assert read_clear(said(V21, request(V21, "ClearChargingProfile", {"chargingProfileId": -4}))) == Criteria(ids=(-4,))
    assert read_clear({}) == Criteria()
    asked = {
        "requestId": 1,
        "evseId": 0,
        "chargingProfile": {"chargingProfileId": [1, 2], "chargingLimitSource": ["EMS"]},
    }
    get = request(V21, "GetChargingProfiles", asked)
    assert read_get(said(V21, get)) == Criteria(ids=(1, 2), evse=0, sources=("EMS",))
    assert [read_get(said(V21, get))(one) for one in (profile(id=1, evse=0), profile(id=1, evse=0, source="EMS"))] == [
        False,
        True,
    ]


def said(version, wire):
    return official(version, wire.action, wire.request)
