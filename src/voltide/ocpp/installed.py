"""The charging profiles that a charger keeps: how the set changes. Pure functions; the set is a tuple.

What an external system set (``source`` other than CSO) is not the CSMS's to clear. Source: OCPP 2.1 Part 2, K01, K10.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from voltide.domain.messages import Json
from voltide.domain.site import OcppVersion
from voltide.ocpp.schedule import Profile, Purpose
from voltide.ocpp.timeline import whole_second

CSMS = "CSO"
"""The source of what the CSMS sets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """Which profiles are meant; what is None or empty does not matter."""

    ids: tuple[int, ...] = ()
    evse: int | None = None
    purpose: Purpose | None = None
    stack_level: int | None = None
    sources: tuple[str, ...] = ()

    def __call__(self, profile: Profile) -> bool:
        """Whether it means this profile."""
        return (
            (not self.ids or profile.id in self.ids)
            and self.evse in {None, profile.evse}
            and self.purpose in {None, profile.purpose}
            and self.stack_level in {None, profile.stack_level}
            and (not self.sources or profile.source in self.sources)
        )


def install(installed: Iterable[Profile], profile: Profile, version: OcppVersion) -> tuple[Profile, ...]:
    """The set with a profile in it. The same id is replaced; in 1.6 also the same purpose and level on its connector.

    >>> from voltide.ocpp.schedule import Schedule, Unit
    >>> old = Profile(id=1, purpose=Purpose.TX_DEFAULT, schedules=(Schedule(unit=Unit.W, periods=()),))
    >>> new = Profile(id=2, purpose=Purpose.TX_DEFAULT, schedules=(Schedule(unit=Unit.W, periods=()),))
    >>> [one.id for one in install([old], new, OcppVersion.V16)]
    [2]
    >>> [one.id for one in install([old], new, OcppVersion.V201)]
    [1, 2]
    """
    old = version is OcppVersion.V16
    kept = (one for one in installed if one.id != profile.id and not (old and same_seat(one, profile)))
    return (*kept, profile)


def clear(installed: Iterable[Profile], criteria: Criteria) -> tuple[Profile, ...]:
    """The set as the CSMS clears it; an id decides alone. Nothing is gone: the answer is Unknown."""
    meant = Criteria(ids=criteria.ids) if criteria.ids else criteria
    return tuple(one for one in installed if not (meant(one) and _is_the_csmss(one)))


def ended(installed: Iterable[Profile], transaction: str, evse: int) -> tuple[Profile, ...]:
    """The set once a transaction has ended at an EVSE: its profiles end with it."""
    return tuple(one for one in installed if one.purpose is not Purpose.TX or not _is_of(one, transaction, evse))


def back_online(installed: Iterable[Profile], lost: datetime, found: datetime) -> tuple[Profile, ...]:
    """The set after a time without a line: what was to die of it is gone."""
    away = whole_second(found) - whole_second(lost)
    return tuple(
        one for one in installed if not one.dies_offline or one.max_offline_s is None or away < one.max_offline_s
    )


def read_clear(payload: Json) -> Criteria:
    """What a ClearChargingProfile of any version means."""
    told = payload.get("chargingProfileCriteria", payload)
    number = payload.get("chargingProfileId", payload.get("id"))
    return _criteria(told, () if number is None else (number,), told.get("connectorId", told.get("evseId")))


def read_get(payload: Json) -> Criteria:
    """What a GetChargingProfiles of 2.0.1 or 2.1 means."""
    told = payload.get("chargingProfile", {})
    return _criteria(told, tuple(told.get("chargingProfileId", ())), payload.get("evseId"))


def _criteria(told: Json, ids: tuple[int, ...], evse: int | None) -> Criteria:
    purpose = told.get("chargingProfilePurpose")
    known = {"ChargePointMaxProfile": Purpose.STATION_MAX}
    return Criteria(
        ids=ids,
        evse=evse,
        purpose=None if purpose is None else known.get(purpose) or Purpose(purpose),
        stack_level=told.get("stackLevel"),
        sources=tuple(told.get("chargingLimitSource", ())),
    )


def same_seat(one: Profile, other: Profile) -> bool:
    """Whether two profiles have the same purpose and level at the same place, so that only one may lead."""
    same = (one.purpose, one.stack_level, one.evse) == (other.purpose, other.stack_level, other.evse)
    return same and (one.purpose is not Purpose.TX or one.transaction_id == other.transaction_id)


def overlap(one: Profile, other: Profile) -> bool:
    """Whether there is a moment at which both are valid."""
    return _begins_before_end(one, other) and _begins_before_end(other, one)


def _is_of(profile: Profile, transaction: str, evse: int) -> bool:
    """Whether it is the transaction's; one that names none is that of its EVSE."""
    return profile.transaction_id == transaction or (profile.transaction_id is None and profile.evse == evse)


def _begins_before_end(one: Profile, other: Profile) -> bool:
    return one.valid_from is None or other.valid_to is None or one.valid_from < other.valid_to


def _is_the_csmss(profile: Profile) -> bool:
    return profile.source == CSMS and profile.purpose is not Purpose.EXTERNAL
