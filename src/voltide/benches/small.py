"""Single figures of the product beside their limits: a control step, a simulated day, the demo."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from voltide.benches.machine import RUNS, Tell, machine
from voltide.config import load
from voltide.control.image import Image, Measured, Wants
from voltide.control.step import Memory, step
from voltide.control.wiring import Wiring
from voltide.simulate import prepare, scenario, simulate


def measure(name: str, tell: Tell) -> dict[str, Any]:
    """One of them by name."""
    unit, limit, said, once = _BENCHES[name]
    runs = []
    for number in range(RUNS):
        runs.append(once())
        tell((number + 1) / RUNS)
    figure = statistics.median(runs)
    return {
        "name": name,
        "figure": figure,
        "unit": unit,
        "peer": said,
        "peer_figure": limit,
        "ratio": figure / limit,
        "runs": runs,
        "machine": machine(),
    }


def _control_us() -> float:
    """The median of 5,000 steps over Lotus Hill at a full forecourt: every outlet taken, the connection scarce."""
    wiring = Wiring.of(load(scenario("lotus-hill")).station)
    chance = np.random.default_rng(1)
    count = len(wiring.evses)
    held = wiring.charge_w * chance.uniform(0.2, 0.8, count)
    held *= 2.6e6 / held.sum()
    meters = {name: Measured(power_w=40_000.0, age_s=0.5) for name in ("pv", "battery", "building")}
    memory, times = Memory(), []
    for tick in range(5_000):
        image = Image(
            at_s=float(tick),
            commandable=np.ones(count, dtype=bool),
            measured_w=held * chance.uniform(0.9, 1.0, count),
            age_s=chance.uniform(0.0, 10.0, count),
            acked_w=held,
            command_w=held,
            open_low_w=held,
            open_high_w=held,
            settled_s=np.full(count, 60.0),
            grid=Measured(power_w=2.6e6, age_s=0.5),
            battery_soc=0.5,
            battery_most_w=100_000.0,
            battery_least_w=-100_000.0,
            **meters,
        )
        wants = Wants(power_w=wiring.charge_w, weight=chance.uniform(0.1, 1.0, count), most_w=wiring.charge_w)
        began = time.perf_counter_ns()
        _, memory = step(wiring, image, wants, memory)
        times.append((time.perf_counter_ns() - began) / 1000.0)
    return statistics.median(times)


def _day_s() -> float:
    return float(simulate(prepare("lotus-hill")).result["wall_s"])


def _demo_core() -> float:
    """The share of one core that the demo takes over a minute without browsers, after ten seconds of start."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "voltide", "demo", "--data", folder, "--port-base", "18080", "--at", "11:00"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as demo:  # noqa: S603 - our own command
            try:
                time.sleep(10.0)
                before, began = _cpu_s(demo.pid), time.monotonic()
                time.sleep(60.0)
                return (_cpu_s(demo.pid) - before) / (time.monotonic() - began)
            finally:
                demo.terminate()


def _cpu_s(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


_BENCHES: dict[str, tuple[str, float, str, Callable[[], float]]] = {
    "control": ("us a step, 46 outlets", 300.0, "limit", _control_us),
    "day": ("s for a simulated day of Lotus Hill", 60.0, "limit", _day_s),
    "demo": ("of one core", 0.25, "limit", _demo_core),
}
