"""The door of the plan: the hours ahead, and why."""

import asyncio
import gzip

import msgspec
from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.exceptions import ServiceUnavailableException
from litestar.openapi.datastructures import ResponseSpec

from voltide.domain.picture import PlanPicture
from voltide.web.routes import NO_STORE, Problem, TheDesk

LOOK_S = 5.0


@get("/api/plan", responses={code: ResponseSpec(Problem, generate_examples=False) for code in (401, 503)})
async def plan(desk: TheDesk, request: Request[None, None, State]) -> Response[PlanPicture | bytes]:
    """The hours ahead as they are planned; ``leads`` is ``rules`` where no plan is followed."""
    try:
        found = await desk.bus.request(f"station.{desk.station}.plan", None, LOOK_S)
    except TimeoutError:
        found = None
    if not isinstance(found, PlanPicture):
        raise ServiceUnavailableException("The station does not answer.")
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(found, headers=NO_STORE)
    packed = await asyncio.to_thread(lambda: gzip.compress(msgspec.json.encode(found), 3))
    headers = {**NO_STORE, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return Response(packed, media_type="application/json", headers=headers)


ROUTES = [plan]
