"""Quirks: ways in which a model departs from the standard, each a small data file (``makers/*.toml``), applied here.

A quirk changes only what its file says: what a charger ``tells`` is set right before it is understood, and what it is
``told`` is said as it wants it. The record keeps what it said, as it came.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from fnmatch import fnmatchcase
from typing import Any, Literal, TypeVar

import msgspec

from voltide.domain.dossier import Nameplate
from voltide.domain.site import OcppVersion, V2g
from voltide.domain.units import Seconds, Watts
from voltide.ocpp.events import Called, Streamed
from voltide.ocpp.inventory import Hints
from voltide.ocpp.messages import actions
from voltide.ocpp.salvage import SALVAGED
from voltide.ocpp.typed import Typed, read
from voltide.ocpp.wire import Wire, number, plain, request


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of a quirk file; a key that it does not know is an error."""


class Match(_Table, frozen=True, kw_only=True):
    """[match]: whose quirk it is, as patterns with ``*``; upper and lower case are the same."""

    vendor: str = "*"
    model: str = "*"
    firmware: str = "*"

    def fits(self, plate: Nameplate) -> bool:
        """Whether a charger is meant."""
        pairs = ((self.vendor, plate.vendor), (self.model, plate.model), (self.firmware, plate.firmware))
        return all(fnmatchcase(said.strip().lower(), wanted.lower()) for wanted, said in pairs)


class Tells(_Table, frozen=True, kw_only=True):
    """[tells]: how what it tells is meant."""

    power_unit: Literal["W", "kW"] | None = None
    """Of every Power value, whatever unit it says."""
    energy_unit: Literal["Wh", "kWh"] | None = None
    """Of every Energy value, whatever unit it says."""
    register_unit: Literal["Wh", "kWh"] | None = None
    """Of 1.6's meterStart and meterStop."""
    soc: Literal["fraction"] | None = None
    """0 to 1 where the standard wants 0 to 100."""
    power_sign: Literal["out"] | None = None
    """Its Power values are positive when power flows out of the car."""
    measurands: dict[str, str] = {}
    """Its own names, and what the standard calls them."""
    times: Literal["local"] | None = None
    """Times without a zone are the station's local time, not UTC."""
    only_outlet: bool = False
    """It calls its only outlet 0."""


class Told(_Table, frozen=True, kw_only=True):
    """[told]: how it must be told things."""

    profile_ids_from: int | None = None
    """It takes small profile ids only: ours begin here."""
    stack_level: Literal[0] | None = None
    """It knows no stack level but this one."""
    limits: Literal["A"] | None = None
    """It understands limits in A only."""
    fallback: Literal["none"] | None = None
    """It takes no TxDefaultProfile, so it is reckoned with at its full power."""
    resend_s: Seconds | None = None
    """It forgets setpoints: say them again so often."""
    leave_out: tuple[str, ...] = ()
    """Settings that it must not be asked for."""
    measurands: tuple[str, ...] = ()
    """What it can sample; more is refused."""


class Is(_Table, frozen=True, kw_only=True):
    """[is]: what it is, where it does not say so itself."""

    outlets: int | None = None
    charge_w: Watts | None = None
    discharge_w: Watts | None = None
    v2g: V2g | None = None
    rate_key: str | None = None
    steered: bool | None = None


class Quirk(_Table, frozen=True, kw_only=True):
    """One file."""

    why: str
    """What is odd, in a sentence."""
    see: tuple[str, ...] = ()
    """Where it was reported."""
    match: Match
    tells: Tells = Tells()
    told: Told = Told()
    is_: Is = msgspec.field(name="is", default_factory=Is)
    name: str = ""
    """The file's own name."""


def parse(name: str, tables: Mapping[str, Any]) -> Quirk:
    """A quirk from its file. Raises ``ValueError`` that names the file and the key."""
    try:
        return msgspec.structs.replace(msgspec.convert(dict(tables), Quirk), name=name)
    except msgspec.ValidationError as flaw:
        raise ValueError(f"quirk file {name}: {flaw}") from flaw


_NO_TELLS, _NO_TOLD, _NO_IS = Tells(), Told(), Is()


