"""TLS for the charger door: TLS 1.2 and better, no compression, the suites of OCPP, and certificates that change live.

A listener keeps its context for its whole life; a new certificate is put into it, and the next handshake shows it.
Source: OCPP 2.1 part 2, A00.FR.3xx and 4xx: ECDHE-ECDSA and RSA with AES-GCM, so there are two server certificates.
"""

import ssl
from collections.abc import Callable, Iterable
from typing import Any

from voltide.security.own import Pair

_SUITES = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:"
    "AES128-GCM-SHA256:AES256-GCM-SHA384"  # without forward secrecy, and demanded of a CSMS by A00
)

Refused = Callable[[str], None]
"""Hears why a handshake came to nothing, where the charger's certificate was to blame."""


def context(*, mutual: bool, refused: Refused) -> ssl.SSLContext:
    """A listener's context without a certificate yet; ``mutual``: chargers must show one that a trusted root signed."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.set_ciphers(_SUITES)
    made.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    made.num_tickets = 1  # a returning charger needs one; the second is for browsers
    made.sslobject_class = _watched(refused)
    if mutual:
        made.verify_mode = ssl.CERT_REQUIRED
    return made


def show(into: Iterable[ssl.SSLContext], pairs: Iterable[Pair]) -> None:
    """From the next handshake on the listeners show these. Raises ``OSError`` for files that are none."""
    for one in into:
        for pair in pairs:
            one.load_cert_chain(pair.chain, pair.key)


def trust(into: ssl.SSLContext, roots: Iterable[str]) -> None:
    """Chargers whose certificates lead to these roots (PEM) come as far as the door. Raises ``ssl.SSLError``."""
    for root in roots:
        into.load_verify_locations(cadata=root)


def _watched(refused: Refused) -> type[ssl.SSLObject]:
    """A TLS object that says why a charger's certificate was not taken; nobody else ever hears of it."""

    class Watched(ssl.SSLObject):
        def do_handshake(self, *args: Any) -> None:
            try:
                super().do_handshake(*args)
            except ssl.SSLCertVerificationError as error:
                refused(error.verify_message)
                raise
            except ssl.SSLError as error:
                if error.reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
                    refused("no certificate")
                raise

    return Watched
