"""``voltide pki``: the roots that chargers trust, and the certificates that they were given."""

from pathlib import Path

import click

from voltide.backbone import registry
from voltide.backbone.clock import SystemClock
from voltide.domain.time import millis, moment, stamp
from voltide.provision import revoke
from voltide.terminal import CONFIG, DATA, JSON, fail, station_file, write


@click.group()
def pki() -> None:
    """Certificates: what chargers trust, and what they were given.

    Example: voltide pki root --config station.toml
    """


@pki.command("root")
@CONFIG
@DATA
def pki_root(config_file: Path, data: Path) -> None:
    """Print the root certificates (PEM) that a charger must trust to come under TLS; made on first use.

    Example: voltide pki root --config station.toml > root.pem
    """
    from voltide import trust  # noqa: PLC0415 - pages and twins are not loaded for other commands

    config = station_file(config_file)
    if config.pki.server:
        fail("the door shows certificates of files ([pki] server); their authority has the root")
    click.echo("".join(trust.own(config, data, SystemClock()).chain()), nl=False)


@pki.command("install")
@click.argument("identity")
@click.option("--kind", default="CSMSRootCertificate", show_default=True, help="What for, in the words of OCPP 2.")
@click.option("--file", "file", type=click.Path(path_type=Path, dir_okay=False), help="PEM; without it, our own roots.")
@CONFIG
@DATA
def pki_install(identity: str, kind: str, file: Path | None, config_file: Path, data: Path) -> None:
    """Have the station install root certificates at a charger.

    Example: voltide pki install V01 --config station.toml
    """
    from voltide import trust  # noqa: PLC0415 - as above
    from voltide.live import database  # noqa: PLC0415 - as above
    from voltide.security.outside import roots_of  # noqa: PLC0415 - as above

    engine = database(data)
    if registry.one(engine, identity) is None:
        fail(f"there is no charger {identity}")
    config, clock = station_file(config_file), SystemClock()
    found = trust.own(config, data, clock).chain() if file is None else roots_of(file)
    body = {"kind": kind, "certificates": list(found)}
    registry.want(engine, identity, "root", body, millis(clock.now()))
    click.echo(f"{identity}: the station does it when the charger is there. See: voltide charger errands")


@pki.command("list")
@DATA
@JSON
def pki_list(data: Path, json_file: Path | None) -> None:
    """List every certificate that was issued, the newest first.

    Example: voltide pki list
    """
    from voltide.live import database  # noqa: PLC0415 - as above

    found = [
        {
            "serial": row["serial"],
            "charger": row["charger"],
            "kind": row["kind"],
            "until": stamp(moment(row["not_after"])),
            "revoked_at": None if row["revoked_at"] is None else stamp(moment(row["revoked_at"])),
        }
        for row in registry.every_certificate(database(data))
    ]
    if json_file is not None:
        write(json_file, found)
        return
    for row in found:
        state = "good" if row["revoked_at"] is None else f"revoked {row['revoked_at']}"
        click.echo(f"{row['serial']}\t{row['charger']}\t{row['kind']}\tuntil {row['until']}\t{state}")


@pki.command("revoke")
@click.argument("serial")
@CONFIG
@DATA
def pki_revoke(serial: str, config_file: Path, data: Path) -> None:
    """Take a certificate back, by its serial number. It opens no door from this moment on.

    Example: voltide pki revoke 5f3a9c --config station.toml
    """
    from voltide.live import database  # noqa: PLC0415 - as above

    if not revoke(database(data), station_file(config_file), data, serial.lower()):
        fail(f"there is no certificate {serial} that could be taken back")
    click.echo(f"{serial} revoked")
