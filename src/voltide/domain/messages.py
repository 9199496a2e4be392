"""Every fact and order that crosses a door or the bus, on one page; OCPP's other blocks in ``reports``, ``requests``.

Facts are past participles, orders are imperatives. A fact has one dataclass: it is used on the bus, in the store and
in the code. Charger-side times are the charger's own; ``received_at`` is stored beside them, never in place of them.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from voltide.domain.reports import (
    CertificateQuery,
    ChargerReport,
    DerControl,
    DisplayMessage,
    PowerStep,
    ReportAnswer,
)
from voltide.domain.requests import ChargerRequest, Permit
from voltide.domain.site import ChargerId, EvseId, StationId
from voltide.domain.token import Json as Json  # noqa: PLC0414 - a word of this page, too
from voltide.domain.token import Token as Token  # noqa: PLC0414 - likewise
from voltide.domain.units import Fraction, Seconds, Volts, WattHours, Watts

# --- what a charger tells ---------------------------------------------------------------------------------------------


class Boot(StrEnum):
    """Our verdict on a charger that starts."""

    ACCEPTED = "Accepted"
    PENDING = "Pending"
    REJECTED = "Rejected"


class OutletState(StrEnum):
    """What a connector says of itself, in the words of OCPP 2; 1.6's finer words are turned at its door."""

    AVAILABLE = "Available"
    OCCUPIED = "Occupied"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"


class Flow(StrEnum):
    """What a transaction says of its power; the sign of the power tells charging from discharging."""

    CONNECTED = "EVConnected"
    FLOWING = "Charging"
    SUSPENDED_BY_CAR = "SuspendedEV"
    SUSPENDED_BY_STATION = "SuspendedEVSE"
    IDLE = "Idle"


