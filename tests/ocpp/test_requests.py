"""What a charger is asked crosses the wire and back without a loss, and what it answers is judged as it was meant."""

from typing import Any, get_args

import pytest

from tests.ocpp.reported import Example
from tests.ocpp.requested import REQUESTED
from tests.ocpp.tongues import NOON, official, said, speak
from voltide.domain.messages import ChargerOrder
from voltide.domain.site import OcppVersion, V2g
from voltide.ocpp.actions import FROM_CHARGER
from voltide.ocpp.messages import actions
from voltide.ocpp.wire import request

SEEN = [(version, example) for example in REQUESTED for version in example.versions]


def name(value: Any) -> str:
    return value.action if isinstance(value, Example) else str(value)


@pytest.mark.parametrize(("version", "example"), SEEN, ids=name)
def test_a_request_as_the_specification_writes_it_is_read_as_its_word(version: OcppVersion, example: Example) -> None:
    wire = request(version, example.action, example.body)
    official(version, example.action, wire.request)
    read = speak(version).obey(*wire, NOON)
    assert type(read) is type(example.word)
    assert unbounded(read) == unbounded(example.word)


def unbounded(word: Any) -> Any:
    """The word without the band of a mode that cannot say it."""
    told = {field: getattr(word, field) for field in word.__dataclass_fields__}
    if getattr(word, "mode", "") in {"LocalFrequency", "CentralFrequency", "LocalLoadBalancing"}:
        del told["ceiling_w"], told["floor_w"]
    return told


@pytest.mark.parametrize(("version", "example"), SEEN, ids=name)
def test_the_order_is_said_as_the_specification_writes_it(version: OcppVersion, example: Example) -> None:
    v2g = V2g.DYNAMIC if getattr(example.word, "fresh", True) is False else V2g.NONE
    wires = speak(version, v2g).order(example.word)
    assert isinstance(wires, tuple)
    (wire,) = wires
    assert wire.action == example.action
    assert said(version, wire) == said(version, request(version, example.action, example.body))


def test_every_message_of_every_version_that_a_station_calls_has_an_example() -> None:
    assert {(version, example.action) for version, example in SEEN} == {
        (version, action)
        for version in OcppVersion
        for action in {"DataTransfer", *actions(version)} - (FROM_CHARGER - {"DataTransfer"})
    }


def test_every_order_has_an_example() -> None:
    assert {type(example.word) for example in REQUESTED} == set(get_args(ChargerOrder))
