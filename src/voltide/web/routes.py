"""Every door of the page, one function each. Each answers in a few lines; what it needs stands behind ``Desk``."""

import asyncio
import gzip
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeAlias

import msgspec
from litestar import Request, Response, get, post
from litestar.background_tasks import BackgroundTask
from litestar.datastructures import Cookie, State
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, NotFoundException, ServiceUnavailableException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Redirect, Stream
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from voltide.backbone.bus import Bus
from voltide.domain.messages import Reply
from voltide.domain.picture import Minute, StationPicture
from voltide.domain.site import StationId
from voltide.domain.time import Clock
from voltide.web.assets import Asset, Assets
from voltide.web.gate import COMMAND, COOKIE, PUBLIC, Gate, encrypted
from voltide.web.live import Live
from voltide.web.orders import Order, status_of

FRESH_S = 5.0
"""A picture older than this is no sign of health."""
MAX_SPAN = timedelta(days=31)
ORDER_S = 10.0
NO_STORE = {"Cache-Control": "no-store"}

WebRequest = Request[None, None, State]


class Records(Protocol):
    """The station's memory: what the page asks of it."""

    async def minutes(self, since: datetime, until: datetime) -> list[Minute]:
        """The history of a span."""
        ...


class Problem(msgspec.Struct, frozen=True):
    """How every error looks."""

    code: str
    detail: str


class Health(msgspec.Struct, frozen=True):
    """Whether the station still tells what it does."""

    status: str
    age_s: float | None


class Visitor(msgspec.Struct, frozen=True):
    """Who looks."""

    signed_in: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """All that the routes need."""

    bus: Bus
    records: Records
    station: StationId
    clock: Clock
    gate: Gate
    live: Live
    assets: Assets


TheDesk: TypeAlias = NamedDependency[Desk]


def _problems(*statuses: int) -> dict[int, ResponseSpec]:
    return {status: ResponseSpec(Problem, generate_examples=False) for status in statuses}


@get("/", include_in_schema=False)
async def page(desk: TheDesk) -> Response[bytes]:
    """The operator's page."""
    headers = {"Content-Security-Policy": desk.assets.page_policy, "Cache-Control": "no-cache"}
    return Response(desk.assets.page.body, media_type=desk.assets.page.kind, headers=headers)


@get("/ui/{path:path}", include_in_schema=False)
async def module(desk: TheDesk, path: FromPath[str], request: WebRequest) -> Response[bytes]:
    """One of the page's files."""
    asset = desk.assets.files.get(path.lstrip("/"))
    if asset is None:
        raise NotFoundException("There is no such file.")
    return _send(asset, request)


def _send(asset: Asset, request: WebRequest) -> Response[bytes]:
    headers = {
        "ETag": asset.etag,
        "Vary": "Accept-Encoding",
        "Cache-Control": "no-cache",
    }
    if asset.etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, headers=headers, media_type=asset.kind)
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(asset.body, headers=headers, media_type=asset.kind)
    return Response(asset.packed, headers={**headers, "Content-Encoding": "gzip"}, media_type=asset.kind)


@get("/signin/{token:str}", opt=PUBLIC, include_in_schema=False)
async def sign_in(desk: TheDesk, token: FromPath[str], request: WebRequest) -> Redirect | Response[bytes]:
    """Turn a one-time link into a cookie."""
    session = desk.gate.operators.redeem(token)
    if session is None:
        headers = {"Content-Security-Policy": desk.assets.signin_policy, **NO_STORE}
        return Response(desk.assets.signin.body, media_type=desk.assets.signin.kind, status_code=401, headers=headers)
    cookie = Cookie(key=COOKIE, value=session, path="/", httponly=True, samesite="strict", secure=encrypted(request))
    return Redirect("/", status_code=303, cookies=[cookie], headers=NO_STORE)


@get("/api/me")
async def me(desk: TheDesk, request: WebRequest) -> Response[Visitor]:
    """Whether the visitor is signed in."""
    return Response(Visitor(signed_in=desk.gate.signed_in(request)), headers=NO_STORE)


