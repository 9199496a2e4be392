"""What happens at the door and with a charger's proofs, told from outside: over real sockets, with real TLS."""

import asyncio
import base64
import contextlib
import json
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from tests.security.servers import Ca, https, ok, sink
from tests.security.test_ocsp import CA, LEAF, answer, query
from tests.station.guarded import Box, stamp
from tests.station.locked import CAPTURED, Locked, certify, locked, request, until
from voltide.backbone import registry, schema
from voltide.backbone.store import rows
from voltide.domain.time import millis
from voltide.station import moves

HASHES = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": query().issuer_name_hash,
    "issuerKeyHash": query().issuer_key_hash,
    "serialNumber": query().serial,
}


def now_ms() -> int:
    return millis(datetime.now(UTC))


async def picture(house: Locked) -> dict:
    page = next(line.rpartition(" ")[2] for line in house.said if line.startswith("operator page"))

    def read() -> dict | None:
        try:
            with urllib.request.urlopen(f"{page}api/picture", timeout=10) as found:
                return json.loads(found.read())
        except urllib.error.HTTPError:  # not drawn in time on a busy machine
            return None

    async with asyncio.timeout(20):
        while (found := await asyncio.to_thread(read)) is None:
            await asyncio.sleep(0.1)
    return found


async def alarmed(house: Locked, code: str, subject: str) -> None:
    async with asyncio.timeout(20):
        while not any((a["code"], a["subject"]) == (code, subject) for a in (await picture(house))["alarms"]):
            await asyncio.sleep(0.2)


def errand(house: Locked, what: str) -> dict:
    found = [row for row in registry.every_errand(house.engine) if row["what"] == what]
    return found[0] if found else {"state": "none", "detail": ""}


def want(house: Locked, identity: str, what: str, **body) -> None:
    registry.want(house.engine, identity, what, body, now_ms())


async def ended(house: Locked, what: str, state: str, seconds: float = 25.0) -> dict:
    async with asyncio.timeout(seconds):
        while errand(house, what)["state"] not in {"done", "failed"}:
            await asyncio.sleep(0.05)
    assert errand(house, what)["state"] == state, errand(house, what)
    return errand(house, what)


# --- certificates: asked, judged, signed, given (rows 61 and 77) ---


@pytest.mark.ocpp("1.6 2.0.1 2.1", "SignCertificate", "CertificateSigned")
@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
def test_a_charger_asks_for_its_certificate_gets_it_and_comes_in_with_it(tmp_path, version):
    async def story():
        async with locked(tmp_path) as house:
            box = Box(house, "V1", version, house.add("V1", 2), profile=2)
            async with box.on():
                number = 77 if version == "2.1" else None
                assert (await box.ask_for_certificate(number=number))["status"] == "Accepted"
                await until(lambda: box.given)
                assert box.given[0].get("requestId") == number
                (row,) = registry.issued_to(house.engine, "V1")
                leaf = x509.load_pem_x509_certificate(box.given[0]["certificateChain"].encode())
                assert row["serial"] == f"{leaf.serial_number:x}"
                await until(lambda: house.log("certificate-given"))
            registry.set_profile(house.engine, "V1", 3)
            box.profile = 3
            async with box.on():
                assert box.came_at == 3

    asyncio.run(story())


def test_a_request_that_is_not_honest_is_refused_and_nothing_is_issued(tmp_path):
    weak = rsa.generate_private_key(65_537, 1024)  # noqa: S505 - that it is refused is the point

    async def story():
        async with locked(tmp_path) as house:
            box = Box(house, "V1", "2.1", house.add("V1", 2), profile=2)
            house.add("V2", 2)
            async with box.on():
                refused = [
                    await box.ask_for_certificate("V2"),
                    await box.ask_for_certificate(organisation="Other Power"),
                    await box.send_request(request("V1", key=weak)[0]),
                    await box.send_request("no request"),
                ]
                assert [one["status"] for one in refused] == ["Rejected"] * 4
                assert {one["statusInfo"]["reasonCode"] for one in refused} == {"InvalidCSR"}
                v2g = await box.send_request(request("V1")[0], kind="V2GCertificate")
                assert (v2g["status"], v2g["statusInfo"]["reasonCode"]) == ("Rejected", "UnsupportedRequest")
                await until(lambda: len(house.log("csr-refused")) == 5)
            assert rows(house.engine, schema.certificates.select()) == []
            assert box.given == []

    asyncio.run(story())


