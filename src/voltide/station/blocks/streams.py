"""Event streams (block N, 2.1): values that a charger sends by itself, so many streams, and not too often.

The values of the last minutes are in memory; of each stream only the newest value is kept.
"""

from collections import deque
from datetime import datetime

from voltide.domain.messages import OrderResult
from voltide.domain.reports import Judged, StreamClosed, StreamOpened, StreamPoint, StreamTold
from voltide.domain.requests import AdjustStream
from voltide.domain.site import ChargerId
from voltide.domain.units import Seconds
from voltide.station.blocks.block import Heard, Kept
from voltide.station.blocks.ground import Ground, Quiet

MOST_STREAMS = 8
"""Of one charger."""
SHORTEST_S: Seconds = 1.0
"""No stream may speak more often."""
REMEMBERED = 600
"""Values of one stream."""
_TOO_OFTEN = f"A stream speaks every {SHORTEST_S:.0f} s at most: name an interval of at least that."

_CLOSED = StreamClosed(id=0)


class Streams(Quiet):
    """The open streams of every charger."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._open: dict[ChargerId, dict[int, StreamOpened]] = {}
        self._points: dict[tuple[ChargerId, int], deque[StreamPoint]] = {}

    @property
    def hears(self) -> tuple[type, ...]:
        """Opened, values, closed."""
        return (StreamOpened, StreamTold, StreamClosed)

    @property
    def orders(self) -> tuple[type, ...]:
        """An interval that is changed by hand."""
        return (AdjustStream,)

    async def load(self) -> None:
        """The streams that were open: a charger does not open them again after our restart."""
        for charger, _, one in await self._ground.kept("stream", StreamOpened):
            if one.monitor >= 0:
                self._open.setdefault(charger, {})[one.id] = one

    def of(self, charger: ChargerId) -> tuple[StreamOpened, ...]:
        """The open streams of a charger."""
        return tuple(self._open.get(charger, {}).values())

    def values(self, charger: ChargerId, stream: int) -> tuple[StreamPoint, ...]:
        """The newest values of a stream, the oldest first."""
        return tuple(self._points.get((charger, stream), ()))

    async def hear(self, charger: ChargerId, fact: StreamOpened | StreamTold | StreamClosed, now: datetime) -> Heard:
        """A stream is let in or not; its newest value is kept."""
        del now
        mine = self._open.get(charger, {})
        if isinstance(fact, StreamOpened):
            if fact.id not in mine and len(mine) >= MOST_STREAMS:
                return Heard(answer=Judged(accepted=False, reason="TooManyStreams"))
            if fact.interval_s is not None and fact.interval_s < SHORTEST_S:
                return Heard(answer=Judged(accepted=False, reason="TooOften"))
            return Heard(answer=Judged(accepted=True), written=(Kept(kind="stream", key=str(fact.id), what=fact),))
        if fact.id not in mine:
            return Heard()
        if isinstance(fact, StreamClosed):
            shut = StreamOpened(id=fact.id, monitor=-1)
            return Heard(written=(Kept(kind="stream", key=str(fact.id), what=shut),))
        newest = max(fact.points, key=lambda point: point.at, default=None)
        kept = () if newest is None else (Kept(kind="stream-value", key=str(fact.id), what=newest),)
        return Heard(written=kept)

    def told(self, charger: ChargerId, fact: StreamOpened | StreamTold | StreamClosed) -> None:
        """It is open, has told, or is closed."""
        mine = self._open.setdefault(charger, {})
        if isinstance(fact, StreamOpened):
            fits = fact.interval_s is None or fact.interval_s >= SHORTEST_S
            if fits and (fact.id in mine or len(mine) < MOST_STREAMS):
                mine[fact.id] = fact
        elif isinstance(fact, StreamClosed):
            mine.pop(fact.id, None)
            self._points.pop((charger, fact.id), None)
        elif fact.id in mine:
            points = self._points.setdefault((charger, fact.id), deque(maxlen=REMEMBERED))
            points.extend(fact.points)

    def refuses(self, charger: ChargerId, order: AdjustStream) -> str | None:
        """An interval that is too short."""
        del charger
        return _TOO_OFTEN if order.interval_s is not None and order.interval_s < SHORTEST_S else None

    async def done(self, charger: ChargerId, order: AdjustStream, result: OrderResult) -> None:
        """Nothing is kept of it: the stream's values show it."""
        del charger, order, result
