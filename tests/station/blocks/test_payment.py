"""Payment at the charger: a settlement is one however often it is told; nobody is promised a receipt or an invoice."""

import asyncio
from datetime import UTC, datetime

import pytest

from tests.station.blocks.poles import in_house, now, pole, told
from tests.station.test_operations import calling
from voltide.backbone.clock import SystemClock
from voltide.domain.messages import Outcome
from voltide.domain.reports import ReceiptGiven, SettlementTold, VatAsked
from voltide.domain.site import ChargerId, StationId
from voltide.station.blocks.payment import Office, Payments
from voltide.station.diary import Diary

NOW = datetime(2026, 3, 28, 12, tzinfo=UTC)
V1 = ChargerId("V1")


def settled(status="Settled", **more):
    return SettlementTold(reference="PSP-7", status=status, amount="12.34", at=NOW, transaction_id="t1", **more)


def payments(office=None):
    diary = Diary(StationId("corner"), SystemClock())
    return Payments(diary, office), diary


def test_a_settlement_is_kept_by_its_providers_reference_with_its_exact_amount():
    block, _ = payments()
    heard = asyncio.run(block.hear(V1, settled(), NOW))
    [kept] = heard.written
    assert (kept.kind, kept.key, kept.what.amount) == ("settlement", "PSP-7", "12.34")


def test_a_terminal_keeps_its_own_receipt_and_an_operators_office_writes_another():
    async def office(_charger, told):
        return ReceiptGiven(receipt_id=f"R-{told.reference}", receipt_url="https://example.org/r")

    block, _ = payments()
    assert asyncio.run(block.hear(V1, settled(receipt_id="own"), NOW)).answer == ReceiptGiven(receipt_id="own")
    block, _ = payments(Office(receipts=office))
    assert asyncio.run(block.hear(V1, settled(), NOW)).answer.receipt_id == "R-PSP-7"


@pytest.mark.parametrize("status", ["Rejected", "Failed"])
def test_a_payment_that_failed_needs_a_person_until_it_is_settled(status):
    block, diary = payments()
    block.told(V1, settled(status))
    assert [alarm.code for alarm in diary.alarms] == ["payment-failed"]
    block.told(V1, settled())
    assert diary.alarms == ()


def test_a_vat_number_is_good_only_where_a_register_knows_its_company():
    company = {"name": "Hill Ltd", "address1": "Road 1", "city": "Shenzhen", "country": "CN"}
    asked = []

    async def register(number):
        asked.append(number)
        return company if number == "DE123456789" else None

    async def verdicts(block):
        return [
            (await block.hear(V1, VatAsked(number=number, evse=1), NOW)).answer
            for number in ("DE 123-456-789", "DE000000000", "'; DROP TABLE told; --", "")
        ]

    good, unknown, wicked, empty = asyncio.run(verdicts(payments(Office(companies=register))[0]))
    assert (good.valid, good.company, good.evse) == (True, company, 1)
    assert (unknown.valid, wicked.valid, empty.valid) == (False, False, False)
    assert asked == ["DE123456789", "DE000000000"]
    assert not any(one.valid for one in asyncio.run(verdicts(payments()[0])))


@pytest.mark.ocpp("2.1", "NotifySettlement", "VatNumberValidation")
def test_a_settlement_that_a_charger_tells_twice_is_kept_once(tmp_path):
    body = {"pspRef": "PSP-7", "status": "Settled", "settlementAmount": 12.34, "settlementTime": now()}

    async def work(house):
        async with pole(house, "V1") as one:
            for _ in range(2):
                assert await one.call("NotifySettlement", body | {"receiptId": "own"}) == {"receiptId": "own"}
            [kept] = told(house, "settlement", SettlementTold).values()
            assert (kept.reference, kept.amount) == ("PSP-7", "12.34")
            asked = {"vatNumber": "DE123456789", "evseId": 1}
            assert await one.call("VatNumberValidation", asked) == asked | {"status": "Rejected"}

    in_house(tmp_path, work)


@pytest.mark.ocpp("2.1", "NotifyWebPaymentStarted")
def test_a_charger_may_be_told_that_somebody_pays_on_the_web(tmp_path):
    async def work(house):
        async with pole(house, "V1", NotifyWebPaymentStarted={}) as one:
            result = await calling(house, "V1", "NotifyWebPaymentStarted", {"evseId": 1, "timeout": 60})
            assert result.outcome is Outcome.ACCEPTED
            assert one.asked("NotifyWebPaymentStarted") == [{"evseId": 1, "timeout": 60}]

    in_house(tmp_path, work)
