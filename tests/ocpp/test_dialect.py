from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ocpp.tongues import NOON, V16, V21, V201, official, powers, said, speak
from voltide.domain import messages as words
from voltide.domain.messages import (
    Booted,
    Flow,
    Metered,
    Moment,
    NeedsTold,
    Noted,
    OutletReported,
    OutletState,
    Sample,
    Token,
    TokenVerdict,
    TransactionNoted,
    TransactionTold,
    Variable,
)
from voltide.domain.reports import DataTold
from voltide.domain.site import OcppVersion, V2g
from voltide.ocpp.actions import FROM_CHARGER, default_answer
from voltide.ocpp.connection import Connection
from voltide.ocpp.messages import actions
from voltide.ocpp.wire import plain, request

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
    NeedsTold(evse=1, at=NOON, departure=NOON + timedelta(hours=3), energy_wh=20_000.0, soc=0.5, target_soc=0.8, capacity_wh=60_000.0, charge_w=50_000.0, discharge_w=20_000.0, floor_wh=12_000.0, v2x=True, mode="DC_BPT"),
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


def test_a_car_that_tells_its_discharge_by_current_or_by_phase_is_heard_too() -> None:
    currents = {"maxChargeCurrent": 100.0, "maxDischargeCurrent": 50.0, "maxVoltage": 400.0}
    by_current = needs(V21, requestedEnergyTransfer="DC_BPT", v2xChargingParameters=currents)
    assert (by_current.charge_w, by_current.discharge_w, by_current.v2x) == (40_000.0, 20_000.0, True)
    phases = {"maxChargePower": 3_000.0, "maxChargePower_L2": 3_000.0, "maxChargePower_L3": 3_000.0, "maxDischargePower": 2_000.0, "maxDischargePower_L2": 2_000.0}  # fmt: skip
    by_phase = needs(V21, requestedEnergyTransfer="AC_BPT_DER", v2xChargingParameters=phases)
    assert (by_phase.charge_w, by_phase.discharge_w, by_phase.mode) == (9_000.0, 4_000.0, "AC_BPT_DER")


def test_what_a_car_does_not_tell_is_not_taken_for_nothing() -> None:
    dc = {"evMaxCurrent": 0.0, "evMaxVoltage": 400.0, "stateOfCharge": 20}
    silent = needs(V21, requestedEnergyTransfer="DC", dcChargingParameters=dc)
    assert (silent.charge_w, silent.discharge_w, silent.energy_wh, silent.v2x) == (None, None, None, False)
    full = needs(V21, requestedEnergyTransfer="DC", v2xChargingParameters={"evTargetEnergyRequest": -4_000.0})
    assert full.energy_wh == 0.0


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
def test_a_vendor_s_data_is_heard_and_by_default_belongs_to_nobody(version: OcppVersion) -> None:
    wire = request(version, "DataTransfer", {"vendorId": "x", "data": "y"})
    heard = speak(version).hear(*wire, NOON)
    assert heard == DataTold(vendor="x", data="y")
    reply = speak(version).reply("DataTransfer", wire.request, Noted(), NOON)
    assert official(version, "DataTransfer", reply, answer=True) == {"status": "UnknownVendorId"}


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
