"""Row 54: whoever can name an address can still not make us knock anywhere that we were not told to."""

import asyncio
import socket
import ssl
from ipaddress import ip_address, ip_network

import pytest
from cryptography import x509

from tests.security.servers import Ca, https, ok, sink
from voltide.security import fetch
from voltide.security.fetch import NotFetchedError, Origin, Question, Reach, ask

LOOPBACK = ("127.0.0.0/8",)


def question(url: str, **more) -> Question:
    return Question(url=url, body=b"?", kind="application/ocsp-request", accept="*/*", **more)


async def refused(url: str, reach: Reach) -> str:
    with pytest.raises(NotFetchedError) as why:
        await ask(question(url), reach)
    return str(why.value)


def test_a_listed_origin_is_asked_once_and_nothing_of_it_is_kept_open():
    async def story():
        async with sink() as there:
            answer = await ask(question(f"{there.url}/path?x=1"), Reach.to([there.url], LOOPBACK))
            assert (answer.status, answer.kind, answer.body) == (200, "text/plain", b"hello")
            assert there.hits == 1
            assert there.heads[0].startswith("POST /path?x=1 HTTP/1.1")
            assert f"Host: 127.0.0.1:{there.port}" in there.heads[0]

    asyncio.run(story())


def test_no_trick_of_an_address_reaches_a_server_of_ours():
    """The sink stands on loopback; its port is on the list under other names. It must see nobody."""

    async def story():
        async with sink() as there, sink(host="::1") as six:
            port, listed = there.port, f"http://ocsp.example.org:{there.port}"
            reach = Reach.to([listed, there.url, f"http://localhost:{port}", f"http://[::1]:{six.port}"])
            urls = [
                there.url, f"http://localhost:{port}/", f"http://[::1]:{six.port}/", f"http://127.1:{port}/",
                f"http://2130706433:{port}/", f"http://0x7f.0.0.1:{port}/", f"http://0177.0.0.1:{port}/",
                f"http://[::ffff:127.0.0.1]:{port}/", f"http://[64:ff9b::7f00:1]:{port}/",
                f"http://[2002:7f00:1::]:{port}/", f"http://0.0.0.0:{port}/", f"http://[::]:{port}/",
                f"http://ocsp.example.org@127.0.0.1:{port}/", f"http://127.0.0.1:{port}#@ocsp.example.org/",
                f"http://ocsp.example.org:{port}\\@127.0.0.1:{port}/", f"http://127.0.0.1:{port}\r\nHost: x/",
                f"http://ocsp.example.org%00.127.0.0.1:{port}/", f"http://ⓛocalhost:{port}/",
                f"gopher://127.0.0.1:{port}/", f"file://127.0.0.1:{port}/etc/passwd", f"//127.0.0.1:{port}/",
                f"http:127.0.0.1:{port}", "http://", "", "http://[", f"http://127.0.0.1:{port + 70_000}/",
                f"ftp://127.0.0.1:{port}/", "unix:/var/run/docker.sock", f"HTTP://LOCALHOST.:{port}/",
                "http://169.254.169.254/latest/meta-data/",
            ]  # fmt: skip
            for url in urls:
                await refused(url, reach)
            assert (there.hits, six.hits) == (0, 0)

    asyncio.run(story())


def test_an_origin_that_is_not_listed_is_not_even_resolved(monkeypatch):
    looked_up = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **_: looked_up.append(args) or [])
    reach = Reach.to(["http://ocsp.example.org"])
    for url in ("http://evil.example/", "https://ocsp.example.org/", "http://ocsp.example.org:8080/"):
        assert "not on the list" in asyncio.run(refused(url, reach))
    assert looked_up == []


def resolving(monkeypatch, *answers: list[str]) -> list[str]:
    """A name server of our own; gives the names that were asked."""
    asked, rounds = [], list(answers)

    def look_up(host, port, **_):
        asked.append(host)
        found = rounds.pop(0) if len(rounds) > 1 else rounds[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.1", "224.0.0.1",
        "255.255.255.255", "198.18.0.1", "192.0.2.1", "240.0.0.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1",
        "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2001:db8::1", "::ffff:169.254.169.254",
    ],
)  # fmt: skip
def test_a_listed_name_that_points_into_a_network_of_ours_is_not_dialled(monkeypatch, address):
    resolving(monkeypatch, [address])
    assert "not a public address" in asyncio.run(
        refused("http://ocsp.example.org/", Reach.to(["http://ocsp.example.org"]))
    )


