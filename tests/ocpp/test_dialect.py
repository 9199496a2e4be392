import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import ocpp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltide.domain import messages as words
from voltide.domain.messages import (
    Accepted,
    ApplyFallback,
    ApplySetpoint,
    Booted,
    ClearSetpoint,
    Flow,
    Metered,
    Moment,
    NeedsTold,
    Noted,
    OutletReported,
    OutletState,
    Refused,
    Sample,
    Token,
    TokenVerdict,
    Told,
    TransactionNoted,
    TransactionTold,
    Variable,
)
from voltide.domain.site import Charger, ChargerId, OcppVersion, V2g
from voltide.ocpp.actions import FROM_CHARGER, default_answer
from voltide.ocpp.connection import Connection
from voltide.ocpp.dialect import Dialect, dialect
from voltide.ocpp.messages import actions
from voltide.ocpp.profiles import profile_of
from voltide.ocpp.wire import Supply, Wire, plain, request, response

V16, V201, V21 = OcppVersion
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
FOLDERS = {V16: "v16", V201: "v201", V21: "v21"}
ORACLE = Path(ocpp.__file__).parent


def pile(v2g: V2g = V2g.NONE, *, amperes: bool = False) -> Charger:
    return Charger(id=ChargerId("pile"), evses=(), v2g=v2g, amperes=amperes)


def speak(version: OcppVersion, v2g: V2g = V2g.NONE, *, amperes: bool = False) -> Dialect:
    return dialect(version, pile(v2g, amperes=amperes))


@cache
def validator(version: OcppVersion, name: str) -> Any:
    path = ORACLE / FOLDERS[version] / "schemas" / f"{name}.json"
    return jsonschema.Draft7Validator(json.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal))


def official(version: OcppVersion, action: str, message: msgspec.Struct, *, answer: bool = False) -> Any:
    """The message as JSON, after the public schema has agreed with it."""
    name = action + ("Response" if answer else "" if version is V16 else "Request")
    text = msgspec.json.encode(message)
    validator(version, name).validate(json.loads(text, parse_float=Decimal))
    return json.loads(text)


def said(version: OcppVersion, wire: Wire) -> Any:
    return official(version, wire.action, wire.request)


READING = Sample(at=NOON, import_wh=12_345.6, export_wh=789.0, power_w=-5_000.0, soc=0.55, voltage_v=400.0)
DRIVER = Token(id="04AABBCC")
PLACE = Variable(component="EVSE", name="Power", value="7", evse=1, instance="x")
FACTS = [
    Booted(vendor="Volt", model="V2", serial="s1", firmware="1.0"),
    words.HeartBeaten(),
    *(OutletReported(evse=1, connector=1, state=state, at=NOON) for state in OutletState),
    words.AuthorisationAsked(token=DRIVER),
    TransactionTold(moment=Moment.STARTED, transaction_id="7", at=NOON, evse=1, connector=1, seq_no=0, token=DRIVER, samples=(replace(READING, context="Transaction.Begin"),)),
    TransactionTold(moment=Moment.UPDATED, transaction_id="7", at=NOON, evse=1, connector=1, seq_no=1, flow=Flow.FLOWING, samples=(READING,)),
    TransactionTold(moment=Moment.ENDED, transaction_id="7", at=NOON, evse=1, connector=1, seq_no=2, stopped_reason="EVDisconnected", samples=(replace(READING, context="Transaction.End", signed="OCMF|{}|{}"),)),
    Metered(evse=1, samples=(READING,)),
    NeedsTold(evse=1, at=NOON, departure=NOON + timedelta(hours=3), energy_wh=20_000.0, soc=0.5, target_soc=0.8, capacity_wh=60_000.0, charge_w=50_000.0, discharge_w=20_000.0, floor_wh=12_000.0, v2x=True),
    words.VariablesTold(variables=(PLACE,), request_id=4, seq_no=1, more=True),
    words.SecurityTold(kind="TamperDetectionActivated", at=NOON, info="door"),
    words.LimitTold(source="EMS", evse=1, limit_w=11_000.0),
    words.LimitTold(source="EMS", evse=1),
    words.SetpointPulled(profile_id=1001),
]  # fmt: skip
SILENT = {V16: {"NeedsTold", "VariablesTold", "LimitTold", "SetpointPulled"}, V201: {"SetpointPulled"}, V21: set()}


