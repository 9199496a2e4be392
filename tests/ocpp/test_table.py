"""docs/ocpp.md is what the code and its tests say, and no test can claim a message that it did not see."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HONEST = """
import pytest
from voltide.domain.site import OcppVersion
from voltide.ocpp.actions import default_answer
from voltide.ocpp.connection import Connection
from datetime import UTC, datetime

@pytest.mark.ocpp("{versions}", "{action}")
def test_a_heartbeat():
    line = Connection(OcppVersion.V21, charger=False)
    line.receive('[2,"1","Heartbeat",{{}}]', 0.0)
    line.answer("1", default_answer(OcppVersion.V21, "Heartbeat", None, datetime(2026, 1, 1, tzinfo=UTC)))
    assert len(line.to_send()) == 1
"""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=False)


def claim(folder: Path, versions: str, action: str) -> subprocess.CompletedProcess[str]:
    path = folder / "test_claim.py"
    path.write_text(HONEST.format(versions=versions, action=action), encoding="utf-8")
    return run("-m", "pytest", "-p", "tests.crossings", "-p", "no:cacheprovider", f"--rootdir={folder}", str(path))


def test_the_table_names_every_message_with_its_place_in_the_station_and_its_tests() -> None:
    done = run("tools/ocpp_table.py", "--check")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_test_that_saw_what_it_claims_passes(tmp_path: Path) -> None:
    done = claim(tmp_path, "2.1", "Heartbeat")
    assert done.returncode == 0, done.stdout


def test_a_test_that_claims_another_message_or_version_fails(tmp_path: Path) -> None:
    for versions, action in (("2.1", "Reset"), ("2.0.1", "Heartbeat"), ("1.6 2.1", "Heartbeat")):
        done = claim(tmp_path, versions, action)
        assert done.returncode == 1
        assert "claims what never crossed" in done.stdout


def test_a_claim_of_what_a_version_does_not_have_is_an_error_before_anything_runs(tmp_path: Path) -> None:
    done = claim(tmp_path, "1.6 2.1", "BatterySwap")
    assert done.returncode not in {0, 1}
    assert "BatterySwap" in done.stdout + done.stderr
