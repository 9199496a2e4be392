"""A charger twin's way to a real station: a WebSocket, with a password, a certificate, or neither."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage
from websockets.protocol import State
from websockets.typing import Subprotocol

from voltide.twin.network import Address
from voltide.twin.vault import Vault
from voltide.twin.wire import ClosedError, Wire

CSMS_ROOTS = ("CSMSRootCertificate", "CentralSystemRootCertificate")
OWN = "ChargingStationCertificate"


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


class Phone:
    """Dials as any charger whose secret is given, at ``url`` where a charger has no other."""

    def __init__(self, url: str, secrets: Mapping[str, str]) -> None:
        self._url, self._secrets = url, secrets

    async def __call__(self, identity: str, subprotocol: str) -> Wire:
        """Dial with the secret of the book."""
        return await _open(_with(self._url, identity, self._secrets[identity]), subprotocol, None)

    async def dial(self, address: Address) -> Wire:
        """Dial as a charger's own network profile says."""
        url = address.url or self._url
        known = address.password or self._secrets.get(address.identity)
        secret = None if address.profile == 3 else known
        tls = tls_context(address.vault, own=address.profile == 3) if url.startswith("wss:") else None
        return await _open(_with(url, address.identity, secret), address.subprotocol, tls)


def _with(url: str, identity: str, secret: str | None) -> str:
    """The address of a charger, with its secret."""
    scheme, _, host = url.partition("://")
    name = quote(identity, safe="")
    user = "" if secret is None else f"{name}:{quote(secret, safe='')}@"
    return f"{scheme}://{user}{host.rstrip('/')}/{name}"


async def _open(address: str, subprotocol: str, tls: ssl.SSLContext | None) -> Wire:
    """Dial; raises ``ConnectionError`` when nobody lets us in."""
    try:
        socket = await connect(
            address,
            subprotocols=[Subprotocol(subprotocol)],
            compression=None,
            max_size=2**20,
            close_timeout=1.0,
            ssl=tls,
        )
    except (InvalidHandshake, InvalidMessage, TimeoutError) as refused:
        raise ConnectionError(str(refused)) from refused
    return SocketWire(socket)


def tls_context(vault: Vault, *, own: bool) -> ssl.SSLContext:
    """TLS 1.2 or newer with the charger's own roots only and, where the profile asks for it, its own certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    roots = vault.trusted(*CSMS_ROOTS)
    if roots:
        context.load_verify_locations(cadata=roots)
    mine = vault.own.get(OWN)
    if own and mine is not None:
        with TemporaryDirectory() as folder:  # the library reads keys from files only
            chain, key = Path(folder) / "chain.pem", Path(folder) / "key.pem"
            chain.write_text(mine.pem, encoding="ascii")
            key.write_text(mine.key_pem, encoding="ascii")
            context.load_cert_chain(chain, key)
    return context


def dialler(url: str, secrets: Mapping[str, str]) -> Phone:
    """A way to dial the station at ``ws://host:port/ocpp/`` as any charger whose secret is given."""
    return Phone(url, secrets)
