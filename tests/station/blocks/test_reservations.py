"""Reservations: no outlet is promised twice, whatever its charger answers, and whoever asks meanwhile."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tests.station.house import TOML
from voltide.config import load
from voltide.domain.messages import Accepted, CancelReservation, Refused, ReserveOutlet, Unknown
from voltide.domain.reports import ReservationTold
from voltide.domain.requests import EndReservation, Reserve
from voltide.domain.site import ChargerId, EvseId, StationId
from voltide.domain.token import Token
from voltide.station.blocks.reservations import Reservations, Ties
from voltide.station.diary import Diary

NOON = datetime(2026, 3, 28, 12, tzinfo=UTC)
CARD = Token(id="CARD")


class HandClock:
    """A clock that is moved by hand."""

    def __init__(self):
        self.at = NOON

    def now(self):
        return self.at

    def monotonic(self):
        return (self.at - NOON).total_seconds()


class Street:
    """The book, with chargers that hold what they are asked to hold."""

    def __init__(self, tmp_path):
        file = tmp_path / "station.toml"
        file.write_text(TOML, encoding="utf-8")
        self.station = load(file).station
        self.clock = HandClock()
        self.held, self.rows, self.cars = {}, {}, set()
        self.says = Accepted()
        self.gate = asyncio.Event()
        self.gate.set()
        self.diary = Diary(StationId("corner"), self.clock)
        self.book = self.fresh()

    def fresh(self):
        ties = Ties(
            call=self.call, keep=self.keep, taken=self.cars.__contains__, spawn=asyncio.ensure_future, found=self.found
        )
        return Reservations(lambda: self.station, self.clock, ties, self.diary)

    async def found(self):
        return [(one.charger, str(one.id), one) for one in self.rows.values()]

    async def call(self, charger, order):
        await self.gate.wait()
        if isinstance(order, Reserve) and isinstance(self.says, Accepted | Unknown):
            self.held[charger, order.id] = order
        if isinstance(order, EndReservation) and isinstance(self.says, Accepted):
            self.held.pop((charger, order.id), None)
        return self.says

    async def keep(self, charger, kept):
        self.rows[charger, kept.key] = kept.what


def outlet(street, number=0):
    return street.station.evses[number].id


def order(evse, minutes=30):
    return ReserveOutlet(evse=EvseId(evse), token=CARD, until=NOON + timedelta(minutes=minutes))


def test_an_outlet_is_reserved_once_until_its_time_has_come(tmp_path):
    async def story():
        street = Street(tmp_path)
        evse = outlet(street)
        first = await street.book.reserve(order(evse))
        assert first.done
        assert (await street.book.reserve(order(evse))).code == "reserved"
        assert street.book.at(evse).token == CARD
        street.clock.at += timedelta(minutes=30)
        assert street.book.at(evse) is None
        street.clock.at = NOON
        assert (await street.book.reserve(order(evse))).detail != first.detail

    asyncio.run(story())


def test_two_who_ask_at_once_do_not_both_get_it(tmp_path):
    async def story():
        street = Street(tmp_path)
        evse = outlet(street)
        street.gate.clear()
        asked = [asyncio.create_task(street.book.reserve(order(evse))) for _ in range(5)]
        await asyncio.sleep(0)
        street.gate.set()
        replies = await asyncio.gather(*asked)
        assert sorted(reply.done for reply in replies) == [False] * 4 + [True]
        assert len(street.held) == 1

    asyncio.run(story())


@pytest.mark.parametrize(
    ("minutes", "evse", "code"),
    [(0, None, "bad-times"), (-1, None, "bad-times"), (1441, None, "bad-times"), (30, "nowhere", "unknown-outlet")],
)
def test_what_cannot_be_is_refused_with_its_reason(tmp_path, minutes, evse, code):
    street = Street(tmp_path)
    assert asyncio.run(street.book.reserve(order(evse or outlet(street), minutes))).code == code
    assert street.held == {}


def test_no_outlet_is_reserved_under_a_car(tmp_path):
    street = Street(tmp_path)
    street.cars.add(outlet(street))
    assert asyncio.run(street.book.reserve(order(outlet(street)))).code == "car-there"


def test_a_charger_that_refuses_leaves_the_outlet_free(tmp_path):
    async def story():
        street = Street(tmp_path)
        street.says = Refused(reason="Occupied")
        reply = await street.book.reserve(order(outlet(street)))
        assert (reply.done, reply.code, reply.detail) == (False, "refused", "Occupied")
        assert street.book.at(outlet(street)) is None
        assert street.rows == {}

    asyncio.run(story())


def test_without_an_answer_the_outlet_counts_as_held_and_the_person_is_told(tmp_path):
    async def story():
        street = Street(tmp_path)
        street.says = Unknown(reason="no answer in time")
        assert (await street.book.reserve(order(outlet(street)))).code == "unknown"
        street.says = Accepted()
        assert (await street.book.reserve(order(outlet(street)))).code == "reserved"

    asyncio.run(story())


def test_a_reservation_ends_when_it_is_cancelled_used_or_told_to_be_over(tmp_path):
    async def story():
        street = Street(tmp_path)
        evse, charger = outlet(street), street.station.evses[0].charger
        for way in ("Cancelled", "Used", "Expired"):
            reply = await street.book.reserve(order(evse))
            number = int(reply.detail)
            if way == "Cancelled":
                assert (await street.book.cancel(CancelReservation(id=number))).done
            elif way == "Used":
                await street.book.began(evse, CARD)
            else:
                fact = ReservationTold(id=number, status=way)
                heard = await street.book.hear(charger, fact, NOON)
                street.rows[charger, str(number)] = heard.written[0].what
                street.book.told(charger, fact)
            assert street.book.at(evse) is None
            assert street.rows[charger, str(number)].status == way

    asyncio.run(story())


def test_another_charger_cannot_end_a_reservation(tmp_path):
    async def story():
        street = Street(tmp_path)
        number = int((await street.book.reserve(order(outlet(street)))).detail)
        fact = ReservationTold(id=number, status="Removed")
        assert (await street.book.hear(ChargerId("F1"), fact, NOON)).written == ()
        street.book.told(ChargerId("F1"), fact)
        assert street.book.at(outlet(street)) is not None

    asyncio.run(story())


def test_a_restart_remembers_what_was_promised_and_never_gives_a_number_twice(tmp_path):
    async def story():
        street = Street(tmp_path)
        first = await street.book.reserve(order(outlet(street, 0)))
        second = await street.book.reserve(order(outlet(street, 1)))
        await street.book.cancel(CancelReservation(id=int(second.detail)))
        book = street.fresh()
        await book.load()
        assert book.at(outlet(street, 0)) is not None
        assert book.at(outlet(street, 1)) is None
        third = await book.reserve(order(outlet(street, 1)))
        assert int(third.detail) > max(int(first.detail), int(second.detail))

    asyncio.run(story())
