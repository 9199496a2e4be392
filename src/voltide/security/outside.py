"""Authorities outside: a folder in which a person or a script signs, and a server that speaks EST (RFC 7030)."""

import asyncio
import base64
import binascii
import hashlib
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization.pkcs7 import load_der_pkcs7_certificates

from voltide.domain.reports import Revocation
from voltide.security.fetch import NotFetchedError, Question, Reach, ask
from voltide.security.files import write_private
from voltide.security.pki import Issued, Later, Request, Signature
from voltide.security.roots import pem_of

MOST_BYTES = 65_536


class FolderAuthority:
    """Requests lie in ``requests/``; whoever signs puts the chain under the same name into ``answers/``.

    What is taken back is listed in ``revoked/``, one empty file per serial number.
    """

    def __init__(self, folder: Path, roots: Path | None) -> None:
        self._folder = folder
        self._roots = roots

    async def sign(self, request: Request) -> Signature:
        """The answer, where there is one; else the request is laid out."""
        return await asyncio.to_thread(self._sign, request)

    async def revoke(self, serial: str) -> None:
        """Listed."""
        await asyncio.to_thread(write_private, self._folder / "revoked" / serial, b"")

    def chain(self) -> tuple[str, ...]:
        """The roots of the file that was named."""
        return roots_of(self._roots)

    async def status(self, serial: str) -> Revocation:
        """What is listed is revoked; nothing is known of the rest."""
        listed = (self._folder / "revoked" / serial).exists()
        return Revocation.REVOKED if listed else Revocation.UNKNOWN

    def _sign(self, request: Request) -> Signature:
        name = f"{request.identity}-{hashlib.sha256(request.der).hexdigest()[:16]}"
        answer = self._folder / "answers" / f"{name}.pem"
        if not answer.exists():
            asked = self._folder / "requests" / f"{name}.csr"
            if not asked.exists():
                write_private(asked, request.pem.encode())
            return Later()
        if answer.stat().st_size > MOST_BYTES:
            raise OSError(f"{answer} is too long for a chain")
        return Issued(chain=_chain(_certificates(answer), request))


class EstAuthority:
    """A server that speaks EST. It keeps its own list of what is revoked; our door goes by our records."""

    def __init__(self, url: str, reach: Reach, authorization: str, roots: Path | None) -> None:
        self._url = url.rstrip("/")
        self._reach = reach
        self._authorization = authorization
        self._roots = roots

    async def sign(self, request: Request) -> Signature:
        """``/simpleenroll``. 202 means later."""
        said = Question(
            url=f"{self._url}/simpleenroll",
            body=base64.encodebytes(request.der),
            kind="application/pkcs10",
            accept="application/pkcs7-mime",
            authorization=self._authorization,
        )
        try:
            answer = await ask(said, self._reach)
        except NotFetchedError as error:
            raise OSError(str(error)) from error
        if answer.status != 200:
            return Later()
        try:
            found = load_der_pkcs7_certificates(base64.b64decode(answer.body))
        except (ValueError, binascii.Error) as error:
            raise OSError(f"{self._url} did not answer with certificates") from error
        return Issued(chain=_chain(found, request))

    async def revoke(self, _serial: str) -> None:
        """EST has no word for it: tell the authority by its own way. Our door goes by our records."""

    def chain(self) -> tuple[str, ...]:
        """The roots of the file that was named."""
        return roots_of(self._roots)

    async def status(self, _serial: str) -> Revocation:
        """EST has no word for this either."""
        return Revocation.UNKNOWN


def roots_of(file: Path | None) -> tuple[str, ...]:
    """Every certificate of a PEM file. Raises ``OSError``."""
    return () if file is None else tuple(pem_of(one) for one in _certificates(file))


def _certificates(file: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())
    except ValueError as error:
        raise OSError(f"{file} holds no certificates: {error}") from error


def _chain(found: list[x509.Certificate], request: Request) -> str:
    """The certificate of the request and those above it, in order, without the root. Raises ``OSError``."""
    key = x509.load_der_x509_csr(request.der).public_key()
    leaf = next((one for one in found if one.public_key() == key), None)
    if leaf is None:
        raise OSError("the authority has signed another key")
    chain, rest = [leaf], [one for one in found if one is not leaf]
    while above := next((one for one in rest if _issued(chain[-1], one)), None):
        rest.remove(above)
        if above.subject != above.issuer:
            chain.append(above)
    return pem_of(*chain)


def _issued(one: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        one.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
