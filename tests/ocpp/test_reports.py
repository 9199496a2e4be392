"""What a charger reports crosses the wire and back without a loss, and what we answer is heard as it was meant."""

from datetime import timedelta
from decimal import Decimal
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ocpp.reported import ALL, AT, COMPANY, HASHES, NEW, REPORTED, TWO, Example
from tests.ocpp.tongues import NOON, V16, V21, V201, official, said, speak
from tests.ocpp.words import facts, within
from voltide.domain import messages as words
from voltide.domain import reports
from voltide.domain.messages import ChargerAnswer, ChargerFact, Noted, TokenVerdict, Told, TransactionNoted
from voltide.domain.reports import Judged, NeedsJudged, NeedsVerdict
from voltide.domain.site import OcppVersion
from voltide.ocpp.actions import FROM_CHARGER
from voltide.ocpp.messages import actions
from voltide.ocpp.wire import request

SEEN = [(version, example) for example in REPORTED for version in example.versions]


def name(value: Any) -> str:
    return value.action if isinstance(value, Example) else str(value)


@pytest.mark.parametrize(("version", "example"), SEEN, ids=name)
def test_a_report_as_the_specification_writes_it_is_heard_as_its_word(version: OcppVersion, example: Example) -> None:
    wire = request(version, example.action, example.body)
    official(version, example.action, wire.request)
    assert speak(version).hear(*wire, NOON) == example.word


@pytest.mark.parametrize(("version", "example"), SEEN, ids=name)
def test_the_word_is_said_as_the_specification_writes_it(version: OcppVersion, example: Example) -> None:
    (wire,) = speak(version).say(example.word, NOON)
    assert wire.action == example.action
    assert said(version, wire) == said(version, request(version, example.action, example.body))


def test_every_message_of_every_version_that_a_charger_calls_has_an_example() -> None:
    assert {(version, example.action) for version, example in SEEN} == {
        (version, action) for version in OcppVersion for action in FROM_CHARGER & set(actions(version))
    }


def test_every_fact_has_an_example() -> None:
    assert {type(example.word) for example in REPORTED} == set(get_args(ChargerFact)) - {Told}


# --- what we answer ---

HOUR = NOON + timedelta(hours=1)
TARIFF = {"tariffId": "T1", "currency": "EUR"}
ANSWERS: list[tuple[tuple[OcppVersion, ...], str, Any]] = [
    (ALL, "BootNotification", words.Welcome(verdict=words.Boot.REJECTED, now=NOON, interval_s=30)),
    (ALL, "Heartbeat", words.Time(now=NOON)),
    (ALL, "Authorize", TokenVerdict(valid=True, group="G", until=HOUR)),
    (ALL, "Authorize", TokenVerdict(valid=False, status="ConcurrentTx")),
    (TWO, "Authorize", TokenVerdict(valid=False, status="NotAtThisTime", priority=-9, certificate="CertificateRevoked")),
    (NEW, "Authorize", TokenVerdict(valid=True, modes=("DC", "DC_BPT"), tariff=TARIFF, certificate="Accepted")),
    (TWO, "TransactionEvent", TransactionNoted(transaction_id="t", cost="12.34", priority=3)),
    (TWO, "TransactionEvent", TransactionNoted(transaction_id="t", token=TokenVerdict(valid=False, status="NoCredit", group="G"))),
    ((V16,), "StartTransaction", TransactionNoted(transaction_id="42", token=TokenVerdict(valid=False, status="Blocked"))),
    ((V16,), "StopTransaction", TransactionNoted(transaction_id="7", token=TokenVerdict(valid=True, group="G", until=HOUR))),
    *((TWO, "NotifyEVChargingNeeds", NeedsJudged(verdict=verdict)) for verdict in NeedsVerdict if verdict.name != "NO_SCHEDULE"),
    (NEW, "NotifyEVChargingNeeds", NeedsJudged(verdict=NeedsVerdict.NO_SCHEDULE)),
    (TWO, "NotifyEVChargingSchedule", Judged(accepted=False, reason="TooMuch")),
    (NEW, "OpenPeriodicEventStream", Judged(accepted=True)),
    (ALL, "SignCertificate", Judged(accepted=True)),
    (TWO, "SignCertificate", Judged(accepted=False, reason="InvalidCSR")),
    (NEW, "PullDynamicScheduleUpdate", words.SetpointGiven(power_w=-4_000.5)),
    (NEW, "NotifySettlement", reports.ReceiptGiven(receipt_id="R", receipt_url="https://r")),
    (NEW, "VatNumberValidation", reports.VatVerdict(number="DE1", valid=True, evse=1, company=COMPANY)),
    (NEW, "VatNumberValidation", reports.VatVerdict(number="DE1", valid=False)),
    (TWO, "GetCertificateStatus", reports.CertificateState(ocsp="MIIB")),
    (TWO, "GetCertificateStatus", reports.CertificateState()),
    (NEW, "GetCertificateChainStatus", reports.ChainStates(states=((reports.Revocation.REVOKED, HOUR),))),
    (TWO, "Get15118EVCertificate", reports.ContractGiven(accepted=True, exi="gA==")),
    (NEW, "Get15118EVCertificate", reports.ContractGiven(accepted=False, exi="", remaining=0)),
    (ALL, "DataTransfer", reports.DataAnswered(status="UnknownMessageId")),
    ((V16,), "DataTransfer", reports.DataAnswered(status="Accepted", data="text")),
    (TWO, "DataTransfer", reports.DataAnswered(status="Accepted", data={"a": [None, 1]})),
    (ALL, "FirmwareStatusNotification", Noted()),
]  # fmt: skip


