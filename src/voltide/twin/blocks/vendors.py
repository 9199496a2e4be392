"""Battery swaps (S), payment at the charger (C18 to C25), and vendors' own messages (P)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import ClassVar

from voltide.domain.messages import Json, Token, TransactionTold
from voltide.domain.site import OcppVersion
from voltide.domain.time import stamp
from voltide.domain.units import Fraction, Seconds
from voltide.ocpp.box16 import data_text
from voltide.twin.blocks.block import Block, Box, refusal
from voltide.twin.variables import Name

_TARGET: Name = ("BatterySwapCtrlr", "TargetSoC", "")
_IN_S: Name = ("BatterySwapCtrlr", "Timeout", "In")
_OUT_S: Name = ("BatterySwapCtrlr", "Timeout", "Out")
_ASK_FIRST: Name = ("AuthCtrlr", "AuthorizeRemoteStart", "")
VENDOR = "cn.voltide"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A battery in a slot."""

    serial: str
    soc: Fraction
    soh: Fraction = 1.0
    made_at: datetime | None = None


class Swaps(Block):
    """A cabinet of batteries behind the outlets: each outlet is a slot. ``packs`` are those that are in it.

    One battery is swapped at a time, the empty one first. Batteries in slots are not charged here.
    """

    def __init__(self, box: Box) -> None:
        super().__init__(box)
        self.packs: dict[int, Pack] = {}
        self._swap: tuple[int, Token] | None = None
        """The request and the driver of the swap under way."""
        self._offered: int | None = None
        """The slot of the full battery that is to be taken."""
        self._until: Seconds = 0.0
        self._requests = 0
        """The highest number of a swap so far."""

    def _ready(self) -> int | None:
        """A slot with a battery that is full enough."""
        least = self.box.variables.whole(_TARGET) / 100.0
        return next((slot for slot, pack in self.packs.items() if pack.soc >= least), None)

    def _trouble(self) -> str | None:
        """Why no swap can begin now."""
        if self._swap is not None:
            return "SwapUnderWay"
        if self._ready() is None:
            return "NoBatteryAvailable"
        return None if len(self.packs) < len(self.box.bays) else "NoFreeSlot"

    def _request(self, body: Json) -> Json:
        """From afar: open an empty slot for a driver, if there is a full battery to give (S02)."""
        token = Token(id=body["idToken"]["idToken"], kind=body["idToken"]["type"])
        trouble = self._trouble()
        if trouble is not None:
            return refusal(trouble)
        if self.box.variables.flag(_ASK_FIRST):
            self._ask(token, body["requestId"])
        else:
            self._begin(token, body["requestId"])
        return {"status": "Accepted"}

    def present(self, token: Token) -> None:
        """A driver at the cabinet holds a token to the reader: the station is asked about it (S01)."""
        if self._trouble() is None:
            self._ask(token, None)

    def _ask(self, token: Token, request: int | None) -> None:
        body = {"idToken": {"idToken": token.id, "type": token.kind}}
        self.box.call("Authorize", body, partial(self._judged, token, request))

    def _judged(self, token: Token, request: int | None, body: Json) -> None:
        if body["idTokenInfo"]["status"] == "Accepted" and self._trouble() is None:
            self._begin(token, request)

    def _begin(self, token: Token, request: int | None) -> None:
        """A slot opens; without a request of the station the charger numbers the swap itself."""
        number = self._requests + 1 if request is None else request
        self._requests = max(self._requests, number)
        self._swap = (number, token)
        self._wait(_IN_S)

    def _wait(self, name: Name) -> None:
        self._until = self.box.clock.monotonic() + self.box.variables.whole(name)
        self.box.watch(self._look)

    def insert(self, slot: int, pack: Pack) -> bool:
        """The driver has put a battery in; a full one is offered. False: no slot is open for it."""
        if self._swap is None or self._offered is not None or slot in self.packs or slot not in self.box.bays:
            return False
        self._offered = self._ready()
        self.packs[slot] = pack
        self._tell("BatteryIn", slot)
        self._wait(_OUT_S)
        return True

    def take(self) -> Pack | None:
        """The driver takes the battery that is offered; None: there is none."""
        if self._swap is None or self._offered is None:
            return None
        slot, self._offered = self._offered, None
        self._tell("BatteryOut", slot)
        self._swap = None
        return self.packs.pop(slot)

    def _look(self, now: Seconds) -> None:
        """A driver who does not come, or leaves the full battery: it is told which one (S03)."""
        if self._swap is None:
            self.box.unwatch(self._look)
        elif now >= self._until:
            if self._offered is not None:
                self._tell("BatteryOutTimeout", self._offered)
            self._swap, self._offered = None, None

    def _tell(self, step: str, slot: int) -> None:
        if self._swap is not None:
            request, token = self._swap
            who = {"idToken": token.id, "type": token.kind}
            rows = [_data(slot, self.packs[slot])]
            body = {"eventType": step, "requestId": request, "idToken": who, "batteryData": rows}
            self.box.call("BatterySwap", body, keep=True)

    ACTS: ClassVar = {"RequestBatterySwap": _request}


