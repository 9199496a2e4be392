"""What every command shares: options, one plain sentence when it fails, and where its answer goes."""

import json
import sys
from pathlib import Path
from typing import Any, NoReturn

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from voltide.config import Config, ConfigError, load

DATA = click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), default=Path("data"), show_default=True,
    help="The folder that holds all state.",
)  # fmt: skip
JSON = click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write JSON here; - is the screen.")

CONFIG = click.option(
    "--config", "config_file", type=click.Path(path_type=Path, dir_okay=False), required=True,
    help="The station's file.",
)  # fmt: skip


def fail(sentence: str, code: int = 1) -> NoReturn:
    """End with one plain sentence."""
    click.echo(f"voltide: {sentence}", err=True)
    sys.exit(code)


def station_file(file: Path) -> Config:
    """What a station's file says; all that is wrong with it, when it is."""
    try:
        return load(file)
    except ConfigError as error:
        fail(str(error))


def write(file: Path, value: Any) -> None:
    """JSON into a file, or on the screen where it is ``-``."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    if str(file) == "-":
        click.echo(text)
        return
    try:
        file.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        fail(f"{file} cannot be written: {error.strerror}")


def sentence(error: BaseException) -> str:
    """What an error says, as one sentence."""
    text = str(error.args[0]) if isinstance(error, LookupError) and error.args else str(error)
    return text or type(error).__name__


class bar:  # noqa: N801 - used as a word: with bar("…") as tell
    """A bar on a terminal, and silence elsewhere."""

    def __init__(self, title: str) -> None:
        console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(), console=console, disable=not console.is_terminal,
        )  # fmt: skip
        self._task = self._bar.add_task(title, total=1.0)

    def __enter__(self) -> Any:
        self._bar.start()
        return lambda share: self._bar.update(self._task, completed=share)

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
