"""Software for chargers: a release is a page that two different people have signed, and nothing else is ever installed.

The page names vendor, model, version, where the software lies, its digest, and the maker's own signature, which the
charger verifies. The people sign the page with keys of their own (Ed25519); whose keys count stands in the station's
file, so one person with access to the data folder alone can approve nothing.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from msgspec import Meta

from voltide.security.files import write_private

ENOUGH = 2
"""So many different people."""
_PREFIX = b"voltide release 1\n"
_NAME = re.compile(r"[A-Za-z0-9._-]{1,32}")


class Release(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One version of the software of one model."""

    vendor: Annotated[str, Meta(min_length=1, max_length=50)]
    model: Annotated[str, Meta(min_length=1, max_length=20)]
    version: Annotated[str, Meta(min_length=1, max_length=50)]
    sequence: Annotated[int, Meta(ge=1, le=2**31 - 1)]
    """Rises with each release of a model; a charger never goes back."""
    url: Annotated[str, Meta(pattern=r"^(https|http|ftps|ftp|sftp)://[^\s]+$", max_length=512)]
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
    certificate: Annotated[str, Meta(max_length=5500)] = ""
    """The maker's signing certificate (PEM); with ``signature``, what the charger verifies."""
    signature: Annotated[str, Meta(max_length=800)] = ""
    md5: Annotated[str, Meta(pattern=r"^([0-9a-f]{32})?$")] = ""
    """Only a local controller that publishes software asks for it."""
    replaces: tuple[str, ...] = ()
    """Versions that it may replace though numbers do not tell that they are older."""
    approvals: dict[str, str] = {}
    """Who has signed, and the signature (base64)."""

    @property
    def id(self) -> str:
        """A short name: of what is signed, so another page has another one."""
        digest = Hash(SHA256())
        digest.update(self.content)
        return digest.finalize().hex()[:12]

    @property
    def content(self) -> bytes:
        """What is signed: everything but the signatures."""
        return _PREFIX + msgspec.json.encode(msgspec.structs.replace(self, approvals={}), order="sorted")


Approvers = Mapping[str, Ed25519PublicKey]

_decoder = msgspec.json.Decoder(Release)


def read(text: bytes) -> Release:
    """A page. Raises ``ValueError``, with a sentence."""
    try:
        found = _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise ValueError(f"this is no release: {error}") from error
    if bool(found.certificate) != bool(found.signature):
        raise ValueError("certificate and signature belong together")
    if not found.signature and found.url.startswith(("http:", "ftp:")):
        raise ValueError("what its maker has not signed is not loaded over a line that anybody can change")
    return found


def write(release: Release) -> bytes:
    """The page as people read it."""
    return msgspec.json.format(msgspec.json.encode(release), indent=1) + b"\n"


def is_name(text: str) -> bool:
    """Whether an approver may be called so."""
    return _NAME.fullmatch(text) is not None


def approvers(lines: Iterable[str]) -> dict[str, Ed25519PublicKey]:
    """Names and keys of a station's file, ``name:key``. Raises ``ValueError``; one key has one name."""
    found: dict[str, Ed25519PublicKey] = {}
    keys: set[bytes] = set()
    for line in lines:
        name, _, text = line.partition(":")
        try:
            raw = base64.b64decode(text, validate=True)
            key = Ed25519PublicKey.from_public_bytes(raw)
        except (binascii.Error, ValueError) as error:
            raise ValueError(f"{line!r} is not name:key, as voltide firmware key prints it") from error
        if not is_name(name) or name in found or raw in keys:
            raise ValueError(f"{name!r} is no name, or name or key stand there twice")
        found[name] = key
        keys.add(raw)
    return found


def approved_by(release: Release, known: Approvers) -> list[str]:
    """Whose approval holds, by name."""
    names = []
    for name, text in release.approvals.items():
        key = known.get(name)
        if key is None:
            continue
        try:
            key.verify(base64.b64decode(text, validate=True), release.content)
        except (InvalidSignature, binascii.Error, ValueError):
            continue
        names.append(name)
    return sorted(names)


def sign(release: Release, name: str, key: Ed25519PrivateKey) -> Release:
    """With one approval more."""
    said = base64.b64encode(key.sign(release.content)).decode()
    return msgspec.structs.replace(release, approvals={**release.approvals, name: said})


def newer(release: Release, version: str) -> bool:
    """Whether a release comes after a version: by numbers, or by its own word where there are none. Else it does not.

    >>> page = Release(vendor="v", model="m", version="1.10", sequence=2, url="https://x/y", sha256="0" * 64)
    >>> newer(page, "1.9"), newer(page, "1.10"), newer(page, "2.0"), newer(page, "beta")
    (True, False, False, False)
    """
    new, old = _numbers(release.version), _numbers(version)
    return new > old if new and old else version in release.replaces


def _numbers(version: str) -> tuple[int, ...]:
    """1.2.3 as numbers; nothing, where there is anything else in it."""
    text = version.strip().removeprefix("v").removeprefix("V")
    if re.fullmatch(r"\d{1,9}(\.\d{1,9}){0,7}", text) is None:
        return ()
    found = [int(part) for part in text.split(".")]
    while len(found) > 1 and found[-1] == 0:  # 2.0 is 2
        found.pop()
    return tuple(found)


def new_key(file: Path) -> str:
    """A person's own key in a file; gives its public half. Raises ``OSError``, also where there is such a file."""
    if file.exists():
        raise OSError(f"{file} exists already")
    key = Ed25519PrivateKey.generate()
    write_private(file, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return public(key)


def read_key(file: Path) -> Ed25519PrivateKey:
    """The inverse. Raises ``OSError``, also for a file that is no such key."""
    try:
        key = load_pem_private_key(file.read_bytes(), None)
    except (ValueError, TypeError) as error:
        raise OSError(f"{file} is no private key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise OSError(f"{file} is no key of voltide firmware key")
    return key


def public(key: Ed25519PrivateKey) -> str:
    """The public half, as a station's file has it."""
    return base64.b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


class Shelf:
    """The releases of a data folder; every one is verified each time that it is taken."""

    def __init__(self, folder: Path, known: Approvers) -> None:
        self._folder = folder
        self._known = known

    def put(self, release: Release) -> None:
        """Keep an approved release. Raises ``ValueError`` for any other."""
        self._refuse(release)
        write_private(self._folder / f"{release.id}.json", write(release))

    def take(self, name: str) -> Release:
        """One release. Raises ``ValueError`` when there is none of this name, or it is not approved (any more)."""
        if re.fullmatch(r"[0-9a-f]{12}", name) is None or not (self._folder / f"{name}.json").is_file():
            raise ValueError(f"there is no release {name!r}")
        release = read((self._folder / f"{name}.json").read_bytes())
        if release.id != name:
            raise ValueError(f"release {name!r} has been changed")
        self._refuse(release)
        return release

    def all(self) -> list[Release]:
        """Those that are approved, the newest of each model first."""
        found = []
        for file in sorted(self._folder.glob("*.json")):
            try:
                found.append(self.take(file.stem))
            except (ValueError, OSError):
                continue
        return sorted(found, key=lambda one: (one.vendor, one.model, -one.sequence))

    def _refuse(self, release: Release) -> None:
        names = approved_by(release, self._known)
        if len(names) < ENOUGH:
            said = ", ".join(names) or "nobody"
            raise ValueError(f"approved by {said}: two of [firmware] approvers must have signed it")
