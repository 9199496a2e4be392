"""Tariffs that a charger is given, what it reckons by them, and what it is told that a stay comes to (I)."""

from datetime import timedelta

import pytest

from tests.twin.blocks.test_model import write
from tests.twin.scene import V21, V201, Scene, play
from voltide.domain.messages import Json
from voltide.domain.site import OcppVersion
from voltide.domain.time import stamp
from voltide.domain.units import kw
from voltide.twin.blocks.tariffs import Tariffs

TWO = pytest.mark.parametrize(("version", "name"), [(V201, "V20"), (V21, "V01")])


def tariff(name: str = "T", price: float = 1.15, **more: object) -> Json:
    return {"tariffId": name, "currency": "CNY", "energy": {"prices": [{"priceKwh": price}]}} | more


async def give(scene: Scene, told: Json, evse: int = 0) -> str:
    return await scene.status("SetDefaultTariff", {"evseId": evse, "tariff": told})


async def kept(scene: Scene, evse: int = 0) -> list[Json]:
    answer = await scene.call("GetTariffs", {"evseId": evse})
    assert (answer["status"] == "Accepted") is ("tariffAssignments" in answer)
    rows: list[Json] = answer.get("tariffAssignments", [])
    return rows


async def change(scene: Scene, told: Json, transaction: str | None = None) -> str:
    running = scene.depot.guests["V01"].running
    return await scene.status("ChangeTransactionTariff", {"transactionId": transaction or running[1], "tariff": told})


async def reckon(scene: Scene, *, every: int = 0) -> None:
    """Let the charger reckon, and (every so many seconds) tell."""
    assert await write(scene, "TariffCostCtrlr", "Enabled", "true", instance="Cost") == "Accepted"
    if every:
        await write(scene, "TariffCostCtrlr", "Enabled", "true", instance="RunningCost")
        await write(scene, "TariffCostCtrlr", "Interval", str(every), instance="Cost")


async def charge(scene: Scene, seconds: int = 60) -> None:
    await scene.park()
    await scene.order(scene.setpoint(kw(36), 7200.0))
    await scene.wait(seconds)


async def leave(scene: Scene) -> Json:
    """Unplug, and give what the end says of the cost."""
    scene.twin.unplug(1)
    await scene.wait(2)
    told: Json = scene.said("TransactionEvent")[-1].get("costDetails", {})
    return told


def used(scene: Scene) -> float:
    """kWh of the first outlet."""
    return scene.twin.outlets[0].import_wh / 1000.0


def ids(scene: Scene) -> list[str]:
    """The tariff ids that events told."""
    infos = [body["transactionInfo"] for body in scene.said("TransactionEvent")]
    return [info["tariffId"] for info in infos if "tariffId" in info]


# --- defaults ---


@pytest.mark.ocpp("2.1", "SetDefaultTariff", "GetTariffs", "ClearTariffs")
def test_a_default_tariff_is_kept_told_and_cleared() -> None:
    async def story(scene: Scene) -> None:
        assert await scene.call("GetTariffs", {"evseId": 0}) == {"status": "NoTariff"}
        assert await give(scene, tariff("day")) == "Accepted"
        assert await give(scene, tariff("two"), evse=2) == "Accepted"
        day = {"tariffId": "day", "tariffKind": "DefaultTariff", "evseIds": [1]}
        assert await kept(scene) == [day, {"tariffId": "two", "tariffKind": "DefaultTariff", "evseIds": [2]}]
        assert await kept(scene, 1) == [day]
        cleared = await scene.call("ClearTariffs", {"tariffIds": ["two", "none"], "evseId": 2})
        rows = [{"tariffId": "two", "status": "Accepted"}, {"tariffId": "none", "status": "NoTariff"}]
        assert cleared["clearTariffsResult"] == rows
        assert await kept(scene) == [day]
        await scene.call("ClearTariffs", {})
        assert (await scene.call("ClearTariffs", {}))["clearTariffsResult"] == [{"status": "NoTariff"}]
        assert await kept(scene) == []

    play(V21, "V01", story)


