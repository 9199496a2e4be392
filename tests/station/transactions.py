"""Words of a transaction as a charger says them, one line each, for stories that are told message by message."""

import itertools
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from tests.station.foreign_every import every
from voltide import exports

ALWAYS = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
BEGUN = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=10)
"""A little while ago: clocks that are far off are another story."""


def at(second=0):
    return (BEGUN + timedelta(seconds=second)).isoformat().replace("+00:00", "Z")


def records(house, what):
    return exports.take(what, house.data, *ALWAYS)


def paid(house, kind):
    """What the drivers' accounts got (negative: gave), in fen, by kind of line."""
    lines = records(house, "ledger")
    return sum(line["amount_fen"] for line in lines if line["kind"] == kind and line["account"].startswith("driver:"))


class Teller:
    """A charger that is told what to say; each message has an id of its own."""

    def __init__(self, charger):
        self.charger = charger
        self._numbers = itertools.count()

    async def say(self, action, body, who=None):
        answer = await self.charger.call(action, body, who or f"m{next(self._numbers)}-{id(self) % 9973}")
        return answer.payload

    async def start(self, wh, second=0, tag="CARD1", connector=1):
        body = {"connectorId": connector, "idTag": tag, "meterStart": wh, "timestamp": at(second)}
        return (await self.say("StartTransaction", body))["transactionId"]

    async def stop(self, number, wh, second=60, **more):
        body = {"transactionId": number, "meterStop": wh, "timestamp": at(second), **more}
        return await self.say("StopTransaction", body)

    async def meter(self, number, value, second=30, connector=1, **more):
        sample = {"value": str(value), **more}
        meter = [{"timestamp": at(second), "sampledValue": [sample]}]
        return await self.say("MeterValues", {"connectorId": connector, "transactionId": number, "meterValue": meter})

    async def event(self, kind, seq, *samples, tx="t1", second=None, evse=1, **more):
        """A TransactionEvent of 2.x; samples are those of the schema, or numbers in Wh."""
        second = 10 * seq if second is None else second
        values = [{"value": one} if isinstance(one, int | float) else one for one in samples]
        trigger = {"Started": "CablePluggedIn", "Updated": "MeterValuePeriodic", "Ended": "EVDeparted"}[kind]
        body = {
            "eventType": kind,
            "timestamp": at(second),
            "triggerReason": trigger,
            "seqNo": seq,
            "transactionInfo": {"transactionId": tx, "chargingState": "Idle" if kind == "Ended" else "Charging"},
        }
        body |= {"evse": {"id": evse, "connectorId": 1}} if evse is not None else {}
        body |= {"meterValue": [{"timestamp": at(second), "sampledValue": values}]} if values else {}
        body |= {"idToken": {"idToken": "CARD2", "type": "ISO14443"}} if kind == "Started" else {}
        return await self.say("TransactionEvent", body | more)


@asynccontextmanager
async def teller(house, identity, version):
    """A charger on the line that has booted and says what it is told."""
    async with every(house, identity, version) as charger:
        yield Teller(charger)
