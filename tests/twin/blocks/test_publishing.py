"""What a local controller loads for the chargers around it, and takes back (L03, L04)."""

import hashlib

import pytest

from tests.twin.blocks.maker import NEW, URL, SlowFiles, shelf
from tests.twin.scene import V21, V201, Scene, play
from voltide.domain.messages import Json
from voltide.domain.site import OcppVersion

TWO = pytest.mark.parametrize(("version", "name"), [(V201, "V20"), (V21, "V01")])
DIGEST = hashlib.md5(NEW, usedforsecurity=False).hexdigest()


async def publish(scene: Scene, number: int = 1, checksum: str = DIGEST, location: str = URL, **more: object) -> str:
    return await scene.status(
        "PublishFirmware", {"requestId": number, "location": location, "checksum": checksum} | more
    )


def told(scene: Scene, number: int = 1) -> list[str]:
    said = scene.said("PublishFirmwareStatusNotification")
    return [one["status"] for one in said if one.get("requestId") == number]


async def asked(scene: Scene) -> Json:
    await scene.status("TriggerMessage", {"requestedMessage": "PublishFirmwareStatusNotification"})
    await scene.wait(2)
    last: Json = scene.said("PublishFirmwareStatusNotification")[-1]
    return last


@pytest.mark.ocpp("2.0.1 2.1", "PublishFirmware", "PublishFirmwareStatusNotification", "UnpublishFirmware")
@TWO
def test_software_is_loaded_once_held_against_its_digest_published_and_taken_back(
    version: OcppVersion, name: str
) -> None:
    async def story(scene: Scene) -> None:
        shelf(scene)
        assert await scene.status("UnpublishFirmware", {"checksum": DIGEST}) == "NoFirmware"
        assert await publish(scene, checksum=DIGEST.upper()) == "Accepted"
        await scene.wait(5)
        assert told(scene) == ["Downloading", "Downloaded", "ChecksumVerified", "Published"]
        places = scene.said("PublishFirmwareStatusNotification")[-1]["location"]
        assert places == [f"{way}://{name}.local/{DIGEST}" for way in ("http", "https")]
        assert await asked(scene) == {"status": "Idle"}
        assert await scene.status("UnpublishFirmware", {"checksum": DIGEST}) == "Unpublished"
        assert await scene.status("UnpublishFirmware", {"checksum": DIGEST}) == "NoFirmware"

    play(version, name, story)


@TWO
def test_another_file_than_the_one_that_was_meant_is_not_published(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        shelf(scene)
        assert await publish(scene, 4, "0" * 32) == "Accepted"
        await scene.wait(5)
        assert told(scene, 4) == ["Downloading", "Downloaded", "InvalidChecksum"]
        assert await asked(scene) == {"status": "InvalidChecksum", "requestId": 4}
        assert await scene.status("UnpublishFirmware", {"checksum": "0" * 32}) == "NoFirmware"

    play(version, name, story)


@TWO
def test_a_controller_tries_again_and_then_gives_up(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        files, where = shelf(scene), "http://192.0.2.1/later.bin"
        assert await publish(scene, 1, location=where, retries=1, retryInterval=10) == "Accepted"
        await scene.wait(8)
        assert told(scene, 1) == ["Downloading"]
        await scene.wait(6)
        assert told(scene, 1) == ["Downloading", "DownloadFailed"]
        assert await publish(scene, 2, location=where, retries=1, retryInterval=10) == "Accepted"
        await scene.wait(8)
        files.files[where] = NEW
        await scene.wait(6)
        assert told(scene, 2)[-1] == "Published"

    play(version, name, story)


def test_what_is_still_being_loaded_is_not_taken_back_and_a_newer_order_for_it_counts_alone() -> None:
    async def story(scene: Scene) -> None:
        scene.twin.files = files = SlowFiles({URL: NEW})
        assert await publish(scene, 1) == "Accepted"
        await scene.wait(3)
        assert await scene.status("UnpublishFirmware", {"checksum": DIGEST}) == "DownloadOngoing"
        assert await publish(scene, 2) == "Accepted"
        await scene.wait(3)
        files.arrive()
        await scene.wait(3)
        assert told(scene, 1) == ["Downloading"]
        assert told(scene, 2)[-1] == "Published"

    play(V21, "V01", story)
