"""A quirk changes only what its file says; which one was applied is seen."""

import asyncio
import json
import tomllib
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import httpx
import pytest
from ocpp.v16 import call as call16

from tests.station.foreign import on_the_line, run_until
from tests.station.newcomers import Newcomer16, Newcomer21
from tests.station.open_house import TOML, opened, until
from voltide import exports
from voltide.domain.dossier import Nameplate
from voltide.domain.messages import (
    ApplyFallback,
    ApplySetpoint,
    ClearSetpoint,
    Metered,
    SetpointPulled,
    TransactionTold,
)
from voltide.domain.site import Charger, ChargerId, Evse, EvseId, OcppVersion, V2g
from voltide.ocpp.connection import Connection
from voltide.ocpp.dialect import dialect
from voltide.ocpp.events import Called
from voltide.ocpp.profiles import evse_of
from voltide.ocpp.quirks import Manner, Quirk, parse, traits_of
from voltide.ocpp.wire import Wire, plain
from voltide.station.makers import SHIPPED, Makers, known
from voltide.station.oddities import Oddities, kind_of

V16, V201, V21 = OcppVersion.V16, OcppVersion.V201, OcppVersion.V21
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
WHO = Nameplate(vendor="Odd", model="Box", firmware="1.0")


def quirk(**tables: dict[str, object]) -> Quirk:
    return parse("odd", {"why": "odd", "match": {"vendor": "Odd"}, **tables})


def manner(version: OcppVersion, **tables: dict[str, object]) -> Manner:
    return Manner(traits=traits_of(WHO, [quirk(**tables)]), version=version, zone=ZONE)


def charger(v2g: V2g = V2g.NONE) -> Charger:
    evse = Evse(id=EvseId("N-1"), charger=ChargerId("N"), number=1, charge_w=60_000.0, discharge_w=60_000.0)
    return Charger(id=ChargerId("N"), evses=(evse,), v2g=v2g)


def heard(version: OcppVersion, action: str, body: dict[str, object], how: Manner | None) -> tuple[object, Called]:
    """A charger's message as the station understands it."""
    [event] = Connection(version, charger=False).receive(json.dumps([2, "1", action, body]), 0.0)
    assert isinstance(event, Called), event
    if how is not None:
        mended = how.mend(event)
        assert isinstance(mended, Called)
        event = mended
    return dialect(version, charger()).hear(event.action, event.request, NOW), event


def metered(version: OcppVersion, *values: dict[str, object], time: str = "2026-07-01T12:00:00Z") -> tuple[str, dict]:
    place = {"connectorId": 1} if version is V16 else {"evseId": 1}
    return "MeterValues", place | {"meterValue": [{"timestamp": time, "sampledValue": list(values)}]}


def sample(version: OcppVersion, how: Manner | None, *values: dict[str, object]):
    fact, event = heard(version, *metered(version, *values), how)
    assert isinstance(fact, Metered)
    return fact.samples[0] if fact.samples else None, event


@pytest.mark.parametrize("version", [V16, V201, V21])
@pytest.mark.parametrize("unit", [None, "W", "kW"])
def test_a_power_in_kw_is_one_whatever_unit_it_says(version, unit):
    value: dict[str, object] = {"value": "7.4" if version is V16 else 7.4, "measurand": "Power.Active.Import"}
    if unit is not None:
        value |= {"unit": unit} if version is V16 else {"unitOfMeasure": {"unit": unit}}
    told, event = sample(version, manner(version, tells={"power_unit": "kW"}), value)
    assert told.power_w == 7_400.0
    assert ("quirk power_unit" in event.deviations) == (unit != "kW")


@pytest.mark.parametrize("version", [V16, V201, V21])
def test_an_energy_in_kwh_that_says_wh_is_one_and_other_values_are_left_alone(version):
    unit = {"unit": "Wh"} if version is V16 else {"unitOfMeasure": {"unit": "Wh"}}
    text = str if version is V16 else float
    values = [
        {"value": text("361.5"), "measurand": "Energy.Active.Import.Register", **unit},
        {"value": text("9451"), "measurand": "Power.Active.Import"},
    ]
    told, _ = sample(version, manner(version, tells={"energy_unit": "kWh"}), *values)
    assert (told.import_wh, told.power_w) == (361_500.0, 9_451.0)
    plain_told, _ = sample(version, None, *values)
    assert plain_told.import_wh == 361.5


