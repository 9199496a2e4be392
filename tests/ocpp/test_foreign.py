"""A foreign library hears what we say: an oracle that shares no code with us."""

from datetime import UTC, datetime

import ocpp.messages as foreign
import pytest

from voltide.domain.messages import ApplySetpoint, Booted
from voltide.domain.site import Charger, ChargerId, OcppVersion, V2g
from voltide.ocpp import frame
from voltide.ocpp.connection import Connection
from voltide.ocpp.dialect import dialect

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("version", OcppVersion)
@pytest.mark.parametrize("power", [16.96, 16.3, 0.1, -16.96, 7_000.0, 0.30000000000000004])
def test_a_foreign_library_finds_every_setpoint_valid(version: OcppVersion, power: float) -> None:
    tongue = dialect(version, Charger(id=ChargerId("p"), evses=(), v2g=V2g.DYNAMIC))
    order = ApplySetpoint(evse=1, transaction_id="7", power_w=power, lease_s=60, now=NOON, ceiling_w=9e4, floor_w=-9e4)
    wires = tongue.order(order)
    assert isinstance(wires, tuple)
    heard = foreign.unpack(frame.call("1", *wires[0]))
    assert isinstance(heard, foreign.Call)
    foreign._validate_payload(heard, ocpp_version=version.value)


@pytest.mark.parametrize("version", OcppVersion)
def test_a_foreign_call_is_heard_and_its_answer_understood(version: OcppVersion) -> None:
    line = Connection(version, charger=False, validate=True)
    tongue = dialect(version, Charger(id=ChargerId("p"), evses=()))
    (wire,) = tongue.say(Booted(vendor="v", model="m"), NOON)
    text = frame.call("1", *wire)
    (called,) = line.receive(foreign.unpack(text).to_json(), 0)
    line.refuse(called.id, frame.ErrorCode.FORMAT_VIOLATION, "no")
    (reply,) = line.to_send()
    assert isinstance(foreign.unpack(reply).to_exception(), Exception)
    assert type(foreign.unpack(reply).to_exception()).__name__ in {"FormatViolationError", "FormationViolationError"}
