"""How a message looks while it travels: JSON, named by its class.

Every word of ``domain.messages``, ``reports``, ``requests`` and ``picture`` can cross; nothing else can, so a bus that
is one process today promises no more than a bus between machines does.
"""

import dataclasses
import inspect
from functools import cache
from typing import Any

import msgspec

from voltide.domain import dossier, messages, picture, reports, requests, token

_WORDS: dict[str, type] = {
    name: word
    for module in (dossier, messages, picture, reports, requests, token)
    for name, word in inspect.getmembers(module, inspect.isclass)
    if dataclasses.is_dataclass(word)
}


class _Envelope(msgspec.Struct):
    name: str = msgspec.field(name="is")
    body: msgspec.Raw = msgspec.Raw(b"null")


class UnknownWordError(ValueError):
    """A message whose name is not in the domain."""


_encoder = msgspec.json.Encoder()
_open = msgspec.json.Decoder(_Envelope)


def encode(message: object) -> bytes:
    """A domain message as bytes. Raises ``UnknownWordError`` for anything else; None stands for itself."""
    if message is None:
        return b'{"is":"None"}'
    name = type(message).__name__
    if _WORDS.get(name) is not type(message):
        raise UnknownWordError(f"{name} is not a word of the domain")
    return b'{"is":"' + name.encode() + b'","body":' + _encoder.encode(message) + b"}"


def decode(data: bytes) -> object:
    """The inverse. Raises ``UnknownWordError``, or ``msgspec.ValidationError`` when the body does not fit."""
    envelope = _open.decode(data)
    if envelope.name == "None":
        return None
    if envelope.name not in _WORDS:
        raise UnknownWordError(f"{envelope.name!r} is not a word of the domain")
    return _decoder(envelope.name).decode(envelope.body)


@cache
def _decoder(name: str) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(_WORDS[name])
