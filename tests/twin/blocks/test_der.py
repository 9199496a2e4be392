"""Controls of distributed energy (R): kept, ranked, begun, ended, and obeyed."""

from datetime import timedelta

import pytest

from tests.twin.blocks.profiles import limits, profile, put
from tests.twin.scene import V21, Scene, play
from voltide.domain.messages import Json
from voltide.domain.time import stamp
from voltide.domain.units import kw
from voltide.twin.blocks.der import Der

FIELDS = {
    "FreqDroop": "freqDroop",
    "LimitMaxDischarge": "limitMaxDischarge",
    "EnterService": "enterService",
    "Gradients": "gradient",
    "FixedVar": "fixedVar",
    "FixedPFInject": "fixedPFInject",
}
DROOP = {"overFreq": 50.2, "underFreq": 49.8, "overDroop": 0.04, "underDroop": 0.04, "responseTime": 1.0}


def curve(*points: tuple[float, float], unit: str = "Not_Applicable") -> Json:
    return {"curveData": [{"x": x, "y": y} for x, y in points], "yUnit": unit}


def control(number: str, kind: str, body: Json, priority: int = 5, **more: object) -> Json:
    told = {"controlId": number, "controlType": kind, "isDefault": True}
    return told | {FIELDS.get(kind, "curve"): {"priority": priority} | body | more}


def scheduled(scene: Scene, asked: Json, after_s: float, lasts_s: float) -> Json:
    start = stamp(scene.clock.now() + timedelta(seconds=after_s))
    field = next(key for key in asked if isinstance(asked[key], dict))
    return asked | {"isDefault": False, field: asked[field] | {"startTime": start, "duration": lasts_s}}


async def ders(scene: Scene, **asked: object) -> list[Json]:
    """The controls as they are reported, whatever their shape."""
    scene.depot.heard.clear()
    if await scene.status("GetDERControl", {"requestId": 6} | asked) == "NotFound":
        return []
    await scene.wait(3)
    parts = scene.said("ReportDERControl")
    assert [part.get("tbc", False) for part in parts] == [True] * (len(parts) - 1) + [False]
    return [row for part in parts for key, rows in part.items() if isinstance(rows, list) for row in rows]


def alarms(scene: Scene) -> list[tuple[str, str | None, bool]]:
    told = scene.said("NotifyDERAlarm")
    return [(one["controlType"], one.get("gridEventFault"), one.get("alarmEnded", False)) for one in told]


@pytest.mark.ocpp("2.1", "SetDERControl")
def test_a_control_that_breaks_a_rule_is_refused() -> None:
    async def story(scene: Scene) -> None:
        async def answer(asked: Json) -> str:
            return await scene.status("SetDERControl", asked)

        good = control("a", "FreqDroop", DROOP)
        assert await answer(good) == "Accepted"
        assert await answer(good | {"controlType": "VoltVar"}) == "Rejected"
        assert await answer(good | {"curve": {"priority": 0} | curve((1.0, 1.0))}) == "Rejected"
        timed = scheduled(scene, good, 10, 10)
        assert await answer(timed | {"isDefault": True}) == "Rejected"
        assert await answer(good | {"isDefault": False}) == "Rejected"
        gradient = control("g", "Gradients", {"gradient": 1.0, "softGradient": 1.0})
        assert await answer(gradient | {"isDefault": False}) == "Rejected"
        assert len(await ders(scene)) == 1

    play(V21, "V01", story)


@pytest.mark.ocpp("2.1", "SetDERControl")
def test_a_charger_without_an_inverter_supports_none() -> None:
    async def story(scene: Scene) -> None:
        assert await scene.status("SetDERControl", control("a", "FreqDroop", DROOP)) == "NotSupported"
        assert await scene.status("GetDERControl", {"requestId": 1}) == "NotFound"

    play(V21, "H1", story)


