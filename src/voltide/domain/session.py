"""One car's stay, from plugged to settled, for every OCPP version.

A session is keyed by (charger, transaction id): the id alone is unique per charger only. The record is frozen;
``tell`` is the only way forward, and it gives the same session for any order and any repetition of the same events.
"""

import itertools
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NewType, TypeAlias

from voltide.domain.messages import Flow, Moment, NeedsTold, Token, TransactionTold
from voltide.domain.site import ChargerId, EvseId
from voltide.domain.units import Fraction, WattHours, Watts

SessionId = NewType("SessionId", str)

Changes: TypeAlias = dict[str, Any]
"""Fields of a session that an event gives a new value."""

FLOWING_W: Watts = 50.0
"""Below this, what a meter shows is its own noise and no flow."""


class Phase(StrEnum):
    """Where a stay stands."""

    PLUGGED = "plugged"
    AUTHORISED = "authorised"
    CHARGING = "charging"
    PAUSED = "paused"
    DISCHARGING = "discharging"
    ENDED = "ended"
    SETTLED = "settled"


class Step(StrEnum):
    """What can happen to a stay."""

    AUTHORISED = "authorised"
    FLOWED_IN = "power flowed into the car"
    FLOWED_OUT = "power flowed back"
    PAUSED = "power stopped"
    ENDED = "ended"
    SETTLED = "settled"


_ALIVE = {Step.FLOWED_IN: Phase.CHARGING, Step.FLOWED_OUT: Phase.DISCHARGING, Step.ENDED: Phase.ENDED}

TRANSITIONS: dict[Phase, dict[Step, Phase]] = {
    Phase.PLUGGED: {Step.AUTHORISED: Phase.AUTHORISED, **_ALIVE},
    Phase.AUTHORISED: {Step.PAUSED: Phase.PAUSED, **_ALIVE},
    Phase.CHARGING: {Step.PAUSED: Phase.PAUSED, **_ALIVE},
    Phase.PAUSED: {**_ALIVE},
    Phase.DISCHARGING: {Step.PAUSED: Phase.PAUSED, **_ALIVE},
    Phase.ENDED: {Step.SETTLED: Phase.SETTLED},
    Phase.SETTLED: {},
}
"""The whole life of a stay. A step that a phase does not list leaves it where it is."""


class Flag(StrEnum):
    """What a person must know before the session is billed."""

    LOST_START = "lost-start"
    LOST_END = "lost-end"
    OFFLINE = "offline"
    GAP = "gap"
    REGISTER_FELL = "register-fell"
    NO_REGISTER = "no-register"
    CLOCK = "clock"
    ABSURD = "absurd-register"
    LATE = "late-event"


@dataclass(frozen=True, slots=True)
class Reading:
    """Both registers at one instant, in Wh; ordered by the charger's own count and then by time.

    1.6 does not count: its start is -1, all between 0, its stop 1. So the closing register is always the last one.
    """

    seq: int
    at: datetime
    import_wh: WattHours | None = None
    export_wh: WattHours | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What the car can and its driver wants. Absent is None."""

    departure: datetime | None = None
    energy_wh: WattHours | None = None
    """Wanted into the battery, counted from ``told_at_wh`` of imported energy."""
    told_at_wh: WattHours = 0.0
    capacity_wh: WattHours | None = None
    target_soc: Fraction | None = None
    floor_soc: Fraction | None = None
    charge_w: Watts | None = None
    discharge_w: Watts = 0.0
    v2g: bool = False
    """The driver agrees to give power back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One car's stay at one outlet."""

    id: SessionId
    charger: ChargerId
    evse: EvseId
    transaction_id: str
    phase: Phase = Phase.PLUGGED
    token: Token | None = None
    plugged_at: datetime
    ended_at: datetime | None = None
    stopped_reason: str | None = None
    readings: tuple[Reading, ...] = ()
    imported_wh: WattHours = 0.0
    """Energy into the car, from the registers in ``readings``."""
    exported_wh: WattHours = 0.0
    """Energy taken back from the car, likewise."""
    seqs: frozenset[int] = frozenset()
    last_seq: int | None = None
    """The sequence number that Ended carried."""
    shown_at: datetime | None = None
    """When the live values below were measured; a replayed or late event never sets them back."""
    power_w: Watts = 0.0
    soc: Fraction | None = None
    needs: Needs = field(default_factory=Needs)
    green_wh: WattHours = 0.0
    flags: frozenset[Flag] = frozenset()

    @property
    def open(self) -> bool:
        """Whether the car is still there."""
        return self.phase not in {Phase.ENDED, Phase.SETTLED}

    @property
    def complete(self) -> bool:
        """Every event from the first to the last has arrived."""
        if self.ended_at is None:
            return False
        if self.last_seq is None:
            return True
        heard = sum(seq <= self.last_seq for seq in self.seqs)  # what was numbered after the end fills no gap before it
        return heard == self.last_seq - min(self.seqs) + 1


