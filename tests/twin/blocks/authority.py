"""An authority for the simulated spring of the scenes."""

from dataclasses import dataclass
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.twin.scene import START


def name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def issue(common: str, public, issuer: str, signer, *, ca: bool = False, days: int = 30) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(name(common))
        .issuer_name(name(issuer))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(START - timedelta(days=2))
        .not_valid_after(START + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(signer, hashes.SHA256())
    )


def pem(*chain: x509.Certificate) -> str:
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in chain)


@dataclass
class Authority:
    common: str = "Root of spring"

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.root = issue(self.common, self.key.public_key(), self.common, self.key, ca=True)

    def sign(self, csr: str, days: int = 30) -> str:
        """The chain that a request leads to."""
        asked = x509.load_pem_x509_csr(csr.encode())
        assert asked.is_signature_valid
        common = asked.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        return pem(issue(str(common), asked.public_key(), self.common, self.key, days=days))
