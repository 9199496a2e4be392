"""Outlets that act by themselves: granted where limits and drivers bear it, and taken back when they no longer do."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from tests.station.blocks.poles import NEVER, in_house, pole
from tests.station.house import TOML, until
from tests.station.test_operations import calling
from voltide.domain.messages import EndShare, LimitOutlet, Outcome, ShareOutlet, TellNeeds, TellSignal
from voltide.station.blocks.sharing import Sharing

CURVE = ((49.8, -20_000.0), (50.0, 0.0), (50.2, 20_000.0))


def ask(evse="V1-1", mode="LocalFrequency", floor=-20_000.0, ceiling=20_000.0, seconds=600.0, **more):
    if mode == "LocalFrequency":
        more = {"frequency_curve": CURVE, "baseline_w": 0.0} | more
    return ShareOutlet(evse=evse, mode=mode, floor_w=floor, ceiling_w=ceiling, seconds=seconds, **more)


def profiles(one):
    """The profile that the outlet's transaction has now."""
    return [b["chargingProfile"] for b in one.asked("SetChargingProfile") if b["chargingProfile"]["id"] == 1001]


def mode_of(one):
    return profiles(one)[-1]["chargingSchedule"][0]["chargingSchedulePeriod"][0].get("operationMode")


@asynccontextmanager
async def car(house, identity="V1", agreed=True, soc=0.6, **answers):
    """A 2.1 V2G pile with a car that may give back."""
    async with pole(house, identity, "2.1", **answers) as one:
        await one.plug_in()
        await one.event("Updated", wh=1000.0)
        needs = TellNeeds(evse=f"{identity}-1", v2g=agreed, soc=soc, capacity_wh=60_000.0, floor_soc=0.3)
        assert (await house.order(needs)).done
        await until(lambda: profiles(one))
        await until(lambda: not house.station.crew.setpoints.held(f"{identity}-1").waiting)
        yield one


def sharing(house) -> Sharing:
    return house.station.blocks.sharing


def possible(house, evse="V1-1"):
    return house.station.crew.setpoints.held(evse).possible(house.station.crew.clock.monotonic())


def test_an_outlet_follows_the_frequency_within_its_band_and_is_taken_back(tmp_path):
    async def work(house):
        async with car(house) as one:
            reply = await house.order(ask())
            assert reply.done, reply
            assert mode_of(one) == "LocalFrequency"
            period = profiles(one)[-1]["chargingSchedule"][0]["chargingSchedulePeriod"][0]
            assert [p["power"] for p in period["v2xFreqWattCurve"]] == [-20_000.0, 0.0, 20_000.0]
            assert possible(house) == (-20_000.0, 20_000.0)
            assert sharing(house).running == {"V1-1": "LocalFrequency"}
            told = len(profiles(one))
            ticks = house.station.loop.ticks
            await until(lambda: house.station.loop.ticks > ticks + 3)
            assert len(profiles(one)) == told  # no setpoint meanwhile
            assert (await house.order(ask())).code == "busy"
            assert (await house.order(EndShare(evse="V1-1"))).done
            await until(lambda: mode_of(one) == "CentralSetpoint")
            await until(lambda: possible(house)[0] >= 0.0)
            assert (await house.order(EndShare(evse="V1-1"))).code == "unknown-order"

    in_house(tmp_path, work)


def test_two_bands_that_together_pass_the_connection_s_limit_are_not_both_granted(tmp_path):
    narrow = TOML.replace("export_w = 100_000", "export_w = 25_000")

    async def work(house):
        async with car(house, "V1") as one, car(house, "V2") as two:
            both = await asyncio.gather(house.order(ask("V1-1")), house.order(ask("V2-1")))
            assert sorted(reply.code for reply in both) == ["accepted", "no-room"]
            assert sorted([mode_of(one), mode_of(two)]) == ["CentralSetpoint", "LocalFrequency"]

    in_house(tmp_path, work, narrow)


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (ask("V9-1"), "unknown-outlet"),
        (ask("V2-1"), "no-car"),
        (ask(mode="PriorityCharging"), "not-able"),
        (ask(floor=-70_000.0), "out-of-range"),
        (ask(ceiling=70_000.0), "out-of-range"),
        (ask(floor=5_000.0), "out-of-range"),
        (ask(ceiling=-5_000.0), "out-of-range"),
        (ask(seconds=0.0), "bad-times"),
        (ask(seconds=1e6), "bad-times"),
        (ask(mode="LocalLoadBalancing"), "refused"),
        (ask(frequency_curve=((49.8, -90_000.0), (50.2, 90_000.0))), "refused"),
    ],
)
def test_what_cannot_be_is_said_in_one_word_and_changes_nothing(tmp_path, order, code):
    async def work(house):
        async with car(house) as one:
            assert (await house.order(order)).code == code
            assert mode_of(one) == "CentralSetpoint"
            assert house.station.crew.setpoints.shared == {}
            assert possible(house)[0] >= 0.0

    in_house(tmp_path, work)


def test_nobody_s_battery_is_used_without_a_word_and_no_empty_one_with_it(tmp_path):
    async def work(house):
        async with car(house, agreed=False):
            assert (await house.order(ask())).code == "not-agreed"
            assert (await house.order(ask(floor=0.0, mode="CentralFrequency", setpoint_w=5_000.0))).done
        async with car(house, "V2", soc=0.3):
            assert (await house.order(ask("V2-1"))).code == "nothing-to-spare"

    in_house(tmp_path, work)


