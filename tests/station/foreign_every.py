"""A charger that says, hears and answers every message of a version, framed and judged by the PyPI package ``ocpp``.

It has no car and no manners: what it says and answers is what a test gave it. Every call and every result, whichever
way it goes, is checked by the package against the schemas that ship with it.
"""

import asyncio
import contextlib
import json
import random
import time
from contextlib import asynccontextmanager

from ocpp.messages import Call, CallResult, MessageType, _validate_payload, unpack
from websockets.exceptions import ConnectionClosed

from tools import payloads

_OLD = """
Authorize BootNotification DataTransfer DiagnosticsStatusNotification FirmwareStatusNotification Heartbeat
LogStatusNotification MeterValues SecurityEventNotification SignCertificate SignedFirmwareStatusNotification
StartTransaction StatusNotification StopTransaction
"""
_NEW = """
Authorize BootNotification ClearedChargingLimit DataTransfer FirmwareStatusNotification Get15118EVCertificate
GetCertificateStatus Heartbeat LogStatusNotification MeterValues NotifyChargingLimit NotifyCustomerInformation
NotifyDisplayMessages NotifyEVChargingNeeds NotifyEVChargingSchedule NotifyEvent NotifyMonitoringReport NotifyReport
PublishFirmwareStatusNotification ReportChargingProfiles ReservationStatusUpdate SecurityEventNotification
SignCertificate StatusNotification TransactionEvent
"""
_NEWEST = """
BatterySwap ClosePeriodicEventStream GetCertificateChainStatus NotifyDERAlarm NotifyDERStartStop
NotifyPriorityCharging NotifySettlement OpenPeriodicEventStream PullDynamicScheduleUpdate ReportDERControl
VatNumberValidation
"""
OURS = {"1.6": _OLD.split(), "2.0.1": _NEW.split(), "2.1": _NEW.split() + _NEWEST.split()}
"""What a charger calls, read from the specifications and not from the product."""


def theirs(version):
    """What a station calls."""
    told = {*OURS[version], payloads.STREAM} - {"DataTransfer"}
    return [action for action in payloads.actions(version) if action not in told]


def words_of(version, action):
    """The first word of an answer that is a yes, and one that is a no, where its schema has a status."""
    whole = payloads.schema(version, action, answer=True)
    status = whole["properties"].get("status", {})
    words = whole.get("definitions", {}).get(status.get("$ref", "").rsplit("/", 1)[-1], status).get("enum", [])
    yes = [word for word in words if word in {"Accepted", "Unlocked", "Downloaded"}]
    no = [word for word in words if word in {"Rejected", "NotSupported", "UnlockFailed", "Failed", "NotImplemented"}]
    return yes[:1], no[:1]


class Every:
    """One line of such a charger."""

    def __init__(self, version, socket):
        self.version, self.socket = version, socket
        self.chance = random.Random(1)
        self.heard, self.odd = [], []
        self.ids = {}
        """The newest id of each action that was heard."""
        self.answers = {}
        """By action: a payload, or an exception of the package, or None for silence; else a yes of its schema."""
        self._asked = {}

    async def call(self, action, payload, who):
        """Say one call; gives the package's CallResult, already judged, or its CallError."""
        message = Call(who, action, payload)
        _validate_payload(message, ocpp_version=self.version)
        return await self.say(who, action, message.to_json())

    async def say(self, who, action, text):
        """Say a text as it stands, and wait for what answers its id."""
        self._asked[who] = action, asyncio.get_running_loop().create_future()
        await self.socket.send(text)
        return await asyncio.wait_for(self._asked[who][1], 20)

    async def listen(self):
        """Hear until the line is closed."""
        async for text in self.socket:
            if json.loads(text)[0] not in {MessageType.Call, MessageType.CallResult, MessageType.CallError}:
                self.odd.append(json.loads(text))
                continue
            message = unpack(text)
            if isinstance(message, Call):
                self.heard.append((message.action, json.loads(text)[3]))
                self.ids[message.action] = message.unique_id
                await self._answer(message)
                continue
            action, waiting = self._asked.pop(message.unique_id, (None, None))
            if waiting is None:
                self.odd.append(json.loads(text))
                continue
            if isinstance(message, CallResult):
                message.action = action
                try:
                    _validate_payload(message, ocpp_version=self.version)
                except Exception as error:  # noqa: BLE001 - the test is to see it
                    waiting.set_exception(error)
                    continue
            waiting.set_result(message)

    def yes(self, action):
        """An answer that the schema accepts, and that is a yes where it has a word for that."""
        answer = payloads.payload(self.version, action, self.chance, answer=True)
        word, _ = words_of(self.version, action)
        return answer | ({"status": word[0]} if word else {})

    async def _answer(self, message):
        _validate_payload(message, ocpp_version=self.version)
        answer = self.answers.get(message.action, self.yes(message.action))
        if isinstance(answer, Exception):
            await self.socket.send(message.create_call_error(answer).to_json())
        elif answer is not None:
            reply = message.create_call_result(answer)
            _validate_payload(CallResult(message.unique_id, answer, message.action), ocpp_version=self.version)
            await self.socket.send(reply.to_json())


@asynccontextmanager
async def every(house, identity, version):
    """Such a charger on the line, booted; its own end must not have stumbled over anything of ours."""
    charger = Every(version, await house.dial(identity, version))
    listening = asyncio.create_task(charger.listen())
    try:
        body = payloads.payload(version, "BootNotification", charger.chance)
        booted = await charger.call("BootNotification", body, f"boot-{time.monotonic_ns()}")  # no repetition of another
        assert isinstance(booted, CallResult)
        assert booted.payload["status"] == "Accepted"
        yield charger
    finally:
        await charger.socket.close()
        with contextlib.suppress(ConnectionClosed):
            await listening
