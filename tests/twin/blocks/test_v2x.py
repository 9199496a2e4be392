"""Modes of operation, transfers, priority and other people's limits (K11, K21, K27, Q)."""

from datetime import timedelta

import pytest

from tests.twin.blocks.profiles import limits, profile, put
from tests.twin.blocks.test_model import write
from tests.twin.scene import V16, V21, V201, Scene, play
from voltide.domain.messages import Json
from voltide.domain.site import OcppVersion
from voltide.domain.time import stamp
from voltide.domain.units import kw
from voltide.twin.blocks.external import External, Wish
from voltide.twin.blocks.sharing import Sharing

DROOP = [{"frequency": 49.8, "power": -kw(20)}, {"frequency": 50.0, "power": 0.0}, {"frequency": 50.2, "power": kw(20)}]
SIGNAL = [{"signal": -10, "power": -kw(10)}, {"signal": 10, "power": kw(10)}]


def mode(name: str, **values: object) -> Json:
    return {"operationMode": name} | values


@pytest.mark.ocpp("2.1", "SetChargingProfile")
def test_an_outlet_follows_the_grid_s_frequency_along_its_curve() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        period = mode("LocalFrequency", v2xBaseline=kw(10), v2xFreqWattCurve=DROOP)
        assert await put(scene, profile(scene, 7, period)) == "Accepted"
        for frequency, power in ((50.0, kw(10)), (49.9, 0.0), (49.7, -kw(10)), (50.1, kw(20)), (50.5, kw(30))):
            scene.twin.grid.frequency_hz = frequency
            await scene.wait(12)
            assert scene.power == pytest.approx(power, abs=1.0)

    play(V21, "V01", story)


@pytest.mark.ocpp("2.1", "AFRRSignal")
def test_the_secondary_signal_comes_on_top_from_its_time_on() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        signal = {"signal": -10, "timestamp": stamp(scene.clock.now())}
        assert await scene.status("AFRRSignal", signal) == "Rejected"
        curves = {"v2xFreqWattCurve": DROOP, "v2xSignalWattCurve": SIGNAL}
        period = mode("LocalFrequency", v2xBaseline=kw(5), **curves)
        assert await put(scene, profile(scene, 7, period)) == "Accepted"
        assert await scene.status("AFRRSignal", signal) == "Accepted"
        await scene.wait(10)
        assert scene.power == pytest.approx(-kw(5))
        later = stamp(scene.clock.now() + timedelta(seconds=20))
        assert await scene.status("AFRRSignal", {"signal": 0, "timestamp": later}) == "Accepted"
        await scene.wait(15)
        assert scene.power == pytest.approx(-kw(5))
        await scene.wait(15)
        assert scene.power == pytest.approx(kw(5))

    play(V21, "V01", story)


def test_an_outlet_keeps_the_site_between_its_thresholds() -> None:
    async def story(scene: Scene) -> None:
        for name, value in (("UpperThreshold", "2000"), ("LowerThreshold", "0"), ("UpperOffset", "-500")):
            place = {"instance": name}
            assert await write(scene, "V2XChargingCtrlr", "LocalLoadBalancing", value, **place) == "Accepted"
        await scene.park()
        assert await put(scene, profile(scene, 7, mode("LocalLoadBalancing"))) == "Accepted"
        for load, power in ((kw(12), -kw(10.5)), (kw(1), 0.0), (-kw(8), kw(8)), (kw(200), -kw(60))):
            scene.twin.grid.site_w = load
            await scene.wait(15)
            assert scene.power == pytest.approx(power, abs=1.0)

    play(V21, "V01", story)


def test_idle_is_no_power_and_a_band_is_never_left() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        assert await put(scene, profile(scene, 7, mode("Idle"), level=2, schedule={"duration": 30})) == "Accepted"
        band = {"setpoint": -kw(50), "limit": kw(11), "dischargeLimit": -kw(22)}
        assert await put(scene, profile(scene, 8, mode("CentralSetpoint", **band), level=1)) == "Accepted"
        await scene.wait(20)
        assert scene.power == 0.0
        await scene.wait(30)
        assert scene.power == -kw(22)
        assert await put(scene, profile(scene, 9, mode("Idle", limit=0.0))) == "Rejected:InvalidSchedule"

    play(V21, "V01", story)


