"""Keys and certificates of a charger (A02, A03, M)."""

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509 import ocsp

from tests.twin.blocks.authority import Authority, issue, pem
from tests.twin.scene import V16, V21, V201, Scene, play
from voltide.domain.messages import Json
from voltide.domain.site import OcppVersion
from voltide.twin.blocks.certificates import Certificates

ALL = pytest.mark.parametrize(("version", "name"), [(V16, "F1"), (V201, "V20"), (V21, "V01")])
OWN = "ChargingStationCertificate"


def root_kind(version: OcppVersion) -> str:
    return "CentralSystemRootCertificate" if version is V16 else "CSMSRootCertificate"


async def install(scene: Scene, text: str, kind: str | None = None) -> str:
    body = {"certificateType": kind or root_kind(scene.twin.version), "certificate": text}
    return await scene.status("InstallCertificate", body)


async def listed(scene: Scene) -> list[Json]:
    asked = {"certificateType": root_kind(V16)} if scene.twin.version is V16 else {}
    answer = await scene.call("GetInstalledCertificateIds", asked)
    if answer["status"] == "NotFound":
        return []
    if scene.twin.version is V16:
        return list(answer["certificateHashData"])
    return [row["certificateHashData"] for row in answer["certificateHashDataChain"]]


async def ask(scene: Scene, message: str = "SignChargingStationCertificate") -> Json:
    """Have it ask for a certificate; gives what it asked."""
    old = scene.twin.version is V16
    scene.depot.answers["SignCertificate"] = {"status": "Accepted"}
    action = "ExtendedTriggerMessage" if old else "TriggerMessage"
    message = "SignChargePointCertificate" if old else message
    assert await scene.status(action, {"requestedMessage": message}) == "Accepted"
    await scene.wait(2)
    told: Json = scene.said("SignCertificate")[-1]
    return told


async def give(scene: Scene, chain: str, asked: Json) -> str:
    more = {key: asked[key] for key in ("certificateType", "requestId") if key in asked}
    return await scene.status("CertificateSigned", {"certificateChain": chain} | more)


