"""Data transfer: an unknown vendor, an unknown message and a hearer's fault each have their own answer."""

import asyncio
from datetime import UTC, datetime

import pytest

from tests.station.blocks.poles import in_house, pole, told
from tests.station.test_operations import calling
from voltide.domain.messages import CallResult, Outcome
from voltide.domain.reports import DataAnswered, DataTold
from voltide.domain.site import ChargerId
from voltide.station.blocks.data import VendorData

NOW = datetime(2026, 3, 28, 12, tzinfo=UTC)
V1 = ChargerId("V1")


async def hearer(_charger, told):
    if told.message == "boom":
        raise ZeroDivisionError
    return DataAnswered(status="Accepted", data={"seen": told.data}) if told.message == "hello" else None


def answer(message, vendor="org.example"):
    block = VendorData()
    block.register("org.example", hearer)
    heard = asyncio.run(block.hear(V1, DataTold(vendor=vendor, message=message, data=5), NOW))
    return heard.answer, heard.written


def test_a_vendors_hearer_answers_and_what_was_said_is_kept():
    said, written = answer("hello")
    assert said == DataAnswered(status="Accepted", data={"seen": 5})
    assert [kept.key for kept in written] == ["org.example/hello"]


@pytest.mark.parametrize(
    ("message", "vendor", "status"),
    [
        ("hello", "com.other", "UnknownVendorId"),
        ("bye", "org.example", "UnknownMessageId"),
        ("boom", "org.example", "Rejected"),
    ],
)
def test_what_nobody_understands_is_answered_so_and_not_kept(message, vendor, status):
    said, written = answer(message, vendor)
    assert said == DataAnswered(status=status)
    assert written == ()


def test_a_vendor_has_one_hearer():
    block = VendorData()
    block.register("org.example", hearer)
    with pytest.raises(ValueError, match="has a hearer"):
        block.register("org.example", hearer)


@pytest.mark.ocpp("1.6 2.0.1 2.1", "DataTransfer")
@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
def test_a_charger_and_the_station_tell_each_other_what_their_vendor_means(tmp_path, version):
    async def work(house):
        house.station.blocks.data.register("org.example", hearer)
        data = "5" if version == "1.6" else 5
        seen = '{"seen": "5"}' if version == "1.6" else {"seen": 5}
        async with pole(house, "F1", version, DataTransfer={"status": "Accepted", "data": "aye"}) as one:
            said = {"vendorId": "org.example", "messageId": "hello", "data": data}
            assert await one.call("DataTransfer", said) == {"status": "Accepted", "data": seen}
            assert await one.call("DataTransfer", said | {"vendorId": "acme"}) == {"status": "UnknownVendorId"}
            assert list(told(house, "data", DataTold)) == [("F1", "org.example/hello")]
            result = await calling(house, "F1", "DataTransfer", {"vendorId": "acme", "data": "ahoy"})
            assert result == CallResult(outcome=Outcome.ACCEPTED, answer={"status": "Accepted", "data": "aye"})
            assert one.asked("DataTransfer") == [{"vendorId": "acme", "data": "ahoy"}]

    in_house(tmp_path, work)
