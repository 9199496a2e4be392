import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from tests.web.depot import EVENING, minutes
from tests.web.house import House, in_house
from voltide.domain import messages
from voltide.domain.messages import Reply
from voltide.domain.picture import StationPicture
from voltide.web.app import serve

SOON = EVENING + timedelta(hours=1)
GRID = {"is": "OrderGrid", "id": "op-1", "start": EVENING.isoformat(), "end": SOON.isoformat(), "power_w": -600_000.0}


def test_the_picture_is_the_stations_own():
    async def check(home: House) -> None:
        answer = await home.client.get("/api/picture")
        assert msgspec.json.decode(answer.content, type=StationPicture) == home.depot.now
        assert answer.headers["cache-control"] == "no-store"

    in_house(check)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (
            {"is": "StartCharging", "evse": "V01-1", "token": "CARD7"},
            messages.StartCharging(evse="V01-1", token="CARD7"),
        ),
        ({"is": "StopCharging", "evse": "V01-1"}, messages.StopCharging(evse="V01-1")),
        ({"is": "LimitOutlet", "evse": "V01-1", "limit_w": 30000}, messages.LimitOutlet(evse="V01-1", limit_w=30000.0)),
        ({"is": "LimitOutlet", "evse": "V01-1", "limit_w": None}, messages.LimitOutlet(evse="V01-1", limit_w=None)),
        ({"is": "CancelGrid", "id": "gd-0328-1"}, messages.CancelGrid(id="gd-0328-1")),
        ({"is": "TellNeeds", "evse": "V01-1", "target_soc": 0.8}, messages.TellNeeds(evse="V01-1", target_soc=0.8)),
        (
            {"is": "SetInService", "evse": "V01-1", "operative": False},
            messages.SetInService(evse="V01-1", operative=False),
        ),
        (GRID, messages.OrderGrid(id="op-1", start=EVENING, end=SOON, power_w=-600_000.0)),
    ],
)
def test_every_order_reaches_the_station_as_it_was_meant(body, told):
    async def check(home: House) -> None:
        await home.sign_in()
        answer = await home.order(body)
        assert (answer.status_code, answer.json()) == (200, {"done": True, "code": "accepted", "detail": ""})
        assert home.depot.ordered == [told]

    in_house(check)


NOT_ORDERS = [
    "{",
    "null",
    "[]",
    '"StopCharging"',
    "{}",
    '{"is":"Reboot"}',
    '{"is":"StopCharging"}',
    '{"is":"StopCharging","evse":7}',
    '{"is":"StopCharging","evse":""}',
    '{"is":"StopCharging","evse":"V01-1","role":"admin"}',
    json.dumps({"is": "StopCharging", "evse": "x" * 65}),
    json.dumps({"is": "StopCharging", "evse": "a\nb"}),
    '{"is":"LimitOutlet","evse":"V01-1","limit_w":-1}',
    '{"is":"LimitOutlet","evse":"V01-1","limit_w":NaN}',
    '{"is":"LimitOutlet","evse":"V01-1","limit_w":1e400}',
    json.dumps({**GRID, "end": GRID["start"]}),
    json.dumps({**GRID, "start": "2026-03-28T10:00:00"}),
    json.dumps({**GRID, "id": "../../etc"}),
    json.dumps({**GRID, "power_w": 1e12}),
    '{"is":"TellNeeds","evse":"V01-1","target_soc":80}',
    "[" * 50_000,
]


def test_what_is_no_order_never_reaches_the_station_and_the_answer_says_so_in_json():
    async def check(home: House) -> None:
        await home.sign_in()
        for body in NOT_ORDERS:
            answer = await home.client.post(
                "/api/orders", content=body, headers={**home.origin, "Content-Type": "application/json"}
            )
            assert answer.status_code == 400, body[:80]
            told = answer.json()
            assert set(told) == {"code", "detail"}
            assert "Traceback" not in answer.text
        assert not home.depot.ordered

    in_house(check)


def test_an_order_too_long_is_not_read():
    async def check(home: House) -> None:
        await home.sign_in()
        answer = await home.order({"is": "StopCharging", "evse": "x" * 100_000})
        assert (answer.status_code, answer.json()["code"]) == (413, "too-large")

    in_house(check)


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (Reply(done=True, code="accepted"), 200),
        (Reply(done=False, code="unknown-outlet"), 404),
        (Reply(done=False, code="no-car"), 409),
        (Reply(done=False, code="unknown", detail="the line was lost"), 504),
        (Reply(done=False, code="refused", detail="Occupied"), 409),
    ],
)
def test_the_status_says_what_the_reply_says(reply, status):
    async def check(home: House) -> None:
        await home.sign_in()
        home.depot.reply = reply
        answer = await home.order({"is": "StopCharging", "evse": "V01-1"})
        assert (answer.status_code, answer.json()) == (status, msgspec.to_builtins(reply))

    in_house(check)


def test_a_station_that_is_silent_is_an_answer_too():
    async def check(home: House) -> None:
        await home.sign_in()
        home.depot.fall_silent()
        order = await home.order({"is": "StopCharging", "evse": "V01-1"})
        assert (order.status_code, order.json()["code"]) == (504, "no-answer")
        assert (await home.client.get("/api/picture")).status_code == 503
        health = await home.client.get("/health")
        assert (health.status_code, health.json()) == (503, {"status": "silent", "age_s": None})

    in_house(check)


