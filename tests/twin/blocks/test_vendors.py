"""Battery swaps (S), payment at the charger (C18 to C25), and vendors' own messages (P)."""

from datetime import UTC, datetime

import pytest

from tests.twin.blocks.test_model import write
from tests.twin.scene import EVERY, V16, V21, Scene, play
from voltide.domain.messages import Json, Moment, Token
from voltide.domain.site import OcppVersion
from voltide.twin.blocks.vendors import VENDOR, Pack, Swaps, Terminal, Vendors

WHO = {"idToken": "RIDER", "type": "ISO14443"}
ASKED = {"idToken": WHO, "requestId": 41}
FULL, EMPTY = Pack(serial="FULL", soc=0.95, made_at=datetime(2025, 1, 1, tzinfo=UTC)), Pack(serial="EMPTY", soc=0.08)


def cabinet(scene: Scene, **packs: Pack) -> Swaps:
    """Two slots; ``s1`` and ``s2`` say what is in them."""
    swaps = scene.twin.part(Swaps)
    swaps.packs = {int(slot[1:]): pack for slot, pack in packs.items()}
    return swaps


def steps(scene: Scene) -> list[tuple[str, int, str, int]]:
    """What was told of swaps: the step, its request, and which battery in which slot."""
    return [
        (body["eventType"], body["requestId"], body["batteryData"][0]["serialNumber"], body["batteryData"][0]["evseId"])
        for body in scene.said("BatterySwap")
    ]


def reason(answer: Json) -> tuple[str, str]:
    return answer["status"], answer.get("statusInfo", {}).get("reasonCode", "")


@pytest.mark.ocpp("2.1", "RequestBatterySwap", "BatterySwap")
def test_a_swap_from_afar_takes_one_battery_in_and_gives_a_full_one() -> None:
    async def story(scene: Scene) -> None:
        swaps = cabinet(scene, s1=FULL)
        assert not swaps.insert(2, EMPTY), "no slot is open before anybody asks"
        assert await scene.call("RequestBatterySwap", ASKED) == {"status": "Accepted"}
        assert not swaps.insert(1, EMPTY), "that slot has a battery in it"
        assert not swaps.insert(3, EMPTY), "there is no such slot"
        assert swaps.insert(2, EMPTY)
        assert swaps.take() == FULL
        assert swaps.take() is None
        await scene.wait(2)
        assert steps(scene) == [("BatteryIn", 41, "EMPTY", 2), ("BatteryOut", 41, "FULL", 1)]
        [first, last] = scene.said("BatterySwap")
        assert first["idToken"] == WHO
        assert (first["batteryData"][0]["soC"], "productionDate" in first["batteryData"][0]) == (8.0, False)
        assert last["batteryData"][0]["productionDate"] == "2025-01-01T00:00:00.000Z"
        assert swaps.packs == {2: EMPTY}

    play(V21, "V01", story)


@pytest.mark.ocpp("2.1", "RequestBatterySwap")
def test_a_swap_that_cannot_be_is_refused_with_its_reason() -> None:
    async def story(scene: Scene) -> None:
        for packs, why in (
            ({}, "NoBatteryAvailable"),
            ({"s1": EMPTY}, "NoBatteryAvailable"),
            ({"s1": FULL, "s2": EMPTY}, "NoFreeSlot"),
        ):
            cabinet(scene, **packs)
            assert reason(await scene.call("RequestBatterySwap", ASKED)) == ("Rejected", why)
        cabinet(scene, s1=FULL)
        assert await scene.status("RequestBatterySwap", ASKED) == "Accepted"
        other = ASKED | {"requestId": 42}
        assert reason(await scene.call("RequestBatterySwap", other)) == ("Rejected", "SwapUnderWay")

    play(V21, "V01", story)


@pytest.mark.ocpp("2.1", "Authorize", "BatterySwap")
def test_a_driver_at_the_cabinet_is_judged_by_the_station_first() -> None:
    async def story(scene: Scene) -> None:
        swaps = cabinet(scene, s1=FULL)
        scene.depot.valid = False
        swaps.present(Token(id="NOBODY"))
        await scene.wait(2)
        assert not swaps.insert(2, EMPTY)
        scene.depot.valid = True
        swaps.present(Token(id="RIDER"))
        await scene.wait(2)
        assert swaps.insert(2, EMPTY)
        await scene.wait(2)
        assert steps(scene) == [("BatteryIn", 1, "EMPTY", 2)]
        assert [body["idToken"]["idToken"] for body in scene.said("Authorize")] == ["NOBODY", "RIDER"]

    play(V21, "V01", story)


