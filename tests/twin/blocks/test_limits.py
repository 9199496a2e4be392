"""Bounds of a stay: the energy ends there and the transaction goes on (E16)."""

import pytest

from tests.twin.blocks.test_model import write
from tests.twin.scene import V21, Scene, play
from voltide.domain.messages import Flow, Json, Moment
from voltide.domain.units import kw


class Some(dict[str, Json]):
    """Answers that are given so many times: a charger that answers them without end must fail a test, not hang it."""

    def __init__(self, times: int, **answers: Json) -> None:
        super().__init__(answers)
        self.times = times

    def __getitem__(self, action: str) -> Json:
        self.times -= 1
        return super().__getitem__(action) if self.times else self.pop(action)


async def answer(scene: Scene, **bounds: float) -> None:
    """The station says bounds in its answer to the next event."""
    scene.depot.answers = Some(1, TransactionEvent={"transactionLimit": bounds})
    await scene.call("TriggerMessage", {"requestedMessage": "TransactionEvent", "evse": {"id": 1}})
    await scene.wait(3)


async def charge(scene: Scene, seconds: int = 30, soc: float = 0.5) -> None:
    await scene.park(soc)
    await scene.order(scene.setpoint(kw(36), 7200.0))
    await scene.wait(seconds)


def triggers(scene: Scene) -> list[str | None]:
    return [one.trigger for one in scene.events]


def receipts(scene: Scene) -> list[Json]:
    infos = [body["transactionInfo"] for body in scene.said("TransactionEvent")]
    return [info["transactionLimit"] for info in infos if "transactionLimit" in info]


@pytest.mark.ocpp("2.1", "TransactionEvent")
@pytest.mark.parametrize(
    ("bound", "value", "trigger"),
    [
        ("maxEnergy", 1000, "EnergyLimitReached"),
        ("maxTime", 120, "TimeLimitReached"),
        ("maxSoC", 51, "SoCLimitReached"),
    ],
)
def test_at_a_bound_the_energy_ends_and_the_transaction_goes_on(bound: str, value: int, trigger: str) -> None:
    async def story(scene: Scene) -> None:
        await charge(scene)
        await answer(scene, **{bound: value})
        assert scene.power > 0.0
        assert trigger not in triggers(scene)
        await scene.wait(120)
        assert (scene.power, triggers(scene).count(trigger)) == (0.0, 1)
        told = next(one for one in scene.events if one.trigger == trigger)
        assert (told.moment, told.flow) == (Moment.UPDATED, Flow.SUSPENDED_BY_STATION)
        assert scene.events[-1].flow is Flow.SUSPENDED_BY_STATION, "it is not the car that has had enough"
        if bound == "maxEnergy":
            register = scene.twin.outlets[0].import_wh
            assert 1000 <= register <= 1000 + kw(36) / 3600
        assert receipts(scene) == [{bound: value}]
        scene.twin.unplug(1)
        await scene.wait(2)
        assert scene.events[-1].moment is Moment.ENDED

    play(V21, "V01", story)


def test_a_bound_below_what_has_been_used_holds_at_once() -> None:
    async def story(scene: Scene) -> None:
        await charge(scene, 60)
        used = scene.twin.outlets[0].import_wh
        await answer(scene, maxEnergy=used / 2)
        assert (scene.power, triggers(scene)[-2:]) == (0.0, ["LimitSet", "EnergyLimitReached"])
        await scene.wait(30)
        assert scene.twin.outlets[0].import_wh < used + kw(36) / 3600 * 3

    play(V21, "V01", story)


def test_what_was_used_before_the_bound_was_told_counts() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        scene.twin.unplug(1)
        scene.twin.outlets[0].import_wh += 50_000.0
        await charge(scene, 45)
        await answer(scene, maxEnergy=900, maxTime=10_000)
        await scene.wait(60)
        assert scene.twin.outlets[0].import_wh == pytest.approx(50_900, abs=15)

    play(V21, "V01", story)


