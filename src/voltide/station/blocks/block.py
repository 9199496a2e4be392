"""What a block is: it hears some reports, says what is answered and kept, and acts once that is on the disk."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import msgspec

from voltide.backbone import schema
from voltide.backbone.store import Change
from voltide.domain.messages import ChargerAnswer, ChargerFact, Noted
from voltide.domain.site import ChargerId
from voltide.domain.time import millis

_body = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The newest state of one thing that a charger has, by kind and key; the raw messages have its history."""

    kind: str
    key: str
    what: object
    """A word of the domain."""

    def write(self, change: Change, charger: ChargerId, now: datetime) -> None:
        """As a row of ``told``."""
        body = _body.encode(self.what).decode()
        row = {"charger": charger, "kind": self.kind, "key": self.key[:96], "at": millis(now), "body": body}
        change.add(schema.told, row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """A line of the security log."""

    kind: str
    detail: str = ""

    def write(self, change: Change, charger: ChargerId, now: datetime) -> None:
        """As a row of ``security_log``."""
        row = {"charger": charger, "kind": self.kind[:64], "at": millis(now), "detail": self.detail[:2000]}
        change.add(schema.security_log, row)


class Written(Protocol):
    """What a block writes in the same commit as the message that told it."""

    def write(self, change: Change, charger: ChargerId, now: datetime) -> None:
        """As rows."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a block makes of a report."""

    answer: ChargerAnswer = field(default_factory=Noted)
    written: tuple[Written, ...] = ()
    """Committed before the charger is answered."""
    then: Callable[[], Awaitable[None]] | None = None
    """Done once the answer has gone, in a task of its own: for instance, to give the charger what it asked for."""


class Block(Protocol):
    """One functional block."""

    @property
    def hears(self) -> tuple[type, ...]:
        """The facts that are its own."""
        ...

    async def hear(self, charger: ChargerId, fact: Any, now: datetime) -> Heard:
        """Before the commit: change nothing yet. It may ask the world, but not for longer than a charger waits."""
        ...

    def told(self, charger: ChargerId, fact: Any) -> None:
        """After the commit: alarms, the diary, and what the rest of the station must know."""
        ...


class Blocks:
    """Which block hears what."""

    def __init__(self, blocks: Iterable[Block] = ()) -> None:
        self._by_fact: dict[type, Block] = {}
        for block in blocks:
            self.add(block)

    def add(self, block: Block) -> None:
        """One more. Raises ``ValueError`` when another hears the same."""
        for kind in block.hears:
            if kind in self._by_fact:
                raise ValueError(f"{kind.__name__} is heard by two blocks")
            self._by_fact[kind] = block

    async def hear(self, charger: ChargerId, fact: ChargerFact, now: datetime) -> Heard | None:
        """What its block makes of a fact; None when it has none."""
        block = self._by_fact.get(type(fact))
        return None if block is None else await block.hear(charger, fact, now)

    def told(self, charger: ChargerId, fact: ChargerFact) -> None:
        """It is on the disk."""
        block = self._by_fact.get(type(fact))
        if block is not None:
            block.told(charger, fact)
