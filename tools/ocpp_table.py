"""Write docs/ocpp.md: every message of every version, its word, who hears or says it, and the tests that prove it.

python tools/ocpp_table.py            writes docs/ocpp.md
python tools/ocpp_table.py --check    compares it with the code; exit 1 when they differ, or when a message has no place
                                      in the station, or no test that saw it cross a line in each of its versions
"""

import argparse
import ast
import difflib
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import UnionType
from typing import Any, get_args, get_type_hints

from voltide.domain.messages import ChargerFact, ChargerOrder
from voltide.domain.site import OcppVersion
from voltide.ocpp import facts2, facts16, orders2, orders16
from voltide.ocpp.actions import FROM_CHARGER, STREAM
from voltide.ocpp.messages import actions

HOME = Path(__file__).resolve().parents[1]
PAGE = HOME / "docs" / "ocpp.md"
STATION = HOME / "src" / "voltide" / "station"
EACH = 16
"""A test that claims more messages than this runs through them all: it proves that they cross, and no more."""
BY_HAND = STATION / "operations.py"
HEAD = """\
# OCPP, message by message

*Written by `python tools/ocpp_table.py` from the code and its tests; CI fails when it is not so.*

Voltide speaks {counts}. Each message is a word of the house
([messages](../src/voltide/domain/messages.py), [reports](../src/voltide/domain/reports.py),
[requests](../src/voltide/domain/requests.py)), and crosses between that word and each version's wire in both
directions. What has no word of its own is an `Ask`, with the body that the specification gives it. Anything that a
station may call can also be called by hand: `voltide charger call ID ACTION JSON`.

Under a version, ● says that a test of its own saw the message cross a line in that version, with its answer (or as a
SEND), and what came of it; ○ that only the tests did which run through all messages; – that the version has no such
message. A test claims its messages by `@pytest.mark.ocpp`, and fails when they did not cross. These run through all
messages of all versions: {everywhere}.
"""


# --- words: from the dialect's tables ---


def words(table: dict[str, Callable[..., Any]], action: str) -> set[type]:
    """The words that a request may become, by what the function that reads it says it gives."""
    if action not in table:
        return set()
    given = get_type_hints(table[action])["return"]
    parts = get_args(given) if isinstance(given, UnionType) else (given,)
    return {part for part in parts if part is not type(None)}


def word_of(action: str, *, charger: bool) -> list[str]:
    """The words of one action over all versions."""
    tables = (facts16.HEAR, facts2.HEAR) if charger else (orders16.OBEY, orders2.OBEY)
    found = {one.__name__ for table in tables for one in words(table, action)}
    return sorted(found) or ["Told" if charger else "Ask"]


# --- who hears and who says: from the station's source ---


def names(node: ast.AST) -> Iterator[str]:
    """The class names in a tuple, a union, or alone."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Attribute):
            yield inner.attr


def heard_in(tree: ast.AST) -> Iterator[str]:
    """Names of what a module takes apart: what its blocks hear, its cases, its instance checks."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name="hears"):
                yield from names(ast.Module(body=node.body, type_ignores=[]))
            case ast.Assign(targets=[ast.Name(id="hears")]):
                yield from names(node.value)
            case ast.MatchClass():
                yield from names(node.cls)
            case ast.Call(func=ast.Name(id="isinstance"), args=[_, kinds]):
                yield from names(kinds)


def said_in(tree: ast.AST) -> Iterator[str]:
    """Names of what a module makes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from names(node.func)


def places(found_in: Callable[[ast.AST], Iterator[str]], wanted: Iterable[str]) -> dict[str, list[Path]]:
    """For each word the station's files that have it."""
    known = set(wanted)
    found: dict[str, set[Path]] = defaultdict(set)
    for path in sorted(STATION.rglob("*.py")):
        for name in known & set(found_in(ast.parse(path.read_text(encoding="utf-8")))):
            found[name].add(path)
    return {name: sorted(paths) for name, paths in found.items()}


# --- tests: from pytest's own collection ---


class Claims:
    """Collects which test files claim which messages: by a test of their own, or by one that runs through them all."""

    def __init__(self) -> None:
        self.found: dict[str, list[list[str]]] = {}

    def pytest_collection_finish(self, session: Any) -> None:
        """Every claim of every test."""
        from tests.crossings import claims  # noqa: PLC0415 - only where pytest runs

        found: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
        claimed = {item.nodeid: claims(item) for item in session.items}
        width: dict[str, set[Any]] = defaultdict(set)
        for node, some in claimed.items():
            width[node.partition("[")[0]] |= {action for _, action in some}
        for node, some in claimed.items():
            for version, action in some:
                through_all = len(width[node.partition("[")[0]]) > EACH
                found[f"{version.value} {action}"][through_all].add(node.partition("::")[0])
        self.found = {key: [sorted(own), sorted(all_)] for key, (own, all_) in found.items()}


