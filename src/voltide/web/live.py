"""From the bus to the browser: one subscription for all who watch, a snapshot first, then what changed.

It listens to the station only while somebody watches. A browser that reads too slowly loses frames, never memory: what
waits for it is dropped, and it gets the newest snapshot when it reads again.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias

import msgspec
import structlog

from voltide.backbone.bus import Bus, Subscription
from voltide.domain.picture import StationPicture
from voltide.domain.site import StationId

Fields: TypeAlias = dict[str, Any]

QUEUE_FRAMES = 8
RING_FRAMES = 30
MAX_WATCHERS = 256
HEARTBEAT_S = 10.0
LOOK_S = 1.0

_LISTED_BY_ID = ("outlets", "nodes")
_RETRY = b"retry: 2000\n\n"
_HEARTBEAT = b": still here\n\n"

log = structlog.get_logger()


def difference(old: Fields, new: Fields) -> Fields:
    """What of ``new`` is not in ``old``: outlets and nodes by id and field, everything else whole.

    A list whose ids have changed is sent whole, so a reader replaces lists and merges objects.
    """
    changed: Fields = {}
    for key, value in new.items():
        before = old.get(key)
        if value == before:
            continue
        same = key in _LISTED_BY_ID and [item["id"] for item in value] == [item["id"] for item in before or ()]
        changed[key] = _by_id(before or [], value) if same else value
    return changed


def _by_id(old: list[Fields], new: list[Fields]) -> dict[str, Fields]:
    pairs = zip(old, new, strict=True)
    return {now["id"]: {k: v for k, v in now.items() if v != was[k]} for was, now in pairs if was != now}


@dataclass(frozen=True, slots=True)
class Frame:
    """One server-sent event."""

    number: int
    event: str
    data: bytes

    def wire(self, epoch: str) -> bytes:
        """As it stands on the line."""
        return f"id: {epoch}-{self.number}\nevent: {self.event}\ndata: ".encode() + self.data + b"\n\n"


class Watcher:
    """What waits for one browser: at most ``QUEUE_FRAMES`` frames, or the word that it has fallen behind."""

    def __init__(self) -> None:
        self.waiting: deque[Frame] = deque()
        self.behind = True
        self.awake = asyncio.Event()

    def put(self, frame: Frame) -> None:
        """One more frame; when there is no room, all of them make way for the newest snapshot."""
        if len(self.waiting) >= QUEUE_FRAMES:
            self.waiting.clear()
            self.behind = True
        if not self.behind:
            self.waiting.append(frame)
        self.awake.set()


class Live:
    """A station as its pictures come: the newest one, the last few steps to it, and who watches."""

    def __init__(self, bus: Bus, station: StationId) -> None:
        self._bus = bus
        self._station = station
        self._subscription: Subscription | None = None
        self._epoch = secrets.token_hex(4)
        self._picture: StationPicture | None = None
        self._fields: Fields = {}
        self._number = 0
        self._steps: deque[Frame] = deque(maxlen=RING_FRAMES)
        self._snapshot: Frame | None = None
        self.watchers: set[Watcher] = set()
        self.closed = False

    @property
    def full(self) -> bool:
        """Whether no more browsers may watch."""
        return len(self.watchers) >= MAX_WATCHERS

    async def look(self) -> StationPicture:
        """The newest picture, asked of the station itself. Raises ``TimeoutError`` when it does not answer."""
        picture = await self._bus.request(f"station.{self._station}.look", None, LOOK_S)
        if not isinstance(picture, StationPicture):
            raise TimeoutError(f"station {self._station} has no picture yet")
        return picture

    async def stream(self, last_event_id: str | None = None) -> AsyncGenerator[bytes, None]:
        """Everything one browser is told, until it or we go away."""
        with self._watching() as watcher:
            yield _RETRY
            await self._freshen()
            for frame in self._missed(watcher, last_event_id):
                yield frame.wire(self._epoch)
            while not self.closed:
                frames = await self._next(watcher)
                yield b"".join(frame.wire(self._epoch) for frame in frames) if frames else _HEARTBEAT

    def close(self) -> None:
        """End every stream at once."""
        self.closed = True
        for watcher in self.watchers:
            watcher.awake.set()

    @contextmanager
    def _watching(self) -> Iterator[Watcher]:
        watcher = Watcher()
        self.watchers.add(watcher)
        if self._subscription is None:
            self._subscription = self._bus.subscribe(f"station.{self._station}.picture", self._hear)
        try:
            yield watcher
        finally:
            self.watchers.discard(watcher)
            if not self.watchers and self._subscription is not None:
                self._subscription.close()
                self._subscription = None

    async def _freshen(self) -> None:
        try:
            self._accept(await self.look())
        except TimeoutError:
            log.warning("live.station_silent", station=self._station)

    async def _hear(self, _subject: str, message: object) -> None:
        if isinstance(message, StationPicture):
            self._accept(message)

    def _accept(self, picture: StationPicture) -> None:
        """One more picture; one that a look has overtaken is left out, one from before a clock's step is not."""
        if self._picture and timedelta(0) <= self._picture.at - picture.at < timedelta(seconds=5):
            return
        fields = msgspec.to_builtins(picture)
        changed = difference(self._fields, fields)
        self._picture, self._fields, self._snapshot = picture, fields, None
        self._number += 1
        step = Frame(self._number, "delta", msgspec.json.encode(changed))
        self._steps.append(step)
        for watcher in self.watchers:
            watcher.put(step)

    def _missed(self, watcher: Watcher, last_event_id: str | None) -> list[Frame]:
        """The steps since the event a browser saw last; when they are gone, it starts with a snapshot."""
        epoch, _, number = (last_event_id or "").partition("-")
        if epoch != self._epoch or not number.isdecimal() or len(number) > 15:
            return []
        missed = [step for step in self._steps if step.number > int(number)]
        if int(number) + len(missed) != self._number:
            return []
        watcher.behind = False
        watcher.waiting.clear()
        return missed

    async def _next(self, watcher: Watcher) -> list[Frame]:
        """What a browser is told next; nothing when all is quiet for a heartbeat."""
        try:
            async with asyncio.timeout(HEARTBEAT_S):
                while not self.closed:
                    if watcher.behind and self._picture is not None:
                        watcher.behind = False
                        watcher.waiting.clear()
                        return [self._whole()]
                    if watcher.waiting:
                        frames = list(watcher.waiting)
                        watcher.waiting.clear()
                        return frames
                    watcher.awake.clear()
                    await watcher.awake.wait()
        except TimeoutError:
            pass
        return []

    def _whole(self) -> Frame:
        if self._snapshot is None or self._snapshot.number != self._number:
            self._snapshot = Frame(self._number, "snapshot", msgspec.json.encode(self._fields))
        return self._snapshot
