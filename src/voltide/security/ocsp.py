"""Whether a certificate has been revoked, asked of its responder (RFC 6960) for a charger.

What comes back is passed on only when it is an answer about that very certificate, and in time. An answer is kept
until the responder's next one is due. A responder that does not answer is left alone for a minute: the charger then
hears that nothing is known, at once, and decides for itself (soft fail).
"""

import asyncio
import base64
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from voltide.domain.reports import CertificateQuery, Revocation
from voltide.domain.time import Clock
from voltide.security.fetch import NotFetchedError, Origin, Question, Reach, ask

AT_ONCE = 8
KEPT = 1_000
LEFT_ALONE_S = 60.0
SKEW = timedelta(minutes=5)
FRESH, UNDATED = timedelta(days=1), timedelta(hours=1)
"""How old an answer may be that does not say when the next one is due, and how long it is kept."""
_DIGESTS: dict[str, hashes.HashAlgorithm] = {
    "SHA256": hashes.SHA256(), "SHA384": hashes.SHA384(), "SHA512": hashes.SHA512(),
}  # fmt: skip
_STATES = {
    ocsp.OCSPCertStatus.GOOD: Revocation.GOOD,
    ocsp.OCSPCertStatus.REVOKED: Revocation.REVOKED,
    ocsp.OCSPCertStatus.UNKNOWN: Revocation.UNKNOWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a responder said, and until when it holds. ``proved``: by an issuer whom we know."""

    der: bytes
    state: Revocation
    until: datetime
    proved: bool

    @property
    def text(self) -> str:
        """As a charger gets it."""
        return base64.b64encode(self.der).decode()


class Responders:
    """Asks responders; ``issuers`` are the authorities whose signatures we can judge."""

    def __init__(self, reach: Reach, issuers: Sequence[x509.Certificate], clock: Clock) -> None:
        self._reach = reach
        self._issuers = issuers
        self._clock = clock
        self._kept: OrderedDict[tuple[str, ...], Told] = OrderedDict()
        self._silent: dict[Origin, float] = {}
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def ask(self, query: CertificateQuery) -> Told | None:
        """What its responder says; None: nothing that could be passed on."""
        names = (query.algorithm, query.issuer_name_hash, query.issuer_key_hash, query.serial)
        key = tuple(name.lower() for name in names)
        kept = self._kept.get(key)
        if kept is not None and kept.until > self._clock.now():
            return kept
        for url in query.urls[:2]:
            told = await self._asked(url, query)
            if told is not None:
                self._keep(key, told)
                return told
        return None

    async def _asked(self, url: str, query: CertificateQuery) -> Told | None:
        try:
            origin, body = Origin.of(url), _request(query)
        except ValueError:
            return None
        if origin not in self._reach.origins or self._clock.monotonic() < self._silent.get(origin, 0.0):
            return None
        said = Question(url=url, body=body, kind="application/ocsp-request", accept="application/ocsp-response")
        try:
            async with self._gate:
                answer = await ask(said, self._reach)
        except NotFetchedError:
            self._silent[origin] = self._clock.monotonic() + LEFT_ALONE_S  # at most as many as the list is long
            return None
        return read(answer.body, query, self._issuers, self._clock.now())

    def _keep(self, key: tuple[str, ...], told: Told) -> None:
        self._kept[key] = told
        self._kept.move_to_end(key)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)


def _request(query: CertificateQuery) -> bytes:
    """Raises ``ValueError`` for hashes that are none."""
    digest = _DIGESTS.get(query.algorithm.upper())
    if digest is None:
        raise ValueError("no such digest")
    name, key = bytes.fromhex(query.issuer_name_hash), bytes.fromhex(query.issuer_key_hash)
    built = ocsp.OCSPRequestBuilder().add_certificate_by_hash(name, key, int(query.serial, 16), digest)
    return built.build().public_bytes(Encoding.DER)


def read(der: bytes, query: CertificateQuery, issuers: Sequence[x509.Certificate], now: datetime) -> Told | None:
    """An answer about this certificate that holds now; None for anything else."""
    try:
        answer = ocsp.load_der_ocsp_response(der)
        if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return None
        found = next((one for one in answer.responses if _fits(one, query)), None)
        if found is None:
            return None
        until = found.next_update_utc or min(now, found.this_update_utc + FRESH) + UNDATED
        if not found.this_update_utc - SKEW <= now < until:
            return None
        issuer = _issuer(found, issuers)
        if issuer is not None and not _signed(answer, issuer, now):
            return None
        return Told(der=der, state=_STATES[found.certificate_status], until=until, proved=issuer is not None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def _fits(one: ocsp.OCSPSingleResponse, query: CertificateQuery) -> bool:
    return (
        one.serial_number == int(query.serial, 16)
        and one.hash_algorithm.name == query.algorithm.lower()
        and one.issuer_name_hash == bytes.fromhex(query.issuer_name_hash)
        and one.issuer_key_hash == bytes.fromhex(query.issuer_key_hash)
    )


def _issuer(one: ocsp.OCSPSingleResponse, issuers: Sequence[x509.Certificate]) -> x509.Certificate | None:
    """Which authority issued the certificate, by the hash of its name and of its key."""
    for issuer in issuers:
        name = issuer.subject.public_bytes()
        if _digest(name, one) == one.issuer_name_hash and _digest(_bits(issuer), one) == one.issuer_key_hash:
            return issuer
    return None


def _digest(content: bytes, one: ocsp.OCSPSingleResponse) -> bytes:
    digest = hashes.Hash(one.hash_algorithm)
    digest.update(content)
    return digest.finalize()


def _bits(issuer: x509.Certificate) -> bytes:
    """The key as OCSP hashes it: without the frame that says which kind it is."""
    key = issuer.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return key.public_bytes(Encoding.DER, PublicFormat.PKCS1)


def _signed(answer: ocsp.OCSPResponse, issuer: x509.Certificate, now: datetime) -> bool:
    """By the issuer itself, or by a responder that the issuer has named for it."""
    for signer in (issuer, *(one for one in answer.certificates if _named(one, issuer, now))):
        try:
            _verify(signer.public_key(), answer)
        except InvalidSignature:
            continue
        return True
    return False


def _named(one: x509.Certificate, issuer: x509.Certificate, now: datetime) -> bool:
    try:
        one.verify_directly_issued_by(issuer)
        uses = one.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (InvalidSignature, ValueError, TypeError, x509.ExtensionNotFound):
        return False
    return ExtendedKeyUsageOID.OCSP_SIGNING in uses and one.not_valid_before_utc <= now < one.not_valid_after_utc


def _verify(key: CertificatePublicKeyTypes, answer: ocsp.OCSPResponse) -> None:
    digest = answer.signature_hash_algorithm
    if isinstance(key, ec.EllipticCurvePublicKey) and digest is not None:
        key.verify(answer.signature, answer.tbs_response_bytes, ec.ECDSA(digest))
    elif isinstance(key, rsa.RSAPublicKey) and digest is not None:
        key.verify(answer.signature, answer.tbs_response_bytes, padding.PKCS1v15(), digest)
    else:
        raise InvalidSignature
