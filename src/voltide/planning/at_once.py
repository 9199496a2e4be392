"""The whole horizon by rule, when no solver answers: every car charges at once, the most urgent first.

Every hard limit is kept: connection, nodes, outlets, batteries. Nobody gives back; the battery helps only where the
load alone is above the connection's limit. The sun serves load and cars, and is sold while that pays.
"""

from collections.abc import Sequence

import numpy as np

from voltide.domain.units import Watts
from voltide.planning.layout import KILO, Limits, Stays
from voltide.planning.problem import Array, Car, Problem
from voltide.planning.schedule import Schedule, Status, settle


def at_once(problem: Problem) -> Schedule:
    """The plan by rule."""
    steps, hours = problem.steps, problem.hours
    powers = np.zeros((len(problem.cars), steps))
    battery = np.zeros(steps)
    stays = Stays.of(problem)
    wanted = np.maximum(stays.reach_kwh, stays.energy_kwh) * KILO
    energy = stays.energy_kwh * KILO
    held = 0.0 if problem.battery is None else problem.battery.energy_wh
    limits = Limits.of(problem)
    for step in range(steps):
        room = problem.import_limit_w[step] + problem.pv_w[step] - problem.load_w[step]
        if problem.battery is not None and room < 0.0:
            able = (held - problem.battery.floor_wh) * problem.battery.eta_discharge / hours[step]
            battery[step] = -min(-room, problem.battery.discharge_w, able)
            held += battery[step] * hours[step] / problem.battery.eta_discharge
        for place in _by_urgency(problem, wanted - energy, step):
            car = problem.cars[place]
            able = (wanted[place] - energy[place]) / car.eta_charge / hours[step]
            free = min(room / car.weight, _free_w(limits, place, powers[:, step], problem.cars))
            power = max(0.0, min(able, car.charge_w, free))
            powers[place, step] = power
            energy[place] += power * hours[step] * car.eta_charge
            room -= power * car.weight
    return settle(problem, stays, powers, battery, _sun(problem, powers, battery), Status.FALLBACK)


def _by_urgency(problem: Problem, missing_wh: Array, step: int) -> list[int]:
    """Who is there and wants something, by the time that full power would leave it."""

    def spare_h(place: int) -> float:
        car = problem.cars[place]
        left = float(problem.hours[step : car.depart].sum())
        return left - float(missing_wh[place]) / (car.eta_charge * max(car.charge_w, 1.0))

    here = [place for place, car in enumerate(problem.cars) if car.arrive <= step < car.depart]
    return sorted((place for place in here if missing_wh[place] > 0.0), key=spare_h)


def _free_w(limits: Limits, place: int, powers: Array, cars: Sequence[Car]) -> Watts:
    """What every limit over an outlet leaves it."""
    weights = np.array([car.weight for car in cars])
    factor = limits.factor[:, place] * weights[place]
    over = np.flatnonzero(factor)
    drawn = (limits.factor[over] * weights) @ powers
    up = (limits.upper_kw[over] * KILO - drawn) / factor[over]
    down = (limits.lower_kw[over] * KILO - drawn) / factor[over]
    return float(np.where(factor[over] > 0.0, up, down).min(initial=np.inf))


def _sun(problem: Problem, powers: Array, battery: Array) -> Array:
    weights = np.array([car.weight for car in problem.cars])
    taken = problem.load_w + weights @ powers + battery
    sold = np.where(problem.price_sell > 0.0, problem.export_limit_w, 0.0)
    used: Array = np.minimum(problem.pv_w, np.maximum(taken, 0.0) + sold)
    return used
