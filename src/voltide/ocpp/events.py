"""What a connection tells its owner. Values only: the owner decides, stores and answers."""

from typing import Any, TypeAlias

import msgspec

from voltide.ocpp.faults import Close, ErrorCode
from voltide.ocpp.messages import Message


class Called(msgspec.Struct, frozen=True, gc=False):
    """The other side asks something, and waits for ``answer`` or ``refuse``."""

    id: str
    action: str
    request: Message
    payload: bytes
    """The request as it came, for the record."""
    digest: bytes
    """Of action and payload: stored with the answer, it tells a repetition from a reused id."""
    deviations: tuple[str, ...] = ()
    """How the message departs from the standard; it was read all the same."""
    reused: bool = False
    """The id has been used before for another message."""


class Answered(msgspec.Struct, frozen=True, gc=False):
    """An own call has its answer."""

    id: str
    action: str
    response: Message
    deviations: tuple[str, ...] = ()


class Failed(msgspec.Struct, frozen=True, gc=False):
    """The other side refused an own call: it was surely not done."""

    id: str
    action: str
    code: ErrorCode
    word: str
    """The code as it came."""
    description: str
    details: dict[str, Any]


class Unanswered(msgspec.Struct, frozen=True, gc=False):
    """An own call got no answer that can be read.

    When ``sent``, it may have been done or not and must be read again; else it never left the house.
    """

    id: str
    action: str
    sent: bool
    reason: str


class Streamed(msgspec.Struct, frozen=True, gc=False):
    """The other side tells something and wants no answer (2.1)."""

    id: str
    action: str
    request: Message
    payload: bytes
    deviations: tuple[str, ...] = ()


class Turned(msgspec.Struct, frozen=True, gc=False):
    """The connection itself refused a message of the other side, and has said so where it may."""

    id: str | None
    action: str | None
    code: ErrorCode
    text: str


class AnswerRefused(msgspec.Struct, frozen=True, gc=False):
    """The other side could not read an answer of ours (2.1)."""

    id: str
    code: ErrorCode
    description: str


class Ignored(msgspec.Struct, frozen=True, gc=False):
    """A message that means nothing now: late, unasked for, or told before."""

    reason: str
    id: str | None = None


class Hang(msgspec.Struct, frozen=True, gc=False):
    """Close the line, with this WebSocket code."""

    code: Close
    reason: str


Event: TypeAlias = Called | Answered | Failed | Unanswered | Streamed | Turned | AnswerRefused | Ignored | Hang
