"""Every message of every version between a station and somebody else's charger, over real sockets.

The package ``ocpp`` frames and judges the charger's end; payloads are made from the public schemas.
"""

import asyncio
import json
import random
from datetime import UTC, datetime

import pytest
from ocpp.exceptions import InternalError
from ocpp.messages import CallError, CallResult

from tests.station.foreign_every import OURS, every, theirs, words_of
from tests.station.house import running, until
from tools import payloads
from voltide import exports
from voltide.domain.messages import Accepted, Ask, Refused, Unknown
from voltide.domain.site import OcppVersion
from voltide.ocpp.messages import actions

PLACES = {"1.6": "F1", "2.0.1": "N1", "2.1": "V1"}
COUNTS = {"1.6": (14, 26), "2.0.1": (25, 40), "2.1": (36, 55)}
"""How many messages each side calls; DataTransfer counts for both, and 2.1 has one SEND beside them."""
TRANSLATED = {"GetCompositeSchedule", "GetLocalListVersion"}
"""Their answers are told in words of our own, alike for all versions."""
ALWAYS = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)

every_version = pytest.mark.parametrize(("version", "identity"), PLACES.items(), ids=PLACES.keys())


def claiming(actions_of):
    """A test that sees these messages of each version cross a line."""

    def marked(test):
        for version in PLACES:
            pytest.mark.ocpp(version, *actions_of(version))(test)
        return test

    return marked


def kept(house, identity):
    return [row for row in exports.take("messages", house.data, *ALWAYS) if row["charger"] == identity]


def test_together_these_are_all_messages_of_each_version():
    for version, (ours, their) in COUNTS.items():
        assert (len(OURS[version]), len(theirs(version))) == (ours, their)
        together = {*OURS[version], *theirs(version)} | ({payloads.STREAM} if version == "2.1" else set())
        assert together == set(actions(OcppVersion(version)))


@claiming(OURS.get)
@every_version
def test_every_message_of_a_charger_gets_a_valid_result_and_is_kept_exactly_once(tmp_path, version, identity):
    async def story():
        said = []
        async with running(tmp_path) as house:
            async with every(house, identity, version) as charger:
                for round_, full in enumerate((0.0, 1.0)):
                    for action in OURS[version]:
                        body = payloads.payload(version, action, charger.chance, full=full)
                        who = f"{round_}-{action}"[:36]
                        answer = await charger.call(action, body, who)
                        assert isinstance(answer, CallResult), (action, answer, body)
                        said.append((who, action, body))
                assert charger.odd == []
            rows = [row for row in kept(house, identity) if not row["message_id"].startswith("boot")]
            assert [(row["message_id"], row["action"], row["payload"]) for row in rows] == said

    asyncio.run(story())


@every_version
def test_every_message_that_is_repeated_gets_the_same_answer_and_is_not_done_again(tmp_path, version, identity):
    async def story():
        async with running(tmp_path) as house:
            async with every(house, identity, version) as charger:
                first = {}
                for action in OURS[version]:
                    body = payloads.payload(version, action, charger.chance, full=0.5)
                    text = json.dumps([2, f"r-{action}"[:36], action, body])
                    first[action] = text, (await charger.say(f"r-{action}"[:36], action, text)).to_json()
            async with every(house, identity, version) as again:  # on a new line, as after a lost answer
                for action, (text, answer) in first.items():
                    assert (await again.say(f"r-{action}"[:36], action, text)).to_json() == answer
            rows = [row["action"] for row in kept(house, identity) if not row["message_id"].startswith("boot")]
            assert rows == OURS[version]

    asyncio.run(story())


@claiming(theirs)
@every_version
def test_every_call_of_the_station_reaches_the_charger_and_its_answer_comes_back(tmp_path, version, identity):
    async def story():
        async with running(tmp_path) as house, every(house, identity, version) as charger:
            chance = random.Random(7)
            for action in theirs(version):
                yes, no = words_of(version, action)
                for word in (yes, no) if yes or no else ([],):
                    body = payloads.payload(version, action, chance, full=chance.choice((0.0, 1.0)))
                    answer = payloads.payload(version, action, chance, answer=True, full=0.5)
                    charger.answers[action] = answer | ({"status": word[0]} if word else {})
                    before = len(charger.heard)
                    outcome = await house.station.chargers.order(identity, Ask(action=action, payload=body))
                    asked = action, payloads.filled(version, action, body)
                    assert charger.heard[before:].count(asked) == 1
                    said = payloads.filled(version, action, charger.answers[action], answer=True)
                    assert outcome.detail == said if action not in TRANSLATED else outcome.detail
                    if word:
                        assert isinstance(outcome, Accepted if word == yes else Refused), (action, outcome)
                        assert isinstance(outcome, Accepted) or outcome.reason == word[0]

    asyncio.run(story())


