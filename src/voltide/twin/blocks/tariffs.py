"""Tariffs that the charger shows and reckons by, and what the station says that a stay comes to (I)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from voltide.domain.messages import Json, Moment, Token, TransactionTold
from voltide.domain.site import OcppVersion
from voltide.domain.units import Seconds, WattHours
from voltide.ocpp.wire import maybe_moment
from voltide.twin.bay import Bay
from voltide.twin.blocks.block import Block, Box, refusal
from voltide.twin.blocks.reckoning import Reckoning, Span, conditions_of, is_sound
from voltide.twin.variables import Name

_TARIFF: Name = ("TariffCostCtrlr", "Enabled", "Tariff")
_COST: Name = ("TariffCostCtrlr", "Enabled", "Cost")
_RUNNING: Name = ("TariffCostCtrlr", "Enabled", "RunningCost")
_EVERY: Name = ("TariffCostCtrlr", "Interval", "Cost")
_MOST: Name = ("TariffCostCtrlr", "MaxElements", "Tariff")
_CONDITIONS: Name = ("TariffCostCtrlr", "ConditionsSupported", "Tariff")
_CURRENCY: Name = ("TariffCostCtrlr", "Currency", "")
_FALLBACK: Name = ("TariffCostCtrlr", "TotalCostFallbackMessage", "")
_ZONE: Name = ("ClockCtrlr", "TimeZone", "")
_PRICED = ("energy", "chargingTime", "idleTime", "fixedFee")
_UNPRICED = frozenset({"reservationTime", "reservationFixed"})
"""What this charger cannot reckon, so that it does not take it."""
KEPT = 50
"""So many costs that the station said, and tariffs of drivers who have not begun, are remembered."""


@dataclass(slots=True, kw_only=True)
class Stay:
    """A transaction with its tariff."""

    transaction: str
    tariff: Json
    reckoning: Reckoning | None
    token: str
    own: bool
    """The tariff is the driver's or this stay's own, and no default."""
    at: datetime
    import_wh: WattHours
    export_wh: WattHours
    due_s: Seconds
    told: bool = False
    """The tariff's id has been told."""


