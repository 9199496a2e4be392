"""The page in a real Chromium."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import Complaints, browser
from tests.web.depot import picture
from tests.web.house import Neighbour, house_next_door
from voltide.domain.messages import LimitOutlet, OrderGrid, SetInService, StopCharging
from voltide.domain.picture import AlarmPicture, EventPicture, StationPicture
from voltide.web.assets import UI

pytestmark = pytest.mark.browser

MAX_WEIGHT = 320_000
PAYLOADS = [
    "<img src=x onerror=window.hacked=1>",
    "<script>window.hacked=1</script>",
    '"><svg onload=window.hacked=1>',
    "javascript:window.hacked=1",
    "'};window.hacked=1;//",
    "${window.hacked=1}{{window.hacked=1}}",
    "\u202egnp.exe\u0000",
]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as found:
        yield found


@contextmanager
def opened(
    chromium: Browser, *, width: int = 1920, height: int = 1080, language: str = "en-GB", theme: str = "light", signed_in: bool = True,
    first: StationPicture | None = None,
) -> Iterator[tuple[Page, Neighbour, Complaints]]:  # fmt: skip
    """The page of a house next door; it must have nothing to complain about in the end."""
    with house_next_door(first=first) as neighbour:
        context = chromium.new_context(viewport={"width": width, "height": height}, locale=language, color_scheme=theme)
        try:
            page = context.new_page()
            complaints = Complaints(page)
            home = neighbour.home
            page.goto(f"{home.url}/signin/{home.operators.one_time_link_token()}" if signed_in else home.url)
            page.wait_for_selector(".tile")
            page.wait_for_selector(".chart canvas")
            yield page, neighbour, complaints
            assert complaints.said == []
        finally:
            context.close()


@pytest.mark.parametrize("width", [390, 1920])
def test_the_page_fits_its_screen_in_both_languages_and_themes(chromium, width):
    with opened(chromium, width=width) as (page, _, _complaints):
        assert page.locator(".tile").count() == 46
        page.emulate_media(reduced_motion="reduce")
        for theme, switch in (("light", "Dark theme"), ("dark", "浅色主题"), ("light", "")):
            assert page.evaluate("document.documentElement.dataset.theme") == theme
            fits_and_reads(page, width)
            page.locator(".header > button").first.click()
            fits_and_reads(page, width)
            if switch:
                page.locator(".header > button").last.click()
                page.wait_for_selector(".chart canvas")


def fits_and_reads(page: Page, width: int) -> None:
    """Nothing is wider than the screen, cut off, left in code, or too faint."""
    chinese = page.evaluate("document.documentElement.lang") == "zh"
    expect(page.locator("h1")).to_have_text("莲花山站" if chinese else "Lotus Hill")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    words = page.locator("body").inner_text()
    assert re.findall(r"\b(?:state|why|alarm|todo|event|flow|tile|panel|orders|header|filter)\.[a-z-]+", words) == []
    assert "undefined" not in words
    assert "NaN" not in words
    assert page.evaluate(CLIPPED) == []
    assert page.evaluate(CONTRAST) == []


CLIPPED = """() => [...document.querySelectorAll('.tile-power, .row, .end b, .gauge-words b')]
  .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent.trim())"""

CONTRAST = """() => {
  const canvas = document.createElement('canvas'); canvas.width = canvas.height = 1;
  const ctx = canvas.getContext('2d', { willReadFrequently: true });
  const mix = (colours) => { ctx.clearRect(0, 0, 1, 1); for (const c of colours) { ctx.fillStyle = c; ctx.fillRect(0, 0, 1, 1); }
    return [...ctx.getImageData(0, 0, 1, 1).data].slice(0, 3); };
  const light = (rgb) => { const [r, g, b] = rgb.map(v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
    return .2126 * r + .7152 * g + .0722 * b; };
  const grounds = (e) => { const list = []; for (; e; e = e.parentElement) list.unshift(getComputedStyle(e).backgroundColor); return list; };
  const weak = new Set();
  for (const e of document.querySelectorAll('.tile *, .header *, .end *, .today *, .alarms *, .diary *, .gauge *, .filters *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || e.closest('.idle')) continue;
    const ground = mix(grounds(e)), ink = mix([...grounds(e), getComputedStyle(e).color]);
    const [a, b] = [light(ground), light(ink)].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) weak.add(`${e.closest('[class]').className}: ${e.textContent.trim().slice(0, 24)} ${((a + .05) / (b + .05)).toFixed(2)}`);
  }
  return [...weak];
}"""


def test_what_chargers_say_is_never_more_than_text(chromium):
    first = picture()
    nasty = [
        replace(o, why=PAYLOADS[i % 7], session=PAYLOADS[(i + 1) % 7], version=PAYLOADS[i % 7])
        for i, o in enumerate(first.outlets)
    ]
    nasty[0] = replace(nasty[0], id=PAYLOADS[0], charger=PAYLOADS[1], group=PAYLOADS[2], state=PAYLOADS[0])  # type: ignore[arg-type]
    alarms = tuple(AlarmPicture(code=p, subject=p, since=first.at, detail=p) for p in PAYLOADS)
    events = tuple(EventPicture(at=first.at, code=p, subject=p, detail=p) for p in PAYLOADS)
    first = replace(first, outlets=tuple(nasty), alarms=alarms, events=events, name=PAYLOADS[0], name_zh=PAYLOADS[1])
    with opened(chromium, first=first) as (page, _, _complaints):
        for position in (0, 1, 2, 30):
            page.locator(".tile").nth(position).click()
            page.locator("dialog[open]").wait_for()
            page.keyboard.press("Escape")
        page.get_by_text(PAYLOADS[0]).first.wait_for()
        assert page.evaluate("window.hacked") is None
        assert page.locator("img[src=x], main script, [onerror], [onload], a[href^=javascript]").count() == 0


def test_a_tile_changes_when_the_station_tells_and_the_others_are_left_alone(chromium):
    with opened(chromium) as (page, neighbour, _complaints):
        tile = page.locator('[data-outlet="V02-2"]')
        expect(tile).to_contain_text("free")
        page.evaluate("document.querySelector('[data-outlet=\"V04-1\"]').untouched = true")

        async def plug(home):
            home.depot.change(
                "V02-2", state="charging", power_w=33_300.0, setpoint_w=33_300.0, why="urgent", session="s", soc=0.41
            )
            await home.depot.step()

        neighbour.do(plug)
        expect(tile).to_contain_text("+33.3")
        expect(tile).to_contain_text("must be ready soon")
        expect(tile).to_contain_text("41 %")
        assert page.evaluate("document.querySelector('[data-outlet=\"V04-1\"]').untouched")


def test_an_operator_stops_limits_and_closes_an_outlet_by_keyboard_and_takes_it_back(chromium):
    with opened(chromium) as (page, neighbour, _complaints):
        page.locator('[data-outlet="V01-1"]').focus()
        page.keyboard.press("Enter")
        panel = page.locator("dialog[open]")
        expect(panel).to_contain_text("V01-1")
        panel.locator("#limit-slider").focus()
        for _ in range(10):
            page.keyboard.press("ArrowLeft")
        panel.get_by_role("button", name="Set limit").press("Enter")
        notice = page.locator(".notice").last
        expect(notice).to_contain_text("done")
        notice.get_by_role("button", name="Undo").click()
        panel.get_by_role("button", name="Stop charging").click()
        panel.get_by_role("button", name="Yes").click()
        panel.get_by_role("button", name="Take out of service").click()
        panel.get_by_role("button", name="Yes").click()
        neighbour.wait(lambda home: len(home.depot.ordered) == 4)
        assert neighbour.home.depot.ordered == [
            LimitOutlet(evse="V01-1", limit_w=50_000.0),
            LimitOutlet(evse="V01-1", limit_w=None),
            StopCharging(evse="V01-1"),
            SetInService(evse="V01-1", operative=False),
        ]
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)
        assert page.evaluate("document.activeElement.dataset.outlet") == "V01-1"


def test_a_grid_order_is_composed_in_the_stations_time_and_sent_in_utc(chromium):
    with opened(chromium) as (page, neighbour, _complaints):
        page.get_by_role("button", name="New grid order").click()
        page.locator("#order-power").fill("900000")
        page.locator("#order-start").fill("2026-03-28T19:00")
        page.get_by_role("button", name="60 min").click()
        expect(page.locator(".composer")).to_contain_text("900 kWh in all")
        page.get_by_role("button", name="Give the order").click()
        neighbour.wait(lambda home: bool(home.depot.ordered))
        [told] = neighbour.home.depot.ordered
        assert isinstance(told, OrderGrid)
        assert (told.start.isoformat(), told.end.isoformat()) == (
            "2026-03-28T11:00:00+00:00",
            "2026-03-28T12:00:00+00:00",
        )
        assert told.power_w == -900_000.0


def test_who_is_not_signed_in_may_look_and_is_told_how_to_sign_in(chromium):
    with opened(chromium, signed_in=False) as (page, _, _complaints):
        page.locator(".visitor summary").click()
        expect(page.locator(".visitor")).to_contain_text("sign-in link")
        page.locator('[data-outlet="V01-1"]').click()
        assert page.locator("dialog[open] .panel-actions").count() == 0
        expect(page.get_by_role("button", name="Sign in to give a grid order")).to_be_disabled()


def test_a_station_that_falls_silent_is_shown_as_stale_and_not_as_live(chromium):
    with opened(chromium) as (page, neighbour, _complaints):
        expect(page.locator(".connection")).to_have_text(re.compile("live"))
        page.evaluate("const real = performance.now.bind(performance); performance.now = () => real() + 60000")
        expect(page.locator(".connection")).to_have_text(re.compile(r"stale · 6\d s"))
        expect(page.locator("main")).to_have_class("page old")
        neighbour.do(lambda home: home.depot.step())
        expect(page.locator(".connection")).to_have_text(re.compile("live"))


def test_a_station_with_no_past_still_has_a_timeline(chromium):
    with house_next_door() as neighbour:
        page = chromium.new_page(viewport={"width": 1920, "height": 1080})
        page.goto(neighbour.home.url)
        page.wait_for_selector(".chart canvas")
        told = page.evaluate(
            """async () => { const { options } = await import('/ui/parts/chart.js');
               const at = 1774693500, made = options({ width: 9, height: 9, picture: () => null, zone: 'UTC', onHover: () => {} });
               return [[at], [at, at + 60], [at, at + 86400]].map(times => made.scales.x.range({ data: [times] })
                 .map(edge => Math.floor(edge - at))); }"""
        )
        assert told == [[-1800, 60], [-1740, 60 + 60], [0, 86400 + 1728]]
        page.close()


def test_the_filter_shows_what_it_counts(chromium):
    with opened(chromium) as (page, _, _complaints):
        for name in ("Charging", "Giving back", "Waiting", "Free", "Trouble"):
            chip = page.locator(".filters .chip", has_text=name)
            chip.click()
            count = int(chip.locator("b").inner_text())
            expect(page.locator(".tile")).to_have_count(count)


def test_language_and_theme_are_switched_and_remembered(chromium):
    with opened(chromium) as (page, _, _complaints):
        page.get_by_role("button", name="中文").click()
        page.get_by_role("button", name="深色主题").click()
        expect(page.locator("h1")).to_have_text("莲花山站")
        page.reload()
        expect(page.locator("h1")).to_have_text("莲花山站")
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_who_wants_no_motion_sees_none(chromium):
    with opened(chromium) as (page, _, _complaints):
        moving = "getComputedStyle(document.querySelector('.stream')).animationName"
        assert page.evaluate(moving) == "stream"
        page.emulate_media(reduced_motion="reduce")
        assert page.evaluate(moving) == "none"


def test_local_times_survive_a_clock_change(chromium):
    with opened(chromium) as (page, _, _complaints):
        back = page.evaluate(
            """async () => { const { fromField, toField } = await import('/ui/format.js'); const wrong = [];
               for (const zone of ['Asia/Shanghai', 'Europe/Berlin', 'America/St_Johns', 'UTC'])
                 for (let ms = Date.UTC(2026, 2, 28, 22); ms < Date.UTC(2026, 2, 30); ms += 1800e3)
                   if (fromField(toField(ms, zone), zone) !== ms) wrong.push([zone, ms]);
               return wrong; }"""
        )
        assert back == []


def test_the_page_is_light_and_asks_nobody_else(chromium):
    with house_next_door() as neighbour:
        context = chromium.new_context()
        page = context.new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(neighbour.home.url)
        page.wait_for_selector(".tile")
        assert {url.split("/")[2] for url in asked if not url.startswith("data:")} == {
            f"127.0.0.1:{neighbour.home.port}"
        }
        sizes = page.evaluate(
            "performance.getEntriesByType('resource').map(e => [new URL(e.name).pathname, e.decodedBodySize])"
        )
        weight = sum(size for path, size in sizes if path.startswith("/ui/"))
        assert 100_000 < weight < MAX_WEIGHT, json.dumps(sizes)
        assert {path for path, _ in sizes if path.endswith(".js")} >= {"/ui/main.js", "/ui/vendor/preact.js"}
        assert (UI / "main.js").exists()
        context.close()
