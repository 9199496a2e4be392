"""The forecourt: drivers look for an outlet, queue, plug in, hold their token to the reader, and leave."""

import heapq
from collections import deque
from statistics import quantiles
from typing import Protocol

from voltide.domain.messages import Json
from voltide.domain.units import Seconds, WattHours, Watts
from voltide.twin.conditions import WorldConfig
from voltide.twin.drivers import DAY_S, FAST_CAR_W, Crowd, Visit
from voltide.twin.outlet import Outlet
from voltide.twin.vehicle import Vehicle, reachable_wh

LOOK_S: Seconds = 5.0
SELLER_LOOK_S: Seconds = 30.0
SOLD_WH = 1_500.0
"""With so little left to sell nobody waits on."""
"""How often a driver who is about to leave looks at the display."""
SHORT_WH = 200.0
"""Less than this is below what any driver's display shows."""


class Pile(Protocol):
    """What a driver can do at a charger. ``number`` counts its outlets from 1."""

    def plug(self, number: int, visit: Visit) -> None:
        """Put the plug in."""
        ...

    def present(self, number: int) -> None:
        """Hold the token to the reader: to start, and later to stop."""
        ...

    def unplug(self, number: int) -> None:
        """Pull the plug."""
        ...

    def usable(self, number: int) -> bool:
        """Whether the outlet's lamp is green."""
        ...


class Stand:
    """A place to park at one outlet."""

    __slots__ = ("cabinet", "outlet", "pile", "visit")

    def __init__(self, pile: Pile, outlet: Outlet, cabinet: str) -> None:
        self.pile, self.outlet, self.cabinet = pile, outlet, cabinet
        self.visit: Visit | None = None


