"""Charging profiles as the three versions write them, and composite schedules as they are answered.

Bodies are plain JSON that the schema of its version let through; what is none raises ValueError. Said values are
rounded to tenths towards 0, so a limit goes down and a discharge limit gives back less.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from voltide.domain.messages import Json
from voltide.domain.site import OcppVersion
from voltide.domain.time import stamp
from voltide.ocpp.composite import Asked, Composite
from voltide.ocpp.merging import total
from voltide.ocpp.schedule import (
    Curve,
    Kind,
    Mode,
    Period,
    Phased,
    Profile,
    Purpose,
    Recurrency,
    Schedule,
    Unit,
    nearest,
)
from voltide.ocpp.wire import maybe_moment, present, tenths

_OLD_PURPOSE = "ChargePointMaxProfile"
_PHASES = ("", "_L2", "_L3")
_NOISE = 9
"""Digits that survive: binary noise of a conversion must not cost a tenth."""


def read_profile(version: OcppVersion, evse: int, body: Json, received: datetime, source: str = "CSO") -> Profile:
    """A profile from ``csChargingProfiles`` (1.6) or ``chargingProfile`` (2.0.1, 2.1), as sent to an EVSE.

    >>> period = {"startPeriod": 0, "limit": 16.0, "numberPhases": 3}
    >>> body = {"chargingProfileId": 3, "stackLevel": 1, "chargingProfilePurpose": "ChargePointMaxProfile",
    ...         "chargingProfileKind": "Absolute",
    ...         "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": [period]}}
    >>> read = read_profile(OcppVersion.V16, 0, body, datetime(2026, 1, 1, tzinfo=UTC))
    >>> read.purpose.value, read.schedules[0].periods[0].limit.each
    ('ChargingStationMaxProfile', (16.0,))
    """
    old = version is OcppVersion.V16
    told = body["chargingProfilePurpose"]
    kind = Kind(body["chargingProfileKind"])
    schedules = [body["chargingSchedule"]] if old else body["chargingSchedule"]
    transaction = body.get("transactionId")
    recurrency = body.get("recurrencyKind")
    return Profile(
        id=body["chargingProfileId" if old else "id"],
        purpose=Purpose.STATION_MAX if told == _OLD_PURPOSE else Purpose(told),
        schedules=tuple(_schedule(one) for one in schedules),
        evse=evse,
        stack_level=body["stackLevel"],
        kind=kind,
        recurrency=None if recurrency is None else Recurrency(recurrency),
        valid_from=_moment(body, "validFrom"),
        valid_to=_moment(body, "validTo"),
        transaction_id=None if transaction is None else str(transaction),
        max_offline_s=body.get("maxOfflineDuration"),
        dies_offline=body.get("invalidAfterOfflineDuration", False),
        update_interval_s=body.get("dynUpdateInterval", 0),
        updated=_moment(body, "dynUpdateTime") or (received if kind is Kind.DYNAMIC else None),
        received=received,
        source=source,
    )


def read_update(body: Json) -> Period:
    """The values of a ``scheduleUpdate``, to be given to ``schedule.updated``."""
    return Period(limit=_phased(body, "limit"), discharge=_phased(body, "dischargeLimit"), setpoint=_setpoint(body))


def read_asked(payload: Json, now: datetime, unit: Unit) -> Asked:
    """A GetCompositeSchedule of any version; the unit is the charger's own where none is asked for."""
    evse = payload["connectorId"] if "connectorId" in payload else payload["evseId"]
    return Asked(evse, now, payload["duration"], Unit(payload.get("chargingRateUnit", unit)))


def composite_answer(version: OcppVersion, composite: Composite) -> Json:
    """The body of an accepted GetCompositeSchedule.

    >>> periods = (Period(limit=Phased(16.06)), Period(start=60, limit=Phased(16.09)))
    >>> day = datetime(2026, 1, 1, tzinfo=UTC)
    >>> composite = Composite(evse=1, start=day, duration_s=120, unit=Unit.A, periods=periods)
    >>> composite_answer(OcppVersion.V16, composite)["chargingSchedule"]["chargingSchedulePeriod"]
    [{'startPeriod': 0, 'limit': 16.0}]
    """
    start = stamp(composite.start)
    if version is OcppVersion.V16:
        schedule = {
            "duration": composite.duration_s,
            "startSchedule": start,
            "chargingRateUnit": composite.unit.value,
            "chargingSchedulePeriod": _distinct(composite, _said_16),
        }
        return {
            "status": "Accepted",
            "connectorId": composite.evse,
            "scheduleStart": start,
            "chargingSchedule": schedule,
        }
    say = _said_201 if version is OcppVersion.V201 else _said_21
    schedule = {
        "evseId": composite.evse,
        "duration": composite.duration_s,
        "scheduleStart": start,
        "chargingRateUnit": composite.unit.value,
        "chargingSchedulePeriod": _distinct(composite, say),
    }
    return {"status": "Accepted", "schedule": schedule}


