"""What the documents say is so: links lead somewhere, commands parse, tables and pictures are those of the code."""

import json
import re
import shlex
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import msgspec
import pytest
from msgspec import inspect

from voltide import tables
from voltide.cli import voltide
from voltide.config import load
from voltide.control import wiring
from voltide.domain.messages import Token
from voltide.domain.picture import Minute
from voltide.domain.session import TRANSITIONS, Phase, Reading, Session, SessionId
from voltide.domain.site import ChargerId, EvseId
from voltide.ledger.settlement import settle
from voltide.ledger.tariff import Period, Tariff
from voltide.simulate import prepare, simulate

HOME = Path(__file__).parents[1]
README = HOME / "README.md"
FORMATS = HOME / "docs" / "formats.md"
OPERATIONS = HOME / "docs" / "operations.md"
PAGES = sorted(
    [README, HOME / "CHANGELOG.md", HOME / "CONTRIBUTING.md"]
    + [page for page in (HOME / "docs").rglob("*.md") if "bench" not in page.relative_to(HOME / "docs").parts]
)
LINK = re.compile(r"(?:\]\(|(?:src|srcset|href)=\")([^)\s\"]+)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, kind: str) -> list[str]:
    return [body for word, body in FENCE.findall(text(page)) if word == kind]


def said(page: Path, program: str) -> list[list[str]]:
    """The arguments of every call of a program in a page's shell blocks."""
    lines = [line.split("#")[0].strip() for block in blocks(page, "sh") for line in block.splitlines()]
    words = [shlex.split(line) for line in lines if line]
    return [rest for first, *rest in words if Path(first).name == program]


# --- links ---


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HOME)))
def test_every_relative_link_leads_to_a_file(page):
    links = [link.split("#")[0] for link in LINK.findall(FENCE.sub("", text(page)))]
    near = [link for link in links if link and "://" not in link and not link.startswith("mailto:")]
    lost = [link for link in near if not (page.parent / link).exists()]
    assert lost == []


def test_every_decision_stands_in_the_list_of_decisions():
    folder = HOME / "docs" / "adr"
    written = {page.name for page in folder.glob("[0-9]*.md")}
    listed = set(re.findall(r"\]\((\d{4}[^)]*)\)", text(folder / "README.md")))
    assert written == listed
    for page in folder.glob("[0-9]*.md"):
        titles = re.findall(r"^## (.*)$", text(page), re.MULTILINE)
        assert titles == ["Status", "Context", "Decision", "Drawbacks"], page.name


# --- commands ---


def parse(command: click.Command, words: list[str], parent: click.Context | None = None) -> list[str]:
    """Parse as the command line does, and run nothing; gives the names of the commands that were met."""
    context = command.make_context(command.name, list(words), parent=parent)
    if not isinstance(command, click.Group):
        return []
    held = next((vars(context)[name] for name in ("_protected_args", "protected_args") if name in vars(context)), [])
    name, found, rest = command.resolve_command(context, [*held, *context.args])
    assert name is not None
    assert found is not None
    return [name, *parse(found, rest, context)]


def leaves(group: click.Group, *before: str) -> set[str]:
    names = set()
    for name, command in group.commands.items():
        names |= leaves(command, *before, name) if isinstance(command, click.Group) else {" ".join([*before, name])}
    return names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HOME)))
def test_every_voltide_command_in_a_page_parses(page):
    for words in said(page, "voltide"):
        parse(voltide, words)


def test_the_readme_shows_every_command():
    shown = {" ".join(parse(voltide, words)) for words in said(README, "voltide")}
    assert leaves(voltide) <= shown


def test_run_py_knows_the_commands_that_the_readme_gives_it():
    script = text(HOME / "run.py")
    calls = [words for words in said(README, "python3") if words[:1] == ["run.py"]]
    assert calls
    assert {words[1] for words in calls if len(words) > 1} <= set(re.findall(r'command == "(\w+)"', script))


# --- the station's file ---


def test_the_station_of_the_readme_loads_and_is_safe(tmp_path):
    (block,) = blocks(README, "toml")
    file = tmp_path / "station.toml"
    file.write_text(block, encoding="utf-8")
    config = load(file)
    wiring.Wiring.of(config.station)
    assert {charger.id for charger in config.station.chargers} >= {"V01"}


def bounds(kind: inspect.Type) -> str:
    """What a key takes, in words."""
    if isinstance(kind, inspect.UnionType):
        kind = next(part for part in kind.types if not isinstance(part, inspect.UnsetType))
    if isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.FloatType | inspect.IntType):
        word = "number" if isinstance(kind, inspect.FloatType) else "whole number"
        low = f"at least {plain(kind.ge)}" if kind.ge is not None else f"above {plain(kind.gt)}"
        return f"{word}, {low}, at most {plain(kind.le)}"
    if isinstance(kind, inspect.StrType):
        return "text" if kind.max_length is None else f"text, {kind.min_length} to {kind.max_length} characters"
    if isinstance(kind, inspect.EnumType):
        return "one of " + ", ".join(f"`{member.value}`" for member in kind.cls)
    if isinstance(kind, inspect.ListType | inspect.VarTupleType):
        inner = "tables" if isinstance(kind.item_type, inspect.StructType) else "texts"
        return f"list of {inner}" + (f", at least {kind.min_length}" if getattr(kind, "min_length", None) else "")
    return {inspect.BoolType: "true or false"}.get(type(kind), "table")


def plain(number: float) -> str:
    return f"{number:g}".replace("e+0", "e") if number >= 1e8 else f"{number:.0f}"


