"""Says what the station could promise of a grid order, before anybody gives it.

A grid order is met at the bidirectional outlets, so the offer is what their cars can give together, throughout the
window, in nine of ten days that are as likely as today. Cars that are here may leave early, as drivers do; who may come
is as those who came at such an hour before, and where nobody has, takes power and gives none.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np

from voltide.domain.messages import AskOffer
from voltide.domain.picture import OfferPicture
from voltide.domain.session import Session
from voltide.domain.units import Fraction, Seconds, WattHours, Watts
from voltide.planning.commitment import CONFIDENCE, SCENARIOS, Commitment, Ground, Terms, Window, commit
from voltide.planning.forecast.arrivals import Arrivals, Newcomer, newcomers
from voltide.planning.forecast.steps import Basis
from voltide.planning.problem import Array, Car
from voltide.planning.rules import ETA
from voltide.planning.scenarios import Guest, Seat, Spread, Unsure
from voltide.station.aside import Aside
from voltide.station.loop import Crew
from voltide.station.outlook import SHORTFALL, Outlook, Question, Seen, plannable
from voltide.station.pilot import seen_by

PATIENCE_S: Seconds = 1.0
"""For one scenario."""
STAYS = tuple(float(-np.log(1.0 - share)) for share in (0.125, 0.375, 0.625, 0.875))
"""How long guests stay, as parts of the mean: four equal parts of an exponential distribution, which is assumed."""
HURRY = 1.5
"""How much more power such a guest takes than its stay would need."""
SHORTEST_S: Seconds = 600.0
UNTOLD_W: Watts = 60e3
"""Taken by a car that did not say how much it can."""
ENOUGH, MOST = 5, 16
"""Of cars that came within an hour of the clock: below, they teach nothing; above, the newest are enough."""
PARTS = 3
"""In how many a newcomer that is expected is drawn."""


class Doubt(Protocol):
    """What is not sure about the hours ahead; ``foresight.Learned`` has learnt it."""

    async def refresh(self, now: datetime) -> None:
        """Learn what has happened since; to be called before the others."""
        ...

    def sun_spread(self, starts: Sequence[datetime], step_s: Array, now_w: Watts) -> Spread:
        """How much sun there may be."""
        ...

    def load_spread(self, starts: Sequence[datetime], step_s: Array, now_w: Watts) -> Spread:
        """How much the building may draw."""
        ...

    def chances(self, arrived: datetime, told: datetime, starts: Sequence[datetime], step_s: Array) -> Array:
        """(steps,) how likely a car leaves in each."""
        ...

    def coming(self) -> Arrivals | None:
        """Who may come."""
        ...

    def known(self) -> Sequence[Session]:
        """Sessions of which is known what came and what was wanted, the newest last."""
        ...

    def basis(self) -> Basis:
        """What all of this rests on."""
        ...


class Offers:
    """One station's."""

    def __init__(self, crew: Crew, outlook: Outlook, doubt: Doubt, aside: Aside, floor_soc: Fraction) -> None:
        self._crew, self._outlook, self._doubt, self._aside = crew, outlook, doubt, aside
        self._zone, self._floor_soc = ZoneInfo(crew.station.timezone), floor_soc
        self._one = asyncio.Lock()

    async def answer(self, message: object) -> object:
        """The offer; None to what is no such question. One at a time, however many ask."""
        if not isinstance(message, AskOffer):
            return None
        async with self._one:
            now = self._crew.clock.now()
            await self._doubt.refresh(now)
            seen = seen_by(self._crew)
            question = self._outlook.ask(self._crew.station, self._crew.wiring, seen)
            unsure, window = self.unsure(question, seen, message)
            most = np.inf if message.most_at_risk is None else message.most_at_risk
            terms = Terms(pay=message.pay, penalty=message.penalty, most_at_risk=most)
            dice = np.random.default_rng(int(message.since.timestamp())).random((SCENARIOS, unsure.dice))
            found = await self._aside(lambda: commit(unsure, window, dice, terms, PATIENCE_S))
            return self._picture(now, message, found)

    def unsure(self, question: Question, seen: Seen, asked: AskOffer) -> tuple[Unsure, Window]:
        """The question with all that may come otherwise, and the steps that the window touches."""
        starts, problem = question.starts, question.problem
        able = {name for name, most in zip(self._crew.wiring.evses, self._crew.wiring.discharge_w, strict=True) if most}
        loose = [stay.evse for _, stay in seen.stays if not plannable(stay)]
        drawn = sum(max(0.0, seen.flowing_w.get(evse, 0.0)) for evse in loose if evse in able)
        first, last = touched(starts, problem.step_s, asked.since, asked.until)
        window = Window(start=first, end=last, baseline_w=-drawn, evses=frozenset(able))
        cars = tuple(self._doubtful(problem.cars, question, seen))
        sun = self._doubt.sun_spread(starts, problem.step_s, seen.sun_w)
        load = self._doubt.load_spread(starts, problem.step_s, seen.building_w)
        more = problem.load_w - self._outlook.foresight.load(starts, problem.step_s, seen.building_w)
        events = tuple(replace(event, baseline_w=window.baseline_w) for event in problem.events)
        unsure = Unsure(
            problem=replace(problem, cars=cars, events=events),
            sun=sun,
            load=replace(load, quantiles=load.quantiles + more),
            guests=tuple(Guests(self._doubt, question, self._zone, self._floor_soc).until(last)),
            seats=tuple(_seats(self._crew, loose)),
        )
        return unsure, window

    def _doubtful(self, cars: Sequence[Car], question: Question, seen: Seen) -> Iterator[Car]:
        """The cars that are here, with how likely they leave when; those that are expected come as guests."""
        stays = {str(name): (seen.arrived.get(name, seen.now), stay) for name, stay in seen.stays}
        for car in cars:
            if car.id in stays:
                arrived, stay = stays[car.id]
                told = seen.now + timedelta(seconds=stay.left_s or 0.0)
                chances = self._doubt.chances(arrived, told, question.starts, question.problem.step_s)
                yield replace(car, hazard=chances)

    def _picture(self, now: datetime, asked: AskOffer, found: Commitment) -> OfferPicture:
        sure = found.ground is Ground.SURE
        return OfferPicture(
            station=self._crew.station.id,
            at=now,
            since=asked.since,
            until=asked.until,
            confidence=CONFIDENCE,
            power_w=float(np.floor(found.power_w)),
            ground=found.ground.value,
            levels_w=tuple(float(np.floor(level)) for level in found.levels_w),
            at_risk=round(found.at_risk(found.power_w), 2) if sure else 0.0,
            best_w=float(np.floor(found.best_w)),
            best_at_risk=round(found.at_risk(found.best_w), 2) if found.levels_w else 0.0,
            days=self._doubt.basis().days,
        )


