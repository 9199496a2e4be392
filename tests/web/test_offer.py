"""The offer: its door, its words, and where it stands on the page."""

from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import expect

from tests.browser import browser
from tests.web.house import House, in_house
from tests.web.test_files import EN
from tests.web.test_page import opened
from voltide.domain.messages import AskOffer
from voltide.domain.picture import OfferPicture
from voltide.planning.commitment import Ground

WINDOW = {"since": "2026-03-28T19:00:00+08:00", "until": "2026-03-28T12:00:00Z"}

# --- the door ---


def test_the_offer_is_the_stations_own_and_asks_in_utc():
    async def check(home: House) -> None:
        answer = await home.client.get("/api/offer", params=WINDOW | {"way": "give"})
        told = msgspec.json.decode(answer.content, type=OfferPicture)
        assert (told.power_w, told.ground, told.days) == (1_240_000.0, "sure", 23)
        assert answer.headers["cache-control"] == "no-store"
        since, until = datetime(2026, 3, 28, 11, tzinfo=UTC), datetime(2026, 3, 28, 12, tzinfo=UTC)
        assert home.depot.asked == [AskOffer(since=since, until=until, pay=4.0, penalty=0.0)]
        assert home.depot.ordered == []

    in_house(check)


def test_the_terms_reach_the_station():
    async def check(home: House) -> None:
        await home.client.get("/api/offer", params=WINDOW | {"pay": "1.5", "penalty": "3", "most_at_risk": "200"})
        [asked] = home.depot.asked
        assert (asked.pay, asked.penalty, asked.most_at_risk) == (1.5, 3.0, 200.0)

    in_house(check)


@pytest.mark.parametrize(
    "wrong",
    [
        {"since": "2026-03-28T19:00:00"}, {"since": "2026-03-28T12:00:00Z"}, {"until": "2026-03-29T12:00:00Z"},
        {"way": "take"}, {"penalty": "-1"}, {"pay": "nan"}, {"pay": "1e99"}, {"most_at_risk": "nan"}, {"since": "soon"}, {"until": ""},
    ],
)  # fmt: skip
def test_a_question_that_makes_no_sense_is_400(wrong):
    async def check(home: House) -> None:
        answer = await home.client.get("/api/offer", params=WINDOW | wrong)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
        assert home.depot.asked == []

    in_house(check)


def test_a_station_that_is_silent_is_503_and_strangers_are_401():
    async def silent(home: House) -> None:
        home.depot.fall_silent()
        assert (await home.client.get("/api/offer", params=WINDOW)).status_code == 503

    async def strange(home: House) -> None:
        assert (await home.client.get("/api/offer", params=WINDOW)).status_code == 401
        assert home.depot.asked == []

    in_house(silent)
    in_house(strange, loopback=False)


# --- its words ---


def test_every_ground_has_its_words_and_every_key_stands_in_the_formats():
    assert {f"offer.{ground.value}" for ground in Ground} <= set(EN)
    page = (Path(__file__).parents[2] / "docs" / "formats.md").read_text("utf-8")
    section = page.partition("## The offer")[2].split("\n## ")[0]
    words = {field.name for field in fields(OfferPicture)} | {ground.value for ground in Ground}
    assert {word for word in words if f"`{word}`" not in section} == set()


# --- how it looks ---


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


@pytest.mark.browser
def test_who_composes_an_order_reads_what_is_deliverable_in_both_languages(chromium):
    with opened(chromium) as (page, neighbour, _):
        page.get_by_role("button", name="New grid order").click()
        offer = page.locator(".composer .offer")
        expect(offer).to_have_text("Deliverable with 90 %: 1,240 kW · learnt from days: 23")
        neighbour.home.depot.ground, neighbour.home.depot.learnt_days = "nothing", 0
        page.get_by_role("button", name="120 min").click()
        expect(offer).to_have_text(
            "With 90 % nothing is deliverable throughout this window · nothing learnt yet, so assumed"
        )
        asked = neighbour.home.depot.asked[-1]
        assert (asked.until - asked.since).total_seconds() == 7200.0
        page.locator(".header > button").first.click()
        expect(offer).to_contain_text("90 %")
        expect(offer).to_contain_text("假定")
        page.get_by_role("button", name="充电", exact=True).click()
        expect(offer).to_have_count(0)


@pytest.mark.browser
def test_a_station_that_does_not_say_leaves_the_order_possible(chromium):
    with opened(chromium) as (page, neighbour, _):
        neighbour.home.depot.ground = "<img src=x onerror=window.hacked=1>"
        page.get_by_role("button", name="New grid order").click()
        expect(page.locator(".composer .offer")).to_contain_text("<img")
        assert page.evaluate("window.hacked") is None
        expect(page.get_by_role("button", name="Give the order")).to_be_enabled()
