"""A small fake station on a real bus, drawn like Lotus Hill: 46 outlets, every state, all numbers from one seed."""

import dataclasses
import math
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

from voltide.backbone.bus import LocalBus, Subscription
from voltide.domain.messages import AskOffer, LimitOutlet, OrderGrid, Reply, SetInService, StartCharging, StopCharging
from voltide.domain.picture import (
    AlarmPicture,
    EventPicture,
    Minute,
    NodePicture,
    OfferPicture,
    OrderPicture,
    OutletPicture,
    PlanPicture,
    StationPicture,
)
from voltide.domain.site import ChargerId, EvseId, NodeId, StationId

STATION = StationId("lotus-hill")
EVENING = datetime(2026, 3, 28, 10, 25, tzinfo=UTC)
KW = 1000.0


def piles() -> list[tuple[str, str, list[float], float]]:
    """Each pile: its name, what it hangs on, what its outlets take, and what each gives back."""
    twins = [(f"V{n:02}", "T2", [60 * KW] * 2, 60 * KW) for n in range(1, 15)]
    singles = [(f"V{n:02}", "T2", [60 * KW], 60 * KW) for n in range(15, 23)]
    hyper = [(f"H{n}", "cabinet-A" if n < 3 else "cabinet-B", [600 * KW, 250 * KW], 0.0) for n in range(1, 5)]
    return [*twins, *singles, *hyper, ("F1", "T1", [120 * KW] * 2, 0.0)]


STATES = [*["charging"] * 14, *["discharging"] * 12, *["available"] * 8, "paused", "paused", "plugged", "authorised"]
WHY = {
    "charging": ["charge", "urgent", "node:cabinet-A", "operator", "charge"],
    "discharging": ["order", "price"],
    "paused": ["wait-cheap", "full"],
}


def outlet(pile: tuple[str, str, list[float], float], number: int, random: Random, now: datetime) -> OutletPicture:
    """One outlet somewhere in its life."""
    name, _, takes, gives = pile
    most = takes[number - 1]
    state = random.choice([s for s in STATES if gives or s != "discharging"])
    base = OutletPicture(
        id=EvseId(f"{name}-{number}"), charger=ChargerId(name), group=NodeId(name), online=True, version="2.1",
        state=state, max_charge_w=most, max_discharge_w=gives, power_w=0.0, age_s=0.6,
    )  # fmt: skip
    if state == "available":
        return replace(base, age_s=None)
    power = {"charging": random.uniform(0.35, 1.0) * most, "discharging": -random.uniform(0.6, 1.0) * gives}.get(
        state, 0.0
    )
    charged = random.uniform(4, 45) * KW
    return replace(
        base,
        power_w=power,
        setpoint_w=power if random.random() < 0.7 else power * 0.85,
        why=random.choice(WHY.get(state, ["held"])) if most < 500 * KW else "node:cabinet-A",
        session=f"{name}-{number}-2f6c{random.randrange(10**6):06}",
        soc=random.uniform(0.25, 0.9),
        target_soc=random.choice([0.8, 0.9, 1.0]),
        floor_soc=random.choice([0.2, 0.3, 0.4]) if gives else None,
        need_wh=random.choice([0.0, random.uniform(3, 30) * KW]),
        departure=now + timedelta(minutes=random.choice([12, 35, 75, 190, 480])),
        since=now - timedelta(minutes=random.randrange(8, 240)),
        imported_wh=charged,
        exported_wh=random.uniform(0, 25) * KW if gives else 0.0,
        green_wh=charged * random.uniform(0.05, 0.6),
        v2g=bool(gives),
    )


def trouble(outlets: list[OutletPicture]) -> list[OutletPicture]:
    """The same, with one of each thing that goes wrong."""
    outlets[5] = replace(outlets[5], state="faulted", power_w=0.0, session=None)
    outlets[12] = replace(outlets[12], state="offline", online=False, version="")
    outlets[13] = replace(
        outlets[13], state="offline", online=False, version="", power_w=0.0, session=None, departure=None
    )
    outlets[20] = replace(outlets[20], state="unavailable", power_w=0.0, session=None, limit_w=30 * KW)
    outlets[25] = replace(outlets[25], state="charging", power_w=41 * KW, age_s=74.0)
    return outlets


