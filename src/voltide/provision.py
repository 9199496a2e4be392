"""What the command line does beside a station: sign a request of a file, and list and take back what was signed."""

import asyncio
from pathlib import Path

from sqlalchemy import Engine

from voltide import trust
from voltide.backbone import registry
from voltide.backbone.clock import SystemClock
from voltide.config import Config
from voltide.domain.time import millis
from voltide.security import csr, names
from voltide.security.pki import CHARGER, Denied, Later


class NotSignedError(Exception):
    """A request was not signed; the text says why, as one sentence."""


def sign(engine: Engine, config: Config, data: Path, identity: str, pem: str) -> str:
    """The chain of a request, written into the records. Raises ``OSError`` and ``NotSignedError``."""
    clock = SystemClock()
    known = registry.Book(engine)
    found = known.find(identity)
    known.close()
    allowed = frozenset({identity, *([found.name] if found is not None and found.name else [])})
    asked = csr.check(pem, CHARGER, identity, allowed, config.organisation)
    if isinstance(asked, Denied):
        raise NotSignedError(f"the request is refused: {asked.reason}")
    signed = asyncio.run(trust.authority(config, trust.own(config, data, clock)).sign(asked))
    if isinstance(signed, Denied):
        raise NotSignedError(f"the authority refuses the request: {signed.reason}")
    if isinstance(signed, Later):
        raise NotSignedError(f"the request lies with {config.pki.outside}; ask again when it has been signed")
    leaf = names.of_pem(signed.chain)
    if leaf is None or (leaf.common, leaf.organisation) != (asked.common, config.organisation):
        raise NotSignedError("the authority has signed other names")
    row = {"serial": leaf.serial, "charger": identity, "kind": CHARGER, "issued_at": millis(clock.now())}
    rest = {"not_after": millis(leaf.not_after), "revoked_at": None, "pem": signed.chain}
    registry.keep_issued(engine, row | rest)
    note(engine, identity, "certificate-issued", f"{CHARGER} {leaf.serial}, by hand")
    return signed.chain


def revoke(engine: Engine, config: Config, data: Path, serial: str) -> bool:
    """A certificate that opens no door any more, at once; False when there is none. Raises ``OSError``."""
    clock = SystemClock()
    row = next((one for one in registry.every_certificate(engine) if one["serial"] == serial), None)
    if row is None or not registry.revoke(engine, serial, millis(clock.now())):
        return False
    note(engine, row["charger"], "certificate-revoked", serial)
    asyncio.run(trust.authority(config, trust.own(config, data, clock)).revoke(serial))
    return True


def note(engine: Engine, identity: str, kind: str, detail: str) -> None:
    """A line of the security log."""
    at = millis(SystemClock().now())
    registry.notice(engine, {"at": at, "charger": identity, "kind": kind, "detail": detail})
