from tests.ocpp.lines import EVENT, NOON, V201, only, reset, say, sent, station
from voltide.ocpp.actions import default_answer
from voltide.ocpp.events import (
    Answered,
    Called,
    Ignored,
    Turned,
    Unanswered,
)
from voltide.ocpp.wire import response

# --- rule 1: one outstanding call per direction, not per connection ---


def test_a_second_call_of_ours_waits_until_the_first_is_answered() -> None:
    line = station()
    assert line.call("Reset", reset(), who="a", now=0)
    assert line.call("Reset", reset(), who="b", now=0)
    assert [text[1] for text in sent(line)] == ["a"]
    event = only(line.receive('[3,"a",{"status":"Accepted"}]', 1))
    assert isinstance(event, Answered)
    assert event.id == "a"
    assert [text[1] for text in sent(line)] == ["b"]


def test_crossing_calls_are_legal_so_an_incoming_call_is_heard_while_ours_waits() -> None:
    line = station()
    line.call("Reset", reset(), who="a", now=0)
    line.to_send()
    assert isinstance(only(line.receive(say("Heartbeat", {}), 0)), Called)
    line.answer("i", default_answer(V201, "Heartbeat", None, NOON))
    assert [text[:2] for text in sent(line)] == [[3, "i"]]


def test_two_lines_with_the_same_ids_in_both_directions_do_not_mix_them() -> None:
    line = station()
    line.call("Reset", reset(), who="i", now=0)
    line.receive(say("Heartbeat", {}), 0)
    assert isinstance(only(line.receive('[3,"i",{"status":"Accepted"}]', 0)), Answered)
    line.answer("i", default_answer(V201, "Heartbeat", None, NOON))
    assert [text[:2] for text in sent(line)] == [[2, "i"], [3, "i"]]


def test_the_queue_of_our_calls_is_bounded() -> None:
    line = station(queue=2)
    assert [line.call("Reset", reset(), who=str(number), now=0) for number in range(3)] == [True, True, False]


def test_a_setpoint_that_had_to_wait_too_long_is_never_sent() -> None:
    line = station()
    line.call("Reset", reset(), who="a", now=0)
    line.call("Reset", reset(), who="b", now=0, wait_s=5)
    line.call("Reset", reset(), who="c", now=0)
    assert line.deadline == 5
    assert only(line.expire(5)) == Unanswered("b", "Reset", sent=False, reason="its turn came too late")
    line.receive('[3,"a",{"status":"Accepted"}]', 6)
    assert [text[1] for text in sent(line)] == ["a", "c"]


# --- rule 2: stations that break it are borne ---


def test_calls_sent_back_to_back_are_all_heard_and_answered_in_any_order() -> None:
    line = station()
    for who in "ab":
        assert isinstance(only(line.receive(say("Heartbeat", {}, who), 0)), Called)
    for who in "ab":
        line.answer(who, default_answer(V201, "Heartbeat", None, NOON))
    assert [text[1] for text in sent(line)] == ["a", "b"]


def test_what_a_charger_may_leave_open_is_bounded() -> None:
    line = station(open=3)
    events = [only(line.receive(say("Heartbeat", {}, str(number)), 0)) for number in range(9)]
    assert [type(event) for event in events] == [Called] * 3 + [Ignored] * 6


# --- rule 3: repeated ids ---


def test_a_repeated_call_gets_the_same_answer_again_and_is_told_once() -> None:
    line = station()
    line.receive(say("TransactionEvent", EVENT), 0)
    text = line.answer("i", response(V201, "TransactionEvent", {"totalCost": 1.5}))
    assert isinstance(only(line.receive(say("TransactionEvent", EVENT), 9)), Ignored)
    assert line.to_send() == [text, text]


def test_a_reused_id_with_another_payload_is_a_new_call_and_flagged() -> None:
    line = station()
    line.receive(say("TransactionEvent", EVENT), 0)
    line.answer("i", response(V201, "TransactionEvent", {}))
    event = only(line.receive(say("TransactionEvent", EVENT | {"seqNo": 4}), 0))
    assert isinstance(event, Called)
    assert event.reused
    other = only(line.receive(say("Heartbeat", {}, "j"), 0))
    assert not other.reused


