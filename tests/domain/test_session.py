from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltide.domain.messages import Flow, Moment, NeedsTold, Sample, Token, TransactionTold
from voltide.domain.session import (
    TRANSITIONS,
    Flag,
    Phase,
    Session,
    SessionId,
    Step,
    advance,
    close_lost,
    fell,
    moved_wh,
    tell,
    want,
)
from voltide.domain.site import ChargerId, EvseId

NOON = datetime(2026, 4, 15, 4, tzinfo=UTC)
ANNA = Token(id="04A1")


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


def fresh(plugged: datetime = NOON) -> Session:
    return Session(
        id=SessionId("s"), charger=ChargerId("V01"), evse=EvseId("V01-1"), transaction_id="t", plugged_at=plugged
    )


def event(
    moment: Moment,
    seq: int | None,
    minute: float,
    import_wh: float | None = None,
    export_wh: float | None = None,
    *,
    power_w: float | None = None,
    flow: Flow | None = None,
    token: Token | None = None,
    offline: bool = False,
) -> TransactionTold:
    said = (import_wh, export_wh, power_w) != (None, None, None)
    sample = Sample(at=at(minute), import_wh=import_wh, export_wh=export_wh, power_w=power_w)
    return TransactionTold(
        moment=moment, transaction_id="t", at=at(minute), evse=1, seq_no=seq, flow=flow, token=token, offline=offline,
        samples=(sample,) if said else (),
    )  # fmt: skip


def after(events: list[TransactionTold], session: Session | None = None) -> Session:
    session = fresh() if session is None else session
    for one in events:
        session = tell(session, one)
    return session


def stay(imports: list[float], exports: list[float] | None = None) -> list[TransactionTold]:
    """A whole 2.x transaction: one register reading each minute, closed by the last."""
    last = len(imports) - 1
    moments = [Moment.STARTED, *[Moment.UPDATED] * (last - 1), Moment.ENDED]
    return [
        event(moment, seq, seq, imports[seq], None if exports is None else exports[seq],
              token=ANNA if seq == 0 else None)
        for seq, moment in enumerate(moments)
    ]  # fmt: skip


def record(session: Session) -> tuple[object, ...]:
    """Everything about a stay that money, pages and exports rest on."""
    return (
        session.readings,
        session.imported_wh,
        session.exported_wh,
        session.phase,
        session.flags,
        session.token,
        session.plugged_at,
        session.ended_at,
        session.power_w,
    )


registers = st.lists(st.integers(0, 10**6).map(lambda milli: milli / 10), min_size=2, max_size=7)


@settings(deadline=None, max_examples=50)
@given(st.data(), registers)
def test_any_order_and_any_repetition_give_the_same_session(data: st.DataObject, imports: list[float]):
    exports = data.draw(st.lists(st.integers(0, 9999).map(float), min_size=len(imports), max_size=len(imports)))
    events = stay(imports, exports)
    if data.draw(st.booleans()):
        events = [e if data.draw(st.booleans()) else TransactionTold(**{**fields(e), "offline": True}) for e in events]
    again = data.draw(st.lists(st.sampled_from(events), max_size=5))
    shuffled = data.draw(st.permutations([*events, *again]))
    assert record(after(shuffled)) == record(after(events))


def fields(told: TransactionTold) -> dict[str, object]:
    return {name: getattr(told, name) for name in TransactionTold.__dataclass_fields__}


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_an_uncounted_session_too_is_the_same_for_any_order(data: st.DataObject):
    """OCPP 1.6 does not number its messages: its start comes first and its stop counts last."""
    between = [event(Moment.UPDATED, None, minute, 100.0 + minute) for minute in range(1, 5)]
    start, stop = event(Moment.STARTED, None, 0, 100.0, token=ANNA), event(Moment.ENDED, None, 6, 180.0)
    shuffled = data.draw(st.permutations([*between, *between[:2], stop, start]))
    session = after(shuffled)
    assert record(session) == record(after([start, *between, stop]))
    assert session.imported_wh == 80.0


