"""Stays that end their energy at a cost, an energy, a time or a state of charge (E16, F07)."""

from dataclasses import dataclass
from typing import ClassVar

from voltide.domain.messages import Json, Moment, TransactionTold
from voltide.domain.site import OcppVersion
from voltide.domain.units import Seconds, WattHours
from voltide.twin.bay import Bay
from voltide.twin.blocks.block import Block, Box
from voltide.twin.blocks.tariffs import Tariffs

_TRIGGERS = {
    "maxCost": "CostLimitReached",
    "maxEnergy": "EnergyLimitReached",
    "maxTime": "TimeLimitReached",
    "maxSoC": "SoCLimitReached",
}


@dataclass(slots=True, kw_only=True)
class Limit:
    """What one transaction may come to, from its start to its end."""

    transaction: str
    bounds: Json
    reached: str | None = None


class StayLimits(Block):
    """Suspends the energy where a bound is reached; the transaction goes on, and a higher bound lets it flow again."""

    def __init__(self, box: Box) -> None:
        super().__init__(box)
        self._limits: dict[int, Limit] = {}
        self._began_wh: dict[int, WattHours] = {}
        """The import register when the transaction of an outlet began."""
        box.hooks.append(self._event)
        box.learn(self._learn)

    def _learn(self, fact: TransactionTold, body: Json) -> None:
        """The station sets bounds in its answer; one that comes late is not for the next transaction."""
        bay = self.box.bays.get(fact.evse or 0)
        if "transactionLimit" in body and bay is not None and bay.transaction == fact.transaction_id:
            self.put(bay, body["transactionLimit"])

    def put(self, bay: Bay, bounds: Json) -> None:
        """Bounds for what runs at an outlet, of the station or of the driver, in place of those before.

        The same ones again change nothing: a station that says them in every answer would else be told without end.
        """
        old = self._limits.get(bay.number)
        if bay.transaction is None or (old is not None and old.bounds == bounds):
            return
        limit = self._limits[bay.number] = Limit(transaction=bay.transaction, bounds=bounds)
        self.box.watch(self._look)
        if old is not None and old.reached is not None and self._reached(bay, limit) is None and bay.token is not None:
            bay.outlet.close()
        bay.change("LimitSet")

    def _event(self, fact: TransactionTold) -> Json | None:
        """The bounds are said once, as a receipt; with the stay they are gone."""
        number = fact.evse or 0
        if fact.moment is Moment.STARTED and number in self.box.bays:
            self._began_wh[number] = self.box.bays[number].outlet.import_wh
        if fact.moment is Moment.ENDED:
            self._limits.pop(number, None)
        limit = self._limits.get(number)
        if limit is None or fact.trigger != "LimitSet" or limit.transaction != fact.transaction_id:
            return None
        return {"transactionInfo": {"transactionLimit": limit.bounds}}

    def _look(self, _now: Seconds) -> None:
        """Each second; what closes the contactor in between, a token or a restart, does not get past a bound."""
        for number, limit in tuple(self._limits.items()):
            bay = self.box.bays[number]
            reached = self._reached(bay, limit)
            if reached is not None and bay.outlet.closed:
                bay.starved()
            if reached is not None and limit.reached is None:
                limit.reached = reached
                bay.change(_TRIGGERS[reached])
        if not self._limits:
            self.box.unwatch(self._look)

    def _reached(self, bay: Bay, limit: Limit) -> str | None:
        """The first bound that has been reached."""
        bounds = limit.bounds
        return next((key for key in _TRIGGERS if key in bounds and self._used(bay, key) >= bounds[key]), None)

    def _used(self, bay: Bay, key: str) -> float:
        """What the transaction has come to: Wh, s, per cent, or the tariff's currency with tax."""
        match key:
            case "maxEnergy":
                return bay.outlet.import_wh - self._began_wh[bay.number]
            case "maxTime":
                return (self.box.clock.now() - bay.began).total_seconds()
            case "maxSoC":
                return 0.0 if bay.outlet.car is None else bay.outlet.car.soc * 100.0
        return self.box.part(Tariffs).cost(bay)

    EAGER: ClassVar = frozenset({OcppVersion.V21})
