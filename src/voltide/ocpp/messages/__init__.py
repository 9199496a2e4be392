"""The messages of OCPP 1.6, 2.0.1 and 2.1 as types, from the public schemas; a version loads when first used."""

from functools import cache
from importlib import import_module
from typing import Any

import msgspec

from voltide.domain.site import OcppVersion
from voltide.ocpp.messages.base import Message

_MODULES = {OcppVersion.V16: "v16", OcppVersion.V201: "v201", OcppVersion.V21: "v21"}


@cache
def actions(version: OcppVersion) -> dict[str, tuple[type[Message], type[Message] | None]]:
    """Every action of a version with its request and its response; a response of None is never sent."""
    table: dict[str, tuple[type[Message], type[Message] | None]]
    table = import_module(f"voltide.ocpp.messages.{_MODULES[version]}").ACTIONS
    return table


@cache
def decoder(kind: type[Message]) -> msgspec.json.Decoder[Any]:
    """The strict decoder of one message type, built when first asked for."""
    return msgspec.json.Decoder(kind)


__all__ = ["Message", "actions", "decoder"]
