"""What a charger can be asked beside setpoints and transactions, block by block. Answers are ``OrderResult``.

What has no word here is an ``Ask`` with the specification's own body.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from voltide.domain.reports import DerControl, DisplayMessage, Monitor
from voltide.domain.token import Json, Token
from voltide.domain.units import Seconds, Watts

# --- drivers (blocks C, D, H) -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """What a token may do, for lists, caches and answers: Accepted, Blocked, Expired, Invalid, and so on."""

    token: Token
    status: str = "Accepted"
    group: str | None = None
    until: datetime | None = None
    priority: int | None = None
    """-9 … 9; 2.x only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendTokens:
    """The charger's own list of tokens: the whole list, or what has changed since; ``removed`` only in a change.

    A list that is too long for one message is said in several, whose versions end with ``version``: so leave room
    between one version and the next.
    """

    version: int
    whole: bool
    permits: tuple[Permit, ...]
    removed: tuple[Token, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AskListVersion:
    """Which version of the list does the charger have? ``detail["versionNumber"]`` says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetTokens:
    """Empty the cache of tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """Hold an outlet (0: any) for a token."""

    id: int
    evse: int
    token: Token
    until: datetime
    group: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndReservation:
    """Do not hold it any more."""

    id: int


# --- money (block I) --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TellCost:
    """The running cost of a transaction, as decimal text, for the charger's display."""

    transaction_id: str
    total: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTariff:
    """The tariff that an outlet (0: each) shows and reckons by (2.1); ``tariff`` as the specification writes it."""

    evse: int
    tariff: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeTariff:
    """Another tariff for a running transaction (2.1)."""

    transaction_id: str
    tariff: Json


# --- power beside setpoints (blocks K, Q, R, S) -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AskSchedule:
    """What does the charger itself reckon that holds at an outlet (0: in all) for so long?

    ``detail`` says ``start`` (RFC 3339), ``duration_s`` and ``steps``: each with ``offset_s`` and, where told,
    ``limit_w``, ``floor_w`` (the most given back, negative) and ``setpoint_w``.
    """

    evse: int
    duration_s: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class AskProfiles:
    """Which charging profiles does it hold? They come as ProfilesTold."""

    request_id: int
    evse: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CapCharger:
    """The whole charger never takes more than this, nor gives more back (floor, negative or 0); both None lift it."""

    ceiling_w: Watts | None
    now: datetime
    floor_w: Watts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareMode:
    """Let an outlet act by itself within a band (2.1, block Q): by the grid's frequency, a signal, or a load beside it.

    Curves are (Hz, W) and (signal, W) points, added to the baseline. They must keep to the band. A mode that cannot say
    the band (LocalLoadBalancing, ExternalLimits) is refused where the band is narrower than the outlet.
    """

    evse: int
    transaction_id: str
    mode: str
    """LocalFrequency, CentralFrequency, LocalLoadBalancing, ExternalLimits, ExternalSetpoint, Idle, ChargingOnly."""
    ceiling_w: Watts
    floor_w: Watts
    lease_s: Seconds
    now: datetime
    setpoint_w: Watts | None = None
    baseline_w: Watts | None = None
    frequency_curve: tuple[tuple[float, Watts], ...] = ()
    signal_curve: tuple[tuple[int, Watts], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SendSignal:
    """The grid's secondary-control (aFRR) signal."""

    at: datetime
    signal: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowTransfer:
    """Which directions of energy a transaction may use, such as DC and DC_BPT (block Q)."""

    transaction_id: str
    modes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsePriority:
    """Begin or end priority charging of a transaction."""

    transaction_id: str
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDer:
    """A DER control (block R)."""

    control: DerControl


@dataclass(frozen=True, slots=True, kw_only=True)
class AskDers:
    """Which DER controls are there? They come as DersTold."""

    request_id: int
    kind: str | None = None
    default: bool | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearDer:
    """Forget DER controls: one by its id, or all of a kind."""

    default: bool
    kind: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AskSwap:
    """Begin a battery swap for a token (block S)."""

    request_id: int
    token: Token


# --- the box itself (blocks A, B, L, M, N, O) -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMonitors:
    """Watch these variables."""

    monitors: tuple[Monitor, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearMonitors:
    """Do not watch by these rules any more."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskMonitors:
    """Which monitors are there? They come as MonitorsTold."""

    request_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustStream:
    """Send a stream's values so often (s), or so many at a time (2.1)."""

    id: int
    interval_s: Seconds | None = None
    values: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """Put a text on the display."""

    message: DisplayMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Hide:
    """Take a text off the display."""

    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AskDisplays:
    """Which texts are on the display? They come as DisplaysTold."""

    request_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AskLog:
    """Upload a log: DiagnosticsLog, SecurityLog or DataCollectorLog."""

    request_id: int
    location: str
    kind: str = "DiagnosticsLog"
    oldest: datetime | None = None
    latest: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateSoftware:
    """Load and install software. Only a release that two people have approved is ever said; see ``security``."""

    request_id: int
    location: str
    retrieve_at: datetime
    install_at: datetime | None = None
    certificate: str | None = None
    signature: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveCertificate:
    """The signed chain (PEM) that a CertificateAsked has led to."""

    chain: str
    kind: str = "ChargingStationCertificate"
    request_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallRoot:
    """Trust a root certificate (PEM); ``kind`` as in 2.x: CSMSRootCertificate, and so on."""

    kind: str
    certificate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AskRoots:
    """Which certificates are installed? ``detail`` lists their hashes."""

    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveRoot:
    """Forget a certificate by its hashes, as ``AskRoots`` gave them."""

    hashes: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSecret:
    """A new password. Only once the charger has taken it is the old one dead."""

    secret: str


ChargerRequest: TypeAlias = (
    SendTokens
    | AskListVersion
    | ForgetTokens
    | Reserve
    | EndReservation
    | TellCost
    | SetTariff
    | ChangeTariff
    | AskSchedule
    | AskProfiles
    | CapCharger
    | ShareMode
    | SendSignal
    | AllowTransfer
    | UsePriority
    | SetDer
    | AskDers
    | ClearDer
    | AskSwap
    | SetMonitors
    | ClearMonitors
    | AskMonitors
    | AdjustStream
    | Show
    | Hide
    | AskDisplays
    | AskLog
    | UpdateSoftware
    | GiveCertificate
    | InstallRoot
    | AskRoots
    | RemoveRoot
    | ChangeSecret
)
