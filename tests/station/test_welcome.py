"""How chargers are welcomed: the safe power of all before the rest of any, so many at a time, and what is refused."""

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.station.foreign_every import Every
from tests.station.house import running, until
from tools import payloads
from voltide.domain.dossier import Dossier, Progress, Standing
from voltide.domain.messages import Accepted, ApplyFallback, Refused, SetVariables, Trigger, Unknown
from voltide.domain.site import Charger, ChargerId, Evse, EvseId, OcppVersion
from voltide.station import onboarding
from voltide.station.dossiers import step_of, stepped
from voltide.station.onboarding import AT_ONCE, Habits, Onboarding, Turnstile, heartbeat_of

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Noon:
    def now(self):
        return NOW

    def monotonic(self):
        return 0.0


class Shelf:
    """Dossiers without a disk."""

    def __init__(self, names):
        self.known = {name: Dossier(charger=ChargerId(name), standing=Standing.ACCEPTED, since=NOW) for name in names}
        self.written = []

    def of(self, charger):
        return self.known.get(charger)

    async def step(self, charger, step):
        await asyncio.sleep(0)
        self.written.append((charger, step.name, step.progress))
        self.known[charger] = stepped(self.known[charger], step)


@dataclass
class Crowd:
    """Chargers that answer after a moment, and what they were told, in the order that they were told it."""

    told: list = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0
    answer: object = lambda _who, _order: Accepted()
    lost: set = field(default_factory=set)


class Wired:
    """One charger's line."""

    manner = None
    version = OcppVersion.V21

    def __init__(self, name, crowd, outlets=1):
        evses = [
            Evse(id=EvseId(f"{name}-{n}"), charger=ChargerId(name), number=n, charge_w=60_000.0, fallback_w=5_000.0)
            for n in range(1, outlets + 1)
        ]
        self.charger = Charger(id=ChargerId(name), evses=tuple(evses))
        self._crowd = crowd

    async def order(self, order):
        crowd = self._crowd
        if self.charger.id in crowd.lost:
            return Unknown(reason="the line was lost")
        crowd.told.append((self.charger.id, order))
        crowd.at_once += 1
        crowd.most_at_once = max(crowd.most_at_once, crowd.at_once)
        await asyncio.sleep(0)
        crowd.at_once -= 1
        return crowd.answer(self.charger.id, order)


def kind(order):
    return "safe" if isinstance(order, ApplyFallback) else "state" if isinstance(order, Trigger) else "rest"


def hosts(names, outlets=1, **manners):
    crowd = Crowd(**manners)
    shelf = Shelf(names)
    return crowd, shelf, Onboarding(shelf, Noon(), Habits()), [Wired(name, crowd, outlets) for name in names]


def test_of_a_thousand_chargers_every_one_has_its_safe_power_before_any_gets_the_rest():
    async def story():
        crowd, shelf, host, lines = hosts([f"V{n:04}" for n in range(1000)])
        await asyncio.gather(*(host.welcome(line) for line in lines))
        kinds = [kind(order) for _, order in crowd.told]
        last_safe = max(n for n, one in enumerate(kinds) if one == "safe")
        assert kinds.count("safe") == 1000
        # whoever has its safe power goes on only when nobody waits for one; a few of those have begun meanwhile
        assert sum(one != "safe" for one in kinds[:last_safe]) <= AT_ONCE
        assert crowd.most_at_once <= AT_ONCE
        assert all(step_of(dossier, "status").progress is Progress.DONE for dossier in shelf.known.values())

    asyncio.run(story())


