"""OCPP 2.0.1 and 2.1: one dialect, for 2.1 removes nothing. What only one of them has, the schema decides."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from voltide.domain.messages import (
    Ask,
    ChargerAnswer,
    ChargerFact,
    ChargerOrder,
    Noted,
    OrderResult,
    Refused,
    Told,
    Variable,
)
from voltide.domain.site import OcppVersion
from voltide.ocpp.actions import default_answer
from voltide.ocpp.answers import body_of, gathered, verdict
from voltide.ocpp.answers2 import LEARN, say_answer
from voltide.ocpp.facts2 import HEAR, SAY
from voltide.ocpp.messages import Message, actions
from voltide.ocpp.orders2 import OBEY, say_order
from voltide.ocpp.saying import calls, refusal
from voltide.ocpp.sharing import ProfileOrder, say_profiled
from voltide.ocpp.variables2 import hear_variables, say_variables
from voltide.ocpp.wire import Voice, Wire, plain, request, response

_VARIABLES = frozenset({"GetVariables", "SetVariables"})


@dataclass(frozen=True, slots=True)
class Dialect2:
    """How one charger of OCPP 2 is heard and told."""

    voice: Voice

    @property
    def version(self) -> OcppVersion:
        """Which OCPP it speaks."""
        return self.voice.version

    def hear(self, action: str, request: Message, now: datetime) -> ChargerFact:
        """A charger's request as a fact."""
        told = plain(request)
        return HEAR[action](told, self.voice, now) if action in HEAR else Told(action=action, payload=told)

    def say(self, fact: ChargerFact, now: datetime) -> tuple[Wire, ...]:
        """A fact as a charger's request; 2.0.1 lacks what 2.1 has added."""
        said = SAY[type(fact)](fact, self.voice, now)
        return () if said is None or said[0] not in actions(self.version) else (request(self.version, *said),)

    def reply(self, action: str, request: Message, answer: ChargerAnswer, now: datetime) -> Message:
        """Our answer to a charger's request."""
        body = say_answer(answer, request, self.voice)
        return default_answer(self.version, action, request, now) if body is None else self._answer(action, body)

    def _answer(self, action: str, body: dict[str, object]) -> Message:
        return response(self.version, action, body)

    def learn(self, action: str, request: Message, response: Message, now: datetime) -> ChargerAnswer:
        """What the station's answer tells a charger."""
        return LEARN[action](plain(request), plain(response), now) if action in LEARN else Noted()

    def order(self, order: ChargerOrder) -> tuple[Wire, ...] | Refused:
        """An order as calls, or why it cannot be said."""
        try:
            if isinstance(order, ProfileOrder):
                return (say_profiled(order, self.voice),)
            return calls(self.voice, [say_order(order, self.voice)])
        except (KeyError, ValueError) as flaw:
            return refusal(flaw)

    def obey(self, action: str, request: Message, now: datetime) -> ChargerOrder:
        """A station's request as an order."""
        told = plain(request)
        order = OBEY[action](told, self.voice, now) if action in OBEY else None
        return Ask(action=action, payload=told) if order is None else order

    def outcome(self, action: str, response: Message) -> OrderResult:
        """What a charger's answer says of an order."""
        return verdict(action, plain(response))

    def gathered(self, order: ChargerOrder, calls: tuple[Wire, ...], results: Sequence[OrderResult]) -> OrderResult:
        """What came of an order, when its calls have been made."""
        return gathered(order, calls, results, self.voice)

    def result(
        self, action: str, request: Message, outcome: OrderResult, variables: tuple[Variable, ...] = ()
    ) -> Message:
        """A charger's answer to an order."""
        if action in _VARIABLES and variables:
            return response(self.version, action, say_variables(action, variables))
        return body_of(self.voice, action, plain(request), outcome)

    def variables(self, action: str, response: Message) -> tuple[Variable, ...]:
        """The variables that a charger's answer tells."""
        return hear_variables(plain(response)) if action in _VARIABLES else ()
