import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from voltide.domain.messages import Json
from voltide.domain.picture import Minute
from voltide.twin.report import write

START = datetime(2025, 3, 27, 16, tzinfo=UTC)
EVIL = "<script>alert('x')</script>"


def minutes(count: int) -> list[Minute]:
    return [
        Minute(
            at=START + timedelta(minutes=step),
            grid_w=1000.0 * step,
            pv_w=-500.0,
            battery_w=20.0,
            battery_soc=0.5,
            building_w=40.0,
            cars_in_w=900.0,
            cars_out_w=-100.0,
            price_buy=None,
            connected=step,
        )
        for step in range(count)
    ]


def result(name: str = "lotus-hill") -> Json:
    return {
        "scenario": name,
        "seed": 1,
        "simulated_s": 86400,
        "trace_sha256": "abc",
        "vehicles": {"served": 612, "turned_away": 3, "wait_p95_s": 12.5, "wait_p95_s_by_hour": [0.0] * 24, EVIL: EVIL},
        "energy_kwh": {"charged": 28000.5},
        "limits": {"node_ticks_over": 0},
        "timezone": "Asia/Shanghai",
    }


def page(tmp_path: Path, name: str = "lotus-hill") -> str:
    path = write(tmp_path / "a" / "b", result(name), minutes(10), "const uPlot = '</script>';", ".u-wrap{}")
    assert path.name == "index.html"
    return path.read_text(encoding="utf-8")


def test_the_report_is_one_page_that_loads_nothing(tmp_path: Path) -> None:
    text = page(tmp_path)
    assert not re.search(r"(src|href)=", text)
    assert "@import" not in text
    assert "prefers-color-scheme: dark" in text
    assert text.count("<script") == text.count("</script>") == 3


def test_what_the_run_calls_itself_cannot_become_a_script(tmp_path: Path) -> None:
    text = page(tmp_path, EVIL)
    assert "alert('x')</script>" not in text
    assert "&lt;script&gt;" in text


def test_the_day_is_told_in_kilowatts_minute_by_minute(tmp_path: Path) -> None:
    found = re.search(r'id="day">(.*?)</script>', page(tmp_path), re.DOTALL)
    assert found is not None
    day = json.loads(found[1])
    assert day["grid"][:3] == [0.0, 1.0, 2.0]
    assert day["sun"][0] == 0.5
    assert day["cars_out"][0] == 0.1
    assert day["soc"][0] == 50.0
    assert day["at"][1] - day["at"][0] == 60
    assert len(day["waits"]) == 24


def test_a_figure_above_its_bound_is_marked(tmp_path: Path) -> None:
    text = page(tmp_path)
    assert '<div class="bad"><b>3</b><span>Turned away</span></div>' in text
    assert "<div><b>612</b><span>Cars served</span></div>" in text
