"""The socket between the command line and a running station."""

import asyncio
import json
import socket
import stat
import sys
from pathlib import Path

import pytest

from tests.station.blocks.poles import NEVER, pole
from tests.station.house import running, until
from voltide import callbox
from voltide.backbone.bus import LocalBus
from voltide.domain.messages import CallResult, Outcome


async def voltide(*words: object) -> tuple[int, str, str]:
    """The command line as a process of its own, beside the station in this one."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "voltide", *map(str, words), stdout=-1, stderr=-1
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode or 0, out.decode(), err.decode()


def test_the_command_line_calls_a_charger_and_prints_its_answer(tmp_path: Path):
    data = tmp_path / "data"

    async def run():
        async with running(tmp_path) as house, callbox.opened(data, house.bus, house.config.station.id):
            await until(lambda: "station.corner.order" in house.bus._servers)
            await call(house)

    async def call(house):
        async with pole(house, "F1", "2.0.1", Reset={"status": "Scheduled"}) as one:
            done = await voltide("charger", "call", "F1", "Reset", '{"type": "OnIdle"}', "--data", data)
            assert (done[0], json.loads(done[1]), done[2]) == (0, {"status": "Scheduled"}, "")
            assert one.asked("Reset") == [{"type": "OnIdle"}]
            one.answers["Reset"] = {"status": "Rejected"}
            done = await voltide("charger", "call", "F1", "Reset", '{"type": "OnIdle"}', "--data", data)
            assert (done[0], json.loads(done[1])) == (1, {"status": "Rejected"})
            assert "refused: Rejected" in done[2]
            code, _, said = await voltide("charger", "call", "F1", "UpdateFirmware", "{}", "--data", data)
            assert (code, "$" in said or "missing" in said) == (2, True)
            code, _, said = await voltide("charger", "call", "F9", "ClearCache", "--data", data)
            assert (code, "no charger F9" in said) == (2, True)
            one.answers["ClearCache"] = NEVER
            waiting = asyncio.create_task(voltide("charger", "call", "F1", "ClearCache", "--data", data))
            await until(lambda: one.asked("ClearCache"))
            await one.socket.close()
            code, out, said = await waiting
            assert (code, out) == (2, "")
            assert "unknown" in said

    asyncio.run(run())


@pytest.mark.parametrize("body", ["{", "[]", "1"])
def test_a_body_that_is_no_object_ends_with_one_sentence(tmp_path, body):
    code, out, said = asyncio.run(voltide("charger", "call", "F1", "ClearCache", body, "--data", tmp_path))
    assert (code, out, len(said.splitlines())) == (2, "", 1)


def test_without_a_station_one_sentence_says_so(tmp_path):
    for data in (tmp_path, tmp_path / "none"):
        code, _, said = asyncio.run(voltide("charger", "call", "F1", "ClearCache", "--data", data))
        assert code == 2
        assert said == f"voltide: no station runs on {data}; start one with voltide station --data {data}\n"


class Box:
    """A box on a bus of its own."""

    def __init__(self, data: Path):
        self.data, self.heard = data, []

    async def obey(self, order):
        self.heard.append(order)
        return CallResult(outcome=Outcome.ACCEPTED, answer={"n": len(self.heard)})


def in_box(data: Path, work):
    async def run():
        box = Box(data)
        async with LocalBus() as bus, callbox.opened(data, bus, "corner"):
            bus.serve("station.corner.order", box.obey)
            await work(box)

    asyncio.run(run())


def test_only_its_owner_can_open_the_box_and_it_is_gone_with_the_station(tmp_path):
    async def work(box):
        mode = (box.data / callbox.NAME).stat().st_mode
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600

    in_box(tmp_path, work)
    assert list(tmp_path.iterdir()) == []


def test_a_socket_that_a_killed_station_left_is_no_hindrance(tmp_path):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / callbox.NAME))
    with pytest.raises(callbox.NoStationError):
        callbox.ask(tmp_path, "F1", "ClearCache", {})

    async def work(box):
        result = await asyncio.to_thread(callbox.ask, box.data, "F1", "ClearCache", {})
        assert result.answer == {"n": 1}

    in_box(tmp_path, work)


def test_a_data_folder_may_lie_as_deep_as_it_likes(tmp_path):
    deep = tmp_path.joinpath(*["a-rather-long-name-of-a-folder"] * 6)
    deep.mkdir(parents=True)

    async def work(box):
        result = await asyncio.to_thread(callbox.ask, box.data, "F1", "ClearCache", {})
        assert result.outcome is Outcome.ACCEPTED

    in_box(deep, work)


@pytest.mark.parametrize(
    "said",
    [b"\n", b"{\n", b'{"charger":1}\n', b'{"charger":"F1","action":"A","payload":[]}\n', b"\xff\xfe\n",
     b'{"charger":"F1","action":"A","more":1}\n', b'{"charger":"F1","action":"A","payload":{"a":' + b"[" * 5000 + b"\n",
     b"x" * (callbox.MOST_BYTES + 10)],
)  # fmt: skip
def test_what_is_no_call_is_told_so_and_harms_nobody(tmp_path, said):
    async def work(box):
        def talk() -> bytes:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(10)
                line.connect(str(box.data / callbox.NAME))
                try:
                    line.sendall(said)
                    return line.recv(65_536)
                except ConnectionError:
                    return b""

        told = await asyncio.to_thread(talk)
        assert told == b"" or json.loads(told)["outcome"] == "invalid"
        assert box.heard == []
        result = await asyncio.to_thread(callbox.ask, box.data, "F1", "ClearCache", {})
        assert result.answer == {"n": 1}

    in_box(tmp_path, work)
