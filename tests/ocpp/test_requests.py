"""What a charger is asked crosses the wire and back without a loss, and what it answers is judged as it was meant."""

import json
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ocpp.orders import curves, order_within, orders, signals
from tests.ocpp.reported import AT, HASHES, PLACE, Example
from tests.ocpp.requested import REQUESTED
from tests.ocpp.tongues import NOON, V16, V21, V201, official, said, speak
from voltide.domain import messages as words
from voltide.domain import reports, requests
from voltide.domain.messages import Accepted, Boot, ChargerOrder, Refused, Token
from voltide.domain.site import Charger, ChargerId, Evse, EvseId, OcppVersion, V2g
from voltide.ocpp.actions import FROM_CHARGER
from voltide.ocpp.answers import goes_on
from voltide.ocpp.capacity import capacity_of
from voltide.ocpp.dialect import dialect
from voltide.ocpp.gate import called_for, may_ask, may_hear
from voltide.ocpp.messages import actions
from voltide.ocpp.wire import Capacity, request, response

SEEN = [(version, example) for example in REQUESTED for version in example.versions]


def name(value: Any) -> str:
    return value.action if isinstance(value, Example) else str(value)


@pytest.mark.parametrize(("version", "example"), SEEN, ids=name)
def test_a_request_as_the_specification_writes_it_is_read_as_its_word(version: OcppVersion, example: Example) -> None:
    wire = request(version, example.action, example.body)
    official(version, example.action, wire.request)
    read = speak(version).obey(*wire, NOON)
    assert type(read) is type(example.word)
    assert unbounded(read) == unbounded(example.word)


def unbounded(word: Any) -> Any:
    """The word without what a mode of operation has no field for: its band, or when it began."""
    told = {field: getattr(word, field) for field in word.__dataclass_fields__}
    mode = getattr(word, "mode", "")
    if mode in {"LocalFrequency", "CentralFrequency", "LocalLoadBalancing", "ExternalLimits", "Idle"}:
        del told["ceiling_w"], told["floor_w"]
    if mode in {"CentralFrequency", "ExternalLimits", "ExternalSetpoint"}:
        del told["now"]
    return told


@pytest.mark.parametrize(("version", "example"), SEEN, ids=name)
def test_the_order_is_said_as_the_specification_writes_it(version: OcppVersion, example: Example) -> None:
    v2g = V2g.DYNAMIC if getattr(example.word, "fresh", True) is False else V2g.NONE
    wires = speak(version, v2g).order(example.word)
    assert isinstance(wires, tuple)
    (wire,) = wires
    assert wire.action == example.action
    assert said(version, wire) == said(version, request(version, example.action, example.body))


def test_every_message_of_every_version_that_a_station_calls_has_an_example() -> None:
    assert {(version, example.action) for version, example in SEEN} == {
        (version, action)
        for version in OcppVersion
        for action in {"DataTransfer", *actions(version)} - (FROM_CHARGER - {"DataTransfer"})
    }


def test_every_order_has_an_example() -> None:
    assert {type(example.word) for example in REQUESTED} == set(get_args(ChargerOrder))


# --- laws ---


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(OcppVersion), st.data())
def test_every_order_that_is_said_is_valid_and_read_again_or_refused_as_not_supported(
    version: OcppVersion, data: st.DataObject
) -> None:
    order = data.draw(orders())
    wanted = order_within(version, order)
    tongue = speak(version, V2g.DYNAMIC)
    wires = tongue.order(order)
    if wanted is None:
        assert isinstance(wires, Refused)
        assert wires.reason == "NotSupported"
        return
    assert isinstance(wires, tuple)
    (wire,) = wires
    text = json.dumps(said(version, wire))
    assert "ExternalConstraints" not in text
    assert unbounded(tongue.obey(wire.action, wire.request, NOON)) == unbounded(wanted)


@given(st.floats(-1e5, 1e5), st.floats(0, 1e5), st.floats(-1e5, 0), curves, signals)
@settings(max_examples=100, deadline=None)
def test_a_curve_never_takes_an_outlet_out_of_its_band(
    base: float, ceiling: float, floor: float, curve: Any, signal: Any
) -> None:
    order = requests.ShareMode(
        evse=1, transaction_id="t", mode="LocalFrequency", ceiling_w=ceiling, floor_w=floor, lease_s=60, now=NOON,
        baseline_w=base, frequency_curve=curve, signal_curve=signal,
    )  # fmt: skip
    wires = speak(V21).order(order)
    sums = [base + by_frequency + by_signal for _, by_frequency in curve for _, by_signal in signal]
    assert isinstance(wires, tuple) is (floor <= min(sums) and max(sums) <= ceiling)
    if not isinstance(wires, tuple):
        assert wires.reason == "NotSayable"
        return
    period = said(V21, wires[0])["chargingProfile"]["chargingSchedule"][0]["chargingSchedulePeriod"][0]
    most = max(p["power"] for p in period["v2xFreqWattCurve"]) + max(p["power"] for p in period["v2xSignalWattCurve"])
    assert period["v2xBaseline"] + most <= ceiling + 0.3
    assert "limit" not in period


