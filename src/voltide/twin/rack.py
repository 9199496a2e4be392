"""The blocks of one charger: each is made when it is first needed, so that an ordinary charger stays light."""

from collections.abc import Callable, Mapping
from typing import cast

from voltide.twin.blocks.block import Act, B, Block, Box

BLOCKS: Mapping[type[Block], frozenset[str]] = {}
"""Every block that there is, with the actions that it does."""
EVERY = frozenset(BLOCKS)


class Rack:
    """Finds who does what."""

    def __init__(self, box: Box, kinds: frozenset[type[Block]]) -> None:
        self._box = box
        self._whose = {action: kind for kind, actions in BLOCKS.items() if kind in kinds for action in actions}
        self._made: dict[type[Block], Block] = {}
        self._acts: dict[str, Act] = {}
        self._triggers: dict[str, Callable[[int | None], bool]] = {}

    def part(self, kind: type[B]) -> B:
        """A block, made now if it is not there yet."""
        found = self._made.get(kind)
        if found is None:
            found = self._made[kind] = kind(self._box)
            self._acts.update(found.acts())
            self._triggers.update(found.triggers())
        return cast("B", found)

    def act(self, action: str) -> Act | None:
        """Who does what an action orders; None: nobody here."""
        kind = self._whose.get(action)
        if kind is not None and kind not in self._made:
            self.part(kind)
        return self._acts.get(action)

    def trigger(self, message: str, evse: int | None) -> bool | None:
        """Tell a message now; None: no block tells it."""
        tell = self._triggers.get(message)
        return None if tell is None else tell(evse)