@pytest.mark.ocpp("1.6 2.0.1 2.1", "InstallCertificate", "GetInstalledCertificateIds", "DeleteCertificate")
@ALL
def test_roots_are_installed_listed_by_their_hashes_and_deleted(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        one, two = Authority("One"), Authority("Two")
        assert await listed(scene) == []
        assert await install(scene, pem(one.root)) == "Accepted"
        assert await install(scene, pem(one.root)) == "Accepted"
        assert await install(scene, pem(two.root)) == "Accepted"
        assert await install(scene, "no certificate") == "Rejected"
        stale = issue("Old", one.key.public_key(), "Old", one.key, ca=True, days=-1)
        assert await install(scene, pem(stale)) == "Rejected"
        hashes_ = await listed(scene)
        assert len(hashes_) == 2
        oracle = ocsp.OCSPRequestBuilder().add_certificate(one.root, one.root, hashes.SHA256()).build()
        assert hashes_[0]["issuerNameHash"] == oracle.issuer_name_hash.hex()
        assert hashes_[0]["issuerKeyHash"] == oracle.issuer_key_hash.hex()
        assert hashes_[0]["serialNumber"] == f"{oracle.serial_number:x}"
        shouted = {key: value.upper() for key, value in hashes_[0].items()}
        assert await scene.status("DeleteCertificate", {"certificateHashData": shouted}) == "Accepted"
        assert await scene.status("DeleteCertificate", {"certificateHashData": hashes_[0]}) == "NotFound"
        assert await listed(scene) == hashes_[1:]

    play(version, name, story)


@pytest.mark.ocpp("1.6 2.0.1 2.1", "SignCertificate", "CertificateSigned")
@ALL
def test_a_charger_asks_for_a_certificate_and_takes_the_right_one_only(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        ours, theirs = Authority("Ours"), Authority("Theirs")
        assert await install(scene, pem(ours.root)) == "Accepted"
        asked = await ask(scene)
        if version is V21:
            assert await give(scene, ours.sign(asked["csr"]), asked | {"requestId": 99}) == "Rejected"
        request = x509.load_pem_x509_csr(asked["csr"].encode())
        assert name in request.subject.rfc4514_string()
        assert asked.get("certificateType") == (None if version is V16 else OWN)
        assert await give(scene, theirs.sign(asked["csr"]), asked) == "Rejected"
        assert await give(scene, ours.sign(asked["csr"], days=-1), asked) == "Rejected"
        other = issue(name, theirs.key.public_key(), "Ours", ours.key)
        assert await give(scene, pem(other), asked) == "Rejected"
        assert await give(scene, ours.sign(asked["csr"]), asked) == "Accepted"
        assert await give(scene, ours.sign(asked["csr"]), asked) == "Rejected"
        await scene.wait(2)
        assert OWN in scene.twin.vault.own
        told = [one["type"] for one in scene.said("SecurityEventNotification")]
        assert told.count("InvalidChargingStationCertificate") >= 4

    play(version, name, story)


def test_a_request_that_leads_to_nothing_is_repeated_with_more_patience_and_then_given_up() -> None:
    async def story(scene: Scene) -> None:
        await ask(scene)
        began = scene.clock.monotonic()
        await scene.wait(500)
        assert len(scene.said("SignCertificate")) == 3
        assert len({one["csr"] for one in scene.said("SignCertificate")}) == 3
        numbers = [one["requestId"] for one in scene.said("SignCertificate")]
        assert numbers == [1, 2, 3]
        assert scene.clock.monotonic() - began >= 500
        scene.depot.answers["SignCertificate"] = {"status": "Rejected"}
        await scene.status("TriggerMessage", {"requestedMessage": "SignChargingStationCertificate"})
        await scene.wait(300)
        assert len(scene.said("SignCertificate")) == 4

    play(V21, "V01", story)


@pytest.mark.ocpp("2.1", "SignCertificate", "GetInstalledCertificateIds")
def test_a_certificate_for_cars_is_asked_for_listed_with_its_chain_and_deleted() -> None:
    async def story(scene: Scene) -> None:
        authority = Authority("V2G")
        assert await install(scene, pem(authority.root), "V2GRootCertificate") == "Accepted"
        asked = await ask(scene, "SignV2G20Certificate")
        assert asked["certificateType"] == "V2G20Certificate"
        assert await give(scene, authority.sign(asked["csr"]), asked) == "Accepted"
        answer = await scene.call("GetInstalledCertificateIds", {"certificateType": ["V2GCertificateChain"]})
        [row] = answer["certificateHashDataChain"]
        assert row["certificateType"] == "V2GCertificateChain"
        body = {"certificateHashData": row["certificateHashData"]}
        assert await scene.status("DeleteCertificate", body) == "Accepted"
        assert await scene.status("DeleteCertificate", body) == "NotFound"

    play(V21, "V01", story)


def test_the_charger_s_own_certificate_is_replaced_but_never_deleted() -> None:
    async def story(scene: Scene) -> None:
        authority = Authority()
        await install(scene, pem(authority.root))
        asked = await ask(scene)
        await give(scene, authority.sign(asked["csr"]), asked)
        own = scene.twin.vault.own[OWN].chain[0]
        oracle = ocsp.OCSPRequestBuilder().add_certificate(own, authority.root, hashes.SHA256()).build()
        body = {
            "hashAlgorithm": "SHA256",
            "issuerNameHash": oracle.issuer_name_hash.hex(),
            "issuerKeyHash": oracle.issuer_key_hash.hex(),
            "serialNumber": f"{oracle.serial_number:x}",
        }
        assert await scene.status("DeleteCertificate", {"certificateHashData": body}) == "Failed"

    play(V21, "V01", story)


@pytest.mark.ocpp("2.1", "GetCertificateStatus", "GetCertificateChainStatus", "Get15118EVCertificate")
def test_what_a_car_needs_is_asked_of_the_station() -> None:
    async def story(scene: Scene) -> None:
        await install(scene, pem(Authority().root))
        [hashed] = await listed(scene)
        heard: list[Json] = []
        block = scene.twin.part(Certificates)
        block.ask_status(hashed, "http://ocsp.example.com/", heard.append)
        block.ask_chain([hashed], ["http://ocsp.example.com/"], heard.append)
        block.ask_contract("ZXhp", heard.append)
        await scene.wait(3)
        assert [answer.get("status") for answer in heard] == ["Failed", None, "Failed"]
        assert heard[1]["certificateStatus"][0]["status"] == "Failed"
        assert scene.said("GetCertificateStatus")[0]["ocspRequestData"]["responderURL"] == "http://ocsp.example.com/"

    play(V21, "V01", story)
