"""The device model as OCPP 2 reads, writes and reports it (B05 to B08)."""

from collections.abc import Callable
from typing import ClassVar

from voltide.domain.messages import Json
from voltide.domain.time import stamp
from voltide.twin.bay import Bay
from voltide.twin.blocks.block import Block, Box, pages
from voltide.twin.variables import Spot

_PAGE = ("DeviceDataCtrlr", "ItemsPerMessage", "GetReport")
_SUMMARY = frozenset({"AvailabilityState", "Problem"})
_COLD, _WARM = 25.0, 35.0
"""An outlet's temperature at no power, and how much warmer it is at its rating; illustrative."""


class Inventory(Block):
    """Tells what the charger is made of."""

    def __init__(self, box: Box) -> None:
        super().__init__(box)
        box.variables.live.update(_live(box))

    # --- one by one ---

    def find(self, asked: Json) -> Spot | str:
        """The variable that a message names, or which word says that there is none."""
        component, variable = asked["component"], asked.get("variable", {})
        evse = component.get("evse", {})
        name = (component["name"], variable.get("name", ""), variable.get("instance", ""))
        spot = (
            None if "instance" in component else self.box.variables.find(name, evse.get("id"), evse.get("connectorId"))
        )
        if spot is not None:
            return spot
        return "UnknownVariable" if self.box.variables.has(component["name"]) else "UnknownComponent"

    def _get(self, body: Json) -> Json:
        return {"getVariableResult": [self._read(asked) for asked in body["getVariableData"]]}

    def _read(self, asked: Json) -> Json:
        told = {key: asked[key] for key in ("component", "variable", "attributeType") if key in asked}
        spot = self.find(asked)
        if isinstance(spot, str):
            return told | {"attributeStatus": spot}
        if asked.get("attributeType", "Actual") != "Actual":
            return told | {"attributeStatus": "NotSupportedAttributeType"}
        if spot.row.access == "WriteOnly":
            return told | {"attributeStatus": "Rejected", "attributeStatusInfo": {"reasonCode": "WriteOnly"}}
        return told | {"attributeStatus": "Accepted", "attributeValue": self.box.variables.read(spot)}

    def _set(self, body: Json) -> Json:
        return {"setVariableResult": [self._write(asked) for asked in body["setVariableData"]]}

    def _write(self, asked: Json) -> Json:
        told = {key: asked[key] for key in ("component", "variable", "attributeType") if key in asked}
        spot = self.find(asked)
        if isinstance(spot, str):
            return told | {"attributeStatus": spot}
        if asked.get("attributeType", "Actual") != "Actual":
            return told | {"attributeStatus": "NotSupportedAttributeType"}
        status = self.box.variables.write(spot, asked["attributeValue"])
        if status != "Rejected":
            return told | {"attributeStatus": status}
        why = "ReadOnly" if spot.row.access == "ReadOnly" else "InvalidValue"
        return told | {"attributeStatus": status, "attributeStatusInfo": {"reasonCode": why}}

    # --- reports ---

    def _base(self, body: Json) -> Json:
        base = body["reportBase"]
        chosen = [
            spot
            for spot in self.box.variables.spots()
            if base == "FullInventory"
            or (base == "ConfigurationInventory" and spot.row.access != "ReadOnly")
            or (base == "SummaryInventory" and spot.row.name[1] in _SUMMARY)
        ]
        return self._tell(body["requestId"], chosen)

    def _report(self, body: Json) -> Json:
        criteria, wanted = body.get("componentCriteria", []), body.get("componentVariable", [])
        chosen = [
            spot
            for spot in self.box.variables.spots()
            if (not criteria or any(self._meets(spot, one) for one in criteria))
            and (not wanted or any(matches(spot, one) for one in wanted))
        ]
        return self._tell(body["requestId"], chosen)

    def _meets(self, spot: Spot, criterion: str) -> bool:
        """Whether a variable's component is Active, Available, Enabled or has a Problem; B08.FR.07 to FR.11."""
        mark = self.box.variables.find((spot.row.name[0], criterion, ""), spot.evse, spot.connector)
        if mark is None:
            return criterion != "Problem"
        return self.box.variables.read(mark) == "true"

    def _tell(self, request: int, spots: list[Spot]) -> Json:
        if not spots:
            return {"status": "EmptyResultSet"}
        size, at = self.box.variables.whole(_PAGE), stamp(self.box.clock.now())
        for part, more, rows in pages([self._row(spot) for spot in spots], size):
            body = {"requestId": request, "generatedAt": at, "seqNo": part, "tbc": more, "reportData": rows}
            self.box.call("NotifyReport", body)
        return {"status": "Accepted"}

    def _row(self, spot: Spot) -> Json:
        row, (low, high) = spot.row, self.box.variables.bounds(spot)
        value = None if row.access == "WriteOnly" else self.box.variables.read(spot)
        attribute = {"value": value, "mutability": row.access, "persistent": True, "constant": False}
        bounds = {"unit": row.unit or None, "minLimit": low, "maxLimit": high, "valuesList": row.choices or None}
        return place(spot) | {
            "variableAttribute": [attribute],
            "variableCharacteristics": {"dataType": row.kind, "supportsMonitoring": row.monitor} | bounds,
        }

    ACTS: ClassVar = {
        "GetBaseReport": _base,
        "GetReport": _report,
        "GetVariables": _get,
        "SetVariables": _set,
    }