def test_a_value_without_a_measurand_is_the_energy_that_the_standard_says():
    told, _ = sample(V16, manner(V16, tells={"energy_unit": "kWh"}), {"value": "12"})
    assert told.import_wh == 12_000.0


@pytest.mark.parametrize(("said", "meant"), [("0.62", 0.62), ("1", 1.0), ("0", 0.0), ("62", 0.62)])
def test_a_state_of_charge_as_a_fraction_is_understood(said, meant):
    told, _ = sample(
        V16, manner(V16, tells={"soc": "fraction"}), {"value": said, "measurand": "SoC", "unit": "Percent"}
    )
    assert told.soc == pytest.approx(meant)


@pytest.mark.parametrize("version", [V16, V21])
def test_a_power_whose_sign_is_the_other_way_round_is_turned_once(version):
    value = {"value": "-5000" if version is V16 else -5000.0, "measurand": "Power.Active.Import"}
    told, _ = sample(version, manner(version, tells={"power_sign": "out"}), value)
    assert told.power_w == 5_000.0


def test_a_measurand_of_its_own_name_is_read_though_no_schema_knows_it():
    value = {"value": "55", "measurand": "SoCState", "unit": "Percent"}
    with_quirk, event = sample(V16, manner(V16, tells={"measurands": {"SoCState": "SoC"}}), value, {"value": "1"})
    without, _ = sample(V16, None, value, {"value": "1"})
    assert with_quirk.soc == 0.55
    assert without.soc is None
    assert "quirk measurands" in event.deviations


def test_registers_of_1_6_in_kwh_are_wh():
    how = manner(V16, tells={"register_unit": "kWh"})
    body = {"connectorId": 1, "idTag": "T", "meterStart": 361, "timestamp": "2026-07-01T12:00:00Z"}
    started, _ = heard(V16, "StartTransaction", body, how)
    stop = {"transactionId": 7, "meterStop": 365, "timestamp": "2026-07-01T13:00:00Z"}
    stopped, _ = heard(V16, "StopTransaction", stop, how)
    assert isinstance(started, TransactionTold)
    assert isinstance(stopped, TransactionTold)
    assert [one.samples[-1].import_wh for one in (started, stopped)] == [361_000.0, 365_000.0]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2026-07-01T20:00:00", datetime(2026, 7, 1, 12, tzinfo=UTC)),
        ("2026-07-01 20:00:00.5", datetime(2026, 7, 1, 12, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-07-01T20:00:00Z", datetime(2026, 7, 1, 20, tzinfo=UTC)),
        ("2026-07-01T20:00:00+02:00", datetime(2026, 7, 1, 18, tzinfo=UTC)),
    ],
)
def test_a_time_without_a_zone_is_the_stations_and_one_with_a_zone_is_what_it_says(said, meant):
    fact, _ = heard(V16, *metered(V16, {"value": "1"}, time=said), manner(V16, tells={"times": "local"}))
    assert isinstance(fact, Metered)
    assert fact.samples[0].at == meant


def test_a_charger_that_calls_its_only_outlet_0_means_the_first():
    old, new = manner(V16, tells={"only_outlet": True}), manner(V21, tells={"only_outlet": True})
    body = {"connectorId": 0, "idTag": "T", "meterStart": 1, "timestamp": "2026-07-01T12:00:00Z"}
    started, _ = heard(V16, "StartTransaction", body, old)
    event = {
        "eventType": "Started",
        "timestamp": "2026-07-01T12:00:00Z",
        "triggerReason": "CablePluggedIn",
        "seqNo": 0,
        "transactionInfo": {"transactionId": "t"},
        "evse": {"id": 0},
    }
    told, _ = heard(V21, "TransactionEvent", event, new)
    assert isinstance(started, TransactionTold)
    assert isinstance(told, TransactionTold)
    assert (started.evse, told.evse) == (1, 1)


def setpoint(power_w: float, *, fresh: bool = True) -> ApplySetpoint:
    return ApplySetpoint(
        evse=1, transaction_id="7", power_w=power_w, lease_s=60.0, now=NOW, ceiling_w=60_000.0, floor_w=-60_000.0,
        fresh=fresh,
    )  # fmt: skip


def said(version: OcppVersion, order: object, how: Manner | None, v2g: V2g = V2g.NONE) -> list[Wire]:
    calls = dialect(version, charger(v2g)).order(order)  # type: ignore[arg-type]
    assert isinstance(calls, tuple)
    return [call if how is None else how.word(call) for call in calls]


