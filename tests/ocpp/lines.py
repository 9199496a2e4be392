"""One end of a line, and short ways to talk into it."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec

from voltide.domain.site import OcppVersion
from voltide.ocpp.connection import Connection, Limits
from voltide.ocpp.messages import actions

V16, V201, V21 = OcppVersion
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
BOOT = {"chargingStation": {"model": "m", "vendorName": "v"}, "reason": "PowerUp"}
STREAM = {"id": 1, "pending": 0, "basetime": "2026-01-01T00:00:00Z", "data": [{"t": 0, "v": "1"}]}
EVENT = {
    "eventType": "Updated",
    "timestamp": "2026-06-01T12:00:00Z",
    "triggerReason": "MeterValuePeriodic",
    "seqNo": 3,
    "transactionInfo": {"transactionId": "t"},
}


def station(version: OcppVersion = V201, **limits: Any) -> Connection:
    return Connection(version, charger=False, validate=True, limits=Limits(**limits))


def reset(version: OcppVersion = V201) -> msgspec.Struct:
    return actions(version)["Reset"][0](type="Soft" if version is V16 else "Immediate")


def say(action: str, payload: object, who: str = "i") -> str:
    return json.dumps([2, who, action, payload])


def sent(connection: Connection) -> list[Any]:
    return [json.loads(text) for text in connection.to_send()]


def only(events: list[Any]) -> Any:
    (event,) = events
    return event
