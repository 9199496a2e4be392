"""One word decides most answers of a charger: was it accepted?"""

import msgspec

from voltide.domain.messages import Accepted, Json, OrderResult, Refused
from voltide.domain.site import OcppVersion
from voltide.ocpp.messages import Message
from voltide.ocpp.wire import response

_YES = frozenset({"Accepted", "Scheduled", "RebootRequired", "Unlocked", "Downloaded"})
_WORDS_FOR_YES = ("Accepted", "Unlocked")
_WORDS_FOR_NO = ("Rejected", "Unknown", "UnlockFailed", "Failed", "NotFound", "NotSupported")


def verdict(answer: Json, parts: list[str]) -> OrderResult:
    """Accepted, or refused by the first word that is no yes; an answer without a word is a yes."""
    status = answer.get("status")
    words = [status] if isinstance(status, str) else parts
    no = next((word for word in words if word not in _YES), None)
    return Accepted(detail=answer) if no is None else Refused(reason=no, detail=answer)


def body_of(version: OcppVersion, action: str, outcome: OrderResult) -> Message:
    """A charger's answer to an order, in the nearest word that the schema has for it."""
    if isinstance(outcome, Accepted):
        detail, words = outcome.detail, list(_WORDS_FOR_YES)
    else:
        detail = outcome.detail if isinstance(outcome, Refused) else {}
        words = [outcome.reason, *_WORDS_FOR_NO]
    bodies = [{"status": word} | detail for word in words] + [detail, {"messagesInQueue": False}]
    for body in bodies:
        try:
            return response(version, action, body)
        except msgspec.ValidationError:
            continue
    raise ValueError(f"no answer to {action} says {outcome}")
