"""What a charger says of itself, read as outlets: OCPP 2's device model, or the configuration keys of 1.6.

Nothing here is believed beyond reason: a figure that no outlet can have is as good as not said, and what is not said is
assumed low and marked as assumed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from voltide.domain.dossier import Pile, Plate
from voltide.domain.messages import Json, Variable
from voltide.domain.site import OcppVersion, V2g
from voltide.domain.units import Watts
from voltide.ocpp.wire import number

ASSUMED_W: Watts = 11_000.0
"""A careful guess for an outlet that does not say its power: 16 A on three phases."""
FALLBACK_W: Watts = 4_200.0
"""A newcomer's safe power: a little over 6 A on three phases, below which an AC car does not charge at all."""
MOST_OUTLETS = 64
_MOST_W: Watts = 2_000_000.0
_UNITS = {"kw": 1000.0, "mw": 1_000_000.0}
WANTED = (
    ("EVSE", "Power"),
    ("EVSE", "SupplyPhases"),
    ("SmartChargingCtrlr", "Enabled"),
    ("SmartChargingCtrlr", "RateUnit"),
    ("V2XChargingCtrlr", "Enabled"),
    ("V2XChargingCtrlr", "SupportedOperationModes"),
)
"""What is asked for by name where a charger gives no report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """What a quirk file says of a model that does not say it itself."""

    outlets: int | None = None
    charge_w: Watts | None = None
    discharge_w: Watts | None = None
    v2g: V2g | None = None
    rate_key: str | None = None
    """The 1.6 key that holds an outlet's power, in W or, with a unit behind a slash, in that: ``MaxPower/kW``."""
    amperes: bool | None = None
    steered: bool | None = None
    falls_back: bool = True
    """It takes a safe power for when no setpoint is in force."""


def answered(answer: Json) -> Iterator[Variable]:
    """The variables that a charger has, by its answer to GetVariables or (1.6) GetConfiguration."""
    for item in answer.get("getVariableResult", ()):
        if item.get("attributeStatus") == "Accepted":
            component, name = item["component"], item["variable"]["name"]
            evse = component.get("evse", {}).get("id")
            yield Variable(component=component["name"], name=name, value=item.get("attributeValue"), evse=evse)
    for item in answer.get("configurationKey", ()):
        yield Variable(component="", name=item["key"], value=item.get("value"))


def pile(version: OcppVersion, said: Iterable[Variable], hints: Hints | None = None) -> Pile:
    """What the station takes a charger to be."""
    known = list(said)
    hints = hints or Hints()
    found = _pile16(known, hints) if version is OcppVersion.V16 else _pile2(version, known, hints)
    return Pile(
        plates=found.plates,
        fallback_w=FALLBACK_W if hints.falls_back else _MOST_W,
        v2g=found.v2g,
        amperes=found.amperes if hints.amperes is None else hints.amperes,
        steered=found.steered if hints.steered is None else hints.steered,
    )


# --- 1.6 ---


def _pile16(known: list[Variable], hints: Hints) -> Pile:
    keys = {entry.name: (entry.value or "").strip() for entry in known}
    count = hints.outlets or int(number(keys.get("NumberOfConnectors")) or 1)
    said = hints.charge_w
    if hints.rate_key is not None:
        key, _, unit = hints.rate_key.partition("/")
        said = _power(number(keys.get(key)), unit) or said
    rates = {part.strip().lower() for part in keys.get("ChargingScheduleAllowedChargingRateUnit", "").split(",")}
    profiles = keys.get("SupportedFeatureProfiles")
    return Pile(
        plates=tuple(_plate(place, said, None) for place in range(1, _bounded(count) + 1)),
        fallback_w=FALLBACK_W,
        amperes=bool(rates & {"current", "a"}) and not rates & {"power", "w"},
        steered=profiles is None or "smartcharging" in profiles.replace(" ", "").lower(),
    )


# --- 2.0.1 and 2.1 ---