MANY = {"prices": [{"priceKwh": 0.1 * number} for number in range(1, 26)]}
CLOCKED = {"prices": [{"priceKwh": 1.0, "conditions": {"startTimeOfDay": "8 o'clock"}}]}
BAD = [
    (tariff(currency="EUR"), "Rejected"),
    (tariff(energy=MANY), "TooManyElements"),
    (tariff(energy=CLOCKED), "Rejected"),
    (tariff(minCost={}), "Rejected"),
    (tariff(validFrom="soon"), "Rejected"),
    (tariff(reservationTime={"prices": [{"priceMinute": 0.1}]}), "Rejected"),
]


@pytest.mark.ocpp("2.1", "SetDefaultTariff", "ChangeTransactionTariff")
@pytest.mark.parametrize(("told", "status"), BAD)
def test_a_tariff_that_the_charger_cannot_work_with_is_refused_with_its_word(told: Json, status: str) -> None:
    async def story(scene: Scene) -> None:
        assert await give(scene, told) == status
        assert await kept(scene) == []
        await scene.park()
        expected = "NoCurrencyChange" if told["currency"] == "EUR" else status
        assert await change(scene, told) == expected
        assert await kept(scene) == []

    play(V21, "V01", story)


def test_conditions_are_refused_where_they_are_not_supported_and_prices_where_tariffs_are_off() -> None:
    async def story(scene: Scene) -> None:
        night = {"prices": [{"priceKwh": 0.4, "conditions": {"endTimeOfDay": "08:00"}}, {"priceKwh": 1.0}]}
        scene.twin.variables.put(("TariffCostCtrlr", "ConditionsSupported", "Tariff"), "false")
        assert await give(scene, tariff(energy=night)) == "ConditionNotSupported"
        assert await give(scene, tariff()) == "Accepted"
        await scene.park()
        assert await change(scene, tariff("N", energy=night)) == "ConditionNotSupported"
        await write(scene, "TariffCostCtrlr", "Enabled", "false", instance="Tariff")
        assert await give(scene, tariff("other")) == "Rejected"
        assert await scene.status("GetTariffs", {"evseId": 0}) == "Rejected"

    play(V21, "V01", story)


def test_an_id_stands_for_one_tariff_and_an_outlet_must_be_there() -> None:
    async def story(scene: Scene) -> None:
        assert await give(scene, tariff(price=1.0), evse=1) == "Accepted"
        assert await give(scene, tariff(price=1.0), evse=0) == "Accepted"
        assert await give(scene, tariff(price=2.0), evse=2) == "DuplicateTariffId"
        assert await give(scene, tariff("far"), evse=9) == "Rejected"
        assert await scene.status("GetTariffs", {"evseId": 9}) == "Rejected"
        assert [row["evseIds"] for row in await kept(scene)] == [[1, 2]]

    play(V21, "V01", story)


def test_a_tariff_to_come_waits_for_its_time_and_a_new_one_replaces_what_is_valid() -> None:
    async def story(scene: Scene) -> None:
        block = scene.twin.part(Tariffs)

        def valid() -> str | None:
            found = block.default(1)
            return None if found is None else found["tariffId"]

        soon, past = (stamp(scene.clock.now() + timedelta(seconds=wait)) for wait in (60, -86_400))
        assert await give(scene, tariff("later", validFrom=soon)) == "Accepted"
        assert valid() is None
        assert await give(scene, tariff("old", validFrom=past)) == "Accepted"
        assert valid() == "old"
        assert await give(scene, tariff("now")) == "Accepted"
        assert valid() == "now"
        assert [row["tariffId"] for row in await kept(scene, 1)] == ["later", "now"]
        assert (await kept(scene, 1))[0]["validFrom"] == soon
        await scene.wait(61)
        assert valid() == "later"
        assert await give(scene, tariff("again")) == "Accepted"
        assert [row["tariffId"] for row in await kept(scene, 1)] == ["again"]

    play(V21, "V01", story)


# --- what a stay comes to ---