@every_version
def test_an_error_of_the_charger_is_a_refusal_in_its_own_word_for_every_call(tmp_path, version, identity):
    async def story():
        async with running(tmp_path) as house, every(house, identity, version) as charger:
            chance = random.Random(8)
            for action in theirs(version):
                charger.answers[action] = InternalError("not today")
                body = payloads.payload(version, action, chance)
                outcome = await house.station.chargers.order(identity, Ask(action=action, payload=body))
                assert isinstance(outcome, Refused), (action, outcome)
                assert outcome.reason == "InternalError"
                assert outcome.detail["description"] == "not today"

    asyncio.run(story())


@every_version
def test_a_call_whose_line_is_lost_before_its_answer_is_unknown(tmp_path, version, identity):
    async def story():
        async with running(tmp_path) as house, every(house, identity, version) as charger:
            charger.answers["Reset"] = None
            body = payloads.payload(version, "Reset", random.Random(9))
            asked = asyncio.create_task(house.station.chargers.order(identity, Ask(action="Reset", payload=body)))
            await until(lambda: ("Reset", body) in charger.heard)
            charger.socket.transport.abort()
            assert isinstance(await asked, Unknown)
            later = await house.station.chargers.order(identity, Ask(action="Reset", payload=body))
            assert later == Unknown(reason="not on the line")

    asyncio.run(story())


@every_version
def test_an_answer_that_cannot_be_read_is_unknown_and_only_2_1_is_told_so(tmp_path, version, identity):
    async def story():
        async with running(tmp_path) as house, every(house, identity, version) as charger:
            charger.answers["Reset"] = None
            body = payloads.payload(version, "Reset", random.Random(9))
            asked = asyncio.create_task(house.station.chargers.order(identity, Ask(action="Reset", payload=body)))
            await until(lambda: ("Reset", body) in charger.heard)
            who = charger.ids["Reset"]
            await charger.socket.send(json.dumps([3, who, {"status": "Perhaps"}]))
            assert isinstance(await asked, Unknown)
            await charger.call("Heartbeat", {}, "after")
            told = [message[:3] for message in charger.odd]
            assert told == ([[5, who, "PropertyConstraintViolation"]] if version == "2.1" else [])
            charger.answers["Reset"] = {"status": "Accepted"}
            assert isinstance(await house.station.chargers.order(identity, Ask(action="Reset", payload=body)), Accepted)

    asyncio.run(story())


@every_version
def test_a_send_and_a_result_error_exist_in_2_1_only(tmp_path, version, identity):
    async def story():
        async with running(tmp_path) as house, every(house, identity, version) as charger:
            body = payloads.payload("2.1", payloads.STREAM, charger.chance)
            for text in ([6, "s", payloads.STREAM, body], [5, "before", "FormatViolation", "what?", {}]):
                await charger.socket.send(json.dumps(text))
            await charger.call("Heartbeat", {}, "after")  # answers come in order: what was to be said is said by now
            told = [message[:3] for message in charger.odd]
            assert told == ([[4, "s", "MessageTypeNotSupported"]] if version == "2.0.1" else [])
            assert "after" in [row["message_id"] for row in kept(house, identity)]

    asyncio.run(story())


def test_a_bad_send_is_never_answered_and_one_that_comes_as_a_call_is(tmp_path):
    async def story():
        async with running(tmp_path) as house, every(house, "V1", "2.1") as charger:
            body = payloads.payload("2.1", payloads.STREAM, charger.chance)
            for bad in ({}, body | {"data": []}, body | {"vendor": 1}, [], None):
                await charger.socket.send(json.dumps([6, "s", payloads.STREAM, bad]))
            await charger.socket.send(json.dumps([6, "s", "Heartbeat", {}]))
            await charger.socket.send(json.dumps([2, "c", payloads.STREAM, body]))
            await charger.call("Heartbeat", {}, "after")
            assert charger.odd == [[3, "c", {}]]

    asyncio.run(story())


def test_every_message_that_only_a_newer_version_has_is_not_implemented_in_an_older_one(tmp_path):
    async def story():
        async with running(tmp_path) as house:
            for version, newer in (("1.6", "2.0.1"), ("2.0.1", "2.1")):
                async with every(house, PLACES[version], version) as charger:
                    for action in sorted(set(OURS[newer]) - set(payloads.actions(version))):
                        body = payloads.payload(newer, action, charger.chance)
                        answer = await charger.say(action[:36], action, json.dumps([2, action[:36], action, body]))
                        assert isinstance(answer, CallError)
                        assert answer.error_code == "NotImplemented"

    asyncio.run(story())
