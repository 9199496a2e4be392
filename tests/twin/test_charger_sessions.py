from datetime import timedelta

import pytest

from tests.twin.scene import EVERY, MODELS, START, V16, V21, V201, Scene, play
from voltide.domain.messages import (
    Accepted,
    Ask,
    AuthorisationAsked,
    Booted,
    ChangeAvailability,
    Flow,
    GetTransactionStatus,
    Moment,
    NeedsTold,
    OutletReported,
    OutletState,
    Refused,
    StartTransaction,
    StopTransaction,
    Token,
    Trigger,
    Unlock,
)
from voltide.domain.site import OcppVersion
from voltide.domain.units import kw
from voltide.twin.drivers import Visit
from voltide.twin.vehicle import Vehicle


@EVERY
def test_a_whole_stay_is_told_in_order_with_both_registers(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        scene.depot.fallback = lambda _guest, _evse: kw(40)
        await scene.order(Trigger(message="BootNotification"))
        visit = await scene.park()
        await scene.wait(120)
        scene.twin.present(1)
        await scene.wait(3)
        scene.twin.unplug(1)
        await scene.wait(3)
        events = scene.events
        assert events[0].moment is Moment.STARTED
        assert events[-1].moment is Moment.ENDED
        assert events[-1].stopped_reason == "Local"
        assert sum(event.moment is Moment.STARTED for event in events) == 1
        assert len([event for event in events if event.trigger == "MeterValuePeriodic" or version is V16]) >= 11
        moved = events[-1].samples[-1].import_wh - events[0].samples[-1].import_wh  # type: ignore[operator]
        assert moved == pytest.approx(kw(40) * 120 / 3600, rel=0.1)
        assert visit.car.energy_wh - visit.started_wh == pytest.approx(moved * 0.94, abs=2.0)
        if version is not V16:
            assert [event.seq_no for event in events] == list(range(len(events)))
            assert {event.transaction_id for event in events} == {"V01-000001" if version is V21 else "V20-000001"}
            assert Flow.FLOWING in {event.flow for event in events}
            assert events[-1].samples[-1].export_wh == 0.0
        assert scene.told(OutletReported)[-1].state is OutletState.AVAILABLE
        assert scene.told(AuthorisationAsked)[0].token == Token(id="DRV0000007")

    play(version, name, story)


def test_a_2_1_charger_tells_what_car_and_driver_want_both_ways() -> None:
    async def story(scene: Scene) -> None:
        await scene.park(0.5)
        [needs] = scene.told(NeedsTold)
        assert needs.v2x
        assert needs.discharge_w == kw(60)
        assert needs.floor_wh == pytest.approx(0.3 * 82_500, abs=500)
        assert needs.target_soc == 0.8
        assert needs.energy_wh == pytest.approx(0.3 * 82_500, abs=300)
        assert needs.departure is not None
        assert timedelta(minutes=119) < needs.departure - START < timedelta(minutes=121)

    play(V21, "V01", story)


@pytest.mark.ocpp("2.0.1", "NotifyEVChargingNeeds")
def test_a_2_0_1_charger_tells_the_needs_of_charging_only() -> None:
    async def story(scene: Scene) -> None:
        await scene.park(0.5)
        [needs] = scene.told(NeedsTold)
        assert not needs.v2x
        assert needs.soc == 0.5

    play(V201, "V20", story)


@EVERY
def test_after_a_lost_line_every_event_arrives_marked_offline(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        scene.depot.fallback = lambda _guest, _evse: kw(40)
        await scene.order(Trigger(message="BootNotification"))
        await scene.park()
        await scene.wait(30)
        scene.fault("link-lost")
        await scene.wait(120)
        assert not scene.twin.online
        scene.twin.present(1)
        await scene.wait(60)
        assert scene.twin.queued >= 12
        scene.fault("link-lost", begins=False)
        await scene.wait(40)
        assert scene.twin.online
        assert scene.twin.queued == 0
        assert len(scene.told(Booted)) >= 3
        events = scene.events
        assert events[-1].moment is Moment.ENDED
        if version is not V16:
            assert sorted({event.seq_no for event in events}) == list(range(len({event.seq_no for event in events})))
            assert sum(event.offline for event in events) >= 12
        assert [event.at for event in events] == sorted(event.at for event in events)

    play(version, name, story)


def test_a_stay_that_begins_and_ends_offline_is_told_afterwards_even_in_1_6() -> None:
    async def story(scene: Scene) -> None:
        scene.fault("link-lost")
        await scene.wait(5)
        await scene.park()
        await scene.wait(40)
        scene.twin.present(1)
        scene.twin.unplug(1)
        scene.fault("link-lost", begins=False)
        await scene.wait(60)
        moments = [event.moment for event in scene.events]
        assert moments[0] is Moment.STARTED
        assert moments[-1] is Moment.ENDED
        numbers = {event.transaction_id for event in scene.events if event.moment is not Moment.STARTED}
        assert numbers == {"101"}

    play(V16, "F1", story)


def test_a_token_that_is_not_valid_gets_no_power() -> None:
    async def story(scene: Scene) -> None:
        scene.depot.valid = False
        visit = await scene.park()
        await scene.wait(20)
        assert visit.refused
        assert scene.power == 0.0
        assert not scene.twin.outlets[0].closed

    play(V201, "V20", story)


def test_a_token_accepted_offline_and_turned_down_later_stops_what_it_started() -> None:
    async def story(scene: Scene) -> None:
        scene.depot.valid = False
        scene.fault("link-lost")
        await scene.wait(4)
        visit = await scene.park()
        assert scene.twin.outlets[0].closed
        scene.fault("link-lost", begins=False)
        await scene.wait(30)
        assert visit.refused
        assert not scene.twin.outlets[0].closed
        assert scene.events[-1].stopped_reason == "DeAuthorized"

    play(V21, "V01", story)


@pytest.mark.ocpp("1.6", "RemoteStartTransaction", "RemoteStopTransaction")
@pytest.mark.ocpp("2.0.1 2.1", "RequestStartTransaction", "RequestStopTransaction")
@pytest.mark.parametrize(("version", "name"), [(V16, "F1"), (V201, "V20"), (V21, "V01")])
def test_a_stay_can_be_started_and_stopped_from_afar(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        visit = Visit(8, "commuter", Vehicle(MODELS["BYD Seal"], 0.4), 0.0)
        visit.told_departs_s = 9000.0
        begin = StartTransaction(evse=1, token=Token(id="REMOTE1", kind="Central"), remote_start_id=44)
        assert isinstance(await scene.order(begin), Refused)
        scene.twin.plug(1, visit)
        await scene.wait(3)
        assert isinstance(await scene.order(begin), Accepted)
        await scene.wait(20)
        assert scene.power > 0
        running = next(iter(scene.depot.guests[name].running.values()))
        assert isinstance(await scene.order(StopTransaction(transaction_id="999")), Refused)
        assert isinstance(await scene.order(StopTransaction(transaction_id=running)), Accepted)
        await scene.wait(5)
        assert scene.power == 0.0
        assert visit.stopped
        assert scene.events[-1].stopped_reason == "Remote"
        if version is not V16:
            assert 44 in {event.remote_start_id for event in scene.events}

    play(version, name, story)


@pytest.mark.ocpp("1.6 2.0.1 2.1", "ChangeAvailability")
@EVERY
def test_an_outlet_can_be_taken_out_of_service_and_back(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        assert isinstance(await scene.order(ChangeAvailability(evse=1, operative=False)), Accepted)
        await scene.wait(2)
        assert scene.told(OutletReported)[-1].state is OutletState.UNAVAILABLE
        assert not scene.twin.usable(1)
        await scene.order(ChangeAvailability(evse=1, operative=True))
        assert scene.twin.usable(1)

    play(version, name, story)


@pytest.mark.ocpp("2.1", "UnlockConnector", "GetTransactionStatus")
def test_a_plug_is_released_only_when_nothing_flows_and_what_is_unknown_is_not_supported() -> None:
    async def story(scene: Scene) -> None:
        assert isinstance(await scene.order(Unlock(evse=1)), Accepted)
        await scene.park()
        assert isinstance(await scene.order(Unlock(evse=1)), Refused)
        assert isinstance(await scene.order(Ask(action="ClearCache", payload={})), Accepted)
        asked = GetTransactionStatus(transaction_id="V01-000001")
        answer = await scene.order(asked)
        assert isinstance(answer, Accepted)
        assert answer.detail["ongoingIndicator"] is True

    play(V21, "V01", story)
