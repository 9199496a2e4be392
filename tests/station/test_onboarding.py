"""Chargers that nobody has announced: held in Pending, shown, accepted by one click and a name, and then ready."""

import asyncio
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from websockets.exceptions import InvalidStatus

from tests.station.foreign import on_the_line, run_until
from tests.station.newcomers import Newcomer16, Newcomer21
from tests.station.open_house import TOML, OpenHouse, opened, until
from voltide import exports, live
from voltide.backbone import registry
from voltide.cli import voltide

FOREVER = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


async def turned_away(house: OpenHouse, identity: str, version: str = "2.1", secret: str | None = None) -> int:
    with pytest.raises(InvalidStatus) as refused:
        await house.dial(identity, version, secret=secret)
    return refused.value.response.status_code


def test_an_unknown_2_1_charger_is_accepted_by_a_name_and_gets_secret_fallback_and_setpoint(tmp_path):
    async def story():
        async with opened(tmp_path) as house:
            assert await turned_away(house, "NEW1") == 404
            assert (await house.care("OpenToNewcomers", minutes=30))["done"]
            socket = await house.dial("NEW1", "2.1", secret="factory")
            async with on_the_line(Newcomer21, "NEW1", socket) as charger:
                assert (await charger.boot()).status == "Pending"
                reply = await house.accept("NEW1", "North side")
                assert reply["done"], reply
                await asyncio.wait_for(charger.boot_until_accepted(), 20)
                await until(lambda: house.ready("NEW1"))
                assert charger.secret is not None
                assert len(charger.secret) >= 32
                await charger.plug_in()
                await run_until(charger, lambda: (charger.car.setpoint_w or 0) >= 50_000)
                secret = charger.secret
            again = await house.dial("NEW1", "2.1", secret=secret)
            await again.close()

    asyncio.run(story())


def test_an_unknown_1_6_charger_is_accepted_and_its_power_is_shown_as_assumed(tmp_path):
    async def story():
        async with opened(tmp_path) as house:
            await house.care("OpenToNewcomers", minutes=30)
            socket = await house.dial("OLD1", "1.6", secret="0123456789abcdef")
            async with on_the_line(Newcomer16, "OLD1", socket) as charger:
                assert (await charger.boot()).status == "Pending"
                assert (await house.accept("OLD1", "By the gate"))["done"]
                await asyncio.wait_for(charger.boot_until_accepted(), 20)
                await until(lambda: house.ready("OLD1"))
                seen = await house.charger("OLD1")
                assert seen["row"]["name"] == "By the gate"
                assert seen["profile"] == 1
                assert [(o["charge_w"], o["assumed"]) for o in seen["row"]["outlets"]] == [(11_000.0, ["charge_w"])]
                assert seen["row"]["shield"] == "given"
                assert charger.secret is not None
                assert charger.set["MeterValueSampleInterval"] == "15"
                assert charger.set["ClockAlignedDataInterval"] == "0"
                await charger.plug_in()
                await run_until(charger, lambda: (charger.car.setpoint_w or 0) >= 10_000)
                assert max(charger.car.setpoint_w, 0) <= 11_000

    asyncio.run(story())


def test_the_safe_power_is_said_before_the_charger_may_charge_and_before_anything_else(tmp_path):
    async def story():
        async with opened(tmp_path) as house:
            await house.care("OpenToNewcomers", minutes=30)
            socket = await house.dial("NEW1", "2.1")
            async with on_the_line(Newcomer21, "NEW1", socket) as charger:
                await charger.boot()
                await house.accept("NEW1", "N")
                await until(lambda: charger.secret is not None)
                assert charger.boots == ["Pending"]
                assert charger.told[:2] == ["TxDefaultProfile", "TxDefaultProfile"]
                assert charger.told[-1] == "BasicAuthPassword"
                held = await house.care("RestartCharger", charger="NEW1", immediate=True)
                assert (held["done"], held["detail"]) == (False, "not on the line")
                await asyncio.wait_for(charger.boot_until_accepted(), 20)

    asyncio.run(story())


