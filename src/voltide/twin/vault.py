"""What a charger keeps of keys and certificates: its own key and chain, and the roots that it trusts."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from random import Random

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

from voltide.domain.messages import Json

MOST = 20
"""Certificates that there is room for."""


@dataclass(frozen=True, slots=True)
class Own:
    """A certificate of the charger's own, with what is above it, and its key."""

    chain: tuple[x509.Certificate, ...]
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        """The chain as text, the charger's own first."""
        return "".join(one.public_bytes(Encoding.PEM).decode() for one in self.chain)

    @property
    def key_pem(self) -> str:
        """The key as text; it leaves the charger nowhere but into its own TLS."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class Vault:
    """Kinds are the specification's words for what a certificate is for."""

    def __init__(self) -> None:
        self.roots: dict[str, list[x509.Certificate]] = {}
        self.own: dict[str, Own] = {}
        """By kind: ChargingStationCertificate, V2GCertificate, V2G20Certificate."""

    @property
    def count(self) -> int:
        """How many certificates there are."""
        return sum(map(len, self.roots.values())) + sum(len(one.chain) for one in self.own.values())

    def trusted(self, *kinds: str) -> str:
        """Roots as text."""
        found = [one for kind in kinds for one in self.roots.get(kind, [])]
        return "".join(one.public_bytes(Encoding.PEM).decode() for one in found)

    def flaw(self, chain: Iterable[x509.Certificate], key: ec.EllipticCurvePrivateKey, now: datetime) -> str | None:
        """What is wrong with a chain that is to be the charger's own; None: nothing."""
        links = tuple(chain)
        if not links:
            return "there is no certificate"
        theirs = links[0].public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        ours = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if theirs != ours:
            return "it is for another key"
        if any(not one.not_valid_before_utc <= now <= one.not_valid_after_utc for one in links):
            return "it is not valid now"
        roots = [one for many in self.roots.values() for one in many]
        if any(not issued(one, above) for one, above in pairwise(links)):
            return "its chain is broken"
        if roots and not any(issued(links[-1], root) or links[-1] == root for root in roots):
            return "nobody trusted has signed it"
        return None


def new_key(chance: Random) -> ec.EllipticCurvePrivateKey:
    """A key that repeats with the seed: a twin's secrets protect nothing."""
    return ec.derive_private_key(chance.getrandbits(250) + 1, ec.SECP256R1())


def request(key: ec.EllipticCurvePrivateKey, common: str, organisation: str) -> str:
    """A certificate signing request, PEM."""
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, common),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
        ]
    )
    signed = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return signed.public_bytes(Encoding.PEM).decode()


def read(pem: str) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM text; none for what is none."""
    try:
        return tuple(x509.load_pem_x509_certificates(pem.encode()))
    except ValueError:
        return ()


def hash_data(one: x509.Certificate, issuer: x509.Certificate, algorithm: str = "SHA256") -> Json:
    """How a certificate is named in messages. Source: OCPP 2.1, CertificateHashDataType, after RFC 6960."""
    name = algorithm.lower()
    key = issuer.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint) if _is_ec(issuer) else b""
    key = key or issuer.public_key().public_bytes(Encoding.DER, PublicFormat.PKCS1)
    return {
        "hashAlgorithm": algorithm,
        "issuerNameHash": hashlib.new(name, one.issuer.public_bytes()).hexdigest(),
        "issuerKeyHash": hashlib.new(name, key).hexdigest(),
        "serialNumber": f"{one.serial_number:x}",
    }


def _is_ec(one: x509.Certificate) -> bool:
    return isinstance(one.public_key(), ec.EllipticCurvePublicKey)


def issued(one: x509.Certificate, above: x509.Certificate) -> bool:
    """Whether a certificate is signed by the one above it."""
    try:
        one.verify_directly_issued_by(above)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True
