"""A charger twin's way to a real station: a WebSocket with Basic authentication."""

from collections.abc import Mapping

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage
from websockets.protocol import State
from websockets.typing import Subprotocol

from voltide.twin.wire import ClosedError, Connect, Wire


class SocketWire:
    """The charger's end of a WebSocket, with the shape of a wire."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    @property
    def subprotocol(self) -> str | None:
        """What both ends agreed to speak."""
        return self._socket.subprotocol

    @property
    def closed(self) -> bool:
        """Whether this end knows that the line is closed."""
        return self._socket.state is not State.OPEN

    async def send(self, text: str) -> None:
        """Raises ``ClosedError`` when the line is closed."""
        try:
            await self._socket.send(text)
        except ConnectionClosed as closed:
            raise ClosedError(str(closed)) from closed

    async def receive(self) -> str:
        """Raises ``ClosedError`` when the line is closed."""
        try:
            return await self._socket.recv(decode=True)
        except ConnectionClosed as closed:
            raise ClosedError(str(closed)) from closed

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it."""
        await self._socket.close(code, reason)


def dialler(url: str, secrets: Mapping[str, str]) -> Connect:
    """A way to dial the station at ``ws://host:port/ocpp/`` as any charger whose secret is given."""

    async def dial(identity: str, subprotocol: str) -> Wire:
        host = url.removeprefix("ws://")
        address = f"ws://{identity}:{secrets[identity]}@{host}{identity}"
        try:
            socket = await connect(
                address, subprotocols=[Subprotocol(subprotocol)], compression=None, max_size=2**20, close_timeout=1.0
            )
        except (InvalidHandshake, InvalidMessage, TimeoutError) as refused:
            raise ConnectionError(str(refused)) from refused
        return SocketWire(socket)

    return dial
