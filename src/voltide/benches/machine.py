"""The machine that is measured on, and processes that each have a core of their own."""

import contextlib
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

RUNS = 5
Tell: TypeAlias = Callable[[float], None]
"""Hears how far a benchmark is, from 0 to 1."""


def machine() -> dict[str, Any]:
    """What the figures were measured on, and when."""
    model = next(
        (line.split(":", 1)[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.system(),
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def note(text: str) -> None:
    """What has just been measured, for whoever watches without a terminal's bar."""
    if not sys.stderr.isatty():
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def cores() -> tuple[int, int]:
    """Two cores: one for the server, one for who asks it. Raises ``OSError`` where there are none to choose."""
    if not hasattr(os, "sched_setaffinity") or not Path("/proc/self/smaps_rollup").exists():
        raise OSError("this benchmark pins processes to cores and reads /proc: it runs on Linux only")
    mine = sorted(os.sched_getaffinity(0))
    return mine[0], mine[-1]


@contextlib.contextmanager
def process(command: Sequence[str], on: set[int], **more: Any) -> Iterator[subprocess.Popen[str]]:
    """A child on some cores, talked to by lines; it is ended when the context is left."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, on)  # inherited by every thread that the child begins
    complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115 - it lives as long as the child
    try:
        child = subprocess.Popen(  # noqa: S603 - our own commands
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints, text=True, **more
        )
    finally:
        os.sched_setaffinity(0, before)
    with child, complaints:
        try:
            yield child
        except OSError as error:
            complaints.seek(0)
            last = complaints.read().strip().splitlines()[-1:]
            raise OSError(f"{error}; its last words: {''.join(last) or 'none'}") from error
        finally:
            child.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout=10)
            child.kill()


def python(module: str, *arguments: object) -> list[str]:
    """A command that runs one of our modules."""
    return [sys.executable, "-m", module, *map(str, arguments)]


def line(child: subprocess.Popen[str]) -> str:
    """The next line that a child says. Raises ``OSError`` when it has ended instead."""
    text = child.stdout.readline() if child.stdout is not None else ""
    if not text:
        raise OSError(f"{' '.join(map(str, child.args))[:200]} ended with code {child.wait()}")  # type: ignore[arg-type]  # ours are lists of words
    return text.strip()


def say(child: subprocess.Popen[str], text: str) -> None:
    """A line for a child."""
    if child.stdin is not None:
        child.stdin.write(text + "\n")
        child.stdin.flush()


def cpu_s(pid: int) -> float:
    """Seconds of processor that a process has used, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pss_kib(pid: int) -> int:
    """A process's own share of memory, in KiB, without what the kernel keeps for its sockets."""
    return next(int(line.split()[1]) for line in _lines(f"/proc/{pid}/smaps_rollup") if line.startswith("Pss:"))


def flush_ms(folder: Path, times: int = 50) -> float:
    """The median time of appending 4 KiB to a file and waiting for the disk, in ms."""
    taken = []
    with (folder / "flush").open("ab", buffering=0) as file:
        for _ in range(times):
            began = time.perf_counter()
            file.write(bytes(4_096))
            os.fsync(file.fileno())
            taken.append((time.perf_counter() - began) * 1000.0)
    return sorted(taken)[len(taken) // 2]


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []
