"""Power beyond profiles: priority charging (K21, K22), the aFRR signal (Q08), allowed transfers (Q01, Q02)."""

from typing import ClassVar

from voltide.domain.messages import Json
from voltide.domain.units import Seconds
from voltide.ocpp.schedule import Purpose
from voltide.ocpp.wire import moment
from voltide.twin.bay import Bay
from voltide.twin.blocks.block import Block, Box, refusal
from voltide.twin.blocks.charging import Charging


class Sharing(Block):
    """Does what the station asks, and what a driver asks at the charger."""

    def __init__(self, box: Box) -> None:
        super().__init__(box)
        self._coming: list[tuple[Seconds, int]] = []
        """Signals that hold later, soonest first."""

    def _bay_of(self, transaction: str) -> Bay | None:
        for bay in self.box.bays.values():
            if bay.transaction is not None and self.box.known_id(bay.transaction) == transaction:
                return bay
        return None

    # --- priority ---

    def _use(self, body: Json) -> Json:
        bay = self._bay_of(body["transactionId"])
        if bay is None:
            return refusal("TxNotFound")
        if not self.prioritise(bay, active=body["activate"]):
            return {"status": "NoProfile"}
        return {"status": "Accepted"}

    def prioritise(self, bay: Bay, *, active: bool) -> bool:
        """Switch priority charging, here or from afar; False: there is no profile for it."""
        charging = self.box.part(Charging)
        places = {0, bay.number}
        known = any(one.purpose is Purpose.PRIORITY and one.evse in places for one in charging.shelf.profiles)
        if active and not known:
            return False
        priority = charging.shelf.priority
        (priority.add if active else priority.discard)(bay.number)
        charging.changed()
        told = {"transactionId": self.box.known_id(bay.transaction), "activated": active}
        self.box.call("NotifyPriorityCharging", told, keep=True)
        return True

    # --- the signal ---

    def _signal(self, body: Json) -> Json:
        """From its time on the signal moves the power along the curve of each profile that has one."""
        charging, now = self.box.part(Charging), self.box.clock.now()
        periods = [period for one in charging.shelf.profiles for row in one.schedules for period in row.periods]
        if not any(period.signal_watt for period in periods):
            return refusal("NoSignalWattCurve")
        later = (moment(body["timestamp"], now) - now).total_seconds()
        self._coming.append((self.box.clock.monotonic() + max(0.0, later), body["signal"]))
        self._coming.sort()
        self.box.watch(self._look)
        self._look(self.box.clock.monotonic())
        return {"status": "Accepted"}

    def _look(self, now: Seconds) -> None:
        while self._coming and self._coming[0][0] <= now:
            self.box.part(Charging).signal = self._coming.pop(0)[1]
            self.box.part(Charging).changed()
        if not self._coming:
            self.box.unwatch(self._look)

    # --- transfers ---

    def _allow(self, body: Json) -> Json:
        """Which directions a transaction may use; what it loses stops now, and the car is asked anew."""
        bay = self._bay_of(body["transactionId"])
        if bay is None:
            return refusal("TxNotFound")
        bay.allow(body["allowedEnergyTransfer"])
        return {"status": "Accepted"}

    ACTS: ClassVar = {"AFRRSignal": _signal, "NotifyAllowedEnergyTransfer": _allow, "UsePriorityCharging": _use}