def picture(now: datetime = EVENING, seed: int = 7) -> StationPicture:
    """The station in the evening peak, giving back."""
    random = Random(seed)
    outlets = trouble([outlet(p, n, random, now) for p in piles() for n in range(1, len(p[2]) + 1)])
    cars_in = sum(max(0.0, o.power_w) for o in outlets if o.online)
    cars_out = sum(min(0.0, o.power_w) for o in outlets if o.online)
    parts = {"pv_w": -23.4 * KW, "battery_w": -38.0 * KW, "building_w": 31.5 * KW}
    return StationPicture(
        station=STATION, name="Lotus Hill", name_zh="莲花山站", timezone="Asia/Shanghai", at=now,
        grid_w=cars_in + cars_out + sum(parts.values()) + 14 * KW, battery_soc=0.62, **parts,
        cars_in_w=cars_in, cars_out_w=cars_out, import_limit_w=3150 * KW, export_limit_w=2200 * KW, pv_peak_w=152 * KW,
        price_buy=1.45, price_sell=0.77, charged_today_wh=18_432_000.0, discharged_today_wh=7_215_000.0,
        solar_today_wh=604_000.0, sessions_today=412, outlets=tuple(outlets), nodes=tuple(nodes(outlets)),
        orders=orders(now), alarms=alarms(now), events=events(now), tick_us=412.0,
    )  # fmt: skip


def nodes(outlets: list[OutletPicture]) -> list[NodePicture]:
    """The tree of limits, with what each carries."""
    above = {"cabinet-A": "T1", "cabinet-B": "T1", "T1": "grid", "T2": "grid", **{p[0]: p[1] for p in piles()}}
    load = dict.fromkeys(["grid", *above], 0.0)
    for one in outlets:
        node: str | None = one.group
        while node is not None:
            load[node] += one.power_w
            node = above.get(node)
    limits = {"grid": (3150, 2200), "T1": (2000, 400), "T2": (2200, 2160), "cabinet-A": (960, 0), "cabinet-B": (960, 0)}
    limits |= {p[0]: (sum(p[2]) / KW, p[3] / KW * len(p[2])) for p in piles()}
    kinds = {
        "grid": "connection",
        "T1": "transformer",
        "T2": "transformer",
        "cabinet-A": "cabinet",
        "cabinet-B": "cabinet",
    }
    return [
        NodePicture(
            id=NodeId(name), kind=kinds.get(name, "pile"), parent=NodeId(above[name]) if name in above else None,
            power_w=power, import_w=limits[name][0] * KW, export_w=limits[name][1] * KW,
        )
        for name, power in load.items()
    ]  # fmt: skip


def orders(now: datetime) -> tuple[OrderPicture, ...]:
    """One that runs, one to come."""
    start = now - timedelta(minutes=25)
    end = start + timedelta(hours=1)
    later = now + timedelta(hours=3)
    return (
        OrderPicture(id="gd-0328-1", start=start, end=end, power_w=-600 * KW, delivered_wh=243_000.0, active=True),
        OrderPicture(
            id="gd-0328-2",
            start=later,
            end=later + timedelta(minutes=30),
            power_w=-400 * KW,
            delivered_wh=0.0,
            active=False,
        ),
    )


def alarms(now: datetime) -> tuple[AlarmPicture, ...]:
    """What needs a person."""
    return (
        AlarmPicture(code="charger-offline", subject="V07", since=now - timedelta(minutes=6)),
        AlarmPicture(code="outlet-fault", subject="V03-2", since=now - timedelta(minutes=41), detail="GroundFailure"),
    )


def events(now: datetime) -> tuple[EventPicture, ...]:
    """The newest first."""
    codes = ["charging", "plugged", "discharging", "ended", "order", "alarm-outlet-fault", "charger-online"]
    lines = [(now - timedelta(seconds=47 * i + 9), codes[i % 7], f"V{i % 22 + 1:02}-1") for i in range(40)]
    return tuple(EventPicture(at=at, code=code, subject=subject) for at, code, subject in lines)


