"""Battery swaps: any order, any repetition of the steps gives the same swap; what nobody takes needs a person."""

import asyncio
from datetime import UTC, datetime
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.station.blocks.poles import alarms, in_house, pole
from tests.station.blocks.poles import told as kept_of
from tests.station.test_operations import calling
from voltide.backbone.clock import SystemClock
from voltide.domain.messages import Outcome
from voltide.domain.reports import Battery, BatterySwapped, SwapStep
from voltide.domain.site import ChargerId, StationId
from voltide.domain.token import Token
from voltide.station.blocks.swap import MOST, Swap, Swaps, SwapState, step
from voltide.station.diary import Diary

NOW = datetime(2026, 3, 28, 12, tzinfo=UTC)
TOKEN = Token(id="CARD")
CABINET = ChargerId("CABINET")


def told(which, number=1, *socs):
    batteries = tuple(Battery(evse=n + 1, serial=f"B{n}", soc=soc, soh=0.9) for n, soc in enumerate(socs))
    return BatterySwapped(step=which, request_id=number, token=TOKEN, batteries=batteries)


IN, OUT, LATE = told(SwapStep.IN, 1, 0.2, 0.1), told(SwapStep.OUT, 1, 0.9, 0.95), told(SwapStep.TIMEOUT)


async def nothing():
    return []


def folded(steps):
    swap = None
    for one in steps:
        swap = step(swap, one)
    return swap


@given(st.lists(st.sampled_from([IN, OUT, LATE]), min_size=1, max_size=8))
def test_a_step_that_is_told_again_changes_nothing(steps):
    once = list(dict.fromkeys(steps))
    assert folded(steps) == folded(once)


def test_the_steps_of_a_swap_may_come_in_any_order():
    assert len({folded(order) for order in permutations([IN, OUT])}) == 1
    assert {folded(order).state for order in permutations([IN, OUT, LATE])} == {SwapState.DONE}


def test_the_charge_that_went_out_is_reckoned_against_what_came_in():
    assert folded([IN, OUT]).soc_given == pytest.approx(0.9 + 0.95 - 0.2 - 0.1)


def test_batteries_that_nobody_takes_are_an_alarm_until_someone_does():
    diary = Diary(StationId("corner"), SystemClock())
    swaps = Swaps(diary, nothing)
    for one in (IN, LATE, LATE):
        swaps.told(CABINET, one)
    assert [(alarm.code, alarm.subject) for alarm in diary.alarms] == [("swap-left", "CABINET 1")]
    swaps.told(CABINET, OUT)
    assert diary.alarms == ()
    assert swaps.known(CABINET, 1).state is SwapState.DONE


def test_two_cabinets_may_use_the_same_number():
    swaps = Swaps(Diary(StationId("corner"), SystemClock()), nothing)
    swaps.told(CABINET, IN)
    assert swaps.known(ChargerId("OTHER"), 1) is None


def test_what_is_kept_is_the_whole_swap_and_the_memory_is_bounded():
    swaps = Swaps(Diary(StationId("corner"), SystemClock()), nothing)
    swaps.told(CABINET, IN)
    heard = asyncio.run(swaps.hear(CABINET, OUT, NOW))
    [kept] = heard.written
    assert (kept.kind, kept.key, kept.what.came_in, kept.what.went_out) == ("swap", "1", IN.batteries, OUT.batteries)
    for number in range(2 * MOST):
        swaps.told(CABINET, told(SwapStep.IN, number))
    assert len(swaps._swaps) == MOST


@pytest.mark.ocpp("2.1", "RequestBatterySwap", "BatterySwap")
def test_a_swap_that_a_person_asks_for_is_followed_to_its_end_and_kept_as_one(tmp_path):
    def body(which, serial, soc):
        battery = {"evseId": 1, "serialNumber": serial, "soC": soc, "soH": 90}
        who = {"idToken": "CARD", "type": "ISO14443"}
        return {"eventType": which, "requestId": 7, "idToken": who, "batteryData": [battery]}

    async def work(house):
        asked = {"requestId": 7, "idToken": {"idToken": "CARD", "type": "ISO14443"}}
        async with pole(house, "V1") as one:
            assert (await calling(house, "V1", "RequestBatterySwap", asked)).outcome is Outcome.ACCEPTED
            assert one.asked("RequestBatterySwap") == [asked]
            await one.call("BatterySwap", body("BatteryIn", "B0", 20.0))
            await one.call("BatterySwap", body("BatteryOutTimeout", "B1", 90.0))
            assert alarms(house, "swap-left") == ["V1 7"]
            for _ in range(2):
                assert await one.call("BatterySwap", body("BatteryOut", "B1", 90.0)) == {}
            assert alarms(house, "swap-left") == []
            [swap] = kept_of(house, "swap", Swap).values()
            assert (swap.state, swap.soc_given) == (SwapState.DONE, pytest.approx(0.7))

    in_house(tmp_path, work)
