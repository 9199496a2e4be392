"""The plan ahead: its door, its words, and how it looks."""

import json
import re
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import browser
from tests.web import forecast
from tests.web.depot import picture
from tests.web.house import House, in_house
from tests.web.test_files import EN
from tests.web.test_page import CONTRAST, opened
from voltide.domain.picture import CarPlan, EventPlan, Planned, PlanPicture, ReasonPicture
from voltide.planning.why import Code

# --- the door ---


def test_the_plan_is_the_stations_own():
    async def check(home: House) -> None:
        home.depot.plan = forecast.plan(home.depot.now)
        answer = await home.client.get("/api/plan")
        assert msgspec.json.decode(answer.content, type=PlanPicture) == home.depot.plan
        assert answer.headers["cache-control"] == "no-store"
        plain = await home.client.get("/api/plan", headers={"Accept-Encoding": "identity"})
        assert plain.content == answer.content
        assert int(answer.headers["content-length"]) < len(plain.content) / 3

    in_house(check)


def test_where_the_rules_lead_the_door_says_so():
    async def check(home: House) -> None:
        told = (await home.client.get("/api/plan")).json()
        assert (told["leads"], told["starts"], told["cars"]) == ("rules", [], [])

    in_house(check)


def test_a_station_that_is_silent_is_503():
    async def check(home: House) -> None:
        home.depot.fall_silent()
        answer = await home.client.get("/api/plan")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")

    in_house(check)


def test_beyond_loopback_only_a_signed_in_operator_sees_the_plan():
    async def check(home: House) -> None:
        assert (await home.client.get("/api/plan")).status_code == 401
        await home.sign_in()
        assert (await home.client.get("/api/plan")).status_code == 200

    in_house(check, loopback=False)


def test_the_openapi_document_has_the_plan_with_its_reasons():
    async def check(home: House) -> None:
        document = (await home.client.get("/schema/openapi.json")).json()
        assert "PlanPicture" in json.dumps(document["paths"]["/api/plan"]["get"])
        assert {"PlanPicture", "CarPlan", "EventPlan", "ReasonPicture"} <= set(document["components"]["schemas"])

    in_house(check)


# --- its words ---


def test_every_reason_of_the_plan_has_its_words_and_no_word_is_for_nothing():
    said = {key.removeprefix("reason.") for key in EN if key.startswith("reason.")}
    assert said == {code.value for code in Code} | {"limited-by-waits", "waits-to-give-later"}


def test_every_word_of_a_plan_stands_in_the_formats():
    page = (Path(__file__).parents[2] / "docs" / "formats.md").read_text("utf-8")
    _, _, section = page.partition("## The plan ahead")
    kinds = (PlanPicture, CarPlan, EventPlan, Planned, ReasonPicture)
    words = {field.name for kind in kinds for field in fields(kind)} | {code.value for code in Code}
    assert {word for word in words if f"`{word}`" not in section.split("\n## ")[0]} == set()


# --- how it looks ---


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as found:
        yield found


def with_plan(page: Page, neighbour, made: PlanPicture | None = None) -> None:
    """The station has a plan from now on; the page asks for it within half a minute of the station's time."""
    page.wait_for_selector(".ahead")
    neighbour.home.depot.plan = made or forecast.plan(neighbour.home.depot.now)
    neighbour.do(lambda home: home.depot.step(31))
    page.wait_for_selector(".ahead canvas")


def faint(page: Page, selector: str) -> list[str]:
    """Words of these elements that are too faint to be read."""
    found: list[str] = page.evaluate(
        re.sub(r"querySelectorAll\('[^']*'\)", f"querySelectorAll('{selector}')", CONTRAST)
    )
    return found


def outlet_with(code: str) -> str:
    """An outlet whose car has this reason."""
    return next(car.outlet for car in forecast.plan(picture()).cars if car.reason and car.reason.code == code)


def sentence(page: Page, outlet: str) -> str:
    page.locator(f'[data-outlet="{outlet}"]').click()
    found = page.locator("dialog[open] .reason").last.inner_text()
    page.keyboard.press("Escape")
    return found


