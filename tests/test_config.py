import tomllib
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voltide.config import Config, ConfigError, load

SHIPPED = Path(str(resources.files("voltide.twin"))) / "scenarios"
SMALL = """
[station]
id = "corner"
name = "Corner"
latitude = 22.5
longitude = 114.0
timezone = "Asia/Shanghai"

[station.connection]
import_w = 100000
export_w = 50000
reserve_w = 1000
other_load_max_w = 2000

[station.pv]
peak_w = 5000

[station.storage]
capacity_wh = 20000
charge_w = 10000
discharge_w = 10000

[[node]]
id = "T1"
kind = "transformer"
import_w = 80000
export_w = 40000

[[node]]
id = "cab"
kind = "cabinet"
parent = "T1"
import_w = 60000
export_w = 0
modules = { count = 2, module_w = 30000 }

[[pile]]
ids = ["V01", "V02"]
parent = "cab"
v2g = "dynamic"
outlets = [{ charge_w = 22000, discharge_w = 11000, fallback_w = 1400 }]

[[pile]]
ids = ["F1"]
outlets = [{ charge_w = 11000, fallback_w = 1000 }, { charge_w = 7000, fallback_w = 500 }]

[tariff]
service_fee = 0.3

[[tariff.period]]
name = "night"
from = "00:00"
to = "08:00"
charge = 0.4
feed_in = 0.1
grid_buy = 0.3
grid_sell = 0.1

[[tariff.period]]
name = "day"
from = "08:00"
to = "24:00"
charge = 0.8
feed_in = 0.5
grid_buy = 0.7
grid_sell = 0.4

[rules]
discharge_in = ["day"]
wait_in = []
floor_soc = 0.3

[door]
host = "127.0.0.1"
ocpp_port = 9000
max_frame_bytes = 65536
messages_per_s = 50
ping_s = 20
sample_s = 10
lease_s = 60
tokens = ["*"]

[backbone]
keep_messages_days = 90
"""


@pytest.fixture
def said(tmp_path: Path) -> Callable[[str], list[str]]:
    """The faults that a text has, without the file's name, which each must begin with."""

    def read(text: str) -> list[str]:
        file = tmp_path / "corner.toml"
        file.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError) as caught:
            load(file)
        lines = str(caught.value).split("\n")
        assert all(line.startswith(f"{file}: ") for line in lines)
        return [line.removeprefix(f"{file}: ") for line in lines]

    return read


def but(old: str, new: str) -> str:
    """The small station with one thing changed, at its first place."""
    assert old in SMALL
    return SMALL.replace(old, new, 1)


def test_a_small_station_loads(tmp_path: Path):
    file = tmp_path / "corner.toml"
    file.write_text(SMALL, encoding="utf-8")
    config = load(file)
    assert [evse.id for evse in config.station.evses] == ["V01-1", "V02-1", "F1-1", "F1-2"]
    assert [(node.id, node.parent) for node in config.station.nodes] == [
        ("grid", None), ("T1", "grid"), ("cab", "T1"), ("V01", "cab"), ("V02", "cab"), ("F1", "grid"),
    ]  # fmt: skip
    assert config.station.below(config.station.nodes[0]) == ("V01-1", "V02-1", "F1-1", "F1-2")
    assert str(config.tariff.periods[1].charge) == "0.8"


STATIONS = [file for file in sorted(SHIPPED.glob("*.toml")) if "station" in tomllib.loads(file.read_text("utf-8"))]


@pytest.mark.parametrize("file", STATIONS, ids=lambda file: file.stem)
def test_the_stations_that_ship_load(file: Path):
    assert isinstance(load(file), Config)


