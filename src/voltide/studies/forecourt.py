"""A day of a station as one planning problem: the twin's drivers seated at its outlets, its sun, building and prices.

Cars are ideal batteries: each takes the mean of the power that its curve allows. Nobody's power decides who sits where:
a hasty driver stays a fixed time, so that every rule serves the same cars in the same steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from voltide.config import Config
from voltide.domain.site import Evse, Station
from voltide.domain.sun import clear_sky, on_canopy, sun_position
from voltide.domain.units import Seconds, WattHours, Watts
from voltide.planning.problem import Array, Car, Node, Problem
from voltide.twin.conditions import WorldConfig
from voltide.twin.drivers import FAST_CAR_W, Crowd, Visit
from voltide.twin.plant import BUILDING_BY_HOUR, SYSTEM_ETA
from voltide.twin.street import seconds_to
from voltide.twin.vehicle import ETA_CHARGE, ETA_DISCHARGE, Vehicle, between, catalogue

STEP_S: Seconds = 300.0
STEPS = 36 * 12
"""A day, and what is left of its night."""
SHORTFALL = 5.0
"""Yuan per kWh that a driver misses."""
HIGHEST = 0.9
"""Nobody is filled further for money, as a part of the battery."""
COFFEE_S: Seconds = 300.0
"""A hasty driver stays so much longer than full power would take, but not beyond the longest stay."""
DAY_S: Seconds = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seated:
    """A driver with an outlet, in steps of the day."""

    visit: Visit
    evse: Evse
    arrive: int
    depart: int
    charge_w: Watts
    """The mean of what it takes up to its target."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Forecourt:
    """One day."""

    problem: Problem
    seated: tuple[Seated, ...]
    turned_away: int


def day(config: Config, world: WorldConfig, seed: int, number: int, on: date) -> Forecourt:
    """The drivers of one day of a seed's crowd; another number, another day."""
    visits = Crowd(world, catalogue(), seed).day(number)
    for visit in visits:
        visit.arrives_s -= number * DAY_S
    seated = _seat(visits, config.station, world.patience_s)
    load, sun = _plant(config, world, on)
    buy, sell = _prices(config, on)
    worth = float(buy.min()) / ETA_CHARGE
    station = config.station
    problem = Problem(
        step_s=np.full(STEPS, STEP_S),
        price_buy=buy,
        price_sell=sell,
        import_limit_w=np.full(STEPS, station.connection.import_w - station.connection.reserve_w),
        export_limit_w=np.full(STEPS, station.connection.export_w),
        load_w=load,
        pv_w=sun,
        cars=tuple(_car(one, config, worth) for one in seated),
        nodes=_nodes(station),
    )
    return Forecourt(problem=problem, seated=seated, turned_away=len(visits) - len(seated))


def without_v2g(problem: Problem) -> Problem:
    """The same day, and nobody gives back."""
    return replace(problem, cars=tuple(replace(car, discharge_w=0.0) for car in problem.cars))


def _seat(visits: Sequence[Visit], station: Station, patience_s: Seconds) -> tuple[Seated, ...]:
    """First come, first seated, at the outlet that suits best of those that are free in time."""
    free = dict.fromkeys(station.evse_of, 0.0)
    found = []
    for visit in sorted(visits, key=lambda one: one.arrives_s):
        suits = [
            (max(free[evse.id], visit.arrives_s) - visit.arrives_s, rank, place)
            for place, evse in enumerate(station.evses)
            if (rank := _rank(visit, evse)) is not None and free[evse.id] <= visit.arrives_s + patience_s
        ]
        if not suits:
            continue
        waits, _, place = min(suits)
        one = _seated(visit, station.evses[place], visit.arrives_s + waits)
        free[one.evse.id] = one.depart * STEP_S
        found.append(one)
    return tuple(found)


def _rank(visit: Visit, evse: Evse) -> int | None:
    """How well an outlet suits, 0 best, as on the twin's street; None: not at all."""
    fast = evse.discharge_w == 0.0
    if visit.kind == "hurried":
        if not fast:
            return None
        wanted = visit.car.model.dc_w
        return -int(evse.charge_w) if wanted > FAST_CAR_W else int(abs(evse.charge_w - 1.3 * wanted))
    if visit.hasty:
        return (1 if fast else 0) if evse.charge_w < FAST_CAR_W else 2
    return None if fast else 0


