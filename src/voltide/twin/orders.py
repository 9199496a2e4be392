"""From a station's call to the charger's answer: who may order now, and who does it."""

from voltide.domain.messages import ApplySetpoint, Boot
from voltide.domain.site import OcppVersion
from voltide.ocpp.events import Called
from voltide.ocpp.faults import ErrorCode
from voltide.ocpp.messages import Message
from voltide.ocpp.wire import plain, response
from voltide.twin.desk import Desk
from voltide.twin.rack import Rack
from voltide.twin.speech import Speech

_NOT_YET = frozenset(
    {"RemoteStartTransaction", "RemoteStopTransaction", "RequestStartTransaction", "RequestStopTransaction"}
)
"""What a charger whose acceptance is pending refuses; everything else that configures it is done."""


class Orders:
    """Does what the station calls."""

    def __init__(self, version: OcppVersion, speech: Speech, desk: Desk, rack: Rack) -> None:
        self._version, self._speech, self._desk, self._rack = version, speech, desk, rack

    def answer(self, call: Called, standing: Boot | None) -> Message | ErrorCode:
        """The answer, or the error that stands for it."""
        if standing is None or standing is Boot.REJECTED:
            return ErrorCode.SECURITY_ERROR
        if standing is Boot.PENDING and call.action in _NOT_YET:
            return response(self._version, call.action, {"status": "Rejected"})
        act = None if self._desk.knows(call.action) else self._rack.act(call.action)
        if act is not None:
            return response(self._version, call.action, act(plain(call.request)))
        return self._desk_answer(call)

    def _desk_answer(self, call: Called) -> Message:
        """What is ordered in the words of the domain."""
        order = self._speech.obey(call)
        if isinstance(order, ApplySetpoint) and (every := self._speech.pull_every(call)) is not None:
            self._desk.pull_every(order.evse, every)
        outcome, variables = self._desk.do(order)
        return self._speech.result(call, outcome, variables)