# --- facts ---


@pytest.mark.parametrize("version", OcppVersion)
@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: type(fact).__name__)
def test_what_a_charger_says_is_valid_and_the_station_hears_it_again(version: OcppVersion, fact: Any) -> None:
    tongue = speak(version)
    wires = tongue.say(fact, NOON)
    assert (len(wires) == 0) is (type(fact).__name__ in SILENT[version])
    for wire in wires:
        said(version, wire)
        heard = tongue.hear(wire.action, wire.request, NOON)
        assert type(heard) is type(fact)
        if version is V21:
            assert agree(heard, fact)


def agree(heard: Any, fact: Any) -> bool:
    """All that was meant was heard; what 2.1 always tells besides (a reason, a trigger) is no matter."""
    loose = {"trigger", "asks_token", "reason"}
    return all(getattr(heard, name) == getattr(fact, name) for name in fact.__dataclass_fields__ if name not in loose)


def test_1_6_tells_the_flow_of_power_by_the_status_of_the_connector() -> None:
    tongue = speak(V16)
    for flow in Flow:
        fact = OutletReported(evse=1, connector=1, state=OutletState.OCCUPIED, at=NOON, flow=flow)
        (wire,) = tongue.say(fact, NOON)
        assert tongue.hear(wire.action, wire.request, NOON) == fact


powers = st.floats(-600_000, 600_000).map(lambda power: round(power, 1))


