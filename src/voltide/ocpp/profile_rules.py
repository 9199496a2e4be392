"""What a charger lets in: the rules of K01 for a charging profile.

Each rule is a line of a table: when it is broken, under which reason code, and a sentence that names it. Pure. Source:
OCPP 2.1 Part 2, K01, K05, K28, Q08, and the errata of edition 2 (2025-09).
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain
from typing import TypeAlias

from voltide.domain.site import OcppVersion
from voltide.ocpp.composite import STATION, Asked
from voltide.ocpp.installed import install, overlap, same_seat
from voltide.ocpp.schedule import Kind, Mode, Period, Profile, Purpose, Schedule, Unit
from voltide.ocpp.timeline import OF_A_TRANSACTION, EvseNow, StationNow


class Reason(StrEnum):
    """Why not: the reason codes of the standard that a profile can meet."""

    DUPLICATE_PROFILE = "DuplicateProfile"
    INVALID_MODE = "InvalidOperationMode"
    INVALID_PROFILE = "InvalidProfile"
    INVALID_PROFILE_ID = "InvalidProfileId"
    INVALID_SCHEDULE = "InvalidSchedule"
    INVALID_STACK_LEVEL = "InvalidStackLevel"
    INVALID_VALUE = "InvalidValue"
    MISSING_PARAM = "MissingParam"
    NO_FREQ_WATT_CURVE = "NoFreqWattCurve"
    NO_PHASE_FOR_DC = "NoPhaseForDC"
    OUT_OF_STORAGE = "OutOfStorage"
    PHASE_CONFLICT = "PhaseConflict"
    RATE_LIMIT_EXCEEDED = "RateLimitExceeded"
    TOO_MANY_ELEMENTS = "TooManyElements"
    TX_NOT_FOUND = "TxNotFound"
    UNKNOWN_EVSE = "UnknownEvse"
    UNSUPPORTED_KIND = "UnsupportedKind"
    UNSUPPORTED_PURPOSE = "UnsupportedPurpose"
    UNSUPPORTED_RATE_UNIT = "UnsupportedRateUnit"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a profile is not let in: a reason code, and a sentence for additionalInfo."""

    reason: Reason
    detail: str


class Feature(StrEnum):
    """What a charger may support. OCPP 2.1: SmartChargingCtrlr.SupportsFeature and its kin."""

    DYNAMIC_PROFILES = "DynamicProfiles"
    MAX_OFFLINE_DURATION = "MaxOfflineDuration"
    USE_LOCAL_TIME = "UseLocalTime"
    RANDOMIZED_DELAY = "RandomizedDelay"
    LIMIT_AT_SOC = "LimitAtSoC"
    EVSE_SLEEP = "EvseSleep"
    PHASE_SWITCHING = "ACPhaseSwitchingSupported"
    DC_INPUT_PHASES = "DCInputPhaseControl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What a charger supports of smart charging."""

    version: OcppVersion
    units: frozenset[Unit] = frozenset(Unit)
    features: frozenset[Feature] = frozenset()
    modes: frozenset[Mode] = frozenset()
    """Besides ChargingOnly. OCPP 2.1: V2XChargingCtrlr.SupportedOperationModes."""
    purposes: frozenset[Purpose] = frozenset()
    """Of those that 2.1 brought. OCPP 2.1: SupportedAdditionalPurposes."""
    most_profiles: int = 100
    most_periods: int = 1024
    most_stack_level: int = 100
    external_ids_to: int | None = None
    """Ids up to this one are the charger's own. OCPP 2.1: MaxExternalConstraintsId."""
    rest_s: float = 0.0
    """How long a purpose rests once it was set, for the memory's sake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """How a profile came."""

    now: datetime
    last: datetime | None = None
    """When its purpose was last set."""
    starting: bool = False
    """With a RequestStartTransaction."""
    external: bool = False
    """From an external system, not from the CSMS."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    profile: Profile
    installed: Sequence[Profile]
    station: StationNow
    abilities: Abilities
    arrival: Arrival

    @property
    def v21(self) -> bool:
        return self.abilities.version is OcppVersion.V21

    @property
    def v16(self) -> bool:
        return self.abilities.version is OcppVersion.V16

    @property
    def evse(self) -> EvseNow | None:
        return next((one for one in self.station.evses if one.number == self.profile.evse), None)

    @property
    def others(self) -> Iterator[Profile]:
        return (one for one in self.installed if one.id != self.profile.id)

    def lacks(self, feature: Feature) -> bool:
        return feature not in self.abilities.features


