"""The book of stays: every fact about a transaction becomes a session's next state, and the rows that record it.

Nothing here writes or waits. ``hear`` says what is to be written; only when it is on the disk does ``keep`` make it
the present. So a lost write leaves the book as it was, and the charger, unanswered, tells the same again.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from voltide.domain.messages import (
    Metered,
    Moment,
    NeedsTold,
    OutletReported,
    OutletState,
    Sample,
    TransactionTold,
)
from voltide.domain.session import Flag, Phase, Session, SessionId, Step, advance, close_lost, tell, want
from voltide.domain.site import ChargerId, Evse, EvseId, Station
from voltide.domain.units import WattHours
from voltide.ledger.settlement import HELD, Posting, settle
from voltide.ledger.tariff import Tariff

_OLDEST = datetime(2015, 1, 1, tzinfo=UTC)
_MOST_WH, _MOST_W = 1e12, 1e8
"""More than any outlet's meter will ever count, or show."""
_AHEAD = timedelta(hours=26)
"""More than any time zone mistaken for UTC."""


@dataclass(slots=True)
class Turn:
    """What one message changes: sessions in their new state, and money that follows."""

    sessions: list[Session] = field(default_factory=list)
    postings: list[Posting] = field(default_factory=list)
    transaction_id: str | None = None
    """The transaction that the message was about, as we know it."""

    def last(self, session: Session) -> Session:
        """A session as this turn has left it."""
        return next((one for one in reversed(self.sessions) if one.id == session.id), session)