@pytest.mark.ocpp("2.1", "GetDERControl", "ReportDERControl", "ClearDERControl")
def test_controls_of_every_shape_are_told_in_parts_and_cleared_by_what_is_said_of_them() -> None:
    async def story(scene: Scene) -> None:
        enter = {"highVoltage": 110.0, "lowVoltage": 90.0, "highFreq": 50.2, "lowFreq": 49.8}
        wanted = [
            control("droop", "FreqDroop", DROOP),
            control("most", "LimitMaxDischarge", {"pctMaxDischargePower": 50.0}),
            control("enter", "EnterService", enter),
            control("ramp", "Gradients", {"gradient": 2.0, "softGradient": 1.0}),
            control("var", "FixedVar", {"setpoint": 10.0, "unit": "PctMaxVar"}),
            control("pf", "FixedPFInject", {"displacement": 0.95, "excitation": True}),
            *(
                control(f"c{kind}", kind, curve((100.0, 5.0)))
                for kind in ("HVMustTrip", "LVMustTrip", "VoltVar", "WattPF")
            ),
        ]
        for one in wanted:
            assert await scene.status("SetDERControl", one) == "Accepted"
        told = await ders(scene)
        assert sorted(one["id"] for one in told) == sorted(one["controlId"] for one in wanted)
        assert len(scene.said("ReportDERControl")) == 2
        [trip] = await ders(scene, controlType="HVMustTrip")
        assert trip["curve"]["curveData"] == [{"x": 100.0, "y": 5.0}]
        assert (trip["curveType"], trip["isDefault"], trip["isSuperseded"]) == ("HVMustTrip", True, False)
        assert await ders(scene, isDefault=False) == []
        clear = {"isDefault": False, "controlId": "droop"}
        assert await scene.status("ClearDERControl", clear) == "NotFound"
        assert await scene.status("ClearDERControl", clear | {"isDefault": True}) == "Accepted"
        assert await scene.status("ClearDERControl", {"isDefault": True, "controlType": "WattPF"}) == "Accepted"
        assert len(await ders(scene)) == 8
        assert await scene.status("ClearDERControl", {"isDefault": True}) == "Accepted"
        assert await ders(scene) == []

    play(V21, "V01", story)


@pytest.mark.ocpp("2.1", "NotifyDERStartStop")
def test_of_a_kind_the_one_with_more_weight_is_obeyed_and_what_is_over_is_forgotten() -> None:
    async def story(scene: Scene) -> None:
        def most(number: str, percent: float, priority: int) -> Json:
            return control(number, "LimitMaxDischarge", {"pctMaxDischargePower": percent}, priority)

        await scene.park()
        await scene.order(scene.setpoint(-kw(60), 3600.0))
        assert await scene.call("SetDERControl", most("low", 50.0, 7)) == {"status": "Accepted"}
        await scene.wait(15)
        assert scene.power == -kw(30)
        answer = await scene.call("SetDERControl", most("high", 40.0, 3))
        assert answer == {"status": "Accepted", "supersededIds": ["low"]}
        answer = await scene.call("SetDERControl", most("weak", 10.0, 9))
        assert answer == {"status": "Accepted", "supersededIds": ["weak"]}
        await scene.wait(15)
        assert scene.power == -kw(24)
        assert {one["id"]: one["isSuperseded"] for one in await ders(scene)} == {
            "low": True,
            "high": False,
            "weak": True,
        }
        first = scheduled(scene, most("first", 20.0, 5), 10, 60)
        assert await scene.call("SetDERControl", first) == {"status": "Accepted"}
        scene.depot.heard.clear()
        await scene.wait(25)
        assert scene.power == -kw(12)
        second = scheduled(scene, most("second", 30.0, 4), 20, 60)
        assert await scene.call("SetDERControl", second) == {"status": "Accepted"}
        await scene.wait(15)
        assert scene.power == -kw(12)
        await scene.wait(20)
        assert scene.power == -kw(18)
        await scene.wait(60)
        assert scene.power == -kw(24)
        told = [
            (one["controlId"], one["started"], one.get("supersededIds")) for one in scene.said("NotifyDERStartStop")
        ]
        assert told == [("first", True, None), ("second", True, ["first"]), ("second", False, None)]
        assert {one["id"] for one in await ders(scene)} == {"low", "high", "weak"}

    play(V21, "V01", story)


def test_beside_a_setpoint_of_the_station_a_droop_moves_power_towards_zero_only() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        await scene.order(scene.setpoint(-kw(10), 3600.0))
        assert await scene.status("SetDERControl", control("d", "FreqDroop", DROOP)) == "Accepted"
        for frequency, power in ((50.0, -kw(10)), (50.4, -kw(4)), (49.6, -kw(10)), (52.5, 0.0), (47.0, -kw(10))):
            scene.twin.grid.frequency_hz = frequency
            await scene.wait(20)
            assert scene.power == pytest.approx(power, abs=5.0)

    play(V21, "V01", story)