def _seated(visit: Visit, evse: Evse, at_s: Seconds) -> Seated:
    car = visit.car
    goal = max(visit.target_soc, min(1.0, car.soc + 0.01)) * car.capacity_wh
    takes_s = max(10.0, seconds_to(Vehicle(car.model, car.soc), goal, evse.charge_w))
    mean = (goal - car.energy_wh) / ETA_CHARGE / takes_s * 3600.0
    arrive = int(np.ceil(at_s / STEP_S))
    stay_s = min(max(takes_s, visit.stay_s), takes_s + COFFEE_S) if visit.hasty else visit.stay_s
    depart = arrive + max(1, int(np.ceil(stay_s / STEP_S)) if visit.hasty else int(stay_s // STEP_S))
    return Seated(visit=visit, evse=evse, arrive=arrive, depart=depart, charge_w=min(mean, evse.charge_w))


def _car(one: Seated, config: Config, worth: float) -> Car:
    visit, size = one.visit, one.visit.car.capacity_wh
    gives = min(one.evse.discharge_w, visit.car.model.v2g_w) if visit.v2g else 0.0
    need = max(visit.target_soc * size, 0.0)
    return Car(
        id=str(visit.number),
        evse=one.evse.id,
        arrive=one.arrive,
        depart=one.depart,
        energy_wh=visit.car.energy_wh,
        min_wh=max(visit.floor_soc, config.rules.floor_soc) * size,
        max_wh=max(need, HIGHEST * size) if gives else need,
        need_wh=need,
        shortfall=SHORTFALL,
        charge_w=one.charge_w,
        discharge_w=gives,
        eta_charge=ETA_CHARGE,
        eta_discharge=ETA_DISCHARGE,
        wear=config.plan.wear,
        end_value=worth,
    )


def _nodes(station: Station) -> tuple[Node, ...]:
    """Every limit below the connection; where the plant hangs, the building's most is kept free."""
    kept = station.connection.other_load_max_w
    return tuple(
        Node(
            id=node.id,
            evses=station.below(node),
            import_w=node.import_w - (kept if node.plant else 0.0),
            export_w=node.export_w,
        )
        for node in station.nodes
        if node.parent is not None and station.below(node)
    )


def _moments(config: Config, on: date) -> list[datetime]:
    """The middle of every step."""
    begins = datetime.combine(on, time(0), ZoneInfo(config.station.timezone)).astimezone(UTC)
    return [begins + timedelta(seconds=(step + 0.5) * STEP_S) for step in range(STEPS)]


def _plant(config: Config, world: WorldConfig, on: date) -> tuple[Array, Array]:
    """The building's load and the mean of the sun, in W: the same for all rules, and known."""
    station, pv = config.station, config.station.pv
    load, sun = np.zeros(STEPS), np.zeros(STEPS)
    for step, moment in enumerate(_moments(config, on)):
        solar_h = (moment.hour + moment.minute / 60.0 + station.longitude / 15.0) % 24.0
        load[step] = world.building_w * between(BUILDING_BY_HOUR, solar_h)
        if pv is not None:
            stands = sun_position(moment, station.latitude, station.longitude)
            sky = clear_sky(stands[0]) * (1.0 - 0.85 * world.cloudiness / 2.0)
            light = on_canopy(sky, stands, pv.tilt_deg, pv.azimuth_deg)
            sun[step] = min(pv.peak_w, pv.peak_w * light / 1000.0 * SYSTEM_ETA)
    return load, sun


def _prices(config: Config, on: date) -> tuple[Array, Array]:
    periods = [config.tariff.at(moment) for moment in _moments(config, on)]
    return np.array([float(one.grid_buy) for one in periods]), np.array([float(one.grid_sell) for one in periods])


def lacking_wh(car: Car) -> WattHours:
    """What a car lacks at arrival."""
    return max(0.0, car.need_wh - car.energy_wh)
