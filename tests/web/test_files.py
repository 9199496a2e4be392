import ast
import dataclasses
import hashlib
import json
import re
from pathlib import Path

import pytest

from voltide.domain import dossier, picture
from voltide.domain.session import Phase
from voltide.ocpp import quirks
from voltide.station import gallery, oddities
from voltide.web.assets import UI
from voltide.web.vendor import PINNED, VENDOR

OURS = sorted(path for path in UI.rglob("*.js") if path.parent != VENDOR)
EN, ZH = (json.loads((UI / "i18n" / f"{name}.json").read_text()) for name in ("en", "zh"))
HOUSE = UI.parents[1]


def test_both_catalogues_have_the_same_words_with_the_same_gaps():
    assert set(EN) == set(ZH)
    for key in EN:
        gaps = [set(re.findall(r"\{\w+\}", text[key])) for text in (EN, ZH)]
        assert gaps[0] == gaps[1], key
        assert ZH[key].strip()


def test_every_word_that_the_page_says_is_in_the_catalogue():
    for path in OURS:
        for key in re.findall(r"""\bt\(\s*["']([\w.-]+)["']""", path.read_text()):
            assert key in EN, f"{path.name} says {key}"
        for stem in re.findall(r"\bt\(\s*`([\w.-]+)\.\$\{", path.read_text()):
            assert any(key.startswith(f"{stem}.") for key in EN), f"{path.name} says {stem}.*"


def test_nothing_in_the_catalogue_is_never_said():
    said = "\n".join(path.read_text() for path in OURS)
    coded = ("state.", "why.", "alarm.", "todo.", "event.", "reply.", "node.", "oddity.")
    unsaid = [k for k in EN if not k.startswith(coded) and k not in said and f"{k.rsplit('.', 1)[0]}.${{" not in said]
    assert [
        k for k in unsaid if f"{k.rsplit('-', 1)[0]}-${{" not in said and k not in {"orders.gives", "orders.takes"}
    ] == []


def test_every_state_of_the_picture_has_a_word_and_an_icon():
    told = (
        "available, plugged, authorised, charging, paused, discharging, finished, unavailable, faulted, offline, stale"
    )
    icons = (UI / "parts" / "icons.js").read_text()
    for state in {*told.split(", "), *(p.value for p in Phase if p not in {Phase.ENDED, Phase.SETTLED})}:
        assert f"state.{state}" in EN
        assert re.search(rf"\b{state}:", icons)


def test_every_alarm_says_what_to_do():
    alarms = {key.removeprefix("alarm.") for key in EN if key.startswith("alarm.")}
    todos = {key.removeprefix("todo.") for key in EN if key.startswith("todo.")}
    assert todos == alarms | {"other"}


