"""Priority: the plan's moves no limit; the charger's own counts in full, and ends where no limit bears it."""

import pytest

from tests.station.blocks.poles import alarms, in_house, pole, told
from tests.station.house import TOML, until
from tests.station.test_operations import calling
from voltide.domain.messages import GivePriority, Outcome
from voltide.domain.reports import PriorityTold
from voltide.domain.site import EvseId

TIGHT = TOML.replace("import_w = 150_000", "import_w = 70_000")
V1 = EvseId("V1-1")


async def car(one):
    await one.plug_in()
    await one.event("Updated", wh=1000.0, watts=5_000.0)


def worst(house, evse=V1):
    return house.station.crew.setpoints.held(evse).possible(house.station.crew.clock.monotonic())[1]


def activated(one, active=True):
    return {"transactionId": one.transaction, "activated": active}


@pytest.mark.ocpp("2.1", "NotifyPriorityCharging")
def test_a_charger_that_serves_a_car_by_itself_counts_in_full_and_gets_no_setpoints(tmp_path):
    async def work(house):
        async with pole(house, "V1") as one:
            await car(one)
            await until(lambda: house.station.crew.setpoints.held(V1).power_w is not None)
            await one.call("NotifyPriorityCharging", activated(one))
            assert house.station.crew.setpoints.held(V1).fallback_w == 60_000
            said, ticks = len(one.asked("UpdateDynamicSchedule")), house.station.loop.ticks
            await until(lambda: house.station.loop.ticks > ticks + 3)
            assert len(one.asked("UpdateDynamicSchedule")) == said
            assert alarms(house, "priority-no-room") == []
            await one.call("NotifyPriorityCharging", activated(one, active=False))
            assert house.station.crew.setpoints.held(V1).fallback_w == 5_000
            await until(lambda: len(one.asked("SetChargingProfile") + one.asked("UpdateDynamicSchedule")) > said)

    in_house(tmp_path, work)


@pytest.mark.ocpp("2.1", "UsePriorityCharging")
def test_a_priority_that_no_limit_bears_is_ended_and_others_make_room_meanwhile(tmp_path):
    async def work(house):
        async with pole(house, "V1", UsePriorityCharging={"status": "Rejected"}) as one, pole(house, "V2") as two:
            await car(two)
            await until(lambda: worst(house, EvseId("V2-1")) > 20_000)
            await car(one)
            await one.call("NotifyPriorityCharging", activated(one))
            await until(lambda: one.asked("UsePriorityCharging"))
            assert one.asked("UsePriorityCharging") == [{"transactionId": one.transaction, "activate": False}]
            await until(lambda: worst(house, EvseId("V2-1")) <= 5_000)
            assert alarms(house, "priority-no-room") == [V1]
            await one.call("NotifyPriorityCharging", activated(one, active=False))
            assert alarms(house, "priority-no-room") == []

    in_house(tmp_path, work, TIGHT)


def test_a_charger_that_agrees_to_end_it_follows_its_setpoints_again(tmp_path):
    async def work(house):
        async with pole(house, "V1") as one:
            await car(one)
            await one.call("NotifyPriorityCharging", activated(one))
            await until(lambda: one.asked("UsePriorityCharging"))
            await until(lambda: house.station.crew.setpoints.unbound == set())
            assert house.station.crew.demand.first == set()
            assert alarms(house, "priority-no-room") == []
            await until(lambda: told(house, "priority", PriorityTold)["V1", one.transaction].activated is False)

    in_house(tmp_path, work, TIGHT.replace("import_w = 70_000", "import_w = 50_000"))


def test_by_hand_the_charger_s_own_priority_needs_room_and_the_plan_s_does_not(tmp_path):
    async def work(house):
        async with pole(house, "V1") as one:
            body = {"transactionId": one.transaction, "activate": True}
            assert "no open transaction" in (await calling(house, "V1", "UsePriorityCharging", body)).reason
            await car(one)
            result = await calling(house, "V1", "UsePriorityCharging", body)
            assert (result.outcome, one.asked("UsePriorityCharging")) == (Outcome.REFUSED, [])
            assert "GivePriority" in result.reason
            assert (await house.order(GivePriority(evse=V1, active=True))).done
            assert house.station.crew.setpoints.unbound == set()
            assert house.station.crew.demand.first == {V1}

    in_house(tmp_path, work, TIGHT.replace("import_w = 70_000", "import_w = 50_000"))


@pytest.mark.parametrize(
    ("answer", "counts"),
    [({"status": "Accepted"}, True), ({"status": "NoProfile"}, False), (["InternalError", ""], False)],
)
def test_by_hand_it_counts_from_before_it_is_said_until_it_is_known_not_to_be_so(tmp_path, answer, counts):
    async def work(house):
        seen = []

        def asked(_body):
            seen.append(worst(house))
            return answer

        async with pole(house, "V1", UsePriorityCharging=asked) as one:
            await car(one)
            body = {"transactionId": one.transaction, "activate": True}
            await calling(house, "V1", "UsePriorityCharging", body)
            assert seen == [60_000]
            assert (V1 in house.station.crew.setpoints.unbound) is counts
            await one.unplug()
            assert house.station.crew.setpoints.unbound == set()
            assert house.station.crew.setpoints.held(V1).fallback_w == 5_000

    in_house(tmp_path, work)


def test_what_a_charger_did_by_itself_before_our_restart_still_counts(tmp_path):
    async def first(house):
        async with pole(house, "V1") as one:
            await car(one)
            await one.call("NotifyPriorityCharging", activated(one))

    async def second(house):
        await until(lambda: house.station.crew.setpoints.unbound == {V1})

    in_house(tmp_path, first)
    in_house(tmp_path, second)


def test_the_next_car_has_no_priority_of_the_last_one_whose_end_was_lost(tmp_path):
    async def work(house):
        async with pole(house, "V1") as one:
            await car(one)
            await one.call("NotifyPriorityCharging", activated(one))
            one.transaction, one.seq = "next", 0
            await one.plug_in("CARD2")
            assert house.station.crew.setpoints.unbound == set()
            assert house.station.crew.demand.first == set()

    in_house(tmp_path, work)