def _data(slot: int, pack: Pack) -> Json:
    made = None if pack.made_at is None else stamp(pack.made_at)
    state = {"soC": round(pack.soc * 100, 1), "soH": round(pack.soh * 100, 1)}
    return {"evseId": slot, "serialNumber": pack.serial, "productionDate": made} | state


class Terminal(Block):
    """A payment terminal beside the display."""

    def __init__(self, box: Box) -> None:
        super().__init__(box)
        self._locked: dict[int, Seconds] = {}

    def settle(
        self, reference: str, amount: float, then: Callable[[Json], None], *, status: str = "Settled", **more: object
    ) -> None:
        """Tell what the terminal settled with its provider, even after a lost line; ``then`` hears of the receipt."""
        told = {"pspRef": reference, "status": status, "settlementAmount": amount}
        body = told | {"settlementTime": stamp(self.box.clock.now())} | more
        self.box.call("NotifySettlement", body, then, keep=True)

    def ask_vat(self, number: str, then: Callable[[Json], None], evse: int | None = None) -> None:
        """A driver has typed a VAT number."""
        self.box.call("VatNumberValidation", {"vatNumber": number, "evseId": evse}, then)

    def _web(self, body: Json) -> Json:
        """Someone pays for an outlet (0: for any) on a web page: nobody else begins there meanwhile (C25)."""
        if self._paid not in self.box.hooks:
            self.box.hooks.append(self._paid)
        until = self.box.clock.monotonic() + body["timeout"]
        self._locked.update(dict.fromkeys(self.box.bays if body["evseId"] == 0 else (body["evseId"],), until))
        return {}

    def _paid(self, fact: TransactionTold) -> None:
        """Whoever it was kept for has begun."""
        if fact.token is not None:
            self._locked.pop(fact.evse or 0, None)

    def locked(self, evse: int) -> bool:
        """Whether an outlet is kept for somebody who pays."""
        return self.box.clock.monotonic() < self._locked.get(evse, 0.0)

    ACTS: ClassVar = {"NotifyWebPaymentStarted": _web}


class Vendors(Block):
    """DataTransfer: this charger's own messages, and no one else's."""

    def _hear(self, body: Json) -> Json:
        """An echo, for whoever knows the vendor."""
        if body["vendorId"] != VENDOR:
            return {"status": "UnknownVendorId"}
        if body.get("messageId") != "Echo":
            return {"status": "UnknownMessageId"}
        data = body.get("data")
        return {"status": "Accepted"} | ({} if data is None else {"data": data})

    def say(self, message: str, data: object, then: Callable[[Json], None], vendor: str = VENDOR) -> None:
        """A vendor's message to the station; in 1.6 its data is text."""
        told = data_text(data) if self.box.version is OcppVersion.V16 else data
        self.box.call("DataTransfer", {"vendorId": vendor, "messageId": message, "data": told}, then)

    ACTS: ClassVar = {"DataTransfer": _hear}