def _pile2(version: OcppVersion, known: list[Variable], hints: Hints) -> Pile:
    numbers = sorted({entry.evse for entry in known if entry.evse} | set(range(1, (hints.outlets or 0) + 1))) or [1]
    numbers = [place for place in numbers if 0 < place <= MOST_OUTLETS]
    v2g = _gives_back(version, known) if hints.v2g is None else hints.v2g
    plates = []
    for place in numbers or [1]:
        power = _at(known, "EVSE", "Power", place)
        charge = _power(power.highest, power.unit or "") if power is not None else None
        back = -power.lowest if power is not None and power.lowest is not None and power.lowest < 0 else None
        given = _power(back, power.unit or "") if power is not None else None
        plate = _plate(place, charge or hints.charge_w, given or hints.discharge_w, gives=v2g is not V2g.NONE)
        plates.append(_with_sockets(plate, known))
    steered = _at(known, "SmartChargingCtrlr", "Enabled", None)
    rate = _at(known, "SmartChargingCtrlr", "RateUnit", None)
    units = {part.strip().upper() for part in ((rate.value or "") if rate is not None else "").split(",")}
    return Pile(
        plates=tuple(plates),
        fallback_w=FALLBACK_W,
        v2g=v2g,
        amperes="A" in units and "W" not in units,
        steered=steered is None or (steered.value or "").lower() != "false",
    )


def _gives_back(version: OcppVersion, known: list[Variable]) -> V2g:
    """Only a 2.1 charger that says it follows a central setpoint is asked for power back."""
    if version is not OcppVersion.V21:
        return V2g.NONE
    enabled = any(
        entry.component == "V2XChargingCtrlr" and entry.name == "Enabled" and (entry.value or "").lower() == "true"
        for entry in known
    )
    modes = {
        mode.strip()
        for entry in known
        if entry.component == "V2XChargingCtrlr" and entry.name == "SupportedOperationModes"
        for mode in (entry.value or "").split(",")
    }
    return V2g.DYNAMIC if enabled and "CentralSetpoint" in modes else V2g.NONE


def _at(known: list[Variable], component: str, name: str, evse: int | None) -> Variable | None:
    """A variable of an outlet, or of the whole charger; an outlet that is silent is as its charger says."""
    here = [entry for entry in known if entry.component == component and entry.name == name]
    own = next((entry for entry in here if entry.evse == evse and entry.connector is None), None)
    return own or next((entry for entry in here if entry.evse is None), None)


def _with_sockets(plate: Plate, known: list[Variable]) -> Plate:
    sockets = {entry.connector for entry in known if entry.evse == plate.number and entry.connector}
    phases = _at(known, "EVSE", "SupplyPhases", plate.number) or _at(known, "ChargingStation", "SupplyPhases", None)
    count = number(phases.value) if phases is not None else None
    return Plate(
        number=plate.number,
        charge_w=plate.charge_w,
        discharge_w=plate.discharge_w,
        connectors=min(max(len(sockets), 1), 16),
        phases=int(count) if count in {0.0, 1.0, 2.0, 3.0} else None,
        assumed=plate.assumed,
    )


# --- both ---


def _plate(place: int, charge: Watts | None, back: Watts | None, *, gives: bool = False) -> Plate:
    """What is not said is assumed: the charge low, and the discharge no more than the charge."""
    assumed = ["charge_w"] if charge is None else []
    most = ASSUMED_W if charge is None else charge
    given = 0.0
    if gives:
        given = most if back is None else back
        assumed += ["discharge_w"] if back is None else []
    return Plate(number=place, charge_w=most, discharge_w=given, assumed=tuple(assumed))


def _power(value: float | None, unit: str) -> Watts | None:
    """A power in W, when it is one that an outlet can have."""
    power = None if value is None else value * _UNITS.get(unit.strip().lower(), 1.0)
    return power if power is not None and 0.0 < power <= _MOST_W else None


def _bounded(count: int) -> int:
    return min(max(count, 1), MOST_OUTLETS)