@pytest.mark.ocpp("2.1", "RequestBatterySwap", "Authorize")
def test_a_swap_from_afar_for_an_unknown_token_opens_nothing_where_the_charger_asks_first() -> None:
    async def story(scene: Scene) -> None:
        swaps = cabinet(scene, s1=FULL)
        await write(scene, "AuthCtrlr", "AuthorizeRemoteStart", "true")
        scene.depot.valid = False
        assert await scene.status("RequestBatterySwap", ASKED) == "Accepted"
        await scene.wait(2)
        assert not swaps.insert(2, EMPTY)
        assert steps(scene) == []
        scene.depot.valid = True
        assert await scene.status("RequestBatterySwap", ASKED) == "Accepted"
        await scene.wait(2)
        assert swaps.insert(2, EMPTY)

    play(V21, "V01", story)


@pytest.mark.ocpp("2.1", "BatterySwap")
def test_a_full_battery_that_nobody_takes_is_told_and_stays() -> None:
    async def story(scene: Scene) -> None:
        swaps = cabinet(scene, s1=FULL)
        await write(scene, "BatterySwapCtrlr", "Timeout", "20", instance="Out")
        await scene.call("RequestBatterySwap", ASKED)
        swaps.insert(2, EMPTY)
        await scene.wait(19)
        assert len(steps(scene)) == 1
        await scene.wait(3)
        assert steps(scene)[1:] == [("BatteryOutTimeout", 41, "FULL", 1)]
        assert swaps.take() is None
        assert swaps.packs == {1: FULL, 2: EMPTY}
        assert reason(await scene.call("RequestBatterySwap", ASKED)) == ("Rejected", "NoFreeSlot")

    play(V21, "V01", story)


def test_a_driver_who_does_not_come_leaves_the_cabinet_free_for_the_next_whose_number_is_a_new_one() -> None:
    async def story(scene: Scene) -> None:
        swaps = cabinet(scene, s1=FULL)
        await scene.call("RequestBatterySwap", ASKED)
        await scene.wait(61)
        assert not swaps.insert(2, EMPTY)
        swaps.present(Token(id="NEXT"))
        await scene.wait(2)
        assert swaps.insert(2, EMPTY)
        del swaps.packs[1]
        assert not swaps.insert(1, EMPTY), "one battery a swap, however many slots are free"
        await scene.wait(2)
        assert steps(scene) == [("BatteryIn", 42, "EMPTY", 2)]

    play(V21, "V01", story)


def test_the_steps_of_a_swap_outlive_a_lost_line() -> None:
    async def story(scene: Scene) -> None:
        swaps = cabinet(scene, s1=FULL)
        await scene.call("RequestBatterySwap", ASKED)
        scene.fault("link-lost")
        await scene.wait(10)
        swaps.insert(2, EMPTY)
        swaps.take()
        assert steps(scene) == []
        scene.fault("link-lost", begins=False)
        await scene.wait(60)
        assert [step for step, *_ in steps(scene)] == ["BatteryIn", "BatteryOut"]

    play(V21, "V01", story)


# --- payment ---


@pytest.mark.ocpp("2.1", "NotifySettlement")
def test_a_settlement_is_told_with_its_amount_and_again_after_a_lost_line() -> None:
    async def story(scene: Scene) -> None:
        scene.depot.answers["NotifySettlement"] = {"receiptId": "R-7"}
        terminal, receipts = scene.twin.part(Terminal), list[Json]()
        terminal.settle("PSP-7", 12.34, receipts.append, transactionId="V01-000001")
        await scene.wait(2)
        scene.fault("link-lost")
        await scene.wait(10)
        terminal.settle("PSP-8", 0.0, receipts.append, status="Failed", statusInfo="card expired")
        scene.fault("link-lost", begins=False)
        await scene.wait(60)
        first, second = scene.said("NotifySettlement")
        assert (first["pspRef"], first["settlementAmount"], first["status"]) == ("PSP-7", 12.34, "Settled")
        assert (second["pspRef"], second["status"], second["statusInfo"]) == ("PSP-8", "Failed", "card expired")
        assert receipts == [{"receiptId": "R-7"}] * 2

    play(V21, "V01", story)


