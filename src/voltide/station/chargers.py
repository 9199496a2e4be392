"""The charger door: who is on the line, what they say, and what is written before they get their answer.

A message is stored, committed, and only then answered. A charger that returns over a half-open line is on its new
line at once; when the old one closes late, that changes nothing, for lines are removed by identity and not by name.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeAlias

import structlog

from voltide.backbone.store import Change, Store
from voltide.domain.messages import (
    AuthorisationAsked,
    Boot,
    Booted,
    ChargerAnswer,
    ChargerFact,
    ChargerOrder,
    HeartBeaten,
    Metered,
    Moment,
    NeedsTold,
    Noted,
    OrderResult,
    OutletReported,
    SetpointGiven,
    SetpointPulled,
    Time,
    Token,
    TokenVerdict,
    TransactionNoted,
    TransactionTold,
    Unknown,
    Welcome,
)
from voltide.domain.session import Session
from voltide.domain.site import ChargerId, OcppVersion, Station
from voltide.domain.time import Clock
from voltide.ocpp.connection import Connection
from voltide.ocpp.events import Called, Streamed
from voltide.ocpp.faults import ErrorCode
from voltide.ocpp.profiles import evse_of
from voltide.station import records
from voltide.station.blocks.block import Blocks, Heard
from voltide.station.line import Line, Wire
from voltide.station.onboarding import heartbeat_of
from voltide.station.sessions import Sessions, Turn

log = structlog.get_logger()

Watcher: TypeAlias = Callable[[ChargerId, ChargerFact, Turn], None]
"""Hears every fact once it is on the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How the station receives chargers and drivers."""

    heartbeat_s: int = 300
    tokens: tuple[str, ...] = ("*",)
    """Patterns of the tokens that may charge."""
    newcomers: bool = False
    """Unknown chargers may always come in and wait to be accepted."""


class Chargers:
    """Every charger of the station, on the line or not."""

    def __init__(
        self,
        station: Station,
        store: Store,
        sessions: Sessions,
        clock: Clock,
        new_id: Callable[[], str],
        manners: Manners,
    ) -> None:
        self._station = station
        self._store = store
        self._sessions = sessions
        self._clock = clock
        self._new_id = new_id
        self._manners = manners
        self.lines: dict[ChargerId, Line] = {}
        self._turns = {charger.id: asyncio.Lock() for charger in station.chargers}
        """One message of a charger at a time, even when it has an old and a new line for a moment."""
        self.messages = dict.fromkeys(OcppVersion, 0)
        self.on_fact: list[Watcher] = []
        self.on_line: list[Callable[[ChargerId, Line | None], None]] = []
        self.blocks = Blocks()
        self.spawn: Callable[[Awaitable[None]], None] = _nobody
        """Runs what is to follow an answer; the station says where."""
        self.judge: Callable[[Token, tuple[ChargerId, str] | None], TokenVerdict] = self._by_pattern
        """What a token may do; a transaction's own is asked with its charger and its id."""
        self.cost: Callable[[OcppVersion, Session, Moment], str | None] = lambda _version, _session, _moment: None
        """What a stay comes to, for a display; the tariffs say."""
        self.pulled: Callable[[ChargerId, int], float | None] = lambda _charger, _evse: None
        """What a dynamic profile's setpoint is now; the control loop says."""

    def extend(self, station: Station) -> None:
        """The station has grown."""
        self._station = station
        for charger in station.chargers:
            self._turns.setdefault(charger.id, asyncio.Lock())

    async def accept(self, identity: ChargerId, version: OcppVersion, wire: Wire) -> None:
        """Serve a charger that has proved who it is, until its line is lost."""
        charger = self._station.charger_of[identity]
        line = Line(charger, version, wire, self._clock, self._new_id)
        async with self._turns[identity]:  # what an older line is still writing is remembered too
            await self._remember(identity, line.connection)
        old = self.take(line)
        try:
            async with asyncio.TaskGroup() as tasks:
                if old is not None:  # it may be half-open and never answer; nobody waits for it
                    tasks.create_task(close_quietly(old))
                await line.run(self.heard)
        finally:
            self.lose(line)

    def take(self, line: Line) -> Line | None:
        """From now on the charger is on this line; gives the one that it was on."""
        identity = line.charger.id
        old = self.lines.get(identity)
        self.lines[identity] = line
        for tell in self.on_line:
            tell(identity, line)
        log.info("charger.online", charger=identity, version=line.version.value, replaces=old is not None)
        return old

    def lose(self, line: Line) -> None:
        """A line has ended; where the charger is on a newer one, that changes nothing."""
        identity = line.charger.id
        if self.lines.get(identity) is line:
            del self.lines[identity]
            for tell in self.on_line:
                tell(identity, None)
            log.info("charger.offline", charger=identity)

    async def order(self, charger: ChargerId, order: ChargerOrder, wait_s: float | None = None) -> OrderResult:
        """Order a charger. No order waits for a charger that is not there."""
        line = self.lines.get(charger)
        return Unknown(reason="not on the line") if line is None else await line.order(order, wait_s)

    async def keep_time(self) -> None:
        """Once a second: give up what is overdue on every line."""
        for line in list(self.lines.values()):
            if line.connection.waiting and line.overdue():
                try:
                    await line.flush()
                except ConnectionError:
                    continue  # its own task hears the same and ends it

    async def _remember(self, identity: ChargerId, connection: Connection) -> None:
        for message_id, digest, answer in await self._store.read(
            lambda engine: records.recent_answers(engine, identity)
        ):
            connection.remember(message_id, digest, answer)

    async def heard(self, line: Line, heard: Called | Streamed) -> None:
        """One message: understand, write, commit, take it for true, and then answer.

        The answer comes last: where the line is lost before it, the charger gets it again when it repeats the message,
        and nothing is done a second time.
        """
        async with self._turns[line.charger.id]:
            try:
                made = await self._take(line, heard)
            except ConnectionError:
                raise
            except Exception:
                log.exception("message.stumbled", charger=line.charger.id, action=heard.action)
                made = None
                await self._keep_anyway(line, heard)
        if isinstance(heard, Called):
            line.connection.release(heard.id)
            await line.flush()
        if made is not None and made.then is not None:
            self.spawn(made.then())

    async def _take(self, line: Line, heard: Called | Streamed) -> Heard | None:
        now = self._clock.now()
        self.messages[line.version] += 1
        fact = line.dialect.hear(heard.action, heard.request, now)
        await self._recall(line.charger.id, fact)
        made = await self.blocks.hear(line.charger.id, fact, now)
        turn = self._turn(line.charger.id, fact)
        change = Change()
        self._record(change, turn)
        for row in made.written if made is not None else ():
            row.write(change, line.charger.id, now)
        if isinstance(heard, Called):
            said = self._answer(line, fact, turn) if made is None else made.answer
            response = line.dialect.reply(heard.action, heard.request, said, now)
            answer = line.connection.answer(heard.id, response, hold=True)
            records.message(change, line.charger.id, heard, answer, now)
        await self._write(line, heard, change)
        self._sessions.keep(turn)
        for tell in (self._tell_block, *self.on_fact):
            try:
                tell(line.charger.id, fact, turn)
            except Exception:  # it is on the disk, and stays true for all others
                log.exception("fact.stumbled", charger=line.charger.id, fact=type(fact).__name__)
        return made

    def _tell_block(self, charger: ChargerId, fact: ChargerFact, _turn: Turn) -> None:
        self.blocks.told(charger, fact)

    async def _keep_anyway(self, line: Line, heard: Called | Streamed) -> None:
        """A message over which we stumble is our fault: it is kept as it came, and the charger's line lives on."""
        change = Change()
        if isinstance(heard, Called):
            answer = line.connection.refuse(heard.id, ErrorCode.INTERNAL_ERROR, "Kept, and not understood.", hold=True)
            records.message(change, line.charger.id, heard, answer, self._clock.now())
        await self._write(line, heard, change)

    async def _recall(self, charger: ChargerId, fact: ChargerFact) -> None:
        """A transaction that this process does not know may be one of an earlier process: then it is no new one."""
        if not isinstance(fact, TransactionTold | Metered) or fact.transaction_id is None:
            return
        if self._sessions.known(charger, fact.transaction_id) is None:
            name = fact.transaction_id
            found = await self._store.read(lambda engine: records.by_key(engine, charger, name))
            if found is not None:
                self._sessions.load([found])

    async def _write(self, line: Line, heard: Called | Streamed, change: Change) -> None:
        try:
            await self._store.commit(change)
        except Exception:
            if isinstance(heard, Called):
                line.connection.drop(heard.id)  # unanswered, so the charger keeps it and tells it again
            log.exception("store.failed", charger=line.charger.id, action=heard.action)
            raise ConnectionError("the record could not be written") from None

    async def apply(self, turn: Turn) -> None:
        """Write what changes a session from another side than its charger."""
        change = Change()
        self._record(change, turn)
        await self._store.commit(change)
        self._sessions.keep(turn)

    def _record(self, change: Change, turn: Turn) -> None:
        now = self._clock.now()
        before: dict[str, Session | None] = {}
        for after in turn.sessions:
            old = before.get(after.id, self._sessions.known(after.charger, after.transaction_id))
            records.session(change, old, after)
            if old is None or old.phase is not after.phase:
                key = f"session/{after.id}/{after.phase.value}/{self._new_id()}"
                records.fact(change, self._station.id, records.changed(self._station.id, after, now), key)
            before[after.id] = after
        records.postings(change, turn.postings)

    def _turn(self, charger: ChargerId, fact: ChargerFact) -> Turn:
        now = self._clock.now()
        match fact:
            case TransactionTold():
                return self._sessions.hear(charger, fact, now)
            case Metered():
                return self._sessions.hear_meter(charger, fact)
            case OutletReported():
                return self._sessions.hear_outlet(charger, fact, now)
            case NeedsTold():
                return self._sessions.hear_needs(charger, fact)
            case _:
                return Turn()

    def _answer(self, line: Line, fact: ChargerFact, turn: Turn) -> ChargerAnswer:
        now = self._clock.now()
        match fact:
            case Booted():
                interval_s = heartbeat_of(line.charger.id, self._manners.heartbeat_s)
                return Welcome(verdict=Boot.ACCEPTED, now=now, interval_s=interval_s)
            case HeartBeaten():
                return Time(now=now)
            case AuthorisationAsked():
                return self.judge(fact.token, None)
            case TransactionTold():
                own = (line.charger.id, turn.transaction_id or fact.transaction_id or "")
                verdict = self.judge(fact.token, own) if fact.token is not None else None
                cost = self._cost_of(line, fact, turn)
                return TransactionNoted(transaction_id=turn.transaction_id or "", token=verdict, cost=cost)
            case SetpointPulled():
                evse = evse_of(fact.profile_id)
                return SetpointGiven(power_w=None if evse is None else self.pulled(line.charger.id, evse))
            case _:
                return Noted()

    def _cost_of(self, line: Line, fact: TransactionTold, turn: Turn) -> str | None:
        """What the stay comes to, where its charger can be told."""
        known = self._sessions.known(line.charger.id, turn.transaction_id or "")
        mine = [one for one in turn.sessions if one.transaction_id == turn.transaction_id]
        session = mine[-1] if mine else known
        return None if session is None else self.cost(line.version, session, fact.moment)

    def _by_pattern(self, token: Token, _own: tuple[ChargerId, str] | None) -> TokenVerdict:
        return TokenVerdict(valid=any(fnmatchcase(token.id, pattern) for pattern in self._manners.tokens))


def _nobody(_work: Awaitable[None]) -> None:
    raise RuntimeError("the station is not running")


async def close_quietly(line: Line) -> None:
    """Let a line go that may be half-open."""
    try:
        async with asyncio.timeout(2.0):
            await line.close(1001, "this charger is on a newer line")
    except (ConnectionError, TimeoutError):
        return
