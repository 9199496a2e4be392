"""A short share of the fuzz run that `docs/bench/fuzz.json` records: the same inputs on every machine."""

import json
import random

import msgspec
import pytest

from tests.ocpp.lines import NOON, V16, V21, V201, only, reset, say, sent, station
from tests.ocpp.tongues import speak
from tools import payloads
from tools.fuzz import Fuzz, WrongError
from tools.mutations import FRAMES, HUGE, SMALL, STRUCTURAL, replaced, said
from voltide.domain.reports import ChainStates, Revocation
from voltide.domain.site import OcppVersion
from voltide.ocpp.actions import default_answer
from voltide.ocpp.connection import Connection, Limits
from voltide.ocpp.events import Answered, Called, Ignored


def test_no_flaw_in_any_field_of_any_message_raises_or_gets_an_answer_that_is_none() -> None:
    fuzz = Fuzz(seed=1)
    fuzz.every_field(share=0.004)
    fuzz.at_random(2_500)
    assert fuzz.tally.findings == {}
    assert fuzz.tally.inputs > 3_000
    names = {name.removesuffix(" answer") for name in fuzz.tally.tried}
    assert names == {f"{version} {action}" for version in payloads.EDITIONS for action in payloads.actions(version)}
    assert {"Called", "Answered", "Turned", "Unanswered", "Ignored", "Hang"} <= set(fuzz.tally.events)


def weight(connection: Connection) -> int:
    """All that a connection remembers, as text."""
    return len(repr(vars(connection)))


def test_what_a_line_remembers_of_all_that_is_bounded() -> None:
    fuzz = Fuzz(seed=2)
    fuzz.at_random(1_500)
    fresh = {version: weight(Connection(version, charger=False)) for version in OcppVersion}
    for line in fuzz.lines.values():
        assert line.connection.to_send() == []
        assert line.connection.waiting <= 1
        assert weight(line.connection) - fresh[line.version] < 256 * 1024


@pytest.mark.parametrize("version", OcppVersion)
def test_what_one_line_hears_changes_nothing_on_another(version: OcppVersion) -> None:
    witness = Connection(version, charger=False, validate=True)
    witness.call("Reset", reset(version), who="w", now=0)
    only(witness.receive(say("Heartbeat", {}, "told"), 0))
    told = witness.answer("told", default_answer(version, "Heartbeat", None, NOON))
    assert isinstance(only(witness.receive(say("Heartbeat", {}, "open"), 0)), Called)
    witness.to_send()
    fuzz = Fuzz(seed=3)
    fuzz.at_random(800)
    assert witness.to_send() == []
    assert isinstance(only(witness.receive(say("Heartbeat", {}, "told"), 1)), Ignored)
    assert witness.to_send() == [told]
    witness.answer("open", default_answer(version, "Heartbeat", None, NOON))
    assert [text[:2] for text in sent(witness)] == [[3, "open"]]
    assert isinstance(only(witness.receive('[3,"w",{"status":"Accepted"}]', 1)), Answered)
    assert witness.waiting == 0


@pytest.mark.parametrize("huge", HUGE, ids=lambda raw: f"{raw.text[:8]} {len(raw.text)}")
def test_mere_size_costs_an_answer_or_the_line_and_raises_nothing(huge: object) -> None:
    for version in (V16, V201, V21):
        for wide in (Limits(), Limits(bytes=1024 * 1024)):
            for frame in ([2, "i", "Heartbeat", huge], [2, "i", huge, {}], [2, huge, "Heartbeat", {}], [3, "a", huge]):
                line = Connection(version, charger=False, limits=wide)
                line.call("Reset", reset(version), who="a", now=0)
                line.to_send()
                assert not isinstance(only(line.receive(said(frame), 0)), Called | Answered)
                assert sum(map(len, line.to_send())) < 1_000


def test_what_a_vendor_put_into_a_certificate_query_is_not_said_back_as_ours() -> None:
    body = payloads.payload("2.1", "GetCertificateChainStatus", random.Random(1), full=1.0)
    body["certificateStatusRequests"][0]["certificateHashData"]["customData"] = {"vendorId": [{}]}
    asked = only(station(V21).receive(say("GetCertificateChainStatus", body), 0))
    judged = ChainStates(states=((Revocation.GOOD, NOON),))
    replied = speak(V21).reply(asked.action, asked.request, judged, NOON)
    for answer in (default_answer(V21, asked.action, asked.request, NOON), replied):
        assert payloads.flaw("2.1", asked.action, msgspec.json.encode(answer), answer=True) is None


def test_the_judge_itself_finds_what_is_wrong() -> None:
    chance = random.Random(4)
    body = payloads.payload("2.1", "BootNotification", chance, answer=True)
    assert payloads.flaw("2.1", "BootNotification", json.dumps(body), answer=True) is None
    for wrong in ({"interval": "x"}, {"status": "Perhaps"}, {"currentTime": "noon"}, {"vendor": 1}):
        assert payloads.flaw("2.1", "BootNotification", json.dumps(body | wrong), answer=True) is not None
    fuzz = Fuzz(seed=4)
    line = fuzz.lines[V21, False, False]
    line._asked["x"] = "Heartbeat"
    for text in ("[]", '[3,"x",{}]', '[4,"x","NoSuchCode","",{}]', '[3,"x",{"currentTime":5}]'):
        with pytest.raises(WrongError):
            line._judge(text)


def test_the_same_seed_gives_the_same_inputs() -> None:
    one, other = Fuzz(seed=5), Fuzz(seed=5)
    one.at_random(300)
    other.at_random(300)
    assert (one.tally.tried, one.tally.events) == (other.tally.tried, other.tally.events)


def test_every_kind_of_flaw_is_in_use() -> None:
    whole = {"a": 1, "b": ["x"], "c": {"d": 1.5}}
    for value in (*SMALL, *HUGE):
        holder = dict(whole)
        replaced(holder, "a", value)
        assert said(holder) != said(whole) or value == 1
    for change in STRUCTURAL:
        changed = [dict(whole), dict(whole)]
        for holder, key in zip(changed, ("a", "b"), strict=True):
            change(holder, key)
        assert any(said(holder) != said(whole) for holder in changed)
    frame = [4, "i", "GenericError", "", {}]
    for spoil in FRAMES:
        assert {spoil(frame, random.Random(seed)) for seed in range(40)} != {said(frame)}
