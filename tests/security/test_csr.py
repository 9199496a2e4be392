"""Row 61: of all requests that a charger could send, only an honest one of its own is ever seen by an authority."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from voltide.security import csr
from voltide.security.pki import CHARGER, V2G, Denied, Request

EC = ec.generate_private_key(ec.SECP256R1())
SHORT = rsa.generate_private_key(65_537, 1024)  # noqa: S505 - that it is refused is the point
RSA_2048 = rsa.generate_private_key(65_537, 2048)


def made(common="V1", organisation="Corner Power", key=EC, *extensions, digest=hashes.SHA256(), more=()) -> str:  # noqa: B008
    names = [(NameOID.COMMON_NAME, common), (NameOID.ORGANIZATION_NAME, organisation), *more]
    subject = x509.Name([x509.NameAttribute(oid, value) for oid, value in names if value is not None])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, digest).public_bytes(Encoding.PEM).decode()


def check(pem: str, kind: str = CHARGER, allowed=frozenset({"V1"})):
    return csr.check(pem, kind, "V1", allowed, "Corner Power")


@pytest.mark.parametrize(
    "pem",
    [
        made(),
        made(organisation=None),
        made(key=RSA_2048),
        made(key=ec.generate_private_key(ec.SECP224R1())),
        made(key=ec.generate_private_key(ec.SECP521R1()), digest=hashes.SHA512()),
        made("V1", "Corner Power", EC, x509.BasicConstraints(ca=False, path_length=None)),
        made("V1", "Corner Power", EC, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])),
        made("V1", "Corner Power", EC, x509.SubjectAlternativeName([x509.DNSName("V1")])),
        made(more=[(NameOID.COUNTRY_NAME, "CN"), (NameOID.SERIAL_NUMBER, "4711")]),
    ],
)
def test_an_honest_request_is_taken(pem):
    found = check(pem)
    assert isinstance(found, Request), found
    assert (found.common, found.identity, found.kind) == ("V1", "V1", CHARGER)
    assert x509.load_der_x509_csr(found.der).is_signature_valid


def usage(**asked):
    every = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{**dict.fromkeys(every, False), **asked})


BAD = {
    "another charger's name": (made("V2"), "is not the charger's"),
    "a name that only looks alike": (made("V1 "), "is not the charger's"),
    "the same name in small": (made("v1"), "is not the charger's"),
    "a foreign organisation": (made(organisation="Other Power"), "is not ours"),
    "two organisations": (made(more=[(NameOID.ORGANIZATION_NAME, "Other")]), "is not ours"),
    "two names": (made(more=[(NameOID.COMMON_NAME, "V2")]), "2 common names"),
    "no name": (made(common=None), "0 common names"),
    "a short RSA key": (made(key=SHORT), "RSA key of 1024"),
    "a small exponent": (made(key=rsa.generate_private_key(3, 2048)), "exponent"),
    "a short EC key": (made(key=ec.generate_private_key(ec.SECP192R1())), "EC key of 192"),
    "an Ed25519 key": (made(key=ed25519.Ed25519PrivateKey.generate(), digest=None), "neither"),
    "a DSA key": (made(key=dsa.generate_private_key(2048)), "neither"),
    "an authority": (made("V1", "Corner Power", EC, x509.BasicConstraints(ca=True, path_length=None)), "authority"),
    "a signer": (made("V1", "Corner Power", EC, usage(key_cert_sign=True)), "sign certificates"),
    "a signer of lists": (made("V1", "Corner Power", EC, usage(crl_sign=True)), "sign certificates"),
    "a use of others": (
        made("V1", "Corner Power", EC, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])), "uses"),
    "any use": (
        made("V1", "Corner Power", EC, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])), "uses"),
    "another DNS name": (
        made("V1", "Corner Power", EC, x509.SubjectAlternativeName([x509.DNSName("csms.example")])), "other names"),
    "an address": (
        made("V1", "Corner Power", EC, x509.SubjectAlternativeName([x509.UniformResourceIdentifier("a:b")])), "names"),
    "nothing": ("", "not a certificate request"),
    "a certificate": ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "not a certificate request"),
    "too much": (made() + "x" * 10_000, "too long"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_any_other_request_is_refused_and_says_why(name):
    pem, why = BAD[name]
    found = check(pem)
    assert isinstance(found, Denied), found
    assert why in found.reason


def test_a_weak_digest_is_refused():
    """MD5 and SHA-1 cannot be made here any more, so the name of the digest is changed in the bytes of a request."""
    der = x509.load_pem_x509_csr(made(key=RSA_2048).encode()).public_bytes(Encoding.DER)
    sha256, sha1 = bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105")
    assert der.count(sha256) == 1
    weak = x509.load_der_x509_csr(der.replace(sha256, sha1)).public_bytes(Encoding.PEM).decode()
    found = check(weak)
    assert isinstance(found, Denied)
    assert "sha1" in found.reason


def test_a_request_that_its_key_has_not_signed_is_refused():
    der = bytearray(x509.load_pem_x509_csr(made().encode()).public_bytes(Encoding.DER))
    der[-3] ^= 1
    found = check(x509.load_der_x509_csr(bytes(der)).public_bytes(Encoding.PEM).decode())
    assert isinstance(found, Denied)
    assert "signature" in found.reason


def test_the_name_that_a_charger_is_registered_with_may_stand_in_its_certificate():
    assert isinstance(check(made("SN-0815")), Denied)
    assert isinstance(check(made("SN-0815"), allowed=frozenset({"V1", "SN-0815"})), Request)


def test_the_names_of_iso_15118_are_judged_by_their_own_pki_but_keys_and_powers_here():
    assert isinstance(check(made("CPO-SECC-77", None), V2G), Request)
    assert isinstance(check(made("x", None, SHORT), V2G), Denied)
    assert isinstance(check(made("x", None, EC, x509.BasicConstraints(ca=True, path_length=None)), V2G), Denied)
    assert isinstance(check(made(), "RootCertificate"), Denied)


def test_what_stands_around_a_request_is_not_passed_on():
    found = check("rm -rf /\n" + made() + "\n<script>")
    assert isinstance(found, Request)
    assert "script" not in found.pem
    assert "rm" not in found.pem.split("-----BEGIN")[0]


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=400) | st.text(max_size=400).map(str.encode), st.integers(0, 400))
def test_no_bytes_ever_break_the_check(noise, place):
    honest = made().encode()
    for text in (noise, honest[:place] + noise + honest[place:], honest[: place // 2]):
        found = check(text.decode("latin-1"))
        assert isinstance(found, Denied | Request)
        if isinstance(found, Request):
            assert found.common == "V1"
