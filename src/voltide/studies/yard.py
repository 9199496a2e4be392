"""A small, exact world for studies: cars come, take what a rule gives them within the wires' limits, and leave.

Batteries are ideal and currents continuous. Power is constant from one decision to the next; a decision falls on every
arrival, departure and full car, and as often as the rule asks for. A rule sees of a car only what a station could know.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from voltide.domain.units import Seconds, WattHours, Watts
from voltide.planning.phasors import Places
from voltide.planning.problem import Array
from voltide.studies.sessions import Session
from voltide.studies.sites import Site

FULL_WH: WattHours = 1e-3
"""Less than this is nothing."""
TOLERANCE = 1e-6
"""A limit may be passed by this part of itself: rounding."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Present:
    """The cars that still want energy, as arrays, by time of arrival; what a station knows of them."""

    now_s: Seconds
    number: Places
    """A car keeps its number while it stays."""
    kind: Places
    """Of the site's wires."""
    arrived_s: Array
    told_s: Array
    """When it is believed to leave; it may lie in the past."""
    left_wh: Array
    """What it still wants."""
    claimed: Array
    """1: a registered driver told the departure."""
    offset_s: Seconds
    """Of the local clock."""
    most_w: Array
    """What each can take."""


class Rule(Protocol):
    """Divides the site's power among the cars that are there."""

    repeat_s: Seconds
    """It wants to be asked again after so long, even if nothing has happened."""

    def decide(self, site: Site, present: Present) -> Array:
        """Power by car, in W."""

    def left(self, session: Session) -> None:
        """A car has gone, and all about it is known."""


@dataclass(kw_only=True, eq=False)
class Played:
    """What came of it."""

    got_wh: Array
    """By session."""
    worst: float = -1.0
    """The most by which a limit was passed, as a part of it; negative: the least that was left."""
    decisions: int = 0
    over_s: Seconds = 0.0
    """For how long a limit was passed."""
    trace: list[tuple[Seconds, Watts]] = field(default_factory=list)
    """Moments and the power from them on."""


def play(site: Site, sessions: Sequence[Session], rule: Rule, *, told: bool) -> Played:
    """Play all sessions, by arrival. ``told``: the rule hears what drivers say; otherwise the true departure."""
    return _Yard(site, sessions, rule, told=told).play()


class _Yard:
    def __init__(self, site: Site, sessions: Sequence[Session], rule: Rule, *, told: bool) -> None:
        self._site, self._sessions, self._rule = site, sessions, rule
        self._kind = np.array([site.kind_of[one.outlet] for one in sessions], dtype=np.intp)
        self._arrives = np.array([one.arrives_s for one in sessions])
        self._departs = np.array([one.departs_s for one in sessions])
        self._told = np.array([one.told_s if told else one.departs_s for one in sessions])
        self._claimed = np.array([float(one.claimed) for one in sessions])
        self._left = np.array([one.need_wh for one in sessions])
        self._played = Played(got_wh=np.zeros(len(sessions)))

    def play(self) -> Played:
        now, came, here = -np.inf, 0, np.zeros(0, dtype=np.intp)
        count = len(self._sessions)
        while came < count or len(here):
            if not len(here):
                now = max(now, self._arrives[came])
            while came < count and self._arrives[came] <= now:
                here = np.append(here, came)
                came += 1
            here = self._without_the_gone(here, now)
            ends = self._arrives[came] if came < count else np.inf
            if len(here):
                ends = self._until(here, now, ends)
            now = ends
            if not len(here) and came >= count:
                break
        return self._played

    def _without_the_gone(self, here: Places, now: Seconds) -> Places:
        gone = self._departs[here] <= now
        for number in here[gone]:
            self._rule.left(self._sessions[number])
        return here[~gone]

    def _until(self, here: Places, now: Seconds, ends: Seconds) -> Seconds:
        """Give power up to the next thing that happens; gives its moment."""
        ends = min(ends, float(self._departs[here].min()))
        here = here[self._left[here] > FULL_WH]
        if not len(here):
            self._played.trace.append((now, 0.0))
            return ends
        power = self._decide(here, now)
        rising = power > 0.0
        if rising.any():
            ends = min(ends, now + max(1.0, float((self._left[here][rising] / power[rising]).min()) * 3600.0))
        ends = min(ends, now + self._rule.repeat_s)
        moved = np.minimum(power * (ends - now) / 3600.0, self._left[here])
        self._left[here] -= moved
        self._played.got_wh[here] += moved
        if self._played.worst > TOLERANCE and self._site.wires.excess(self._by_kind(here, power)) > TOLERANCE:
            self._played.over_s += ends - now
        return ends

    def _decide(self, here: Places, now: Seconds) -> Array:
        present = Present(
            now_s=now,
            number=here,
            kind=self._kind[here],
            arrived_s=self._arrives[here],
            told_s=self._told[here],
            left_wh=self._left[here],
            claimed=self._claimed[here],
            offset_s=self._sessions[here[0]].offset_s,
            most_w=np.full(len(here), self._site.outlet_w),
        )
        power = self._rule.decide(self._site, present)
        if power.min() < 0.0 or power.max() > self._site.outlet_w * (1.0 + TOLERANCE):
            raise AssertionError("a rule gave what no outlet can")
        played = self._played
        played.worst = max(played.worst, self._site.wires.excess(self._by_kind(here, power)))
        played.decisions += 1
        played.trace.append((now, float(power.sum())))
        return power

    def _by_kind(self, here: Places, power: Array) -> Array:
        return self._site.wires.by_kind(self._kind[here], power)
