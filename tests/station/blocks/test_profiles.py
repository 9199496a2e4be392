"""What chargers hold is what they were given: a safe power that has gone is given again, a higher reckoning is corrected."""

import pytest

from tests.station.blocks.poles import alarms, in_house, pole
from tests.station.house import until
from voltide.domain.messages import LimitOutlet
from voltide.station.blocks import profiles


def fallback(limit=5_000.0, number=2001, unit="W"):
    period = {"id": 1, "chargingRateUnit": unit, "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}]}
    return {
        "id": number, "stackLevel": 0, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Relative",
        "chargingSchedule": [period],
    }  # fmt: skip


async def report(one, *parts):
    """Answer the last question with parts of a list."""
    number = one.asked("GetChargingProfiles")[-1]["requestId"]
    for at, part in enumerate(parts):
        body = {"requestId": number, "chargingLimitSource": "CSO", "evseId": 1, "tbc": at < len(parts) - 1}
        await one.call("ReportChargingProfiles", body | {"chargingProfile": part})


def given(one):
    """How often the safe power was given."""
    return sum(body["chargingProfile"]["id"] == 2001 for body in one.asked("SetChargingProfile"))


@pytest.mark.ocpp("2.0.1 2.1", "GetChargingProfiles", "ReportChargingProfiles")
@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_a_safe_power_that_is_as_it_was_given_is_left_alone(tmp_path, version):
    async def work(house):
        async with pole(house, "V1", version) as one:
            await until(lambda: one.asked("GetChargingProfiles"))
            before = given(one)
            cap = fallback(number=7) | {"chargingProfilePurpose": "ChargingStationMaxProfile"}
            await report(one, [cap], [fallback()])
            await report(one, [fallback(limit=9e9)])  # a list that nobody has asked for now
            await one.call("Heartbeat", {})
            assert given(one) == before
            assert alarms(house, "profile-lost") == []

    in_house(tmp_path, work)


@pytest.mark.parametrize("held", [[fallback(number=9)], [fallback(limit=60_000.0)]])
def test_a_safe_power_that_has_gone_or_changed_is_given_again(tmp_path, held):
    async def work(house):
        async with pole(house, "V1") as one:
            await until(lambda: one.asked("GetChargingProfiles"))
            before = given(one)
            await report(one, held)
            await until(lambda: given(one) == before + 1)
            assert alarms(house, "profile-lost") == []

    in_house(tmp_path, work)


def test_a_charger_without_any_profile_is_given_its_safe_power_and_one_that_refuses_it_is_an_alarm(tmp_path):
    async def work(house):
        answers = {"GetChargingProfiles": {"status": "NoProfiles"}}
        async with pole(house, "V1", **answers) as one:
            await until(lambda: given(one) >= 2)
        async with pole(house, "V2", **answers, SetChargingProfile={"status": "Rejected"}):
            await until(lambda: alarms(house, "profile-lost") == ["V2"], 40)

    in_house(tmp_path, work)


def composite(limit):
    schedule = {
        "evseId": 1, "duration": 60, "scheduleStart": "2026-01-01T00:00:00Z", "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
    }  # fmt: skip
    return {"status": "Accepted", "schedule": schedule}


@pytest.mark.ocpp("2.0.1", "GetCompositeSchedule")
def test_a_charger_that_reckons_with_more_than_it_was_told_is_told_again(tmp_path, monkeypatch):
    monkeypatch.setattr(profiles, "EVERY_S", 2.0)

    async def work(house):
        async with pole(house, "N1", "2.0.1", GetCompositeSchedule=composite(60_000.0)) as one:
            await house.order(LimitOutlet(evse="N1-1", limit_w=5_000.0))
            await one.plug_in()
            await one.event("Updated", wh=1000.0)
            await until(lambda: alarms(house, "schedule-differs") == ["N1-1"], 25)
            one.answers["GetCompositeSchedule"] = composite(0.0)
            await until(lambda: alarms(house, "schedule-differs") == [], 25)

    in_house(tmp_path, work)


@pytest.mark.ocpp("1.6", "GetCompositeSchedule")
def test_a_1_6_charger_is_asked_for_its_reckoning_too(tmp_path, monkeypatch):
    monkeypatch.setattr(profiles, "EVERY_S", 1.0)

    async def work(house):
        async with pole(house, "F1", "1.6") as one:
            body = {"connectorId": 1, "idTag": "CARD", "meterStart": 0, "timestamp": "2026-01-01T00:00:00Z"}
            await one.call("StartTransaction", body)
            await until(lambda: one.asked("GetCompositeSchedule"), 25)
            assert one.asked("GetCompositeSchedule")[0]["connectorId"] == 1
            await one.call("Heartbeat", {})  # what comes after the answer
            assert alarms(house, "schedule-differs") == []

    in_house(tmp_path, work)
