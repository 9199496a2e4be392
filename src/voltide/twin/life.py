"""A charger's own life: it boots, is welcomed or told to wait, beats, and restarts when it is ordered to."""

from collections.abc import Mapping
from math import inf
from random import Random
from typing import Protocol

from voltide.domain.messages import (
    Boot,
    Booted,
    ChargerFact,
    HeartBeaten,
    OutletReported,
    OutletState,
    SecurityTold,
    Welcome,
)
from voltide.domain.site import Charger, OcppVersion
from voltide.domain.time import Clock
from voltide.domain.units import Seconds
from voltide.twin.bay import Bay
from voltide.twin.blocks.block import Restart
from voltide.twin.network import Network
from voltide.twin.speech import Saying
from voltide.twin.telling import Telling
from voltide.twin.variables import HEARTBEAT_S, SLOTS, Variables

REBOOT_S: Seconds = 20.0
ASK_AGAIN_S: Seconds = 30.0
"""When to boot again after an error, or when the station left the time open."""


class Body(Protocol):
    """The charger whose life it is."""

    charger: Charger
    version: OcppVersion
    clock: Clock
    chance: Random
    bays: Mapping[int, Bay]
    variables: Variables
    network: Network
    hanging: bool
    hasty: bool

    def tell(self, fact: ChargerFact) -> None:
        """Tell the station."""
        ...


class Life:
    """From power-up to power-up."""

    def __init__(self, body: Body, telling: Telling) -> None:
        self._body, self._telling = body, telling
        self.standing: Boot | None = None
        """What the station said to the last boot; None until it has."""
        self.down_until: Seconds = -inf
        """Switched off, restarting."""
        self.firmware = "1.0.0"
        self.reboot_s = REBOOT_S
        self.restart: Restart | None = None
        self.reason = "PowerUp"
        """Why the next boot happens."""
        self.due_s: Seconds = inf
        """When ``chores`` has something to do."""
        self._fresh = True
        self._resumed: list[Bay] = []
        self._beat_s: Seconds = inf
        self._boot_s: Seconds = inf

    def _plan(self, *, beat_s: Seconds, boot_s: Seconds) -> None:
        self._beat_s, self._boot_s = beat_s, boot_s
        self.due_s = min(beat_s, boot_s)

    def lost(self) -> None:
        """No line: nobody to boot or beat for."""
        self.standing = None
        self._plan(beat_s=inf, boot_s=inf)

    def hello(self) -> None:
        """BootNotification; it goes before everything else."""
        evses = self._body.charger.evses
        reason, self.reason = self.reason, "Unknown"
        fact = Booted(
            vendor="Voltide",
            model=f"Twin {len(evses)}x{evses[0].charge_w / 1000:.0f}",
            serial=f"SN-{self._body.charger.id}",
            firmware=self.firmware,
            reason=reason,
        )
        self._telling.first(Saying(fact))

    def unheard(self) -> None:
        """The boot was answered by an error."""
        self._plan(beat_s=inf, boot_s=self._body.clock.monotonic() + ASK_AGAIN_S)

    def welcomed(self, welcome: Welcome) -> None:
        """Accepted: say how every outlet is, then what has waited. Else ask again later."""
        body, now = self._body, self._body.clock.monotonic()
        interval = float(welcome.interval_s or ASK_AGAIN_S)
        self.standing = welcome.verdict
        if welcome.verdict is not Boot.ACCEPTED:
            self._plan(beat_s=inf, boot_s=now + interval)
            return
        body.variables.put(HEARTBEAT_S, int(interval))
        self._plan(beat_s=now + interval * (0.5 + 0.5 * body.chance.random()), boot_s=inf)
        waiting = self._telling.set_aside()
        if self._fresh:
            self._fresh = False
            body.tell(SecurityTold(kind="StartupOfTheDevice", at=body.clock.now()))
        if body.version is OcppVersion.V16:
            state = OutletState.AVAILABLE
            body.tell(OutletReported(evse=0, connector=0, state=state, at=body.clock.now()))
        for bay in body.bays.values():
            bay.report()
        self._telling.resume(waiting)
        for bay in self._resumed:
            bay.resumed()
        self._resumed.clear()

    def chores(self, now: Seconds) -> None:
        """What is due by the clock."""
        if now >= self._beat_s:
            self._plan(beat_s=now + self._body.variables.whole(HEARTBEAT_S), boot_s=self._boot_s)
            self._body.tell(HeartBeaten())
        if now >= self._boot_s:
            self._plan(beat_s=self._beat_s, boot_s=inf)
            self.hello()

    def plan(self, restart: Restart) -> None:
        """Restart at the next tick, or when the last transaction has ended."""
        self.restart = restart
        self._body.hasty = True

    def restart_if_due(self, now: Seconds) -> None:
        """Power off, and on again some seconds later; what still waits in the queue is in lasting memory."""
        plan, bays = self.restart, self._body.bays
        if plan is None:
            return
        touched = list(bays.values()) if plan.evse is None else [bays[plan.evse]]
        if not plan.immediate and any(bay.transaction is not None for bay in touched):
            return
        self.restart = None
        for bay in touched:
            self._cut(bay, plan)
        if plan.evse is None:
            self.reason, self._fresh = plan.boot, True
            self.firmware = plan.firmware or self.firmware
            self.down_until, self._body.hanging = now + self.reboot_s, True
            order = tuple(int(one) for one in self._body.variables.several(SLOTS))
            self._body.network.restart(order)

    def _cut(self, bay: Bay, plan: Restart) -> None:
        """One outlet loses its power: its transaction ends, or waits to go on."""
        if bay.transaction is None:
            return
        if plan.resume:
            self._resumed.append(bay)
            bay.paused()
            return
        bay.stop("ResetCommand", plan.reason)
