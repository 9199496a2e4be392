"""One word decides most answers of a charger: was it accepted? Some say it for each item, and some say none."""

from collections.abc import Sequence

import msgspec

from voltide.domain.messages import Accepted, ChargerOrder, Json, OrderResult, Refused, Unknown
from voltide.domain.requests import AskListVersion, AskSchedule
from voltide.domain.site import OcppVersion
from voltide.ocpp.messages import Message
from voltide.ocpp.power2 import hear_composite, say_composite
from voltide.ocpp.wire import Voice, Wire, plain, response

_YES = frozenset({"Accepted", "AcceptedCanceled", "RebootRequired", "Scheduled", "Unlocked", "Unpublished"})
_WORDS_FOR_YES = ("Accepted", "Unlocked", "Unpublished")
_WORDS_FOR_NO = ("Rejected", "Unknown", "UnlockFailed", "Failed", "NotFound", "NotSupported", "NoFirmware")
_RESULTS = {
    "ClearTariffs": ("clearTariffsResult", "status"),
    "ClearVariableMonitoring": ("clearMonitoringResult", "status"),
    "GetVariables": ("getVariableResult", "attributeStatus"),
    "SetVariableMonitoring": ("setMonitoringResult", "status"),
    "SetVariables": ("setVariableResult", "attributeStatus"),
}
"""Answers that judge each item: in which list, by which word."""
_ECHOED = {
    "ClearVariableMonitoring": ("id", ()),
    "GetVariables": ("getVariableData", ("attributeType", "component", "variable")),
    "SetVariableMonitoring": ("setMonitoringData", ("id", "type", "component", "variable", "severity")),
    "SetVariables": ("setVariableData", ("attributeType", "component", "variable")),
}
"""What such an answer repeats of each item that was asked."""
_JOINED = ("configurationKey", "unknownKey", "certificateHashDataChain", *(name for name, _ in _RESULTS.values()))
_ONE_BY_ONE = frozenset({"ChangeConfiguration", "SendLocalList"})
"""Calls of one order that lean on each other: after a no there is no next."""


# --- what a charger's answer says of an order ---


def verdict(action: str, answer: Json) -> OrderResult:
    """Accepted, or refused by the first word that is no yes; an answer without a word is a yes."""
    if action == "GetDiagnostics" and "fileName" not in answer:
        return Refused(reason="Rejected", detail=answer)  # 1.6: without a name there is nothing to be uploaded
    name, word = _RESULTS.get(action, ("", ""))
    status = answer.get("status")
    words = [status] if isinstance(status, str) else [one[word] for one in answer.get(name, ())]
    no = next((one for one in words if one not in _YES), None)
    return Accepted(detail=answer) if no is None else Refused(reason=no, detail=answer)


# --- what came of an order, in the words of the house ---


def goes_on(call: Wire, result: OrderResult) -> bool:
    """Whether the next call of the same order is made after this one."""
    return isinstance(result, Accepted) or (isinstance(result, Refused) and call.action not in _ONE_BY_ONE)


def gathered(order: ChargerOrder, calls: Sequence[Wire], results: Sequence[OrderResult], voice: Voice) -> OrderResult:
    """What came of all calls of an order that were made. What was asked by hand is told as the charger said it."""
    result = _joined(calls, results)
    match order:
        case AskListVersion() if not isinstance(result, Unknown):
            return _list_version(result)
        case AskSchedule() if isinstance(result, Accepted):
            return Accepted(detail=hear_composite(result.detail, voice.supply))
        case _:
            return result


def _list_version(result: Accepted | Refused) -> OrderResult:
    """Both spellings as one; -1 says in 1.6 that there is no such list at all."""
    version = result.detail.get("versionNumber", result.detail.get("listVersion"))
    if version == -1:
        return Refused(reason="NotSupported", detail={"versionNumber": version})
    return Accepted(detail={"versionNumber": version}) if isinstance(result, Accepted) else result


