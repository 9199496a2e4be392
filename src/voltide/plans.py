"""``voltide plan``: one station's horizon from JSON, and the answer as JSON. Contract of both: docs/formats.md."""

import json
import math
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import UNSET, Meta, UnsetType

from voltide.faults import faults
from voltide.planning.binding import bindings
from voltide.planning.problem import Array, Battery, Car, Event, Node, Problem
from voltide.planning.schedule import Schedule

MOST_STEPS = 100_000
Power = Annotated[float, Meta(ge=0, le=1e10, description="W, from 0 to 1e10")]
Energy = Annotated[float, Meta(ge=0, le=1e10, description="Wh, from 0 to 1e10")]
Price = Annotated[float, Meta(ge=-1e5, le=1e5, description="yuan per kWh, from -1e5 to 1e5")]
Charge = Annotated[float, Meta(ge=0, le=1e5, description="yuan, from 0 to 1e5")]
Length = Annotated[float, Meta(gt=0, le=1e7, description="s, above 0, at most 1e7")]
Share = Annotated[float, Meta(gt=0, le=1, description="above 0, at most 1")]
Step = Annotated[int, Meta(ge=0, le=1_000_000, description="a whole number, from 0 to 1e6")]
Name = Annotated[str, Meta(min_length=1, max_length=255)]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An object of the file; a key that it does not know is an error."""


class BatteryTable(_Table, frozen=True, kw_only=True):
    """battery."""

    energy_wh: Energy
    min_wh: Energy
    max_wh: Energy
    charge_w: Power
    discharge_w: Power
    eta_charge: Share
    eta_discharge: Share
    wear: Charge
    end_value: Price


class EvTable(_Table, frozen=True, kw_only=True):
    """evs[]."""

    id: Name
    evse: Name
    arrive: Step
    depart: Step
    energy_wh: Energy
    min_wh: Energy
    max_wh: Energy
    need_wh: Energy
    shortfall: Charge
    charge_w: Power
    discharge_w: Power
    eta_charge: Share
    eta_discharge: Share
    wear: Charge


class NodeTable(_Table, frozen=True, kw_only=True):
    """nodes[]."""

    id: Name
    evses: list[Name]
    import_w: Power
    export_w: Power


class EventTable(_Table, frozen=True, kw_only=True):
    """events[]."""

    start: Step
    end: Step
    reduce_w: Power
    baseline_w: Annotated[float, Meta(ge=-1e10, le=1e10, description="W, from -1e10 to 1e10")]
    pay: Charge
    penalty: Charge


class PlanFile(_Table, frozen=True, kw_only=True):
    """The file. What may be one number or one per step is a list here."""

    step_s: list[Length]
    steps: Annotated[int, Meta(ge=1, le=MOST_STEPS, description=f"a whole number, from 1 to {MOST_STEPS}")]
    price_buy: list[Price]
    price_sell: list[Price]
    import_limit_w: list[Power]
    export_limit_w: list[Power]
    load_w: list[Power]
    pv_w: list[Power] = msgspec.field(default_factory=lambda: [0.0])
    demand_charge: Charge = 0.0
    peak_so_far_w: Power = 0.0
    battery: BatteryTable | UnsetType = UNSET
    evs: list[EvTable] = []
    nodes: list[NodeTable] = []
    events: list[EventTable] = []


BY_STEP = ("step_s", "price_buy", "price_sell", "import_limit_w", "export_limit_w", "load_w", "pv_w")


class PlanError(ValueError):
    """What is wrong with a problem, as one sentence that names the key."""


def read(text: str | bytes) -> Problem:
    """A problem from its JSON. Raises ``PlanError``."""
    raw = _object(text)
    for at, number in _numbers(raw, ""):
        if not math.isfinite(number):
            raise PlanError(f"{at} = {number}: must be a finite number")
    lists = {key for key in BY_STEP if isinstance(raw.get(key), list)}
    shaped = raw | {key: [raw[key]] for key in BY_STEP if key in raw and key not in lists}
    if raw.get("battery", 0) is None:
        del shaped["battery"]
    for fault in faults(PlanFile, shaped, ""):
        single = fault.partition("[0]")[0] in set(BY_STEP) - lists
        raise PlanError(fault.replace("[0]", "", 1) if single else fault)
    file = msgspec.convert(shaped, PlanFile)
    for fault in (*_lengths(file, lists), *_windows(file), *_names(file), *_meetings(file.evs)):
        raise PlanError(fault)
    return _problem(file)


def _object(text: str | bytes) -> dict[str, Any]:
    try:
        raw = json.loads(text, object_pairs_hook=_once)
    except PlanError:
        raise
    except RecursionError:
        raise PlanError("the file is no JSON that can be read: it is nested too deeply") from None
    except ValueError as error:
        raise PlanError(f"the file is not JSON: {error}") from None
    if not isinstance(raw, dict):
        raise PlanError("the file must be one object with the key step_s and others")
    return raw


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for key, value in pairs:
        if key in table:
            raise PlanError(f"{key} stands twice in one object")
        table[key] = value
    return table


def _numbers(value: Any, at: str) -> Iterator[tuple[str, float]]:
    """Every number with a fraction, NaN and infinity among them, and where it stands; whole ones as far as they fit."""
    if isinstance(value, float):
        yield at, value
    elif isinstance(value, int) and not isinstance(value, bool):
        yield at, 0.0 if abs(value) < 1 << 1000 else math.inf
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _numbers(inner, f"{at}.{key}" if at else str(key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _numbers(inner, f"{at}[{place}]")


def _lengths(file: PlanFile, lists: set[str]) -> Iterator[str]:
    for key in BY_STEP:
        count = len(getattr(file, key))
        if key in lists and count != file.steps:
            yield f"{key} has {count} entries: must be one number, or one per step, {file.steps}"


def _windows(file: PlanFile) -> Iterator[str]:
    """What must not lie before, or above, something else."""
    battery = file.battery or None
    if battery and battery.min_wh > battery.max_wh:
        yield f"battery.min_wh = {battery.min_wh:g}: must be at most its max_wh, {battery.max_wh:g}"
    for place, ev in enumerate(file.evs):
        if ev.depart < ev.arrive:
            yield f"evs[{place}].depart = {ev.depart}: must be at least its arrive, {ev.arrive}"
        if ev.min_wh > ev.max_wh:
            yield f"evs[{place}].min_wh = {ev.min_wh:g}: must be at most its max_wh, {ev.max_wh:g}"
    for place, event in enumerate(file.events):
        if event.end < event.start:
            yield f"events[{place}].end = {event.end}: must be at least its start, {event.start}"


def _names(file: PlanFile) -> Iterator[str]:
    for key, names in (("evs", [ev.id for ev in file.evs]), ("nodes", [node.id for node in file.nodes])):
        for name in _twice(names):
            yield f"{key}.id = {name!r}: this id is taken already"
    for place, node in enumerate(file.nodes):
        for name in _twice(node.evses):
            yield f"nodes[{place}].evses names {name!r} twice"


def _twice(names: list[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield name
        seen.add(name)


def _meetings(evs: list[EvTable]) -> Iterator[str]:
    """Two cars at one outlet at once."""
    last: dict[str, EvTable] = {}
    for ev in sorted(evs, key=lambda ev: ev.arrive):
        if ev.depart <= ev.arrive:
            continue
        before = last.get(ev.evse)
        if before is not None and before.depart > ev.arrive:
            yield f"evs.evse = {ev.evse!r}: {before.id!r} and {ev.id!r} would be there at once, at step {ev.arrive}"
        last[ev.evse] = ev


def _problem(file: PlanFile) -> Problem:
    def by_step(key: str) -> Array:
        values = np.array(getattr(file, key), dtype=np.float64)
        return values if len(values) == file.steps else np.full(file.steps, values[0])

    asdict = msgspec.structs.asdict
    return Problem(
        step_s=by_step("step_s"),
        price_buy=by_step("price_buy"),
        price_sell=by_step("price_sell"),
        import_limit_w=by_step("import_limit_w"),
        export_limit_w=by_step("export_limit_w"),
        load_w=by_step("load_w"),
        pv_w=by_step("pv_w"),
        demand_charge=file.demand_charge,
        peak_so_far_w=file.peak_so_far_w,
        battery=Battery(**asdict(file.battery)) if file.battery else None,
        cars=tuple(Car(**asdict(ev)) for ev in file.evs),
        nodes=tuple(Node(**asdict(node) | {"evses": tuple(node.evses)}) for node in file.nodes),
        events=tuple(Event(**asdict(event)) for event in file.events),
    )


def answer(problem: Problem, plan: Schedule) -> dict[str, Any]:
    """What is printed; nothing is rounded."""
    return {
        "status": str(plan.status),
        "objective": plan.objective,
        "solve_ms": plan.solve_s * 1000.0,
        "build_ms": plan.build_s * 1000.0,
        "grid_w": plan.grid_w.tolist(),
        "battery_w": plan.battery_w.tolist(),
        "pv_used_w": plan.pv_used_w.tolist(),
        "evs": {
            car.id: {"power_w": power.tolist(), "energy_wh": energy.tolist(), "short_wh": short}
            for car, power, energy, short in zip(
                problem.cars, plan.car_w, plan.car_wh, plan.short_wh.tolist(), strict=True
            )
        },
        "events": [{"delivered_wh": one.delivered_wh, "short_wh": one.short_wh} for one in plan.events],
        "over_import_wh": plan.over_import_wh,
        "binding": [one.told() for one in bindings(problem, plan)],
    }
