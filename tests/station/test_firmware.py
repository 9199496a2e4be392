"""Software goes to a charger as a release that two people have signed, and never back (row 62), from outside."""

import asyncio
import base64

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.security.servers import Ca, ok, pem, sink
from tests.security.test_releases import ANNA, BO, approved, page
from tests.station.guarded import Box
from tests.station.locked import CAPTURED, locked, until
from tests.station.test_security import alarmed, ended, errand, want
from tests.twin.test_dial import charger
from voltide.security.releases import Shelf, approvers, public, write
from voltide.station.blocks.software import box_of
from voltide.twin.files import WebFiles

KEYS = [f"anna:{public(ANNA)}", f"bo:{public(BO)}"]
TOML = f'{CAPTURED}\n[firmware]\napprovers = ["{KEYS[0]}", "{KEYS[1]}"]\n'


def shelved(house, release):
    Shelf(house.data / "releases", approvers(KEYS)).put(release)
    return release.id


async def tell(box, status, number):
    if box.version == "1.6":
        return await box.call("SignedFirmwareStatusNotification", {"status": status, "requestId": number})
    return await box.call("FirmwareStatusNotification", {"status": status, "requestId": number})


@pytest.mark.ocpp("1.6", "SignedUpdateFirmware", "SignedFirmwareStatusNotification")
@pytest.mark.ocpp("2.0.1 2.1", "UpdateFirmware", "FirmwareStatusNotification")
@pytest.mark.parametrize(
    ("version", "action"), [("1.6", "SignedUpdateFirmware"), ("2.0.1", "UpdateFirmware"), ("2.1", "UpdateFirmware")]
)
def test_an_approved_release_is_told_with_its_own_address_and_followed_until_it_is_installed(tmp_path, version, action):
    async def story():
        async with locked(tmp_path, TOML) as house:
            name = shelved(house, approved())
            box = Box(house, "V1", version, house.add("V1", 1))
            async with box.on():
                await until(lambda: box.count("SetChargingProfile") > 0)  # it has booted
                want(house, "V1", "update", release=name)
                await until(lambda: box.count(action), 20)
                told = next(payload for one, payload in box.heard if one == action)
                assert told["firmware"]["location"] == page().url
                assert told["firmware"]["signature"] == page().signature
                assert told["firmware"]["signingCertificate"] == page().certificate
                for status in ("Downloading", "Downloaded", "Installing"):
                    await tell(box, status, told["requestId"])
                await until(lambda: errand(house, "update")["detail"] == "Installing")
                await tell(box, "Installed", told["requestId"])
                await ended(house, "update", "done")
                assert box.count(action) == 1
                assert [row["detail"] for row in house.log("firmware-Installed")] == [str(told["requestId"])]

    asyncio.run(story())


