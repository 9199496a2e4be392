"""One question over HTTP to an address that somebody else chose: only to origins that we were told, and only once.

A charger may name the responder that is to be asked. Whoever can name an address can make us knock at doors inside our
own network, so: the origin must be on a list; its name is resolved once, every address must be a public one (or in a
network that the list's owner named), and the socket goes to that very address; redirects are not followed; size and
time are bounded; proxies of the environment are not asked.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias
from urllib.parse import urlsplit

import h11

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_PORTS = {"http": 80, "https": 443}
_NAT64 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
_CHUNK = 16_384
_RESOLVERS = ThreadPoolExecutor(2, thread_name_prefix="names")
"""Threads of their own: a name server that does not answer must not hold up the store's."""


class NotFetchedError(Exception):
    """Nothing came of it; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Scheme, host and port: what a list names."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> "Origin":
        """Of an address. Raises ``ValueError`` for what is no plain HTTP address.

        >>> Origin.of("https://OCSP.example.org/x")
        Origin(scheme='https', host='ocsp.example.org', port=443)
        """
        if not url.isascii() or any(character <= " " or character in '\\"<>^`{|}\x7f' for character in url):
            raise ValueError("an address has no such characters")
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname or parts.username is not None or parts.password is not None:
            raise ValueError("only http and https addresses without a user are asked")
        return cls(scheme=parts.scheme, host=parts.hostname.rstrip("."), port=parts.port or _PORTS[parts.scheme])


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Whom we may ask, and how long and how much it may be."""

    origins: frozenset[Origin]
    networks: tuple[Network, ...] = ()
    """Networks that are not public and may be dialled all the same."""
    seconds: float = 4.0
    most_bytes: int = 65_536
    trust: ssl.SSLContext | None = None
    """For https; None: the machine's own roots."""

    @classmethod
    def to(cls, urls: Iterable[str], networks: Iterable[str] = (), trust: ssl.SSLContext | None = None) -> "Reach":
        """From texts of a file. Raises ``ValueError``."""
        origins = frozenset(Origin.of(url) for url in urls)
        return cls(origins=origins, networks=tuple(ip_network(text) for text in networks), trust=trust)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked."""

    url: str
    body: bytes
    kind: str
    """Its Content-Type."""
    accept: str
    authorization: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: 2xx alone is an answer."""

    status: int
    kind: str
    body: bytes


async def ask(question: Question, reach: Reach) -> Answer:
    """POST it. Raises ``NotFetchedError``, and nothing else."""
    try:
        origin = Origin.of(question.url)
        async with asyncio.timeout(reach.seconds):
            return await _exchange(origin, question, reach)
    except (OSError, ValueError, UnicodeError, EOFError, h11.ProtocolError) as error:
        raise NotFetchedError(f"{type(error).__name__}: {error}") from error


async def _exchange(origin: Origin, question: Question, reach: Reach) -> Answer:
    if origin not in reach.origins:
        raise NotFetchedError("this origin is not on the list")
    address = await resolve(origin, reach.networks)
    tls = (reach.trust or _public_trust()) if origin.scheme == "https" else None
    name = origin.host if tls is not None else None
    reader, writer = await asyncio.open_connection(str(address), origin.port, ssl=tls, server_hostname=name)
    try:
        http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_CHUNK)
        writer.write(_request(http, origin, question))
        await writer.drain()
        return await _response(http, reader, reach.most_bytes)
    finally:
        writer.transport.abort()


@cache
def _public_trust() -> ssl.SSLContext:
    return ssl.create_default_context()


def _request(http: h11.Connection, origin: Origin, question: Question) -> bytes:
    parts = urlsplit(question.url)
    plain = origin.port == _PORTS[origin.scheme]
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    headers = [
        ("Host", host if plain else f"{host}:{origin.port}"),
        ("Content-Type", question.kind),
        ("Content-Length", str(len(question.body))),
        ("Accept", question.accept),
        ("Accept-Encoding", "identity"),
        ("Connection", "close"),
    ]
    if question.authorization:
        headers.append(("Authorization", question.authorization))
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    said = [h11.Request(method="POST", target=target, headers=headers), h11.Data(question.body), h11.EndOfMessage()]
    return b"".join(http.send(event) or b"" for event in said)


async def _response(http: h11.Connection, reader: asyncio.StreamReader, most_bytes: int) -> Answer:
    head: h11.Response | None = None
    body = bytearray()
    while True:
        event = http.next_event()
        if event is h11.NEED_DATA:
            http.receive_data(await reader.read(_CHUNK))
        elif isinstance(event, h11.Response):
            head = event
            if not 200 <= event.status_code < 300:  # a redirect is no answer either
                raise NotFetchedError(f"it answered {event.status_code}")
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > most_bytes:
                raise NotFetchedError(f"its answer is longer than {most_bytes} bytes")
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            kind = dict(head.headers).get(b"content-type", b"").decode("latin-1")
            return Answer(status=head.status_code, kind=kind, body=bytes(body))
        elif not isinstance(event, h11.InformationalResponse):
            raise NotFetchedError("it hung up")


async def resolve(origin: Origin, networks: tuple[Network, ...]) -> Address:
    """The one address that will be dialled. Raises ``NotFetchedError`` when any of its addresses is not allowed.

    Any: a name that points inside and outside at once is a trick.
    """
    loop, look_up = asyncio.get_running_loop(), partial(socket.getaddrinfo, type=socket.SOCK_STREAM)
    found = await loop.run_in_executor(_RESOLVERS, look_up, origin.host, origin.port)
    addresses = [ip_address(str(where[4][0]).partition("%")[0]) for where in found]
    for address in addresses:
        if not _allowed(address, networks):
            raise NotFetchedError(f"{address} is not a public address")
    if not addresses:
        raise NotFetchedError("the name has no address")
    return addresses[0]


def _allowed(address: Address, networks: tuple[Network, ...]) -> bool:
    inner = _inside(address)
    if any(one in network for one in (address, inner) for network in networks if one.version == network.version):
        return True
    return all(one.is_global and not one.is_multicast and not one.is_reserved for one in (address, inner))


def _inside(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, where it does."""
    if isinstance(address, IPv4Address):
        return address
    if any(address in network for network in _NAT64):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo is not None else address)