@settings(deadline=None, max_examples=40)
@given(st.permutations([(5000.0, None), (None, 70.0), (5000.0, 70.0), (4990.0, None)]))
def test_what_is_told_of_one_instant_in_several_parts_is_one_reading(parts: list[tuple[float | None, float | None]]):
    samples = tuple(Sample(at=at(3), import_wh=one, export_wh=other) for one, other in parts)
    told = TransactionTold(moment=Moment.UPDATED, transaction_id="t", at=at(3), seq_no=1, samples=samples)
    singly = [event(Moment.UPDATED, None, 3, one, other) for one, other in parts]
    assert [(r.import_wh, r.export_wh) for r in tell(fresh(), told).readings] == [(5000.0, 70.0)]
    assert [(r.import_wh, r.export_wh) for r in after(singly).readings] == [(5000.0, 70.0)]


def test_the_closing_register_in_the_end_counts():
    events = [event(Moment.STARTED, 0, 0, 1000.0), event(Moment.ENDED, 1, 30, 21_000.0)]
    assert after(events).imported_wh == 20_000.0


def test_an_early_stop_still_closes_the_register_when_its_clock_runs_behind():
    start, late = event(Moment.STARTED, None, 0, 0.0), event(Moment.UPDATED, None, 20, 900.0)
    stop = event(Moment.ENDED, None, 19, 1000.0)
    session = after([start, stop, late])
    assert session.readings[-1].import_wh == 1000.0
    assert session.imported_wh == 1000.0
    assert Flag.REGISTER_FELL not in session.flags


@settings(deadline=None, max_examples=50)
@given(registers, registers)
def test_a_meter_that_starts_again_never_gives_negative_energy_and_is_flagged(first: list[float], then: list[float]):
    imports = [*sorted(first), *sorted(then)]
    session = after(stay(imports))
    assert session.imported_wh == pytest.approx((max(first) - min(first)) + rise(max(first), sorted(then)))
    assert session.imported_wh >= 0.0
    assert (Flag.REGISTER_FELL in session.flags) == (min(then) < max(first))


def rise(last: float, values: list[float]) -> float:
    return values[-1] - min(values[0], last) if values[0] >= last else values[-1] - values[0]


def test_a_register_counts_its_rises_only():
    assert moved_wh([100.0, None, 160.0, 5.0, 25.0]) == 80.0
    assert moved_wh([None, None]) == 0.0
    assert moved_wh([]) == 0.0
    assert fell([100.0, None, 90.0])
    assert not fell([100.0, None, 100.0])


def test_a_fall_of_the_export_register_is_flagged_as_well():
    assert Flag.REGISTER_FELL in after(stay([0.0, 1.0, 2.0], [50.0, 10.0, 60.0])).flags


def test_a_gap_is_flagged_until_the_late_event_cures_it():
    whole = stay([0.0, 10.0, 20.0, 30.0])
    session = after([whole[0], whole[1], whole[3]])
    assert Flag.GAP in session.flags
    assert not session.complete
    session = tell(session, whole[2])
    assert session.complete
    assert session.flags == frozenset()


def test_an_event_numbered_after_the_end_fills_no_gap_before_it():
    whole = stay([0.0, 10.0, 20.0, 30.0])
    session = after([whole[0], whole[1], whole[3], event(Moment.UPDATED, 4, 4, 30.0)])
    assert {Flag.GAP, Flag.LATE} <= session.flags


def test_an_event_after_the_end_does_not_reopen_the_session():
    session = after(stay([0.0, 10.0, 20.0]))
    later = tell(session, event(Moment.UPDATED, 3, 9, 25.0, power_w=5000.0, flow=Flow.FLOWING))
    assert later.phase is Phase.ENDED
    assert not later.open
    assert later.ended_at == session.ended_at
    assert Flag.LATE in later.flags


def test_a_stay_without_any_register_says_so():
    session = after([event(Moment.STARTED, 0, 0), event(Moment.ENDED, 1, 9)])
    assert session.flags == {Flag.NO_REGISTER}
    assert session.imported_wh == 0.0


def test_an_offline_event_is_flagged_and_never_sets_the_live_values_back():
    live = tell(fresh(), event(Moment.UPDATED, 5, 10, power_w=7000.0))
    late = tell(live, event(Moment.UPDATED, 4, 20, 100.0, power_w=50.0, offline=True))
    assert late.power_w == 7000.0
    assert late.flags == {Flag.OFFLINE}
    assert tell(live, event(Moment.UPDATED, 3, 5, power_w=1.0)).power_w == 7000.0