@pytest.mark.browser
def test_a_car_that_gives_back_says_why_until_when_what_it_needs_and_its_floor(chromium):
    outlet = outlet_with("gives-for-price")
    car = next(car for car in forecast.plan(picture()).cars if car.outlet == outlet)
    with opened(chromium) as (page, neighbour, _):
        with_plan(page, neighbour)
        need, floor = (f"{share * 100:.0f} %" for share in (car.reason.need_soc, car.reason.floor_soc))
        until, by = ((moment + timedelta(hours=8)).strftime("%H:%M") for moment in (car.reason.until, car.reason.by))
        missing = f"{car.reason.missing_wh / 1000:.0f}"
        english = sentence(page, outlet)
        assert english == (
            f"Giving back until {until}: a grid price of 1.15 ¥/kWh is worth it, then charging at 0.70, "
            f"needs {need} by {by}, {missing} kWh more, never below {floor}."
        )
        page.get_by_role("button", name="中文").click()
        chinese = sentence(page, outlet)
        assert chinese.startswith(f"放电至 {until}：并网点电价 1.15 元/kWh")
        for figure in (need, by, missing, floor):
            assert figure in chinese
        assert not re.search(r"[a-z]{4,}", chinese)


@pytest.mark.browser
def test_the_curve_of_a_car_that_gives_back_falls_and_is_drawn_until_it_leaves(chromium):
    with opened(chromium) as (page, neighbour, _):
        with_plan(page, neighbour)
        outlet = outlet_with("gives-for-price")
        page.locator(f'[data-outlet="{outlet}"]').click()
        expect(page.locator("dialog[open] .curve canvas")).to_be_visible()
        times, shares = page.evaluate(
            """async (id) => { const [{ columns }, { plan }] = await Promise.all([import('/ui/parts/curve.js'), import('/ui/plan.js')]);
               return columns(plan.value.cars.find(car => car.outlet === id)); }""",
            outlet,
        )
        car = next(car for car in neighbour.home.depot.plan.cars if car.outlet == outlet)
        assert times == sorted(times)
        assert times[0] == neighbour.home.depot.plan.starts[0].timestamp()
        assert times[-1] >= car.reason.by.timestamp()
        assert min(shares) < shares[0]
        assert shares[0] == pytest.approx(car.soc[0] * 100)


@pytest.mark.browser
def test_every_reason_is_a_sentence_in_both_languages(chromium):
    with opened(chromium) as (page, neighbour, _):
        with_plan(page, neighbour)
        told = page.evaluate(
            """async (codes) => { const [{ plan, sentence, eventSentence }, { language }] = await Promise.all([import('/ui/plan.js'), import('/ui/settings.js')]);
               const car = plan.value.cars[0].reason, event = plan.value.events[0], found = [];
               for (const name of ['en', 'zh']) { language.value = name;
                 for (const code of codes) found.push(sentence({ ...car, code, limit: 'node:V01', limit_worth: 0.5 }, true));
                 for (const code of ['event-met', 'event-short']) found.push(eventSentence({ ...event, reason: { ...event.reason, code } })); }
               return found; }""",
            [code.value for code in Code if not code.value.startswith("event-")],
        )
        assert len(set(told)) == len(told) == 2 * len(Code)
        for one in told:
            assert not re.search(r"[{}]|undefined|NaN|\b(?:reason|clause|limit|plan)\.[a-z]", one), one
            assert one.endswith((".", "。"))


@pytest.mark.browser
def test_who_waits_to_give_at_the_same_price_is_not_told_to_wait_for_a_better_one(chromium):
    with opened(chromium) as (page, neighbour, _):
        with_plan(page, neighbour)
        told = page.evaluate(
            """async () => { const { plan, sentence } = await import('/ui/plan.js'); const car = plan.value.cars[0].reason;
               return [1.4, 1.1].map(then_price => sentence({ ...car, code: 'waits-to-give', price: 1.1, then_price })); }"""
        )
        assert "at a grid price of 1.40 ¥/kWh, now it is 1.10" in told[0]
        assert "at a grid price of 1.10 ¥/kWh, giving earlier would bring no more" in told[1]


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1920])
def test_the_panel_of_the_day_ahead_fits_in_both_languages_and_themes(chromium, width):
    with opened(chromium, width=width) as (page, neighbour, _):
        with_plan(page, neighbour)
        page.emulate_media(reduced_motion="reduce")
        for theme in ("light", "dark"):
            for title in ("The day ahead", "未来一天计划"):
                expect(page.locator(".ahead h2")).to_contain_text(title)
                expect(page.locator(".ahead canvas")).to_be_visible()
                assert page.evaluate("document.documentElement.scrollWidth") == width
                assert faint(page, ".ahead *") == []
                assert len(page.locator(".reasons li").all()) == 4
                page.locator(".header > button").first.click()
            if theme == "light":
                page.locator(".header > button").last.click()