def touched(starts: Sequence[datetime], step_s: Array, since: datetime, until: datetime) -> tuple[int, int]:
    """The steps that a window touches; none where it does not end within the horizon."""
    ends = starts[-1] + timedelta(seconds=float(step_s[-1]))
    if until > ends or until <= starts[0]:
        return 0, 0
    first = max(0, sum(start <= since for start in starts) - 1)
    return first, sum(start < until for start in starts)


def _seats(crew: Crew, loose: Iterable[str]) -> Iterator[Seat]:
    """Every outlet but those where somebody stands whom nobody can plan."""
    wiring, taken = crew.wiring, set(loose)
    for name, most, least in zip(wiring.evses, wiring.charge_w, wiring.discharge_w, strict=True):
        if name not in taken:
            yield Seat(evse=name, charge_w=float(most), discharge_w=float(least))


class Guests:
    """Who may come, from who came before."""

    def __init__(self, doubt: Doubt, question: Question, zone: ZoneInfo, floor_soc: Fraction) -> None:
        self._coming, self._known = doubt.coming(), doubt.known()
        self._starts, self._edges = question.starts, np.cumsum(question.problem.step_s)
        self._zone, self._floor_soc = zone, floor_soc

    def until(self, before: int) -> Iterator[Guest]:
        """All who may come until a step begins, in parts, so that their number is as unsure as people's is."""
        if self._coming is None:
            return
        for one in newcomers(self._coming):
            offset = (self._coming.steps.edges[one.step] - self._starts[0]).total_seconds()
            arrive = int(np.searchsorted(self._edges, offset, side="right")) + 1
            if 1 <= arrive < before and one.energy_wh > 0.0:
                guest = Guest(chance=one.weight / PARTS, cars=tuple(self._alike(one, arrive)))
                yield from [guest] * PARTS

    def _alike(self, one: Newcomer, arrive: int) -> Iterator[Car]:
        hour = self._starts[arrive].astimezone(self._zone).hour
        near = [
            session for session in self._known if _apart_h(session.plugged_at.astimezone(self._zone).hour, hour) < 2
        ]
        if len(near) >= ENOUGH:
            yield from (self._again(session, arrive) for session in near[-MOST:])
            return
        for share in STAYS:
            lasts = max(one.stay_s * share, SHORTEST_S)
            stored = one.energy_wh * ETA
            yield self._car(arrive, lasts, (0.0, stored, 0.0), (one.energy_wh * 3600.0 / lasts * HURRY, 0.0))

    def _again(self, session: Session, arrive: int) -> Car:
        """A car that came before, as it came."""
        needs, ended = session.needs, session.ended_at or session.plugged_at
        capacity, moved = needs.capacity_wh or 0.0, session.imported_wh * ETA - session.exported_wh / ETA
        held = min(max((session.soc or 0.0) * capacity - moved, 0.0), capacity)
        floor = (self._floor_soc if needs.floor_soc is None else needs.floor_soc) * capacity
        lasts = max((ended - session.plugged_at).total_seconds(), SHORTEST_S)
        powers = (needs.charge_w or UNTOLD_W, needs.discharge_w if needs.v2g else 0.0)
        return self._car(arrive, lasts, (held, (needs.target_soc or 0.0) * capacity, floor), powers)

    def _car(
        self, arrive: int, lasts_s: Seconds, stored: tuple[WattHours, WattHours, WattHours], powers: tuple[Watts, Watts]
    ) -> Car:
        held, need, floor = stored
        depart = int(np.searchsorted(self._edges, self._edges[arrive - 1] + lasts_s, side="right"))
        return Car(
            id="guest",
            evse="",
            arrive=arrive,
            depart=max(arrive + 1, depart),
            energy_wh=held,
            min_wh=floor,
            max_wh=max(held, need),
            need_wh=need,
            shortfall=SHORTFALL,
            charge_w=powers[0],
            discharge_w=powers[1],
            eta_charge=ETA,
            eta_discharge=ETA,
        )


def _apart_h(one: int, other: int) -> int:
    """Hours between two hours of the clock.

    >>> _apart_h(23, 1), _apart_h(7, 4)
    (2, 3)
    """
    away = abs(one - other)
    return min(away, 24 - away)