def test_a_number_that_was_another_request_before_is_refused_and_the_same_request_is_signed_once(tmp_path):
    async def story():
        async with locked(tmp_path) as house:
            box = Box(house, "V1", "2.1", house.add("V1", 2), profile=2)
            async with box.on():
                box.deaf.add("CertificateSigned")  # so the first is still being given
                pem, box.key = request("V1")
                assert (await box.send_request(pem, 5))["status"] == "Accepted"
                assert (await box.send_request(pem, 5))["status"] == "Accepted"
                other = await box.send_request(request("V1")[0], 5)
                assert (other["status"], other["statusInfo"]["reasonCode"]) == ("Rejected", "DuplicateRequestId")
                await until(lambda: box.count("CertificateSigned") == 1)
                assert len(registry.issued_to(house.engine, "V1")) == 1

    asyncio.run(story())


def test_a_charger_that_asks_without_end_is_held_back(tmp_path):
    async def story():
        async with locked(tmp_path) as house:
            box = Box(house, "V1", "2.1", house.add("V1", 2), profile=2)
            async with box.on():
                seen = [(await box.ask_for_certificate("V2"))["status"] for _ in range(6)]
                assert seen == ["Rejected"] * 6
                assert (await box.ask_for_certificate())["status"] == "Rejected"
            assert rows(house.engine, schema.certificates.select()) == []
            assert "an hour" in house.log("csr-refused")[-1]["detail"]

    asyncio.run(story())


def test_a_certificate_that_could_not_be_given_is_given_after_a_restart(tmp_path, monkeypatch):
    monkeypatch.setattr("voltide.wardens.EACH_MINUTE", 0.5)

    async def story():
        async with locked(tmp_path) as house:
            box = Box(house, "V1", "2.1", house.add("V1", 2), profile=2)
            box.deaf.add("CertificateSigned")
            async with box.on():
                assert (await box.ask_for_certificate(number=9))["status"] == "Accepted"
                await until(lambda: box.count("CertificateSigned") == 1)
        async with locked(tmp_path) as house:
            box.house = house
            box.deaf.clear()
            async with box.on():
                await until(lambda: box.given, 90)
                assert box.given[0]["requestId"] == 9
                assert len(registry.issued_to(house.engine, "V1")) == 1

    asyncio.run(story())


def test_an_authority_outside_signs_later_and_the_charger_gets_it_then(tmp_path, monkeypatch):
    monkeypatch.setattr("voltide.wardens.EACH_MINUTE", 0.5)
    ca, folder, roots = Ca.new(), tmp_path / "ca", tmp_path / "roots.pem"
    roots.write_text(ca.pem, encoding="utf-8")
    toml = CAPTURED + f'outside = "{folder}"\nclient_roots = "{roots}"\n'

    async def story():
        async with locked(tmp_path, toml) as house:
            box = Box(house, "V1", "2.0.1", house.add("V1", 2), profile=2)
            async with box.on():
                assert (await box.ask_for_certificate())["status"] == "Accepted"
                await until(lambda: list(folder.glob("requests/*.csr")))
                (asked,) = folder.glob("requests/*.csr")
                assert registry.issued_to(house.engine, "V1") == []
                signed = ca.leaf(
                    "V1", x509.load_pem_x509_csr(asked.read_bytes()).public_key(), organisation="Corner Power"
                )
                (folder / "answers").mkdir()
                (folder / "answers" / f"{asked.stem}.pem").write_bytes(signed.public_bytes(Encoding.PEM))
                await until(lambda: box.given)
                await until(lambda: house.log("certificate-given"))
            registry.set_profile(house.engine, "V1", 3)
            box.profile = 3
            async with box.on():
                assert box.came_at == 3

    asyncio.run(story())