def test_what_a_newcomer_says_of_itself_is_shown_and_nothing_else_of_it_is_heard(tmp_path):
    async def story():
        async with opened(tmp_path) as house:
            await house.care("OpenToNewcomers", minutes=30)
            socket = await house.dial("NEW1", "2.1")
            async with on_the_line(Newcomer21, "NEW1", socket) as charger:
                await charger.boot()

                async def read() -> bool:
                    row = await house.newcomer("NEW1")
                    return row is not None and not row["reading"]

                await until(read)
                row = await house.newcomer("NEW1")
                assert row is not None
                plate = [row[key] for key in ("vendor", "model", "serial", "firmware", "version", "v2g", "address")]
                assert plate == ["Foreign", "Twin 60", "F-0001", "1.2", "2.1", True, "127.0.0.1"]
                outlets = [(o["charge_w"], o["discharge_w"], o["phases"]) for o in row["outlets"]]
                assert outlets == [(60_000.0, 60_000.0, 3), (30_000.0, 30_000.0, None)]
                assert row["outlets"][1]["assumed"] == ["discharge_w"]
                assert await charger.plug_in() is None  # the package says so of a CALLERROR
                assert charger.profiles == []
                assert charger.asked == ["FullInventory"]
            kept = exports.take("messages", house.data, *FOREVER)
            assert [m for m in kept if m["charger"] == "NEW1"] == []
            assert exports.take("sessions", house.data, *FOREVER) == []

    asyncio.run(story())


def test_a_refused_newcomer_is_told_so_and_stays_out_though_the_door_is_open_and_the_station_restarts(tmp_path):
    async def story():
        async with opened(tmp_path) as house:
            await house.care("OpenToNewcomers", minutes=30)
            socket = await house.dial("NEW1", "2.1")
            async with on_the_line(Newcomer21, "NEW1", socket) as charger:
                await charger.boot()
                assert (await house.care("RefuseCharger", charger="NEW1"))["done"]
                assert (await charger.boot()).status == "Rejected"
            assert await turned_away(house, "NEW1") == 404
        async with opened(tmp_path) as house:
            assert await turned_away(house, "NEW1") == 404
            assert [row["id"] for row in (await house.chargers())["refused"]] == ["NEW1"]
            assert (await house.care("ForgetCharger", charger="NEW1"))["done"]
            socket = await house.dial("NEW1", "2.1")
            await socket.close()

    asyncio.run(story())


def test_a_restart_keeps_who_was_accepted_its_place_its_name_and_its_secret(tmp_path):
    async def story():
        async with opened(tmp_path) as house:
            await house.care("OpenToNewcomers", minutes=30)
            socket = await house.dial("NEW1", "2.1", secret="factory")
            async with on_the_line(Newcomer21, "NEW1", socket) as charger:
                await charger.boot()
                await house.accept("NEW1", "North side")
                await asyncio.wait_for(charger.boot_until_accepted(), 20)
                await until(lambda: house.ready("NEW1"))
                secret = charger.secret
        async with opened(tmp_path) as house:
            [row] = [row for row in (await house.chargers())["chargers"] if row["id"] == "NEW1"]
            assert (row["name"], row["ready"], len(row["outlets"])) == ("North side", True, 2)
            socket = await house.dial("NEW1", "2.1", secret=secret)
            async with on_the_line(Newcomer21, "NEW1", socket) as charger:  # a reconnect without a boot is normal
                await charger.plug_in()
                await run_until(charger, lambda: (charger.car.setpoint_w or 0) >= 50_000)
            assert await turned_away(house, "NEW1", secret="factory") == 401

    asyncio.run(story())


def test_the_page_shows_the_profile_that_a_charger_is_registered_for_now(tmp_path):
    async def story():
        async with opened(tmp_path) as house:
            engine = live.database(house.data)
            registry.add(engine, {"id": "V1", "secret_mac": "0" * 64, "profile": 2, "added_at": 0})
            assert (await house.charger("V1"))["profile"] == 2
            registry.set_profile(engine, "V1", 3)
            assert (await house.charger("V1"))["profile"] == 3

    asyncio.run(story())


def test_what_does_not_fit_the_connection_is_refused_with_the_sentence_that_says_why(tmp_path):
    async def story():
        tight = TOML.replace("import_w = 150_000", "import_w = 24_000")
        async with opened(tmp_path, tight) as house:
            await house.care("OpenToNewcomers", minutes=30)
            socket = await house.dial("NEW1", "2.1")
            async with on_the_line(Newcomer21, "NEW1", socket) as charger:
                await charger.boot()
                reply = await house.accept("NEW1", "N")
                assert not reply["done"]
                assert reply["code"] == "does-not-fit"
                assert "above its import limit of 24000 W" in reply["detail"]
                assert (await charger.boot()).status == "Pending"
            assert [row["id"] for row in (await house.chargers())["chargers"]] == ["V1"]

    asyncio.run(story())


