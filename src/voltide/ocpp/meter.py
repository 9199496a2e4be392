"""What meters say, in every spelling: one signed power, two registers, W and Wh inside.

A missing measurand is the import register and a missing unit of energy is Wh, as the standard says. A value with a
phase is a part; parts are added up only where no total is told. The sign turns here: import less export.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias

from voltide.domain.messages import Json, Sample
from voltide.domain.site import OcppVersion
from voltide.domain.time import stamp
from voltide.ocpp.wire import maybe_moment, number, tenths

IMPORT = "Energy.Active.Import.Register"
EXPORT = "Energy.Active.Export.Register"
POWER_IN = "Power.Active.Import"
POWER_OUT = "Power.Active.Export"
SOC = "SoC"
VOLTAGE = "Voltage"
PERIODIC = "Sample.Periodic"
_FACTORS = {
    IMPORT: {None: 1.0, "Wh": 1.0, "kWh": 1000.0},
    EXPORT: {None: 1.0, "Wh": 1.0, "kWh": 1000.0},
    POWER_IN: {None: 1.0, "W": 1.0, "kW": 1000.0, "Wh": 1.0},
    POWER_OUT: {None: 1.0, "W": 1.0, "kW": 1000.0, "Wh": 1.0},
    SOC: {None: 0.01, "Percent": 0.01, "%": 0.01, "Wh": 0.01},
    VOLTAGE: {None: 1.0, "V": 1.0, "kV": 1000.0, "Wh": 1.0},
}
"""What one of a unit is inside. OCPP 2 gives "Wh" as the default unit of everything, so it may stand for no unit."""
_PLACES = ("Outlet", "Cable", "Inlet", "EV", "Body", "Upstream")
"""Where we believe a value first."""


class _Reading(NamedTuple):
    measurand: str
    value: float
    phase: str | None
    place: str
    context: str


_Told: TypeAlias = dict[str, list[_Reading]]
"""Readings by measurand."""


def samples(values: Iterable[Json], otherwise: datetime) -> tuple[Sample, ...]:
    """Meter values of the wire as samples, one per time and context; what says nothing is left out.

    >>> told = {"timestamp": "2026-01-01T00:00:00Z", "sampledValue": [{"value": "1.5", "unit": "kWh"}]}
    >>> samples([told], datetime(2026, 1, 1))[0].import_wh
    1500.0
    """
    found: list[Sample] = []
    for value in values:
        at = maybe_moment(value.get("timestamp")) or otherwise
        items = [item for item in value.get("sampledValue", ()) if isinstance(item, dict)]
        signed = _signed(items)
        told: dict[str, _Told] = {} if signed is None else {PERIODIC: {}}
        for reading in (_reading(item) for item in items):
            if reading is not None:
                told.setdefault(reading.context, {}).setdefault(reading.measurand, []).append(reading)
        if len(told) > 1 and not told.get(PERIODIC, True):
            del told[PERIODIC]  # the signed value belongs to the contexts that were told
        found += [_sample(at, context, here, signed) for context, here in told.items()]
    return tuple(found)


def _reading(item: Json) -> _Reading | None:
    """One value in inside units, or None when it says nothing we keep."""
    measurand = item.get("measurand", IMPORT)
    if measurand not in _FACTORS or item.get("format") == "SignedData":
        return None
    measure = item.get("unitOfMeasure") or {}
    factor = _FACTORS[measurand].get(item.get("unit", measure.get("unit")))
    value, power = number(item.get("value")), measure.get("multiplier", 0)
    if value is None or factor is None or not -12 <= power <= 12:
        return None
    scaled = value * factor * 10.0**power if power else value * factor
    place, context = item.get("location", "Outlet"), item.get("context", PERIODIC)
    return _Reading(measurand, scaled, item.get("phase"), place, context)


def _signed(items: list[Json]) -> str | None:
    """The signed value, verbatim."""
    for item in items:
        signed: Any = item.get("signedMeterValue", {}).get("signedMeterData")
        if signed is None and item.get("format") == "SignedData":
            signed = item.get("value")
        if isinstance(signed, str):
            return signed
    return None


def _sample(at: datetime, context: str, here: _Told, signed: str | None) -> Sample:
    power = _total(here, POWER_IN)
    out = _total(here, POWER_OUT)
    if out is not None:
        # A charger that signs its import already says the same thing twice.
        power = power if power is not None and power < 0 else (power or 0.0) - abs(out)
    soc = _total(here, SOC)
    return Sample(
        at=at,
        import_wh=_total(here, IMPORT),
        export_wh=_total(here, EXPORT),
        power_w=power,
        soc=soc if soc is None or 0 <= soc <= 1 else None,
        voltage_v=_voltage(here),
        context=context,
        signed=signed,
    )


def _believed(same: list[_Reading]) -> list[_Reading]:
    """The readings of one measurand at the place that we believe first."""
    if len(same) < 2:
        return same
    places = {reading.place for reading in same}
    best = next((place for place in _PLACES if place in places), None)
    return [reading for reading in same if reading.place == best]


def _total(told: _Told, measurand: str) -> float | None:
    """The total, or else the sum of the phases."""
    if measurand not in told:
        return None
    same = _believed(told[measurand])
    whole = [reading.value for reading in same if reading.phase is None]
    if whole:
        return whole[-1]
    parts = {reading.phase[:2]: reading.value for reading in same if reading.phase and reading.phase[0] == "L"}
    return sum(parts.values()) if parts else None


def _voltage(told: _Told) -> float | None:
    """The total, or else the mean of the phases against neutral."""
    same = _believed(told.get(VOLTAGE, []))
    whole = [reading.value for reading in same if reading.phase is None]
    parts = [reading.value for reading in same if reading.phase in {"L1", "L2", "L3", "L1-N", "L2-N", "L3-N"}]
    return whole[-1] if whole else sum(parts) / len(parts) if parts else None


def values(version: OcppVersion, told: Iterable[Sample]) -> list[Json]:
    """Samples as meter values of the wire; samples that say nothing are left out."""
    made = []
    for sample in told:
        items = _items(version, sample)
        if items:
            made.append({"timestamp": stamp(sample.at), "sampledValue": items})
    return made


def _items(version: OcppVersion, sample: Sample) -> list[Json]:
    """Every value of a sample with its measurand, unit and context."""
    power = sample.power_w
    facts = [(IMPORT, sample.import_wh, "Wh"), (EXPORT, sample.export_wh, "Wh")]
    if power is not None:
        facts.append((POWER_OUT, -power, "W") if power < 0 else (POWER_IN, power, "W"))
    facts.append((SOC, None if sample.soc is None else sample.soc * 100, "Percent"))
    facts.append((VOLTAGE, sample.voltage_v, "V"))
    said = [_item(version, sample.context, *fact) for fact in facts if fact[1] is not None]
    if sample.signed is not None and version is OcppVersion.V16:
        said.append({"value": sample.signed, "format": "SignedData", "context": sample.context})
    elif sample.signed is not None and said:
        method = {"signingMethod": "", "encodingMethod": "OCMF", "publicKey": ""}
        said[0]["signedMeterValue"] = {"signedMeterData": sample.signed} | method
    return said


def _item(version: OcppVersion, context: str, measurand: str, value: float | None, unit: str) -> Json:
    shown = tenths(value or 0.0)
    if version is OcppVersion.V16:
        return {"value": f"{shown:.1f}", "measurand": measurand, "unit": unit, "context": context}
    return {"value": shown, "measurand": measurand, "unitOfMeasure": {"unit": unit}, "context": context}
