"""What the station's answers mean to a charger."""

from voltide.domain.messages import AuthorisationAsked, Boot, Booted, Json, Moment, NeedsTold, TransactionTold, Welcome
from voltide.domain.site import OcppVersion
from voltide.ocpp.messages import Message, v21, v201
from voltide.ocpp.wire import moment, plain
from voltide.twin.blocks.block import Box, Learn
from voltide.twin.blocks.tokens import Tokens
from voltide.twin.life import Life
from voltide.twin.speech import Saying, Speech

_NOTHING = (v201.TransactionEventResponse(), v21.TransactionEventResponse())
"""What the station says to nearly every event."""


class Answers:
    """Hears them by the wire's own words. ``learners`` hear each answer to an event of a transaction."""

    def __init__(self, box: Box, speech: Speech, life: Life) -> None:
        self._box, self._speech, self._life = box, speech, life
        self.learners: list[Learn] = []

    def hear(self, told: Saying, response: Message) -> None:
        """One answer."""
        fact = told.fact
        if told.then is not None:
            told.then(plain(response))
            return
        match fact:
            case TransactionTold() if fact.asks_token or (self.learners and response not in _NOTHING):
                self._noted(fact, plain(response))
            case AuthorisationAsked():
                self._box.part(Tokens).heard(fact.token, plain(response))
            case Booted():
                self._welcomed(plain(response))
            case NeedsTold() if self._box.version is OcppVersion.V21 and plain(response)["status"] == "Rejected":
                self._box.bays[fact.evse].turned_down(both=fact.v2x)

    def _noted(self, fact: TransactionTold, body: Json) -> None:
        """1.6: the transaction has its number. All: what is thought of its token, and what else blocks learn."""
        if self._box.version is OcppVersion.V16 and fact.moment is Moment.STARTED and fact.transaction_id is not None:
            self._speech.ids[fact.transaction_id] = str(body["transactionId"])
        if fact.asks_token:
            self._box.part(Tokens).noted(fact, body)
        for learn in self.learners:
            learn(fact, body)

    def _welcomed(self, body: Json) -> None:
        at = moment(body["currentTime"], self._box.clock.now())
        self._life.welcomed(Welcome(verdict=Boot(body["status"]), now=at, interval_s=body["interval"]))
