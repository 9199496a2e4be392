"""How a charger loads and uploads files: not at all in a simulated world, from memory in a test, by HTTP in earnest."""

import asyncio
from collections.abc import Callable, Coroutine
from http.client import HTTPException
from types import TracebackType
from typing import Protocol, Self
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, Request, UnknownHandler

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
        for handler in (HTTPHandler(), HTTPSHandler(), UnknownHandler()):
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
            done(await asyncio.to_thread(self._open, url))

        self._begin(load())

    def put(self, url: str, content: bytes, done: Done) -> None:
        """Upload it."""

        async def upload() -> None:
            done(fine=await asyncio.to_thread(self._open, url, content) is not None)

        self._begin(upload())

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        self._group.create_task(work)

    def _open(self, url: str, content: bytes | None = None) -> bytes | None:
        """Load, or upload; None for whatever goes wrong, also for an address that is none."""
        try:
            request = Request(url, data=content, method="GET" if content is None else "PUT")  # noqa: S310 - of the handlers above
            with self._opener.open(request, timeout=PATIENCE_S) as answer:
                got: bytes = answer.read(LONGEST + 1)
                fine = 200 <= answer.status < 300 and len(got) <= LONGEST
        except (OSError, HTTPException, ValueError):
            return None
        return got if fine else None