KEYS = [
    ('id = "corner"', 'id = "Corner Shop"', "station.id", "like ^[a-z0-9]"),
    ('name = "Corner"', 'name = ""', "station.name", "text"),
    ("latitude = 22.5", "latitude = 91", "station.latitude", "at most 90"),
    ("longitude = 114.0", "longitude = nan", "station.longitude", "must be a number"),
    ('timezone = "Asia/Shanghai"', 'timezone = "Asia/Nowhere"', "station.timezone", "like 'Asia/Shanghai'"),
    ('timezone = "Asia/Shanghai"', 'timezone = "Asia"', "station.timezone", "like 'Asia/Shanghai'"),
    ('timezone = "Asia/Shanghai"', 'timezone = "../../etc/passwd"', "station.timezone", "like 'Asia/Shanghai'"),
    ("import_w = 100000", "import_w = 0", "station.connection.import_w", "W, above 0, at most 1e9"),
    ("import_w = 100000", "import_w = 1e12", "station.connection.import_w", "W, above 0, at most 1e9"),
    ("import_w = 100000", "import_w = nan", "station.connection.import_w", "must be a number"),
    ("import_w = 100000", f"import_w = 1{'0' * 400}", "station.connection.import_w", "W, above 0, at most 1e9"),
    ("export_w = 50000", "export_w = -1", "station.connection.export_w", "W, from 0 to 1e9"),
    ("reserve_w = 1000", 'reserve_w = "1 kW"', "station.connection.reserve_w", "W, from 0 to 1e9"),
    ("other_load_max_w = 2000", "other_load_max_w = true", "station.connection.other_load_max_w", "W, from 0"),
    ("peak_w = 5000", "peak_w = inf", "station.pv.peak_w", "W, above 0, at most 1e9"),
    ("capacity_wh = 20000", "capacity_wh = -inf", "station.storage.capacity_wh", "above 0"),
    ("charge_w = 10000", "charge_w = 10000\nsoc_min = 1.5", "station.storage.soc_min", "a fraction from 0 to 1"),
    ("charge_w = 10000", "charge_w = 10000\nsoc_min = 0.96", "station.storage.soc_min", "below its soc_max, 0.95"),
    ('kind = "transformer"', "kind = 4", "node[0].kind", "text"),
    ("import_w = 80000", "import_w = [1]", "node[0].import_w", "W, above 0"),
    ("count = 2", "count = 0", "node[1].modules.count", "at least 1"),
    ("module_w = 30000", "module_w = nan", "node[1].modules.module_w", "must be a number"),
    ("modules = {", "modules = 3 # {", "node[1].modules", "must be a table"),
    ('ids = ["V01", "V02"]', "ids = []", "pile[0].ids", "length >= 1"),
    ('ids = ["V01", "V02"]', 'ids = ["V01", 2]', "pile[0].ids[1]", "text"),
    ('ids = ["V01", "V02"]', 'ids = ["V01", "../x"]', "pile.ids", "1 to 48 of"),
    ('v2g = "dynamic"', 'v2g = "magic"', "pile[0].v2g", "one of 'none', 'dynamic', 'negative-limit'"),
    ("charge_w = 22000", "charge_w = nan", "pile[0].outlets[0].charge_w", "must be a number"),
    ("fallback_w = 1400", "fallback_w = nan", "pile[0].outlets[0].fallback_w", "must be a number"),
    ("fallback_w = 1400", "fallback_w = 22001", "pile[0].outlets[0].fallback_w", "at most its charge_w, 22000"),
    ("fallback_w = 500", "fallback_w = 1e12", "pile[1].outlets[1].fallback_w", "W, from 0 to 1e9"),
    ("charge_w = 7000", "charge_w = 7000, discharge_w = 10", "pile[1].outlets[1].discharge_w", "needs v2g"),
    ("service_fee = 0.3", "service_fee = 101", "tariff.service_fee", "from -100 to 100"),
    ("charge = 0.4", "charge = nan", "tariff.period[0].charge", "must be a number"),
    ('from = "00:00"', 'from = "0 o\'clock"', "tariff.period[0].from", "like"),
    ('from = "08:00"', 'from = "08:30"', "tariff.period[1].from", "must be '08:00'"),
    ('to = "24:00"', 'to = "23:00"', "tariff.period[1].to", "the day must end at '24:00'"),
    ('from = "08:00"', 'from = "24:00"', "tariff.period[1].from", "like"),
    ('discharge_in = ["day"]', 'discharge_in = ["dusk"]', "rules.discharge_in", "known are day, night"),
    ("floor_soc = 0.3", "floor_soc = -0.1", "rules.floor_soc", "a fraction from 0 to 1"),
    ("ocpp_port = 9000", "ocpp_port = 70000", "door.ocpp_port", "at most 65535"),
    ("max_frame_bytes = 65536", "max_frame_bytes = 1.5", "door.max_frame_bytes", "a whole number"),
    ("lease_s = 60", "lease_s = 61", "door.lease_s", "at most 60"),
    ("ping_s = 20", "ping_s = 0", "door.ping_s", "s, above 0, at most a day"),
    ("sample_s = 10", "sample_s = nan", "door.sample_s", "must be a number"),
    ('tokens = ["*"]', "tokens = [1]", "door.tokens[0]", "text"),
    ("keep_messages_days = 90", "keep_messages_days = 0", "backbone.keep_messages_days", "at least 1"),
]


