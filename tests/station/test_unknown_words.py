"""A charger that knows a newer standard than we do loses no word of its transactions (row 76)."""

import asyncio

import pytest

from tests.station.guarded import Box
from tests.station.locked import locked
from tests.station.test_owners import event
from voltide.backbone import schema
from voltide.backbone.store import rows


def newer(seq: int) -> list[dict]:
    """Transaction events, each with one thing in it that no schema of ours knows."""
    told = [event("Updated", "tx-1", number, 1_000.0 + 100.0 * number) for number in range(seq, seq + 5)]
    told[0]["triggerReason"] = "NewReasonOfTomorrow"
    told[1]["vendorField"] = {"deep": [1, {"er": None}]}
    told[2]["meterValue"][0]["sampledValue"].append({"value": 1, "measurand": "New.Measurand"})
    told[3]["transactionInfo"]["chargingState"] = "SuspendedByTheMoon"
    told[4]["customData"] = {"vendorId": "acme", "colour": "green"}
    return told


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_new_words_and_a_vendor_s_own_fields_cost_no_reading(tmp_path, version):
    async def story():
        async with locked(tmp_path) as house:
            box = Box(house, "V1", version, house.add("V1", 1))
            async with box.on():
                await box.call("TransactionEvent", event("Started", "tx-1", 0))
                for told in newer(1):
                    assert isinstance(await box.call("TransactionEvent", told), dict), told
                assert await box.call("FlyToTheMoon", {}) == "NotImplemented"
            registers = sorted(row["import_mwh"] for row in rows(house.engine, schema.readings.select()))
            assert registers == [1_000_000 + 100_000 * number for number in range(6)]
            kept = [row["action"] for row in rows(house.engine, schema.charger_messages.select())]
            assert kept.count("TransactionEvent") == 6

    asyncio.run(story())