def test_the_same_payload_under_another_action_is_not_a_repetition() -> None:
    line = station()
    line.receive(say("Heartbeat", {}), 0)
    line.answer("i", default_answer(V201, "Heartbeat", None, NOON))
    assert isinstance(only(line.receive(say("ClearedChargingLimit", {}), 0)), Turned)


def test_a_new_line_remembers_what_the_old_one_answered() -> None:
    old, new = station(), station()
    event = only(old.receive(say("TransactionEvent", EVENT), 0))
    text = old.answer("i", response(V201, "TransactionEvent", {}))
    new.remember("i", event.digest, text)
    assert isinstance(only(new.receive(say("TransactionEvent", EVENT), 0)), Ignored)
    assert new.to_send() == [text]


def test_a_held_answer_goes_out_only_when_its_fact_is_stored() -> None:
    line = station()
    line.receive(say("TransactionEvent", EVENT), 0)
    text = line.answer("i", response(V201, "TransactionEvent", {}), hold=True)
    assert isinstance(only(line.receive(say("TransactionEvent", EVENT), 0)), Ignored)
    assert line.to_send() == []
    line.release("i")
    assert line.to_send() == [text]


def test_a_dropped_call_is_heard_anew_because_nothing_was_stored() -> None:
    line = station()
    line.receive(say("TransactionEvent", EVENT), 0)
    line.answer("i", response(V201, "TransactionEvent", {}), hold=True)
    line.drop("i")
    assert isinstance(only(line.receive(say("TransactionEvent", EVENT), 0)), Called)
    assert line.to_send() == []


def test_the_memory_of_answers_is_bounded() -> None:
    line = station(remembered=4)
    for number in range(50):
        line.receive(say("Heartbeat", {}, str(number)), 0)
        line.answer(str(number), default_answer(V201, "Heartbeat", None, NOON))
    assert len(line._told) == 4


# --- rule 4: late, unasked, repeated answers; timeouts are unknown, not failed ---


def test_a_late_answer_is_ignored_and_never_matched_to_the_next_call() -> None:
    line = station(timeout_s=10)
    line.call("Reset", reset(), who="a", now=0)
    line.call("Reset", reset(), who="b", now=0)
    assert only(line.expire(10)) == Unanswered("a", "Reset", sent=True, reason="no answer in time")
    assert isinstance(only(line.receive('[3,"a",{"status":"Accepted"}]', 11)), Ignored)
    assert line.deadline == 20
    assert isinstance(only(line.receive('[3,"b",{"status":"Rejected"}]', 12)), Answered)
    assert isinstance(only(line.receive('[3,"b",{"status":"Rejected"}]', 12)), Ignored)
    assert line.deadline is None


def test_five_thousand_unasked_answers_change_nothing() -> None:
    line = station()
    for number in range(5_000):
        assert isinstance(only(line.receive(f'[3,"{number}",{{}}]', 0)), Ignored)
    line.call("Reset", reset(), who="a", now=0)
    assert isinstance(only(line.receive('[3,"a",{"status":"Accepted"}]', 0)), Answered)


def test_an_answer_to_a_call_that_still_waits_its_turn_is_not_believed() -> None:
    line = station()
    line.call("Reset", reset(), who="a", now=0)
    line.call("Reset", reset(), who="b", now=0)
    assert isinstance(only(line.receive('[3,"b",{"status":"Accepted"}]', 0)), Ignored)


def test_a_lost_line_tells_what_is_unknown_and_what_was_never_said() -> None:
    line = station()
    line.call("Reset", reset(), who="a", now=0)
    line.call("Reset", reset(), who="b", now=0)
    assert [(event.id, event.sent) for event in line.close()] == [("a", True), ("b", False)]
    assert line.close() == []


def test_a_fact_that_is_stored_after_the_line_is_lost_still_has_its_answer_for_the_next_line() -> None:
    line = station()
    event = only(line.receive(say("TransactionEvent", EVENT), 0))
    line.close()
    text = line.answer("i", response(V201, "TransactionEvent", {}), hold=True)
    line.release("i")
    after = station()
    after.remember("i", event.digest, text)
    assert isinstance(only(after.receive(say("TransactionEvent", EVENT), 0)), Ignored)
