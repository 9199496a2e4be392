"""Software: loaded when it is time, checked by its signature, installed when no car is there, told step by step (L).

Source: OCPP 2.1 Part 2, L01 to L04; for 1.6 the security whitepaper.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from math import inf
from typing import ClassVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from voltide.domain.messages import Json, SecurityTold
from voltide.domain.site import OcppVersion
from voltide.domain.units import Seconds
from voltide.ocpp.wire import maybe_moment, moment
from voltide.twin.blocks.block import Block, Box, Restart, refusal
from voltide.twin.variables import Name
from voltide.twin.vault import issued, read

_MAKERS = "ManufacturerRootCertificate"
_NEW_CARS: Name = ("ChargingStation", "AllowNewSessionsPendingFirmwareUpdate", "")
_WAYS: Name = ("OCPPCommCtrlr", "FileTransferProtocols", "")
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_RETRY_S: Seconds = 60.0
_OLD_WORDS = frozenset(
    {"Downloaded", "DownloadFailed", "Downloading", "Idle", "InstallationFailed", "Installing", "Installed"}
)
_NEAREST = {"DownloadScheduled": "Idle", "InstallScheduled": "Downloaded", "InstallRebooting": "Installing"}
"""What 1.6 without its extension says when it is asked while it is at something that it has no word for."""
_OVER = frozenset({"DownloadFailed", "InvalidSignature", "Installed"})


class Download:
    """One file, tried again after a while. ``done`` hears its content, or None once every try has failed."""

    def __init__(self, box: Box, order: Json, url: str, done: Callable[[bytes | None], None]) -> None:
        self._box, self._url, self._done = box, url, done
        self._left = int(order.get("retries", 0))
        self._wait_s = float(order.get("retryInterval", _RETRY_S))
        self._due_s: Seconds = -inf
        self._stopped = False
        box.watch(self._look)

    def stop(self) -> None:
        """Nobody wants it any more, even if it is under way."""
        self._stopped = True
        self._box.unwatch(self._look)

    def _look(self, now: Seconds) -> None:
        if now >= max(self._due_s, self._box.down_until):
            self._box.unwatch(self._look)
            self._box.files.get(self._url, self._loaded)

    def _loaded(self, content: bytes | None) -> None:
        if self._stopped:
            return
        if content is None and self._left > 0:
            self._left -= 1
            self._due_s = self._box.clock.monotonic() + self._wait_s
            self._box.watch(self._look)
            return
        self._done(content)


@dataclass(slots=True, kw_only=True)
class Update:
    """One update and how far it is. ``request`` None is one of 1.6 without its security extension."""

    request: int | None
    order: Json
    location: str
    retrieve: datetime
    install: datetime | None = None
    certificate: x509.Certificate | None = None
    signature: str = ""
    status: str = "Idle"
    download: Download | None = None
    version: str = ""
    rebooting_s: Seconds = inf
    """Since when it is about to restart."""


class Firmware(Block):
    """One update at a time; a newer request ends one that is not being installed yet."""

    def __init__(self, box: Box) -> None:
        super().__init__(box)
        self._update: Update | None = None
        self._last: tuple[str, int | None] = ("Idle", None)
        """What was told last, and of which request."""
        box.variables.live["FirmwareUpdateCtrlr", "Version", ""] = lambda _spot: box.firmware

    # --- orders ---

    def _begin(self, body: Json) -> Json:
        """A signature is worth nothing without its certificate, so one that comes alone is refused like a wrong one."""
        firmware, signer = body["firmware"], None
        if "signingCertificate" in firmware or "signature" in firmware:
            signer = self._signer(firmware.get("signingCertificate", ""))
            if signer is None:
                self._alarm("InvalidFirmwareSigningCertificate")
                return {"status": "InvalidCertificate"}
        update = Update(
            request=body["requestId"],
            order=body,
            location=firmware["location"],
            retrieve=moment(firmware["retrieveDateTime"], self.box.clock.now()),
            install=maybe_moment(firmware.get("installDateTime")),
            certificate=signer,
            signature=firmware.get("signature", ""),
        )
        return self._take(update)

    def _begin_old(self, body: Json) -> Json:
        """1.6: nothing to check, and no word against it."""
        retrieve = moment(body["retrieveDate"], self.box.clock.now())
        self._take(Update(request=None, order=body, location=body["location"], retrieve=retrieve))
        return {}

    def _either(self, body: Json) -> Json:
        """UpdateFirmware has another body in 1.6."""
        return self._begin_old(body) if self.box.version is OcppVersion.V16 else self._begin(body)

    def _take(self, update: Update) -> Json:
        before = self._update
        if before is not None and before.status in {"Installing", "InstallRebooting"}:
            old = self.box.version is OcppVersion.V16
            return {"status": "Rejected"} if old else refusal("FwUpdateInProgress")
        if before is not None:
            self._end(before)
        self._update = update
        if update.retrieve > self.box.clock.now():
            self._tell("DownloadScheduled")
        self.box.watch(self._look)
        return {"status": "Accepted" if before is None else "AcceptedCanceled"}

    def _signer(self, text: str) -> x509.Certificate | None:
        """The maker's certificate, if one of the makers that are trusted has issued it and it is valid now."""
        found, now = read(text), self.box.clock.now()
        if not found or not found[0].not_valid_before_utc <= now <= found[0].not_valid_after_utc:
            return None
        makers = self.box.vault.roots.get(_MAKERS, [])
        return found[0] if any(issued(found[0], maker) for maker in makers) else None

    # --- step by step, one a second ---

    def _look(self, now: Seconds) -> None:
        update = self._update
        if update is None:
            self.box.unwatch(self._look)
            return
        if now < self.box.down_until:
            return
        match update.status:
            case "Idle" | "DownloadScheduled" if self.box.clock.now() >= update.retrieve:
                self._tell("Downloading")
                update.download = Download(self.box, update.order, update.location, self._loaded)
            case "Downloaded" | "SignatureVerified" | "InstallScheduled":
                self._install_if_free(update)
            case "Installing":
                update.rebooting_s = now
                self._tell("InstallRebooting")
            case "InstallRebooting" if self._restarted(update):
                self.box.tell(SecurityTold(kind="FirmwareUpdated", at=self.box.clock.now(), info=update.version))
                self._tell("Installed")
            case "InstallRebooting":  # said anew each second: another restart may have come in between
                self.box.plan_reset(Restart(immediate=True, boot="FirmwareUpdate", firmware=update.version))

    def _restarted(self, update: Update) -> bool:
        """Whether the new software runs. The same version again needs a restart, too."""
        return self.box.down_until > update.rebooting_s and self.box.firmware == update.version

    def _loaded(self, content: bytes | None) -> None:
        """The file is there, or cannot be had."""
        update = self._update
        if update is None:
            return
        if content is None:
            self._tell("DownloadFailed")
            return
        self._tell("Downloaded")
        update.version = version_of(content, update.location)
        if update.certificate is not None:
            fine = signed_by(update.certificate, update.signature, content)
            if not fine:
                self._alarm("InvalidFirmwareSignature")
            self._tell("SignatureVerified" if fine else "InvalidSignature")

    def _install_if_free(self, update: Update) -> None:
        """Wait for the hour and for the last car. Who comes meanwhile finds the outlets shut, if it is set so."""
        early = update.install is not None and self.box.clock.now() < update.install
        busy = any(bay.transaction is not None for bay in self.box.bays.values())
        if not early and not (busy and self.box.variables.flag(_NEW_CARS)):
            self._shut(shut=True)
        if not early and not busy:
            self._tell("Installing")
        elif update.status != "InstallScheduled":
            self._tell("InstallScheduled")

    def _shut(self, *, shut: bool) -> None:
        """Take all outlets out of service, or give them back; what the station has ordered of them holds beside."""
        for bay in self.box.bays.values():
            before, bay.shut = bay.state, shut
            if bay.state is not before:
                bay.report()

    def _end(self, update: Update) -> None:
        """No more of it."""
        self._update = None
        if update.download is not None:
            update.download.stop()
        self._shut(shut=False)

    # --- telling ---

    def _tell(self, status: str) -> None:
        update = self._update
        if update is None:
            return
        update.status = status
        self._last = (status, update.request)
        self._say(status, update.request)
        if status in _OVER:
            self._end(update)

    def _say(self, status: str, request: int | None) -> None:
        if self.box.version is not OcppVersion.V16:
            self.box.call("FirmwareStatusNotification", {"status": status, "requestId": request}, keep=True)
        elif request is not None:
            self.box.call("SignedFirmwareStatusNotification", {"status": status, "requestId": request}, keep=True)
        elif status in _OLD_WORDS:
            self.box.call("FirmwareStatusNotification", {"status": status}, keep=True)

    def _alarm(self, kind: str) -> None:
        self.box.tell(SecurityTold(kind=kind, at=self.box.clock.now()))

    def _trigger(self, _evse: int | None) -> bool:
        """Say again what was said last; after Installed it is Idle, and has no request (L01.FR.25, L01.FR.26)."""
        status, request = self._last if self._last[0] != "Installed" else ("Idle", None)
        plain = self.box.version is OcppVersion.V16 and request is None
        self._say(_NEAREST.get(status, status) if plain else status, request)
        return True

    ACTS: ClassVar = {"SignedUpdateFirmware": _begin, "UpdateFirmware": _either}
    TRIGGERS: ClassVar = {"FirmwareStatusNotification": _trigger}