def asked_by(version: OcppVersion, action: str) -> Any:
    """A request of that action, from the examples."""
    example = next(one for here, one in SEEN if here is version and one.action == action)
    return request(version, action, example.body).request


@pytest.mark.parametrize(
    ("version", "action", "answer"),
    [(version, action, answer) for versions, action, answer in ANSWERS for version in versions],
    ids=str,
)
def test_what_we_answer_is_heard_as_it_was_meant(version: OcppVersion, action: str, answer: Any) -> None:
    tongue, asked = speak(version), asked_by(version, action)
    reply = tongue.reply(action, asked, answer, NOON)
    official(version, action, reply, answer=True)
    assert tongue.learn(action, asked, reply, NOON) == answer


def test_every_answer_has_an_example() -> None:
    assert {type(answer) for _, _, answer in ANSWERS} == set(get_args(ChargerAnswer))


def test_2_0_1_has_no_word_for_no_schedule_and_says_rejected() -> None:
    reply = speak(V201).reply("NotifyEVChargingNeeds", asked_by(V201, "NotifyEVChargingNeeds"), NeedsJudged(verdict=NeedsVerdict.NO_SCHEDULE), NOON)  # fmt: skip
    assert official(V201, "NotifyEVChargingNeeds", reply, answer=True) == {"status": "Rejected"}


@pytest.mark.parametrize("status", ["NoCredit", "NotAllowedTypeEVSE", "NotAtThisLocation", "NotAtThisTime", "Unknown"])
def test_a_token_that_may_not_charge_is_refused_in_the_five_words_of_1_6(status: str) -> None:
    reply = speak(V16).reply("Authorize", asked_by(V16, "Authorize"), TokenVerdict(valid=False, status=status), NOON)
    said_ = official(V16, "Authorize", reply, answer=True)["idTagInfo"]["status"]
    assert said_ == ("Invalid" if status == "Unknown" else "Blocked")


def test_of_a_certificate_that_nobody_has_judged_nothing_is_known() -> None:
    queries = [{"certificateHashData": HASHES, "source": "OCSP", "urls": ["http://o"]}] * 3
    asked = request(V21, "GetCertificateChainStatus", {"certificateStatusRequests": queries}).request
    states = reports.ChainStates(states=((reports.Revocation.GOOD, HOUR),))
    reply = speak(V21).reply("GetCertificateChainStatus", asked, states, NOON)
    listed = official(V21, "GetCertificateChainStatus", reply, answer=True)["certificateStatus"]
    assert [one["status"] for one in listed] == ["Good", "Failed", "Failed"]
    nobody = speak(V21).reply("GetCertificateChainStatus", asked, reports.ChainStates(states=()), NOON)
    assert {
        one["status"] for one in official(V21, "GetCertificateChainStatus", nobody, answer=True)["certificateStatus"]
    } == {"Failed"}


# --- laws ---