def test_a_name_that_points_inside_and_outside_at_once_is_not_dialled(monkeypatch):
    resolving(monkeypatch, ["93.184.216.34", "127.0.0.1"])
    assert "127.0.0.1" in asyncio.run(refused("http://ocsp.example.org/", Reach.to(["http://ocsp.example.org"])))


def test_a_name_is_resolved_once_so_it_cannot_change_between_the_look_and_the_knock(monkeypatch):
    async def story():
        async with sink() as there:
            asked = resolving(monkeypatch, ["127.0.0.1"], ["10.0.0.1"])
            url = f"http://ocsp.example.org:{there.port}"
            await ask(question(url), Reach.to([url], LOOPBACK))
            assert asked == ["ocsp.example.org"]
            assert f"Host: ocsp.example.org:{there.port}" in there.heads[0]

    asyncio.run(story())


def test_a_named_network_opens_itself_and_nothing_else():
    allowed = (ip_network("10.1.0.0/16"),)
    assert fetch._allowed(ip_address("10.1.2.3"), allowed)
    assert fetch._allowed(ip_address("::ffff:10.1.2.3"), allowed)
    assert not fetch._allowed(ip_address("10.2.0.1"), allowed)
    assert fetch._allowed(ip_address("93.184.216.34"), ())


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect", "404 Not Found", "500 Oops"])
def test_a_redirect_or_an_error_is_no_answer(status):
    async def story():
        async with sink() as inner, sink() as there:
            there.answer = lambda *_: ok(b"", status=status, more=f"Location: {inner.url}/\r\n")
            assert "answered" in await refused(there.url, Reach.to([there.url, inner.url], LOOPBACK))
            assert (there.hits, inner.hits) == (1, 0)

    asyncio.run(story())


ODD = {
    "too long": ok(b"x" * 70_000),
    "too long without a length": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 70_000,
    "a head without an end": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 9_000,
    "no HTTP": b"\x16\x03\x01\x02" * 100,
    "cut off": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
    "nothing": b"",
    "a false length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "only interim answers": b"HTTP/1.1 100 Continue\r\n\r\n" * 3,
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_answer_is_no_answer_and_costs_no_more_than_its_cap(name):
    async def story():
        async with sink(lambda *_: ODD[name]) as there:
            await refused(there.url, Reach.to([there.url], LOOPBACK))

    asyncio.run(story())


def test_silence_ends_in_time():
    async def story():
        async with sink(lambda *_: None) as there:
            reach = Reach(origins=frozenset({Origin.of(there.url)}), networks=(ip_network("127.0.0.0/8"),), seconds=0.2)
            assert "TimeoutError" in await refused(there.url, reach)

    asyncio.run(story())


def test_https_proves_its_name_and_its_authority(tmp_path):
    ca, other = Ca.new(), Ca.new("Other")
    trusted, wrong = ssl.create_default_context(cadata=ca.pem), ssl.create_default_context(cadata=other.pem)

    async def story():
        by_address = https(tmp_path, ca, x509.IPAddress(ip_address("127.0.0.1")))
        async with sink(tls=by_address) as there:
            assert (await ask(question(there.url), Reach.to([there.url], LOOPBACK, trusted))).body == b"hello"
            assert "SSL" in await refused(there.url, Reach.to([there.url], LOOPBACK, wrong))
            assert len(there.heads) == 1
        async with sink(tls=https(tmp_path, ca, x509.DNSName("elsewhere.example"))) as there:
            await refused(there.url, Reach.to([there.url], LOOPBACK, trusted))
            assert there.heads == []

    asyncio.run(story())


@pytest.mark.parametrize("text", ["", "ocsp.example.org", "ftp://x", "http://u:p@x", "http://x y", "http://x:99999"])
def test_what_is_no_origin_is_said_so(text):
    with pytest.raises(ValueError, match=r".+"):
        Reach.to([text])