class Moment(StrEnum):
    """Which part of a transaction's life an event tells."""

    STARTED = "Started"
    UPDATED = "Updated"
    ENDED = "Ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What a charger's meter read at one instant. Absent is None, never 0."""

    at: datetime
    import_wh: WattHours | None = None
    """The register of energy into the car; rises for ever unless the meter is reset."""
    export_wh: WattHours | None = None
    """The register of energy taken back from the car."""
    power_w: Watts | None = None
    """Positive into the car, negative back to the grid."""
    soc: Fraction | None = None
    voltage_v: Volts | None = None
    context: str = "Sample.Periodic"
    """OCPP's reading context: Transaction.Begin and Transaction.End mark the registers that count."""
    signed: str | None = None
    """The signed value as the meter gave it, kept verbatim."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Booted:
    """A charger has started, or says who it is."""

    vendor: str
    model: str
    serial: str | None = None
    firmware: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartBeaten:
    """A charger asks what time it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutletReported:
    """A connector's state has changed. ``evse`` 0 is the charger itself."""

    evse: int
    connector: int
    state: OutletState
    at: datetime | None = None
    error: str | None = None
    flow: Flow | None = None
    """1.6 tells the flow of power by the connector's status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorisationAsked:
    """A charger asks whether a token may charge."""

    token: Token
    certificate: str | None = None
    """The contract certificate (PEM) of a car that pays by itself, when the charger could not judge it."""
    queries: tuple[CertificateQuery, ...] = ()
    """The hashes of its chain, to be judged by OCSP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionTold:
    """One event of one transaction; 1.6's Start, MeterValues and Stop are told as such events too."""

    moment: Moment
    transaction_id: str | None
    """None only in a 1.6 start, which asks us for one."""
    at: datetime
    evse: int | None = None
    connector: int | None = None
    seq_no: int | None = None
    """2.x only: rises by one within a transaction."""
    offline: bool = False
    trigger: str | None = None
    flow: Flow | None = None
    token: Token | None = None
    remote_start_id: int | None = None
    stopped_reason: str | None = None
    samples: tuple[Sample, ...] = ()
    asks_token: bool = False
    """The answer must say whether the token is valid."""
    reservation_id: int | None = None
    """The reservation that it uses up."""
    mode: str | None = None
    """2.1: the mode of operation it has now, such as CentralSetpoint."""
    tariff: str | None = None
    """2.1: the id of the tariff that the charger reckons by."""
    cost: Json | None = None
    """2.1: what the charger has reckoned, as the specification writes it; never the bill."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """Meter values outside a transaction (or of a 1.6 transaction: then the transaction is named)."""

    evse: int
    samples: tuple[Sample, ...]
    transaction_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsTold:
    """What the car and its driver want of this stay. Absent is None."""

    evse: int
    at: datetime | None = None
    departure: datetime | None = None
    energy_wh: WattHours | None = None
    """Still wanted by departure, into the battery."""
    soc: Fraction | None = None
    target_soc: Fraction | None = None
    capacity_wh: WattHours | None = None
    charge_w: Watts | None = None
    """The most the car takes."""
    discharge_w: Watts | None = None
    """The most the car gives back, as a positive number; None or 0: it will not."""
    floor_wh: WattHours | None = None
    """The energy that the battery must keep, whatever is given back."""
    floor_soc: Fraction | None = None
    """The same as a state of charge, where the capacity is not known."""
    v2x: bool = False
    """The car asked for a bidirectional energy transfer."""
    mode: str | None = None
    """The energy transfer it asked for, such as DC_BPT."""
    modes: tuple[str, ...] = ()
    """Those that it could do besides (2.1)."""
    control: str | None = None
    """ScheduledControl or DynamicControl (2.1, ISO 15118-20)."""
    most_schedules: int | None = None
    """How many points a schedule may have for this car (ISO 15118)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable of a charger's device model (or, in 1.6, one configuration key as component "")."""

    component: str
    name: str
    value: str | None
    evse: int | None = None
    instance: str | None = None
    writable: bool = True
    status: str = "Accepted"
    connector: int | None = None
    component_instance: str | None = None
    unit: str | None = None
    """What a report says of the variable itself; None where it says nothing."""
    kind: str | None = None
    """string, decimal, integer, dateTime, boolean, OptionList, SequenceList or MemberList."""
    lowest: float | None = None
    highest: float | None = None
    """Of an outlet's Power: the most it can do."""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VariablesTold:
    """A part of a charger's report on itself."""

    variables: tuple[Variable, ...]
    request_id: int | None = None
    seq_no: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityTold:
    """A security event of the charger."""

    kind: str
    at: datetime
    info: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitTold:
    """Someone else than us (its ``source``) limits the charger, or no longer does: ``limit_w`` None, not ``unsaid``."""

    source: str
    evse: int | None = None
    limit_w: Watts | None = None
    """What holds now."""
    floor_w: Watts | None = None
    """2.1: the most that may be given back now, negative or 0."""
    unsaid: bool = False
    """There is a limit, but the charger does not say how much may be taken."""
    start: datetime | None = None
    """When the first of ``steps`` begins; None: at once."""
    steps: tuple[PowerStep, ...] = ()
    """The whole schedule of limits, where there is more than one."""
    grid_critical: bool = False
    local_generation: bool = False
    """2.1: no limit but so much more capacity, from a source beside the charger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetpointPulled:
    """A 2.1 charger asks for the present value of a dynamic profile."""

    profile_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Any other message: stored as it came, and answered as the specification says."""

    action: str
    payload: Json


ChargerFact: TypeAlias = (
    Booted
    | HeartBeaten
    | OutletReported
    | AuthorisationAsked
    | TransactionTold
    | Metered
    | NeedsTold
    | VariablesTold
    | SecurityTold
    | LimitTold
    | SetpointPulled
    | Told
    | ChargerReport
)


# --- what we answer a charger -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """The answer to Booted."""

    verdict: Boot
    now: datetime
    interval_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """The answer to HeartBeaten."""

    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenVerdict:
    """The answer to AuthorisationAsked, and part of the answer to a transaction's start."""

    valid: bool
    status: str = ""
    """Accepted, Blocked, Expired, Invalid or ConcurrentTx, as all versions spell them; empty: as ``valid`` says."""
    group: str | None = None
    """Whoever holds a token of the same group may end what this one has begun."""
    until: datetime | None = None
    """How long a charger may go by it from its cache."""
    priority: int | None = None
    """-9 … 9; 2.x only."""
    modes: tuple[str, ...] = ()
    """2.1: the energy transfers that are allowed, such as DC and DC_BPT; none named: not yet decided."""
    tariff: Json | None = None
    """2.1: the driver's own tariff, as the specification writes it."""
    certificate: str | None = None
    """What is thought of the contract certificate: Accepted, CertificateExpired, CertificateRevoked …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionNoted:
    """The answer to TransactionTold."""

    transaction_id: str
    token: TokenVerdict | None = None
    cost: str | None = None
    """What it comes to so far (or in the end), as decimal text; 2.x only."""
    priority: int | None = None
    """-9 … 9; 2.x only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetpointGiven:
    """The answer to SetpointPulled; None when there is no such profile."""

    power_w: Watts | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """Heard, kept, nothing more to say."""


