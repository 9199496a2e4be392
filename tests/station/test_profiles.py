"""Who comes in at which listener: every security profile against every proof, over real sockets and real TLS."""

import asyncio
import contextlib
import ssl
import warnings
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.station.locked import CAPTURED, certify, locked, prove, until
from voltide import live
from voltide.backbone import registry
from voltide.security import names

AWAY = {
    401,
    404,
    429,
    "SSLError",
    "SSLCertVerificationError",
    "ConnectionResetError",
    "EOFError",
    "BrokenPipeError",
    "TimeoutError",
    "InvalidMessage",
}


@pytest.mark.parametrize("registered", range(4))
def test_a_charger_comes_in_at_its_own_profile_alone_whatever_else_it_can_prove(tmp_path, registered):
    async def story():
        async with locked(tmp_path) as house:
            secret = house.add("V1", registered)
            proof = certify(house, "V1")
            for profile in range(4):
                seen = await house.outcome(profile, "V1", secret, house.tls(proof))
                assert seen == (101 if profile == registered else 401), (profile, seen)
            wrong = {row["detail"] for row in house.log("wrong-profile")}
            await until(lambda: len(house.log("wrong-profile")) == 3)
            assert all(f"is registered for {registered}" in detail for detail in wrong)

    asyncio.run(story())


@pytest.mark.parametrize("profile", [1, 2])
def test_nobody_comes_in_by_a_password_that_is_not_their_own(tmp_path, profile):
    async def story():
        async with locked(tmp_path) as house:
            right, other = house.add("V1", profile), house.add("V2", profile)
            house.add("F1", profile)
            tries = {
                "no password": await house.outcome(profile, "V1"),
                "a wrong one": await house.outcome(profile, "V1", "f" * 40),
                "an empty one": await house.outcome(profile, "V1", ""),
                "another charger's": await house.outcome(profile, "V1", other),
                "another's user": await house.outcome(profile, "V1", right, user="V2"),
                "another's path": await house.outcome(profile, "V2", right, user="V1"),
                "its mac": await house.outcome(profile, "V1", registry.one(house.engine, "V1")["secret_mac"]),
            }
            assert set(tries.values()) == {401}, tries
            assert await house.outcome(profile, "V9", right) == 404
            assert await house.outcome(profile, "V1", right) == 101
            assert registry.schema.sessions is not None

    asyncio.run(story())


def test_nobody_comes_in_by_a_certificate_that_is_not_their_own(tmp_path):
    async def story():
        async with locked(tmp_path) as house:
            secret = house.add("V1", 3)
            house.add("V2", 3)
            good, other = certify(house, "V1"), certify(house, "V2")
            unrecorded = certify(house, "V1", record=False)
            misnamed = certify(house, "V1", common="V2")
            revoked = certify(house, "V1")
            registry.revoke(house.engine, names.of_pem(revoked.chain.read_text()).serial, 1)
            tries = {
                "no certificate": await house.outcome(3, "V1", secret),
                "another charger's": await house.outcome(3, "V1", None, house.tls(other)),
                "one that we signed and never gave": await house.outcome(3, "V1", None, house.tls(unrecorded)),
                "one that names another": await house.outcome(3, "V1", None, house.tls(misnamed)),
                "a revoked one": await house.outcome(3, "V1", None, house.tls(revoked)),
                "one of its own making": await house.outcome(3, "V1", None, house.tls(_stranger(tmp_path))),
                "its own at another's path": await house.outcome(3, "V2", None, house.tls(good)),
            }
            assert all(seen in AWAY for seen in tries.values()), tries
            assert await house.outcome(3, "V1", None, house.tls(good)) == 101
            await until(lambda: {row["charger"] for row in house.log("foreign-certificate")} >= {"V1", "V2"})
            details = " ".join(row["detail"] for row in house.log("foreign-certificate"))
            for why in ("no certificate", "it is of 'V2'", "did not issue", "revoked"):
                assert why in details, why

    asyncio.run(story())


