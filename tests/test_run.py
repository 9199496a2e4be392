"""The two commands of a fresh machine, tried on a copy whose .venv is there already; nothing is installed here."""

import shutil
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

HOME = Path(__file__).parents[1]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """run.py beside a project file and a .venv whose python only says what it was asked."""
    for name in ("run.py", "pyproject.toml"):
        shutil.copy(HOME / name, tmp_path / name)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "python $*"\ncase "$*" in *fail*) exit 3;; esac\n', encoding="utf-8")
    python.chmod(0o755)
    stamp = tmp_path / ".venv" / ".voltide"
    stamp.write_text(module(tmp_path).fingerprint("test"), encoding="utf-8")
    return tmp_path


def module(folder: Path) -> ModuleType:
    spec = spec_from_file_location("run_of_a_copy", folder / "run.py")
    assert spec is not None
    assert spec.loader is not None
    made = module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(folder / "run.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=folder.parent)


def test_nonsense_is_refused_in_one_sentence(copy: Path):
    ended = run(copy, "nonsense")
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr == "voltide: 'nonsense' is not a command of run.py; try: demo, test, setup\n"


@pytest.mark.parametrize("words", [("test", "--help"), ("setup", "-h")])
def test_help_explains_the_commands_and_does_nothing_else(copy: Path, words: tuple[str, ...]):
    shutil.rmtree(copy / ".venv")
    ended = run(copy, *words)
    assert ended.returncode == 0
    assert "python3 run.py test" in ended.stdout
    assert not (copy / ".venv").exists()


def test_without_a_word_the_demo_starts(copy: Path):
    assert run(copy).stdout.splitlines()[-1] == "python -m voltide demo"
    assert run(copy, "demo", "--at", "10:30").stdout.splitlines()[-1] == "python -m voltide demo --at 10:30"
    assert run(copy, "--seed", "2").stdout.splitlines()[-1] == "python -m voltide demo --seed 2"


def test_a_test_run_asks_for_style_types_and_tests_in_this_order(copy: Path):
    said = [line for line in run(copy, "test").stdout.splitlines() if line.startswith("python")]
    assert [line.split()[2] for line in said] == ["ruff", "ruff", "mypy", "pytest"]
    only = [line for line in run(copy, "test", "tests/domain", "-n0").stdout.splitlines() if line.startswith("python")]
    assert only == ["python -m pytest tests/domain -n0"]


def test_a_failing_part_ends_the_run_with_its_own_code(copy: Path):
    assert run(copy, "test", "-k", "fail").returncode == 3


def test_what_is_installed_is_not_installed_again(copy: Path):
    assert run(copy, "setup").stdout == ""


def test_an_installation_is_named_by_its_project_file_its_extra_and_its_place(
    copy: Path, tmp_path_factory: pytest.TempPathFactory
):
    first = module(copy)
    names = {first.fingerprint(""), first.fingerprint("test")}
    assert first.fingerprint("test") == module(copy).fingerprint("test")
    with (copy / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write("\n# one more dependency\n")
    names |= {module(copy).fingerprint("test")}
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for name in ("run.py", "pyproject.toml"):
        shutil.copy(copy / name, elsewhere / name)
    names |= {module(elsewhere).fingerprint("test")}
    assert len(names) == 4
