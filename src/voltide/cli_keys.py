"""``voltide charger``: how a charger's proof changes. Most of it is done by the station, when the charger is there."""

from pathlib import Path
from typing import Any

import click
from sqlalchemy import Engine

from voltide.backbone import registry
from voltide.backbone.clock import SystemClock
from voltide.backbone.store import Row
from voltide.domain.time import millis, moment, stamp
from voltide.provision import NotSignedError, note, sign
from voltide.terminal import CONFIG, DATA, JSON, fail, station_file, write

_BY_HAND = click.option(
    "--by-hand", is_flag=True, help="It is done at the charger itself; here it is only written down."
)


@click.command("rotate")
@click.argument("identity")
@_BY_HAND
@DATA
def charger_rotate(identity: str, by_hand: bool, data: Path) -> None:
    """Give a charger a new password. Until it has come with it, the old one is good as well.

    The station makes it and tells the charger alone; it runs, or will run. With --by-hand it is printed, once.

    Example: voltide charger rotate V01
    """
    from voltide.live import database, keyring  # noqa: PLC0415 - pages and twins are not loaded for other commands
    from voltide.security.identities import new_secret  # noqa: PLC0415 - as above

    engine = database(data)
    row = _known(engine, identity)
    if row["profile"] not in {1, 2}:
        fail(f"{identity} comes at security profile {row['profile']}, which has no password")
    if not by_hand:
        _want(engine, identity, "rotate", {})
        return
    if not registry.may_promise(engine, identity):
        fail(f"nobody knows which of its last passwords {identity} has: it must come again first")
    secret, at = new_secret(), millis(SystemClock().now())
    registry.promise_secret(engine, identity, keyring(data).mac(identity, secret), at)
    note(engine, identity, "secret-promised", "by hand")
    click.echo(f"{identity} may come with this password, shown this once; the old one is dead when it has:")
    click.echo(secret)


@click.command("move")
@click.argument("identity")
@click.option("--profile", type=click.IntRange(0, 3), required=True, help="Where to.")
@click.option("--lower", is_flag=True, help="It is meant that this is a weaker one.")
@click.option("--interface", default="Wired0", show_default=True, help="OCPP 2: the charger's network interface.")
@_BY_HAND
@DATA
def charger_move(identity: str, profile: int, lower: bool, interface: str, by_hand: bool, data: Path) -> None:
    """Have a charger come at another security profile. It is not lost on the way: both are open to it until it has.

    With --by-hand nothing is said to the charger, and from now on the new profile alone is open to it.

    Example: voltide charger move V01 --profile 2
    """
    from voltide.live import database  # noqa: PLC0415 - as above

    engine = database(data)
    here = _known(engine, identity)["profile"]
    if profile < here and not lower:
        fail(f"profile {profile} is weaker than {identity}'s {here}; if that is meant, say --lower")
    if profile < here and not by_hand and (here, profile) != (3, 2):
        fail(f"no charger is told to go from profile {here} to {profile}; change it on site, and say --by-hand")
    if by_hand:
        registry.set_profile(engine, identity, profile)
        note(engine, identity, "profile-changed", f"{here} to {profile}, by hand")
        click.echo(f"{identity} comes at profile {profile} from now on")
        return
    _want(engine, identity, "move", {"profile": profile, "lower": lower, "interface": interface})


@click.command("certificate")
@click.argument("identity")
@click.option("--csr", "csr_file", type=click.Path(path_type=Path, dir_okay=False), required=True, help="PEM.")
@CONFIG
@DATA
def charger_certificate(identity: str, csr_file: Path, config_file: Path, data: Path) -> None:
    """Sign a charger's request from a file, and print the chain: how a charger gets its first certificate on site.

    Example: voltide charger certificate V01 --csr v01.csr --config station.toml
    """
    from voltide.live import database  # noqa: PLC0415 - as above

    config, engine = station_file(config_file), database(data)
    _known(engine, identity)
    try:
        click.echo(sign(engine, config, data, identity, csr_file.read_text(encoding="utf-8")), nl=False)
    except NotSignedError as error:
        fail(str(error))


@click.command("errands")
@DATA
@JSON
def charger_errands(data: Path, json_file: Path | None) -> None:
    """List what the station does, has done, or waits to do at chargers: rotate, move, root, update, publish.

    Example: voltide charger errands
    """
    from voltide.live import database  # noqa: PLC0415 - as above

    keys = ("charger", "what", "state", "detail")
    found = [
        {**{key: row[key] for key in keys}, "at": stamp(moment(row["at"]))}
        for row in registry.every_errand(database(data))
    ]
    if json_file is not None:
        write(json_file, found)
        return
    for row in found:
        click.echo("\t".join(str(row[key]) for key in (*keys[:3], "at", "detail")))


keys = (charger_rotate, charger_move, charger_certificate, charger_errands)
"""Commands of ``voltide charger``."""


def _known(engine: Engine, identity: str) -> Row:
    row = registry.one(engine, identity)
    if row is None:
        fail(f"there is no charger {identity}")
    return row


def _want(engine: Engine, identity: str, what: str, body: dict[str, Any]) -> None:
    """Leave it to the station."""
    registry.want(engine, identity, what, body, millis(SystemClock().now()))
    click.echo(f"{identity}: the station does it when the charger is there. See: voltide charger errands")
