"""Outlets kept free for one driver (H01 to H04)."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from voltide.domain.messages import Json, OutletState, Token, TransactionTold
from voltide.domain.site import OcppVersion
from voltide.domain.units import Seconds
from voltide.ocpp.wire import moment
from voltide.twin.bay import Bay
from voltide.twin.blocks.block import Block, Box
from voltide.twin.variables import Name

_ENABLED: Name = ("ReservationCtrlr", "Enabled", "")
_ANYWHERE: Name = ("ReservationCtrlr", "NonEvseSpecific", "")
_PLUG: Name = ("Connector", "ConnectorType", "")
_STATES = {
    OutletState.FAULTED: "Faulted",
    OutletState.UNAVAILABLE: "Unavailable",
    OutletState.OCCUPIED: "Occupied",
    OutletState.RESERVED: "Occupied",
}


@dataclass(frozen=True, slots=True)
class Reservation:
    """One reservation; ``evse`` None is any of them."""

    id: int
    token: Token
    until: datetime
    evse: int | None = None
    group: str | None = None

    def admits(self, token: Token, group: str | None) -> bool:
        """Whether a token, or its group, is the one that it is for."""
        return token.id == self.token.id or (self.group is not None and self.group == group)


class Reservations(Block):
    """Keeps them until they are used, cancelled, over, or cannot be kept."""

    def __init__(self, box: Box) -> None:
        super().__init__(box)
        self._kept: dict[int, Reservation] = {}
        box.hooks.append(self._used)

    def admits(self, bay: Bay, token: Token, group: str | None) -> bool:
        """Whether someone may start at an outlet that is held."""
        return not bay.held or any(self._kept[one].admits(token, group) for one in bay.held)

    # --- orders ---

    def _reserve(self, body: Json) -> Json:
        """Hold an outlet; the same id replaces an earlier reservation."""
        asked = self._read(body)
        variables = self.box.variables
        if not variables.flag(_ENABLED) or (asked.evse is not None and asked.evse not in self.box.bays):
            return {"status": "Rejected"}
        if asked.evse is None and not variables.flag(_ANYWHERE):
            return {"status": "Rejected"}
        plug = body.get("connectorType")
        if asked.until <= self.box.clock.now() or (plug is not None and plug != self._plug(asked.evse or 1)):
            return {"status": "Rejected"}
        before = self._kept.pop(asked.id, None)
        self._hold()
        trouble = self._trouble(asked)
        if trouble is None:
            self._kept[asked.id] = asked
        elif before is not None:
            self._kept[before.id] = before
        self._hold()
        self.box.watch(self._look)
        return {"status": trouble or "Accepted"}

    def _read(self, body: Json) -> Reservation:
        now = self.box.clock.now()
        if self.box.version is OcppVersion.V16:
            until = moment(body["expiryDate"], now)
            token, group = Token(id=body["idTag"]), body.get("parentIdTag")
            return Reservation(body["reservationId"], token, until, body["connectorId"] or None, group)
        until, group = moment(body["expiryDateTime"], now), body.get("groupIdToken", {}).get("idToken")
        token = Token(id=body["idToken"]["idToken"], kind=body["idToken"]["type"])
        return Reservation(body["id"], token, until, body.get("evseId") or None, group)

    def _plug(self, evse: int) -> str | None:
        spot = self.box.variables.find(_PLUG, evse, 1)
        return None if spot is None else self.box.variables.read(spot)

    def _trouble(self, asked: Reservation) -> str | None:
        """Why it cannot be held; without an outlet named, one more must be free than is promised already."""
        if asked.evse is not None:
            state = self.box.bays[asked.evse].state
            return _STATES.get(state)
        states = [bay.state for bay in self.box.bays.values()]
        promised = sum(one.evse is None for one in self._kept.values())
        if states.count(OutletState.AVAILABLE) > promised:
            return None
        for state in (OutletState.OCCUPIED, OutletState.RESERVED, OutletState.FAULTED, OutletState.UNAVAILABLE):
            if state in states:
                return _STATES[state]
        return "Occupied"

    def _cancel(self, body: Json) -> Json:
        found = self._kept.pop(body["reservationId"], None)
        self._hold()
        return {"status": "Accepted" if found is not None else "Rejected"}

    # --- as things happen ---

    def _hold(self) -> None:
        """Say at each outlet for whom it is held; one without an outlet's name holds the last ones that are free."""
        now_held: dict[int, tuple[int, ...]] = dict.fromkeys(self.box.bays, ())
        for one in self._kept.values():
            if one.evse is not None:
                now_held[one.evse] += (one.id,)
        anywhere = tuple(one.id for one in self._kept.values() if one.evse is None)
        free = [n for n, bay in self.box.bays.items() if not now_held[n] and _is_free(bay)]
        if anywhere and len(free) <= len(anywhere):
            now_held.update(dict.fromkeys(free, anywhere))
        for number, bay in self.box.bays.items():
            before, bay.held = bay.state, now_held[number]
            if bay.state is not before:
                bay.report()

    def _look(self, _now: Seconds) -> None:
        """Each second: what is over, and what cannot be kept any more."""
        now = self.box.clock.now()
        for one in tuple(self._kept.values()):
            if now >= one.until:
                self._end(one, "Expired")
            elif one.evse is not None and not _is_whole(self.box.bays[one.evse]):
                self._end(one, "Removed")
        self._hold()
        if not self._kept:
            self.box.unwatch(self._look)

    def _end(self, one: Reservation, why: str) -> None:
        """Over without its car. 1.6 has no word for it: the outlet's state tells."""
        del self._kept[one.id]
        if self.box.version is not OcppVersion.V16:
            self.box.call("ReservationStatusUpdate", {"reservationId": one.id, "reservationUpdateStatus": why})

    def _used(self, fact: TransactionTold) -> Json | None:
        """The car has come: its transaction names the reservation, which is used up."""
        bay = self.box.bays.get(fact.evse or 0)
        if bay is None or fact.token is None or not bay.held:
            return None
        mine = next((one for one in bay.held if self._kept[one].admits(fact.token, bay.group)), None)
        if mine is None:
            return None
        del self._kept[mine]
        self._hold()
        return {"reservationId": mine}

    ACTS: ClassVar = {"CancelReservation": _cancel, "ReserveNow": _reserve}


def _is_free(bay: Bay) -> bool:
    """Whether a stay could begin, but for reservations; a plug that is in has begun nothing yet."""
    return bay.token is None and bay.fault is None and bay.serves


def _is_whole(bay: Bay) -> bool:
    """Whether it works and may be used."""
    return bay.state not in {OutletState.FAULTED, OutletState.UNAVAILABLE}