@pytest.mark.parametrize("version", [V16, V201, V21])
def test_profile_ids_are_small_where_they_must_be_and_still_tell_setpoint_from_safe_power(version):
    how = manner(version, told={"profile_ids_from": 1})
    ids = []
    for order in (setpoint(5_000.0), ApplyFallback(evse=1, power_w=5_000.0, now=NOW)):
        [wire] = said(version, order, how)
        body = plain(wire.request)
        profile = body.get("csChargingProfiles") or body["chargingProfile"]
        ids.append(profile.get("chargingProfileId", profile.get("id")))
    assert ids == [2, 22]
    [wire] = said(version, ClearSetpoint(evse=1), how)
    body = plain(wire.request)
    assert body.get("id", body.get("chargingProfileId")) == 2


def test_no_profile_id_of_ours_is_ever_0():
    for version in (V16, V201, V21):
        for how in (None, manner(version, told={"profile_ids_from": 0})):
            for order in (setpoint(5_000.0), ApplyFallback(evse=1, power_w=5_000.0, now=NOW)):
                [wire] = said(version, order, how)
                assert '"id":0' not in json.dumps(plain(wire.request)).replace(" ", "").replace("chargingProfileI", "I")


def test_a_dynamic_profile_is_updated_and_pulled_by_its_small_id():
    how = manner(V21, told={"profile_ids_from": 1})
    [wire] = said(V21, setpoint(-5_000.0, fresh=False), how, V2g.DYNAMIC)
    assert plain(wire.request)["chargingProfileId"] == 2
    fact, _ = heard(V21, "PullDynamicScheduleUpdate", {"chargingProfileId": 2}, how)
    assert isinstance(fact, SetpointPulled)
    assert evse_of(fact.profile_id) == 1


@pytest.mark.parametrize("version", [V16, V201, V21])
def test_a_charger_with_one_stack_level_hears_no_other(version):
    for order in (setpoint(5_000.0), ApplyFallback(evse=1, power_w=5_000.0, now=NOW)):
        [wire] = said(version, order, manner(version, told={"stack_level": 0}))
        body = plain(wire.request)
        assert (body.get("csChargingProfiles") or body["chargingProfile"])["stackLevel"] == 0


def test_without_a_quirk_nothing_is_changed_by_so_much_as_a_bit():
    body = {"evseId": 1, "connectorId": 1, "connectorStatus": "Available", "timestamp": "2026-07-01T12:00:00"}
    _, event = heard(V21, "StatusNotification", body, None)
    assert manner(V21, tells={"soc": "fraction", "power_unit": "kW"}).mend(event) is event
    [wire] = said(V16, setpoint(5_000.0), None)
    assert manner(V16, tells={"soc": "fraction"}).word(wire) == wire


# --- the files --------------------------------------------------------------------------------------------------------


def test_every_file_that_ships_says_why_where_it_was_reported_and_whose_it_is():
    files = sorted(SHIPPED.glob("*.toml"))
    assert [quirk.name for quirk in known()] == [file.stem for file in files]
    assert files
    for one in known():
        assert one.why.endswith(".")
        assert one.see
        assert all(address.startswith("https://") for address in one.see)
        assert one.match.vendor != "*"


@pytest.mark.parametrize(
    ("tables", "flaw"),
    [
        ({"why": "x", "match": {}, "tels": {}}, "tels"),
        ({"why": "x", "match": {"maker": "A"}}, "maker"),
        ({"why": "x", "match": {}, "tells": {"power_unit": "MW"}}, "tells.power_unit"),
        ({"match": {}}, "why"),
    ],
)
def test_a_file_with_a_flaw_is_refused_and_the_flaw_is_named(tables, flaw):
    with pytest.raises(ValueError, match="quirk file mine") as refused:
        parse("mine", tables)
    assert flaw in str(refused.value)


@pytest.mark.parametrize(
    ("vendor", "model", "firmware", "names"),
    [
        ("Growatt", "THOR_11AS", "THOR_11AS-V5.2.4", ("growatt-thor",)),
        ("GROWATT ", "Thor_22AS", "", ("growatt-thor",)),
        ("Growatt", "Other", "", ()),
        ("OpenEVSE", "Advanced Series", "4.2.2", ("openevse-4.2.2",)),
        ("OpenEVSE", "Advanced Series", "5.0.0", ()),
        ("Wall Box Chargers", "PLP1-0-2-4", "6.7.38", ("wallbox-pulsar-plus",)),
    ],
)
def test_a_quirk_is_its_models_and_its_firmwares_and_nobody_elses(vendor, model, firmware, names):
    plate = Nameplate(vendor=vendor, model=model, firmware=firmware)
    assert Makers(known(), ZONE).traits(plate).names == names


