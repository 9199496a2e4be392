"""How the requests of a version are read strictly, found by the bytes of their action."""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from voltide.domain.site import OcppVersion
from voltide.ocpp.actions import STREAM, may_call
from voltide.ocpp.messages import Message, actions, decoder


class Reader(NamedTuple):
    """One request's."""

    action: str
    decode: Callable[[bytes], Message]


@cache
def readers(version: OcppVersion, *, charger: bool) -> dict[bytes, Reader]:
    """For every request that the charger (or the station) calls and that is answered."""
    return {
        action.encode(): Reader(action, decoder(request).decode)
        for action, (request, _) in actions(version).items()
        if action != STREAM and may_call(action, charger=charger)
    }
