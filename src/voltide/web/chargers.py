"""The doors of the chargers' pages: who waits, who is here, one in full, and what is ordered about them."""

from typing import Annotated, TypeAlias

import msgspec
from litestar import Response, get, post
from litestar.exceptions import NotFoundException, ServiceUnavailableException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from voltide.domain import dossier
from voltide.domain.messages import Reply
from voltide.domain.site import ChargerId
from voltide.web.gate import COMMAND
from voltide.web.orders import status_of
from voltide.web.routes import NO_STORE, ORDER_S, Problem, TheDesk

LOOK_S = 5.0

Identity: TypeAlias = Annotated[str, Meta(min_length=1, max_length=48, pattern=r"^[A-Za-z0-9*_=|@.+-]+\Z")]
Name: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f\s]([^\x00-\x1f\x7f]*[^\x00-\x1f\x7f\s])?\Z")
]
Mark: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9a-f]{24}\Z")]


class _Care(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="is", tag=str):
    """What all orders share: the class names them on the line, and a field we do not know is an error."""


class OpenToNewcomers(_Care, frozen=True):
    """Let unknown chargers come in and wait, for so many minutes; 0 shuts the door."""

    minutes: Annotated[int, Meta(ge=0, le=1440)]

    def told(self) -> dossier.CareOrder:
        """In the domain's words."""
        return dossier.OpenToNewcomers(minutes=self.minutes)


class AcceptCharger(_Care, frozen=True):
    """A newcomer becomes part of the station under this name; ``seen`` is the ``mark`` of what was shown of it."""

    charger: Identity
    name: Name
    seen: Mark

    def told(self) -> dossier.CareOrder:
        """In the domain's words."""
        return dossier.AcceptCharger(charger=ChargerId(self.charger), name=self.name, seen=self.seen)


class RefuseCharger(_Care, frozen=True):
    """A newcomer must go, and stays out."""

    charger: Identity

    def told(self) -> dossier.CareOrder:
        """In the domain's words."""
        return dossier.RefuseCharger(charger=ChargerId(self.charger))


class ForgetCharger(_Care, frozen=True):
    """A refused charger may knock again; one that was accepted here is taken off the station."""

    charger: Identity

    def told(self) -> dossier.CareOrder:
        """In the domain's words."""
        return dossier.ForgetCharger(charger=ChargerId(self.charger))


class RenameCharger(_Care, frozen=True):
    """Call a charger something else."""

    charger: Identity
    name: Name

    def told(self) -> dossier.CareOrder:
        """In the domain's words."""
        return dossier.RenameCharger(charger=ChargerId(self.charger), name=self.name)


class RestartCharger(_Care, frozen=True):
    """Restart a charger when its sessions have ended, or at once."""

    charger: Identity
    immediate: bool = False

    def told(self) -> dossier.CareOrder:
        """In the domain's words."""
        return dossier.RestartCharger(charger=ChargerId(self.charger), immediate=self.immediate)


class AskStatus(_Care, frozen=True):
    """Let a charger tell the state of each outlet anew."""

    charger: Identity

    def told(self) -> dossier.CareOrder:
        """In the domain's words."""
        return dossier.AskStatus(charger=ChargerId(self.charger))


Care: TypeAlias = (
    OpenToNewcomers | AcceptCharger | RefuseCharger | ForgetCharger | RenameCharger | RestartCharger | AskStatus
)


def _problems(*statuses: int) -> dict[int, ResponseSpec]:
    return {status: ResponseSpec(Problem, generate_examples=False) for status in statuses}


async def _look(desk: TheDesk, charger: ChargerId | None) -> object:
    try:
        return await desk.bus.request(f"station.{desk.station}.care", dossier.LookAtChargers(charger=charger), LOOK_S)
    except TimeoutError:
        raise ServiceUnavailableException("The station does not answer.") from None


@get("/api/chargers", responses=_problems(401, 503), tags=["chargers"])
async def chargers(desk: TheDesk) -> Response[dossier.ChargersPicture]:
    """Newcomers who wait, the station's chargers, and who was refused."""
    found = await _look(desk, None)
    if not isinstance(found, dossier.ChargersPicture):
        raise ServiceUnavailableException("The station does not answer.")
    return Response(found, headers=NO_STORE)


@get("/api/chargers/{charger:str}", responses=_problems(401, 404, 503), tags=["chargers"])
async def charger(desk: TheDesk, charger: FromPath[str]) -> Response[dossier.ChargerPicture]:
    """One charger in full."""
    found = await _look(desk, ChargerId(charger))
    if not isinstance(found, dossier.ChargerPicture):
        raise NotFoundException("There is no such charger.")
    return Response(found, headers=NO_STORE)


@post(
    "/api/chargers/orders",
    opt=COMMAND,
    status_code=200,
    responses={**_problems(400, 401, 403), **{code: ResponseSpec(Reply) for code in (404, 409, 504)}},
    tags=["chargers"],
)
async def care(desk: TheDesk, data: JSONBody[Care]) -> Response[Reply]:
    """Order something about a charger, or about the door; the reply says what came of it."""
    try:
        reply = await desk.bus.request(f"station.{desk.station}.care", data.told(), ORDER_S)
    except TimeoutError:
        reply = None
    if not isinstance(reply, Reply):
        reply = Reply(done=False, code="no-answer", detail="The station did not answer: look before you order again.")
    return Response(reply, status_code=status_of(reply), headers=NO_STORE)


ROUTES = [chargers, charger, care]