# --- passwords (A01) ---


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
def test_a_password_is_changed_and_the_old_one_is_dead_once_the_new_one_was_used(tmp_path, version, capfd):
    async def story():
        async with locked(tmp_path) as house:
            old = house.add("V1", 2)
            box = Box(house, "V1", version, old, profile=2)
            async with box.on():
                want(house, "V1", "rotate")
                await until(lambda: box.secret != old, 25)
                await until(lambda: house.log("secret-changed"), 25)
                new = box.secret
                assert len(new) >= 32
                assert await house.outcome(2, "V1", old) == 401
                await ended(house, "rotate", "done")
            assert await house.outcome(2, "V1", new) == 101
            return old, new, house.data

    old, new, data = asyncio.run(story())
    told = capfd.readouterr()
    for secret in (old, new):
        assert secret not in told.out + told.err
        assert not any(secret.encode() in file.read_bytes() for file in data.iterdir() if file.is_file())


def test_a_password_that_a_charger_does_not_take_never_opens_the_door(tmp_path):
    async def story():
        async with locked(tmp_path) as house:
            old = house.add("V1", 1)
            box = Box(house, "V1", "2.1", old)
            box.refuses.add("SetVariables")
            async with box.on():
                want(house, "V1", "rotate")
                assert "Rejected" in (await ended(house, "rotate", "failed"))["detail"]
                offered = _offered(box)
                assert await house.outcome(1, "V1", offered) == 401
                assert await house.outcome(1, "V1", old) == 101
            await alarmed(house, "errand-failed", "V1")

    asyncio.run(story())


def _offered(box: Box) -> str:
    for action, payload in box.heard:
        for one in payload.get("setVariableData", []):
            if action == "SetVariables" and one["variable"]["name"] == "BasicAuthPassword":
                return one["attributeValue"]
    raise AssertionError("it was never told")


def test_where_nobody_knows_whether_it_was_taken_every_password_is_good_until_it_comes(tmp_path):
    """Also a second change on top of the first: no order of lost answers locks a charger out."""
    keys = ["aa" * 20, "bb" * 20, "cc" * 20]

    async def story():
        async with locked(tmp_path) as house:
            old = house.add("V1", 1)
            for place, key in enumerate(keys):
                registry.promise_secret(house.engine, "V1", house.keys.mac("V1", key), place + 1)
            assert await house.outcome(1, "V1", keys[1]) == 101
            await until(lambda: house.log("secret-changed"))
            assert await house.outcome(1, "V1", old) == 401
            assert await house.outcome(1, "V1", keys[0]) == 401
            assert await house.outcome(1, "V1", keys[1]) == 101
            assert await house.outcome(1, "V1", keys[2]) == 101

    asyncio.run(story())


# --- moves between security profiles (row 63) ---


@pytest.mark.ocpp("2.0.1 2.1", "SetNetworkProfile", "InstallCertificate", "TriggerMessage", "CertificateSigned")
@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_a_charger_moves_from_1_to_2_to_3_and_is_never_lost(tmp_path, version):
    async def story():
        async with locked(tmp_path) as house:
            secret = house.add("V1", 1)
            box = Box(house, "V1", version, secret)
            async with box.on():
                for to in (2, 3):
                    want(house, "V1", "move", profile=to)
                    await ended(house, "move", "done", 40)
                    await until(lambda to=to: box.came_at == to)
                    assert registry.one(house.engine, "V1")["profile"] == to
                    assert await house.outcome(1, "V1", secret) == 401
                assert box.roots
                assert box.given
                assert await house.outcome(2, "V1", secret) == 401
                changed = [row["detail"] for row in house.log("profile-changed")]
                assert changed == ["1 to 2", "2 to 3"]

    asyncio.run(story())


@pytest.mark.ocpp("1.6", "ExtendedTriggerMessage", "InstallCertificate", "SignCertificate", "CertificateSigned")
def test_a_1_6_charger_moves_by_its_key(tmp_path):
    async def story():
        async with locked(tmp_path) as house:
            box = Box(house, "V1", "1.6", house.add("V1", 1))
            async with box.on():
                for to in (2, 3):
                    want(house, "V1", "move", profile=to)
                    await ended(house, "move", "done", 40)
                    await until(lambda to=to: box.came_at == to)
                told = [payload for action, payload in box.heard if action == "ChangeConfiguration"]
                assert {"key": "CpoName", "value": "Corner Power"} in told
                assert box.count("InstallCertificate") == 2  # once for each move

    asyncio.run(story())


