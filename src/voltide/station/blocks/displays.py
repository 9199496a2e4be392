"""Displays (block O): a text of the station stands on every display that can show it, after a restart again."""

from dataclasses import dataclass
from datetime import datetime

from voltide.domain.messages import Accepted, HideText, Refused, Reply, ShowText
from voltide.domain.reports import DisplayMessage, DisplaysTold
from voltide.domain.requests import Hide, Show
from voltide.domain.site import ChargerId
from voltide.station.blocks.block import Heard, Kept
from voltide.station.blocks.ground import STATION, Ground, Quiet

MOST = 16
"""So many texts of the station at once; a display has little room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A text of the station, and whether it is still wanted."""

    message: DisplayMessage
    wanted: bool = True


class Displays(Quiet):
    """What the station wants shown, and what each charger said that it shows."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._texts: dict[int, DisplayMessage] = {}

    @property
    def hears(self) -> tuple[type, ...]:
        """The lists that chargers give when they are asked."""
        return (DisplaysTold,)

    @property
    def texts(self) -> tuple[DisplayMessage, ...]:
        """The station's own texts that have not ended."""
        now = self._ground.clock.now()
        return tuple(one for one in self._texts.values() if one.end is None or one.end > now)

    async def load(self) -> None:
        """What an earlier process was to show."""
        for _, _, one in await self._ground.kept("text", Standing):
            if one.wanted:
                self._texts[one.message.id] = one.message

    async def show(self, order: ShowText) -> Reply:
        """Put a text on every display; the detail says how many took it."""
        text = order.message
        if text.id not in self._texts and len(self.texts) >= MOST:
            return Reply(done=False, code="too-many", detail=f"{MOST} texts at most")
        self._texts = {one.id: one for one in self.texts} | {text.id: text}
        await self._keep(Standing(message=text))
        return await self._all(Show(message=text))

    async def hide(self, order: HideText) -> Reply:
        """Take it off again."""
        text = self._texts.pop(order.id, None)
        if text is None:
            return Reply(done=False, code="unknown-order", detail=str(order.id))
        await self._keep(Standing(message=text, wanted=False))
        return await self._all(Hide(id=order.id))

    async def _keep(self, one: Standing) -> None:
        await self._ground.keep(STATION, Kept(kind="text", key=str(one.message.id), what=one))

    async def _all(self, order: Show | Hide) -> Reply:
        results = await self._ground.call_all(dict.fromkeys(self._ground.online(), order))
        took = sum(isinstance(one, Accepted) for one in results.values())
        return Reply(done=True, code="accepted", detail=f"{took} of {len(results)}")

    async def greet(self, charger: ChargerId) -> None:
        """A charger has come: give it the station's texts. One that has no display refuses the first."""
        for text in self.texts:
            if isinstance(await self._ground.call(charger, Show(message=text)), Refused):
                return

    async def hear(self, charger: ChargerId, fact: DisplaysTold, now: datetime) -> Heard:
        """Each text is kept by its id."""
        del charger, now
        return Heard(written=tuple(Kept(kind="display", key=str(one.id), what=one) for one in fact.messages))

    def told(self, charger: ChargerId, fact: DisplaysTold) -> None:
        """Nothing more: whoever asked reads what was kept."""
        del charger, fact
