"""The charging profiles that a charger keeps, and what they come to now."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from voltide.domain.messages import Json
from voltide.domain.site import OcppVersion, V2g
from voltide.domain.units import Seconds
from voltide.ocpp.composite import Composition
from voltide.ocpp.installed import back_online, install
from voltide.ocpp.profile_rules import Abilities, Feature
from voltide.ocpp.schedule import Kind, Mode, Period, Phased, Profile, Purpose, Schedule, Unit
from voltide.ocpp.timeline import EvseNow, StationNow
from voltide.twin.bay import Bay
from voltide.twin.blocks.block import Box
from voltide.twin.variables import Name

MOST = 50
"""So many profiles there is room for."""
_PERIODS: Name = ("SmartChargingCtrlr", "PeriodsPerSchedule", "")
_LEVELS: Name = ("SmartChargingCtrlr", "ProfileStackLevel", "")
_UNITS: Name = ("SmartChargingCtrlr", "RateUnit", "")
_IGNORED: Name = ("SmartChargingCtrlr", "IgnoredProfilePurposesOffline", "")
_ADDED: Name = ("SmartChargingCtrlr", "SupportedAdditionalPurposes", "")
_OWN_IDS: Name = ("SmartChargingCtrlr", "MaxExternalConstraintsId", "")
_MODES: Name = ("V2XChargingCtrlr", "SupportedOperationModes", "")
_V2X: Name = ("V2XChargingCtrlr", "Enabled", "")
_FEATURES = frozenset(
    {
        Feature.DYNAMIC_PROFILES,
        Feature.MAX_OFFLINE_DURATION,
        Feature.USE_LOCAL_TIME,
        Feature.RANDOMIZED_DELAY,
        Feature.LIMIT_AT_SOC,
    }
)
_BELOW = -1
"""The stack level of what the maker built in; no station's reaches below it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A profile with its body as the wire has it."""

    profile: Profile
    body: Json


class Shelf:
    """Profiles in the order in which they came."""

    def __init__(self, box: Box) -> None:
        self._box = box
        self._bodies: dict[int, Json] = {}
        self.profiles: tuple[Profile, ...] = ()
        self.priority: set[int] = set()
        """Outlets where priority charging is on."""
        self.choice: dict[int, int] = {}
        """Which of several schedules the car has chosen, by outlet."""
        self._composition: Composition | None = None
        self._seen: object = None
        self._lost: datetime | None = None

    # --- what is kept ---

    def entries(self) -> list[Entry]:
        """All of them."""
        return [Entry(one, self._bodies[one.id]) for one in self.profiles]

    def put(self, entry: Entry) -> None:
        """Install; the same id is replaced."""
        self.keep(install(self.profiles, entry.profile, self._box.version))
        self._bodies[entry.profile.id] = entry.body

    def keep(self, profiles: Iterable[Profile]) -> None:
        """Only these from now on."""
        self.profiles = tuple(profiles)
        self._bodies = {one.id: self._bodies[one.id] for one in self.profiles if one.id in self._bodies}
        self._composition = None

    def find(self, number: int) -> Entry | None:
        """One by its id."""
        return next((one for one in self.entries() if one.profile.id == number), None)

    @property
    def by_charge(self) -> bool:
        """Whether a limit depends on a car's state of charge."""
        return any(one.limit_at_soc is not None for profile in self.profiles for one in profile.schedules)

    @property
    def shared(self) -> bool:
        """Whether something holds for all outlets together."""
        return any(one.evse == 0 and one.purpose in {Purpose.STATION_MAX, Purpose.EXTERNAL} for one in self.profiles)

    # --- what it comes to ---

    def composition(self) -> Composition:
        """All profiles, ready to be asked; made anew when something has changed."""
        self._line()
        seen = (self._lost, tuple(self.priority), *(bay.transaction and self._id(bay) for bay in self._bays()))
        if self._composition is None or seen != self._seen or self.by_charge:
            self._seen = seen
            self._composition = self.compose(self.profiles)
        return self._composition

    def compose(self, profiles: Iterable[Profile]) -> Composition:
        """The same for other profiles, with what the maker built in below them."""
        return Composition(self.with_built_in(profiles), self.station())

    def with_built_in(self, profiles: Iterable[Profile]) -> tuple[Profile, ...]:
        """Profiles and, below all, the maker's own fallbacks."""
        return (*profiles, *map(_built_in, self._bays()))

    def station(self) -> StationNow:
        """What the rules need to know of the charger now."""
        ignored = self._box.variables.several(_IGNORED)
        return StationNow(
            evses=tuple(self._evse(bay) for bay in self._bays()),
            offline_since=self._lost,
            ignored_offline=frozenset(Purpose(one) for one in ignored),
        )

    def _evse(self, bay: Bay) -> EvseNow:
        evse, car = bay.outlet.evse, bay.outlet.car
        running = bay.transaction is not None
        return EvseNow(
            number=bay.number,
            default_w=evse.charge_w,
            default_discharge_w=-evse.discharge_w,
            direct=not self._box.charger.amperes,
            transaction=self._id(bay),
            started=bay.began if running else None,
            priority=bay.number in self.priority,
            soc=None if car is None else car.soc,
            choice=self.choice.get(bay.number, 0),
        )

    def _bays(self) -> Iterable[Bay]:
        return self._box.bays.values()

    def _id(self, bay: Bay) -> str | None:
        return self._box.known_id(bay.transaction)

    def _line(self) -> None:
        """A line that is lost or found again ends profiles, or lets them live."""
        since = self._box.alone_since
        now = self._box.clock.now()
        if since is None and self._lost is not None:
            self.keep(back_online(self.profiles, self._lost, now))
            self._lost = None
        elif since is not None and self._lost is None:
            away: Seconds = self._box.clock.monotonic() - since
            self._lost = now - timedelta(seconds=away)
            self._composition = None

    def abilities(self) -> Abilities:
        """What the charger lets in."""
        box, new = self._box, self._box.version is OcppVersion.V21
        both = box.charger.v2g is V2g.DYNAMIC and box.variables.flag(_V2X)
        units = {"Current": "A", "Power": "W"}
        return Abilities(
            version=box.version,
            units=frozenset(Unit(units.get(one, one)) for one in box.variables.several(_UNITS)),
            features=_FEATURES if new else frozenset(),
            modes=frozenset(map(Mode, box.variables.several(_MODES))) if both else frozenset({Mode.IDLE}),
            purposes=frozenset(map(Purpose, box.variables.several(_ADDED))),
            most_profiles=MOST,
            most_periods=box.variables.whole(_PERIODS),
            most_stack_level=box.variables.whole(_LEVELS),
            external_ids_to=box.variables.whole(_OWN_IDS) if new else None,
        )


def _built_in(bay: Bay) -> Profile:
    """What holds at an outlet when nobody says anything: the maker's own fallback."""
    period = Period(limit=Phased(bay.outlet.evse.fallback_w))
    return Profile(
        id=-1_000_000 - bay.number,
        purpose=Purpose.TX_DEFAULT,
        schedules=(Schedule(unit=Unit.W, periods=(period,)),),
        evse=bay.number,
        stack_level=_BELOW,
        kind=Kind.RELATIVE,
        source="",
    )
