"""What a page may order, checked at the edge: one tagged record per order, named as in the domain."""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from voltide.domain import messages
from voltide.domain.site import EvseId

Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
NotNegative: TypeAlias = Annotated[float, Meta(ge=0, le=1e9)]
Power: TypeAlias = Annotated[float, Meta(ge=-1e9, le=1e9)]
OrderId: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}\Z")]


class _Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="is", tag=str):
    """What all orders share: the class names them on the line, and a field we do not know is an error."""


class StartCharging(_Order, frozen=True):
    """Start an outlet for a token."""

    evse: Name
    token: Annotated[str, Meta(min_length=1, max_length=36, pattern=r"^[^\x00-\x1f\x7f]+\Z")]

    def told(self) -> messages.StationOrder:
        """In the domain's words."""
        return messages.StartCharging(evse=EvseId(self.evse), token=self.token)


class StopCharging(_Order, frozen=True):
    """End an outlet's session."""

    evse: Name

    def told(self) -> messages.StationOrder:
        """In the domain's words."""
        return messages.StopCharging(evse=EvseId(self.evse))


class LimitOutlet(_Order, frozen=True):
    """Hold an outlet at or under a power in W; null lifts the limit."""

    evse: Name
    limit_w: NotNegative | None

    def told(self) -> messages.StationOrder:
        """In the domain's words."""
        return messages.LimitOutlet(evse=EvseId(self.evse), limit_w=self.limit_w)


class OrderGrid(_Order, frozen=True):
    """Give back (negative) or take (positive) this power, in W, at the bidirectional outlets from start to end."""

    id: OrderId
    start: Moment
    end: Moment
    power_w: Power

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError("an order must end after it starts")

    def told(self) -> messages.StationOrder:
        """In the domain's words."""
        return messages.OrderGrid(id=self.id, start=self.start, end=self.end, power_w=self.power_w)


class CancelGrid(_Order, frozen=True):
    """Withdraw a grid order."""

    id: OrderId

    def told(self) -> messages.StationOrder:
        """In the domain's words."""
        return messages.CancelGrid(id=self.id)


class TellNeeds(_Order, frozen=True):
    """What a driver needs, told beside the charger."""

    evse: Name
    departure: Moment | None = None
    energy_wh: NotNegative | None = None
    target_soc: Share | None = None
    floor_soc: Share | None = None
    v2g: bool | None = None

    def told(self) -> messages.StationOrder:
        """In the domain's words."""
        return messages.TellNeeds(
            evse=EvseId(self.evse),
            departure=self.departure,
            energy_wh=self.energy_wh,
            target_soc=self.target_soc,
            floor_soc=self.floor_soc,
            v2g=self.v2g,
        )


class SetInService(_Order, frozen=True):
    """Take an outlet out of service, or back."""

    evse: Name
    operative: bool

    def told(self) -> messages.StationOrder:
        """In the domain's words."""
        return messages.SetInService(evse=EvseId(self.evse), operative=self.operative)


Order: TypeAlias = StartCharging | StopCharging | LimitOutlet | OrderGrid | CancelGrid | TellNeeds | SetInService

Status: TypeAlias = Literal[200, 404, 409, 504]


def status_of(reply: messages.Reply) -> Status:
    """The HTTP status that says what a reply says.

    >>> status_of(messages.Reply(done=False, code="unknown-outlet"))
    404
    """
    if reply.done:
        return 200
    if reply.code.startswith("unknown-"):
        return 404
    return 504 if reply.code in {"no-answer", "unknown"} else 409
