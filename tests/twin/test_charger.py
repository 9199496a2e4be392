import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import pytest

from tests.twin.depot import Depot
from tests.twin.places import lotus_hill
from voltide.domain.messages import (
    Accepted,
    ApplySetpoint,
    Ask,
    AuthorisationAsked,
    Boot,
    Booted,
    ChangeAvailability,
    Flow,
    GetReport,
    GetTransactionStatus,
    GetVariables,
    HeartBeaten,
    Moment,
    NeedsTold,
    OutletReported,
    OutletState,
    Refused,
    Reset,
    SecurityTold,
    SetpointPulled,
    SetVariables,
    StartTransaction,
    StopTransaction,
    Token,
    TransactionTold,
    Trigger,
    Unlock,
    Variable,
    VariablesTold,
)
from voltide.domain.site import ChargerId, OcppVersion
from voltide.domain.units import kw
from voltide.twin.charger import ChargerTwin
from voltide.twin.drivers import Visit
from voltide.twin.faults import Fault
from voltide.twin.line import keep_connected
from voltide.twin.switches import throw
from voltide.twin.vehicle import Vehicle, catalogue
from voltide.twin.wire import MemoryWire
from voltide.twin.world import SimClock, luck, run

START = datetime(2025, 3, 28, tzinfo=UTC)
MODELS = {model.name: model for model in catalogue()}
T = TypeVar("T")
V16, V201, V21 = OcppVersion.V16, OcppVersion.V201, OcppVersion.V21
EVERY = pytest.mark.parametrize(("version", "name"), [(V16, "F1"), (V201, "V20"), (V21, "V01")])


@dataclass
class Scene:
    """One charger at a stand-in station, one second at a time."""

    depot: Depot
    twin: ChargerTwin
    clock: SimClock

    async def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            await asyncio.sleep(1.0)
            now = self.clock.monotonic()
            for outlet in self.twin.outlets:
                if outlet.closed:
                    outlet.step(now)
            for bay in self.twin.bays.values():
                if bay.transaction is not None:
                    bay.tick(now)
            self.twin.chores(now)
            await self.twin.flush()

    async def park(self, soc: float = 0.5, *, v2g: bool = True) -> Visit:
        visit = Visit(7, "commuter", Vehicle(MODELS["BYD Seal"], soc), self.clock.monotonic())
        visit.v2g, visit.floor_soc, visit.need_wh = v2g, 0.3, 0.8 * visit.car.capacity_wh
        visit.departs_s = visit.told_departs_s = self.clock.monotonic() + 7200.0
        self.twin.plug(1, visit)
        await self.wait(3)
        self.twin.present(1)
        await self.wait(3)
        return visit

    def told(self, kind: type[T]) -> list[T]:
        return [fact for _, fact in self.depot.facts if isinstance(fact, kind)]

    @property
    def events(self) -> list[TransactionTold]:
        return self.told(TransactionTold)

    @property
    def power(self) -> float:
        return self.twin.outlets[0].power_w

    def setpoint(self, power_w: float, lease_s: float = 30.0, *, fresh: bool = True) -> ApplySetpoint:
        return ApplySetpoint(
            evse=1,
            transaction_id=next(iter(self.depot.guests[self.twin.charger.id].running.values())),
            power_w=power_w,
            lease_s=lease_s,
            now=self.clock.now(),
            ceiling_w=kw(60),
            floor_w=-kw(60),
            fresh=fresh,
        )

    async def order(self, order: object) -> object:
        return await self.depot.order(self.twin.charger.id, order)  # type: ignore[arg-type]

    def fault(self, what: str, *, begins: bool = True) -> None:
        throw(self.twin, Fault(what=what, where=self.twin.charger.id, at_s=0, for_s=0), begins=begins)


