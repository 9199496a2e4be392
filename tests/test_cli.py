import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from voltide.cli import voltide
from voltide.live import keyring

DAYS = 0.02
"""From midnight on: long enough that somebody comes, charges and leaves."""
TOP = {
    "scenario": None,
    "seed": None,
    "simulated_s": None,
    "wall_s": None,
    "stations": None,
    "trace_sha256": None,
    "vehicles": "arrived served turned_away wait_p50_s wait_p95_s short_of_need worst_short_wh below_floor",
    "energy_kwh": "charged discharged pv_used pv_curtailed battery_in battery_out grid_import grid_export other_load",
    "power_w": "import_peak export_peak discharge_peak import_limit export_limit",
    "limits": "ticks node_ticks_over worst_over_w longest_over_s",
    "money_fen": "drivers_paid drivers_earned energy_bought energy_sold events margin ledger_sum",
    "events": None,
    "ocpp": "messages errors by_version",
    "planner": "solves p50_ms p99_ms fallbacks",
    "control": "ticks p50_us p99_us missed",
    "faults": "injected by_kind",
}


@pytest.fixture
def say() -> Callable[..., Result]:
    """The command line, called in this process."""
    return lambda *words: CliRunner().invoke(voltide, [str(word) for word in words], prog_name="voltide")


