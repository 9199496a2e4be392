"""The way from the command line to a running station: a socket in the data folder that only its owner can open.

One line of JSON each way: ``{"charger": …, "action": …, "payload": {…}}`` there, a call's result back.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import msgspec
import structlog

from voltide.backbone.bus import Bus
from voltide.domain.messages import CallCharger, CallResult, Outcome
from voltide.domain.site import ChargerId, StationId

NAME = "calls.sock"
CALL_S = 30.0
"""Longer than a station ever needs to say what came of a call."""
MOST_BYTES = 256 * 1024

log = structlog.get_logger()


class NoStationError(Exception):
    """No station runs on this data folder."""


class _Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    charger: str
    action: str
    payload: dict[str, object] = {}


_asked = msgspec.json.Decoder(_Asked)
_result = msgspec.json.Decoder(CallResult)


@asynccontextmanager
async def opened(data: Path, bus: Bus, station: StationId) -> AsyncIterator[None]:
    """Serve calls while the station runs. A socket that a killed station left is taken away."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(CALL_S + 5.0):
                result = await _answer(await reader.readline(), bus, station)
                writer.write(msgspec.json.encode(result) + b"\n")
                await writer.drain()
        except (ConnectionError, TimeoutError, ValueError):
            log.info("callbox.left")
        finally:
            writer.close()

    with _short(data / NAME) as path:
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        os.fchmod(listener.fileno(), 0o600)  # before it has a name, so that nobody else can ever open it
        listener.bind(str(path))
    server = await asyncio.start_unix_server(serve, sock=listener, limit=MOST_BYTES)
    try:
        async with server:
            yield
    finally:
        (data / NAME).unlink(missing_ok=True)


async def _answer(line: bytes, bus: Bus, station: StationId) -> CallResult:
    try:
        asked = _asked.decode(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as flaw:
        return CallResult(outcome=Outcome.INVALID, reason=str(flaw))
    call = CallCharger(charger=ChargerId(asked.charger), action=asked.action, payload=asked.payload)
    try:
        result = await bus.request(f"station.{station}.order", call, CALL_S)
    except TimeoutError:
        result = None
    if isinstance(result, CallResult):
        return result
    return CallResult(outcome=Outcome.UNKNOWN, reason="the station did not answer in time")


def ask(data: Path, charger: str, action: str, payload: dict[str, object]) -> CallResult:
    """Have the station of a data folder make a call. Raises ``NoStationError`` when none runs on it."""
    said = msgspec.json.encode({"charger": charger, "action": action, "payload": payload}) + b"\n"
    try:
        with socket.socket(socket.AF_UNIX) as line, _short(data / NAME) as path:
            line.settimeout(CALL_S + 10.0)
            line.connect(str(path))
            line.sendall(said)
            with line.makefile("rb") as answer:
                return _result.decode(answer.readline())
    except TimeoutError:
        return CallResult(outcome=Outcome.UNKNOWN, reason="the station did not answer in time")
    except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
        raise NoStationError(f"no station runs on {data}") from None
    except (ConnectionError, msgspec.MsgspecError):
        return CallResult(outcome=Outcome.UNKNOWN, reason="the station went away before it answered")


@contextmanager
def _short(path: Path) -> Iterator[Path]:
    """The same place by a name that is short enough for a socket, however deep the folder lies."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield Path(f"/proc/self/fd/{folder}") / path.name
    finally:
        os.close(folder)