_Rules: TypeAlias = Iterable[tuple[bool, Reason, str]]
"""Whether a rule is broken, the reason code, and the rule."""


def examine(
    profile: Profile, installed: Sequence[Profile], station: StationNow, abilities: Abilities, arrival: Arrival
) -> Refusal | None:
    """Whether a charger lets a profile in: None, or the first reason why not.

    >>> from datetime import UTC
    >>> from voltide.ocpp.schedule import Phased
    >>> day = datetime(2026, 1, 1, tzinfo=UTC)
    >>> late = Schedule(unit=Unit.A, start=day, periods=(Period(start=60, limit=Phased(6.0)),))
    >>> profile = Profile(id=1, purpose=Purpose.STATION_MAX, schedules=(late,))
    >>> station, able = StationNow(evses=()), Abilities(version=OcppVersion.V201)
    >>> examine(profile, [], station, able, Arrival(now=day)).reason.value
    'InvalidSchedule'
    """
    case = _Case(profile=profile, installed=installed, station=station, abilities=abilities, arrival=arrival)
    rules = chain.from_iterable(group(case) for group in _GROUPS)
    return next((Refusal(reason, rule) for broken, reason, rule in rules if broken), None)


def examine_asked(asked: Asked, station: StationNow, abilities: Abilities) -> Refusal | None:
    """Whether a composite schedule can be answered. Source: K08."""
    if asked.evse != STATION and all(asked.evse != evse.number for evse in station.evses):
        return Refusal(Reason.UNKNOWN_EVSE, f"there is no EVSE {asked.evse}")
    if asked.unit not in abilities.units:
        return Refusal(Reason.UNSUPPORTED_RATE_UNIT, f"{asked.unit} is not supported")
    return None


def _of_sender(case: _Case) -> _Rules:
    """Who may set what, and how often."""
    profile, abilities, arrival = case.profile, case.abilities, case.arrival
    if arrival.external:
        return []
    own = abilities.external_ids_to if case.v21 else None
    taken = any(one.id == profile.id and one.purpose is Purpose.EXTERNAL for one in case.installed)
    rested = arrival.last is None or arrival.last + timedelta(seconds=abilities.rest_s) <= arrival.now
    wait = 0.0 if arrival.last is None else abilities.rest_s - (arrival.now - arrival.last).total_seconds()
    is_external = profile.purpose is Purpose.EXTERNAL
    return [
        (is_external, Reason.INVALID_VALUE, "K01.FR.22: external constraints are not the CSMS's to set"),
        (own is not None and profile.id <= own, Reason.INVALID_PROFILE_ID, f"K01.FR.81: ids up to {own} are taken"),
        (taken, Reason.DUPLICATE_PROFILE, "K01.FR.05: the id is that of an external constraint"),
        (not rested, Reason.RATE_LIMIT_EXCEEDED, f"{math.ceil(wait)} seconds before retry"),
    ]


def _of_purpose(case: _Case) -> _Rules:
    """Where a purpose may stand, and what it may be."""
    profile, purpose = case.profile, case.profile.purpose
    unknown = profile.evse != STATION and case.evse is None
    new = purpose in {Purpose.PRIORITY, Purpose.GENERATION} and purpose not in case.abilities.purposes
    stray = profile.transaction_id is not None and purpose is not Purpose.TX and not case.v16
    is_max = purpose is Purpose.STATION_MAX
    other_start = case.arrival.starting and purpose is not Purpose.TX
    return [
        (unknown, Reason.UNKNOWN_EVSE, f"K01.FR.28: there is no EVSE {profile.evse}"),
        (new, Reason.UNSUPPORTED_PURPOSE, f"K01.FR.120: {purpose} is not supported"),
        (is_max and profile.evse != STATION, Reason.INVALID_PROFILE, "a station's maximum is set for EVSE 0"),
        (
            is_max and profile.kind is Kind.RELATIVE,
            Reason.INVALID_PROFILE,
            "K01.FR.38: a station's maximum is never relative",
        ),
        (other_start, Reason.INVALID_PROFILE, "K05: a transaction is started with a TxProfile"),
        (stray, Reason.INVALID_PROFILE, "only a TxProfile names a transaction"),
    ]