def moved_wh(register: list[WattHours | None]) -> WattHours:
    """What a register counted, summed over its rises; a fall is a reset or rollover and starts a new segment.

    >>> moved_wh([100.0, None, 160.0, 5.0, 25.0])
    80.0
    """
    total, last = 0.0, None
    for value in register:
        if value is None:
            continue
        if last is not None and value > last:
            total += value - last
        last = value
    return total


def fell(register: list[WattHours | None]) -> bool:
    """Whether a register ever fell."""
    values = [value for value in register if value is not None]
    return any(later < earlier for earlier, later in itertools.pairwise(values))


def tell(session: Session, told: TransactionTold) -> Session:
    """The session after one more event: live, late, repeated or out of order."""
    if told.seq_no is not None and told.seq_no in session.seqs:
        return session
    changes = _counted(session, told) | _read(session, told) | _shown(session, told)
    phase = changes.pop("phase", session.phase)
    token = told.token if told.token and told.moment is Moment.STARTED else session.token or told.token
    if token != session.token:
        changes["token"] = token
    if told.moment is Moment.STARTED and told.at < session.plugged_at:
        changes["plugged_at"] = told.at
    if token is not None:
        phase = TRANSITIONS[phase].get(Step.AUTHORISED, phase)
    if told.moment is Moment.ENDED:
        changes |= {"ended_at": told.at, "stopped_reason": told.stopped_reason, "last_seq": told.seq_no}
        changes |= {"power_w": 0.0, "flags": changes.get("flags", session.flags) - {Flag.LOST_END}}
        phase = TRANSITIONS[phase].get(Step.ENDED, phase)
    after = replace(session, phase=phase, **changes)
    flags = _flags(after)
    return after if flags == after.flags else replace(after, flags=flags)


def with_readings(session: Session, readings: tuple[Reading, ...]) -> Session:
    """The session with the readings that were kept beside it."""
    return replace(session, readings=readings, **_moved(readings))


def advance(session: Session, step: Step) -> Session:
    """The session after a step; unchanged when its phase does not know that step."""
    phase = TRANSITIONS[session.phase].get(step)
    return session if phase is None or phase is session.phase else replace(session, phase=phase)


def want(session: Session, told: NeedsTold) -> Session:
    """The session after its car has told what it can and wants."""
    old = session.needs
    floor = old.floor_soc if told.floor_soc is None else told.floor_soc
    if told.floor_wh is not None and told.capacity_wh:
        floor = min(1.0, told.floor_wh / told.capacity_wh)
    needs = Needs(
        departure=told.departure or old.departure,
        energy_wh=old.energy_wh if told.energy_wh is None else told.energy_wh,
        told_at_wh=old.told_at_wh if told.energy_wh is None else session.imported_wh - session.exported_wh,
        capacity_wh=told.capacity_wh or old.capacity_wh,
        target_soc=told.target_soc or old.target_soc,
        floor_soc=floor,
        charge_w=told.charge_w or old.charge_w,
        discharge_w=(told.discharge_w or 0.0) if told.v2x else old.discharge_w,
        v2g=told.v2x or old.v2g,
    )
    return replace(session, needs=needs, soc=session.soc if told.soc is None else told.soc)


def close_lost(session: Session, at: datetime) -> Session:
    """The session when its end never came: closed on its last reading, and flagged until the real end arrives."""
    session = replace(session, ended_at=at, power_w=0.0, flags=session.flags | {Flag.LOST_END})
    return advance(session, Step.ENDED)


def _counted(session: Session, told: TransactionTold) -> Changes:
    changes: Changes = {}
    if told.offline and Flag.OFFLINE not in session.flags:
        changes["flags"] = session.flags | {Flag.OFFLINE}
    if told.seq_no is not None:
        changes["seqs"] = session.seqs | {told.seq_no}
    return changes