def real(*words: object) -> subprocess.CompletedProcess[str]:
    """The command line as a process of its own."""
    command = [sys.executable, "-m", "voltide", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def played(folder: Path, seed: int) -> dict[str, Any]:
    """A short night at Lotus Hill; its records stay in the folder."""
    file = folder.with_suffix(".json")
    ended = real("simulate", "lotus-hill", "--days", DAYS, "--seed", seed, "--json", file, "--data", folder)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
    return json.loads(file.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def nights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """The records of one night, and the reports of it, of its repetition, and of another one."""
    home = tmp_path_factory.mktemp("nights")
    with ThreadPoolExecutor(2) as threads:
        reports = list(threads.map(played, (home / "one", home / "again", home / "other"), (1, 1, 2)))
    return home / "one", reports


@pytest.fixture
def records(nights: tuple[Path, object], tmp_path: Path) -> Path:
    """A data folder of one's own to spoil."""
    return Path(shutil.copytree(nights[0], tmp_path / "data"))


def spoil(data: Path, sql: str) -> None:
    with sqlite3.connect(data / "station.db") as connection:
        assert connection.execute(sql).rowcount > 0
    connection.close()


def is_one_plain_sentence(result: Result) -> bool:
    return (
        result.exit_code == 1
        and isinstance(result.exception, SystemExit)
        and result.stdout == ""
        and result.stderr.startswith("voltide: ")
        and result.stderr.count("\n") == 1
    )


# --- help -------------------------------------------------------------------------------------------------------------


def commands(group: click.Group, *names: str) -> list[tuple[str, ...]]:
    found = [names]
    for name, command in group.commands.items():
        found += commands(command, *names, name) if isinstance(command, click.Group) else [(*names, name)]
    return found


@pytest.mark.parametrize("names", commands(voltide), ids=" ".join)
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_every_command_has_help_with_an_example_of_itself(
    say: Callable[..., Result], names: tuple[str, ...], flag: str
):
    result = say(*names, flag)
    assert result.exit_code == 0
    example = "Example: " + " ".join(("voltide", *names))
    assert example in " ".join(result.stdout.split())


def test_the_commands_are_those_that_were_promised():
    promised = {"demo", "station", "charger", "simulate", "bench", "export", "check", "pki", "firmware"}
    assert promised <= set(voltide.commands)
    charger = voltide.commands["charger"]
    assert isinstance(charger, click.Group)
    assert {"add", "list", "remove", "call", "rotate", "move", "certificate", "errands"} <= set(charger.commands)


# --- failing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("simulate", "atlantis"), "those that ship: lotus-hill"),
        (("simulate", "nowhere.toml"), "cannot be read"),
        (("simulate", "lotus-hill", "--faults", "locusts"), "those that ship"),
        (("demo", "--at", "noonish"), "is no time of day"),
        (("demo", "--scenario", "atlantis"), "those that ship"),
        (("station", "--config", "nowhere.toml"), "cannot be read"),
        (("check", "--config", "nowhere.toml"), "cannot be read"),
        (("check", "--data", "nowhere"), "holds no station's records"),
        (("export", "sessions", "--data", "nowhere"), "holds no station's records"),
        (("charger", "remove", "V01"), "there is no charger V01"),
        (("charger", "add", "../x"), "cannot be an identity"),
        (("charger", "add", "a:b"), "cannot be an identity"),
        (("charger", "add", "V01", "--name", "a b"), "cannot be an identity"),
        (("charger", "rotate", "V01"), "there is no charger V01"),
        (("charger", "move", "V01", "--profile", "2"), "there is no charger V01"),
        (("charger", "certificate", "V01", "--csr", "x", "--config", "nowhere.toml"), "cannot be read"),
        (("pki", "root", "--config", "nowhere.toml"), "cannot be read"),
        (("firmware", "key", "a b", "--key", "a.key"), "is no name"),
        (("firmware", "key", "anna", "--key", "file"), "exists already"),
        (("firmware", "sign", "file", "--name", "anna", "--key", "file"), "is no release"),
        (("charger", "add", "V01", "--data", "file/folder"), "file/folder: Not a directory"),
        (("charger", "list", "--data", "broken"), "file is not a database"),
        (("export", "ledger", "--data", "broken"), "file is not a database"),
        (("check", "--data", "broken"), "file is not a database"),
        (("charger", "add", "V01", "--data", "keyless"), "is no key"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_failure_is_one_plain_sentence_and_no_traceback(
    say: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], says: str
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("", encoding="utf-8")
    for name, file in (("broken", "station.db"), ("keyless", "station.key")):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_bytes(b"no database, no key either" * 99)
    result = say(*words)
    assert is_one_plain_sentence(result), (result.output, result.exception)
    assert says in result.stderr


@pytest.mark.parametrize(
    "words",
    [("nonsense",), ("simulate",), ("export", "everything"), ("simulate", "lotus-hill", "--days", "0"), ("bench", "x")],
)
def test_a_command_that_makes_no_sense_is_refused_on_stderr(say: Callable[..., Result], words: tuple[str, ...]):
    result = say(*words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Error: " in result.stderr
    assert "Traceback" not in result.stderr


def test_a_process_that_fails_says_so_on_stderr_only():
    ended = real("simulate", "atlantis")
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    assert "Traceback" not in ended.stderr


# --- chargers ---------------------------------------------------------------------------------------------------------


def test_a_charger_gets_its_secret_once_alone_on_the_last_line(say: Callable[..., Result], tmp_path: Path):
    data = tmp_path / "data"
    added = say("charger", "add", "V01", "--data", data)
    secret = added.stdout.splitlines()[-1]
    assert len(secret) == 40
    assert secret.isalnum()
    with sqlite3.connect(data / "station.db") as connection:
        kept = connection.execute("SELECT secret_mac FROM chargers").fetchone()[0]
    connection.close()
    assert keyring(data).fits("V01", secret, kept)
    assert all(secret.encode() not in file.read_bytes() for file in data.iterdir())


def test_an_identity_is_added_again_only_after_it_was_removed(say: Callable[..., Result], tmp_path: Path):
    there = ("--data", tmp_path)
    first = say("charger", "add", "V01", *there)
    again = say("charger", "add", "V01", *there)
    assert is_one_plain_sentence(again)
    assert "exists already" in again.stderr
    assert say("charger", "remove", "V01", *there).stdout == "V01 removed\n"
    second = say("charger", "add", "V01", *there)
    assert second.exit_code == 0
    assert first.stdout.splitlines()[-1] != second.stdout.splitlines()[-1]


def test_the_list_names_every_charger_and_no_secret(say: Callable[..., Result], tmp_path: Path):
    secrets = [say("charger", "add", name, "--data", tmp_path).stdout.splitlines()[-1] for name in ("V02", "V01")]
    listed = say("charger", "list", "--data", tmp_path)
    assert [line.split("\t")[0] for line in listed.stdout.splitlines()] == ["V01", "V02"]
    assert not any(secret in listed.stdout for secret in secrets)
    told = json.loads(say("charger", "list", "--data", tmp_path, "--json", "-").stdout)
    assert [set(row) for row in told] == [{"id", "profile", "added_at", "moving_to", "certificate_until"}] * 2


# --- simulated nights -------------------------------------------------------------------------------------------------


def test_a_run_reports_every_key_of_the_format(nights: tuple[Path, list[dict[str, Any]]]):
    result = nights[1][0]
    assert set(TOP) <= set(result)
    for key, inner in TOP.items():
        assert inner is None or set(inner.split()) <= set(result[key]), key
    assert result["simulated_s"] == round(DAYS * 86_400)
    assert set(result["ocpp"]["by_version"]) == {"1.6", "2.0.1", "2.1"}
    assert (result["scenario"], result["seed"], result["stations"]) == ("lotus-hill", 1, 1)


def test_the_same_seed_gives_the_same_run_and_another_seed_another(nights: tuple[Path, list[dict[str, Any]]]):
    one, again, other = nights[1]
    assert one["trace_sha256"] == again["trace_sha256"] != other["trace_sha256"]
    measured = {"wall_s", "control", "planner"}
    assert {key: one[key] for key in one if key not in measured} == {
        key: again[key] for key in again if key not in measured
    }
    for counted in ("solves", "fallbacks"):
        assert one["planner"][counted] == again["planner"][counted]
    assert one["planner"]["solves"] > 0
    assert one["planner"]["fallbacks"] == 0


def test_the_energy_balance_closes_and_no_limit_is_passed(nights: tuple[Path, list[dict[str, Any]]]):
    for result in nights[1]:
        energy = result["energy_kwh"]
        sources = energy["grid_import"] - energy["grid_export"] + energy["pv_used"] + energy["battery_out"]
        sinks = energy["battery_in"] - energy["discharged"] + energy["charged"] + energy["other_load"]
        assert energy["charged"] > 0
        assert abs(sources - sinks) <= 0.001 * energy["grid_import"]
        assert result["limits"]["node_ticks_over"] == 0
        assert result["vehicles"]["below_floor"] == 0
        assert result["ocpp"]["errors"] == 0
        assert result["money_fen"]["ledger_sum"] == 0


# --- records ----------------------------------------------------------------------------------------------------------

KEYS = {
    "messages": {"charger", "message_id", "action", "received_at", "payload"},
    "sessions": {
        "id", "charger", "evse", "transaction_id", "started_at", "ended_at", "imported_wh", "exported_wh", "meter_start_wh",
        "meter_stop_wh", "status", "flags", "green_wh",
    },
    "ledger": {"batch", "account", "amount_fen", "kind", "source", "at"},
    "telemetry": {
        "at", "grid_w", "pv_w", "battery_w", "battery_soc", "building_w", "cars_in_w", "cars_out_w", "price_buy", "connected",
    },
}  # fmt: skip


def exported(say: Callable[..., Result], what: str, data: Path, *more: str) -> list[dict[str, Any]]:
    result = say("export", what, "--data", data, "--json", "-", *more)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize("what", KEYS)
def test_an_export_has_the_documented_keys(say: Callable[..., Result], records: Path, what: str):
    rows = exported(say, what, records)
    assert rows
    assert all(set(row) == KEYS[what] for row in rows)


def test_an_export_goes_to_a_file_as_well(say: Callable[..., Result], records: Path, tmp_path: Path):
    file = tmp_path / "sessions.json"
    assert say("export", "sessions", "--data", records, "--json", file).stdout == ""
    assert json.loads(file.read_text(encoding="utf-8")) == exported(say, "sessions", records)
    assert is_one_plain_sentence(say("export", "sessions", "--data", records, "--json", tmp_path / "no" / "x.json"))


def test_a_span_is_half_open(say: Callable[..., Result], records: Path):
    rows = exported(say, "telemetry", records)
    middle = rows[len(rows) // 2]["at"][:19]
    before = exported(say, "telemetry", records, "--until", middle)
    after = exported(say, "telemetry", records, "--since", middle)
    assert before + after == rows
    assert after[0]["at"][:19] == middle


def test_messages_come_in_the_order_of_their_commit_each_once(say: Callable[..., Result], records: Path):
    rows = exported(say, "messages", records)
    assert [row["received_at"] for row in rows] == sorted(row["received_at"] for row in rows)
    ids = [(row["charger"], row["message_id"]) for row in rows]
    assert len(ids) == len(set(ids))


def test_a_settled_session_is_paid_for_and_its_batch_sums_to_zero(say: Callable[..., Result], records: Path):
    lines = sorted(exported(say, "ledger", records), key=lambda line: line["batch"])
    batches = {name: list(legs) for name, legs in groupby(lines, key=lambda line: line["batch"])}
    assert {sum(leg["amount_fen"] for leg in legs) for legs in batches.values()} == {0}
    settled = [row for row in exported(say, "sessions", records) if row["status"] == "settled"]
    assert settled
    for row in settled:
        assert row["imported_wh"] == pytest.approx(row["meter_stop_wh"] - row["meter_start_wh"], abs=0.01)
        paid = {leg["kind"]: leg["amount_fen"] for leg in batches[f"session:{row['id']}"] if leg["amount_fen"] > 0}
        assert paid["energy"] == round(row["imported_wh"] * 0.40 / 10)
        assert paid["service"] == round(row["imported_wh"] * 0.30 / 10)


def test_honest_records_are_in_order(say: Callable[..., Result], records: Path):
    result = say("check", "--data", records)
    assert (result.exit_code, result.stdout) == (0, f"{records}: in order\n")


def first(data: Path, sql: str) -> str:
    with sqlite3.connect(data / "station.db") as connection:
        found = connection.execute(sql).fetchone()[0]
    connection.close()
    return str(found)


def test_a_changed_amount_is_found_and_its_batch_named(say: Callable[..., Result], records: Path):
    batch = first(records, "SELECT batch FROM postings ORDER BY id LIMIT 1")
    spoil(records, "UPDATE postings SET amount_fen = amount_fen + 1 WHERE id = (SELECT min(id) FROM postings)")
    result = say("check", "--data", records)
    assert is_one_plain_sentence(result)
    assert batch in result.stderr


def test_a_leg_that_is_gone_is_found(say: Callable[..., Result], records: Path):
    batch = first(records, "SELECT batch FROM postings ORDER BY id LIMIT 1")
    spoil(records, "DELETE FROM postings WHERE id = (SELECT min(id) FROM postings)")
    assert batch in say("check", "--data", records).stderr


@pytest.mark.parametrize(
    "change",
    [
        "phase = 'ended'",
        "phase = 'nonsense'",
        "transaction_id = 'other'",
        "charger = 'V99'",
        "evse = 'V99-1'",
        "started_at = started_at - 1",
        "ended_at = ended_at + 60000",
        "ended_at = NULL",
        "body = '{}'",
        "body = substr(body, 1, 40)",
        "id = 'another'",
    ],
)
def test_a_changed_session_is_found_and_named(say: Callable[..., Result], records: Path, change: str):
    name = first(records, "SELECT id FROM sessions WHERE phase = 'settled'")
    spoil(records, f"UPDATE sessions SET {change} WHERE id = '{name}'")  # noqa: S608
    result = say("check", "--data", records)
    assert is_one_plain_sentence(result), result.output
    assert ("another" if "another" in change else name) in result.stderr


def test_a_reading_without_a_session_is_found(say: Callable[..., Result], records: Path):
    spoil(records, "UPDATE readings SET session = 'nobody' WHERE rowid = (SELECT min(rowid) FROM readings)")
    result = say("check", "--data", records)
    assert is_one_plain_sentence(result)
    assert "nobody" in result.stderr


def test_a_torn_file_is_found(say: Callable[..., Result], records: Path):
    sqlite3.connect(records / "station.db").execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
    file = records / "station.db"
    whole = bytearray(file.read_bytes())
    for page in range(4096 * 3, len(whole), 4096):
        whole[page : page + 64] = b"\xa5" * 64
    file.write_bytes(whole)
    result = say("check", "--data", records)
    assert is_one_plain_sentence(result), (result.output, result.exception)
    assert "damaged" in result.stderr


def test_a_configuration_is_checked_too(say: Callable[..., Result], tmp_path: Path):
    file = tmp_path / "station.toml"
    shipped = Path(sys.modules["voltide"].__path__[0]) / "twin" / "scenarios" / "lotus_hill.toml"
    text = shipped.read_text(encoding="utf-8")
    file.write_text(text, encoding="utf-8")
    assert say("check", "--config", file, "--data", tmp_path).stdout == f"{file}: in order\n"
    file.write_text(text.replace("import_w = 3_150_000", "import_w = 100"), encoding="utf-8")
    result = say("check", "--config", file, "--data", tmp_path)
    assert is_one_plain_sentence(result)
    assert "refused as unsafe: node 'grid'" in result.stderr