def _of_transaction(case: _Case) -> _Rules:
    """A TxProfile belongs to a transaction that runs, or that is about to start."""
    profile, evse = case.profile, case.evse
    if profile.purpose is not Purpose.TX:
        return []
    known, asked = not case.arrival.starting, profile.transaction_id
    running = None if evse is None else evse.transaction
    astray = running is None or asked not in {running, None}
    doubled = not case.v16 and any(same_seat(profile, one) for one in case.others)
    return [
        (profile.evse == STATION, Reason.INVALID_PROFILE, "K01.FR.16: a TxProfile is set for one EVSE"),
        (known and asked is None and not case.v16, Reason.MISSING_PARAM, "K01.FR.03: a TxProfile has a transaction"),
        (known and astray, Reason.TX_NOT_FOUND, f"K01.FR.09, K01.FR.33: not a transaction of EVSE {profile.evse}"),
        (known and doubled, Reason.INVALID_STACK_LEVEL, "K01.FR.39: another one of the transaction has this level"),
    ]


def _of_kind(case: _Case) -> _Rules:
    """What its schedules' seconds are counted from."""
    profile, kind = case.profile, case.profile.kind
    dynamic, recurring = kind is Kind.DYNAMIC, kind is Kind.RECURRING
    updates = profile.update_interval_s > 0 or profile.updated is not None
    single = [len(one.periods) for one in profile.schedules] == [1]
    started = [one.start is not None for one in profile.schedules]
    needs_start = recurring or (kind is Kind.ABSOLUTE and not case.v16)
    extra_start = kind is Kind.RELATIVE and not case.v16
    lasting = profile.max_offline_s is not None and case.lacks(Feature.MAX_OFFLINE_DURATION)
    return [
        (
            dynamic and case.lacks(Feature.DYNAMIC_PROFILES),
            Reason.UNSUPPORTED_KIND,
            "K01.FR.121: dynamic profiles are not supported",
        ),
        (updates and not dynamic, Reason.INVALID_PROFILE, "K01.FR.122: only a dynamic profile is updated"),
        (dynamic and not single, Reason.INVALID_SCHEDULE, "K28.FR.03: a dynamic profile has one period"),
        (recurring and profile.recurrency is None, Reason.INVALID_PROFILE, "a recurring profile says how often"),
        (needs_start and not all(started), Reason.INVALID_SCHEDULE, f"K01.FR.40: {kind} needs a startSchedule"),
        (extra_start and any(started), Reason.INVALID_SCHEDULE, "K01.FR.41: Relative has no startSchedule"),
        (lasting, Reason.INVALID_PROFILE, "maxOfflineDuration is not supported"),
    ]


def _of_schedules(case: _Case) -> _Rules:
    """Each schedule as a whole."""
    able, purpose = case.abilities, case.profile.purpose
    yield not case.profile.schedules, Reason.INVALID_SCHEDULE, "there is no schedule"
    for one in case.profile.schedules:
        chance = one.randomized_delay_s > 0
        used = {
            Feature.USE_LOCAL_TIME: one.local_time,
            Feature.RANDOMIZED_DELAY: chance,
            Feature.LIMIT_AT_SOC: one.limit_at_soc is not None,
        }
        missing = [feature.value for feature, is_used in used.items() if is_used and case.lacks(feature)]
        ends = one.duration_s is not None and purpose is Purpose.PRIORITY
        often = len(one.periods) > able.most_periods
        yield one.unit not in able.units, Reason.UNSUPPORTED_RATE_UNIT, f"K01.FR.26: {one.unit} is not supported"
        yield often, Reason.TOO_MANY_ELEMENTS, f"at most {able.most_periods} periods"
        yield not one.ordered, Reason.INVALID_SCHEDULE, "K01.FR.31, K01.FR.35: periods start at 0 and rise"
        yield ends, Reason.INVALID_SCHEDULE, "K01.FR.70: priority charging has no duration"
        yield (one.duration_s or 0) < 0, Reason.INVALID_SCHEDULE, "a duration is not negative"
        yield (
            chance and purpose not in {Purpose.TX, Purpose.TX_DEFAULT},
            Reason.INVALID_SCHEDULE,
            "K01.FR.95: only a transaction's profile is delayed by chance",
        )
        yield bool(missing), Reason.INVALID_SCHEDULE, f"K01.FR.123 to 125: not supported: {', '.join(missing)}"


