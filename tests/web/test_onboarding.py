"""Two people, two browsers, two chargers that nobody has announced: from the network socket to the first setpoint."""

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.browser import ARGS, Complaints, chromium_path
from tests.station.foreign import on_the_line, run_until
from tests.station.newcomers import Newcomer16, Newcomer21
from tests.station.open_house import OpenHouse, opened
from tests.station.test_onboarding import turned_away
from tests.web.test_page import CONTRAST

pytestmark = pytest.mark.browser
expect.set_options(timeout=20_000)  # a machine with much else to do is slower than a person

READY_S = 60.0
CARES = CONTRAST.replace(".tile *, .header *", ".cares *, .tile *, .header *")


@asynccontextmanager
async def two_browsers(house: OpenHouse):
    """An operator's wide screen in English, and a technician's telephone in Chinese at night; both signed in."""
    kinds = [
        {"viewport": {"width": 1440, "height": 900}, "locale": "en-GB", "color_scheme": "light"},
        {"viewport": {"width": 390, "height": 844}, "locale": "zh-CN", "color_scheme": "dark"},
    ]
    async with async_playwright() as playwright, AsyncExitStack() as stack:
        pages, complaints = [], []
        chromium = await playwright.chromium.launch(executable_path=chromium_path(), args=ARGS)
        stack.push_async_callback(chromium.close)
        for kind in kinds:
            context = await chromium.new_context(**kind, reduced_motion="reduce")
            cookies = [{"name": one.name, "value": one.value, "url": house.web} for one in house.client.cookies.jar]
            await context.add_cookies(cookies)
            page = await context.new_page()
            complaints.append(Complaints(page))
            await page.goto(f"{house.web}/#/chargers")
            await page.wait_for_selector(".door")
            pages.append(page)
        yield pages
        for page in pages:
            await fits_and_reads(page)
        assert [one.said for one in complaints] == [[], []]


async def fits_and_reads(page: Page) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert await page.evaluate(CARES) == []
    words = await page.locator("body").inner_text()
    assert "undefined" not in words
    assert "NaN" not in words


def card(page: Page, identity: str, state: str):
    return page.locator(f'.newcomer.is-{state}[data-charger="{identity}"]')


async def accept(page: Page, identity: str, name: str) -> None:
    waits = card(page, identity, "waits")
    await expect(waits).to_be_visible()
    await waits.locator("input").fill(name)
    await waits.locator("button.primary").click()


