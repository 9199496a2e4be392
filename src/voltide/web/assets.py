"""The page's files, read once and kept: no path of a request ever reaches the disk."""

import base64
import gzip
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

UI = Path(__file__).parent / "ui"

_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".html": "text/html; charset=utf-8",
    ".webmanifest": "application/manifest+json",
}
_IMPORT_MAP = re.compile(r'<script type="importmap">(.*?)</script>', re.DOTALL)
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)

_POLICY = (
    "default-src 'none'; script-src 'self'{scripts}; style-src 'self'{styles}; img-src 'self' data:; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent."""

    body: bytes
    packed: bytes
    kind: str
    etag: str


class Assets:
    """Every file under ``ui/`` by its path, and the two pages with the policy that fits each."""

    def __init__(self, root: Path = UI) -> None:
        files = [path for path in sorted(root.rglob("*")) if path.is_file() and path.suffix in _TYPES]
        self.files = {path.relative_to(root).as_posix(): _read(path) for path in files}
        self.page = self.files.pop("index.html")
        self.page_policy = policy(self.page.body)
        self.signin = self.files.pop("signin.html")
        self.signin_policy = policy(self.signin.body)


def policy(page: bytes) -> str:
    """The content security policy of a page: our own files, its import map and its own style, and nothing else."""
    text = page.decode()
    scripts, styles = (
        "".join(f" '{_digest(inline)}'" for inline in pattern.findall(text)) for pattern in (_IMPORT_MAP, _STYLE)
    )
    return _POLICY.format(scripts=scripts, styles=styles)


def _read(path: Path) -> Asset:
    body = path.read_bytes()
    return Asset(
        body=body,
        packed=gzip.compress(body, 9, mtime=0),
        kind=_TYPES[path.suffix],
        etag=f'"{hashlib.sha256(body).hexdigest()[:32]}"',
    )


def _digest(inline: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