def _of_phases(case: _Case) -> _Rules:
    """How many phases, which one, and values for single ones."""
    evse, profile, supply = case.evse, case.profile, case.station.supply.phases
    evses = case.station.evses if evse is None else (evse,)
    direct = bool(evses) and all(one.direct for one in evses)
    none = direct and not case.v16 and case.lacks(Feature.DC_INPUT_PHASES)
    why = Reason.NO_PHASE_FOR_DC if case.v21 else Reason.INVALID_SCHEDULE
    free = profile.purpose is Purpose.TX or case.arrival.external
    for _, one in _periods(profile):
        count, choice = one.phases, one.phase
        told = count is not None or choice is not None
        odd = count is not None and not direct and not 1 <= count <= supply
        picked = choice is not None and (count != 1 or case.lacks(Feature.PHASE_SWITCHING))
        single = case.v21 and one.limit is not None and len(one.limit.each) > 1
        yield none and told, why, "K01.FR.44: direct current has no phases"
        yield odd, Reason.INVALID_SCHEDULE, f"K01.FR.45: there are no {count} phases"
        yield picked, Reason.INVALID_SCHEDULE, "K01.FR.19, K01.FR.20: this phase cannot be chosen"
        yield single and not free, Reason.PHASE_CONFLICT, "K01.FR.144: only a TxProfile speaks of L2 and L3"
        without = single and one.limit is not None and one.limit.l1 is None
        yield without, Reason.PHASE_CONFLICT, "K01.FR.146: no limit for L2 or L3 without one for L1"
    mine = _choices(profile)
    for other in case.others:
        theirs = _choices(other)
        clash = bool(mine and theirs) and mine != theirs and _meet(profile, other)
        yield clash, Reason.PHASE_CONFLICT, f"K01.FR.141: profile {other.id} asks for another phase"


def _of_values(case: _Case) -> _Rules:
    """Which numbers a period may hold."""
    for _, one in _periods(case.profile):
        told = [value for phased in (one.limit, one.discharge, one.setpoint) if phased for value in phased.each]
        curves = chain.from_iterable(chain(one.frequency_watt, one.signal_watt))
        finite = all(map(math.isfinite, chain(told, curves)))
        discharge = one.discharge.each if one.discharge else ()
        setpoint = one.setpoint.each if one.setpoint else ()
        mixed = bool(setpoint) and min(setpoint) < 0 < max(setpoint)
        yield not finite, Reason.INVALID_SCHEDULE, "a value is not finite"
        yield any(value > 0 for value in discharge), Reason.INVALID_SCHEDULE, "a discharge limit is 0 or less"
        yield mixed, Reason.INVALID_SCHEDULE, "the setpoints of three phases have one sign"


def _of_modes(case: _Case) -> _Rules:
    """Which modes a purpose may have, and what each mode needs. Only 2.1 has modes."""
    purpose, able = case.profile.purpose, case.abilities.modes | {Mode.CHARGING_ONLY}
    for schedule, one in _periods(case.profile) if case.v21 else ():
        needed, allowed = _VALUES[one.mode]
        told = {name for name in ("limit", "discharge", "setpoint") if getattr(one, name) is not None}
        by_frequency = one.mode is Mode.LOCAL_FREQUENCY
        no_curve = len(one.frequency_watt) < 2 or one.baseline_w is None
        asleep = one.sleep and (one.mode is not Mode.IDLE or case.lacks(Feature.EVSE_SLEEP))
        unfit = one.mode not in _MODES.get(purpose, Mode)
        yield unfit, Reason.INVALID_MODE, f"K01.FR.114: {one.mode} is not for {purpose}"
        yield one.mode not in able, Reason.INVALID_MODE, f"K01.FR.115: {one.mode} is not supported"
        yield not needed <= told, Reason.INVALID_SCHEDULE, f"{one.mode} needs a {' and a '.join(needed)}"
        yield not told <= needed | allowed, Reason.INVALID_SCHEDULE, f"{one.mode} does not take what it is told"
        yield asleep, Reason.INVALID_SCHEDULE, "K01.FR.126: an EVSE sleeps when idle, if it can"
        in_amperes = by_frequency and schedule.unit is Unit.A
        yield in_amperes, Reason.UNSUPPORTED_RATE_UNIT, "Q08.FR.05: frequency control is told in W"
        yield by_frequency and no_curve, Reason.NO_FREQ_WATT_CURVE, "Q08.FR.02: two points and a baseline"