class Tariffs(Block):
    """Keeps tariffs, and reckons second by second where local costs are on."""

    def __init__(self, box: Box) -> None:
        super().__init__(box)
        self._defaults: dict[int, list[Json]] = {number: [] for number in box.bays}
        self._drivers: dict[str, Json] = {}
        self._unfit: set[str] = set()
        """Drivers whose own tariff this charger cannot work with."""
        self._protests: set[int] = set()
        """Outlets where that is still to be told."""
        self._stays: dict[int, Stay] = {}
        self.costs: dict[str, float] = {}
        """What the station said last that a transaction comes to."""
        box.learn(self._learn)
        box.variables.guards[_ZONE] = _known_zone

    # --- orders ---

    def _set(self, body: Json) -> Json:
        """A default for one outlet or all; what runs keeps what it has."""
        evse, tariff = body["evseId"], body["tariff"]
        places = list(self.box.bays) if evse == 0 else [evse]
        if evse and evse not in self.box.bays:
            return refusal("UnknownEvse")
        flaw = self._flaw(tariff)
        if flaw is not None:
            return flaw
        if any(one["tariffId"] == tariff["tariffId"] and one != tariff for one in self._known()):
            return refusal("DuplicateTariffId", "DuplicateTariffId")
        for place in places:
            self._defaults[place] = self._among(self._defaults[place], tariff)
        self._wake()
        return {"status": "Accepted"}

    def _among(self, tariffs: list[Json], new: Json) -> list[Json]:
        """One that is valid now replaces what is valid; one to come replaces one of the same moment."""
        others = [one for one in tariffs if one["tariffId"] != new["tariffId"]]
        if self._waits(new):
            return [*(one for one in others if self._from(one) != self._from(new)), new]
        return [*(one for one in others if self._waits(one)), new]

    def _flaw(self, tariff: Json) -> Json | None:
        """What this charger cannot do with a tariff, as its refusal."""
        variables = self.box.variables
        if not variables.flag(_TARIFF):
            return refusal("NotEnabled")
        if tariff["currency"] != variables.text(_CURRENCY):
            return refusal("ForeignCurrency")
        if any(len(tariff[part]["prices"]) > variables.whole(_MOST) for part in _PRICED if part in tariff):
            return refusal("TooManyElements", "TooManyElements")
        if not variables.flag(_CONDITIONS) and any(conditions_of(tariff)):
            return refusal("NotSupported", "ConditionNotSupported")
        if _UNPRICED & tariff.keys():
            return refusal("NoReservationPrice")
        return None if is_sound(tariff) else refusal("InvalidValue")

    def _known(self) -> Iterator[Json]:
        """Every tariff that is kept or in use."""
        for tariffs in self._defaults.values():
            yield from tariffs
        yield from self._drivers.values()
        yield from (stay.tariff for stay in self._stays.values())

    def _from(self, tariff: Json) -> datetime:
        """When it is valid; told nothing, since ever."""
        return maybe_moment(tariff.get("validFrom")) or datetime.min.replace(tzinfo=self.box.clock.now().tzinfo)

    def _waits(self, tariff: Json) -> bool:
        return self._from(tariff) > self.box.clock.now()

    def default(self, evse: int) -> Json | None:
        """The tariff of an outlet now: the one that became valid last."""
        valid = [one for one in self._defaults[evse] if not self._waits(one)]
        return max(valid, key=self._from, default=None)

    def _get(self, body: Json) -> Json:
        evse = body["evseId"]
        if not self.box.variables.flag(_TARIFF):
            return refusal("NotEnabled")
        if evse and evse not in self.box.bays:
            return refusal("UnknownEvse")
        places = list(self.box.bays) if evse == 0 else [evse]
        rows = [*self._assigned(places), *self._in_use(places)]
        return {"status": "Accepted", "tariffAssignments": rows} if rows else {"status": "NoTariff"}

    def _assigned(self, places: list[int]) -> Iterator[Json]:
        """Default tariffs, each with its outlets."""
        where: dict[str, list[int]] = {}
        known: dict[str, Json] = {}
        for place in places:
            for one in self._defaults[place]:
                known[one["tariffId"]] = one
                where.setdefault(one["tariffId"], []).append(place)
        for name, one in known.items():
            row = {"tariffId": name, "tariffKind": "DefaultTariff", "evseIds": where[name]}
            yield row | ({"validFrom": one["validFrom"]} if "validFrom" in one else {})

    def _in_use(self, places: list[int]) -> Iterator[Json]:
        """Drivers' own tariffs."""
        for place in places:
            stay = self._stays.get(place)
            if stay is not None and stay.own:
                row = {"tariffId": stay.tariff["tariffId"], "tariffKind": "DriverTariff", "evseIds": [place]}
                yield row | ({"idTokens": [stay.token]} if stay.token else {})

    def _clear(self, body: Json) -> Json:
        """Forget default tariffs; what runs goes on with them."""
        wanted, evse = body.get("tariffIds"), body.get("evseId")
        places = [place for place in self._defaults if evse in {None, 0, place}]
        known = [one["tariffId"] for place in places for one in self._defaults[place]]
        names = list(dict.fromkeys(known if wanted is None else wanted))
        for place in places:
            self._defaults[place] = [one for one in self._defaults[place] if one["tariffId"] not in names]
        rows = [{"tariffId": name, "status": "Accepted" if name in known else "NoTariff"} for name in names]
        return {"clearTariffsResult": rows or [{"status": "NoTariff"}]}

    def _change(self, body: Json) -> Json:
        """Another tariff for what runs, from now on."""
        tariff, bay = body["tariff"], self._bay(body["transactionId"])
        if bay is None:
            return refusal("TxNotFound", "TxNotFound")
        stay = self._stays.get(bay.number)
        currency = self.box.variables.text(_CURRENCY) if stay is None else stay.tariff["currency"]
        if tariff["currency"] != currency:
            return refusal("ForeignCurrency", "NoCurrencyChange")
        flaw = self._flaw(tariff)
        if flaw is not None:
            return flaw
        if stay is None:
            token = "" if bay.token is None else bay.token.id
            self._bind(bay, body["transactionId"], tariff, token, own=True)
        else:
            self._count(bay, stay)
            stay.tariff, stay.told, stay.own = tariff, False, True
            if stay.reckoning is not None:
                stay.reckoning.change(tariff)
        self._wake()
        bay.change("TariffChanged")
        return {"status": "Accepted"}

    def _bay(self, transaction: str) -> Bay | None:
        running = (bay for bay in self.box.bays.values() if bay.transaction is not None)
        return next((bay for bay in running if self.box.known_id(bay.transaction) == transaction), None)

    def _updated(self, body: Json) -> Json:
        """The cost of what runs; what is over has had its last word."""
        if self._bay(body["transactionId"]) is not None:
            self._note(body["transactionId"], body["totalCost"])
        return {}

    # --- a stay ---

    def given(self, token: Token, tariff: Json) -> None:
        """The station has a tariff for a driver (I08)."""
        self._wake()
        if self._flaw(tariff) is not None:
            self._unfit.add(token.id)
            return
        self._drivers[token.id] = tariff
        if len(self._drivers) > KEPT:
            del self._drivers[next(iter(self._drivers))]

    def _wake(self) -> None:
        """From the first tariff on, events of stays are heard; a charger without any stays light."""
        if self._event not in self.box.hooks:
            self.box.hooks.append(self._event)

    def _event(self, fact: TransactionTold) -> Json | None:
        """What an event says of tariff and cost."""
        bay = self.box.bays.get(fact.evse or 0)
        if bay is None or fact.transaction_id is None:
            return None
        transaction = self.box.known_id(fact.transaction_id) or fact.transaction_id
        if bay.number not in self._stays and fact.token is not None and fact.moment is not Moment.ENDED:
            self._begin(bay, transaction, fact.token)
        stay = self._stays.get(bay.number)
        return None if stay is None or stay.transaction != transaction else self._say(bay, stay, fact)

    def _begin(self, bay: Bay, transaction: str, token: Token) -> None:
        """A driver has begun: by a tariff of their own, or by the outlet's."""
        driver = self._drivers.pop(token.id, None)
        tariff = driver or self.default(bay.number)
        if token.id in self._unfit:
            self._unfit.discard(token.id)
            self._protests.add(bay.number)
            self.box.watch(self._look)
        if tariff is not None:
            self._bind(bay, transaction, tariff, token.id, own=driver is not None)

    def _bind(self, bay: Bay, transaction: str, tariff: Json, token: str, *, own: bool) -> None:
        now, reckoning = self.box.clock.now(), None
        if self.box.variables.flag(_COST):
            reckoning = Reckoning(tariff, ZoneInfo(self.box.variables.text(_ZONE)), now)
            self.box.watch(self._look)
        self._stays[bay.number] = Stay(
            transaction=transaction,
            tariff=tariff,
            reckoning=reckoning,
            token=token,
            own=own,
            at=now,
            import_wh=bay.outlet.import_wh,
            export_wh=bay.outlet.export_wh,
            due_s=self.box.clock.monotonic() + self.box.variables.whole(_EVERY),
        )

    def _say(self, bay: Bay, stay: Stay, fact: TransactionTold) -> Json:
        self._count(bay, stay)
        extra: Json = {}
        if not stay.told:
            stay.told, extra = True, {"transactionInfo": {"tariffId": stay.tariff["tariffId"]}}
        over = fact.moment is Moment.ENDED
        if stay.reckoning is not None and (over or fact.trigger == "RunningCost"):
            extra["costDetails"] = stay.reckoning.details(whole=over)
        if over:
            del self._stays[bay.number]
        return extra

    def _look(self, now: Seconds) -> None:
        """Each second, so that a price is judged by what is true in it; and what is due is told."""
        for number in sorted(self._protests):
            self.box.bays[number].change("TariffNotAccepted")
        self._protests.clear()
        reckoned = [(number, stay) for number, stay in self._stays.items() if stay.reckoning is not None]
        every = self.box.variables.whole(_EVERY) if self.box.variables.flag(_RUNNING) else 0
        for number, stay in reckoned:
            self._count(self.box.bays[number], stay)
            if every and now >= stay.due_s:
                stay.due_s = now + every
                self.box.bays[number].change("RunningCost")
        if not reckoned:
            self.box.unwatch(self._look)

    def _count(self, bay: Bay, stay: Stay) -> None:
        """Reckon what has happened since the last look."""
        now, outlet = self.box.clock.now(), bay.outlet
        if stay.reckoning is not None and now > stay.at:
            span = Span(
                start=stay.at,
                seconds=(now - stay.at).total_seconds(),
                import_wh=outlet.import_wh - stay.import_wh,
                export_wh=outlet.export_wh - stay.export_wh,
            )
            stay.reckoning.count(span)
            stay.at, stay.import_wh, stay.export_wh = now, outlet.import_wh, outlet.export_wh

    def _learn(self, fact: TransactionTold, body: Json) -> None:
        """What the station says that it comes to."""
        if "totalCost" in body and fact.transaction_id is not None:
            self._note(self.box.known_id(fact.transaction_id) or fact.transaction_id, body["totalCost"])

    def _note(self, transaction: str, cost: float) -> None:
        self.costs.pop(transaction, None)
        self.costs[transaction] = cost
        if len(self.costs) > KEPT:
            del self.costs[next(iter(self.costs))]

    def _own_cost(self, bay: Bay) -> float | None:
        """By the charger's own reckoning, with tax; None: it does not reckon."""
        stay = self._stays.get(bay.number)
        if stay is None or stay.reckoning is None:
            return None
        self._count(bay, stay)
        return float(stay.reckoning.total[1])

    def cost(self, bay: Bay) -> float:
        """What a stay comes to: by the charger's own reckoning, or by what the station said last."""
        own = self._own_cost(bay)
        return self.costs.get(self.box.known_id(bay.transaction) or "", 0.0) if own is None else own

    def shown(self, evse: int) -> str:
        """What the display says of the cost of a stay."""
        bay = self.box.bays[evse]
        own = self._own_cost(bay)
        cost = self.costs.get(self.box.known_id(bay.transaction) or "") if own is None else own
        return self.box.variables.text(_FALLBACK) if cost is None else f"{cost:.2f}"

    EAGER: ClassVar = frozenset({OcppVersion.V201, OcppVersion.V21})
    ACTS: ClassVar = {
        "ChangeTransactionTariff": _change,
        "ClearTariffs": _clear,
        "CostUpdated": _updated,
        "GetTariffs": _get,
        "SetDefaultTariff": _set,
    }


def _known_zone(text: str) -> str:
    """A time zone is taken when it is one: prices of the clock hang on it."""
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return "Rejected"
    return "Accepted"
