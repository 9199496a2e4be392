"""What others than the station want of the charger: an energy manager's limits, local generation (K11 to K14, K27).

How they reach the charger is not OCPP's affair: here it is a method. The charger follows, and tells the station.
"""

from dataclasses import dataclass
from typing import ClassVar

from voltide.domain.messages import Json
from voltide.domain.site import OcppVersion
from voltide.domain.time import stamp
from voltide.domain.units import Watts
from voltide.ocpp.installed import Criteria
from voltide.ocpp.schedule import Purpose
from voltide.ocpp.schedule_wire import read_profile
from voltide.ocpp.wire import tenths
from voltide.twin.bay import Bay
from voltide.twin.blocks.block import Block
from voltide.twin.blocks.charging import Charging
from voltide.twin.blocks.shelf import Entry
from voltide.twin.variables import Name

_SIGNALS: Name = ("SmartChargingCtrlr", "ExternalControlSignalsEnabled", "")
_DISALLOWED: Name = ("SmartChargingCtrlr", "ExternalConstraintsProfileDisallowed", "")
_SCHEDULES: Name = ("SmartChargingCtrlr", "NotifyChargingLimitWithSchedules", "")
_SIGNIFICANT: Name = ("SmartChargingCtrlr", "LimitChangeSignificance", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What someone beside the station wants. ``evse`` 0 is the whole charger; W, discharge negative."""

    source: str = "EMS"
    evse: int = 0
    limit_w: Watts | None = None
    discharge_w: Watts | None = None
    setpoint_w: Watts | None = None
    critical: bool = False
    generation: bool = False
    """No limit, but so much more from a source beside the charger."""

    def period(self) -> Json:
        """As a period of a schedule."""
        values = {"limit": self.limit_w, "dischargeLimit": self.discharge_w, "setpoint": self.setpoint_w}
        told = {key: tenths(value) for key, value in values.items() if value is not None}
        mode = "ExternalSetpoint" if self.setpoint_w is not None else "ExternalLimits" if self.discharge_w else None
        return {"startPeriod": 0} | ({} if mode is None else {"operationMode": mode}) | told


class External(Block):
    """Follows others, and says so."""

    ACTS: ClassVar = {}

    def want(self, wish: Wish) -> bool:
        """Follow a wish in place of the last of its source; False: the charger is not to listen."""
        variables, box = self.box.variables, self.box
        if not variables.flag(_SIGNALS) or (variables.flag(_DISALLOWED) and not wish.generation):
            return False
        charging = box.part(Charging)
        before = self._rates()
        number, now = self._number(wish), box.clock.now()
        was = charging.shelf.find(number)
        purpose = Purpose.GENERATION if wish.generation else Purpose.EXTERNAL
        schedule = {
            "id": 1,
            "chargingRateUnit": "W",
            "startSchedule": stamp(now),
            "chargingSchedulePeriod": [wish.period()],
        }
        body = {
            "id": number,
            "stackLevel": 0,
            "chargingProfilePurpose": purpose.value,
            "chargingProfileKind": "Absolute",
            "chargingSchedule": [schedule],
        }
        profile = read_profile(OcppVersion.V21, wish.evse, body, now, wish.source)
        charging.install(Entry(profile, body))
        if was is None or self._significant(_value(was.body), _value(body)):
            self._tell(wish, schedule)
        self._tell_rates(before)
        return True

    def lift(self, source: str = "EMS", evse: int = 0, *, generation: bool = False) -> None:
        """Nothing is wanted any more."""
        charging, before = self.box.part(Charging), self._rates()
        number = self._number(Wish(source=source, evse=evse, generation=generation))
        gone = Criteria(ids=(number,))
        charging.shelf.keep(one for one in charging.shelf.profiles if not gone(one))
        charging.changed()
        if self.box.version is not OcppVersion.V16:
            self.box.call("ClearedChargingLimit", {"chargingLimitSource": source, "evseId": evse or None})
        self._tell_rates(before)
        charging.give_back()

    def _number(self, wish: Wish) -> int:
        """Ids of the charger's own are negative: one for each source and place."""
        sources = ("EMS", "SO", "Other")
        place = sources.index(wish.source) if wish.source in sources else len(sources)
        return -1 - (place * 2 + wish.generation) * 100 - wish.evse

    def _significant(self, was: float, now: float) -> bool:
        """Whether a change is worth a message."""
        least = float(self.box.variables.text(_SIGNIFICANT)) / 100.0
        return abs(now - was) > least * max(abs(was), 1.0)

    def _tell(self, wish: Wish, schedule: Json) -> None:
        if self.box.version is OcppVersion.V16:
            return
        limit: Json = {"chargingLimitSource": wish.source, "isGridCritical": wish.critical}
        if wish.generation:
            limit["isLocalGeneration"] = True
        body: Json = {"chargingLimit": limit, "evseId": wish.evse or None}
        if self.box.variables.flag(_SCHEDULES):
            body["chargingSchedule"] = [schedule]
        self.box.call("NotifyChargingLimit", body)

    def _rates(self) -> dict[int, Watts]:
        """What is asked of each outlet now."""
        now = self.box.clock.monotonic()
        return {bay.number: bay.outlet.asks(now)[0] for bay in self._charging()}

    def _charging(self) -> list[Bay]:
        return [bay for bay in self.box.bays.values() if bay.transaction is not None and bay.outlet.closed]

    def _tell_rates(self, before: dict[int, Watts]) -> None:
        """A transaction whose rate has changed says so."""
        after = self._rates()
        for bay in self._charging():
            if self._significant(before.get(bay.number, 0.0), after[bay.number]):
                bay.change("ChargingRateChanged")


def _value(body: Json) -> float:
    """The figure by which a change is judged."""
    period = body["chargingSchedule"][0]["chargingSchedulePeriod"][0]
    return float(next((period[key] for key in ("setpoint", "limit", "dischargeLimit") if key in period), 0.0))
