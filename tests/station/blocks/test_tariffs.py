"""Tariff and cost: whoever can show prices shows the ledger's own; nobody else is bothered."""

import pytest

from tests.station.blocks.poles import in_house, now, pole, told
from tests.station.house import until
from tests.station.test_operations import calling
from voltide.domain.messages import Outcome
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
                    await until(lambda: house.station.blocks.tariffs._shown)
                    await until(lambda: told(house, "tariff"))
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
            await one.call("Heartbeat", {})
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


@pytest.mark.ocpp("2.0.1 2.1", "TransactionEvent")
@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_the_answer_to_the_end_of_a_stay_says_what_is_billed_to_the_fen(tmp_path, version):
    async def work(house):
        async with pole(house, "V1", version) as one:
            assert "totalCost" not in await one.plug_in()
            assert "totalCost" not in await one.event("Updated", wh=6_000.0)
            assert (await one.unplug(wh=11_000.0))["totalCost"] == 11.0
        async with pole(house, "V2", version) as one:
            await one.plug_in()
            one.seq += 1  # an event is lost: nobody knows yet what it comes to
            assert "totalCost" not in await one.unplug(wh=11_000.0)

    in_house(tmp_path, work)


def test_a_2_1_display_is_told_the_running_cost_with_an_answer_and_not_again_at_once(tmp_path):
    async def work(house):
        await model(house, "V1", "Cost")
        async with pole(house, "V1") as one:
            await until(lambda: house.station.blocks.tariffs._tells)
            await one.plug_in()
            house.station.blocks.tariffs._due.clear()
            assert (await one.event("Updated", wh=11_000.0))["totalCost"] == 11.0
            assert "totalCost" not in await one.event("Updated", wh=12_000.0)

    in_house(tmp_path, work)


@pytest.mark.ocpp("2.1", "SetDefaultTariff", "ChangeTransactionTariff", "ClearTariffs")
def test_by_hand_only_the_station_s_own_tariff_is_given_and_what_was_cleared_is_given_again(tmp_path):
    async def work(house):
        await model(house, "V1", "Tariff")
        own = house.station.blocks.tariffs.own
        cleared = {"clearTariffsResult": [{"status": "Accepted"}]}
        async with pole(house, "V1", ClearTariffs=cleared) as one:
            await until(lambda: one.asked("SetDefaultTariff"))
            cheap = own | {"energy": {"prices": [{"priceKwh": 0.01}]}}
            for action, body in (
                ("SetDefaultTariff", {"evseId": 0}),
                ("ChangeTransactionTariff", {"transactionId": "t"}),
            ):
                result = await calling(house, "V1", action, body | {"tariff": cheap})
                assert (result.outcome, "own tariff" in result.reason) == (Outcome.REFUSED, True)
                result = await calling(house, "V1", action, body | {"tariff": own})
                assert result.outcome is Outcome.ACCEPTED, result
            assert (await calling(house, "V1", "ClearTariffs", {})).outcome is Outcome.ACCEPTED
        async with pole(house, "V1") as one:
            await until(lambda: one.asked("SetDefaultTariff"))

    in_house(tmp_path, work)
