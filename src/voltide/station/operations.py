"""Calls to chargers as their specification writes them: checked, guarded, said, and answered.

Everything that a station's own software may call can be called by hand too, save what would loosen a limit; see
``guard``. A block that keeps a record of what it gave to a charger has a say in the calls that change it.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import msgspec

from voltide.backbone import registry
from voltide.backbone.store import Store
from voltide.domain.messages import (
    Accepted,
    Ask,
    CallCharger,
    CallResult,
    ChargerOrder,
    Json,
    OrderResult,
    Outcome,
    Refused,
    Unknown,
)
from voltide.domain.site import ChargerId
from voltide.domain.units import Seconds
from voltide.ocpp.actions import may_call
from voltide.ocpp.messages import Message, actions
from voltide.ocpp.wire import plain, present
from voltide.station.guard import Circumstances, refusal
from voltide.station.line import Line
from voltide.station.loop import Crew

TURN_S: Seconds = 5.0
"""So long a call waits for its turn on the line."""
CALL_S: Seconds = 22.0
"""So long it takes at most until its outcome is known, or known to be unknown."""

Word: TypeAlias = Any
"""A word of ``domain.requests``; each hand knows its own."""


class Hand(Protocol):
    """A block's say in the calls that change what it keeps."""

    @property
    def orders(self) -> tuple[type | str, ...]:
        """The orders that it watches over, or the actions of those that have no word."""
        ...

    def refuses(self, charger: ChargerId, order: Word) -> str | None:
        """Why it must not be said now; None: let it be said. Then ``done`` will follow."""
        ...

    async def done(self, charger: ChargerId, order: Word, result: OrderResult) -> None:
        """What came of it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTerms:
    """What the station's file says of calls by hand."""

    log_places: tuple[str, ...] = ()


class Operations:
    """Says what people want said."""

    def __init__(self, crew: Crew, store: Store, terms: CallTerms) -> None:
        self._crew = crew
        self._store = store
        self._terms = terms
        self._hands: dict[type | str, Hand] = {}
        self.tariff: Json | None = None
        """The station's own, as a 2.1 charger is given it."""

    def add(self, hand: Hand) -> None:
        """One more block that has a say."""
        self._hands |= dict.fromkeys(hand.orders, hand)

    async def call(self, call: CallCharger) -> CallResult:
        """Make a call; never raises for what a person or a charger says."""
        if call.charger not in self._crew.station.charger_of:
            return CallResult(outcome=Outcome.NO_CHARGER, reason=f"There is no charger {call.charger}.")
        line = self._crew.chargers.lines.get(call.charger)
        if line is None:
            return _no(f"{call.charger} is not on the line; nothing was said to it.")
        request = _request(line, call)
        if isinstance(request, CallResult):
            return request
        why = refusal(call.action, plain(request), await self._around(call))
        return await self._say(line, call.action, request) if why is None else _no(why)

    async def _around(self, call: CallCharger) -> Circumstances:
        row = await self._store.read(lambda engine: registry.one(engine, call.charger))
        profile = 0 if row is None else row["profile"]
        return Circumstances(profile=profile, places=self._terms.log_places, tariff=self.tariff)

    async def _say(self, line: Line, action: str, request: Message) -> CallResult:
        """Say it, and tell the block whose matter it is what came of it."""
        charger, said = line.charger.id, Ask(action=action, payload=plain(request))
        word = line.dialect.obey(action, request, self._crew.clock.now())
        hand = self._hands.get(type(word)) or self._hands.get(action)
        why = hand.refuses(charger, word) if hand is not None else None
        if why is not None:
            return _no(why)
        result = await self._order(charger, said)
        if hand is not None:
            await hand.done(charger, word, result)
        return result_of(result)

    async def _order(self, charger: ChargerId, order: ChargerOrder) -> OrderResult:
        try:
            async with asyncio.timeout(CALL_S):
                return await self._crew.chargers.order(charger, order, wait_s=TURN_S)
        except TimeoutError:
            return Unknown(reason="no answer in time")


def _request(line: Line, call: CallCharger) -> Message | CallResult:
    """The call as a message of the charger's version, or what is wrong with it."""
    kinds = actions(line.version)
    if call.action not in kinds or not may_call(call.action, charger=False):
        return _no(f"OCPP {line.version.value}, which {call.charger} speaks, has no call {call.action}.")
    try:
        made: Message = msgspec.convert(present(call.payload), kinds[call.action][0])
    except (msgspec.ValidationError, RecursionError) as flaw:
        return CallResult(outcome=Outcome.INVALID, reason=str(flaw))
    return made


def _no(reason: str) -> CallResult:
    return CallResult(outcome=Outcome.REFUSED, reason=reason)


def result_of(result: OrderResult) -> CallResult:
    """An order's result as a call's: an error of the charger's is its code and its sentence."""
    match result:
        case Accepted():
            return CallResult(outcome=Outcome.ACCEPTED, answer=result.detail)
        case Refused():
            error = result.detail.get("description") if set(result.detail) == {"description"} else None
            reason = result.reason if error is None else f"{result.reason}: {error}".rstrip(": ")
            return CallResult(outcome=Outcome.REFUSED, reason=reason, answer={} if error is not None else result.detail)
        case _:
            return CallResult(outcome=Outcome.UNKNOWN, reason=result.reason)
