"""Keys and certificates: asked for, signed, installed, listed, deleted, and looked after (A02, A03, M)."""

from collections.abc import Callable
from typing import ClassVar

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from voltide.domain.messages import Json, SecurityTold
from voltide.domain.site import OcppVersion
from voltide.domain.units import Seconds
from voltide.twin.blocks.block import Block, Box, refusal
from voltide.twin.variables import Name
from voltide.twin.vault import MOST, Own, hash_data, new_key, read, request

_ENTRIES: Name = ("SecurityCtrlr", "CertificateEntries", "")
_LONGEST: Name = ("SecurityCtrlr", "MaxCertificateChainSize", "")
_OWNER: Name = ("SecurityCtrlr", "OrganizationName", "")
_WAIT: Name = ("SecurityCtrlr", "CertSigningWaitMinimum", "")
_REPEATS: Name = ("SecurityCtrlr", "CertSigningRepeatTimes", "")
CHARGER, V2G, V2G20 = "ChargingStationCertificate", "V2GCertificate", "V2G20Certificate"
_CHAIN = "V2GCertificateChain"


class Certificates(Block):
    """One request for a certificate may wait for its answer."""

    def __init__(self, box: Box) -> None:
        super().__init__(box)
        self._waiting: tuple[str, int, ec.EllipticCurvePrivateKey] | None = None
        """Kind, request and key of what has been asked for."""
        self._requests = 0
        self._again_s: Seconds = 0.0
        self._tries = 0
        box.variables.live[_ENTRIES] = lambda _spot: str(box.vault.count)

    # --- a certificate of its own ---

    def ask(self, kind: str = CHARGER) -> None:
        """Make a key, and ask for it to be certified."""
        self._tries = 0
        self._ask(kind)

    def _ask(self, kind: str) -> None:
        box = self.box
        self._requests += 1
        key = new_key(box.chance)
        self._waiting = (kind, self._requests, key)
        body: Json = {"csr": request(key, box.charger.id, box.variables.text(_OWNER))}
        if box.version is not OcppVersion.V16:
            body["certificateType"] = kind
        if box.version is OcppVersion.V21:
            body["requestId"] = self._requests
        box.call("SignCertificate", body, self._asked)
        self._again_s = box.clock.monotonic() + box.variables.whole(_WAIT) * 2.0**self._tries
        box.watch(self._look)

    def _asked(self, answer: Json) -> None:
        """Refused: there is nothing to wait for."""
        if answer["status"] != "Accepted":
            self._waiting = None

    def _look(self, now: Seconds) -> None:
        """Nothing has come: ask again some times, with more patience each time (A02.FR.17 to FR.19)."""
        if self._waiting is None:
            self.box.unwatch(self._look)
        elif now >= self._again_s:
            if self._tries >= self.box.variables.whole(_REPEATS):
                self._waiting = None
                return
            self._tries += 1
            self._ask(self._waiting[0])

    def _signed(self, body: Json) -> Json:
        """Take the certificate into use, if it is the one that was asked for and hangs on a trusted root."""
        flaw = self._take(body)
        if flaw is None:
            return {"status": "Accepted"}
        at = self.box.clock.now()
        self.box.tell(SecurityTold(kind="InvalidChargingStationCertificate", at=at, info=flaw))
        old = self.box.version is OcppVersion.V16
        return {"status": "Rejected"} if old else refusal("InvalidCertificate", info=flaw)

    def _take(self, body: Json) -> str | None:
        if self._waiting is None:
            return "nothing was asked for"
        kind, number, key = self._waiting
        pem = body["certificateChain"]
        if len(pem) > self.box.variables.whole(_LONGEST):
            return "it is too long"
        if body.get("requestId", number) != number or body.get("certificateType", kind) != kind:
            return "something else was asked for"
        chain = read(pem)
        flaw = self.box.vault.flaw(chain, key, self.box.clock.now())
        if flaw is None:
            self.box.vault.own[kind] = Own(chain, key)
            self._waiting = None
            if kind == CHARGER and self.box.network.slot.profile == 3:
                self.box.redial()
        return flaw

    # --- roots ---

    def _install(self, body: Json) -> Json:
        vault, kind = self.box.vault, body["certificateType"]
        found, now = read(body["certificate"]), self.box.clock.now()
        if len(found) != 1 or not found[0].not_valid_before_utc <= now <= found[0].not_valid_after_utc:
            return self._no("InvalidCertificate")
        mine = vault.roots.setdefault(kind, [])
        if found[0] not in mine:
            if vault.count >= MOST:
                return self._no("OutOfStorage")
            mine.append(found[0])
        return {"status": "Accepted"}

    def _no(self, why: str) -> Json:
        return {"status": "Rejected"} if self.box.version is OcppVersion.V16 else refusal(why)

    def _list(self, body: Json) -> Json:
        wanted = body.get("certificateType")
        kinds = [wanted] if isinstance(wanted, str) else wanted
        rows = [
            {"certificateType": kind, "certificateHashData": hash_data(one, one)}
            for kind, many in self.box.vault.roots.items()
            for one in many
            if not kinds or kind in kinds
        ]
        if self.box.version is OcppVersion.V16:
            hashed = [row["certificateHashData"] for row in rows]
            return {"status": "Accepted", "certificateHashData": hashed} if hashed else {"status": "NotFound"}
        if not kinds or _CHAIN in kinds:
            rows += [self._chain(own) for kind, own in self.box.vault.own.items() if kind != CHARGER]
        return {"status": "Accepted", "certificateHashDataChain": rows} if rows else {"status": "NotFound"}

    def _chain(self, own: Own) -> Json:
        hashes = [hash_data(one, self._issuer(own, at)) for at, one in enumerate(own.chain)]
        return {
            "certificateType": _CHAIN,
            "certificateHashData": hashes[0],
            "childCertificateHashData": hashes[1:5] or None,
        }

    def _issuer(self, own: Own, at: int) -> x509.Certificate:
        """Who is above a link: the next one, a root of that name, or itself."""
        if at + 1 < len(own.chain):
            return own.chain[at + 1]
        roots = [one for many in self.box.vault.roots.values() for one in many]
        return next((one for one in roots if one.subject == own.chain[at].issuer), own.chain[at])

    def _delete(self, body: Json) -> Json:
        """Forget a certificate; the charger's own can only be replaced."""
        wanted = {key: str(value).lower() for key, value in body["certificateHashData"].items()}
        algorithm = body["certificateHashData"]["hashAlgorithm"]

        def meant(one: x509.Certificate, issuer: x509.Certificate) -> bool:
            told = hash_data(one, issuer, algorithm)
            return all(str(told[key]).lower() == wanted[key] for key in told)

        for many in self.box.vault.roots.values():
            for one in many:
                if meant(one, one):
                    many.remove(one)
                    return {"status": "Accepted"}
        for kind, own in list(self.box.vault.own.items()):
            if any(meant(one, self._issuer(own, at)) for at, one in enumerate(own.chain)):
                if kind == CHARGER:
                    return {"status": "Failed"}
                del self.box.vault.own[kind]
                return {"status": "Accepted"}
        return {"status": "NotFound"}

    # --- what a car or its certificates need of the station ---

    def ask_status(self, hashed: Json, url: str, then: Callable[[Json], None]) -> None:
        """Whether the certificate of these hashes has been revoked (M06)."""
        self.box.call("GetCertificateStatus", {"ocspRequestData": hashed | {"responderURL": url}}, then)

    def ask_chain(self, hashes: list[Json], urls: list[str], then: Callable[[Json], None]) -> None:
        """The same for a car's whole chain (2.1, M07)."""
        rows = [{"certificateHashData": one, "source": "OCSP", "urls": urls} for one in hashes]
        self.box.call("GetCertificateChainStatus", {"certificateStatusRequests": rows}, then)

    def ask_contract(self, exi: str, then: Callable[[Json], None], action: str = "Install") -> None:
        """A contract certificate for a car (M01, M02): passed on as it comes."""
        body = {"iso15118SchemaVersion": "urn:iso:15118:2:2013:MsgDef", "action": action, "exiRequest": exi}
        self.box.call("Get15118EVCertificate", body, then)

    def _trigger(self, _evse: int | None) -> bool:
        self.ask()
        return True

    def _trigger_v2g(self, _evse: int | None) -> bool:
        self.ask(V2G)
        return True

    def _trigger_v2g20(self, _evse: int | None) -> bool:
        self.ask(V2G20)
        return True

    ACTS: ClassVar = {
        "CertificateSigned": _signed,
        "DeleteCertificate": _delete,
        "GetInstalledCertificateIds": _list,
        "InstallCertificate": _install,
    }
    TRIGGERS: ClassVar = {
        "SignChargePointCertificate": _trigger,
        "SignChargingStationCertificate": _trigger,
        "SignV2G20Certificate": _trigger_v2g20,
        "SignV2GCertificate": _trigger_v2g,
    }
