"""A charger's dossier: who it says it is, whether it may stay, what it was found to be, and how far its welcome is.

A newcomer is a charger that nobody has announced. Its dossier is all that is kept of it until an operator has accepted
it; after that the dossier also holds its outlets as the station reckons with them.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from voltide.domain.picture import EventPicture
from voltide.domain.site import Charger, ChargerId, Evse, EvseId, Node, NodeId, OcppVersion, V2g
from voltide.domain.units import Watts


class Standing(StrEnum):
    """What the operator has said of a charger."""

    PENDING = "pending"
    """Nothing yet."""
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    AWAY = "away"
    """It was accepted, and has been taken off the station; it leaves the arithmetic with the next start."""


class Shield(StrEnum):
    """What keeps others from coming in under a charger's name."""

    GIVEN = "given"
    """A secret that we made."""
    OWN = "own"
    """The secret that it came with, 16 characters or more."""
    NONE = "none"
    """Nothing worth the name: none, or a short one."""
    ANNOUNCED = "announced"
    """Its secret was made beforehand, by ``voltide charger add``."""


class Progress(StrEnum):
    """How far one step of a welcome is."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"
    """It will be tried again."""
    SKIPPED = "skipped"
    """The charger has no such thing, or does not need it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WelcomeStep:
    """One thing that a charger is told or asked when it joins."""

    name: str
    """A word of the page's catalogue: read, fallback, metering, line, secret, boot, status."""
    progress: Progress = Progress.WAITING
    detail: str = ""
    """What was refused, and in which words."""
    at: datetime | None = None
    tries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Nameplate:
    """Who a charger says it is. None of it is proved."""

    vendor: str = ""
    model: str = ""
    serial: str = ""
    firmware: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plate:
    """One outlet as its charger describes it."""

    number: int
    charge_w: Watts
    discharge_w: Watts = 0.0
    connectors: int = 1
    phases: int | None = None
    """How many supply phases; None: not said."""
    assumed: tuple[str, ...] = ()
    """Which of the figures the charger did not say: ``charge_w``, ``discharge_w``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pile:
    """A charger as the station reckons with it."""

    plates: tuple[Plate, ...]
    fallback_w: Watts
    """Of each outlet, at most its ``charge_w``."""
    v2g: V2g = V2g.NONE
    amperes: bool = False
    steered: bool = True
    """It takes charging profiles. One that does not is reckoned with at its full power, always."""

    def charger(self, identity: ChargerId) -> Charger:
        """As a charger of the station."""
        evses = tuple(
            Evse(
                id=EvseId(f"{identity}-{plate.number}"),
                charger=identity,
                number=plate.number,
                charge_w=plate.charge_w,
                discharge_w=plate.discharge_w if self.v2g is not V2g.NONE else 0.0,
                fallback_w=min(self.fallback_w, plate.charge_w) if self.steered else plate.charge_w,
            )
            for plate in self.plates
        )
        return Charger(id=identity, evses=evses, v2g=self.v2g, amperes=self.amperes)


def node_of(charger: Charger, parent: NodeId) -> Node:
    """The node of the tree that a newcomer's outlets hang on; its limits are what the outlets can do together."""
    return Node(
        id=NodeId(charger.id),
        kind="pile",
        parent=parent,
        import_w=sum(evse.charge_w for evse in charger.evses),
        export_w=sum(evse.discharge_w for evse in charger.evses),
        evses=tuple(evse.id for evse in charger.evses),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """All that is kept of one charger beside its secret and what it measures."""

    charger: ChargerId
    standing: Standing
    since: datetime
    """When it was first seen."""
    name: str = ""
    """What the operator calls it."""
    plate: Nameplate = field(default_factory=Nameplate)
    version: OcppVersion | None = None
    profile: int = 1
    """The security profile of the line it came on."""
    address: str = ""
    pile: Pile | None = None
    """What it was found to be; None: not read yet, or the station's file says it."""
    read_of: str = ""
    """Model and firmware whose device model was read last."""
    shield: Shield = Shield.ANNOUNCED
    quirks: tuple[str, ...] = ()
    """The quirk files that fit it."""
    steps: tuple[WelcomeStep, ...] = ()
    safe: bool = False
    """It has taken its safe power at least once. Until then the worst that it may do is its full power."""

    @property
    def ready(self) -> bool:
        """Whether it takes part: its safe power is settled, and it has been let in."""
        settled = {step.name for step in self.steps if step.progress in {Progress.DONE, Progress.SKIPPED}}
        return self.standing is Standing.ACCEPTED and {"fallback", "boot"} <= settled


# --- what a page orders -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenToNewcomers:
    """Let unknown chargers come in and wait, for so many minutes; 0 shuts the door."""

    minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptCharger:
    """A newcomer becomes part of the station under this name."""

    charger: ChargerId
    name: str
    seen: str
    """The mark of what the operator has seen of it: another charger under the same identity has another mark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefuseCharger:
    """A newcomer must go, and stays out."""

    charger: ChargerId


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetCharger:
    """A refused charger may knock again; one that was accepted is taken off the station."""

    charger: ChargerId


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameCharger:
    """Call a charger something else."""

    charger: ChargerId
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartCharger:
    """Restart a charger when its sessions have ended, or at once."""

    charger: ChargerId
    immediate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AskStatus:
    """Let a charger tell the state of each outlet anew."""

    charger: ChargerId


CareOrder: TypeAlias = (
    OpenToNewcomers | AcceptCharger | RefuseCharger | ForgetCharger | RenameCharger | RestartCharger | AskStatus
)
"""What a page orders about chargers themselves."""


# --- what a page shows ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAtChargers:
    """Ask for the chargers: all of them in brief, or one in full."""

    charger: ChargerId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargerRow:
    """One line of the list."""

    id: ChargerId
    name: str
    standing: Standing
    online: bool
    ready: bool
    joined: bool
    """It was accepted here; the others stand in the station's file."""
    vendor: str
    model: str
    serial: str
    firmware: str
    version: str
    address: str
    since: datetime
    shield: Shield
    outlets: tuple[Plate, ...]
    v2g: bool
    steered: bool
    reading: bool
    """Its device model is being read; it can be accepted when that is done."""
    mark: str
    """Of what is shown of it; goes back with AcceptCharger."""
    done: int
    """Steps of its welcome that are settled, of ``steps``."""
    steps: int
    doing: str = ""
    """The step that is under way or waits; empty: none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doorway:
    """One listener of the charger door; a charger dials its address with its own identity behind it."""

    profile: int
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargersPicture:
    """The list, and whether the door stands open to newcomers."""

    at: datetime
    open_until: datetime | None
    always_open: bool
    """The station's file says so."""
    doors: tuple[Doorway, ...]
    """Where a charger dials."""
    newcomers: tuple[ChargerRow, ...]
    chargers: tuple[ChargerRow, ...]
    refused: tuple[ChargerRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Oddity:
    """A way in which a charger departs from the standard, and how often it did since the start."""

    kind: str
    count: int
    example: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargerPicture:
    """One charger in full."""

    at: datetime
    row: ChargerRow
    profile: int
    steps: tuple[WelcomeStep, ...]
    quirks: tuple[str, ...]
    oddities: tuple[Oddity, ...]
    events: tuple[EventPicture, ...]
