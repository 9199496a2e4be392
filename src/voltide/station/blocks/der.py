"""DER control (block R, 2.1): what the grid wants of every inverter behind the meter, given to each capable charger.

The station keeps one list of controls. A charger that comes gets them, is asked what it then holds, and an alarm names
it where that differs. A control that may move active power away from zero is not given: nobody would have counted it.
"""

from dataclasses import dataclass
from datetime import datetime

import structlog

from voltide.domain.messages import Accepted, DropDer, OrderResult, PutDer, Refused, Reply
from voltide.domain.reports import DerAlarm, DerControl, DerStarted, DersTold
from voltide.domain.requests import AskDers, ClearDer, SetDer
from voltide.domain.site import ChargerId, OcppVersion
from voltide.station.blocks.block import Heard, Kept, Noticed
from voltide.station.blocks.ground import STATION, Ground, Keys, Quiet

log = structlog.get_logger()

MOST = 32
"""So many controls of the station at once."""
_OURS = "This control is the station's own, for all its chargers: use the orders PutDer and DropDer."
LOWERING = frozenset({"FreqWatt", "VoltWatt"})
"""Curves of the most that may be given back, in per cent: from 0 up they only move power towards zero."""
_MOVES = "This control moves power past what the station counts: use the order ShareOutlet, for a band."
MOST_ALARMS = 16
"""So many alarms of one charger's grid stand at once; there are not many more kinds of control."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A control of the station, and whether it is still wanted."""

    control: DerControl
    wanted: bool = True


