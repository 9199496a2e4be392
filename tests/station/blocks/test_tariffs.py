"""Tariff and cost: whoever can show prices shows the ledger's own; nobody else is bothered."""

import pytest

from tests.station.blocks.poles import in_house, now, pole
from tests.station.house import until
from voltide.ledger.cost import as_yuan, net
from voltide.station.blocks import tariffs


def shows(*what):
    """A device model that says what its display can do."""
    return {
        "requestId": 7, "generatedAt": now(), "seqNo": 0,
        "reportData": [
            {
                "component": {"name": "TariffCostCtrlr"},
                "variable": {"name": "Enabled", "instance": one},
                "variableAttribute": [{"value": "true", "mutability": "ReadOnly"}],
            }
            for one in what
        ],
    }  # fmt: skip


async def model(house, identity, *what, version="2.1"):
    """A charger whose device model is known from an earlier visit."""
    async with pole(house, identity, version) as one:
        assert await one.call("NotifyReport", shows(*what)) == {}


@pytest.mark.ocpp("2.1", "SetDefaultTariff")
def test_a_charger_with_a_price_display_is_given_the_stations_prices_once(tmp_path):
    async def work(house):
        await model(house, "V1", "Tariff")
        for visit in (1, 0):
            async with pole(house, "V1") as one, pole(house, "V2") as other:
                if visit:
                    await until(lambda one=one: one.asked("SetDefaultTariff"))
                    [body] = one.asked("SetDefaultTariff")
                    assert body["evseId"] == 0
                    assert body["tariff"]["energy"]["prices"] == [{"priceKwh": 1.1}]
                else:
                    await until(lambda one=one: len(one.asked("TriggerMessage")) > 0)
                    await one.call("Heartbeat", {})
                    assert one.asked("SetDefaultTariff") == []
                assert other.asked("SetDefaultTariff") == []

    in_house(tmp_path, work)


@pytest.mark.ocpp("2.0.1 2.1", "CostUpdated")
@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_a_display_is_told_what_the_ledger_says_a_stay_comes_to(tmp_path, monkeypatch, version):
    monkeypatch.setattr(tariffs, "EVERY_S", 0.5)

    async def work(house):
        await model(house, "V1", "Cost", version=version)
        async with pole(house, "V1", version) as one:
            await one.plug_in()
            await one.event("Updated", wh=11_000.0)
            [session] = house.station.sessions.open()
            due = as_yuan(net(session, house.station._settings.tariff))
            assert due == "11.00"
            await until(lambda: one.asked("CostUpdated"))
            assert one.asked("CostUpdated")[-1] == {"totalCost": 11.0, "transactionId": one.transaction}

    in_house(tmp_path, work)


def test_a_charger_that_refuses_costs_is_not_told_again(tmp_path, monkeypatch):
    monkeypatch.setattr(tariffs, "EVERY_S", 0.3)

    async def work(house):
        await model(house, "V1", "Cost")
        async with pole(house, "V1", CostUpdated=["NotSupported", "no display"]) as one:
            await one.plug_in()
            await until(lambda: one.asked("CostUpdated"))
            await until(lambda: not house.station.blocks.tariffs._tells)
            assert len(one.asked("CostUpdated")) == 1

    in_house(tmp_path, work)
