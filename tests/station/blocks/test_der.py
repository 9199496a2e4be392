"""DER control: the station's list is every capable charger's, again after a restart; a grid out of its band is an alarm."""

import pytest

from tests.station.blocks.poles import alarms, in_house, now, pole, told
from tests.station.house import until
from voltide.domain.messages import CallCharger, DropDer, Outcome, PutDer
from voltide.domain.reports import DerControl, DerStarted
from voltide.station.blocks.der import MOST, MOST_ALARMS

DEAF = {"status": "NotSupported"}
MOST_OUT = {"priority": 1, "pctMaxDischargePower": 50.0}


def control(name="most", kind="LimitMaxDischarge", body=None, *, default=True):
    return DerControl(id=name, kind=kind, default=default, body=MOST_OUT if body is None else body)


class Inverter:
    """What a charger with DER control keeps, and answers by."""

    def __init__(self):
        self.held, self.pole, self.forgets = {}, None, False

    def answers(self):
        return {"SetDERControl": self.set, "GetDERControl": self.get, "ClearDERControl": self.clear}

    def set(self, body):
        if not self.forgets:
            self.held[body["controlId"]] = body
        return {"status": "Accepted"}

    def get(self, body):
        self.asked = body["requestId"]
        return {"status": "Accepted"} if self.held else {"status": "NotFound"}

    def clear(self, body):
        return {"status": "Accepted" if self.held.pop(body["controlId"], None) else "NotFound"}

    async def report(self, one):
        """Tell what it holds, in two parts when there is more than one."""
        ids = sorted(self.held)
        for name in ids:
            item = {
                "id": name,
                "isDefault": True,
                "isSuperseded": False,
                "limitMaxDischarge": self.held[name]["limitMaxDischarge"],
            }
            body = {"requestId": self.asked, "tbc": name != ids[-1], "limitMaxDischarge": [item]}
            assert await one.call("ReportDERControl", body) == {}


@pytest.mark.ocpp("2.1", "SetDERControl", "ReportDERControl", "ClearDERControl")
def test_a_control_of_the_station_is_given_to_every_capable_charger_and_taken_back(tmp_path):
    async def work(house):
        one, other = Inverter(), Inverter()
        async with (
            pole(house, "V1", **one.answers()) as v1,
            pole(house, "V2", **other.answers()),
            pole(house, "N1", "2.0.1"),
            pole(house, "F1", "2.1", SetDERControl=DEAF, ClearDERControl=DEAF),
        ):
            reply = await house.order(PutDer(control=control()))
            assert (reply.done, reply.detail) == (True, "2 of 3")
            assert one.held["most"]["limitMaxDischarge"] == MOST_OUT
            assert list(other.held) == ["most"]
            one.asked = 5
            await one.report(v1)
            assert told(house, "der", DerControl)["V1", "most"].body == MOST_OUT
            assert (await house.order(DropDer(id="most"))).detail == "2 of 3"
            assert (one.held, other.held) == ({}, {})
            assert (await house.order(DropDer(id="most"))).code == "unknown-order"

    in_house(tmp_path, work)


def test_a_charger_that_comes_later_or_after_our_restart_gets_what_is_wanted(tmp_path):
    async def first(house):
        await house.order(PutDer(control=control()))
        await house.order(PutDer(control=control("gone")))
        await house.order(DropDer(id="gone"))

    async def second(house):
        late = Inverter()
        async with pole(house, "V1", **late.answers()):
            await until(lambda: list(late.held) == ["most"])

    in_house(tmp_path, first)
    in_house(tmp_path, second)


@pytest.mark.ocpp("2.1", "GetDERControl")
def test_a_charger_that_says_yes_and_keeps_nothing_is_named(tmp_path):
    async def work(house):
        await house.order(PutDer(control=control()))
        liar = Inverter()
        liar.forgets = True
        async with pole(house, "V1", **liar.answers()):
            await until(lambda: alarms(house, "der-missing") == ["V1"])
        liar.forgets = False
        async with pole(house, "V1", **liar.answers()) as one:
            await until(lambda: one.asked("GetDERControl"))
            await liar.report(one)
            assert alarms(house, "der-missing") == []

    in_house(tmp_path, work)


