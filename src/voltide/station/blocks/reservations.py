"""Reservations (block H): an outlet is held for a token until a time, by its charger, and once only.

The charger enforces it; the station remembers what it has granted, so that no outlet is promised twice.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from voltide.domain.messages import (
    Accepted,
    CancelReservation,
    ChargerFact,
    ChargerOrder,
    Moment,
    OrderResult,
    Refused,
    Reply,
    ReserveOutlet,
    TransactionTold,
    Unknown,
)
from voltide.domain.reports import ReservationTold
from voltide.domain.requests import EndReservation, Reserve
from voltide.domain.site import ChargerId, Evse, EvseId, Station
from voltide.domain.time import Clock
from voltide.domain.token import Token
from voltide.station.blocks.block import Heard, Kept
from voltide.station.blocks.ground import Quiet
from voltide.station.diary import Diary
from voltide.station.sessions import Turn

LONGEST = timedelta(hours=24)
STANDING = "Standing"

Call: TypeAlias = Callable[[ChargerId, ChargerOrder], Awaitable[OrderResult]]
Keep: TypeAlias = Callable[[ChargerId, Kept], Awaitable[None]]
Taken: TypeAlias = Callable[[EvseId], bool]
"""Whether a car stands at an outlet."""
Spawn: TypeAlias = Callable[[Awaitable[None]], None]
Found: TypeAlias = Callable[[], Awaitable[list[tuple[ChargerId, str, "Reservation"]]]]
"""What an earlier process has kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """One promise of an outlet."""

    id: int
    charger: ChargerId
    evse: EvseId
    token: Token
    until: datetime
    group: str | None = None
    status: str = STANDING
    """Standing, or how it ended: Used, Cancelled, Expired, Removed, NoTransaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ties:
    """What the book needs of the station."""

    call: Call
    keep: Keep
    taken: Taken
    spawn: Spawn
    found: Found


class Reservations(Quiet):
    """The book of reservations."""

    def __init__(self, station: Callable[[], Station], clock: Clock, ties: Ties, diary: Diary) -> None:
        self._station = station
        self._clock = clock
        self._ties = ties
        self._diary = diary
        self._book: dict[int, Reservation] = {}
        self._asking: set[EvseId] = set()
        self._last = 0

    @property
    def hears(self) -> tuple[type, ...]:
        """That one has ended without its car."""
        return (ReservationTold,)

    @property
    def orders(self) -> tuple[type, ...]:
        """Reservations that are made and ended by hand."""
        return (Reserve, EndReservation)

    async def load(self) -> None:
        """Take up what an earlier process has promised."""
        for _, _, one in await self._ties.found():
            self._last = max(self._last, one.id)
            if one.status == STANDING:
                self._book[one.id] = one

    def at(self, evse: EvseId) -> Reservation | None:
        """The reservation that holds an outlet now."""
        self._forget_the_late()
        return next((one for one in self._book.values() if one.evse == evse), None)

    # --- what people ask ---

    async def reserve(self, order: ReserveOutlet) -> Reply:
        """Hold an outlet; nothing is promised before the charger has."""
        evse = self._station().evse_of.get(order.evse)
        if evse is None:
            return Reply(done=False, code="unknown-outlet", detail=order.evse)
        now = self._clock.now()
        if not now < order.until <= now + LONGEST:
            return Reply(done=False, code="bad-times", detail="a reservation ends within a day from now")
        if self._held(evse.id):
            return Reply(done=False, code="reserved", detail=evse.id)
        if self._ties.taken(evse.id):
            return Reply(done=False, code="car-there", detail=evse.id)
        self._asking.add(evse.id)
        try:
            return await self._ask(evse, order)
        finally:
            self._asking.discard(evse.id)

    async def _ask(self, evse: Evse, order: ReserveOutlet) -> Reply:
        self._last += 1
        one = Reservation(
            id=self._last,
            charger=evse.charger,
            evse=evse.id,
            token=order.token,
            until=order.until,
            group=order.group,
        )
        request = Reserve(id=one.id, evse=evse.number, token=one.token, until=one.until, group=one.group)
        result = await self._ties.call(evse.charger, request)
        if isinstance(result, Refused):
            return Reply(done=False, code="refused", detail=result.reason)
        await self._begin(one)
        if not isinstance(result, Accepted):
            return Reply(done=False, code="unknown", detail=result.reason)
        return Reply(done=True, code="accepted", detail=str(one.id))

    async def _begin(self, one: Reservation) -> None:
        """Also where no answer came: the charger may hold it, so nobody else is promised it."""
        self._last = max(self._last, one.id)
        self._book[one.id] = one
        self._diary.note("reserved", one.evse, f"{one.until:%H:%M}")
        await self._write(one)

    # --- what is called by hand ---

    def refuses(self, charger: ChargerId, order: Reserve | EndReservation) -> str | None:
        """An outlet that is promised already, a number that is in use, or a time that is none."""
        self._forget_the_late()
        known = self._book.get(order.id)
        if known is not None and (known.charger != charger or isinstance(order, Reserve)):
            return f"Reservation {order.id} stands already, for {known.evse}: end it first, or use another number."
        if isinstance(order, EndReservation):
            return None
        now = self._clock.now()
        if not now < order.until <= now + LONGEST:
            return "A reservation ends within a day from now."
        evse = self._evse(charger, order)
        if self._held(evse) or self._ties.taken(evse):
            return f"{evse} is reserved or taken already."
        self._asking.add(evse)
        return None

    async def done(self, charger: ChargerId, order: Reserve | EndReservation, result: OrderResult) -> None:
        """It stands, or it is over."""
        if isinstance(order, EndReservation):
            known = self._book.get(order.id)
            if known is not None and not isinstance(result, Unknown):
                await self._end(known, "Cancelled")
            return
        evse = self._evse(charger, order)
        self._asking.discard(evse)
        if not isinstance(result, Refused):
            one = Reservation(
                id=order.id, charger=charger, evse=evse, token=order.token, until=order.until, group=order.group
            )
            await self._begin(one)

    def _evse(self, charger: ChargerId, order: Reserve) -> EvseId:
        """The outlet; a charger that may choose one is reserved under its own name."""
        evse = self._station().evse_at.get((charger, order.evse))
        return EvseId(charger) if evse is None else evse.id

    def _held(self, evse: EvseId) -> bool:
        return self.at(evse) is not None or evse in self._asking

    async def cancel(self, order: CancelReservation) -> Reply:
        """Hold it no longer; while it is not known that the charger has let go, it stands."""
        self._forget_the_late()
        one = self._book.get(order.id)
        if one is None:
            return Reply(done=False, code="unknown-order", detail=str(order.id))
        result = await self._ties.call(one.charger, EndReservation(id=one.id))
        if isinstance(result, Accepted | Refused):  # who refuses does not have it
            await self._end(one, "Cancelled")
            return Reply(done=True, code="accepted")
        return Reply(done=False, code="unknown", detail=result.reason)

    # --- what chargers tell ---

    def heard(self, charger: ChargerId, fact: ChargerFact, turn: Turn) -> None:
        """A transaction that begins uses up what was reserved for it."""
        if not isinstance(fact, TransactionTold) or fact.moment is not Moment.STARTED or not self._book:
            return
        for session in turn.sessions:
            if session.open and session.charger == charger:
                self._ties.spawn(self.began(session.evse, fact.token))
        known = None if fact.reservation_id is None else self._book.get(fact.reservation_id)
        if known is not None and known.charger == charger:
            self._ties.spawn(self._end(known, "Used"))

    async def began(self, evse: EvseId, token: Token | None) -> None:
        """A car has come to an outlet: the reservation has served, whoever's the car is, for its charger let it in."""
        one = self.at(evse)
        if one is not None and token is not None:
            await self._end(one, "Used")

    async def hear(self, charger: ChargerId, fact: ReservationTold, now: datetime) -> Heard:
        """Its end is kept; another charger's reservation is none of its business."""
        del now
        one = self._book.get(fact.id)
        if one is None or one.charger != charger:
            return Heard()
        ended = replace(one, status=fact.status)
        return Heard(written=(Kept(kind="reservation", key=str(one.id), what=ended),))

    def told(self, charger: ChargerId, fact: ReservationTold) -> None:
        """It is over."""
        one = self._book.get(fact.id)
        if one is not None and one.charger == charger:
            del self._book[one.id]
            self._diary.note("reservation-ended", one.evse, fact.status)

    # --- the book ---

    async def _end(self, one: Reservation, status: str) -> None:
        if self._book.pop(one.id, None) is None:
            return
        self._diary.note("reservation-ended", one.evse, status)
        await self._write(replace(one, status=status))

    async def _write(self, one: Reservation) -> None:
        await self._ties.keep(one.charger, Kept(kind="reservation", key=str(one.id), what=one))

    def _forget_the_late(self) -> None:
        """The charger ends it by its own clock, too."""
        now = self._clock.now()
        for one in [one for one in self._book.values() if one.until <= now]:
            del self._book[one.id]