_UNCOUNTED = {Moment.STARTED: -1, Moment.UPDATED: 0, Moment.ENDED: 1}


def _read(session: Session, told: TransactionTold) -> Changes:
    seq = _UNCOUNTED[told.moment] if told.seq_no is None else told.seq_no
    fresh = [
        Reading(seq, sample.at, sample.import_wh, sample.export_wh)
        for sample in told.samples
        if sample.import_wh is not None or sample.export_wh is not None
    ]
    if not fresh:
        return {}
    fresh = fresh if len(fresh) == 1 else _one_an_instant(fresh)
    readings = session.readings
    if not readings or _place(fresh[0]) > _place(readings[-1]):
        return _appended(session, fresh)
    ordered = tuple(_one_an_instant([*readings, *fresh]))
    return {"readings": ordered, **_moved(ordered)}


def _appended(session: Session, fresh: list[Reading]) -> Changes:
    """The usual case, without counting everything anew."""
    last_in = next((r.import_wh for r in reversed(session.readings) if r.import_wh is not None), None)
    last_out = next((r.export_wh for r in reversed(session.readings) if r.export_wh is not None), None)
    return {
        "readings": (*session.readings, *fresh),
        "imported_wh": session.imported_wh + moved_wh([last_in, *(r.import_wh for r in fresh)]),
        "exported_wh": session.exported_wh + moved_wh([last_out, *(r.export_wh for r in fresh)]),
    }


def _moved(readings: tuple[Reading, ...]) -> Changes:
    return {
        "imported_wh": moved_wh([reading.import_wh for reading in readings]),
        "exported_wh": moved_wh([reading.export_wh for reading in readings]),
    }


def _one_an_instant(readings: list[Reading]) -> list[Reading]:
    """In order, and one for each instant: what was told of one instant in several parts is one reading."""
    found: dict[tuple[int, datetime], Reading] = {}
    for new in readings:
        old = found.setdefault(_place(new), new)
        if old != new:
            merged = Reading(
                new.seq, new.at, _higher(old.import_wh, new.import_wh), _higher(old.export_wh, new.export_wh)
            )
            found[_place(new)] = merged
    return [found[place] for place in sorted(found)]


def _higher(one: WattHours | None, other: WattHours | None) -> WattHours | None:
    """A register only rises, so of two values at one instant the higher is the newer."""
    return max((value for value in (one, other) if value is not None), default=None)


def _place(reading: Reading) -> tuple[int, datetime]:
    return reading.seq, reading.at


def _shown(session: Session, told: TransactionTold) -> Changes:
    """Live values follow the newest live event only."""
    if told.offline or (session.shown_at is not None and told.at < session.shown_at):
        return {}
    power = _last(told, "power_w")
    if power is None and told.flow not in {None, Flow.FLOWING}:
        power = 0.0
    soc = _last(told, "soc")
    changes: Changes = {"shown_at": told.at}
    if power is not None:
        changes["power_w"] = power
    if soc is not None:
        changes["soc"] = soc
    step = _step_of(session.power_w if power is None else power)
    waits = told.flow is Flow.CONNECTED and session.phase in {Phase.PLUGGED, Phase.AUTHORISED}
    if (told.flow is not None or power is not None) and not (step is Step.PAUSED and waits):
        changes["phase"] = TRANSITIONS[session.phase].get(step, session.phase)
    return changes


def _step_of(power_w: Watts) -> Step:
    if power_w < -FLOWING_W:
        return Step.FLOWED_OUT
    if power_w > FLOWING_W:
        return Step.FLOWED_IN
    return Step.PAUSED


def _last(told: TransactionTold, name: str) -> float | None:
    values: list[float] = [value for sample in told.samples if (value := getattr(sample, name)) is not None]
    return values[-1] if values else None


def _flags(session: Session) -> frozenset[Flag]:
    flags = set(session.flags) - {Flag.GAP, Flag.REGISTER_FELL, Flag.NO_REGISTER, Flag.LATE}
    if session.ended_at is not None:
        if not session.complete:
            flags.add(Flag.GAP)
        if session.last_seq is not None and max(session.seqs) > session.last_seq:
            flags.add(Flag.LATE)
        if not any(r.import_wh is not None for r in session.readings):
            flags.add(Flag.NO_REGISTER)
        if fell([r.import_wh for r in session.readings]) or fell([r.export_wh for r in session.readings]):
            flags.add(Flag.REGISTER_FELL)
    return frozenset(flags)
