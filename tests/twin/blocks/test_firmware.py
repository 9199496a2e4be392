"""Software: when it is loaded, what is believed, when it is installed, and what a local controller hands on (L)."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.twin.blocks.authority import issue, pem
from tests.twin.blocks.maker import MAKER, NEW, STRANGER, URL, SlowFiles, shelf, sign, signed
from tests.twin.blocks.test_model import write
from tests.twin.scene import EVERY, V16, V21, V201, Scene, play
from voltide.domain.messages import Json, OutletReported
from voltide.domain.site import OcppVersion
from voltide.domain.time import stamp

TWO = pytest.mark.parametrize(("version", "name"), [(V201, "V20"), (V21, "V01")])
STEPS = ["Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting", "Installed"]
PLAIN = ["Downloading", "Downloaded", "Installing", "InstallRebooting", "Installed"]


async def update(scene: Scene, number: int = 1, firmware: Json | None = None, **more: object) -> str:
    """Order an update of 2.x, or a signed one of 1.6."""
    action = "SignedUpdateFirmware" if scene.twin.version is V16 else "UpdateFirmware"
    said = {"location": URL, "retrieveDateTime": stamp(scene.clock.now())} | (
        signed() if firmware is None else firmware
    )
    return await scene.status(action, {"requestId": number, "firmware": said} | more)


def told(scene: Scene, number: int | None = 1) -> list[str]:
    """What it told of one update."""
    said = [*scene.said("FirmwareStatusNotification"), *scene.said("SignedFirmwareStatusNotification")]
    return [one["status"] for one in said if one.get("requestId") == number]


def alarms(scene: Scene) -> list[str]:
    return [one["type"] for one in scene.said("SecurityEventNotification")]


def states(scene: Scene, evse: int) -> list[str]:
    return [fact.state.value for fact in scene.told(OutletReported) if fact.evse == evse]


def version_told(scene: Scene) -> str:
    boot = scene.said("BootNotification")[-1]
    return str(boot.get("firmwareVersion") or boot["chargingStation"]["firmwareVersion"])


@pytest.mark.ocpp("1.6", "SignedUpdateFirmware", "SignedFirmwareStatusNotification")
@pytest.mark.ocpp("2.0.1 2.1", "UpdateFirmware", "FirmwareStatusNotification")
@EVERY
def test_signed_software_is_loaded_verified_installed_and_runs_after_the_restart(
    version: OcppVersion, name: str
) -> None:
    async def story(scene: Scene) -> None:
        shelf(scene)
        assert await update(scene) == "Accepted"
        await scene.wait(60)
        assert told(scene) == STEPS
        assert version_told(scene) == "2.1.0"
        assert scene.said("BootNotification")[-1].get("reason") == (None if version is V16 else "FirmwareUpdate")
        assert alarms(scene)[-1] == "FirmwareUpdated"
        assert states(scene, 1) == ["Available", "Unavailable", "Available"]

    play(version, name, story)


@pytest.mark.ocpp("1.6", "UpdateFirmware", "FirmwareStatusNotification")
def test_1_6_without_signatures_says_what_it_has_words_for() -> None:
    async def story(scene: Scene) -> None:
        shelf(scene)
        later = stamp(scene.clock.now() + timedelta(seconds=30))
        assert await scene.call("UpdateFirmware", {"location": URL, "retrieveDate": later}) == {}
        await scene.wait(5)
        await scene.status("TriggerMessage", {"requestedMessage": "FirmwareStatusNotification"})
        await scene.wait(80)
        assert told(scene, None) == ["Idle", "Downloading", "Downloaded", "Installing", "Installed"]
        assert version_told(scene) == "2.1.0"

    play(V16, "F1", story)


@TWO
def test_software_without_a_signature_is_installed_where_it_comes_without_a_certificate(
    version: OcppVersion, name: str
) -> None:
    async def story(scene: Scene) -> None:
        shelf(scene)
        assert await update(scene, firmware={}) == "Accepted"
        await scene.wait(60)
        assert told(scene) == PLAIN

    play(version, name, story)


def test_a_maker_may_sign_with_rsa() -> None:
    async def story(scene: Scene) -> None:
        shelf(scene)
        assert await update(scene, firmware=signed(rsa.generate_private_key(65_537, 2048))) == "Accepted"
        await scene.wait(60)
        assert told(scene) == STEPS

    play(V21, "V01", story)


def bad_certificates() -> dict[str, Json]:
    key = ec.generate_private_key(ec.SECP256R1())
    expired = issue("Signer", key.public_key(), MAKER.common, MAKER.key, days=-1)
    forged = issue("Signer", key.public_key(), MAKER.common, STRANGER.key)
    return {
        "expired": {"signingCertificate": pem(expired), "signature": sign(key)},
        "of a stranger": signed(maker=STRANGER),
        "in the maker's name": {"signingCertificate": pem(forged), "signature": sign(key)},
        "no certificate": {"signingCertificate": "nonsense", "signature": sign(key)},
        "a signature alone": {"signature": sign(key)},
    }


EACH = [(V16, "F1"), (V201, "V20"), (V21, "V01")]
BAD = [(*one, case) for one in EACH for case in bad_certificates() if one[0] is not V16 or case != "a signature alone"]


@pytest.mark.parametrize(("version", "name", "case"), BAD)
def test_a_certificate_that_is_not_the_maker_s_is_refused_before_anything_is_loaded(
    version: OcppVersion, name: str, case: str
) -> None:
    async def story(scene: Scene) -> None:
        shelf(scene)
        assert await update(scene, firmware=bad_certificates()[case]) == "InvalidCertificate"
        await scene.wait(10)
        assert told(scene) == []
        assert alarms(scene)[-1] == "InvalidFirmwareSigningCertificate"

    play(version, name, story)


@pytest.mark.parametrize(
    "signature",
    ["nonsense", sign(MAKER.key), sign(STRANGER.key), ""],
    ids=["nonsense", "the maker's", "a stranger's", "none"],
)
@EVERY
def test_a_file_that_its_signer_has_not_signed_is_never_installed(
    version: OcppVersion, name: str, signature: str
) -> None:
    async def story(scene: Scene) -> None:
        shelf(scene)
        assert await update(scene, firmware=signed() | {"signature": signature}) == "Accepted"
        await scene.wait(60)
        assert told(scene) == ["Downloading", "Downloaded", "InvalidSignature"]
        assert alarms(scene)[-1] == "InvalidFirmwareSignature"
        assert len(scene.said("BootNotification")) == 1
        assert states(scene, 1) == ["Available"]

    play(version, name, story)


@EVERY
def test_a_download_that_fails_is_tried_again_after_the_interval_and_then_given_up(
    version: OcppVersion, name: str
) -> None:
    async def story(scene: Scene) -> None:
        files = shelf(scene)
        missing = {"location": "http://192.0.2.1/none.bin"} | signed()
        assert await update(scene, 1, missing, retries=2, retryInterval=10) == "Accepted"
        await scene.wait(20)
        assert told(scene) == ["Downloading"]
        await scene.wait(5)
        assert told(scene) == ["Downloading", "DownloadFailed"]
        assert await update(scene, 2, missing, retries=2, retryInterval=10) == "Accepted"
        await scene.wait(8)
        files.files["http://192.0.2.1/none.bin"] = NEW
        await scene.wait(50)
        assert told(scene, 2) == STEPS

    play(version, name, story)


@pytest.mark.ocpp("2.0.1 2.1", "TriggerMessage")
@TWO
def test_asked_how_far_it_is_it_says_again_what_it_said_last(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        async def asked() -> Json:
            await scene.status("TriggerMessage", {"requestedMessage": "FirmwareStatusNotification"})
            await scene.wait(2)
            last: Json = scene.said("FirmwareStatusNotification")[-1]
            return last

        shelf(scene)
        assert await asked() == {"status": "Idle"}
        later = {"retrieveDateTime": stamp(scene.clock.now() + timedelta(seconds=30))}
        assert await update(scene, 7, signed() | later | {"signature": "AAAA"}) == "Accepted"
        assert await asked() == {"status": "DownloadScheduled", "requestId": 7}
        await scene.wait(40)
        assert await asked() == {"status": "InvalidSignature", "requestId": 7}
        assert await update(scene, 8) == "Accepted"
        await scene.wait(60)
        assert await asked() == {"status": "Idle"}
        assert told(scene, 7) == ["DownloadScheduled"] * 2 + ["Downloading", "Downloaded"] + ["InvalidSignature"] * 2

    play(version, name, story)


@EVERY
def test_software_waits_for_the_last_car_and_whoever_comes_meanwhile_finds_the_outlets_shut(
    version: OcppVersion, name: str
) -> None:
    async def story(scene: Scene) -> None:
        shelf(scene)
        await scene.park()
        assert await update(scene) == "Accepted"
        await scene.wait(120)
        assert told(scene)[-1] == "InstallScheduled"
        assert scene.twin.bays[1].transaction is not None
        if 2 in scene.twin.bays:
            assert states(scene, 2)[-1] == "Unavailable"
            assert not scene.twin.usable(2)
        scene.twin.unplug(1)
        await scene.wait(60)
        assert told(scene)[-3:] == ["Installing", "InstallRebooting", "Installed"]
        assert scene.events[-1].stopped_reason == "EVDisconnected"
        assert [scene.twin.usable(one) for one in scene.twin.bays] == [True] * len(scene.twin.bays)

    play(version, name, story)


def test_where_new_cars_are_allowed_meanwhile_the_outlets_stay_open() -> None:
    async def story(scene: Scene) -> None:
        shelf(scene)
        allowed = ("ChargingStation", "AllowNewSessionsPendingFirmwareUpdate", "true")
        assert await write(scene, *allowed) == "Accepted"
        await scene.park()
        assert await update(scene) == "Accepted"
        await scene.wait(20)
        assert (told(scene)[-1], states(scene, 2)[-1]) == ("InstallScheduled", "Available")
        await scene.park(evse=2)
        scene.twin.unplug(1)
        await scene.wait(20)
        assert told(scene)[-1] == "InstallScheduled"
        scene.twin.unplug(2)
        await scene.wait(60)
        assert told(scene)[-1] == "Installed"

    play(V21, "V01", story)


def test_software_is_installed_at_its_hour_and_not_before() -> None:
    async def story(scene: Scene) -> None:
        shelf(scene)
        hour = stamp(scene.clock.now() + timedelta(seconds=100))
        assert await update(scene, 1, signed() | {"installDateTime": hour}) == "Accepted"
        await scene.wait(95)
        assert (told(scene)[-1], states(scene, 1)[-1]) == ("InstallScheduled", "Available")
        await scene.wait(60)
        assert told(scene) == [*STEPS[:3], "InstallScheduled", *STEPS[3:]]

    play(V21, "V01", story)


def test_what_the_station_orders_of_an_outlet_meanwhile_holds_afterwards() -> None:
    async def story(scene: Scene) -> None:
        shelf(scene)
        await scene.park()
        await update(scene)
        await scene.wait(10)
        for number, word in ((1, "Operative"), (2, "Inoperative")):
            body = {"operationalStatus": word, "evse": {"id": number}}
            assert await scene.status("ChangeAvailability", body) == "Accepted"
        scene.twin.unplug(1)
        await scene.wait(5)
        assert states(scene, 1)[-1] == "Unavailable"
        await scene.wait(60)
        assert told(scene)[-1] == "Installed"
        assert (states(scene, 1)[-1], states(scene, 2)[-1]) == ("Available", "Unavailable")

    play(V21, "V01", story)


@EVERY
def test_a_newer_order_ends_the_older_and_gives_the_outlets_back_until_its_own_turn(
    version: OcppVersion, name: str
) -> None:
    async def story(scene: Scene) -> None:
        shelf(scene, **{"newer.bin": b"twin 3.0.0"})
        await scene.park()
        assert await update(scene, 1) == "Accepted"
        await scene.wait(10)
        scene.twin.unplug(1)
        later = stamp(scene.clock.now() + timedelta(seconds=60))
        newer = {"location": "http://192.0.2.1/newer.bin", "retrieveDateTime": later}
        assert await update(scene, 2, newer | signed(content=b"twin 3.0.0")) == "AcceptedCanceled"
        await scene.wait(30)
        assert states(scene, 1)[-1] == "Available"
        assert told(scene, 2) == ["DownloadScheduled"]
        await scene.wait(90)
        assert told(scene, 1)[-1] == "InstallScheduled"
        assert told(scene, 2) == ["DownloadScheduled", *STEPS]
        assert version_told(scene) == "3.0.0"

    play(version, name, story)


def test_a_file_that_comes_after_a_newer_order_is_not_taken_for_the_newer_one() -> None:
    async def story(scene: Scene) -> None:
        shelf(scene)
        scene.twin.files = files = SlowFiles({URL: NEW, "http://192.0.2.1/newer.bin": b"twin 3.0.0"})
        assert await update(scene, 1, {}) == "Accepted"
        await scene.wait(3)
        assert await update(scene, 2, {"location": "http://192.0.2.1/newer.bin"}) == "AcceptedCanceled"
        await scene.wait(3)
        files.arrive()
        await scene.wait(60)
        assert told(scene, 1) == ["Downloading"]
        assert (told(scene, 2), version_told(scene)) == (PLAIN, "3.0.0")

    play(V21, "V01", story)


@pytest.mark.parametrize("kind", ["Immediate", "OnIdle"])
def test_a_charger_that_is_restarted_while_it_installs_comes_back_with_the_new_software(kind: str) -> None:
    async def story(scene: Scene) -> None:
        shelf(scene)
        await update(scene)
        while told(scene)[-1:] != ["Installing"]:
            await scene.wait(1)
        assert await update(scene, 2) == "Rejected"
        assert await scene.status("Reset", {"type": kind}) == "Accepted"
        await scene.wait(90)
        assert list(dict.fromkeys(told(scene))) == STEPS
        assert told(scene).count("Installed") == 1
        assert version_told(scene) == "2.1.0"
        assert states(scene, 1)[-1] == "Available"

    play(V21, "V01", story)


def test_nothing_is_loaded_while_the_charger_is_switched_off() -> None:
    async def story(scene: Scene) -> None:
        shelf(scene)
        soon = {"retrieveDateTime": stamp(scene.clock.now() + timedelta(seconds=10))}
        await update(scene, 1, signed() | soon)
        await scene.status("Reset", {"type": "Immediate"})
        await scene.wait(15)
        assert scene.clock.monotonic() < scene.twin.down_until
        assert scene.twin.queued == 0
        await scene.wait(90)
        assert told(scene) == ["DownloadScheduled", *STEPS]

    play(V21, "V01", story)


def test_what_happened_while_the_line_was_lost_is_told_afterwards() -> None:
    async def story(scene: Scene) -> None:
        shelf(scene)
        await update(scene)
        scene.fault("link-lost")
        await scene.wait(60)
        assert told(scene) == ["Downloading"]
        scene.fault("link-lost", begins=False)
        await scene.wait(90)
        assert list(dict.fromkeys(told(scene))) == STEPS
        assert version_told(scene) == "2.1.0"

    play(V21, "V01", story)


def test_the_same_version_again_is_another_restart() -> None:
    async def story(scene: Scene) -> None:
        shelf(scene)
        for number in (1, 2):
            assert await update(scene, number) == "Accepted"
            await scene.wait(60)
            assert told(scene, number) == STEPS
        assert len(scene.said("BootNotification")) == 3

    play(V21, "V01", story)
