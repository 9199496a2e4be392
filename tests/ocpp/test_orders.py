import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ocpp.tongues import NOON, V16, V21, V201, official, powers, said, speak
from voltide.domain import messages as words
from voltide.domain.messages import (
    Accepted,
    ApplyFallback,
    ApplySetpoint,
    ClearSetpoint,
    Refused,
    Token,
    Variable,
)
from voltide.domain.site import OcppVersion, V2g
from voltide.ocpp.profiles import profile_of
from voltide.ocpp.wire import Supply, request, response

DRIVER = Token(id="04AABBCC")
PLACE = Variable(component="EVSE", name="Power", value="7", evse=1, instance="x")

SET = ApplySetpoint(evse=2, transaction_id="7", power_w=-5_000.06, lease_s=60.9, now=NOON, ceiling_w=60_000.0, floor_w=-60_000.0)  # fmt: skip
ORDERS = [
    SET,
    replace(SET, fresh=False),
    replace(SET, power_w=16.96),
    ApplyFallback(evse=0, power_w=1_400.0, now=NOON),
    ClearSetpoint(evse=2),
    words.StartTransaction(evse=1, token=DRIVER, remote_start_id=5),
    words.StopTransaction(transaction_id="7"),
    words.ChangeAvailability(evse=0, operative=False),
    words.ChangeAvailability(evse=1, operative=True),
    words.Reset(immediate=True),
    words.Reset(),
    words.Trigger(message="StatusNotification", evse=1),
    words.Trigger(message="MeterValues"),
    words.Unlock(evse=1),
    words.SetVariables(variables=(PLACE,)),
    words.GetVariables(variables=(PLACE,)),
    words.GetReport(request_id=4),
    words.GetTransactionStatus(transaction_id="7"),
    words.Ask(action="DataTransfer", payload={"vendorId": "x"}),
]


@pytest.mark.parametrize("version", OcppVersion)
@pytest.mark.parametrize("v2g", V2g)
@pytest.mark.parametrize("order", ORDERS, ids=lambda order: type(order).__name__)
def test_every_order_is_said_in_valid_words_and_answered_in_valid_words(
    version: OcppVersion, v2g: V2g, order: Any
) -> None:
    tongue = speak(version, v2g)
    wires = tongue.order(order)
    if isinstance(order, words.GetTransactionStatus) and version is V16:
        assert wires == Refused(reason="NotSupported")
        return
    assert isinstance(wires, tuple)
    for wire in wires:
        text = json.dumps(said(version, wire))
        assert "ExternalConstraints" not in text
        assert "000000" not in text
        read = tongue.obey(wire.action, wire.request, NOON)
        assert type(read) in {type(order), words.GetVariables}
        for outcome in (Accepted(), Refused(reason="Rejected")):
            kept = getattr(read, "variables", ())
            result = tongue.result(wire.action, wire.request, outcome, kept)
            official(version, wire.action, result, answer=True)
            if not kept and wire.action not in {"GetTransactionStatus", "GetConfiguration"}:
                assert type(tongue.outcome(wire.action, result)) is type(outcome)


def body(version: OcppVersion, order: Any, v2g: V2g = V2g.NONE, *, amperes: bool = False) -> Any:
    wires = speak(version, v2g, amperes=amperes).order(order)
    assert isinstance(wires, tuple)
    return said(version, wires[0])


