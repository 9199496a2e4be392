"""What car and driver want, as ISO 15118 told the charger and OCPP 2 tells us."""

from datetime import datetime
from typing import Any

from voltide.domain.messages import Json, NeedsTold
from voltide.domain.site import OcppVersion
from voltide.domain.time import stamp
from voltide.ocpp.wire import fraction, maybe_moment, number, percent

_BOTH_WAYS = frozenset({"AC_BPT", "AC_BPT_DER", "DC_BPT", "DC_ACDP_BPT"})
_VOLTS = 400.0
"""The DC voltage that a current is said with, where the schema wants one and the car told a power."""


def read_needs(payload: Json) -> NeedsTold:
    """A NotifyEVChargingNeeds: v2x parameters first, else those for DC, else those for AC."""
    needs = payload["chargingNeeds"]
    dc, ac = needs.get("dcChargingParameters", {}), needs.get("acChargingParameters", {})
    v2x = needs.get("v2xChargingParameters", {})
    soc, capacity = fraction(dc.get("stateOfCharge")), number(dc.get("evEnergyCapacity"))
    discharge = _phases(v2x, "maxDischargePower")
    return NeedsTold(
        evse=payload["evseId"],
        at=maybe_moment(payload.get("timestamp")),
        departure=maybe_moment(needs.get("departureTime")),
        energy_wh=_first(v2x.get("evTargetEnergyRequest"), dc.get("energyAmount"), ac.get("energyAmount")),
        soc=soc,
        target_soc=fraction(v2x.get("targetSoC")),
        capacity_wh=capacity,
        charge_w=_first(_phases(v2x, "maxChargePower"), dc.get("evMaxPower"), _of_currents(dc), _of_ac(needs, ac)),
        discharge_w=None if discharge is None else abs(discharge),
        floor_wh=_floor(v2x.get("evMinV2XEnergyRequest"), soc, capacity),
        v2x=needs["requestedEnergyTransfer"] in _BOTH_WAYS or bool(discharge),
    )


def _first(*values: Any) -> float | None:
    return next((found for value in values if (found := number(value)) is not None), None)


def _phases(params: Json, name: str) -> float | None:
    """A power that is told for all phases together, or for each."""
    parts = [number(params.get(key)) for key in (name, f"{name}_L2", f"{name}_L3")]
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def _of_currents(params: Json) -> float | None:
    """The power of a DC car that tells current and voltage only."""
    amperes, volts = number(params.get("evMaxCurrent")), number(params.get("evMaxVoltage"))
    return None if amperes is None or volts is None else amperes * volts


def _of_ac(needs: Json, params: Json) -> float | None:
    """The power of an AC car: its current on as many phases as it asks for, against neutral."""
    phases = {"AC_single_phase": 1, "AC_two_phase": 2}.get(needs["requestedEnergyTransfer"], 3)
    one = _of_currents(params)
    return None if one is None else one * phases


def _floor(request: Any, soc: float | None, capacity: float | None) -> float | None:
    """The energy that the car must keep: what it has, plus (or, when negative, less) what it wants before giving."""
    wanted = number(request)
    if wanted is None or soc is None or capacity is None:
        return None
    return min(max(0.0, soc * capacity + wanted), capacity)


def say_needs(version: OcppVersion, fact: NeedsTold) -> Json:
    """The same for the wire; 2.0.1 has no words for giving back, so there it is left unsaid."""
    both = version is OcppVersion.V21
    whole = (lambda value: value) if both else _round
    power = fact.charge_w or 0.0
    needs: Json = {
        "requestedEnergyTransfer": "DC_BPT" if fact.v2x and both else "DC",
        "departureTime": _stamp(fact.departure),
        "dcChargingParameters": {
            "evMaxCurrent": whole(power / _VOLTS),
            "evMaxVoltage": whole(_VOLTS),
            "evMaxPower": whole(fact.charge_w),
            "energyAmount": whole(fact.energy_wh),
            "evEnergyCapacity": whole(fact.capacity_wh),
            "stateOfCharge": percent(fact.soc),
        },
    }
    if both:
        needs["v2xChargingParameters"] = {
            "maxChargePower": fact.charge_w,
            "maxDischargePower": fact.discharge_w if fact.v2x else None,
            "evTargetEnergyRequest": fact.energy_wh,
            "evMinV2XEnergyRequest": _above(fact),
            "targetSoC": percent(fact.target_soc),
        }
    return {"evseId": fact.evse, "chargingNeeds": needs, "timestamp": _stamp(fact.at) if both else None}


def _above(fact: NeedsTold) -> float | None:
    """How far the floor lies above what the car holds, by the SoC that the wire can say."""
    if fact.floor_wh is None or fact.soc is None or fact.capacity_wh is None:
        return None
    return fact.floor_wh - round(fact.soc * 100) / 100 * fact.capacity_wh


def _round(value: float | None) -> int | None:
    return None if value is None else round(value)


def _stamp(at: datetime | None) -> str | None:
    return None if at is None else stamp(at)
