"""What a charger does when the station orders something, and what it answers."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import inf
from typing import Any, Protocol

from voltide.domain.messages import (
    Accepted,
    ApplyFallback,
    ApplySetpoint,
    Ask,
    ChangeAvailability,
    ChargerFact,
    ChargerOrder,
    ClearSetpoint,
    GetReport,
    GetTransactionStatus,
    GetVariables,
    HeartBeaten,
    OrderResult,
    Refused,
    Reset,
    SecurityTold,
    SetVariables,
    StartTransaction,
    StopTransaction,
    Trigger,
    Unlock,
    Variable,
    VariablesTold,
)
from voltide.domain.site import Charger, OcppVersion, V2g
from voltide.domain.time import Clock
from voltide.domain.units import Seconds
from voltide.twin.bay import Bay
from voltide.twin.faults import Troubles
from voltide.twin.variables import Variables

PAGE = 20
"""Variables in one part of a report."""


_HERE = frozenset(
    """
    ChangeAvailability ChangeConfiguration ClearChargingProfile ExtendedTriggerMessage GetBaseReport GetConfiguration
    GetTransactionStatus GetVariables RemoteStartTransaction RemoteStopTransaction RequestStartTransaction
    RequestStopTransaction Reset SetChargingProfile SetVariables TriggerMessage UnlockConnector UpdateDynamicSchedule
    """.split()  # noqa: SIM905 - a list of names reads best as a paragraph
)


class Box(Protocol):
    """The charger behind the desk."""

    charger: Charger
    version: OcppVersion
    clock: Clock
    bays: Mapping[int, Bay]
    variables: Variables
    troubles: Troubles

    @property
    def queued(self) -> int:
        """How many facts wait to be told."""
        ...

    def tell(self, fact: ChargerFact) -> None:
        """Tell the station when its turn comes."""
        ...

    def known_id(self, transaction: str | None) -> str | None:
        """A transaction id as the station knows it."""
        ...

    def say_hello(self) -> None:
        """Tell who it is."""
        ...

    def plan_reset(self, *, immediate: bool) -> None:
        """Restart once the answer is out."""
        ...


class Desk:
    """Takes orders in the words of the domain."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._does: dict[type, Callable[[Any], OrderResult]] = {
            ApplySetpoint: self._setpoint,
            ApplyFallback: self._fallback,
            ClearSetpoint: self._clear,
            StartTransaction: self._start,
            StopTransaction: self._stop,
            ChangeAvailability: self._availability,
            Reset: self._reset,
            Trigger: self._trigger,
            Unlock: self._unlock,
            GetReport: self._report,
            GetTransactionStatus: self._status,
            Ask: self._ask,
        }

    @staticmethod
    def knows(action: str) -> bool:
        """Whether an action is done here, and not by a block."""
        return action in _HERE

    def pull_every(self, evse: int, every: Seconds) -> None:
        """How often the value of an outlet's dynamic setpoint is to be asked for."""
        if evse in self._box.bays:
            self._box.bays[evse].pull_every_s = every

    def do(self, order: ChargerOrder) -> tuple[OrderResult, tuple[Variable, ...]]:
        """Do an order; gives what came of it, and the variables that it read or wrote."""
        match order:
            case GetVariables():
                return Accepted(), self._box.variables.get(order.variables)
            case SetVariables():
                told = self._box.variables.set(order.variables)
                fine = all(one.status == "Accepted" for one in told)
                return (Accepted() if fine else Refused(reason=told[0].status)), told
        return self._does[type(order)](order), ()

    # --- power ---

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

    # --- transactions ---

    def _start(self, order: StartTransaction) -> OrderResult:
        bay = self._box.bays.get(order.evse)
        if bay is None or bay.visit is None or bay.visit.stopped or bay.outlet.closed:
            return Refused(reason="Rejected")
        bay.authorise(order.token, order.remote_start_id)
        return Accepted()

    def _stop(self, order: StopTransaction) -> OrderResult:
        for bay in self._box.bays.values():
            if bay.transaction is not None and self._known(bay) == order.transaction_id:
                bay.stop("RemoteStop", "Remote")
                return Accepted()
        return Refused(reason="Rejected")

    def _status(self, order: GetTransactionStatus) -> OrderResult:
        running = {self._known(bay) for bay in self._box.bays.values() if bay.transaction is not None}
        detail = {"messagesInQueue": self._box.queued > 0}
        if order.transaction_id is not None:
            detail["ongoingIndicator"] = order.transaction_id in running
        return Accepted(detail=detail)

    # --- the box itself ---

    def _availability(self, order: ChangeAvailability) -> OrderResult:
        for bay in self._bays(order.evse):
            bay.operative = order.operative
            bay.report()
        return Accepted()

    def _reset(self, order: Reset) -> OrderResult:
        self._box.plan_reset(immediate=order.immediate)
        return Accepted()

    def _unlock(self, order: Unlock) -> OrderResult:
        bay = self._box.bays.get(order.evse)
        if bay is None:
            return Refused(reason="UnknownConnector")
        if bay.transaction is not None and bay.outlet.closed:
            return Refused(reason="OngoingAuthorizedTransaction")
        return Accepted()

    def _trigger(self, order: Trigger) -> OrderResult:
        box = self._box
        match order.message:
            case "Heartbeat":
                box.tell(HeartBeaten())
            case "BootNotification":
                box.say_hello()
            case "StatusNotification" | "MeterValues" | "TransactionEvent":
                for bay in self._bays(order.evse):
                    bay.trigger(order.message)
            case _:
                return Refused(reason="NotImplemented")
        return Accepted()

    def _report(self, order: GetReport) -> OrderResult:
        rows = tuple(self._box.variables.all())
        for part, start in enumerate(range(0, len(rows), PAGE)):
            more = start + PAGE < len(rows)
            self._box.tell(
                VariablesTold(variables=rows[start : start + PAGE], request_id=order.request_id, seq_no=part, more=more)
            )
        return Accepted()

    def _ask(self, order: Ask) -> OrderResult:
        """What the twin has no part for; a new password is noted as the security event that it is."""
        if order.action == "SetNetworkProfile":
            told = SecurityTold(kind="ReconfigurationOfSecurityParameters", at=self._box.clock.now())
            self._box.tell(told)
        if order.action == "ClearCache":
            return Accepted()
        return Refused(reason="NotSupported")