@pytest.mark.ocpp("2.1", "NotifyDERAlarm")
def test_a_droop_moves_the_power_within_the_band_and_says_so() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        wide = {"operationMode": "CentralSetpoint", "setpoint": -kw(10), "limit": kw(60), "dischargeLimit": -kw(60)}
        assert await put(scene, profile(scene, 7, wide)) == "Accepted"
        assert await scene.status("SetDERControl", control("d", "FreqDroop", DROOP)) == "Accepted"
        for frequency, power in ((50.0, -kw(10)), (50.4, -kw(4)), (49.6, -kw(16)), (52.5, kw(59)), (47.0, -kw(60))):
            scene.twin.grid.frequency_hz = frequency
            await scene.wait(20)
            assert scene.power == pytest.approx(power, abs=5.0)
        scene.twin.grid.frequency_hz = 50.0
        await scene.wait(20)
        assert scene.power == -kw(10)
        faults = [fault for _, fault, _ in alarms(scene)]
        assert alarms(scene)[0] == ("FreqDroop", "OverFrequency", False)
        assert alarms(scene)[-1][2] is True
        assert len(faults) == 2

    play(V21, "V01", story)


def test_a_droop_breaks_no_profile_s_limit() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        assert await put(scene, profile(scene, 7, *limits((0, kw(11)), (9000, 0.0)))) == "Accepted"
        await scene.status("SetDERControl", control("d", "FreqDroop", DROOP))
        scene.twin.grid.frequency_hz = 52.0
        await scene.wait(20)
        assert scene.power == kw(11)
        scene.twin.grid.frequency_hz = 49.6
        await scene.wait(20)
        assert scene.power == pytest.approx(kw(5))

    play(V21, "V01", story)


def test_voltage_and_frequency_curves_cap_what_is_given_back() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        await scene.order(scene.setpoint(-kw(60), 3600.0))
        volts = curve((105.0, 100.0), (110.0, 0.0), unit="PctMaxW")
        assert await scene.status("SetDERControl", control("v", "VoltWatt", volts)) == "Accepted"
        hertz = curve((50.5, 100.0), (51.0, 20.0), unit="PctMaxW")
        assert await scene.status("SetDERControl", control("f", "FreqWatt", hertz)) == "Accepted"
        await scene.wait(20)
        assert scene.power == -kw(60)
        scene.twin.grid.voltage_pu = 1.075
        await scene.wait(15)
        assert scene.power == pytest.approx(-kw(30))
        scene.twin.grid.frequency_hz = 51.5
        await scene.wait(15)
        assert scene.power == pytest.approx(-kw(12))
        scene.twin.grid.voltage_pu, scene.twin.grid.frequency_hz = 1.0, 50.0
        await scene.wait(20)
        assert scene.power == -kw(60)
        assert sorted(alarms(scene)) == [
            ("FreqWatt", "OverFrequency", False),
            ("FreqWatt", "OverFrequency", True),
            ("VoltWatt", "OverVoltage", False),
            ("VoltWatt", "OverVoltage", True),
        ]

    play(V21, "V01", story)


TRIPS = [
    ("HFMustTrip", [(51.0, 5.0), (52.0, 0.0)], {"frequency_hz": 51.5}, "OverFrequency"),
    ("LFMustTrip", [(49.0, 5.0), (47.0, 0.0)], {"frequency_hz": 48.0}, "UnderFrequency"),
    ("HVMustTrip", [(110.0, 5.0), (120.0, 0.0)], {"voltage_pu": 1.15}, "OverVoltage"),
    ("LVMustTrip", [(88.0, 5.0), (50.0, 0.0)], {"voltage_pu": 0.7}, "UnderVoltage"),
]