def _of_room(case: _Case) -> _Rules:
    """Whether there is a free seat for it among the others."""
    profile, able = case.profile, case.abilities
    high = not 0 <= profile.stack_level <= able.most_stack_level
    full = len(install(case.installed, profile, able.version)) > able.most_profiles
    yield high, Reason.INVALID_STACK_LEVEL, f"stack levels are 0 to {able.most_stack_level}"
    yield full, Reason.OUT_OF_STORAGE, f"there is room for {able.most_profiles} profiles"
    if case.v16 or profile.purpose is Purpose.TX:
        return
    for one in case.others:
        taken = same_seat(profile, one) and overlap(profile, one)
        alike = one.purpose is profile.purpose is Purpose.TX_DEFAULT and one.stack_level == profile.stack_level
        both = alike and (profile.evse == STATION) != (one.evse == STATION)
        yield taken, Reason.DUPLICATE_PROFILE, f"K01.FR.06: profile {one.id} has this purpose and level"
        yield both, Reason.DUPLICATE_PROFILE, f"K01.FR.52, K01.FR.53: profile {one.id} is for all EVSEs, or for one"


def _periods(profile: Profile) -> Iterator[tuple[Schedule, Period]]:
    return ((schedule, period) for schedule in profile.schedules for period in schedule.periods)


def _choices(profile: Profile) -> set[int]:
    """The phases it asks for by name."""
    return {period.phase for _, period in _periods(profile) if period.phase is not None}


def _meet(one: Profile, other: Profile) -> bool:
    """Whether both can hold at the same EVSE at once: two of a transaction's purposes never do, one stands for all."""
    slots = [Purpose.TX if each.purpose in OF_A_TRANSACTION else each.purpose for each in (one, other)]
    near = one.evse == other.evse or STATION in {one.evse, other.evse}
    return slots[0] is not slots[1] and near and overlap(one, other)


_GROUPS: tuple[Callable[[_Case], _Rules], ...] = (
    _of_sender,
    _of_purpose,
    _of_transaction,
    _of_kind,
    _of_schedules,
    _of_phases,
    _of_values,
    _of_modes,
    _of_room,
)
_MODES = {
    Purpose.PRIORITY: frozenset({Mode.CHARGING_ONLY}),
    Purpose.STATION_MAX: frozenset({Mode.CHARGING_ONLY}),
    Purpose.EXTERNAL: frozenset({Mode.CHARGING_ONLY, Mode.EXTERNAL_LIMITS, Mode.EXTERNAL_SETPOINT}),
    Purpose.GENERATION: frozenset({Mode.CHARGING_ONLY, Mode.EXTERNAL_LIMITS}),
}
"""The modes of a purpose that has not all of them. Source: K01.FR.111 to 113."""
_LIMITS = frozenset({"limit", "discharge"})
_NONE = frozenset[str]()
_VALUES: dict[Mode, tuple[frozenset[str], frozenset[str]]] = {
    Mode.CHARGING_ONLY: (frozenset({"limit"}), _NONE),
    Mode.CENTRAL_SETPOINT: (frozenset({"setpoint"}), _LIMITS),
    Mode.CENTRAL_FREQUENCY: (frozenset({"setpoint"}), _LIMITS),
    Mode.EXTERNAL_SETPOINT: (_NONE, _LIMITS | {"setpoint"}),
    Mode.EXTERNAL_LIMITS: (_NONE, _LIMITS),
    Mode.LOCAL_FREQUENCY: (_NONE, _LIMITS),
    Mode.LOCAL_LOAD_BALANCING: (_NONE, _LIMITS),
    Mode.IDLE: (_NONE, _NONE),
}
"""What a mode needs to be told, and what it may be told besides."""
