"""The second's one decision: image and wants in, setpoints out, inside every limit (invariants I1, I3, I6 and I7).

How a limit can never be exceeded: for each device the step counts the highest power it might draw now, that is the
largest of what it acknowledged, what is on its way to it, what it falls back to by itself, and what it was measured
to draw. A raise is granted only from what that worst sum leaves free; a decrease is sent at once and frees nothing
before the device has acknowledged it *and* the meter shows it.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from voltide.control.fill import fill
from voltide.control.image import OUTLET_STALE_S, Image, Wants
from voltide.control.modules import share
from voltide.control.wiring import Array, Wiring
from voltide.domain.units import Seconds, Watts

RAISE_W: Watts = 500.0
"""Raises smaller than this (or than 2 % of the outlet) wait: they are not worth a message."""
STILL_W: Watts = 500.0
"""Below this a car stands still enough to turn its power round."""
TURN_S: Seconds = 3.0
"""How long it stands still before power flows the other way."""
SETTLE_S: Seconds = 20.0
"""After this a car that draws less than it may is taken not to want more."""
OTHER_HOLD_S: Seconds = 60.0
"""How long a peak of the building's load is still reckoned with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What a step must know of the steps before it."""

    building_w: Watts = 0.0
    pv_out_w: Watts = 0.0
    trim_w: Watts = 0.0
    """How much less than its limit the connection may use, learnt from its own meter."""
    modules: tuple[tuple[int, ...], ...] = ()
    battery_w: Watts = 0.0
    """What the storage was told last: it counts until the meter shows it, and after."""
    at_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to tell each device now."""

    target_w: Array
    """(n,) the setpoint that each outlet should hold."""
    send: NDArray[np.bool_]
    """(n,) where it must be told so now."""
    binding: NDArray[np.intp]
    """(n,) the node that keeps an outlet under its want; -1: none."""
    battery_w: Watts
    blind: bool
    """The site's meter is not believed: everything goes to its fallback."""
    release: NDArray[np.bool_]
    """(n,) what cannot be told a setpoint and should be able to: no limit bears it, or nobody sees what it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """The worst that might flow now, and what each node could carry."""

    highest: Array
    lowest: Array
    inward: Array
    outward: Array
    taken_w: Watts
    """What the storage may draw at worst; below 0 while it surely gives."""
    given_w: Watts
    """What it may give at worst, positive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fixed:
    """What each node leaves above everybody's fallback, each way, once those that cannot be told keep their worst."""

    inward: Array
    outward: Array


def step(wiring: Wiring, image: Image, wants: Wants, memory: Memory) -> tuple[Decision, Memory]:
    """Decide one second."""
    memory = _remember(wiring, image, memory)
    blind = image.grid.believed is None
    wants = replace(wants, power_w=_bounded(wiring, image, wants, blind=blind))
    room = _room(wiring, image, memory)
    fixed = _fixed(wiring, image, room)
    ideal, modules = _ideal(wiring, image, wants, fixed, memory.modules)
    target = _granted(wiring, wants.weight, _turned(image, ideal), room)
    battery = 0.0 if blind else _battery(wiring, image, wants, ideal, _after(room, target))
    decision = Decision(
        target_w=target,
        send=_worth_sending(wiring, image, target),
        binding=_binding(wiring, wants.power_w, ideal, room),
        battery_w=battery,
        blind=blind,
        release=_to_release(wiring, image, wants, room, fixed) | (blind & ~image.commandable),
    )
    return decision, replace(memory, modules=modules, battery_w=battery)


def _remember(wiring: Wiring, image: Image, memory: Memory) -> Memory:
    """Peaks of other load count at once and fade slowly; what the meter shows above the limit is learnt."""
    seconds = 0.0 if memory.at_s is None else max(0.0, image.at_s - memory.at_s)
    fade = max(0.0, 1.0 - seconds / OTHER_HOLD_S)
    building = image.building.believed
    building = wiring.other_load_max_w if building is None else building
    sun = wiring.sun_max_w if image.pv.believed is None else -image.pv.believed
    over = (image.grid.believed or 0.0) - (wiring.import_w[0] - 0.25 * wiring.reserve_w[0])
    trim = min(max(memory.trim_w * fade, memory.trim_w + over * seconds / 4.0), 0.5 * float(wiring.import_w[0]))
    return replace(
        memory,
        building_w=max(building, building + (memory.building_w - building) * fade),
        pv_out_w=max(sun, sun + (memory.pv_out_w - sun) * fade),
        trim_w=trim,
        at_s=image.at_s,
    )