def _joined(calls: Sequence[Wire], results: Sequence[OrderResult]) -> OrderResult:
    """Their lists joined, and the first no (or loss) as verdict."""
    heard = [_named(call, result) for call, result in zip(calls, results, strict=False)]
    if len(heard) < 2:
        return heard[0] if heard else Accepted()
    lost = next((one for one in heard if isinstance(one, Unknown)), None)
    if lost is not None:
        return lost
    detail: Json = {}
    for one in heard:
        detail = detail | {key: value for key, value in _detail(one).items() if key not in _JOINED}
        for name in _JOINED:
            if name in _detail(one):
                detail[name] = [*detail.get(name, ()), *_detail(one)[name]]
    no = next((one for one in heard if isinstance(one, Refused) and not _is_empty(calls[0], one)), None)
    empty = all(isinstance(one, Refused) for one in heard)
    refused = heard[0] if empty and no is None else no
    return Refused(reason=refused.reason, detail=detail) if isinstance(refused, Refused) else Accepted(detail=detail)


def _is_empty(call: Wire, result: Refused) -> bool:
    """1.6 asks for the certificates of each use by itself: that there are none of one use is no refusal."""
    return call.action == "GetInstalledCertificateIds" and result.reason == "NotFound"


def _detail(result: OrderResult) -> Json:
    return {} if isinstance(result, Unknown) else result.detail


def _named(call: Wire, result: OrderResult) -> OrderResult:
    """1.6 lists certificates without their use: it stands in the question."""
    if call.action != "GetInstalledCertificateIds" or isinstance(result, Unknown):
        return result
    if "certificateHashData" not in result.detail:
        return result
    kind = _KINDS.get(plain(call.request).get("certificateType", ""), "")
    chains = [{"certificateType": kind, "certificateHashData": one} for one in result.detail["certificateHashData"]]
    detail = {"status": result.detail.get("status"), "certificateHashDataChain": chains}
    return Accepted(detail=detail) if isinstance(result, Accepted) else Refused(reason=result.reason, detail=detail)


KINDS_16 = {
    "CSMSRootCertificate": "CentralSystemRootCertificate",
    "ManufacturerRootCertificate": "ManufacturerRootCertificate",
}
"""The uses of a root certificate, in the words of 2.x, that 1.6 has a word for."""
_KINDS = {old: new for new, old in KINDS_16.items()}


# --- a charger's answer to an order ---


def body_of(voice: Voice, action: str, asked: Json, outcome: OrderResult) -> Message:
    """A charger's answer to an order, in the nearest word that the schema has for it."""
    if isinstance(outcome, Accepted):
        detail, words = outcome.detail, list(_WORDS_FOR_YES)
    else:
        detail = outcome.detail if isinstance(outcome, Refused) else {}
        words = [outcome.reason, *_WORDS_FOR_NO]
    bodies = [*_special(voice, action, asked, outcome), *_listed(action, asked, detail, words)]
    bodies += [{"status": word} | detail for word in words] + [detail, {"messagesInQueue": False} | detail]
    for body in bodies:
        try:
            return response(voice.version, action, body)
        except msgspec.ValidationError:
            continue
    raise ValueError(f"no answer to {action} says {outcome}")


def _special(voice: Voice, action: str, asked: Json, outcome: OrderResult) -> list[Json]:
    """Answers that have words of their own in the house."""
    accepted = isinstance(outcome, Accepted)
    detail = _detail(outcome)
    if action == "GetLocalListVersion":
        old = voice.version is OcppVersion.V16
        version = detail.get("versionNumber", 0) if accepted else -1 if old else 0
        return [{"listVersion" if old else "versionNumber": version}]
    if action == "GetCompositeSchedule" and accepted and "steps" in detail:
        return [say_composite(asked, detail, voice)]
    return []


def _listed(action: str, asked: Json, detail: Json, words: list[str]) -> list[Json]:
    """One verdict for each item that was asked, as far as the detail does not give them itself.

    ``detail["results"]`` may say of each item what differs: its own word, or the id that it was given.
    """
    name, word = _RESULTS.get(action, ("", ""))
    if not name or name in detail:
        return []
    own = detail.get("results", ())
    items = _items(action, asked)
    made = []
    for verdict_ in words:
        results = [item | {word: verdict_} for item in items]
        made.append({name: [one | extra for one, extra in zip(results, [*own, *([{}] * len(items))], strict=False)]})
    return made


def _items(action: str, asked: Json) -> list[Json]:
    if action == "ClearTariffs":
        return [{"tariffId": one} for one in asked.get("tariffIds", ())] or [{}]
    listed, kept = _ECHOED[action]
    if action == "ClearVariableMonitoring":
        return [{"id": one} for one in asked[listed]]
    return [{key: item[key] for key in kept if key in item} for item in asked[listed]]