ChargerAnswer: TypeAlias = Welcome | Time | TokenVerdict | TransactionNoted | SetpointGiven | Noted | ReportAnswer


# --- what we order a charger ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplySetpoint:
    """Take at most (or, when negative, give back) this power, until the lease runs out."""

    evse: int
    transaction_id: str
    power_w: Watts
    lease_s: Seconds
    now: datetime
    ceiling_w: Watts
    """The most the outlet may ever take while this profile stands (2.1: the limit around a dynamic setpoint)."""
    floor_w: Watts = 0.0
    """The most it may ever give back, as a negative number or 0."""
    fresh: bool = True
    """The whole profile (True), or only a new value in a dynamic profile that the charger has accepted (False)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyFallback:
    """What the outlet falls back to when no setpoint is in force (TxDefaultProfile). ``evse`` 0: each outlet."""

    evse: int
    power_w: Watts
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearSetpoint:
    """Forget the setpoint of an outlet; the fallback stays."""

    evse: int
    transaction_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTransaction:
    """Start charging at an outlet for a token."""

    evse: int
    token: Token
    remote_start_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StopTransaction:
    """End a transaction."""

    transaction_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeAvailability:
    """Take an outlet (0: the whole charger) into or out of service."""

    evse: int
    operative: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """Restart the charger, at once or when its transactions have ended."""

    immediate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """Ask for a message now, e.g. "StatusNotification" or "MeterValues"."""

    message: str
    evse: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlock:
    """Release a stuck plug."""

    evse: int
    connector: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SetVariables:
    """Write variables of the device model, or 1.6 configuration keys."""

    variables: tuple[Variable, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GetVariables:
    """Read variables of the device model, or 1.6 configuration keys; 1.6: none named means all."""

    variables: tuple[Variable, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class GetReport:
    """Ask for the whole device model; the answer comes as VariablesTold."""

    request_id: int
    base: str = "FullInventory"


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTransactionStatus:
    """Ask whether a transaction goes on, or messages about it still wait (2.x)."""

    transaction_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Any other call, as its action and payload stand in the specification."""

    action: str
    payload: Json


ChargerOrder: TypeAlias = (
    ApplySetpoint
    | ApplyFallback
    | ClearSetpoint
    | StartTransaction
    | StopTransaction
    | ChangeAvailability
    | Reset
    | Trigger
    | Unlock
    | SetVariables
    | GetVariables
    | GetReport
    | GetTransactionStatus
    | Ask
    | ChargerRequest
)


# --- what a charger answers to an order -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The charger does it. ``detail`` holds what else the answer said."""

    detail: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The charger does not do it, and says why in one word of the specification."""

    reason: str
    detail: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """No answer in time, or the line was lost: it may have been done or not, and must be read again."""

    reason: str


OrderResult: TypeAlias = Accepted | Refused | Unknown


# --- what people and the network order a station ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class StartCharging:
    """An operator or driver starts an outlet."""

    evse: EvseId
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopCharging:
    """An operator or driver ends an outlet's session."""

    evse: EvseId


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitOutlet:
    """An operator holds an outlet at or under a power; None lifts the limit."""

    evse: EvseId
    limit_w: Watts | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderGrid:
    """Give back (negative) or take (positive) this power at the bidirectional outlets from start to end."""

    id: str
    start: datetime
    end: datetime
    power_w: Watts


