"""What a station says it could promise: for the cars it has, for the window that was asked, and not a watt ordered."""

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from tests.station.stage import BUSY, START, Stage, small
from tests.station.test_foresight import NOW, learned, minute, stay
from voltide.backbone import codec
from voltide.domain.messages import AskOffer, OrderGrid
from voltide.domain.picture import OfferPicture
from voltide.domain.session import Session
from voltide.planning.commitment import Ground
from voltide.planning.problem import Problem
from voltide.planning.rules import ETA
from voltide.station import aside
from voltide.station.offer import Guests, touched
from voltide.station.outlook import Question, steps_from
from voltide.twin import world

SELLERS = replace(BUSY, shares={"giver": 1.0})
"""All come with full cars, to give back."""
EMPTY = 20
"""Seconds after which nobody has come yet."""


def ask(after_min: float = 0.0, minutes: float = 15.0, **terms) -> AskOffer:
    """A window from so many minutes after the look."""
    since = START + timedelta(seconds=400) + timedelta(minutes=after_min)
    return AskOffer(since=since, until=since + timedelta(minutes=minutes), **({"pay": 4.0, "penalty": 2.0} | terms))


def offered(*asked: AskOffer, seconds: int = 400, at=None, look=lambda _stage: None) -> list[OfferPicture]:
    """What the bus answers after so many seconds of a busy morning."""

    async def story(clock):
        class Asking(Stage):
            async def play(self, of, seconds, at=None):
                self.station = self.actor(of)
                async with self.store, self.bus:
                    lines = asyncio.create_task(self._live())
                    await asyncio.sleep(0.5)
                    for second in range(seconds):
                        (at or {}).get(second, bool)()
                        await asyncio.sleep(1.0)
                    self.answers = [await self.bus.request("station.test.offer", one, 60.0) for one in asked]
                    look(self)
                    lines.cancel()
                    await asyncio.gather(lines, return_exceptions=True)

        here = replace(small(300_000.0), id="test")
        stage = Asking(clock, here, conditions=SELLERS)
        await stage.play(here, seconds, {second: lambda do=do: do(stage) for second, do in (at or {}).items()})
        return stage.answers

    return world.run(story, START)


def test_the_offer_is_what_the_cars_that_are_here_could_give_and_is_repeatable():
    found: list[float] = []

    def able(stage) -> None:
        now = stage.clock.now()
        stays = [stage.station.planner.stay(one, now) for one in stage.station.sessions.open()]
        found.append(sum(stay.discharge_w for stay in stays))

    one, again = offered(ask(), ask(), look=able)
    assert one == again
    assert (one.ground, one.confidence, len(one.levels_w)) == (Ground.SURE, 0.9, 20)
    assert 0.0 < one.power_w <= found[0] + 1.0
    assert list(one.levels_w) == sorted(one.levels_w)
    assert sum(level >= one.power_w for level in one.levels_w) >= 18
    assert (one.since, one.until, one.days) == (ask().since, ask().until, 0)
    assert codec.decode(codec.encode(one)) == one


def test_a_longer_window_and_one_that_begins_later_offer_no_more():
    short, long, late = offered(ask(), ask(minutes=90), ask(after_min=180, minutes=15))
    assert short.power_w >= long.power_w
    assert short.power_w > late.power_w


def test_nothing_is_offered_by_an_empty_station_or_beyond_a_day():
    (empty,) = offered(replace(ask(), since=START + timedelta(seconds=EMPTY)), seconds=EMPTY)
    assert (empty.power_w, empty.best_w) == (0.0, 0.0)
    assert empty.ground in {Ground.NOTHING, Ground.NOBODY}
    past, far = offered(ask(after_min=-60), ask(after_min=24 * 60))
    assert past.ground == far.ground == Ground.NO_WINDOW


def test_what_is_ordered_already_is_not_offered_again():
    running = OrderGrid(id="o", start=START, end=START + timedelta(hours=2), power_w=-10_000.0)
    (free,) = offered(ask())
    (rest,) = offered(ask(), at={398: lambda stage: stage.station.crew.demand.add(running)})
    assert rest.power_w == pytest.approx(free.power_w - 10_000.0, abs=2.0)


def test_asking_orders_nothing():
    def nothing(stage) -> None:
        assert stage.station.crew.demand.orders == {}

    offered(ask(), look=nothing)


def test_the_terms_choose_the_best_promise_and_bound_what_is_at_risk():
    bold, careful, bounded = offered(ask(penalty=0.0), ask(penalty=1_000.0), ask(penalty=0.0, most_at_risk=0.0))
    assert bold.best_w >= bold.power_w >= careful.best_w
    assert bounded.best_at_risk == 0.0
    assert bold.best_at_risk >= bold.at_risk