@given(powers, st.floats(0, 1e8).map(lambda energy: round(energy, 1)), st.sampled_from(OcppVersion))
@settings(max_examples=60, deadline=None)
def test_the_power_and_registers_that_the_charger_says_are_what_the_station_hears(
    power: float, register: float, version: OcppVersion
) -> None:
    sample = Sample(at=NOON, power_w=power, import_wh=register, export_wh=register / 2 // 1, soc=0.4)
    fact = TransactionTold(moment=Moment.UPDATED, transaction_id="7", at=NOON, evse=1, connector=1, samples=(sample,))
    tongue = speak(version)
    (wire,) = tongue.say(fact, NOON)
    heard = tongue.hear(wire.action, wire.request, NOON)
    assert isinstance(heard, TransactionTold)
    (again,) = heard.samples
    assert again.power_w == pytest.approx(power, abs=0.1)
    assert (again.import_wh, again.export_wh) == pytest.approx((register, register / 2 // 1), abs=0.1)
    assert again.soc == pytest.approx(0.4)


def test_a_start_of_1_6_asks_for_a_number_and_begins_at_its_register() -> None:
    body = {"connectorId": 2, "idTag": "A", "meterStart": 1_500, "timestamp": "2026-06-01T12:00:00"}
    tongue = speak(V16)
    wire = request(V16, "StartTransaction", body)
    heard = tongue.hear(*wire, NOON)
    assert heard == TransactionTold(
        moment=Moment.STARTED, transaction_id=None, at=NOON, evse=2, connector=1, token=Token(id="A"), asks_token=True,
        samples=(Sample(at=NOON, import_wh=1_500.0, context="Transaction.Begin"),),
    )  # fmt: skip
    answer = TransactionNoted(transaction_id="42", token=TokenVerdict(valid=True))
    reply = tongue.reply("StartTransaction", wire.request, answer, NOON)
    assert official(V16, "StartTransaction", reply, answer=True) == {
        "idTagInfo": {"status": "Accepted"},
        "transactionId": 42,
    }
    assert tongue.learn("StartTransaction", wire.request, reply, NOON) == answer


def test_a_stop_of_1_6_closes_with_its_own_register_and_keeps_the_export_of_that_instant() -> None:
    end = [
        {"value": "9.0", "unit": "kWh", "context": "Transaction.End"},
        {"value": "2.5", "unit": "kWh", "context": "Transaction.End", "measurand": "Energy.Active.Export.Register"},
    ]
    body = {"transactionId": -1, "meterStop": 9_001, "timestamp": "2026-06-01T12:00:00Z", "transactionData": [{"timestamp": "2026-06-01T12:00:00Z", "sampledValue": end}]}  # fmt: skip
    heard = speak(V16).hear(*request(V16, "StopTransaction", body), NOON)
    assert isinstance(heard, TransactionTold)
    assert (heard.moment, heard.transaction_id, heard.stopped_reason) == (Moment.ENDED, "-1", "Local")
    (last,) = heard.samples
    assert (last.import_wh, last.export_wh, last.context) == (9_001.0, 2_500.0, "Transaction.End")


def test_meter_values_of_1_6_without_a_transaction_are_a_mere_reading() -> None:
    meter = [{"timestamp": "2026-06-01T12:00:00Z", "sampledValue": [{"value": "5"}]}]
    for extra in ({}, {"transactionId": 0}, {"transactionId": -1}):
        wire = request(V16, "MeterValues", {"connectorId": 1, "meterValue": meter} | extra)
        assert isinstance(speak(V16).hear(*wire, NOON), Metered)
    wire = request(V16, "MeterValues", {"connectorId": 1, "meterValue": meter, "transactionId": 5})
    heard = speak(V16).hear(*wire, NOON)
    assert isinstance(heard, TransactionTold)
    assert heard.transaction_id == "5"


def test_a_missing_evse_stays_missing_and_is_not_taken_for_the_first() -> None:
    body = {"eventType": "Ended", "timestamp": "2026-06-01T12:00:00Z", "triggerReason": "EVDeparted", "seqNo": 9, "offline": True, "transactionInfo": {"transactionId": "t"}}  # fmt: skip
    heard = speak(V201).hear(*request(V201, "TransactionEvent", body), NOON)
    assert isinstance(heard, TransactionTold)
    assert (heard.evse, heard.connector, heard.offline, heard.seq_no) == (None, None, True, 9)


# --- needs ---


def needs(version: OcppVersion, **body: Any) -> NeedsTold:
    heard = speak(version).hear(*request(version, "NotifyEVChargingNeeds", {"evseId": 1, "chargingNeeds": body}), NOON)
    assert isinstance(heard, NeedsTold)
    return heard


def test_a_car_that_asks_for_dc_both_ways_is_heard_with_and_without_v2x_parameters() -> None:
    dc = {"evMaxCurrent": 125.0, "evMaxVoltage": 400.0, "stateOfCharge": 50, "evEnergyCapacity": 60_000.0}
    plain_needs = needs(V21, requestedEnergyTransfer="DC_BPT", dcChargingParameters=dc)
    assert (plain_needs.v2x, plain_needs.charge_w, plain_needs.discharge_w, plain_needs.soc) == (
        True,
        50_000.0,
        None,
        0.5,
    )
    v2x = {"maxChargePower": 44_000.0, "maxDischargePower": 22_000.0, "evTargetEnergyRequest": 18_000.0, "evMinV2XEnergyRequest": -12_000.0, "targetSoC": 80}  # fmt: skip
    full = needs(V21, requestedEnergyTransfer="DC_BPT", dcChargingParameters=dc, v2xChargingParameters=v2x)
    assert (full.charge_w, full.discharge_w, full.energy_wh, full.target_soc) == (44_000.0, 22_000.0, 18_000.0, 0.8)
    assert full.floor_wh == 18_000.0


def test_an_ac_car_of_2_0_1_is_heard_in_watts_and_watt_hours() -> None:
    ac = {"energyAmount": 9_000, "evMinCurrent": 6, "evMaxCurrent": 16, "evMaxVoltage": 230}
    heard = needs(V201, requestedEnergyTransfer="AC_three_phase", acChargingParameters=ac, departureTime="2026-06-01T18:00:00+02:00")  # fmt: skip
    assert (heard.v2x, heard.charge_w, heard.energy_wh) == (False, 11_040.0, 9_000.0)
    assert heard.departure == datetime(2026, 6, 1, 16, tzinfo=UTC)


# --- answers ---


@pytest.mark.parametrize("version", OcppVersion)
def test_every_default_answer_is_valid(version: OcppVersion) -> None:
    certificate = {"hashAlgorithm": "SHA256", "issuerNameHash": "a", "issuerKeyHash": "b", "serialNumber": "c"}
    asked = {
        "GetCertificateChainStatus": {"certificateStatusRequests": [{"certificateHashData": certificate, "source": "OCSP", "urls": ["http://x"]}]},
        "VatNumberValidation": {"vatNumber": "DE1"},
    }  # fmt: skip
    for action in FROM_CHARGER & set(actions(version)) - {"NotifyPeriodicEventStream"}:
        question = request(version, action, asked[action]).request if action in asked else None
        official(version, action, default_answer(version, action, question, NOON), answer=True)


@pytest.mark.parametrize("version", OcppVersion)
@pytest.mark.parametrize(
    ("action", "answer"),
    [
        ("BootNotification", words.Welcome(verdict=words.Boot.PENDING, now=NOON, interval_s=30)),
        ("Heartbeat", words.Time(now=NOON)),
        ("Authorize", TokenVerdict(valid=True)),
        ("Authorize", TokenVerdict(valid=False)),
        ("TransactionEvent", TransactionNoted(transaction_id="7", token=TokenVerdict(valid=False))),
        ("TransactionEvent", TransactionNoted(transaction_id="7")),
        ("StopTransaction", TransactionNoted(transaction_id="7", token=TokenVerdict(valid=True))),
        ("StopTransaction", TransactionNoted(transaction_id="7")),
        ("PullDynamicScheduleUpdate", words.SetpointGiven(power_w=-1_000.0)),
        ("PullDynamicScheduleUpdate", words.SetpointGiven(power_w=None)),
        ("MeterValues", TransactionNoted(transaction_id="7")),
        ("StatusNotification", Noted()),
    ],
)
def test_what_the_station_answers_is_valid_and_the_charger_learns_it(
    version: OcppVersion, action: str, answer: Any
) -> None:
    if action not in actions(version):
        return
    tongue, asked = speak(version), _asked(version, action)
    reply = tongue.reply(action, asked, answer, NOON)
    official(version, action, reply, answer=True)
    learned = tongue.learn(action, asked, reply, NOON)
    assert learned == answer or action == "MeterValues"


def _asked(version: OcppVersion, action: str) -> Any:
    fact: Any = {
        "TransactionEvent": FACTS[9],
        "StopTransaction": FACTS[10],
        "PullDynamicScheduleUpdate": FACTS[-1],
    }.get(action)
    if fact is None:
        return actions(version)["Heartbeat"][0]()
    (wire,) = speak(version).say(fact, NOON)
    return wire.request


@pytest.mark.parametrize("version", OcppVersion)
def test_an_action_without_a_word_is_told_as_it_came(version: OcppVersion) -> None:
    wire = request(version, "DataTransfer", {"vendorId": "x", "data": "y"})
    heard = speak(version).hear(*wire, NOON)
    assert heard == Told(action="DataTransfer", payload={"vendorId": "x", "data": "y"})
    reply = speak(version).reply("DataTransfer", wire.request, Noted(), NOON)
    assert official(version, "DataTransfer", reply, answer=True) == {"status": "UnknownVendorId"}


# --- orders ---

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
    words.Ask(action="ClearCache", payload={}),
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
        "dynUpdateInterval": 30,
    }
    assert schedule["chargingSchedulePeriod"] == [
        {"startPeriod": 0, "operationMode": "CentralSetpoint", "setpoint": -5_000.0, "limit": 60_000.0, "dischargeLimit": -60_000.0}
    ]  # fmt: skip


def test_later_changes_of_a_dynamic_setpoint_are_updates_in_place() -> None:
    told = body(V21, replace(SET, fresh=False, floor_w=-4_000.0), V2g.DYNAMIC)
    assert told == {
        "chargingProfileId": profile_of(2),
        "scheduleUpdate": {"setpoint": -4_000.0, "limit": 60_000.0, "dischargeLimit": -4_000.0},
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


# --- a whole line, both ends ---


@pytest.mark.parametrize("version", OcppVersion)
def test_a_charger_and_a_station_talk_through_two_connections(version: OcppVersion) -> None:
    pole, house = Connection(version, charger=True, validate=True), Connection(version, charger=False, validate=True)
    tongue = speak(version, V2g.DYNAMIC)
    (wire,) = tongue.say(FACTS[9], NOON)
    pole.call(wire.action, wire.request, who="1", now=0)
    (text,) = pole.to_send()
    (called,) = house.receive(text, 0)
    fact = tongue.hear(called.action, called.request, NOON)
    assert isinstance(fact, TransactionTold)
    assert fact.samples[0].power_w == -5_000.0
    noted = TransactionNoted(transaction_id="7")
    house.answer(called.id, tongue.reply(called.action, called.request, noted, NOON))
    (text,) = house.to_send()
    (answered,) = pole.receive(text, 0)
    assert plain(answered.response) == {}
