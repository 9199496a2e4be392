"""One OCPP connection: text in, events out, calls in flight as data. No sockets and no clock here.

Either side uses it the same way::

    connection = Connection(OcppVersion.V21, charger=False)     # we are the station; the peer is a charger
    for event in connection.receive(text, now):                 # now: seconds that never step, for the deadlines
        match event:
            case Called():                                      # a typed request; answer when it is stored
                text = connection.answer(event.id, response, hold=True)
                ...                                             # store fact, event.digest and text in one commit
                connection.release(event.id)                    # or drop(event.id): then the peer asks again
            case Answered() | Failed() | Unanswered():          # what came of a call of ours
                ...
            case Hang():                                        # close the socket with event.code
                ...
    connection.call("Reset", request, who=new_id, now=now)      # waits its turn: one call of ours is open at a time
    for text in connection.to_send():                           # after every step: all that is to go out, in order
        ...
    connection.expire(now)                                      # when connection.deadline has come; gives events too
    connection.close()                                          # the line is lost: what was open is now unknown

Without ``hold`` an answer goes out with the next ``to_send``. After a reconnect, ``remember`` tells a new connection
what the old one answered, so that a repeated message gets the same answer.
"""

from collections import deque
from hashlib import blake2b

import msgspec

from voltide.domain.site import OcppVersion
from voltide.ocpp import frame
from voltide.ocpp.actions import STREAM, may_call
from voltide.ocpp.events import (
    Answered,
    AnswerRefused,
    Called,
    Event,
    Failed,
    Hang,
    Ignored,
    Streamed,
    Turned,
    Unanswered,
)
from voltide.ocpp.faults import Close, ErrorCode, Violation, heard
from voltide.ocpp.messages import Message, actions, decoder
from voltide.ocpp.readers import readers
from voltide.ocpp.salvage import SALVAGED
from voltide.ocpp.typed import read

BAD_IN_A_ROW = 32
"""So much that is no message, one after the other: the other side does not speak OCPP."""


_UNKNOWN_TYPE = ErrorCode.MESSAGE_TYPE_NOT_SUPPORTED
_DIGEST = 16


class Limits(msgspec.Struct, frozen=True):
    """How much a connection bears; every memory it has is bounded."""

    bytes: int = frame.MAX_BYTES
    timeout_s: float = 30.0
    queue: int = 64
    open: int = 64
    remembered: int = 64


class _Own(msgspec.Struct):
    """A call of ours: waiting its turn until ``deadline`` is set."""

    id: str
    action: str
    text: str
    stale_at: float | None
    deadline: float | None = None


class _Open(msgspec.Struct, gc=False):
    """A call of the other side that waits for our answer."""

    action: str
    digest: bytes
    answer: str | None = None


