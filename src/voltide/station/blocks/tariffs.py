"""Tariff and cost (block I): a charger that can show prices has the station's own, and is told what a stay comes to.

The charger's display follows the ledger: the same energies, prices and rounding. What it reckons itself bills nobody.
"""

from dataclasses import dataclass
from datetime import datetime

import structlog

from voltide.domain.messages import Accepted, Moment, OrderResult, Refused, Variable
from voltide.domain.requests import SetTariff, TellCost
from voltide.domain.session import Session, SessionId
from voltide.domain.site import ChargerId, OcppVersion
from voltide.domain.token import Json
from voltide.domain.units import Seconds
from voltide.ledger.cost import as_yuan, net
from voltide.ledger.settlement import HELD
from voltide.ledger.tariff import Tariff
from voltide.ocpp.tariff21 import Price, tariff21
from voltide.ocpp.wire import plain, request
from voltide.station.blocks.block import Heard, Kept
from voltide.station.blocks.ground import Ground, Quiet
from voltide.station.blocks.provisioning import known

log = structlog.get_logger()

EVERY_S: Seconds = 60.0
"""How often a display is told what a stay comes to."""
CURRENCY = "CNY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """The tariff that a charger has taken."""

    tariff_id: str


class Tariffs(Quiet):
    """What displays show of the station's prices."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._tariff = of_day(ground.tariff)
        self._shown: dict[ChargerId, str] = {}
        self._tells: set[ChargerId] = set()
        """Chargers on the line that show what a stay comes to."""
        self._due: dict[SessionId, float] = {}

    @property
    def hears(self) -> tuple[type, ...]:
        """Nothing: prices go one way."""
        return ()

    async def hear(self, charger: ChargerId, fact: object, now: datetime) -> Heard:
        """Nothing is heard."""
        del charger, fact, now
        return Heard()

    def told(self, charger: ChargerId, fact: object) -> None:
        """Nothing is told."""
        del charger, fact

    async def load(self) -> None:
        """Which tariff each charger has."""
        for charger, _, one in await self._ground.kept("tariff", Shown):
            self._shown[charger] = one.tariff_id

    async def greet(self, charger: ChargerId) -> None:
        """Give the tariff to whoever can show one and has another; remember who shows costs."""
        line = self._ground.crew.chargers.lines.get(charger)
        if line is None or line.version is OcppVersion.V16:
            return
        model = await self._ground.store.read(lambda engine: known(engine, charger))
        if _enabled(model, "Cost"):
            self._tells.add(charger)
        mine = str(self._tariff["tariffId"])
        if line.version is not OcppVersion.V21 or not _enabled(model, "Tariff") or self._shown.get(charger) == mine:
            return
        result = await self._ground.call(charger, SetTariff(evse=0, tariff=self._tariff))
        if isinstance(result, Accepted):
            self._shown[charger] = mine
            await self._ground.keep(charger, Kept(kind="tariff", key="default", what=Shown(tariff_id=mine)))
        elif isinstance(result, Refused):
            self._ground.diary.note("tariff-refused", charger, result.reason)

    def left(self, charger: ChargerId) -> None:
        """Another charger may come under its name."""
        self._tells.discard(charger)

    async def look(self) -> None:
        """Tell what stays come to, each once a minute."""
        if not self._tells:
            return
        now_s = self._ground.clock.monotonic()
        stays = {one.id: one for one in self._ground.crew.sessions.open() if one.charger in self._tells}
        self._due = {name: due for name, due in self._due.items() if name in stays}
        for name, session in stays.items():
            if now_s >= self._due.setdefault(name, now_s + EVERY_S):
                self._due[name] = now_s + EVERY_S
                self._ground.crew.chargers.spawn(self._tell(session))

    def cost(self, version: OcppVersion, session: Session, moment: Moment) -> str | None:
        """For the answer to an event: in the end what is billed, where it is; before, what it comes to (2.1).

        Nothing is said while a record is in doubt: a charger would take it for the price. Source: OCPP 2.0.1 and 2.1,
        TransactionEventResponse.totalCost.
        """
        if version is OcppVersion.V16:
            return None
        if moment is Moment.ENDED:
            whole = session.ended_at is not None and session.complete and not session.flags & HELD
            return as_yuan(net(session, self._ground.tariff)) if whole else None
        now_s = self._ground.clock.monotonic()
        shows = version is OcppVersion.V21 and session.charger in self._tells
        if not shows or now_s < self._due.get(session.id, 0.0):
            return None
        self._due[session.id] = now_s + EVERY_S
        return as_yuan(net(session, self._ground.tariff))

    # --- what is called by hand ---

    @property
    def orders(self) -> tuple[type | str, ...]:
        """Tariffs that are given or cleared by hand."""
        return (SetTariff, "ClearTariffs")

    def refuses(self, charger: ChargerId, order: object) -> str | None:
        """Nothing: the guard has made sure that it is the station's own."""
        del charger, order
        return None

    async def done(self, charger: ChargerId, order: object, result: OrderResult) -> None:
        """What was cleared is given again when the charger comes next."""
        if isinstance(result, Accepted):
            mine = str(self._tariff["tariffId"]) if isinstance(order, SetTariff) else ""
            self._shown[charger] = mine
            await self._ground.keep(charger, Kept(kind="tariff", key="default", what=Shown(tariff_id=mine)))

    @property
    def own(self) -> Json:
        """The station's own tariff as a checked message has it."""
        order = request(OcppVersion.V21, "SetDefaultTariff", {"evseId": 0, "tariff": self._tariff})
        own: Json = plain(order.request)["tariff"]
        return own

    async def _tell(self, session: Session) -> None:
        total = as_yuan(net(session, self._ground.tariff))
        result = await self._ground.call(session.charger, TellCost(transaction_id=session.transaction_id, total=total))
        if isinstance(result, Refused):
            self._tells.discard(session.charger)
            log.info("cost.refused", charger=session.charger, why=result.reason)


def of_day(tariff: Tariff) -> Json:
    """The station's own prices as a charger shows them: energy and service together."""
    prices = [Price(start=one.start, per_kwh=one.charge + tariff.service_fee) for one in tariff.periods]
    names = ", ".join(f"{one.start:%H:%M} {one.name}" for one in tariff.periods)
    return tariff21(prices, CURRENCY, names)


def _enabled(model: tuple[Variable, ...], what: str) -> bool:
    """Whether a charger says that it shows this. Source: OCPP 2.1 part 2, TariffCostCtrlr."""
    return any(
        one.component == "TariffCostCtrlr"
        and one.name == "Enabled"
        and one.instance == what
        and (one.value or "").lower() == "true"
        for one in model
    )