def test_a_1_6_charger_never_gets_a_negative_setpoint() -> None:
    for v2g in V2g:
        profile = body(V16, SET, v2g)["csChargingProfiles"]
        assert profile["chargingSchedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 0.0}]
        assert profile["transactionId"] == 7


def test_a_2_0_1_charger_gets_a_negative_limit_only_when_its_maker_promised_it() -> None:
    def limit(v2g: V2g, order: ApplySetpoint = SET) -> float:
        found: float = body(V201, order, v2g)["chargingProfile"]["chargingSchedule"][0]["chargingSchedulePeriod"][0][
            "limit"
        ]
        return found

    assert (limit(V2g.NONE), limit(V2g.DYNAMIC), limit(V2g.NEGATIVE_LIMIT)) == (0.0, 0.0, -5_000.0)
    assert limit(V2g.NEGATIVE_LIMIT, replace(SET, floor_w=-1_000.0)) == -1_000.0
    assert limit(V2g.NEGATIVE_LIMIT, replace(SET, floor_w=0.0)) == 0.0


@pytest.mark.parametrize("version", [V16, V201])
def test_the_lease_of_1_6_and_2_0_1_is_the_duration_of_the_schedule(version: OcppVersion) -> None:
    told = body(version, replace(SET, power_w=7_000.0))
    profile = told["csChargingProfiles"] if version is V16 else told["chargingProfile"]
    schedule = profile["chargingSchedule"] if version is V16 else profile["chargingSchedule"][0]
    assert (schedule["duration"], schedule["startSchedule"]) == (60, "2026-06-01T12:00:00.000Z")
    assert (profile["chargingProfilePurpose"], profile["chargingProfileKind"]) == ("TxProfile", "Absolute")


def test_a_2_1_charger_gets_a_dynamic_profile_with_a_setpoint_limits_and_a_lease() -> None:
    told = body(V21, SET, V2g.DYNAMIC)
    profile = told["chargingProfile"]
    (schedule,) = profile.pop("chargingSchedule")
    assert told["evseId"] == 2
    assert profile == {
        "id": profile_of(2),
        "stackLevel": 1,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Dynamic",
        "transactionId": "7",
        "maxOfflineDuration": 60,
        "invalidAfterOfflineDuration": True,
    }
    assert schedule["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "operationMode": "CentralSetpoint", "setpoint": -5_000.0, "limit": 0.0, "dischargeLimit": -5_000.0}
    ]  # fmt: skip


def test_later_changes_of_a_dynamic_setpoint_are_updates_in_place() -> None:
    told = body(V21, replace(SET, fresh=False, floor_w=-4_000.0), V2g.DYNAMIC)
    assert told == {
        "chargingProfileId": profile_of(2),
        "scheduleUpdate": {"setpoint": -4_000.0, "limit": 0.0, "dischargeLimit": -4_000.0},
    }


def test_a_pile_that_understands_only_amperes_gets_amperes() -> None:
    order = replace(SET, power_w=11_000.0)
    schedule = body(V16, order, amperes=True)["csChargingProfiles"]["chargingSchedule"]
    assert schedule["chargingRateUnit"] == "A"
    assert schedule["chargingSchedulePeriod"][0]["limit"] == 15.9
    read = speak(V16, amperes=True).obey(*request(V16, "SetChargingProfile", body(V16, order, amperes=True)), NOON)
    assert isinstance(read, ApplySetpoint)
    assert read.power_w == pytest.approx(15.9 * Supply().watts_per_ampere)


@given(
    powers,
    st.floats(0, 600_000),
    st.floats(-600_000, 0),
    st.sampled_from(OcppVersion),
    st.sampled_from(V2g),
)
@settings(max_examples=100, deadline=None)
def test_the_power_a_charger_reads_is_never_more_than_was_ordered_either_way(
    power: float, ceiling: float, floor: float, version: OcppVersion, v2g: V2g
) -> None:
    order = replace(SET, power_w=power, ceiling_w=ceiling, floor_w=floor, fresh=power > 0)
    tongue = speak(version, v2g)
    wires = tongue.order(order)
    assert isinstance(wires, tuple)
    read = tongue.obey(*wires[0], NOON)
    assert isinstance(read, ApplySetpoint)
    assert (read.evse, read.lease_s in {60.0, float("inf")}) == (2, True)
    asked = min(max(power, floor), ceiling)
    both_ways = (version is V21 and v2g is V2g.DYNAMIC) or (version is not V16 and v2g is V2g.NEGATIVE_LIMIT)
    wanted = asked if both_ways else max(asked, 0.0)
    assert abs(read.power_w) <= abs(wanted) + 1e-9
    assert read.power_w == pytest.approx(wanted, abs=0.1 + 1e-9)


def test_what_1_6_cannot_say_is_refused_as_a_value() -> None:
    tongue = speak(V16)
    assert isinstance(tongue.order(words.StopTransaction(transaction_id="not a number")), Refused)
    long = words.StartTransaction(evse=1, token=Token(id="x" * 21), remote_start_id=1)
    assert isinstance(tongue.order(long), Refused)
    assert tongue.order(words.Ask(action="SetDERControl", payload={})) == Refused(reason="NotSupported")


def test_configuration_keys_are_set_one_call_each_and_read_with_the_unknown_ones_named() -> None:
    tongue = speak(V16)
    keys = tuple(Variable(component="", name=name, value="1") for name in ("A", "B"))
    wires = tongue.order(words.SetVariables(variables=keys))
    assert isinstance(wires, tuple)
    assert [said(V16, wire) for wire in wires] == [{"key": "A", "value": "1"}, {"key": "B", "value": "1"}]
    (wire,) = tongue.order(words.GetVariables(variables=keys))  # type: ignore[misc]
    result = tongue.result(wire.action, wire.request, Accepted(), (keys[0],))
    assert official(V16, wire.action, result, answer=True)["unknownKey"] == ["B"]
    assert [(one.name, one.status) for one in tongue.variables(wire.action, result)] == [
        ("A", "Accepted"),
        ("B", "UnknownVariable"),
    ]


def test_one_refused_variable_refuses_the_order_and_names_all() -> None:
    tongue = speak(V201)
    told = (PLACE, replace(PLACE, name="Nope", value=None, status="UnknownVariable"))
    (wire,) = tongue.order(words.GetVariables(variables=told))  # type: ignore[misc]
    result = tongue.result(wire.action, wire.request, Accepted(), told)
    official(V201, wire.action, result, answer=True)
    outcome = tongue.outcome(wire.action, result)
    assert isinstance(outcome, Refused)
    assert outcome.reason == "UnknownVariable"
    assert tongue.variables(wire.action, result) == told


def test_scheduled_and_reboot_required_are_yes() -> None:
    for version, action, status in [(V201, "ChangeAvailability", "Scheduled"), (V16, "ChangeConfiguration", "RebootRequired"), (V16, "UnlockConnector", "Unlocked")]:  # fmt: skip
        assert isinstance(speak(version).outcome(action, response(version, action, {"status": status})), Accepted)


def test_a_profile_of_someone_else_is_left_to_the_charger_as_it_came() -> None:
    told = body(V201, SET, V2g.NEGATIVE_LIMIT)
    told["chargingProfile"]["chargingSchedule"][0]["chargingSchedulePeriod"] += [{"startPeriod": 60, "limit": 1.0}]
    assert isinstance(speak(V201).obey(*request(V201, "SetChargingProfile", told), NOON), words.Ask)