def test_chargers_that_say_nothing_hold_nobody_up_for_longer_than_one_silence_a_step():
    async def story():
        mute = {f"M{n:02}" for n in range(AT_ONCE)}

        def silent(who, _order):
            return Unknown(reason="no answer in time") if who in mute else Accepted()

        crowd, shelf, host, lines = hosts([*sorted(mute), "V1"], outlets=4, answer=silent)
        tasks = [asyncio.create_task(host.welcome(line)) for line in lines]
        await until(lambda: len(shelf.written) == 4 * len(lines))
        for who in mute:
            assert [kind(order) for name, order in crowd.told if name == who] == ["safe", "rest", "rest", "state"]
            assert step_of(shelf.known[who], "fallback").detail == "1: no answer in time"
            assert not shelf.known[who].safe
        assert shelf.known["V1"].safe
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(story())


def test_what_is_refused_is_tried_again_ever_less_often_and_nothing_else_is(monkeypatch):
    async def story():
        naps = []
        real = asyncio.sleep

        async def nap(seconds):
            if seconds:
                naps.append(seconds)
            await real(0)

        monkeypatch.setattr(onboarding.asyncio, "sleep", nap)
        stubborn = [9]

        def answer(_who, order):
            if isinstance(order, SetVariables) and order.variables[0].name == "WebSocketPingInterval" and stubborn[0]:
                stubborn[0] -= 1
                return Refused(reason="Rejected")
            return Accepted()

        crowd, shelf, host, [line] = hosts(["V1"], answer=answer)
        await host.welcome(line)
        assert naps == [15.0, 30.0, 60.0, 300.0, 1800.0, 3600.0, 3600.0, 3600.0, 3600.0]
        assert sum(isinstance(order, ApplyFallback) for _, order in crowd.told) == 1
        assert sum(isinstance(order, Trigger) for _, order in crowd.told) == 1
        # said to the disk when it was news, and not nine times over
        assert [progress for _, name, progress in shelf.written if name == "line"] == [Progress.REFUSED, Progress.DONE]

    asyncio.run(story())


def test_a_newer_welcome_ends_an_older_ones_tries_and_so_does_a_lost_line(monkeypatch):
    async def story():
        monkeypatch.setattr(onboarding, "AGAIN_S", (0.1,))
        crowd, shelf, host, [line] = hosts(["V1"], answer=lambda _who, _order: Refused(reason="Rejected"))
        old = asyncio.create_task(host.welcome(line))
        await until(lambda: len(shelf.written) == 4)
        new = asyncio.create_task(host.welcome(line))
        await asyncio.wait_for(old, 10)
        assert not new.done()
        crowd.lost.add("V1")
        await asyncio.wait_for(new, 10)

    asyncio.run(story())


def test_what_comes_after_the_steps_comes_after_the_safe_power_and_not_on_a_lost_line():
    async def story():
        crowd, _, host, [line] = hosts(["V1"])
        seen = []

        async def then():
            await asyncio.sleep(0)
            seen.append(len(crowd.told))

        await host.welcome(line, then=then)
        assert seen == [len(crowd.told)]
        crowd.lost.add("V1")
        await host.welcome(line, then=then)
        assert len(seen) == 1

    asyncio.run(story())


@given(ranks=st.lists(st.integers(0, 2), max_size=40), most=st.integers(1, 5), leavers=st.sets(st.integers(0, 39)))
def test_the_most_urgent_go_first_and_of_these_who_came_first_and_who_gives_up_costs_no_place(ranks, most, leavers):
    async def story():
        gate, passed, inside, crowded = Turnstile(most), [], [], []
        for _ in range(most):
            await gate.enter(0)

        async def one(number, rank):
            await gate.enter(rank)
            inside.append(number)
            crowded.append(len(inside))
            passed.append((rank, number))
            await asyncio.sleep(0)
            inside.remove(number)
            gate.leave()

        tasks = [asyncio.create_task(one(number, rank)) for number, rank in enumerate(ranks)]
        await asyncio.sleep(0)
        for number in leavers & set(range(len(tasks))):
            tasks[number].cancel()
        gate.leave()  # one place only, so that the order is to be seen
        await asyncio.gather(*tasks, return_exceptions=True)
        stayed = [(rank, number) for number, rank in enumerate(ranks) if number not in leavers]
        assert passed == sorted(stayed)
        assert max(crowded, default=0) <= 1
        for _ in range(most - 1):
            gate.leave()
        await asyncio.wait_for(asyncio.gather(*(gate.enter(0) for _ in range(most))), 5)  # all places are there again

    asyncio.run(story())