def test_another_charger_under_the_same_identity_is_not_accepted_by_mistake(tmp_path):
    async def story():
        async with opened(tmp_path) as house:
            await house.care("OpenToNewcomers", minutes=30)
            first = await house.dial("NEW1", "2.1", secret="one")
            async with on_the_line(Newcomer21, "NEW1", first) as charger:
                await charger.boot()
                await until(lambda: _read(house))
                row = await house.newcomer("NEW1")
                assert row is not None
                assert await turned_away(house, "NEW1", secret="two") == 401
            await until(lambda: _left(house))
            second = await house.dial("NEW1", "2.1", secret="two")
            async with on_the_line(Newcomer21, "NEW1", second) as charger:
                await charger.boot()
                reply = await house.care("AcceptCharger", charger="NEW1", name="N", seen=row["mark"])
                assert (reply["done"], reply["code"]) == (False, "charger-changed")

    asyncio.run(story())


async def _read(house: OpenHouse) -> bool:
    row = await house.newcomer("NEW1")
    return row is not None and not row["reading"]


async def _left(house: OpenHouse) -> bool:
    row = await house.newcomer("NEW1")
    return row is not None and not row["online"]


def test_the_door_may_be_opened_from_the_command_line_beside_a_running_station(tmp_path):
    async def story():
        async with opened(tmp_path) as house:
            assert await turned_away(house, "NEW1") == 404
            said = await asyncio.to_thread(run_cli, "charger", "welcome", "--minutes", "5", "--data", str(house.data))
            assert said == "new chargers may come in for 5 min\n"
            until_ = datetime.fromisoformat((await house.chargers())["open_until"])
            assert 0 < (until_ - datetime.now(UTC)).total_seconds() <= 300
            await (await house.dial("NEW1", "2.1")).close()
            await asyncio.to_thread(run_cli, "charger", "welcome", "--minutes", "0", "--data", str(house.data))
            assert (await house.chargers())["open_until"] is None
            assert await turned_away(house, "NEW2") == 404

    asyncio.run(story())


def run_cli(*words: str) -> str:
    result = CliRunner().invoke(voltide, list(words))
    assert result.exit_code == 0, result.output
    return result.output


def test_a_door_that_the_file_keeps_open_needs_no_button(tmp_path):
    async def story():
        async with opened(tmp_path, TOML + "newcomers = true\n") as house:
            assert (await house.chargers())["always_open"]
            socket = await house.dial("NEW1", "2.1")
            async with on_the_line(Newcomer21, "NEW1", socket) as charger:
                assert (await charger.boot()).status == "Pending"

    asyncio.run(story())


def test_a_charger_that_takes_no_secret_keeps_a_good_one_of_its_own_and_is_shown_as_unprotected_without_one(tmp_path):
    async def story():
        async with opened(tmp_path, TOML + "newcomers = true\n") as house:
            for identity, secret, shield in (("GOOD", "0123456789abcdef", "own"), ("WEAK", "12345", "none")):
                socket = await house.dial(identity, "2.1", secret=secret)
                async with on_the_line(Newcomer21, identity, socket) as charger:
                    charger.takes_secrets = False
                    await charger.boot()
                    assert (await house.accept(identity, identity))["done"]
                    await asyncio.wait_for(charger.boot_until_accepted(), 20)
                    await until(lambda who=identity: house.ready(who))
                seen = await house.charger(identity)
                assert seen["row"]["shield"] == shield
                [step] = [step for step in seen["steps"] if step["name"] == "secret"]
                assert (step["progress"], step["detail"]) == ("skipped", "Rejected")
                await (await house.dial(identity, "2.1", secret=secret)).close()
                assert await turned_away(house, identity, secret="another") == 401

    asyncio.run(story())


def test_what_was_refused_while_it_waited_is_told_again_once_it_is_in(tmp_path):
    async def story():
        async with opened(tmp_path, TOML + "newcomers = true\n") as house:
            socket = await house.dial("NEW1", "2.1")
            async with on_the_line(Newcomer21, "NEW1", socket) as charger:
                charger.stubborn = True
                await charger.boot()
                assert (await house.accept("NEW1", "N"))["done"]
                await until(lambda: len(charger.told) >= 2)
                assert charger.profiles == []
                while (await charger.boot()).status != "Accepted":
                    await asyncio.sleep(0.5)
                assert not await house.ready("NEW1")
                alarms = (await house.client.get("/api/picture")).json()["alarms"]
                assert ("fallback-refused", "NEW1") in {(a["code"], a["subject"]) for a in alarms}
                charger.stubborn = False
                await until(lambda: house.ready("NEW1"), 40)
                assert {p["charging_profile_purpose"] for p in charger.profiles} == {"TxDefaultProfile"}

    asyncio.run(story())


