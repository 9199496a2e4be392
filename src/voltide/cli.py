"""The command line. Every command says what it does, and fails with one plain sentence."""

import logging
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import structlog
from sqlalchemy.exc import DatabaseError

from voltide import __version__
from voltide.backbone.clock import SystemClock
from voltide.cli_chargers import charger
from voltide.cli_firmware import firmware
from voltide.cli_keys import keys
from voltide.cli_pki import pki
from voltide.cli_plan import plan_command
from voltide.cli_study import study
from voltide.config import ConfigError, load
from voltide.control.wiring import UnsafeStationError
from voltide.domain.time import moment
from voltide.terminal import DATA, JSON, bar, fail, sentence, write


def _logs(level: int) -> None:
    """Events with fields: for people on a terminal, as JSON anywhere else."""
    plain = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
            if plain
            else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


class _Plain(click.Group):
    """What a disk or a database refuses ends in one sentence, whatever the command."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise
        except DatabaseError as error:
            fail(f"the records cannot be opened or written: {error.orig}")
        except OSError as error:
            fail(f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error))


@click.group(cls=_Plain, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__)
@click.option("--verbose", "-v", is_flag=True, help="Log what happens, not only what is wrong.")
def voltide(verbose: bool) -> None:
    """Run a vehicle-to-grid charging station, or a twin of one.

    Example: voltide demo
    """
    _logs(logging.INFO if verbose else logging.WARNING)


@voltide.command()
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Keep all state here.")
@click.option("--port-base", type=click.IntRange(1, 65_000), default=8080, show_default=True,
              help="The page's port; the charger door takes the next one.")  # fmt: skip
@click.option("--at", "at", metavar="HH:MM", help="Begin at this time of the station's day, instead of now.")
@click.option("--seed", default=1, show_default=True, help="Another seed, other cars and clouds.")
@click.option("--scenario", default="lotus-hill", show_default=True, help="A scenario that ships, or a file.")
def demo(data: Path | None, port_base: int, at: str | None, seed: int, scenario: str) -> None:
    """Run Lotus Hill on twins, in real time.

    The twins speak OCPP 1.6, 2.0.1 and 2.1 over real sockets; the page is at the address that is printed.

    Example: voltide demo --at 10:30
    """
    from voltide.demo import play  # noqa: PLC0415 - pages and twins are not loaded for the other commands

    try:
        play(scenario, data=data, port_base=port_base, at=at, seed=seed, say=click.echo)
    except (LookupError, ValueError, OSError) as error:
        fail(sentence(error))


@voltide.command()
@click.option("--config", "config_file", type=click.Path(path_type=Path, dir_okay=False), required=True)
@DATA
@click.option("--port-base", type=click.IntRange(1, 65_000), help="Move all ports: the page here, the door next.")
def station(config_file: Path, data: Path, port_base: int | None) -> None:
    """Run one real station.

    Example: voltide station --config station.toml --data /var/lib/voltide
    """
    from voltide.live import Site, on_ports, run  # noqa: PLC0415 - as above

    try:
        config = load(config_file)
        config = config if port_base is None else on_ports(config, port_base)
        run(Site(config=config, data=data, clock=SystemClock(), say=click.echo))
    except (ConfigError, UnsafeStationError, OSError) as error:
        fail(sentence(error))


@voltide.command()
@click.argument("scenario")
@click.option("--days", type=click.FloatRange(0.001, 366), default=1.0, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--faults", metavar="NAME", help="A set of faults to inject: deaf, links or meter.")
@JSON
@click.option("--report", type=click.Path(path_type=Path, file_okay=False), help="Write one HTML page with plots.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Keep the records of the run here.")
def simulate(
    scenario: str, days: float, seed: int, faults: str | None, json_file: Path | None, report: Path | None,
    data: Path | None,
) -> None:  # fmt: skip
    """Play a scenario faster than real time, with the same code as live.

    Example: voltide simulate lotus-hill --seed 2 --json out.json --report report
    """
    from voltide import simulate as simulation  # noqa: PLC0415 - as above

    try:
        run = simulation.prepare(scenario, seconds=round(days * 86_400), seed=seed, data=data, faults=faults)
    except (LookupError, ValueError) as error:
        fail(sentence(error))
    if data is not None:
        data.mkdir(parents=True, exist_ok=True)
    with bar(f"{scenario}, seed {seed}") as tell:
        outcome = simulation.simulate(run, tell)
    if report is not None:
        click.echo(f"report {simulation.write_report(report, outcome)}", err=True)
    if json_file is not None:
        write(json_file, outcome.result)
    else:
        click.echo(simulation.summary(outcome.result))


@voltide.command()
@click.argument("what", type=click.Choice(["messages", "sessions", "ledger", "telemetry", "security"]))
@DATA
@JSON
@click.option("--since", type=click.DateTime(), help="From this moment on (UTC).")
@click.option("--until", type=click.DateTime(), help="Up to, not including, this moment (UTC).")
def export(what: str, data: Path, json_file: Path | None, since: datetime | None, until: datetime | None) -> None:
    """Take records out; works while the station runs.

    Example: voltide export sessions --data data --json sessions.json --since 2026-04-01
    """
    from voltide import exports  # noqa: PLC0415 - as above

    if not (data / "station.db").is_file():
        fail(f"{data} holds no station's records (no station.db)")
    first = since.replace(tzinfo=UTC) if since else moment(0)
    last = until.replace(tzinfo=UTC) if until else SystemClock().now() + timedelta(days=1)
    write(json_file or Path("-"), exports.take(what, data, first, last))


@voltide.command()
@DATA
@click.option("--config", "config_file", type=click.Path(path_type=Path, dir_okay=False), help="Check this file too.")
def check(data: Path, config_file: Path | None) -> None:
    """Verify store, ledger and configuration; names the first bad record.

    Example: voltide check --data data --config station.toml
    """
    from voltide import compose, exports  # noqa: PLC0415 - as above

    if config_file is not None:
        try:
            compose.check(load(config_file), data)
        except (ConfigError, UnsafeStationError) as error:
            fail(str(error))
        click.echo(f"{config_file}: in order")
    if (data / "station.db").is_file():
        bad = exports.check(data)
        if bad is not None:
            fail(bad)
        click.echo(f"{data}: in order")
    elif config_file is None:
        fail(f"{data} holds no station's records (no station.db)")


@voltide.command()
@click.argument("name", type=click.Choice(["control", "day", "demo", "ocpp", "plan", "storm"]))
@JSON
def bench(name: str, json_file: Path | None) -> None:
    """Measure one figure, five times, beside its limit or a peer.

    Example: voltide bench control --json control.json
    """
    from voltide.benches.every import run  # noqa: PLC0415 - as above

    with bar(f"bench {name}") as tell:
        result = run(name, tell)
    for peer, why in result.get("left_out", {}).items():
        click.echo(f"{peer} is left out: {why}.", err=True)
    if json_file is not None:
        write(json_file, result)
    else:
        click.echo(f"{result['name']}: {result['figure']} {result['unit']} ({result['peer']}: {result['peer_figure']})")


for group in (charger, pki, firmware, plan_command, study):
    voltide.add_command(group)
for command in keys:
    charger.add_command(command)
