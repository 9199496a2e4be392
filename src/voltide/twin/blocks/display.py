"""Texts on the charger's display: kept by priority, state, time, transaction and outlet (O).

Source: OCPP 2.1 Part 2, O01 to O06, and its MessageInfoType.
"""

from collections.abc import Iterator
from typing import ClassVar

from voltide.domain.messages import Flow, Json, Moment, OutletState, TransactionTold
from voltide.domain.site import OcppVersion
from voltide.ocpp.wire import maybe_moment
from voltide.twin.bay import Bay
from voltide.twin.blocks.block import Block, Box, pages, refusal
from voltide.twin.variables import Name

_ENABLED: Name = ("DisplayMessageCtrlr", "Enabled", "")
_COUNT: Name = ("DisplayMessageCtrlr", "DisplayMessages", "")
_FORMATS: Name = ("DisplayMessageCtrlr", "SupportedFormats", "")
_STATES: Name = ("DisplayMessageCtrlr", "SupportedStates", "")
_PRIORITIES: Name = ("DisplayMessageCtrlr", "SupportedPriorities", "")
_LANGUAGE: Name = ("DisplayMessageCtrlr", "Language", "")
MOST = 20
"""So many texts at once; see the bounds of ``DisplayMessages`` in ``device_model.toml``."""
_PAGE = 5
_ALONE = "AlwaysFront"
_RANK = {_ALONE: 0, "InFront": 1, "NormalCycle": 2}
_OLD_STATES = ("Charging", "Faulted", "Idle", "Unavailable")


