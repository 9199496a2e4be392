"""What chargers say in the benchmarks: the mix of OCPP 2.0.1 that every server is asked to answer."""

from collections.abc import Callable, Iterable
from typing import Any

_MASK = bytes((0x37, 0xFA, 0x21, 0x3D))
"""Not zero: some servers skip the work for zero."""
_AT = "2026-11-22T12:00:00.000Z"
_ID = "000000000000"


def _masked(data: bytes, at: int = 0) -> bytes:
    """The bytes of a payload, from a place in it on, as a client has to send them."""
    size = len(data)
    key = (_MASK[at % 4 :] + _MASK * (size // 4 + 1))[:size]
    return (int.from_bytes(data) ^ int.from_bytes(key)).to_bytes(size)


def frame(text: bytes) -> bytes:
    """A client's text frame."""
    size = len(text)
    head = (0x81, 0x80 | size) if size < 126 else (0x81, 0x80 | 126, size >> 8, size & 255)
    return bytes(head) + _MASK + _masked(text)


def pong(payload: bytes) -> bytes:
    """A client's answer to a ping."""
    return bytes((0x8A, 0x80 | len(payload))) + _MASK + _masked(payload)


def _sample(value: float, measurand: str, unit: str, phase: str = "", location: str = "Outlet") -> str:
    told = f'"phase":"{phase}",' if phase else ""
    return (
        f'{{"value":{value},"context":"Sample.Periodic","measurand":"{measurand}",{told}"location":"{location}",'
        f'"unitOfMeasure":{{"unit":"{unit}"}}}}'
    )


def _metered(samples: Iterable[str], at: str = _AT) -> str:
    return f'"meterValue":[{{"timestamp":"{at}","sampledValue":[{",".join(samples)}]}}]'


BOOT = (
    f'[2,"{_ID}","BootNotification",{{"reason":"PowerUp","chargingStation":{{"model":"V2G-22",'
    '"vendorName":"ACME Charging","serialNumber":"SN-0001","firmwareVersion":"1.4.2"}}]'
)
HEARTBEAT = f'[2,"{_ID}","Heartbeat",{{}}]'
STATUS = (
    f'[2,"{_ID}","StatusNotification",{{"timestamp":"{_AT}","connectorStatus":"Occupied","evseId":1,"connectorId":1}}]'
)
_VOLTS = [_sample(volts, "Voltage", "V", f"L{phase}-N") for phase, volts in ((1, 230.1), (2, 229.8), (3, 231.2))]
_AMPERES = [_sample(amps, "Current.Import", "A", f"L{phase}") for phase, amps in ((1, 15.9), (2, 16.0), (3, 15.8))]
_WATTS = _sample(11012.0, "Power.Active.Import", "W")


def _energy(value: float) -> str:
    return _sample(value, "Energy.Active.Import.Register", "Wh")


METER = f'[2,"{_ID}","MeterValues",{{"evseId":1,{_metered([*_VOLTS, *_AMPERES, _WATTS, _energy(1234567.0)])}}}]'


def event(kind: str, transaction: str, seq: int, energy_wh: float, at: str = _AT) -> str:
    """A TransactionEvent with three samples, some 780 bytes."""
    samples = [_WATTS, _energy(energy_wh), _sample(54.0, "SoC", "Percent", location="EV")]
    trigger = {"Started": "CablePluggedIn", "Updated": "MeterValuePeriodic", "Ended": "EVDeparted"}[kind]
    return (
        f'[2,"{_ID}","TransactionEvent",{{"eventType":"{kind}","timestamp":"{at}","triggerReason":"{trigger}",'
        f'"seqNo":{seq},"offline":false,"numberOfPhasesUsed":3,"transactionInfo":{{"transactionId":"{transaction}",'
        f'"chargingState":"Charging"}},"evse":{{"id":1,"connectorId":1}},{_metered(samples, at)}}}]'
    )


EVENT = event("Updated", "7c1d9f7a-1f55-4a1c-9b5e-000000000001", 17, 1234567.0)
MIX = (HEARTBEAT, HEARTBEAT, STATUS, STATUS, METER, METER, METER, EVENT, EVENT, EVENT)
"""20 % Heartbeat, 20 % StatusNotification, 30 % MeterValues, 30 % TransactionEvent."""


def prepared(text: str) -> Callable[[int], bytes]:
    """A frame of a text, for one id after the other; only the id is made anew."""
    data, at, size = text.encode(), text.index(_ID), len(_ID)
    whole = frame(data)
    start = len(whole) - len(data) + at
    head, tail = whole[:start], whole[start + size :]
    key = int.from_bytes(_masked(bytes(size), at))

    def numbered(number: int) -> bytes:
        return head + (int.from_bytes(b"%012d" % number) ^ key).to_bytes(size) + tail

    return numbered


def numbered(text: str, number: int) -> bytes:
    """A frame of a text that is said once."""
    return frame(text.replace(_ID, f"{number:012d}", 1).encode())


def with_id(text: str, who: str) -> str:
    """A text with an id of its own."""
    return text.replace(_ID, who, 1)


def obeyed(action: str, body: dict[str, Any]) -> dict[str, Any]:
    """How a charger answers that does whatever it is told."""
    if action == "SetVariables":
        return {"setVariableResult": [_done(one, "Accepted") for one in body["setVariableData"]]}
    if action == "GetVariables":
        return {"getVariableResult": [_done(one, "UnknownVariable") for one in body["getVariableData"]]}
    return {"status": "NotSupported" if action.startswith("Get") else "Accepted"}


def _done(one: dict[str, Any], status: str) -> dict[str, Any]:
    return {"attributeStatus": status, "component": one["component"], "variable": one["variable"]}
