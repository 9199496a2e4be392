"""Both ends of a line: every message of every version, from the words of the one to the words of the other."""

from typing import Any

import pytest

from tests.crossings import watched
from tests.ocpp.reported import REPORTED, Example
from tests.ocpp.requested import REQUESTED
from tests.ocpp.test_reports import ANSWERS
from tests.ocpp.tongues import NOON, V16, V21, V201, speak
from voltide.domain.messages import Accepted, Noted
from voltide.domain.site import OcppVersion, V2g
from voltide.ocpp.actions import STREAM
from voltide.ocpp.connection import Connection
from voltide.ocpp.dialect import Dialect
from voltide.ocpp.events import Answered, Called, Streamed
from voltide.ocpp.wire import plain, request


class Ends:
    """A charger and a station with nothing between them but text."""

    def __init__(self, version: OcppVersion) -> None:
        self.pole = Connection(version, charger=True, validate=True)
        self.house = Connection(version, charger=False, validate=True)

    def call(self, caller: Connection, wire: Any, answer: Any) -> Any:
        """One call there and its answer back; ``answer`` makes the response of what was heard."""
        other = self.house if caller is self.pole else self.pole
        assert caller.call(wire.action, wire.request, who="1", now=0.0)
        (text,) = caller.to_send()
        (called,) = other.receive(text, 0.0)
        assert isinstance(called, Called)
        other.answer(called.id, answer(called))
        (text,) = other.to_send()
        (answered,) = caller.receive(text, 0.0)
        assert isinstance(answered, Answered)
        return answered


def each(examples: list[Example]) -> Any:
    """One case for each example and version, which claims its message."""
    return pytest.mark.parametrize(
        ("version", "example"),
        [
            pytest.param(version, one, marks=pytest.mark.ocpp(version.value, one.action), id=f"{version}-{one.action}")
            for one in examples
            for version in one.versions
        ],
    )


def some_answer(version: OcppVersion, action: str) -> Any:
    """What the station may say to it."""
    return next((one for versions, name, one in ANSWERS if name == action and version in versions), Noted())


@each(REPORTED)
def test_what_a_charger_tells_is_heard_at_the_other_end_and_our_answer_learnt(
    version: OcppVersion, example: Example
) -> None:
    ends, tongue = Ends(version), speak(version)
    (wire,) = tongue.say(example.word, NOON)
    if wire.action == STREAM:
        ends.pole.send(wire.action, wire.request, who="1")
        (text,) = ends.pole.to_send()
        (told,) = ends.house.receive(text, 0.0)
        assert isinstance(told, Streamed)
        assert tongue.hear(told.action, told.request, NOON) == example.word
        return
    answer = some_answer(version, wire.action)

    def hear(called: Called) -> Any:
        assert tongue.hear(called.action, called.request, NOON) == example.word
        return tongue.reply(called.action, called.request, answer, NOON)

    answered = ends.call(ends.pole, wire, hear)
    learned = tongue.learn(wire.action, wire.request, answered.response, NOON)
    assert type(learned) is type(answer) or answer == Noted()


@each(REQUESTED)
def test_what_a_station_asks_is_read_at_the_other_end_and_the_answer_judged(
    version: OcppVersion, example: Example
) -> None:
    v2g = V2g.DYNAMIC if getattr(example.word, "fresh", True) is False else V2g.NONE
    ends, tongue = Ends(version), speak(version, v2g)
    wires = tongue.order(example.word)
    assert isinstance(wires, tuple)

    def obey(called: Called) -> Any:
        assert type(tongue.obey(called.action, called.request, NOON)) is type(example.word)
        assert plain(called.request) == plain(request(version, example.action, example.body).request)
        return tongue.result(called.action, called.request, yes(tongue, called.action), variables_of(example.word))

    answered = ends.call(ends.house, wires[0], obey)
    assert isinstance(tongue.outcome(wires[0].action, answered.response), Accepted)


def yes(tongue: Dialect, action: str) -> Accepted:
    """A yes, with the little that some answers cannot do without."""
    named = {"GetDiagnostics": {"fileName": "d.zip"}, "GetLocalListVersion": {"versionNumber": 5}}
    del tongue
    return Accepted(detail=named.get(action, {}))


def variables_of(word: Any) -> Any:
    return getattr(word, "variables", ())


# --- the claims themselves ---


def test_a_message_that_was_called_and_not_answered_has_not_crossed() -> None:
    ends, tongue = Ends(V201), speak(V201)
    (wire,) = tongue.say(REPORTED[2].word, NOON)
    with watched() as crossed:
        ends.pole.call(wire.action, wire.request, who="1", now=0.0)
        (text,) = ends.pole.to_send()
        (called,) = ends.house.receive(text, 0.0)
        assert crossed == set()
        ends.house.answer("1", tongue.reply(called.action, called.request, Noted(), NOON), hold=True)
        assert ends.house.to_send() == []
        assert crossed == set()
        ends.house.release("1")
        ends.house.to_send()
    assert crossed == {(V201, wire.action)}


def test_a_message_that_was_refused_has_not_crossed() -> None:
    ends = Ends(V16)
    with watched() as crossed:
        ends.house.receive('[2,"1","Heartbeat",{"odd":1}]', 0.0)
        ends.house.to_send()
        ends.house.receive('[2,"2","Nonsense",{}]', 0.0)
        ends.house.to_send()
    assert crossed == set()


@pytest.mark.ocpp("1.6 2.0.1 2.1", "Heartbeat")
@pytest.mark.parametrize("version", [V16, V21])
def test_a_test_with_a_version_claims_that_version_only(version: OcppVersion) -> None:
    ends = Ends(version)
    (event,) = ends.house.receive('[2,"1","Heartbeat",{}]', 0.0)
    ends.house.answer("1", speak(version).reply("Heartbeat", event.request, Noted(), NOON))
    assert len(ends.house.to_send()) == 1
