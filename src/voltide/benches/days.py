"""Days of a station like Lotus Hill, with 63 outlets, as planning problems: as many different ones as are wanted."""

from dataclasses import replace

import numpy as np

from voltide.planning.problem import Array, Battery, Car, Event, Node, Problem

TWIN_PILES, HYPER, FAST = 25, 10, 3
_DAY_H = 24.0
_BUY = ((8, 0.30), (10, 0.68), (12, 1.10), (14, 0.68), (19, 1.10), (24, 0.68))
"""Yuan per kWh until this hour; the windows are Guangdong's."""
_SELL = ((8, 0.1721), (10, 0.4530), (12, 0.9000), (14, 0.4530), (19, 0.9000), (24, 0.4530))


def day(number: int, steps: int) -> Problem:
    """One day of ``steps`` equal steps; another number, another day."""
    chance = np.random.default_rng(number)
    hour = (np.arange(steps) + 0.5) * _DAY_H / steps
    sun = np.maximum(np.sin((hour - 6.0) / 13.0 * np.pi), 0.0) * 152_000.0
    cars, nodes = _forecourt(chance, steps)
    start = int(steps * chance.uniform(0.55, 0.75))
    noise = chance.normal(1.0, 0.05, steps)
    return Problem(
        step_s=np.full(steps, 86_400.0 / steps),
        price_buy=_tariff(_BUY, hour) + chance.normal(0.0, 0.01, steps),
        price_sell=_tariff(_SELL, hour) - 0.03,
        import_limit_w=np.full(steps, 3_150_000.0),
        export_limit_w=np.full(steps, 2_200_000.0),
        load_w=30_000.0 + 20_000.0 * np.abs(noise),
        pv_w=sun * chance.uniform(0.3, 1.0) * np.clip(chance.normal(1.0, 0.1, steps), 0.0, 1.2),
        demand_charge=1.3,  # a month's 40 yuan per kW, as a day sees it
        peak_so_far_w=1_500_000.0,
        battery=Battery(
            energy_wh=chance.uniform(40_000.0, 160_000.0), min_wh=20_000.0, max_wh=190_000.0, charge_w=100_000.0,
            discharge_w=100_000.0, eta_charge=0.96, eta_discharge=0.96, wear=0.05, end_value=0.5,
        ),
        cars=cars,
        nodes=nodes,
        events=(
            Event(
                start=start, end=start + max(1, steps // 12), reduce_w=500_000.0, baseline_w=800_000.0, pay=4.0,
                penalty=5.0,
            ),
        ),
    )  # fmt: skip


def changed(problem: Problem, number: int) -> Problem:
    """The same cars a moment later: other prices, sun and load, and energies that came out a little differently."""
    chance = np.random.default_rng(number)
    steps = problem.steps
    return replace(
        problem,
        price_buy=problem.price_buy + chance.normal(0.0, 0.01, steps),
        pv_w=problem.pv_w * chance.uniform(0.9, 1.0, steps),
        load_w=problem.load_w * chance.uniform(0.9, 1.1, steps),
        cars=tuple(replace(car, energy_wh=car.energy_wh * chance.uniform(0.98, 1.02)) for car in problem.cars),
    )


def _tariff(periods: tuple[tuple[int, float], ...], hour: Array) -> Array:
    ends = [end for end, _ in periods]
    prices: Array = np.array([price for _, price in periods])[np.searchsorted(ends, hour, side="right")]
    return prices


def _forecourt(chance: np.random.Generator, steps: int) -> tuple[tuple[Car, ...], tuple[Node, ...]]:
    """Twin V2G piles behind one transformer; hyperchargers in two cabinets, and fast outlets, behind another."""
    twins = [(f"V{pile:02}-1", f"V{pile:02}-2") for pile in range(TWIN_PILES)]
    heads = [f"H{number}" for number in range(HYPER)]
    fast = [f"F{number}" for number in range(FAST)]
    v2g = [evse for pair in twins for evse in pair]
    nodes = [
        Node(id="T1", evses=(*heads, *fast), import_w=2_000_000.0, export_w=400_000.0),
        Node(id="T2", evses=tuple(v2g), import_w=2_200_000.0, export_w=2_160_000.0),
        Node(id="cabinet-A", evses=tuple(heads[::2]), import_w=960_000.0, export_w=0.0),
        Node(id="cabinet-B", evses=tuple(heads[1::2]), import_w=960_000.0, export_w=0.0),
        *(Node(id=pair[0][:3], evses=pair, import_w=90_000.0, export_w=90_000.0) for pair in twins),
    ]
    cars = [car for evse in v2g for car in _queue(chance, steps, evse, (60_000.0, 60_000.0, 3.5, 1.0))]
    cars += [car for evse in heads for car in _queue(chance, steps, evse, (480_000.0, 0.0, 0.5, 0.5))]
    cars += [car for evse in fast for car in _queue(chance, steps, evse, (120_000.0, 0.0, 1.0, 0.7))]
    return tuple(cars), tuple(nodes)


def _queue(chance: np.random.Generator, steps: int, evse: str, kind: tuple[float, float, float, float]) -> list[Car]:
    """One outlet's cars over the day: power in, power out, hours of a stay and of a gap on average."""
    charge_w, discharge_w, stay_h, gap_h = kind
    found: list[Car] = []
    at = chance.exponential(gap_h) + (0.0 if chance.random() < 0.3 else 5.0)
    while at < _DAY_H - 0.25:
        leaves = at + max(0.25, chance.gamma(4.0, stay_h / 4.0))
        arrive, depart = (int(hour / _DAY_H * steps) for hour in (at, leaves))
        size = chance.uniform(45_000.0, 100_000.0)
        found.append(
            Car(
                id=f"{evse}/{len(found)}", evse=evse, arrive=arrive, depart=max(depart, arrive + 1),
                energy_wh=size * chance.uniform(0.15, 0.7), min_wh=size * 0.3, max_wh=size * 0.95,
                need_wh=size * chance.uniform(0.6, 0.9), shortfall=5.0, charge_w=charge_w, discharge_w=discharge_w,
                eta_charge=0.95, eta_discharge=0.95, wear=chance.choice((0.05, 0.1, 0.2)),
            )
        )  # fmt: skip
        at = max(depart, arrive + 1) * _DAY_H / steps + chance.exponential(gap_h)
    return found
