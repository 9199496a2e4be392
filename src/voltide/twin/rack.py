"""The blocks of one charger: each is made when it is first needed, so that an ordinary charger stays light."""

from collections.abc import Callable
from functools import partial
from typing import TypeAlias, cast

from voltide.domain.messages import Json
from voltide.twin.blocks.block import B, Block, Box
from voltide.twin.blocks.certificates import Certificates
from voltide.twin.blocks.charging import Charging
from voltide.twin.blocks.der import Der
from voltide.twin.blocks.display import Display
from voltide.twin.blocks.external import External
from voltide.twin.blocks.firmware import Firmware, Publishing
from voltide.twin.blocks.keys import Keys
from voltide.twin.blocks.limits import StayLimits
from voltide.twin.blocks.logs import Logs
from voltide.twin.blocks.model import Inventory
from voltide.twin.blocks.monitoring import Monitoring
from voltide.twin.blocks.network import Dialling
from voltide.twin.blocks.remote import Remote
from voltide.twin.blocks.reservations import Reservations
from voltide.twin.blocks.sharing import Sharing
from voltide.twin.blocks.streams import Streams
from voltide.twin.blocks.tariffs import Tariffs
from voltide.twin.blocks.tokens import Tokens
from voltide.twin.blocks.vendors import Swaps, Terminal, Vendors

Act: TypeAlias = Callable[[Json], Json]
"""From the body of an order to the body of its answer."""
EVERY: tuple[type[Block], ...] = (
    *(Certificates, Charging, Der, Dialling, Display, External, Firmware, Inventory, Keys, Logs, Monitoring),
    *(Publishing, Remote, Reservations, Sharing, StayLimits, Streams, Swaps, Tariffs, Terminal, Tokens, Vendors),
)
"""All that a model charger can do."""


class Rack:
    """Finds who does what."""

    def __init__(self, box: Box, kinds: tuple[type[Block], ...]) -> None:
        self._box, self._kinds = box, kinds
        self._made: dict[type[Block], Block] = {}

    def wake(self) -> None:
        """Make those that must be there before anybody asks for them."""
        for kind in self._kinds:
            if self._box.version in kind.EAGER:
                self.part(kind)

    def part(self, kind: type[B]) -> B:
        """A block, made now if it is not there yet."""
        found = self._made.get(kind)
        if found is None:
            found = self._made[kind] = kind(self._box)
        return cast("B", found)

    def act(self, action: str) -> Act | None:
        """Who does what an action orders; None: nobody here."""
        kind = next((kind for kind in self._kinds if action in kind.ACTS), None)
        return None if kind is None else partial(kind.ACTS[action], self.part(kind))

    def trigger(self, message: str, evse: int | None) -> bool | None:
        """Tell a message now; None: no block tells it."""
        kind = next((kind for kind in self._kinds if message in kind.TRIGGERS), None)
        return None if kind is None else kind.TRIGGERS[message](self.part(kind), evse)