def test_one_that_is_called_and_gives_up_at_the_same_moment_passes_its_turn_on():
    async def story():
        gate = Turnstile(1)
        await gate.enter(0)
        first, second = (asyncio.create_task(gate.enter(0)) for _ in range(2))
        await asyncio.sleep(0)
        gate.leave()
        first.cancel()
        await asyncio.wait_for(second, 5)
        assert first.cancelled()

    asyncio.run(story())


@given(st.text("ABCabc0123456789-_", min_size=1, max_size=48))
def test_heartbeats_are_spread_around_their_mean_and_each_charger_keeps_its_own(name):
    assert 270 <= heartbeat_of(ChargerId(name), 300) <= 330
    assert heartbeat_of(ChargerId(name), 300) == heartbeat_of(ChargerId(name), 300)


def test_a_thousand_heartbeats_do_not_fall_together():
    spread = {heartbeat_of(ChargerId(f"V{n:04}"), 300) for n in range(1000)}
    assert len(spread) > 55  # of the 61 whole seconds that there are


class Told(Every):
    """One that says who it is, and holds a small device model."""

    async def boot(self, firmware="1.0"):
        boot = payloads.payload("2.1", "BootNotification", self.chance)
        boot |= {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V", "firmwareVersion": firmware}}
        await self.call("BootNotification", boot, f"boot-{len(self.heard)}")

    async def report(self):
        request = next(said["requestId"] for action, said in reversed(self.heard) if action == "GetBaseReport")
        one = {"requestId": request, "generatedAt": "2026-11-22T12:00:00Z", "seqNo": 0, "tbc": False}
        await self.call("NotifyReport", one, f"report-{len(self.heard)}")

    def count(self, action):
        return sum(one == action for one, _ in self.heard)


@pytest.mark.ocpp("2.1", "BootNotification", "GetBaseReport")
def test_a_device_model_is_read_once_and_again_only_when_its_firmware_is_another(tmp_path):
    async def story():
        async with running(tmp_path) as house, await house.dial("V1", "2.1") as socket:
            charger = Told("2.1", socket)
            listening = asyncio.create_task(charger.listen())
            await charger.boot()
            await until(lambda: charger.count("GetBaseReport") == 1)
            await charger.report()
            assert charger.count("TriggerMessage") == 1
            await charger.boot()
            await until(lambda: charger.count("TriggerMessage") == 2)
            await asyncio.sleep(0.5)
            assert charger.count("GetBaseReport") == 1
            await charger.boot(firmware="1.1")
            await until(lambda: charger.count("GetBaseReport") == 2)
            await socket.close()
            await asyncio.gather(listening, return_exceptions=True)

    asyncio.run(story())


@pytest.mark.ocpp("2.1", "BootNotification")
def test_a_charger_that_comes_back_without_a_boot_is_told_nothing_anew(tmp_path):
    async def story():
        async with running(tmp_path) as house:
            async with await house.dial("V1", "2.1") as socket:
                charger = Told("2.1", socket)
                listening = asyncio.create_task(charger.listen())
                await charger.boot()
                await until(lambda: charger.count("GetBaseReport") == 1)
                await charger.report()
                await socket.close()
                await asyncio.gather(listening, return_exceptions=True)
            async with await house.dial("V1", "2.1") as socket:
                charger = Told("2.1", socket)
                listening = asyncio.create_task(charger.listen())
                await asyncio.sleep(3)
                again = {action for action, _ in charger.heard}
                assert not again & {"SetVariables", "GetBaseReport", "TriggerMessage"}, json.dumps(charger.heard)[:500]
                await socket.close()
                await asyncio.gather(listening, return_exceptions=True)

    asyncio.run(story())
