"""Authorities outside: a folder in which a person signs, and a server that speaks EST."""

import asyncio
import base64
import stat
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import serialize_certificates
from cryptography.x509.oid import NameOID

from tests.security.servers import Ca, ok, pem, sink
from tests.security.test_csr import made
from voltide.domain.reports import Revocation
from voltide.security import csr
from voltide.security.fetch import Reach
from voltide.security.outside import EstAuthority, FolderAuthority
from voltide.security.pki import CHARGER, Issued, Later, Request

LOOPBACK = ("127.0.0.0/8",)
KEY = ec.generate_private_key(ec.SECP256R1())


@cache
def request() -> Request:
    found = csr.check(made(key=KEY), CHARGER, "V1", frozenset({"V1"}), "Corner Power")
    assert isinstance(found, Request)
    return found


def signed(ca: Ca, pem_text: str) -> x509.Certificate:
    asked = x509.load_pem_x509_csr(pem_text.encode())
    common = str(asked.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)
    return ca.leaf(common, asked.public_key(), organisation="Corner Power")


def test_a_person_signs_in_a_folder_and_the_answer_is_found_when_asked_again(tmp_path):
    ca = Ca.new()
    roots = tmp_path / "roots.pem"
    roots.write_text(ca.pem, encoding="utf-8")
    authority = FolderAuthority(tmp_path / "ca", roots)
    assert asyncio.run(authority.sign(request())) == Later()
    assert asyncio.run(authority.sign(request())) == Later()
    (asked,) = (tmp_path / "ca" / "requests").iterdir()
    assert asked.name.startswith("V1-")
    assert stat.S_IMODE(asked.stat().st_mode) == 0o600
    (tmp_path / "ca" / "answers").mkdir()
    leaf = signed(ca, asked.read_text())
    (tmp_path / "ca" / "answers" / f"{asked.stem}.pem").write_text(pem(ca.certificate, leaf), encoding="utf-8")
    answer = asyncio.run(authority.sign(request()))
    assert answer == Issued(chain=pem(leaf))  # the charger's own first, and no root
    assert asyncio.run(authority.sign(request())) == answer
    assert authority.chain() == (ca.pem,)


def test_what_a_folder_takes_back_is_listed(tmp_path):
    authority = FolderAuthority(tmp_path, None)
    assert asyncio.run(authority.status("5f")) is Revocation.UNKNOWN
    asyncio.run(authority.revoke("5f"))
    assert asyncio.run(authority.status("5f")) is Revocation.REVOKED
    assert authority.chain() == ()


def test_an_answer_for_another_key_is_none(tmp_path):
    ca = Ca.new()
    authority = FolderAuthority(tmp_path, None)
    asyncio.run(authority.sign(request()))
    (asked,) = (tmp_path / "requests").iterdir()
    (tmp_path / "answers").mkdir()
    answer = tmp_path / "answers" / f"{asked.stem}.pem"
    for wrong in (pem(ca.leaf("V1")), "no certificate", "", "x" * 70_000):
        answer.write_text(wrong, encoding="utf-8")
        with pytest.raises(OSError, match=r"another key|no certificates|too long"):
            asyncio.run(authority.sign(request()))


def est(reply):
    async def story():
        async with sink(reply) as there:
            authority = EstAuthority(
                f"{there.url}/.well-known/est", Reach.to([there.url], LOOPBACK), "Basic eDp5", None
            )
            return await authority.sign(request()), there

    return asyncio.run(story())


def test_an_est_server_signs():
    ca = Ca.new()

    def reply(head: str, body: bytes) -> bytes:
        assert "POST /.well-known/est/simpleenroll " in head
        assert "Content-Type: application/pkcs10" in head
        assert "Authorization: Basic eDp5" in head
        asked = x509.load_der_x509_csr(base64.b64decode(body)).public_bytes(Encoding.PEM).decode()
        made_of = serialize_certificates([signed(ca, asked), ca.certificate], Encoding.DER)
        return ok(base64.encodebytes(made_of), "application/pkcs7-mime")

    answer, there = est(reply)
    assert isinstance(answer, Issued)
    assert x509.load_pem_x509_certificate(answer.chain.encode()).public_key() == KEY.public_key()
    assert there.hits == 1


def test_an_est_server_may_say_later():
    answer, _ = est(lambda *_: ok(b"", status="202 Accepted", more="Retry-After: 3600\r\n"))
    assert answer == Later()


@pytest.mark.parametrize("said", [ok(b"no certificates"), ok(b"", status="401 Unauthorized"), ok(b"!!!"), b""])
def test_an_est_server_that_does_not_sign_is_an_authority_that_cannot_be_reached(said):
    with pytest.raises(OSError, match=r".+"):
        est(lambda *_: said)


def test_an_est_server_s_answer_for_another_key_is_none():
    ca = Ca.new()
    made_of = base64.encodebytes(serialize_certificates([ca.leaf("V1")], Encoding.DER))
    with pytest.raises(OSError, match="another key"):
        est(lambda *_: ok(made_of))
