"""Setpoints on their way: said to the charger, answered or not, and what each outlet therefore may be doing."""

import asyncio
import math
from dataclasses import dataclass

import structlog

from voltide.control import lease
from voltide.control.lease import Held
from voltide.domain.messages import Accepted, ApplySetpoint, Refused
from voltide.domain.session import Session
from voltide.domain.site import Evse, EvseId, Station
from voltide.domain.time import Clock
from voltide.domain.units import Seconds, Watts
from voltide.ocpp.profiles import is_dynamic
from voltide.station.line import SETPOINT_WAIT_S, Line

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long setpoints hold."""

    lease_s: Seconds
    """1.6 and 2.0.1: the profile's duration, renewed at half of it."""
    offline_s: Seconds
    """2.1: how long a dynamic setpoint outlives its line."""


class Setpoints:
    """What each outlet was told and said; one order at a time per outlet, and none waits for later."""

    def __init__(self, station: Station, clock: Clock, terms: Terms) -> None:
        self._clock = clock
        self._terms = terms
        self.held: dict[EvseId, Held] = {evse.id: Held(fallback_w=evse.fallback_w) for evse in station.evses}
        self._whole: set[EvseId] = set()
        """Outlets whose dynamic profile stands, so that a new value is enough."""
        self.refusals = 0

    def renewal_due(self, evse: EvseId) -> bool:
        """Whether an outlet's lease should be renewed now."""
        held = self.held[evse]
        return math.isfinite(held.until_s) and lease.renewal_due(held, self._clock.monotonic(), self._terms.lease_s)

    def send(self, tasks: asyncio.TaskGroup, line: Line, evse: Evse, session: Session, power_w: Watts) -> None:
        """Say a setpoint now, unless the outlet still owes an answer to the last one."""
        held = self.held[evse.id]
        if held.waiting:
            return
        dynamic = is_dynamic(line.version, line.charger)
        now_s = self._clock.monotonic()
        until = math.inf if dynamic else now_s + self._terms.lease_s
        order = ApplySetpoint(
            evse=evse.number,
            transaction_id=session.transaction_id,
            power_w=power_w,
            lease_s=self._terms.offline_s if dynamic else self._terms.lease_s,
            now=self._clock.now(),
            ceiling_w=evse.charge_w,
            floor_w=-evse.discharge_w,
            fresh=evse.id not in self._whole,
        )
        self.held[evse.id] = lease.asked(held, power_w, until)
        tasks.create_task(self._say(line, evse, session, order, until), name=f"setpoint {evse.id}")

    async def _say(self, line: Line, evse: Evse, session: Session, order: ApplySetpoint, until: float) -> None:
        result = await line.order(order, wait_s=SETPOINT_WAIT_S)
        held = self.held[evse.id]
        if isinstance(result, Accepted):
            self.held[evse.id] = lease.accepted(held, order.power_w, until, self._clock.monotonic())
            if is_dynamic(line.version, line.charger):
                self._whole.add(evse.id)
            return
        self.refusals += 1
        self._whole.discard(evse.id)
        self.held[evse.id] = lease.refused(held) if isinstance(result, Refused) else lease.unknown(held)
        log.warning("setpoint.not_taken", evse=evse.id, session=session.id, power_w=order.power_w, result=result.reason)

    def unplugged(self, evse: EvseId) -> None:
        """The transaction is over, and its setpoints with it."""
        self._whole.discard(evse)
        self.held[evse] = lease.unplugged(self.held[evse], self._clock.monotonic())

    def offline(self, evse: EvseId) -> None:
        """The line is lost: a dynamic setpoint ends soon, any other at the end of its lease."""
        self._whole.discard(evse)
        self.held[evse] = lease.offline(self.held[evse], self._clock.monotonic() + self._terms.offline_s)
