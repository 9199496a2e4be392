"""``voltide plan``: the best hours for one station, from a file."""

import json
import sys
import time
from pathlib import Path

import click

from voltide.terminal import fail


@click.command("plan")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
@click.option("--time-limit", "seconds", type=click.FloatRange(min=0.0), default=30.0, show_default=True,
              help="Seconds that the solver may take.")  # fmt: skip
def plan_command(file: Path, seconds: float) -> None:
    """Plan one station over one horizon; FILE is JSON, - is standard input. The answer is JSON, alone on the screen.

    Exit code 2 and one sentence that names the key: the problem itself is wrong.

    Example: voltide plan docs/examples/evening.json
    """
    from voltide import plans  # noqa: PLC0415 - the solver is not loaded for the other commands
    from voltide.planning.mpc import plan  # noqa: PLC0415 - as above

    try:
        text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        click.echo(json.dumps({"status": "invalid"}))
        fail(f"{file} cannot be read: {error.strerror}", code=2)
    try:
        problem = plans.read(text)
    except plans.PlanError as error:
        click.echo(json.dumps({"status": "invalid"}))
        fail(f"{file}: {error}", code=2)
    answer = plans.answer(problem, plan(problem, time.perf_counter, seconds))
    click.echo(json.dumps(answer, allow_nan=False))
