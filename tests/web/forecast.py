"""The day ahead of the fake station: its own day as ``depot`` draws it, a little off, and a reason of every kind."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import cycle

from tests.web.depot import KW, minutes
from voltide.domain.picture import (
    CarPlan,
    EventPlan,
    Minute,
    Planned,
    PlanPicture,
    ReasonPicture,
    StationPicture,
)
from voltide.domain.picture import OutletPicture as Outlet
from voltide.station.outlook import steps_from

CAPACITY_WH = 60_000.0
CODES = {
    "charging": ("charges-now", "limited-by", "charges-for-need"),
    "discharging": ("gives-for-price", "gives-for-event"),
    "": ("waits-for-price", "full", "waits-to-give", "at-floor", "rests", "waits-for-event"),
}


def plan(station: StationPicture) -> PlanPicture:
    """What the optimiser would want of it."""
    now = station.at
    starts, lengths = steps_from(now)
    day = [minutes(start, start + timedelta(minutes=1))[0] for start in starts]
    ends = now + timedelta(seconds=float(lengths.sum()))
    codes = {state: cycle(words) for state, words in CODES.items()}
    cars = [_car(one, next(codes.get(one.state, codes[""])), starts) for one in station.outlets if one.session]
    return PlanPicture(
        station=station.station, at=now, leads="optimiser", epoch=7, made_at=now, expires_at=now + timedelta(minutes=15),
        ends_at=ends, starts=starts, grid_w=tuple(round(one.grid_w * 0.96) for one in day),
        pv_w=tuple(round(one.pv_w * 0.9) for one in day), load_w=(32 * KW,) * len(starts),
        battery_w=tuple(round(one.battery_w) for one in day), battery_soc=tuple(one.battery_soc or 0.0 for one in day),
        cars_in_w=tuple(round(one.cars_in_w * 0.95) for one in day),
        cars_out_w=tuple(round(one.cars_out_w) for one in day), price_buy=tuple(one.price_buy or 0.0 for one in day),
        cars=tuple(cars), events=_events(station), past=tuple(map(_was, minutes(now - timedelta(hours=6), now)[::5])),
        connection=_reason("imports", now, limit="connection", limit_worth=0.31, price=1.45),
        battery=_reason("feeds", now, then_at=now + timedelta(hours=6), then_way="in", then_price=0.7, price=1.45),
    )  # fmt: skip


def rules(station: StationPicture) -> PlanPicture:
    """No plan leads."""
    return PlanPicture(station=station.station, at=station.at, leads="rules")


def _was(one: Minute) -> Planned:
    return Planned(
        at=one.at, grid_w=one.grid_w * 0.97, pv_w=one.pv_w * 0.9, battery_w=one.battery_w, cars_in_w=one.cars_in_w,
        cars_out_w=one.cars_out_w * 1.1, price_buy=one.price_buy or 0.0,
    )  # fmt: skip


def _events(station: StationPicture) -> tuple[EventPlan, ...]:
    now, short = station.at, 40_000.0
    return tuple(
        EventPlan(
            id=one.id, start=one.start, end=one.end, asked_wh=600_000.0, planned_wh=600_000.0 - short * place,
            reason=_reason("event-short" if place else "event-met", now, until=one.end, short_wh=short * place),
        )
        for place, one in enumerate(station.orders)
    )  # fmt: skip


def _reason(code: str, now: datetime, **figures: object) -> ReasonPicture:
    base = ReasonPicture(code=code, power_w=0.0, until=now + timedelta(minutes=95), price=1.15)
    return replace(base, **figures)  # type: ignore[arg-type]


def _car(one: Outlet, code: str, starts: tuple[datetime, ...]) -> CarPlan:
    """It goes on as now until it leaves, and charges at the end where it gives or waits."""
    now, leaves = starts[0], one.departure or starts[0] + timedelta(hours=8)
    soc = one.soc if one.soc is not None else 0.5
    floor = one.floor_soc if one.floor_soc is not None else 0.3
    turn = now + (leaves - now) * 0.6
    power = [
        one.power_w if start < turn or one.power_w > 0.0 else one.max_charge_w / 2 for start in starts if start < leaves
    ]
    held = [soc]
    for start, after, watts in zip(starts, starts[1:], power, strict=False):
        gained = watts * (after - start).total_seconds() / 3600.0 / CAPACITY_WH
        held.append(min(one.target_soc or 1.0, max(held[-1] + gained, min(floor, held[-1]))))
    reason = _reason(
        code, now, power_w=one.power_w, until=turn, by=leaves, need_soc=one.target_soc, floor_soc=floor,
        missing_wh=max(0.0, (one.target_soc or 0.0) - soc) * CAPACITY_WH,
        **({"limit": f"node:{one.group}", "limit_worth": 0.42} if code == "limited-by" else {}),
        **({} if one.power_w > 0.0 else {"then_at": turn, "then_way": "out" if code == "waits-to-give" else "in", "then_price": 0.7}),
    )  # fmt: skip
    return CarPlan(
        session=one.session or "", outlet=one.id, power_w=tuple(map(round, power)), reason=reason,
        soc=tuple(round(share, 4) for share in held[: len(power) + 1]),
    )  # fmt: skip