def _bounded(wiring: Wiring, image: Image, wants: Wants, *, blind: bool) -> Array:
    """The wants within what each device can, a person allows, and old data permits."""
    most = np.minimum(wiring.charge_w, wants.most_w)
    sane = np.where(np.isfinite(wants.power_w) & image.commandable, wants.power_w, 0.0)
    want = np.minimum(np.maximum(sane, -wiring.discharge_w), most)
    stale = image.age_s > OUTLET_STALE_S
    if stale.any():  # nothing is raised, and nobody discharges a car that nobody sees
        want = np.where(stale, np.clip(want, 0.0, np.maximum(image.acked_w, 0.0)), want)
    if blind:
        want = np.clip(want, 0.0, wiring.fallback_w)
    return want


def _room(wiring: Wiring, image: Image, memory: Memory) -> _Room:
    """What each device might draw at worst, and what each node leaves to its outlets, each way.

    The sun is no room for more import, since a cloud takes it away; the storage's measured discharge is, as far as
    its energy lasts.
    """
    seen = image.measured_w * (image.age_s <= OUTLET_STALE_S)
    highest = np.maximum(np.maximum(image.open_high_w, seen), np.maximum(image.acked_w, wiring.fallback_w))
    lowest = np.minimum(np.minimum(image.open_low_w, seen), np.minimum(image.acked_w, 0.0))
    battery, told = image.battery.believed, memory.battery_w
    if battery is None:  # a silent storage may do its worst each way until its own lease ends
        taken, given = wiring.storage_in_w, wiring.storage_out_w
    else:
        taken, given = max(battery, told, image.battery_least_w), max(-battery, -told, 0.0)
    load = memory.building_w + taken
    inward = wiring.import_w - wiring.reserve_w - wiring.plant * load
    inward[0] -= memory.trim_w
    outward = wiring.export_w - wiring.plant * (memory.pv_out_w + given)
    return _Room(
        highest=np.maximum(highest, 0.0), lowest=lowest, inward=inward, outward=outward, taken_w=taken, given_w=given
    )


def _after(room: _Room, target: Array) -> _Room:
    """The same once the outlets have been given what they are given now: the storage gets what is left."""
    return replace(room, highest=np.maximum(room.highest, target), lowest=np.minimum(room.lowest, target))


def _fixed(wiring: Wiring, image: Image, room: _Room) -> _Fixed:
    """Who is off the line, or acts by itself, keeps what it may hold: nobody else is given that."""
    taken = np.where(image.commandable, wiring.fallback_w, room.highest)
    given = np.where(image.commandable, 0.0, room.lowest)
    return _Fixed(inward=room.inward - wiring.member @ taken, outward=room.outward + wiring.member @ given)


def _to_release(wiring: Wiring, image: Image, wants: Wants, room: _Room, fixed: _Fixed) -> NDArray[np.bool_]:
    """Who acts by itself where no limit bears it any more, above its own limit, or where nobody sees what it does."""
    gives = wiring.member @ np.where(image.commandable, 0.0, room.lowest) < 0.0
    tight = (fixed.inward < 0.0) | ((fixed.outward < 0.0) & gives)
    under = wiring.member[tight].sum(axis=0) > 0.0
    unseen = image.age_s > OUTLET_STALE_S
    found: NDArray[np.bool_] = under | unseen | (room.highest > np.maximum(wants.most_w, wiring.fallback_w))
    return found & ~image.commandable


def allows(wiring: Wiring, image: Image, memory: Memory, at: int, band: tuple[Watts, Watts]) -> bool:
    """Whether every limit holds with one outlet anywhere in a band and everybody else at their worst."""
    if image.grid.believed is None or image.age_s[at] > OUTLET_STALE_S:
        return False
    room = _room(wiring, image, _remember(wiring, image, memory))
    more, back = max(0.0, band[1] - room.highest[at]), max(0.0, room.lowest[at] - band[0])
    on_its_way = wiring.member[:, at]
    inward = room.inward - wiring.member @ room.highest - on_its_way * more
    outward = room.outward + wiring.member @ room.lowest - on_its_way * back
    fits_in = (inward >= 0.0) | (on_its_way * more == 0.0)
    fits_out = (outward >= 0.0) | (on_its_way * back == 0.0)
    return bool(fits_in.all() and fits_out.all())


