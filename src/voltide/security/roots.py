"""Our own roots: a key in a file of its own, a certificate, and the next root long before this one ends.

For ``OVERLAP`` two roots hold. The newer one signs from the day it is made; the older one has signed it too, so a
charger that knows the older root alone still finds its way. Nobody is locked out who comes once in that year.
"""

import contextlib
import fcntl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from voltide.security.files import write_private

LIFE = timedelta(days=3650)
OVERLAP = timedelta(days=365)
BACKDATED = timedelta(days=1)
"""A charger's clock may be behind."""

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Root:
    """A certificate that signs itself, and its key."""

    key: PrivateKey
    certificate: x509.Certificate
    cross: x509.Certificate | None = None
    """The same name and key, signed by the root before it."""

    @cached_property
    def pem(self) -> str:
        """The certificate."""
        return pem_of(self.certificate)

    @property
    def not_after(self) -> datetime:
        """Until when it holds."""
        return self.certificate.not_valid_after_utc


def pem_of(*chain: x509.Certificate) -> str:
    """Certificates as one text."""
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in chain)


def write_key(path: Path, key: PrivateKey) -> None:
    """A private key in a file that only its owner can read."""
    write_private(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def read_key(path: Path) -> PrivateKey:
    """The inverse. Raises ``OSError``, also for a file that is no such key."""
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError) as error:
        raise OSError(f"{path} is no private key: {error}") from error
    if not isinstance(key, PrivateKey):
        raise OSError(f"{path} is neither an RSA nor an EC key")
    return key


class Roots:
    """The roots in a folder, the oldest first: ``root-1.pem`` with ``root-1.key``, and so on."""

    def __init__(self, folder: Path, organisation: str) -> None:
        self._folder = folder
        self._organisation = organisation

    def at(self, now: datetime) -> list[Root]:
        """Those that hold, the one that signs last; a new one is made when there is none, or when the last ends soon.

        Raises ``OSError``.
        """
        roots = self._read(now)
        if roots and now < roots[-1].not_after - OVERLAP:
            return roots
        with _alone(self._folder):
            roots = self._read(now)  # another process may have been faster
            if not roots or now >= roots[-1].not_after - OVERLAP:
                self._make(now, roots[-1] if roots else None)
        return self._read(now)

    def _read(self, now: datetime) -> list[Root]:
        """Those that hold: a clock that once was wrong may have left others."""
        found = [self._root(path) for path in sorted(self._folder.glob("root-*.pem"), key=_number)]
        return [root for root in found if root.certificate.not_valid_before_utc <= now < root.not_after]

    def _root(self, path: Path) -> Root:
        try:
            chain = x509.load_pem_x509_certificates(path.read_bytes())
        except ValueError as error:
            raise OSError(f"{path} is no certificate: {error}") from error
        return Root(read_key(path.with_suffix(".key")), chain[0], chain[1] if len(chain) > 1 else None)

    def _make(self, now: datetime, before: Root | None) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        number = max((_number(path) for path in self._folder.glob("root-*.pem")), default=0) + 1
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, self._organisation),
                x509.NameAttribute(NameOID.COMMON_NAME, f"{self._organisation} charger root {number}"[:64]),
            ]
        )
        chain = [_authority(name, key, name, key, (now - BACKDATED, now + LIFE))]
        if before is not None:
            span = (now - BACKDATED, before.not_after)
            chain.append(_authority(name, key, before.certificate.subject, before.key, span))
        path = self._folder / f"root-{number}.pem"
        write_key(path.with_suffix(".key"), key)  # first: a certificate without its key would be a trap
        write_private(path, pem_of(*chain).encode())


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / "lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _number(path: Path) -> int:
    with contextlib.suppress(ValueError):
        return int(path.stem.removeprefix("root-"))
    return 0


def _authority(
    name: x509.Name, key: PrivateKey, issuer: x509.Name, signer: PrivateKey, span: tuple[datetime, datetime]
) -> x509.Certificate:
    usage = x509.KeyUsage(
        key_cert_sign=True, crl_sign=True, digital_signature=False, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(span[0])
        .not_valid_after(span[1])
        .add_extension(x509.BasicConstraints(ca=True, path_length=1 if signer is key else 0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
