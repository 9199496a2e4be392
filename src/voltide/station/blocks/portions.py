"""How much each charger takes in one message (B, D, N): long lists are said to it in portions of that size."""

from voltide.domain.messages import ChargerFact, VariablesTold
from voltide.domain.site import ChargerId
from voltide.ocpp.capacity import capacity_of
from voltide.ocpp.dialect import dialect
from voltide.ocpp.wire import Capacity
from voltide.station.blocks.ground import Ground, Silent
from voltide.station.blocks.provisioning import known
from voltide.station.line import Line
from voltide.station.sessions import Turn


class Portions(Silent):
    """Tells each line's dialect what its charger has said of itself, now or on an earlier line."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground

    async def greet(self, charger: ChargerId) -> None:
        """What it has said on an earlier line holds until it says otherwise."""
        before = await self._ground.store.read(lambda engine: known(engine, charger))
        line = self._ground.crew.chargers.lines.get(charger)
        if line is not None:
            _tell(line, capacity_of(before, line.dialect.voice.capacity))

    def heard(self, charger: ChargerId, fact: ChargerFact, turn: Turn) -> None:
        """A report may name other portions."""
        del turn
        line = self._ground.crew.chargers.lines.get(charger)
        if line is not None and isinstance(fact, VariablesTold):
            _tell(line, capacity_of(fact.variables, line.dialect.voice.capacity))


def _tell(line: Line, capacity: Capacity) -> None:
    voice = line.dialect.voice
    if capacity != voice.capacity:
        line.dialect = dialect(voice.version, voice.charger, voice.supply, capacity)