@dataclass(frozen=True, slots=True, kw_only=True)
class AskOffer:
    """What could the bidirectional outlets promise to give back throughout a window? Nothing is ordered by it."""

    since: datetime
    until: datetime
    pay: float
    """Yuan per kWh delivered, above what giving it costs."""
    penalty: float
    """Yuan per kWh short, beside the pay that is lost."""
    most_at_risk: float | None = None
    """Yuan: the most that what is short may cost on the mean over the worst tenth of the days; None: any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelGrid:
    """Withdraw a grid order."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TellNeeds:
    """A driver says, beside the charger, when to leave and with how much."""

    evse: EvseId
    departure: datetime | None = None
    energy_wh: WattHours | None = None
    target_soc: Fraction | None = None
    floor_soc: Fraction | None = None
    v2g: bool | None = None
    soc: Fraction | None = None
    """What the car's own display or app says; None leaves it to the charger."""
    capacity_wh: WattHours | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetInService:
    """Take an outlet out of service, or back."""

    evse: EvseId
    operative: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class GivePriority:
    """Serve an outlet's session before others, within every limit; or as others again."""

    evse: EvseId
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareOutlet:
    """Let an outlet act by itself between floor and ceiling for so long (V2X, block Q): by frequency, signal or load.

    Granted only where every limit holds with the outlet anywhere in its band. ``curve`` points are (Hz, W) for
    LocalFrequency and CentralFrequency; ``signal_curve`` points are (aFRR signal, W).
    """

    evse: EvseId
    mode: str
    ceiling_w: Watts
    floor_w: Watts
    seconds: Seconds
    setpoint_w: Watts | None = None
    baseline_w: Watts | None = None
    frequency_curve: tuple[tuple[float, Watts], ...] = ()
    signal_curve: tuple[tuple[int, Watts], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EndShare:
    """Take an outlet back under the station's own setpoints."""

    evse: EvseId


@dataclass(frozen=True, slots=True, kw_only=True)
class TellSignal:
    """The grid's secondary-control (aFRR) signal, for every outlet that follows it."""

    signal: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PutPermit:
    """A token's place in the station's book: new, or instead of what stood there."""

    permit: Permit


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveOutlet:
    """Hold an outlet for a token; the reply's detail is the reservation's number."""

    evse: EvseId
    token: Token
    until: datetime
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelReservation:
    """Hold it no longer."""

    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PutDer:
    """A DER control that every capable charger of the station shall have."""

    control: DerControl


@dataclass(frozen=True, slots=True, kw_only=True)
class DropDer:
    """It is not wanted any more."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowText:
    """A text that every display of the station shall show, such as the price of the hour."""

    message: DisplayMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class HideText:
    """Take it off every display."""

    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCharger:
    """Call a charger as its specification writes it. What would loosen a limit is refused; see station/operations."""

    charger: ChargerId
    action: str
    payload: Json


StationOrder: TypeAlias = (
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
    | CallCharger
)


class Outcome(StrEnum):
    """What came of a call to a charger."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """By the charger, or by the station before it was said: then ``reason`` is a sentence."""
    UNKNOWN = "unknown"
    """No answer in time: it may have been done or not."""
    INVALID = "invalid"
    """The body does not fit the charger's version; ``reason`` names the place."""
    NO_CHARGER = "no-charger"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """What came of CallCharger."""

    outcome: Outcome
    reason: str = ""
    answer: Json = field(default_factory=dict)
    """What the charger answered, as its specification writes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came of a station order: done or not, and one sentence in the words of the person who asked."""

    done: bool
    code: str
    """A word for the page's catalogue, such as "accepted", "refused", "no-car", "unknown-outlet"."""
    detail: str = ""


# --- what a station tells ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargerSeen:
    """A charger came online or went."""

    station: StationId
    charger: ChargerId
    online: bool
    at: datetime
    version: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionChanged:
    """A session took a step in its life."""

    station: StationId
    session: str
    evse: EvseId
    phase: str
    at: datetime
    imported_wh: WattHours = 0.0
    exported_wh: WattHours = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRaised:
    """Something needs a person; ``code`` is a word of the page's catalogue, which also says what to do."""

    station: StationId
    code: str
    subject: str
    at: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmCleared:
    """What was raised is over."""

    station: StationId
    code: str
    subject: str
    at: datetime


StationFact: TypeAlias = ChargerSeen | SessionChanged | AlarmRaised | AlarmCleared
