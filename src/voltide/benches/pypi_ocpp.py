"""PyPI's ``ocpp`` as a server whose handlers do nothing; the first line of output is its port."""

import asyncio
import contextlib
import sys
from datetime import UTC
from typing import Any

from ocpp.routing import on  # type: ignore[import-untyped]  # the package has no types
from ocpp.v201 import ChargePoint, call_result  # type: ignore[import-untyped]  # likewise
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from voltide.backbone.clock import SystemClock

_clock = SystemClock()


def _now() -> str:
    return _clock.now().astimezone(UTC).isoformat().replace("+00:00", "Z")


class _Station(ChargePoint):  # type: ignore[misc]  # the package has no types
    @on("BootNotification")  # type: ignore[untyped-decorator]  # likewise, five times
    async def boot(self, **_: Any) -> Any:
        return call_result.BootNotification(current_time=_now(), interval=300, status="Accepted")

    @on("Heartbeat")  # type: ignore[untyped-decorator]
    async def beat(self, **_: Any) -> Any:
        return call_result.Heartbeat(current_time=_now())

    @on("StatusNotification")  # type: ignore[untyped-decorator]
    async def status(self, **_: Any) -> Any:
        return call_result.StatusNotification()

    @on("MeterValues")  # type: ignore[untyped-decorator]
    async def meter(self, **_: Any) -> Any:
        return call_result.MeterValues()

    @on("TransactionEvent")  # type: ignore[untyped-decorator]
    async def event(self, **_: Any) -> Any:
        return call_result.TransactionEvent()


async def _serve(socket: ServerConnection) -> None:
    name = socket.request.path.rsplit("/", 1)[-1] if socket.request is not None else ""
    with contextlib.suppress(ConnectionClosed):
        await _Station(name, socket).start()


async def _main() -> None:
    async with serve(_serve, "127.0.0.1", 0, subprotocols=[Subprotocol("ocpp2.0.1")], compression=None) as server:
        sys.stdout.write(f"{next(iter(server.sockets)).getsockname()[1]}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main())
