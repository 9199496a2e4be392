"""What comes in during one turn of the event loop is read together, heard together and answered together.

Nothing is decided here. A processor that reads a thousand sockets, then understands a thousand messages, then writes a
thousand answers keeps each of the three at hand; one after the other for every message it would fetch all of them anew.
"""

import asyncio
from collections.abc import Callable


class Round:
    """One turn's texts and answers, in the order in which they came."""

    def __init__(self) -> None:
        self._heard: list[tuple[Callable[[bytes], None], bytes]] = []
        self._said: list[tuple[Callable[[str], None], str]] = []
        self._hearing = False

    def hear(self, ear: Callable[[bytes], None], text: bytes) -> None:
        """A text for an ear, when all that is there has been read."""
        if not self._heard:
            asyncio.get_running_loop().call_soon(self._turn)
        self._heard.append((ear, text))

    def say(self, mouth: Callable[[str], None], text: str) -> None:
        """A text for a mouth: at once or, while others are heard, when all of them have been."""
        if self._hearing:
            self._said.append((mouth, text))
        else:
            mouth(text)

    def flush(self) -> None:
        """Say all that waits to be said: something else is to follow it."""
        said, self._said = self._said, []
        for mouth, text in said:
            mouth(text)

    def _turn(self) -> None:
        heard, self._heard = self._heard, []
        self._hearing = True
        try:
            for ear, text in heard:
                ear(text)
        finally:
            self._hearing = False
            self.flush()
