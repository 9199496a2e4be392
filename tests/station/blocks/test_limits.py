"""What others say of power: their limits only narrow, a car's plan is judged, priority is a stay's, strangers' profiles go."""

import pytest

from tests.station.blocks.poles import alarms, in_house, now, pole, told
from tests.station.house import until
from voltide.domain.messages import GivePriority, LimitTold


def limit(source="EMS", watts=10_000, **more):
    period = {"startPeriod": 0, "limit": watts}
    schedule = {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [period]}
    return {"chargingLimit": {"chargingLimitSource": source}, "chargingSchedule": [schedule], **more}


def outside(house):
    return {str(evse): band.upper for evse, band in house.station.crew.demand.outside.items()}


def evse(house, charger="V1"):
    return next(one.id for one in house.station.crew.station.evses if one.charger == charger)


@pytest.mark.ocpp("2.0.1 2.1", "NotifyChargingLimit", "ClearedChargingLimit")
@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_a_limit_of_somebody_else_holds_from_the_next_second_until_it_is_lifted(tmp_path, version):
    async def work(house):
        async with pole(house, "V1", version) as one:
            await one.plug_in()
            await one.event("Updated", wh=1000.0)
            name, place = evse(house), house.station.crew.wiring.index[evse(house)]
            assert await one.call("NotifyChargingLimit", limit(evseId=1)) == {}
            await until(lambda: house.station.loop.decision.target_w[place] <= 10_000)
            assert outside(house) == {name: 10_000}
            await until(lambda: house.station.loop.decision.target_w[place] > 0)
            assert (
                house.station.crew.planner.wants(list, house.station.crew.demand, house.station.loop._flows()).most_w[
                    place
                ]
                == 10_000
            )
            assert await one.call("NotifyChargingLimit", limit("SO", 6_000)) == {}
            assert outside(house) == {name: 6_000}
            assert await one.call("ClearedChargingLimit", {"chargingLimitSource": "EMS", "evseId": 1}) == {}
            assert outside(house) == {name: 6_000}
            assert await one.call("ClearedChargingLimit", {"chargingLimitSource": "SO"}) == {}
            assert outside(house) == {}

    in_house(tmp_path, work)


def test_a_limit_of_a_whole_charger_holds_for_each_of_its_outlets_and_after_our_restart(tmp_path):
    async def first(house):
        async with pole(house, "F1") as one:
            assert await one.call("NotifyChargingLimit", limit(watts=7_000)) == {}
            assert sorted(outside(house).values()) == [7_000, 7_000]

    async def second(house):
        await until(lambda: sorted(outside(house).values()) == [7_000, 7_000])
        assert told(house, "limit", LimitTold)["F1", "0/EMS"].limit_w == 7_000

    in_house(tmp_path, first)
    in_house(tmp_path, second)


@pytest.mark.ocpp("2.1", "NotifyEVChargingSchedule")
def test_what_a_car_intends_is_accepted_only_within_every_limit(tmp_path):
    def intends(watts):
        period = {"startPeriod": 0, "limit": watts}
        schedule = {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [period]}
        return {"timeBase": now(), "chargingSchedule": schedule, "evseId": 1}

    async def work(house):
        async with pole(house, "V1") as one:
            said = [
                (await one.call("NotifyEVChargingSchedule", intends(watts)))["status"] for watts in (50_000, 70_000)
            ]
            assert said == ["Accepted", "Rejected"]
            await one.call("NotifyChargingLimit", limit(evseId=1))
            assert (await one.call("NotifyEVChargingSchedule", intends(50_000)))["status"] == "Rejected"

    in_house(tmp_path, work)


@pytest.mark.ocpp("2.1", "NotifyPriorityCharging")
def test_priority_is_served_first_and_ends_with_the_stay(tmp_path):
    async def work(house):
        first = house.station.crew.demand.first
        async with pole(house, "V1") as one:
            assert (await house.order(GivePriority(evse=evse(house), active=True))).code == "no-car"
            await one.plug_in()
            await one.event("Updated", wh=1000.0)
            told_ = {"transactionId": one.transaction, "activated": True}
            assert await one.call("NotifyPriorityCharging", told_) == {}
            assert first == {evse(house)}
            await until(lambda: (wish := house.station.crew.planner.wish(evse(house))) and wish.why == "priority")
            assert await one.call("NotifyPriorityCharging", told_ | {"activated": False}) == {}
            assert first == set()
            assert (await house.order(GivePriority(evse=evse(house), active=True))).done
            await one.unplug()
            assert first == set()

    in_house(tmp_path, work)


def test_nobody_gets_priority_for_another_chargers_transaction(tmp_path):
    async def work(house):
        async with pole(house, "V1") as one, pole(house, "V2") as other:
            await one.plug_in()
            await other.call("NotifyPriorityCharging", {"transactionId": one.transaction, "activated": True})
            assert house.station.crew.demand.first == set()

    in_house(tmp_path, work)


class Steered:
    """A charger that another system has left a profile in."""

    def __init__(self, *, stubborn=False):
        self.profiles, self.stubborn, self.cleared = (
            {7: "TxDefaultProfile", 2001: "TxDefaultProfile", 9: "ChargingStationMaxProfile"},
            stubborn,
            [],
        )
        self.asked = None

    def answers(self):
        return {"GetChargingProfiles": self.ask, "ClearChargingProfile": self.clear}

    def ask(self, body):
        self.asked = body["requestId"]
        return {"status": "Accepted"}

    def clear(self, body):
        self.cleared.append(body["chargingProfileId"])
        if not self.stubborn:
            self.profiles.pop(body["chargingProfileId"], None)
        return {"status": "Accepted"}

    async def report(self, one):
        number, self.asked = self.asked, None
        period = {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 60_000}]}
        found = [
            {
                "id": who,
                "stackLevel": 5,
                "chargingProfilePurpose": what,
                "chargingProfileKind": "Relative",
                "chargingSchedule": [period],
            }
            for who, what in self.profiles.items()
        ]
        await one.call(
            "ReportChargingProfiles",
            {"requestId": number, "chargingLimitSource": "CSO", "evseId": 1, "chargingProfile": found},
        )


@pytest.mark.ocpp("2.1", "GetChargingProfiles", "ReportChargingProfiles", "ClearChargingProfile")
def test_a_profile_that_could_override_ours_is_taken_away_and_one_that_stays_needs_a_person(tmp_path):
    async def work(house):
        for stubborn in (False, True):
            box = Steered(stubborn=stubborn)
            async with pole(house, "V1", **box.answers()) as one:
                await until(lambda box=box: box.asked)
                await box.report(one)
                await until(lambda box=box: box.asked)
                await box.report(one)
                assert box.cleared == [7]
                assert alarms(house, "foreign-profile") == (["V1"] if stubborn else [])

    in_house(tmp_path, work)
