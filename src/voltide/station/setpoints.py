"""Setpoints on their way: said to the charger, answered or not, and what each outlet therefore may be doing."""

import asyncio
import math
from dataclasses import dataclass, replace

import numpy as np
import structlog

from voltide.control import lease
from voltide.control.lease import Held
from voltide.control.wiring import Array
from voltide.domain.messages import Accepted, ApplySetpoint, OrderResult, Refused
from voltide.domain.session import Session
from voltide.domain.site import Evse, EvseId, Station
from voltide.domain.time import Clock
from voltide.domain.units import Seconds, Watts
from voltide.ocpp.profiles import is_dynamic
from voltide.station.line import SETPOINT_WAIT_S, Line

log = structlog.get_logger()

BACK_OFF_S: tuple[Seconds, ...] = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
"""So long an outlet that has refused a setpoint is not asked for the like again; the last for ever."""
ALIKE = 0.05
"""What differs by less than this share of an outlet's power is the like."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How long setpoints hold."""

    lease_s: Seconds
    """1.6 and 2.0.1: the profile's duration, renewed at half of it."""
    offline_s: Seconds
    """2.1: how long a dynamic setpoint outlives its line."""
    notice_s: Seconds = 10.0
    """How much later than we a charger may notice that its line is lost; see onboarding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    """An outlet does not take a setpoint."""

    power_w: Watts
    times: int
    until_s: float
    """It is not asked again before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promises:
    """What all outlets were told and said, as arrays in the order of the station's outlets; W and monotonic s."""

    acked_w: Array
    command_w: Array
    open_low_w: Array
    open_high_w: Array
    since_s: Array
    good_until_s: float
    """When the first lease among them ends: then they must be read again."""


