"""A charger's words: from facts to messages on their way, and from messages to orders."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf

from voltide.domain.messages import (
    ChargerFact,
    Json,
    Moment,
    TransactionTold,
)
from voltide.domain.site import Charger, OcppVersion
from voltide.domain.time import Clock
from voltide.domain.units import Seconds
from voltide.ocpp.dialect import dialect
from voltide.ocpp.messages import Message
from voltide.ocpp.wire import plain, request
from voltide.twin.quick import quick_event


@dataclass(slots=True, eq=False)
class Saying:
    """A fact on its way: with the id of its call once it has one, so that a repetition is known as such."""

    fact: ChargerFact
    id: str | None = None
    tries: int = 0
    action: str = ""
    request: Message | None = None
    extra: Json | None = None
    """What the message says beyond its fact, as it stands on the wire."""
    then: Callable[[Json], None] | None = None
    """Hears the station's answer, as it stands on the wire."""
    asked: bool = False
    """The station has asked for it: it may be told before we are accepted."""
    keep: bool = False
    """It is told even when the line was lost in between."""
    not_before: Seconds = -inf
    """A repetition waits so long."""


class Speech:
    """The dialect of one charger, with what a charger must remember to speak it."""

    def __init__(self, version: OcppVersion, charger: Charger, clock: Clock) -> None:
        self.ids: dict[str, str] = {}
        """1.6: the station's numbers by our own names of transactions."""
        self._version, self._name, self._clock = version, charger.id, clock
        self._dialect = dialect(version, charger)
        self._calls = 0

    def say(self, told: Saying) -> bool:
        """Find the words for a fact; False when the version has none."""
        if told.request is None:
            said = self._words(told.fact)
            if said is None:
                return False
            told.action, told.request = said
            if told.extra:
                body = joined(plain(told.request), told.extra)
                told.request = request(self._version, told.action, body).request
        if told.id is None:
            told.id = self.new_id()
        return True

    def new_id(self) -> str:
        """A message id that this charger has not used before."""
        self._calls += 1
        return f"{self._name}.{self._calls:x}"[-36:]

    def _words(self, fact: ChargerFact) -> tuple[str, Message] | None:
        if isinstance(fact, TransactionTold):
            quick = quick_event(self._version, fact)
            if quick is not None:
                return "TransactionEvent", quick
            fact = self._numbered(fact)
        said = self._dialect.say(fact, self._clock.now())
        return (said[0].action, said[0].request) if said else None

    def _numbered(self, fact: TransactionTold) -> TransactionTold:
        """A 1.6 event with the station's number; 0 when the station never gave one."""
        if self._version is not OcppVersion.V16 or fact.transaction_id is None:
            return fact
        started = fact.moment is Moment.STARTED
        return replace(fact, transaction_id=None if started else self.ids.get(fact.transaction_id, "0"))


def joined(body: Json, extra: Json) -> Json:
    """A message's body with more in it; parts within parts are joined, too.

    >>> joined({"a": 1, "b": {"c": 2}}, {"b": {"d": 3}})
    {'a': 1, 'b': {'c': 2, 'd': 3}}
    """
    both = {key: joined(body[key], extra[key]) for key in body.keys() & extra.keys() if isinstance(body[key], dict)}
    return body | extra | both