def _ideal(
    wiring: Wiring, image: Image, wants: Wants, fixed: _Fixed, modules: tuple[tuple[int, ...], ...]
) -> tuple[Array, tuple[tuple[int, ...], ...]]:
    """The fair sharing if every device obeyed at once, and the modules that each cabinet's heads hold."""
    want, weight = wants.power_w, wants.weight
    free = fixed.inward
    above = np.maximum(want - wiring.fallback_w, 0.0)
    if (wiring.member @ above > free).any():  # only when it is scarce is a car's modesty taken at its word
        modest = (image.settled_s > SETTLE_S) & (image.measured_w < 0.85 * image.acked_w) & (image.acked_w > 0)
        enough = np.maximum(1.15 * image.measured_w + 2_000.0 - wiring.fallback_w, 0.0)
        above = fill(np.where(modest, np.minimum(above, enough), above), weight, wiring.member, free)
    ideal = np.where(want > wiring.fallback_w, wiring.fallback_w + above, want)
    back = np.maximum(-want, 0.0)
    if back.any():
        ideal = np.where(want < 0, -fill(back, weight, wiring.member, fixed.outward), ideal)
    held = []
    for bank, before in zip(wiring.banks, modules or (None,) * len(wiring.banks), strict=True):
        at = bank.outlets
        counts = share(ideal[at].tolist(), before or (0,) * len(at), bank.modules)
        ideal[at] = np.minimum(ideal[at], np.array(counts) * bank.modules.module_w)
        held.append(counts)
    return ideal, tuple(held)


def _turned(image: Image, ideal: Array) -> Array:
    """Power changes its direction only through a standstill."""
    against = (ideal * image.command_w < 0.0) | (ideal * image.acked_w < 0.0)
    against |= (ideal * image.measured_w < 0.0) & (np.abs(image.measured_w) > STILL_W)
    waiting = (ideal < 0.0) & (image.command_w == 0.0) & (image.settled_s < TURN_S)
    return np.where(against | waiting, 0.0, ideal)


def _granted(wiring: Wiring, weight: Array, target: Array, room: _Room) -> Array:
    """Decreases as they are; raises only as far as the worst sum leaves room."""
    more = np.maximum(target - room.highest, 0.0)
    if more.any():
        more = fill(more, weight, wiring.member, room.inward - wiring.member @ room.highest)
        target = np.where(target > room.highest, room.highest + more, target)
    back = np.maximum(room.lowest - target, 0.0)
    if back.any():
        back = fill(back, weight, wiring.member, room.outward + wiring.member @ room.lowest)
        target = np.where(target < room.lowest, room.lowest - back, target)
    return target


def _worth_sending(wiring: Wiring, image: Image, target: Array) -> NDArray[np.bool_]:
    """Every step toward zero at once; a step away from it when it is worth a message."""
    change = target - image.command_w
    away = change * np.where(target == 0.0, image.command_w, target) > 0.0
    least = np.where(away, np.maximum(RAISE_W, 0.02 * wiring.charge_w), 50.0)
    worth: NDArray[np.bool_] = (np.abs(change) >= least) | ((target == 0.0) & (image.command_w != 0.0))
    return worth & image.commandable


def _binding(wiring: Wiring, want: Array, ideal: Array, room: _Room) -> NDArray[np.intp]:
    """Which full node keeps an outlet below its want."""
    short = np.abs(ideal) < np.abs(want) - RAISE_W
    which = np.full(len(want), -1, dtype=np.intp)
    if not short.any():
        return which
    inward = wiring.member @ np.maximum(ideal, wiring.fallback_w) > room.inward - RAISE_W
    outward = wiring.member @ np.maximum(-ideal, 0.0) > room.outward - RAISE_W
    for place in np.flatnonzero(short):
        full = np.flatnonzero((wiring.member[:, place] > 0) & (inward if want[place] > 0 else outward))
        which[place] = full[-1] if len(full) else -1
    return which


def _battery(wiring: Wiring, image: Image, wants: Wants, ideal: Array, room: _Room) -> Watts:
    """The storage helps first where cars must wait for the connection; otherwise it follows the plan.

    Every limit on its way bounds it, with all outlets at their worst.
    """
    if image.battery_soc is None:
        return 0.0
    allotted = float(np.maximum(ideal, 0.0).sum())
    missing = float(np.maximum(wants.power_w, 0.0).sum()) - allotted
    wish = wants.battery_w
    if missing > RAISE_W and allotted > 0.9 * room.inward[0]:
        wish = min(wish, (image.battery.believed or 0.0) - missing)
    above = wiring.plant > 0.0
    most = float((room.inward - wiring.member @ room.highest)[above].min()) + room.taken_w
    least = -max(0.0, float((room.outward + wiring.member @ room.lowest)[above].min()) + room.given_w)
    return max(min(max(wish, least), most, image.battery_most_w), image.battery_least_w)
