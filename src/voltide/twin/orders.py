"""From a station's call to the charger's answer: who may order now, and who does it."""

from voltide.domain.messages import Boot
from voltide.domain.site import OcppVersion
from voltide.ocpp.events import Called
from voltide.ocpp.faults import ErrorCode
from voltide.ocpp.messages import Message
from voltide.ocpp.wire import plain, response
from voltide.twin.desk import ACCEPTED, ACTIONS, Desk
from voltide.twin.rack import Rack

_NOT_YET = frozenset(
    {"RemoteStartTransaction", "RemoteStopTransaction", "RequestStartTransaction", "RequestStopTransaction"}
)
"""What a charger whose acceptance is pending refuses; everything else that configures it is done."""


class Orders:
    """Does what the station calls."""

    def __init__(self, version: OcppVersion, desk: Desk, rack: Rack) -> None:
        self._version, self._desk, self._rack = version, desk, rack
        self._yes: dict[str, Message] = {}

    def answer(self, call: Called, standing: Boot | None) -> Message | ErrorCode:
        """The answer, or the error that stands for it."""
        if standing is None or standing is Boot.REJECTED:
            return ErrorCode.SECURITY_ERROR
        if standing is Boot.PENDING and call.action in _NOT_YET:
            return response(self._version, call.action, {"status": "Rejected"})
        body = plain(call.request)
        if call.action in ACTIONS and (quick := self._desk.do(call.action, body)) is not None:
            return self._accepted(call.action) if quick is ACCEPTED else response(self._version, call.action, quick)
        act = self._rack.act(call.action)
        if act is None:
            return ErrorCode.NOT_IMPLEMENTED
        return response(self._version, call.action, act(body))

    def _accepted(self, action: str) -> Message:
        """An answer that says Accepted and nothing else is always the same message."""
        if action not in self._yes:
            self._yes[action] = response(self._version, action, ACCEPTED)
        return self._yes[action]