def test_a_file_of_the_stations_own_counts_before_one_that_ships(tmp_path):
    text = """
why = "Ours says another unit."
[match]
vendor = "OpenEVSE"
[tells]
energy_unit = "Wh"
"""
    (tmp_path / "zz-ours.toml").write_text(text, encoding="utf-8")
    plate = Nameplate(vendor="OpenEVSE", model="Advanced Series", firmware="4.2.2")
    traits = Makers(known(tmp_path), ZONE).traits(plate)
    assert traits.names == ("openevse-4.2.2", "zz-ours")
    assert (traits.tells.energy_unit, traits.tells.register_unit) == ("Wh", "kWh")


def test_a_folder_or_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ValueError, match="is no folder"):
        known(tmp_path / "nowhere")
    (tmp_path / "bad.toml").write_text("why = ", encoding="utf-8")
    with pytest.raises(ValueError, match=r"bad\.toml"):
        known(tmp_path)


# --- seen -------------------------------------------------------------------------------------------------------------


def test_makers_and_kinds_are_bounded_whatever_chargers_say_of_themselves():
    book = Oddities()
    for number in range(500):
        who = ChargerId(f"C{number}")
        book.made_by(who, f'Maker{number}"\n{{}}')
        book.note(who, ("quirk power_unit", f"$.x{number} is null", f"never seen {number}"))
    counts = book.by_maker()
    makers = {maker for maker, _ in counts}
    assert len(makers) <= 41
    assert {kind for _, kind in counts} == {"quirk-power_unit", "null", "other"}
    assert sum(counts.values()) == 1_500
    assert all(maker.isprintable() and len(maker) <= 32 for maker in makers)


def test_each_way_to_depart_from_the_standard_has_its_kind():
    assert kind_of("$.connectorId: Expected `int`, got `str`: read by its meaning") == "loose-type"
    assert kind_of("Object contains unknown field `vendorData` - at `$.meterValue[0]`") == "unknown-field"
    assert kind_of("$.x: Expected `str` of length <= 20") == "too-long"
    assert kind_of("$.reason: Invalid enum value 'Boom'") == "unknown-word"
    assert kind_of("NotifyPeriodicEventStream came as a CALL") == "stream-as-call"
    assert kind_of("no Connection header") == "no-upgrade"


class Elder16(Newcomer16):
    """A 1.6 charger with a model of oddities: local times, kWh, small ids, amperes, numbers as numbers."""

    async def boot(self):
        answer = await self.call(
            call16.BootNotification(charge_point_model="THOR_11AS", charge_point_vendor="Odd", firmware_version="1")
        )
        self.boots.append(answer.status)
        return answer


QUIRKS = """
why = "All at once."
[match]
vendor = "Odd"
[tells]
times = "local"
energy_unit = "kWh"
register_unit = "kWh"
[told]
profile_ids_from = 1
limits = "A"
stack_level = 0
leave_out = ["HeartbeatInterval"]
measurands = ["Power.Active.Import", "Energy.Active.Import.Register"]
[is]
outlets = 2
charge_w = 22000
"""


