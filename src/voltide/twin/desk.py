"""The quick way to power: one setpoint and one fallback for an outlet, without the general rules of profiles.

Nearly all profiles that a charger gets are the house's own: a TxProfile of one period for now, and one TxDefaultProfile
below it. As long as nothing else is installed these two are followed here. What is anything else, be it by one field,
goes to ``blocks.charging``, which takes over what is kept here and follows all of it by the rules of the specification.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Protocol

from voltide.domain.messages import ApplySetpoint, Json
from voltide.domain.site import Charger, OcppVersion, V2g
from voltide.domain.time import Clock
from voltide.domain.units import Watts
from voltide.ocpp.profiles import evse_of, profile_of
from voltide.ocpp.wire import Supply, moment
from voltide.twin.bay import Bay
from voltide.twin.faults import Troubles

FALLBACK = 2000
"""The ids of the house's fallbacks: this, and the outlet's number."""
ACCEPTED: Json = {"status": "Accepted"}
ACTIONS = frozenset({"ClearChargingProfile", "SetChargingProfile", "UpdateDynamicSchedule"})
_SETPOINT = frozenset(
    """
    id chargingProfileId stackLevel chargingProfilePurpose chargingProfileKind transactionId chargingSchedule
    maxOfflineDuration invalidAfterOfflineDuration
    """.split()  # noqa: SIM905 - a list of names reads best as a paragraph
)
_DEFAULT = _SETPOINT - {"transactionId", "maxOfflineDuration", "invalidAfterOfflineDuration"}
_SCHEDULE = frozenset({"id", "chargingRateUnit", "chargingSchedulePeriod"})
_LASTING = _SCHEDULE | {"startSchedule", "duration"}
_BAND = frozenset({"setpoint", "limit", "dischargeLimit"})
_DYNAMIC = _BAND | {"startPeriod", "operationMode"}
_STATIC = frozenset({"startPeriod", "limit"})


class Box(Protocol):
    """The charger behind the desk."""

    charger: Charger
    version: OcppVersion
    clock: Clock
    bays: Mapping[int, Bay]
    troubles: Troubles

    def known_id(self, transaction: str | None) -> str | None:
        """A transaction id as the station knows it."""
        ...


@dataclass(frozen=True, slots=True)
class Kept:
    """A profile that is followed here: where it was sent, its body, and when it came."""

    evse: int
    body: Json
    received: datetime


class Desk:
    """Takes profiles as long as they are plain. ``closed`` once the general rules have taken over."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._supply = Supply()
        self._kept: dict[int, Kept] = {}
        self.closed = False

    def do(self, action: str, body: Json) -> Json | None:
        """The body of the answer, or None: it is not plain."""
        if self.closed:
            return None
        if action == "SetChargingProfile":
            return self._set(body)
        return self._update(body) if action == "UpdateDynamicSchedule" else self._clear(body)

    def reopen(self, bodies: list[Json]) -> bool:
        """Follow these again, if all of them are plain; False: some are not, and nothing is followed here."""
        self._kept.clear()
        self.closed = False
        for bay in self._box.bays.values():
            bay.outlet.profiles.forget()
        self.closed = not all(self._set(body) is ACCEPTED for body in bodies)
        return not self.closed

    def kept(self) -> list[Kept]:
        """What is installed now; setpoints have ended with their transactions and leases."""
        return [one for number, one in self._kept.items() if evse_of(number) is None or self._stands(one)]

    def _stands(self, one: Kept) -> bool:
        bay, profile = self._box.bays[one.evse], _profile(one.body)
        running = bay.transaction is not None and self._known(bay) == str(profile["transactionId"])
        return running and (profile["chargingProfileKind"] != "Dynamic" or bay.outlet.profiles.dynamic)

    def _known(self, bay: Bay) -> str | None:
        return self._box.known_id(bay.transaction)

    # --- set ---

    def _set(self, body: Json) -> Json | None:
        evse, profile = int(body["connectorId" if "connectorId" in body else "evseId"]), _profile(body)
        bay = self._box.bays.get(evse)
        schedule = _only_schedule(profile)
        if bay is None or schedule is None or len(schedule["chargingSchedulePeriod"]) != 1:
            return None
        period = schedule["chargingSchedulePeriod"][0]
        number = int(profile["chargingProfileId" if "chargingProfileId" in profile else "id"])
        if number == profile_of(evse):
            answer = self._setpoint(bay, profile, schedule, period)
        elif number == FALLBACK + evse:
            answer = self._fallback(bay, profile, schedule, period)
        else:
            return None
        if answer is ACCEPTED:
            self._kept[number] = Kept(evse, body, self._box.clock.now())
        return answer

    def _setpoint(self, bay: Bay, profile: Json, schedule: Json, period: Json) -> Json | None:
        """A setpoint of the transaction: dynamic, or for a duration from now."""
        dynamic = profile["chargingProfileKind"] == "Dynamic"
        plain = (
            profile.keys() <= _SETPOINT
            and (profile["stackLevel"], profile["chargingProfilePurpose"]) == (1, "TxProfile")
            and (_plain_dynamic if dynamic else _plain_static)(profile, schedule, period)
        )
        if not plain or (dynamic and self._box.charger.v2g is not V2g.DYNAMIC):
            return None
        if bay.transaction is None or str(profile["transactionId"]) != self._known(bay):
            return self._no("TxNotFound")
        power = self._watts(period["setpoint" if dynamic else "limit"], schedule)
        if self._box.troubles.refusing or (power < 0 and not dynamic and self._box.charger.v2g is V2g.NONE):
            return self._no("InvalidSchedule")
        now = self._box.clock.now()
        start = now if dynamic else moment(schedule["startSchedule"], now)
        span = profile.get("maxOfflineDuration", inf) if dynamic else schedule["duration"]
        lease_s = float(span) if dynamic else float(span) - max(0.0, (now - start).total_seconds())
        order = ApplySetpoint(
            evse=bay.number,
            transaction_id="",
            power_w=power,
            lease_s=lease_s,
            now=now,
            ceiling_w=period["limit"] if dynamic else max(power, 0.0),
            floor_w=period["dischargeLimit"] if dynamic else min(power, 0.0),
        )
        bay.outlet.profiles.set(order, self._box.clock.monotonic(), dynamic=dynamic)
        bay.outlet.look()
        return ACCEPTED

    def _fallback(self, bay: Bay, profile: Json, schedule: Json, period: Json) -> Json | None:
        plain = (
            profile.keys() <= _DEFAULT
            and schedule.keys() <= _SCHEDULE
            and period.keys() == _STATIC
            and (profile["stackLevel"], profile["chargingProfilePurpose"]) == (0, "TxDefaultProfile")
            and profile["chargingProfileKind"] == "Relative"
        )
        if not plain or period["startPeriod"] != 0:
            return None
        if self._box.troubles.refusing:
            return self._no("InvalidSchedule")
        bay.outlet.profiles.default(self._watts(period["limit"], schedule))
        bay.outlet.look()
        return ACCEPTED

    def _watts(self, value: float, schedule: Json) -> Watts:
        return value * self._supply.watts_per_ampere if schedule["chargingRateUnit"] == "A" else value

    # --- change ---

    def _update(self, body: Json) -> Json | None:
        """A new value in the dynamic setpoint that is there."""
        number, update = body["chargingProfileId"], body["scheduleUpdate"]
        bay = self._box.bays.get(evse_of(number) or 0)
        if bay is None or update.keys() != _BAND or number not in self._kept:
            return None
        profiles = bay.outlet.profiles
        if self._box.troubles.refusing or bay.transaction is None:
            return self._no("TxNotFound")
        if not profiles.dynamic and not profiles.deaf:
            return self._no("NoProfile")
        _only_period(self._kept[number].body).update(update)
        profiles.band = (min(0.0, update["dischargeLimit"]), max(0.0, update["limit"]))
        profiles.update(update["setpoint"])
        bay.outlet.look()
        return ACCEPTED

    def _clear(self, body: Json) -> Json | None:
        """Forget the setpoint that an id names."""
        number = int(body.get("chargingProfileId") or body.get("id") or 0)
        bay = self._box.bays.get(evse_of(number) or 0)
        if bay is None or len(body) != 1:
            return None
        found = bay.outlet.profiles.standing
        self._kept.pop(number, None)
        bay.outlet.profiles.clear()
        bay.outlet.look()
        return ACCEPTED if found else {"status": "Unknown"}

    def _no(self, why: str) -> Json:
        """A refusal with its reason, where the version has room for one."""
        old = self._box.version is OcppVersion.V16
        return {"status": "Rejected"} | ({} if old else {"statusInfo": {"reasonCode": why}})