@pytest.mark.parametrize(("old", "new", "key", "allowed"), KEYS, ids=[f"{key}: {new[:24]}" for _, new, key, _ in KEYS])
def test_one_wrong_key_is_named_with_its_value_and_what_is_allowed(
    said: Callable[[str], list[str]], old: str, new: str, key: str, allowed: str
):
    (fault,) = said(but(old, new))
    assert fault.startswith(f"{key} = ")
    assert allowed in fault


@pytest.mark.parametrize(
    ("old", "key"),
    [
        ('id = "corner"', "station.id"),
        ("import_w = 100000", "station.connection.import_w"),
        ("charge_w = 22000, ", "pile[0].outlets[0].charge_w"),
        ("import_w = 60000", "node[1].import_w"),
        ('from = "08:00"', "tariff.period[1].from"),
        ("feed_in = 0.5", "tariff.period[1].feed_in"),
    ],
)
def test_a_key_that_is_missing_is_named_with_what_belongs_there(said: Callable[[str], list[str]], old: str, key: str):
    (fault,) = said(but(old, ""))
    assert fault.startswith(f"{key} is missing: ")


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("[station]", "[station]\ncolour = 3", "station.colour"),
        ("[rules]", "[rules]\nwaiting = 3", "rules.waiting"),
        ("count = 2", "count = 2, size = 3", "node[1].modules.size"),
        ("charge_w = 7000", "charge_w = 7000, charge_kw = 3", "pile[1].outlets[1].charge_kw"),
        ("feed_in = 0.5", "feed_in = 0.5\nsell = 3", "tariff.period[1].sell"),
        ("[door]", "[dooor]\na = 1\n[door]", "dooor"),
    ],
)
def test_a_key_that_nobody_knows_is_an_error_that_names_those_that_are_known(
    said: Callable[[str], list[str]], old: str, new: str, key: str
):
    (fault,) = said(but(old, new))
    assert fault.startswith(f"{key} = ")
    assert "known are " in fault


def test_everything_that_is_wrong_is_said_at_once(said: Callable[[str], list[str]]):
    text = SMALL
    wrong = [
        row
        for row in KEYS
        if row[0] in {"latitude = 22.5", "count = 2", "charge_w = 22000", "charge = 0.4", "lease_s = 60"}
    ]
    for old, new, _, _ in wrong:
        text = text.replace(old, new, 1)
    faults = said(text)
    assert sorted(fault.split(" = ")[0] for fault in faults) == sorted(key for _, _, key, _ in wrong)


def test_a_period_that_ends_before_it_begins_is_refused(said: Callable[[str], list[str]]):
    faults = said(but('to = "24:00"', 'to = "08:00"'))
    assert faults[0] == "tariff.period[1].to = '08:00': must be later than '08:00'"


def test_names_that_are_taken_or_lead_nowhere_are_said_at_once(said: Callable[[str], list[str]]):
    text = (
        but('id = "cab"', 'id = "T1"')
        .replace('ids = ["F1"]', 'ids = ["V01", "T1"]')
        .replace("[tariff]", "parent = 'T9'\n[tariff]", 1)
    )
    faults = said(text)
    assert "node.id = 'T1': this id is taken already" in faults
    assert "pile.ids = 'V01': this id is taken already" in faults
    assert "pile.ids = 'T1': this id is taken already" in faults
    assert any(fault.startswith("pile[1].parent = 'T9': no such node; known are grid, T1") for fault in faults)


