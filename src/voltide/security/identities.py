"""Chargers prove who they are by a secret that we made; we keep only its keyed MAC.

The secret has 128 random bits or more, so a fast keyed MAC is as good as a slow password hash, and a thousand chargers
that return at once do not stand in line for it.
"""

import contextlib
import hashlib
import hmac
import os
import re
import secrets
from pathlib import Path

IDENTITY = re.compile(r"[A-Za-z0-9*_=|@.+\-]{1,48}")
"""OCPP-J: an identity has at most 48 characters and no colon."""


_KEY_BYTES = 32
SECRET_BYTES = 20


def is_identity(text: str) -> bool:
    """Whether a text may be a charger's identity; no such text can be a path, a log line or markup.

    >>> is_identity("V01"), is_identity("../x"), is_identity("a:b"), is_identity("..")
    (True, False, False, False)
    """
    return IDENTITY.fullmatch(text) is not None and text.strip(".") != ""


def new_secret() -> str:
    """A secret for one charger, 160 random bits; 40 characters that any charger's form accepts."""
    return secrets.token_hex(SECRET_BYTES)


class Keyring:
    """The station's own key, kept in one file that only its owner can read."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def at(cls, path: Path) -> "Keyring":
        """The key in a file; made on first use. Raises ``OSError``, also for a file that is no key."""
        if not path.exists():
            draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_bytes(_KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)  # whole or not at all, and only where another process was not faster
            draft.unlink()
        key = path.read_bytes()
        if len(key) != _KEY_BYTES:
            raise OSError(f"{path} is no key: it has {len(key)} bytes, not {_KEY_BYTES}")
        return cls(key)

    def mac(self, identity: str, secret: str) -> str:
        """What is kept of a secret; bound to its charger."""
        return hmac.new(self._key, f"{identity}\0{secret}".encode(errors="surrogateescape"), hashlib.sha256).hexdigest()

    def fits(self, identity: str, secret: str, kept: str) -> bool:
        """Whether a secret is the charger's, in constant time.

        Some chargers say the bytes that our hexadecimal secret stands for, as 1.6 may be read.
        """
        if hmac.compare_digest(self.mac(identity, secret), kept):
            return True
        raw = secret.encode(errors="surrogateescape")
        return len(raw) == SECRET_BYTES and hmac.compare_digest(self.mac(identity, raw.hex()), kept)
