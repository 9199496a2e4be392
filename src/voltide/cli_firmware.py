"""``voltide firmware``: software for chargers, which two people approve before any charger hears of it."""

from pathlib import Path

import click

from voltide.backbone import registry
from voltide.backbone.clock import SystemClock
from voltide.domain.time import millis
from voltide.security import releases
from voltide.terminal import CONFIG, DATA, JSON, fail, station_file, write

_KEY = click.option(
    "--key", "key_file", type=click.Path(path_type=Path, dir_okay=False), required=True, help="Your own key file."
)


@click.group()
def firmware() -> None:
    """Software for chargers.

    Example: voltide firmware list --config station.toml
    """


@firmware.command("key")
@click.argument("name")
@_KEY
def firmware_key(name: str, key_file: Path) -> None:
    """Make your key, and print the line for [firmware] approvers of the station's file. Keep the key to yourself.

    Example: voltide firmware key anna --key anna.key
    """
    if not releases.is_name(name):
        fail(f"{name!r} is no name: 1 to 32 of A-Z a-z 0-9 . _ - are allowed")
    click.echo(f"{name}:{releases.new_key(key_file)}")


@firmware.command("sign")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--name", required=True, help="Yours, as in [firmware] approvers.")
@_KEY
def firmware_sign(file: Path, name: str, key_file: Path) -> None:
    """Approve a release: read the page in FILE, and add your signature to it.

    Example: voltide firmware sign release.json --name anna --key anna.key
    """
    try:
        signed = releases.sign(releases.read(file.read_bytes()), name, releases.read_key(key_file))
        file.write_bytes(releases.write(signed))
    except ValueError as error:
        fail(f"{file}: {error}")
    click.echo(f"{signed.vendor} {signed.model} {signed.version}: signed by {', '.join(sorted(signed.approvals))}")


@firmware.command("add")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@CONFIG
@DATA
def firmware_add(file: Path, config_file: Path, data: Path) -> None:
    """Keep an approved release; prints its id. It must bear the signatures of two of [firmware] approvers.

    Example: voltide firmware add release.json --config station.toml
    """
    from voltide import trust  # noqa: PLC0415 - the firmware commands load no more than they need

    try:
        release = releases.read(file.read_bytes())
        trust.shelf(station_file(config_file), data).put(release)
    except ValueError as error:
        fail(f"{file}: {error}")
    click.echo(release.id)


@firmware.command("list")
@CONFIG
@DATA
@JSON
def firmware_list(config_file: Path, data: Path, json_file: Path | None) -> None:
    """List the approved releases.

    Example: voltide firmware list --config station.toml
    """
    from voltide import trust  # noqa: PLC0415 - as above

    known = releases.approvers(station_file(config_file).firmware.approvers)
    found = [
        {
            "id": one.id,
            "vendor": one.vendor,
            "model": one.model,
            "version": one.version,
            "url": one.url,
            "approved_by": releases.approved_by(one, known),
        }
        for one in trust.shelf(station_file(config_file), data).all()
    ]
    if json_file is not None:
        write(json_file, found)
        return
    for row in found:
        by = ", ".join(row["approved_by"])
        click.echo(f"{row['id']}\t{row['vendor']} {row['model']} {row['version']}\t{row['url']}\tapproved by {by}")


@firmware.command("update")
@click.argument("identity")
@click.option("--release", required=True, help="The id of a release.")
@click.option("--publish", is_flag=True, help="A local controller is to hand it on to the chargers behind it.")
@CONFIG
@DATA
def firmware_update(identity: str, release: str, publish: bool, config_file: Path, data: Path) -> None:
    """Have the station update a charger's software to an approved release, never to an older one.

    Example: voltide firmware update V01 --release 3f9a1c04d2b7 --config station.toml
    """
    from voltide import trust  # noqa: PLC0415 - as above
    from voltide.live import database  # noqa: PLC0415 - as above

    engine = database(data)
    if registry.one(engine, identity) is None:
        fail(f"there is no charger {identity}")
    try:
        page = trust.shelf(station_file(config_file), data).take(release)
    except ValueError as error:
        fail(str(error))
    what, body = "publish" if publish else "update", {"release": page.id}
    registry.want(engine, identity, what, body, millis(SystemClock().now()))
    click.echo(f"{identity}: the station does it when the charger is there. See: voltide charger errands")
