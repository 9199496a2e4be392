"""A real station under fire: three lines say thousands of broken messages while a fourth keeps a transaction going."""

import asyncio
import contextlib
import json
import random

import pytest
import structlog
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.station.house import running, until
from tests.station.transactions import records, teller
from tools import payloads
from tools.fuzz import flawed
from tools.mutations import FRAMES, said
from voltide import exports
from voltide.domain.messages import HeartBeaten, NeedsTold
from voltide.station.blocks.block import Heard

BURST = 240
"""So much one line may say before it is slowed down."""
HOSTILE = {"V1": "2.1", "N1": "2.0.1", "F1": "1.6"}


def frames(version, chance):
    """Broken messages without end; some are whole, so that what they say is acted upon."""
    number = 0
    while True:
        action, number = chance.choice(payloads.actions(version)), number + 1
        body = payloads.payload(version, action, chance, full=chance.random())
        for _ in range(chance.choice((0, 0, 1, 1, 2))):
            body = flawed(body, chance)
        whole = [chance.choice((2, 2, 2, 2, 3, 4, 5, 6, 7)), f"h{number % 500}", action, body]
        text = chance.choice(FRAMES)(whole, chance) if chance.random() < 0.2 else said(whole)
        if not ends_the_line(text) or chance.random() < 0.05:
            yield text


def ends_the_line(text):
    """Too big, or no text: it is the last that such a line says, so only now and then."""
    if len(text) > 60_000:
        return True
    try:
        return isinstance(text, bytes) and text.decode() is None
    except UnicodeDecodeError:
        return True


class Enemy:
    """A charger with a right secret and nothing right to say."""

    def __init__(self, version, seed):
        self.version, self.chance = version, random.Random(seed)
        self.frames = frames(version, self.chance)
        self.sent = self.answered = self.lines = 0

    async def attack(self, house, identity, count):
        """Say so many messages, over as many lines as it takes."""
        while self.sent < count:
            with contextlib.suppress(ConnectionClosed, InvalidStatus):
                async with await house.dial(identity, self.version) as socket:
                    self.lines += 1
                    hearing = asyncio.create_task(self._hear(socket))
                    try:
                        await self._fire(socket)
                        await hearing
                    finally:
                        hearing.cancel()

    async def _fire(self, socket):
        body = payloads.payload(self.version, "BootNotification", self.chance)
        await socket.send(json.dumps([2, f"boot{self.lines}", "BootNotification", body]))
        for _ in range(BURST):
            text = next(self.frames)
            await (socket.send(text, text=True) if isinstance(text, bytes) else socket.send(text))
            await asyncio.sleep(0)  # a line that has been closed meanwhile is noticed
            self.sent += 1
        await socket.send('[2,"last","Heartbeat",{}]')

    async def _hear(self, socket):
        """Hear all up to the last answer, and answer what the station asks by something broken."""
        async for text in socket:
            told = json.loads(text)
            self.answered += told[0] != 2
            if told[:2] == [3, "last"]:
                return
            if told[0] == 2:
                body = payloads.payload(self.version, told[2], self.chance, answer=True)
                for _ in range(self.chance.choice((0, 1, 1, 2))):
                    body = flawed(body, self.chance)
                await socket.send(said([3, told[1], body]))