def test_the_window_s_steps_are_those_that_it_touches():
    starts, step_s = steps_from(START)
    first, last = touched(starts, step_s, START + timedelta(minutes=22), START + timedelta(minutes=41))
    assert starts[first] <= START + timedelta(minutes=22) < starts[first + 1]
    assert starts[last - 1] < START + timedelta(minutes=41) <= starts[last]
    assert touched(starts, step_s, START - timedelta(hours=1), START + timedelta(seconds=1))[0] == 0
    assert touched(starts, step_s, START, START + timedelta(days=1)) == (0, len(starts))
    assert touched(starts, step_s, START, START + timedelta(days=1, seconds=1)) == (0, 0)


@pytest.mark.parametrize(("after_s", "minutes"), [(900, 10), (900, 30)])
def test_what_was_offered_is_delivered_when_it_is_ordered(after_s, minutes):
    shares: list[float] = []

    async def story(clock):
        here = replace(small(300_000.0), id="test")
        stage = Stage(clock, here, conditions=SELLERS)
        stage.station = stage.actor(here)
        async with stage.store, stage.bus:
            lines = asyncio.create_task(stage._live())
            await asyncio.sleep(after_s)
            since = clock.now() + timedelta(seconds=60)
            until = since + timedelta(minutes=minutes)
            asked = AskOffer(since=since, until=until, pay=4.0, penalty=0.0)
            told = await stage.bus.request("station.test.offer", asked, 60.0)
            order = OrderGrid(id="o", start=since, end=until, power_w=-told.power_w)
            assert (await stage.bus.request("station.test.order", order)).done
            await asyncio.sleep(60 + minutes * 60 + 5)
            given = -stage.station.crew.demand.delivered_wh["o"]
            shares.append(given / (told.power_w * minutes / 60.0))
            lines.cancel()
            await asyncio.gather(lines, return_exceptions=True)

    world.run(story, START)
    assert shares[0] == pytest.approx(1.0, abs=0.05)


def guests(sessions, before=40):
    """Whom a station that has had these sessions expects."""
    known = learned([minute(NOW - timedelta(hours=at), 10_000.0) for at in (72, 48, 24, 1)], sessions)
    starts, step_s = steps_from(NOW)
    question = Question(problem=flat(step_s), starts=starts)
    return list(Guests(known, question, ZoneInfo("Asia/Shanghai"), 0.3).until(before))


def flat(step_s):
    nothing = np.zeros(len(step_s))
    return Problem(
        step_s=step_s, price_buy=nothing, price_sell=nothing, import_limit_w=nothing, export_limit_w=nothing,
        load_w=nothing, pv_w=nothing,
    )  # fmt: skip


def seller(number: int, day: int) -> Session:
    """It came with 70 kWh, wanted to leave with 30, and gave 30."""
    told = stay(number, NOW - timedelta(days=day) + timedelta(minutes=number), 1.0, 0.0)
    wants = replace(
        told.needs, capacity_wh=80e3, target_soc=0.375, floor_soc=0.3, charge_w=50e3, discharge_w=40e3, v2g=True
    )
    return replace(told, imported_wh=0.0, exported_wh=30e3 * ETA, soc=0.5, needs=wants)


def test_guests_come_as_others_came_at_such_an_hour():
    near = guests([seller(number, 1 + number % 2) for number in range(8)], before=6)
    assert near
    for one in near[0].cars:
        assert (one.energy_wh, one.need_wh, one.min_wh) == pytest.approx((70e3, 30e3, 24e3))
        assert (one.charge_w, one.discharge_w) == (50e3, 40e3)
        assert one.depart > one.arrive
    assert 0.0 < sum(guest.chance for guest in near) < len(near)
    later = [guest for guest in guests([seller(number, 1) for number in range(8)]) if guest.cars[0].arrive > 30]
    assert later
    assert {one.discharge_w for guest in later for one in guest.cars} == {0.0}  # nobody came at such an hour


def test_where_nobody_has_come_before_guests_take_and_do_not_give():
    unknown = guests([])
    assert unknown
    assert {one.discharge_w for guest in unknown for one in guest.cars} == {0.0}
    assert all(one.need_wh > one.energy_wh == 0.0 for guest in unknown for one in guest.cars)


def test_the_sun_and_the_building_are_sure_now_and_unsure_later():
    days = [minute(NOW - timedelta(hours=at), 10_000.0 + 5_000.0 * (at % 3), 20_000.0) for at in range(1, 200)]
    known, (starts, step_s) = learned(days), steps_from(NOW)
    for spread in (known.load_spread(starts, step_s, 12_000.0), known.sun_spread(starts, step_s, 30_000.0)):
        width = spread.at(0.9) - spread.at(0.1)
        assert width[0] < 0.2 * width.max()
        assert width.max() > 1_000.0
    middle = known.load(starts, step_s, 12_000.0)
    assert known.load_spread(starts, step_s, 12_000.0).at(0.5) == pytest.approx(middle)


def test_a_live_station_reckons_beside_its_event_loop():
    where: list[int] = []
    asyncio.run(aside.apart(lambda: where.append(threading.get_ident())))
    asyncio.run(aside.at_once(lambda: where.append(threading.get_ident())))
    assert where[0] != threading.get_ident() == where[1]
