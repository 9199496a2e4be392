"""The words of the house on one side, the wire of one charger on the other, in four pairs.

Either end of the line uses the same dialect:

==============  ====================  ====================
                the station           the charger
==============  ====================  ====================
a fact          ``hear``              ``say``
its answer      ``reply``             ``learn``
an order        ``order``             ``obey``
its outcome     ``outcome``           ``result``
==============  ====================  ====================
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from voltide.domain.messages import ChargerAnswer, ChargerFact, ChargerOrder, OrderResult, Refused, Variable
from voltide.domain.site import Charger, OcppVersion
from voltide.ocpp.dialect2 import Dialect2
from voltide.ocpp.dialect16 import Dialect16
from voltide.ocpp.messages import Message
from voltide.ocpp.wire import Capacity, Supply, Voice, Wire


class Dialect(Protocol):
    """One version's way of saying everything. Sign, unit and id change here and nowhere else."""

    @property
    def version(self) -> OcppVersion:
        """Which OCPP it speaks."""
        ...

    @property
    def voice(self) -> Voice:
        """Whose words they are."""
        ...

    def hear(self, action: str, request: Message, now: datetime) -> ChargerFact:
        """A charger's request as a fact; what has no word is ``Told``."""
        ...

    def say(self, fact: ChargerFact, now: datetime) -> tuple[Wire, ...]:
        """A fact as a charger's requests; none when the version has no words for it."""
        ...

    def reply(self, action: str, request: Message, answer: ChargerAnswer, now: datetime) -> Message:
        """Our answer to a charger's request."""
        ...

    def learn(self, action: str, request: Message, response: Message, now: datetime) -> ChargerAnswer:
        """What the station's answer tells a charger."""
        ...

    def order(self, order: ChargerOrder) -> tuple[Wire, ...] | Refused:
        """An order as calls to be made one after the other, or why this version cannot say it."""
        ...

    def obey(self, action: str, request: Message, now: datetime) -> ChargerOrder:
        """A station's request as an order; what has no word is ``Ask``."""
        ...

    def outcome(self, action: str, response: Message) -> OrderResult:
        """What a charger's answer says of one call, with the answer itself as detail."""
        ...

    def gathered(self, order: ChargerOrder, calls: tuple[Wire, ...], results: Sequence[OrderResult]) -> OrderResult:
        """What came of an order of one call or several, as far as they were made: see ``answers.goes_on``."""
        ...

    def result(
        self, action: str, request: Message, outcome: OrderResult, variables: tuple[Variable, ...] = ()
    ) -> Message:
        """A charger's answer to an order; ``variables`` are what it read or wrote, when it was asked that."""
        ...

    def variables(self, action: str, response: Message) -> tuple[Variable, ...]:
        """The variables that a charger's answer tells."""
        ...


def dialect(
    version: OcppVersion, charger: Charger, supply: Supply | None = None, capacity: Capacity | None = None
) -> Dialect:
    """The dialect of one charger; ``capacity`` is what it says that it takes in one message: see ``capacity_of``."""
    kind = Dialect16 if version is OcppVersion.V16 else Dialect2
    return kind(Voice(version, charger, supply or Supply(), capacity or Capacity()))
