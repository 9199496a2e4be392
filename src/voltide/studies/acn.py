"""The study of real sessions: how much of what drivers wanted each rule delivers, beside perfect foresight."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from voltide.benches.machine import note
from voltide.planning.problem import Array
from voltide.studies import hindsight, sites
from voltide.studies.ahead import AS_TOLD, LEARNING, Ahead
from voltide.studies.rules import RULES
from voltide.studies.sessions import Session, read
from voltide.studies.yard import Played, Rule, play

CAPACITIES_KW = (30.0, 50.0, 80.0)
BOUND_SIDES = 24
"""Of the polygons of perfect foresight: finer than the plan's, so that inner and outer nearly meet."""
FORESIGHT = "foresight"
DEPARTURES = ("true", "told")
PLANS: Mapping[str, Callable[[], Rule]] = {"plan-as-told": lambda: Ahead(AS_TOLD), "plan": lambda: Ahead(LEARNING)}
"""With true departures there is nothing to learn: only the first is played, and called the plan."""
UNIT = "% of the energy that each car could have had alone"
_TRACE_DAYS = 7
Tell: TypeAlias = Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One rule on one site with one capacity; departures are known truly or as told."""

    site: str
    kw: float
    departures: str
    rule: str


@dataclass(kw_only=True, eq=False)
class Outcome:
    """A case's energy by session, and how it kept the limits; perfect foresight has a bound above it instead."""

    case: Case
    got_wh: Array
    bound_wh: Array | None = None
    played: Played | None = None


def cases(site: str, capacities_kw: Sequence[float], departures: Sequence[str]) -> list[Case]:
    """All that are to be played, the longest first."""
    found = []
    for known in departures:
        plans = ("plan",) if known == "true" else ("plan", "plan-as-told")
        names = (*plans, *((FORESIGHT,) if known == "true" else ()), *RULES)
        found += [Case(site=site, kw=kw, departures=known, rule=name) for name in names for kw in capacities_kw]
    return found


def run(case: Case, sessions: Sequence[Session]) -> Outcome:
    """Play one case."""
    site = sites.load(case.site, case.kw)
    if case.rule == FORESIGHT:
        inside, around = (hindsight.best(site, sessions, BOUND_SIDES, inner=inner) for inner in (True, False))
        return Outcome(case=case, got_wh=inside, bound_wh=around)
    told = case.departures == "told"
    plans = PLANS if told else {"plan": PLANS["plan-as-told"]}
    rule = {**RULES, **plans}[case.rule]()
    played = play(site, sessions, rule, told=told)
    return Outcome(case=case, got_wh=played.got_wh, played=played)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is to be compared."""

    capacities_kw: Sequence[float] = CAPACITIES_KW
    departures: Sequence[str] = DEPARTURES


def gather(files: Sequence[Path], names: Sequence[str]) -> dict[str, list[Session]]:
    """The sessions of all files, by site and arrival. Raises ``SessionsError``."""
    outlets = {name: frozenset(sites.load(name, CAPACITIES_KW[0]).kind_of) for name in names}
    found: dict[str, list[Session]] = {}
    for file in files:
        for site, some in read(file, outlets, sites.elsewhere(names)).items():
            found.setdefault(site, []).extend(some)
    return {site: sorted(some, key=lambda one: (one.arrives_s, one.outlet)) for site, some in found.items()}


def study(sessions: Mapping[str, Sequence[Session]], question: Question, jobs: int, tell: Tell) -> dict[str, Any]:
    """Play every case; the result's ``rows`` are by site, capacity, knowledge of departures and period."""
    chosen = [case for site in sessions for case in cases(site, question.capacities_kw, question.departures)]
    outcomes = _played(chosen, sessions, jobs, tell)
    found: list[dict[str, Any]] = []
    for site, some in sessions.items():
        found += rows([one for one in outcomes if one.case.site == site], some)
    return {"name": "study-acn", "unit": UNIT, "rows": found, "plots": plots(found, outcomes)}


def _played(chosen: Sequence[Case], sessions: Mapping[str, Sequence[Session]], jobs: int, tell: Tell) -> list[Outcome]:
    """Some at a time; the answer stands in the order of the cases."""
    if jobs <= 1:
        found = []
        for count, case in enumerate(chosen, start=1):
            found.append(run(case, sessions[case.site]))
            _counted(count, len(chosen), tell)
        return found
    with ProcessPoolExecutor(jobs) as pool:
        waiting = [pool.submit(run, case, sessions[case.site]) for case in chosen]
        for count, _ in enumerate(as_completed(waiting), start=1):
            _counted(count, len(chosen), tell)
        return [one.result() for one in waiting]


def _counted(done: int, whole: int, tell: Tell) -> None:
    tell(done / whole)
    note(f"{done} of {whole} cases played")