class Sessions:
    """All stays that are not settled, by (charger, transaction id)."""

    def __init__(self, station: Station, tariff: Tariff, new_id: Callable[[], str]) -> None:
        self._station = station
        self._tariff = tariff
        self._new_id = new_id
        self._by_key: dict[tuple[ChargerId, str], Session] = {}
        self._at: dict[EvseId, SessionId] = {}
        self._keys: dict[SessionId, tuple[ChargerId, str]] = {}
        self._early: dict[EvseId, NeedsTold] = {}
        self.green_wh: dict[EvseId, WattHours] = {}
        """Solar energy that has gone into the car at each outlet; whoever knows the sun counts it here."""

    def extend(self, station: Station) -> None:
        """The station has grown."""
        self._station = station

    # --- reading ---

    def at(self, evse: EvseId) -> Session | None:
        """The open stay at an outlet."""
        found = self._at.get(evse)
        return None if found is None else self._by_key[self._keys[found]]

    def open(self) -> list[Session]:
        """Every open stay."""
        return [self._by_key[self._keys[found]] for found in self._at.values()]

    def known(self, charger: ChargerId, transaction_id: str) -> Session | None:
        """A stay by its key."""
        return self._by_key.get((charger, transaction_id))

    # --- one message ---

    def hear(self, charger: ChargerId, told: TransactionTold, now: datetime) -> Turn:
        """A transaction's event."""
        told, skewed = _in_time(told, now)
        told, absurd = _in_reason(told)
        turn = Turn()
        session = self._find(charger, told)
        if session is None:
            session = self._begin(charger, told, turn)
        if session.phase is Phase.SETTLED:
            turn.transaction_id = session.transaction_id
            return turn
        told = replace(told, transaction_id=session.transaction_id)
        after = tell(session, told)
        if skewed or absurd:
            flags = ({Flag.CLOCK} if skewed else set()) | ({Flag.ABSURD} if absurd else set())
            after = replace(after, flags=after.flags | flags)
        if told.moment is Moment.STARTED:
            after = replace(after, flags=after.flags - {Flag.LOST_START})
            early = self._early.get(after.evse)
            after = want(after, early) if early is not None else after
        turn.transaction_id = after.transaction_id
        if after.open and self._passed(after, turn):
            after = close_lost(after, told.at)
        if session.open and after is not session:
            after = replace(after, green_wh=self.green_wh.get(after.evse, 0.0))
        if after is not session:
            turn.sessions.append(after)
        self._close(turn, after)
        return turn

    def hear_meter(self, charger: ChargerId, told: Metered) -> Turn:
        """Meter values of a 1.6 transaction; of no transaction, they are only kept as they came."""
        session = self.known(charger, told.transaction_id) if told.transaction_id is not None else None
        evse = self._station.evse_at.get((charger, told.evse))
        if session is None and told.transaction_id is None and evse is not None:
            return Turn()
        if session is None or session.phase is Phase.SETTLED or not told.samples:
            return Turn()
        event = TransactionTold(
            moment=Moment.UPDATED,
            transaction_id=session.transaction_id,
            at=told.samples[-1].at,
            samples=told.samples,
        )
        return Turn(sessions=[tell(session, event)])

    def hear_outlet(self, charger: ChargerId, told: OutletReported, now: datetime) -> Turn:
        """A connector's state: a free one has no car, whatever became of that car's last event."""
        evse = self._station.evse_at.get((charger, told.evse))
        session = self.at(evse.id) if evse is not None else None
        if session is None:
            return Turn()
        if told.state is OutletState.AVAILABLE:
            return Turn(sessions=[close_lost(session, told.at or now)])
        if told.flow is None:
            return Turn()
        event = TransactionTold(
            moment=Moment.UPDATED, transaction_id=session.transaction_id, at=told.at or now, flow=told.flow
        )
        after = tell(session, event)
        return Turn(sessions=[] if after is session else [after])

    def hear_needs(self, charger: ChargerId, told: NeedsTold) -> Turn:
        """What a car and its driver want; before the transaction has started it waits for it."""
        evse = self._station.evse_at.get((charger, told.evse))
        session = self.at(evse.id) if evse is not None else None
        if evse is not None and session is None:
            self._early[evse.id] = told
        return Turn() if session is None else Turn(sessions=[want(session, told)])

    # --- after the commit ---

    def keep(self, turn: Turn) -> None:
        """What a turn said is on the disk now."""
        for session in turn.sessions:
            key = (session.charger, session.transaction_id)
            self._by_key[key] = session
            self._keys[session.id] = key
            if session.open and not self._passed(session, turn):
                self._at[session.evse] = session.id
                self._early.pop(session.evse, None)
            elif self._at.get(session.evse) == session.id:
                del self._at[session.evse]
                self.green_wh.pop(session.evse, None)
        self._forget()

    def load(self, sessions: Iterable[Session]) -> None:
        """Take up where an earlier process stopped."""
        self.keep(Turn(sessions=list(sessions)))

    def _forget(self, most: int = 4096) -> None:
        """Stays that are over are remembered for late words, but not for ever; the store has them all."""
        if len(self._by_key) <= most:
            return
        for key, session in list(self._by_key.items())[: most // 4]:
            if not session.open:
                del self._by_key[key]
                self._keys.pop(session.id, None)

    # --- finding and beginning ---

    def _find(self, charger: ChargerId, told: TransactionTold) -> Session | None:
        if told.transaction_id is not None and (found := self.known(charger, told.transaction_id)) is not None:
            return found
        if told.seq_no is not None:
            return None
        if told.moment is Moment.STARTED:
            return self._same_start(charger, told)
        if told.moment is Moment.ENDED:
            return self._stray_stop(charger, told)
        return None

    def _same_start(self, charger: ChargerId, told: TransactionTold) -> Session | None:
        """1.6 gives a start no id: the same outlet, token, time and register are the same start."""
        register = _register(told)
        for (owner, _), session in self._by_key.items():
            same = owner == charger and session.plugged_at == told.at and session.token == told.token
            first = session.readings[0].import_wh if session.readings else None
            if same and first == register and self._number(session.evse) == told.evse:
                return session
        return None

    def _stray_stop(self, charger: ChargerId, told: TransactionTold) -> Session | None:
        """A stop whose transaction we never named (-1, 0, a lost start): the charger's only fitting open stay."""
        fits = [
            session
            for session in self.open()
            if session.charger == charger
            and session.plugged_at <= told.at
            and (told.token is None or session.token is None or session.token.id == told.token.id)
        ]
        named = told.transaction_id is not None and told.transaction_id not in {"-1", "0"}
        return fits[0] if len(fits) == 1 and not named else None

    def _begin(self, charger: ChargerId, told: TransactionTold, turn: Turn) -> Session:
        evse = self._evse(charger, told)
        before = self.at(evse.id)
        newer = before is not None and (not told.offline or told.at >= before.plugged_at)
        if before is not None and newer and told.moment is not Moment.ENDED:
            turn.sessions.append(close_lost(before, told.at))  # two cars cannot be there: the first one's end was lost
        lost = told.moment is not Moment.STARTED and (told.seq_no is None or told.seq_no > 0)
        return Session(
            id=SessionId(self._new_id()),
            charger=charger,
            evse=evse.id,
            transaction_id=told.transaction_id or self._number_for(charger, told),
            plugged_at=told.at,
            flags=frozenset({Flag.LOST_START}) if lost else frozenset(),
        )

    def _passed(self, session: Session, turn: Turn) -> bool:
        """Whether a later car is at the outlet: a stay that is told afterwards does not take its place."""
        here = self.at(session.evse)
        here = None if here is None else turn.last(here)
        return here is not None and here.open and here.id != session.id and here.plugged_at > session.plugged_at

    def _evse(self, charger: ChargerId, told: TransactionTold) -> Evse:
        """The outlet of an event; one that names none is about the charger's first that has no car."""
        found = self._station.evse_at.get((charger, told.evse or 0))
        if found is not None:
            return found
        evses = self._station.charger_of[charger].evses
        return next((evse for evse in evses if self.at(evse.id) is None), evses[0])

    def _number(self, evse: EvseId) -> int:
        return self._station.evse_of[evse].number

    def _number_for(self, charger: ChargerId, told: TransactionTold) -> str:
        """A 1.6 transaction's id, which must be a number; nobody can guess another charger's."""
        while True:
            digest = hashlib.blake2b(f"{charger}|{told.at}|{self._new_id()}".encode(), digest_size=4).digest()
            number = str(1 + int.from_bytes(digest) % (2**31 - 2))
            if (charger, number) not in self._by_key:
                return number

    def _close(self, turn: Turn, session: Session) -> None:
        """A whole and undoubted stay is settled in the same turn as the event that completed it."""
        if session.phase is not Phase.ENDED or session.flags & HELD or not session.complete:
            return
        turn.postings += settle(session, self._tariff)
        turn.sessions.append(advance(session, Step.SETTLED))


def _in_time(told: TransactionTold, now: datetime) -> tuple[TransactionTold, bool]:
    """A charger whose clock is absurd is heard at our time; the raw message keeps what it said."""
    if _OLDEST <= told.at <= now + _AHEAD:
        return told, False
    samples = tuple(replace(sample, at=now) for sample in told.samples)
    return replace(told, at=now, samples=samples), True


def _in_reason(told: TransactionTold) -> tuple[TransactionTold, bool]:
    """A reading that no meter can show is left out, and the stay is flagged; the raw message keeps it."""
    if all(_sane(sample) for sample in told.samples):
        return told, False
    samples = tuple(
        replace(
            sample,
            import_wh=_within(sample.import_wh, _MOST_WH),
            export_wh=_within(sample.export_wh, _MOST_WH),
            power_w=_within(sample.power_w, _MOST_W),
        )
        for sample in told.samples
    )
    return replace(told, samples=samples), True


def _sane(sample: Sample) -> bool:
    energies = (sample.import_wh or 0.0, sample.export_wh or 0.0)
    return all(abs(energy) <= _MOST_WH for energy in energies) and abs(sample.power_w or 0.0) <= _MOST_W


def _within(value: float | None, most: float) -> float | None:
    return None if value is None or abs(value) > most else value


def _register(told: TransactionTold) -> float | None:
    return next((sample.import_wh for sample in told.samples if sample.import_wh is not None), None)