def test_the_root_is_not_a_name_to_give(said: Callable[[str], list[str]]):
    assert "node.id = 'grid': this id is taken already" in said(but('id = "cab"', 'id = "grid"'))


def test_a_tree_that_runs_in_a_circle_is_refused(said: Callable[[str], list[str]]):
    faults = said(but('kind = "transformer"', 'kind = "transformer"\nparent = "cab"'))
    assert [fault.split(" = ")[0] for fault in faults] == ["node[0].parent", "node[1].parent"]
    assert all("the tree runs in a circle here" in fault for fault in faults)
    (own,) = said(but('parent = "T1"', 'parent = "cab"'))
    assert own.startswith("node[1].parent = 'cab': the tree runs in a circle")


@pytest.mark.parametrize(
    ("old", "new", "node"),
    [
        ("import_w = 60000", "import_w = 2000", "cab"),
        ("import_w = 80000", "import_w = 2799", "T1"),
        ("import_w = 100000", "import_w = 7299", "grid"),
        ("reserve_w = 1000", "reserve_w = 99000", "grid"),
        ("other_load_max_w = 2000", "other_load_max_w = 99000", "grid"),
    ],
)
def test_fallbacks_that_alone_exceed_a_limit_are_refused(
    said: Callable[[str], list[str]], old: str, new: str, node: str
):
    (fault,) = said(but(old, new))
    assert fault.startswith(f"refused as unsafe: node '{node}'")


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe", b"[station", b"a = [" + b"[" * 5000, b"a = 1" + b"0" * 6000, b"a = 1\na = 2", b"\x00"],
    ids=["empty", "no-utf8", "cut", "deep", "huge", "twice", "nul"],
)
def test_what_is_no_station_is_a_config_error(tmp_path: Path, data: bytes):
    file = tmp_path / "x.toml"
    file.write_bytes(data)
    with pytest.raises(ConfigError, match=r"x\.toml: "):
        load(file)


def test_a_file_that_cannot_be_read_is_a_config_error(tmp_path: Path):
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        load(tmp_path / "nowhere.toml")
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path)


LINES = (SHIPPED / "lotus_hill.toml").read_text(encoding="utf-8").splitlines()
values = st.sampled_from(
    [
        "nan",
        "-inf",
        "1e12",
        "-1",
        "0",
        "''",
        "'T1'",
        "'grid'",
        "'V01'",
        "[]",
        "{}",
        "[1, [2]]",
        "true",
        "2026-01-01",
        "08:00:00",
        "1" * 400,
    ]
) | st.integers(-(10**20), 10**20).map(str)
mutations = st.lists(
    st.tuples(st.sampled_from(["value", "drop", "twice", "swap"]), st.integers(0, len(LINES) - 2), values),
    min_size=1,
    max_size=3,
)


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutations)
def test_whatever_somebody_does_to_the_file_it_loads_or_says_why_not(
    tmp_path: Path, changes: list[tuple[str, int, str]]
):
    lines = list(LINES)
    for what, place, value in changes:
        at = place % (len(lines) - 1)
        if what == "value":
            lines[at] = f"{lines[at].split('=')[0]}= {value}"
        elif what == "drop":
            del lines[at]
        elif what == "twice":
            lines.insert(at, lines[at])
        else:
            lines[at], lines[at + 1] = lines[at + 1], lines[at]
    file = tmp_path / "mutant.toml"
    file.write_text("\n".join(lines), encoding="utf-8")
    refused = None
    try:
        config = load(file)
    except ConfigError as error:
        refused = error
    if refused is not None:
        assert refused.faults
        assert all(line.startswith(f"{file}: ") for line in str(refused).split("\n"))
    else:
        root = config.station.connection
        fallbacks = sum(evse.fallback_w for evse in config.station.evses)
        assert fallbacks + root.other_load_max_w + root.reserve_w <= root.import_w
