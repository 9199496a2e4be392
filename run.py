"""Voltide's two commands on a fresh machine.

    python3 run.py              installs Voltide into .venv beside this file and starts the demo
    python3 run.py test         installs the test extra too and runs the whole test suite
    python3 run.py setup        installs (with the test extra), and nothing else

Arguments after ``demo`` go to ``voltide demo``; after ``test``, to pytest. Needs only Python 3.11 or newer.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

HOME = Path(__file__).resolve().parent
VENV = HOME / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST = (3, 11)


def say(text: str) -> None:
    """Tell the person at the terminal what happens now."""
    print(f"voltide: {text}", flush=True)


def fingerprint(extra: str) -> str:
    """Names an installation: the interpreter, the project file and the place it stands in."""
    parts = (sys.version, str(HOME), extra, (HOME / "pyproject.toml").read_text(encoding="utf-8"))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def pip() -> list[str]:
    """How to call a pip that can install into the venv.

    Debian's Python may lack ensurepip, and then its own pip (22.3 or newer) installs into the venv from outside.
    """
    inside = [str(PYTHON), "-m", "pip"]
    if runs([*inside, "--version"]):
        return inside
    outside = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    if runs([*outside, "--version"]):
        return outside
    if runs([str(PYTHON), "-m", "ensurepip", "--default-pip"]):
        return inside
    raise SystemExit(
        "voltide: this Python has neither pip (22.3 or newer) nor ensurepip. "
        "On Debian or Ubuntu: apt install python3-pip (or python3-venv), then run this again."
    )


def runs(command: list[str]) -> bool:
    """Whether the command ends well; its output is not wanted."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def install(extra: str) -> None:
    """Make .venv and install Voltide into it, unless that has been done already."""
    done = {fingerprint(name): name for name in ("", "test")}
    stamp = VENV / ".voltide"
    found = done.get(stamp.read_text(encoding="utf-8")) if stamp.exists() else None
    if found in {extra, "test"}:
        return
    if not PYTHON.exists() or not runs([str(PYTHON), "-c", "import sys"]):
        say(f"making {VENV}")
        venv.create(VENV, with_pip=False, clear=True, symlinks=True)
    what = f"{HOME}[{extra}]" if extra else str(HOME)
    say(
        "installing "
        + ("Voltide and its test tools" if extra else "Voltide")
        + " (under a minute; only the first time)"
    )
    command = [*pip(), "install", "--quiet", "--disable-pip-version-check", "--no-input", "--editable", what]
    if subprocess.run(command, check=False, cwd=HOME).returncode:
        raise SystemExit("voltide: the installation failed; pip's words above say why.")
    stamp.write_text(fingerprint(extra), encoding="utf-8")
    say("installed")


def step(title: str, *command: str) -> None:
    """One part of the test run; the first that fails ends it."""
    say(title)
    code = subprocess.run([str(PYTHON), *command], check=False, cwd=HOME).returncode
    if code:
        raise SystemExit(code)


def test(arguments: list[str]) -> None:
    """Style, types, tests."""
    install("test")
    if not arguments:
        step("style: ruff", "-m", "ruff", "check", ".")
        step("format: ruff", "-m", "ruff", "format", "--check", ".")
        step("types: mypy", "-m", "mypy")
    workers = [] if any(word.startswith("-n") for word in arguments) else ["-n", str(os.cpu_count() or 1)]
    step("tests: pytest", "-m", "pytest", *workers, *arguments)


def main(words: list[str]) -> None:
    """Choose by the first word; with none, the demo."""
    if sys.version_info < OLDEST:
        raise SystemExit("voltide: needs Python 3.11 or newer, this is " + sys.version.split()[0])
    command = words[0] if words and not words[0].startswith("-") else "demo"
    rest = words[1:] if words and words[0] == command else words
    if words[:1] in (["-h"], ["--help"]) or ({"-h", "--help"} & set(words) and command != "demo"):
        say(__doc__ or "")
    elif command == "test":
        test(rest)
    elif command == "setup":
        install("test")
    elif command == "demo":
        install("")
        say("starting the demo (Ctrl-C ends it)")
        os.execv(PYTHON, [str(PYTHON), "-m", "voltide", "demo", *rest])  # noqa: S606 - Ctrl-C then goes straight to the demo
    else:
        raise SystemExit(f"voltide: {command!r} is not a command of run.py; try: demo, test, setup")


if __name__ == "__main__":
    main(sys.argv[1:])