def minutes(since: datetime, until: datetime) -> list[Minute]:
    """A day as it goes: sun at noon, charging at night and noon, giving back in the evening."""
    found = []
    at = since.replace(second=0, microsecond=0)
    while at < until:
        hour = ((at + timedelta(hours=8)).hour + at.minute / 60) % 24
        wiggle = math.sin(hour * 9.1) + math.sin(hour * 23.7) * 0.6
        sun = max(0.0, math.sin((hour - 6) / 12.4 * math.pi)) * 138 * KW if 6 < hour < 18.4 else 0.0
        out = -max(0.0, math.exp(-(((hour - 18.4) / 1.6) ** 2)) * 1150 + wiggle * 40) * KW if hour > 14 else 0.0
        into = (
            750 + 500 * math.exp(-(((hour - 12.8) / 2) ** 2)) + 620 * math.exp(-(((hour - 2.5) / 3) ** 2)) + wiggle * 70
        ) * KW
        store = 80 * KW * math.sin((hour - 8) / 24 * 4 * math.pi)
        price = 0.70 if hour < 8 else 1.45 if 10 <= hour < 12 or 14 <= hour < 19 else 1.10
        found.append(
            Minute(
                at=at, grid_w=into + out - sun + store + 32 * KW, pv_w=-sun, battery_w=store, battery_soc=0.5 + 0.3 * math.sin(hour / 4),
                building_w=32 * KW, cars_in_w=into, cars_out_w=out, price_buy=price, connected=30,
            )
        )  # fmt: skip
        at += timedelta(minutes=1)
    return found


@dataclass
class Records:
    """A memory that draws its day."""

    asked: list[tuple[datetime, datetime]] = field(default_factory=list)

    async def minutes(self, since: datetime, until: datetime) -> list[Minute]:
        self.asked.append((since, until))
        return minutes(since, until)


@dataclass
class ManualClock:
    """A clock that is set by hand."""

    wall: datetime = EVENING
    elapsed: float = 0.0

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.elapsed


class Depot:
    """The fake: answers ``look``, ``plan``, ``offer`` and ``order`` on the bus, and tells a picture when asked to."""

    def __init__(self, bus: LocalBus, first: StationPicture | None = None) -> None:
        self.bus = bus
        self.now = first or picture()
        self.ordered: list[object] = []
        self.reply: Reply | None = None
        self.plan = PlanPicture(station=STATION, at=self.now.at, leads="rules")
        self.asked: list[AskOffer] = []
        self.ground, self.learnt_days = "sure", 23
        self._served: list[Subscription] = [
            bus.serve(f"station.{STATION}.look", self._look),
            bus.serve(f"station.{STATION}.plan", self._plan),
            bus.serve(f"station.{STATION}.offer", self._offer),
            bus.serve(f"station.{STATION}.order", self._order),
        ]

    def fall_silent(self) -> None:
        """The station is gone."""
        for served in self._served:
            served.close()

    async def step(self, seconds: float = 1.0, **changes: object) -> StationPicture:
        """A second later: publish the picture, with some fields changed."""
        self.now = replace(self.now, at=self.now.at + timedelta(seconds=seconds), **changes)  # type: ignore[arg-type]
        await self.bus.publish(f"station.{STATION}.picture", self.now)
        return self.now

    async def _look(self, _message: object) -> StationPicture:
        return self.now

    async def _plan(self, _message: object) -> PlanPicture:
        return self.plan

    async def _offer(self, message: object) -> OfferPicture:
        assert isinstance(message, AskOffer)
        self.asked.append(message)
        sure = 1_240 * KW if self.ground == "sure" else 0.0
        return OfferPicture(
            station=STATION, at=self.now.at, since=message.since, until=message.until, confidence=0.9, power_w=sure,
            ground=self.ground, levels_w=(sure,) * 20, best_w=sure, days=self.learnt_days,
        )  # fmt: skip

    async def _order(self, message: object) -> Reply:
        self.ordered.append(message)
        if self.reply is not None:
            return self.reply
        return self._answer(message)

    def _answer(self, message: object) -> Reply:
        known = {one.id: one for one in self.now.outlets}
        match message:
            case StartCharging(evse=evse) | StopCharging(evse=evse) | LimitOutlet(evse=evse) | SetInService(evse=evse):
                if evse not in known:
                    return Reply(done=False, code="unknown-outlet")
                if isinstance(message, LimitOutlet):
                    self.change(evse, limit_w=message.limit_w)
                if isinstance(message, SetInService):
                    self.change(evse, state="available" if message.operative else "unavailable")
                if isinstance(message, StopCharging) and known[evse].session is None:
                    return Reply(done=False, code="no-car")
            case OrderGrid():
                made = OrderPicture(
                    id=message.id,
                    start=message.start,
                    end=message.end,
                    power_w=message.power_w,
                    delivered_wh=0.0,
                    active=False,
                )
                self.now = replace(self.now, orders=(*self.now.orders, made))
        return Reply(done=True, code="accepted")

    def change(self, evse: str, **fields: object) -> None:
        """One outlet is different from now on."""
        outlets = tuple(dataclasses.replace(o, **fields) if o.id == evse else o for o in self.now.outlets)  # type: ignore[arg-type]
        self.now = replace(self.now, outlets=outlets)
