"""From actions and bodies to checked calls, none of them longer than the charger takes; or why it cannot be said."""

from collections.abc import Iterable, Iterator

import msgspec

from voltide.domain.messages import Json, Refused
from voltide.ocpp.wire import Capacity, Voice, Wire, plain, request

_LISTS = {
    "ClearVariableMonitoring": "id",
    "GetConfiguration": "key",
    "GetVariables": "getVariableData",
    "SendLocalList": "localAuthorizationList",
    "SetVariableMonitoring": "setMonitoringData",
    "SetVariables": "setVariableData",
}
"""Which list makes a message long."""
_MODEST = {
    "ClearVariableMonitoring": 50,
    "GetConfiguration": 50,
    "GetVariables": 50,
    "SendLocalList": 100,
    "SetVariableMonitoring": 20,
    "SetVariables": 20,
}
"""How many items a charger is thought to take that has not said so."""
_FRAME = 46
"""The bytes around an action and its body: the brackets, the type, and an id of 36."""
_VERSIONS = ("versionNumber", "listVersion")
_encode = msgspec.json.Encoder().encode


def calls(voice: Voice, orders: Iterable[tuple[str, Json]]) -> tuple[Wire, ...]:
    """The calls to be made one after the other. Raises what ``refusal`` understands."""
    made: list[Wire] = []
    for action, body in orders:
        whole = request(voice.version, action, body)
        parts = split(action, plain(whole.request), voice.capacity) if action in _LISTS else [body]
        made += [request(voice.version, action, part) for part in parts] if len(parts) > 1 else [whole]
    return tuple(made)


def refusal(flaw: Exception) -> Refused:
    """Why it cannot be said: the version has no such word (NotSupported), or the word does not fit (NotSayable)."""
    if isinstance(flaw, KeyError):
        return Refused(reason="NotSupported")
    text = str(flaw)
    return Refused(reason="NotSupported" if "Invalid enum value" in text else "NotSayable", detail={"flaw": text})


def split(action: str, body: Json, capacity: Capacity) -> list[Json]:
    """A body as one or several, each within the charger's items and bytes per message where that can be.

    >>> two = Capacity(items={"ClearVariableMonitoring": 2})
    >>> [part["id"] for part in split("ClearVariableMonitoring", {"id": [1, 2, 3]}, two)]
    [[1, 2], [3]]
    """
    name = _LISTS.get(action)
    items = body.get(name) if name is not None else None
    if name is None or not items:
        return [body]
    head = {key: value for key, value in body.items() if key != name}
    most, limit = capacity.items.get(action, _MODEST[action]), capacity.bytes.get(action)
    room = None if limit is None else limit - len(_encode(head | {name: []})) - len(action) - _FRAME
    parts = [head | {name: part} for part in _chunks(items, most, room)]
    return _versions(parts) if action == "SendLocalList" else parts


def _chunks(items: list[Json], most: int, room: int | None) -> Iterator[list[Json]]:
    """As many at a time as fit; one that is too long for itself goes alone, and the charger may refuse it."""
    chunk: list[Json] = []
    used = 0
    for item in items:
        size = len(_encode(item)) + 1
        if chunk and (len(chunk) >= most or (room is not None and used + size > room)):
            yield chunk
            chunk, used = [], 0
        chunk.append(item)
        used += size
    yield chunk


def _versions(parts: list[Json]) -> list[Json]:
    """The first part begins the list, the others go on; their versions rise, and end with the one that was ordered.

    Raises ``ValueError`` when there are not so many versions.
    """
    key = next(key for key in _VERSIONS if key in parts[0])
    first = parts[0][key] - len(parts) + 1
    if first < 1:
        raise ValueError(f"a list of {len(parts)} messages needs version {len(parts)} or higher")
    return [
        part | {key: first + index} | ({"updateType": "Differential"} if index else {})
        for index, part in enumerate(parts)
    ]
