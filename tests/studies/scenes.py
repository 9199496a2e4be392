"""Small crowds at the two garages, drawn from a seed, and one outlet behind one wire."""

import numpy as np

from voltide.planning.phasors import Wires
from voltide.studies.sessions import Session
from voltide.studies.sites import Site, load

DAY_S = 86_400.0


def session(
    name: str, outlet: str, arrives_h: float, departs_h: float, need_kwh: float, told_h: float | None = None
) -> Session:
    return Session(
        id=name,
        outlet=outlet,
        period="days",
        arrives_s=arrives_h * 3600.0,
        departs_s=departs_h * 3600.0,
        told_s=(departs_h if told_h is None else told_h) * 3600.0,
        need_wh=need_kwh * 1000.0,
        delivered_wh=0.0,
        claimed=told_h is not None,
        offset_s=0.0,
    )


def crowd(site: str, seed: int, days: int = 2, cars: int = 25) -> list[Session]:
    """Some busy days; half of the drivers say a wrong departure."""
    chance = np.random.default_rng(seed)
    outlets = sorted(load(site, 30.0).kind_of)
    found = []
    for day in range(days):
        for place in chance.permutation(len(outlets))[:cars]:
            arrives = day * 24.0 + chance.uniform(6.0, 14.0)
            departs = arrives + chance.uniform(0.5, 9.0)
            told = departs + chance.normal(0.0, 1.5) if chance.random() < 0.5 else None
            told = None if told is None else max(told, arrives + 0.2)
            name = f"{day}-{place}"
            found.append(session(name, outlets[place], arrives, departs, chance.uniform(2.0, 40.0), told))
    return sorted(found, key=lambda one: one.arrives_s)


def single(most_w: float, outlet_w: float = 10_000.0) -> Site:
    """Two outlets behind one wire: the one resource of the textbooks."""
    wires = Wires(names=("wire",), factor=np.ones((1, 1), dtype=np.complex128), most_w=np.array([most_w]))
    return Site(name="single", capacity_kw=most_w / 1000.0, kind_of={"a": 0, "b": 0}, wires=wires, outlet_w=outlet_w)