@pytest.mark.ocpp("2.1", "SetChargingProfile")
def test_an_empty_car_gives_nothing_back_whatever_is_asked() -> None:
    async def story(scene: Scene) -> None:
        await scene.park(0.051)
        assert await put(scene, profile(scene, 7, mode("CentralSetpoint", setpoint=-kw(40)))) == "Accepted"
        await scene.wait(120)
        assert scene.power > -kw(1)
        assert scene.twin.outlets[0].car is not None
        assert scene.twin.outlets[0].car.soc >= 0.05

    play(V21, "V01", story)


@pytest.mark.ocpp("2.1", "NotifyAllowedEnergyTransfer", "NotifyEVChargingNeeds")
def test_a_transfer_that_is_not_allowed_any_more_stops_and_the_car_is_asked_anew() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        await scene.order(scene.setpoint(-kw(30), 60.0))
        await scene.wait(15)
        assert scene.power == -kw(30)
        running = scene.depot.guests["V01"].running[1]
        body = {"transactionId": running, "allowedEnergyTransfer": ["DC"]}
        assert await scene.status("NotifyAllowedEnergyTransfer", body) == "Accepted"
        await scene.wait(5)
        assert scene.power == 0.0
        needs = [told["chargingNeeds"]["requestedEnergyTransfer"] for told in scene.said("NotifyEVChargingNeeds")]
        assert needs == ["DC_BPT", "DC"]
        await scene.status("NotifyAllowedEnergyTransfer", body | {"allowedEnergyTransfer": ["DC", "DC_BPT"]})
        await scene.wait(10)
        assert scene.power == -kw(30)
        assert await scene.status("NotifyAllowedEnergyTransfer", body | {"transactionId": "x"}) == "Rejected"

    play(V21, "V01", story)


@pytest.mark.ocpp("2.1", "NotifyEVChargingNeeds")
def test_needs_that_are_turned_down_become_smaller_and_then_end_the_stay() -> None:
    async def story(scene: Scene) -> None:
        scene.depot.answers["NotifyEVChargingNeeds"] = {"status": "Rejected"}
        await scene.park()
        await scene.wait(5)
        needs = [told["chargingNeeds"]["requestedEnergyTransfer"] for told in scene.said("NotifyEVChargingNeeds")]
        assert needs == ["DC_BPT", "DC"]
        assert scene.events[-1].stopped_reason == "ReqEnergyTransferRejected"

    play(V21, "V01", story)


@pytest.mark.ocpp("2.1", "UsePriorityCharging", "NotifyPriorityCharging")
def test_priority_stands_for_all_of_a_transaction_s_profiles() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        await put(scene, profile(scene, 7, mode("CentralSetpoint", setpoint=-kw(30))))
        await scene.wait(15)
        running = scene.depot.guests["V01"].running[1]
        use = {"transactionId": running, "activate": True}
        assert await scene.status("UsePriorityCharging", use) == "NoProfile"
        fast = profile(scene, 9, *limits((0, kw(45))), purpose="PriorityCharging", evse=0)
        assert await put(scene, fast) == "Accepted"
        assert await scene.status("UsePriorityCharging", use | {"transactionId": "x"}) == "Rejected"
        assert await scene.status("UsePriorityCharging", use) == "Accepted"
        await scene.wait(20)
        assert scene.power == kw(45)
        assert await scene.status("UsePriorityCharging", use | {"activate": False}) == "Accepted"
        await scene.wait(20)
        assert scene.power == -kw(30)
        told = [(one["transactionId"], one["activated"]) for one in scene.said("NotifyPriorityCharging")]
        assert told == [(running, True), (running, False)]

    play(V21, "V01", story)


def test_a_driver_s_wish_for_priority_at_the_charger_is_told_even_after_a_lost_line() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        fast = profile(scene, 9, *limits((0, kw(45))), purpose="PriorityCharging", evse=0)
        assert await put(scene, fast) == "Accepted"
        scene.fault("link-lost")
        await scene.wait(10)
        assert scene.twin.part(Sharing).prioritise(scene.twin.bays[1], active=True)
        await scene.wait(20)
        assert scene.power == kw(45)
        scene.fault("link-lost", begins=False)
        await scene.wait(40)
        assert [one["activated"] for one in scene.said("NotifyPriorityCharging")] == [True]

    play(V21, "V01", story)


