"""Orders beside power over HTTP: each reaches the station as it was meant, and what is none is told where."""

import pytest

from tests.web.depot import EVENING
from tests.web.house import House, in_house
from voltide.domain import messages
from voltide.domain.reports import DerControl, DisplayMessage
from voltide.domain.requests import Permit
from voltide.domain.token import Token

AT = EVENING.isoformat()
CARD = Token(id="04A1")
MEANT = [
    ({"is": "GivePriority", "evse": "V01-1", "active": True}, messages.GivePriority(evse="V01-1", active=True)),
    (
        {
            "is": "ShareOutlet", "evse": "V01-1", "mode": "LocalFrequency", "ceiling_w": 9000, "floor_w": -9000,
            "seconds": 60, "baseline_w": 0, "frequency_curve": [[49.8, -9000], [50.2, 9000]],
            "signal_curve": [[-1, 0], [1, 0]],
        },
        messages.ShareOutlet(
            evse="V01-1", mode="LocalFrequency", ceiling_w=9000.0, floor_w=-9000.0, seconds=60.0, baseline_w=0.0,
            frequency_curve=((49.8, -9000.0), (50.2, 9000.0)), signal_curve=((-1, 0.0), (1, 0.0)),
        ),
    ),
    ({"is": "EndShare", "evse": "V01-1"}, messages.EndShare(evse="V01-1")),
    ({"is": "TellSignal", "signal": -3}, messages.TellSignal(signal=-3)),
    (
        {"is": "PutPermit", "token": "04A1", "status": "Blocked", "group": "G", "until": AT, "priority": -9},
        messages.PutPermit(permit=Permit(token=CARD, status="Blocked", group="G", until=EVENING, priority=-9)),
    ),
    (
        {"is": "ReserveOutlet", "evse": "V01-1", "token": "04A1", "until": AT},
        messages.ReserveOutlet(evse="V01-1", token=CARD, until=EVENING),
    ),
    ({"is": "CancelReservation", "id": 7}, messages.CancelReservation(id=7)),
    (
        {"is": "PutDer", "id": "most", "kind": "LimitMaxDischarge", "body": {"limitMaxDischarge": {"priority": 1}}},
        messages.PutDer(
            control=DerControl(
                id="most", kind="LimitMaxDischarge", default=True, body={"limitMaxDischarge": {"priority": 1}}
            )
        ),
    ),
    ({"is": "DropDer", "id": "most"}, messages.DropDer(id="most")),
    (
        {"is": "ShowText", "id": 1, "text": "0.96 元/度", "language": "zh", "end": AT},
        messages.ShowText(message=DisplayMessage(id=1, text="0.96 元/度", language="zh", end=EVENING)),
    ),
    ({"is": "HideText", "id": 1}, messages.HideText(id=1)),
]  # fmt: skip


@pytest.mark.parametrize(("body", "told"), MEANT, ids=lambda part: part["is"] if isinstance(part, dict) else "")
def test_every_order_reaches_the_station_as_it_was_meant(body, told):
    async def check(home: House) -> None:
        await home.sign_in()
        answer = await home.order(body)
        assert (answer.status_code, answer.json()["code"]) == (200, "accepted")
        assert home.depot.ordered == [told]

    in_house(check)


SHARE = MEANT[1][0]


@pytest.mark.parametrize(
    "body",
    [
        SHARE | {"mode": "CentralSetpoint"},
        SHARE | {"floor_w": 1.0},
        SHARE | {"ceiling_w": -1.0},
        SHARE | {"seconds": 0},
        SHARE | {"seconds": 1e9},
        SHARE | {"frequency_curve": [[49.8]]},
        SHARE | {"frequency_curve": [[49.8, 1.0]] * 21},
        SHARE | {"signal_curve": [["up", 1.0]]},
        {"is": "TellSignal", "signal": 1.5},
        {"is": "TellSignal", "signal": 2**31},
        {"is": "PutPermit", "token": ""},
        {"is": "PutPermit", "token": "x" * 37},
        {"is": "PutPermit", "token": "04A1", "status": "Free"},
        {"is": "PutPermit", "token": "04A1", "priority": 10},
        {"is": "PutPermit", "token": "04A1", "until": "2026-03-28T10:00:00"},
        {"is": "ReserveOutlet", "evse": "V01-1", "token": "04A1"},
        {"is": "CancelReservation", "id": -1},
        {"is": "PutDer", "id": "a b", "kind": "X", "body": {}},
        {"is": "PutDer", "id": "a", "kind": "X", "body": []},
        {"is": "ShowText", "id": 1, "text": "x" * 513},
        {"is": "ShowText", "id": 1, "text": "a", "priority": "Loud"},
        {"is": "GivePriority", "evse": "V01-1", "active": "yes"},
    ],
)
def test_what_is_no_order_is_refused_at_the_edge(body):
    async def check(home: House) -> None:
        await home.sign_in()
        answer = await home.order(body)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
        assert home.depot.ordered == []

    in_house(check)
