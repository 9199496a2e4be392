"""A stand-in station for tests: accepts everybody, gives each outlet the same setpoint, and remembers what it heard.

It speaks through the same sans-I/O connection as the real one; there is no control in it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from voltide.domain.messages import (
    Accepted,
    ApplyFallback,
    ApplySetpoint,
    AuthorisationAsked,
    Boot,
    Booted,
    ChargerAnswer,
    ChargerFact,
    ChargerOrder,
    HeartBeaten,
    Json,
    Moment,
    Noted,
    OrderResult,
    Refused,
    SetpointGiven,
    SetpointPulled,
    Time,
    TokenVerdict,
    TransactionNoted,
    TransactionTold,
    Unknown,
    Welcome,
)
from voltide.domain.site import Charger, OcppVersion, Station
from voltide.domain.time import Clock
from voltide.ocpp.connection import Connection
from voltide.ocpp.dialect import dialect
from voltide.ocpp.events import Answered, Called, Failed, Streamed, Turned, Unanswered
from voltide.ocpp.faults import ErrorCode
from voltide.ocpp.profiles import is_dynamic
from voltide.ocpp.wire import plain, request, response
from voltide.twin.wire import MemoryWire, Wire, pair


@dataclass
class Guest:
    """One charger at the depot."""

    charger: Charger
    version: OcppVersion
    wire: MemoryWire
    line: Connection
    running: dict[int, str] = field(default_factory=dict)
    dynamic: set[int] = field(default_factory=set)
    replies: dict[str, tuple[Any, asyncio.Future[Any]]] = field(default_factory=dict)
    number: int = 0


class Depot:
    """``wish`` says the power for an outlet of a charger; None leaves it to its fallback."""

    def __init__(self, station: Station, versions: Callable[[str], OcppVersion], clock: Clock) -> None:
        self.station, self.clock = station, clock
        self.versions = versions
        self.guests: dict[str, Guest] = {}
        self.facts: list[tuple[str, ChargerFact]] = []
        self.heard: list[tuple[str, Json]] = []
        """Every request as it stands on the wire, what is only sent too."""
        self.answers: dict[str, Json] = {}
        """What to answer to an action instead of the usual."""
        self.refusing: set[str] = set()
        """Actions that are answered by an error."""
        self.turned: list[tuple[str, str]] = []
        self.bad: list[Any] = []
        self.wish: Callable[[Guest, int], float | None] = lambda _guest, _evse: None
        self.fallback: Callable[[Guest, int], float] | None = None
        self.verdict = Boot.ACCEPTED
        self.valid = True
        self.lease_s = 10.0
        self.keep_facts = True
        self.validate = True
        self._transactions = 100
        self._tasks: set[asyncio.Task[None]] = set()
        self.latency_s = 0.0

    async def connect(self, identity: str, subprotocol: str) -> Wire:
        here, there = pair(subprotocol, self.latency_s)
        version = self.versions(identity)
        assert subprotocol == version.subprotocol
        charger = self.station.charger_of[identity]  # type: ignore[index]
        guest = Guest(charger, version, there, Connection(version, charger=False, validate=self.validate))
        old = self.guests.get(identity)
        if old is not None:
            guest.running = old.running
        self.guests[identity] = guest
        task = asyncio.ensure_future(self._serve(guest))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return here

    async def _serve(self, guest: Guest) -> None:
        try:
            while True:
                await self._hear(guest, await guest.wire.receive())
        except ConnectionError:
            return

    async def _hear(self, guest: Guest, text: str) -> None:
        for event in guest.line.receive(text, self.clock.monotonic()):
            match event:
                case Called():
                    self._called(guest, event)
                case Answered():
                    self._replied(guest, event)
                case Streamed():
                    self.heard.append((event.action, plain(event.request)))
                case Failed() | Unanswered():
                    asked, future = guest.replies.pop(event.id)
                    raw = asked is None and isinstance(event, Failed)
                    if not future.done():
                        future.set_result({"error": event.code.value} if raw else Unknown(reason=str(event)))
                case Turned():
                    self.bad.append(event)
                case _:
                    self.turned.append((guest.charger.id, str(event)))
        await self.flush(guest)

    def _called(self, guest: Guest, event: Called) -> None:
        words, now = dialect(guest.version, guest.charger), self.clock.now()
        if event.deviations:
            self.bad.append(event)
        fact = words.hear(event.action, event.request, now)
        if self.keep_facts:
            self.facts.append((guest.charger.id, fact))
            self.heard.append((event.action, plain(event.request)))
        if event.action in self.refusing:
            guest.line.refuse(event.id, ErrorCode.INTERNAL_ERROR)
        elif event.action in self.answers:
            guest.line.answer(event.id, response(guest.version, event.action, self.answers[event.action]))
        else:
            answer = self._answer(guest, fact)
            guest.line.answer(event.id, words.reply(event.action, event.request, answer, now))
        if isinstance(fact, Booted) and self.fallback is not None and self.verdict is Boot.ACCEPTED:
            for evse in guest.charger.evses:
                power = self.fallback(guest, evse.number)
                self.post(guest, ApplyFallback(evse=evse.number, power_w=power, now=now))

    def _replied(self, guest: Guest, event: Answered) -> None:
        asked, future = guest.replies.pop(event.id)
        words = dialect(guest.version, guest.charger)
        if not future.done():
            raw = asked is None
            future.set_result(plain(event.response) if raw else words.outcome(event.action, event.response))

    def _answer(self, guest: Guest, fact: ChargerFact) -> ChargerAnswer:
        now = self.clock.now()
        match fact:
            case Booted():
                return Welcome(verdict=self.verdict, now=now, interval_s=60)
            case HeartBeaten():
                return Time(now=now)
            case AuthorisationAsked():
                return TokenVerdict(valid=self.valid)
            case SetpointPulled():
                return SetpointGiven(power_w=self.wish(guest, fact.profile_id - 1000))
            case TransactionTold():
                identity = self._transaction(guest, fact)
                token = TokenVerdict(valid=self.valid) if fact.asks_token else None
                return TransactionNoted(transaction_id=identity, token=token)
            case _:
                return Noted()

    def _transaction(self, guest: Guest, fact: TransactionTold) -> str:
        identity = fact.transaction_id
        if identity is None:
            self._transactions += 1
            identity = str(self._transactions)
        if fact.evse is not None and fact.moment is not Moment.ENDED:
            if guest.running.get(fact.evse) != identity:
                guest.dynamic.discard(fact.evse)
            guest.running[fact.evse] = identity
        if fact.moment is Moment.ENDED:
            guest.running = {evse: one for evse, one in guest.running.items() if one != identity}
        return identity

    def post(self, guest: Guest, order: ChargerOrder) -> "asyncio.Future[OrderResult]":
        future: asyncio.Future[OrderResult] = asyncio.get_running_loop().create_future()
        said = dialect(guest.version, guest.charger).order(order)
        if isinstance(said, Refused):
            future.set_result(said)
            return future
        for wire in said:
            guest.number += 1
            who = f"d{guest.number}"
            guest.replies[who] = (order, future)
            guest.line.call(wire.action, wire.request, who=who, now=self.clock.monotonic())
        return future

    async def order(self, identity: str, order: ChargerOrder) -> OrderResult:
        guest = self.guests[identity]
        future = self.post(guest, order)
        await self.flush(guest)
        async with asyncio.timeout(120):
            return await future

    async def call(self, identity: str, action: str, body: Json) -> Json:
        """Call by the wire's own words; gives the answer's body, or ``{"error": code}``."""
        guest = self.guests[identity]
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        guest.number += 1
        who = f"d{guest.number}"
        guest.replies[who] = (None, future)
        wire = request(guest.version, action, body)
        guest.line.call(wire.action, wire.request, who=who, now=self.clock.monotonic())
        await self.flush(guest)
        async with asyncio.timeout(120):
            told: Json = await future
            return told

    async def flush(self, guest: Guest) -> None:
        for text in guest.line.to_send():
            if not guest.wire.closed:
                await guest.wire.send(text)

    async def control(self, every_s: float = 5.0) -> None:
        """Give every running transaction its setpoint, again and again."""
        while True:
            for guest in self.guests.values():
                if guest.wire.closed or guest.replies:
                    continue
                for evse in sorted(guest.running):
                    power = self.wish(guest, evse)
                    if power is not None:
                        self._set(guest, evse, power)
                await self.flush(guest)
            await asyncio.sleep(every_s)

    def _set(self, guest: Guest, evse: int, power: float) -> None:
        outlet = guest.charger.evses[evse - 1]
        fresh = evse not in guest.dynamic
        order = ApplySetpoint(
            evse=evse,
            transaction_id=guest.running[evse],
            power_w=power,
            lease_s=self.lease_s,
            now=self.clock.now(),
            ceiling_w=outlet.charge_w,
            floor_w=-outlet.discharge_w,
            fresh=fresh,
        )
        future = self.post(guest, order)

        def noted(done: "asyncio.Future[OrderResult]") -> None:
            if isinstance(done.result(), Accepted) and is_dynamic(guest.version, guest.charger):
                guest.dynamic.add(evse)
            else:
                guest.dynamic.discard(evse)

        future.add_done_callback(noted)