def proofs() -> dict[str, tuple[list[str], list[str]]]:
    """Test files by version and action, its own and those of all; only files that name the mark are collected."""
    marked = [path for path in sorted((HOME / "tests").rglob("test_*.py")) if "mark.ocpp" in path.read_text("utf-8")]
    program = "import json, sys, pytest; from tools.ocpp_table import Claims; c = Claims(); "
    program += "code = pytest.main(['--collect-only', '-qq', '-p', 'no:cacheprovider', *sys.argv[1:]], plugins=[c]); "
    program += "print('\\n' + json.dumps(c.found)); sys.exit(code)"
    paths = [str(path.relative_to(HOME)) for path in marked]
    done = subprocess.run(
        [sys.executable, "-c", program, *paths],
        cwd=HOME,
        env=os.environ | {"PYTHONPATH": str(HOME)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"ocpp_table: the tests could not be collected\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    found: dict[str, tuple[list[str], list[str]]] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


# --- the page ---


class Table:
    """All that the page says, and what is missing."""

    def __init__(self) -> None:
        self.hearers = places(heard_in, (one.__name__ for one in get_args(ChargerFact)))
        self.sayers = places(said_in, (one.__name__ for one in get_args(ChargerOrder)))
        self.proofs = proofs()
        self.gaps: list[str] = []
        self.plain: list[str] = []
        """What only the tests of all messages prove."""

    def page(self) -> str:
        """The whole text."""
        counts = [f"{len(actions(version))} messages of {version.value}" for version in OcppVersion]
        every = {action for version in OcppVersion for action in actions(version)}
        tells, asks = sorted(every & FROM_CHARGER), sorted(every - FROM_CHARGER | {"DataTransfer"})
        return "\n".join(
            [
                HEAD.format(counts=f"{counts[0]}, {counts[1]} and {counts[2]}", everywhere=self._everywhere()),
                f"## What a charger tells ({len(tells)})\n",
                *self._rows(tells, charger=True),
                f"\n## What a station asks ({len(asks)})\n",
                *self._rows(asks, charger=False),
                "",
            ]
        )

    def _everywhere(self) -> str:
        """The files whose tests run through all messages of a side."""
        return _links({HOME / path for _, through_all in self.proofs.values() for path in through_all})

    def _rows(self, listed: list[str], *, charger: bool) -> Iterator[str]:
        versions, verb = " | ".join(version.value for version in OcppVersion), "heard" if charger else "said"
        yield f"| message | {versions} | word | {verb} by | proved by |"
        yield "|-|:-:|:-:|:-:|-|-|-|"
        for action in listed:
            word = word_of(action, charger=charger)
            known = self.hearers if charger else self.sayers
            where = {path for one in word for path in known.get(one, ())} | (set() if charger else {BY_HAND})
            if not where:
                self.gaps.append(f"{action}: nobody in the station hears {', '.join(word)}")
            marks = [self._mark(version, action) for version in OcppVersion]
            named = f"`{action}`" + (" (SEND)" if action == STREAM else "")
            said = ", ".join(f"`{one}`" for one in word)
            yield f"| {named} | {' | '.join(marks)} | {said} | {_links(where)} | {_links(self._tests(action))} |"

    def _mark(self, version: OcppVersion, action: str) -> str:
        if action not in actions(version):
            return "–"
        own, through_all = self.proofs.get(f"{version.value} {action}", ([], []))
        if own:
            return "●"
        if not through_all:
            self.gaps.append(f"{action} in {version.value}: no test has seen it cross a line")
        self.plain.append(f"{version.value} {action}")
        return "○" if through_all else " "

    def _tests(self, action: str) -> set[Path]:
        found = (self.proofs.get(f"{version.value} {action}", ([], []))[0] for version in OcppVersion)
        return {HOME / path for paths in found for path in paths}


def _links(paths: Iterable[Path]) -> str:
    """Files as links from docs/."""
    made = []
    for path in sorted(paths):
        inside = path.relative_to(HOME)
        name = path.relative_to(STATION if path.is_relative_to(STATION) else HOME / "tests").with_suffix("")
        made.append(f"[{name}](../{inside})")
    return ", ".join(made)


def main() -> None:
    """Write, or compare."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--check", action="store_true", help="compare only")
    check = asked.parse_args().check
    table = Table()
    page = table.page()
    for gap in table.gaps:
        print(f"gap: {gap}")
    print(f"no test of their own: {', '.join(table.plain) or 'none'}")
    if not check:
        PAGE.write_text(page, encoding="utf-8")
        return
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    differs = list(difflib.unified_diff(old.splitlines(), page.splitlines(), "docs/ocpp.md", "the code", lineterm=""))
    print("\n".join(differs[:40]))
    if differs:
        print("docs/ocpp.md is not what the code says: python tools/ocpp_table.py")
    sys.exit(1 if differs or table.gaps else 0)


if __name__ == "__main__":
    main()