def table(result: Mapping[str, Any]) -> list[list[str]]:
    """The result for people; a row of one cell is a sentence."""
    names = list(dict.fromkeys(name for row in result["rows"] for name in row["delivered"]))
    lines = [["period", "kW", "departures", *names, "foresight", "bound", "gap taken"]]
    for row in result["rows"]:
        ahead = row.get("foresight", {})
        figures = [*(row["delivered"].get(name) for name in names), ahead.get("reached"), ahead.get("bound")]
        shown = ["" if one is None else f"{one:.2f}" for one in figures]
        gap = row.get("gap_taken")
        lines.append(
            [row["period"], f"{row['kw']:g}", row["departures"], *shown, "" if gap is None else f"{gap:.0f} %"]
        )
    return [*lines, [f"In {result['unit']}. Uncontrolled breaks limits; all others keep them."]]


def rows(outcomes: Sequence[Outcome], sessions: Sequence[Session]) -> list[dict[str, Any]]:
    """By capacity, knowledge of departures and period: the energy of every rule as a part of what was due."""
    periods = list(dict.fromkeys(one.period for one in sessions))
    kinds = list(dict.fromkeys((one.case.site, one.case.kw, one.case.departures) for one in outcomes))
    bounds = {one.case.kw: one for one in outcomes if one.case.rule == FORESIGHT}
    return [
        _row(period, kind, [one for one in outcomes if _kind(one) == kind], bounds.get(kind[1]), sessions)
        for kind in kinds
        for period in periods
    ]


def _kind(one: Outcome) -> tuple[str, float, str]:
    return one.case.site, one.case.kw, one.case.departures


def _row(
    period: str, kind: tuple[str, float, str], outcomes: Sequence[Outcome], bound: Outcome | None,
    sessions: Sequence[Session],
) -> dict[str, Any]:  # fmt: skip
    site = sites.load(kind[0], kind[1])
    inside = np.array([one.period == period for one in sessions])
    due = sum(hindsight.due_wh(site, one) for one, here in zip(sessions, inside, strict=True) if here)
    share = {one.case.rule: 100.0 * float(one.got_wh[inside].sum()) / due for one in outcomes}
    row: dict[str, Any] = {
        "site": kind[0],
        "period": period,
        "kw": kind[1],
        "departures": kind[2],
        "sessions": int(inside.sum()),
        "due_kwh": round(due / 1000.0, 1),
        "delivered": {name: round(part, 3) for name, part in share.items() if name != FORESIGHT},
    }
    if bound is not None and bound.bound_wh is not None:
        best, most = (100.0 * float(one[inside].sum()) / due for one in (bound.got_wh, bound.bound_wh))
        row["foresight"] = {"reached": round(best, 3), "bound": round(most, 3)}
        if kind[2] == "true" and {"plan", "edf"} <= share.keys() and best > share["edf"]:
            row["gap_taken"] = round(100.0 * (share["plan"] - share["edf"]) / (best - share["edf"]), 1)
    row["limits"] = {
        one.case.rule: {
            "worst_over": round(max(one.played.worst, 0.0), 6),
            "hours_over": round(one.played.over_s / 3600.0, 2),
            "decisions": one.played.decisions,
        }
        for one in outcomes
        if one.played is not None
    }
    return row


def plots(result: Sequence[Mapping[str, Any]], outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """By site: energy over capacity for each knowledge of departures, and the first week's power."""
    found = []
    for site, period, known in dict.fromkeys((row["site"], row["period"], row["departures"]) for row in result):
        mine = [row for row in result if (row["period"], row["departures"]) == (period, known)]
        mine.sort(key=lambda row: row["kw"])
        names = [name for name in mine[0]["delivered"] if name != "uncontrolled"]
        lines = {name: [row["delivered"].get(name) for row in mine] for name in names}
        if all("foresight" in row for row in mine):
            lines[FORESIGHT] = [row["foresight"]["reached"] for row in mine]
        x = [row["kw"] for row in mine]
        title = f"{site}, {period}, departures {known}: energy delivered"
        found.append({"title": title, "unit": "%", "label": "transformer, kW", "x": x, "lines": lines})
    return [
        *found,
        *(_week([one for one in outcomes if one.case.site == site]) for site in {o.case.site: 0 for o in outcomes}),
    ]


def _week(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The first week of each rule's power at the lowest capacity: hours from its beginning, kW at the quarter hours."""
    drawn = [(one.case, one.played.trace) for one in outcomes if one.played is not None and one.played.trace]
    lowest, known = min(case.kw for case, _ in drawn), drawn[0][0].departures
    chosen = [(case.rule, trace) for case, trace in drawn if (case.kw, case.departures) == (lowest, known)]
    begins = min(trace[0][0] for _, trace in chosen)
    at = begins + np.arange(0.0, _TRACE_DAYS * 86_400.0, 900.0)
    lines = {}
    for rule, trace in chosen:
        moments, watts = (np.array(row) for row in zip(*trace, strict=True))
        place = np.searchsorted(moments, at, side="right") - 1
        lines[rule] = np.round(np.where(place >= 0, watts[place], 0.0) / 1000.0, 2).tolist()
    title = f"{drawn[0][0].site}, {lowest:g} kW, departures {known}: power in the first week"
    return {"title": title, "unit": "kW", "label": "hours", "x": ((at - begins) / 3600.0).tolist(), "lines": lines}