@pytest.mark.parametrize(("kind", "points", "grid", "fault"), TRIPS)
def test_a_grid_that_is_out_for_too_long_trips_and_the_way_back_is_slow(
    kind: str, points: list[tuple[float, float]], grid: dict[str, float], fault: str
) -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        await scene.order(scene.setpoint(kw(60), 3600.0))
        assert await scene.status("SetDERControl", control("t", kind, curve(*points))) == "Accepted"
        enter = {"highVoltage": 105.0, "lowVoltage": 95.0, "highFreq": 50.2, "lowFreq": 49.8}
        back = {"delay": 30.0, "rampRate": 1.0}
        assert await scene.status("SetDERControl", control("e", "EnterService", enter | back)) == "Accepted"
        await scene.wait(20)
        assert scene.power == kw(60)
        normal = {name: getattr(scene.twin.grid, name) for name in grid}

        def put_grid(values: dict[str, float]) -> None:
            for name, value in values.items():
                setattr(scene.twin.grid, name, value)

        put_grid(grid)
        await scene.wait(3)
        assert scene.power == kw(60)
        put_grid(normal)
        await scene.wait(10)
        put_grid(grid)
        await scene.wait(8)
        assert scene.power == 0.0
        put_grid(normal)
        await scene.wait(25)
        assert scene.power == 0.0
        await scene.wait(15)
        assert 0.0 < scene.power < kw(10)
        await scene.wait(100)
        assert scene.power == kw(60)
        assert alarms(scene) == [(kind, fault, False), (kind, fault, True)]

    play(V21, "V01", story)


def test_a_momentary_cessation_is_over_with_the_dip() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        await scene.order(scene.setpoint(-kw(40), 3600.0))
        assert await scene.status("SetDERControl", control("c", "LVMomCess", curve((70.0, 0.0)))) == "Accepted"
        await scene.wait(20)
        scene.twin.grid.voltage_pu = 0.6
        await scene.wait(2)
        assert scene.power == 0.0
        scene.twin.grid.voltage_pu = 1.0
        await scene.wait(12)
        assert scene.power == -kw(40)

    play(V21, "V01", story)


def test_gradients_slow_every_change_down_and_clearing_them_ends_it() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        gradient = control("g", "Gradients", {"gradient": 1.0, "softGradient": 1.0})
        assert await scene.status("SetDERControl", gradient) == "Accepted"
        await scene.order(scene.setpoint(kw(30), 3600.0))
        start = scene.power
        await scene.wait(10)
        assert scene.power - start == pytest.approx(kw(6), abs=kw(1.3))
        assert await scene.status("ClearDERControl", {"isDefault": True}) == "Accepted"
        await scene.wait(6)
        assert scene.power == kw(30)

    play(V21, "V01", story)


def test_reactive_power_follows_its_controls() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        await scene.order(scene.setpoint(-kw(30), 3600.0))
        await scene.wait(20)
        bay = scene.twin.bays[1]
        assert (
            await scene.status("SetDERControl", control("q", "FixedVar", {"setpoint": 50.0, "unit": "PctMaxVar"}))
            == "Accepted"
        )
        assert scene.twin.part(Der).reactive(bay) == pytest.approx(0.5 * 0.44 * kw(60))
        await scene.status("ClearDERControl", {"isDefault": True})
        volts = curve((95.0, 44.0), (100.0, 0.0), (105.0, -44.0), unit="PctMaxVar")
        assert await scene.status("SetDERControl", control("u", "VoltVar", volts)) == "Accepted"
        scene.twin.grid.voltage_pu = 1.025
        assert scene.twin.part(Der).reactive(bay) == pytest.approx(-0.22 * 0.44 * kw(60))
        await scene.status("ClearDERControl", {"isDefault": True})
        factor = control("p", "FixedPFInject", {"displacement": 0.8, "excitation": True})
        assert await scene.status("SetDERControl", factor) == "Accepted"
        assert scene.twin.part(Der).reactive(bay) == pytest.approx(0.75 * kw(30))
        assert alarms(scene) == []

    play(V21, "V01", story)


def test_controls_survive_a_restart_and_hold_offline() -> None:
    async def story(scene: Scene) -> None:
        assert await scene.status("SetDERControl", control("d", "FreqDroop", DROOP)) == "Accepted"
        await scene.call("Reset", {"type": "Immediate"})
        await scene.wait(60)
        assert scene.twin.online
        assert [one["id"] for one in await ders(scene)] == ["d"]
        await scene.park()
        scene.fault("link-lost")
        scene.twin.grid.frequency_hz = 49.6
        await scene.wait(20)
        assert scene.power == 0.0

    play(V21, "V01", story)
