"""What a charger says of itself, as outlets that the station can reckon with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltide.domain.messages import Variable
from voltide.domain.site import ChargerId, OcppVersion, V2g
from voltide.ocpp.inventory import ASSUMED_W, MOST_OUTLETS, Hints, answered, pile

V16, V201, V21 = OcppVersion.V16, OcppVersion.V201, OcppVersion.V21


def said(component: str, name: str, value: str | None = None, evse: int | None = None, **more: object) -> Variable:
    return Variable(component=component, name=name, value=value, evse=evse, **more)  # type: ignore[arg-type]


def power(evse: int, most: float | None, unit: str = "W", least: float | None = None) -> Variable:
    return said("EVSE", "Power", "0", evse, highest=most, lowest=least, unit=unit)


GIVES_BACK = [
    said("V2XChargingCtrlr", "Enabled", "true"),
    said("V2XChargingCtrlr", "SupportedOperationModes", "ChargingOnly,CentralSetpoint,Idle"),
]


def test_evses_are_outlets_with_the_most_that_their_power_can_be():
    found = pile(
        V201, [power(1, 60.0, "kW"), power(2, 22_000.0), said("Connector", "Available", "true", 2, connector=1)]
    )
    assert [(plate.number, plate.charge_w, plate.assumed) for plate in found.plates] == [
        (1, 60_000.0, ()),
        (2, 22_000.0, ()),
    ]


def test_the_present_power_of_an_outlet_is_not_what_it_can_do():
    [plate] = pile(V21, [said("EVSE", "Power", "3200", 1)]).plates
    assert (plate.charge_w, plate.assumed) == (ASSUMED_W, ("charge_w",))


@pytest.mark.parametrize("absurd", [0.0, -5.0, 1e12, None])
def test_a_power_that_no_outlet_has_is_as_good_as_not_said(absurd):
    [plate] = pile(V21, [power(1, absurd)]).plates
    assert (plate.charge_w, plate.assumed) == (ASSUMED_W, ("charge_w",))


def test_a_2_1_charger_that_follows_a_central_setpoint_gives_back_as_much_as_it_says():
    found = pile(V21, [power(1, 60_000.0, least=-40_000.0), power(2, 60_000.0), *GIVES_BACK])
    assert found.v2g is V2g.DYNAMIC
    assert [(plate.discharge_w, plate.assumed) for plate in found.plates] == [
        (40_000.0, ()),
        (60_000.0, ("discharge_w",)),
    ]
    assert [evse.discharge_w for evse in found.charger(ChargerId("N")).evses] == [40_000.0, 60_000.0]


@pytest.mark.parametrize(
    ("version", "entries"),
    [
        (V201, GIVES_BACK),
        (V21, GIVES_BACK[:1]),
        (V21, [said("V2XChargingCtrlr", "Enabled", "false"), GIVES_BACK[1]]),
        (V21, [said("V2XChargingCtrlr", "Available", "true"), GIVES_BACK[1]]),
        (V21, []),
    ],
)
def test_who_does_not_say_that_it_follows_a_setpoint_is_never_asked_for_power_back(version, entries):
    found = pile(version, [power(1, 60_000.0, least=-60_000.0), *entries])
    assert found.v2g is V2g.NONE
    assert [evse.discharge_w for evse in found.charger(ChargerId("N")).evses] == [0.0]


def test_sockets_and_phases_are_read_where_they_are_said():
    entries = [
        power(1, 22_000.0),
        said("EVSE", "SupplyPhases", "1", 1),
        said("Connector", "Available", "true", 1, connector=1),
        said("Connector", "Available", "true", 1, connector=2),
        said("ChargingStation", "SupplyPhases", "3"),
        power(2, 22_000.0),
    ]
    assert [(plate.connectors, plate.phases) for plate in pile(V201, entries).plates] == [(2, 1), (1, 3)]


def test_a_1_6_charger_has_the_connectors_that_it_says_at_a_careful_power_that_is_marked_as_assumed():
    found = pile(
        V16, [said("", "NumberOfConnectors", "2"), said("", "SupportedFeatureProfiles", "Core, SmartCharging")]
    )
    assert [(plate.number, plate.charge_w, plate.assumed) for plate in found.plates] == [
        (1, ASSUMED_W, ("charge_w",)),
        (2, ASSUMED_W, ("charge_w",)),
    ]
    assert (found.v2g, found.amperes, found.steered) == (V2g.NONE, False, True)


def test_a_charger_without_smart_charging_is_reckoned_with_at_its_full_power():
    old = pile(V16, [said("", "SupportedFeatureProfiles", "Core,RemoteTrigger")])
    new = pile(V201, [power(1, 22_000.0), said("SmartChargingCtrlr", "Enabled", "false")])
    for found in (old, new):
        assert not found.steered
        [evse] = found.charger(ChargerId("N")).evses
        assert evse.fallback_w == evse.charge_w


@pytest.mark.parametrize(
    ("units", "amperes"), [("Current", True), ("Current,Power", False), ("Power", False), ("A", True)]
)
def test_limits_are_said_in_amperes_only_to_who_knows_no_watts(units, amperes):
    assert pile(V16, [said("", "ChargingScheduleAllowedChargingRateUnit", units)]).amperes is amperes


def test_a_model_that_does_not_say_its_power_has_it_from_its_quirk_file():
    hints = Hints(outlets=2, charge_w=50_000.0, rate_key="MaxPower/kW")
    assert [plate.charge_w for plate in pile(V16, [], hints).plates] == [50_000.0, 50_000.0]
    assert [plate.charge_w for plate in pile(V16, [said("", "MaxPower", "22")], hints).plates] == [22_000.0] * 2
    assert (
        pile(V201, [power(1, 30_000.0)], Hints(v2g=V2g.NEGATIVE_LIMIT, discharge_w=10_000.0)).plates[0].discharge_w
        == 10_000.0
    )


def test_answers_of_both_kinds_are_read_and_what_is_unknown_is_not():
    new = {
        "getVariableResult": [
            {
                "attributeStatus": "Accepted",
                "attributeValue": "true",
                "component": {"name": "A", "evse": {"id": 2}},
                "variable": {"name": "x"},
            },
            {"attributeStatus": "UnknownVariable", "component": {"name": "A"}, "variable": {"name": "y"}},
        ]
    }
    old = {
        "configurationKey": [{"key": "k", "readonly": True, "value": "1"}, {"key": "n", "readonly": True}],
        "unknownKey": ["z"],
    }
    assert [(one.component, one.name, one.value, one.evse) for one in answered(new)] == [("A", "x", "true", 2)]
    assert [(one.name, one.value) for one in answered(old)] == [("k", "1"), ("n", None)]


texts = st.sampled_from(
    ["EVSE", "Connector", "", "SmartChargingCtrlr", "V2XChargingCtrlr", "ChargingStation"]
) | st.text(max_size=8)
names = st.sampled_from(
    ["Power", "Enabled", "SupplyPhases", "RateUnit", "NumberOfConnectors", "SupportedOperationModes"]
)
values = st.none() | st.text(max_size=12) | st.sampled_from(["1e308", "-1", "NaN", "CentralSetpoint", "true", "9" * 40])
numbers = st.none() | st.floats()


@given(
    version=st.sampled_from(OcppVersion),
    entries=st.lists(
        st.builds(
            Variable,
            component=texts,
            name=names,
            value=values,
            evse=st.none() | st.integers(-(10**9), 10**9),
            connector=st.none() | st.integers(-5, 10**9),
            highest=numbers,
            lowest=numbers,
            unit=st.none() | st.sampled_from(["W", "kW", "MW", "%", ""]),
        ),
        max_size=30,
    ),
)
def test_whatever_a_charger_says_it_is_something_that_a_station_can_hold(version, entries):
    found = pile(version, entries)
    charger = found.charger(ChargerId("N"))
    assert 1 <= len(charger.evses) <= MOST_OUTLETS
    assert len({evse.number for evse in charger.evses}) == len(charger.evses)
    for evse in charger.evses:
        assert evse.number >= 1
        assert 0.0 < evse.charge_w <= 2e6
        assert 0.0 <= evse.discharge_w <= 2e6
        assert 0.0 <= evse.fallback_w <= evse.charge_w
