"""The quick way to power: the house's own setpoints and fallbacks, followed without the general rules of profiles."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import inf
from typing import Any, Protocol

from voltide.domain.messages import (
    Accepted,
    ApplyFallback,
    ApplySetpoint,
    ChargerOrder,
    ClearSetpoint,
    OrderResult,
    Refused,
)
from voltide.domain.site import Charger, OcppVersion, V2g
from voltide.domain.time import Clock
from voltide.domain.units import Seconds
from voltide.twin.bay import Bay
from voltide.twin.faults import Troubles


class Box(Protocol):
    """The charger behind the desk."""

    charger: Charger
    version: OcppVersion
    clock: Clock
    bays: Mapping[int, Bay]
    troubles: Troubles

    def known_id(self, transaction: str | None) -> str | None:
        """A transaction id as the station knows it."""
        ...


class Desk:
    """Takes setpoints in the words of the domain."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._does: dict[type, Callable[[Any], OrderResult]] = {
            ApplySetpoint: self._setpoint,
            ApplyFallback: self._fallback,
            ClearSetpoint: self._clear,
        }

    def pull_every(self, evse: int, every: Seconds) -> None:
        """How often the value of an outlet's dynamic setpoint is to be asked for."""
        if evse in self._box.bays:
            self._box.bays[evse].pull_every_s = every

    def do(self, order: ChargerOrder) -> OrderResult | None:
        """Do an order; None: it is no setpoint."""
        does = self._does.get(type(order))
        return None if does is None else does(order)

    def _setpoint(self, order: ApplySetpoint) -> OrderResult:
        """A TxProfile, or a new value in a dynamic one. Negative only where the charger can give back."""
        box, bay = self._box, self._box.bays.get(order.evse)
        if bay is None or box.troubles.refusing:
            return Refused(reason="Rejected")
        if bay.transaction is None or (order.fresh and order.transaction_id != self._known(bay)):
            return self._no("TxNotFound")
        dynamic = box.version is OcppVersion.V21 and box.charger.v2g is V2g.DYNAMIC
        if order.power_w < 0 and not dynamic and box.charger.v2g is not V2g.NEGATIVE_LIMIT:
            return Refused(reason="Rejected")
        now, profiles = box.clock.monotonic(), bay.outlet.profiles
        if order.fresh:
            late = 0.0 if order.lease_s == inf else (box.clock.now() - order.now).total_seconds()
            profiles.set(replace(order, lease_s=order.lease_s - max(0.0, late)), now, dynamic=dynamic)
        elif profiles.dynamic:
            profiles.band = (min(0.0, order.floor_w), max(0.0, order.ceiling_w))
            profiles.update(order.power_w)
        elif not profiles.deaf:
            return self._no("NoProfile")
        bay.outlet.look()
        bay.await_pull(now)
        return Accepted()

    def _no(self, why: str) -> Refused:
        """A refusal with its reason, where the version has room for one."""
        if self._box.version is OcppVersion.V16:
            return Refused(reason="Rejected")
        return Refused(reason="Rejected", detail={"statusInfo": {"reasonCode": why}})

    def _known(self, bay: Bay) -> str | None:
        """The transaction id as the station knows it."""
        return self._box.known_id(bay.transaction)

    def _fallback(self, order: ApplyFallback) -> OrderResult:
        if self._box.troubles.refusing:
            return Refused(reason="Rejected")
        for bay in self._bays(order.evse):
            bay.outlet.profiles.default(order.power_w)
            bay.outlet.look()
        return Accepted()

    def _clear(self, order: ClearSetpoint) -> OrderResult:
        found = False
        for bay in self._bays(order.evse):
            found |= bay.outlet.profiles.standing
            bay.outlet.profiles.clear()
            bay.outlet.look()
        return Accepted() if found else Refused(reason="Unknown")

    def _bays(self, evse: int | None) -> list[Bay]:
        """One outlet, or all of them."""
        bays = self._box.bays
        return list(bays.values()) if not evse else [bays[evse]] if evse in bays else []