@pytest.mark.ocpp("2.1", "SetDefaultTariff", "TransactionEvent")
def test_a_stay_names_its_tariff_once_and_its_cost_in_the_end() -> None:
    async def story(scene: Scene) -> None:
        await reckon(scene)
        fee = {"prices": [{"priceFixed": 2.0}], "taxRates": [{"type": "VAT", "tax": 6}]}
        idle = {"prices": [{"priceMinute": 0.6}]}
        assert await give(scene, tariff(fixedFee=fee, idleTime=idle)) == "Accepted"
        await charge(scene, 300)
        told = await leave(scene)
        assert ids(scene) == ["T"]
        cost, usage = told["totalCost"], told["totalUsage"]
        assert usage["energy"] == pytest.approx(used(scene) * 1000.0, abs=0.01)
        assert cost["fixed"] == {"exclTax": 2.0, "inclTax": 2.12}
        assert cost["energy"]["exclTax"] == pytest.approx(used(scene) * 1.15, abs=1e-4)
        assert cost["idleTime"]["exclTax"] == pytest.approx(usage["idleTime"] / 60 * 0.6, abs=1e-4)
        assert 0 < usage["idleTime"] < 10 < usage["chargingTime"]
        parts = sum(cost[part]["inclTax"] for part in ("fixed", "energy", "idleTime"))
        assert cost["total"]["inclTax"] == pytest.approx(parts, abs=2e-4)
        assert [one["tariffId"] for one in told["chargingPeriods"]] == ["T", "T"]

    play(V21, "V01", story)


def test_a_price_of_the_clock_begins_to_the_second() -> None:
    async def story(scene: Scene) -> None:
        await reckon(scene)
        rows = [{"priceKwh": 1.0, "conditions": {"endTimeOfDay": "08:02"}}, {"priceKwh": 3.0}]
        await give(scene, tariff(energy={"prices": rows}))
        await charge(scene, 100)
        first = used(scene)
        while scene.clock.now().minute < 2:
            first = used(scene)
            await scene.wait(1)
        first = max(first, used(scene))
        await scene.wait(60)
        told = await leave(scene)
        expected = first + 3.0 * (used(scene) - first)
        assert told["totalCost"]["energy"]["exclTax"] == pytest.approx(expected, abs=1e-4)
        assert [one["startPeriod"][14:19] for one in told["chargingPeriods"]][-1] == "02:00"

    play(V21, "V01", story)


def test_the_running_cost_is_told_as_often_as_it_is_asked_for_and_shown() -> None:
    async def story(scene: Scene) -> None:
        await reckon(scene, every=20)
        await give(scene, tariff())
        await charge(scene, 75)
        told = [body for body in scene.said("TransactionEvent") if body["triggerReason"] == "RunningCost"]
        assert len(told) == 3
        costs = [body["costDetails"]["totalCost"]["total"]["exclTax"] for body in told]
        assert costs == sorted(set(costs))
        assert not any("chargingPeriods" in body["costDetails"] for body in told)
        others = [body for body in scene.said("TransactionEvent") if body["triggerReason"] != "RunningCost"]
        assert not any("costDetails" in body for body in others)
        assert float(scene.twin.part(Tariffs).shown(1)) == pytest.approx(used(scene) * 1.15, abs=0.005)

    play(V21, "V01", story)


def test_a_charger_that_does_not_reckon_names_the_tariff_and_no_cost() -> None:
    async def story(scene: Scene) -> None:
        await give(scene, tariff())
        await charge(scene)
        assert await leave(scene) == {}
        assert ids(scene) == ["T"]

    play(V21, "V01", story)


def test_a_default_that_is_cleared_or_replaced_goes_on_for_what_runs() -> None:
    async def story(scene: Scene) -> None:
        await reckon(scene)
        await give(scene, tariff())
        await charge(scene)
        await give(scene, tariff("new", 9.0))
        await scene.call("ClearTariffs", {})
        await scene.wait(60)
        told = await leave(scene)
        assert told["totalCost"]["energy"]["exclTax"] == pytest.approx(used(scene) * 1.15, abs=1e-4)

    play(V21, "V01", story)


# --- another tariff for what runs ---


@pytest.mark.ocpp("2.1", "ChangeTransactionTariff")
def test_a_changed_tariff_holds_from_then_on_and_is_told() -> None:
    async def story(scene: Scene) -> None:
        await reckon(scene)
        await give(scene, tariff())
        await charge(scene, 120)
        before = used(scene)
        assert await change(scene, tariff("cheap", 0.5)) == "Accepted"
        await scene.wait(60)
        event = next(body for body in scene.said("TransactionEvent") if body["triggerReason"] == "TariffChanged")
        assert event["transactionInfo"]["tariffId"] == "cheap"
        told = await leave(scene)
        expected = before * 1.15 + (used(scene) - before) * 0.5
        assert told["totalCost"]["energy"]["exclTax"] == pytest.approx(expected, abs=1e-4)
        assert {one["tariffId"] for one in told["chargingPeriods"]} == {"T", "cheap"}

    play(V21, "V01", story)


