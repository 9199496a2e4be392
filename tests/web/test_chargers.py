"""The chargers' pages over a fake station: their API, and how they look."""

import json
import re

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import Complaints, browser
from tests.web.depot import EVENING
from tests.web.house import House, house_next_door, in_house
from tests.web.test_onboarding import CARES
from tests.web.test_page import PAYLOADS
from tests.web.wardrobe import Wardrobe
from voltide.domain import dossier
from voltide.domain.messages import Reply

MARK = "0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"is": "OpenToNewcomers", "minutes": 30}, dossier.OpenToNewcomers(minutes=30)),
        (
            {"is": "AcceptCharger", "charger": "N1", "name": "北区 1", "seen": MARK},
            dossier.AcceptCharger(charger="N1", name="北区 1", seen=MARK),
        ),
        ({"is": "RefuseCharger", "charger": "N1"}, dossier.RefuseCharger(charger="N1")),
        ({"is": "ForgetCharger", "charger": "N1"}, dossier.ForgetCharger(charger="N1")),
        ({"is": "RenameCharger", "charger": "N1", "name": "N"}, dossier.RenameCharger(charger="N1", name="N")),
        ({"is": "RestartCharger", "charger": "N1"}, dossier.RestartCharger(charger="N1")),
        ({"is": "AskStatus", "charger": "N1"}, dossier.AskStatus(charger="N1")),
    ],
)
def test_every_order_reaches_the_station_as_it_was_meant(body, told):
    async def check(home: House) -> None:
        wardrobe = Wardrobe(home.bus, EVENING)
        await home.sign_in()
        answer = await home.client.post("/api/chargers/orders", json=body, headers=home.origin)
        assert (answer.status_code, answer.json()["done"]) == (200, True)
        assert wardrobe.ordered == [told]

    in_house(check)


@pytest.mark.parametrize(
    "body",
    [
        {"is": "OpenToNewcomers", "minutes": -1},
        {"is": "OpenToNewcomers", "minutes": 10_000},
        {"is": "OpenToNewcomers", "minutes": 1.5},
        {"is": "AcceptCharger", "charger": "N1", "name": "", "seen": MARK},
        {"is": "AcceptCharger", "charger": "N1", "name": "  ", "seen": MARK},
        {"is": "AcceptCharger", "charger": "N1", "name": "a\nb", "seen": MARK},
        {"is": "AcceptCharger", "charger": "N1", "name": "x" * 41, "seen": MARK},
        {"is": "AcceptCharger", "charger": "../x", "name": "N", "seen": MARK},
        {"is": "AcceptCharger", "charger": "N1", "name": "N", "seen": "short"},
        {"is": "AcceptCharger", "charger": "N1", "name": "N"},
        {"is": "AcceptCharger", "charger": "N1", "name": "N", "seen": MARK, "limit_w": 1},
        {"is": "StopCharging", "evse": "V01-1"},
        {},
    ],
)
def test_what_is_no_order_about_a_charger_never_reaches_the_station(body):
    async def check(home: House) -> None:
        wardrobe = Wardrobe(home.bus, EVENING)
        await home.sign_in()
        answer = await home.client.post("/api/chargers/orders", json=body, headers=home.origin)
        assert answer.status_code == 400, answer.text
        assert answer.json()["code"] == "invalid"
        assert wardrobe.ordered == []

    in_house(check)


def test_who_is_not_signed_in_may_look_on_this_machine_and_order_nothing():
    async def check(home: House) -> None:
        wardrobe = Wardrobe(home.bus, EVENING)
        assert (await home.client.get("/api/chargers")).status_code == 200
        body = {"is": "OpenToNewcomers", "minutes": 30}
        assert (await home.client.post("/api/chargers/orders", json=body, headers=home.origin)).status_code == 401
        await home.sign_in()
        assert (await home.client.post("/api/chargers/orders", json=body)).status_code == 403
        assert wardrobe.ordered == []

    in_house(check)


def test_the_list_and_one_charger_are_the_stations_own_and_an_unknown_one_is_404():
    async def check(home: House) -> None:
        wardrobe = Wardrobe(home.bus, EVENING)
        answer = await home.client.get("/api/chargers")
        assert msgspec.json.decode(answer.content, type=dossier.ChargersPicture) == wardrobe.shown
        answer = await home.client.get("/api/chargers/N01")
        assert msgspec.json.decode(answer.content, type=dossier.ChargerPicture).row.name == "North side 1"
        assert (await home.client.get("/api/chargers/nobody")).status_code == 404

    in_house(check)


@pytest.mark.parametrize(("code", "status"), [("does-not-fit", 409), ("unknown-charger", 404), ("unknown", 504)])
def test_a_refusal_has_its_status_and_its_sentence(code, status):
    async def check(home: House) -> None:
        wardrobe = Wardrobe(home.bus, EVENING)
        wardrobe.reply = Reply(done=False, code=code, detail="why")
        await home.sign_in()
        body = {"is": "AcceptCharger", "charger": "N1", "name": "N", "seen": MARK}
        answer = await home.client.post("/api/chargers/orders", json=body, headers=home.origin)
        assert (answer.status_code, answer.json()) == (status, {"done": False, "code": code, "detail": "why"})

    in_house(check)


