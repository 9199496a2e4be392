"""Values of a monitor as a stream that is never answered (2.1, N11 to N15)."""

from collections import deque
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import ClassVar

from voltide.domain.messages import Json
from voltide.domain.time import stamp
from voltide.domain.units import Seconds
from voltide.twin.blocks.block import Block, Box, refusal
from voltide.twin.blocks.monitoring import PERIODIC, Event, Monitor, Monitoring
from voltide.twin.variables import Name

_MOST_STREAMS: Name = ("MonitoringCtrlr", "MaxPeriodicEventStreams", "")
_MOST_VALUES = 50
"""In one message."""
_REMEMBERED = 1000
"""Values that wait while the line is lost; the oldest go first."""


@dataclass(slots=True)
class Stream:
    """One open stream."""

    id: int
    monitor: int
    params: Json
    values: deque[Event] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    flushed_s: Seconds = 0.0
    open: bool = False
    """The station has accepted it."""

    @property
    def constant(self) -> Json:
        """What is said of it once."""
        return {"id": self.id, "params": self.params, "variableMonitoringId": self.monitor}

    def full(self, now: Seconds) -> bool:
        """Whether its values are due."""
        interval, count = self.params.get("interval") or inf, self.params.get("values") or inf
        return bool(self.values) and (now - self.flushed_s >= interval or len(self.values) >= count)


class Streams(Block):
    """Opens a stream for each monitor that asks for one, and keeps the others out of its way."""

    def __init__(self, box: Box) -> None:
        super().__init__(box)
        self._streams: dict[int, Stream] = {}
        self._count = 0
        self._monitoring = box.part(Monitoring)
        self._monitoring.streaming, self._monitoring.gone = self._take, self._gone

    def _set(self, body: Json) -> Json:
        """SetVariableMonitoring where some rule wants a stream: it is opened once the answer is out."""
        answer = self._monitoring.take_all(body)
        for result in answer["setMonitoringResult"]:
            monitor = self._monitoring.monitors.get(result.get("id", -1))
            fits = monitor is not None and (monitor.kind in PERIODIC or monitor.kind == "Delta")
            if result["status"] == "Accepted" and monitor is not None and fits and monitor.params is not None:
                self._open(monitor, monitor.params)
        return answer

    def _open(self, monitor: Monitor, params: Json) -> None:
        if len(self._streams) >= self.box.variables.whole(_MOST_STREAMS):
            return
        self._count += 1
        stream = Stream(self._count, monitor.id, params, flushed_s=self.box.clock.monotonic())
        self._streams[stream.id] = stream
        self.box.call("OpenPeriodicEventStream", {"constantStreamData": stream.constant}, partial(self._opened, stream))

    def _opened(self, stream: Stream, answer: Json) -> None:
        """Refused: its values go the ordinary way."""
        if answer["status"] == "Accepted":
            stream.open = True
            self.box.watch(self._look)
        else:
            self._streams.pop(stream.id, None)

    def _take(self, event: Event) -> bool:
        """A value for a stream, if its monitor has one."""
        stream = next((one for one in self._streams.values() if one.monitor == event.monitor.id and one.open), None)
        if stream is None:
            return False
        stream.values.append(event)
        return True

    def _look(self, now: Seconds) -> None:
        for stream in self._streams.values():
            if stream.open and stream.full(now) and self.box.online:
                self._flush(stream, now)
        if not self._streams:
            self.box.unwatch(self._look)

    def _flush(self, stream: Stream, now: Seconds) -> None:
        stream.flushed_s = now
        events = [stream.values.popleft() for _ in range(min(len(stream.values), _MOST_VALUES))]
        base = events[0].at
        data = [{"t": (event.at - base).total_seconds(), "v": event.value} for event in events]
        body = {"id": stream.id, "pending": len(stream.values), "basetime": stamp(base), "data": data}
        self.box.send("NotifyPeriodicEventStream", body)

    def _gone(self, monitor: Monitor) -> None:
        """Its rule is there no more: what waits is sent, and the stream is closed."""
        for stream in [one for one in self._streams.values() if one.monitor == monitor.id]:
            del self._streams[stream.id]
            if stream.values:
                self._flush(stream, self.box.clock.monotonic())
            if stream.open:
                self.box.call("ClosePeriodicEventStream", {"id": stream.id})

    def _adjust(self, body: Json) -> Json:
        stream = self._streams.get(body["id"])
        params = body["params"]
        if stream is None or not (params.get("interval") or params.get("values")):
            return refusal("InvalidValue")
        stream.params = params
        return {"status": "Accepted"}

    def _get(self, _body: Json) -> Json:
        return {"constantStreamData": [one.constant for one in self._streams.values()] or None}

    ACTS: ClassVar = {
        "AdjustPeriodicEventStream": _adjust,
        "GetPeriodicEventStream": _get,
        "SetVariableMonitoring": _set,
    }