def version_of(content: bytes, location: str) -> str:
    """What a file says of its version at its beginning, or else by its name; one that says nothing is 1.0.1.

    >>> version_of(b"twin 2.1.0", "http://192.0.2.1/a.bin"), version_of(b"", "http://192.0.2.1/twin-3.0.4.bin")
    ('2.1.0', '3.0.4')
    """
    name = location.rpartition("/")[2]
    found = _VERSION.search(content[:200].decode("ascii", "replace")) or _VERSION.search(name)
    return "1.0.1" if found is None else found[0]


def signed_by(signer: x509.Certificate, signature: str, content: bytes) -> bool:
    """Whether the signature (base64) of a file is the signer's: ECDSA, or RSA with PSS, over SHA-256."""
    try:
        key, told = signer.public_key(), base64.b64decode(signature, validate=True)
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(told, content, ec.ECDSA(hashes.SHA256()))
        elif isinstance(key, rsa.RSAPublicKey):
            pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.AUTO)
            key.verify(told, content, pss, hashes.SHA256())
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, binascii.Error, ValueError):
        return False
    return True


class Publishing(Block):
    """A local controller's part: it loads software once, and has it for the chargers around it (L03, L04)."""

    def __init__(self, box: Box) -> None:
        super().__init__(box)
        self._published: set[str] = set()
        self._loading: dict[str, Download] = {}
        """What is under way, by its digest."""
        self._last: Json = {"status": "Idle"}

    def _publish(self, body: Json) -> Json:
        request, checksum = body["requestId"], body["checksum"].lower()
        self._stop(checksum)
        self._tell("Downloading", request)
        done = partial(self._loaded, request, checksum)
        self._loading[checksum] = Download(self.box, body, body["location"], done)
        return {"status": "Accepted"}

    def _stop(self, checksum: str) -> None:
        before = self._loading.pop(checksum, None)
        if before is not None:
            before.stop()

    def _loaded(self, request: int, checksum: str, content: bytes | None) -> None:
        del self._loading[checksum]
        if content is None:
            self._tell("DownloadFailed", request)
            return
        self._tell("Downloaded", request)
        if hashlib.md5(content, usedforsecurity=False).hexdigest() != checksum:
            self._tell("InvalidChecksum", request)
            return
        self._tell("ChecksumVerified", request)
        self._published.add(checksum)
        ways = self.box.variables.several(_WAYS)
        self._tell("Published", request, [f"{way.lower()}://{self.box.charger.id}.local/{checksum}" for way in ways])

    def _tell(self, status: str, request: int, places: list[str] | None = None) -> None:
        self._last = {"status": status, "requestId": request}
        self.box.call("PublishFirmwareStatusNotification", self._last | {"location": places}, keep=True)

    def _unpublish(self, body: Json) -> Json:
        """What is still being loaded is not taken back (L04.FR.04)."""
        checksum = body["checksum"].lower()
        if checksum in self._loading:
            return {"status": "DownloadOngoing"}
        known = checksum in self._published
        self._published.discard(checksum)
        return {"status": "Unpublished" if known else "NoFirmware"}

    def _trigger(self, _evse: int | None) -> bool:
        """Say again what was said last; after Published it is Idle (L03.FR.10, L03.FR.11)."""
        over = self._last["status"] == "Published"
        self.box.call("PublishFirmwareStatusNotification", {"status": "Idle"} if over else self._last)
        return True

    ACTS: ClassVar = {"PublishFirmware": _publish, "UnpublishFirmware": _unpublish}
    TRIGGERS: ClassVar = {"PublishFirmwareStatusNotification": _trigger}
