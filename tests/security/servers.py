"""A small HTTP server on a real port that counts who knocks, and an authority of its own for https."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass
class Sink:
    """Answers each request with what ``answer`` makes of its body; ``None`` is silence."""

    port: int = 0
    hits: int = 0
    heads: list[str] = field(default_factory=list)
    answer: Callable[[str, bytes], bytes | None] = lambda _head, _body: ok(b"hello")
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"


def ok(body: bytes, kind: str = "text/plain", status: str = "200 OK", more: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode() + body


@asynccontextmanager
async def sink(answer=None, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[Sink]:
    found = Sink(scheme="https" if tls is not None else "http")
    if answer is not None:
        found.answer = answer
    gone = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.hits += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            found.heads.append(head)
            length = next(
                (int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0
            )
            said = found.answer(head, await reader.readexactly(length))
            if said is None:
                await gone.wait()
            else:
                writer.write(said)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, host, 0, ssl=tls)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        gone.set()
        server.close()


@dataclass
class Ca:
    """An authority that is not ours."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def new(cls, name: str = "Somebody's root") -> "Ca":
        key = ec.generate_private_key(ec.SECP256R1())
        return cls(key, issue(name, key.public_key(), name, key, ca=True))

    def leaf(self, name: str, key=None, **more) -> x509.Certificate:
        key = key or ec.generate_private_key(ec.SECP256R1()).public_key()
        return issue(name, key, _common(self.certificate), self.key, **more)

    @property
    def pem(self) -> str:
        return pem(self.certificate)


def _common(certificate: x509.Certificate) -> str:
    return str(certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)


def issue(name, public, issuer, signer, *, ca=False, organisation=None, uses=(), names=(), days=30) -> x509.Certificate:
    now = datetime.now(UTC)
    subject = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if organisation is not None:
        subject.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(subject))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    if uses:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(uses)), critical=False)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(list(names)), critical=False)
    return builder.sign(signer, hashes.SHA256())


def pem(*chain: x509.Certificate) -> str:
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in chain)


def https(folder: Path, ca: Ca, *names: x509.GeneralName) -> ssl.SSLContext:
    """The server side of TLS, with a certificate for these names."""
    key = ec.generate_private_key(ec.SECP256R1())
    chain = folder / "https.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    leaf = ca.leaf("server", key.public_key(), uses=[ExtendedKeyUsageOID.SERVER_AUTH], names=names)
    chain.write_text(pem(leaf) + secret, encoding="utf-8")
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(chain)
    return made
