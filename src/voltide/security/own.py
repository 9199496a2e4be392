"""Our own certificate authority: signs chargers' requests at once, and makes the door's own certificates.

It copies nothing of a request but its key and its name. What it takes back stands in a signed list (``revoked.crl``)
that others can read; our own door goes by the records.
"""

import asyncio
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from voltide.domain.reports import Revocation
from voltide.domain.time import Clock
from voltide.security.files import write_private
from voltide.security.pki import CHARGER, Denied, Issued, Request, Signature
from voltide.security.roots import BACKDATED, Root, Roots, pem_of, read_key, write_key

SERVER_LIFE = timedelta(hours=24)
"""So short that nobody needs to revoke one."""
_CRL_LIFE = timedelta(days=7)
_USAGE = dict.fromkeys(
    (
        "content_commitment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign", "encipher_only",
        "decipher_only",
    ),
    False,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How it signs."""

    organisation: str
    charger_life: timedelta = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A chain and its key, as files: this is how OpenSSL wants them."""

    chain: Path
    key: Path


class OwnAuthority:
    """An authority in a folder."""

    def __init__(self, folder: Path, terms: Terms, clock: Clock) -> None:
        self.folder = folder
        self.roots = Roots(folder, terms.organisation)
        self._terms = terms
        self._clock = clock

    async def sign(self, request: Request) -> Signature:
        """At once, beside the event loop."""
        return await asyncio.to_thread(self.sign_now, request)

    def sign_now(self, request: Request) -> Signature:
        """The certificate of a charger's line. It ends before its root does."""
        if request.kind != CHARGER:
            return Denied(reason="V2G certificates come from another authority")
        now = self._clock.now()
        root = self.roots.at(now)[-1]
        key = x509.load_der_x509_csr(request.der).public_key()
        names = [(NameOID.ORGANIZATION_NAME, self._terms.organisation), (NameOID.COMMON_NAME, request.common)]
        leaf = self._builder(root, key, names, min(now + self._terms.charger_life, root.not_after))
        leaf = leaf.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        return Issued(chain=pem_of(leaf.sign(root.key, hashes.SHA256())))

    def chain(self) -> tuple[str, ...]:
        """The roots that hold."""
        return tuple(root.pem for root in self.roots.at(self._clock.now()))

    async def revoke(self, serial: str) -> None:
        """Into the list, which is signed anew."""
        await asyncio.to_thread(self.revoke_now, serial)

    def revoke_now(self, serial: str) -> None:
        """As ``revoke``, where nothing else has to go on."""
        now, listed = self._clock.now(), self._revoked()
        root = self.roots.at(now)[-1]
        crl = x509.CertificateRevocationListBuilder().issuer_name(root.certificate.subject)
        crl = crl.last_update(now).next_update(now + _CRL_LIFE)
        for number, at in {int(serial, 16): now, **listed}.items():
            one = x509.RevokedCertificateBuilder().serial_number(number).revocation_date(at).build()
            crl = crl.add_revoked_certificate(one)
        signed = crl.sign(root.key, hashes.SHA256())
        write_private(self._list, signed.public_bytes(Encoding.PEM))

    async def status(self, serial: str) -> Revocation:
        """Good, unless it was taken back."""
        return Revocation.REVOKED if int(serial, 16) in self._revoked() else Revocation.GOOD

    def server(self, names: tuple[str, ...]) -> tuple[list[Pair], datetime]:
        """Fresh certificates for our own door, of an EC and of an RSA key; and when they end."""
        now = self._clock.now()
        root = self.roots.at(now)[-1]
        end = min(now + SERVER_LIFE, root.not_after)
        return [self._server(root, kind, names, end) for kind in ("ec", "rsa")], end

    def _server(self, root: Root, kind: str, names: tuple[str, ...], end: datetime) -> Pair:
        pair = Pair(chain=self.folder / f"server-{kind}.pem", key=self.folder / f"server-{kind}.key")
        if not pair.key.exists():
            write_key(pair.key, ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else _rsa())
        subject = [(NameOID.ORGANIZATION_NAME, self._terms.organisation), (NameOID.COMMON_NAME, names[0][:64])]
        leaf = self._builder(root, read_key(pair.key).public_key(), subject, end)
        leaf = leaf.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        leaf = leaf.add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        chain = [leaf.sign(root.key, hashes.SHA256())]
        if root.cross is not None and root.cross.not_valid_after_utc > self._clock.now():
            chain.append(root.cross)  # for chargers that know the root before this one only
        write_private(pair.chain, pem_of(*chain).encode())
        return pair

    def _builder(
        self, root: Root, key: CertificatePublicKeyTypes, names: list[tuple[x509.ObjectIdentifier, str]], end: datetime
    ) -> x509.CertificateBuilder:
        """A leaf that may sign nothing."""
        usage = x509.KeyUsage(digital_signature=True, key_encipherment=isinstance(key, rsa.RSAPublicKey), **_USAGE)
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(oid, value) for oid, value in names]))
            .issuer_name(root.certificate.subject)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(max(self._clock.now() - BACKDATED, root.certificate.not_valid_before_utc))
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root.key.public_key()), critical=False)
        )

    @property
    def _list(self) -> Path:
        return self.folder / "revoked.crl"

    def _revoked(self) -> dict[int, datetime]:
        if not self._list.exists():
            return {}
        listed = x509.load_pem_x509_crl(self._list.read_bytes())
        return {one.serial_number: one.revocation_date_utc for one in listed}


def server_names(host: str, others: tuple[str, ...]) -> tuple[str, ...]:
    """By which names chargers may call the door: those of the file first, and what the machine calls itself."""
    own = () if host in {"0.0.0.0", "::"} else (host,)  # noqa: S104 - not bound here, only left out of a certificate
    machine = [name for name in (socket.gethostname(),) if name.isascii() and name]
    return tuple(dict.fromkeys((*others, *own, *machine, "localhost", "127.0.0.1", "::1")))


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65_537, 2048)