def test_a_foreign_charger_full_of_quirks_charges_is_billed_rightly_and_its_oddities_are_shown(tmp_path):
    folder = tmp_path / "quirks"
    folder.mkdir()
    (folder / "odd.toml").write_text(QUIRKS, encoding="utf-8")
    toml = TOML + f'quirks = "{folder}"\n'
    zone = ZoneInfo("Asia/Shanghai")

    def local() -> str:
        return datetime.now(zone).strftime("%Y-%m-%dT%H:%M:%S")

    async def story():
        async with opened(tmp_path, toml) as house:
            await house.care("OpenToNewcomers", minutes=30)
            socket = await house.dial("ODD1", "1.6")
            async with on_the_line(Elder16, "ODD1", socket) as one:
                await one.boot()
                assert (await house.accept("ODD1", "Odd one"))["done"]
                await asyncio.wait_for(one.boot_until_accepted(), 20)
                await until(lambda: house.ready("ODD1"))
                row = (await house.charger("ODD1"))["row"]
                assert [(o["charge_w"], o["assumed"]) for o in row["outlets"]] == [(22_000.0, [])] * 2
                fallbacks = [p for p in one.profiles if p["charging_profile_purpose"] == "TxDefaultProfile"]
                assert [p["charging_profile_id"] for p in fallbacks] == [22, 23]
                assert {p["charging_schedule"]["charging_rate_unit"] for p in fallbacks} == {"A"}
                assert "HeartbeatInterval" not in one.set
                assert one.set["MeterValuesSampledData"] == "Power.Active.Import,Energy.Active.Import.Register"
                await charge(one, local)
                shown = await house.charger("ODD1")
                assert shown["quirks"] == ["odd"]
                kinds = {each["kind"] for each in shown["oddities"]}
                assert kinds >= {"quirk-times", "quirk-energy_unit", "quirk-register_unit"}
                metrics = (await house.client.get("/metrics")).text
                wanted = 'voltide_charger_deviations{kind="quirk-register_unit",maker="Odd",station="corner"} 2.0'
                await until(lambda: _has(house.client, wanted))
                assert "voltide_charger_deviations" in metrics
            [stay] = exports.take(
                "sessions", house.data, datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
            )
            assert (stay["meter_start_wh"], stay["meter_stop_wh"]) == (361_000, 365_000)
            assert stay["imported_wh"] == 4_000
            begun = datetime.fromisoformat(stay["started_at"])
            assert abs((begun - datetime.now(UTC)).total_seconds()) < 120

    asyncio.run(story())


async def _has(client: httpx.AsyncClient, text: str) -> bool:
    return text in (await client.get("/metrics")).text


async def charge(one: Newcomer16, local) -> None:
    told = call16.StartTransaction(connector_id=1, id_tag="CARD1", meter_start=361, timestamp=local())
    one.transaction = (await one.call(told)).transaction_id

    async def update() -> None:
        values = [
            {"value": "361.2", "measurand": "Energy.Active.Import.Register", "unit": "Wh"},
            {"value": "3000", "measurand": "Power.Active.Import", "unit": "W"},
        ]
        meter = [{"timestamp": local(), "sampled_value": values}]
        await one.call(call16.MeterValues(connector_id=1, transaction_id=one.transaction, meter_value=meter))

    one.update = update
    await run_until(one, lambda: one.car.setpoint_w is not None)
    profile = next(p for p in one.profiles if p["charging_profile_purpose"] == "TxProfile")
    assert (profile["charging_profile_id"], profile["stack_level"]) == (2, 0)
    stop = call16.StopTransaction(transaction_id=one.transaction, meter_stop=365, timestamp=local(), id_tag="CARD1")
    await one.call(stop)


def test_a_model_that_takes_no_safe_power_is_reckoned_with_at_its_full_power(tmp_path):
    folder = tmp_path / "quirks"
    folder.mkdir()
    text = 'why = "x."\n[match]\nvendor = "Foreign"\n[told]\nfallback = "none"\nresend_s = 2\n'
    (folder / "none.toml").write_text(text, encoding="utf-8")

    async def story():
        async with opened(tmp_path, TOML + f'quirks = "{folder}"\n') as house:
            await house.care("OpenToNewcomers", minutes=30)
            socket = await house.dial("NEW1", "2.1")
            async with on_the_line(Newcomer21, "NEW1", socket) as one:
                await one.boot()
                assert (await house.accept("NEW1", "N"))["done"]
                await asyncio.wait_for(one.boot_until_accepted(), 20)
                await until(lambda: house.ready("NEW1"))
                steps = {step["name"]: step["progress"] for step in (await house.charger("NEW1"))["steps"]}
                assert steps["fallback"] == "skipped"
                assert one.profiles == []
                picture = (await house.client.get("/api/picture")).json()
                assert [o["charger"] for o in picture["outlets"]] == ["V1", "NEW1", "NEW1"]
                await one.plug_in()
                order = {"is": "LimitOutlet", "evse": "NEW1-1", "limit_w": 20_000}
                await house.client.post("/api/orders", json=order, headers={"Origin": house.web})
                await run_until(one, lambda: [u["setpoint"] for u in one.updates].count(20_000.0) >= 2)  # unasked

    asyncio.run(story())


def test_the_documented_example_of_a_quirk_file_is_one():
    page = (SHIPPED.parents[3] / "docs" / "quirks.md").read_text(encoding="utf-8")
    example = page.split("```toml\n")[1].split("```")[0]
    assert parse("example", tomllib.loads(example)).match.vendor
