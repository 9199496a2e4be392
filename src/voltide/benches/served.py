"""Servers that the crowd is sent to: the charger door without a station behind it, and an echo."""

import argparse
import asyncio
import logging
import sys

import structlog

from voltide.backbone.clock import SystemClock
from voltide.calm import few_collections
from voltide.domain.messages import Json
from voltide.domain.site import Charger, ChargerId, Evse, EvseId, OcppVersion
from voltide.domain.time import stamp
from voltide.ocpp.events import Called, Streamed
from voltide.ocpp.messages import Message
from voltide.ocpp.wire import response
from voltide.station.admission import Knock, Verdict, identity_of
from voltide.station.line import Feed, Line
from voltide.station.socket import Caps, Door
from voltide.station.wire import SocketWire

_ALL = Caps(messages_per_s=1e6, handshakes=512, waiting=8_192)
_clock = SystemClock()


def _judge(knock: Knock) -> Verdict:
    """Everybody may come in: the peers ask nobody either."""
    return Verdict(identity=identity_of(knock.path))


class Answers:
    """Every call is validated and answered at once; nothing else is done with it."""

    def __init__(self) -> None:
        self._kept: dict[tuple[OcppVersion, str], Message] = {}

    async def accept(self, identity: ChargerId, version: OcppVersion, wire: SocketWire) -> None:
        """A charger, until its line is lost."""
        outlet = Evse(id=EvseId(f"{identity}-1"), charger=identity, number=1, charge_w=11_000.0, fallback_w=0.0)
        charger = Charger(id=identity, evses=(outlet,))
        await Line(charger, version, wire, _clock, lambda: "id").run(self._heard)

    def _heard(self, line: Line, event: Called | Streamed) -> None:
        if isinstance(event, Streamed):
            return
        at = event.action in {"Heartbeat", "BootNotification"}
        answer = None if at else self._kept.get((line.version, event.action))
        if answer is None:
            body: Json = {"currentTime": stamp(_clock.now())} if at else {}
            body |= {"interval": 300, "status": "Accepted"} if event.action == "BootNotification" else {}
            answer = self._kept[line.version, event.action] = response(line.version, event.action, body)
        line.connection.answer(event.id, answer)


class Echo:
    """Nothing is read but the id: what the socket alone can do, and so what the crowd can ask."""

    async def accept(self, _identity: ChargerId, _version: OcppVersion, wire: SocketWire) -> None:
        """A charger, until its line is lost."""

        def back(text: str | bytes) -> None:
            data = text if isinstance(text, str) else text.decode()
            wire.say(f"[3{data[2:17]},{{}}]")

        feed: Feed = back
        try:
            await wire.carry(feed)
        except ConnectionError:
            return


async def _serve(kind: str) -> None:
    accept = Echo().accept if kind == "echo" else Answers().accept
    door = Door(_judge, accept, _clock, _ALL)
    async with await door.open("127.0.0.1", 0) as listening:
        sys.stdout.write(f"{listening.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    """Serve until terminated; the first line of output is the port."""
    asked = argparse.ArgumentParser()
    asked.add_argument("kind", choices=["door", "echo"])
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with few_collections():  # as a live station does
        asyncio.run(_serve(asked.parse_args().kind))


if __name__ == "__main__":
    main()