class Ders(Quiet):
    """The station's controls, and what chargers say of theirs."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._wanted: dict[str, DerControl] = {}
        self._asked: dict[tuple[ChargerId, int], dict[str, DerControl]] = {}
        """What a charger that was asked has told so far."""
        self._alarms: dict[ChargerId, set[str]] = {}
        self._keys = Keys(64)

    @property
    def hears(self) -> tuple[type, ...]:
        """Alarms of the grid, controls that begin or end, and the lists that chargers give."""
        return (DerAlarm, DerStarted, DersTold)

    @property
    def orders(self) -> tuple[type, ...]:
        """Controls that are set or cleared by hand."""
        return (SetDer, ClearDer)

    @property
    def controls(self) -> tuple[DerControl, ...]:
        """The station's own controls."""
        return tuple(self._wanted.values())

    async def load(self) -> None:
        """The controls that an earlier process was to give."""
        for _, _, one in await self._ground.kept("der-wanted", Wanted):
            if one.wanted:
                self._wanted[one.control.id] = one.control

    # --- what people want ---

    async def put(self, order: PutDer) -> Reply:
        """A control for every capable charger; the detail says how many took it."""
        control = order.control
        if _moves(control):
            return Reply(done=False, code="refused", detail=_MOVES)
        if control.id not in self._wanted and len(self._wanted) >= MOST:
            return Reply(done=False, code="too-many", detail=f"{MOST} controls at most")
        self._wanted[control.id] = control
        await self._keep(Wanted(control=control))
        results = await self._ground.call_all(dict.fromkeys(self._able(), SetDer(control=control)))
        return _reply(results)

    async def drop(self, order: DropDer) -> Reply:
        """Not wanted any more; the detail says how many have let it go."""
        control = self._wanted.pop(order.id, None)
        if control is None:
            return Reply(done=False, code="unknown-order", detail=order.id)
        await self._keep(Wanted(control=control, wanted=False))
        clear = ClearDer(default=control.default, id=control.id)
        return _reply(await self._ground.call_all(dict.fromkeys(self._able(), clear)))

    async def _keep(self, one: Wanted) -> None:
        await self._ground.keep(STATION, Kept(kind="der-wanted", key=one.control.id, what=one))

    def _able(self) -> list[ChargerId]:
        """Only 2.1 has words for it; a charger without DER control refuses."""
        lines = self._ground.crew.chargers.lines
        return [charger for charger, line in lines.items() if line.version is OcppVersion.V21]

    def refuses(self, charger: ChargerId, order: SetDer | ClearDer) -> str | None:
        """By hand only what is not the station's own: that would differ at the next look."""
        del charger
        if isinstance(order, SetDer) and _moves(order.control):
            return _MOVES
        named = order.control.id if isinstance(order, SetDer) else order.id
        ours = named in self._wanted if named is not None else bool(self._wanted)
        return _OURS if ours else None

    async def done(self, charger: ChargerId, order: SetDer | ClearDer, result: OrderResult) -> None:
        """What was set by hand is asked for, so that it is known."""
        del order
        if isinstance(result, Accepted):
            await self._ask(charger)

    # --- a charger comes ---

    async def greet(self, charger: ChargerId) -> None:
        """Give a charger the station's controls, and ask what it holds then."""
        if not self._wanted or charger not in self._able():
            return
        for control in self.controls:
            result = await self._ground.call(charger, SetDer(control=control))
            if isinstance(result, Refused) and result.reason in {"NotSupported", "NotImplemented"}:
                return
        await self._ask(charger)

    async def _ask(self, charger: ChargerId) -> None:
        number = self._ground.numbers.next()
        self._asked[charger, number] = {}
        result = await self._ground.call(charger, AskDers(request_id=number))
        if not isinstance(result, Accepted):
            self._asked.pop((charger, number), None)
            none = isinstance(result, Refused) and result.reason == "NotFound"
            self._compare(charger, {} if none else None)

    def left(self, charger: ChargerId) -> None:
        """Whoever has left tells no more of it."""
        for key in [key for key in self._asked if key[0] == charger]:
            del self._asked[key]

    def _compare(self, charger: ChargerId, holds: dict[str, DerControl] | None) -> None:
        """An alarm names the controls that a charger should hold and does not."""
        if holds is None:
            return
        missing = [one.id for one in self.controls if not _same(holds.get(one.id), one)]
        self._ground.diary.alarm_if(bool(missing), "der-missing", charger, ", ".join(missing))

    # --- what chargers tell ---

    async def hear(self, charger: ChargerId, fact: DerAlarm | DerStarted | DersTold, now: datetime) -> Heard:
        """The newest of each kind, control and list."""
        del now
        match fact:
            case DerAlarm():
                detail = f"{fact.control}: {fact.fault or 'unnamed'}{' ended' if fact.ended else ''}"
                kept = Kept(kind="der-alarm", key=self._keys.of(charger, fact.control), what=fact)
                return Heard(written=(kept, Noticed(kind="DerAlarm", detail=detail)))
            case DerStarted():
                return Heard(written=(Kept(kind="der-active", key=self._keys.of(charger, fact.control_id), what=fact),))
            case _:
                return Heard(
                    written=tuple(
                        Kept(kind="der", key=self._keys.of(charger, one.id), what=one) for one in fact.controls
                    )
                )

    def told(self, charger: ChargerId, fact: DerAlarm | DerStarted | DersTold) -> None:
        """A grid that leaves its band is an alarm until it is back."""
        match fact:
            case DerAlarm():
                self._alarm(charger, fact)
            case DerStarted():
                self._ground.diary.note("der", charger, f"{fact.control_id} {'acts' if fact.started else 'rests'}")
            case _:
                self._listed(charger, fact)

    def _alarm(self, charger: ChargerId, fact: DerAlarm) -> None:
        standing = self._alarms.setdefault(charger, set())
        if not fact.ended and fact.control not in standing and len(standing) >= MOST_ALARMS:
            return
        (standing.discard if fact.ended else standing.add)(fact.control)
        subject = f"{charger} {fact.control}"
        self._ground.diary.alarm_if(not fact.ended, "der-alarm", subject, fact.fault or "")

    def _listed(self, charger: ChargerId, fact: DersTold) -> None:
        """A list comes in parts; only what was asked for is compared."""
        so_far = self._asked.get((charger, fact.request_id))
        if so_far is None:
            return
        so_far |= {one.id: one for one in fact.controls}
        if not fact.more:
            del self._asked[charger, fact.request_id]
            self._compare(charger, so_far)


def _moves(control: DerControl) -> bool:
    """Whether a control may move active power away from zero, past the setpoint that control counts.

    >>> curve = {"priority": 1, "yUnit": "PctMaxW", "curveData": [{"x": 50.2, "y": 100.0}, {"x": 51.0, "y": 0.0}]}
    >>> _moves(DerControl(id="1", kind="FreqWatt", default=True, body=curve))
    False
    >>> curve["curveData"][1]["y"] = -20.0
    >>> _moves(DerControl(id="1", kind="FreqWatt", default=True, body=curve))
    True
    """
    if control.kind == "FreqDroop":
        return True
    points = control.body.get("curveData", ())
    return control.kind in LOWERING and any(float(point["y"]) < 0.0 for point in points)


def _same(holds: DerControl | None, wanted: DerControl) -> bool:
    """Whether it is the same control; a superseded one is held all the same."""
    return holds is not None and (holds.kind, holds.default) == (wanted.kind, wanted.default)


def _reply(results: dict[ChargerId, OrderResult]) -> Reply:
    took = sum(isinstance(one, Accepted) for one in results.values())
    return Reply(done=True, code="accepted", detail=f"{took} of {len(results)}")
