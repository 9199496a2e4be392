"""What a charger tells of itself and lets others set: the device model of OCPP 2, the configuration keys of 1.6."""

from collections.abc import Iterator

from voltide.domain.messages import Variable
from voltide.domain.site import Charger, OcppVersion, V2g

SAMPLE_S = "sample_s"
HEARTBEAT_S = "heartbeat_s"
PING_S = "ping_s"
TIMEOUT_S = "timeout_s"
WAIT_S = "wait_s"
SPREAD_S = "spread_s"
REPEATS = "repeats"
ATTEMPTS = "attempts"
ATTEMPT_S = "attempt_s"

_SETTINGS = {
    SAMPLE_S: (("SampledDataCtrlr", "TxUpdatedInterval"), "MeterValueSampleInterval", 10),
    HEARTBEAT_S: (("OCPPCommCtrlr", "HeartbeatInterval"), "HeartbeatInterval", 300),
    PING_S: (("OCPPCommCtrlr", "WebSocketPingInterval"), "WebSocketPingInterval", 20),
    TIMEOUT_S: (("OCPPCommCtrlr", "MessageTimeout"), "MessageTimeout", 30),
    WAIT_S: (("OCPPCommCtrlr", "RetryBackOffWaitMinimum"), "RetryBackOffWaitMinimum", 3),
    SPREAD_S: (("OCPPCommCtrlr", "RetryBackOffRandomRange"), "RetryBackOffRandomRange", 5),
    REPEATS: (("OCPPCommCtrlr", "RetryBackOffRepeatTimes"), "RetryBackOffRepeatTimes", 4),
    ATTEMPTS: (("OCPPCommCtrlr", "MessageAttempts"), "TransactionMessageAttempts", 3),
    ATTEMPT_S: (("OCPPCommCtrlr", "MessageAttemptInterval"), "TransactionMessageRetryInterval", 5),
}
"""The twin's own name of a setting; where OCPP 2 keeps it; its key in 1.6; its factory value."""
_MEASURANDS = "Energy.Active.Import.Register,Energy.Active.Export.Register,Power.Active.Import,Power.Active.Export,SoC"
_TEXTS = {
    True: (("", "MeterValuesSampledData"), ("", "StopTxnSampledData")),
    False: (
        ("SampledDataCtrlr", "TxStartedMeasurands"),
        ("SampledDataCtrlr", "TxUpdatedMeasurands"),
        ("SampledDataCtrlr", "TxEndedMeasurands"),
    ),
}
"""What is sampled, in 1.6 and in OCPP 2. It may be set, and changes nothing: the twin tells all that it measures."""


class Variables:
    """The variables of one charger, kept as text, as the wire has them."""

    def __init__(self, version: OcppVersion, charger: Charger) -> None:
        self._old = version is OcppVersion.V16
        self._values: dict[tuple[str, str], tuple[str, bool]] = {}
        self._where: dict[str, tuple[str, str]] = {}
        for name, (place, key, value) in _SETTINGS.items():
            self._where[name] = ("", key) if self._old else place
            self._values[self._where[name]] = (str(value), True)
        self._values.update(dict.fromkeys(_TEXTS[self._old], (_MEASURANDS, True)))
        count = str(len(charger.evses))
        if self._old:
            self._values[("", "NumberOfConnectors")] = (count, False)
            self._values[("", "ChargingScheduleAllowedChargingRateUnit")] = ("A" if charger.amperes else "W", False)
        else:
            self._values[("SmartChargingCtrlr", "Enabled")] = ("true", False)
            self._values[("ChargingStation", "SupplyPhases")] = ("3", False)
            self._values[("EVSE", "AvailabilityState")] = ("Available", False)
        if charger.v2g is V2g.DYNAMIC and not self._old:
            self._values[("V2XChargingCtrlr", "Enabled")] = ("true", False)
            self._values[("V2XChargingCtrlr", "SupportedOperationModes")] = ("ChargingOnly,CentralSetpoint", False)

    def whole(self, name: str) -> int:
        """A setting of the twin's own, as a whole number."""
        return int(self._values[self._where[name]][0])

    def put(self, name: str, value: int) -> None:
        """Set one of the twin's own."""
        self._values[self._where[name]] = (str(value), True)

    def get(self, asked: tuple[Variable, ...]) -> tuple[Variable, ...]:
        """Read; in 1.6 nothing named means all."""
        return tuple(map(self._read, asked)) if asked or not self._old else tuple(self.all())

    def set(self, asked: tuple[Variable, ...]) -> tuple[Variable, ...]:
        """Write what may be written and fits (a number is whole and not below 0); say of each what came of it."""
        return tuple(self._write(one) for one in asked)

    def all(self) -> Iterator[Variable]:
        """The whole device model."""
        for (component, name), (value, writable) in self._values.items():
            yield Variable(component=component, name=name, value=value, writable=writable)

    def _read(self, asked: Variable) -> Variable:
        found = self._values.get((asked.component, asked.name))
        if found is None:
            return _told(asked, None, "UnknownVariable")
        return Variable(component=asked.component, name=asked.name, value=found[0], evse=asked.evse, writable=found[1])

    def _write(self, asked: Variable) -> Variable:
        place = (asked.component, asked.name)
        if place not in self._values:
            return _told(asked, asked.value, "NotSupported" if self._old else "UnknownVariable")
        fits = place in _TEXTS[self._old] or (asked.value or "").isdigit()
        if not self._values[place][1] or not fits:
            return _told(asked, asked.value, "Rejected")
        self._values[place] = (str(asked.value), True)
        return _told(asked, asked.value, "Accepted")


def _told(asked: Variable, value: str | None, status: str) -> Variable:
    return Variable(
        component=asked.component,
        name=asked.name,
        value=value,
        evse=asked.evse,
        instance=asked.instance,
        status=status,
    )
