"""Text on the wire, and the five things it can mean. No sockets here.

Nothing that a peer can send raises: what is not a frame is a ``BadFrame``, a value that says what to answer.
A payload stays raw, checked but not yet typed, until the connection knows which type it is to have.
"""

import json
import re
from typing import Any, TypeAlias

import msgspec

from voltide.domain.site import OcppVersion
from voltide.ocpp.faults import DESCRIPTION_MAX, Close, ErrorCode
from voltide.ocpp.skeleton import sound

MAX_BYTES = 64 * 1024
MAX_DEPTH = 32
MAX_ID = 36
MAX_ACTION = 64
NO_ID = "-1"
CALL, RESULT, ERROR, RESULT_ERROR, SEND = 2, 3, 4, 5, 6


class Call(msgspec.Struct, frozen=True, gc=False):
    """One side asks."""

    id: str
    action: str
    payload: bytes


class CallResult(msgspec.Struct, frozen=True, gc=False):
    """The other side answers."""

    id: str
    payload: bytes


class CallError(msgspec.Struct, frozen=True, gc=False):
    """The other side cannot answer."""

    id: str
    code: str
    description: str
    details: dict[str, Any]


class CallResultError(msgspec.Struct, frozen=True, gc=False):
    """The asking side cannot read the answer (2.1)."""

    id: str
    code: str
    description: str
    details: dict[str, Any]


class Send(msgspec.Struct, frozen=True, gc=False):
    """One side tells, and wants no answer (2.1)."""

    id: str
    action: str
    payload: bytes


class BadFrame(msgspec.Struct, frozen=True, gc=False):
    """What is not a frame: which kind it was meant to be, whose id it bears, and what is wrong."""

    code: ErrorCode
    text: str
    kind: int | None = None
    id: str | None = None
    close: Close | None = None

    def reply(self, version: OcppVersion) -> str | None:
        """The text to send back, or None: answers and SENDs are never answered, and 1.6 ignores what it cannot name."""
        unknown = self.code is ErrorCode.MESSAGE_TYPE_NOT_SUPPORTED
        if self.close is not None or self.kind in {RESULT, ERROR, RESULT_ERROR} or (self.kind == SEND and not unknown):
            return None
        if version is OcppVersion.V16 and (self.id is None or self.kind != CALL):
            return None
        return error(self.id or NO_ID, self.code.spelled(version), self.text)


Frame: TypeAlias = Call | CallResult | CallError | CallResultError | Send | BadFrame

_pieces = msgspec.json.Decoder(list[msgspec.Raw])
_value = msgspec.json.Decoder()
_encode = msgspec.json.Encoder().encode
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\Z)', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_LONG = b"0" * 19
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_PLAIN = re.compile(rb'\[2, ?"([ !#-\[\]-~]{1,36})", ?"(\w{1,64})", ?(\{.*\})\]', re.DOTALL)
"""A CALL as most of them are: its id has no escapes, and what is left for the payload begins and ends as an object."""
_LENGTHS = {CALL: 4, RESULT: 3, ERROR: 5, RESULT_ERROR: 5, SEND: 4}


def plain(data: str | bytes, max_bytes: int = MAX_BYTES) -> tuple[str, bytes, bytes] | None:
    """The short way to a CALL's id, action and payload; None: look closely.

    Whoever reads the payload strictly by its type makes sure that it is JSON, and that its numbers are some.
    """
    if isinstance(data, str):
        data = data.encode() if data.isascii() else b""
    if len(data) > max_bytes:
        return None
    found = _PLAIN.fullmatch(data)
    if found is None:
        return None
    who, action, payload = found.groups()
    return (who.decode("ascii"), action, payload) if sound(payload) else None


def decode(text: str | bytes, *, max_bytes: int = MAX_BYTES) -> Frame:  # noqa: PLR0911 - one per way to be wrong
    """Read one frame; whatever comes, something comes back."""
    data = _utf8(text, max_bytes)
    if isinstance(data, BadFrame):
        return data
    pieces = _array(data)
    if isinstance(pieces, BadFrame):
        return pieces
    values, flaw = _checked(data)
    values = [_scalar(piece) for piece in pieces[:3]] if values is None else values
    kind, who = _kind(values), _id(values)
    if kind not in _LENGTHS:
        return BadFrame(ErrorCode.MESSAGE_TYPE_NOT_SUPPORTED, "This message type does not exist.", kind, who)
    if who is None:
        return BadFrame(ErrorCode.RPC_FRAMEWORK_ERROR, f"The message id is not a string of 1 to {MAX_ID}.", kind)
    if flaw is not None:
        return BadFrame(ErrorCode.FORMAT_VIOLATION, flaw, kind, who)
    if len(pieces) != _LENGTHS[kind]:
        return BadFrame(
            ErrorCode.RPC_FRAMEWORK_ERROR, f"A message of type {kind} has {_LENGTHS[kind]} elements.", kind, who
        )
    return _frame(kind, who, values, pieces)


