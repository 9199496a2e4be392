"""A WebSocket client by hand, for what no proper client would send; and a station in a process of its own."""

import base64
import contextlib
import os
import resource
import signal
import socket
import ssl
import struct
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from tests.station.house import TOML
from tests.station.test_kill import free_ports
from voltide import live
from voltide.backbone.clock import SystemClock

TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10
MASK = b"\x11\x22\x33\x44"


def frame(kind, payload=b"", *, fin=True, masked=True, flags=0):
    """One frame as a client sends it, or as none should."""
    size, mask = len(payload), 0x80 if masked else 0
    head = bytes([(0x80 if fin else 0) | flags | kind])
    if size < 126:
        head += bytes([mask | size])
    elif size < 65_536:
        head += bytes([mask | 126]) + struct.pack("!H", size)
    else:
        head += bytes([mask | 127]) + struct.pack("!Q", size)
    if not masked:
        return head + payload
    key = (MASK * (size // 4 + 1))[:size]
    return head + MASK + (int.from_bytes(payload) ^ int.from_bytes(key)).to_bytes(size)


def request(identity, secret, *, connection="Upgrade", version="13", more=""):
    """The head of a handshake."""
    basic = base64.b64encode(f"{identity}:{secret}".encode()).decode()
    lines = [f"GET /ocpp/{identity} HTTP/1.1", "Host: door", "Upgrade: websocket"]
    lines += [f"Connection: {connection}"] if connection is not None else []
    lines += [f"Sec-WebSocket-Version: {version}", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    lines += ["Sec-WebSocket-Protocol: ocpp2.1", f"Authorization: Basic {basic}"]
    return ("\r\n".join([*lines, *([more] if more else [])]) + "\r\n\r\n").encode()


class Raw:
    """A socket that has been let in."""

    def __init__(self, line, rest=b""):
        self.line, self.rest = line, rest

    def send(self, *frames):
        self.line.sendall(b"".join(frames))

    def receive(self):
        """The next frame: its kind and its payload; None when the line has ended."""
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while True:
                found = self._take()
                if found is not None:
                    return found
                data = self.line.recv(65_536)
                if not data:
                    return None
                self.rest += data
        return None

    def _take(self):
        if len(self.rest) < 2:
            return None
        size, start = self.rest[1] & 127, 2
        if size == 126:
            size, start = int.from_bytes(self.rest[2:4]), 4
        elif size == 127:
            size, start = int.from_bytes(self.rest[2:10]), 10
        if len(self.rest) < start + size:
            return None
        kind, payload = self.rest[0] & 15, self.rest[start : start + size]
        self.rest = self.rest[start + size :]
        if kind == PING:
            self.send(frame(PONG, payload))
        return kind, payload

    def closed(self):
        """The code with which the station closes; None when it ends the line without one."""
        while (found := self.receive()) is not None:
            if found[0] == CLOSE:
                return int.from_bytes(found[1][:2])
        return None

    def answer(self, who):
        """The station's answer to a call."""
        while (found := self.receive()) is not None:
            if found[0] == TEXT and f'"{who}"'.encode() in found[1][:60] and found[1][:2] in {b"[3", b"[4"}:
                return found[1].decode()
        raise AssertionError(f"the line ended before {who} was answered")

    def call(self, who, action="Heartbeat", payload="{}"):
        self.send(frame(TEXT, f'[2,"{who}","{action}",{payload}]'.encode()))
        return self.answer(who)

    def end(self):
        self.line.close()


@dataclass
class Victim:
    """A station that is attacked, from outside."""

    process: subprocess.Popen
    port: int
    secrets: dict = field(default_factory=dict)

    def connect(self, *, tls=False, source="127.0.0.1"):
        line = socket.create_connection(("127.0.0.1", self.port + (2 if tls else 1)), 20, source_address=(source, 0))
        if not tls:
            return line
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context.wrap_socket(line)

    def dial(self, identity, *, tls=False, **more):
        """Come in as a charger."""
        line = self.connect(tls=tls)
        line.sendall(request(identity, self.secrets[identity], **more))
        head = b""
        while b"\r\n\r\n" not in head:
            data = line.recv(4096)
            assert data, head
            head += data
        head, _, rest = head.partition(b"\r\n\r\n")
        assert b" 101 " in head.splitlines()[0], head
        return Raw(line, rest)

    def kib(self):
        """What the station has in memory now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])

    def ticks(self):
        """Control ticks by what became of them."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=20) as answer:
            lines = [line for line in answer.read().decode().splitlines() if line.startswith("voltide_control_ticks{")]
        return {line.partition('what="')[2].partition('"')[0]: int(float(line.rpartition(" ")[2])) for line in lines}


@contextlib.contextmanager
def victim(tmp_path, toml=TOML, profiles=None):
    """``voltide station`` on free ports; profiles names the chargers that come under TLS."""
    config, data, port = tmp_path / "station.toml", tmp_path / "data", free_ports()
    config.write_text(toml, encoding="utf-8")
    engine, keys = live.database(data), live.keyring(data)
    secrets = {
        name: live.provision(engine, keys, name, SystemClock(), (profiles or {}).get(name, 1))
        for name in ("V1", "V2", "N1", "F1")
    }
    engine.dispose()
    command = [sys.executable, "-m", "voltide", "station", "--config", config, "--data", data, "--port-base", str(port)]
    with (tmp_path / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            made = Victim(process, port, secrets)
            _until_open(made, port + (2 if profiles else 1))
            yield made
            assert process.poll() is None, "the station has died"
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 0
    assert "Traceback" not in (tmp_path / "log").read_text()


def _until_open(made, port):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert made.process.poll() is None
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            made.ticks()
            return
        time.sleep(0.05)
    raise AssertionError("the station does not open its door")


def many_files():
    """Thousands of sockets are thousands of files."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most if most > 0 else os.sysconf("SC_OPEN_MAX")
