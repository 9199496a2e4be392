"""Whoever floods, stalls or deceives the door costs it no memory, no tick and no other charger its answer."""

import contextlib
import json
import random
import socket
import ssl
import threading
import time
import zlib

import pytest

from tests.station.raw import BINARY, CLOSE, CONTINUATION, PING, TEXT, Raw, frame, many_files, request, victim

MIB = 1024
BOOT = '{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V"}}'


@contextlib.contextmanager
def attack(house, good="V2"):
    """While it lasts, a good charger is served, no tick is missed, and memory stays within 20 MB.

    Gives a function that returns when the good charger has been answered three times more.
    """
    charger = house.dial(good)
    assert charger.call("boot", "BootNotification", BOOT).startswith("[3")
    for number in range(50):
        charger.call(f"warm{number}")
    wait_for(house.ticks)
    before, most, done, answers = house.kib(), [0], threading.Event(), []

    def beat():
        while not done.wait(0.05):
            answers.append(charger.call(f"beat{len(answers)}"))
            most[0] = max(most[0], house.kib())

    def others():
        seen = len(answers)
        wait_for(lambda: len(answers) >= seen + 3 or not beating.is_alive())
        assert beating.is_alive()

    beating = threading.Thread(target=beat)
    beating.start()
    try:
        yield others
        others()
    finally:
        done.set()
        beating.join()
    assert all(answer.startswith("[3") for answer in answers)
    assert most[0] - before < 20 * MIB, f"{(most[0] - before) / MIB:.1f} MiB more"
    ticks = house.ticks()
    assert (ticks["missed"], ticks["failed"]) == (0, 0)
    charger.end()


def wait_for(true, seconds=30.0):
    """Until it is so; the deadline is only for the failure."""
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends
        time.sleep(0.02)


def flood(line, data, times):
    """As much as the other side takes; a line that is closed takes no more."""
    line.settimeout(2.0)
    with contextlib.suppress(OSError):
        for _ in range(times):
            line.sendall(data)


WRONG = {
    "no mask": frame(TEXT, b'[2,"x","Heartbeat",{}]', masked=False),
    "an unknown kind": frame(5, b"x"),
    "a ping of many bytes": frame(PING, b"x" * 126),
    "a ping in pieces": frame(PING, b"x", fin=False),
    "a piece of nothing": frame(CONTINUATION, b"x"),
    "a text within a text": frame(TEXT, b"[2,", fin=False) + frame(TEXT, b"x"),
    "a close code that does not exist": frame(CLOSE, b"\x03\xec"),
    "half a close code": frame(CLOSE, b"\x03"),
    "a size in too many bytes": bytes([0x81, 0x80 | 126, 0, 5]) + b"\x11\x22\x33\x44" + b"abcde",
    "a size without end": bytes([0x81, 0x80 | 127]) + b"\xff" * 8,
}


def test_frames_that_break_the_protocol_close_their_line_with_1002_and_no_other(tmp_path):
    with victim(tmp_path) as house, attack(house) as others:
        for name, bad in WRONG.items():
            line = house.dial("V1")
            line.send(bad)
            assert line.closed() == 1002, name
            line.end()
            others()


def test_text_that_is_no_utf_8_closes_the_line_with_1007_and_a_frame_above_the_cap_with_1009(tmp_path):
    with victim(tmp_path) as house, attack(house) as others:
        for code, bad in (
            (1007, b"\xff\xfe\xfa"),
            (1007, b'[2,"x","Heartbeat",{"a":"\xc3\x28"}]'),
            (1009, b"x" * 70_000),
        ):
            for kind in (TEXT, BINARY):
                line = house.dial("V1")
                line.send(frame(kind, bad))
                assert line.closed() == code
                line.end()
                others()


def test_a_frame_that_says_it_is_huge_is_refused_by_its_head_and_never_gathered(tmp_path):
    with victim(tmp_path) as house, attack(house) as others:
        for _ in range(20):
            line = house.dial("V1")
            line.send(bytes([0x81, 0x80 | 127]) + (1 << 40).to_bytes(8) + b"\x11\x22\x33\x44")
            flood(line.line, bytes(1 << 16), 200)
            line.end()
            others()


def test_a_message_in_a_hundred_thousand_pieces_is_given_up_early(tmp_path):
    with victim(tmp_path) as house, attack(house) as others:
        for piece in (b"", b"x"):
            line = house.dial("V1")
            flood(line.line, frame(TEXT, piece, fin=False) + frame(CONTINUATION, piece, fin=False) * 1_000, 1)
            flood(line.line, frame(CONTINUATION, piece, fin=False) * 1_000, 99)
            assert line.closed() in {1009, None}
            line.end()
            others()


def test_a_message_in_some_pieces_is_heard_with_pings_between_them(tmp_path):
    with victim(tmp_path) as house:
        line = house.dial("V1")
        line.send(frame(TEXT, b'[2,"x","Hear', fin=False), frame(PING, b"1"), frame(CONTINUATION, b'tbeat",{}]'))
        assert line.answer("x").startswith("[3")
        line.end()


