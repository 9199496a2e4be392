"""Whether a certificate is good: asked without being led astray, and passed on only when it is an answer (54, 78)."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.security.clocks import Manual
from tests.security.servers import Ca, issue, ok, sink
from voltide.domain.reports import CertificateQuery, Revocation
from voltide.security.fetch import Reach
from voltide.security.ocsp import Responders, read

LOOPBACK = ("127.0.0.0/8",)
CA = Ca.new("V2G sub 2")
LEAF = CA.leaf("EMAID")


def digest(content: bytes) -> str:
    found = hashes.Hash(hashes.SHA256())
    found.update(content)
    return found.finalize().hex()


def query(*urls: str, leaf: x509.Certificate = LEAF, ca: Ca = CA, **more) -> CertificateQuery:
    bits = ca.certificate.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    said = {
        "algorithm": "SHA256",
        "issuer_name_hash": digest(ca.certificate.subject.public_bytes()),
        "issuer_key_hash": digest(bits),
        "serial": f"{leaf.serial_number:x}",
        "urls": urls,
    }
    return CertificateQuery(**{**said, **more})


def answer(
    leaf=LEAF, ca=CA, state=ocsp.OCSPCertStatus.GOOD, *, since=-1, until=24, key=None, signer=None, chain=()
) -> bytes:
    now = datetime.now(UTC).replace(microsecond=0)
    revoked = state is ocsp.OCSPCertStatus.REVOKED
    built = ocsp.OCSPResponseBuilder().add_response(
        cert=leaf,
        issuer=ca.certificate,
        algorithm=hashes.SHA256(),
        cert_status=state,
        this_update=now + timedelta(hours=since),
        next_update=None if until is None else now + timedelta(hours=until),
        revocation_time=now if revoked else None,
        revocation_reason=None,
    )
    built = built.responder_id(ocsp.OCSPResponderEncoding.HASH, signer or ca.certificate)
    if chain:
        built = built.certificates(chain)
    return built.sign(key or ca.key, hashes.SHA256()).public_bytes(Encoding.DER)


class Now(Manual):
    def __init__(self) -> None:
        super().__init__(datetime.now(UTC) - timedelta(seconds=1000))


def test_an_answer_about_the_certificate_is_passed_on_as_it_came_and_kept():
    async def story():
        said = answer()
        async with sink(lambda *_: ok(said, "application/ocsp-response")) as there:
            clock = Now()
            responders = Responders(Reach.to([there.url], LOOPBACK), [CA.certificate], clock)
            for _ in range(3):
                told = await responders.ask(query(there.url))
                assert told is not None
                assert base64.b64decode(told.text) == said
                assert (told.state, told.proved) == (Revocation.GOOD, True)
            assert there.hits == 1
            assert "application/ocsp-request" in there.heads[0]
            clock.go(hours=25)
            assert await responders.ask(query(there.url)) is None  # what it says has ended too
            assert there.hits == 2

    asyncio.run(story())


def test_the_responder_is_asked_about_this_certificate_by_its_hashes():
    seen = []

    def look(_head: str, body: bytes) -> bytes:
        seen.append(ocsp.load_der_ocsp_request(body))
        return ok(answer())

    async def story():
        async with sink(look) as there:
            assert await Responders(Reach.to([there.url], LOOPBACK), [], Now()).ask(query(there.url)) is not None

    asyncio.run(story())
    (request,) = seen
    assert request.serial_number == LEAF.serial_number
    assert request.issuer_name_hash.hex() == query().issuer_name_hash
    assert request.issuer_key_hash.hex() == query().issuer_key_hash


OTHER = Ca.new("V2G sub 2")
DELEGATE = ec.generate_private_key(ec.SECP256R1())
NAMED = CA.leaf("responder", DELEGATE.public_key(), uses=[ExtendedKeyUsageOID.OCSP_SIGNING])
UNNAMED = CA.leaf("no responder", DELEGATE.public_key(), uses=[ExtendedKeyUsageOID.SERVER_AUTH])
ENDED = issue("old", DELEGATE.public_key(), "V2G sub 2", CA.key, uses=[ExtendedKeyUsageOID.OCSP_SIGNING], days=-0.5)
NO_ANSWER = {
    "a web page": b"<html>root:x:0:0</html>",
    "nothing": b"",
    "a refusal": ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER).public_bytes(
        Encoding.DER
    ),
    "an answer about another certificate": answer(CA.leaf("another")),
    "an answer of another authority of the same name": answer(OTHER.leaf("x"), OTHER),
    "an answer that has ended": answer(since=-48, until=-1),
    "an answer of the future": answer(since=2, until=24),
    "an answer that another key signed": answer(key=OTHER.key, signer=OTHER.certificate),
    "an answer of somebody who was not named for it": answer(key=DELEGATE, signer=UNNAMED, chain=[UNNAMED]),
    "an answer of somebody whose time is over": answer(key=DELEGATE, signer=ENDED, chain=[ENDED]),
    "an answer with a bit turned": answer()[:-4] + bytes([answer()[-4] ^ 1]) + answer()[-3:],
}


@pytest.mark.parametrize("name", NO_ANSWER)
def test_what_is_no_answer_about_this_certificate_is_never_passed_on(name):
    assert read(NO_ANSWER[name], query(), [CA.certificate], datetime.now(UTC)) is None


def test_a_responder_that_the_authority_has_named_may_answer():
    said = answer(key=DELEGATE, signer=NAMED, chain=[NAMED], state=ocsp.OCSPCertStatus.REVOKED)
    told = read(said, query(), [CA.certificate], datetime.now(UTC))
    assert told is not None
    assert (told.state, told.proved) == (Revocation.REVOKED, True)


def test_of_an_authority_that_we_do_not_know_nothing_is_proved():
    told = read(answer(), query(), [], datetime.now(UTC))
    assert told is not None
    assert not told.proved


def test_an_answer_without_a_date_is_kept_for_an_hour_only():
    told = read(answer(until=None), query(), [], datetime.now(UTC))
    assert told is not None
    assert told.until <= datetime.now(UTC) + timedelta(hours=1)


def test_a_responder_that_is_down_is_left_alone_and_asked_again_later():
    async def story():
        async with sink(lambda *_: None) as there:
            clock = Now()
            reach = Reach(origins=Reach.to([there.url]).origins, networks=Reach.to([], LOOPBACK).networks, seconds=0.1)
            responders = Responders(reach, [], clock)
            for _ in range(50):
                assert await responders.ask(query(there.url)) is None
            assert there.hits == 1
            there.answer = lambda *_: ok(answer())
            clock.go(seconds=61)
            assert await responders.ask(query(there.url)) is not None

    asyncio.run(story())


@pytest.mark.parametrize(
    "more",
    [
        {"algorithm": "MD5"}, {"serial": "xyz"}, {"serial": ""}, {"serial": "-5"}, {"issuer_name_hash": "zz"},
        {"issuer_key_hash": "00"}, {"serial": "f" * 400}, {"algorithm": "SHA512"},
    ],
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_asked_of_nobody_or_answered_by_nothing(more):
    async def story():
        async with sink(lambda *_: ok(answer())) as there:
            assert await Responders(Reach.to([there.url], LOOPBACK), [], Now()).ask(query(there.url, **more)) is None

    asyncio.run(story())


def test_what_is_kept_is_bounded(monkeypatch):
    monkeypatch.setattr("voltide.security.ocsp.KEPT", 5)
    leaves = [CA.leaf(f"car {number}") for number in range(20)]

    def reply(_head: str, body: bytes) -> bytes:
        serial = ocsp.load_der_ocsp_request(body).serial_number
        return ok(answer(next(leaf for leaf in leaves if leaf.serial_number == serial)))

    async def story():
        async with sink(reply) as there:
            responders = Responders(Reach.to([there.url], LOOPBACK), [], Now())
            for leaf in leaves:
                assert await responders.ask(query(there.url, leaf=leaf)) is not None
            assert len(responders._kept) == 5

    asyncio.run(story())