@pytest.mark.browser
def test_what_happened_stands_beside_what_was_planned(chromium):
    with opened(chromium) as (page, neighbour, _):
        with_plan(page, neighbour)
        found = page.evaluate(
            """async () => { const [{ joined }, { plan }, { minutes }] = await Promise.all(
                 ['/ui/parts/aheadchart.js', '/ui/plan.js', '/ui/day.js'].map(name => import(name)));
               return joined(minutes.value, plan.value); }"""
        )
        made = neighbour.home.depot.plan
        now = made.at.timestamp()
        times, happened, planned, price = found[0], found[1], found[6], found[-1]
        assert times[0] == pytest.approx(now - 6 * 3600, abs=61)
        assert times[-1] == made.ends_at.timestamp()
        assert [at for at, value in zip(times, happened, strict=True) if value is not None][-1] <= now + 60
        both = [pair for pair in zip(happened, planned, strict=True) if None not in pair]
        assert len(both) >= 60
        ahead = {at: value for at, value in zip(times, planned, strict=True) if at >= now}
        for start, power in zip(made.starts, made.grid_w, strict=True):
            assert ahead[start.timestamp()] == pytest.approx(power / 1000)
        assert None not in price


@pytest.mark.browser
def test_pointing_at_the_day_ahead_names_what_happened_and_what_is_planned(chromium):
    with opened(chromium) as (page, neighbour, _):
        with_plan(page, neighbour)
        box = page.locator(".ahead .u-over").bounding_box()
        page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + 50)
        expect(page.locator(".ahead .readout .f-grid")).to_have_text(re.compile(r"grid\s+[−\d,.]+ / [−\d,.]+"))
        page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 50)
        expect(page.locator(".ahead .readout .f-grid")).to_have_text(re.compile(r"grid\s+– / [−\d,.]+"))


@pytest.mark.browser
def test_where_no_plan_leads_the_page_says_so_and_where_a_rule_overrules_one_too(chromium):
    with opened(chromium) as (page, neighbour, _):
        expect(page.locator(".ahead")).to_contain_text("the rules decide")
        assert page.locator(".ahead canvas").count() == 0
        outlet = outlet_with("gives-for-price")
        assert "the rules decide" in sentence(page, outlet)
        made = forecast.plan(neighbour.home.depot.now)
        cars = [replace(car, ruled_by="urgent") for car in made.cars if car.outlet == outlet]
        with_plan(page, neighbour, replace(made, cars=tuple(cars)))
        page.locator(f'[data-outlet="{outlet}"]').click()
        expect(page.locator("dialog[open] .set-aside")).to_have_text(
            "The plan is set aside for this car now: must be ready soon."
        )
        for _ in ("light", "dark"):
            assert faint(page, "dialog .reason") == []
            page.evaluate("document.documentElement.dataset.theme = 'dark'")
        page.keyboard.press("Escape")
        pressed = replace(cars[0].reason, code="charges-for-need")
        with_plan(page, neighbour, replace(made, cars=(replace(cars[0], reason=pressed),)))
        assert "there is no time to wait" in sentence(page, outlet)
        expect(page.locator(".set-aside")).to_have_count(0)
        assert "does not know this car" in sentence(page, outlet_with("charges-now"))


@pytest.mark.browser
def test_names_in_a_plan_are_never_more_than_text(chromium):
    nasty = "<img src=x onerror=window.hacked=1>"
    with opened(chromium) as (page, neighbour, _):
        made = forecast.plan(neighbour.home.depot.now)
        event = replace(made.events[0], id=nasty)
        cars = tuple(
            replace(car, reason=car.reason and replace(car.reason, code=nasty, limit=f"node:{nasty}"))
            for car in made.cars
        )
        with_plan(page, neighbour, replace(made, cars=cars, events=(event,)))
        assert nasty in page.locator(".reasons").inner_text()
        assert nasty in sentence(page, cars[0].outlet)
        assert page.evaluate("window.hacked") is None