@dataclass(frozen=True, slots=True)
class Traits:
    """All quirks of one charger, together; where two say something of the same, the later file counts."""

    names: tuple[str, ...] = ()
    tells: Tells = _NO_TELLS
    told: Told = _NO_TOLD
    is_: Is = _NO_IS

    @property
    def plain(self) -> bool:
        """Whether it speaks and is spoken to by the standard."""
        return self.tells == _NO_TELLS and self.told == _NO_TOLD

    @property
    def hints(self) -> Hints:
        """For reading what it is."""
        said = msgspec.structs.asdict(self.is_)
        return Hints(**said, amperes=self.told.limits == "A" or None, falls_back=self.told.fallback != "none")


def traits_of(plate: Nameplate, quirks: Iterable[Quirk]) -> Traits:
    """What is known of a charger by its nameplate."""
    fitting = [quirk for quirk in quirks if quirk.match.fits(plate)]
    return Traits(
        names=tuple(quirk.name for quirk in fitting),
        tells=_merged(_NO_TELLS, [quirk.tells for quirk in fitting]),
        told=_merged(_NO_TOLD, [quirk.told for quirk in fitting]),
        is_=_merged(_NO_IS, [quirk.is_ for quirk in fitting]),
    )


_T = TypeVar("_T", Tells, Told, Is)


def _merged(empty: _T, tables: list[_T]) -> _T:
    changed: dict[str, Any] = {}
    for table in tables:
        said = msgspec.structs.asdict(table)
        changed |= {key: value for key, value in said.items() if value != getattr(empty, key)}
    return msgspec.structs.replace(empty, **changed)


# --- what it tells ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How one charger is heard and told because of its quirks."""

    traits: Traits
    version: OcppVersion
    zone: tzinfo
    """The station's own, for times without one."""

    def mend(self, heard: Called | Streamed) -> Called | Streamed:
        """What a charger said, as it meant it; what was set right is named among its deviations."""
        body = msgspec.json.decode(heard.payload)
        applied: list[str] = []
        for name, work in self._works(heard.action):
            if work(body):
                applied.append(name)
        if not applied:
            return heard
        kind = actions(self.version)[heard.action][0]
        typed = read(kind, msgspec.json.encode(body), salvage=heard.action in SALVAGED)
        if not isinstance(typed, Typed):
            return heard
        named: tuple[str, ...] = tuple(f"quirk {name}" for name in applied)
        return msgspec.structs.replace(heard, request=typed.message, deviations=(*heard.deviations, *named))

    def _works(self, action: str) -> list[tuple[str, Callable[[Any], bool]]]:
        tells = self.traits.tells
        works: list[tuple[str, Callable[[Any], bool]]] = []
        if tells.measurands:
            works.append(("measurands", lambda body: _each_value(body, self._rename)))
        if tells.power_unit is not None:
            works.append(("power_unit", lambda body: _each_value(body, self._unit("Power.", str(tells.power_unit)))))
        if tells.energy_unit is not None:
            works.append(("energy_unit", lambda body: _each_value(body, self._unit("Energy.", str(tells.energy_unit)))))
        if tells.soc is not None:
            works.append(("soc", lambda body: _each_value(body, _percent)))
        if tells.power_sign is not None:
            works.append(("power_sign", lambda body: _each_value(body, _turned)))
        if tells.register_unit == "kWh" and action in {"StartTransaction", "StopTransaction"}:
            works.append(("register_unit", _registers))
        if tells.times is not None:
            works.append(("times", self._times))
        if tells.only_outlet:
            works.append(("only_outlet", _only_outlet))
        if self.traits.told.profile_ids_from is not None:
            works.append(("profile_ids_from", self._our_ids))
        return works

    def _rename(self, value: dict[str, Any]) -> bool:
        ours = self.traits.tells.measurands.get(str(value.get("measurand")))
        if ours is None:
            return False
        value["measurand"] = ours
        return True

    def _unit(self, stem: str, unit: str) -> Callable[[dict[str, Any]], bool]:
        def put(value: dict[str, Any]) -> bool:
            if not str(value.get("measurand", "Energy.Active.Import.Register")).startswith(stem):
                return False
            if self.version is OcppVersion.V16:
                changed, value["unit"] = value.get("unit") != unit, unit
                return changed
            changed = value.get("unitOfMeasure") != {"unit": unit}
            value["unitOfMeasure"] = {"unit": unit}
            return changed

        return put

    def _times(self, body: Any) -> bool:
        """Every time without a zone gets the station's."""
        changed = False
        for holder in _objects(body):
            for key, value in holder.items():
                if isinstance(value, str) and _NAIVE.fullmatch(value) is not None:
                    holder[key] = datetime.fromisoformat(value).replace(tzinfo=self.zone).isoformat()
                    changed = True
        return changed

    def _our_ids(self, body: Any) -> bool:
        """A profile of ours is called by our name for it."""
        changed = False
        for holder in _objects(body):
            for key in ("chargingProfileId", "id"):
                ours = self._ours(holder.get(key)) if key in holder and (key != "id" or _is_profile(holder)) else None
                if ours is not None:
                    holder[key], changed = ours, True
        return changed

    # --- what it is told ---

    def word(self, wire: Wire) -> Wire:
        """A call of ours, as this charger wants it."""
        told = self.traits.told
        if wire.action not in {"SetChargingProfile", "UpdateDynamicSchedule", "ClearChargingProfile"}:
            return wire
        body = plain(wire.request)
        for holder in _objects(body):
            if told.stack_level is not None and "stackLevel" in holder:
                holder["stackLevel"] = told.stack_level
            for key in ("chargingProfileId", "id"):
                if (
                    told.profile_ids_from is not None
                    and key in holder
                    and (key != "id" or _names_profile(wire, holder))
                ):
                    holder[key] = _small(holder[key], told.profile_ids_from)
        return request(self.version, wire.action, body)

    def _ours(self, told: object) -> int | None:
        start = self.traits.told.profile_ids_from
        if start is None or not isinstance(told, int) or not 0 <= told - start < len(_FAMILIES) * _STRIDE:
            return None
        family, rest = divmod(told - start, _STRIDE)
        return _FAMILIES[family] + rest


