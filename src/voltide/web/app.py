"""The page as one ASGI application, and the server that ends when it is told to."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, TypeVar

import structlog
import uvicorn
from litestar import Litestar, Request, Response
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.config import OpenAPIConfig

from voltide import __version__
from voltide.backbone.bus import Bus
from voltide.domain.site import StationId
from voltide.domain.time import Clock
from voltide.web import chargers, offer, plan
from voltide.web.assets import Assets
from voltide.web.gate import Gate, Operators
from voltide.web.live import Live
from voltide.web.operations import Calls, Document, routes
from voltide.web.routes import NO_STORE, ROUTES, Desk, Problem, Records

MAX_BODY = 64 * 1024
STOP_S = 1.0

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_BARE_POLICY = "default-src 'none'; frame-ancestors 'none'"
_CODES = {400: "invalid", 401: "sign-in", 403: "forbidden", 404: "not-found", 405: "method", 413: "too-large"}

log = structlog.get_logger()

AnyRequest = Request[None, None, State]
AnyResponse = TypeVar("AnyResponse", bound=Response[Any])


def create_app(
    bus: Bus,
    store: Records,
    operators: Operators,
    station: StationId,
    clock: Clock,
    *,
    loopback: bool,
    calls: Calls | None = None,
) -> Litestar:
    """The pages of one station. ``loopback``: they are bound to this machine only, so reading is open on it.

    ``calls``: what chargers can be called, with the types of each version.
    """
    gate = Gate(operators, loopback)
    live = Live(bus, station)
    desk = Desk(bus=bus, records=store, station=station, clock=clock, gate=gate, live=live, assets=Assets())
    return Litestar(
        route_handlers=[*ROUTES, *chargers.ROUTES, *plan.ROUTES, *offer.ROUTES, *routes(calls or {})],
        guards=[gate],
        dependencies={"desk": Provide(lambda: desk, sync_to_thread=False)},
        exception_handlers={HTTPException: _refused, RecursionError: _too_deep, Exception: _failed},
        after_request=_guard_headers,
        state=State({"desk": desk}),
        request_max_body_size=MAX_BODY,
        openapi_config=OpenAPIConfig(
            title="Voltide", version=__version__, path="/schema", render_plugins=[Document(calls or {})]
        ),
        logging_config=None,
        debug=False,
    )


async def serve(app: Litestar, host: str, port: int) -> None:
    """Serve until cancelled; then every open stream ends at once. Raises ``OSError`` when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=1024) as listener:
        server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                log_level="warning",
                ws="none",
                server_header=False,
                date_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=int(STOP_S),
            )
        )
        serving = asyncio.ensure_future(server.serve(sockets=[listener]))
        try:
            await asyncio.shield(serving)
        finally:
            desk: Desk = app.state["desk"]
            desk.live.close()
            server.should_exit = True
            await serving


class _Server(uvicorn.Server):
    """Signals belong to the process, not to its pages."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _refused(request: AnyRequest, error: HTTPException) -> Response[Problem] | Response[bytes]:
    """An error that the caller can answer."""
    status = error.status_code
    if status == HTTPStatus.UNAUTHORIZED and request.url.path == "/":
        assets = request.app.state["desk"].assets
        headers = {"Content-Security-Policy": assets.signin_policy, **NO_STORE}
        return _guard_headers(
            Response(assets.signin.body, status_code=status, media_type=assets.signin.kind, headers=headers)
        )
    detail = error.detail
    if isinstance(error, ValidationException):
        detail = _sentence(error)
    code = _CODES.get(status, "unavailable" if status == HTTPStatus.SERVICE_UNAVAILABLE else f"http-{status}")
    return _guard_headers(Response(Problem(code, detail), status_code=status, media_type="application/json"))


def _failed(request: AnyRequest, error: Exception) -> Response[Problem]:
    """An error of ours: told in the log, not to the caller."""
    log.error("web.failed", path=request.url.path, exc_info=error)
    problem = Problem("internal", "This went wrong here; the log says why.")
    return _guard_headers(Response(problem, status_code=500, media_type="application/json"))


def _too_deep(_request: AnyRequest, _error: RecursionError) -> Response[Problem]:
    """JSON nested so deeply that nobody means it."""
    return _guard_headers(Response(Problem("invalid", "This is nested too deeply."), status_code=400))


def _sentence(error: ValidationException) -> str:
    parts = error.extra if isinstance(error.extra, list) else []
    told = [f"{part.get('key', '')}: {part.get('message', '')}".strip(": ") for part in parts if isinstance(part, dict)]
    return "; ".join(told) or error.detail


def _guard_headers(response: AnyResponse) -> AnyResponse:
    """What every answer carries, so that no browser guesses, frames or leaks."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", _BARE_POLICY)
    return response
