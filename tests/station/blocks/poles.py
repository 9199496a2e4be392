"""A charger for tests that says and answers what a test wants, each message checked by the schemas of PyPI's ``ocpp``."""

import asyncio
import contextlib
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ocpp.messages import Call, CallResult, validate_payload

from tests.station.house import TOML, House, running, until
from voltide.station.blocks.ground import kept

NEVER = object()
"""An answer that does not come."""


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Pole:
    """Its answers by action: a body, a function of the request, or NEVER."""

    def __init__(self, socket, version: str, answers: dict[str, Any]):
        self.socket, self.version = socket, version
        self.answers = {**(ANSWERS_16 if version == "1.6" else ANSWERS), **answers}
        self.heard: list[tuple[str, dict]] = []
        self.errors: list[list] = []
        self._waiting: dict[str, asyncio.Future] = {}
        self.seq, self.transaction = 0, str(uuid.uuid4())

    async def run(self):
        async for text in self.socket:
            message = json.loads(text)
            if message[0] == 2:
                await self._hear(*message[1:])
            elif message[0] in {3, 4} and message[1] in self._waiting:
                self._waiting.pop(message[1]).set_result(message)
            else:
                self.errors.append(message)

    async def _hear(self, who, action, body):
        await validate_payload(Call(who, action, json.loads(json.dumps(body))), self.version)
        self.heard.append((action, body))
        answer = self.answers.get(action, {"status": "Accepted"})
        answer = answer(body) if isinstance(answer, Callable) else answer
        if answer is NEVER:
            return
        if isinstance(answer, list):
            await self.socket.send(json.dumps([4, who, *answer, {}]))
            return
        await validate_payload(CallResult(who, json.loads(json.dumps(answer)), action=action), self.version)
        await self.socket.send(json.dumps([3, who, answer]))

    async def call(self, action: str, body: dict) -> dict:
        """Say something and give its answer; fails on a CALLERROR."""
        who = str(uuid.uuid4())
        self._waiting[who] = asyncio.get_running_loop().create_future()
        await validate_payload(Call(who, action, json.loads(json.dumps(body))), self.version)
        await self.socket.send(json.dumps([2, who, action, body]))
        message = await asyncio.wait_for(self._waiting[who], 15)
        assert message[0] == 3, message
        await validate_payload(CallResult(who, json.loads(json.dumps(message[2])), action=action), self.version)
        return message[2]

    async def send(self, action: str, body: dict):
        """Tell something that is never answered."""
        await self.socket.send(json.dumps([6, str(uuid.uuid4()), action, body]))

    def asked(self, action: str) -> list[dict]:
        """The bodies of all calls of an action."""
        return [body for name, body in self.heard if name == action]

    # --- a charger's day ---

    async def boot(self) -> dict:
        if self.version == "1.6":
            return await self.call("BootNotification", {"chargePointModel": "M", "chargePointVendor": "W"})
        box = {"model": "M", "vendorName": "W"}
        return await self.call("BootNotification", {"chargingStation": box, "reason": "PowerUp"})

    async def event(self, kind: str, trigger: str = "MeterValuePeriodic", **more) -> dict:
        """A transaction's event (2.x)."""
        wh, watts = more.pop("wh", None), more.pop("watts", None)
        info = {
            "transactionId": self.transaction,
            "chargingState": more.pop("state", "Charging"),
            **more.pop("info", {}),
        }
        context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(kind, "Sample.Periodic")
        if wh is not None:
            register = {"value": wh, "measurand": "Energy.Active.Import.Register", "context": context}
            power = [{"value": watts, "measurand": "Power.Active.Import", "context": context}] if watts else []
            more["meterValue"] = [{"timestamp": now(), "sampledValue": [register, *power]}]
        body = {
            "eventType": kind, "timestamp": now(), "triggerReason": trigger, "seqNo": self.seq,
            "transactionInfo": info, "evse": {"id": 1, "connectorId": 1}, **more,
        }  # fmt: skip
        self.seq += 1
        return await self.call("TransactionEvent", body)

    async def plug_in(self, card: str = "CARD", **more) -> dict:
        card = {"idToken": card, "type": "ISO14443"}
        return await self.event("Started", "CablePluggedIn", state="EVConnected", idToken=card, wh=1000.0, **more)

    async def unplug(self, wh: float = 1000.0) -> dict:
        return await self.event("Ended", "EVDeparted", state="Idle", wh=wh, info={"stoppedReason": "EVDisconnected"})


def _set(body):
    done = [
        {"attributeStatus": "Accepted", "component": one["component"], "variable": one["variable"]}
        for one in body["setVariableData"]
    ]
    return {"setVariableResult": done}


def _get(body):
    done = [
        {"attributeStatus": "UnknownVariable", "component": one["component"], "variable": one["variable"]}
        for one in body["getVariableData"]
    ]
    return {"getVariableResult": done}


def _monitor(body):
    done = [
        {"id": 100 + at, "status": "Accepted", **{k: one[k] for k in ("type", "severity", "component", "variable")}}
        for at, one in enumerate(body["setMonitoringData"])
    ]
    return {"setMonitoringResult": done}


ANSWERS = {
    "ClearVariableMonitoring": lambda body: {
        "clearMonitoringResult": [{"id": one, "status": "Accepted"} for one in body["id"]]
    },
    "CostUpdated": {},
    "GetLocalListVersion": {"versionNumber": 0},
    "GetTransactionStatus": {"messagesInQueue": False},
    "GetVariables": _get,
    "SetVariableMonitoring": _monitor,
    "SetVariables": _set,
    "TriggerMessage": {"status": "NotImplemented"},
    "UnlockConnector": {"status": "Unlocked"},
}
ANSWERS_16 = {
    "GetConfiguration": {},
    "GetLocalListVersion": {"listVersion": -1},
    "TriggerMessage": {"status": "NotImplemented"},
    "UnlockConnector": {"status": "Unlocked"},
}


@contextlib.asynccontextmanager
async def pole(house: House, identity: str, version: str = "2.1", **answers):
    """A charger on the line, booted."""
    socket = await house.dial(identity, version)
    one = Pole(socket, version, answers)
    listening = asyncio.create_task(one.run())
    try:
        await one.boot()
        yield one
    finally:
        listening.cancel()
        await socket.close()
        await asyncio.gather(listening, return_exceptions=True)


def in_house(tmp_path, work, toml: str = TOML):
    """Run one test in a station of its own that obeys already."""

    async def run():
        async with running(tmp_path, toml) as house:
            await until(lambda: "station.corner.order" in house.bus._servers)
            await work(house)

    asyncio.run(run())


def told(house: House, kind: str, of: type = dict) -> dict:
    """What was kept of a kind, by charger and key."""
    return {(charger, key): what for charger, key, what in kept(house.store.engine, kind, of)}


def alarms(house: House, code: str) -> list[str]:
    """Whose alarms of a kind stand."""
    return [one.subject for one in house.station.diary.alarms if one.code == code]
