"""The peers that are measured beside the charger door, each as a command whose first line of output is its port."""

import importlib.util
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_OCPP_RPC = "2.2.1"
_SERVER = Path(__file__).with_name("ocpp_rpc.cjs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A server to measure."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Why a peer is left out, as one sentence."""

    name: str
    why: str


def strict_node() -> Peer | Missing:
    """The package ``ocpp-rpc`` of npm in strict mode, which validates by the public schemas; installed on first use."""
    name = f"ocpp-rpc {_OCPP_RPC} strict"
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return Missing(name=name, why="node and npm are not on the path")
    folder = _cache() / f"ocpp-rpc-{_OCPP_RPC}"
    modules = folder / "node_modules"
    if not (modules / "ocpp-rpc" / "package.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        install = [npm, "install", "--prefix", str(folder), "--no-audit", "--no-fund", f"ocpp-rpc@{_OCPP_RPC}"]
        done = subprocess.run(install, capture_output=True, text=True, timeout=180, check=False)  # noqa: S603 - npm itself
        if done.returncode != 0:
            return Missing(name=name, why=f"npm could not install it: {done.stderr.strip().splitlines()[-1:]}")
    return Peer(name=name, command=(node, str(_SERVER)), environment=os.environ | {"NODE_PATH": str(modules)})


def default_python() -> Peer | Missing:
    """The package ``ocpp`` of PyPI as it comes, which validates by the public schemas on another thread."""
    if importlib.util.find_spec("ocpp") is None:
        return Missing(name="ocpp (PyPI)", why="the package ocpp is not installed; it comes with voltide[test]")
    return Peer(name="ocpp (PyPI) default", command=(sys.executable, "-m", "voltide.benches.pypi_ocpp"))


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "voltide" / "bench"
