"""Displays: the station's texts stand on each display that can show them, again after a restart, and no longer than they should."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tests.station.blocks.poles import in_house, pole, told
from tests.station.house import until
from voltide.domain.messages import Accepted, CallCharger, HideText, Outcome, Refused, ShowText
from voltide.domain.reports import DisplayMessage, DisplaysTold
from voltide.domain.requests import Hide, Show
from voltide.domain.site import ChargerId
from voltide.station.blocks.displays import MOST, Displays

NOON = datetime(2026, 3, 28, 12, tzinfo=UTC)
A, B, OLD = ChargerId("A"), ChargerId("B"), ChargerId("OLD")


class Clock:
    at = NOON

    def now(self):
        return self.at

    def monotonic(self):
        return 0.0


class Forecourt:
    """Two chargers with displays, and an old one without."""

    def __init__(self):
        self.screens = {A: {}, B: {}}
        self.clock = Clock()
        self.rows = {}
        self.displays = Displays(self)

    def online(self):
        return (A, B, OLD)

    async def call_all(self, orders):
        return {charger: await self.call(charger, order) for charger, order in orders.items()}

    async def keep(self, charger, *kept):
        self.rows |= {(charger, one.key): one.what for one in kept}

    async def kept(self, kind, of):
        return [(charger, key, what) for (charger, key), what in self.rows.items()]

    async def call(self, charger, order):
        if charger == OLD:
            return Refused(reason="NotSupported")
        if isinstance(order, Show):
            self.screens[charger][order.message.id] = order.message.text
        if isinstance(order, Hide):
            self.screens[charger].pop(order.id, None)
        return Accepted()


def text(number=1, words="0.96 yuan", **more):
    return ShowText(message=DisplayMessage(id=number, text=words, **more))


def test_a_text_stands_on_every_display_and_goes_from_all():
    yard = Forecourt()
    shown = asyncio.run(yard.displays.show(text()))
    assert (shown.done, shown.detail) == (True, "2 of 3")
    assert yard.screens == {A: {1: "0.96 yuan"}, B: {1: "0.96 yuan"}}
    assert asyncio.run(yard.displays.hide(HideText(id=1))).done
    assert yard.screens == {A: {}, B: {}}
    assert asyncio.run(yard.displays.hide(HideText(id=1))).code == "unknown-order"


def test_a_charger_that_comes_back_gets_what_still_holds():
    yard = Forecourt()
    asyncio.run(yard.displays.show(text(1, "today", end=NOON + timedelta(hours=1))))
    asyncio.run(yard.displays.show(text(2, "always")))
    yard.screens[A].clear()
    yard.clock.at = NOON + timedelta(hours=2)
    asyncio.run(yard.displays.greet(A))
    assert yard.screens[A] == {2: "always"}


def test_the_next_process_shows_what_is_still_wanted():
    yard = Forecourt()
    asyncio.run(yard.displays.show(text(1)))
    asyncio.run(yard.displays.show(text(2, "gone")))
    asyncio.run(yard.displays.hide(HideText(id=2)))
    again = Displays(yard)
    asyncio.run(again.load())
    assert [one.id for one in again.texts] == [1]


def test_a_display_is_not_flooded():
    yard = Forecourt()
    replies = [asyncio.run(yard.displays.show(text(number))) for number in range(MOST + 1)]
    assert [reply.done for reply in replies] == [True] * MOST + [False]
    assert asyncio.run(yard.displays.show(text(3, "new words"))).done
    assert yard.screens[B][3] == "new words"


def test_what_a_charger_says_that_it_shows_is_kept_text_by_text():
    yard = Forecourt()
    told = DisplaysTold(request_id=1, messages=(DisplayMessage(id=4, text="x"), DisplayMessage(id=5, text="y")))
    heard = asyncio.run(yard.displays.hear(A, told, NOON))
    assert [(kept.kind, kept.key, kept.what.text) for kept in heard.written] == [
        ("display", "4", "x"),
        ("display", "5", "y"),
    ]


@pytest.mark.ocpp("2.0.1 2.1", "SetDisplayMessage", "GetDisplayMessages", "NotifyDisplayMessages")
@pytest.mark.ocpp("2.0.1 2.1", "ClearDisplayMessage")
@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_a_text_goes_to_a_charger_that_comes_is_told_back_and_taken_off(tmp_path, version):
    async def work(house):
        shown = await house.order(text(7, "0.96 元", priority="InFront", end=datetime(2099, 1, 1, tzinfo=UTC)))
        assert shown.detail == "0 of 0"
        async with pole(house, "V1", version) as one:
            await until(lambda: one.asked("SetDisplayMessage"))
            [body] = one.asked("SetDisplayMessage")
            assert (body["message"]["id"], body["message"]["message"]["content"]) == (7, "0.96 元")
            assert body["message"]["endDateTime"].startswith("2099-01-01T00:00:00")
            asking = CallCharger(charger=ChargerId("V1"), action="GetDisplayMessages", payload={"requestId": 4})
            asked = await house.bus.request("station.corner.order", asking)
            assert (asked.outcome, asked.answer) == (Outcome.ACCEPTED, {"status": "Accepted"})
            report = {"requestId": 4, "tbc": False, "messageInfo": [body["message"]]}
            assert await one.call("NotifyDisplayMessages", report) == {}
            assert told(house, "display", DisplayMessage)["V1", "7"].text == "0.96 元"
            assert (await house.order(HideText(id=7))).detail == "1 of 1"
            assert one.asked("ClearDisplayMessage") == [{"id": 7}]

    in_house(tmp_path, work)


@pytest.mark.ocpp("2.0.1 2.1", "SetDisplayMessage")
@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_a_charger_that_cannot_show_one_text_is_not_bothered_with_the_rest(tmp_path, version):
    async def work(house):
        for number in (1, 2, 3):
            await house.order(text(number))
        refusing = {"SetDisplayMessage": {"status": "NotSupportedMessageFormat"}}
        async with pole(house, "V1", version, **refusing) as one, pole(house, "N1", version) as other:
            await until(lambda: len(other.asked("SetDisplayMessage")) == 3 and one.asked("SetDisplayMessage"))
            assert (await house.order(text(4))).detail == "1 of 2"
            assert [body["message"]["id"] for body in one.asked("SetDisplayMessage")] == [1, 4]

    in_house(tmp_path, work)
