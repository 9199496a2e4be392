"""Logs that are uploaded, and what the charger knows of a customer (N01, N09, N10; 1.6: diagnostics)."""

import json
from functools import partial
from typing import ClassVar

from voltide.domain.messages import Json, Token
from voltide.domain.time import stamp
from voltide.twin.blocks.block import Block, Box
from voltide.twin.blocks.tokens import Tokens

_SCHEMES = ("http://", "https://")
_PIECE = 512
"""Characters of customer information in one message."""


class Logs(Block):
    """Uploads one log at a time; a newer request ends the one under way."""

    def __init__(self, box: Box) -> None:
        super().__init__(box)
        self._uploading: int | None = None
        self._last = "Idle"
        self._count = 0

    def _get(self, body: Json) -> Json:
        """Start an upload once the answer is out."""
        before, self._uploading = self._uploading, body["requestId"]
        if before is not None:
            self._tell("AcceptedCanceled", before)
        name = self._name(body["logType"])
        self._upload(body["log"]["remoteLocation"], name, body["requestId"])
        return {"status": "Accepted" if before is None else "AcceptedCanceled", "filename": name}

    def _diagnostics(self, body: Json) -> Json:
        """1.6 without its security extension."""
        self._count += 1
        self._uploading = -self._count
        name = self._name("DiagnosticsLog")
        self._upload(body["location"], name, self._uploading)
        return {"fileName": name}

    def _name(self, kind: str) -> str:
        at = stamp(self.box.clock.now()).replace(":", "").replace("-", "")
        return f"{self.box.charger.id}-{kind}-{at[:15]}.json"

    def _upload(self, location: str, name: str, request: int) -> None:
        if not location.lower().startswith(_SCHEMES):
            self._done(request, "NotSupportedOperation")
            return
        self._tell("Uploading", request)
        place = location if not location.endswith("/") else location + name
        told = partial(self._uploaded, request)
        self.box.files.put(place, self._content().encode(), told)

    def _content(self) -> str:
        """What it has to say for itself."""
        bays = {number: bay.state.value for number, bay in self.box.bays.items()}
        return json.dumps({"charger": self.box.charger.id, "at": stamp(self.box.clock.now()), "outlets": bays})

    def _uploaded(self, request: int, *, fine: bool) -> None:
        if request == self._uploading:
            self._done(request, "Uploaded" if fine else "UploadFailure")

    def _done(self, request: int, status: str) -> None:
        self._tell(status, request)
        self._uploading, self._last = None, "Idle"

    def _tell(self, status: str, request: int) -> None:
        self._last = status
        if request < 0:
            words = {"Uploading": "Uploading", "Uploaded": "Uploaded"}
            self.box.call("DiagnosticsStatusNotification", {"status": words.get(status, "UploadFailed")})
        else:
            self.box.call("LogStatusNotification", {"status": status, "requestId": request})

    def _trigger(self, _evse: int | None) -> bool:
        """Say how far it is; nothing under way is Idle and has no request."""
        request = self._uploading
        body = {"status": self._last, "requestId": request if request is not None and request >= 0 else None}
        self.box.call("LogStatusNotification", body)
        return True

    def _trigger_diagnostics(self, _evse: int | None) -> bool:
        busy = self._uploading is not None and self._uploading < 0
        self.box.call("DiagnosticsStatusNotification", {"status": "Uploading" if busy else "Idle"})
        return True

    # --- a customer's data ---

    def _customer(self, body: Json) -> Json:
        """Tell what is known of a customer, forget it, or both."""
        who = [key for key in ("customerCertificate", "idToken", "customerIdentifier") if key in body]
        if len(who) != 1 or not (body["report"] or body["clear"]):
            return {"status": "Invalid" if len(who) != 1 else "Rejected"}
        known = ""
        if who == ["idToken"]:
            token = Token(id=body["idToken"]["idToken"], kind=body["idToken"]["type"])
            known = self._known(token)
            if body["clear"]:
                self.box.part(Tokens).forget(token)
        text = known if body["report"] else ""
        pieces = [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)] or [""]
        for part, piece in enumerate(pieces):
            more = part + 1 < len(pieces)
            told = {"requestId": body["requestId"], "seqNo": part, "tbc": more, "data": piece}
            self.box.call("NotifyCustomerInformation", told | {"generatedAt": stamp(self.box.clock.now())})
        return {"status": "Accepted"}

    def _known(self, token: Token) -> str:
        """All that there is, as JSON; nothing known is no text."""
        permit = self.box.part(Tokens).known(token)
        stays = [
            {"evse": bay.number, "transaction": self.box.known_id(bay.transaction)}
            for bay in self.box.bays.values()
            if bay.token == token and bay.transaction is not None
        ]
        if permit is None and not stays:
            return ""
        about = None if permit is None else {"status": permit.status, "group": permit.group}
        return json.dumps({"token": token.id, "known": about, "transactions": stays})

    ACTS: ClassVar = {"CustomerInformation": _customer, "GetDiagnostics": _diagnostics, "GetLog": _get}
    TRIGGERS: ClassVar = {
        "DiagnosticsStatusNotification": _trigger_diagnostics,
        "LogStatusNotification": _trigger,
    }