@pytest.mark.ocpp("2.1", "VatNumberValidation")
def test_a_vat_number_is_asked_about_and_the_company_heard() -> None:
    async def story(scene: Scene) -> None:
        company = {"name": "Hill Ltd", "address1": "Road 1", "city": "Shenzhen", "country": "CN"}
        verdict = {"vatNumber": "DE123456789", "evseId": 1, "status": "Accepted", "company": company}
        scene.depot.answers["VatNumberValidation"] = verdict
        heard: list[Json] = []
        scene.twin.part(Terminal).ask_vat("DE123456789", heard.append, 1)
        await scene.wait(2)
        assert scene.said("VatNumberValidation") == [{"vatNumber": "DE123456789", "evseId": 1}]
        assert heard == [verdict]

    play(V21, "V01", story)


@pytest.mark.ocpp("2.1", "NotifyWebPaymentStarted")
def test_an_outlet_is_kept_for_whoever_pays_on_the_web_until_they_have_begun_or_time_is_up() -> None:
    async def story(scene: Scene) -> None:
        terminal = scene.twin.part(Terminal)
        assert await scene.call("NotifyWebPaymentStarted", {"evseId": 1, "timeout": 30}) == {}
        await scene.park()
        assert terminal.locked(1)
        assert not terminal.locked(2)
        assert scene.said("Authorize") == []
        await scene.wait(30)
        await scene.present("DRV0000007")
        assert len(scene.said("Authorize")) == 1
        scene.twin.unplug(1)
        await scene.plug()
        await scene.call("NotifyWebPaymentStarted", {"evseId": 0, "timeout": 600})
        start = {"idToken": {"idToken": "WEB", "type": "Central"}, "remoteStartId": 5, "evseId": 1}
        assert await scene.status("RequestStartTransaction", start) == "Accepted"
        await scene.wait(2)
        assert (terminal.locked(1), terminal.locked(2)) == (False, True)

    play(V21, "V01", story)


def test_a_web_payment_keeps_nobody_from_ending_a_stay() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        await scene.call("NotifyWebPaymentStarted", {"evseId": 0, "timeout": 600})
        scene.twin.present(1)
        await scene.wait(2)
        assert scene.events[-1].moment is Moment.ENDED

    play(V21, "V01", story)


# --- vendors ---


@pytest.mark.ocpp("1.6 2.0.1 2.1", "DataTransfer")
@EVERY
def test_a_vendor_s_message_is_echoed_and_a_stranger_s_is_answered_so(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        data = "text" if version is V16 else {"deep": [1, "two"]}
        echo = {"vendorId": VENDOR, "messageId": "Echo", "data": data}
        assert await scene.call("DataTransfer", echo) == {"status": "Accepted", "data": data}
        for change, status in (
            ({"vendorId": "com.stranger"}, "UnknownVendorId"),
            ({"messageId": "Shout"}, "UnknownMessageId"),
        ):
            assert await scene.call("DataTransfer", echo | change) == {"status": status}
        assert await scene.status("DataTransfer", {"vendorId": VENDOR}) == "UnknownMessageId"

    play(version, name, story)


@pytest.mark.ocpp("1.6 2.0.1 2.1", "DataTransfer")
@EVERY
def test_a_vendor_s_message_to_the_station_has_its_answer(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        heard: list[Json] = []
        scene.depot.answers["DataTransfer"] = {"status": "Accepted", "data": "seen"}
        scene.twin.part(Vendors).say("hello", {"a": 1}, heard.append)
        scene.twin.part(Vendors).say("bare", None, heard.append, "com.other")
        await scene.wait(2)
        data = '{"a": 1}' if version is V16 else {"a": 1}
        assert scene.said("DataTransfer") == [
            {"vendorId": VENDOR, "messageId": "hello", "data": data},
            {"vendorId": "com.other", "messageId": "bare"},
        ]
        assert heard == [{"status": "Accepted", "data": "seen"}] * 2

    play(version, name, story)