@post("/api/signout", opt=COMMAND, status_code=204, responses=_problems(401, 403))
async def sign_out(desk: TheDesk, request: WebRequest) -> Response[None]:
    """The cookie is worth nothing from now on, wherever it is."""
    desk.gate.operators.revoke(request.cookies.get(COOKIE, ""))
    gone = Cookie(key=COOKIE, value="", path="/", httponly=True, samesite="strict", max_age=0)
    return Response(None, status_code=204, cookies=[gone], headers=NO_STORE)


@get("/api/live", responses=_problems(401, 503), media_type="text/event-stream")
async def live(desk: TheDesk, request: WebRequest) -> Stream:
    """The station as server-sent events: ``snapshot`` once, then ``delta`` each second."""
    if desk.live.full:
        raise ServiceUnavailableException("Too many browsers watch already.")
    stream = desk.live.stream(request.headers.get("last-event-id"))
    headers = {**NO_STORE, "X-Accel-Buffering": "no"}
    return Stream(stream, media_type="text/event-stream", headers=headers, background=BackgroundTask(stream.aclose))


@get("/api/picture", responses=_problems(401, 503))
async def picture(desk: TheDesk) -> Response[StationPicture]:
    """The whole station, now."""
    try:
        return Response(await desk.live.look(), headers=NO_STORE)
    except TimeoutError:
        raise ServiceUnavailableException("The station does not answer.") from None


@get("/api/history", responses=_problems(400, 401))
async def history(
    desk: TheDesk, since: FromQuery[datetime], until: FromQuery[datetime], request: WebRequest
) -> Response[list[Minute] | bytes]:
    """What happened from ``since`` to just before ``until``, minute by minute; both with their offset from UTC."""
    if since.tzinfo is None or until.tzinfo is None:
        raise ClientException("A time needs its offset from UTC, such as 2026-03-28T00:00:00Z.")
    if not timedelta(0) < until - since <= MAX_SPAN:
        raise ClientException("The span must be longer than nothing and at most 31 days.")
    minutes = await desk.records.minutes(since.astimezone(UTC), until.astimezone(UTC))
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(minutes, headers=NO_STORE)
    packed = await asyncio.to_thread(lambda: gzip.compress(msgspec.json.encode(minutes), 3))
    headers = {**NO_STORE, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return Response(packed, media_type="application/json", headers=headers)


@post(
    "/api/orders",
    opt=COMMAND,
    status_code=200,
    responses={**_problems(400, 401, 403), **{code: ResponseSpec(Reply) for code in (404, 409, 504)}},
)
async def order(desk: TheDesk, data: JSONBody[Order]) -> Response[Reply]:
    """Order the station; its reply says what came of it."""
    try:
        reply = await desk.bus.request(f"station.{desk.station}.order", data.told(), ORDER_S)
    except TimeoutError:
        reply = None
    if not isinstance(reply, Reply):
        reply = Reply(done=False, code="no-answer", detail="The station did not answer: look before you order again.")
    return Response(reply, status_code=status_of(reply), headers=NO_STORE)


@get("/health", opt=PUBLIC, responses={503: ResponseSpec(Health)})
async def health(desk: TheDesk) -> Response[Health]:
    """200 while the station tells what it does, 503 otherwise."""
    try:
        age = max(0.0, (desk.clock.now() - (await desk.live.look()).at).total_seconds())
    except TimeoutError:
        return Response(Health(status="silent", age_s=None), status_code=503, headers=NO_STORE)
    fresh = age <= FRESH_S
    body = Health(status="ok" if fresh else "stale", age_s=round(age, 1))
    return Response(body, status_code=200 if fresh else 503, headers=NO_STORE)


@get("/metrics", media_type=CONTENT_TYPE_LATEST)
async def metrics() -> Response[bytes]:
    """What Prometheus reads."""
    return Response(await asyncio.to_thread(generate_latest), media_type=CONTENT_TYPE_LATEST, headers=NO_STORE)


ROUTES = [page, module, sign_in, sign_out, me, live, picture, history, order, health, metrics]