def test_a_station_that_does_not_answer_is_503_and_504():
    async def check(home: House) -> None:
        assert (await home.client.get("/api/chargers")).status_code == 503
        await home.sign_in()
        body = {"is": "AskStatus", "charger": "N1"}
        answer = await home.client.post("/api/chargers/orders", json=body, headers=home.origin)
        assert (answer.status_code, answer.json()["code"]) == (504, "no-answer")

    in_house(check)


def test_the_openapi_document_has_the_pages_routes_with_their_types():
    async def check(home: House) -> None:
        document = (await home.client.get("/schema/openapi.json")).json()
        paths = document["paths"]
        assert {"/api/chargers", "/api/chargers/{charger}", "/api/chargers/orders"} <= set(paths)
        post = json.dumps(paths["/api/chargers/orders"]["post"])
        for kind in ("AcceptCharger", "RefuseCharger", "OpenToNewcomers", "RenameCharger", "AskStatus"):
            assert kind in post or kind in json.dumps(document["components"]), kind
        assert set(paths["/api/chargers/orders"]["post"]["responses"]) >= {
            "200",
            "400",
            "401",
            "403",
            "404",
            "409",
            "504",
        }

    in_house(check)


# --- how they look ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


CLIPPED = """() => [...document.querySelectorAll('.condition, .newcomer-state, .charger-name b, .step b, button, dd')]
  .filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.textContent.trim())"""


def fits_and_reads(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert page.evaluate(CLIPPED) == []
    assert page.evaluate(CARES) == []
    words = page.locator("body").inner_text()
    for forbidden in ("undefined", "NaN", "newcomers.", "charger.", "condition.", "progress.", "shield.", "oddity."):
        assert forbidden not in words, forbidden


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1440])
def test_the_chargers_pages_fit_their_screens_in_both_languages_and_themes(chromium: Browser, width: int):
    with house_next_door() as neighbour:

        async def dress(home: House) -> Wardrobe:
            return Wardrobe(home.bus, EVENING, tuple(PAYLOADS))

        neighbour.do(dress)
        home = neighbour.home
        context = chromium.new_context(
            viewport={"width": width, "height": 900}, locale="en-GB", reduced_motion="reduce"
        )
        page = context.new_page()
        complaints = Complaints(page)
        page.goto(f"{home.url}/signin/{home.operators.one_time_link_token()}")
        for language in ("en", "zh"):
            for theme in ("light", "dark"):
                page.evaluate(
                    "([l, t]) => { localStorage['voltide.language'] = l; localStorage['voltide.theme'] = t; }",
                    [language, theme],
                )
                page.goto(f"{home.url}/#/chargers")
                page.reload()
                page.wait_for_selector(".newcomer")
                fits_and_reads(page)
                page.goto(f"{home.url}/#/chargers/N02")
                page.wait_for_selector(".step")
                fits_and_reads(page)
        assert page.evaluate("window.hacked") is None
        page.goto(f"{home.url}/#/chargers/nobody")
        expect(page.locator(".waiting")).to_be_visible()
        # a reload cuts off what is still being fetched, and nobody is not found
        assert [said for said in complaints.said if "404" not in said and not said.startswith("failed: ")] == []
        context.close()


@pytest.mark.browser
def test_accept_waits_for_a_name_and_for_the_charger_and_sends_what_was_seen(chromium: Browser):
    with house_next_door() as neighbour:

        async def dress(home: House) -> Wardrobe:
            return Wardrobe(home.bus, EVENING)

        wardrobe = neighbour.do(dress)
        home = neighbour.home
        page = chromium.new_page(locale="en-GB")
        page.goto(f"{home.url}/signin/{home.operators.one_time_link_token()}")
        page.goto(f"{home.url}/#/chargers")
        for name, may in (("W01", True), ("W02", False), ("W03", False)):
            card = page.locator(f'.newcomer[data-charger="{name}"]')
            button = card.locator("button.primary")
            expect(button).to_be_disabled()
            card.locator("input").fill("  A name ")
            expect(button).to_be_enabled(enabled=may)
        page.locator('.newcomer[data-charger="W01"] button.primary').click()
        expect(page.locator(".notice").last).to_contain_text("A name · Accept: done")
        expect(page.locator(".door-state b")).to_have_text(re.compile(r"2[23]:\d\d"))
        assert wardrobe.ordered == [dossier.AcceptCharger(charger="W01", name="A name", seen="0" * 24)]
        page.close()


@pytest.mark.browser
def test_who_is_not_signed_in_sees_who_waits_and_is_told_how_to_sign_in(chromium: Browser):
    with house_next_door() as neighbour:

        async def dress(home: House) -> Wardrobe:
            return Wardrobe(home.bus, EVENING)

        neighbour.do(dress)
        page = chromium.new_page(locale="en-GB")
        page.goto(f"{neighbour.home.url}/#/chargers")
        expect(page.locator('.newcomer[data-charger="W01"]')).to_contain_text("sign-in link")
        assert page.locator(".newcomer button, .newcomer input").count() == 0
        expect(page.locator(".door-switch button")).to_be_disabled()
        page.close()