def _stranger(tmp_path):
    """A certificate with all the right names, of an authority that nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, "V1"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Corner Power"),
        ]
    )
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return prove(tmp_path / "stranger", "V1", made.public_bytes(Encoding.PEM).decode(), key)


def test_a_charger_may_be_known_by_the_serial_number_in_its_certificate(tmp_path):
    async def story():
        async with locked(tmp_path) as house:
            house.add("V1", 3)
            proof = certify(house, "V1", common="SN-0815")
            assert await house.outcome(3, "V1", None, house.tls(proof)) == 401
            registry.set_name(house.engine, "V1", "SN-0815")
            assert await house.outcome(3, "V1", None, house.tls(proof)) == 101

    asyncio.run(story())


def test_a_charger_is_added_and_taken_away_while_the_station_runs(tmp_path):
    async def story():
        async with locked(tmp_path) as house:
            assert await house.outcome(1, "V1", "f" * 40) == 404
            secret = house.add("V1", 1)
            assert await house.outcome(1, "V1", secret) == 101
            assert registry.remove(house.engine, "V1")
            assert await house.outcome(1, "V1", secret) == 404
            again = house.add("V1", 1)
            assert await house.outcome(1, "V1", secret) == 401
            assert await house.outcome(1, "V1", again) == 101

    asyncio.run(story())


def test_a_new_secret_and_the_old_one_are_good_until_it_is_known_which_the_charger_has(tmp_path):
    async def story():
        async with locked(tmp_path) as house:
            old = house.add("V1", 2)
            new = "ab" * 20
            registry.promise_secret(house.engine, "V1", house.keys.mac("V1", new), 1)
            assert await house.outcome(2, "V1", old) == 101
            assert await house.outcome(2, "V1", new) == 101
            await until(lambda: registry.one(house.engine, "V1")["secret_mac"] == house.keys.mac("V1", new))
            assert await house.outcome(2, "V1", old) == 401
            assert await house.outcome(2, "V1", new) == 101

    asyncio.run(story())


def test_a_charger_that_moves_may_come_at_both_profiles_and_then_at_the_new_one_alone(tmp_path):
    async def story():
        async with locked(tmp_path) as house:
            secret = house.add("V1", 1)
            registry.allow_profile(house.engine, "V1", 2, 2**53)
            assert await house.outcome(1, "V1", secret) == 101
            assert await house.outcome(2, "V1", secret) == 101
            await until(lambda: registry.one(house.engine, "V1")["profile"] == 2)
            assert await house.outcome(1, "V1", secret) == 401
            assert await house.outcome(2, "V1", secret) == 101
            registry.allow_profile(house.engine, "V1", 3, 1)  # a time that is over
            assert await house.outcome(3, "V1", None, house.tls(certify(house, "V1"))) == 401

    asyncio.run(story())


def test_secrets_that_a_charger_says_as_bytes_are_the_same_secrets(tmp_path):
    keys = live.keyring(tmp_path)
    kept = keys.mac("V1", "ab" * 20)
    said = bytes.fromhex("ab" * 20).decode("utf-8", errors="surrogateescape")
    assert keys.fits("V1", said, kept)
    assert not keys.fits("V2", said, kept)
    assert not keys.fits("V1", said[:-1], kept)


# --- TLS itself -------------------------------------------------------------------------------------------------------


def test_tls_is_1_2_or_better_without_compression_and_with_the_suites_of_ocpp(tmp_path):
    async def story():
        async with locked(tmp_path) as house:
            secret = house.add("V1", 2)
            for suite, kind in (
                ("ECDHE-ECDSA-AES128-GCM-SHA256", ec.EllipticCurvePublicKey),
                ("ECDHE-ECDSA-AES256-GCM-SHA384", ec.EllipticCurvePublicKey),
                ("AES128-GCM-SHA256", rsa.RSAPublicKey),
                ("AES256-GCM-SHA384", rsa.RSAPublicKey),
            ):
                tls = house.tls()
                tls.maximum_version = ssl.TLSVersion.TLSv1_2
                tls.set_ciphers(suite)
                socket = await house.dial(2, "V1", secret, tls)
                shown = socket.transport.get_extra_info("ssl_object")
                assert shown.cipher()[0] == suite
                assert shown.compression() is None
                assert isinstance(x509.load_der_x509_certificate(shown.getpeercert(True)).public_key(), kind)
                await socket.close()
            for suite in ("ECDHE-ECDSA-AES128-SHA", "AES128-SHA256"):
                tls = house.tls()
                tls.maximum_version = ssl.TLSVersion.TLSv1_2
                tls.set_ciphers(suite)
                assert await house.outcome(2, "V1", secret, tls) in AWAY
            old = house.tls()
            old.minimum_version = ssl.TLSVersion.TLSv1
            old.maximum_version = ssl.TLSVersion.TLSv1_1
            old.set_ciphers("ALL:@SECLEVEL=0")
            assert await house.outcome(2, "V1", secret, old) in AWAY

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # TLS 1.1 is meant
        asyncio.run(story())


def test_plain_speech_at_a_tls_door_and_tls_at_a_plain_one_come_to_nothing(tmp_path):
    async def story():
        async with locked(tmp_path) as house:
            secret = house.add("V1", 2)
            reader, writer = await asyncio.open_connection("127.0.0.1", int(house.doors[2].split(":")[2].split("/")[0]))
            writer.write(b"GET /ocpp/V1 HTTP/1.1\r\nHost: x\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                assert b"101" not in await reader.read()
            writer.close()
            house.doors[2] = house.doors[1].replace("ws://", "wss://")
            assert await house.outcome(2, "V1", secret) in AWAY

    asyncio.run(story())


def test_the_door_shows_a_certificate_of_at_most_a_day_that_bears_its_names(tmp_path):
    async def story():
        toml = CAPTURED.replace(
            'organisation = "Corner Power"', 'organisation = "Corner Power"\nnames = ["csms.corner.example"]'
        )
        async with locked(tmp_path, toml) as house:
            secret = house.add("V1", 2)
            socket = await house.dial(2, "V1", secret)
            shown = x509.load_der_x509_certificate(
                socket.transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
            )
            await socket.close()
            assert shown.not_valid_after_utc - datetime.now(UTC) <= timedelta(hours=24)
            named = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            assert "csms.corner.example" in named.get_values_for_type(x509.DNSName)
            assert shown.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "csms.corner.example"

    asyncio.run(story())


def test_only_the_listeners_that_the_file_names_are_open(tmp_path):
    async def story():
        toml = CAPTURED.replace('listen = ["open", "basic", "tls", "mutual-tls"]', 'listen = ["mutual-tls"]')
        async with locked(tmp_path, toml) as house:
            assert list(house.doors) == [3]
            assert [line for line in house.said if "ws://" in line] == []

    asyncio.run(story())


def test_the_plain_door_without_a_password_is_shut_unless_the_file_names_it(tmp_path):
    async def story():
        async with locked(tmp_path, CAPTURED.replace('listen = ["open", "basic", "tls", "mutual-tls"]\n', "")) as house:
            assert list(house.doors) == [1, 2, 3]
            assert not any(line.startswith("open charger door") for line in house.said)

    asyncio.run(story())
