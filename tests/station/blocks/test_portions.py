"""What a charger takes at a time is what it is given at a time, on this line and on the next."""

import pytest

from tests.station.blocks.poles import in_house, now, pole
from tests.station.house import until
from voltide.domain.messages import GetVariables, Refused, Token, Variable
from voltide.domain.requests import Permit, SendTokens
from voltide.domain.site import ChargerId

V1 = ChargerId("V1")
WANTED = GetVariables(variables=tuple(Variable(component="EVSE", name=f"v{one}", value=None) for one in range(5)))


def said(component, value, instance=None, name="ItemsPerMessage"):
    variable = {"name": name} | ({"instance": instance} if instance else {})
    attribute = [{"value": value, "mutability": "ReadOnly"}]
    return {"component": {"name": component}, "variable": variable, "variableAttribute": attribute}


def report(*data):
    return {"requestId": 99, "generatedAt": now(), "seqNo": 0, "tbc": False, "reportData": list(data)}


def portions(one, action, key):
    """How many items each call of an action has had."""
    return [len(body[key]) for body in one.asked(action)]


def named(one):
    """Which of the wanted variables each call has asked for."""
    bodies = one.asked("GetVariables")
    return [[item["variable"]["name"] for item in body["getVariableData"]] for body in bodies]


@pytest.mark.ocpp("2.1", "NotifyReport", "GetVariables")
def test_a_long_question_is_asked_in_portions_of_the_chargers_own_size_and_its_answers_are_one(tmp_path):
    async def work(house):
        async with pole(house, "V1") as one:
            await one.call("NotifyReport", report(said("DeviceDataCtrlr", "2", "GetVariables")))
            result = await house.station.chargers.order(V1, WANTED)
            assert [names for names in named(one) if "v0" in names or "v4" in names] == [["v0", "v1"], ["v4"]]
            assert isinstance(result, Refused)  # it knows none of them, and says so of each
            assert [item["variable"]["name"] for item in result.detail["getVariableResult"]] == [
                f"v{n}" for n in range(5)
            ]

    in_house(tmp_path, work)


@pytest.mark.ocpp("2.1", "SendLocalList")
def test_what_it_said_on_an_earlier_line_holds_on_the_next(tmp_path):
    async def work(house):
        async with pole(house, "V1") as one:
            await one.call("NotifyReport", report(said("LocalAuthListCtrlr", "2")))
        async with pole(house, "V1") as one:
            await until(lambda: house.station.chargers.lines[V1].dialect.voice.capacity.items.get("SendLocalList") == 2)
            permits = tuple(Permit(token=Token(id=str(number))) for number in range(3))
            await house.station.chargers.order(V1, SendTokens(version=77, whole=True, permits=permits))
            sent = [body for body in one.asked("SendLocalList") if body["versionNumber"] in {76, 77}]
            assert [(len(body["localAuthorizationList"]), body["updateType"]) for body in sent] == [
                (2, "Full"),
                (1, "Differential"),
            ]

    in_house(tmp_path, work)


def test_a_size_that_is_none_changes_nothing(tmp_path):
    async def work(house):
        async with pole(house, "V1") as one:
            odd = [said("DeviceDataCtrlr", value, "GetVariables") for value in ("", "0", "-3", "many")]
            await one.call("NotifyReport", report(*odd, said("Elsewhere", "2", "GetVariables")))
            before = len(one.asked("GetVariables"))
            await house.station.chargers.order(V1, WANTED)
            assert portions(one, "GetVariables", "getVariableData")[before:] == [5]

    in_house(tmp_path, work)
