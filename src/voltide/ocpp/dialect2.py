"""OCPP 2.0.1 and 2.1: one dialect, for 2.1 removes nothing. What only one of them has, the schema decides."""

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
from voltide.ocpp.facts2 import HEAR, SAY, hear_answer, say_answer
from voltide.ocpp.messages import Message, actions
from voltide.ocpp.orders2 import OBEY, hear_variables, say_order, say_variables
from voltide.ocpp.profiles import clear, fallback, setpoint
from voltide.ocpp.wire import Supply, Wire, plain, request, response

_VARIABLES = frozenset({"GetVariables", "SetVariables"})


@dataclass(frozen=True, slots=True)
class Dialect2:
    """How one charger of OCPP 2 is heard and told."""

    version: OcppVersion
    charger: Charger
    supply: Supply

    def hear(self, action: str, request: Message, now: datetime) -> ChargerFact:
        """A charger's request as a fact."""
        told = plain(request)
        fact = HEAR[action](told, now) if action in HEAR else None
        return Told(action=action, payload=told) if fact is None else fact

    def say(self, fact: ChargerFact, now: datetime) -> tuple[Wire, ...]:
        """A fact as a charger's request."""
        if isinstance(fact, Told):
            return (request(self.version, fact.action, fact.payload),)
        action, body = SAY[type(fact)](self.version, fact, now)
        known = action in actions(self.version)
        return (request(self.version, action, body),) if known else ()

    def reply(self, action: str, request: Message, answer: ChargerAnswer, now: datetime) -> Message:
        """Our answer to a charger's request."""
        body = say_answer(answer)
        return default_answer(self.version, action, request, now) if body is None else self._answer(action, body)

    def _answer(self, action: str, body: dict[str, object]) -> Message:
        return response(self.version, action, body)

    def learn(self, action: str, request: Message, response: Message, now: datetime) -> ChargerAnswer:
        """What the station's answer tells a charger."""
        return hear_answer(action, plain(request), plain(response), now)

    def order(self, order: ChargerOrder) -> tuple[Wire, ...] | Refused:
        """An order as a call, or why it cannot be said."""
        try:
            return (self._order(order),)
        except KeyError:
            return Refused(reason="NotSupported")
        except msgspec.ValidationError as flaw:
            return Refused(reason="NotSayable", detail={"flaw": str(flaw)})

    def _order(self, order: ChargerOrder) -> Wire:
        match order:
            case ApplySetpoint():
                return setpoint(self.version, self.charger, self.supply, order)
            case ApplyFallback():
                return fallback(self.version, self.charger, self.supply, order)
            case ClearSetpoint():
                return clear(self.version, order.evse)
        action, body = say_order(order)
        return request(self.version, action, body)

    def obey(self, action: str, request: Message, now: datetime) -> ChargerOrder:
        """A station's request as an order."""
        told = plain(request)
        order = OBEY[action](told, self.supply, now) if action in OBEY else None
        return Ask(action=action, payload=told) if order is None else order

    def outcome(self, action: str, response: Message) -> OrderResult:
        """What a charger's answer says of an order."""
        told = plain(response)
        return verdict(told, [one.status for one in hear_variables(told)] if action in _VARIABLES else [])

    def result(
        self, action: str, request: Message, outcome: OrderResult, variables: tuple[Variable, ...] = ()
    ) -> Message:
        """A charger's answer to an order."""
        del request
        if action in _VARIABLES:
            return response(self.version, action, say_variables(action, variables))
        return body_of(self.version, action, outcome)

    def variables(self, action: str, response: Message) -> tuple[Variable, ...]:
        """The variables that a charger's answer tells."""
        return hear_variables(plain(response)) if action in _VARIABLES else ()