@pytest.mark.ocpp("1.6 2.0.1 2.1", "Heartbeat")
def test_thousands_of_hostile_messages_cost_another_charger_nothing_and_no_second_of_control(tmp_path):
    async def story():
        async with running(tmp_path) as house, teller(house, "V2", "2.1") as car:
            await car.event("Started", 0, 1_000)
            ticks, enemies = (
                house.station.loop.ticks,
                {who: Enemy(v, seed) for seed, (who, v) in enumerate(HOSTILE.items())},
            )
            attacks = [asyncio.create_task(enemy.attack(house, who, 1_500)) for who, enemy in enemies.items()]
            seq = 0
            while not all(attack.done() for attack in attacks):
                seq += 1
                await car.event(
                    "Updated", seq, 1_000 + 10 * seq, {"measurand": "Power.Active.Import", "value": 9_000.0}, second=seq
                )
                assert house.station.sessions.at("V2-1").power_w == 9_000.0
            await asyncio.gather(*attacks)
            await until(lambda: house.station.loop.ticks > ticks + 2)
            await car.event("Ended", seq + 1, 11_000, second=seq + 1)
            assert sum(enemy.sent for enemy in enemies.values()) >= 4_500
            assert sum(enemy.answered for enemy in enemies.values()) >= 2_000
            assert (house.station.loop.missed, house.station.loop.failures) == (0, 0)
            assert house.station.portrait.draw() is not None
            kept = [row for row in records(house, "messages") if row["charger"] == "V2"]
            assert [row["action"] for row in kept] == ["BootNotification"] + ["TransactionEvent"] * (seq + 2)
            [mine] = [row for row in records(house, "sessions") if row["charger"] == "V2"]
            assert (mine["status"], mine["imported_wh"], mine["flags"]) == ("settled", 10_000, [])
            bill = [line for line in records(house, "ledger") if line["source"] == mine["id"]]
            assert sum(line["amount_fen"] for line in bill if line["account"] == "driver:CARD2") == -800 - 300
            for who, version in HOSTILE.items():  # and each of them is heard again when it speaks as it should
                async with teller(house, who, version) as again:
                    assert "currentTime" in await again.say("Heartbeat", {})
        assert exports.check(tmp_path / "data") is None

    with structlog.testing.capture_logs() as logs:
        asyncio.run(story())
    assert [log for log in logs if log["log_level"] in {"error", "critical"}] == []


class Stumbles:
    """A block with a bug: it falls over what it hears, or over what it is told after that is on the disk."""

    def __init__(self, *hears, late=False):
        self.hears, self.late = hears, late

    async def hear(self, charger, fact, now):
        if not self.late:
            raise KeyError("a bug of ours")
        return Heard()

    def told(self, charger, fact):
        raise KeyError("another bug of ours")


def test_a_message_over_which_the_station_stumbles_is_kept_and_its_charger_goes_on(tmp_path):
    async def story():
        async with running(tmp_path) as house, teller(house, "V1", "2.1") as car:
            house.station.chargers.blocks.add(Stumbles(NeedsTold))
            await car.event("Started", 0, 1_000)
            needs = {"evseId": 1, "chargingNeeds": {"requestedEnergyTransfer": "DC"}}
            for who in ("stumble", "stumble"):  # a repetition gets the same answer
                answer = await car.charger.call("NotifyEVChargingNeeds", needs, who)
                assert (answer.error_code, answer.error_description) == ("InternalError", "Kept, and not understood.")
            await car.event("Ended", 1, 2_000)
            rows = [row for row in records(house, "messages") if row["message_id"] == "stumble"]
            assert [row["payload"] for row in rows] == [needs]
            assert [row["status"] for row in records(house, "sessions")] == ["settled"]

    with structlog.testing.capture_logs() as logs:
        asyncio.run(story())
    assert [log["event"] for log in logs if log["log_level"] == "error"] == ["message.stumbled"]


def test_whoever_stumbles_over_a_fact_that_is_written_keeps_it_from_nobody_else(tmp_path):
    async def story():
        async with running(tmp_path) as house, teller(house, "V1", "2.1") as car:
            heard = []
            house.station.chargers.blocks.add(Stumbles(HeartBeaten, late=True))
            house.station.chargers.on_fact.append(lambda _charger, fact, _turn: heard.append(type(fact)))
            answer = await car.charger.call("ClearedChargingLimit", {"chargingLimitSource": "EMS"}, "fine")
            assert answer.payload == {}
            await car.charger.socket.send('[2,"beat","Heartbeat",{}]')
            await until(lambda: HeartBeaten in heard)
            assert "V1" in house.station.chargers.lines
            assert "beat" in [row["message_id"] for row in records(house, "messages")]

    with structlog.testing.capture_logs() as logs:
        asyncio.run(story())
    assert [log["event"] for log in logs if log["log_level"] == "error"] == ["fact.stumbled"]
