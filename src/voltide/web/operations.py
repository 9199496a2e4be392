"""A route for every call that a charger can be made, each with its bodies in the OpenAPI document.

Which calls there are, and what stands in them, is given by whoever puts the pages together: this room knows no OCPP.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec
from litestar import Request, Response, post
from litestar.datastructures import State
from litestar.exceptions import ClientException, NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import (
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Reference,
    RequestBody,
    Schema,
)
from litestar.params import FromPath

from voltide.domain.messages import CallCharger, CallResult, Outcome
from voltide.domain.site import ChargerId
from voltide.web.gate import COMMAND
from voltide.web.routes import NO_STORE, Problem, TheDesk

Kinds: TypeAlias = Mapping[str, tuple[type, type | None]]
"""The request and the answer of a call, by OCPP version."""
Calls: TypeAlias = Mapping[str, Kinds]
"""By action."""

CALL_S = 30.0
"""Longer than a station ever needs to say what came of a call."""
_STATUS = {Outcome.ACCEPTED: 200, Outcome.REFUSED: 409, Outcome.UNKNOWN: 504}
_SILENT = CallResult(
    outcome=Outcome.UNKNOWN, reason="The station did not answer in time: look at the charger before you call again."
)


class Called(msgspec.Struct, frozen=True):
    """What came of a call: accepted, refused or unknown, and what the charger answered."""

    outcome: str
    reason: str
    answer: dict[str, Any]


def routes(calls: Calls) -> list[HTTPRouteHandler]:
    """The routes, one for each action."""
    return [_route(action, kinds) for action, kinds in sorted(calls.items())]


def _route(action: str, kinds: Kinds) -> HTTPRouteHandler:
    async def call(desk: TheDesk, charger: FromPath[str], request: Request[None, None, State]) -> Response[Called]:
        order = CallCharger(charger=ChargerId(charger), action=action, payload=_object(await request.body()))
        try:
            result = await desk.bus.request(f"station.{desk.station}.order", order, CALL_S)
        except TimeoutError:
            result = None
        return _told(result if isinstance(result, CallResult) else _SILENT)

    bad = {code: ResponseSpec(Problem, generate_examples=False) for code in (400, 401, 403, 404)}
    sad = {code: ResponseSpec(Called, generate_examples=False) for code in (409, 504)}
    return post(
        f"/api/chargers/{{charger:str}}/calls/{action}",
        opt=COMMAND,
        status_code=200,
        summary=f"{action} (OCPP {', '.join(kinds)})",
        description="The body is the request of the charger's own version. An answer of 504 means that nobody knows.",
        tags=["calls"],
        operation_id=f"call{action}",
        operation_class=_operation(action, kinds),
        responses={**bad, **sad},
    )(call)


def _object(body: bytes) -> dict[str, Any]:
    """The body as a JSON object; none at all is an empty one."""
    try:
        found = msgspec.json.decode(body or b"{}")
    except (msgspec.DecodeError, UnicodeError) as flaw:
        raise ClientException(f"The body is not JSON: {flaw}") from None
    if not isinstance(found, dict):
        raise ClientException("$: the body must be a JSON object.")
    return found


def _told(result: CallResult) -> Response[Called]:
    """The answer and its status; 400 names the place of the fault, 404 the charger."""
    if result.outcome is Outcome.INVALID:
        raise ClientException(result.reason)
    if result.outcome is Outcome.NO_CHARGER:
        raise NotFoundException(result.reason)
    body = Called(outcome=result.outcome.value, reason=result.reason, answer=result.answer)
    return Response(body, status_code=_STATUS[result.outcome], headers=NO_STORE)


# --- the document ---


def _operation(action: str, kinds: Kinds) -> type[Operation]:
    """The route's place in the document, with the bodies of every version that has the call."""
    asked = [Reference(ref=_ref(version, request)) for version, (request, _) in kinds.items()]
    told = [Reference(ref=_ref(version, answer)) for version, (_, answer) in kinds.items() if answer is not None]

    @dataclass
    class Documented(Operation):
        def __post_init__(self) -> None:
            self.request_body = RequestBody(content={"application/json": _any_of(asked)}, required=True)
            answer = (self.responses or {}).get("200")
            if isinstance(answer, OpenAPIResponse):
                answer.content = {"application/json": OpenAPIMediaType(schema=_result(told))}

    Documented.__name__ = f"Call{action}"
    return Documented


def _any_of(kinds: list[Reference]) -> OpenAPIMediaType:
    return OpenAPIMediaType(schema=Schema(any_of=list(kinds)))


def _result(told: list[Reference]) -> Schema:
    """``Called`` with the answers that this call can have."""
    text = Schema(type=OpenAPIType.STRING)
    return Schema(
        type=OpenAPIType.OBJECT,
        properties={"outcome": text, "reason": text, "answer": Schema(any_of=list(told))},
        required=["outcome", "reason", "answer"],
    )


def _ref(version: str, kind: type) -> str:
    return f"#/components/schemas/{_prefix(version)}{kind.__name__}"


def _prefix(version: str) -> str:
    return f"ocpp{version}."


class Document(JsonRenderPlugin):
    """The OpenAPI document with what stands in the calls; their types are written out when it is first read."""

    def __init__(self, calls: Calls) -> None:
        super().__init__()
        self._calls = calls

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The document as JSON."""
        schemas = openapi_schema.setdefault("components", {}).setdefault("schemas", {})
        if self._calls and not any(name.startswith("ocpp") for name in schemas):
            schemas |= schemas_of(self._calls)
        return super().render(request, openapi_schema)


def schemas_of(calls: Calls) -> dict[str, Any]:
    """Every type that stands in a call, each version's under its own names."""
    found: dict[str, Any] = {}
    for version in dict.fromkeys(version for kinds in calls.values() for version in kinds):
        pairs = [kinds[version] for kinds in calls.values() if version in kinds]
        types = [kind for pair in pairs for kind in pair if kind is not None]
        template = f"#/components/schemas/{_prefix(version)}{{name}}"
        _, parts = msgspec.json.schema_components(types, ref_template=template)
        found |= {f"{_prefix(version)}{name}": part for name, part in parts.items()}
    return found