def test_a_flood_of_pings_is_answered_now_and_then_and_read_slowly(tmp_path):
    with victim(tmp_path) as house, attack(house) as others:
        line = house.dial("V1")
        reader = threading.Thread(target=_drain, args=(line,))
        reader.start()
        for _ in range(10):
            flood(line.line, frame(PING, b"x" * 100) * 1_000, 5)
            others()
        line.end()
        reader.join()


def _drain(line):
    with contextlib.suppress(OSError):
        while line.line.recv(65_536):
            pass


def test_who_never_reads_is_not_written_to_for_ever(tmp_path):
    with victim(tmp_path) as house, attack(house) as others:
        line = house.dial("V1")
        line.send(*(frame(PING, b"x" * 125) for _ in range(200)))
        flood(line.line, frame(TEXT, b'[2,"x","FlyToTheMoon",{}]') * 500, 20)
        others()
        line.end()


def test_a_compressed_bomb_is_not_inflated(tmp_path):
    with victim(tmp_path) as house, attack(house) as others:
        offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
        line = house.dial("V1", more=offer)
        squeeze = zlib.compressobj(9, wbits=-15)
        bomb = squeeze.compress(b"[" * 40_000_000) + squeeze.flush(zlib.Z_SYNC_FLUSH)
        assert len(bomb) < 64 * 1024
        line.send(frame(TEXT, bomb, flags=0x40))
        assert line.closed() in {1002, 1007}
        others()
        line.end()


HALF = {
    "nothing": b"",
    "a byte": b"G",
    "half a head": request("V1", "x")[:60],
    "a head without end": b"GET /ocpp/V1 HTTP/1.1\r\nA: ",
}


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_two_thousand_half_handshakes_keep_no_charger_out(tmp_path, tls):
    many_files()
    with contextlib.ExitStack() as stack:
        house = stack.enter_context(victim(tmp_path, **_house(tls)))
        house.dial("V1", tls=tls).end()  # what TLS itself needs once is not the attack's
        others = stack.enter_context(attack(house))
        held = []
        for number in range(2_000):
            line = house.connect() if not tls else _half_tls(house)
            with contextlib.suppress(OSError):
                line.send(_hello(number, tls=tls))
            held.append(line)
            if number % 400 == 0:
                others()
        line = house.dial("V1", tls=tls)
        assert line.call("in").startswith("[3")
        line.end()
        for one in held:
            one.close()


def _house(tls):
    return {"profiles": {"V1": 2}} if tls else {}


def _half_tls(house):
    return socket.create_connection(("127.0.0.1", house.port + 2), 20)


def _hello(number, *, tls):
    if not tls:
        return list(HALF.values())[number % len(HALF)]
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    said = ssl.MemoryBIO()
    half = client.wrap_bio(ssl.MemoryBIO(), said, server_hostname="door")
    with contextlib.suppress(ssl.SSLWantReadError):
        half.do_handshake()
    hello = said.read()
    return (b"", hello[:1], hello[:5], hello[: len(hello) // 2], hello)[number % 5]


def test_answers_to_nothing_are_dropped_and_remembered_nowhere(tmp_path):
    with victim(tmp_path) as house, attack(house) as others:
        line = house.dial("V1")
        chance = random.Random(1)
        for _ in range(5):
            texts = [f'[3,"{chance.getrandbits(128):032x}",{{}}]'.encode() for _ in range(1_000)]
            flood(line.line, b"".join(frame(TEXT, text) for text in texts), 1)
            others()
        line.end()


def test_a_message_of_twenty_thousand_samples_costs_its_line_and_floods_of_small_ones_are_heard_slowly(tmp_path):
    sample = {"value": 1.0, "measurand": "Power.Active.Import"}
    body = {"evseId": 1, "meterValue": [{"timestamp": "2026-11-22T12:00:00Z", "sampledValue": [sample]}]}
    small = frame(TEXT, f'[2,"x","MeterValues",{json.dumps(body)}]'.encode())
    body["meterValue"][0]["sampledValue"] = [sample] * 20_000
    with victim(tmp_path) as house, attack(house) as others:
        line = house.dial("V1")
        flood(line.line, frame(TEXT, f'[2,"x","MeterValues",{json.dumps(body)}]'.encode()), 1)
        assert line.closed() in {1009, None}
        line.end()
        floods = [house.dial(name) for name in ("V1", "N1", "F1")]
        for _ in range(5):
            for one in floods:
                flood(one.line, small * 200, 1)
            others()
        for one in floods:
            one.end()


def test_a_missing_connection_header_and_one_that_says_more_are_tolerated(tmp_path):
    with victim(tmp_path) as house:
        for said in (None, "keep-alive, Upgrade", "upgrade"):
            line = house.dial("V1", connection=said)
            assert line.call("x").startswith("[3")
            line.end()


def test_a_close_is_agreed_to_with_its_own_code(tmp_path):
    with victim(tmp_path) as house:
        line = house.dial("V1")
        line.send(frame(CLOSE, (4001).to_bytes(2) + b"going"))
        assert line.closed() == 4001
        line.end()
        assert isinstance(line, Raw)
