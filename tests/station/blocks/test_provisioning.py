"""What a charger says it is made of stands in the records, and a report is whole when every part has come."""

import asyncio
from itertools import permutations

from tests.station.blocks.poles import in_house, now, pole
from voltide.domain.messages import Variable, VariablesTold
from voltide.domain.site import ChargerId
from voltide.station.blocks.provisioning import MOST_PARTS, DeviceModels, known

V1 = ChargerId("V1")


def report(name, value, component="EVSE", **where):
    data = {"component": {"name": component, **where}, "variable": {"name": name}}
    return data | {"variableAttribute": [{"value": value, "mutability": "ReadWrite"}]}


def test_what_a_charger_reports_is_known_by_place_and_newest_value(tmp_path):
    async def work(house):
        async with pole(house, "V1") as one:
            parts = [
                [report("Power", "11000", evse={"id": 1}), report("Power", "22000", evse={"id": 2})],
                [report("Available", "true", "Connector", evse={"id": 1, "connectorId": 2})],
                [report("Model", "Old", "ChargingStation"), report("Model", "New", "ChargingStation")],
            ]
            for seq, data in enumerate(parts):
                body = {"requestId": 7, "generatedAt": now(), "seqNo": seq, "tbc": seq < 2, "reportData": data}
                assert await one.call("NotifyReport", body) == {}
        assert house.station.blocks.models.whole(V1, 7) is False  # it left: what follows belongs to another line
        found = {(v.component, v.evse, v.connector, v.name): v.value for v in known(house.store.engine, V1)}
        assert found == {
            ("EVSE", 1, None, "Power"): "11000",
            ("EVSE", 2, None, "Power"): "22000",
            ("Connector", 1, 2, "Available"): "true",
            ("ChargingStation", None, None, "Model"): "New",
        }

    in_house(tmp_path, work)


def parts(*seqs, last):
    return [VariablesTold(variables=(), request_id=1, seq_no=seq, more=seq != last) for seq in seqs]


def test_a_report_is_whole_in_any_order_of_its_parts_and_never_with_a_gap():
    for order in permutations(parts(0, 1, 2, last=2)):
        models = DeviceModels()
        for at, part in enumerate(order):
            models.told(V1, part)
            assert models.whole(V1, 1) is (at == 2)
    models = DeviceModels()
    for part in parts(0, 2, last=2):
        models.told(V1, part)
    assert not models.whole(V1, 1)
    assert not models.whole(V1, 2)
    assert not models.whole(ChargerId("V2"), 1)


def test_absurd_sequence_numbers_cost_nothing():
    models = DeviceModels()
    models.told(V1, VariablesTold(variables=(), request_id=1, seq_no=2**31 - 1))
    assert not models.whole(V1, 1)
    for seq in range(MOST_PARTS + 100):
        models.told(V1, VariablesTold(variables=(), request_id=2, seq_no=seq, more=True))
    for request in range(100):
        models.told(V1, VariablesTold(variables=(), request_id=request, more=True))
    assert len(models._reports[V1]) < 10


def test_what_a_charger_does_not_know_is_no_variable():
    fact = VariablesTold(variables=(Variable(component="", name="Odd", value=None, status="UnknownVariable"),))
    assert asyncio.run(DeviceModels().hear(V1, fact, None)).written == ()
