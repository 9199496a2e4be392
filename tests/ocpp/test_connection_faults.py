import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ocpp.lines import BOOT, EVENT, NOON, STREAM, V16, V21, V201, only, reset, say, sent, station
from voltide.domain.site import OcppVersion
from voltide.ocpp import frame
from voltide.ocpp.actions import FROM_CHARGER, default_answer, may_call
from voltide.ocpp.connection import BAD_IN_A_ROW, Connection
from voltide.ocpp.events import (
    AnswerRefused,
    Called,
    Failed,
    Hang,
    Ignored,
    Streamed,
    Turned,
    Unanswered,
)
from voltide.ocpp.faults import Close, ErrorCode
from voltide.ocpp.messages import actions

# --- rule 5: codes ---

VIOLATIONS = [
    ({"reason": "PowerUp"}, "OccurrenceConstraintViolation"),
    (BOOT | {"reason": 5}, "TypeConstraintViolation"),
    (BOOT | {"reason": "Boredom"}, "PropertyConstraintViolation"),
    ({"chargingStation": {"model": "m" * 21, "vendorName": "v"}, "reason": "PowerUp"}, "PropertyConstraintViolation"),
    (BOOT | {"vendor": 1}, "FormatViolation"),
]


@pytest.mark.parametrize(("payload", "code"), VIOLATIONS)
def test_a_schema_violation_is_answered_by_its_own_code(payload: object, code: str) -> None:
    line = station()
    assert isinstance(only(line.receive(say("BootNotification", payload), 0)), Turned)
    (reply,) = sent(line)
    assert reply[:3] == [4, "i", code]
    assert 0 < len(reply[3]) <= 255
    assert isinstance(reply[4], dict)


def test_an_unknown_action_is_not_implemented_and_a_known_one_of_the_other_side_not_supported() -> None:
    line = station()
    line.receive(say("MakeCoffee", {}), 0)
    line.receive(say("Reset", {"type": "Immediate"}, "j"), 0)
    line.receive(say("PullDynamicScheduleUpdate", {"chargingProfileId": 1}, "k"), 0)
    assert [reply[2] for reply in sent(line)] == ["NotImplemented", "NotSupported", "NotImplemented"]


def test_both_spellings_of_an_error_code_are_understood() -> None:
    for word in ("FormationViolation", "FormatViolation"):
        line = station()
        line.call("Reset", reset(), who="a", now=0)
        event = only(line.receive(json.dumps([4, "a", word, "", {}]), 0))
        assert event == Failed("a", "Reset", ErrorCode.FORMAT_VIOLATION, word, "", {})


def test_an_error_code_of_a_vendors_own_still_ends_the_call() -> None:
    line = station()
    line.call("Reset", reset(), who="a", now=0)
    assert only(line.receive('[4,"a","Nope","no",{}]', 0)).code is ErrorCode.GENERIC_ERROR
    assert line.waiting == 0


def test_a_callerror_that_nobody_asked_for_is_ignored() -> None:
    line = station()
    assert isinstance(only(line.receive('[4,"-1","RpcFrameworkError","",{}]', 0)), Ignored)
    assert line.to_send() == []


# --- rule 6: CALLRESULTERROR and SEND ---


@pytest.mark.parametrize("payload", ['{"status":"Perhaps"}', '{"status":"Accepted","status":"Rejected"}', "[]"])
def test_a_bad_result_leaves_the_call_unknown_and_only_2_1_says_so(payload: str) -> None:
    for version in OcppVersion:
        line = station(version)
        line.call("Reset", reset(version), who="a", now=0)
        line.to_send()
        event = only(line.receive(f'[3,"a",{payload}]', 0))
        assert isinstance(event, Unanswered)
        assert event.sent
        assert [reply[:2] for reply in sent(line)] == ([[5, "a"]] if version is V21 else [])
        assert line.waiting == 0


def test_2_1_hears_that_its_own_answer_could_not_be_read() -> None:
    event = only(station(V21).receive('[5,"i","FormatViolation","what?",{}]', 0))
    assert event == AnswerRefused("i", ErrorCode.FORMAT_VIOLATION, "what?")


def test_types_5_and_6_do_not_exist_before_2_1() -> None:
    result_error, send = '[5,"i","FormatViolation","",{}]', '[6,"i","NotifyPeriodicEventStream",{}]'
    for version in (V16, V201):
        line = station(version)
        for text in (result_error, send):
            assert isinstance(only(line.receive(text, 0)), Turned)
        told = [reply[:3] for reply in sent(line)]
        assert told == ([] if version is V16 else [[4, "i", "MessageTypeNotSupported"]])


def test_a_send_is_heard_beside_an_open_call_and_never_answered() -> None:
    line = station(V21)
    line.call("Reset", reset(V21), who="a", now=0)
    line.to_send()
    event = only(line.receive(json.dumps([6, "s", "NotifyPeriodicEventStream", STREAM]), 0))
    assert isinstance(event, Streamed)
    assert event.deviations == ()
    for bad in ({}, [], STREAM | {"x": 1}):
        assert isinstance(only(line.receive(json.dumps([6, "s", "NotifyPeriodicEventStream", bad]), 0)), Turned)
    assert isinstance(only(line.receive('[6,"s","Heartbeat",{}]', 0)), Turned)
    assert line.to_send() == []


def test_a_stream_that_comes_as_a_call_is_answered_and_noted_as_a_deviation() -> None:
    line = station(V21)
    event = only(line.receive(say("NotifyPeriodicEventStream", STREAM), 0))
    assert isinstance(event, Streamed)
    assert event.deviations
    assert sent(line) == [[3, "i", {}]]


