"""What a charger says of a transaction touches its own transactions only, and no id can be guessed (rows 35 and 36)."""

import asyncio
import itertools
import json

import pytest

from tests.station.guarded import Box, stamp
from tests.station.locked import locked, until
from voltide.backbone import schema
from voltide.backbone.store import rows


def stays(house) -> list[dict]:
    return rows(house.engine, schema.sessions.select())


def of(house, charger: str) -> dict:
    return next(row for row in stays(house) if row["charger"] == charger)


def start16(connector: int = 1) -> dict:
    return {"connectorId": connector, "idTag": "CARD", "meterStart": 1_000, "timestamp": stamp()}


def event(kind: str, name: str, seq: int, wh: float = 1_000.0) -> dict:
    sampled = [{"value": wh, "measurand": "Energy.Active.Import.Register"}]
    return {
        "eventType": kind, "timestamp": stamp(), "triggerReason": "MeterValuePeriodic", "seqNo": seq,
        "transactionInfo": {"transactionId": name, "chargingState": "Charging"}, "evse": {"id": 1, "connectorId": 1},
        "meterValue": [{"timestamp": stamp(), "sampledValue": sampled}],
    }  # fmt: skip


def test_a_1_6_charger_cannot_end_or_meter_another_one_s_transaction(tmp_path):
    async def story():
        async with locked(tmp_path) as house:
            one, other = (Box(house, name, "1.6", house.add(name, 1)) for name in ("V1", "V2"))
            async with one.on(), other.on():
                number = (await one.call("StartTransaction", start16()))["transactionId"]
                before = of(house, "V1")
                stolen = {"transactionId": number, "meterStop": 999_999, "timestamp": stamp(), "idTag": "CARD"}
                await other.call("StopTransaction", stolen)
                value = [{"value": "888888", "measurand": "Energy.Active.Import.Register", "unit": "Wh"}]
                metered = {"timestamp": stamp(), "sampledValue": value}
                await other.call("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [metered]})
                assert of(house, "V1") == before
                readings = rows(house.engine, schema.readings.select())
                mine = [row["import_mwh"] for row in readings if row["session"] == before["id"]]
                assert 999_999_000 not in mine
                assert 888_888_000 not in mine
                await one.call("StopTransaction", {**stolen, "meterStop": 2_000, "timestamp": stamp()})
                await until(lambda: of(house, "V1")["ended_at"] is not None)
                assert json.loads(of(house, "V1")["body"])["imported_wh"] == 1_000.0

    asyncio.run(story())


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_a_2_x_charger_that_names_another_one_s_transaction_speaks_of_its_own(tmp_path, version):
    async def story():
        async with locked(tmp_path) as house:
            one, other = (Box(house, name, version, house.add(name, 1)) for name in ("V1", "V2"))
            async with one.on(), other.on():
                await one.call("TransactionEvent", event("Started", "tx-1", 0))
                before = of(house, "V1")
                await other.call("TransactionEvent", event("Updated", "tx-1", 1, 777_777.0))
                await other.call("TransactionEvent", event("Ended", "tx-1", 2, 888_888.0))
                assert of(house, "V1") == before
                assert of(house, "V2")["transaction_id"] == "tx-1"
                await one.call("TransactionEvent", event("Ended", "tx-1", 1, 3_000.0))
                assert json.loads(of(house, "V1")["body"])["imported_wh"] == 2_000.0

    asyncio.run(story())


def test_ids_that_leave_the_house_cannot_be_guessed(tmp_path):
    async def story():
        async with locked(tmp_path) as house:
            box = Box(house, "V1", "1.6", house.add("V1", 1))
            async with box.on():
                numbers = []
                for _ in range(60):
                    number = (await box.call("StartTransaction", start16()))["transactionId"]
                    numbers.append(number)
                    stop = {"transactionId": number, "meterStop": 1_000, "timestamp": stamp()}
                    await box.call("StopTransaction", stop)
            assert len(set(numbers)) == 60
            assert all(number > 0 for number in numbers)
            steps = {abs(b - a) for a, b in itertools.pairwise(numbers)}
            assert len(steps) == 59
            assert min(steps) > 1
            assert sum(number > 2**24 for number in numbers) > 50  # spread over all that 1.6 has room for
            names = [row["id"] for row in stays(house)]
            assert all(len(name) == 32 and int(name, 16) >= 0 for name in names)
            assert len({name[:8] for name in names}) == len(names)

    asyncio.run(story())
