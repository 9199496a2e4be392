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

_POWER = frozenset({"ClearChargingProfile", "SetChargingProfile", "UpdateDynamicSchedule"})
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
        quick = self._quick(call) if call.action in _POWER else None
        if quick is not None:
            return quick
        act = self._rack.act(call.action)
        if act is None:
            return ErrorCode.NOT_IMPLEMENTED
        return response(self._version, call.action, act(plain(call.request)))

    def _quick(self, call: Called) -> Message | None:
        """The answer to one of the house's own setpoints; None: it is something else."""
        order = self._speech.obey(call)
        if isinstance(order, ApplySetpoint) and (every := self._speech.pull_every(call)) is not None:
            self._desk.pull_every(order.evse, every)
        outcome = self._desk.do(order)
        return None if outcome is None else self._speech.result(call, outcome)
