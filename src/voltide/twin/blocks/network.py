"""Where the charger dials next, and with which password (A01, A05, B09, B10)."""

from typing import ClassVar

from voltide.domain.messages import Json, SecurityTold
from voltide.domain.site import OcppVersion
from voltide.twin.blocks.block import Block, Box, refusal
from voltide.twin.network import FACTORY, Slot
from voltide.twin.variables import SLOTS, Name

_ACTIVE: Name = ("OCPPCommCtrlr", "ActiveNetworkProfile", "")
_PROFILE: Name = ("SecurityCtrlr", "SecurityProfile", "")
_PASSWORD: Name = ("SecurityCtrlr", "BasicAuthPassword", "")
_DOWN: Name = ("SecurityCtrlr", "AllowSecurityProfileDowngrade", "")
_SLOTS = ("0", "1", "2")
_SHORTEST = 16
_VERSIONS = {"OCPP16": OcppVersion.V16, "OCPP201": OcppVersion.V201, "OCPP20": None, "OCPP21": OcppVersion.V21}


class Dialling(Block):
    """Keeps the network connection profiles. It is there from the start: a password may change at any time."""

    def __init__(self, box: Box) -> None:
        super().__init__(box)
        variables = box.variables
        variables.live[_ACTIVE] = lambda _spot: str(box.network.active)
        variables.live[_PROFILE] = lambda _spot: str(box.network.slot.profile)
        variables.guards[_PASSWORD] = self._new_password
        variables.guards[SLOTS] = self._new_order
        variables.guards[_PROFILE] = self._new_profile

    def _set(self, body: Json) -> Json:
        """Fill a slot; it is used once it is in the order, from the next restart on."""
        number, data = body["configurationSlot"], body["connectionData"]
        network = self.box.network
        if str(number) not in _SLOTS or number == network.active:
            return refusal("InvalidConfSlot")
        if data["ocppTransport"] != "JSON" or not data["ocppCsmsUrl"].startswith(("ws://", "wss://")):
            return refusal("InvalidNetworkConf")
        if not self._may(data["securityProfile"]):
            return refusal("NoSecurityDowngrade")
        network.slots[number] = Slot(
            profile=data["securityProfile"],
            url=data["ocppCsmsUrl"],
            version=_VERSIONS.get(data.get("ocppVersion", "")),
            identity=data.get("identity"),
            password=data.get("basicAuthPassword"),
        )
        self._note("a network profile")
        return {"status": "Accepted"}

    def _may(self, profile: int) -> bool:
        """Nobody lowers the security, but from 3 to 2 where that is allowed."""
        now = self.box.network.slot.profile
        return profile >= now or ((now, profile) == (3, 2) and self.box.variables.flag(_DOWN))

    def _ready(self, profile: int) -> bool:
        """Whether the charger has what a security profile needs."""
        vault = self.box.vault
        return (profile < 2 or bool(vault.roots)) and (profile < 3 or "ChargingStationCertificate" in vault.own)

    def _new_order(self, value: str) -> str:
        """Only slots that are filled, and that the charger is ready for."""
        slots = self.box.network.slots
        numbers = [int(one) for one in value.split(",") if one.strip().isdigit()]
        fine = bool(numbers) and all(one in slots and self._ready(slots[one].profile) for one in numbers)
        return "RebootRequired" if fine else "Rejected"

    def _new_password(self, value: str) -> str:
        """In force at the next dialling: the line is opened anew at once."""
        longest = 64 if self.box.version is OcppVersion.V21 else 40
        if not _SHORTEST <= len(value) <= longest or not value.isascii() or not value.isprintable():
            return "Rejected"
        self.box.network.password = value
        self._note("the password")
        self.box.redial()
        return "Accepted"

    def _new_profile(self, value: str) -> str:
        """1.6: a higher security profile; the line is opened anew by it."""
        profile, network = int(value), self.box.network
        if self.box.version is not OcppVersion.V16 or profile > 3 or not self._may(profile) or not self._ready(profile):
            return "Rejected"
        network.slots[FACTORY] = Slot(profile=profile)
        self.box.redial()
        return "Accepted"

    def _note(self, what: str) -> None:
        at = self.box.clock.now()
        self.box.tell(SecurityTold(kind="ReconfigurationOfSecurityParameters", at=at, info=what))

    EAGER: ClassVar = frozenset(OcppVersion)
    ACTS: ClassVar = {"SetNetworkProfile": _set}