def test_a_charger_that_loses_its_line_in_the_middle_goes_on_where_it_was(tmp_path):
    async def story():
        async with opened(tmp_path) as house:
            await house.care("OpenToNewcomers", minutes=30)
            socket = await house.dial("NEW1", "2.1", secret="factory")
            async with on_the_line(Newcomer21, "NEW1", socket) as charger:
                await charger.boot()
                charger.drops_at = "HeartbeatInterval"
                assert (await house.accept("NEW1", "N"))["done"]
                await until(lambda: charger.dropped)
            await house.care("OpenToNewcomers", minutes=0)
        async with opened(tmp_path) as house:  # and the station has been restarted meanwhile, with its door shut
            socket = await house.dial("NEW1", "2.1", secret="factory")
            async with on_the_line(Newcomer21, "NEW1", socket) as charger:
                assert (await charger.boot()).status == "Pending"
                await asyncio.wait_for(charger.boot_until_accepted(), 20)
                await until(lambda: house.ready("NEW1"))
                assert "TxUpdatedInterval" not in charger.set
                assert "HeartbeatInterval" in charger.set
                assert charger.secret is not None

    asyncio.run(story())


def test_a_charger_taken_off_the_station_is_gone_with_the_next_start_and_may_come_as_new_again(tmp_path):
    async def story():
        async with opened(tmp_path, TOML + "newcomers = true\n") as house:
            socket = await house.dial("NEW1", "2.1")
            async with on_the_line(Newcomer21, "NEW1", socket) as charger:
                await charger.boot()
                await house.accept("NEW1", "N")
                await asyncio.wait_for(charger.boot_until_accepted(), 20)
                await until(lambda: house.ready("NEW1"))
                assert (await house.care("ForgetCharger", charger="V1"))["code"] == "from-file"
                assert (await house.care("ForgetCharger", charger="NEW1"))["done"]
                secret = charger.secret
            assert await turned_away(house, "NEW1", secret=secret) == 404
        async with opened(tmp_path, TOML + "newcomers = true\n") as house:
            assert [row["id"] for row in (await house.chargers())["chargers"]] == ["V1"]
            socket = await house.dial("NEW1", "2.1")
            async with on_the_line(Newcomer21, "NEW1", socket) as charger:
                assert (await charger.boot()).status == "Pending"
                assert (await house.accept("NEW1", "N"))["done"]

    asyncio.run(story())


def test_a_file_that_leaves_no_room_any_more_is_refused_in_one_sentence_before_anything_is_opened(tmp_path):
    async def story():
        async with opened(tmp_path, TOML + "newcomers = true\n") as house:
            socket = await house.dial("NEW1", "2.1")
            async with on_the_line(Newcomer21, "NEW1", socket) as charger:
                await charger.boot()
                assert (await house.accept("NEW1", "N"))["done"]

    asyncio.run(story())
    file = tmp_path / "station.toml"
    file.write_text(TOML.replace("import_w = 150_000", "import_w = 24_000"), encoding="utf-8")
    for words in (["station"], ["check"]):
        result = CliRunner().invoke(voltide, [*words, "--config", str(file), "--data", str(tmp_path / "data")])
        assert result.exit_code == 1
        assert "charger 'NEW1', which was accepted on the page, does not fit any more" in result.output
        assert "Traceback" not in result.output


def test_more_newcomers_than_may_wait_are_told_to_come_later_and_none_of_them_slows_the_second(tmp_path):
    async def story():
        async with opened(tmp_path, TOML + "newcomers = true\n") as house:
            outcomes = []
            for number in range(40):
                try:
                    socket = await house.dial(f"X{number}", "2.1")
                except InvalidStatus as refused:
                    outcomes.append(refused.response.status_code)
                else:
                    outcomes.append(101)
                    await socket.close()
            assert 16 <= outcomes.count(101) <= 30
            assert set(outcomes) <= {101, 404, 429}
            picture = (await house.client.get("/api/picture")).json()
            assert picture["newcomers"] == 0
            assert (await house.chargers())["newcomers"] == []  # who has not said who it is, is not kept

    asyncio.run(story())
