"""What chargers report and are asked beside cars and power: software, certificates, monitoring, displays, DER, swaps.

The words of OCPP's other blocks, as ``messages`` has those of sessions and setpoints. Where the house acts on a word of
the specification it is a word here; where it only keeps it, it stays the text that the charger said. ``Json`` holds a
part as it stands on the wire, checked by the schema of the charger's version.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from voltide.domain.token import Json, Token
from voltide.domain.units import Fraction, Seconds, Watts

# --- software and logs (blocks L and N) -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FirmwareTold:
    """How far an update of the charger's software is; ``published``: of software that it passes on to others."""

    status: str
    request_id: int | None = None
    published: bool = False
    locations: tuple[str, ...] = ()
    info: str | None = None
    """Why, in one word of the charger's (2.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTold:
    """How far the upload of a log is."""

    status: str
    request_id: int | None = None
    info: str | None = None
    """Why, in one word of the charger's (2.1)."""


# --- monitoring (block N) ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in a charger's device model something is."""

    component: str
    variable: str
    evse: int | None = None
    connector: int | None = None
    component_instance: str | None = None
    variable_instance: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoredEvent:
    """One thing that a charger noticed about itself."""

    id: int
    at: datetime
    place: Place
    value: str
    trigger: str
    """Alerting, Delta or Periodic."""
    kind: str
    """HardWiredNotification, HardWiredMonitor, PreconfiguredMonitor or CustomMonitor."""
    cleared: bool = False
    severity: int | None = None
    """0 danger, 1 hardware failure … 9 debug; only 2.1 says it here."""
    monitor: int | None = None
    cause: int | None = None
    """The event that has led to this one."""
    code: str | None = None
    info: str | None = None
    transaction_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsTold:
    """What a charger noticed about itself."""

    events: tuple[MonitoredEvent, ...]
    at: datetime
    seq_no: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """A rule by which a charger watches one of its variables. ``id`` 0 in an order: the charger names it."""

    id: int
    place: Place
    kind: str
    """UpperThreshold, LowerThreshold, Delta, Periodic, PeriodicClockAligned, TargetDelta, TargetDeltaRelative."""
    value: float
    severity: int = 5
    transaction: bool = False
    source: str = "CustomMonitor"
    stream_s: Seconds | None = None
    """In an order to 2.1: send the values as a stream, so often, or so many at a time."""
    stream_values: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitorsTold:
    """A part of the list of a charger's monitors."""

    monitors: tuple[Monitor, ...]
    request_id: int
    seq_no: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamOpened:
    """A charger will send the values of a monitor as a stream, so often (s) or so many at a time."""

    id: int
    monitor: int
    interval_s: Seconds | None = None
    values: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamClosed:
    """It will not send any more."""

    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPoint:
    """One value of a stream."""

    at: datetime
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamTold:
    """Values of a stream; ``pending`` more wait. Never answered."""

    id: int
    points: tuple[StreamPoint, ...]
    pending: int = 0


# --- people: customer, display, reservation (blocks C, H, N, O) -------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerTold:
    """A part of what a charger knows of one customer."""

    request_id: int
    data: str
    seq_no: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayMessage:
    """A text on a charger's display."""

    id: int
    text: str
    priority: str = "NormalCycle"
    """AlwaysFront, InFront or NormalCycle."""
    format: str = "UTF8"
    language: str | None = None
    state: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    transaction_id: str | None = None
    evse: int | None = None
    others: tuple[Json, ...] = ()
    """The same in other languages, as the specification writes it (2.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplaysTold:
    """A part of the list of texts on a charger's display."""

    request_id: int
    messages: tuple[DisplayMessage, ...] = ()
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservationTold:
    """A reservation has ended without its car: Expired, Removed or NoTransaction."""

    id: int
    status: str


