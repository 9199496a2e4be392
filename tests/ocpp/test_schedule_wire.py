"""Charging profiles and composite schedules as the three versions write them."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.ocpp.tongues import V16, V21, V201, official
from voltide.ocpp.composite import Asked, Composite, compose
from voltide.ocpp.schedule import Kind, Mode, Period, Phased, Purpose, Recurrency, Unit, updated
from voltide.ocpp.schedule_wire import composite_answer, read_asked, read_profile, read_update
from voltide.ocpp.timeline import EvseNow, StationNow
from voltide.ocpp.wire import request, response

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
STATION = StationNow(evses=(EvseNow(number=1, default_w=22_080.0, transaction="T", started=NOON),))


def heard(version, action, body):
    """A request as it comes in: the public schema has agreed with it."""
    return official(version, action, request(version, action, body).request)


def said(version, composite):
    answer = composite_answer(version, composite)
    return official(version, "GetCompositeSchedule", response(version, "GetCompositeSchedule", answer), answer=True)


OLD = {
    "connectorId": 1,
    "csChargingProfiles": {
        "chargingProfileId": 4,
        "transactionId": 12,
        "stackLevel": 2,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Recurring",
        "recurrencyKind": "Weekly",
        "validFrom": "2026-06-01T14:00:00+02:00",
        "validTo": "2026-06-02T12:00:00.900Z",
        "chargingSchedule": {
            "duration": 3600,
            "startSchedule": "2026-05-25T12:00:00Z",
            "chargingRateUnit": "A",
            "chargingSchedulePeriod": [
                {"startPeriod": 0, "limit": 16.1, "numberPhases": 3},
                {"startPeriod": 60, "limit": 6.0},
            ],
        },
    },
}


def test_a_profile_of_1_6_is_read():
    body = heard(V16, "SetChargingProfile", OLD)["csChargingProfiles"]
    one = read_profile(V16, 1, body, NOON)
    assert (one.id, one.evse, one.stack_level, one.transaction_id) == (4, 1, 2, "12")
    assert (one.purpose, one.kind, one.recurrency) == (Purpose.TX, Kind.RECURRING, Recurrency.WEEKLY)
    assert (one.valid_from, one.valid_to) == (NOON, NOON + timedelta(days=1, milliseconds=900))
    schedule = one.schedules[0]
    assert (schedule.unit, schedule.start, schedule.duration_s) == (Unit.A, NOON - timedelta(days=7), 3600)
    assert schedule.periods == (Period(limit=Phased(16.1), phases=3), Period(start=60, limit=Phased(6.0)))


NEW = {
    "evseId": 1,
    "chargingProfile": {
        "id": -9,
        "stackLevel": 1,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Dynamic",
        "transactionId": "T",
        "maxOfflineDuration": 60,
        "invalidAfterOfflineDuration": True,
        "dynUpdateInterval": 10,
        "dynUpdateTime": "2026-06-01T11:59:00Z",
        "chargingSchedule": [
            {
                "id": 1,
                "chargingRateUnit": "W",
                "duration": 300,
                "limitAtSoC": {"soc": 80, "limit": 2000},
                "chargingSchedulePeriod": [
                    {
                        "startPeriod": 0,
                        "limit": 9000,
                        "limit_L2": 8000,
                        "limit_L3": 7000,
                        "dischargeLimit": -5000,
                        "setpoint": -6000.06,
                        "numberPhases": 3,
                        "operationMode": "CentralSetpoint",
                        "v2xBaseline": 100,
                        "v2xFreqWattCurve": [{"frequency": 49.8, "power": -7000}, {"frequency": 50.2, "power": 7000}],
                        "v2xSignalWattCurve": [{"signal": -1, "power": -500.0}],
                        "preconditioningRequest": True,
                    }
                ],
            }
        ],
    },
}


def test_a_profile_of_2_1_is_read_with_all_that_2_1_brought():
    body = heard(V21, "SetChargingProfile", NEW)["chargingProfile"]
    one = read_profile(V21, 1, body, NOON, "EMS")
    assert (one.kind, one.max_offline_s, one.dies_offline, one.update_interval_s) == (Kind.DYNAMIC, 60, True, 10)
    assert (one.updated, one.received, one.source) == (NOON - timedelta(minutes=1), NOON, "EMS")
    assert one.schedules[0].limit_at_soc == (0.8, 2000.0)
    assert one.schedules[0].periods == (
        Period(
            limit=Phased(9000.0, 8000.0, 7000.0),
            discharge=Phased(-5000.0),
            setpoint=Phased(-6000.06),
            phases=3,
            mode=Mode.CENTRAL_SETPOINT,
            baseline_w=100.0,
            frequency_watt=((49.8, -7000.0), (50.2, 7000.0)),
            signal_watt=((-1.0, -500.0),),
            precondition=True,
        ),
    )


def test_a_dynamic_profile_that_does_not_say_when_it_was_updated_was_so_when_it_came():
    body = heard(V21, "SetChargingProfile", NEW)["chargingProfile"]
    del body["dynUpdateTime"]
    assert read_profile(V21, 1, body, NOON).updated == NOON


def test_an_update_is_read_and_given_to_its_profile():
    told = {"chargingProfileId": -9, "scheduleUpdate": {"setpoint": 4000, "dischargeLimit": -1000.0}}
    body = heard(V21, "UpdateDynamicSchedule", told)["scheduleUpdate"]
    one = read_profile(V21, 1, heard(V21, "SetChargingProfile", NEW)["chargingProfile"], NOON)
    period = updated(one, read_update(body), NOON).schedules[0].periods[0]
    assert (period.setpoint, period.discharge, period.limit.l1) == (Phased(4000.0), Phased(-1000.0), 9000.0)


def test_a_schedule_in_local_time_is_read_as_the_wall_clock_shows_it():
    body = heard(V21, "SetChargingProfile", NEW)["chargingProfile"] | {"chargingProfileKind": "Absolute"}
    schedule = body["chargingSchedule"][0] | {"useLocalTime": True, "startSchedule": "2026-06-01T08:00:00+05:00"}
    read = read_profile(V21, 1, body | {"chargingSchedule": [schedule]}, NOON).schedules[0]
    assert (read.local_time, read.start) == (True, datetime(2026, 6, 1, 8, tzinfo=UTC))


@pytest.mark.parametrize("name", ["validFrom", "validTo"])
def test_a_validity_that_is_no_time_is_an_error_and_not_for_ever(name):
    body = heard(V16, "SetChargingProfile", OLD)["csChargingProfiles"] | {name: "soon"}
    with pytest.raises(ValueError, match=name):
        read_profile(V16, 1, body, NOON)


def test_the_question_is_read_in_all_versions():
    old = heard(V16, "GetCompositeSchedule", {"connectorId": 0, "duration": 60, "chargingRateUnit": "A"})
    assert read_asked(old, NOON, Unit.W) == Asked(0, NOON, 60, Unit.A)
    new = heard(V21, "GetCompositeSchedule", {"evseId": 1, "duration": 60})
    assert read_asked(new, NOON, Unit.W) == Asked(1, NOON, 60, Unit.W)


def test_a_composite_of_2_1_tells_everything():
    one = read_profile(V21, 1, heard(V21, "SetChargingProfile", NEW)["chargingProfile"], NOON)
    answer = said(V21, compose([one], STATION, Asked(1, NOON, 600, Unit.W)))
    first, last = answer["schedule"].pop("chargingSchedulePeriod")
    assert answer == {
        "status": "Accepted",
        "schedule": {
            "evseId": 1,
            "duration": 600,
            "scheduleStart": "2026-06-01T12:00:00.000Z",
            "chargingRateUnit": "W",
        },
    }
    assert first == {
        "startPeriod": 0,
        "limit": 9000.0,
        "limit_L2": 8000.0,
        "limit_L3": 7000.0,
        "dischargeLimit": -1666.6,  # the whole is shared out, and rounded towards 0
        "dischargeLimit_L2": -1666.6,
        "dischargeLimit_L3": -1666.6,
        "setpoint": -1666.6,
        "setpoint_L2": -1666.6,
        "setpoint_L3": -1666.6,
        "numberPhases": 3,
        "operationMode": "CentralSetpoint",
        "preconditioningRequest": True,
        "v2xBaseline": 100.0,
        "v2xFreqWattCurve": [{"frequency": 49.8, "power": -7000.0}, {"frequency": 50.2, "power": 7000.0}],
        "v2xSignalWattCurve": [{"signal": -1, "power": -500.0}],
    }
    assert last == {"startPeriod": 240, "limit": 22_080.0}  # 300 s after its last update


def test_a_composite_of_1_6_and_of_2_0_1_tells_limits_and_phases_only():
    one = read_profile(V21, 1, heard(V21, "SetChargingProfile", NEW)["chargingProfile"], NOON)
    composite = compose([one], STATION, Asked(1, NOON, 60, Unit.W))
    # 7000 W is the least of three phases: a car that takes the same from all may take no more than three of it.
    period = {"startPeriod": 0, "limit": 21_000.0, "numberPhases": 3}
    assert said(V201, composite)["schedule"]["chargingSchedulePeriod"] == [period]
    assert said(V16, composite) == {
        "status": "Accepted",
        "connectorId": 1,
        "scheduleStart": "2026-06-01T12:00:00.000Z",
        "chargingSchedule": {
            "duration": 60,
            "startSchedule": "2026-06-01T12:00:00.000Z",
            "chargingRateUnit": "W",
            "chargingSchedulePeriod": [period],
        },
    }


def test_a_limit_of_two_phases_is_said_as_their_sum():
    period = Period(limit=Phased(3000.0, 2000.0, 2500.0), phases=2)
    composite = Composite(evse=1, start=NOON, duration_s=60, unit=Unit.W, periods=(period,))
    assert said(V201, composite)["schedule"]["chargingSchedulePeriod"][0]["limit"] == 4000.0


@pytest.mark.parametrize(
    ("exact", "told"),
    [(16.06, 16.0), (-5000.06, -5000.0), (16.099999999999998, 16.1), (0.09, 0.0), (-0.09, 0.0), (6900.0, 6900.0)],
)
def test_what_is_said_is_rounded_towards_0_without_losing_a_tenth_to_noise(exact, told):
    period = Period(limit=Phased(abs(exact)), setpoint=Phased(exact), discharge=Phased(-abs(exact)))
    composite = Composite(evse=1, start=NOON, duration_s=60, unit=Unit.W, periods=(period,))
    line = said(V21, composite)["schedule"]["chargingSchedulePeriod"][0]
    assert (line["limit"], line["setpoint"], line["dischargeLimit"]) == (abs(told), told, -abs(told))


def test_periods_that_rounding_makes_equal_are_said_once():
    periods = (Period(limit=Phased(16.01)), Period(start=9, limit=Phased(16.09)), Period(start=20, limit=Phased(17.0)))
    composite = Composite(evse=0, start=NOON, duration_s=60, unit=Unit.A, periods=periods)
    for version, key in ((V16, "chargingSchedule"), (V201, "schedule"), (V21, "schedule")):
        lines = said(version, composite)[key]["chargingSchedulePeriod"]
        assert [line["startPeriod"] for line in lines] == [0, 20]
