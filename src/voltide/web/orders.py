"""What a page may order, checked at the edge: one tagged record per order, named as in the domain."""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta

from voltide.domain import messages
from voltide.domain.reports import DerControl, DisplayMessage
from voltide.domain.requests import Permit
from voltide.domain.site import EvseId
from voltide.domain.token import Token

Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
NotNegative: TypeAlias = Annotated[float, Meta(ge=0, le=1e9)]
Power: TypeAlias = Annotated[float, Meta(ge=-1e9, le=1e9)]
OrderId: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}\Z")]
Card: TypeAlias = Annotated[str, Meta(min_length=1, max_length=36, pattern=r"^[^\x00-\x1f\x7f]+\Z")]
Kind: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z0-9]{1,20}\Z")]
Number: TypeAlias = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Hertz: TypeAlias = Annotated[float, Meta(ge=0, le=1000)]
Signal: TypeAlias = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]


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


# --- beside power: drivers, displays, the grid ------------------------------------------------------------------------


class GivePriority(_Order, frozen=True):
    """Serve an outlet's session before others, within every limit; or as others again."""

    evse: Name
    active: bool

    def told(self) -> messages.StationOrder:
        """In the domain's words."""
        return messages.GivePriority(evse=EvseId(self.evse), active=self.active)


class ShareOutlet(_Order, frozen=True):
    """Let an outlet act by itself between a floor and a ceiling, in W, for so many seconds (V2X).

    Curves are points of (Hz, W) and of (aFRR signal, W), added to the baseline.
    """

    evse: Name
    mode: Literal[
        "CentralFrequency", "ExternalLimits", "ExternalSetpoint", "Idle", "LocalFrequency", "LocalLoadBalancing"
    ]
    ceiling_w: NotNegative
    floor_w: Annotated[float, Meta(ge=-1e9, le=0)]
    seconds: Annotated[float, Meta(gt=0, le=86_400)]
    setpoint_w: Power | None = None
    baseline_w: Power | None = None
    frequency_curve: Annotated[list[tuple[Hertz, Power]], Meta(max_length=20)] = []
    signal_curve: Annotated[list[tuple[Signal, Power]], Meta(max_length=20)] = []

    def told(self) -> messages.StationOrder:
        """In the domain's words."""
        return messages.ShareOutlet(
            evse=EvseId(self.evse),
            mode=self.mode,
            ceiling_w=self.ceiling_w,
            floor_w=self.floor_w,
            seconds=self.seconds,
            setpoint_w=self.setpoint_w,
            baseline_w=self.baseline_w,
            frequency_curve=tuple(self.frequency_curve),
            signal_curve=tuple(self.signal_curve),
        )


class EndShare(_Order, frozen=True):
    """Take an outlet back under the station's own setpoints."""

    evse: Name

    def told(self) -> messages.StationOrder:
        """In the domain's words."""
        return messages.EndShare(evse=EvseId(self.evse))


class TellSignal(_Order, frozen=True):
    """The grid's secondary-control (aFRR) signal, for every outlet that follows it."""

    signal: Signal

    def told(self) -> messages.StationOrder:
        """In the domain's words."""
        return messages.TellSignal(signal=self.signal)


class PutPermit(_Order, frozen=True):
    """A token's line in the station's book: new, or instead of what stood there."""

    token: Card
    kind: Kind = "ISO14443"
    status: Literal["Accepted", "Blocked", "Expired", "Invalid"] = "Accepted"
    group: Card | None = None
    until: Moment | None = None
    priority: Annotated[int, Meta(ge=-9, le=9)] | None = None

    def told(self) -> messages.StationOrder:
        """In the domain's words."""
        permit = Permit(
            token=Token(id=self.token, kind=self.kind),
            status=self.status,
            group=self.group,
            until=self.until,
            priority=self.priority,
        )
        return messages.PutPermit(permit=permit)


class ReserveOutlet(_Order, frozen=True):
    """Hold an outlet for a token, a day at most; the reply's detail is the reservation's number."""

    evse: Name
    token: Card
    until: Moment
    kind: Kind = "ISO14443"
    group: Card | None = None

    def told(self) -> messages.StationOrder:
        """In the domain's words."""
        token = Token(id=self.token, kind=self.kind)
        return messages.ReserveOutlet(evse=EvseId(self.evse), token=token, until=self.until, group=self.group)


class CancelReservation(_Order, frozen=True):
    """Hold it no longer."""

    id: Number

    def told(self) -> messages.StationOrder:
        """In the domain's words."""
        return messages.CancelReservation(id=self.id)


class PutDer(_Order, frozen=True):
    """A DER control for every capable charger; ``body`` is the part of OCPP's SetDERControl that its kind has."""

    id: OrderId
    kind: Kind
    body: dict[str, Any]
    default: bool = True

    def told(self) -> messages.StationOrder:
        """In the domain's words."""
        return messages.PutDer(control=DerControl(id=self.id, kind=self.kind, default=self.default, body=self.body))


class DropDer(_Order, frozen=True):
    """It is not wanted any more."""

    id: OrderId

    def told(self) -> messages.StationOrder:
        """In the domain's words."""
        return messages.DropDer(id=self.id)


class ShowText(_Order, frozen=True):
    """A text for every display of the station."""

    id: Number
    text: Annotated[str, Meta(min_length=1, max_length=512)]
    language: Annotated[str, Meta(max_length=8)] | None = None
    priority: Literal["AlwaysFront", "InFront", "NormalCycle"] = "NormalCycle"
    end: Moment | None = None

    def told(self) -> messages.StationOrder:
        """In the domain's words."""
        text = DisplayMessage(id=self.id, text=self.text, language=self.language, priority=self.priority, end=self.end)
        return messages.ShowText(message=text)


class HideText(_Order, frozen=True):
    """Take it off every display."""

    id: Number

    def told(self) -> messages.StationOrder:
        """In the domain's words."""
        return messages.HideText(id=self.id)


Order: TypeAlias = (
    StartCharging
    | StopCharging
    | LimitOutlet
    | OrderGrid
    | CancelGrid
    | TellNeeds
    | SetInService
    | GivePriority
    | ShareOutlet
    | EndShare
    | TellSignal
    | PutPermit
    | ReserveOutlet
    | CancelReservation
    | PutDer
    | DropDer
    | ShowText
    | HideText
)

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