def play(version: OcppVersion, name: str, story: Callable[[Scene], Awaitable[T]]) -> T:
    async def main(clock: SimClock) -> T:
        station = lotus_hill()
        depot = Depot(station, lambda _: version, clock)
        twin = ChargerTwin(station.charger_of[ChargerId(name)], version, clock, luck(1, name))
        line = asyncio.ensure_future(keep_connected(twin, depot.connect))
        scene = Scene(depot, twin, clock)
        await scene.wait(3)
        told = await story(scene)
        line.cancel()
        assert twin.crashes == []
        assert depot.bad == []
        return told

    return run(main, START)


@EVERY
def test_a_charger_says_who_it_is_and_how_its_outlets_are(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        assert isinstance(scene.depot.facts[0][1], Booted)
        outlets = [fact for fact in scene.told(OutletReported) if fact.evse > 0]
        assert [fact.state for fact in outlets] == [OutletState.AVAILABLE] * len(scene.twin.outlets)
        assert [fact.kind for fact in scene.told(SecurityTold)] == ["StartupOfTheDevice"]
        await scene.wait(70)
        assert scene.told(HeartBeaten)

    play(version, name, story)


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


def test_a_2_0_1_charger_tells_the_needs_of_charging_only() -> None:
    async def story(scene: Scene) -> None:
        await scene.park(0.5)
        [needs] = scene.told(NeedsTold)
        assert not needs.v2x
        assert needs.soc == 0.5

    play(V201, "V20", story)


def test_a_negative_limit_takes_power_back_until_its_duration_is_over() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        assert isinstance(await scene.order(scene.setpoint(-kw(50), 20.0)), Accepted)
        await scene.wait(15)
        assert scene.power == -kw(50)
        await scene.wait(15)
        assert scene.power >= 0.0
        assert scene.twin.outlets[0].export_wh > 100.0
        assert min(event.samples[0].power_w for event in scene.events if event.samples) == -kw(50)  # type: ignore[type-var]

    play(V201, "V20", story)


def test_a_dynamic_setpoint_is_changed_in_place_and_stands_while_the_line_does() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        assert isinstance(await scene.order(scene.setpoint(kw(20), 10.0)), Accepted)
        await scene.wait(4)
        assert isinstance(await scene.order(scene.setpoint(-kw(30), fresh=False)), Accepted)
        await scene.wait(120)
        assert scene.power == -kw(30)
        assert scene.told(SetpointPulled) == []

    play(V21, "V01", story)


@pytest.mark.parametrize("fault", ["link-lost", "half-open"])
def test_a_charger_that_is_alone_for_too_long_gives_nothing_back_any_more(fault: str) -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        await scene.order(scene.setpoint(-kw(30), 10.0))
        await scene.wait(20)
        assert scene.power == -kw(30)
        scene.fault(fault)
        await scene.wait(6)
        assert scene.power == -kw(30)
        await scene.wait(9)
        assert scene.power >= 0.0

    play(V21, "V01", story)


def test_a_short_silence_ends_nothing() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        await scene.order(scene.setpoint(-kw(30), 20.0))
        await scene.wait(20)
        scene.fault("half-open")
        await scene.wait(12)
        scene.fault("half-open", begins=False)
        await scene.wait(60)
        assert scene.power == -kw(30)

    play(V21, "V01", story)


def test_a_dynamic_profile_that_wants_it_is_asked_for_its_value() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        scene.depot.wish = lambda _guest, _evse: -kw(30)
        period = {"startPeriod": 0, "operationMode": "CentralSetpoint", "setpoint": kw(10), "limit": kw(60)}
        schedule = {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [period | {"dischargeLimit": -kw(60)}]}
        profile = {
            "id": 1001,
            "stackLevel": 1,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Dynamic",
            "transactionId": "V01-000001",
            "maxOfflineDuration": 30,
            "dynUpdateInterval": 10,
            "chargingSchedule": [schedule],
        }
        ask = Ask(action="SetChargingProfile", payload={"evseId": 1, "chargingProfile": profile})
        assert isinstance(await scene.order(ask), Accepted)
        await scene.wait(62)
        assert scene.power == -kw(30)
        assert 4 <= len(scene.told(SetpointPulled)) <= 6

    play(V21, "V01", story)


def test_a_value_for_a_profile_that_is_not_there_is_refused() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        assert isinstance(await scene.order(scene.setpoint(kw(20), fresh=False)), Refused)

    play(V21, "V01", story)


@EVERY
def test_a_setpoint_without_a_transaction_is_refused(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        order = ApplySetpoint(
            evse=1, transaction_id="17", power_w=kw(9), lease_s=9, now=START, ceiling_w=kw(60), floor_w=0.0
        )
        assert isinstance(await scene.order(order), Refused)

    play(version, name, story)


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


def test_a_half_open_line_is_noticed_and_replaced_and_nothing_is_lost_or_told_twice() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        await scene.wait(20)
        scene.fault("half-open")
        await scene.wait(120)
        assert scene.twin.online
        seqs = [event.seq_no for event in scene.events]
        assert sorted(set(seqs)) == list(range(len(set(seqs))))

    play(V21, "V01", story)


def test_a_deaf_charger_says_yes_and_changes_nothing() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        await scene.order(scene.setpoint(kw(40), 20.0))
        await scene.wait(10)
        scene.fault("deaf")
        assert isinstance(await scene.order(scene.setpoint(0.0)), Accepted)
        await scene.wait(60)
        assert scene.power == kw(40)

    play(V21, "V01", story)


def test_a_refusing_charger_refuses_and_a_late_one_is_late() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        scene.fault("refusing")
        assert isinstance(await scene.order(scene.setpoint(kw(9))), Refused)
        scene.fault("refusing", begins=False)
        scene.fault("late")
        began = scene.clock.monotonic()
        asked = asyncio.ensure_future(scene.order(scene.setpoint(kw(9))))
        await scene.wait(25)
        assert asked.done()
        assert isinstance(asked.result(), Accepted)
        assert scene.clock.monotonic() - began >= 20

    play(V21, "V01", story)


def test_a_frozen_meter_goes_on_showing_what_it_showed() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        await scene.wait(20)
        scene.fault("frozen-meter")
        await scene.wait(60)
        last = [event.samples[0].import_wh for event in scene.events if event.samples][-4:]
        assert len(set(last)) == 1
        assert scene.twin.outlets[0].import_wh > last[-1] + 50  # type: ignore[operator]

    play(V21, "V01", story)


def test_an_echoing_charger_tells_events_twice_and_out_of_order() -> None:
    async def story(scene: Scene) -> None:
        scene.fault("echoing")
        await scene.park()
        scene.fault("link-lost")
        await scene.wait(60)
        scene.fault("link-lost", begins=False)
        await scene.wait(60)
        seqs = [event.seq_no for event in scene.events]
        assert len(seqs) > len(set(seqs))
        assert seqs != sorted(seqs)  # type: ignore[type-var]

    play(V21, "V01", story)


def test_a_faulted_outlet_ends_its_stay_and_says_so_until_it_works_again() -> None:
    async def story(scene: Scene) -> None:
        visit = await scene.park()
        scene.fault("faulted")
        await scene.wait(3)
        assert visit.stopped
        assert scene.events[-1].moment is Moment.ENDED
        assert OutletState.FAULTED in {fact.state for fact in scene.told(OutletReported)[-2:]}
        assert not scene.twin.usable(1)
        scene.fault("faulted", begins=False)
        assert scene.twin.usable(1)

    play(V21, "V01", story)


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


@EVERY
def test_a_charger_that_is_not_accepted_tells_nothing_else_and_asks_again(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        scene.depot.verdict = Boot.PENDING
        scene.fault("link-lost")
        await scene.wait(5)
        scene.fault("link-lost", begins=False)
        await scene.wait(20)
        scene.depot.facts.clear()
        await scene.wait(130)
        assert len(scene.depot.facts) >= 2
        assert all(isinstance(fact, Booted) for _, fact in scene.depot.facts)
        scene.depot.verdict = Boot.ACCEPTED
        await scene.wait(70)
        assert scene.told(OutletReported)

    play(version, name, story)


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


@EVERY
def test_the_sample_interval_can_be_set_and_read(version: OcppVersion, name: str) -> None:
    place = ("", "MeterValueSampleInterval") if version is V16 else ("SampledDataCtrlr", "TxUpdatedInterval")

    async def story(scene: Scene) -> None:
        wanted = (Variable(component=place[0], name=place[1], value="30"),)
        assert isinstance(await scene.order(SetVariables(variables=wanted)), Accepted)
        assert isinstance(await scene.order(GetVariables(variables=wanted)), Accepted)
        data = "MeterValuesSampledData" if version is V16 else "TxUpdatedMeasurands"
        measurands = (Variable(component=place[0], name=data, value="SoC"),)
        assert isinstance(await scene.order(SetVariables(variables=measurands)), Accepted)
        absurd = (Variable(component=place[0], name=place[1], value="-5"),)
        assert isinstance(await scene.order(SetVariables(variables=absurd)), Refused)
        unknown = (Variable(component=place[0], name="Nonsense", value="1"),)
        assert isinstance(await scene.order(SetVariables(variables=unknown)), Refused)
        await scene.park()
        before = len(scene.events)
        await scene.wait(95)
        assert 3 <= len(scene.events) - before <= 5

    play(version, name, story)


def test_a_charger_reports_its_whole_device_model() -> None:
    async def story(scene: Scene) -> None:
        assert isinstance(await scene.order(GetReport(request_id=5)), Accepted)
        await scene.wait(3)
        [report] = scene.told(VariablesTold)
        assert report.request_id == 5
        assert "TxUpdatedInterval" in {variable.name for variable in report.variables}

    play(V21, "V01", story)


@EVERY
def test_a_reset_ends_the_stay_drops_the_line_and_boots_again(version: OcppVersion, name: str) -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        assert isinstance(await scene.order(Reset(immediate=True)), Accepted)
        await scene.wait(10)
        assert not scene.twin.online
        assert not scene.twin.usable(1)
        await scene.wait(40)
        assert scene.twin.online
        assert scene.twin.usable(1)
        assert scene.events[-1].moment is Moment.ENDED
        if version is not V16:
            assert scene.told(Booted)[-1].reason == "RemoteReset"

    play(version, name, story)


def test_a_reset_on_idle_waits_for_the_stay_to_end() -> None:
    async def story(scene: Scene) -> None:
        await scene.park()
        assert isinstance(await scene.order(Reset()), Accepted)
        await scene.wait(30)
        assert scene.twin.online
        scene.twin.present(1)
        await scene.wait(10)
        assert not scene.twin.online

    play(V21, "V01", story)


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


def test_only_the_twin_s_own_line_breaks_when_its_charger_has_a_bug() -> None:
    async def main(clock: SimClock) -> tuple[list[str], int]:
        station = lotus_hill()
        twin = ChargerTwin(station.charger_of[ChargerId("V01")], V21, clock, luck(1, "V01"))
        calls = 0

        async def broken(_identity: str, _subprotocol: str) -> MemoryWire:
            nonlocal calls
            calls += 1
            raise ZeroDivisionError("a bug")

        line = asyncio.ensure_future(keep_connected(twin, broken))
        await asyncio.sleep(60)
        assert not line.done()
        line.cancel()
        return twin.crashes, calls

    crashes, calls = run(main, START)
    assert len(crashes) == calls
    assert 3 < calls < 30


def test_a_charger_comes_back_with_growing_patience() -> None:
    async def main(clock: SimClock) -> list[float]:
        station = lotus_hill()
        twin = ChargerTwin(station.charger_of[ChargerId("V01")], V21, clock, luck(1, "V01"))
        tries: list[float] = []

        async def nobody(_identity: str, _subprotocol: str) -> MemoryWire:
            tries.append(clock.monotonic())
            raise ConnectionRefusedError

        line = asyncio.ensure_future(keep_connected(twin, nobody))
        await asyncio.sleep(600)
        line.cancel()
        return tries

    tries = run(main, START)
    gaps = [later - earlier for earlier, later in itertools.pairwise(tries)]
    assert gaps[0] < 9
    assert max(gaps) > 30
    assert max(gaps) < 60
