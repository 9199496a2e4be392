"""Perfect foresight: the most energy that could have been given, had all arrivals and departures been known."""

from collections.abc import Iterator, Sequence

import numpy as np

from voltide.domain.units import WattHours
from voltide.planning.phasors import Sides, polygon
from voltide.planning.portions import Wanted, portions
from voltide.planning.problem import Array
from voltide.planning.solver import Solver
from voltide.studies.sessions import Session
from voltide.studies.sites import Site


def due_wh(site: Site, one: Session) -> WattHours:
    """What a session could get of what it wants, were it alone: the measure of all rules."""
    return min(one.need_wh, site.outlet_w * (one.departs_s - one.arrives_s) / 3600.0)


def best(site: Site, sessions: Sequence[Session], sides: int, *, inner: bool) -> Array:
    """By session, the energy in Wh of the best whole plan.

    With the inner polygons it can be done; with the outer ones nothing better can be.
    """
    shape, solver = polygon(site.wires, sides, inner=inner), Solver(direct=True)
    got = np.zeros(len(sessions))
    for block in blocks(sessions):
        got[block] = _block(site, [sessions[place] for place in block], shape, solver)
    return got


def blocks(sessions: Sequence[Session]) -> Iterator[list[int]]:
    """Runs of sessions, by arrival, between which nobody was there: they can be planned apart."""
    run: list[int] = []
    until = -np.inf
    for place, one in enumerate(sessions):
        if run and one.arrives_s >= until:
            yield run
            run = []
        run.append(place)
        until = max(until, one.departs_s)
    if run:
        yield run


def _block(site: Site, sessions: Sequence[Session], shape: Sides, solver: Solver) -> Array:
    arrives = np.array([one.arrives_s for one in sessions])
    departs = np.array([one.departs_s for one in sessions])
    edges = np.unique(np.concatenate((arrives, departs)))
    hours = np.diff(edges) / 3600.0
    first, last = np.searchsorted(edges, arrives), np.searchsorted(edges, departs)
    car = np.repeat(np.arange(len(sessions)), last - first)
    step = np.concatenate([np.arange(*span) for span in zip(first, last, strict=True)])
    ones = np.ones(len(car))
    wanted = Wanted(
        hours=hours,
        kind=np.array([site.kind_of[one.outlet] for one in sessions], dtype=np.intp),
        need_wh=np.array([one.need_wh for one in sessions]),
        car=car,
        step=step,
        most_wh=site.outlet_w * hours[step],
        worth=ones,
        weight=ones,
    )
    return np.bincount(car, portions(wanted, shape, solver), len(sessions)).astype(np.float64)