class Connection:
    """The memory of one line. ``charger`` says which end we are; ``validate`` checks all we say (tests and twins)."""

    def __init__(
        self, version: OcppVersion, *, charger: bool, validate: bool = False, limits: Limits | None = None
    ) -> None:
        self.version = version
        self.charger = charger
        self.validate = validate
        self.limits = limits or Limits()
        self._most = self.limits.bytes
        self._types = actions(version)
        self._readers = readers(version, charger=not charger)
        self._queue: deque[_Own] = deque()
        self._open: dict[str, _Open] = {}
        self._told: dict[str, bytes] = {}
        """Digest and answer in one piece, oldest first: a thousand connections remember sixty-four each."""
        self._late: deque[str] = deque(maxlen=32)
        self._outbox: list[str] = []
        self._bad = 0

    # --- what comes in ---

    def receive(self, text: str | bytes, now: float) -> list[Event]:
        """Hear one message."""
        return [self.called(text) or self._looked_at(frame.decode(text, max_bytes=self.limits.bytes), now)]

    def _looked_at(self, said: frame.Frame, now: float) -> Event:
        """What a frame means that was looked at closely."""
        if isinstance(said, frame.CallResultError | frame.Send) and self.version is not OcppVersion.V21:
            kind = frame.SEND if isinstance(said, frame.Send) else frame.RESULT_ERROR
            said = frame.BadFrame(_UNKNOWN_TYPE, "This message type exists in OCPP 2.1 only.", kind, said.id)
        self._bad = self._bad + 1 if isinstance(said, frame.BadFrame) else 0
        match said:
            case frame.Call():
                return self._called(said)
            case frame.CallResult():
                return self._answered(said, now)
            case frame.CallError():
                return self._failed(said, now)
            case frame.CallResultError():
                return AnswerRefused(said.id, heard(said.code), said.description)
            case frame.Send():
                return self._streamed(said)
            case frame.BadFrame():
                return self._bad_frame(said, now)

    def called(self, text: str | bytes) -> Called | None:
        """Hear a CALL in which nothing is wrong, as nearly all messages are; None: it is one for ``receive``."""
        plain = frame.plain(text, self._most)
        reader = self._readers.get(plain[1]) if plain is not None else None
        if plain is None or reader is None:
            return None
        who, name, payload = plain
        try:
            message = reader.decode(payload)
        except (msgspec.MsgspecError, UnicodeError):
            return None
        if who in self._told or who in self._open or len(self._open) >= self.limits.open:
            return None
        self._bad = 0
        digest = blake2b(payload, digest_size=_DIGEST, person=name[:16]).digest()
        self._open[who] = _Open(reader.action, digest)
        return Called(who, reader.action, message, payload, digest)

    def _bad_frame(self, flaw: frame.BadFrame, now: float) -> Event:
        """Answer what can be answered; free a call of ours whose answer is broken; hang up on a flood."""
        if flaw.close is not None or self._bad >= BAD_IN_A_ROW:
            return Hang(flaw.close or Close.PROTOCOL, flaw.text)
        head = self._head(flaw.id) if flaw.kind in {frame.RESULT, frame.ERROR} and flaw.id is not None else None
        if head is not None:
            return self._unreadable(head, Violation(flaw.code, "$", flaw.text), now, result=flaw.kind == frame.RESULT)
        reply = flaw.reply(self.version)
        if reply is not None:
            self._outbox.append(reply)
        return Turned(flaw.id, None, flaw.code, flaw.text)

    def _called(self, call: frame.Call) -> Event:
        """Hear a CALL: a repetition gets its answer again, a flaw its error, all else becomes an event."""
        digest = blake2b(call.payload, digest_size=_DIGEST, person=call.action.encode()[:16]).digest()
        repeated = self._repeated(call.id, digest)
        if repeated is not None:
            return repeated
        code = self._not_for_us(call.action)
        if code is not None:
            return self._turn(call, Violation(code, "$", f"{call.action} is not for this side."))
        if call.action == STREAM:
            return self._streamed(call)
        typed = read(self._types[call.action][0], call.payload, salvage=call.action in SALVAGED)
        if isinstance(typed, Violation):
            return self._turn(call, typed)
        self._open[call.id] = _Open(call.action, digest)
        reused = call.id in self._told
        return Called(call.id, call.action, typed.message, call.payload, digest, typed.deviations, reused)

    def _repeated(self, who: str, digest: bytes) -> Ignored | None:
        """A call that was heard before, or that we cannot hear now; a lost answer is given again."""
        told = self._told.get(who)
        if told is not None and told.startswith(digest):
            self._outbox.append(told[_DIGEST:].decode())
            return Ignored("repeated: the same answer was given again", who)
        if who in self._open:
            return Ignored("an open call has this id", who)
        return Ignored("too many calls are open", who) if len(self._open) >= self.limits.open else None

    def _not_for_us(self, action: str) -> ErrorCode | None:
        """Unknown actions are not implemented; those of the other direction are known, but not for us."""
        if action not in self._types:
            return ErrorCode.NOT_IMPLEMENTED
        return None if may_call(action, charger=not self.charger) else ErrorCode.NOT_SUPPORTED

    def _turn(self, call: frame.Call, flaw: Violation) -> Turned:
        details = {"at": flaw.at} if flaw.at != "$" else {}
        self._outbox.append(frame.error(call.id, flaw.code.spelled(self.version), flaw.text, details))
        return Turned(call.id, call.action, flaw.code, flaw.text)

    def _streamed(self, told: frame.Send | frame.Call) -> Event:
        """Hear a SEND; a charger that says it as a CALL is answered, and noted for it."""
        deviations: tuple[str, ...] = ()
        if isinstance(told, frame.Call):
            self._outbox.append(frame.result(told.id, {}))
            deviations = (f"{STREAM} came as a CALL",)
        if told.action != STREAM or self.charger:
            return Turned(told.id, told.action, ErrorCode.NOT_SUPPORTED, f"{told.action} cannot be sent unasked.")
        typed = read(self._types[STREAM][0], told.payload)
        if isinstance(typed, Violation):
            return Turned(told.id, told.action, typed.code, typed.text)
        return Streamed(told.id, told.action, typed.message, told.payload, deviations + typed.deviations)

    # --- answers to our own calls ---

    def _head(self, who: str) -> _Own | None:
        """The one call of ours that is open, when it has this id."""
        head = self._queue[0] if self._queue else None
        return head if head is not None and head.deadline is not None and head.id == who else None

    def _answered(self, result: frame.CallResult, now: float) -> Event:
        head = self._head(result.id)
        if head is None:
            return self._unasked(result.id)
        kind = self._types[head.action][1]
        if kind is None:
            return self._unasked(result.id)
        typed = read(kind, result.payload)
        if isinstance(typed, Violation):
            return self._unreadable(head, typed, now, result=True)
        self._next(now)
        return Answered(head.id, head.action, typed.message, typed.deviations)

    def _failed(self, error: frame.CallError, now: float) -> Event:
        head = self._head(error.id)
        if head is None:
            return self._unasked(error.id)
        self._next(now)
        return Failed(head.id, head.action, heard(error.code), error.code, error.description, error.details)

    def _unasked(self, who: str) -> Ignored:
        return Ignored("late: its call has timed out" if who in self._late else "nothing was asked", who)

    def _unreadable(self, head: _Own, flaw: Violation, now: float, *, result: bool) -> Unanswered:
        """A broken answer leaves the call unknown; only 2.1 has a word for that."""
        if result and self.version is OcppVersion.V21:
            self._outbox.append(frame.result_error(head.id, flaw.code.spelled(self.version), flaw.text))
        self._next(now)
        return Unanswered(head.id, head.action, sent=True, reason=f"the answer cannot be read: {flaw.text}")

    # --- what goes out ---

    def call(self, action: str, request: Message, *, who: str, now: float, wait_s: float | None = None) -> bool:
        """Call the other side, with a new id, when our turn comes; False when too many calls wait already.

        With ``wait_s`` the call is dropped, and told as not sent, when it had to wait longer: a setpoint must not be
        late.
        """
        self._check(self._types[action][0], request)
        if len(self._queue) >= self.limits.queue:
            return False
        stale_at = None if wait_s is None else now + wait_s
        self._queue.append(_Own(who, action, frame.call(who, action, request), stale_at))
        self._start(now)
        return True

    def send(self, action: str, request: Message, *, who: str) -> None:
        """Tell the other side something that is never answered (2.1), beside any open call."""
        if self.version is not OcppVersion.V21 or action != STREAM:
            raise ValueError(f"{action} cannot be sent unasked in OCPP {self.version}")
        self._check(self._types[action][0], request)
        self._outbox.append(frame.send(who, action, request))

    def answer(self, who: str, response: Message, *, hold: bool = False) -> str:
        """Answer a call of the other side; with ``hold`` not before ``release``. Gives the text, for the store."""
        call = self._open[who]
        kind = self._types[call.action][1]
        if kind is not None and (self.validate or type(response) is not kind):
            self._check(kind, response)
        call.answer = text = frame.result(who, response)
        if not hold:
            self.release(who)
        return text

    def refuse(self, who: str, code: ErrorCode, description: str = "", *, hold: bool = False) -> str:
        """Answer a call of the other side by an error."""
        self._open[who].answer = text = frame.error(who, code.spelled(self.version), description)
        if not hold:
            self.release(who)
        return text

    def release(self, who: str) -> None:
        """Let a held answer go: what it answers is stored."""
        done = self._open.pop(who)
        if done.answer is None:
            raise ValueError(f"call {who} has no answer yet")
        self.remember(who, done.digest, done.answer)
        self._outbox.append(done.answer)

    def drop(self, who: str) -> None:
        """Forget a call of the other side: nothing was stored, it will ask again."""
        self._open.pop(who, None)

    def remember(self, who: str, digest: bytes, answer: str) -> None:
        """Know what was answered, perhaps on an earlier line."""
        told = self._told
        if who in told:
            del told[who]
        told[who] = digest + answer.encode()
        while len(told) > self.limits.remembered:
            del told[next(iter(told))]

    def to_send(self) -> list[str]:
        """All that is to go out now, in order; given once."""
        out, self._outbox = self._outbox, []
        return out

    def _check(self, kind: type[Message], message: Message) -> None:
        """What we say is of the right type and, when asked, within the schema. A flaw here is our bug."""
        if type(message) is not kind:
            raise TypeError(f"{type(message).__name__} where {kind.__name__} belongs")
        if self.validate:
            decoder(kind).decode(msgspec.json.encode(message))

    # --- time ---

    @property
    def deadline(self) -> float | None:
        """When ``expire`` must be called next."""
        times = [time for own in self._queue for time in (own.deadline, own.stale_at) if time is not None]
        return min(times, default=None)

    @property
    def waiting(self) -> int:
        """Calls of ours that are open or wait their turn."""
        return len(self._queue)

    def expire(self, now: float) -> list[Event]:
        """Give up what is past its time."""
        events: list[Event] = []
        head = self._queue[0] if self._queue else None
        if head is not None and head.deadline is not None and now >= head.deadline:
            self._late.append(head.id)
            events.append(Unanswered(head.id, head.action, sent=True, reason="no answer in time"))
            self._queue.popleft()
        stale = [
            own for own in self._queue if own.deadline is None and own.stale_at is not None and now >= own.stale_at
        ]
        for own in stale:
            self._queue.remove(own)
            events.append(Unanswered(own.id, own.action, sent=False, reason="its turn came too late"))
        self._start(now)
        return events

    def close(self) -> list[Event]:
        """The line is lost: what was sent is unknown, what waited was never said.

        Calls of the other side stay open: a fact under way can still be answered for the record, though not sent.
        """
        lost: list[Event] = [
            Unanswered(own.id, own.action, sent=own.deadline is not None, reason="the line was lost")
            for own in self._queue
        ]
        self._queue.clear()
        self._outbox.clear()
        return lost

    def _next(self, now: float) -> None:
        self._queue.popleft()
        self._start(now)

    def _start(self, now: float) -> None:
        """Send the head of the queue, unless it is under way."""
        head = self._queue[0] if self._queue else None
        if head is None or head.deadline is not None:
            return
        if head.stale_at is not None and now >= head.stale_at:
            return  # expire drops it, tells of it, and comes here again
        head.deadline, head.stale_at = now + self.limits.timeout_s, None
        self._outbox.append(head.text)
