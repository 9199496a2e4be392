"""What people and the network order: each becomes a change of the demand, or a call to a charger; each gets a reply."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from voltide.domain.messages import (
    Accepted,
    CallResult,
    CancelGrid,
    ChangeAvailability,
    LimitOutlet,
    NeedsTold,
    OrderGrid,
    OrderResult,
    Refused,
    Reply,
    SetInService,
    StartCharging,
    StartTransaction,
    StopCharging,
    StopTransaction,
    TellNeeds,
    Token,
)
from voltide.domain.site import Evse
from voltide.station.diary import Diary
from voltide.station.loop import Crew

_MOST_ORDER_S = 24 * 3600.0

Ear: TypeAlias = Callable[[Any], Awaitable[Reply | CallResult]]
"""Does one kind of order."""


class Orders:
    """The station's ear for people."""

    def __init__(self, crew: Crew, diary: Diary, new_id: Callable[[], str]) -> None:
        self._crew = crew
        self._diary = diary
        self._new_id = new_id
        self._started = 0
        self.ears: dict[type, Ear] = {}
        """What blocks do, by the order's kind."""

    async def obey(self, order: object) -> Reply | CallResult:  # noqa: PLR0911 - one line per order
        """Do one order, or say why not."""
        ear = self.ears.get(type(order))
        if ear is not None:
            return await ear(order)
        match order:
            case StartCharging():
                return await self._on(order.evse, lambda evse: self._start(evse, order.token))
            case StopCharging():
                return await self._on(order.evse, self._stop)
            case SetInService():
                return await self._on(order.evse, lambda evse: self._service(evse, order.operative))
            case LimitOutlet():
                return await self._on(order.evse, lambda evse: self._limit(evse, order))
            case TellNeeds():
                return await self._on(order.evse, lambda evse: self._needs(evse, order))
            case OrderGrid():
                return self._grid(order)
            case CancelGrid():
                done = self._crew.demand.cancel(order)
                self._crew.planner.changed()
                return Reply(done=done, code="accepted" if done else "unknown-order")
            case _:
                return Reply(done=False, code="unknown-order", detail=type(order).__name__)

    async def _on(self, name: str, work: Callable[[Evse], Awaitable[Reply]]) -> Reply:
        evse = next((evse for evse in self._crew.station.evses if evse.id == name), None)
        if evse is None:
            return Reply(done=False, code="unknown-outlet", detail=name)
        reply = await work(evse)
        self._crew.planner.changed()
        return reply

    async def _start(self, evse: Evse, token: str) -> Reply:
        self._started += 1
        order = StartTransaction(
            evse=evse.number, token=Token(id=token[:36] or "operator"), remote_start_id=self._started
        )
        return _reply(await self._crew.chargers.order(evse.charger, order))

    async def _stop(self, evse: Evse) -> Reply:
        session = self._crew.sessions.at(evse.id)
        if session is None:
            return Reply(done=False, code="no-car", detail=evse.id)
        self._diary.note("stop-asked", evse.id)
        order = StopTransaction(transaction_id=session.transaction_id)
        return _reply(await self._crew.chargers.order(evse.charger, order))

    async def _service(self, evse: Evse, operative: bool) -> Reply:
        order = ChangeAvailability(evse=evse.number, operative=operative)
        return _reply(await self._crew.chargers.order(evse.charger, order))

    async def _limit(self, evse: Evse, order: LimitOutlet) -> Reply:
        limits = self._crew.demand.limits
        if order.limit_w is None:
            limits.pop(evse.id, None)
        elif 0.0 <= order.limit_w <= evse.charge_w:
            limits[evse.id] = order.limit_w
        else:
            return Reply(done=False, code="out-of-range", detail=f"0 to {evse.charge_w:.0f} W")
        self._diary.note("limit", evse.id, "" if order.limit_w is None else f"{order.limit_w / 1000:.0f} kW")
        return Reply(done=True, code="accepted")

    async def _needs(self, evse: Evse, order: TellNeeds) -> Reply:
        v2g = bool(order.v2g) and evse.discharge_w > 0.0
        told = NeedsTold(
            evse=evse.number,
            departure=order.departure,
            energy_wh=order.energy_wh,
            soc=order.soc,
            target_soc=order.target_soc,
            capacity_wh=order.capacity_wh,
            floor_soc=order.floor_soc,
            discharge_w=evse.discharge_w if v2g else None,
            v2x=v2g,
        )
        await self._crew.chargers.apply(self._crew.sessions.hear_needs(evse.charger, told))
        return Reply(done=True, code="accepted")

    def _grid(self, order: OrderGrid) -> Reply:
        able = self._crew.wiring.discharge_w
        most, least = float(self._crew.wiring.charge_w[able > 0.0].sum()), -float(able.sum())
        now = self._crew.clock.now()
        seconds = (order.end - order.start).total_seconds()
        if not least <= order.power_w <= most:
            return Reply(done=False, code="out-of-range", detail=f"{least:.0f} to {most:.0f} W")
        if order.end <= now or not 0.0 < seconds <= _MOST_ORDER_S:
            return Reply(done=False, code="bad-times", detail="an order ends after now, and lasts a day at most")
        self._crew.demand.add(order)
        self._crew.planner.changed()
        self._diary.note("order", order.id, f"{order.power_w / 1000:.0f} kW")
        return Reply(done=True, code="accepted")


def _reply(result: OrderResult) -> Reply:
    match result:
        case Accepted():
            return Reply(done=True, code="accepted")
        case Refused():
            return Reply(done=False, code="refused", detail=result.reason)
        case _:
            return Reply(done=False, code="unknown", detail=result.reason)
