"""Chargers built on npm's ``ocpp-rpc`` in strict mode: a foreign framing, socket and schema check, driven from here.

The client itself judges every call and every answer that the station sends; a test that uses ``node`` fails when it
found a single flaw. Only what a charger decides (its car, its answers) is in this file.
"""

import asyncio
import contextlib
import json
import os
import random
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.station.foreign import Car, now
from tests.station.foreign_every import words_of
from tools import payloads

HERE = Path(__file__).parent / "npm"
HOME = Path(os.environ.get("VOLTIDE_NPM", "~/.cache/voltide/npm")).expanduser()


def node_path() -> str:
    """Where node is; without it or the client, skip or (in CI) fail with one plain sentence."""
    path = shutil.which("node")
    if path is None or not (HOME / "node_modules" / "ocpp-rpc").is_dir():
        sentence = "No npm client on this machine, so no strict foreign peer was asked: tests/station/npm/install.sh."
        if os.environ.get("VOLTIDE_REQUIRE_NPM"):
            pytest.fail(sentence, pytrace=False)
        pytest.skip(sentence)
    return path


class RefusedError(Exception):
    """The station answered a call by an error; its code is the text."""


class Node:
    """The process that all foreign chargers of a test live in."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self.chargers: dict[str, Charger] = {}
        self.flaws: list[str] = []
        """All that the strict client had against what it sent or heard."""

    async def listen(self) -> None:
        """Give every line of the process to whom it is for."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            told = json.loads(line)
            if "n" in told:
                future = self._asked.pop(told["n"])
                if future.done():
                    continue
                if "error" in told:
                    future.set_exception(RefusedError(told["error"]["code"], told["error"]["text"]))
                else:
                    future.set_result(told["result"])
            elif "flaw" in told:
                self.flaws.append(f"{told['client']}: {told['flaw']}")
            else:
                self.chargers[told["client"]].hear(told)

    def tell(self, **line: Any) -> None:
        """Say something and want no answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(line).encode() + b"\n")

    async def ask(self, **line: Any) -> Any:
        """Say something and wait for what came of it."""
        number = max(self._asked, default=0) + 1
        self._asked[number] = asyncio.get_running_loop().create_future()
        self.tell(n=number, **line)
        return await asyncio.wait_for(self._asked[number], 30)


@asynccontextmanager
async def node(*, flaws: int | None = 0) -> AsyncIterator[Node]:
    """The process; at the end the strict client must have found nothing to complain of (None: the test looks)."""
    process = await asyncio.create_subprocess_exec(
        node_path(),
        str(HERE / "charger.js"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"NODE_PATH": str(HOME / "node_modules")},
        limit=2**22,
    )
    made = Node(process)
    listening = asyncio.create_task(made.listen())
    try:
        yield made
    finally:
        listening.cancel()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if flaws is not None:
        assert made.flaws == []


def yes(version: str, action: str) -> Any:
    """The shortest answer that the schema accepts, and a yes where it has a word for that."""
    word, _ = words_of(version, action)
    answer = payloads.payload(version, action, random.Random(1), answer=True, full=0.0)
    return answer | ({"status": word[0]} if word else {})


class Charger:
    """What all versions share: a car, and answers to what is asked."""

    version = ""

    def __init__(self, over: Node, identity: str, name: str | None = None) -> None:
        self.identity, self.name = identity, name or identity
        self.over, self.car = over, Car()
        self.heard: list[tuple[str, Any]] = []
        self.closed: int | None = None
        self.transaction: Any = None
        self.answers: dict[str, Callable[[Any], Any]] = {"SetChargingProfile": self.profile}
        over.chargers[self.name] = self

    async def connect(self, url: str, secret: str, protocols: list[str] | None = None) -> str:
        """Dial the station; gives the version that both chose."""
        endpoint = url.rsplit("/", 1)[0]
        options = {
            "endpoint": endpoint,
            "identity": self.identity,
            "password": secret,
            "protocols": protocols or [f"ocpp{self.version}"],
        }
        options["schemas"] = str(payloads.folder("2.1"))
        chosen: str = await self.over.ask(do="connect", client=self.name, options=options)
        return chosen

    async def call(self, action: str, payload: Any) -> Any:
        """Ask the station something."""
        return await self.over.ask(do="call", client=self.name, action=action, payload=payload)

    def hear(self, told: Any) -> None:
        """Answer the station, or note that the line has closed."""
        if "closed" in told:
            self.closed = told["closed"]
        if "heard" not in told:
            return
        action, params = told["heard"], told["params"]
        self.heard.append((action, params))
        answer = self.answers[action](params) if action in self.answers else yes(self.version, action)
        self.over.tell(do="reply", client=self.name, id=told["id"], result=answer)

    def asked(self, action: str) -> list[Any]:
        """All that the station asked under one name."""
        return [params for name, params in self.heard if name == action]

    def profile(self, params: Any) -> Any:
        """Take a charging profile; one for the transaction is what the car obeys."""
        raise NotImplementedError

    async def run_until(self, true: Callable[[], bool], seconds: float = 25.0) -> None:
        """Tell meter values until something is so."""
        async with asyncio.timeout(seconds):
            while not true():
                await self.update()
                await asyncio.sleep(0.3)

    async def boot(self) -> Any:
        raise NotImplementedError

    async def free(self, state: str = "Available") -> Any:
        raise NotImplementedError

    async def authorise(self, token: str) -> str:
        raise NotImplementedError

    async def plug_in(self, remote_start: int | None = None) -> None:
        raise NotImplementedError

    async def update(self) -> None:
        raise NotImplementedError

    async def unplug(self) -> None:
        raise NotImplementedError


class Charger16(Charger):
    """Connectors and numbers."""

    version = "1.6"

    def profile(self, params):
        profile = params["csChargingProfiles"]
        if profile["chargingProfilePurpose"] == "TxProfile":
            self.car.setpoint_w = profile["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"]
        return {"status": "Accepted"}

    async def boot(self):
        return await self.call("BootNotification", {"chargePointModel": "Npm", "chargePointVendor": "Foreign"})

    async def free(self, state="Available"):
        told = {"connectorId": 1, "errorCode": "NoError", "status": state, "timestamp": now()}
        return await self.call("StatusNotification", told)

    async def authorise(self, token):
        return (await self.call("Authorize", {"idTag": token}))["idTagInfo"]["status"]

    async def plug_in(self, remote_start=None):
        del remote_start  # 1.6 has no word for it
        start = {"connectorId": 1, "idTag": "CARD1", "meterStart": round(self.car.import_wh), "timestamp": now()}
        self.transaction = (await self.call("StartTransaction", start))["transactionId"]

    async def update(self):
        self.car.flow()
        values = [
            {"value": f"{self.car.import_wh / 1000:.3f}", "measurand": "Energy.Active.Import.Register", "unit": "kWh"},
            {"value": f"{self.car.power_w:.1f}", "measurand": "Power.Active.Import", "unit": "W"},
        ]
        told = {"connectorId": 1, "transactionId": self.transaction}
        await self.call("MeterValues", told | {"meterValue": [{"timestamp": now(), "sampledValue": values}]})

    async def unplug(self):
        stop = {"transactionId": self.transaction, "meterStop": round(self.car.import_wh), "timestamp": now()}
        await self.call("StopTransaction", stop | {"idTag": "CARD1", "reason": "EVDisconnected"})


class Charger201(Charger):
    """Events that are numbered by the charger."""

    version = "2.0.1"

    def __init__(self, over, identity, name=None):
        super().__init__(over, identity, name)
        self.transaction, self.seq = f"npm-{self.name}", 0
        self.answers["SetVariables"] = lambda asked: {
            "setVariableResult": [
                {"attributeStatus": "Accepted", "component": one["component"], "variable": one["variable"]}
                for one in asked["setVariableData"]
            ]
        }

    def profile(self, params):
        profile = params["chargingProfile"]
        if profile["chargingProfilePurpose"] == "TxProfile":
            period = profile["chargingSchedule"][0]["chargingSchedulePeriod"][0]
            self.car.setpoint_w = period.get("setpoint", period.get("limit"))
        return {"status": "Accepted"}

    async def boot(self):
        box = {"model": "Npm", "vendorName": "Foreign"}
        return await self.call("BootNotification", {"chargingStation": box, "reason": "PowerUp"})

    async def free(self, state="Available"):
        told = {"timestamp": now(), "connectorStatus": state, "evseId": 1, "connectorId": 1}
        return await self.call("StatusNotification", told)

    async def authorise(self, token):
        answer = await self.call("Authorize", {"idToken": {"idToken": token, "type": "ISO14443"}})
        return answer["idTokenInfo"]["status"]

    async def event(self, kind, trigger, state, info=None, **more):
        self.car.flow()
        power, measurand = self.car.power_w, "Power.Active.Import"
        if power < 0:
            power, measurand = -power, "Power.Active.Export"
        context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(kind, "Sample.Periodic")
        told = {
            "Energy.Active.Import.Register": self.car.import_wh,
            "Energy.Active.Export.Register": self.car.export_wh,
            measurand: power,
            "SoC": self.car.soc,
        }
        values = [{"value": value, "measurand": name, "context": context} for name, value in told.items()]
        self.seq += 1
        return await self.call(
            "TransactionEvent",
            {
                "eventType": kind,
                "timestamp": now(),
                "triggerReason": trigger,
                "seqNo": self.seq - 1,
                "transactionInfo": {"transactionId": self.transaction, "chargingState": state, **(info or {})},
                "evse": {"id": 1, "connectorId": 1},
                "meterValue": [{"timestamp": now(), "sampledValue": values}],
                **more,
            },
        )

    async def plug_in(self, remote_start=None):
        info = {} if remote_start is None else {"remoteStartId": remote_start}
        trigger = "CablePluggedIn" if remote_start is None else "RemoteStart"
        token = {"idToken": "CARD2", "type": "ISO14443"}
        await self.event("Started", trigger, "EVConnected", info, idToken=token)

    async def update(self):
        await self.event("Updated", "MeterValuePeriodic", "Charging")

    async def unplug(self):
        await self.event("Ended", "EVDeparted", "Idle", {"stoppedReason": "EVDisconnected"})


class Charger21(Charger201):
    """Both ways, by a setpoint that is updated in place."""

    version = "2.1"

    def __init__(self, over, identity, name=None):
        super().__init__(over, identity, name)
        self.answers["UpdateDynamicSchedule"] = self.update_schedule

    def update_schedule(self, params):
        update = params["scheduleUpdate"]
        self.car.setpoint_w = update.get("setpoint", update.get("limit"))
        return {"status": "Accepted"}

    async def needs(self, departure):
        v2x = {"maxChargePower": 60000.0, "maxDischargePower": 50000.0, "evTargetEnergyRequest": 12000.0}
        dc = {"evMaxCurrent": 200, "evMaxVoltage": 500, "stateOfCharge": 60, "evEnergyCapacity": 60000}
        needs = {
            "requestedEnergyTransfer": "DC_BPT",
            "departureTime": departure.isoformat().replace("+00:00", "Z"),
            "v2xChargingParameters": v2x | {"evMinV2XEnergyRequest": -30000.0, "targetSoC": 80},
            "dcChargingParameters": dc | {"energyAmount": 12000},
        }
        return await self.call("NotifyEVChargingNeeds", {"evseId": 1, "chargingNeeds": needs})
