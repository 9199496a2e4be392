import doctest
import importlib
import pkgutil
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import voltide.ocpp
from voltide.domain.messages import Sample
from voltide.domain.site import OcppVersion
from voltide.ocpp.meter import samples, values
from voltide.ocpp.wire import maybe_moment, tenths

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
IMPORT, EXPORT = "Energy.Active.Import.Register", "Energy.Active.Export.Register"
POWER, POWER_OUT = "Power.Active.Import", "Power.Active.Export"


def read(*items: dict[str, Any]) -> Sample:
    (sample,) = samples([{"timestamp": "2026-06-01T12:00:00Z", "sampledValue": list(items)}], NOON)
    return sample


def test_a_value_without_measurand_and_unit_is_the_import_register_in_watt_hours() -> None:
    assert read({"value": "1234"}) == Sample(at=NOON, import_wh=1234.0)
    assert read({"value": 1234.0}) == Sample(at=NOON, import_wh=1234.0)


@pytest.mark.parametrize(
    "item",
    [
        {"value": "1.5", "unit": "kWh"},
        {"value": 1.5, "unitOfMeasure": {"unit": "kWh"}},
        {"value": 15.0, "unitOfMeasure": {"unit": "Wh", "multiplier": 2}},
        {"value": 15.0, "unitOfMeasure": {"multiplier": 2}},
        {"value": 150.0, "unitOfMeasure": {"unit": "kWh", "multiplier": -2}},
    ],
)
def test_units_and_multipliers_come_out_as_watt_hours(item: dict[str, Any]) -> None:
    assert read(item).import_wh == pytest.approx(1500.0)


def test_both_registers_are_read() -> None:
    sample = read({"value": "2", "measurand": IMPORT, "unit": "kWh"}, {"value": "500", "measurand": EXPORT})
    assert (sample.import_wh, sample.export_wh) == (2000.0, 500.0)


def test_power_is_one_signed_number_into_the_car() -> None:
    assert read({"value": "7.4", "measurand": POWER, "unit": "kW"}).power_w == 7400.0
    assert read({"value": "7.4", "measurand": POWER_OUT, "unit": "kW"}).power_w == -7400.0
    assert read({"value": "0", "measurand": POWER}, {"value": "5000", "measurand": POWER_OUT}).power_w == -5000.0
    assert read({"value": "5000", "measurand": POWER}, {"value": "0", "measurand": POWER_OUT}).power_w == 5000.0
    assert read({"value": "-5000", "measurand": POWER}).power_w == -5000.0
    assert read({"value": "-5000", "measurand": POWER}, {"value": "5000", "measurand": POWER_OUT}).power_w == -5000.0


def test_phases_are_added_up_only_where_no_total_is_told() -> None:
    phases = [{"value": "1000", "measurand": POWER, "phase": phase} for phase in ("L1", "L2", "L3")]
    assert read(*phases).power_w == 3000.0
    assert read(*phases, {"value": "3001", "measurand": POWER}).power_w == 3001.0
    neutral = [{"value": "230", "measurand": "Voltage", "phase": phase} for phase in ("L1-N", "L2-N", "L3-N")]
    between = {"value": "400", "measurand": "Voltage", "phase": "L1-L2"}
    assert read(*neutral, between).voltage_v == 230.0


def test_the_outlet_is_believed_before_the_inlet() -> None:
    inlet = {"value": "9", "measurand": POWER, "location": "Inlet"}
    assert read(inlet, {"value": "7", "measurand": POWER}).power_w == 7.0
    assert read(inlet).power_w == 9.0


def test_a_state_of_charge_is_a_fraction_and_nonsense_is_absent() -> None:
    soc = {"measurand": "SoC", "unit": "Percent", "location": "EV"}
    assert read({"value": "55"} | soc).soc == 0.55
    assert read({"value": "155"} | soc, {"value": "1"}).soc is None


@pytest.mark.parametrize("value", ["NaN", "inf", "-Infinity", "", "abc", "1e999", None, True])
def test_what_is_no_number_is_absent_and_never_nought(value: object) -> None:
    assert samples([{"timestamp": "2026-06-01T12:00:00Z", "sampledValue": [{"value": value}]}], NOON) == ()


def test_unknown_measurands_units_and_wild_multipliers_are_left_out() -> None:
    bad = [{"value": "1", "measurand": "Frequency"}, {"value": "1", "unit": "varh"}]
    bad.append({"value": "1", "unitOfMeasure": {"multiplier": 400}})  # type: ignore[dict-item]
    assert samples([{"timestamp": "x", "sampledValue": bad}], NOON) == ()


def test_registers_of_two_contexts_are_two_samples() -> None:
    begin, end = (f"Transaction.{word}" for word in ("Begin", "End"))
    items = [{"value": "1", "context": begin}, {"value": "9", "context": end}]
    found = samples([{"timestamp": "2026-06-01T12:00:00Z", "sampledValue": items}], NOON)
    assert [(sample.context, sample.import_wh) for sample in found] == [(begin, 1.0), (end, 9.0)]


def test_signed_values_are_kept_verbatim() -> None:
    assert read({"value": "OCMF|{}|{}", "format": "SignedData"}, {"value": "5"}).signed == "OCMF|{}|{}"
    signed = {"signedMeterValue": {"signedMeterData": "T0NNRg==", "signingMethod": "", "encodingMethod": "OCMF"}}
    assert read({"value": 5.0} | signed) == Sample(at=NOON, import_wh=5.0, signed="T0NNRg==")


@given(st.sampled_from(OcppVersion), st.floats(-1e6, 1e6), st.floats(0, 1e9), st.floats(0, 1e9), st.floats(0, 1))
@settings(max_examples=80, deadline=None)
def test_what_is_said_is_what_is_read(
    version: OcppVersion, power: float, taken: float, given_back: float, soc: float
) -> None:
    sample = Sample(at=NOON, power_w=power, import_wh=taken, export_wh=given_back, soc=soc)
    (again,) = samples(values(version, [sample]), NOON + timedelta(hours=1))
    assert again.at == NOON
    assert again.power_w == pytest.approx(power, abs=0.11)
    assert (again.power_w or 0) * power >= 0
    assert again.import_wh == pytest.approx(taken, abs=0.11)
    assert again.export_wh == pytest.approx(given_back, abs=0.11)
    assert again.soc == pytest.approx(soc, abs=0.0011)


@given(st.floats(-1e7, 1e7))
@settings(max_examples=80, deadline=None)
def test_a_limit_is_rounded_towards_nought_to_a_tenth_without_noise(value: float) -> None:
    said = tenths(value)
    assert abs(said) <= abs(value)
    assert abs(said - value) < 0.1 + 1e-9
    assert len(repr(said).partition(".")[2]) <= 1


@pytest.mark.parametrize(
    "text",
    ["2026-06-01T12:00:00Z", "2026-06-01T12:00:00", "2026-06-01 14:00:00.000+02:00", "2026-06-01T12:00:00.0000000Z", "20260601T120000Z"],
)  # fmt: skip
def test_every_spelling_of_a_moment_is_read(text: str) -> None:
    assert maybe_moment(text) == NOON


def test_what_is_no_moment_is_none() -> None:
    assert [maybe_moment(text) for text in ("", "noon", "0001-01-01T00:00:00+23:00", None, 5)] == [None] * 5


def test_the_examples_in_the_room_run() -> None:
    for module in pkgutil.iter_modules(voltide.ocpp.__path__, "voltide.ocpp."):
        assert doctest.testmod(importlib.import_module(module.name)).failed == 0
