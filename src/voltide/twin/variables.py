"""What a charger tells of itself and lets others set: the device model of OCPP 2, the configuration keys of 1.6."""

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import NamedTuple, TypeAlias

from voltide.domain.messages import Json
from voltide.domain.site import Charger, OcppVersion, V2g
from voltide.ocpp.wire import maybe_moment, number

Name: TypeAlias = tuple[str, str, str]
"""Component, variable, instance of the variable or ""."""

SAMPLE_S: Name = ("SampledDataCtrlr", "TxUpdatedInterval", "")
HEARTBEAT_S: Name = ("OCPPCommCtrlr", "HeartbeatInterval", "")
TIMEOUT_S: Name = ("OCPPCommCtrlr", "MessageTimeout", "Default")
WAIT_S: Name = ("OCPPCommCtrlr", "RetryBackOffWaitMinimum", "")
SPREAD_S: Name = ("OCPPCommCtrlr", "RetryBackOffRandomRange", "")
SLOT_TRIES: Name = ("OCPPCommCtrlr", "NetworkProfileConnectionAttempts", "")
SLOTS: Name = ("OCPPCommCtrlr", "NetworkConfigurationPriority", "")
REPEATS: Name = ("OCPPCommCtrlr", "RetryBackOffRepeatTimes", "")
ATTEMPTS: Name = ("OCPPCommCtrlr", "MessageAttempts", "TransactionEvent")
ATTEMPT_S: Name = ("OCPPCommCtrlr", "MessageAttemptInterval", "TransactionEvent")
LONGEST = 2500
_AT = re.compile(r"(\w*)\.(\w+)(?:\[(\w+)\])?")
_LISTS = frozenset({"MemberList", "SequenceList"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One variable as its maker describes it; see ``device_model.toml``."""

    name: Name = ("", "", "")
    """Where it is; a key of 1.6 alone is in no component."""
    key: str = ""
    value: str = ""
    kind: str = "string"
    unit: str = ""
    low: float | None = None
    high: float | None = None
    choices: str = ""
    access: str = "ReadWrite"
    access16: str = ""
    """The same in 1.6, where it differs."""
    per: str = ""
    since: str = ""
    reboot: bool = False
    monitor: bool = False
    v2g: bool = False
    rated: bool = False

    def fits(self, text: str) -> bool:
        """Whether a text is a value of its kind, within its bounds.

        >>> Row(kind="integer", low=1).fits("0"), Row(kind="MemberList", choices="A,W").fits("W,A")
        (False, True)
        """
        match self.kind:
            case "integer" | "decimal":
                found = number(text)
                whole = self.kind == "decimal" or re.fullmatch(r"-?\d+", text.strip()) is not None
                return found is not None and whole and self._within(found)
            case "boolean":
                return text in {"true", "false"}
            case "dateTime":
                return maybe_moment(text) is not None
        parts = text.split(",") if self.kind in _LISTS and text else [text] if self.kind == "OptionList" else []
        known = self.choices.split(",") if self.choices else parts
        return len(text) <= LONGEST and all(part.strip() in known for part in parts)

    def _within(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


class Spot(NamedTuple):
    """One variable where it is: of the charger, of an outlet, or of a plug."""

    row: Row
    evse: int | None = None
    connector: int | None = None


@lru_cache
def _rows() -> tuple[Row, ...]:
    text = resources.files("voltide.twin").joinpath("device_model.toml").read_text(encoding="utf-8")
    told = tomllib.loads(text)
    named = {f"@{name}": value for name, value in told["lists"].items()}
    rows = ({key: named.get(value, value) for key, value in row.items()} for row in told["variables"])
    return tuple(Row(name=_name(row.pop("at", ""), row.get("key", "")), **row) for row in rows)


def _name(at: str, key: str) -> Name:
    """A name as the file writes it.

    >>> _name("OCPPCommCtrlr.MessageTimeout[Default]", "")
    ('OCPPCommCtrlr', 'MessageTimeout', 'Default')
    """
    found = _AT.fullmatch(at)
    return ("", key, "") if found is None else (found[1], found[2], found[3] or "")


@lru_cache
def _model(version: OcppVersion, v2g: V2g) -> dict[Name, Row]:
    """What a kind of charger has, with what stays hidden in 1.6."""
    both = v2g is V2g.DYNAMIC
    return {row.name: row for row in _rows() if row.since <= version.value and (both or not row.v2g)}


class Variables:
    """The variables of one charger, kept as text, as the wire has them."""

    def __init__(self, version: OcppVersion, charger: Charger) -> None:
        self._old, self._charger = version is OcppVersion.V16, charger
        self._model = _model(version, charger.v2g)
        self._set: dict[tuple[Name, int | None, int | None], str] = {}
        self._numbers: dict[Name, int] = {}
        self.live: dict[Name, Callable[[Spot], str]] = {}
        """What is measured or counted rather than kept."""
        self.guards: dict[Name, Callable[[str], str]] = {}
        """Who is asked before a value is taken, and says what becomes of it: Accepted, Rejected or RebootRequired."""

    # --- the charger's own use ---

    def whole(self, name: Name) -> int:
        """A setting as a whole number."""
        found = self._numbers.get(name)
        if found is None:
            found = self._numbers[name] = int(self.text(name) or 0)
        return found

    def flag(self, name: Name) -> bool:
        """A setting as yes or no; what this charger does not have is no."""
        return name in self._model and self.text(name) == "true"

    def text(self, name: Name) -> str:
        """A setting as it stands."""
        return self.read(Spot(self._model[name]))

    def several(self, name: Name) -> list[str]:
        """A setting as a list; what this charger does not have is empty."""
        text = self.text(name) if name in self._model else ""
        return text.split(",") if text else []

    def put(self, name: Name, value: object) -> None:
        """Set one of the charger's own."""
        self._set[name, None, None] = str(value)
        self._numbers.pop(name, None)

    # --- what others see ---

    def spots(self) -> Iterator[Spot]:
        """All that this version shows."""
        for row in self._model.values():
            if not (row.key if self._old else row.name[0]):
                continue
            if self._old or not row.per:
                yield Spot(row)
                continue
            for evse in self._charger.evses:
                yield Spot(row, evse.number, 1 if row.per == "connector" else None)

    def find(self, name: Name, evse: int | None = None, connector: int | None = None) -> Spot | None:
        """One variable, or None."""
        row = self._model.get(name)
        if row is None or not row.name[0]:
            return None
        numbers = {one.number for one in self._charger.evses}
        fits = {
            "": evse is None and connector is None,
            "evse": evse in numbers and connector is None,
            "connector": evse in numbers and connector == 1,
        }
        return Spot(row, evse, connector) if fits[row.per] else None

    def has(self, component: str) -> bool:
        """Whether there is such a component."""
        return any(name[0] == component for name in self._model)

    def read(self, spot: Spot) -> str:
        """What it says now."""
        name = spot.row.name
        kept = self._set.get((name, spot.evse, spot.connector))
        if kept is not None:
            return kept
        if name in self.live:
            return self.live[name](spot)
        return self._factory(spot)

    def _factory(self, spot: Spot) -> str:
        charger, text = self._charger, spot.row.value
        if "{" not in text:
            return text
        unit = ("Current" if charger.amperes else "Power") if self._old else ("A" if charger.amperes else "W")
        own = {"ID": charger.id, "COUNT": len(charger.evses), "UNIT": unit, "EVSE": spot.evse}
        return text.format(**own)

    def bounds(self, spot: Spot) -> tuple[float | None, float | None]:
        """The least and the most it can be."""
        if not spot.row.rated:
            return spot.row.low, spot.row.high
        evse = next(one for one in self._charger.evses if one.number == spot.evse)
        return -evse.discharge_w if evse.discharge_w else 0.0, evse.charge_w

    def write(self, spot: Spot, value: str) -> str:
        """Set it, if it may be set and the value fits; says what came of it in the specification's words."""
        row = spot.row
        if self.access(row) == "ReadOnly" or not row.fits(value):
            return "Rejected"
        guard = self.guards.get(row.name)
        status = guard(value) if guard is not None else "RebootRequired" if row.reboot else "Accepted"
        if status != "Rejected":
            self._set[row.name, spot.evse, spot.connector] = value
            self._numbers.pop(row.name, None)
        return status

    def access(self, row: Row) -> str:
        """Whether it may be read and written."""
        return (row.access16 if self._old else "") or row.access

    # --- 1.6: keys without a component ---

    def key(self, key: str) -> Spot | None:
        """One by its key."""
        row = next((row for row in self._model.values() if row.key and row.key.lower() == key.lower()), None)
        return None if row is None else Spot(row)

    def as_key(self, spot: Spot) -> Json:
        """A key as a message says it; what may only be written has no value."""
        row = spot.row
        value = None if row.access == "WriteOnly" else self.read(spot)[:500]
        return {"key": row.key, "readonly": self.access(row) == "ReadOnly", "value": value}
