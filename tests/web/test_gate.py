import re

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from tests.web.house import House, in_house

PUBLIC = {"/health", "/signin/{token:str}"}
ORDER = {"is": "StopCharging", "evse": "V01-1"}


def doors(app: Litestar) -> list[tuple[str, str]]:
    """Every method of every route of the application, with something in place of each parameter."""
    found = []
    for route in app.routes:
        assert isinstance(route, HTTPRoute)
        filled = re.sub(r"\{\w+\}", "main.js", route.path_format)
        found += [(m, filled) for m in sorted(route.methods) if m != "OPTIONS" and route.path not in PUBLIC]
    return found


def test_beyond_loopback_every_door_but_health_and_sign_in_asks_who_comes():
    async def check(home: House) -> None:
        tried = doors(home.app)
        assert {"/", "/api/live", "/api/picture", "/api/history", "/api/orders", "/metrics"} <= {
            path for _, path in tried
        }
        for method, path in tried:
            answer = await home.client.request(method, path, headers=home.origin)
            assert answer.status_code == 401, f"{method} {path} answered {answer.status_code}"
            if path != "/":
                assert answer.json()["code"] == "sign-in"
        assert (await home.client.get("/health")).status_code == 200
        assert (await home.client.get("/")).text.count("登录") >= 1
        assert not home.depot.ordered

    in_house(check, loopback=False)


def test_beyond_loopback_a_signed_in_operator_finds_every_door_open():
    async def check(home: House) -> None:
        await home.sign_in()
        for path in ("/", "/api/me", "/api/picture", "/metrics", "/schema/openapi.json", "/ui/main.js"):
            assert (await home.client.get(path)).status_code == 200, path

    in_house(check, loopback=False)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "station.example"},
        {"Host": "rebound.example:80"},
        {"Host": "127.0.0.1.evil.example"},
        {"X-Forwarded-For": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
        {"X-Real-IP": "203.0.113.9"},
        {"Via": "1.1 proxy"},
    ],
)
def test_on_loopback_a_rebound_name_or_a_proxy_makes_a_stranger(headers):
    async def check(home: House) -> None:
        assert (await home.client.get("/api/picture")).status_code == 200
        assert (await home.client.get("/api/picture", headers=headers)).status_code == 401

    in_house(check)


def test_a_link_signs_in_once_and_its_cookie_is_locked_away():
    async def check(home: House) -> None:
        token = home.operators.one_time_link_token()
        first = await home.client.get(f"/signin/{token}")
        assert (first.status_code, first.headers["location"]) == (303, "/")
        cookie = first.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert first.headers["cache-control"] == "no-store"
        async with httpx.AsyncClient(base_url=home.url, trust_env=False) as other:
            again = await other.get(f"/signin/{token}")
            assert again.status_code == 401
            assert "set-cookie" not in again.headers
            assert (await other.get("/api/me")).json() == {"signed_in": False}
        assert (await home.client.get("/api/me")).json() == {"signed_in": True}

    in_house(check)


def test_behind_an_encrypting_proxy_the_cookie_travels_encrypted_only():
    async def check(home: House) -> None:
        link = f"/signin/{home.operators.one_time_link_token()}"
        answer = await home.client.get(link, headers={"X-Forwarded-Proto": "https"})
        assert "secure" in answer.headers["set-cookie"].lower()

    in_house(check)


def test_signing_in_never_adopts_a_session_that_was_brought_along():
    async def check(home: House) -> None:
        home.client.cookies.set("voltide", "chosen-by-somebody-else")
        answer = await home.client.get(f"/signin/{home.operators.one_time_link_token()}")
        assert "chosen-by-somebody-else" not in answer.headers["set-cookie"]
        assert not home.operators.check("chosen-by-somebody-else")

    in_house(check)


def test_who_signs_out_leaves_a_cookie_that_is_worth_nothing_to_whoever_has_it():
    async def check(home: House) -> None:
        await home.client.get(f"/signin/{home.operators.one_time_link_token()}")
        kept, here = home.client.cookies["voltide"], {"Origin": home.url}
        assert (await home.client.post("/api/signout", headers={"Origin": "https://evil.example"})).status_code == 403
        assert home.operators.check(kept)
        gone = await home.client.post("/api/signout", headers=here)
        assert gone.status_code == 204
        assert "max-age=0" in gone.headers["set-cookie"].lower()
        assert not home.operators.check(kept)
        assert (await home.client.post("/api/signout", headers=here)).status_code == 401

    in_house(check)


def test_a_session_ends():
    async def check(home: House) -> None:
        await home.sign_in()
        home.clock.elapsed += 7 * 24 * 3600.0
        assert (await home.order(ORDER)).status_code == 401

    in_house(check)


def test_reading_is_open_on_loopback_but_commands_need_the_cookie():
    async def check(home: House) -> None:
        assert (await home.client.get("/api/picture")).status_code == 200
        assert (await home.order(ORDER)).status_code == 401
        home.client.cookies.set("voltide", "guess")
        assert (await home.order(ORDER)).status_code == 401
        assert not home.depot.ordered

    in_house(check)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "null"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_command_from_another_page_is_refused_though_the_cookie_is_right(headers):
    async def check(home: House) -> None:
        await home.sign_in()
        sent = {**home.origin, **headers} if "Sec-Fetch-Site" in headers else headers
        answer = await home.client.post("/api/orders", json=ORDER, headers=sent)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
        assert not home.depot.ordered
        assert (await home.order(ORDER)).status_code == 200

    in_house(check)
