"""What a person must be told: looked at once a second, raised once, cleared by itself when it is over."""

import numpy as np

from voltide.control.image import OUTLET_STALE_S
from voltide.domain.messages import StopTransaction
from voltide.domain.site import EvseId
from voltide.station.diary import Diary
from voltide.station.loop import Crew, Loop

MISSING_S = 120
"""So long after the start every charger should have come."""
DISOBEYS_S = 15
"""So long an outlet may draw more than it was told (invariant I2); then its transaction is stopped."""
OBEY_S = 5
"""So long a car may take to follow a new setpoint."""
_OVER = 1.10
_OVER_W = 2_000.0


class Watch:
    """The station's conscience."""

    def __init__(self, crew: Crew, loop: Loop, diary: Diary) -> None:
        self._crew = crew
        self._loop = loop
        self._diary = diary
        self._over_s = np.zeros(len(crew.wiring.evses))
        self._named: set[EvseId] = set()

    def extend(self) -> None:
        """The wiring has grown."""
        more = len(self._crew.wiring.evses) - len(self._over_s)
        self._over_s = np.append(self._over_s, np.zeros(more))

    def look(self) -> list[EvseId]:
        """Raise and clear alarms; gives the outlets that have disobeyed for too long, once each."""
        crew, loop = self._crew, self._loop
        blind = loop.decision is not None and loop.decision.blind
        self._diary.alarm_if(blind, "meter-silent", "grid")
        limit, grid = crew.station.connection.import_w, crew.plant.measured("grid").believed or 0.0
        self._diary.alarm_if(grid > 1.02 * limit, "import-over", "grid", f"{grid / 1000:.0f} kW")
        if loop.ticks == MISSING_S:
            for charger in crew.station.chargers:
                self._diary.alarm_if(charger.id not in crew.chargers.lines, "charger-offline", charger.id)
        return self._disobeying()

    def stuck(self) -> bool:
        """Whether the control loop stands still."""
        stuck = self._crew.clock.monotonic() - self._loop.last_s > 10.0 and self._loop.ticks > 0
        self._diary.alarm_if(stuck, "loop-stuck", "control")
        return stuck

    def _disobeying(self) -> list[EvseId]:
        promised = self._crew.setpoints.promises()
        allowed = np.maximum(np.maximum(promised.open_high_w, promised.acked_w), 0.0)
        over = self._loop.measured_w > allowed * _OVER + _OVER_W
        if not over.any() and not self._named:  # as nearly always
            self._over_s[:] = 0.0
            return []
        ages = self._loop.ages()  # only what was measured after it had time to obey says anything
        over &= (ages < OUTLET_STALE_S) & (self._crew.clock.monotonic() - ages > promised.since_s + OBEY_S)
        self._over_s = np.where(over, self._over_s + 1.0, 0.0)
        found = [self._crew.wiring.evses[place] for place in np.flatnonzero(self._over_s == DISOBEYS_S)]
        for evse in found:
            self._diary.raise_alarm("outlet-disobeys", evse)
            self._named.add(evse)
        for evse in [evse for evse in self._named if not over[self._crew.wiring.index[evse]]]:
            self._diary.clear_alarm("outlet-disobeys", evse)
            self._named.discard(evse)
        return found

    async def stop(self, evse: EvseId) -> None:
        """End the transaction of an outlet that does not obey."""
        session = self._crew.sessions.at(evse)
        if session is not None:
            order = StopTransaction(transaction_id=session.transaction_id)
            await self._crew.chargers.order(session.charger, order)