class Street:
    """Moves every driver. ``begins_s`` is the world's start as seconds of its local day."""

    def __init__(self, config: WorldConfig, crowd: Crowd, stands: list[Stand], begins_s: Seconds) -> None:
        self._config, self._crowd, self._stands, self._begins_s = config, crowd, stands, begins_s
        self._coming: deque[Visit] = deque(visit for visit in crowd.day(0) if visit.arrives_s >= begins_s)
        self._days = 1
        self._queue: list[Visit] = []
        self._here: dict[int, Stand] = {}
        self._acts: list[tuple[Seconds, int, Visit]] = []
        self._stir = False
        self.arrived = self.served = self.turned_away = self.below_floor = 0
        self.waits: list[Seconds] = []
        self.waits_by_hour: list[list[Seconds]] = [[] for _ in range(24)]
        self.shorts_wh: list[float] = []
        self.by_kind: dict[str, int] = {}

    @property
    def parked(self) -> int:
        """Drivers who occupy an outlet now."""
        return len(self._here)

    @property
    def queueing(self) -> int:
        """Drivers who wait for one."""
        return len(self._queue)

    def step(self, now: Seconds) -> None:
        """One second on the forecourt; ``now`` in seconds of the world."""
        local = now + self._begins_s
        if local >= self._days * DAY_S - 3600:
            self._coming.extend(self._crowd.day(self._days))
            self._days += 1
        while self._coming and self._coming[0].arrives_s <= local:
            visit = self._coming.popleft()
            visit.arrives_s = now
            self.arrived += 1
            self.by_kind[visit.kind] = self.by_kind.get(visit.kind, 0) + 1
            self._queue.append(visit)
            self._stir = True
        while self._acts and self._acts[0][0] <= now:
            self._act(heapq.heappop(self._acts)[2], now)
        if self._queue and (self._stir or now % 15 == 0):
            self._settle(now)

    def _settle(self, now: Seconds) -> None:
        """Whoever waits longest chooses first; whoever has waited too long drives on."""
        self._stir = False
        for visit in list(self._queue):
            waited = now - visit.arrives_s
            if waited >= self._config.patience_s:
                self._queue.remove(visit)
                self.turned_away += 1
            elif (stand := self._choose(visit)) is not None:
                self._queue.remove(visit)
                stand.visit, self._here[visit.number] = visit, stand
                visit.waited_s = waited
                self.waits.append(waited)
                self.waits_by_hour[int((now + self._begins_s) // 3600) % 24].append(waited)
                self._next(visit, "parking", now + 20 + visit.number % 25)

    def _choose(self, visit: Visit) -> Stand | None:
        """The free outlet that suits best: first by what it can, then where the cabinet has most to spare."""
        busy: dict[str, int] = {}
        for stand in self._stands:
            if stand.visit is not None:
                busy[stand.cabinet] = busy.get(stand.cabinet, 0) + 1
        ranked = [
            (rank, busy.get(stand.cabinet, 0), at)
            for at, stand in enumerate(self._stands)
            if stand.visit is None
            and (rank := _rank(visit, stand.outlet)) is not None
            and stand.pile.usable(stand.outlet.evse.number)
        ]
        return self._stands[min(ranked)[2]] if ranked else None

    def _next(self, visit: Visit, phase: str, at_s: Seconds) -> None:
        visit.phase, visit.at_s = phase, at_s
        heapq.heappush(self._acts, (at_s, visit.number, visit))

    def _act(self, visit: Visit, now: Seconds) -> None:
        """A driver's next step."""
        stand = self._here[visit.number]
        number = stand.outlet.evse.number
        match visit.phase:
            case "parking":
                self._promise(visit, stand, now)
                stand.pile.plug(number, visit)
                self._next(visit, "plugged", now + 5 + visit.number % 8)
            case "plugged":
                stand.pile.present(number)
                self._next(visit, "charging", now + 30)
            case "charging" if visit.refused or visit.stopped or self._done(visit, now):
                if not visit.stopped and not visit.refused:
                    stand.pile.present(number)
                self._next(visit, "leaving", now + 15 + visit.number % 45)
            case "charging":
                looks_s = now + (LOOK_S if visit.hasty else SELLER_LOOK_S if visit.sells else 300.0)
                self._next(visit, "charging", looks_s if visit.hasty else min(visit.departs_s, looks_s))
            case _:
                stand.pile.unplug(number)
                self._leave(visit, stand)

    def _promise(self, visit: Visit, stand: Stand, now: Seconds) -> None:
        """What the driver wants, as far as physics can give it at this outlet."""
        visit.departs_s = now + visit.stay_s
        reachable = reachable_wh(visit.car.model, visit.car.energy_wh, stand.outlet.evse.charge_w, visit.stay_s - 120.0)
        visit.started_wh = visit.car.energy_wh
        visit.need_wh = min(visit.target_soc * visit.car.capacity_wh, reachable)
        if visit.hasty:  # they tell when a full-power charge would be done, and stay a little longer if they must
            full = seconds_to(visit.car, visit.need_wh, stand.outlet.evse.charge_w)
            visit.told_departs_s = min(visit.departs_s, now + 120.0 + 1.2 * full)
        else:
            visit.told_departs_s = visit.departs_s

    def _done(self, visit: Visit, now: Seconds) -> bool:
        has = visit.hasty and visit.car.soc >= visit.target_soc
        kept_wh = max(visit.need_wh, visit.floor_soc * visit.car.capacity_wh)
        sold = visit.sells and visit.car.energy_wh <= kept_wh + SOLD_WH
        return now >= visit.departs_s or has or sold

    def _leave(self, visit: Visit, stand: Stand) -> None:
        """Count what the visit came to."""
        del self._here[visit.number]
        stand.visit, self._stir = None, True
        if visit.refused:
            self.turned_away += 1
            return
        self.served += 1
        self.shorts_wh.append(max(0.0, visit.need_wh - visit.car.energy_wh))
        floor_wh = min(visit.floor_soc * visit.car.capacity_wh, visit.started_wh)
        if visit.v2g and stand.outlet.lowest_soc * visit.car.capacity_wh < floor_wh - SHORT_WH:
            self.below_floor += 1

    def result(self) -> Json:
        """The part ``vehicles`` of a run's report."""
        return {
            "arrived": self.arrived,
            "served": self.served,
            "turned_away": self.turned_away,
            "still_here": len(self._here) + len(self._queue),
            "wait_p50_s": _percentile(self.waits, 50),
            "wait_p95_s": _percentile(self.waits, 95),
            "wait_p95_s_by_hour": [_percentile(waits, 95) for waits in self.waits_by_hour],
            "short_of_need": sum(short > SHORT_WH for short in self.shorts_wh),
            "worst_short_wh": round(max(self.shorts_wh, default=0.0), 1),
            "below_floor": self.below_floor,
            "by_kind": dict(sorted(self.by_kind.items())),
        }


def _percentile(waits: list[Seconds], percent: int) -> Seconds:
    """What so many of a hundred wait at most; 0 where nobody came."""
    if len(waits) < 2:
        return round(max(waits, default=0.0), 1)
    return round(quantiles(waits, n=100, method="inclusive")[percent - 1], 1)


def _rank(visit: Visit, outlet: Outlet) -> int | None:
    """How well an outlet suits a driver, 0 best; None not at all."""
    fast = outlet.evse.discharge_w == 0.0
    power = outlet.evse.charge_w
    if visit.kind == "hurried":
        if not fast:
            return None
        wanted = visit.car.model.dc_w
        return -int(power) if wanted > FAST_CAR_W else int(abs(power - 1.3 * wanted))
    if visit.hasty:
        return (1 if fast else 0) if power < FAST_CAR_W else (2 if power < 2 * FAST_CAR_W else 3)
    return None if fast else 0


def seconds_to(car: Vehicle, energy_wh: WattHours, power_w: Watts) -> Seconds:
    """How long a battery takes to hold an energy when the outlet gives all it can; at most two hours."""
    probe, seconds = Vehicle(car.model, car.soc), 0.0
    while probe.energy_wh < energy_wh and seconds < 7200.0:
        probe.flow(min(power_w, probe.most_in_w()), 10.0)
        seconds += 10.0
    return seconds
