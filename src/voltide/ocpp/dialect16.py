"""OCPP 1.6: connectors are outlets, transactions are numbers that we give, and no power is ever negative."""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from voltide.domain.messages import (
    ApplyFallback,
    ApplySetpoint,
    Ask,
    ChargerAnswer,
    ChargerFact,
    ChargerOrder,
    ClearSetpoint,
    OrderResult,
    Refused,
    Told,
    Variable,
)
from voltide.domain.site import Charger, OcppVersion
from voltide.ocpp.actions import default_answer
from voltide.ocpp.answers import body_of, verdict
from voltide.ocpp.facts16 import HEAR, SAY, hear_answer, say_answer
from voltide.ocpp.messages import Message
from voltide.ocpp.orders16 import OBEY, hear_variables, say_order, say_variables
from voltide.ocpp.profiles import clear, fallback, setpoint
from voltide.ocpp.wire import Supply, Wire, plain, request, response


@dataclass(frozen=True, slots=True)
class Dialect16:
    """How one charger of OCPP 1.6 is heard and told."""

    version: OcppVersion
    charger: Charger
    supply: Supply

    def hear(self, action: str, request: Message, now: datetime) -> ChargerFact:
        """A charger's request as a fact; starts, meter values and stops become events of a transaction."""
        told = plain(request)
        return HEAR[action](told, now) if action in HEAR else Told(action=action, payload=told)

    def say(self, fact: ChargerFact, now: datetime) -> tuple[Wire, ...]:
        """A fact as a charger's request; needs, reports and foreign limits have no words in 1.6."""
        said = SAY[type(fact)](fact, now) if type(fact) in SAY else None
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
            return self._order(order)
        except KeyError:
            return Refused(reason="NotSupported")
        except (ValueError, msgspec.ValidationError) as flaw:
            return Refused(reason="NotSayable", detail={"flaw": str(flaw)})

    def _order(self, order: ChargerOrder) -> tuple[Wire, ...]:
        match order:
            case ApplySetpoint():
                return (setpoint(self.version, self.charger, self.supply, order),)
            case ApplyFallback():
                return (fallback(self.version, self.charger, self.supply, order),)
            case ClearSetpoint():
                return (clear(self.version, order.evse),)
        return tuple(request(self.version, action, body) for action, body in say_order(order))

    def obey(self, action: str, request: Message, now: datetime) -> ChargerOrder:
        """A station's request as an order."""
        told = plain(request)
        order = OBEY[action](told, self.supply, now) if action in OBEY else None
        return Ask(action=action, payload=told) if order is None else order

    def outcome(self, action: str, response: Message) -> OrderResult:
        """What a charger's answer says of an order."""
        del action
        return verdict(plain(response), [])

    def result(
        self, action: str, request: Message, outcome: OrderResult, variables: tuple[Variable, ...] = ()
    ) -> Message:
        """A charger's answer to an order."""
        if action in {"GetConfiguration", "ChangeConfiguration"} and variables:
            return response(self.version, action, say_variables(action, plain(request), variables))
        return body_of(self.version, action, outcome)

    def variables(self, action: str, response: Message) -> tuple[Variable, ...]:
        """The configuration keys that a charger's answer tells."""
        return hear_variables(plain(response)) if action == "GetConfiguration" else ()
