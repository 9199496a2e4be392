"""How a charger loads and uploads files: not at all in a simulated world, from memory in a test, by HTTP in earnest."""

import asyncio
from collections.abc import Callable, Coroutine
from http.client import HTTPException
from types import TracebackType
from typing import Protocol, Self
from urllib.request import HTTPErrorProcessor, HTTPHandler, HTTPSHandler, OpenerDirector, Request

LONGEST = 64 * 2**20
PATIENCE_S = 20.0


class Done(Protocol):
    """Hears whether an upload went well."""

    def __call__(self, *, fine: bool) -> None:
        """It is over."""
        ...


class Files(Protocol):
    """Loads and uploads; tells when it is done."""

    def get(self, url: str, done: Callable[[bytes | None], None]) -> None:
        """Load a file; None: it could not be loaded."""
        ...

    def put(self, url: str, content: bytes, done: Done) -> None:
        """Upload a file."""
        ...


class NoFiles:
    """There is no network: every file is empty, and every upload goes well, at once."""

    def get(self, url: str, done: Callable[[bytes | None], None]) -> None:
        """An empty file."""
        del url
        done(b"")

    def put(self, url: str, content: bytes, done: Done) -> None:
        """Gone well."""
        del url, content
        done(fine=True)


class MemoryFiles:
    """Files by their addresses; what is not there cannot be loaded, and only what is awaited can be uploaded."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def get(self, url: str, done: Callable[[bytes | None], None]) -> None:
        """A file that is there."""
        done(self.files.get(url))

    def put(self, url: str, content: bytes, done: Done) -> None:
        """In place of what is there."""
        known = url in self.files
        if known:
            self.files[url] = content
        done(fine=known)


class WebFiles:
    """By HTTP GET and PUT; redirects are not followed. Use it as ``async with``: what is under way ends with it."""

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()
        self._opener = OpenerDirector()
        for handler in (HTTPHandler(), HTTPSHandler(), HTTPErrorProcessor()):
            self._opener.add_handler(handler)

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._group.__aexit__(kind, error, trace)

    def get(self, url: str, done: Callable[[bytes | None], None]) -> None:
        """Load it."""

        async def load() -> None:
            done(await self._in_thread(Request(url)))  # noqa: S310 - a charger loads what its station names

        self._begin(load())

    def put(self, url: str, content: bytes, done: Done) -> None:
        """Upload it."""

        async def upload() -> None:
            request = Request(url, data=content, method="PUT")  # noqa: S310 - as above
            done(fine=await self._in_thread(request) is not None)

        self._begin(upload())

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        self._group.create_task(work)

    async def _in_thread(self, request: Request) -> bytes | None:
        return await asyncio.to_thread(self._open, request)

    def _open(self, request: Request) -> bytes | None:
        try:
            with self._opener.open(request, timeout=PATIENCE_S) as answer:
                content: bytes = answer.read(LONGEST + 1)
        except (OSError, HTTPException, ValueError):
            return None
        return content if len(content) <= LONGEST else None
