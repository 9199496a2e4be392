"""A listener's certificate changes while it listens, and no line is lost for it (row 77)."""

import asyncio
import contextlib
import ssl
from datetime import timedelta

import pytest
from cryptography import x509

from tests.security.clocks import Manual
from tests.station.locked import prove, request
from voltide.security import csr, names, tls
from voltide.security.own import OwnAuthority, Terms
from voltide.security.pki import CHARGER


def test_a_new_certificate_is_shown_to_the_next_and_the_lines_before_go_on(tmp_path):
    clock = Manual(at=_now())
    authority = OwnAuthority(tmp_path, Terms(organisation="Corner Power"), clock)
    context = tls.context(mutual=False, refused=lambda _why: None)
    tls.show([context], authority.server(("localhost",))[0])

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    async def story():
        server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        trust = ssl.create_default_context(cadata="".join(authority.chain()))

        async def dial():
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust, server_hostname="localhost")
            shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
            return reader, writer, x509.load_der_x509_certificate(shown).serial_number

        reader, writer, first = await dial()
        seen = {first}
        for _ in range(5):
            clock.go(hours=1)
            tls.show([context], authority.server(("localhost",))[0])
            _, other, serial = await dial()
            seen.add(serial)
            other.close()
            writer.write(b"still here\n")
            assert await reader.readline() == b"still here\n"
        assert len(seen) == 6
        writer.close()
        server.close()

    asyncio.run(story())


def _now():
    from datetime import UTC, datetime  # noqa: PLC0415 - OpenSSL goes by the machine's clock

    return datetime.now(UTC) - timedelta(seconds=1000) - timedelta(hours=6)


def test_a_handshake_that_fails_for_the_certificate_says_so(tmp_path):
    why = []
    authority = OwnAuthority(tmp_path, Terms(organisation="x"), Manual(at=_now()))
    context = tls.context(mutual=True, refused=why.append)
    tls.show([context], authority.server(("localhost",))[0])
    tls.trust(context, authority.chain())

    async def story():
        server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        trust = ssl.create_default_context(cadata="".join(authority.chain()))
        trust.maximum_version = ssl.TLSVersion.TLSv1_2
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            await asyncio.open_connection("127.0.0.1", port, ssl=trust, server_hostname="localhost")
        server.close()

    asyncio.run(story())
    assert why == ["no certificate"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_charger_that_takes_up_its_old_session_is_known_by_its_certificate_again(tmp_path, version):
    """A thousand chargers that return at once do so by ticket; the door must still see who each one is."""
    authority = OwnAuthority(tmp_path, Terms(organisation="Corner Power"), Manual(at=_now()))
    context = tls.context(mutual=True, refused=lambda _why: None)
    tls.show([context], authority.server(("localhost",))[0])
    tls.trust(context, authority.chain())
    pem, key = request("V1")
    asked = csr.check(pem, CHARGER, "V1", frozenset({"V1"}), "Corner Power")
    proof = prove(tmp_path / "charger", "V1", authority.sign_now(asked).chain, key)
    charger = ssl.create_default_context(cadata="".join(authority.chain()))
    charger.load_cert_chain(proof.chain, proof.key)
    charger.minimum_version = charger.maximum_version = version
    shown, session = [], None
    for _ in range(3):
        there, here = _shake(context, charger, session)
        shown.append((there.session_reused, names.read(there.getpeercert(binary_form=True)).common))
        session = here.session
    assert shown == [(False, "V1"), (True, "V1"), (True, "V1")]


def _shake(server: ssl.SSLContext, client: ssl.SSLContext, session) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """A handshake in memory, and one byte each way, so that the ticket has arrived."""
    to_server, from_server, to_client, from_client = (ssl.MemoryBIO() for _ in range(4))
    there = server.wrap_bio(to_server, from_server, server_side=True)
    here = client.wrap_bio(to_client, from_client, server_hostname="localhost", session=session)
    steps = [here.do_handshake, there.do_handshake]
    while steps:
        for step in list(steps):
            with contextlib.suppress(ssl.SSLWantReadError):
                step()
                steps.remove(step)
            to_server.write(from_client.read())
            to_client.write(from_server.read())
    there.write(b"x")
    to_client.write(from_server.read())
    assert here.read(1) == b"x"
    return there, here


def test_a_listener_has_one_ticket_and_no_renegotiation():
    context = tls.context(mutual=True, refused=lambda _why: None)
    assert context.num_tickets == 1
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    for option in (ssl.OP_NO_COMPRESSION, ssl.OP_NO_RENEGOTIATION, ssl.OP_CIPHER_SERVER_PREFERENCE):
        assert context.options & option
