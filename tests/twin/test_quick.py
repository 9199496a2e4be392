from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.places import lotus_hill
from voltide.domain.messages import Flow, Moment, Sample, Token, TransactionTold
from voltide.domain.site import ChargerId, OcppVersion
from voltide.ocpp.dialect import dialect
from voltide.twin.quick import quick_event

START = datetime(2025, 3, 28, 1, 2, 3, 456000, tzinfo=UTC)
CHARGER = lotus_hill().charger_of[ChargerId("V01")]


def event(sample: Sample, flow: Flow = Flow.FLOWING) -> TransactionTold:
    return TransactionTold(
        moment=Moment.UPDATED, transaction_id="V01-000001", at=START, evse=2, connector=1, seq_no=17,
        trigger="MeterValuePeriodic", flow=flow, samples=(sample,),
    )  # fmt: skip


@pytest.mark.parametrize("version", [OcppVersion.V201, OcppVersion.V21])
@settings(max_examples=40)
@given(
    power=st.integers(-600_000, 600_000),
    imported=st.integers(0, 10**9),
    exported=st.integers(0, 10**9),
    soc=st.integers(0, 256),
    flow=st.sampled_from(list(Flow)),
)
def test_the_quick_way_says_what_the_dialect_says(
    version: OcppVersion, power: int, imported: int, exported: int, soc: int, flow: Flow
) -> None:
    fact = event(
        Sample(
            at=START, import_wh=imported / 8, export_wh=exported / 8, power_w=power / 8, soc=soc / 256, voltage_v=401.5
        ),
        flow,
    )
    [slow] = dialect(version, CHARGER).say(fact, START)
    quick = quick_event(version, fact)
    assert slow.action == "TransactionEvent"
    assert msgspec.to_builtins(quick) == msgspec.to_builtins(slow.request)


def test_what_is_not_plain_takes_the_long_way() -> None:
    plain = event(Sample(at=START, import_wh=1.0))
    assert quick_event(OcppVersion.V16, plain) is None
    assert quick_event(OcppVersion.V21, _with_token(plain)) is None


def _with_token(fact: TransactionTold) -> TransactionTold:
    return TransactionTold(
        moment=fact.moment, transaction_id=fact.transaction_id, at=fact.at, evse=1, connector=1, seq_no=1,
        token=Token(id="x"), flow=Flow.FLOWING, samples=fact.samples,
    )  # fmt: skip