def default(field: inspect.Field) -> str:
    if field.required:
        return "required"
    value = field.default
    if value is inspect.NODEFAULT:
        value = None if field.default_factory is inspect.NODEFAULT else field.default_factory()
    if value is None or isinstance(value, msgspec.Struct | dict):
        return "none"
    return f"`{json.dumps(value.value if hasattr(value, 'value') else value)}`"


def row(field: inspect.Field) -> str:
    """How the row of a key begins in docs/formats.md; what it means follows in somebody's own words."""
    return f"| `{field.encode_name}` | {bounds(field.type)} | {default(field)} | "


TABLES = [
    kind
    for name, kind in vars(tables).items()
    if isinstance(kind, type) and issubclass(kind, tables._Table) and not name.startswith("_")
]


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.__name__)
def test_every_key_of_the_station_s_file_stands_in_the_formats_with_its_bounds_and_default(kind):
    heading = f"### `{kind.__doc__.rstrip('.')}`" if kind is not tables.File else "### The file"
    _, found, section = text(FORMATS).partition(heading + "\n")
    assert found, heading
    lines = section.split("\n### ")[0].splitlines()
    fields = inspect.type_info(kind).fields
    missing = [row(field) for field in fields if not any(line.startswith(row(field)) for line in lines)]
    assert missing == []
    keys = [match.group(1) for line in lines if (match := re.match(r"\| `(\w+)` \|", line))]
    assert keys == [field.encode_name for field in fields]


# --- what comes out ---


def keys(value: object) -> set[str]:
    if not isinstance(value, dict):
        return set()
    return {key for key in value if not key[0].isdigit()} | set().union(*map(keys, value.values()))


def test_every_key_of_a_run_s_report_stands_in_the_formats():
    _, _, section = text(FORMATS).partition("## `voltide simulate --json`")
    result = simulate(prepare("lotus-hill", seconds=60)).result
    kinds = set(result["vehicles"]["by_kind"])
    lost = {key for key in keys(result) - kinds if f"`{key}`" not in section.split("\n## ")[0]}
    assert lost == set()


def test_every_key_of_a_minute_stands_in_the_formats():
    lost = {name for name in Minute.__dataclass_fields__ if f"`{name}`" not in text(FORMATS)}
    assert lost == set()


# --- alarms and the life of a stay ---


def test_every_alarm_that_the_station_raises_is_explained():
    source = "".join(text(file) for file in (HOME / "src" / "voltide" / "station").rglob("*.py"))
    codes = set(re.findall(r'(?:raise_alarm\(|alarm_if\([^"]*?)"([a-z-]+)"', source))
    assert {"charger-offline", "meter-silent"} <= codes
    page = json.loads(text(HOME / "src" / "voltide" / "web" / "ui" / "i18n" / "en.json"))
    assert {code for code in codes if f"`{code}`" not in text(OPERATIONS)} == set()
    assert {code for code in codes if f"todo.{code}" not in page} == set()


def drawn() -> str:
    """The life of a stay as a picture, from the table that the code goes by."""
    lines = ["stateDiagram-v2", f"    [*] --> {Phase.PLUGGED}"]
    lines += [f"    {old} --> {new}: {step}" for old, steps in TRANSITIONS.items() for step, new in steps.items()]
    lines += [f"    {phase} --> [*]" for phase, steps in TRANSITIONS.items() if not steps]
    return "\n".join(lines) + "\n"


def test_the_picture_of_a_stay_is_drawn_from_its_table():
    assert blocks(HOME / "docs" / "session.md", "mermaid") == [drawn()]


# --- money ---


def test_twenty_kilowatt_hours_fed_in_at_the_shenzhen_peak_earn_what_the_readme_says():
    price = Decimal("0.7701")
    period = Period(
        name="peak", start=datetime.min.time(), charge=Decimal("1.15"), feed_in=price, grid_buy=price, grid_sell=price
    )
    tariff = Tariff(periods=(period,), zone=ZoneInfo("Asia/Shanghai"), service_fee=Decimal("0.30"))
    start, end = (datetime(2026, 4, 15, hour, tzinfo=UTC) for hour in (7, 8))
    session = Session(
        id=SessionId("s"),
        charger=ChargerId("V01"),
        evse=EvseId("V01-1"),
        transaction_id="t",
        token=Token(id="04A1B2C3"),
        phase=Phase.ENDED,
        plugged_at=start,
        ended_at=end,
        readings=(Reading(0, start, 512_000.0, 88_000.0), Reading(1, end, 512_000.0, 108_000.0)),
    )
    lines = settle(session, tariff)
    assert sum(line.amount_fen for line in lines) == 0
    for line in lines:
        assert f"| `{line.account}` | {line.amount_fen:+d} |" in text(README)
    assert "15.40 yuan" in text(README)


def test_the_invariants_of_the_readme_are_seven_and_each_names_its_code_and_its_test():
    rows = [line for line in text(README).splitlines() if re.match(r"\| \*\*I\d\*\* ", line)]
    numbers = [int(re.findall(r"I(\d)", line)[0]) for line in rows]
    assert numbers[0] == 1
    assert all(later == earlier + 1 for earlier, later in pairwise(numbers))
    assert len(numbers) == 7
    for line in rows:
        names = re.findall(r"`(test_\w+)`", line)
        assert names
        for test in re.findall(r"\]\((tests/[^)]+)\)", line):
            assert any(f"def {name}(" in text(HOME / test) for name in names), (test, names)