def test_a_charger_that_does_not_find_its_new_way_goes_on_by_the_old_one(tmp_path, monkeypatch):
    monkeypatch.setattr(moves, "RETURN_WITHIN", timedelta(seconds=4))

    async def story():
        async with locked(tmp_path) as house:
            secret = house.add("V1", 1)
            box = Box(house, "V1", "2.1", secret)
            box.keeps_old_way = True
            async with box.on():
                want(house, "V1", "move", profile=2)
                assert "did not come" in (await ended(house, "move", "failed", 40))["detail"]
                assert box.came_at == 1
                assert box.priority == "1"  # as it was before
                assert registry.one(house.engine, "V1")["profile"] == 1
                assert await house.outcome(2, "V1", secret) == 401
            await alarmed(house, "errand-failed", "V1")

    asyncio.run(story())


@pytest.mark.parametrize("refused", ["InstallCertificate", "SetNetworkProfile", "SetVariables", "Reset"])
def test_a_charger_that_refuses_a_step_stays_where_it_is(tmp_path, refused):
    async def story():
        async with locked(tmp_path) as house:
            secret = house.add("V1", 1)
            box = Box(house, "V1", "2.1", secret)
            async with box.on():
                await until(lambda: box.count("SetVariables") > 2)  # what every charger is told at its start
                box.refuses.add(refused)
                want(house, "V1", "move", profile=2)
                await ended(house, "move", "failed", 40)
                assert await house.outcome(2, "V1", secret) == 401
            assert registry.one(house.engine, "V1")["profile"] == 1

    asyncio.run(story())


def test_a_charger_without_a_certificate_does_not_move_to_3(tmp_path, monkeypatch):
    monkeypatch.setattr(moves, "CERTIFIED_WITHIN", timedelta(seconds=3))

    async def story():
        async with locked(tmp_path) as house:
            box = Box(house, "V1", "2.1", house.add("V1", 2), profile=2)
            box.deaf.add("TriggerMessage")
            box.heard.clear()
            async with box.on():
                want(house, "V1", "move", profile=3)
                assert "certificate" in (await ended(house, "move", "failed", 60))["detail"]
                assert box.count("SetNetworkProfile") == 0

    asyncio.run(story())


@pytest.mark.parametrize(
    ("here", "to", "version", "lower", "goes"),
    [(3, 2, "2.1", True, True), (3, 2, "2.1", False, False), (3, 2, "2.0.1", True, False), (2, 1, "2.1", True, False)],
)
def test_no_charger_goes_down_but_a_2_1_charger_from_3_to_2_when_it_is_meant(tmp_path, here, to, version, lower, goes):
    async def story():
        async with locked(tmp_path) as house:
            secret = house.add("V1", here)
            box = Box(house, "V1", version, secret, profile=here)
            box.proof = certify(house, "V1")
            async with box.on():
                want(house, "V1", "move", profile=to, lower=lower)
                await ended(house, "move", "done" if goes else "failed", 40)
            assert registry.one(house.engine, "V1")["profile"] == (to if goes else here)
            assert bool(house.log("profile-changed")) is goes

    asyncio.run(story())


# --- questions that chargers have passed on (rows 54 and 78) ---


def with_responder(url: str, *more: str) -> str:
    return CAPTURED + "\n".join([f'ocsp = ["{url}"]', 'private_networks = ["127.0.0.0/8"]', *more]) + "\n"


@pytest.mark.ocpp("2.0.1 2.1", "GetCertificateStatus")
@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
def test_a_charger_cannot_make_us_knock_where_we_were_not_told_to(tmp_path, version):
    async def story():
        async with (
            sink(lambda *_: ok(answer())) as there,
            sink() as inner,
            locked(tmp_path, with_responder(there.url)) as house,
        ):
            box = Box(house, "V1", version, house.add("V1", 1))
            async with box.on():
                for url in (
                    inner.url, f"{inner.url}/../", f"http://localhost:{inner.port}", "http://169.254.169.254/", "",
                    f"http://x@127.0.0.1:{inner.port}", f"{there.url}@127.0.0.1:{inner.port}/", "file:///etc/passwd",
                ):  # fmt: skip
                    said = await box.call("GetCertificateStatus", {"ocspRequestData": {**HASHES, "responderURL": url}})
                    assert said == {"status": "Failed"}, url
                assert (inner.hits, there.hits) == (0, 0)
                said = await box.call(
                    "GetCertificateStatus", {"ocspRequestData": {**HASHES, "responderURL": f"{there.url}/ocsp"}}
                )
                assert said["status"] == "Accepted"
                assert base64.b64decode(said["ocspResult"])
                there.answer = lambda *_: ok(b"root:x:0:0:secret")
                other = {**HASHES, "serialNumber": "abc"}
                said = await box.call("GetCertificateStatus", {"ocspRequestData": {**other, "responderURL": there.url}})
                assert said == {"status": "Failed"}

    asyncio.run(story())


