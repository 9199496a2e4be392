"""The report of a study: one page that needs nothing else, readable by day and by night."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

_UPLOT = Path(__file__).parents[1] / "web" / "ui" / "vendor"
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>{css}</style></head>
<body><main><h1>{title}</h1><p>{told}</p>
{plots}
<section class="wide"><table>{table}</table></section></main>
<script type="application/json" id="plots">{data}</script>
<script>{uplot}</script><script>{script}</script></body></html>
"""


def write(directory: Path, title: str, table: Sequence[Sequence[str]], plots: Sequence[Mapping[str, Any]]) -> Path:
    """Write ``index.html`` into a directory, which is made if need be; gives its path.

    A plot has a ``title``, a ``unit``, ``x`` with its ``label``, and ``lines``: names and their values.
    """
    directory.mkdir(parents=True, exist_ok=True)
    shown = [plot for plot in plots if plot["x"]]
    module = (_UPLOT / "uplot.js").read_text(encoding="utf-8").replace("export default uPlot;", "")
    style = (_UPLOT / "uplot.css").read_text(encoding="utf-8")
    page = PAGE.format(
        title=escape(title),
        told=escape(table[-1][0] if table and len(table[-1]) == 1 else ""),
        css=style + _own("voltide.twin", "report.css") + _own("voltide.studies", "study.css"),
        plots="".join(
            f'<section><h2>{escape(plot["title"])}</h2><div class="plot" id="plot-{place}"></div></section>'
            for place, plot in enumerate(shown)
        ),
        table="".join(_row(row) for row in table if len(row) > 1),
        data=json.dumps(shown).replace("<", "\\u003c"),
        uplot=module.replace("</script", "<\\/script"),
        script=_own("voltide.studies", "study.js"),
    )
    path = directory / "index.html"
    path.write_text(page, encoding="utf-8")
    return path


def text(table: Sequence[Sequence[str]]) -> str:
    """A table for a terminal; rows of one cell are sentences."""
    cells = [row for row in table if len(row) > 1]
    wide = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, wide, strict=True)) if len(row) > 1 else row[0]
        for row in table
    ]
    return "\n".join(lines)


def _own(package: str, name: str) -> str:
    return resources.files(package).joinpath("page", name).read_text(encoding="utf-8")


def _row(cells: Sequence[str]) -> str:
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
