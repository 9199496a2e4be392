"""A real Chromium for the tests: the machine's own, never a download. Use it as ``with browser() as chromium``."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium_path() -> str:
    """Where the machine's Chromium is; without one, skip or (in CI) fail with one plain sentence."""
    found = next((p for p in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(p).exists()), None)
    path = found or shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        sentence = "No Chromium on this machine, so the page was not opened: apt-get install chromium fonts-noto-cjk."
        if os.environ.get("VOLTIDE_REQUIRE_BROWSER"):
            pytest.fail(sentence, pytrace=False)
        pytest.skip(sentence)
    return path


@contextmanager
def browser() -> Iterator[Browser]:
    """One browser for as long as the block lasts."""
    path = chromium_path()
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=ARGS)
        try:
            yield chromium
        finally:
            chromium.close()


class Complaints:
    """Everything a page has to complain about: errors, refused resources, broken policies."""

    def __init__(self, page: Page) -> None:
        self.said: list[str] = []
        page.on(
            "console", lambda m: self.said.append(f"{m.type}: {m.text}") if m.type in {"error", "warning"} else None
        )
        page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        page.on("requestfailed", self._failed)

    def _failed(self, request: object) -> None:
        url = getattr(request, "url", "")
        if not url.endswith("/api/live"):  # a stream ends when its page is left
            self.said.append(f"failed: {url}")