def place(spot: Spot) -> Json:
    """Where a variable is, as a message says it."""
    component, variable, instance = spot.row.name
    evse = None if spot.evse is None else {"id": spot.evse, "connectorId": spot.connector}
    return {
        "component": {"name": component, "evse": evse},
        "variable": {"name": variable, "instance": instance or None},
    }


def matches(spot: Spot, wanted: Json) -> bool:
    """Whether a variable is one of those that are asked for; what is not said matches all."""
    component, variable = wanted["component"], wanted.get("variable")
    evse = component.get("evse", {})
    return (
        component["name"] == spot.row.name[0]
        and "instance" not in component
        and evse.get("id") in {None, spot.evse}
        and evse.get("connectorId") in {None, spot.connector}
        and (variable is None or (variable["name"], variable.get("instance", "")) == spot.row.name[1:])
    )


def _live(box: Box) -> dict[tuple[str, str, str], Callable[[Spot], str]]:
    """What is measured."""

    def bay(spot: Spot) -> Bay:
        return box.bays[spot.evse or 1]

    def state(spot: Spot) -> str:
        return bay(spot).state.value

    def of_all(_spot: Spot) -> str:
        states = {one.state.value for one in box.bays.values()}
        return states.pop() if len(states) == 1 else "Available"

    def problem(spot: Spot) -> str:
        bays = list(box.bays.values()) if spot.evse is None else [bay(spot)]
        return "true" if any(one.fault is not None for one in bays) else "false"

    def power(spot: Spot) -> str:
        return f"{bay(spot).outlet.power_w:.1f}"

    def volts(spot: Spot) -> str:
        return f"{bay(spot).outlet.volts:.1f}"

    def current(spot: Spot) -> str:
        outlet = bay(spot).outlet
        return f"{outlet.power_w / outlet.volts:.2f}"

    def warmth(spot: Spot) -> str:
        outlet = bay(spot).outlet
        return f"{_COLD + _WARM * (outlet.power_w / outlet.evse.charge_w) ** 2:.1f}"

    return {
        ("ChargingStation", "AvailabilityState", ""): of_all,
        ("ChargingStation", "Problem", ""): problem,
        ("EVSE", "AvailabilityState", ""): state,
        ("EVSE", "Problem", ""): problem,
        ("EVSE", "Power", ""): power,
        ("EVSE", "Voltage", ""): volts,
        ("EVSE", "Current", ""): current,
        ("TemperatureSensor", "Temperature", ""): warmth,
        ("Connector", "AvailabilityState", ""): state,
        ("ElectricalFeed", "Frequency", ""): lambda _spot: f"{box.grid.frequency_hz:.3f}",
        ("ElectricalFeed", "Voltage", ""): lambda _spot: f"{230.0 * box.grid.voltage_pu:.1f}",
        ("ClockCtrlr", "DateTime", ""): lambda _spot: stamp(box.clock.now()),
    }
