"""Uploads of logs, and what a charger knows of one customer."""

import pytest

from tests.station.blocks.poles import alarms, in_house, now, pole, told


@pytest.mark.ocpp("1.6 2.0.1 2.1", "LogStatusNotification")
@pytest.mark.parametrize(
    ("version", "lost"), [("1.6", "PermissionDenied"), ("2.0.1", "BadMessage"), ("2.1", "UploadFailure")]
)
def test_an_upload_that_has_failed_is_an_alarm_until_one_went_well(tmp_path, version, lost):
    async def work(house):
        async with pole(house, "V1", version) as one:
            for status in ("Uploading", lost):
                assert await one.call("LogStatusNotification", {"status": status, "requestId": 9}) == {}
            assert alarms(house, "log-failed") == ["V1"]
            await one.call("LogStatusNotification", {"status": "Idle"})
            assert alarms(house, "log-failed") == ["V1"]
            await one.call("LogStatusNotification", {"status": "Uploaded", "requestId": 10})
            assert alarms(house, "log-failed") == []
            assert {key: what["status"] for (_, key), what in told(house, "log").items()} == {
                "0": "Idle", "9": lost, "10": "Uploaded",
            }  # fmt: skip

    in_house(tmp_path, work)


@pytest.mark.ocpp("1.6", "DiagnosticsStatusNotification")
def test_old_diagnostics_of_1_6_are_heard_too(tmp_path):
    async def work(house):
        async with pole(house, "F1", "1.6") as one:
            await one.call("DiagnosticsStatusNotification", {"status": "UploadFailed"})
            assert alarms(house, "log-failed") == ["F1"]

    in_house(tmp_path, work)


@pytest.mark.ocpp("2.0.1", "NotifyCustomerInformation")
def test_what_a_charger_knows_of_a_customer_is_kept_part_by_part(tmp_path):
    async def work(house):
        async with pole(house, "V1", "2.0.1") as one:
            for seq, data in enumerate(("name: A", "card: 04A1")):
                body = {"data": data, "seqNo": seq, "generatedAt": now(), "requestId": 4, "tbc": seq == 0}
                await one.call("NotifyCustomerInformation", body)
            parts = told(house, "customer")
            assert [what["data"] for _, what in sorted(parts.items())] == ["name: A", "card: 04A1"]

    in_house(tmp_path, work)
