"""The short way hears what the long way hears, and never more."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltide.domain.site import OcppVersion
from voltide.ocpp import frame, skeleton
from voltide.ocpp.connection import Connection
from voltide.ocpp.events import Called, Turned
from voltide.ocpp.skeleton import sound

V16, V201, V21 = OcppVersion


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        '{"limit_L2":1,"limit_L2":2}',
        '{"x":[{"y":1},{"y":1,"z":{"q":1,"q":1}}]}',
        '{"x":1 , "x" : 2}',
        '{"x":1,"\\u0078":2}',
        '{"x":"\\""}',
        '{"x":"é"}',
        '{"x":12345678901234567890}',
        '{"x":' + "[" * 31 + "]" * 31 + "}",
        '{"x":1}}',
        "]",
        '"x":1',
    ],
)
def test_whatever_might_be_unfit_is_left_to_a_close_look(text: str) -> None:
    assert not sound(text.encode())


@pytest.mark.parametrize("text", ['{"a":1}', '{"x":{"y":[{"z":"x:{y"},{"z":2}]},"y":1}', "{}", '{"x":[[],[]],"y":{}}'])
def test_a_plain_payload_is_sound(text: str) -> None:
    assert sound(text.encode())


def test_keys_that_differ_only_in_what_a_skeleton_leaves_out_are_looked_at_closely() -> None:
    assert not sound(b'{"limit_L2":1,"limit_L3":2}')
    assert isinstance(frame.decode('[2,"i","A",{"limit_L2":1,"limit_L3":2}]'), frame.Call)


def test_a_long_skeleton_is_not_kept() -> None:
    skeleton._sound.cache_clear()
    assert not sound(b'{"x":"' + b"x" * skeleton.MAX_BYTES + b'"}')
    assert skeleton._sound.cache_info().currsize == 0
    assert all(size <= skeleton.MAX_BYTES for size in skeleton._latest)


keys = st.sampled_from(["x", "y", "x1", "x2", "ab", "a", "é", "q\\u0041"])
plain_values = st.recursive(
    st.integers(-(2**70), 2**70).map(str)
    | st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.sampled_from(['"x:y"', '"{["', '"12"', "true", "null", "1e400", '"\\u0000"']),
    lambda inner: (
        st.lists(st.tuples(keys, inner), max_size=4).map(
            lambda pairs: "{" + ",".join(f'"{key}":{value}' for key, value in pairs) + "}"
        )
        | st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
    ),
    max_leaves=8,
)


@given(plain_values)
@settings(max_examples=300, deadline=None)
def test_what_the_short_way_finds_sound_the_long_way_finds_sound_but_for_numbers(value: str) -> None:
    text = f'[2,"i","A",{{"v":{value}}}]'
    plain = frame.plain(text)
    if plain is not None:
        who, action, payload = plain
        assert frame.Call(who, action.decode(), payload) == frame.decode(text) or "1e400" in text


event = {
    "eventType": "Updated",
    "timestamp": "2026-06-01T12:00:00Z",
    "triggerReason": "MeterValuePeriodic",
    "seqNo": 3,
    "transactionInfo": {"transactionId": "t"},
}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"seqNo": 3', '"seqNo": 1e400'),
        ('"seqNo": 3', '"seqNo": 99999999999999999999'),
        ('"seqNo": 3', '"seqNo": 3.5'),
        ('"seqNo": 3', '"seqNo": 3, "seqNo": 4'),
        ('"Updated"', '"Updated", "eventType": "Ended"'),
    ],
)
def test_a_skeleton_that_is_known_lets_no_flaw_through(old: str, new: str) -> None:
    line = Connection(V201, charger=False)
    good = json.dumps([2, "i", "TransactionEvent", event])
    assert isinstance(line.receive(good, 0)[0], Called)
    line.drop("i")
    heard = line.receive(good.replace(old, new), 0)[0]
    assert isinstance(heard, Turned) or (isinstance(heard, Called) and heard.deviations)
