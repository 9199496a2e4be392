"""A charger's request for a certificate, and all that is wrong with one. What is refused here, no authority ever sees.

Source: OCPP 2.1 part 2, A02 and A03; the security whitepaper of 1.6: keys of RSA 2048 or EC 224 bits and more, the
common name is the charger's own, the organisation is the operator.
"""

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from voltide.security.pki import CHARGER, V2G, V2G20, Denied, Request

LONGEST = 10_000
"""Characters; the longest that any version of OCPP carries."""
_RSA_BITS = range(2048, 8193)
_EC_BITS = 224
_WEAK = {"md5", "sha1"}
_USES = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH}


def check(pem: str, kind: str, identity: str, allowed: frozenset[str], organisation: str) -> Request | Denied:
    """The request, or the first thing that is wrong with it. ``allowed``: the names that are the charger's own."""
    if kind not in {CHARGER, V2G, V2G20}:
        return Denied(reason="no such kind of certificate")
    if len(pem) > LONGEST:
        return Denied(reason="too long")
    try:
        asked = x509.load_pem_x509_csr(pem.encode())
        wrong = _weak(asked) or _foreign(asked, kind, allowed, organisation) or _greedy(asked, allowed)
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature):
        return Denied(reason="not a certificate request")
    if wrong is not None:
        return Denied(reason=wrong)
    common = str(asked.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
    clean = asked.public_bytes(Encoding.PEM).decode()  # what else stood in the text goes nowhere
    return Request(pem=clean, der=asked.public_bytes(Encoding.DER), common=common, identity=identity, kind=kind)


def _weak(asked: x509.CertificateSigningRequest) -> str | None:
    key = asked.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size not in _RSA_BITS:
            return f"an RSA key of {key.key_size} bits"
        if key.public_numbers().e < 65_537:
            return "a small RSA exponent"
    elif isinstance(key, ec.EllipticCurvePublicKey):
        if key.curve.key_size < _EC_BITS:
            return f"an EC key of {key.curve.key_size} bits"
    else:
        return "neither an RSA nor an EC key"
    digest = asked.signature_hash_algorithm
    if digest is None or digest.name in _WEAK:
        return f"signed with {digest.name if digest is not None else 'no digest'}"
    return None if asked.is_signature_valid else "its signature does not fit its key"


def _foreign(
    asked: x509.CertificateSigningRequest, kind: str, allowed: frozenset[str], organisation: str
) -> str | None:
    commons = [str(name.value) for name in asked.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if len(commons) != 1:
        return f"{len(commons)} common names"
    if kind != CHARGER:
        return None  # the names of ISO 15118 are its PKI's to judge
    if commons[0] not in allowed:
        return f"the common name {commons[0][:64]!r} is not the charger's"
    named = [str(name.value) for name in asked.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    if named not in ([], [organisation]):
        return f"the organisation {', '.join(named)[:64]!r} is not ours"
    return None


def _greedy(asked: x509.CertificateSigningRequest, allowed: frozenset[str]) -> str | None:
    """Powers that no charger needs. Our own authority copies nothing of a request; another one might."""
    for extension in asked.extensions:
        value = extension.value
        if isinstance(value, x509.BasicConstraints) and value.ca:
            return "it asks to be an authority"
        if isinstance(value, x509.KeyUsage) and (value.key_cert_sign or value.crl_sign):
            return "it asks to sign certificates"
        if isinstance(value, x509.ExtendedKeyUsage) and set(value) - _USES:
            return "it asks for uses that are no charger's"
        if isinstance(value, x509.SubjectAlternativeName) and any(
            not isinstance(name, x509.DNSName) or name.value not in allowed for name in value
        ):
            return "it asks for other names"
    return None
