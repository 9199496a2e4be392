"""Battery swaps (block S): a driver puts spent batteries in and takes charged ones out; each step is told once.

A swap is known by its request id. What is kept says what came in, what went out, and the energy between them where the
capacity of the batteries is known; it is not billed here.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from voltide.domain.reports import Battery, BatterySwapped, SwapStep
from voltide.domain.site import ChargerId
from voltide.domain.token import Token
from voltide.station.blocks.block import Heard, Kept
from voltide.station.blocks.ground import Quiet
from voltide.station.diary import Diary

MOST = 256
"""So many swaps of all chargers are remembered; the store has them all."""

Found: TypeAlias = Callable[[], Awaitable[list[tuple[ChargerId, str, "Swap"]]]]
"""What an earlier process has kept."""


class SwapState(StrEnum):
    """How far a swap is."""

    BEGUN = "begun"
    """Batteries are in, none are out yet."""
    DONE = "done"
    LEFT = "left"
    """Nobody took the charged batteries out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swap:
    """One swap, as its steps have told it so far."""

    request_id: int
    token: Token
    state: SwapState = SwapState.BEGUN
    came_in: tuple[Battery, ...] = ()
    went_out: tuple[Battery, ...] = ()
    seen: frozenset[SwapStep] = field(default_factory=frozenset)

    @property
    def soc_given(self) -> float:
        """The charge that went out beyond what came in, in whole batteries: 0.5 is half a battery."""
        return sum(one.soc for one in self.went_out) - sum(one.soc for one in self.came_in)


def step(before: Swap | None, told: BatterySwapped) -> Swap:
    """The swap after one more step. Steps may come twice or in any order; the result is the same.

    >>> token = Token(id="T")
    >>> first = BatterySwapped(step=SwapStep.OUT, request_id=1, token=token, batteries=())
    >>> step(step(None, first), replace(first, step=SwapStep.IN)).state
    <SwapState.DONE: 'done'>
    """
    swap = before or Swap(request_id=told.request_id, token=told.token)
    if told.step in swap.seen:
        return swap
    seen = swap.seen | {told.step}
    if told.step is SwapStep.IN:
        swap = replace(swap, came_in=told.batteries)
    elif told.step is SwapStep.OUT:
        swap = replace(swap, went_out=told.batteries)
    state = SwapState.BEGUN
    if SwapStep.OUT in seen:
        state = SwapState.DONE  # whoever took them late has taken them
    elif SwapStep.TIMEOUT in seen:
        state = SwapState.LEFT
    return replace(swap, seen=seen, state=state)


class Swaps(Quiet):
    """The swaps of every charger."""

    def __init__(self, diary: Diary, found: Found) -> None:
        self._diary = diary
        self._found = found
        self._swaps: dict[tuple[ChargerId, int], Swap] = {}

    @property
    def hears(self) -> tuple[type, ...]:
        """Each step of a swap."""
        return (BatterySwapped,)

    async def load(self) -> None:
        """The swaps of an earlier process: their other steps may still come."""
        for charger, _, swap in await self._found():
            self._swaps[charger, swap.request_id] = swap
        self._forget()

    def known(self, charger: ChargerId, request_id: int) -> Swap | None:
        """A swap of which a step has been told."""
        return self._swaps.get((charger, request_id))

    async def hear(self, charger: ChargerId, fact: BatterySwapped, now: datetime) -> Heard:
        """The swap's new state is kept."""
        del now
        after = step(self.known(charger, fact.request_id), fact)
        return Heard(written=(Kept(kind="swap", key=str(fact.request_id), what=after),))

    def told(self, charger: ChargerId, fact: BatterySwapped) -> None:
        """Charged batteries that nobody takes need a person."""
        key = (charger, fact.request_id)
        before, after = self._swaps.get(key), step(self._swaps.get(key), fact)
        if before == after:
            return
        self._swaps.pop(key, None)
        self._swaps[key] = after
        self._forget()
        subject = f"{charger} {fact.request_id}"
        self._diary.note("swap", charger, f"{fact.request_id} {after.state.value}")
        self._diary.alarm_if(after.state is SwapState.LEFT, "swap-left", subject)

    def _forget(self) -> None:
        while len(self._swaps) > MOST:
            del self._swaps[next(iter(self._swaps))]
