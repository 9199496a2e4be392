"""The report of a run: one page that needs nothing else, readable by day and by night."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from voltide.domain.messages import Json
from voltide.domain.picture import Minute

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{css}</style></head>
<body><main><h1>{title}</h1><p>{told}</p>
<div class="figures">{figures}</div>
<section><h2>Power by source</h2><div class="plot" id="power"></div></section>
<section><h2>Battery</h2><div class="plot" id="soc"></div></section>
<section><h2>Cars at the station</h2><div class="plot" id="cars"></div></section>
<section><h2>Waiting for an outlet, by hour</h2><div class="plot" id="waits"></div></section>
<div class="tables">{tables}</div></main>
<script type="application/json" id="day">{day}</script>
<script>{uplot}</script><script>{script}</script></body></html>
"""
FIGURES = (
    ("Cars served", ("vehicles", "served"), "", None),
    ("Turned away", ("vehicles", "turned_away"), "", 0),
    ("Wait, 95 of 100", ("vehicles", "wait_p95_s"), " s", 300),
    ("Charged", ("energy_kwh", "charged"), " kWh", None),
    ("Given back", ("energy_kwh", "discharged"), " kWh", None),
    ("Sun used", ("energy_kwh", "pv_used"), " kWh", None),
    ("Seconds over a limit", ("limits", "node_ticks_over"), "", 0),
)
"""A label, where the figure stands in the result, its unit, and the most it should be."""


def write(directory: Path, result: Json, minutes: Sequence[Minute], uplot_js: str, uplot_css: str) -> Path:
    """Write ``index.html`` into a directory, which is made if need be; gives its path."""
    directory.mkdir(parents=True, exist_ok=True)
    title = f"{result.get('scenario', 'A run')}, seed {result.get('seed', '?')}"
    told = (
        f"{float(result.get('simulated_s', 0)) / 3600:g} simulated hours. Fingerprint {result.get('trace_sha256', '')}"
    )
    page = PAGE.format(
        title=escape(title),
        told=escape(told),
        css=uplot_css + _own("report.css"),
        figures="".join(_figure(result, *figure) for figure in FIGURES),
        tables="".join(_table(name, value) for name, value in result.items() if isinstance(value, Mapping)),
        day=_for_script(_day(result, minutes)),
        uplot=_no_end(uplot_js),
        script=_own("report.js"),
    )
    path = directory / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


def _own(name: str) -> str:
    return resources.files("voltide.twin").joinpath("page", name).read_text(encoding="utf-8")


def _no_end(script: str) -> str:
    """A script inside a page must not hold the words that end it."""
    return script.replace("</script", "<\\/script")


def _for_script(value: Json) -> str:
    """JSON that cannot end the element it stands in."""
    return json.dumps(value).replace("<", "\\u003c")


def _figure(result: Json, label: str, place: tuple[str, str], unit: str, most: float | None) -> str:
    value = result.get(place[0], {}).get(place[1])
    if value is None:
        return ""
    bad = ' class="bad"' if most is not None and value > most else ""
    return f"<div{bad}><b>{escape(_shown(value))}{unit}</b><span>{label}</span></div>"


def _table(name: str, rows: Mapping[str, Any]) -> str:
    body = "".join(
        f"<tr><td>{escape(label)}</td><td>{escape(_shown(value))}</td></tr>" for label, value in rows.items()
    )
    return f"<section><h2>{escape(name.replace('_', ' '))}</h2><table>{body}</table></section>"


def _shown(value: object) -> str:
    """A figure as people read it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        if isinstance(value, Mapping):
            return ", ".join(f"{key} {_shown(inner)}" for key, inner in value.items())
        return ", ".join(map(_shown, value)) if isinstance(value, list) else str(value)
    return f"{value:,.0f}" if isinstance(value, int) or abs(value) >= 1000 else f"{value:,.6g}"


def _day(result: Json, minutes: Sequence[Minute]) -> Json:
    """What the plots show; powers in kW, sun and cars' return as positive numbers."""
    waits = result.get("vehicles", {}).get("wait_p95_s_by_hour", [])
    return {
        "timezone": str(result.get("timezone", "UTC")),
        "at": [int(minute.at.timestamp()) for minute in minutes],
        "grid": [_kw(minute.grid_w) for minute in minutes],
        "sun": [_kw(-minute.pv_w) for minute in minutes],
        "battery": [_kw(minute.battery_w) for minute in minutes],
        "building": [_kw(minute.building_w) for minute in minutes],
        "cars_in": [_kw(minute.cars_in_w) for minute in minutes],
        "cars_out": [_kw(-minute.cars_out_w) for minute in minutes],
        "soc": [None if minute.battery_soc is None else round(minute.battery_soc * 100, 2) for minute in minutes],
        "connected": [minute.connected for minute in minutes],
        "hours": list(range(len(waits))),
        "waits": list(waits),
    }


def _kw(power_w: float) -> float:
    return round(power_w / 1000.0, 3)