class Display(Block):
    """What it shows. A text may be for the display of one outlet; without a display it stands on all."""

    def __init__(self, box: Box) -> None:
        super().__init__(box)
        self._kept: dict[int, Json] = {}
        box.variables.live[_COUNT] = lambda _spot: str(len(self._standing()))
        box.hooks.append(self._stay)

    def _standing(self) -> list[Json]:
        """All that is kept; what has ended is gone (MessageInfoType.endDateTime)."""
        now = self.box.clock.now()
        for one in list(self._kept.values()):
            end = maybe_moment(one.get("endDateTime"))
            if end is not None and end <= now:
                del self._kept[one["id"]]
        return list(self._kept.values())

    # --- set ---

    def _set(self, body: Json) -> Json:
        """Keep a text in place of the one of its id, and of another that would always be in front there."""
        told = body["message"]
        replaced = [one["id"] for one in self._standing() if _replaces(told, one)]
        flaw = self._unfit(told) or self._misplaced(told)
        if flaw is None and len(self._kept) - len(replaced) >= MOST:
            flaw = refusal("OutOfStorage")
        if flaw is not None:
            return flaw
        for one in replaced:
            del self._kept[one]
        self._kept[told["id"]] = told
        return {"status": "Accepted"}

    def _unfit(self, told: Json) -> Json | None:
        """What of a text this charger cannot show; None: nothing."""
        variables, new = self.box.variables, self.box.version is OcppVersion.V21
        states = variables.several(_STATES) if new else _OLD_STATES
        texts = [told["message"], *told.get("messageExtra", ())]
        if not variables.flag(_ENABLED):
            return refusal("NotEnabled")
        if told["priority"] not in variables.several(_PRIORITIES):
            return {"status": "NotSupportedPriority"}
        if "state" in told and told["state"] not in states:
            return {"status": "NotSupportedState"}
        if any(text["format"] not in variables.several(_FORMATS) for text in texts):
            return {"status": "NotSupportedMessageFormat"}
        if new and not all(self._speaks(text["language"]) for text in texts if "language" in text):
            return {"status": "LanguageNotSupported"}
        return None

    def _misplaced(self, told: Json) -> Json | None:
        """Why a text would never be seen; None: it would."""
        display, now = told.get("display"), self.box.clock.now()
        start, end = maybe_moment(told.get("startDateTime")), maybe_moment(told.get("endDateTime"))
        if "transactionId" in told and self._bay(told["transactionId"]) is None:
            return {"status": "UnknownTransaction"}
        if end is not None and end <= max(start or now, now):
            return refusal("InvalidValue", info="It ends before it begins.")
        if display is not None and (display["name"] != "Display" or _outlet(told) not in {None, *self.box.bays}):
            return refusal("UnsupportedParam", info="There is no such display.")
        return None

    def _speaks(self, language: str) -> bool:
        """Whether it has letters for a language, as RFC 5646 names it; a country in it does not matter."""
        spot = self.box.variables.find(_LANGUAGE)
        return spot is not None and language.partition("-")[0].lower() in spot.row.choices.split(",")

    def _bay(self, transaction: str) -> Bay | None:
        running = (bay for bay in self.box.bays.values() if bay.transaction is not None)
        return next((bay for bay in running if self.box.known_id(bay.transaction) == transaction), None)

    # --- tell and clear ---

    def _get(self, body: Json) -> Json:
        """Tell those that fit what is asked; all of them when nothing is."""
        meant = [
            one
            for one in self._standing()
            if one["id"] in body.get("id", [one["id"]])
            and body.get("priority", one["priority"]) == one["priority"]
            and body.get("state", one.get("state")) == one.get("state")
        ]
        if not meant:
            return {"status": "Unknown"}
        for _, more, rows in pages(meant, _PAGE):
            told = {"requestId": body["requestId"], "tbc": more, "messageInfo": rows}
            self.box.call("NotifyDisplayMessages", told)
        return {"status": "Accepted"}

    def _clear(self, body: Json) -> Json:
        self._standing()
        return {"status": "Unknown" if self._kept.pop(body["id"], None) is None else "Accepted"}

    def _stay(self, fact: TransactionTold) -> None:
        """A text for a transaction is gone with it."""
        if fact.moment is Moment.ENDED:
            over = self.box.known_id(fact.transaction_id)
            self._kept = {number: one for number, one in self._kept.items() if one.get("transactionId", "") != over}

    # --- show ---

    def shown(self, evse: int = 1) -> list[str]:
        """The texts that a driver at an outlet sees now, the most important first."""
        fitting = sorted(self._fitting(self.box.bays[evse]), key=lambda one: _RANK[one["priority"]])
        always = [one for one in fitting if one["priority"] == _ALONE]
        return [one["message"]["content"] for one in always[-1:] or fitting]

    def _fitting(self, bay: Bay) -> Iterator[Json]:
        now, state = self.box.clock.now(), _state(bay, old=self.box.version is OcppVersion.V201)
        for one in self._standing() if self.box.variables.flag(_ENABLED) else ():
            start = maybe_moment(one.get("startDateTime"))
            here = _outlet(one) in {None, bay.number}
            mine = "transactionId" not in one or one["transactionId"] == self.box.known_id(bay.transaction)
            if (start is None or now >= start) and here and mine and one.get("state", state) == state:
                yield one

    ACTS: ClassVar = {"ClearDisplayMessage": _clear, "GetDisplayMessages": _get, "SetDisplayMessage": _set}


def _outlet(one: Json) -> int | None:
    """The outlet whose display a text is for; None: all."""
    found: int | None = one.get("display", {}).get("evse", {}).get("id")
    return found


def _replaces(new: Json, old: Json) -> bool:
    """Whether a text takes the place of another. Source: OCPP 2.1 Part 2, O06 and MessagePriorityEnumType."""
    both = new["priority"] == old["priority"] == _ALONE
    return bool(new["id"] == old["id"] or (both and _outlet(new) == _outlet(old)))


def _state(bay: Bay, *, old: bool) -> str:
    """What an outlet is doing, in the display's words; 2.0.1 has none for a pause, nor for giving back."""
    if bay.state in {OutletState.FAULTED, OutletState.UNAVAILABLE}:
        return bay.state.value
    if bay.token is None or bay.flow is Flow.CONNECTED:
        return "Idle"
    if old:
        return "Charging"
    if bay.flow is not Flow.FLOWING:
        return "Suspended"
    return "Discharging" if bay.outlet.power_w < 0.0 else "Charging"