def test_a_charger_that_refuses_keeps_its_setpoint_and_one_that_is_silent_counts_as_both(tmp_path):
    async def work(house):
        async with car(house) as one:
            one.answers["SetChargingProfile"] = {"status": "Rejected"}
            assert (await house.order(ask())).code == "refused"
            assert possible(house)[0] >= 0.0
            one.answers["SetChargingProfile"] = NEVER
            waiting = asyncio.create_task(house.bus.request("station.corner.order", ask(), 15.0))
            await until(lambda: possible(house)[0] == -20_000.0)
            assert (await waiting).code == "unknown"
            assert possible(house) == (-20_000.0, 20_000.0) or possible(house)[1] > 20_000.0
            one.answers["SetChargingProfile"] = {"status": "Accepted"}
            await until(lambda: mode_of(one) == "CentralSetpoint" and possible(house)[0] >= 0.0, 40)

    in_house(tmp_path, work)


def test_a_mode_ends_with_its_time_its_car_and_its_line(tmp_path):
    async def work(house):
        async with car(house) as one:
            assert (await house.order(ask(seconds=1.5))).done
            await until(lambda: sharing(house).running == {})
            await until(lambda: mode_of(one) == "CentralSetpoint")
            await until(lambda: not house.station.crew.setpoints.held("V1-1").waiting)
            assert (await house.order(ask())).done
            await one.unplug()
            await until(lambda: sharing(house).running == {})
            assert house.station.crew.setpoints.shared == {}
        async with car(house, "V2"):
            assert (await house.order(ask("V2-1"))).done
        await until(lambda: sharing(house).running == {})
        assert possible(house, "V2-1") == (-20_000.0, 20_000.0)  # until the charger has fallen back by itself

    in_house(tmp_path, work)


def test_a_mode_makes_way_for_a_person_s_limit_and_for_a_silent_meter(tmp_path):
    async def work(house):
        async with car(house) as one:
            assert (await house.order(ask())).done
            await house.order(LimitOutlet(evse="V1-1", limit_w=8_000.0))
            await until(lambda: mode_of(one) == "CentralSetpoint")
            assert (await house.order(ask())).code == "out-of-range"
            await house.order(LimitOutlet(evse="V1-1", limit_w=None))
            await until(lambda: not house.station.crew.setpoints.held("V1-1").waiting)
            assert (await house.order(ask())).done
            house.meter.silent = True
            await until(lambda: mode_of(one) == "CentralSetpoint")
            assert (await house.order(ask())).code in {"no-room", "busy"}

    in_house(tmp_path, work)


def test_a_car_that_has_no_more_to_spare_is_taken_back(tmp_path):
    async def work(house):
        async with car(house) as one:
            assert (await house.order(ask())).done
            low = TellNeeds(evse="V1-1", v2g=True, soc=0.29, capacity_wh=60_000.0, floor_soc=0.3)
            await house.order(low)
            await until(lambda: mode_of(one) == "CentralSetpoint")

    in_house(tmp_path, work)


def test_the_grid_s_signal_goes_to_those_who_follow_it(tmp_path):
    async def work(house):
        async with car(house) as one, car(house, "V2") as two:
            assert (await house.order(TellSignal(signal=3))).detail == "0 of 0"
            follow = ask(signal_curve=((-10, -5_000.0), (10, 5_000.0)), frequency_curve=((49.8, -9e3), (50.2, 9e3)))
            assert (await house.order(follow)).done
            assert (await house.order(TellSignal(signal=3))).detail == "1 of 1"
            (signal,) = one.asked("AFRRSignal")
            assert signal["signal"] == 3
            assert two.asked("AFRRSignal") == []

    in_house(tmp_path, work)


def needs(mode):
    return {
        "evseId": 1,
        "chargingNeeds": {
            "requestedEnergyTransfer": mode,
            "availableEnergyTransfer": ["DC", mode],
            "dcChargingParameters": {"evMaxCurrent": 200, "evMaxVoltage": 500, "stateOfCharge": 60},
        },
    }


def test_a_car_may_go_both_ways_as_long_as_its_driver_agrees(tmp_path):
    async def work(house):
        async with pole(house, "V1") as one:
            await one.plug_in()
            await one.call("NotifyEVChargingNeeds", needs("DC_BPT"))
            await until(lambda: one.asked("NotifyAllowedEnergyTransfer"))
            (told,) = one.asked("NotifyAllowedEnergyTransfer")
            assert told == {"transactionId": one.transaction, "allowedEnergyTransfer": ["DC_BPT", "DC"]}
        async with pole(house, "V2") as one:
            await one.plug_in()
            await one.call("NotifyEVChargingNeeds", needs("DC"))
            await until(lambda: one.asked("NotifyAllowedEnergyTransfer"))
            assert one.asked("NotifyAllowedEnergyTransfer")[0]["allowedEnergyTransfer"] == ["DC"]
            body = {"transactionId": one.transaction, "allowedEnergyTransfer": ["DC_BPT"]}
            result = await calling(house, "V2", "NotifyAllowedEnergyTransfer", body)
            assert result.outcome is Outcome.REFUSED
            await house.order(TellNeeds(evse="V2-1", v2g=True))
            result = await calling(house, "V2", "NotifyAllowedEnergyTransfer", body)
            assert result.outcome is Outcome.ACCEPTED
            body = {"transactionId": "another", "allowedEnergyTransfer": ["DC"]}
            result = await calling(house, "V2", "NotifyAllowedEnergyTransfer", body)
            assert result.outcome is Outcome.REFUSED

    in_house(tmp_path, work)
