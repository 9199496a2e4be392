"""Small problems of every odd kind, as the JSON that ``voltide plan`` reads."""

from random import Random

POWERS = (0, 1_000, 7_000, 11_000, 50_000)


def problem(chance: Random) -> dict:
    """One problem with a handful of steps and cars."""
    steps = chance.randint(1, 7)
    mild = chance.random() < 0.5
    low, high = (0.1, 1.5) if mild else (-1.0, 1.5)

    def by_step(low: float, high: float) -> float | list[float]:
        if chance.random() < 0.4:
            return round(chance.uniform(low, high), 3)
        return [round(chance.uniform(low, high), 3) for _ in range(steps)]

    buy = [round(chance.uniform(low, high), 3) for _ in range(steps)]
    over = -0.5 if chance.random() < 0.6 else 0.3
    given = {
        "steps": steps,
        "step_s": chance.choice([900, 3600, [chance.choice([300, 900, 1800]) for _ in range(steps)]]),
        "price_buy": buy,
        "price_sell": [round(price + chance.uniform(-0.6, over), 3) for price in buy],
        "import_limit_w": by_step(3_000, 60_000),
        "export_limit_w": by_step(0, 40_000),
        "load_w": by_step(0, 12_000) if chance.random() < 0.8 else by_step(0, 70_000),
    }
    if chance.random() < 0.6:
        given["pv_w"] = by_step(0, 40_000)
    if chance.random() < 0.4:
        given |= {"demand_charge": round(chance.uniform(0, 3), 2), "peak_so_far_w": chance.choice([0, 8_000, 20_000])}
    given["battery"] = battery(chance) if chance.random() < 0.5 else None
    given["evs"] = cars(chance)
    outlets = [f"e{number}" for number in range(6)]
    given["nodes"] = [
        {"id": f"n{number}", "evses": chance.sample(outlets, chance.randint(0, 4)),
         "import_w": chance.choice((*POWERS, 30_000)), "export_w": chance.choice(POWERS)}
        for number in range(chance.randint(0, 3))
    ]  # fmt: skip
    given["events"] = [event(chance, steps) for _ in range(chance.choice((0, 0, 1, 2)))]
    return given


def battery(chance: Random) -> dict:
    """A stationary battery, at times outside its own window."""
    low = chance.choice((0, 2_000))
    return {
        "min_wh": low, "max_wh": low + chance.randint(0, 20_000), "energy_wh": chance.randint(0, 24_000),
        "charge_w": chance.choice(POWERS), "discharge_w": chance.choice(POWERS), "eta_charge": efficiency(chance),
        "eta_discharge": efficiency(chance), "wear": chance.choice((0, 0.05)),
        "end_value": round(chance.uniform(-0.2, 1.2), 2),
    }  # fmt: skip


def efficiency(chance: Random) -> float:
    return chance.choice((1.0, 0.95, 0.9, 0.7))


def cars(chance: Random) -> list[dict]:
    """Some cars, one after another where they share an outlet."""
    found, free = [], dict.fromkeys((f"e{number}" for number in range(4)), 0)
    for number in range(chance.randint(0, 4)):
        evse = chance.choice(sorted(free))
        arrive = free[evse] + chance.randint(0, 2)
        depart = arrive + chance.choice((0, 1, 2, 3, 5, 9))
        free[evse] = depart
        low = chance.choice((0, 5_000, 10_000))
        found.append({
            "id": f"c{number}", "evse": evse, "arrive": arrive, "depart": depart,
            "energy_wh": chance.randint(0, 40_000), "min_wh": low, "max_wh": low + chance.randint(0, 30_000),
            "need_wh": chance.randint(0, 45_000), "shortfall": round(chance.choice((0, 0.3, 1, 5)), 2),
            "charge_w": chance.choice(POWERS), "discharge_w": chance.choice((0, *POWERS)),
            "eta_charge": efficiency(chance), "eta_discharge": efficiency(chance),
            "wear": chance.choice((0, 0, 0.03, 0.2)),
        })  # fmt: skip
    return found


def event(chance: Random, steps: int) -> dict:
    start = chance.randint(0, steps)
    return {
        "start": start, "end": start + chance.randint(0, 3), "reduce_w": chance.randint(0, 30_000),
        "baseline_w": chance.randint(-10_000, 50_000), "pay": round(chance.uniform(0, 4), 2),
        "penalty": round(chance.uniform(0, 4), 2),
    }  # fmt: skip
