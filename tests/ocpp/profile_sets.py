"""Random sets of charging profiles around a moment at which much happens, and random stations.

Strategies are made once and kept: making and checking them anew would cost more than all that is tested with them.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from voltide.ocpp.schedule import Kind, Mode, Period, Phased, Profile, Purpose, Recurrency, Schedule, Unit
from voltide.ocpp.timeline import EvseNow, StationNow
from voltide.ocpp.wire import Supply

BERLIN = ZoneInfo("Europe/Berlin")
MOMENTS = [
    datetime(2026, 1, 15, 12, 0, 0, 400_000, tzinfo=UTC),
    datetime(2026, 3, 29, 0, 59, 40, tzinfo=UTC),  # an hour is left out in Berlin
    datetime(2026, 10, 25, 0, 59, 40, tzinfo=UTC),  # an hour comes twice
]
WINDOW_S = 50
RUNNING = "T1"

COIN = st.booleans()
SECONDS = st.integers(-70, 70)
PARTS = st.sampled_from([0, 0, 300_000, 999_999])
PHASES = st.sampled_from([None, None, None, 1, 2, 3, 0])
STARTS = st.sampled_from([(0,), (0, 7), (0, 1, 30), (0, 20, 21, 45), (0, 9, 18), (0, 12, 12), (1, 9), (0, 40, 25)])
DURATIONS = st.sampled_from([None, None, 0, 1, 13, 29, 60, 90])
SOC_LIMITS = st.sampled_from([None, None, None, (0.5, 10.0), (0.8, 2000.0), (0.5, 0.0)])
PURPOSES = st.sampled_from([*Purpose, Purpose.TX, Purpose.TX_DEFAULT])
KINDS = st.sampled_from(Kind)
MODES = st.sampled_from(Mode)
UNITS = st.sampled_from(Unit)
LEVELS = st.integers(0, 3)
PLACES = st.sampled_from([1, 1, 2])
DAYS_AGO = st.sampled_from([0, 1, 7, 9, 14])
TRANSACTIONS = st.sampled_from([None, RUNNING, RUNNING, "T2"])
RECURRENCIES = st.sampled_from([Recurrency.DAILY, Recurrency.WEEKLY])
OFFLINE = st.sampled_from([None, None, 0, 5, 30, 60])


@cache
def values(unit, low, high):
    """One value for all phases, mostly; now and then one of each, or of some."""
    top = 40.0 if unit is Unit.A else 20_000.0
    one = st.sampled_from([0.0, *(round(top * share, 1) for share in (-1, -0.3, 0.05, 0.31, 0.5, 0.77, 1))])
    one = one.map(lambda value: min(max(value, low * top), high * top))
    other = st.none() | one
    return st.one_of(one.map(Phased), one.map(Phased), one.map(Phased), st.builds(Phased, other, one, other))


@cache
def maybe(strategy):
    return st.none() | strategy


@cache
def periods(unit, purpose):
    limits = values(unit, -0.3 if purpose is Purpose.TX else 0.0, 1.0)
    plain = st.builds(Period, limit=limits, phases=PHASES)
    v2x = st.builds(
        Period,
        limit=maybe(limits),
        discharge=maybe(values(unit, -1.0, 0.0)),
        setpoint=maybe(values(unit, -1.0, 1.0)),
        phases=PHASES,
        mode=MODES,
    )
    return st.one_of(plain, plain, v2x)


def near(draw, now):
    return now + timedelta(seconds=draw(SECONDS), microseconds=draw(PARTS))


def maybe_near(draw, now):
    return near(draw, now) if draw(COIN) and draw(COIN) else None


def schedule(draw, now, purpose, kind):
    unit, local, start = draw(UNITS), draw(COIN), near(draw, now)
    said = [draw(periods(unit, purpose)) for _ in range(2)]
    starts = (0,) if kind is Kind.DYNAMIC else draw(STARTS)
    if kind is Kind.RECURRING:
        start -= timedelta(days=draw(DAYS_AGO))
    if local:
        start = start.astimezone(BERLIN).replace(tzinfo=UTC)
    return Schedule(
        unit=unit,
        periods=tuple(at(said[index % 2], begin) for index, begin in enumerate(starts)),
        start=None if kind in {Kind.RELATIVE, Kind.DYNAMIC} or draw(LEVELS) == 3 else start,
        duration_s=draw(DURATIONS),
        limit_at_soc=draw(SOC_LIMITS),
        local_time=local,
    )


def at(period, start):
    return Period(
        start=start,
        limit=period.limit,
        discharge=period.discharge,
        setpoint=period.setpoint,
        phases=period.phases,
        mode=period.mode,
    )


def profile(draw, number, now):
    purpose, kind = draw(PURPOSES), draw(KINDS)
    alone = purpose is Purpose.STATION_MAX or (purpose is not Purpose.TX and draw(COIN))
    return Profile(
        id=number,
        purpose=purpose,
        evse=0 if alone else draw(PLACES),
        stack_level=draw(LEVELS),
        kind=kind,
        recurrency=draw(RECURRENCIES) if kind is Kind.RECURRING else None,
        schedules=tuple(schedule(draw, now, purpose, kind) for _ in range(2 if draw(LEVELS) == 3 else 1)),
        valid_from=maybe_near(draw, now),
        valid_to=maybe_near(draw, now),
        transaction_id=draw(TRANSACTIONS) if purpose is Purpose.TX else None,
        max_offline_s=draw(OFFLINE),
        updated=near(draw, now) if kind is Kind.DYNAMIC else None,
        received=near(draw, now),
    )


RATINGS = st.sampled_from([11_000.0, 22_080.0, 3_680.0, 0.0])
GIVING = st.sampled_from([0.0, -10_000.0])
CHARGES = st.sampled_from([None, 0.6, 0.9])
SUPPLIES = st.sampled_from([Supply(), Supply(230.0, 3), Supply(400.0, 3), Supply(230.0, 1)])
IGNORED = st.frozensets(PURPOSES, max_size=2)
ZONES = st.sampled_from([None, BERLIN])
COUNTS = st.sampled_from([0, 1, 2, 3, 4, 5, 6, 8, 8])


def evse(draw, number, now):
    running = draw(LEVELS) > 0
    return EvseNow(
        number=number,
        default_w=draw(RATINGS),
        default_discharge_w=draw(GIVING),
        direct=draw(LEVELS) == 3,
        transaction=RUNNING if running else None,
        started=near(draw, now) if running else None,
        priority=draw(COIN),
        soc=draw(CHARGES),
        choice=1 if draw(LEVELS) == 3 else 0,
    )


@st.composite
def situations(draw):
    """(profiles, station, now): anything that could be."""
    now = draw(st.sampled_from(MOMENTS))
    station = StationNow(
        evses=(evse(draw, 1, now), evse(draw, 2, now)),
        supply=draw(SUPPLIES),
        offline_since=maybe_near(draw, now),
        ignored_offline=draw(IGNORED),
        zone=draw(ZONES),
    )
    return [profile(draw, number, now) for number in range(1, draw(COUNTS) + 1)], station, now
