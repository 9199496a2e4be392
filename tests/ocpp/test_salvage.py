"""What carries energy and money is never refused for a part that can be left out."""

import doctest
import itertools
import random
from typing import Any

import pytest

from tests.ocpp.lines import EVENT, V16, only, say, sent, station
from tools import payloads
from tools.fuzz import spoilt
from tools.mutations import said
from voltide.domain.site import OcppVersion
from voltide.ocpp import frame, salvage
from voltide.ocpp.events import Called, Turned

CORE = {
    "TransactionEvent": {"eventType", "timestamp", "seqNo", "transactionInfo"},
    "StartTransaction": {"connectorId", "idTag", "meterStart", "timestamp"},
    "StopTransaction": {"transactionId", "meterStop", "timestamp"},
}
"""Without these, nobody can say what a message is about."""
MESSAGES = [
    (version, action) for version in OcppVersion for action in CORE if action in payloads.actions(version.value)
]
STOP = {"transactionId": 7, "meterStop": 9_000, "timestamp": "2026-06-01T12:00:00Z"}


def samples(*items: Any) -> list[dict[str, Any]]:
    return [{"timestamp": "2026-06-01T11:00:00Z", "sampledValue": list(items)}]


@pytest.mark.parametrize(("version", "action"), MESSAGES)
def test_no_flaw_beside_the_core_of_a_transactions_message_refuses_it(version: OcppVersion, action: str) -> None:
    whole = payloads.payload(version.value, action, random.Random(1), full=1.0)
    core = {key: said(whole[key]) for key in CORE[action]}
    step = 11 if version is OcppVersion.V21 else 3 if action == "TransactionEvent" else 1
    tried = 0
    for body in itertools.islice(spoilt(whole), 0, None, step):
        text = said([2, "i", action, body])
        if any(said(body.get(key)) != value for key, value in core.items()):
            continue
        if isinstance(frame.decode(text), frame.BadFrame):
            continue  # not JSON, or JSON that no database keeps
        event = only(station(version).receive(text, 0))
        assert isinstance(event, Called), (text[:300], event)
        tried += 1
    assert tried > 40


def test_what_is_wrong_in_every_one_of_two_hundred_samples_costs_those_samples_only() -> None:
    odd = {"value": "1", "measurand": "Mood"}
    good = {"value": "8999", "vendorMood": 5}
    stop = STOP | {"transactionData": samples(odd, good) * 200}
    event = only(station(V16).receive(say("StopTransaction", stop), 0))
    assert isinstance(event, Called)
    assert len(event.deviations) == 2
    assert all("200 times" in told for told in event.deviations)
    assert [[one.value for one in part.sampled_value] for part in event.request.transaction_data] == [["8999"]] * 200


def test_a_1_6_value_that_comes_as_a_number_is_read_as_the_text_it_should_have_been() -> None:
    told = {"connectorId": 1, "transactionId": 7, "meterValue": samples({"value": 8_123.5}, {"value": 17})}
    event = only(station(V16).receive(say("MeterValues", told), 0))
    assert isinstance(event, Called)
    assert event.deviations
    assert [one.value for one in event.request.meter_value[0].sampled_value] == ["8123.5", "17"]


def test_null_in_a_list_is_nothing() -> None:
    event = only(
        station().receive(say("TransactionEvent", EVENT | {"meterValue": [None, *samples({"value": 5}, None)]}), 0)
    )
    assert isinstance(event, Called)
    [part] = event.request.meter_value
    assert [one.value for one in part.sampled_value] == [5]
    assert len(event.deviations) == 2


@pytest.mark.parametrize("reason", [None, 5, [], "CosmicRay"])
def test_a_reason_that_is_missing_or_none_of_ours_is_an_abnormal_condition(reason: object) -> None:
    body = {key: value for key, value in EVENT.items() if key != "triggerReason"}
    body |= {} if reason is None else {"triggerReason": reason}
    event = only(station().receive(say("TransactionEvent", body), 0))
    assert event.request.trigger_reason == "AbnormalCondition"
    assert event.deviations


@pytest.mark.parametrize(
    "token", [{"idToken": "a"}, {"idToken": "a", "type": 5}, {"idToken": "a", "type": "Telepathy"}]
)
def test_a_token_of_no_known_kind_is_still_the_drivers(token: dict[str, Any]) -> None:
    event = only(station().receive(say("TransactionEvent", EVENT | {"idToken": token}), 0))
    assert (event.request.id_token.id_token, event.request.id_token.type) == ("a", "Local")


def test_the_good_ones_beside_a_bad_one_stay() -> None:
    mixed = samples(
        {"value": 1},
        {"value": "x"},
        {"value": 3, "phase": "L9"},
        {"value": 4, "unitOfMeasure": {"multiplier": "y"}},
        {"value": 5},
    )
    event = only(station().receive(say("TransactionEvent", EVENT | {"meterValue": mixed}), 0))
    assert [one.value for one in event.request.meter_value[0].sampled_value] == [1, 5]


def test_the_work_for_one_message_is_bounded() -> None:
    line = station()
    body = EVENT | {f"vendor{number}": number for number in range(15)}
    assert isinstance(only(line.receive(say("TransactionEvent", body, "few"), 0)), Called)
    body = EVENT | {f"vendor{number}": number for number in range(500)}
    assert isinstance(only(line.receive(say("TransactionEvent", body), 0)), Turned)
    assert [reply[:3] for reply in sent(line)] == [[4, "i", "FormatViolation"]]
    told = {"connectorId": 1, "meterValue": samples(*[{}] * 20_000, {"value": "1"})}
    assert isinstance(only(station(V16).receive(say("MeterValues", told).replace(" ", ""), 0)), Turned)


def test_the_examples_in_the_room_run() -> None:
    assert doctest.testmod(salvage).failed == 0