@pytest.mark.parametrize("then", [{"maxEnergy": 900}, {}])
def test_a_bound_that_is_raised_or_taken_away_lets_it_flow_again(then: dict[str, float]) -> None:
    async def story(scene: Scene) -> None:
        await charge(scene)
        await answer(scene, maxEnergy=300)
        await scene.wait(30)
        assert scene.power == 0.0
        await answer(scene, **then)
        await scene.wait(20)
        assert scene.power == kw(36)
        await scene.wait(120)
        assert scene.power == (0.0 if then else kw(36))
        assert triggers(scene).count("EnergyLimitReached") == 1 + len(then)
        assert receipts(scene) == [{"maxEnergy": 300}, then]

    play(V21, "V01", story)


def test_bounds_that_the_station_says_in_every_answer_are_set_once() -> None:
    async def story(scene: Scene) -> None:
        await charge(scene)
        scene.depot.answers = Some(50, TransactionEvent={"transactionLimit": {"maxEnergy": 60_000}})
        await scene.call("TriggerMessage", {"requestedMessage": "TransactionEvent", "evse": {"id": 1}})
        await scene.wait(200)
        assert triggers(scene).count("LimitSet") == 1

    play(V21, "V01", story)


def test_bounds_in_the_answer_to_the_end_of_a_stay_are_not_for_the_next() -> None:
    async def story(scene: Scene) -> None:
        class AtTheEnd(dict[str, Json]):
            """What is said in answer to the end of a transaction, and to nothing else."""

            def __contains__(self, action: object) -> bool:
                return action == "TransactionEvent" and scene.said(action)[-1]["eventType"] == "Ended"

        await charge(scene)
        scene.depot.answers = AtTheEnd(TransactionEvent={"transactionLimit": {"maxEnergy": 1}})
        scene.twin.unplug(1)
        await charge(scene)
        assert [one.moment for one in scene.events].count(Moment.ENDED) == 1
        assert "LimitSet" not in triggers(scene)
        assert scene.power > 0.0

    play(V21, "V01", story)


def test_a_token_does_not_get_past_a_bound() -> None:
    async def story(scene: Scene) -> None:
        await scene.plug()
        await answer(scene, maxTime=5)
        await scene.wait(5)
        scene.twin.present(1)
        await scene.wait(20)
        assert "Authorized" in triggers(scene)
        assert scene.twin.outlets[0].import_wh < kw(60) / 3600 * 2
        assert not scene.twin.outlets[0].closed

    play(V21, "V01", story)


def test_a_restart_does_not_get_past_a_bound() -> None:
    async def story(scene: Scene) -> None:
        await charge(scene)
        await answer(scene, maxEnergy=300)
        await scene.wait(10)
        used = scene.twin.outlets[0].import_wh
        await scene.call("Reset", {"type": "ImmediateAndResume"})
        await scene.wait(90)
        assert "TxResumed" in triggers(scene)
        assert scene.twin.outlets[0].import_wh < used + kw(36) / 3600 * 2
        assert not scene.twin.outlets[0].closed

    play(V21, "V01", story)


def test_a_cost_bound_is_held_by_what_the_station_says_that_it_comes_to() -> None:
    async def story(scene: Scene) -> None:
        await charge(scene)
        await answer(scene, maxCost=20.0)
        running = scene.depot.guests["V01"].running[1]
        await scene.call("CostUpdated", {"totalCost": 19.99, "transactionId": running})
        await scene.wait(3)
        assert scene.power > 0.0
        await scene.call("CostUpdated", {"totalCost": 20.0, "transactionId": running})
        await scene.wait(3)
        assert (scene.power, triggers(scene).count("CostLimitReached")) == (0.0, 1)

    play(V21, "V01", story)


def test_a_cost_bound_is_held_by_the_charger_s_own_reckoning() -> None:
    async def story(scene: Scene) -> None:
        await write(scene, "TariffCostCtrlr", "Enabled", "true", instance="Cost")
        tariff = {"tariffId": "T", "currency": "CNY", "energy": {"prices": [{"priceKwh": 2.0}]}}
        assert await scene.status("SetDefaultTariff", {"evseId": 0, "tariff": tariff}) == "Accepted"
        await charge(scene)
        await answer(scene, maxCost=1.5)
        await scene.wait(120)
        assert "CostLimitReached" in triggers(scene)
        assert scene.twin.outlets[0].import_wh == pytest.approx(750, abs=11)

    play(V21, "V01", story)
