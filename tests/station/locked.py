"""A whole station as ``voltide station`` runs it, in this process, for tests of its locks: real ports, real TLS."""

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from sqlalchemy import Engine
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidMessage, InvalidStatus

from tests.station.house import TOML
from voltide import live, trust
from voltide.backbone import registry
from voltide.backbone.clock import SystemClock
from voltide.backbone.store import Row, rows
from voltide.config import Config, load
from voltide.security import csr, names
from voltide.security.identities import Keyring
from voltide.security.pki import CHARGER, Issued, Request

LOCKED = """
[door]
ping_s = 2.0
listen = ["open", "basic", "tls", "mutual-tls"]
ocpp_port = 0
tls_port = 0
mtls_port = 0
open_port = 0
web_port = 0
[pki]
organisation = "Corner Power"
"""
CAPTURED = TOML.replace("[door]\nping_s = 2.0\n", LOCKED)
"""The file of the house, with every listener open on a free port."""


@dataclass
class Proof:
    """What a charger shows in TLS: files, as OpenSSL wants them."""

    chain: Path
    key: Path


@dataclass
class Locked:
    """A station that runs, seen from outside."""

    config: Config
    data: Path
    engine: Engine
    keys: Keyring
    said: list[str]
    doors: dict[int, str]

    def add(self, identity: str, profile: int) -> str:
        """As ``voltide charger add`` does, beside the running station."""
        registry.remove(self.engine, identity)
        secret = live.provision(self.engine, self.keys, identity, SystemClock(), profile)
        assert secret is not None
        return secret

    @property
    def roots(self) -> str:
        return "".join(trust.own(self.config, self.data, SystemClock()).chain())

    def tls(self, proof: Proof | None = None, roots: str | None = None) -> ssl.SSLContext:
        """How a charger that knows our root dials."""
        context = ssl.create_default_context(cadata=self.roots if roots is None else roots)
        if proof is not None:
            context.load_cert_chain(proof.chain, proof.key)
        return context

    async def dial(
        self, profile: int, identity: str, secret: str | None = None, tls: ssl.SSLContext | None = None, user: str = ""
    ) -> ClientConnection:
        scheme, _, rest = self.doors[profile].partition("://")
        who = "" if secret is None else f"{user or identity}:{secret}@"
        secure = {"ssl": tls if tls is not None else self.tls()} if scheme == "wss" else {}
        return await connect(
            f"{scheme}://{who}{rest}{identity}", subprotocols=["ocpp2.1"], compression=None, close_timeout=1, **secure
        )

    async def outcome(self, *how, **more) -> int | str:
        """101 when the charger came in; or the status, or the kind of error, that turned it away."""
        try:
            socket = await self.dial(*how, **more)
        except InvalidStatus as refused:
            return refused.response.status_code
        except (ssl.SSLError, ConnectionError, EOFError, InvalidMessage, TimeoutError) as error:
            return type(error).__name__
        await socket.close()
        return 101

    def log(self, kind: str | None = None) -> list[Row]:
        """The security log."""
        found = rows(self.engine, registry.schema.security_log.select())
        return [row for row in found if kind is None or row["kind"] == kind]


_turn = count()


def page_port() -> int:
    """A port for the page, below those that the machine gives away by itself: nobody else takes it meanwhile."""
    while True:
        port = 15_000 + (os.getpid() * 101 + next(_turn) * 7) % 16_000
        with socket.socket() as free, contextlib.suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port


@asynccontextmanager
async def locked(tmp_path: Path, toml: str = CAPTURED) -> AsyncIterator[Locked]:
    file = tmp_path / "station.toml"
    file.write_text(toml.replace("web_port = 0", f"web_port = {page_port()}"), encoding="utf-8")
    config, data, said = load(file), tmp_path / "data", []
    engine, keys = live.database(data), live.keyring(data)
    running = asyncio.create_task(live.live(live.Site(config=config, data=data, clock=SystemClock(), say=said.append)))
    doors: dict[int, str] = {}
    try:
        async with asyncio.timeout(30):
            while len(doors) < len(config.door.listen):
                if running.done():
                    running.result()
                await asyncio.sleep(0.02)
                told = [line.rpartition(" ")[2] for line in said if "charger door" in line]
                doors = dict(zip(sorted(listen.profile for listen in config.door.listen), told, strict=False))
        yield Locked(config, data, engine, keys, said, doors)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        engine.dispose()


async def until(true: Callable[[], object], seconds: float = 15.0) -> None:
    """Wait for something that a real socket brings about; the deadline is only for the failure."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.02)


# --- certificates -----------------------------------------------------------------------------------------------------


def request(common: str, organisation: str | None = "Corner Power", key: object = None) -> tuple[str, object]:
    """A request as a charger makes it, and its key."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, common)]
    if organisation is not None:
        subject.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(subject)).sign(key, hashes.SHA256())
    return made.public_bytes(Encoding.PEM).decode(), key


def prove(folder: Path, name: str, chain: str, key) -> Proof:
    folder.mkdir(exist_ok=True)
    proof = Proof(folder / f"{name}.pem", folder / f"{name}.key")
    proof.chain.write_text(chain, encoding="utf-8")
    proof.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return proof


def certify(house: Locked, identity: str, *, common: str | None = None, record: bool = True) -> Proof:
    """A certificate of our own authority, as ``voltide charger certificate`` gives it."""
    common = common or identity
    pem, key = request(common)
    asked = csr.check(pem, CHARGER, identity, frozenset({common}), "Corner Power")
    assert isinstance(asked, Request)
    issued = trust.own(house.config, house.data, SystemClock()).sign_now(asked)
    assert isinstance(issued, Issued)
    found = names.of_pem(issued.chain)
    assert found is not None
    if record:
        row = {
            "serial": found.serial,
            "charger": identity,
            "kind": CHARGER,
            "issued_at": int(found.not_before.timestamp() * 1000),
            "not_after": int(found.not_after.timestamp() * 1000),
            "revoked_at": None,
            "pem": issued.chain,
        }
        registry.keep_issued(house.engine, row)
    return prove(house.data.parent / "chargers", f"{identity}-{found.serial[:8]}", issued.chain, key)
