"""Fetches the page's four libraries, once, by a developer: ``python -m voltide.web.vendor``.

The files are committed, so nothing is fetched when Voltide is installed or runs. A new version is a new pin.
"""

import hashlib
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

VENDOR = Path(__file__).parent / "ui" / "vendor"


@dataclass(frozen=True, slots=True)
class Pin:
    """One file of one published package. ``tail`` is appended: it turns a classic script into a module."""

    package: str
    version: str
    licence: str
    source: str
    target: str
    tail: str = ""


PINNED = (
    Pin("preact", "11.2.0", "MIT", "dist/preact.mjs", "preact.js"),
    Pin("preact", "11.2.0", "MIT", "hooks/dist/hooks.mjs", "preact-hooks.js"),
    Pin("htm", "3.1.1", "Apache-2.0", "dist/htm.mjs", "htm.js"),
    Pin("@preact/signals-core", "1.14.5", "MIT", "dist/signals-core.mjs", "signals-core.js"),
    Pin("@preact/signals", "2.11.4", "MIT", "dist/signals.mjs", "signals.js"),
    Pin("uplot", "1.6.32", "MIT", "dist/uPlot.iife.min.js", "uplot.js", "\nexport default uPlot;\n"),
    Pin("uplot", "1.6.32", "MIT", "dist/uPlot.min.css", "uplot.css"),
)

_HEAD = """# Libraries of the page

Fetched by `python -m voltide.web.vendor` from the npm registry with `npm pack`, at exact versions, and committed:
nothing is fetched when Voltide is installed or runs. Source maps are left out. Change a pin in `vendor.py`.
The licences lie beside the files, as `LICENSE-<package>`.

| file | package | version | licence | path in the package | SHA-256 of our file |
|---|---|---|---|---|---|
"""


def fetch(pin: Pin, into: Path) -> Path:
    """The unpacked package of a pin."""
    home = into / f"{pin.package.replace('/', '-')}-{pin.version}"
    if not home.exists():
        home.mkdir(parents=True)
        subprocess.run(  # noqa: S603 - fixed words and our own pins
            ["npm", "pack", "--silent", f"{pin.package}@{pin.version}"],  # noqa: S607 - the developer's npm
            cwd=home,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        with tarfile.open(next(home.glob("*.tgz"))) as archive:
            archive.extractall(home, filter="data")
    return home / "package"


def place(pin: Pin, package: Path) -> str:
    """Write a pin's file and licence; returns its line of the list."""
    text = (package / pin.source).read_text(encoding="utf-8")
    kept = [line for line in text.splitlines() if not line.startswith("//# sourceMappingURL=")]
    body = ("\n".join(kept).rstrip("\n") + "\n" + pin.tail.lstrip("\n")).encode()
    (VENDOR / pin.target).write_bytes(body)
    name = pin.package.strip("@").replace("/", "-")
    (VENDOR / f"LICENSE-{name}").write_bytes((package / "LICENSE").read_bytes())
    digest = hashlib.sha256(body).hexdigest()
    return f"| `{pin.target}` | {pin.package} | {pin.version} | {pin.licence} | `{pin.source}` | `{digest}` |\n"


def main() -> None:
    """Fetch all, and write down what was fetched."""
    VENDOR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        lines = [place(pin, fetch(pin, Path(scratch))) for pin in PINNED]
    (VENDOR / "README.md").write_text(_HEAD + "".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