def said_by(call: str, place: int, *folders: str) -> set[str]:
    """The words that the other rooms hand to ``call`` as literals."""
    words = set()
    for path in (file for folder in folders for file in (HOUSE / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == call:
                given = {k.arg: k.value for k in node.keywords}
                values = (
                    [given["code"]]
                    if "code" in given
                    else [given["why"]]
                    if "why" in given
                    else node.args[place : place + 1]
                )
                words |= {v.value for v in values if isinstance(v, ast.Constant) and isinstance(v.value, str)}
    return words


CODES = [
    ("why", "Wish", 2),
    ("alarm", "raise_alarm", 0),
    ("alarm", "alarm_if", 1),
    ("event", "note", 0),
    ("reply", "Reply", 1),
]


@pytest.mark.parametrize(("kind", "call", "place"), CODES)
def test_every_code_that_the_station_says_has_its_words(kind, call, place):
    for code in said_by(call, place, "station", "planning"):
        assert f"{kind}.{code}" in EN, f"the catalogue lacks {kind}.{code}"


def test_every_way_to_depart_from_the_standard_has_its_words():
    said = {kind for _, kind in oddities._KINDS if "{" not in kind} | {oddities.OTHER}
    set_right = {*quirks.Tells.__struct_fields__, "profile_ids_from"}
    assert {key.removeprefix("oddity.") for key in EN if key.startswith("oddity.")} == said | {
        f"quirk-{name}" for name in set_right
    }


def test_every_step_of_a_welcome_has_its_words():
    names = {*gallery.JOINING, *gallery.STARTING}
    assert {key.removeprefix("step.") for key in EN if key.startswith("step.")} == names
    assert {key.removeprefix("progress.") for key in EN if key.startswith("progress.")} == set(dossier.Progress)
    assert {key.removeprefix("shield.") for key in EN if key.startswith("shield.")} == {*dossier.Shield, "none-title"}


@pytest.mark.parametrize(
    "name",
    ["Plate", "ChargerRow", "Doorway", "ChargersPicture", "WelcomeStep", "Oddity", "ChargerPicture"],
)
def test_the_chargers_types_are_those_of_the_domain(name):
    block = re.search(rf"@typedef \{{object\}} {name}\n(.*?)\*/", (UI / "chargertypes.js").read_text(), re.DOTALL)
    assert block is not None
    ours = re.findall(r"@property \{([^}]+)\} (\w+)", block[1])
    fields = dataclasses.fields(getattr(dossier, name))
    assert [field for _, field in ours] == [field.name for field in fields]
    for (kind, field), theirs in zip(ours, fields, strict=True):
        assert ("null" in kind) == ("None" in str(theirs.type)), field


@pytest.mark.parametrize(
    "name",
    [
        "OutletPicture",
        "NodePicture",
        "AlarmPicture",
        "OrderPicture",
        "EventPicture",
        "StationPicture",
        "Minute",
        "ReasonPicture",
        "CarPlan",
        "EventPlan",
        "Planned",
        "PlanPicture",
        "OfferPicture",
    ],
)
def test_the_pages_types_are_those_of_the_domain(name):
    block = re.search(rf"@typedef \{{object\}} {name}\n(.*?)\*/", (UI / "types.js").read_text(), re.DOTALL)
    assert block is not None
    ours = re.findall(r"@property \{([^}]+)\} (\w+)", block[1])
    fields = dataclasses.fields(getattr(picture, name))
    assert [field for _, field in ours] == [field.name for field in fields]
    for (kind, field), theirs in zip(ours, fields, strict=True):
        assert ("null" in kind) == bool(re.search("None|Optional", str(theirs.type))), field


def test_nothing_is_fetched_from_elsewhere_and_nothing_is_built_from_markup():
    for path in [*OURS, *UI.glob("*.html"), *UI.rglob("*.css")]:
        text = path.read_text().replace("http://www.w3.org/", "")
        for forbidden in (
            "http://",
            "https://",
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "dangerouslySet",
        ):
            assert forbidden not in text, f"{path.name} has {forbidden}"


def test_every_module_is_small_and_checked():
    for path in OURS:
        lines = path.read_text().splitlines()
        assert lines[0] == "// @ts-check", path.name
        assert len(lines) < 400, path.name


def test_what_is_vendored_is_what_was_pinned():
    listed = (VENDOR / "README.md").read_text()
    for pin in PINNED:
        digest = hashlib.sha256((VENDOR / pin.target).read_bytes()).hexdigest()
        assert f"| {pin.package} | {pin.version} | {pin.licence} | `{pin.source}` | `{digest}` |" in listed
        assert (VENDOR / f"LICENSE-{pin.package.strip('@').replace('/', '-')}").exists()
    ours = {path.name for path in VENDOR.iterdir() if not path.name.startswith("LICENSE")}
    assert ours == {pin.target for pin in PINNED} | {"README.md"}


def test_the_import_map_names_every_library_that_a_module_asks_for():
    page = (UI / "index.html").read_text()
    listed = json.loads(re.search(r'<script type="importmap">(.*?)</script>', page, re.DOTALL)[1])["imports"]
    asked = {name for path in UI.rglob("*.js") for name in re.findall(r'from\s*"([^."][^"]*)"', path.read_text())}
    assert asked == set(listed)
    for target in listed.values():
        assert (UI / Path(target).relative_to("/ui")).exists()


def test_the_catalogue_has_no_word_for_what_nobody_says():
    said = {f"{kind}.{code}" for kind, call, place in CODES for code in said_by(call, place, "station", "planning")}
    known = {key for key in EN if key.startswith(("alarm.", "event."))}
    phases = {f"event.{phase.value}" for phase in Phase}
    assert known <= said | phases | {"event.alarm"} | {f"event.charger-{way}" for way in ("online", "offline")}