def test_the_one_who_started_pays_not_the_one_who_stopped():
    start = event(Moment.STARTED, 0, 0, 0.0, token=ANNA)
    stop = event(Moment.ENDED, 1, 9, 5.0, token=Token(id="guard"))
    assert after([start, stop]).token == after([stop, start]).token == ANNA


def test_a_car_that_charges_and_then_gives_back_goes_through_its_phases_in_order():
    told = [
        event(Moment.STARTED, 0, 0, 0.0, 0.0, flow=Flow.CONNECTED),
        event(Moment.UPDATED, 1, 1, token=ANNA),
        event(Moment.UPDATED, 2, 2, 100.0, 0.0, power_w=6000.0, flow=Flow.FLOWING),
        event(Moment.UPDATED, 3, 3, 100.0, 0.0, power_w=0.0, flow=Flow.SUSPENDED_BY_STATION),
        event(Moment.UPDATED, 4, 4, 100.0, 90.0, power_w=-6000.0, flow=Flow.FLOWING),
        event(Moment.ENDED, 5, 5, 100.0, 90.0),
    ]
    session, seen = fresh(), []
    for one in told:
        session = tell(session, one)
        seen.append(session.phase)
    assert [*seen, advance(session, Step.SETTLED).phase] == [
        Phase.PLUGGED,
        Phase.AUTHORISED,
        Phase.CHARGING,
        Phase.PAUSED,
        Phase.DISCHARGING,
        Phase.ENDED,
        Phase.SETTLED,
    ]
    assert (session.imported_wh, session.exported_wh, session.power_w) == (100.0, 90.0, 0.0)


def test_a_meters_own_noise_is_no_flow():
    session = tell(fresh(), event(Moment.STARTED, 0, 0, token=ANNA))
    assert tell(session, event(Moment.UPDATED, 1, 1, power_w=49.0)).phase is Phase.PAUSED
    assert tell(session, event(Moment.UPDATED, 1, 1, power_w=51.0)).phase is Phase.CHARGING
    assert tell(session, event(Moment.UPDATED, 1, 1, power_w=-51.0)).phase is Phase.DISCHARGING


def test_every_phase_can_be_reached_and_settled_is_final():
    reached, front = set(), {Phase.PLUGGED}
    while front:
        reached |= front
        front = {after for phase in front for after in TRANSITIONS[phase].values()} - reached
    assert reached == set(Phase)
    assert set(TRANSITIONS) == set(Phase)
    assert TRANSITIONS[Phase.SETTLED] == {}


def test_no_step_leads_back_from_the_end():
    alive = set(Phase) - {Phase.ENDED, Phase.SETTLED}
    for phase in (Phase.ENDED, Phase.SETTLED):
        assert not alive & set(TRANSITIONS[phase].values())


@pytest.mark.parametrize("step", list(Step))
def test_a_step_that_a_phase_does_not_know_changes_nothing(step: Step):
    settled = advance(advance(fresh(), Step.ENDED), Step.SETTLED)
    assert advance(settled, step) is settled


def test_a_lost_end_is_flagged_until_the_real_one_arrives():
    whole = stay([0.0, 10.0, 20.0])
    lost = close_lost(after(whole[:2]), at(60))
    assert lost.phase is Phase.ENDED
    assert Flag.LOST_END in lost.flags
    found = tell(lost, whole[2])
    assert Flag.LOST_END not in found.flags
    assert found.ended_at == at(2)
    assert found.imported_wh == 20.0


def test_needs_add_up_and_what_is_not_said_stays():
    said = NeedsTold(evse=1, departure=at(90), energy_wh=20_000.0, capacity_wh=60_000.0, v2x=True, discharge_w=7000.0)
    session = want(after(stay([0.0, 500.0, 700.0])[:2]), said)
    assert session.needs.told_at_wh == 500.0
    assert session.needs.v2g
    later = want(session, NeedsTold(evse=1, floor_wh=15_000.0, capacity_wh=60_000.0, soc=0.4))
    assert later.needs.departure == at(90)
    assert later.needs.energy_wh == 20_000.0
    assert later.needs.discharge_w == 7000.0
    assert later.needs.floor_soc == 0.25
    assert later.soc == 0.4