def _profile(body: Json) -> Json:
    told: Json = body["csChargingProfiles"] if "csChargingProfiles" in body else body["chargingProfile"]
    return told


def _only_schedule(profile: Json) -> Json | None:
    """The schedule; None for several."""
    schedules = profile["chargingSchedule"]
    if isinstance(schedules, list):
        return schedules[0] if len(schedules) == 1 else None
    told: Json = schedules
    return told


def _only_period(body: Json) -> Json:
    schedule = _only_schedule(_profile(body)) or {}
    told: Json = schedule["chargingSchedulePeriod"][0]
    return told


def _plain_dynamic(profile: Json, schedule: Json, period: Json) -> bool:
    return (
        schedule.keys() <= _SCHEDULE
        and schedule["chargingRateUnit"] == "W"
        and period.keys() == _DYNAMIC
        and (period["startPeriod"], period["operationMode"]) == (0, "CentralSetpoint")
        and ("maxOfflineDuration" not in profile or profile.get("invalidAfterOfflineDuration") is True)
    )


def _plain_static(profile: Json, schedule: Json, period: Json) -> bool:
    return (
        profile["chargingProfileKind"] == "Absolute"
        and "maxOfflineDuration" not in profile
        and schedule.keys() >= {"startSchedule", "duration"}
        and schedule.keys() <= _LASTING
        and period.keys() == _STATIC
        and period["startPeriod"] == 0
    )