def test_health_goes_by_the_age_of_the_newest_picture():
    async def check(home: House) -> None:
        assert (await home.client.get("/health")).json() == {"status": "ok", "age_s": 0.0}
        home.clock.wall += timedelta(seconds=60)
        answer = await home.client.get("/health")
        assert (answer.status_code, answer.json()) == (503, {"status": "stale", "age_s": 60.0})

    in_house(check)


def test_history_is_asked_in_utc_and_packed_when_the_browser_can_unpack():
    async def check(home: House) -> None:
        query = {"since": "2026-03-28T17:00:00+08:00", "until": "2026-03-28T18:00:00+08:00"}
        answer = await home.client.get("/api/history", params=query)
        wanted = (datetime(2026, 3, 28, 9, tzinfo=UTC), datetime(2026, 3, 28, 10, tzinfo=UTC))
        assert home.records.asked == [wanted]
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.json() == msgspec.to_builtins(minutes(*wanted))
        plain = await home.client.get("/api/history", params=query, headers={"Accept-Encoding": "identity"})
        assert plain.json() == answer.json()

    in_house(check)


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"since": "yesterday", "until": "today"},
        {"since": "2026-03-28T00:00:00", "until": "2026-03-28T01:00:00"},
        {"since": "2026-03-28T01:00:00Z", "until": "2026-03-28T00:00:00Z"},
        {"since": "2020-01-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"},
        {"since": "2026-03-28T00:00:00Z' OR 1=1", "until": "2026-03-28T01:00:00Z"},
    ],
)
def test_a_span_that_makes_no_sense_is_refused(query):
    async def check(home: House) -> None:
        answer = await home.client.get("/api/history", params=query)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
        assert not home.records.asked

    in_house(check)


def test_an_error_of_ours_is_told_in_the_log_and_not_to_the_browser(capsys):
    async def check(home: House) -> None:
        async def broken(_since: datetime, _until: datetime) -> list[object]:
            raise RuntimeError("the secret is 42")

        home.records.minutes = broken  # type: ignore[method-assign, assignment]
        query = {"since": "2026-03-28T00:00:00Z", "until": "2026-03-28T01:00:00Z"}
        answer = await home.client.get("/api/history", params=query)
        assert (answer.status_code, answer.json()["code"]) == (500, "internal")
        assert "42" not in answer.text
        assert "RuntimeError" not in answer.text

    in_house(check)
    assert "the secret is 42" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("GET", "/ui/../app.py", 404, "not-found"),
        ("GET", "/ui/%2e%2e/app.py", 404, "not-found"),
        ("GET", "/ui/..%2fapp.py", 404, "not-found"),
        ("GET", "/ui//etc/passwd", 404, "not-found"),
        ("GET", "/ui/vendor/README.md", 404, "not-found"),
        ("DELETE", "/api/picture", 405, "method"),
    ],
)
def test_every_refusal_is_json_with_a_code(method, path, status, code):
    async def check(home: House) -> None:
        answer = await home.client.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (status, code)

    in_house(check)


def test_every_answer_is_guarded_against_guessing_framing_and_leaking():
    async def check(home: House) -> None:
        for path in (
            "/",
            "/ui/main.js",
            "/api/picture",
            "/nowhere",
            "/health",
            "/metrics",
            "/signin/wrong",
            "/schema/openapi.json",
        ):
            headers = (await home.client.get(path)).headers
            assert headers["x-content-type-options"] == "nosniff", path
            assert headers["x-frame-options"] == "DENY", path
            assert "frame-ancestors 'none'" in headers["content-security-policy"], path
            assert "unsafe" not in headers["content-security-policy"], path
            assert headers["referrer-policy"] == "no-referrer", path
            assert "server" not in headers, path

    in_house(check)


def test_files_have_their_type_and_are_sent_again_only_when_they_changed():
    async def check(home: House) -> None:
        types = {
            "main.js": "text/javascript",
            "css/base.css": "text/css",
            "i18n/zh.json": "application/json",
            "icon.svg": "image/svg+xml",
        }
        for name, kind in types.items():
            first = await home.client.get(f"/ui/{name}")
            assert first.headers["content-type"].split(";")[0] == kind
            again = await home.client.get(f"/ui/{name}", headers={"If-None-Match": first.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")

    in_house(check)


def test_the_schema_is_there_and_says_what_an_order_is():
    async def check(home: House) -> None:
        schema = (await home.client.get("/schema/openapi.json")).json()
        assert set(schema["paths"]) >= {
            "/api/orders",
            "/api/live",
            "/api/picture",
            "/api/history",
            "/health",
            "/metrics",
        }
        assert "OrderGrid" in json.dumps(schema)
        assert (await home.client.get("/schema/swagger")).status_code == 404

    in_house(check)


def test_metrics_are_the_default_registry():
    async def check(home: House) -> None:
        answer = await home.client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain")
        assert "python_info" in answer.text

    in_house(check)


def test_a_port_that_is_taken_is_an_error_and_no_exit():
    async def check(home: House) -> None:
        with pytest.raises(OSError, match="in use"):
            await serve(home.app, "127.0.0.1", home.port)

    in_house(check)