def test_two_operators_accept_two_foreign_chargers_and_both_follow_setpoints_within_a_minute(tmp_path):
    secrets: dict[str, str] = {}

    async def first_day():
        async with opened(tmp_path) as house, two_browsers(house) as (wide, narrow):
            await wide.get_by_role("button", name="Add chargers").click()
            await expect(narrow.locator(".door-state.is-open")).to_be_visible()
            new, old, third = [
                await house.dial(who, version, secret=secret)
                for who, version, secret in (("NEW1", "2.1", "factory"), ("OLD1", "1.6", None), ("ODD1", "2.1", None))
            ]
            async with (
                on_the_line(Newcomer21, "NEW1", new) as one,
                on_the_line(Newcomer16, "OLD1", old) as other,
                on_the_line(Newcomer21, "ODD1", third) as odd,
            ):
                for charger in (one, other, odd):
                    assert (await charger.boot()).status == "Pending"
                await fits_and_reads(wide)
                await fits_and_reads(narrow)
                began = time.monotonic()
                await asyncio.gather(accept(wide, "NEW1", "North side 1"), accept(narrow, "OLD1", "大门口"))
                for page in (wide, narrow):  # both see how far both are
                    for identity in ("NEW1", "OLD1"):
                        await expect(card(page, identity, "joining")).to_be_visible()
                await refuse(narrow, "ODD1")
                assert (await odd.boot()).status == "Rejected"
                await asyncio.gather(one.boot_until_accepted(), other.boot_until_accepted())
                for page in (wide, narrow):
                    for identity in ("NEW1", "OLD1"):
                        await expect(card(page, identity, "ready")).to_be_visible()
                await asyncio.gather(one.plug_in(), other.plug_in())
                await asyncio.gather(
                    run_until(one, lambda: (one.car.setpoint_w or 0) >= 50_000),
                    run_until(other, lambda: (other.car.setpoint_w or 0) >= 10_000),
                )
                assert time.monotonic() - began < READY_S
                await the_page_of(wide, "NEW1", "North side 1", "password made by Voltide")
                await the_page_of(narrow, "OLD1", "大门口", "密码由 Voltide 生成")
                secrets.update(NEW1=one.secret, OLD1=other.secret)
            assert await turned_away(house, "ODD1") == 404

    async def next_day():
        async with opened(tmp_path) as house, two_browsers(house) as (wide, narrow):
            await expect(wide.locator('.charger-row[data-charger="NEW1"]')).to_contain_text("North side 1")
            await expect(narrow.locator('.charger-row[data-charger="OLD1"]')).to_contain_text("大门口")
            assert await turned_away(house, "ODD1") == 404
            new = await house.dial("NEW1", "2.1", secret=secrets["NEW1"])
            old = await house.dial("OLD1", "1.6", secret=secrets["OLD1"])
            async with on_the_line(Newcomer21, "NEW1", new) as one, on_the_line(Newcomer16, "OLD1", old) as other:
                await one.plug_in()
                assert (await other.boot()).status == "Accepted"
                await other.plug_in()
                await asyncio.gather(
                    run_until(one, lambda: (one.car.setpoint_w or 0) >= 50_000),
                    run_until(other, lambda: (other.car.setpoint_w or 0) >= 10_000),
                )
                await wide.goto(f"{house.web}/#/")
                await expect(wide.locator('[data-outlet="NEW1-1"]')).to_contain_text("kW")
                await expect(wide.locator(".group h4", has_text="North side 1")).to_be_visible()
                await wide.goto(f"{house.web}/#/chargers")
                await wide.wait_for_selector(".door")

    asyncio.run(first_day())
    asyncio.run(next_day())


async def refuse(page: Page, identity: str) -> None:
    waits = card(page, identity, "waits")
    await waits.locator("button.danger").click()
    await waits.locator("button.danger.solid").click()
    await expect(waits).to_have_count(0)
    await expect(page.locator(".refused")).to_contain_text(identity)


async def the_page_of(page: Page, identity: str, name: str, shield: str) -> None:
    await page.locator(f'.charger-row[data-charger="{identity}"] a').click()
    await expect(page.locator(".charger-head h2")).to_have_text(name)
    await expect(page.locator(".facts")).to_contain_text(shield)
    await expect(page.locator(".step.is-done")).to_have_count(6)
    await expect(page.locator(".step.is-skipped")).to_have_count(1)
    await fits_and_reads(page)


def test_what_a_newcomer_says_of_itself_is_never_more_than_text(tmp_path):
    nasty = '"><img src=x onerror=window.hacked=1>'

    async def story():
        async with opened(tmp_path) as house, two_browsers(house) as (wide, narrow):
            await wide.get_by_role("button", name="Add chargers").click()
            await expect(wide.locator(".door-state.is-open")).to_be_visible()
            socket = await house.dial("NEW1", "2.1")
            async with on_the_line(Newcomer21, "NEW1", socket) as charger:
                charger.plate = {"model": nasty[:20], "vendor_name": nasty[-30:], "serial_number": nasty[:25]}
                await charger.boot()
                await accept(wide, "NEW1", nasty)
                await asyncio.wait_for(charger.boot_until_accepted(), READY_S)
                await expect(card(narrow, "NEW1", "ready")).to_contain_text(nasty)
                for page in (wide, narrow):
                    await page.locator('.charger-row[data-charger="NEW1"] a').click()
                    await expect(page.locator(".charger-head h2")).to_have_text(nasty)
                    await page.goto(f"{house.web}/#/")
                    await expect(page.locator(".group h4", has_text=nasty)).to_be_visible()
                    assert await page.evaluate("window.hacked") is None
                    assert await page.locator("img[src=x], [onerror]").count() == 0

    asyncio.run(story())