@pytest.mark.ocpp("2.1", "GetCertificateChainStatus")
def test_of_a_chain_only_what_a_known_authority_has_signed_is_good(tmp_path):
    roots = tmp_path / "v2g.pem"
    roots.write_text(CA.pem, encoding="utf-8")

    async def story():
        async with (
            sink(lambda *_: ok(answer())) as there,
            locked(tmp_path, with_responder(there.url, f'v2g_roots = "{roots}"')) as house,
        ):
            box = Box(house, "V1", "2.1", house.add("V1", 1))
            async with box.on():
                asked = [
                    {"certificateHashData": HASHES, "source": "OCSP", "urls": [there.url]},
                    {"certificateHashData": {**HASHES, "serialNumber": "5"}, "source": "OCSP", "urls": [there.url]},
                    {"certificateHashData": HASHES, "source": "CRL", "urls": ["http://crl.example/x"]},
                ]
                said = await box.call("GetCertificateChainStatus", {"certificateStatusRequests": asked})
                assert [one["status"] for one in said["certificateStatus"]][:2] == ["Good", "Failed"]
                assert said["certificateStatus"][0]["certificateHashData"]["serialNumber"] == f"{LEAF.serial_number:x}"

    asyncio.run(story())


def test_with_every_responder_and_authority_down_chargers_come_in_and_work(tmp_path):
    """Row 78: a soft fail. Nothing at the door rests on anybody else."""

    async def story():
        async with (
            sink(lambda *_: None) as silent,
            locked(tmp_path, with_responder(silent.url, f'outside = "{silent.url.replace("http", "https")}"')) as house,
        ):
            box = Box(house, "V1", "2.1", house.add("V1", 3), profile=3)
            box.proof = certify(house, "V1")
            async with box.on():
                asked = {"ocspRequestData": {**HASHES, "responderURL": silent.url}}
                assert await box.call("GetCertificateStatus", asked) == {"status": "Failed"}
                assert await box.call("GetCertificateStatus", asked) == {"status": "Failed"}
                assert silent.hits == 1  # the second one waited for nobody
                assert "currentTime" in await box.call("Heartbeat", {})
                assert (await box.ask_for_certificate())["status"] == "Accepted"
            assert await house.outcome(3, "V1", None, house.tls(box.proof)) == 101
            await alarmed(house, "authority-silent", "pki")

    asyncio.run(story())


@pytest.mark.ocpp("2.0.1", "Get15118EVCertificate")
def test_a_car_s_contract_comes_from_the_pki_that_the_file_names(tmp_path):
    ca = Ca.new()
    (tmp_path / "tls.pem").write_text(ca.pem, encoding="utf-8")

    async def story():
        given = json.dumps({"status": "Accepted", "exiResponse": "gBBC"}).encode()
        tls = https(tmp_path, ca, x509.IPAddress(ip_address("127.0.0.1")))
        async with sink(lambda *_: ok(given), tls) as there:
            more = (
                f'contracts = "{there.url}/contracts"', 'private_networks = ["127.0.0.0/8"]',
                f'tls_roots = "{tmp_path / "tls.pem"}"',
            )  # fmt: skip
            async with locked(tmp_path, CAPTURED + "\n".join(more) + "\n") as house:
                box = Box(house, "V1", "2.0.1", house.add("V1", 1))
                async with box.on():
                    asked = {
                        "iso15118SchemaVersion": "urn:iso:15118:2:2013:MsgDef",
                        "action": "Install",
                        "exiRequest": "g",
                    }
                    said = await box.call("Get15118EVCertificate", asked)
                    assert said == {"status": "Accepted", "exiResponse": "gBBC"}

    asyncio.run(story())


# --- the security log ---