_NAIVE = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?")
_FAMILIES = (1000, 2000, 3000)
"""Our own ids: of setpoints, of safe powers, of a charger's cap; each and the outlet's number. See ``profiles``."""
_STRIDE = 20
"""So many outlets fit where ids must be small."""


def _small(ours: object, start: int) -> object:
    """One of our ids, small; any other stays."""
    if not isinstance(ours, int):
        return ours
    family, rest = ours // 1000 * 1000, ours % 1000
    return start + _FAMILIES.index(family) * _STRIDE + rest if family in _FAMILIES and rest < _STRIDE else ours


def _is_profile(holder: Mapping[str, Any]) -> bool:
    return "chargingProfilePurpose" in holder


def _names_profile(wire: Wire, holder: Mapping[str, Any]) -> bool:
    """An ``id`` that is a profile's: its own in OCPP 2, the one to be cleared in 1.6."""
    return _is_profile(holder) or wire.action == "ClearChargingProfile"


def _objects(value: Any) -> Iterable[dict[str, Any]]:
    """Every object in a body."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner)


def _each_value(body: Any, work: Callable[[dict[str, Any]], bool]) -> bool:
    """Do something to each sampled value; whether any was changed."""
    changed = False
    for holder in _objects(body):
        for value in holder.get("sampledValue", ()) if isinstance(holder.get("sampledValue"), list) else ():
            changed |= isinstance(value, dict) and work(value)
    return changed


def _percent(value: dict[str, Any]) -> bool:
    told = number(value.get("value")) if value.get("measurand") == "SoC" else None
    if told is None or not 0.0 <= told <= 1.0:
        return False
    _put(value, told * 100.0)
    return True


def _turned(value: dict[str, Any]) -> bool:
    told = number(value.get("value")) if str(value.get("measurand")).startswith("Power.Active") else None
    if not told:
        return False
    _put(value, -told)
    return True


def _put(value: dict[str, Any], new: float) -> None:
    """A value in the type that it had: text in 1.6, a number in OCPP 2."""
    rounded = round(new, 6)
    value["value"] = repr(rounded) if isinstance(value["value"], str) else rounded


def _registers(body: Any) -> bool:
    changed = False
    for key in ("meterStart", "meterStop"):
        told = number(body.get(key))
        if told is not None:
            body[key], changed = round(told * 1000.0), True
    return changed


def _only_outlet(body: Any) -> bool:
    """Where it means its only outlet, it says 0."""
    changed = False
    for key in ("connectorId", "evseId"):
        if body.get(key) == 0:
            body[key], changed = 1, True
    evse = body.get("evse")
    if isinstance(evse, dict) and evse.get("id") == 0:
        evse["id"], changed = 1, True
    return changed
