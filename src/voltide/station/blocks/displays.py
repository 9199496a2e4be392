"""Displays (block O): a text of the station stands on every display that can show it, after a restart again."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import TypeAlias

from voltide.domain.messages import Accepted, ChargerOrder, HideText, OrderResult, Refused, Reply, ShowText
from voltide.domain.reports import DisplayMessage, DisplaysTold
from voltide.domain.requests import Hide, Show
from voltide.domain.site import ChargerId
from voltide.domain.time import Clock
from voltide.station.blocks.block import Heard, Kept

MOST = 16
"""So many texts of the station at once; a display has little room."""

Call: TypeAlias = Callable[[ChargerId, ChargerOrder], Awaitable[OrderResult]]
Online: TypeAlias = Callable[[], Iterable[ChargerId]]


class Displays:
    """What the station wants shown, and what each charger said that it shows."""

    def __init__(self, call: Call, online: Online, clock: Clock) -> None:
        self._call = call
        self._online = online
        self._clock = clock
        self._texts: dict[int, DisplayMessage] = {}

    @property
    def hears(self) -> tuple[type, ...]:
        """The lists that chargers give when they are asked."""
        return (DisplaysTold,)

    @property
    def texts(self) -> tuple[DisplayMessage, ...]:
        """The station's own texts that have not ended."""
        now = self._clock.now()
        return tuple(one for one in self._texts.values() if one.end is None or one.end > now)

    async def show(self, order: ShowText) -> Reply:
        """Put a text on every display; the detail says how many took it."""
        text = order.message
        if text.id not in self._texts and len(self.texts) >= MOST:
            return Reply(done=False, code="too-many", detail=f"{MOST} texts at most")
        self._texts = {one.id: one for one in self.texts} | {text.id: text}
        results = [await self._call(charger, Show(message=text)) for charger in self._online()]
        return _reply(results)

    async def hide(self, order: HideText) -> Reply:
        """Take it off again."""
        if self._texts.pop(order.id, None) is None:
            return Reply(done=False, code="unknown-order", detail=str(order.id))
        return _reply([await self._call(charger, Hide(id=order.id)) for charger in self._online()])

    async def greet(self, charger: ChargerId) -> None:
        """A charger has come: give it the station's texts. One that has no display refuses the first."""
        for text in self.texts:
            if isinstance(await self._call(charger, Show(message=text)), Refused):
                return

    async def hear(self, charger: ChargerId, fact: DisplaysTold, now: datetime) -> Heard:
        """Each text is kept by its id."""
        del charger, now
        return Heard(written=tuple(Kept(kind="display", key=str(one.id), what=one) for one in fact.messages))

    def told(self, charger: ChargerId, fact: DisplaysTold) -> None:
        """Nothing more: whoever asked reads what was kept."""
        del charger, fact


def _reply(results: list[OrderResult]) -> Reply:
    took = sum(isinstance(one, Accepted) for one in results)
    return Reply(done=True, code="accepted", detail=f"{took} of {len(results)}")
