import itertools
import math
from datetime import UTC, datetime, timedelta

import pytest

from tests.twin.places import small_station
from voltide.domain.units import kw
from voltide.twin.plant import Building, Canopy, StationBattery, TrueMeter
from voltide.twin.world import SimClock, luck, run

START = datetime(2025, 3, 27, 16, tzinfo=UTC)  # midnight in Shenzhen


class Hands:
    """A clock that a test moves by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


def canopy(hands: Hands, cloudiness: float = 0.3) -> Canopy:
    station = small_station()
    assert station.pv is not None
    return Canopy(station, station.pv, hands, luck(1, "pv"), cloudiness)


def a_day(hands: Hands, thing: Canopy | Building) -> list[float]:
    powers = []
    for second in range(86_400):
        hands.seconds = float(second)
        powers.append(thing.step(hands.now(), hands.seconds))
    return powers


def test_the_canopy_gives_nothing_at_night_and_never_more_than_its_peak() -> None:
    hands = Hands()
    powers = a_day(hands, canopy(hands))
    assert all(power == 0.0 for power in powers[: 5 * 3600])
    assert -kw(152) <= min(powers) < -kw(60)
    assert max(powers) == 0.0
    assert 300 < -sum(powers) / 3.6e6 < 1000


def test_clouds_take_light_and_the_same_luck_gives_the_same_sky() -> None:
    bright, dull, again = (
        sum(a_day(hands, canopy(hands, c))) for hands, c in ((Hands(), 0.1), (Hands(), 0.9), (Hands(), 0.9))
    )
    assert bright < 1.2 * dull < 0
    assert dull == again


def test_curtailment_holds_until_its_lease_ends() -> None:
    async def main(clock: SimClock) -> list[float]:
        station = small_station()
        assert station.pv is not None
        sun = Canopy(station, station.pv, clock, luck(1, "pv"), 0.0)
        noon = START + timedelta(hours=12)
        before = [sun.step(noon, float(second)) for second in range(120)][-1]
        await sun.curtail(kw(20), 10.0)
        held = sun.step(noon, 5.0)
        after = sun.step(noon, 10.0)
        return [before, held, after]

    before, held, after = run(main, START)
    assert held == -kw(20)
    assert before < -kw(90)
    assert after < -kw(90)


def test_the_battery_ramps_obeys_and_falls_to_nothing_when_its_lease_lapses() -> None:
    async def main(clock: SimClock) -> list[float]:
        storage = small_station().storage
        assert storage is not None
        battery = StationBattery(storage, clock, luck(1, "battery"), 0.5)
        await battery.apply(-kw(80), 10.0)
        return [battery.step(START, float(second)) for second in range(20)]

    powers = run(main, START)
    assert powers[0] == -kw(50)
    assert powers[1:10] == [-kw(80)] * 9
    assert powers[12:] == [0.0] * 8


def test_the_battery_never_leaves_its_window_and_loses_what_its_efficiency_says() -> None:
    async def main(clock: SimClock) -> tuple[float, float, float, float]:
        storage = small_station().storage
        assert storage is not None
        battery = StationBattery(storage, clock, luck(1, "battery"), 0.5)
        await battery.apply(kw(500), 1e9)
        for second in range(7200):
            battery.step(START, float(second))
        full = battery.soc
        start = battery.export_wh
        await battery.apply(-kw(500), 1e9)
        for second in range(10_800):
            battery.step(START, float(second))
        return full, battery.soc, battery.export_wh - start, storage.capacity_wh

    full, empty, given, capacity = run(main, START)
    assert full == pytest.approx(0.95, abs=1e-4)  # within one ramp
    assert empty == pytest.approx(0.10, abs=1e-4)
    assert given == pytest.approx(0.85 * capacity * 0.96, rel=1e-3)


def test_the_building_wanders_slowly_and_stays_under_its_highest_load() -> None:
    hands = Hands()
    powers = a_day(hands, Building(kw(60), 114.0, hands, luck(1, "building")))
    assert 0 < min(powers) < max(powers) <= kw(60)
    assert max(abs(later - earlier) for earlier, later in itertools.pairwise(powers)) < 500


def test_a_meter_tells_the_truth_within_its_class_and_its_registers_rise() -> None:
    hands = Hands()
    meter = TrueMeter(hands, luck(1, "meter"))
    for _ in range(3600):
        meter.count(kw(100), START)
    for _ in range(1800):
        meter.count(-kw(100), START)
    told = meter.reading(None)
    assert told.power_w == pytest.approx(-kw(100), rel=0.002)
    assert told.import_wh == pytest.approx(100_000)
    assert told.export_wh == pytest.approx(50_000)


def test_a_meter_fails_in_the_ways_that_meters_fail() -> None:
    hands = Hands()
    meter = TrueMeter(hands, luck(1, "meter"))
    meter.count(kw(100), START)
    honest = meter.reading(None).power_w
    meter.fault = "flipped"
    assert meter.reading(None).power_w == -honest
    meter.fault = "scaled"
    assert meter.reading(None).power_w == honest * 1000
    meter.fault = "nan"
    assert math.isnan(meter.reading(None).power_w)
    meter.fault = "frozen"
    hands.seconds = 50.0
    meter.count(kw(300), START)
    assert meter.reading(None).power_w == honest
    assert meter.reading(None).at == hands.now()
    meter.fault = "silent"
    with pytest.raises(OSError, match="answer"):
        meter.reading(None)
