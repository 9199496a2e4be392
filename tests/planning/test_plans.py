"""``voltide plan`` as it is called: what it prints, and what it says of a file that is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.planning.checker import wrongs
from tests.planning.station import battery, ev, site
from voltide.cli import voltide

EXAMPLES = sorted((Path(__file__).parents[2] / "docs" / "examples").glob("*.json"))


def called(*words: str, text: str | bytes | None = None) -> Result:
    return CliRunner().invoke(voltide, ["plan", *words], input=text, prog_name="voltide")


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_example_is_planned_and_the_answer_stands_alone_on_the_screen(file):
    done = called(str(file))
    assert done.exit_code == 0, done.stderr
    assert done.stderr == ""
    answer = json.loads(done.stdout)
    assert wrongs(json.loads(file.read_text("utf-8")), answer) == []
    assert set(answer) == {
        "status", "objective", "solve_ms", "build_ms", "grid_w", "battery_w", "pv_used_w", "evs", "events",
        "over_import_wh", "binding",
    }  # fmt: skip
    assert answer["status"] == "optimal"


def test_a_dash_reads_standard_input_and_defaults_are_the_format_s():
    least = site()
    del least["evs"]
    done = called("-", text=json.dumps(least))
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["battery_w"] == [0, 0, 0, 0]


def test_no_time_at_all_gives_the_plan_by_rule():
    done = called("-", "--time-limit", "0", text=json.dumps(site(ev())))
    assert json.loads(done.stdout)["status"] == "fallback"


def test_help_has_an_example():
    assert "Example: voltide plan" in called("--help").stdout


def without(key: str) -> dict:
    return {name: value for name, value in site(ev()).items() if name != key}


BAD = [
    ("price_buy", without("price_buy")),
    ("steps", without("steps")),
    ("step_s", site(step_s=0)),
    ("step_s", site(step_s=[900, 900])),
    ("steps", site(steps=0)),
    ("steps", site(steps=4.5)),
    ("steps", site(steps=True)),
    ("steps", site(steps="4")),
    ("colour", site(colour="green")),
    ("price_buy", site(price_buy="1.0")),
    ("price_buy", site(price_buy=None)),
    ("price_buy", site(price_buy=[1.0])),
    ("price_buy", site(price_buy=[1.0, 1.0, 1.0, "x"])),
    ("price_buy[2]", site(price_buy=[1.0, 1.0, float("nan"), 1.0])),
    ("price_sell", site(price_sell=float("inf"))),
    ("price_sell", site(price_sell=1e9)),
    ("load_w", site(load_w=10**400)),
    ("load_w", site(load_w=-1)),
    ("import_limit_w", site(import_limit_w=-1)),
    ("export_limit_w", site(export_limit_w=True)),
    ("pv_w", site(pv_w=[])),
    ("demand_charge", site(demand_charge=-1)),
    ("battery", site(battery=[])),
    ("battery.wear", site(battery={key: value for key, value in battery().items() if key != "wear"})),
    ("battery.eta_charge", site(battery=battery(eta_charge=0))),
    ("battery.eta_charge", site(battery=battery(eta_charge=1.1))),
    ("battery.min_wh", site(battery=battery(min_wh=30_000))),
    ("battery.soc", site(battery=battery(soc=0.5))),
    ("evs", site(evs={})),
    ("evs[0]", site(evs=[3])),
    ("evs[0].colour", site(ev(colour="green"))),
    ("evs[0].energy_wh", site(ev(energy_wh=float("nan")))),
    ("evs[0].energy_wh", site(ev(energy_wh=-1))),
    ("evs[0].depart", site(ev(arrive=3, depart=2))),
    ("evs[0].arrive", site(ev(arrive=-1))),
    ("evs[0].arrive", site(ev(arrive=0.5))),
    ("evs[0].min_wh", site(ev(min_wh=70_000))),
    ("evs[0].shortfall", site(ev(shortfall=-1))),
    ("evs[0].id", site(ev(id=3))),
    ("evs.id", site(ev(), ev(evse="other"))),
    ("evs.evse", site(ev("a", evse="e"), ev("b", evse="e", arrive=3))),
    ("nodes[0].import_w", site(nodes=[{"id": "n", "evses": [], "import_w": -1, "export_w": 0}])),
    ("nodes[0].evses", site(nodes=[{"id": "n", "evses": ["e", "e"], "import_w": 1, "export_w": 0}])),
    ("nodes.id", site(nodes=[{"id": "n", "evses": [], "import_w": 1, "export_w": 0}] * 2)),
    ("events[0].end", site(events=[{"start": 2, "end": 1, "reduce_w": 1, "baseline_w": 1, "pay": 1, "penalty": 1}])),
    ("events[0].pay", site(events=[{"start": 1, "end": 2, "reduce_w": 1, "baseline_w": 1, "pay": -1, "penalty": 1}])),
]


@pytest.mark.parametrize(("key", "given"), BAD, ids=[f"{place}-{key}" for place, (key, _) in enumerate(BAD)])
def test_what_is_wrong_is_said_in_one_sentence_that_names_the_key(key, given):
    refused(json.dumps(given), key)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "JSON"),
        ("[]", "object"),
        ("{", "JSON"),
        ("[" * 100_000, "JSON"),
        (b"\xff\xfe{}", "JSON"),
        ('{"steps": 4, "steps": 5}', "steps"),
    ],
)
def test_what_is_no_problem_at_all_is_said_in_one_sentence(text, word):
    refused(text, word)


def test_a_file_that_is_not_there_is_said_in_one_sentence():
    done = called("nowhere.json")
    assert done.exit_code == 2
    assert "nowhere.json" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def refused(text: str | bytes, word: str) -> None:
    done = called("-", text=text)
    assert done.exit_code == 2
    assert isinstance(done.exception, SystemExit)
    assert json.loads(done.stdout) == {"status": "invalid"}
    (sentence,) = done.stderr.strip().splitlines()
    assert word in sentence
    assert len(sentence) < 400