@pytest.mark.ocpp("2.1", "SecurityEventNotification")
def test_what_a_charger_reports_of_its_security_is_kept_and_the_grave_is_an_alarm(tmp_path):
    async def story():
        async with locked(tmp_path) as house:
            box = Box(house, "V1", "2.1", house.add("V1", 1))
            async with box.on():
                for kind in ("StartupOfTheDevice", "TamperDetectionActivated"):
                    told = {"type": kind, "timestamp": stamp(), "techInfo": f"{kind}: <b>lid</b>"}
                    assert await box.call("SecurityEventNotification", told) == {}
                assert [row["kind"] for row in house.log() if row["charger"] == "V1"][:2] == [
                    "StartupOfTheDevice",
                    "TamperDetectionActivated",
                ]
                await alarmed(house, "security-event", "V1")

    asyncio.run(story())


def test_a_spray_of_many_names_from_one_address_is_slowed_and_the_right_charger_comes_in(tmp_path):
    async def story():
        async with locked(tmp_path) as house:
            secret = house.add("V1", 1)
            seen = [await house.outcome(1, f"GUESS{number}", "x" * 40) for number in range(40)]
            assert seen == [404] * 30 + [429] * 10
            assert await house.outcome(1, "V1", "wrong") == 429
            assert await house.outcome(1, "V1", secret) == 101
            await until(lambda: len(house.log("unknown-charger")) >= 10)
            assert len(house.log("unknown-charger")) == 10  # of one address in one minute; the rest is counted

    asyncio.run(story())


def test_one_name_has_ten_wrong_tries_a_minute_and_the_right_charger_comes_in(tmp_path):
    async def story():
        async with locked(tmp_path) as house:
            secret = house.add("V1", 2)
            seen = [await house.outcome(2, "V1", f"guess{number}") for number in range(12)]
            assert seen == [401] * 10 + [429] * 2
            await alarmed(house, "charger-turned-away", "V1")
            assert await house.outcome(2, "V1", secret) == 101
            async with asyncio.timeout(15):
                while any(one["code"] == "charger-turned-away" for one in (await picture(house))["alarms"]):
                    await asyncio.sleep(0.1)

    asyncio.run(story())


def test_whoever_could_not_come_in_any_more_does_not_stay(tmp_path, monkeypatch):
    monkeypatch.setattr("voltide.wardens.EACH_ROUND", 0.2)

    async def story():
        async with locked(tmp_path) as house:
            secrets = {name: house.add(name, 1) for name in ("V1", "V2", "N1")}
            house.add("F1", 3)
            proof = certify(house, "F1")
            lines = {name: await house.dial(1, name, secret) for name, secret in secrets.items()}
            lines["F1"] = await house.dial(3, "F1", None, house.tls(proof))
            registry.remove(house.engine, "V1", 5)
            registry.set_profile(house.engine, "V2", 2)
            registry.revoke(house.engine, registry.issued_to(house.engine, "F1")[0]["serial"], 5)
            for name in ("V1", "V2", "F1"):
                await asyncio.wait_for(lines[name].wait_closed(), 10)
            await lines["N1"].send('[2,"a","Heartbeat",{}]')
            assert "currentTime" in await asyncio.wait_for(lines["N1"].recv(), 10)

    asyncio.run(story())


# --- the same name twice (rows 33 and 34) ---


def test_a_second_line_takes_over_only_with_the_right_proof_and_the_first_is_closed(tmp_path):
    async def story():
        async with locked(tmp_path) as house:
            secret = house.add("V1", 2)
            first = await house.dial(2, "V1", secret)
            assert await house.outcome(2, "V1", "wrong") == 401
            await first.send('[2,"a","Heartbeat",{}]')
            assert json.loads(await asyncio.wait_for(first.recv(), 5))[1] == "a"
            second = await house.dial(2, "V1", secret)
            await asyncio.wait_for(first.wait_closed(), 5)
            assert first.close_code == 1001
            await second.send('[2,"b","Heartbeat",{}]')
            assert json.loads(await asyncio.wait_for(second.recv(), 5))[1] == "b"
            await second.close()

    asyncio.run(story())


def test_two_that_take_each_other_s_line_are_an_alarm(tmp_path):
    async def story():
        async with locked(tmp_path) as house:
            secret = house.add("V1", 1)
            async with contextlib.AsyncExitStack() as stack:
                for _ in range(6):
                    socket = await house.dial(1, "V1", secret)
                    stack.push_async_callback(socket.close)
                await alarmed(house, "charger-flaps", "V1")

    asyncio.run(story())
