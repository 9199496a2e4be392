"""A station that grows while it runs is the station that would have been started with that charger."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.station.stage import START, Stage, small
from tests.twin.places import lotus_hill
from voltide.control.wiring import UnsafeStationError, Wiring
from voltide.domain.dossier import Dossier, Pile, Plate, Standing
from voltide.domain.site import Charger, ChargerId, EvseId, Station, V2g
from voltide.station.extension import extend, joined, with_accepted
from voltide.twin import world

NEW = ChargerId("NEW1")


def newcomer(outlets: int = 2, fallback_w: float = 4_200.0) -> Charger:
    plates = tuple(Plate(number=n, charge_w=60_000.0, discharge_w=60_000.0) for n in range(1, outlets + 1))
    return Pile(plates=plates, fallback_w=fallback_w, v2g=V2g.DYNAMIC).charger(NEW)


def played(base: Station, new: Charger, seed: int, grow_s: int, *, grown: bool) -> Stage:
    async def story(clock: world.SimClock) -> Stage:
        stage = Stage(clock, joined(base, new), seed=seed, late={NEW: grow_s + 1.0})

        def grow() -> None:
            one = stage.station
            extend(one.crew, one.loop, one.watch, one.portrait, new)
            assert one.portrait.draw().outlets[-1].charger == NEW

        await stage.play(base if grown else joined(base, new), 150, {grow_s: grow} if grown else {})
        return stage

    return world.run(story, START)


@settings(deadline=None, max_examples=3)
@given(seed=st.integers(1, 1000), grow_s=st.integers(5, 60), outlets=st.integers(1, 3))
def test_a_station_that_has_grown_decides_as_one_that_was_started_so_and_no_limit_is_exceeded(seed, grow_s, outlets):
    base, new = small(import_w=240_000.0), newcomer(outlets)
    one = played(base, new, seed, grow_s, grown=True)
    other = played(base, new, seed, grow_s, grown=False)
    before = [(at, target[:3]) for at, target in other.seen[: grow_s + 1]]
    assert [(at, target[:3]) for at, target in one.seen[: grow_s + 1]] == before
    assert one.seen[grow_s + 1 :] == other.seen[grow_s + 1 :]
    assert any(target[3] != 0.0 for _, target in one.seen[grow_s:])
    for stage in (one, other):
        assert stage.twin.auditor.node_ticks_over == 0
        assert stage.station.loop.failures == 0
        assert [twin.crashes for twin in stage.twin.chargers] == [[]] * 3
    assert one.twin.auditor.result()["trace_sha256"] == other.twin.auditor.result()["trace_sha256"]


def test_a_newcomer_on_a_full_connection_takes_only_what_the_others_leave_and_their_stays_go_on():
    base, new = small(import_w=150_000.0), newcomer(3)
    stage = played(base, new, 7, 30, grown=True)
    assert stage.twin.auditor.node_ticks_over == 0
    totals = [sum(max(power, 0.0) for power in target) for _, target in stage.seen[100:]]
    assert max(totals) > 80_000.0
    assert max(totals) <= 150_000.0
    assert {session.charger for session in stage.station.sessions.open()} > {NEW}


def test_the_arrays_of_a_large_station_grow_behind_what_they_were():
    base = lotus_hill()
    wiring, whole = Wiring.of(base), Wiring.of(joined(base, newcomer()))
    n = len(wiring.evses)
    assert whole.evses == (*wiring.evses, EvseId("NEW1-1"), EvseId("NEW1-2"))
    assert whole.nodes[: len(wiring.nodes)] == wiring.nodes
    np.testing.assert_array_equal(whole.member[: len(wiring.nodes), :n], wiring.member)
    np.testing.assert_array_equal(whole.fallback_w[:n], wiring.fallback_w)
    assert [bank.outlets.tolist() for bank in whole.banks] == [bank.outlets.tolist() for bank in wiring.banks]
    assert whole.member[-1].tolist() == [0.0] * n + [1.0, 1.0]


def test_what_would_break_a_limit_changes_nothing_of_the_station():
    async def story(clock: world.SimClock) -> None:
        one = Stage(clock, small(import_w=60_000.0)).actor(small(import_w=60_000.0))
        before = one.crew.station, one.crew.wiring, one.loop.measured_w.shape
        with pytest.raises(UnsafeStationError, match="80000 W, above its import limit of 60000 W"):
            extend(one.crew, one.loop, one.watch, one.portrait, newcomer(3, fallback_w=10_000.0))
        assert (one.crew.station, one.crew.wiring, one.loop.measured_w.shape) == before

    world.run(story, START)


def dossier(name: str, standing: Standing = Standing.ACCEPTED) -> Dossier:
    plates = (Plate(number=1, charge_w=11_000.0),)
    pile_ = Pile(plates=plates, fallback_w=4_200.0)
    return Dossier(charger=ChargerId(name), standing=standing, since=START, pile=pile_)


def test_a_start_takes_up_who_was_accepted_and_nobody_else_and_the_file_comes_first():
    known = [
        dossier("A1"),
        dossier("A2", Standing.PENDING),
        dossier("A3", Standing.REJECTED),
        dossier("A4", Standing.AWAY),
        dossier("V01"),
        replace(dossier("A5"), pile=None),
    ]
    grown = with_accepted(small(import_w=240_000.0), known)
    assert [charger.id for charger in grown.chargers] == ["V01", "V02", "A1"]
    assert len(grown.charger_of[ChargerId("V01")].evses) == 2


def test_a_file_that_leaves_no_room_for_who_was_accepted_is_refused_with_the_charger_s_name():
    with pytest.raises(UnsafeStationError, match=r"charger 'A1', which was accepted on the page.*charger remove A1"):
        with_accepted(small(import_w=51_000.0), [dossier("A1")])


def test_a_charger_that_takes_no_profiles_is_reckoned_with_at_its_full_power():
    plates = (Plate(number=1, charge_w=22_000.0),)
    [evse] = Pile(plates=plates, fallback_w=4_200.0, steered=False).charger(NEW).evses
    assert evse.fallback_w == 22_000.0