def share(mode: str, **more: Any) -> requests.ShareMode:
    body = {"ceiling_w": 11_000.0, "floor_w": -10_000.0} | more
    return requests.ShareMode(evse=1, transaction_id="t", mode=mode, lease_s=60, now=NOON, **body)


@pytest.mark.parametrize("mode", ["LocalLoadBalancing", "ExternalLimits"])
def test_a_mode_that_cannot_say_its_band_is_refused_where_the_outlet_could_leave_it(mode: str) -> None:
    outlet = Evse(id=EvseId("e"), charger=ChargerId("p"), number=1, charge_w=11_000.0, discharge_w=10_000.0)
    tongue = dialect(V21, Charger(id=ChargerId("p"), evses=(outlet,), v2g=V2g.DYNAMIC))
    assert isinstance(tongue.order(share(mode)), tuple)
    for narrow in (share(mode, ceiling_w=10_999.0), share(mode, floor_w=-9_999.0)):
        refused = tongue.order(narrow)
        assert isinstance(refused, Refused)
        assert refused.reason == "NotSayable"


@pytest.mark.parametrize("curve", [(), ((50.0, 0.0),)])
def test_a_curve_of_one_point_is_no_curve(curve: Any) -> None:
    assert isinstance(speak(V21).order(share("LocalFrequency", frequency_curve=curve)), Refused)
    assert isinstance(speak(V21).order(share("DeepFreeze")), Refused)


def test_a_setpoint_in_the_mode_of_central_frequency_stays_in_its_band() -> None:
    (wire,) = speak(V21).order(share("CentralFrequency", setpoint_w=-99_000.0))  # type: ignore[misc]
    period = said(V21, wire)["chargingProfile"]["chargingSchedule"][0]["chargingSchedulePeriod"][0]
    assert period == {"startPeriod": 0, "operationMode": "CentralFrequency", "setpoint": -10_000.0}


