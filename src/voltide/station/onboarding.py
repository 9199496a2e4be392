"""What a charger is told when it has started: its fallback first, then how to measure."""

import structlog

from voltide.domain.messages import (
    Accepted,
    ApplyFallback,
    ChargerOrder,
    OrderResult,
    SetVariables,
    Trigger,
    Variable,
)
from voltide.domain.site import Charger, OcppVersion
from voltide.domain.time import Clock
from voltide.station.line import Line

log = structlog.get_logger()

PING_S = 5
"""How often a charger looks whether its line is alive; it gives up after two silent looks."""

_MEASURANDS = (
    "Energy.Active.Import.Register",
    "Energy.Active.Export.Register",
    "Power.Active.Import",
    "Power.Active.Export",
    "SoC",
)
_MEASURANDS_16 = ("Energy.Active.Import.Register", "Power.Active.Import", "SoC")


def orders(charger: Charger, version: OcppVersion, sample_s: int, clock: Clock) -> list[ChargerOrder]:
    """The orders, the safest first."""
    fallbacks: list[ChargerOrder] = [
        ApplyFallback(evse=evse.number, power_w=evse.fallback_w, now=clock.now()) for evse in charger.evses
    ]
    status: list[ChargerOrder] = [Trigger(message="StatusNotification", evse=evse.number) for evse in charger.evses]
    return [*fallbacks, *_noticing(version), *_measuring(version, sample_s), *status]


def _noticing(version: OcppVersion) -> list[ChargerOrder]:
    """A dynamic setpoint ends some time after the charger notices that it is alone, so it must notice soon."""
    where = "" if version is OcppVersion.V16 else "OCPPCommCtrlr"
    ping = Variable(component=where, name="WebSocketPingInterval", value=str(PING_S))
    return [SetVariables(variables=(ping,))]


def _measuring(version: OcppVersion, sample_s: int) -> list[ChargerOrder]:
    """One order for each variable: a charger that does not know one still takes the others."""
    if version is OcppVersion.V16:
        keys = {
            "MeterValueSampleInterval": str(sample_s),
            "MeterValuesSampledData": ",".join(_MEASURANDS_16),
        }
        return [SetVariables(variables=(Variable(component="", name=k, value=v),)) for k, v in keys.items()]
    data = ",".join(_MEASURANDS)
    keys = {
        "TxUpdatedInterval": str(sample_s),
        "TxUpdatedMeasurands": data,
        "TxStartedMeasurands": data,
        "TxEndedMeasurands": data,
    }
    return [SetVariables(variables=(Variable(component="SampledDataCtrlr", name=k, value=v),)) for k, v in keys.items()]


async def welcome(line: Line, sample_s: int, clock: Clock) -> list[tuple[ChargerOrder, OrderResult]]:
    """Say them one after the other; gives those that were not accepted."""
    refused: list[tuple[ChargerOrder, OrderResult]] = []
    for order in orders(line.charger, line.version, sample_s, clock):
        result = await line.order(order)
        if not isinstance(result, Accepted):
            refused.append((order, result))
            log.warning("onboarding.refused", charger=line.charger.id, order=type(order).__name__, why=result.reason)
    return refused
