"""Monitors, events and event streams of OCPP 2 (block N), both ways."""

from datetime import datetime, timedelta
from itertools import groupby
from typing import TypeAlias

from voltide.domain.messages import Json
from voltide.domain.reports import (
    EventsTold,
    Monitor,
    MonitoredEvent,
    MonitorsTold,
    StreamClosed,
    StreamOpened,
    StreamPoint,
    StreamTold,
)
from voltide.domain.requests import AdjustStream, AskMonitors, ClearMonitors, SetMonitors
from voltide.domain.site import OcppVersion
from voltide.domain.time import stamp
from voltide.domain.units import Seconds
from voltide.ocpp.variables2 import read_place, say_place
from voltide.ocpp.wire import Hears, Obeys, Says, Voice, moment, number

V21 = OcppVersion.V21
MonitorRequest: TypeAlias = AdjustStream | AskMonitors | ClearMonitors | SetMonitors


# --- what a charger tells ---


def _events(told: Json, _voice: Voice, now: datetime) -> EventsTold:
    at = moment(told["generatedAt"], now)
    events = tuple(_event(item, at) for item in told["eventData"])
    return EventsTold(events=events, at=at, seq_no=told["seqNo"], more=told.get("tbc", False))


def _event(item: Json, otherwise: datetime) -> MonitoredEvent:
    return MonitoredEvent(
        id=item["eventId"],
        at=moment(item["timestamp"], otherwise),
        place=read_place(item),
        value=item["actualValue"],
        trigger=item["trigger"],
        kind=item["eventNotificationType"],
        cleared=item.get("cleared", False),
        severity=item.get("severity"),
        monitor=item.get("variableMonitoringId"),
        cause=item.get("cause"),
        code=item.get("techCode"),
        info=item.get("techInfo"),
        transaction_id=item.get("transactionId"),
    )


def _say_events(fact: EventsTold, voice: Voice, _now: datetime) -> tuple[str, Json]:
    events = [_say_event(event, voice) for event in fact.events]
    head = {"generatedAt": stamp(fact.at), "seqNo": fact.seq_no, "tbc": fact.more}
    return "NotifyEvent", head | {"eventData": events}


def _say_event(event: MonitoredEvent, voice: Voice) -> Json:
    return say_place(event.place) | {
        "eventId": event.id,
        "timestamp": stamp(event.at),
        "trigger": event.trigger,
        "actualValue": event.value,
        "eventNotificationType": event.kind,
        "cleared": event.cleared or None,
        "severity": event.severity if voice.version is V21 else None,
        "variableMonitoringId": event.monitor,
        "cause": event.cause,
        "techCode": event.code,
        "techInfo": event.info,
        "transactionId": event.transaction_id,
    }


def _monitors(told: Json, _voice: Voice, _now: datetime) -> MonitorsTold:
    """The wire lists the monitors of one variable together; here each names its own place."""
    monitors = [
        Monitor(
            id=one["id"],
            place=read_place(item),
            kind=one["type"],
            value=one["value"],
            severity=one["severity"],
            transaction=one["transaction"],
            source=one.get("eventNotificationType", "CustomMonitor"),
        )
        for item in told.get("monitor", ())
        for one in item["variableMonitoring"]
    ]
    more = told.get("tbc", False)
    return MonitorsTold(monitors=tuple(monitors), request_id=told["requestId"], seq_no=told["seqNo"], more=more)


def _say_monitors(fact: MonitorsTold, voice: Voice, now: datetime) -> tuple[str, Json]:
    places = groupby(fact.monitors, key=lambda monitor: monitor.place)
    listed = [
        say_place(place) | {"variableMonitoring": [_say_rule(one, voice) for one in same]} for place, same in places
    ]
    head = {"requestId": fact.request_id, "seqNo": fact.seq_no, "tbc": fact.more, "generatedAt": stamp(now)}
    return "NotifyMonitoringReport", head | {"monitor": listed or None}


def _say_rule(one: Monitor, voice: Voice) -> Json:
    source = one.source if voice.version is V21 else None
    rule = {"id": one.id, "transaction": one.transaction, "value": one.value, "type": one.kind}
    return rule | {"severity": one.severity, "eventNotificationType": source}


def _opened(told: Json, _voice: Voice, _now: datetime) -> StreamOpened:
    stream = told["constantStreamData"]
    interval, values = _read_pace(stream["params"])
    monitor = stream["variableMonitoringId"]
    return StreamOpened(id=stream["id"], monitor=monitor, interval_s=interval, values=values)


def _say_opened(fact: StreamOpened, _voice: Voice, _now: datetime) -> tuple[str, Json]:
    params = _say_pace(fact.interval_s, fact.values)
    stream = {"id": fact.id, "variableMonitoringId": fact.monitor, "params": params}
    return "OpenPeriodicEventStream", {"constantStreamData": stream}