def limit(version: OcppVersion, *schedule: Any, **body: Any) -> words.LimitTold:
    """A foreign limit as it is heard."""
    schedules = {"chargingSchedule": list(schedule)} if schedule else {}
    told = {"chargingLimit": {"chargingLimitSource": "EMS"}} | schedules | body
    heard = speak(version).hear(*request(version, "NotifyChargingLimit", told), NOON)
    assert isinstance(heard, words.LimitTold)
    return heard


def test_a_foreign_limit_is_the_one_that_holds_now_in_watts_over_all_phases() -> None:
    begun = (NOON - timedelta(seconds=700)).isoformat()
    periods = [{"startPeriod": 0, "limit": 16.0}, {"startPeriod": 600, "limit": 10.0, "numberPhases": 1}]
    told = limit(V201, {"id": 1, "chargingRateUnit": "A", "startSchedule": begun, "chargingSchedulePeriod": periods})
    assert told.limit_w == 2_300.0
    assert [step.power_w for step in told.steps] == [11_040.0, 2_300.0]


def test_a_limit_of_2_1_for_each_phase_is_their_sum() -> None:
    period = {"startPeriod": 0, "limit": 1_000.0, "limit_L2": 2_000.0, "limit_L3": 3_000.0, "dischargeLimit": -500.0}
    told = limit(V21, {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [period]})
    assert (told.limit_w, told.floor_w, told.unsaid) == (6_000.0, -500.0, False)


def test_a_foreign_limit_without_a_figure_is_not_taken_for_none() -> None:
    assert limit(V201) == words.LimitTold(source="EMS", unsaid=True)
    period = {"startPeriod": 0, "setpoint": -500.0}
    told = limit(V21, {"id": 1, "chargingRateUnit": "W", "chargingSchedulePeriod": [period]})
    assert (told.limit_w, told.unsaid) == (None, True)


def test_a_car_s_schedule_in_amperes_is_heard_in_watts_and_a_discharge_as_negative() -> None:
    periods = [{"startPeriod": 0, "limit": 10.0}, {"startPeriod": 60, "dischargeLimit": -10.0}, {"startPeriod": 90}]
    schedule = {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": periods}
    body = {"evseId": 1, "timeBase": AT, "chargingSchedule": schedule}
    heard = speak(V21).hear(*request(V21, "NotifyEVChargingSchedule", body), NOON)
    assert isinstance(heard, reports.ScheduleTold)
    assert [step.power_w for step in heard.steps] == [6_900.0, -6_900.0, None]


def test_a_stream_s_offset_out_of_the_calendar_does_not_break_the_line() -> None:
    body = {"id": 1, "pending": 0, "basetime": AT, "data": [{"t": 1e300, "v": "x"}, {"t": -1e300, "v": "y"}]}
    heard = speak(V21).hear(*request(V21, "NotifyPeriodicEventStream", body), NOON)
    assert isinstance(heard, reports.StreamTold)
    assert [point.at for point in heard.points] == [NOON, NOON]


@given(st.decimals(-1_000_000, 1_000_000, places=5))
def test_money_crosses_without_the_noise_of_binary_fractions(amount: Decimal) -> None:
    text = format(amount.normalize() + 0, "f")
    fact = reports.SettlementTold(reference="P", status="Settled", amount=text, at=NOON)
    (wire,) = speak(V21).say(fact, NOON)
    heard = speak(V21).hear(*wire, NOON)
    assert isinstance(heard, reports.SettlementTold)
    assert Decimal(heard.amount) == amount
    assert "e" not in heard.amount.lower()


@pytest.mark.parametrize("text", ["", "12,30", "NaN", "Infinity", "1e999", "free"])
def test_what_is_no_amount_is_not_said(text: str) -> None:
    fact = reports.SettlementTold(reference="P", status="Settled", amount=text, at=NOON)
    with pytest.raises(ValueError, match="amount"):
        speak(V21).say(fact, NOON)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(OcppVersion), st.data())
def test_every_fact_that_is_said_is_valid_and_heard_again_but_for_what_the_version_lacks(
    version: OcppVersion, data: st.DataObject
) -> None:
    fact = data.draw(facts())
    wanted = within(version, fact)
    wires = speak(version).say(fact, NOON)
    assert (len(wires) == 0) is (wanted is None)
    for wire in wires:
        said(version, wire)
        assert speak(version).hear(*wire, NOON) == wanted
