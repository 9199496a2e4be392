"""``voltide charger``: who may connect, and with what proof."""

import json
from datetime import timedelta
from pathlib import Path

import click

from voltide.backbone import registry
from voltide.backbone.clock import SystemClock
from voltide.domain.messages import Outcome
from voltide.domain.time import millis, moment, stamp
from voltide.security.identities import is_identity
from voltide.terminal import DATA, JSON, fail, write


@click.group()
def charger() -> None:
    """Provision chargers.

    Example: voltide charger add V01 --data data
    """


@charger.command("add")
@click.argument("identity")
@click.option("--profile", type=click.IntRange(0, 3), default=1, show_default=True, help="OCPP security profile.")
@click.option("--name", default="", help="What its certificate says, where that is not its identity: a serial number.")
@DATA
def charger_add(identity: str, profile: int, name: str, data: Path) -> None:
    """Make a charger's secret and print it, this once, alone on the last line.

    At profile 3 a charger has a certificate and no password; at profile 0 it has nothing.

    Example: voltide charger add V01
    """
    from voltide.live import database, keyring, provision  # noqa: PLC0415 - as above

    for text in filter(None, (identity, name)):
        if not is_identity(text):
            fail(f"{text!r} cannot be an identity: 1 to 48 of A-Z a-z 0-9 * _ = | @ . + - are allowed")
    engine = database(data)
    secret = provision(engine, keyring(data), identity, SystemClock(), profile)
    if secret is None:
        fail(f"{identity} exists already; remove it first to make a new secret")
    if name:
        registry.set_name(engine, identity, name)
    if profile == 0:
        click.echo(f"{identity} added. It comes without any proof, by the door 'open', which the file must name.")
    elif profile == 3:
        click.echo(f"{identity} added. It comes with a certificate. To sign a request of its own:")
        click.echo(f"voltide charger certificate {identity} --csr FILE --config station.toml --data {data}")
    else:
        click.echo(f"{identity} added. Its password, shown this once:")
        click.echo(secret)


@charger.command("list")
@DATA
@JSON
def charger_list(data: Path, json_file: Path | None) -> None:
    """List the chargers that may connect, with the end of their certificates.

    Example: voltide charger list
    """
    from voltide.live import database  # noqa: PLC0415 - as above

    engine = database(data)
    ends, moves = registry.certificate_ends(engine), registry.moving_to(engine)
    found = [
        {
            "id": row["id"],
            "profile": row["profile"],
            "added_at": stamp(moment(row["added_at"])),
            "moving_to": moves.get(row["id"]),
            "certificate_until": stamp(moment(ends[row["id"]])) if row["id"] in ends else None,
        }
        for row in registry.all_of(engine)
    ]
    if json_file is not None:
        write(json_file, found)
        return
    for row in found:
        moving = f" (may come at {row['moving_to']})" if row["moving_to"] is not None else ""
        until = f"\tcertificate until {row['certificate_until']}" if row["certificate_until"] else ""
        click.echo(f"{row['id']}\tprofile {row['profile']}{moving}\tsince {row['added_at']}{until}")


@charger.command("remove")
@click.argument("identity")
@DATA
def charger_remove(identity: str, data: Path) -> None:
    """Take a charger's right to connect, and its certificates. It falls off its line within seconds.

    Example: voltide charger remove V01
    """
    from voltide.live import database  # noqa: PLC0415 - as above

    if not registry.remove(database(data), identity, millis(SystemClock().now())):
        fail(f"there is no charger {identity}")
    click.echo(f"{identity} removed")


@charger.command("welcome")
@click.option("--minutes", type=click.IntRange(0, 24 * 60), default=30, show_default=True, help="0 shuts the door.")
@DATA
def charger_welcome(minutes: int, data: Path) -> None:
    """Let unknown chargers come in and wait for so long; each must then be accepted on the page.

    Works while the station runs.

    Example: voltide charger welcome --minutes 30
    """
    from voltide.live import database  # noqa: PLC0415 - as above
    from voltide.station.dossiers import open_door  # noqa: PLC0415 - as above

    open_door(database(data), SystemClock().now() + timedelta(minutes=minutes))
    click.echo(f"new chargers may come in for {minutes} min" if minutes else "new chargers are turned away")


@charger.command("call")
@click.argument("identity")
@click.argument("action")
@click.argument("body", metavar="[JSON]", default="{}")
@DATA
def charger_call(identity: str, action: str, body: str, data: Path) -> None:
    """Call a charger through the station that runs on this folder, and print its answer.

    Ends with 0 when the charger has accepted, 1 when it was refused, 2 when nobody knows or the call is none.

    Example: voltide charger call V01 Reset '{"type": "OnIdle"}'
    """
    from voltide.callbox import NoStationError, ask  # noqa: PLC0415 - as above

    try:
        payload = json.loads(body)
    except (ValueError, RecursionError) as flaw:
        fail(f"the body is not JSON: {flaw}", 2)
    if not isinstance(payload, dict):
        fail("the body must be a JSON object", 2)
    try:
        result = ask(data, identity, action, payload)
    except NoStationError as none:
        fail(f"{none}; start one with voltide station --data {data}", 2)
    if result.answer or result.outcome is Outcome.ACCEPTED:
        click.echo(json.dumps(result.answer, ensure_ascii=False))
    if result.outcome is not Outcome.ACCEPTED:
        fail(f"{result.outcome.value}: {result.reason}", 1 if result.outcome is Outcome.REFUSED else 2)