def _closed(told: Json, _voice: Voice, _now: datetime) -> StreamClosed:
    return StreamClosed(id=told["id"])


def _say_closed(fact: StreamClosed, _voice: Voice, _now: datetime) -> tuple[str, Json]:
    return "ClosePeriodicEventStream", {"id": fact.id}


def _stream(told: Json, _voice: Voice, now: datetime) -> StreamTold:
    """The wire counts seconds from a base; here each value has its own time."""
    base = moment(told["basetime"], now)
    points = [StreamPoint(at=_after(base, one["t"]), value=one["v"]) for one in told["data"]]
    return StreamTold(id=told["id"], points=tuple(points), pending=told["pending"])


def _after(base: datetime, offset: object) -> datetime:
    """The base itself, where the offset leads out of the calendar."""
    try:
        return base + timedelta(seconds=number(offset) or 0.0)
    except OverflowError:
        return base


def _say_stream(fact: StreamTold, _voice: Voice, now: datetime) -> tuple[str, Json]:
    first = fact.points[0].at if fact.points else now
    base = first.replace(microsecond=first.microsecond // 1000 * 1000)  # as the wire says it
    data = [{"t": (point.at - base).total_seconds(), "v": point.value} for point in fact.points]
    return "NotifyPeriodicEventStream", {
        "id": fact.id,
        "pending": fact.pending,
        "basetime": stamp(base),
        "data": data,
    }


def _read_pace(params: Json) -> tuple[Seconds | None, int | None]:
    return number(params.get("interval")), params.get("values")


def _say_pace(interval_s: Seconds | None, values: int | None) -> Json:
    """The wire knows whole seconds only."""
    return {"interval": None if interval_s is None else round(interval_s), "values": values}


HEAR: Hears = {
    "ClosePeriodicEventStream": _closed,
    "NotifyEvent": _events,
    "NotifyMonitoringReport": _monitors,
    "NotifyPeriodicEventStream": _stream,
    "OpenPeriodicEventStream": _opened,
}
SAY: Says = {
    EventsTold: _say_events,
    MonitorsTold: _say_monitors,
    StreamClosed: _say_closed,
    StreamOpened: _say_opened,
    StreamTold: _say_stream,
}


# --- what it is asked ---


def say(order: MonitorRequest, voice: Voice) -> tuple[str, Json]:
    """An order of this page as action and body."""
    match order:
        case SetMonitors():
            data = [_say_monitor(one, voice) for one in order.monitors]
            return "SetVariableMonitoring", {"setMonitoringData": data}
        case ClearMonitors():
            return "ClearVariableMonitoring", {"id": list(order.ids)}
        case AskMonitors():
            return "GetMonitoringReport", {"requestId": order.request_id}
        case AdjustStream():
            params = _say_pace(order.interval_s, order.values)
            return "AdjustPeriodicEventStream", {"id": order.id, "params": params}


def _say_monitor(one: Monitor, voice: Voice) -> Json:
    streamed = one.stream_s is not None or one.stream_values is not None
    if streamed and voice.version is not V21:
        raise KeyError("only 2.1 streams the values of a monitor")
    return say_place(one.place) | {
        "id": one.id or None,
        "transaction": one.transaction,
        "value": one.value,
        "type": one.kind,
        "severity": one.severity,
        "periodicEventStream": _say_pace(one.stream_s, one.stream_values) if streamed else None,
    }


def _set(told: Json, _voice: Voice, _now: datetime) -> SetMonitors:
    return SetMonitors(monitors=tuple(_monitor(item) for item in told["setMonitoringData"]))


def _monitor(item: Json) -> Monitor:
    interval, values = _read_pace(item.get("periodicEventStream", {}))
    return Monitor(
        id=item.get("id", 0),
        place=read_place(item),
        kind=item["type"],
        value=item["value"],
        severity=item["severity"],
        transaction=item.get("transaction", False),
        stream_s=interval,
        stream_values=values,
    )


def _clear(told: Json, _voice: Voice, _now: datetime) -> ClearMonitors:
    return ClearMonitors(ids=tuple(told["id"]))


def _ask(told: Json, _voice: Voice, _now: datetime) -> AskMonitors | None:
    """A report on all monitors; one that names criteria or variables has no word."""
    whole = "componentVariable" not in told and "monitoringCriteria" not in told
    return AskMonitors(request_id=told["requestId"]) if whole else None


def _adjust(told: Json, _voice: Voice, _now: datetime) -> AdjustStream:
    interval, values = _read_pace(told["params"])
    return AdjustStream(id=told["id"], interval_s=interval, values=values)


OBEY: Obeys = {
    "AdjustPeriodicEventStream": _adjust,
    "ClearVariableMonitoring": _clear,
    "GetMonitoringReport": _ask,
    "SetVariableMonitoring": _set,
}
