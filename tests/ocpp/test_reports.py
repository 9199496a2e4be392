"""What a charger reports crosses the wire and back without a loss, and what we answer is heard as it was meant."""

from typing import Any, get_args

import pytest

from tests.ocpp.reported import REPORTED, Example
from tests.ocpp.tongues import NOON, official, said, speak
from voltide.domain.messages import ChargerFact, Told
from voltide.domain.site import OcppVersion
from voltide.ocpp.actions import FROM_CHARGER
from voltide.ocpp.messages import actions
from voltide.ocpp.wire import request

SEEN = [(version, example) for example in REPORTED for version in example.versions]


def name(value: Any) -> str:
    return value.action if isinstance(value, Example) else str(value)


@pytest.mark.parametrize(("version", "example"), SEEN, ids=name)
def test_a_report_as_the_specification_writes_it_is_heard_as_its_word(version: OcppVersion, example: Example) -> None:
    wire = request(version, example.action, example.body)
    official(version, example.action, wire.request)
    assert speak(version).hear(*wire, NOON) == example.word


@pytest.mark.parametrize(("version", "example"), SEEN, ids=name)
def test_the_word_is_said_as_the_specification_writes_it(version: OcppVersion, example: Example) -> None:
    (wire,) = speak(version).say(example.word, NOON)
    assert wire.action == example.action
    assert said(version, wire) == said(version, request(version, example.action, example.body))


def test_every_message_of_every_version_that_a_charger_calls_has_an_example() -> None:
    assert {(version, example.action) for version, example in SEEN} == {
        (version, action) for version in OcppVersion for action in FROM_CHARGER & set(actions(version))
    }


def test_every_fact_has_an_example() -> None:
    assert {type(example.word) for example in REPORTED} == set(get_args(ChargerFact)) - {Told}