@pytest.mark.ocpp("2.0.1 2.1", "NotifyChargingLimit", "ClearedChargingLimit")
@pytest.mark.parametrize(("version", "name"), [(V201, "V20"), (V21, "V01")])
def test_an_energy_manager_s_limit_is_followed_and_told(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        await scene.order(scene.setpoint(kw(40), 600.0))
        await scene.wait(10)
        manager = scene.twin.part(External)
        assert manager.want(Wish(limit_w=kw(15)))
        await scene.wait(10)
        assert scene.power == kw(15)
        [told] = scene.said("NotifyChargingLimit")
        assert told["chargingLimit"] == {"chargingLimitSource": "EMS", "isGridCritical": False}
        assert told["chargingSchedule"][0]["chargingSchedulePeriod"][0]["limit"] == kw(15)
        assert "ChargingRateChanged" in {event.trigger for event in scene.events}
        manager.want(Wish(limit_w=kw(15.1)))
        await scene.wait(2)
        assert len(scene.said("NotifyChargingLimit")) == 1
        clear = {"chargingProfileCriteria": {"chargingProfilePurpose": "ChargingStationExternalConstraints"}}
        assert await scene.status("ClearChargingProfile", clear) == "Unknown"
        await scene.status("GetChargingProfiles", {"requestId": 4, "chargingProfile": {"chargingLimitSource": ["EMS"]}})
        await scene.wait(2)
        assert [one["evseId"] for one in scene.said("ReportChargingProfiles")] == [0]
        manager.lift()
        await scene.wait(10)
        assert scene.power == kw(40)
        assert [one["chargingLimitSource"] for one in scene.said("ClearedChargingLimit")] == ["EMS"]
        assert not scene.twin.desk.closed

    play(version, name, story)


def test_a_1_6_charger_follows_an_energy_manager_and_has_no_words_for_it() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        await scene.order(scene.setpoint(kw(40), 600.0))
        scene.twin.part(External).want(Wish(limit_w=kw(15)))
        await scene.wait(10)
        assert scene.power == kw(15)
        scene.twin.part(External).lift()
        await scene.wait(10)
        assert scene.power == kw(40)
        assert scene.said("NotifyChargingLimit") == []

    play(V16, "V03", story)


def test_an_external_setpoint_is_followed_within_the_station_s_band() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        band = {"limit": kw(20), "dischargeLimit": -kw(12)}
        assert await put(scene, profile(scene, 7, mode("ExternalSetpoint", **band))) == "Accepted"
        await scene.wait(5)
        assert scene.power == 0.0
        manager = scene.twin.part(External)
        for wish, power in ((kw(8), kw(8)), (-kw(30), -kw(12)), (kw(90), kw(20))):
            manager.want(Wish(evse=1, setpoint_w=wish))
            await scene.wait(15)
            assert scene.power == power

    play(V21, "V01", story)


def test_local_generation_comes_on_top_and_is_told_as_such() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        assert await put(scene, profile(scene, 7, *limits((0, kw(5)), (9000, 0.0)))) == "Accepted"
        scene.twin.part(External).want(Wish(evse=1, limit_w=kw(2), generation=True))
        await scene.wait(10)
        assert scene.power == kw(7)
        assert scene.said("NotifyChargingLimit")[0]["chargingLimit"]["isLocalGeneration"] is True
        scene.twin.part(External).lift(evse=1, generation=True)
        await scene.wait(10)
        assert scene.power == kw(5)

    play(V21, "V01", story)


def test_an_external_limit_is_not_heeded_where_that_is_forbidden() -> None:
    async def story(scene: Scene) -> None:
        await write(scene, "SmartChargingCtrlr", "ExternalConstraintsProfileDisallowed", "true")
        assert not scene.twin.part(External).want(Wish(limit_w=kw(1)))
        assert scene.said("NotifyChargingLimit") == []

    play(V21, "V01", story)


def test_all_outlets_together_give_back_no_more_than_the_charger_may() -> None:
    async def story(scene: Scene) -> None:
        for evse in (1, 2):
            await scene.park(evse=evse)
            body = profile(scene, evse, mode("CentralSetpoint", setpoint=-kw(40)), evse=evse)
            assert await put(scene, body) == "Accepted"
        scene.twin.part(External).want(Wish(limit_w=kw(100), discharge_w=-kw(50)))
        lowest = 0.0
        for _ in range(40):
            await scene.wait(1)
            lowest = min(lowest, sum(outlet.power_w for outlet in scene.twin.outlets))
        assert lowest == pytest.approx(-kw(50))

    play(V21, "V01", story)
