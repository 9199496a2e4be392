"""A call by hand over HTTP: one documented route for each, and one status for each outcome."""

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import httpx
import jsonschema
import pytest
from jsonschema.validators import validator_for

from tests.web.depot import STATION, ManualClock, Records
from tests.web.house import answers, free_port, until
from voltide import compose
from voltide.backbone.bus import LocalBus
from voltide.domain.messages import CallCharger, CallResult, Outcome
from voltide.domain.site import OcppVersion
from voltide.ocpp.messages import actions
from voltide.security.tokens import Operators
from voltide.web.app import create_app, serve

RESET = {"type": "OnIdle"}


@dataclass
class Pages:
    """Served pages, and what the station behind them hears and answers."""

    client: httpx.AsyncClient
    heard: list
    result: CallResult
    operators: Operators
    origin: dict
    served: object

    async def sign_in(self):
        await self.client.get(f"/signin/{self.operators.one_time_link_token()}")

    async def call(self, action, body, charger="V01", **headers):
        content = body if isinstance(body, bytes) else json.dumps(body)
        path = f"/api/chargers/{charger}/calls/{action}"
        return await self.client.post(path, content=content, headers={**self.origin, **headers})


@asynccontextmanager
async def opened():
    clock, port = ManualClock(), free_port()
    operators = Operators(clock)
    async with LocalBus() as bus:
        app = create_app(bus, Records(), operators, STATION, clock, loopback=True, calls=compose.calls())
        serving = asyncio.create_task(serve(app, "127.0.0.1", port))
        base = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=base, timeout=20, trust_env=False) as client:
            pages = Pages(client, [], CallResult(outcome=Outcome.ACCEPTED), operators, {"Origin": base}, None)

            async def obey(order):
                pages.heard.append(order)
                return pages.result

            pages.served = bus.serve(f"station.{STATION}.order", obey)
            await until(lambda: answers(port))
            yield pages
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving


def on_pages(work):
    async def run():
        async with opened() as pages:
            await work(pages)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("result", "status", "body"),
    [
        (
            CallResult(outcome=Outcome.ACCEPTED, answer={"status": "Scheduled"}),
            200,
            {"outcome": "accepted", "reason": "", "answer": {"status": "Scheduled"}},
        ),
        (
            CallResult(outcome=Outcome.REFUSED, reason="Rejected", answer={"status": "Rejected"}),
            409,
            {"outcome": "refused", "reason": "Rejected", "answer": {"status": "Rejected"}},
        ),
        (
            CallResult(outcome=Outcome.UNKNOWN, reason="no answer in time"),
            504,
            {"outcome": "unknown", "reason": "no answer in time", "answer": {}},
        ),
        (
            CallResult(outcome=Outcome.INVALID, reason="Expected `str` - at `$.type`"),
            400,
            {"code": "invalid", "detail": "Expected `str` - at `$.type`"},
        ),
        (
            CallResult(outcome=Outcome.NO_CHARGER, reason="There is no charger V01."),
            404,
            {"code": "not-found", "detail": "There is no charger V01."},
        ),
    ],
)
def test_every_outcome_has_its_status_and_the_charger_s_own_answer(result, status, body):
    async def work(pages):
        await pages.sign_in()
        pages.result = result
        answer = await pages.call("Reset", RESET)
        assert (answer.status_code, answer.json()) == (status, body)
        assert pages.heard == [CallCharger(charger="V01", action="Reset", payload=RESET)]

    on_pages(work)


def test_a_station_that_is_gone_leaves_the_outcome_unknown():
    async def work(pages):
        await pages.sign_in()
        pages.served.close()
        answer = await pages.call("Reset", RESET)
        assert (answer.status_code, answer.json()["outcome"]) == (504, "unknown")

    on_pages(work)


def test_a_call_needs_a_signed_in_operator_on_a_page_of_ours():
    async def work(pages):
        assert (await pages.call("Reset", RESET)).status_code == 401
        await pages.sign_in()
        assert (await pages.call("Reset", RESET, Origin="http://evil.example")).status_code == 403
        assert (await pages.call("Reset", RESET, **{"Sec-Fetch-Site": "cross-site"})).status_code == 403
        assert pages.heard == []

    on_pages(work)


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"[]", 400), (b'"x"', 400), (b"\xff", 400), (b"[" * 30_000, 400), (b" " * 70_000 + b"{}", 413)],
)
def test_a_body_that_is_no_object_never_reaches_the_station(body, status):
    async def work(pages):
        await pages.sign_in()
        assert (await pages.call("Reset", body)).status_code == status
        assert pages.heard == []

    on_pages(work)


def test_no_body_is_an_empty_one_and_an_odd_identity_stays_one():
    async def work(pages):
        await pages.sign_in()
        assert (await pages.call("ClearCache", b"", charger="A%7CB@C")).status_code == 200
        assert pages.heard == [CallCharger(charger="A|B@C", action="ClearCache", payload={})]

    on_pages(work)


def test_what_only_chargers_call_has_no_route():
    async def work(pages):
        await pages.sign_in()
        for action in ("BootNotification", "TransactionEvent", "Nonsense"):
            assert (await pages.call(action, {})).status_code == 404

    on_pages(work)


def test_the_document_has_every_call_with_the_bodies_of_every_version():
    async def work(pages):
        document = (await pages.client.get("/schema/openapi.json")).json()
        calls = compose.calls()
        schemas = document["components"]["schemas"]
        for action, kinds in calls.items():
            said = document["paths"][f"/api/chargers/{{charger}}/calls/{action}"]["post"]
            bodies = said["requestBody"]["content"]["application/json"]["schema"]["anyOf"]
            answer = said["responses"]["200"]["content"]["application/json"]["schema"]["properties"]["answer"]["anyOf"]
            names = [part["$ref"].rpartition("/")[2] for part in [*bodies, *answer]]
            assert names == [f"ocpp{v}.{pair[at].__name__}" for at in (0, 1) for v, pair in kinds.items()]
            assert set(names) <= set(schemas)
            assert {"400", "401", "403", "404", "409", "504"} <= set(said["responses"])
        lost = [ref for ref in _refs(document) if ref.rpartition("/")[2] not in schemas]
        assert lost == []

    on_pages(work)


def test_a_documented_body_is_one_that_the_charger_s_version_has():
    async def work(pages):
        document = (await pages.client.get("/schema/openapi.json")).json()
        name = f"ocpp2.1.{actions(OcppVersion.V21)['Reset'][0].__name__}"
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        validator = validator_for({}, default=jsonschema.Draft202012Validator)(schema)
        assert validator.is_valid({"type": "OnIdle", "evseId": 1})
        assert not validator.is_valid({"type": "Hard"})
        assert not validator.is_valid({"type": "OnIdle", "more": 1})

    on_pages(work)


def _refs(part):
    if isinstance(part, dict):
        yield from [part["$ref"]] if "$ref" in part else []
        for inner in part.values():
            yield from _refs(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _refs(inner)
