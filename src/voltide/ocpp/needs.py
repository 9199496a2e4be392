"""What car and driver want, as ISO 15118 told the charger and OCPP 2 tells us."""

from typing import Any

from voltide.domain.messages import Json, NeedsTold
from voltide.domain.site import OcppVersion
from voltide.ocpp.wire import fraction, maybe_moment, maybe_stamp, number, percent

_BOTH_WAYS = frozenset({"AC_BPT", "AC_BPT_DER", "DC_BPT", "DC_ACDP_BPT"})
_OLD_MODES = frozenset({"DC", "AC_single_phase", "AC_two_phase", "AC_three_phase"})
"""The energy transfers of 2.0.1."""
_PHASES = {"AC_single_phase": 1, "AC_two_phase": 2}
_DC_V, _AC_V = 400.0, 230.0
"""The voltages that a current is said with, where the schema wants one and the car told a power."""


def read_needs(payload: Json) -> NeedsTold:
    """A NotifyEVChargingNeeds: v2x parameters first, else those for DC, else those for AC."""
    needs = payload["chargingNeeds"]
    dc, ac = needs.get("dcChargingParameters", {}), needs.get("acChargingParameters", {})
    v2x, mode = needs.get("v2xChargingParameters", {}), needs["requestedEnergyTransfer"]
    soc, capacity = fraction(dc.get("stateOfCharge")), number(dc.get("evEnergyCapacity"))
    discharge = _first(_phases(v2x, "maxDischargePower"), _product(v2x, "maxDischargeCurrent", "maxVoltage"))
    energy = _first(v2x.get("evTargetEnergyRequest"), dc.get("energyAmount"), ac.get("energyAmount"))
    return NeedsTold(
        evse=payload["evseId"],
        at=maybe_moment(payload.get("timestamp")),
        departure=maybe_moment(needs.get("departureTime")),
        energy_wh=None if energy is None else max(energy, 0.0),  # negative: it holds more than it wants
        soc=soc,
        target_soc=fraction(v2x.get("targetSoC")),
        capacity_wh=capacity,
        charge_w=_charge(mode, v2x, dc, ac),
        discharge_w=None if discharge is None else abs(discharge),
        floor_wh=_floor(v2x.get("evMinV2XEnergyRequest"), soc, capacity),
        v2x=mode in _BOTH_WAYS or bool(discharge),
        mode=mode,
        modes=tuple(needs.get("availableEnergyTransfer", ())),
        control=needs.get("controlMode"),
        most_schedules=payload.get("maxScheduleTuples"),
    )


def _charge(mode: str, v2x: Json, dc: Json, ac: Json) -> float | None:
    """The most that the car takes. An AC car tells its current on each of the phases that it asks for."""
    one = _product(ac, "evMaxCurrent", "evMaxVoltage")
    return _first(
        _phases(v2x, "maxChargePower"),
        _product(v2x, "maxChargeCurrent", "maxVoltage"),
        dc.get("evMaxPower"),
        _product(dc, "evMaxCurrent", "evMaxVoltage"),
        None if one is None else one * _PHASES.get(mode, 3),
    )


def _first(*values: Any) -> float | None:
    return next((found for value in values if (found := number(value)) is not None), None)


def _phases(params: Json, name: str) -> float | None:
    """A power that is told for all phases together, or for each."""
    parts = [number(params.get(key)) for key in (name, f"{name}_L2", f"{name}_L3")]
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def _product(params: Json, current: str, voltage: str) -> float | None:
    """The power of a car that tells current and voltage only; a product of nothing is not told."""
    amperes, volts = number(params.get(current)), number(params.get(voltage))
    return (amperes * volts or None) if amperes is not None and volts is not None else None


def _floor(request: Any, soc: float | None, capacity: float | None) -> float | None:
    """The energy that the car must keep: what it has, plus (or, when negative, less) what it wants before giving."""
    wanted = number(request)
    if wanted is None or soc is None or capacity is None:
        return None
    return min(max(0.0, soc * capacity + wanted), capacity)


# --- the same for the wire ---


def say_needs(version: OcppVersion, fact: NeedsTold) -> Json:
    """What a charger tells; 2.0.1 has no words for giving back, so there it is left unsaid."""
    modern, mode = version is OcppVersion.V21, _mode(version, fact)
    parameters = "acChargingParameters" if mode.startswith("AC") else "dcChargingParameters"
    told = _ac(mode, fact) if mode.startswith("AC") else _dc(fact)
    needs: Json = {
        "requestedEnergyTransfer": mode,
        "departureTime": maybe_stamp(fact.departure),
        parameters: told if told is None or modern else {key: _round(value) for key, value in told.items()},
    }
    if modern:
        needs |= {
            "v2xChargingParameters": _v2x(fact),
            "availableEnergyTransfer": list(fact.modes) or None,
            "controlMode": fact.control,
        }
    body = {"evseId": fact.evse, "chargingNeeds": needs, "maxScheduleTuples": fact.most_schedules}
    return body | {"timestamp": maybe_stamp(fact.at) if modern else None}


def _mode(version: OcppVersion, fact: NeedsTold) -> str:
    """The energy transfer as the version can name it."""
    mode = fact.mode or ("DC_BPT" if fact.v2x else "DC")
    if version is OcppVersion.V21 or mode in _OLD_MODES:
        return mode
    return "AC_three_phase" if mode.startswith("AC") else "DC"


def _dc(fact: NeedsTold) -> Json | None:
    """What a DC car tells; the schema wants a current and a voltage beside all that."""
    told = {
        "evMaxPower": fact.charge_w,
        "energyAmount": fact.energy_wh,
        "evEnergyCapacity": fact.capacity_wh,
        "stateOfCharge": percent(fact.soc),
    }
    if all(value is None for value in told.values()):
        return None
    return told | {"evMaxCurrent": (fact.charge_w or 0.0) / _DC_V, "evMaxVoltage": _DC_V}


def _ac(mode: str, fact: NeedsTold) -> Json | None:
    """What an AC car tells; the schema wants an amount of energy with it."""
    if fact.energy_wh is None:
        return None
    current = (fact.charge_w or 0.0) / _AC_V / _PHASES.get(mode, 3)
    return {"energyAmount": fact.energy_wh, "evMinCurrent": 0.0, "evMaxCurrent": current, "evMaxVoltage": _AC_V}


def _v2x(fact: NeedsTold) -> Json:
    return {
        "maxChargePower": fact.charge_w,
        "maxDischargePower": fact.discharge_w if fact.v2x else None,
        "evTargetEnergyRequest": fact.energy_wh,
        "evMinV2XEnergyRequest": _above(fact),
        "targetSoC": percent(fact.target_soc),
    }


def _above(fact: NeedsTold) -> float | None:
    """How far the floor lies above what the car holds, by the SoC that the wire can say."""
    if fact.floor_wh is None or fact.soc is None or fact.capacity_wh is None:
        return None
    return fact.floor_wh - round(fact.soc * 100) / 100 * fact.capacity_wh


def _round(value: float | None) -> int | None:
    return None if value is None else round(value)
