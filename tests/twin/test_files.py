"""How a charger loads and uploads files by HTTP, and what is no file to it."""

import asyncio

import pytest

from tests.security.servers import ok, sink
from voltide.twin.files import WebFiles


async def loaded(url: str) -> list[bytes | None]:
    found: list[bytes | None] = []
    async with WebFiles() as files:
        files.get(url, found.append)
    return found


def test_a_file_is_loaded_and_uploaded() -> None:
    async def story() -> None:
        async with sink() as server:
            assert await loaded(f"{server.url}/a.bin") == [b"hello"]
            went: list[bool] = []
            async with WebFiles() as files:
                files.put(f"{server.url}/b", b"log", lambda *, fine: went.append(fine))
            assert went == [True]
            assert [head.split("\r\n")[0] for head in server.heads] == ["GET /a.bin HTTP/1.1", "PUT /b HTTP/1.1"]

    asyncio.run(story())


@pytest.mark.parametrize(
    "url", ["nonsense", "", "ftp://127.0.0.1/a", "file:///etc/passwd", "http://127.0.0.1:1/a", "http://[/a"]
)
def test_an_address_that_leads_nowhere_or_that_is_none_gives_no_file_and_breaks_nothing(url: str) -> None:
    assert asyncio.run(loaded(url)) == [None]


@pytest.mark.parametrize("status", ["404 Not Found", "302 Found", "500 Internal Server Error"])
def test_what_the_server_does_not_have_or_keeps_elsewhere_is_no_file(status: str) -> None:
    elsewhere = "Location: http://127.0.0.1:1/\r\n"

    async def story() -> None:
        async with sink(lambda _head, _body: ok(b"x", status=status, more=elsewhere)) as server:
            assert await loaded(server.url) == [None]

    asyncio.run(story())
