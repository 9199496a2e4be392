"""The house has floors, and this is their law; the README only draws them."""

import ast
from pathlib import Path

HOUSE = Path(__file__).parents[1] / "src" / "voltide"

WORDS = {"domain"}
PURE = {"ocpp", "planning", "flexibility", "control", "ledger"}
WORLDLY = {"devices", "grid", "security", "backbone"}
MAY_KNOW = {
    "domain": set[str](),
    **dict.fromkeys(PURE | WORLDLY, WORDS),
    "station": WORDS | PURE | WORLDLY,
    "network": WORDS | {"planning", "flexibility", "ledger", "grid", "security", "backbone"},
    "web": WORDS | {"security", "backbone"},
    "twin": WORDS | {"ocpp", "devices", "grid"},
}
WORLD = {"asyncio", "socket", "ssl", "os", "time", "logging", "sqlite3", "random", "threading", "subprocess"}
GENERATED = {"v16.py", "v201.py", "v21.py"}
ONE_PAGE = {"messages.py", "reports.py"}
"""Every fact and order stands on one page by design: a list is not a thing that grows out of hand."""
NOT_A_ROOM = {"__version__"}
THE_DOOR = {"benches", "studies"}
"""Folders of the door, which stands before the house and may know all of it."""


def files(room: str) -> list[Path]:
    return sorted((HOUSE / room).rglob("*.py"))


def imported(file: Path) -> set[str]:
    """Every absolute name that a file imports, late imports too; a relative one that climbs counts as a room."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level > 1:
            names.add(f"voltide.climbing on line {node.lineno}")
    return names


def test_every_room_stands_on_the_plan():
    rooms = {file.parent.name for file in HOUSE.glob("*/__init__.py")}
    assert rooms >= {"domain", "ocpp", "control", "station", "web", "twin"}
    assert rooms - THE_DOOR <= set(MAY_KNOW)


def test_a_room_knows_only_the_floors_below_it():
    climbs = [
        f"{file.relative_to(HOUSE)} knows {', '.join(sorted(known))}"
        for room, allowed in MAY_KNOW.items()
        for file in files(room)
        if (
            known := {name.split(".")[1] for name in imported(file) if name.startswith("voltide.")}
            - allowed
            - {room}
            - NOT_A_ROOM
        )
    ]
    assert climbs == []


def test_a_pure_room_touches_nothing_outside_itself():
    touches = [
        f"{file.relative_to(HOUSE)} touches {', '.join(sorted(used))}"
        for room in WORDS | PURE
        for file in files(room)
        if (used := {name.split(".")[0] for name in imported(file)} & WORLD)
    ]
    assert touches == []


def test_no_import_hides_from_run_time():
    hidden = [
        str(file.relative_to(HOUSE)) for file in HOUSE.rglob("*.py") if "TYPE_CHECKING" in file.read_text("utf-8")
    ]
    assert hidden == []


def test_no_file_grows_past_what_one_can_hold_in_mind():
    long = {
        str(file.relative_to(HOUSE)): lines
        for file in HOUSE.rglob("*.py")
        if file.name not in GENERATED | ONE_PAGE and (lines := len(file.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}
