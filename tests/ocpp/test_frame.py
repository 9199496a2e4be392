import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltide.domain.site import OcppVersion
from voltide.ocpp import frame
from voltide.ocpp.faults import Close, ErrorCode, heard
from voltide.ocpp.frame import BadFrame, Call, CallError, CallResult, CallResultError, Send, decode

V16, V201, V21 = OcppVersion
DEEP = '[2,"i","DataTransfer",{"data":' + "[" * 20_000 + "]" * 20_000 + "}]"
HOSTILE = {
    "deep": DEEP,
    "deeper than the stack": "[" * 60_000,
    "shallow but too deep": '[2,"i","A",{"x":' + "[[" * 30 + "]]" * 30 + "}]",
    "NaN": '[2,"i","A",{"x":NaN}]',
    "Infinity": '[2,"i","A",{"x":-Infinity}]',
    "1e400": '[2,"i","A",{"x":1e400}]',
    "5,000 digits": '[2,"i","A",{"x":' + "9" * 5_000 + "}]",
    "30 digits": '[2,"i","A",{"x":' + "9" * 30 + "}]",
    "a key twice": '[2,"i","A",{"x":1,"x":2}]',
    "a key twice behind an escape": '[2,"i","A",{"y":"\\u003a","x":1,"x":2}]',
    "a key twice by an escape": '[2,"i","A",{"x":1,"\\u0078":2}]',
    "a key twice deep down": '[2,"i","A",{"l":[{"x" :1,"x"\n:{"a":"b:c"}}]}]',
    "NUL": '[2,"i","A",{"x":"a\\u0000b"}]',
    "NUL in a key": '[2,"i","A",{"x\\u0000":1}]',
    "lone surrogate escape": '[2,"i","A",{"x":"\\ud800"}]',
    "payload is a list": '[2,"i","A",[]]',
    "id is a number": '[2,5,"A",{}]',
    "id is an object": '[2,{},"A",{}]',
    "id is empty": '[2,"","A",{}]',
    "id is long": '[2,"' + "i" * 37 + '","A",{}]',
    "id has a control character": '[2,"a\\u0007","A",{}]',
    "action is a list": '[2,"i",["A"],{}]',
    "action is empty": '[2,"i","",{}]',
    "action is null": '[2,"i",null,{}]',
    "too short": '[2,"i"]',
    "too long": '[2,"i","A",{},1]',
    "type 7": '[7,"i","A",{}]',
    "type true": '[true,"i","A",{}]',
    "type 2.0": '[2.0,"i","A",{}]',
    "no elements": "[]",
    "no array": "null",
    "an object": "{}",
    "nothing": "",
    "a word": "hello",
    "broken": '[2,"i","A",{}',
    "a byte order mark": '\ufeff[2,"i","A",{}]',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_frame_is_a_value_and_answered_by_a_valid_callerror_or_not_at_all(text: str) -> None:
    bad = decode(text)
    assert isinstance(bad, BadFrame)
    for version in OcppVersion:
        reply = bad.reply(version)
        if reply is not None:
            kind, who, code, description, details = json.loads(reply)
            assert (kind, who in {"i", "-1"}, details) == (4, True, {})
            assert heard(code) is not ErrorCode.GENERIC_ERROR
            assert len(description) <= 255


def test_an_unreadable_id_is_answered_as_minus_one_by_2_and_ignored_by_1_6() -> None:
    bad = decode('[2,5,"A",{}]')
    assert isinstance(bad, BadFrame)
    assert bad.reply(V16) is None
    assert json.loads(bad.reply(V201) or "")[:3] == [4, "-1", "RpcFrameworkError"]


def test_an_unknown_message_type_has_its_own_word_in_2_and_is_ignored_by_1_6() -> None:
    bad = decode('[7,"i","A",{}]')
    assert isinstance(bad, BadFrame)
    assert bad.reply(V16) is None
    assert json.loads(bad.reply(V21) or "")[:3] == [4, "i", "MessageTypeNotSupported"]


def test_1_6_spells_two_codes_in_its_own_way() -> None:
    bad = decode('[2,"i","A",[]]')
    assert isinstance(bad, BadFrame)
    assert json.loads(bad.reply(V16) or "")[2] == "FormationViolation"
    assert json.loads(bad.reply(V201) or "")[2] == "FormatViolation"
    assert ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION.spelled(V16) == "OccurenceConstraintViolation"


@pytest.mark.parametrize("kind", [3, 4, 5])
def test_a_broken_answer_is_never_answered_by_a_callerror(kind: int) -> None:
    for text in (f'[{kind},"i"]', f'[{kind},"i",{{"a":1,"a":1}}]', f"[{kind}]"):
        bad = decode(text)
        assert isinstance(bad, BadFrame)
        assert [bad.reply(version) for version in OcppVersion] == [None, None, None]


@pytest.mark.parametrize(
    ("text", "close"),
    [
        ("\ud800", Close.NOT_TEXT),
        (b'[2,"\xff"]', Close.NOT_TEXT),
        ("é" * 40_000, Close.TOO_BIG),
        (b"x" * 65_537, Close.TOO_BIG),
    ],
)
def test_what_no_message_can_answer_closes_the_line(text: str | bytes, close: Close) -> None:
    bad = decode(text)
    assert isinstance(bad, BadFrame)
    assert bad.close == close
    assert bad.reply(V21) is None


def test_the_size_cap_is_an_argument() -> None:
    text = '[2,"i","A",{"x":"' + "x" * 100 + '"}]'
    assert isinstance(decode(text, max_bytes=50), BadFrame)
    assert isinstance(decode(text, max_bytes=500), Call)


def test_whitespace_escapes_and_colons_in_strings_are_fine() -> None:
    assert decode(' [2 , "i" , "A" , {"a" : "b:c", "d": "\\"x\\": \\\\u0000"} ] ') == Call(
        "i", "A", b'{"a" : "b:c", "d": "\\"x\\": \\\\u0000"}'
    )


def test_a_long_number_in_a_string_is_fine() -> None:
    assert isinstance(decode('[2,"i","A",{"iccid":"89860012345678901234"}]'), Call)


def test_many_brackets_are_fine_while_they_are_not_deep() -> None:
    text = json.dumps([2, "i", "A", {"l": [{"v": ["[[[[[[[", "]"]} for _ in range(500)]}])
    assert isinstance(decode(text), Call)


ids = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=36)
payloads = st.dictionaries(st.text(st.characters(codec="ascii", min_codepoint=32), max_size=8), st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(codec="utf-8", min_codepoint=1), max_size=8), max_size=4)  # fmt: skip


