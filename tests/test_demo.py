"""The demo as a person meets it: a real process, real sockets, a real browser."""

import os
import re
import signal
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.browser import Complaints, browser
from tests.station.test_kill import free_ports

WORLD = """
[station]
id = "corner"
name = "Corner"
name_zh = "街角站"
latitude = 22.54
longitude = 114.06
timezone = "Asia/Shanghai"

[station.connection]
import_w = 200_000
export_w = 150_000
reserve_w = 5_000
other_load_max_w = 20_000

[station.pv]
peak_w = 30_000

[[pile]]
ids = ["V1", "V2"]
v2g = "dynamic"
outlets = [{ charge_w = 60_000, discharge_w = 60_000, fallback_w = 5_000 }]

[tariff]
[[tariff.period]]
name = "flat"
from = "00:00"
to = "24:00"
charge = 0.8
feed_in = 0.453
grid_buy = 0.68
grid_sell = 0.453

[world]
vehicles_per_day = 4000
v2g_consent = 1.0
building_w = 10_000

[world.shares]
commuter = 1.0
"""


@contextmanager
def demo(tmp_path, *more):
    """A demo that runs, and its addresses by name."""
    port = free_ports()
    command = [sys.executable, "-m", "voltide", "demo", "--port-base", str(port), "--data", tmp_path / "data", *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            addresses = {}
            for line in process.stdout:
                name, _, address = line.strip().rpartition(" ")
                addresses[name] = address
                if name == "charger door":
                    break
            assert "charger door" in addresses, process.stderr.read()
            yield process, addresses
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                assert process.wait(timeout=8) == 0


@pytest.mark.browser
def test_a_technician_watches_a_car_charge_and_then_give_power_back(tmp_path):
    file = tmp_path / "corner.toml"
    file.write_text(WORLD, encoding="utf-8")
    with (
        browser() as chromium,
        demo(tmp_path, "--scenario", str(file), "--at", "08:30") as (_, at),
    ):
        page = chromium.new_page(locale="en-GB", viewport={"width": 1280, "height": 1000})
        complaints = Complaints(page)
        page.goto(at["sign in once"])
        charging = page.get_by_text(re.compile(r"^\s*charging\s*$")).first
        expect(charging).to_be_visible(timeout=60_000)
        shift = datetime.now(ZoneInfo("Asia/Shanghai")).replace(hour=8, minute=30, second=0, microsecond=0)
        order = {
            "is": "OrderGrid",
            "id": "peak",
            "start": (shift - timedelta(hours=1)).astimezone(UTC).isoformat(),
            "end": (shift + timedelta(hours=2)).astimezone(UTC).isoformat(),
            "power_w": -50_000,
        }
        origin = at["operator page"].rstrip("/")
        answer = page.request.post(f"{origin}/api/orders", data=order, headers={"Origin": origin})
        assert answer.status == 200, answer.text()
        expect(page.get_by_text(re.compile(r"giving back")).first).to_be_visible(timeout=60_000)
        page.wait_for_function(
            """async () => {
                const picture = await (await fetch('/api/picture')).json();
                return picture.cars_out_w < -20000 && picture.outlets.some(o => o.state === 'discharging');
            }""",
            timeout=60_000,
        )
        assert complaints.said == []


def test_the_demo_says_where_it_is_and_ends_within_five_seconds(tmp_path):
    with demo(tmp_path, "--at", "12:00") as (process, at):
        with urllib.request.urlopen(at["operator page"] + "health", timeout=10) as answer:
            assert answer.status == 200
        with urllib.request.urlopen(at["operator page"] + "metrics", timeout=10) as answer:
            assert b"# HELP" in answer.read()
        assert at["charger door"].startswith("ws://127.0.0.1:")
        began = os.times().elapsed
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == 0
        assert os.times().elapsed - began < 5
        assert Path(tmp_path / "data" / "station.db").is_file()


def test_a_taken_port_is_one_plain_sentence(tmp_path):
    with demo(tmp_path) as (_, at):
        port = at["operator page"].rstrip("/").rsplit(":", 1)[1]
        command = [sys.executable, "-m", "voltide", "demo", "--port-base", port, "--data", tmp_path / "other"]
        second = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert second.returncode == 1
        assert "Traceback" not in second.stderr
        assert second.stderr.startswith("voltide: ")


@pytest.mark.browser
def test_the_report_of_a_run_draws_its_plots_from_one_file_on_a_disk(tmp_path):
    command = [sys.executable, "-m", "voltide", "simulate", "lotus-hill", "--days", "0.01", "--report", tmp_path / "r"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert [file.name for file in (tmp_path / "r").iterdir()] == ["index.html"]
    with browser() as chromium:
        page = chromium.new_page()
        complaints = Complaints(page)
        page.goto((tmp_path / "r" / "index.html").as_uri())
        expect(page.locator("canvas")).to_have_count(4)
        assert complaints.said == []