# --- money at the charger (blocks C and I) ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementTold:
    """What a payment terminal settled with its provider. ``amount`` is decimal text: money is never a float."""

    reference: str
    status: str
    """Settled, Canceled, Rejected or Failed."""
    amount: str
    at: datetime
    transaction_id: str | None = None
    info: str | None = None
    receipt_id: str | None = None
    receipt_url: str | None = None
    vat_number: str | None = None
    company: Json | None = None
    """Whose the VAT number is, as the specification writes an address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VatAsked:
    """A customer typed a VAT number at the charger: is there such a company?"""

    number: str
    evse: int | None = None


# --- power beside setpoints (blocks K, Q, R, S) -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerStep:
    """From ``offset_s`` after a schedule's start on: this power, in W; negative gives back."""

    offset_s: Seconds
    power_w: Watts | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleTold:
    """What the car itself intends to do within the limits it was given (ISO 15118)."""

    evse: int
    start: datetime
    steps: tuple[PowerStep, ...]
    duration_s: Seconds | None = None
    selected: int | None = None
    """Which of the schedules that were offered it follows (2.1)."""
    tolerant: bool | None = None
    """It has accepted the power tolerance (2.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityTold:
    """A driver has asked for priority at the charger, or it has ended."""

    transaction_id: str
    activated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfilesTold:
    """A part of the charging profiles that a charger holds, and whose they are (CSO: ours)."""

    request_id: int
    source: str
    evse: int
    profiles: tuple[Json, ...]
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DerAlarm:
    """The grid at a charger has left a band that a DER control watches, or has come back."""

    control: str
    """The kind of control, such as HFMustTrip or FreqDroop."""
    at: datetime
    fault: str | None = None
    ended: bool = False
    info: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DerStarted:
    """A DER control has begun (or ended) to act; those it replaces are named."""

    control_id: str
    started: bool
    at: datetime
    superseded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DerControl:
    """One DER control: a curve or a setting. ``body`` is the part of the specification that its kind has."""

    id: str
    kind: str
    default: bool
    body: Json
    superseded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DersTold:
    """A part of the DER controls that a charger holds; at most 24 of one shape in one part."""

    request_id: int
    controls: tuple[DerControl, ...]
    more: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """One battery in a swap."""

    evse: int
    serial: str
    soc: Fraction
    soh: Fraction
    made_at: datetime | None = None
    info: str | None = None


class SwapStep(StrEnum):
    """How far a battery swap is."""

    IN = "BatteryIn"
    OUT = "BatteryOut"
    TIMEOUT = "BatteryOutTimeout"


@dataclass(frozen=True, slots=True, kw_only=True)
class BatterySwapped:
    """A driver has put batteries in, or taken others out, or left them."""

    step: SwapStep
    request_id: int
    token: Token
    batteries: tuple[Battery, ...]


# --- certificates (blocks A and M) ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateQuery:
    """One certificate by its hashes, and where its state may be asked."""

    algorithm: str
    issuer_name_hash: str
    issuer_key_hash: str
    serial: str
    urls: tuple[str, ...] = ()
    source: str = "OCSP"


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateAsked:
    """A charger asks for its certificate to be signed."""

    csr: str
    """PEM, as the charger sent it."""
    kind: str = "ChargingStationCertificate"
    request_id: int | None = None
    root: CertificateQuery | None = None
    """Under which root it is to be signed (2.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateStatusAsked:
    """A charger asks whether a certificate has been revoked."""

    query: CertificateQuery


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainStatusAsked:
    """The same for several certificates at once (2.1)."""

    queries: tuple[CertificateQuery, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractAsked:
    """A car asks, through its charger, for a contract certificate (ISO 15118): passed on to a PKI."""

    schema: str
    action: str
    """Install or Update."""
    exi: str
    most_chains: int | None = None
    emaids: tuple[str, ...] = ()


# --- anything else (block P) ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class DataTold:
    """A vendor's own message."""

    vendor: str
    message: str | None = None
    data: object = None


ChargerReport: TypeAlias = (
    FirmwareTold
    | LogTold
    | EventsTold
    | MonitorsTold
    | StreamOpened
    | StreamClosed
    | StreamTold
    | CustomerTold
    | DisplaysTold
    | ReservationTold
    | SettlementTold
    | VatAsked
    | ScheduleTold
    | PriorityTold
    | ProfilesTold
    | DerAlarm
    | DerStarted
    | DersTold
    | BatterySwapped
    | CertificateAsked
    | CertificateStatusAsked
    | ChainStatusAsked
    | ContractAsked
    | DataTold
)


# --- what we answer to them -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Accepted or not, to: a stream, a car's schedule, a certificate request."""

    accepted: bool
    reason: str = ""
    """A reason code of the specification, where it was not."""


class NeedsVerdict(StrEnum):
    """What follows a car's needs."""

    ACCEPTED = "Accepted"
    """A schedule, at once."""
    PROCESSING = "Processing"
    """A schedule, soon."""
    NO_SCHEDULE = "NoChargingProfile"
    """No schedule: the charger's default holds. 2.0.1 has no such word and says Rejected (K15.FR.04)."""
    REJECTED = "Rejected"
    """The energy transfer that it asks for is not allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedsJudged:
    """The answer to NeedsTold."""

    verdict: NeedsVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptGiven:
    """The answer to SettlementTold."""

    receipt_id: str | None = None
    receipt_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VatVerdict:
    """The answer to VatAsked; ``company`` as the specification writes an address."""

    number: str
    valid: bool
    evse: int | None = None
    company: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateState:
    """The answer to CertificateStatusAsked: the responder's own signed answer, base64 of DER, or None."""

    ocsp: str | None = None


class Revocation(StrEnum):
    """What is known of one certificate."""

    GOOD = "Good"
    REVOKED = "Revoked"
    UNKNOWN = "Unknown"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainStates:
    """The answer to ChainStatusAsked: one state per query, in its order, and until when it holds."""

    states: tuple[tuple[Revocation, datetime], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractGiven:
    """The answer to ContractAsked; ``exi`` is the PKI's own answer."""

    accepted: bool
    exi: str = ""
    remaining: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataAnswered:
    """The answer to DataTold: Accepted, Rejected, UnknownMessageId or UnknownVendorId."""

    status: str
    data: object = None


ReportAnswer: TypeAlias = (
    Judged | NeedsJudged | ReceiptGiven | VatVerdict | CertificateState | ChainStates | ContractGiven | DataAnswered
)
