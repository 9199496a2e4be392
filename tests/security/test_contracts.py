"""What cars ask of their own PKI is passed on to one address, and what is no answer is a failure (block M)."""

import asyncio
import json
import ssl
from ipaddress import ip_address

import pytest
from cryptography import x509

from tests.security.servers import Ca, https, ok, sink
from voltide.domain.reports import ContractAsked, ContractGiven
from voltide.security.contracts import HttpContracts, NoContracts
from voltide.security.fetch import Reach

ASKED = ContractAsked(schema="urn:iso:15118:2:2013:MsgDef", action="Install", exi="gAAB", most_chains=3, emaids=("A",))
LOOPBACK = ("127.0.0.0/8",)


def test_a_request_goes_to_the_pki_under_tls_and_its_answer_comes_back(tmp_path):
    ca, seen = Ca.new(), []

    def reply(head: str, body: bytes) -> bytes:
        seen.append((head, json.loads(body)))
        return ok(json.dumps({"status": "Accepted", "exiResponse": "gBBC", "remainingContracts": 2}).encode())

    async def story():
        async with sink(reply, https(tmp_path, ca, x509.IPAddress(ip_address("127.0.0.1")))) as there:
            reach = Reach.to([there.url], LOOPBACK, ssl.create_default_context(cadata=ca.pem))
            return await HttpContracts(f"{there.url}/contracts", reach, "Basic eDp5").give(ASKED)

    assert asyncio.run(story()) == ContractGiven(accepted=True, exi="gBBC", remaining=2)
    ((head, body),) = seen
    assert "POST /contracts HTTP/1.1" in head
    assert "Authorization: Basic eDp5" in head
    assert body == {
        "iso15118SchemaVersion": ASKED.schema,
        "action": "Install",
        "exiRequest": "gAAB",
        "maximumContractCertificateChains": 3,
        "prioritizedEMAIDs": ["A"],
    }


@pytest.mark.parametrize(
    "said",
    [
        b'{"status": "Failed", "exiResponse": "x"}', b"{}", b"[]", b"no json", b"", b"\xff\xfe", b"[" * 5_000,
        b'{"status": "Accepted"}', b'{"status": "Accepted", "exiResponse": 5}',
        json.dumps({"status": "Accepted", "exiResponse": "x" * 20_000}).encode(),
        b'{"status": "Accepted", "exiResponse": "x", "remainingContracts": "many"}',
    ],
)  # fmt: skip
def test_any_other_answer_is_a_failure_and_nothing_of_it_is_passed_on(said):
    async def story():
        async with sink(lambda *_: ok(said)) as there:
            return await HttpContracts(there.url, Reach.to([there.url], LOOPBACK)).give(ASKED)

    assert asyncio.run(story()) == ContractGiven(accepted=False)


def test_without_a_pki_and_with_one_that_is_down_it_fails():
    async def story():
        assert await NoContracts().give(ASKED) == ContractGiven(accepted=False)
        async with sink() as there:
            url = there.url
        assert await HttpContracts(url, Reach.to([url], LOOPBACK)).give(ASKED) == ContractGiven(accepted=False)

    asyncio.run(story())