class Setpoints:
    """What each outlet was told and said; one order at a time per outlet, and none waits for later."""

    def __init__(self, station: Station, clock: Clock, terms: Terms) -> None:
        self._clock = clock
        self._terms = terms
        self._held: dict[EvseId, Held] = {evse.id: Held(fallback_w=evse.fallback_w) for evse in station.evses}
        self._promises: Promises | None = None
        self._place = {evse.id: place for place, evse in enumerate(station.evses)}
        self._table = np.zeros((5, len(self._place)))
        self._ends: dict[EvseId, float] = {}
        self._touched = set(self._place)
        self._renewals: tuple[float, frozenset[EvseId]] | None = None
        self._stale: set[EvseId] = set()
        """Outlets whose answer was lost, or whose line has come back: what they should hold is said to them again."""
        self._whole: set[EvseId] = set()
        """Outlets whose dynamic profile stands, so that a new value is enough."""
        self._stays = dict.fromkeys(self._held, 0)
        """Counts the cars at each outlet: an answer about the last one's setpoint says nothing of the next."""
        self.shared: dict[EvseId, tuple[Watts, Watts]] = {}
        """Outlets that act by themselves, and within which band."""
        self.unbound: set[EvseId] = set()
        """Outlets that follow another profile than ours."""
        self._untrusted: set[EvseId] = set()
        """Outlets that have not taken their safe power."""
        self._refused: dict[EvseId, _Refusal] = {}
        self.resend_s: dict[EvseId, Seconds] = {}
        """Outlets that forget, and how often they are told again what they hold."""
        self._said_s: dict[EvseId, float] = {}
        self.refusals = 0

    def extend(self, station: Station) -> None:
        """The station has grown: the new outlets are behind the old ones, and hold nothing yet."""
        for evse in station.evses[len(self._place) :]:
            self._place[evse.id] = len(self._place)
            self._held[evse.id] = Held(fallback_w=evse.fallback_w)
            self._stays[evse.id] = 0
            self._touched.add(evse.id)
        self._table = np.zeros((5, len(self._place)))
        self._touched = set(self._place)
        self._promises, self._renewals = None, None

    @property
    def offline_s(self) -> Seconds:
        """How long what a 2.1 charger was told outlives its line."""
        return self._terms.offline_s

    def held(self, evse: EvseId) -> Held:
        """What one outlet was told and said."""
        return self._held[evse]

    def _put(self, evse: EvseId, held: Held) -> None:
        self._held[evse] = held
        self._touched.add(evse)
        self._renewals = None

    def promises(self) -> Promises:
        """What all outlets may hold now. Only what has changed, or whose lease has ended, is looked at again."""
        now_s = self._clock.monotonic()
        if self._promises is not None and not self._touched and now_s <= self._promises.good_until_s:
            return self._promises
        again = self._touched | {evse for evse, end in self._ends.items() if now_s > end}
        for evse in again:
            held, place = self._held[evse], self._place[evse]
            low, high = held.possible(now_s)
            self._table[:, place] = held.acked(now_s), held.command(now_s), low, high, held.since_s
            self._ends[evse] = held.next_end(now_s)
        self._touched = set()
        acked, command, low_w, high_w, since = self._table.copy()
        self._promises = Promises(
            acked_w=acked,
            command_w=command,
            open_low_w=low_w,
            open_high_w=high_w,
            since_s=since,
            good_until_s=min(self._ends.values(), default=math.inf),
        )
        return self._promises

    def renewals_due(self) -> frozenset[EvseId]:
        """The outlets whose lease should be renewed now. Looked up anew only when one can have come due."""
        now_s = self._clock.monotonic()
        if self._renewals is not None and now_s <= self._renewals[0]:
            return self._renewals[1]
        finite = [(evse, held) for evse, held in self._held.items() if held.power_w is not None]
        finite = [(evse, held) for evse, held in finite if math.isfinite(held.until_s) and not held.waiting]
        due = frozenset(evse for evse, held in finite if lease.renewal_due(held, now_s, self._terms.lease_s))
        due |= self._stale
        again = {evse: self._said_s.get(evse, now_s) + every for evse, every in self.resend_s.items()}
        due |= {evse for evse, at in again.items() if now_s >= at and self._told(evse)}
        coming = [held.until_s - self._terms.lease_s / 2 for evse, held in finite if evse not in due]
        coming += [at for evse, at in again.items() if evse not in due and self._told(evse)]
        self._renewals = (min(coming, default=math.inf), due)
        return due

    def _told(self, evse: EvseId) -> bool:
        """Whether it holds a setpoint, and owes no answer."""
        return self._held[evse].power_w is not None and not self._held[evse].waiting

    def send(self, tasks: asyncio.TaskGroup, line: Line, evse: Evse, session: Session, power_w: Watts) -> None:
        """Say a setpoint now, unless the outlet still owes an answer to the last one."""
        held = self._held[evse.id]
        if held.waiting or self._in_vain(evse, power_w):
            return
        self._stale.discard(evse.id)
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
        self._put(evse.id, lease.asked(held, power_w, until))
        tasks.create_task(self._say(line, evse, session, order, until), name=f"setpoint {evse.id}")

    async def _say(self, line: Line, evse: Evse, session: Session, order: ApplySetpoint, until: float) -> None:
        stay = self._stays[evse.id]
        result = await line.order(order, wait_s=SETPOINT_WAIT_S)
        if stay != self._stays[evse.id]:
            return
        held = self._held[evse.id]
        if isinstance(result, Accepted):
            self._refused.pop(evse.id, None)
            self._said_s[evse.id] = self._clock.monotonic()
            self._put(evse.id, lease.accepted(held, order.power_w, until, self._clock.monotonic()))
            if is_dynamic(line.version, line.charger):
                self._whole.add(evse.id)
            return
        self.refusals += 1
        self._whole.discard(evse.id)
        self._put(evse.id, lease.refused(held) if isinstance(result, Refused) else lease.unknown(held))
        if not isinstance(result, Refused):
            self._stale.add(evse.id)  # it may hold the old one or the new: it is told again
        if isinstance(result, Refused) and result.reason != "NotSent":
            self._back_off(evse, order.power_w)
        log.warning("setpoint.not_taken", evse=evse.id, session=session.id, power_w=order.power_w, result=result.reason)

    def _in_vain(self, evse: Evse, power_w: Watts) -> bool:
        """Whether the outlet has just refused the like. What is counted as its worst stays as it is meanwhile."""
        refusal = self._refused.get(evse.id)
        if refusal is None or self._clock.monotonic() >= refusal.until_s:
            return False
        return abs(power_w - refusal.power_w) <= ALIKE * evse.charge_w

    def _back_off(self, evse: Evse, power_w: Watts) -> None:
        """Ask for the like ever less often; another value is another question."""
        before = self._refused.get(evse.id)
        alike = before is not None and abs(power_w - before.power_w) <= ALIKE * evse.charge_w
        times = before.times + 1 if before is not None and alike else 0
        wait_s = BACK_OFF_S[min(times, len(BACK_OFF_S) - 1)]
        until_s = self._clock.monotonic() + wait_s
        self._refused[evse.id] = _Refusal(power_w=power_w, times=times, until_s=until_s)

    def trust(self, evse: Evse, *, safe: bool) -> None:
        """Whether the outlet falls back by itself; one that never took its safe power may do all that it can."""
        (self._untrusted.discard if safe else self._untrusted.add)(evse.id)
        self._reckon(evse)

    def unbind(self, evse: Evse, *, active: bool) -> None:
        """Whether the outlet follows another profile than ours (priority charging): then it may do all that it can."""
        (self.unbound.add if active else self.unbound.discard)(evse.id)
        if not active:
            self._stale.add(evse.id)
        self._reckon(evse)

    def _reckon(self, evse: Evse) -> None:
        """What is counted as its worst, whatever it was told."""
        loose = evse.id in self._untrusted or evse.id in self.unbound
        fallback_w = evse.charge_w if loose else evse.fallback_w
        if self._held[evse.id].fallback_w != fallback_w:
            self._put(evse.id, replace(self._held[evse.id], fallback_w=fallback_w))

    def retell(self, evse: EvseId) -> None:
        """The outlet does not hold what it said: it is told again, whole."""
        self._whole.discard(evse)
        self._stale.add(evse)
        self._renewals = None

    # --- modes in which an outlet acts by itself ---

    def share(self, evse: EvseId, band: tuple[Watts, Watts]) -> int | None:
        """A mode is about to be said: from now on the whole band counts. Gives the stay that it is for; None: not now.

        Only who has made sure that every limit bears it may call this, and must not have waited for anything since.
        """
        held = self._held[evse]
        if held.waiting or evse in self.shared:
            return None
        self.shared[evse] = band
        self._put(evse, lease.sharing(held, band))
        return self._stays[evse]

    def share_said(self, evse: EvseId, stay: int, result: OrderResult) -> None:
        """What came of it. Where nobody knows, the band counts until the outlet has taken a setpoint again."""
        if stay != self._stays[evse]:
            return
        held, band = self._held[evse], self.shared.get(evse)
        if isinstance(result, Accepted) and band is not None:
            self._whole.discard(evse)  # the mode has taken the place of the dynamic profile
            self._put(evse, lease.shared(held, band, self._clock.monotonic()))
        elif isinstance(result, Refused):
            self._put(evse, lease.unshared(held))
            self.shared.pop(evse, None)
        else:
            self._put(evse, lease.unknown(held))
            self.retake(evse)

    def retake(self, evse: EvseId) -> None:
        """The outlet is told setpoints again, whole and at once; until it has taken one, its band counts."""
        if self.shared.pop(evse, None) is not None:
            self._whole.discard(evse)
            self._stale.add(evse)
            self._renewals = None

    def unplugged(self, evse: EvseId) -> None:
        """The transaction is over, and its setpoints with it."""
        self.shared.pop(evse, None)
        self._refused.pop(evse, None)
        self._whole.discard(evse)
        self._stale.discard(evse)
        self._stays[evse] += 1
        self._put(evse, lease.unplugged(self._held[evse], self._clock.monotonic()))

    def assume_the_worst(self, evse: Evse) -> None:
        """A car was here before this process was: its outlet may hold anything until every lease has run out."""
        until = self._clock.monotonic() + max(self._terms.lease_s, self._terms.offline_s + self._terms.notice_s)
        powers = (-evse.discharge_w, evse.charge_w) if evse.discharge_w else (evse.charge_w,)
        self._put(evse.id, lease.assumed(self._held[evse.id], powers, until))

    def online(self, evse: EvseId, line: Line) -> None:
        """The line is (back) there: a dynamic setpoint that has not ended stands again, and is said anew."""
        self.retake(evse)
        if is_dynamic(line.version, line.charger):
            held = self._held[evse]
            self._put(evse, lease.online(held, self._clock.monotonic()))
            if held.open or held.power_w is not None:
                self._stale.add(evse)

    def offline(self, evse: EvseId) -> None:
        """The line is lost: a dynamic setpoint ends soon, any other at the end of its lease."""
        self.retake(evse)
        self._whole.discard(evse)
        until = self._clock.monotonic() + self._terms.offline_s + self._terms.notice_s
        self._put(evse, lease.offline(self._held[evse], until))
