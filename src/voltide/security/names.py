"""What a charger's certificate says about it, read from its bytes."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Whose a certificate is. ``serial`` is its number as lower-case hex; ``print`` is the SHA-256 of all of it."""

    common: str
    organisation: str
    serial: str
    print: str
    not_before: datetime
    not_after: datetime


def read(der: bytes) -> Names | None:
    """The names of a certificate; None for what is none, or names nobody, or two."""
    try:
        found = x509.load_der_x509_certificate(der)
        commons = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        organisations = found.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        serial = f"{found.serial_number:x}"
        start, end = found.not_valid_before_utc, found.not_valid_after_utc
    except ValueError:
        return None
    if len(commons) != 1 or len(organisations) > 1:
        return None
    return Names(
        common=str(commons[0].value),
        organisation=str(organisations[0].value) if organisations else "",
        serial=serial,
        print=hashlib.sha256(der).hexdigest(),
        not_before=start,
        not_after=end,
    )


@lru_cache(4096)
def of_pem(pem: str) -> Names | None:
    """The names of the first certificate of a PEM text."""
    try:
        chain = x509.load_pem_x509_certificates(pem.encode())
    except ValueError:
        return None
    return read(chain[0].public_bytes(Encoding.DER)) if chain else None
