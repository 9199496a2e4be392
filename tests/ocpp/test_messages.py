import json
import subprocess
import sys
from pathlib import Path

import msgspec
import ocpp
import pytest

from voltide.domain.site import OcppVersion
from voltide.ocpp.messages import actions, decoder

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = Path(ocpp.__file__).parent


def test_the_generated_types_are_what_the_schemas_say() -> None:
    done = subprocess.run(
        [sys.executable, "tools/generate_ocpp.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_action_of_every_version_has_its_types() -> None:
    assert [len(actions(version)) for version in OcppVersion] == [39, 64, 91]
    alone = [name for version in OcppVersion for name, (_, answer) in actions(version).items() if answer is None]
    assert alone == ["NotifyPeriodicEventStream"]


@pytest.mark.parametrize(("version", "folder"), [("1.6", "v16"), ("2.0.1", "v201"), ("2.1", "v21")])
def test_every_schema_has_a_type_that_can_be_read(version: str, folder: str) -> None:
    table = actions(OcppVersion(version))
    kinds = [kind for pair in table.values() for kind in pair if kind is not None]
    assert len(kinds) == len(list((SCHEMAS / folder / "schemas").glob("*.json")))
    for kind in kinds:
        decoder(kind)


def test_vendors_may_write_what_they_like_into_custom_data() -> None:
    request, _ = actions(OcppVersion.V201)["Heartbeat"]
    text = b'{"customData":{"vendorId":"x","anything":[1,{"else":2}]}}'
    assert json.loads(msgspec.json.encode(decoder(request).decode(text))) == json.loads(text)


def test_a_field_that_the_standard_does_not_know_is_an_error() -> None:
    request, _ = actions(OcppVersion.V201)["Heartbeat"]
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        decoder(request).decode(b'{"vendor":1}')


def test_a_limit_of_a_tenth_is_fine_though_binary_fractions_have_none() -> None:
    request, _ = actions(OcppVersion.V16)["SetChargingProfile"]
    period = {"startPeriod": 0, "limit": 16.3}
    schedule = {"chargingRateUnit": "A", "chargingSchedulePeriod": [period]}
    profile = {"chargingProfileId": 1, "stackLevel": 0, "chargingProfilePurpose": "TxProfile"}
    profile |= {"chargingProfileKind": "Absolute", "chargingSchedule": schedule}
    said = {"connectorId": 1, "csChargingProfiles": profile}
    assert msgspec.to_builtins(decoder(request).decode(json.dumps(said).encode())) == said
