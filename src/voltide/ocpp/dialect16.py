"""OCPP 1.6: connectors are outlets, transactions are numbers that we give, and no power is ever negative."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from voltide.domain.messages import Ask, ChargerAnswer, ChargerFact, ChargerOrder, OrderResult, Refused, Told, Variable
from voltide.domain.site import OcppVersion
from voltide.ocpp.actions import default_answer
from voltide.ocpp.answers import body_of, gathered, verdict
from voltide.ocpp.facts16 import HEAR, SAY, hear_answer, say_answer
from voltide.ocpp.messages import Message
from voltide.ocpp.orders16 import OBEY, hear_variables, say_order, say_variables
from voltide.ocpp.saying import calls, refusal
from voltide.ocpp.sharing import ProfileOrder, say_profiled
from voltide.ocpp.wire import Voice, Wire, plain, request, response

_VARIABLES = frozenset({"GetConfiguration", "ChangeConfiguration"})


@dataclass(frozen=True, slots=True)
class Dialect16:
    """How one charger of OCPP 1.6 is heard and told."""

    voice: Voice

    @property
    def version(self) -> OcppVersion:
        """Which OCPP it speaks."""
        return self.voice.version

    def hear(self, action: str, request: Message, now: datetime) -> ChargerFact:
        """A charger's request as a fact; starts, meter values and stops become events of a transaction."""
        told = plain(request)
        return HEAR[action](told, self.voice, now) if action in HEAR else Told(action=action, payload=told)

    def say(self, fact: ChargerFact, now: datetime) -> tuple[Wire, ...]:
        """A fact as a charger's request; much has no words in 1.6."""
        said = SAY[type(fact)](fact, self.voice, now) if type(fact) in SAY else None
        return () if said is None else (request(self.version, *said),)

    def reply(self, action: str, request: Message, answer: ChargerAnswer, now: datetime) -> Message:
        """Our answer to a charger's request."""
        body = say_answer(action, answer)
        return default_answer(self.version, action, request, now) if body is None else self._answer(action, body)

    def _answer(self, action: str, body: dict[str, object]) -> Message:
        return response(self.version, action, body)

    def learn(self, action: str, request: Message, response: Message, now: datetime) -> ChargerAnswer:
        """What the station's answer tells a charger."""
        return hear_answer(action, plain(request), plain(response), now)

    def order(self, order: ChargerOrder) -> tuple[Wire, ...] | Refused:
        """An order as calls (one for each configuration key that is set), or why it cannot be said."""
        try:
            if isinstance(order, ProfileOrder):
                return (say_profiled(order, self.voice),)
            return calls(self.voice, say_order(order, self.voice))
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
            return response(self.version, action, say_variables(action, plain(request), variables))
        return body_of(self.voice, action, plain(request), outcome)

    def variables(self, action: str, response: Message) -> tuple[Variable, ...]:
        """The configuration keys that a charger's answer tells."""
        return hear_variables(plain(response)) if action == "GetConfiguration" else ()
