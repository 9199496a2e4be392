"""A charger with locks of its own: password, certificate, network profiles, software. Raw JSON over a real socket.

What it hears is held against the public schemas of the PyPI package ``ocpp``.
"""

import asyncio
import contextlib
import json
import ssl
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric import ec
from ocpp.messages import Call, validate_payload
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from tests.station.locked import Locked, prove, request

AWAY = (ConnectionClosed, InvalidHandshake, InvalidMessage, OSError, EOFError)


class Box:
    """One charger. ``refuses``: actions that it answers with Rejected; ``deaf``: those that it never answers."""

    def __init__(self, house: Locked, name: str, version: str = "2.1", secret: str = "", profile: int = 1) -> None:
        self.house, self.name, self.version = house, name, version
        self.secret, self.profile = secret, profile
        self.firmware, self.vendor, self.model = "2.3.0", "ACME", "V60"
        self.heard: list[tuple[str, dict]] = []
        self.refuses: set[str] = set()
        self.deaf: set[str] = set()
        self.key = None
        self.proof = None
        self.given: list[dict] = []
        self.roots: list[str] = []
        self.slots: dict[str, dict] = {}
        self.priority = "1"
        self.keeps_old_way = False
        self._socket = None
        self._waiting: dict[str, asyncio.Future] = {}
        self._number = 0
        self._task: asyncio.Task | None = None

    @contextlib.asynccontextmanager
    async def on(self):
        """On its line; it dials again when it has been told to, or has lost it."""
        self._task = asyncio.create_task(self._live())
        try:
            async with asyncio.timeout(15):
                while self._socket is None:
                    if self._task.done():
                        self._task.result()
                    await asyncio.sleep(0.01)
            yield self
        finally:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._socket = None

    async def _live(self) -> None:
        while True:
            ways = self._ways()
            for profile in ways:
                try:
                    async with await self._dial(profile) as socket:
                        self.came_at = profile
                        await self._talk(socket)
                except AWAY:
                    continue
                finally:
                    self._socket = None
                break
            await asyncio.sleep(0.05)

    def _ways(self) -> list[int]:
        slots = [self.slots[one]["securityProfile"] for one in self.priority.split(",") if one in self.slots]
        return [self.profile] if self.keeps_old_way else [*slots, self.profile]

    async def _dial(self, profile: int):
        scheme, _, rest = self.house.doors[profile].partition("://")
        who = f"{self.name}:{self.secret}@" if profile in {1, 2} else ""
        tls = {}
        if scheme == "wss":
            context = ssl.create_default_context(cadata="".join(self.roots) or self.house.roots)
            if profile == 3 and self.proof is not None:
                context.load_cert_chain(self.proof.chain, self.proof.key)
            tls = {"ssl": context}
        return await connect(
            f"{scheme}://{who}{rest}{self.name}",
            subprotocols=[f"ocpp{self.version}"], compression=None, close_timeout=1, **tls,
        )  # fmt: skip

    async def _talk(self, socket) -> None:
        self._socket = socket
        booting = asyncio.create_task(self.boot())
        try:
            async for text in socket:
                kind, who, *rest = json.loads(text)
                if kind == 2:
                    await self._obey(socket, who, *rest)
                elif who in self._waiting:
                    self._waiting.pop(who).set_result((kind, rest))
        finally:
            booting.cancel()
            for waiting in self._waiting.values():
                waiting.cancel()
            self._waiting.clear()

    async def call(self, action: str, payload: dict):
        """The answer's payload; of an error, its code."""
        self._number += 1
        who = f"{id(self):x}-{self._number}"
        answer = self._waiting[who] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps([2, who, action, payload]))
        _kind, rest = await asyncio.wait_for(answer, 15)
        return rest[0]

    async def boot(self):
        if self.version == "1.6":
            told = {"chargePointVendor": self.vendor, "chargePointModel": self.model, "firmwareVersion": self.firmware}
        else:
            station = {"vendorName": self.vendor, "model": self.model, "firmwareVersion": self.firmware}
            told = {"chargingStation": station, "reason": "PowerUp"}
        with contextlib.suppress(asyncio.CancelledError):
            return await self.call("BootNotification", told)

    async def ask_for_certificate(self, common: str | None = None, number: int | None = None, **more):
        pem, self.key = request(common or self.name, key=self.key, **more)
        return await self.send_request(pem, number)

    async def send_request(self, pem: str, number: int | None = None, kind: str | None = None):
        told = {"csr": pem}
        if self.version != "1.6":
            told["certificateType"] = kind or "ChargingStationCertificate"
        if number is not None:
            told["requestId"] = number
        return await self.call("SignCertificate", told)

    # --- what it is told ---

    async def _obey(self, socket, who: str, action: str, payload: dict) -> None:
        await validate_payload(Call(who, action, payload), self.version)
        self.heard.append((action, payload))
        if action in self.deaf:
            return
        refused = "Rejected"
        if action in self.refuses:
            said = {"SetVariables": None, "ChangeConfiguration": {"status": refused}}.get(action, {"status": refused})
        else:
            said = getattr(self, f"_{action}", lambda _payload: {"status": "Accepted"})(payload)
        if said is None:
            said = {"setVariableResult": self._set_results(payload, refused)}
        await socket.send(json.dumps([3, who, said]))
        if action == "Reset" and action not in self.refuses:
            await socket.close()
        after = getattr(self, f"_after_{action}", None)
        if after is not None and action not in self.refuses:
            task = asyncio.create_task(after(payload))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())

    def _set_results(self, payload, status):
        return [
            {"attributeStatus": status, "component": one["component"], "variable": one["variable"]}
            for one in payload["setVariableData"]
        ]

    def _SetVariables(self, payload):  # noqa: N802 - OCPP's word
        for one in payload["setVariableData"]:
            if one["variable"]["name"] == "BasicAuthPassword":
                self.new_secret = one["attributeValue"]
            if one["variable"]["name"] == "NetworkConfigurationPriority":
                self.priority = one["attributeValue"]
        return {"setVariableResult": self._set_results(payload, "Accepted")}

    async def _after_SetVariables(self, _payload):  # noqa: N802
        await self._take_secret()

    def _ChangeConfiguration(self, payload):  # noqa: N802
        if payload["key"] == "AuthorizationKey":
            self.new_secret = payload["value"]
        if payload["key"] == "SecurityProfile":
            self.slots = {"1": {"securityProfile": int(payload["value"])}}
        return {"status": "Accepted"}

    async def _after_ChangeConfiguration(self, payload):  # noqa: N802
        await self._take_secret()
        if payload["key"] == "SecurityProfile":
            await self._socket.close()

    new_secret = ""

    async def _take_secret(self) -> None:
        """A01: it comes again by its new password."""
        if self.new_secret:
            self.secret, self.new_secret = self.new_secret, ""
            await self._socket.close()

    def _GetVariables(self, payload):  # noqa: N802
        return {
            "getVariableResult": [
                {
                    "attributeStatus": "Accepted",
                    "component": one["component"],
                    "variable": one["variable"],
                    "attributeValue": self.priority
                    if one["variable"]["name"] == "NetworkConfigurationPriority"
                    else "1",
                }
                for one in payload["getVariableData"]
            ]
        }

    def _GetConfiguration(self, _payload):  # noqa: N802
        return {"configurationKey": [], "unknownKey": []}

    def _InstallCertificate(self, payload):  # noqa: N802
        self.roots.append(payload["certificate"])
        return {"status": "Accepted"}

    def _CertificateSigned(self, payload):  # noqa: N802
        self.given.append(payload)
        self.proof = prove(self.house.data.parent / "chargers", self.name, payload["certificateChain"], self.key)
        return {"status": "Accepted"}

    def _SetNetworkProfile(self, payload):  # noqa: N802
        self.slots[str(payload["configurationSlot"])] = payload["connectionData"]
        return {"status": "Accepted"}

    def _UpdateFirmware(self, _payload):  # noqa: N802
        return {} if self.version == "1.6" else {"status": "Accepted"}

    async def _after_TriggerMessage(self, payload):  # noqa: N802
        if payload["requestedMessage"] == "SignChargingStationCertificate":
            await self.ask_for_certificate()
        if payload["requestedMessage"] == "BootNotification":
            await self.boot()

    async def _after_ExtendedTriggerMessage(self, payload):  # noqa: N802
        if payload["requestedMessage"] == "SignChargePointCertificate":
            await self.ask_for_certificate()

    def count(self, action: str) -> int:
        return sum(one == action for one, _ in self.heard)


def stamp() -> str:
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def key():
    return ec.generate_private_key(ec.SECP256R1())