def _schedule(body: Json) -> Schedule:
    local = body.get("useLocalTime", False)
    beyond = body.get("limitAtSoC")
    return Schedule(
        unit=Unit(body["chargingRateUnit"]),
        periods=tuple(_period(one) for one in body["chargingSchedulePeriod"]),
        start=_wall(body, "startSchedule") if local else _moment(body, "startSchedule"),
        duration_s=body.get("duration"),
        limit_at_soc=None if beyond is None else (beyond["soc"] / 100, float(beyond["limit"])),
        randomized_delay_s=body.get("randomizedDelay", 0),
        local_time=local,
    )


def _period(body: Json) -> Period:
    baseline = body.get("v2xBaseline")
    return Period(
        start=body["startPeriod"],
        limit=_phased(body, "limit"),
        discharge=_phased(body, "dischargeLimit"),
        setpoint=_setpoint(body),
        phases=body.get("numberPhases"),
        phase=body.get("phaseToUse"),
        mode=Mode(body.get("operationMode", Mode.CHARGING_ONLY)),
        baseline_w=None if baseline is None else float(baseline),
        frequency_watt=_curve(body.get("v2xFreqWattCurve", ()), "frequency"),
        signal_watt=_curve(body.get("v2xSignalWattCurve", ()), "signal"),
        sleep=body.get("evseSleep", False),
        precondition=body.get("preconditioningRequest", False),
    )


def _setpoint(body: Json) -> Phased | None:
    return _phased(body, "setpoint")


def _phased(body: Json, name: str) -> Phased | None:
    told = [body.get(name + phase) for phase in _PHASES]
    if all(value is None for value in told):
        return None
    return Phased(*(None if value is None else float(value) for value in told))


def _curve(points: Iterable[Json], at: str) -> Curve:
    return tuple((float(point[at]), float(point["power"])) for point in points)


def _moment(body: Json, name: str) -> datetime | None:
    """A time that is absent, or one that is to be understood: a validity that is lost would never end."""
    told = body.get(name)
    moment = maybe_moment(told)
    if told is not None and moment is None:
        raise ValueError(f"{name} is {told!r}, which is no time")
    return moment


def _wall(body: Json, name: str) -> datetime | None:
    """What the station's own clock shows: the time as it is written, whatever offset stands behind it."""
    if _moment(body, name) is None:
        return None
    return datetime.fromisoformat(str(body[name]).strip()).replace(tzinfo=UTC)


def _distinct(composite: Composite, say: Callable[[Period, Unit], Json]) -> list[Json]:
    """The periods as they are said; those that rounding made equal are one."""
    said: list[Json] = []
    for period in composite.periods:
        one = present(say(period, composite.unit))
        if not said or said[-1] | {"startPeriod": period.start} != one:
            said.append(one)
    return said


def _said_16(period: Period, unit: Unit) -> Json:
    return {"startPeriod": period.start, "limit": _flat(period, unit), "numberPhases": period.phases}


def _said_201(period: Period, unit: Unit) -> Json:
    return _said_16(period, unit) | {"phaseToUse": period.phase}


def _said_21(period: Period, _: Unit) -> Json:
    """Everything that a period says. L2 and L3 stand there only where a profile told them. Source: K08.FR.09."""
    curves = {
        "v2xFreqWattCurve": [{"frequency": at, "power": power} for at, power in period.frequency_watt],
        "v2xSignalWattCurve": [{"signal": int(at), "power": power} for at, power in period.signal_watt],
    }
    return {
        "startPeriod": period.start,
        "numberPhases": period.phases,
        "phaseToUse": period.phase,
        "operationMode": None if period.mode is Mode.CHARGING_ONLY else period.mode.value,
        "v2xBaseline": period.baseline_w,
        "evseSleep": period.sleep or None,
        "preconditioningRequest": period.precondition or None,
        **_each("limit", period.limit),
        **_each("dischargeLimit", period.discharge),
        **_each("setpoint", period.setpoint),
        **{name: points for name, points in curves.items() if points},
    }


def _each(name: str, values: Phased | None) -> Json:
    if values is None:
        return {}
    return {
        name + phase: None if value is None else _rounded(value) for phase, value in zip(_PHASES, values, strict=True)
    }


def _flat(period: Period, unit: Unit) -> float:
    """One limit for versions that know no L2 and L3: no phase gets more than the least of them."""
    each = (period.limit or Phased(0.0)).each
    return _rounded(total(each, period.phases or 3) if unit is Unit.W else nearest(each))


def _rounded(value: float) -> float:
    return tenths(round(value, _NOISE))
