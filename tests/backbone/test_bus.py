import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from structlog.testing import capture_logs

from voltide.backbone.bus import Bus, LocalBus, matches
from voltide.backbone.codec import UnknownWordError
from voltide.domain.messages import AlarmCleared, LimitOutlet, Reply, StopCharging, Time
from voltide.domain.site import EvseId, StationId

NOON = datetime(2026, 4, 15, 4, tzinfo=UTC)


def on_a_bus(check: Callable[[Bus], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with LocalBus() as bus:
            await check(bus)

    asyncio.run(whole())


async def calm() -> None:
    """Every task that can run has run: the local bus needs no time, only turns."""
    for _ in range(300):
        await asyncio.sleep(0)


def outlet(number: int) -> LimitOutlet:
    return LimitOutlet(evse=EvseId("V01-1"), limit_w=float(number))


def test_messages_of_a_subject_arrive_once_and_in_order():
    async def check(bus: Bus) -> None:
        heard: list[object] = []

        async def hear(_subject: str, message: object) -> None:
            await asyncio.sleep(0)
            heard.append(message)

        bus.subscribe("station.a.order", hear)
        for number in range(50):
            await bus.publish("station.a.order", outlet(number))
        await calm()
        assert heard == [outlet(number) for number in range(50)]

    on_a_bus(check)


def test_every_message_goes_through_the_codec():
    async def check(bus: Bus) -> None:
        heard: list[object] = []

        async def hear(_subject: str, message: object) -> None:
            heard.append(message)

        bus.subscribe(">", hear)
        told = outlet(7)
        await bus.publish("a", told)
        await calm()
        assert heard == [told]
        assert heard[0] is not told
        with pytest.raises(UnknownWordError):
            await bus.publish("a", {"no": "word"})

    on_a_bus(check)


def test_a_handler_that_fails_stops_neither_the_others_nor_itself():
    async def check(bus: Bus) -> None:
        heard: list[object] = []

        async def fail(_subject: str, message: object) -> None:
            if message == outlet(1):
                raise RuntimeError("a bug in a handler")
            heard.append(message)

        async def hear(_subject: str, message: object) -> None:
            heard.append(message)

        bus.subscribe("a", fail)
        bus.subscribe("a", hear)
        with capture_logs() as logs:
            await bus.publish("a", outlet(1))
            await bus.publish("a", outlet(2))
            await calm()
        assert sorted(heard, key=repr) == [outlet(1), outlet(2), outlet(2)]
        assert [entry["event"] for entry in logs] == ["bus.handler_failed"]

    on_a_bus(check)


def test_a_slow_handler_does_not_hold_up_the_others():
    async def check(bus: Bus) -> None:
        heard: list[str] = []
        released = asyncio.Event()

        async def slow(_subject: str, _message: object) -> None:
            await released.wait()
            heard.append("slow")

        async def quick(_subject: str, _message: object) -> None:
            heard.append("quick")

        bus.subscribe("a", slow)
        bus.subscribe("a", quick)
        await bus.publish("a", outlet(1))
        await bus.publish("a", outlet(2))
        await calm()
        assert heard == ["quick", "quick"]
        released.set()
        await calm()
        assert heard == ["quick", "quick", "slow", "slow"]

    on_a_bus(check)


def test_a_closed_subscription_hears_no_more_and_nobody_wants_it():
    async def check(bus: Bus) -> None:
        heard: list[object] = []

        async def hear(_subject: str, message: object) -> None:
            heard.append(message)

        assert not bus.wanted("station.a.fact")
        subscription = bus.subscribe("station.*.fact", hear)
        assert bus.wanted("station.a.fact")
        assert not bus.wanted("station.a.order")
        subscription.close()
        subscription.close()
        assert not bus.wanted("station.a.fact")
        await bus.publish("station.a.fact", outlet(1))
        await calm()
        assert heard == []

    on_a_bus(check)


def test_a_request_is_answered_through_the_codec():
    async def check(bus: Bus) -> None:
        async def serve(message: object) -> object:
            return Reply(done=message == StopCharging(evse=EvseId("V01-1")), code="accepted")

        bus.serve("station.a.order", serve)
        asked = await bus.request("station.a.order", StopCharging(evse=EvseId("V01-1")))
        assert asked == Reply(done=True, code="accepted")

    on_a_bus(check)


def test_an_answer_may_be_nothing():
    async def check(bus: Bus) -> None:
        async def serve(_message: object) -> object:
            return None

        bus.serve("a", serve)
        assert await bus.request("a", Time(now=NOON)) is None

    on_a_bus(check)


def test_a_request_that_nobody_serves_times_out():
    async def check(bus: Bus) -> None:
        async def serve(_message: object) -> object:
            return None

        with pytest.raises(TimeoutError):
            await bus.request("a", Time(now=NOON))
        bus.serve("a", serve).close()
        with pytest.raises(TimeoutError):
            await bus.request("a", Time(now=NOON))

    on_a_bus(check)


def test_a_request_whose_server_never_answers_times_out():
    async def check(bus: Bus) -> None:
        async def serve(_message: object) -> object:
            return await asyncio.Event().wait()

        bus.serve("a", serve)
        with pytest.raises(TimeoutError):
            await bus.request("a", Time(now=NOON), timeout_s=0.0)

    on_a_bus(check)


def test_a_subject_has_one_server():
    async def check(bus: Bus) -> None:
        async def serve(_message: object) -> object:
            return None

        first = bus.serve("a", serve)
        with pytest.raises(ValueError, match="served already"):
            bus.serve("a", serve)
        first.close()
        bus.serve("a", serve)

    on_a_bus(check)


def test_what_a_handler_publishes_is_heard_as_well():
    async def check(bus: Bus) -> None:
        heard: list[str] = []
        cleared = AlarmCleared(station=StationId("a"), code="x", subject="y", at=NOON)

        async def pass_on(_subject: str, message: object) -> None:
            await bus.publish("b", message)

        async def hear(subject: str, _message: object) -> None:
            heard.append(subject)

        bus.subscribe("a", pass_on)
        bus.subscribe("*", hear)
        await bus.publish("a", cleared)
        await calm()
        assert heard == ["a", "b"]

    on_a_bus(check)


@pytest.mark.parametrize(
    ("pattern", "subject", "fits"),
    [
        ("a.b", "a.b", True),
        ("a.b", "a.b.c", False),
        ("a.b.c", "a.b", False),
        ("a.*", "a.b", True),
        ("a.*", "a", False),
        ("a.*", "a.b.c", False),
        ("*.b", "a.b", True),
        ("a.>", "a.b.c", True),
        ("a.>", "a", False),
        (">", "a", True),
        ("a", "A", False),
    ],
)
def test_a_pattern_means_what_nats_means_by_it(pattern: str, subject: str, *, fits: bool):
    assert matches(pattern, subject) == fits