@pytest.mark.ocpp("2.1", "NotifyDERAlarm", "NotifyDERStartStop")
def test_a_grid_that_leaves_its_band_is_an_alarm_until_it_is_back(tmp_path):
    async def work(house):
        async with pole(house, "V1") as one:
            told_ = {"controlType": "HFMustTrip", "timestamp": now(), "gridEventFault": "OverFrequency"}
            for _ in range(2):
                assert await one.call("NotifyDERAlarm", told_) == {}
            assert alarms(house, "der-alarm") == ["V1 HFMustTrip"]
            assert await one.call("NotifyDERAlarm", told_ | {"alarmEnded": True}) == {}
            assert alarms(house, "der-alarm") == []
            started = {"controlId": "droop", "started": True, "timestamp": now(), "supersededIds": ["old"]}
            assert await one.call("NotifyDERStartStop", started) == {}
            assert told(house, "der-active", DerStarted)["V1", "droop"].superseded == ("old",)

    in_house(tmp_path, work)


def test_a_control_of_the_station_is_not_changed_at_one_charger_by_hand(tmp_path):
    async def work(house):
        one = Inverter()
        async with pole(house, "V1", **one.answers()):
            await house.order(PutDer(control=control()))
            body = {
                "isDefault": True,
                "controlId": "most",
                "controlType": "LimitMaxDischarge",
                "limitMaxDischarge": {"priority": 1, "pctMaxDischargePower": 100.0},
            }
            result = await house.bus.request(
                "station.corner.order", CallCharger(charger="V1", action="SetDERControl", payload=body)
            )
            assert result.outcome is Outcome.REFUSED
            assert "PutDer" in result.reason
            clear = CallCharger(charger="V1", action="ClearDERControl", payload={"isDefault": True})
            assert (await house.bus.request("station.corner.order", clear)).outcome is Outcome.REFUSED
            assert one.held["most"]["limitMaxDischarge"] == MOST_OUT
            own = body | {"controlId": "own"}
            result = await house.bus.request(
                "station.corner.order", CallCharger(charger="V1", action="SetDERControl", payload=own)
            )
            assert result.outcome is Outcome.ACCEPTED
            assert set(one.held) == {"most", "own"}

    in_house(tmp_path, work)


def test_neither_controls_nor_alarms_grow_without_end(tmp_path):
    async def work(house):
        replies = [await house.order(PutDer(control=control(f"c{n}"))) for n in range(MOST + 1)]
        assert [reply.done for reply in replies] == [True] * MOST + [False]
        async with pole(house, "N1", "2.1", SetDERControl={"status": "NotSupported"}) as one:
            for kind in ("HFMustTrip", "HFMayTrip", "HVMustTrip", "HVMomCess", "HVMayTrip", "LFMustTrip", "LVMustTrip", "LVMomCess",
                         "LVMayTrip", "PowerMonitoringMustTrip", "VoltVar", "VoltWatt", "WattPF", "WattVar", "FreqDroop", "FreqWatt", "FixedVar"):  # fmt: skip
                await one.call("NotifyDERAlarm", {"controlType": kind, "timestamp": now()})
            assert len(alarms(house, "der-alarm")) == MOST_ALARMS

    in_house(tmp_path, work)


CURVE = {"priority": 1, "yUnit": "PctMaxW", "curveData": [{"x": 50.2, "y": 100.0}, {"x": 51.0, "y": 0.0}]}


def test_a_curve_that_only_lowers_what_is_given_back_is_given_to_all(tmp_path):
    async def work(house):
        one = Inverter()
        async with pole(house, "V1", **one.answers()):
            reply = await house.order(PutDer(control=control("watt", "FreqWatt", CURVE)))
            assert (reply.done, set(one.held)) == (True, {"watt"})
            forced = CURVE | {"curveData": [{"x": 50.2, "y": 100.0}, {"x": 51.0, "y": -20.0}]}
            reply = await house.order(PutDer(control=control("force", "FreqWatt", forced)))
            assert (reply.done, reply.code, set(one.held)) == (False, "refused", {"watt"})

    in_house(tmp_path, work)


def test_a_control_that_moves_power_past_its_setpoint_is_given_to_nobody(tmp_path):
    droop = {
        "priority": 1,
        "overFreq": 50.2,
        "underFreq": 49.8,
        "overDroop": 5.0,
        "underDroop": 5.0,
        "responseTime": 1.0,
    }

    async def work(house):
        one = Inverter()
        async with pole(house, "V1", **one.answers()):
            reply = await house.order(PutDer(control=control("droop", "FreqDroop", droop)))
            assert (reply.done, reply.code) == (False, "refused")
            body = {"isDefault": True, "controlId": "droop", "controlType": "FreqDroop", "freqDroop": droop}
            call = CallCharger(charger="V1", action="SetDERControl", payload=body)
            result = await house.bus.request("station.corner.order", call)
            assert result.outcome is Outcome.REFUSED
            assert "ShareOutlet" in result.reason
            assert one.held == {}

    in_house(tmp_path, work)