def _utf8(text: str | bytes, max_bytes: int) -> bytes | BadFrame:
    """The frame as bytes, unless it is too big or no text at all."""
    if len(text) > max_bytes:
        return BadFrame(ErrorCode.RPC_FRAMEWORK_ERROR, "The message is too big.", close=Close.TOO_BIG)
    try:
        if isinstance(text, str):
            text = text.encode()
        else:
            text.decode()
    except UnicodeError:
        return BadFrame(ErrorCode.RPC_FRAMEWORK_ERROR, "The message is not UTF-8.", close=Close.NOT_TEXT)
    if len(text) > max_bytes:
        return BadFrame(ErrorCode.RPC_FRAMEWORK_ERROR, "The message is too big.", close=Close.TOO_BIG)
    return text


def _array(data: bytes) -> list[msgspec.Raw] | BadFrame:
    """The elements of a frame, unread."""
    try:
        return _pieces.decode(data)
    except RecursionError:
        return BadFrame(ErrorCode.RPC_FRAMEWORK_ERROR, "The message is nested too deeply.")
    except (msgspec.MsgspecError, UnicodeError):
        return BadFrame(ErrorCode.RPC_FRAMEWORK_ERROR, "The message is not a JSON array.")


def _scalar(piece: msgspec.Raw) -> object:
    """One element by itself, when the whole cannot be read."""
    try:
        return _value.decode(piece)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _kind(values: list[Any]) -> int | None:
    """The message type; ``true`` and ``2.0`` are none."""
    return values[0] if values and type(values[0]) is int else None


def _id(values: list[Any]) -> str | None:
    """The message id, when it is one that can be answered."""
    who = values[1] if len(values) > 1 else None
    return who if isinstance(who, str) and 0 < len(who) <= MAX_ID and who.isprintable() else None


def _frame(kind: int, who: str, values: list[Any], pieces: list[msgspec.Raw]) -> Frame:
    """A frame of the right length, its parts looked at one by one."""
    if kind in {ERROR, RESULT_ERROR}:
        code, description, details = values[2:]
        if not isinstance(code, str) or not isinstance(description, str):
            return BadFrame(ErrorCode.RPC_FRAMEWORK_ERROR, "Code and description are strings.", kind, who)
        made = CallError if kind == ERROR else CallResultError
        return made(who, code, description, details if isinstance(details, dict) else {"details": details})
    if not isinstance(values[-1], dict):
        return BadFrame(ErrorCode.FORMAT_VIOLATION, "The payload is not a JSON object.", kind, who)
    payload = bytes(pieces[-1])
    if kind == RESULT:
        return CallResult(who, payload)
    action = values[2]
    if not isinstance(action, str) or not 0 < len(action) <= MAX_ACTION or not action.isprintable():
        return BadFrame(ErrorCode.RPC_FRAMEWORK_ERROR, "The action is not a name.", kind, who)
    return (Call if kind == CALL else Send)(who, action, payload)


def _checked(data: bytes) -> tuple[list[Any] | None, str | None]:
    """The values of a frame, and what makes valid JSON unfit to be kept: depth, huge numbers, NUL, a key told twice.

    A key told twice is found by writing the value again: it then has fewer colons than came in. Only an escape could
    hide a colon, so text with a backslash takes the slow road, as does a very long row of digits.
    """
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH and _deep(data):
        return None, "The message is nested too deeply."
    try:
        values: list[Any] = _value.decode(data)
        again = _encode(values)
    except (msgspec.MsgspecError, OverflowError, UnicodeError):
        return None, "The message holds a number that is out of range."
    if b"\\" in data or _LONG in data.translate(_DIGITS):
        return values, _flaw_by_the_slow_road(data)
    return values, None if again.count(b":") == data.count(b":") else "The message tells a key twice."


def _deep(data: bytes) -> bool:
    """Whether brackets nest deeper than the limit: take away the innermost pairs, level by level."""
    brackets = _STRING.sub(b"", data).translate(None, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    return bool(brackets)


def _flaw_by_the_slow_road(data: bytes) -> str | None:
    """What only a full reading finds: hidden keys, NUL, and integers that no database keeps."""
    if _NUL.search(data):
        return "The message holds a NUL character."
    try:
        json.loads(data, object_pairs_hook=_told_once, parse_int=_kept)
    except ValueError as flaw:
        return str(flaw)
    return None


def _kept(digits: str) -> int:
    """Refuse an integer beyond 64 bits."""
    value = int(digits)
    if not -(2**63) <= value < 2**63:
        raise ValueError("The message holds a number that is out of range.")
    return value


def _told_once(pairs: list[tuple[str, Any]]) -> None:
    """Refuse an object that tells a key twice."""
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("The message tells a key twice.")


def call(who: str, action: str, payload: object) -> str:
    """The text of a CALL."""
    return _encode((CALL, who, action, payload)).decode()


def result(who: str, payload: object) -> str:
    """The text of a CALLRESULT."""
    return _encode((RESULT, who, payload)).decode()


def error(who: str, code: str, description: str = "", details: dict[str, Any] | None = None) -> str:
    """The text of a CALLERROR."""
    return _encode((ERROR, who, code, description[:DESCRIPTION_MAX], details or {})).decode()


def result_error(who: str, code: str, description: str = "", details: dict[str, Any] | None = None) -> str:
    """The text of a CALLRESULTERROR (2.1 only)."""
    return _encode((RESULT_ERROR, who, code, description[:DESCRIPTION_MAX], details or {})).decode()


def send(who: str, action: str, payload: object) -> str:
    """The text of a SEND (2.1 only)."""
    return _encode((SEND, who, action, payload)).decode()
