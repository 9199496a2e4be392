import pytest

from tests.twin.scene import EVERY, START, V21, V201, Scene, play
from voltide.domain.messages import (
    Accepted,
    ApplySetpoint,
    Ask,
    Refused,
    SetpointPulled,
)
from voltide.domain.site import OcppVersion
from voltide.domain.units import kw


def test_a_negative_limit_takes_power_back_until_its_duration_is_over() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        assert isinstance(await scene.order(scene.setpoint(-kw(50), 20.0)), Accepted)
        await scene.wait(15)
        assert scene.power == -kw(50)
        await scene.wait(15)
        assert scene.power >= 0.0
        assert scene.twin.outlets[0].export_wh > 100.0
        assert min(event.samples[0].power_w for event in scene.events if event.samples) == -kw(50)  # type: ignore[type-var]

    play(V201, "V20", story)


def test_a_dynamic_setpoint_is_changed_in_place_and_stands_while_the_line_does() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        assert isinstance(await scene.order(scene.setpoint(kw(20), 10.0)), Accepted)
        await scene.wait(4)
        assert isinstance(await scene.order(scene.setpoint(-kw(30), fresh=False)), Accepted)
        await scene.wait(120)
        assert scene.power == -kw(30)
        assert scene.told(SetpointPulled) == []

    play(V21, "V01", story)


@pytest.mark.parametrize("fault", ["link-lost", "half-open"])
def test_a_charger_that_is_alone_for_too_long_gives_nothing_back_any_more(fault: str) -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        await scene.order(scene.setpoint(-kw(30), 10.0))
        await scene.wait(20)
        assert scene.power == -kw(30)
        scene.fault(fault)
        await scene.wait(6)
        assert scene.power == -kw(30)
        await scene.wait(9)
        assert scene.power >= 0.0

    play(V21, "V01", story)


def test_a_short_silence_ends_nothing() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        await scene.order(scene.setpoint(-kw(30), 20.0))
        await scene.wait(20)
        scene.fault("half-open")
        await scene.wait(12)
        scene.fault("half-open", begins=False)
        await scene.wait(60)
        assert scene.power == -kw(30)

    play(V21, "V01", story)


def test_a_dynamic_profile_that_wants_it_is_asked_for_its_value() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        scene.depot.wish = lambda _guest, _evse: -kw(30)
        period = {"startPeriod": 0, "operationMode": "CentralSetpoint", "setpoint": kw(10), "limit": kw(60)}
        schedule = {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [period | {"dischargeLimit": -kw(60)}]}
        profile = {
            "id": 1001,
            "stackLevel": 1,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Dynamic",
            "transactionId": "V01-000001",
            "maxOfflineDuration": 30,
            "dynUpdateInterval": 10,
            "chargingSchedule": [schedule],
        }
        ask = Ask(action="SetChargingProfile", payload={"evseId": 1, "chargingProfile": profile})
        assert isinstance(await scene.order(ask), Accepted)
        await scene.wait(62)
        assert scene.power == -kw(30)
        assert 4 <= len(scene.told(SetpointPulled)) <= 6

    play(V21, "V01", story)


def test_a_value_for_a_profile_that_is_not_there_is_refused() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        assert isinstance(await scene.order(scene.setpoint(kw(20), fresh=False)), Refused)

    play(V21, "V01", story)


@EVERY
def test_a_setpoint_without_a_transaction_is_refused(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        order = ApplySetpoint(
            evse=1, transaction_id="17", power_w=kw(9), lease_s=9, now=START, ceiling_w=kw(60), floor_w=0.0
        )
        assert isinstance(await scene.order(order), Refused)

    play(version, name, story)