def test_a_floor_for_the_whole_charger_is_said_where_there_is_a_word_and_something_to_be_limited() -> None:
    cap = requests.CapCharger(ceiling_w=22_000.0, floor_w=-5_000.0, now=NOON)
    (wire,) = speak(V21, V2g.DYNAMIC).order(cap)  # type: ignore[misc]
    period = said(V21, wire)["chargingProfile"]["chargingSchedule"][0]["chargingSchedulePeriod"][0]
    assert (period["limit"], period["dischargeLimit"]) == (22_000.0, -5_000.0)
    assert speak(V201, V2g.NEGATIVE_LIMIT).order(cap) == Refused(reason="NotSupported")
    (wire,) = speak(V16).order(cap)  # type: ignore[misc]
    assert said(V16, wire)["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 22_000.0}]  # fmt: skip


def test_a_1_6_charger_with_the_security_extension_is_asked_for_diagnostics_by_its_word() -> None:
    tongue = dialect(V16, Charger(id=ChargerId("p"), evses=()), capacity=Capacity(extended=True))
    (wire,) = tongue.order(requests.AskLog(request_id=7, location="https://logs"))  # type: ignore[misc]
    assert (wire.action, said(V16, wire)["logType"]) == ("GetLog", "DiagnosticsLog")


# --- long lists ---


def variables(count: int) -> words.GetVariables:
    return words.GetVariables(
        variables=tuple(words.Variable(component="C", name=f"v{one}", value=None) for one in range(count))
    )


def calls(order: Any, capacity: Capacity, version: OcppVersion = V201) -> list[Any]:
    wires = dialect(version, Charger(id=ChargerId("p"), evses=()), capacity=capacity).order(order)
    assert isinstance(wires, tuple)
    return [said(version, wire) for wire in wires]


@given(st.integers(1, 60), st.integers(1, 60), st.integers(60, 4_000))
@settings(deadline=None)
def test_no_message_has_more_items_or_bytes_than_the_charger_takes(count: int, most: int, room: int) -> None:
    capacity = Capacity(items={"GetVariables": most}, bytes={"GetVariables": room})
    parts = calls(variables(count), capacity)
    listed = [part["getVariableData"] for part in parts]
    assert [item["variable"]["name"] for part in listed for item in part] == [f"v{one}" for one in range(count)]
    for part, items in zip(parts, listed, strict=True):
        assert len(items) <= most
        frame = [2, "i" * 36, "GetVariables", part]
        assert len(items) == 1 or len(json.dumps(frame, separators=(",", ":"))) <= room


def test_a_long_local_list_begins_whole_goes_on_by_changes_and_ends_with_its_version() -> None:
    permits = tuple(requests.Permit(token=Token(id=str(number))) for number in range(5))
    for version, key in ((V16, "listVersion"), (V201, "versionNumber"), (V21, "versionNumber")):
        capacity = Capacity(items={"SendLocalList": 2})
        parts = calls(requests.SendTokens(version=9, whole=True, permits=permits), capacity, version)
        assert [(part[key], part["updateType"]) for part in parts] == [(7, "Full"), (8, "Differential"), (9, "Differential")]  # fmt: skip
        refused = dialect(version, Charger(id=ChargerId("p"), evses=()), capacity=capacity).order(
            requests.SendTokens(version=2, whole=True, permits=permits)
        )
        assert isinstance(refused, Refused)
        assert refused.reason == "NotSayable"


def test_an_empty_local_list_is_sent_once() -> None:
    assert calls(requests.SendTokens(version=3, whole=True, permits=()), Capacity()) == [{"versionNumber": 3, "updateType": "Full"}]  # fmt: skip


# --- what a charger answers ---


def answered(version: OcppVersion, order: Any, outcome: Any, capacity: Capacity | None = None) -> Any:
    """What a station makes of it when a charger's outcome has crossed the wire, call by call."""
    tongue = dialect(version, Charger(id=ChargerId("p"), evses=()), capacity=capacity)
    wires = tongue.order(order)
    assert isinstance(wires, tuple)
    results = []
    for wire in wires:
        made = outcome(wire) if callable(outcome) else outcome
        response = tongue.result(wire.action, wire.request, made)
        official(version, wire.action, response, answer=True)
        results.append(tongue.outcome(wire.action, response))
        if not goes_on(wire, results[-1]):
            break
    return tongue.gathered(order, wires, results)


LISTED = [
    words.SetVariables(variables=(words.Variable(component="C", name="a", value="1"), words.Variable(component="C", name="b", value="2"))),
    words.GetVariables(variables=(words.Variable(component="C", name="a", value=None),)),
    requests.SetMonitors(monitors=(reports.Monitor(id=0, place=PLACE, kind="Delta", value=1.0),)),
    requests.ClearMonitors(ids=(1, 2)),
    requests.ChangeSecret(secret="correct-horse-battery"),
]  # fmt: skip


@pytest.mark.parametrize("version", [V201, V21])
@pytest.mark.parametrize("order", LISTED, ids=lambda order: type(order).__name__)
def test_one_no_in_a_list_of_answers_refuses_the_order(version: OcppVersion, order: Any) -> None:
    assert isinstance(answered(version, order, Accepted()), Accepted)
    refused = answered(version, order, Refused(reason="Rejected"))
    assert (type(refused), refused.reason) == (Refused, "Rejected")


def test_clearing_tariffs_is_judged_tariff_by_tariff() -> None:
    ask = words.Ask(action="ClearTariffs", payload={"tariffIds": ["T1", "T2"]})
    assert isinstance(answered(V21, ask, Accepted()), Accepted)
    assert answered(V21, ask, Refused(reason="NoTariff")).reason == "NoTariff"
    told = answered(V21, ask, Accepted(detail={"results": [{}, {"status": "NoTariff"}]}))
    assert isinstance(told, Refused)
    assert told.detail["clearTariffsResult"] == [{"tariffId": "T1", "status": "Accepted"}, {"tariffId": "T2", "status": "NoTariff"}]  # fmt: skip


def test_a_charger_names_the_monitors_that_it_was_given() -> None:
    order = requests.SetMonitors(monitors=(reports.Monitor(id=0, place=PLACE, kind="Delta", value=1.0, severity=3),))
    told = answered(V201, order, Accepted(detail={"results": [{"id": 17}]}))
    assert isinstance(told, Accepted)
    assert [one["id"] for one in told.detail["setMonitoringResult"]] == [17]


@pytest.mark.parametrize("version", OcppVersion)
def test_the_version_of_a_local_list_has_one_name_and_minus_one_is_a_no(version: OcppVersion) -> None:
    assert answered(version, requests.AskListVersion(), Accepted(detail={"versionNumber": 5})) == Accepted(detail={"versionNumber": 5})  # fmt: skip
    if version is V16:
        refused = answered(version, requests.AskListVersion(), Refused(reason="NotSupported"))
        assert (type(refused), refused.reason) == (Refused, "NotSupported")


@pytest.mark.parametrize("version", OcppVersion)
def test_a_composite_schedule_is_told_in_watts_whatever_the_charger_speaks(version: OcppVersion) -> None:
    steps = [{"offset_s": 0.0, "limit_w": 6_900.0}, {"offset_s": 60.0, "limit_w": 3_450.0}]
    told = {"start": AT, "duration_s": 3_600, "steps": steps}
    tongue = speak(version, amperes=True)
    (wire,) = tongue.order(requests.AskSchedule(evse=1, duration_s=3_600))  # type: ignore[misc]
    response_ = tongue.result(wire.action, wire.request, Accepted(detail=told))
    schedule = official(version, wire.action, response_, answer=True)
    text = json.dumps(schedule)
    assert '"A"' in text
    assert "10.0" in text
    heard = tongue.outcome(wire.action, response_)
    assert heard == Accepted(detail=schedule)
    order = requests.AskSchedule(evse=1, duration_s=3_600)
    assert tongue.gathered(order, (wire,), [heard]) == Accepted(detail={"status": "Accepted"} | told)
    by_hand = words.Ask(action=wire.action, payload={})
    assert tongue.gathered(by_hand, (wire,), [heard]) == heard


def test_a_composite_schedule_of_2_1_keeps_its_floor_and_setpoint() -> None:
    steps = [{"offset_s": 0.0, "limit_w": 9_000.0, "floor_w": -8_000.0, "setpoint_w": -4_000.0}]
    told = answered(V21, requests.AskSchedule(evse=0, duration_s=60), Accepted(detail={"start": AT, "duration_s": 60, "steps": steps}))  # fmt: skip
    assert told.detail["steps"] == steps
    assert isinstance(answered(V21, requests.AskSchedule(evse=0, duration_s=60), Refused(reason="Rejected")), Refused)


def test_diagnostics_without_a_name_are_no_diagnostics() -> None:
    ask = requests.AskLog(request_id=1, location="ftp://x")
    assert isinstance(answered(V16, ask, Accepted(detail={"fileName": "d.zip"})), Accepted)
    assert isinstance(answered(V16, ask, Refused(reason="Rejected")), Refused)


def roots(**found: Any) -> Any:
    """What a 1.6 charger has of each use of certificates."""

    def say(wire: Any) -> Any:
        kind = said(V16, wire)["certificateType"]
        hashes = found.get(kind)
        return Refused(reason="NotFound") if hashes is None else Accepted(detail={"certificateHashData": hashes})

    return say


def test_1_6_is_asked_for_the_certificates_of_each_use_and_the_answers_are_one() -> None:
    told = answered(V16, requests.AskRoots(), roots(CentralSystemRootCertificate=[HASHES]))
    assert isinstance(told, Accepted)
    assert told.detail["certificateHashDataChain"] == [{"certificateType": "CSMSRootCertificate", "certificateHashData": HASHES}]  # fmt: skip
    both = answered(V16, requests.AskRoots(), roots(CentralSystemRootCertificate=[HASHES], ManufacturerRootCertificate=[HASHES]))  # fmt: skip
    assert len(both.detail["certificateHashDataChain"]) == 2
    none = answered(V16, requests.AskRoots(), roots())
    assert (type(none), none.reason) == (Refused, "NotFound")


def test_a_list_read_in_several_calls_is_joined_and_a_lost_part_leaves_all_unknown() -> None:
    capacity = Capacity(items={"GetVariables": 2})
    told = answered(V201, variables(5), Refused(reason="UnknownVariable"), capacity)
    assert (type(told), told.reason, len(told.detail["getVariableResult"])) == (Refused, "UnknownVariable", 5)
    tongue = dialect(V201, Charger(id=ChargerId("p"), evses=()), capacity=capacity)
    wires = tongue.order(variables(3))
    assert isinstance(wires, tuple)
    lost = words.Unknown(reason="the line was lost")
    assert goes_on(wires[0], lost) is False
    assert tongue.gathered(variables(3), wires, [Accepted(), lost]) == lost


def test_a_part_of_a_local_list_that_is_refused_ends_the_order() -> None:
    permits = tuple(requests.Permit(token=Token(id=str(number))) for number in range(4))
    order = requests.SendTokens(version=9, whole=True, permits=permits)
    told = answered(V201, order, Refused(reason="VersionMismatch"), Capacity(items={"SendLocalList": 2}))
    assert (type(told), told.reason) == (Refused, "VersionMismatch")


@pytest.mark.parametrize(
    ("action", "status"),
    [("GetLog", "AcceptedCanceled"), ("UnpublishFirmware", "Unpublished"), ("ReserveNow", "Accepted")],
)
def test_a_yes_in_other_words_is_a_yes(action: str, status: str) -> None:
    assert isinstance(speak(V201).outcome(action, response(V201, action, {"status": status})), Accepted)


@pytest.mark.parametrize("status", ["Occupied", "Faulted", "Unavailable", "Rejected"])
def test_a_no_keeps_its_word(status: str) -> None:
    order = requests.Reserve(id=1, evse=1, token=Token(id="A"), until=NOON)
    for version in OcppVersion:
        assert answered(version, order, Refused(reason=status)).reason == status


# --- before a charger is accepted ---


@pytest.mark.parametrize("version", OcppVersion)
def test_while_pending_only_what_was_asked_for_is_heard_and_nothing_is_started(version: OcppVersion) -> None:
    heard = {action for action in FROM_CHARGER & set(actions(version)) if may_hear(Boot.PENDING, action)}
    reports_ = {"NotifyReport", "NotifyMonitoringReport", "NotifyCustomerInformation", "NotifyDisplayMessages", "ReportChargingProfiles", "ReportDERControl"}  # fmt: skip
    assert heard == ({"BootNotification", "SecurityEventNotification"} | reports_) & set(actions(version))
    asked = set(actions(version)) - FROM_CHARGER | {"DataTransfer"}
    refused = {action for action in asked if not may_ask(Boot.PENDING, action)}
    starts = {"RemoteStartTransaction", "RemoteStopTransaction", "RequestStartTransaction", "RequestStopTransaction"}
    assert refused == starts & asked


def test_what_a_trigger_asks_for_is_heard_while_pending() -> None:
    assert may_hear(Boot.PENDING, "StatusNotification", {called_for("StatusNotification")})
    assert may_hear(Boot.PENDING, "SignCertificate", {called_for("SignChargingStationCertificate")})
    assert not may_hear(Boot.PENDING, "TransactionEvent", {called_for("StatusNotification")})


@pytest.mark.parametrize("version", OcppVersion)
def test_a_rejected_charger_may_only_boot_and_is_asked_nothing(version: OcppVersion) -> None:
    assert {action for action in actions(version) if may_hear(Boot.REJECTED, action, {"Heartbeat"})} == {"BootNotification"}  # fmt: skip
    assert not any(may_ask(Boot.REJECTED, action) for action in actions(version))
    assert all(may_ask(Boot.ACCEPTED, action) and may_hear(Boot.ACCEPTED, action) for action in actions(version))


def test_what_a_charger_takes_is_read_from_its_device_model_or_its_keys() -> None:
    told = [
        words.Variable(component="DeviceDataCtrlr", name="ItemsPerMessage", instance="SetVariables", value=" 8 "),
        words.Variable(component="DeviceDataCtrlr", name="BytesPerMessage", instance="SetVariables", value="4096"),
        words.Variable(
            component="MonitoringCtrlr", name="ItemsPerMessage", instance="SetVariableMonitoring", value="3"
        ),
        words.Variable(component="LocalAuthListCtrlr", name="ItemsPerMessage", value="50"),
        words.Variable(component="LocalAuthListCtrlr", name="BytesPerMessage", value="9" * 40),
        words.Variable(component="DeviceDataCtrlr", name="ItemsPerMessage", instance="GetVariables", value="0"),
    ]
    known = capacity_of(told)
    assert known.items == {"SetVariables": 8, "SetVariableMonitoring": 3, "SendLocalList": 50}
    assert known.bytes == {"SetVariables": 4096, "SendLocalList": 999_999_999}
    old = capacity_of([words.Variable(component="", name="SendLocalListMaxLength", value="7"), words.Variable(component="", name="SecurityProfile", value="1")], known)  # fmt: skip
    assert (old.items["SendLocalList"], old.items["SetVariables"], old.extended) == (7, 8, True)
    assert not known.extended
