"""DER controls (R): kept with their priorities, begun and ended by the clock, and obeyed by the outlets."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from math import inf
from typing import ClassVar

from voltide.domain.messages import Json
from voltide.domain.time import stamp
from voltide.domain.units import Seconds, Watts
from voltide.ocpp.wire import maybe_moment
from voltide.twin.bay import Bay
from voltide.twin.blocks import inverter
from voltide.twin.blocks.block import Block, Box, pages, refusal
from voltide.twin.blocks.charging import Charging
from voltide.twin.blocks.inverter import CAPS, CESSATIONS, DEFAULT_ONLY, FIELDS, TRIPS
from voltide.twin.blocks.trip import Breaker
from voltide.twin.variables import Name

_MODES: Name = ("DCDERCtrlr", "ModesSupported", "")
_ENABLED: Name = ("DCDERCtrlr", "Enabled", "")
_PAGE = 8
_MOST = 64
_REACTIVE = ("FixedVar", "VoltVar", "WattVar", "WattPF", "FixedPFAbsorb", "FixedPFInject")


@dataclass(slots=True)
class Control:
    """One control as it is kept."""

    id: str
    kind: str
    default: bool
    body: Json
    start: datetime | None = None
    end: datetime | None = None
    superseded: bool = False
    begun: bool = False

    @property
    def priority(self) -> int:
        """0 is the highest."""
        return int(self.body["priority"])


class Der(Block):
    """Keeps controls; ``inverter`` says what each of them does, ``trip`` when the outlets cease."""

    def __init__(self, box: Box) -> None:
        super().__init__(box)
        self._kept: dict[str, Control] = {}
        self._alarms: dict[str, str | None] = {}
        """Kinds that act now, with the fault of the grid that was told."""
        self._breaker = Breaker(box.grid, box.chance)
        self._binding = False
        """The limit on giving back is felt at an outlet."""
        box.variables.live["EVSE", "ReactivePower", ""] = lambda spot: f"{self.reactive(box.bays[spot.evse or 1]):.0f}"

    # --- orders ---

    def _set(self, body: Json) -> Json:
        kind, default = body["controlType"], body["isDefault"]
        if kind not in self._modes():
            return {"status": "NotSupported"}
        told = {key for key in (*FIELDS.values(), "curve") if key in body}
        if told != {FIELDS.get(kind, "curve")}:
            return refusal("InvalidValue", info="R04.FR.16: one control, in the field of its kind")
        inner = body[told.pop()]
        timed = {"startTime", "duration"} & inner.keys()
        if default and timed:
            return refusal("InvalidValue", info="a default has no start and no duration")
        if not default and (kind in DEFAULT_ONLY or len(timed) < 2):
            return refusal("InvalidValue", info="a scheduled control has a start and a duration; this kind has none")
        self._kept.pop(body["controlId"], None)
        if len(self._kept) >= _MOST:
            return refusal("OutOfStorage")
        start = maybe_moment(inner.get("startTime"))
        end = None if start is None else start + timedelta(seconds=inner["duration"])
        new = Control(body["controlId"], kind, default, inner, start, end)
        gone = self._rank(new)
        self._kept[new.id] = new
        self._heed()
        return {"status": "Accepted"} | ({"supersededIds": gone} if gone else {})

    def _rank(self, new: Control) -> list[str]:
        """Which controls a new one supersedes; or itself, by one of more weight. What runs goes on until it begins."""
        rivals = [one for one in self._alike(new) if not one.superseded]
        if any(one.priority < new.priority for one in rivals):
            new.superseded = True
            return [new.id]
        waiting = [one for one in rivals if not one.begun]
        for one in waiting:
            one.superseded = True
        return [one.id for one in waiting]

    def _alike(self, new: Control) -> Iterator[Control]:
        """Those of the same kind, default or scheduled as it is."""
        return (
            one for one in self._kept.values() if (one.kind, one.default) == (new.kind, new.default) and one is not new
        )

    def _modes(self) -> list[str]:
        variables = self.box.variables
        return variables.several(_MODES) if variables.flag(_ENABLED) else []

    def _get(self, body: Json) -> Json:
        if "controlType" in body and body["controlType"] not in self._modes():
            return {"status": "NotSupported"}
        meant = [
            one
            for one in self._kept.values()
            if body.get("isDefault", one.default) == one.default
            and body.get("controlType", one.kind) == one.kind
            and body.get("controlId", one.id) == one.id
        ]
        if not meant:
            return {"status": "NotFound"}
        for _, more, rows in pages([_row(one) for one in meant], _PAGE):
            lists: Json = {}
            for row in rows:
                lists.setdefault(row["field"], []).append(row["item"])
            self.box.call("ReportDERControl", {"requestId": body["requestId"], "tbc": more} | lists)
        return {"status": "Accepted"}

    def _clear(self, body: Json) -> Json:
        kind, number, default = body.get("controlType"), body.get("controlId"), body["isDefault"]
        if kind is not None and kind not in self._modes():
            return {"status": "NotSupported"}
        meant = [
            one.id
            for one in self._kept.values()
            if one.default == default and kind in {None, one.kind} and number in {None, one.id}
        ]
        if not meant and (kind is not None or number is not None):
            return {"status": "NotFound"}
        for one in meant:
            del self._kept[one]
        self._heed()
        return {"status": "Accepted"}

    # --- as time goes by ---

    def _heed(self) -> None:
        """As long as there are controls, all outlets heed them each second."""
        for bay in self.box.bays.values():
            bay.outlet.bends = partial(self._bend, bay) if self._kept else None
            gradient = self._active("Gradients")
            rate = 0.0 if gradient is None else float(gradient.body["gradient"])
            bay.outlet.ramp(rate / 100.0 * bay.outlet.evse.charge_w if rate > 0.0 else None)
            bay.outlet.look()
        self.box.watch(self._look)
        self._look(self.box.clock.monotonic())

    def _look(self, now: Seconds) -> None:
        self._turn()
        trips = {kind: one.body for kind in TRIPS if (one := self._active(kind)) is not None}
        enter = self._active("EnterService")
        self._breaker.look(now, trips, None if enter is None else enter.body)
        self._tell()
        if not self._kept:
            self.box.unwatch(self._look)

    def _turn(self) -> None:
        """Begin and end what is scheduled."""
        now = self.box.clock.now()
        for one in list(self._kept.values()):
            if one.start is None or one.end is None:
                continue
            if not one.superseded and not one.begun and now >= one.start:
                one.begun = True
                replaced = [rival.id for rival in self._alike(one) if rival.begun and not rival.superseded]
                for rival in replaced:
                    self._kept[rival].superseded = True
                self._started(one, replaced)
            if now >= one.end:
                del self._kept[one.id]
                if one.begun and not one.superseded:
                    self._started(one, [], started=False)

    def _started(self, one: Control, replaced: list[str], *, started: bool = True) -> None:
        told: Json = {"controlId": one.id, "started": started, "timestamp": stamp(self.box.clock.now())}
        self.box.call("NotifyDERStartStop", told | ({"supersededIds": replaced} if replaced else {}))

    def _active(self, kind: str) -> Control | None:
        """The control of a kind that is obeyed now: a scheduled one that has begun, else the default."""
        alive = [one for one in self._kept.values() if one.kind == kind and not one.superseded]
        begun = next((one for one in alive if one.begun), None)
        return begun or next((one for one in alive if one.default), None)

    # --- power ---

    def _bend(self, bay: Bay, now: Seconds, asked: Watts) -> tuple[Watts, Seconds]:
        """What is left of the power that is asked, this second."""
        grid, rating = self.box.grid, bay.outlet.evse.charge_w
        if self._breaker.open or self._ceased():
            bay.outlet.cut()
            return 0.0, now
        power, (floor, ceiling) = asked, self._band(bay)
        droop = self._active("FreqDroop")
        if droop is not None:
            power += inverter.drooped(droop.body, grid.frequency_hz, rating)
            power = min(max(power, floor), ceiling)
        least = -inf
        for kind, of in CAPS.items():
            cap = self._active(kind)
            if cap is not None:
                least = max(least, inverter.capped(cap.body, inverter.seen(grid, of), rating))
        limit = self._active("LimitMaxDischarge")
        if limit is not None:
            most = limit.body.get("pctMaxDischargePower", 100.0) / 100.0 * bay.outlet.evse.discharge_w
            self._binding = power < -most
            least = max(least, -most)
        power = min(max(power, least), max(ceiling, power))
        return self._breaker.ramped(now, power, rating), now

    def _band(self, bay: Bay) -> tuple[Watts, Watts]:
        """How far a control may move an outlet's power: no profile's limit is broken."""
        outlet, profiles = bay.outlet, bay.outlet.profiles
        if self.box.desk.closed:
            held = self.box.part(Charging).holding(bay)
            return (min(0.0, held.discharge_w or 0.0), min(held.limit_w, outlet.evse.charge_w))
        return profiles.band if profiles.standing else (0.0, profiles.fallback_w)

    def _ceased(self) -> bool:
        """Whether a momentary cessation is on."""
        return any(self._out(kind) for kind in CESSATIONS)

    def _out(self, kind: str) -> bool:
        control, watch = self._active(kind), {**TRIPS, **CESSATIONS}[kind]
        if control is None:
            return False
        value = inverter.seen(self.box.grid, watch.of)
        return inverter.trips_after(inverter.points(control.body), watch.side, value) is not None

    def reactive(self, bay: Bay) -> float:
        """The reactive power of an outlet, var; positive is injected."""
        outlet = bay.outlet
        for kind in _REACTIVE:
            control = self._active(kind)
            if control is not None and outlet.closed:
                return inverter.reactive(kind, control.body, self.box.grid, outlet.power_w, outlet.evse.charge_w)
        return 0.0

    # --- alarms (R05) ---

    def _tell(self) -> None:
        """Say once when a control begins to act against the profiles, and once when it is over."""
        acting = dict(self._acting())
        for kind, why in acting.items():
            if kind not in self._alarms:
                self._alarms[kind] = why
                self._alarm(kind, why, ended=False)
        for kind in [kind for kind in self._alarms if kind not in acting]:
            self._alarm(kind, self._alarms.pop(kind), ended=True)

    def _alarm(self, kind: str, why: str | None, *, ended: bool) -> None:
        told: Json = {"controlType": kind, "timestamp": stamp(self.box.clock.now()), "gridEventFault": why}
        self.box.call("NotifyDERAlarm", told | ({"alarmEnded": True} if ended else {}))

    def _acting(self) -> Iterator[tuple[str, str | None]]:
        """Which controls act now, and what of the grid makes them."""
        grid = self.box.grid
        if self._breaker.by is not None:
            watch = TRIPS[self._breaker.by]
            yield self._breaker.by, inverter.fault(watch.side, watch.of)
        for kind, watch in CESSATIONS.items():
            if self._out(kind):
                yield kind, inverter.fault(watch.side, watch.of)
        droop = self._active("FreqDroop")
        if droop is not None and (moved := inverter.drooped(droop.body, grid.frequency_hz, 1.0)):
            yield "FreqDroop", inverter.fault(inverter.HIGH if moved > 0.0 else inverter.LOW, "F")
        for kind, of in CAPS.items():
            cap = self._active(kind)
            if cap is not None and not inverter.eased(cap.body, inverter.seen(grid, of)):
                nominal = inverter.NOMINAL_HZ if of == "F" else 100.0
                yield kind, inverter.fault(inverter.HIGH if inverter.seen(grid, of) > nominal else inverter.LOW, of)
        if self._binding and self._active("LimitMaxDischarge") is not None:
            yield "LimitMaxDischarge", None

    ACTS: ClassVar = {"ClearDERControl": _clear, "GetDERControl": _get, "SetDERControl": _set}


def _row(one: Control) -> Json:
    """A control as a report says it: in a list of its shape."""
    field = FIELDS.get(one.kind, "curve")
    item: Json = {"id": one.id, ("fixedPF" if field.startswith("fixedPF") else field): one.body}
    if one.kind not in DEFAULT_ONLY:
        item |= {"isDefault": one.default, "isSuperseded": one.superseded}
    if field == "curve":
        item["curveType"] = one.kind
    return {"field": field, "item": item}
