"""Holds an answer against the rules of the format, without trusting any of its figures."""

from __future__ import annotations

import numpy as np

from tests.planning.reference import by_step


def wrongs(given: dict, answer: dict, tolerance: float = 1e-3) -> list[str]:
    """Everything that is wrong; tolerance in W and Wh."""
    found = [*outlets(given, answer, tolerance), *site(given, answer, tolerance)]
    told, true = answer["objective"], objective(given, answer)
    if abs(told - true) > 1e-6 + 1e-9 * abs(true):
        found.append(f"objective {told} is truly {true}")
    return found


def outlets(given: dict, answer: dict, tolerance: float) -> list[str]:
    found, steps = [], given["steps"]
    for ev in given.get("evs", []):
        said = answer["evs"][ev["id"]]
        power = np.array(said["power_w"])
        away = [step for step in range(steps) if not ev["arrive"] <= step < ev["depart"]]
        if power[away].any():
            found.append(f"{ev['id']} has power while it is not there")
        found += stored(ev, ev["id"], power, np.array(said["energy_wh"]), given, tolerance)
        short = max(0.0, due(ev, steps) - at_departure(ev, said, steps))
        if abs(short - said["short_wh"]) > tolerance:
            found.append(f"{ev['id']} is short {short}, not {said['short_wh']}")
    for node in given.get("nodes", []):
        inside = [answer["evs"][ev["id"]]["power_w"] for ev in given.get("evs", []) if ev["evse"] in node["evses"]]
        total = np.sum(inside, axis=0) if inside else np.zeros(steps)
        if total.max() > node["import_w"] + tolerance or total.min() < -node["export_w"] - tolerance:
            found.append(f"node {node['id']} carries {total.min()} to {total.max()}")
    return found


def stored(one: dict, name: str, power, energy, given: dict, tolerance: float) -> list[str]:
    hours = by_step(given, "step_s") / 3600
    gain = np.where(power > 0, power * one["eta_charge"], power / one["eta_discharge"]) * hours
    true = one["energy_wh"] + np.cumsum(gain)
    found = []
    if power.max() > one["charge_w"] + tolerance or power.min() < -one["discharge_w"] - tolerance:
        found.append(f"{name} has a power outside its own")
    if energy is not None and np.abs(energy - true).max() > tolerance:
        found.append(f"{name}'s energies are not its powers'")
    low, high = min(one["min_wh"], one["energy_wh"]), max(one["max_wh"], one["energy_wh"])
    if true.min() < low - tolerance or true.max() > high + tolerance:
        found.append(f"{name} holds {true.min()} to {true.max()}, outside {low} to {high}")
    return found


def site(given: dict, answer: dict, tolerance: float) -> list[str]:
    found = []
    load, limit, export, pv = (by_step(given, k) for k in ("load_w", "import_limit_w", "export_limit_w", "pv_w"))
    grid, battery, sun = (np.array(answer[key]) for key in ("grid_w", "battery_w", "pv_used_w"))
    cars = sum((np.array(one["power_w"]) for one in answer["evs"].values()), np.zeros(given["steps"]))
    if np.abs(load + cars + battery - sun - grid).max() > tolerance:
        found.append("the grid is not the sum of its parts")
    if sun.min() < -tolerance or (sun - pv).max() > tolerance:
        found.append("more sun than there is")
    if given.get("battery") is None:
        found += ["a battery from nowhere"] if battery.any() else []
    else:
        found += stored(given["battery"], "battery", battery, None, given, tolerance)
    over = np.maximum(grid - limit, 0.0)
    if (over - np.maximum(load - limit, 0.0)).max() > tolerance or (-grid - export).max() > tolerance:
        found.append("the connection is beyond its limits")
    if abs(over @ (by_step(given, "step_s") / 3600) - answer["over_import_wh"]) > tolerance * given["steps"]:
        found.append("the excess is not what was told")
    return found


def due(ev: dict, steps: int) -> float:
    if ev["depart"] <= steps:
        return ev["need_wh"]
    return ev["need_wh"] * max(0, steps - ev["arrive"]) / max(1, ev["depart"] - ev["arrive"])


def at_departure(ev: dict, said: dict, steps: int) -> float:
    return said["energy_wh"][min(ev["depart"], steps) - 1] if min(ev["depart"], steps) > 0 else ev["energy_wh"]


def objective(given: dict, answer: dict) -> float:
    """The money of an answer's powers, in yuan."""
    steps, hours = given["steps"], by_step(given, "step_s") / 3600
    grid = np.array(answer["grid_w"]) / 1000
    buy, sell = by_step(given, "price_buy"), by_step(given, "price_sell")
    money = float(np.where(grid > 0, buy * grid, sell * grid) @ hours)
    money += given.get("demand_charge", 0.0) * max(0.0, grid.max() - given.get("peak_so_far_w", 0.0) / 1000)
    for ev in given.get("evs", []):
        said = answer["evs"][ev["id"]]
        money += wear(ev, np.array(said["power_w"]), hours)
        stay = hours[min(ev["arrive"], steps) : min(ev["depart"], steps)].sum()
        reach = ev["energy_wh"] + ev["eta_charge"] * ev["charge_w"] * stay
        wanted = min(due(ev, steps), max(ev["max_wh"], ev["energy_wh"]), reach)
        money += ev["shortfall"] * max(0.0, wanted - at_departure(ev, said, steps)) / 1000
    if given.get("battery") is not None:
        one, power = given["battery"], np.array(answer["battery_w"])
        gain = np.where(power > 0, power * one["eta_charge"], power / one["eta_discharge"]) @ hours
        money += wear(one, power, hours) - one["end_value"] * (one["energy_wh"] + gain) / 1000
    for event in given.get("events", []):
        for step in range(event["start"], min(event["end"], steps)):
            short = max(0.0, event["reduce_w"] / 1000 - (event["baseline_w"] / 1000 - grid[step]))
            delivered = event["reduce_w"] / 1000 - short
            money += (event["penalty"] * short - event["pay"] * delivered) * hours[step]
    return money


def wear(one: dict, power, hours) -> float:
    inside = np.where(power > 0, power * one["eta_charge"], -power / one["eta_discharge"])
    return one["wear"] * float(inside @ hours) / 1000