REFUSED = {
    "an older one": (approved(page(version="2.2.9")), "is not newer"),
    "the same one": (approved(page(version="2.3.0")), "is not newer"),
    "another model": (approved(page(model="V61")), "the release is for"),
    "another vendor": (approved(page(vendor="Other")), "the release is for"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_release_that_is_not_for_this_charger_is_never_told(tmp_path, name):
    release, why = REFUSED[name]

    async def story():
        async with locked(tmp_path, TOML) as house:
            box = Box(house, "V1", "2.1", house.add("V1", 1))
            async with box.on():
                await until(lambda: box.count("SetChargingProfile") > 0)
                want(house, "V1", "update", release=shelved(house, release))
                assert why in (await ended(house, "update", "failed"))["detail"]
                assert box.count("UpdateFirmware") == 0

    asyncio.run(story())


def test_what_nobody_approved_is_never_told_however_it_came_into_the_folder(tmp_path):
    async def story():
        async with locked(tmp_path, TOML) as house:
            forged = page(url="https://evil.example/x.bin")
            (house.data / "releases").mkdir(exist_ok=True)
            (house.data / "releases" / f"{forged.id}.json").write_bytes(write(forged))
            swapped = shelved(house, approved())
            file = house.data / "releases" / f"{swapped}.json"
            file.write_bytes(file.read_bytes().replace(b"acme.example", b"evil.example"))
            box = Box(house, "V1", "2.1", house.add("V1", 1))
            async with box.on():
                await until(lambda: box.count("SetChargingProfile") > 0)
                for name in (forged.id, swapped, "../../etc/passwd"):
                    want(house, "V1", "update", release=name)
                    await ended(house, "update", "failed")
                assert box.count("UpdateFirmware") == 0
            await alarmed(house, "errand-failed", "V1")

    asyncio.run(story())


@pytest.mark.parametrize("status", ["InvalidSignature", "DownloadFailed", "InstallVerificationFailed"])
def test_an_update_that_breaks_is_an_alarm(tmp_path, status):
    async def story():
        async with locked(tmp_path, TOML) as house:
            name = shelved(house, approved())
            box = Box(house, "V1", "2.1", house.add("V1", 1))
            async with box.on():
                await until(lambda: box.count("SetChargingProfile") > 0)
                want(house, "V1", "update", release=name)
                await until(lambda: box.count("UpdateFirmware"), 20)
                number = next(payload for one, payload in box.heard if one == "UpdateFirmware")["requestId"]
                await tell(box, status, number)
                assert (await ended(house, "update", "failed"))["detail"] == status
                await alarmed(house, "firmware-failed", "V1")
                assert house.log(f"firmware-{status}")

    asyncio.run(story())


@pytest.mark.ocpp("2.0.1 2.1", "PublishFirmware", "PublishFirmwareStatusNotification")
@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_a_local_controller_hands_on_what_is_approved_and_has_its_digest(tmp_path, version):
    async def story():
        async with locked(tmp_path, TOML) as house:
            without, with_ = shelved(house, approved()), shelved(house, approved(page(md5="a" * 32)))
            box = Box(house, "V1", version, house.add("V1", 1))
            async with box.on():
                await until(lambda: box.count("SetChargingProfile") > 0)
                want(house, "V1", "publish", release=without)
                assert "digest" in (await ended(house, "publish", "failed"))["detail"]
                want(house, "V1", "publish", release=with_)
                await until(lambda: box.count("PublishFirmware"), 20)
                told = next(payload for one, payload in box.heard if one == "PublishFirmware")
                assert (told["location"], told["checksum"]) == (page().url, "a" * 32)
                said = {"status": "Published", "requestId": told["requestId"], "location": ["http://lc/x"]}
                await box.call("PublishFirmwareStatusNotification", said)
                await ended(house, "publish", "done")

    asyncio.run(story())


def test_a_charger_that_is_away_is_told_when_it_comes(tmp_path):
    async def story():
        async with locked(tmp_path, TOML) as house:
            name = shelved(house, approved())
            secret = house.add("V1", 1)
            want(house, "V1", "update", release=name)
            box = Box(house, "V1", "2.1", secret)
            async with box.on():
                await until(lambda: box.count("UpdateFirmware"), 20)

    asyncio.run(story())


@pytest.mark.ocpp("1.6", "UpdateFirmware", "FirmwareStatusNotification")
def test_a_1_6_charger_without_signatures_gets_what_two_people_approved_over_a_line_that_nobody_can_change(tmp_path):
    async def story():
        async with locked(tmp_path, TOML) as house:
            name = shelved(house, approved(page(certificate="", signature="")))
            box = Box(house, "V1", "1.6", house.add("V1", 1))
            async with box.on():
                await until(lambda: box.count("SetChargingProfile") > 0)
                want(house, "V1", "update", release=name)
                await until(lambda: box.count("UpdateFirmware"), 20)
                told = next(payload for one, payload in box.heard if one == "UpdateFirmware")
                assert told["location"] == page().url
                await box.call("FirmwareStatusNotification", {"status": "Downloading"})
                await box.call("FirmwareStatusNotification", {"status": "Installed"})
                await ended(house, "update", "done")

    asyncio.run(story())


IMAGE = b"twin 1.1.0\n" + bytes(range(256)) * 40
SERVED = {"the file itself": (IMAGE, "done", "1.1.0"), "another file": (IMAGE + b"!", "failed", "1.0.0")}


def made(maker, url):
    """A release of the twin's own software, with its maker's signature."""
    key = ec.generate_private_key(ec.SECP256R1())
    signature = base64.b64encode(key.sign(IMAGE, ec.ECDSA(hashes.SHA256()))).decode()
    about = {"vendor": "Voltide", "model": "Twin 1x60", "version": "1.1.0", "url": f"{url}/twin.bin"}
    return approved(page(**about, certificate=pem(maker.leaf("Signer", key.public_key())), signature=signature))


@pytest.mark.ocpp("2.1", "UpdateFirmware", "FirmwareStatusNotification")
@pytest.mark.parametrize("served", SERVED)
def test_a_charger_loads_what_two_people_have_approved_checks_it_and_comes_back_with_it(tmp_path, served):
    content, state, version = SERVED[served]

    async def story():
        maker = Ca.new("Maker")
        async with (
            locked(tmp_path, TOML) as house,
            sink(lambda _head, _body: ok(content)) as server,
            WebFiles() as files,
            charger(house, house.add("V1", 1)) as twin,
        ):
            twin.files, twin.vault.roots["ManufacturerRootCertificate"] = files, [maker.certificate]
            await until(lambda: twin.online)
            want(house, "V1", "update", release=shelved(house, made(maker, server.url)))
            outcome = await ended(house, "update", state, 40)
            await until(lambda: twin.online)
            assert server.hits == 1
            assert (twin.firmware, box_of(house.engine, "V1").version) == (version, version)
            if state == "failed":
                assert outcome["detail"] == "InvalidSignature"
                await alarmed(house, "firmware-failed", "V1")
                await until(lambda: house.log("InvalidFirmwareSignature"))
            else:
                await until(lambda: house.log("FirmwareUpdated"))

    asyncio.run(story())
