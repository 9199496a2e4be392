"""What a behaviour is, and what it may reach of the charger around it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar, Protocol, TypeAlias, TypeVar

from voltide.domain.messages import ChargerFact, Json, TransactionTold
from voltide.domain.site import Charger, OcppVersion
from voltide.domain.time import Clock
from voltide.domain.units import Seconds
from voltide.twin.bay import Bay
from voltide.twin.desk import Desk
from voltide.twin.files import Files
from voltide.twin.grid import Grid
from voltide.twin.network import Network
from voltide.twin.variables import Variables
from voltide.twin.vault import Vault

Hook: TypeAlias = Callable[[TransactionTold], Json | None]
"""Hears each event of a transaction before it is told; may give what the message says beyond it."""
Learn: TypeAlias = Callable[[TransactionTold, Json], None]
"""Hears the station's answer to an event of a transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """A restart to come: now or when nothing runs, of one outlet (None: of all), with transactions that go on."""

    immediate: bool
    evse: int | None = None
    resume: bool = False
    reason: str = "ImmediateReset"
    """Why what runs is ended."""
    boot: str = "RemoteReset"
    """Why it boots then."""
    firmware: str | None = None
    """The software that it comes back with, where that is another."""


class Box(Protocol):
    """The charger around a block."""

    charger: Charger
    version: OcppVersion
    clock: Clock
    chance: Random
    bays: Mapping[int, Bay]
    variables: Variables
    grid: Grid
    desk: Desk
    files: Files
    vault: Vault
    network: Network
    hooks: list[Hook]

    @property
    def firmware(self) -> str:
        """The version of its software."""
        ...

    @property
    def online(self) -> bool:
        """Whether the station hears it."""
        ...

    @property
    def down_until(self) -> Seconds:
        """It is switched off so long; in the past when it is on."""
        ...

    @property
    def alone_since(self) -> Seconds | None:
        """Since when the station has not been heard; None: it is."""
        ...

    def tell(self, fact: ChargerFact) -> None:
        """Tell the station when its turn comes; lost while the line is, unless it is a transaction's."""
        ...

    def call(self, action: str, body: Json, then: Callable[[Json], None] | None = None, *, keep: bool = False) -> None:
        """Call the station by the wire's own words; ``then`` hears its answer. ``keep`` it while the line is lost."""
        ...

    def send(self, action: str, body: Json) -> None:
        """Tell the station what is never answered (2.1)."""
        ...

    def learn(self, learner: Learn) -> None:
        """Have each answer to an event of a transaction heard."""
        ...

    def watch(self, look: Callable[[Seconds], None]) -> None:
        """Have ``look`` called each second from now on, until ``unwatch``."""
        ...

    def unwatch(self, look: Callable[[Seconds], None]) -> None:
        """Enough."""
        ...

    def part(self, kind: "type[B]") -> "B":
        """Another block of the same charger."""
        ...

    def known_id(self, transaction: str | None) -> str | None:
        """A transaction id as the station knows it."""
        ...

    def say_hello(self) -> None:
        """Tell who it is."""
        ...

    def plan_reset(self, restart: Restart) -> None:
        """Restart once the answer is out."""
        ...

    def redial(self) -> None:
        """Close the line once the answer is out, and open it anew."""
        ...

    def waits(self, transaction: str | None) -> bool:
        """Whether events (of a transaction) wait to be told."""
        ...

    def trigger(self, message: str, evse: int | None) -> bool | None:
        """Tell a message of a block now; None: no block tells it."""
        ...


class Block:
    """One behaviour. Made when the station first asks for one of its actions, or when another block needs it."""

    ACTS: ClassVar[Mapping[str, Callable[[Any, Json], Json]]] = {}
    """What it does by the name of the action that orders it: from the body of the order to that of the answer."""
    TRIGGERS: ClassVar[Mapping[str, Callable[[Any, int | None], bool]]] = {}
    """What it tells (of an outlet) when the station asks by TriggerMessage; False: there is nothing to tell."""

    EAGER: ClassVar[frozenset[OcppVersion]] = frozenset()
    """The versions in which it is there from the start, and not when it is first asked for."""

    def __init__(self, box: Box) -> None:
        self.box = box


B = TypeVar("B", bound=Block)


def refusal(why: str, status: str = "Rejected", info: str | None = None) -> Json:
    """A refusal of OCPP 2 with its reason code."""
    return {"status": status, "statusInfo": {"reasonCode": why} | ({"additionalInfo": info} if info else {})}


def pages(rows: Sequence[Json], size: int) -> list[tuple[int, bool, list[Json]]]:
    """Rows in parts: (number, whether more come, rows); one empty part for no rows.

    >>> pages([{"a": 1}, {"a": 2}], 1)
    [(0, True, [{'a': 1}]), (1, False, [{'a': 2}])]
    """
    starts = range(0, max(len(rows), 1), size)
    return [(part, start + size < len(rows), list(rows[start : start + size])) for part, start in enumerate(starts)]
