"""What a station does from afar: start, stop, restart, unlock, take out of service, ask to be told (E14, F, G)."""

from typing import ClassVar

from voltide.domain.messages import HeartBeaten, Json, Token
from voltide.domain.site import OcppVersion
from voltide.ocpp.schedule_wire import read_profile
from voltide.twin.bay import Bay
from voltide.twin.blocks.block import Block, Restart
from voltide.twin.blocks.charging import Charging
from voltide.twin.blocks.reservations import Reservations
from voltide.twin.blocks.shelf import Entry
from voltide.twin.blocks.tokens import Tokens
from voltide.twin.variables import Name

_ASK_FIRST: Name = ("AuthCtrlr", "AuthorizeRemoteStart", "")


class Remote(Block):
    """Obeys."""

    def _bays(self, evse: int | None) -> list[Bay]:
        """One outlet, or (0 or none) all of them."""
        bays = self.box.bays
        return list(bays.values()) if not evse else [bays[evse]] if evse in bays else []

    def _bay_of(self, transaction: str) -> Bay | None:
        """The outlet where a transaction runs."""
        for bay in self.box.bays.values():
            if bay.transaction is not None and self.box.known_id(bay.transaction) == transaction:
                return bay
        return None

    # --- start and stop ---

    def _start(self, body: Json) -> Json:
        """Start where a car waits; without an outlet named, at the first that can."""
        token = Token(id=body["idToken"]["idToken"], kind=body["idToken"]["type"])
        evse, profile = body.get("evseId"), body.get("chargingProfile")
        refused = self._unfit(evse, profile)
        if refused is not None:
            return refused
        bay = self._begin(evse, token, body["remoteStartId"])
        if bay is None:
            return {"status": "Rejected"}
        if profile is not None:
            self._install(bay, profile | {"transactionId": bay.transaction})
        return {"status": "Accepted", "transactionId": bay.transaction}

    def _start_old(self, body: Json) -> Json:
        evse, profile = body.get("connectorId"), body.get("chargingProfile")
        refused = self._unfit(evse, profile)
        bay = None if refused is not None else self._begin(evse, Token(id=body["idTag"]), None)
        if bay is not None and profile is not None:
            self._install(bay, profile)
        return {"status": "Rejected" if bay is None else "Accepted"}

    def _unfit(self, evse: int | None, profile: Json | None) -> Json | None:
        """Why a profile does not do to start with (K05); None: it does, or there is none."""
        if profile is None:
            return None
        charging = self.box.part(Charging)
        read = read_profile(self.box.version, evse or 1, profile, self.box.clock.now())
        refused = charging.examine(read, starting=True)
        return None if refused is None else charging.no(refused)

    def _install(self, bay: Bay, profile: Json) -> None:
        read = read_profile(self.box.version, bay.number, profile, self.box.clock.now())
        self.box.part(Charging).install(Entry(read, profile))

    def _begin(self, evse: int | None, token: Token, number: int | None) -> Bay | None:
        bay = next((bay for bay in self._bays(evse) if self._can_start(bay, token)), None)
        if bay is None:
            return None
        if self.box.variables.flag(_ASK_FIRST):
            self.box.part(Tokens).presented(bay, token, number)
        else:
            bay.wait_for(token, number)
            bay.judged(valid=True)
        return bay

    def _can_start(self, bay: Bay, token: Token) -> bool:
        free = bay.visit is not None and not bay.visit.stopped and not bay.outlet.closed and bay.fault is None
        return free and (not bay.held or self.box.part(Reservations).admits(bay, token, None))

    def _stop(self, body: Json) -> Json:
        bay = self._bay_of(str(body["transactionId"]))
        if bay is None:
            return {"status": "Rejected"}
        bay.stop("RemoteStop", "Remote")
        return {"status": "Accepted"}

    def _status(self, body: Json) -> Json:
        """Whether a transaction goes on; and whether anything (of it) waits to be told."""
        asked = body.get("transactionId")
        waits = {"messagesInQueue": self.box.waits(asked)}
        return waits if asked is None else waits | {"ongoingIndicator": self._bay_of(asked) is not None}

    # --- in and out of service ---

    def _availability(self, body: Json) -> Json:
        if self.box.version is OcppVersion.V16:
            return self._serve(body["connectorId"], operative=body["type"] == "Operative")
        return self._serve(body.get("evse", {}).get("id"), operative=body["operationalStatus"] == "Operative")

    def _serve(self, evse: int | None, *, operative: bool) -> Json:
        """At once, or when what runs has ended."""
        bays = self._bays(evse)
        for bay in bays:
            bay.operative = operative
            bay.report()
        if not bays:
            return {"status": "Rejected"}
        busy = not operative and any(bay.transaction is not None for bay in bays)
        return {"status": "Scheduled" if busy else "Accepted"}

    def _unlock(self, body: Json) -> Json:
        if self.box.version is OcppVersion.V16:
            return self._unlock_old(body)
        bay = self.box.bays.get(body["evseId"])
        if bay is None or body["connectorId"] != 1:
            return {"status": "UnknownConnector"}
        if bay.transaction is not None and bay.outlet.closed:
            return {"status": "OngoingAuthorizedTransaction"}
        return {"status": "Unlocked"}

    def _unlock_old(self, body: Json) -> Json:
        """1.6: what runs is ended first."""
        bay = self.box.bays.get(body["connectorId"])
        if bay is None:
            return {"status": "NotSupported"}
        if bay.transaction is not None:
            bay.stop("UnlockCommand", "UnlockCommand")
        return {"status": "Unlocked"}

    # --- restart ---

    def _reset(self, body: Json) -> Json:
        """2.x: now, when nothing runs, or with transactions that go on. 1.6: now, and every stop is told."""
        kind, evse = body["type"], body.get("evseId") or None
        if self.box.version is OcppVersion.V16:
            self.box.plan_reset(Restart(immediate=True, reason=f"{kind}Reset"))
            return {"status": "Accepted"}
        if evse is not None and evse not in self.box.bays:
            return {"status": "Rejected"}
        self.box.plan_reset(Restart(immediate=kind != "OnIdle", evse=evse, resume=kind == "ImmediateAndResume"))
        busy = kind == "OnIdle" and any(bay.transaction is not None for bay in self._bays(evse))
        return {"status": "Scheduled" if busy else "Accepted"}

    # --- tell me now ---

    def _trigger(self, body: Json) -> Json:
        evse = body.get("evse", {}).get("id", body.get("connectorId"))
        message = body["requestedMessage"]
        match message:
            case "Heartbeat":
                self.box.tell(HeartBeaten())
            case "BootNotification":
                self.box.say_hello()
            case "StatusNotification" | "MeterValues" | "TransactionEvent":
                for bay in self._bays(evse):
                    bay.trigger(message)
            case _:
                done = self.box.trigger(message, evse)
                return {"status": "NotImplemented" if done is None else "Accepted" if done else "Rejected"}
        return {"status": "Accepted"}

    ACTS: ClassVar = {
        "ChangeAvailability": _availability,
        "ExtendedTriggerMessage": _trigger,
        "GetTransactionStatus": _status,
        "RemoteStartTransaction": _start_old,
        "RemoteStopTransaction": _stop,
        "RequestStartTransaction": _start,
        "RequestStopTransaction": _stop,
        "Reset": _reset,
        "TriggerMessage": _trigger,
        "UnlockConnector": _unlock,
    }