def test_a_charger_sends_its_stream_unasked_and_nothing_else() -> None:
    line = Connection(V21, charger=True, validate=True)
    kind = actions(V21)["NotifyPeriodicEventStream"][0]
    line.send("NotifyPeriodicEventStream", msgspec.convert(STREAM, kind), who="s")
    assert sent(line) == [[6, "s", "NotifyPeriodicEventStream", STREAM]]
    with pytest.raises(ValueError, match="cannot be sent"):
        line.send("Heartbeat", actions(V21)["Heartbeat"][0](), who="s")


# --- rule 7: what deviates is read by its meaning, and named ---


def test_nulls_and_numbers_as_text_are_read_and_named_as_deviations() -> None:
    line = station()
    event = only(line.receive(say("TransactionEvent", EVENT | {"seqNo": "3", "evse": None}), 0))
    assert isinstance(event, Called)
    assert event.request.seq_no == 3
    assert event.deviations == ("$.evse is null",)


@pytest.mark.parametrize(
    "extra",
    [
        {"vendor": {"x": 1}},
        {"triggerReason": "CosmicRay"},
        {"idToken": {"idToken": "a", "type": "Telepathy"}},
        {"transactionInfo": {"transactionId": "t", "chargingState": "Bidirectional"}},
        {"meterValue": [{"timestamp": "x", "sampledValue": [{"value": 1, "measurand": "Mood"}, {"value": 2}]}]},
        {"meterValue": [{"timestamp": "x", "sampledValue": [{"measurand": "SoC"}]}]},
        {"meterValue": []},
    ],
)
def test_a_transaction_event_is_never_refused_for_a_part_that_can_be_left_out(extra: dict[str, Any]) -> None:
    line = station()
    event = only(line.receive(say("TransactionEvent", EVENT | extra), 0))
    assert isinstance(event, Called)
    assert event.deviations
    assert event.request.transaction_info.transaction_id == "t"


def test_a_value_of_an_unknown_measurand_is_not_taken_for_the_energy_register() -> None:
    meter = [{"timestamp": "x", "sampledValue": [{"value": 1, "measurand": "Mood"}, {"value": 2}]}]
    event = only(station().receive(say("TransactionEvent", EVENT | {"meterValue": meter}), 0))
    assert [item.value for item in event.request.meter_value[0].sampled_value] == [2]


def test_nothing_that_we_say_leaves_the_schema_when_checked() -> None:
    line = station()
    bad = actions(V201)["Reset"][0](type="Sideways")
    with pytest.raises(msgspec.ValidationError):
        line.call("Reset", bad, who="a", now=0)
    with pytest.raises(TypeError):
        line.call("Reset", default_answer(V201, "Heartbeat", None, NOON), who="a", now=0)


# --- noise ---


def test_a_flood_of_noise_closes_the_line() -> None:
    line = station()
    events = [only(line.receive("noise", 0)) for _ in range(BAD_IN_A_ROW)]
    assert events[-1] == Hang(Close.PROTOCOL, events[-1].reason)
    assert not any(isinstance(event, Hang) for event in events[:-1])


def test_one_good_message_forgives_the_noise_before() -> None:
    line = station()
    for _ in range(3):
        for _ in range(BAD_IN_A_ROW - 1):
            line.receive("noise", 0)
        assert not isinstance(only(line.receive('[3,"x",{}]', 0)), Hang)


def test_too_big_and_not_text_close_the_line_at_once() -> None:
    assert only(station().receive("x" * 70_000, 0)).code == Close.TOO_BIG
    assert only(station().receive(b"\xff", 0)).code == Close.NOT_TEXT


names = st.sampled_from([*sorted(FROM_CHARGER), "Reset", "Nope"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*EVENT, "x", "status", "meterValue", "sampledValue", "value", "evse", "id"]), inner, max_size=4),
    max_leaves=6,
)  # fmt: skip


@given(st.sampled_from(OcppVersion), st.integers(1, 7), names, values)
@settings(max_examples=60, deadline=None)
def test_no_message_raises_and_every_reply_is_a_frame(version: OcppVersion, kind: int, action: str, value: Any) -> None:
    line = station(version)
    line.call("Reset", reset(version), who="i", now=0)
    line.to_send()
    bodies = [value, EVENT | value if isinstance(value, dict) else value]
    for body in bodies:
        whole = [kind, "i", action, body] if kind in {2, 6} else [kind, "i", body]
        (event,) = line.receive(json.dumps(whole), 0)
        if isinstance(event, Called):
            line.drop(event.id)
    for text in line.to_send():
        assert not isinstance(frame.decode(text), frame.BadFrame)


# --- both ends ---


@pytest.mark.parametrize("version", OcppVersion)
def test_the_two_roles_understand_each_other(version: OcppVersion) -> None:
    here, there = station(version), Connection(version, charger=True, validate=True)
    there.call("Heartbeat", actions(version)["Heartbeat"][0](), who="h", now=0)
    here.call("Reset", reset(version), who="r", now=0)
    for text in there.to_send():
        (event,) = here.receive(text, 0)
        here.answer(event.id, default_answer(version, event.action, event.request, NOON))
    for text in here.to_send():
        (event,) = there.receive(text, 0)
        if isinstance(event, Called):
            there.refuse(event.id, ErrorCode.NOT_SUPPORTED, "not today")
    (text,) = there.to_send()
    (event,) = here.receive(text, 0)
    assert (event.code, here.waiting, there.waiting) == (ErrorCode.NOT_SUPPORTED, 0, 0)


def test_every_action_is_called_by_one_side_and_data_transfer_by_both() -> None:
    for version in OcppVersion:
        for action in actions(version):
            sides = [may_call(action, charger=True), may_call(action, charger=False)]
            assert sides == (
                [True, True] if action == "DataTransfer" else [action in FROM_CHARGER, action not in FROM_CHARGER]
            )