def test_a_stay_without_a_tariff_may_be_given_one() -> None:
    async def story(scene: Scene) -> None:
        await reckon(scene)
        await charge(scene, 60)
        before = used(scene)
        assert await change(scene, tariff("own", 2.0)) == "Accepted"
        [row] = await kept(scene)
        assert (row["tariffKind"], row["idTokens"]) == ("DriverTariff", ["DRV0000007"])
        await scene.wait(60)
        told = await leave(scene)
        assert ids(scene) == ["own"]
        assert told["totalCost"]["energy"]["exclTax"] == pytest.approx((used(scene) - before) * 2.0, abs=1e-4)

    play(V21, "V01", story)


def test_a_transaction_that_is_over_or_unknown_cannot_be_changed() -> None:
    async def story(scene: Scene) -> None:
        await give(scene, tariff())
        await charge(scene)
        over = scene.depot.guests["V01"].running[1]
        await leave(scene)
        for transaction in (over, "V01-000099"):
            assert await change(scene, tariff("late"), transaction) == "TxNotFound"
        assert [row["tariffId"] for row in await kept(scene)] == ["T"]

    play(V21, "V01", story)


# --- a driver's own ---


@pytest.mark.ocpp("2.1", "Authorize", "GetTariffs")
def test_a_driver_s_own_tariff_goes_before_the_default() -> None:
    async def story(scene: Scene) -> None:
        await reckon(scene)
        await give(scene, tariff())
        scene.depot.answers["Authorize"] = {"idTokenInfo": {"status": "Accepted"}, "tariff": tariff("mine", 0.2)}
        await charge(scene)
        rows = [row for row in await kept(scene) if row["tariffKind"] == "DriverTariff"]
        assert rows == [{"tariffId": "mine", "tariffKind": "DriverTariff", "evseIds": [1], "idTokens": ["DRV0000007"]}]
        told = await leave(scene)
        assert told["totalCost"]["energy"]["exclTax"] == pytest.approx(used(scene) * 0.2, abs=1e-4)
        assert [row["tariffId"] for row in await kept(scene)] == ["T"]

    play(V21, "V01", story)


def test_a_driver_s_tariff_that_cannot_be_worked_with_is_told_and_the_default_holds() -> None:
    async def story(scene: Scene) -> None:
        await give(scene, tariff())
        foreign = tariff("mine", currency="EUR")
        scene.depot.answers["Authorize"] = {"idTokenInfo": {"status": "Accepted"}, "tariff": foreign}
        await charge(scene)
        assert [one.trigger for one in scene.events].count("TariffNotAccepted") == 1
        assert ids(scene) == ["T"]

    play(V21, "V01", story)


# --- what the station says ---


@pytest.mark.ocpp("2.0.1 2.1", "CostUpdated")
@TWO
def test_the_display_shows_what_the_station_says_that_a_stay_comes_to(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        await write(scene, "TariffCostCtrlr", "TotalCostFallbackMessage", "ask at the desk")
        block = scene.twin.part(Tariffs)
        await charge(scene, 5)
        assert block.shown(1) == "ask at the desk"
        running = scene.depot.guests[name].running[1]
        assert await scene.call("CostUpdated", {"totalCost": 7.5, "transactionId": running}) == {}
        assert await scene.call("CostUpdated", {"totalCost": 99.0, "transactionId": "nobody's"}) == {}
        assert block.shown(1) == "7.50"
        scene.depot.answers["TransactionEvent"] = {"totalCost": 8.25}
        await scene.call("TriggerMessage", {"requestedMessage": "TransactionEvent", "evse": {"id": 1}})
        await scene.wait(3)
        assert block.shown(1) == "8.25"
        assert block.costs == {running: 8.25}

    play(version, name, story)


def test_a_time_zone_that_nobody_knows_is_refused() -> None:
    async def story(scene: Scene) -> None:
        for zone, status in (("Mars/Olympus", "Rejected"), ("../etc", "Rejected"), ("Europe/Berlin", "Accepted")):
            assert await write(scene, "ClockCtrlr", "TimeZone", zone) == status

    play(V21, "V01", story)
