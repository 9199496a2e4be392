"""kill -9 at any moment loses no answered message and makes no double one."""

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from tests.station.house import TOML
from voltide import exports, live
from voltide.backbone.clock import SystemClock

ALWAYS = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
EVENTS = 400
ROUNDS = 6


def free_ports():
    """The first of five neighbouring free ports."""
    while True:
        with contextlib.ExitStack() as held:
            one = held.enter_context(socket.socket())
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            try:
                for more in range(1, 5):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", port + more))
            except (OSError, OverflowError):
                continue
            return port


def event(number):
    kind = "Started" if number == 0 else "Ended" if number == EVENTS - 1 else "Updated"
    at = datetime(2026, 4, 1, 8, number // 60, number % 60, tzinfo=UTC).isoformat().replace("+00:00", "Z")
    sample = {"value": 1000.0 + number, "measurand": "Energy.Active.Import.Register"}
    body = {
        "eventType": kind,
        "timestamp": at,
        "triggerReason": "MeterValuePeriodic",
        "seqNo": number,
        "transactionInfo": {"transactionId": "tx", "chargingState": "Charging"},
        "evse": {"id": 1},
        "meterValue": [{"timestamp": at, "sampledValue": [sample]}],
    }
    return json.dumps([2, f"m{number}", "TransactionEvent", body])


async def tell_all(url, answered):
    """A charger that repeats what was not answered, with the same id, until all is."""
    while len(answered) < EVENTS:
        try:
            async with connect(url, subprotocols=["ocpp2.1"], compression=None, close_timeout=0.5) as line:
                while len(answered) < EVENTS:
                    await line.send(event(len(answered)))
                    answer = json.loads(await asyncio.wait_for(line.recv(), 10))
                    while answer[0] != 3:
                        answer = json.loads(await asyncio.wait_for(line.recv(), 10))
                    if answer[1] == f"m{len(answered)}":
                        answered.append(answer)
        except (OSError, ConnectionClosed, InvalidHandshake, InvalidMessage, TimeoutError):
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_station_that_is_killed_again_and_again_keeps_every_answered_message_once(tmp_path, seed):
    chance, port = random.Random(seed), free_ports()
    config, data = tmp_path / "station.toml", tmp_path / "data"
    config.write_text(TOML, encoding="utf-8")
    secret = live.provision(live.database(data), live.keyring(data), "V1", SystemClock())
    command = [sys.executable, "-m", "voltide", "station", "--config", config, "--data", data, "--port-base", str(port)]
    answered: list = []

    def start():
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    async def story():
        url = f"ws://V1:{secret}@127.0.0.1:{port + 1}/ocpp/V1"
        telling = asyncio.create_task(tell_all(url, answered))
        for number in range(ROUNDS):
            process = start()
            mark = len(answered) + chance.randrange(5, EVENTS // ROUNDS)
            while len(answered) < mark and not telling.done():
                await asyncio.sleep(0.001)
            await asyncio.sleep(chance.random() * 0.01)
            if number < ROUNDS - 1:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
        async with asyncio.timeout(60):
            await telling
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == 0

    asyncio.run(story())
    kept = exports.take("messages", data, *ALWAYS)
    assert [m["message_id"] for m in kept] == [f"m{n}" for n in range(EVENTS)]
    [session] = exports.take("sessions", data, *ALWAYS)
    assert session["status"] == "settled"
    assert session["flags"] == []
    assert session["imported_wh"] == EVENTS - 1
    assert sum(line["amount_fen"] for line in exports.take("ledger", data, *ALWAYS)) == 0
    assert exports.check(data) is None