@given(ids, payloads)
@settings(max_examples=60, deadline=None)
def test_a_frame_that_is_said_is_the_frame_that_is_heard(who: str, payload: dict[str, object]) -> None:
    raw = json.loads
    said = [
        (frame.call(who, "Heartbeat", payload), Call),
        (frame.send(who, "Heartbeat", payload), Send),
        (frame.result(who, payload), CallResult),
    ]
    for text, kind in said:
        heard_frame = decode(text)
        assert isinstance(heard_frame, kind)
        assert heard_frame.id == who
        assert raw(heard_frame.payload) == payload
    assert decode(frame.error(who, "GenericError", "d" * 300, payload)) == CallError(
        who, "GenericError", "d" * 255, payload
    )
    assert decode(frame.result_error(who, "x", "", {})) == CallResultError(who, "x", "", {})


@given(st.binary(max_size=200) | st.text(st.characters(), max_size=200))
@settings(max_examples=80, deadline=None)
def test_random_bytes_and_text_never_raise(noise: bytes | str) -> None:
    decode(noise)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(
    st.lists(json_values, max_size=6) | st.tuples(st.integers(0, 8), json_values, json_values, json_values).map(list)
)
@settings(max_examples=80, deadline=None)
def test_random_json_never_raises(value: object) -> None:
    decode(json.dumps(value))
