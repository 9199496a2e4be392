"""Who signs chargers' certificates: our own authority, or one outside; both keep the same promises.

A request is checked (``csr``) before any authority sees it. ``sign`` may be asked again with the same request and then
gives the same certificate, so an answer that takes a day outlives the process.
"""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from voltide.domain.reports import Revocation

CHARGER = "ChargingStationCertificate"
V2G = "V2GCertificate"
V2G20 = "V2G20Certificate"
"""What a certificate is for, in the words of OCPP: the line to us, or the charger's talk with cars (ISO 15118)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A certificate request that has been checked."""

    pem: str
    der: bytes
    common: str
    identity: str
    """The charger on whose line it came."""
    kind: str = CHARGER


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A certificate with the chain above it, PEM, without the root."""

    chain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """The authority has taken the request and answers when it is asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """It will not sign this."""

    reason: str


Signature: TypeAlias = Issued | Later | Denied


class Authority(Protocol):
    """Signs, and takes back."""

    async def sign(self, request: Request) -> Signature:
        """The certificate, now or later. Raises ``OSError`` when the authority cannot be reached."""
        ...

    async def revoke(self, serial: str) -> None:
        """It is not good any more. Raises ``OSError`` as above."""
        ...

    def chain(self) -> tuple[str, ...]:
        """The roots by which its certificates are verified, PEM, the newest last."""
        ...

    async def status(self, serial: str) -> Revocation:
        """What it knows of a certificate of its own."""
        ...
