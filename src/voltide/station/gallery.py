"""Draws the chargers for their pages: the list, and one in full."""

from datetime import datetime
from typing import Protocol

from voltide.domain.dossier import (
    ChargerPicture,
    ChargerRow,
    ChargersPicture,
    Doorway,
    Dossier,
    Plate,
    Progress,
    Shield,
    Standing,
    WelcomeStep,
)
from voltide.domain.site import Charger, ChargerId, V2g
from voltide.station.diary import Diary
from voltide.station.dossiers import Dossiers, step_of
from voltide.station.loop import Crew
from voltide.station.newcomers import Newcomers
from voltide.station.oddities import Oddities

JOINING = ("read", "fallback", "metering", "line", "secret", "boot", "status")
"""The steps of a newcomer, in their order."""
STARTING = ("boot", "fallback", "metering", "line", "status", "read")
"""Those of a charger that stands in the station's file."""
_SETTLED = (Progress.DONE, Progress.SKIPPED)


class Exhibits(Protocol):
    """What there is to be shown."""

    dossiers: Dossiers
    newcomers: Newcomers
    oddities: Oddities


class Gallery:
    """Made only when somebody looks."""

    def __init__(self, crew: Crew, diary: Diary, of: Exhibits) -> None:
        self._crew = crew
        self._diary = diary
        self._dossiers = of.dossiers
        self._newcomers = of.newcomers
        self._oddities = of.oddities
        self.doors: tuple[Doorway, ...] = ()
        """Where the charger door listens; whoever opens it says so."""

    def all(self, open_until: datetime | None) -> ChargersPicture:
        """Newcomers, the station's chargers, and who was refused."""
        known = self._dossiers.all()
        here = self._crew.station.charger_of
        return ChargersPicture(
            at=self._crew.clock.now(),
            open_until=open_until,
            always_open=self._newcomers.porch.always,
            doors=self.doors,
            newcomers=tuple(self._row(one) for one in known if one.standing is Standing.PENDING),
            chargers=tuple(self._row(self._dossier(charger)) for charger in here.values()),
            refused=tuple(self._row(one) for one in known if one.standing is Standing.REJECTED),
        )

    def one(self, who: ChargerId, profile: int | None) -> ChargerPicture | None:
        """One charger in full, with the profile that it is registered for; None: there is none of this name."""
        charger = self._crew.station.charger_of.get(who)
        dossier = self._dossiers.of(who) if charger is None else self._dossier(charger)
        if dossier is None:
            return None
        mine = {who, *(evse.id for evse in charger.evses)} if charger is not None else {who}
        return ChargerPicture(
            at=self._crew.clock.now(),
            row=self._row(dossier),
            profile=dossier.profile if profile is None else profile,
            steps=_steps(dossier),
            quirks=dossier.quirks,
            oddities=self._oddities.of(who),
            events=tuple(event for event in self._diary.events if event.subject in mine),
        )

    def _dossier(self, charger: Charger) -> Dossier:
        """One that has never been here has an empty one."""
        now = self._crew.clock.now()
        return self._dossiers.of(charger.id) or Dossier(charger=charger.id, standing=Standing.ACCEPTED, since=now)

    def _row(self, dossier: Dossier) -> ChargerRow:
        who = dossier.charger
        charger = self._crew.station.charger_of.get(who)
        line = self._crew.chargers.lines.get(who)
        guest = self._newcomers.porch.guests.get(who)
        line = line or (guest.line if guest is not None else None)
        steps = _steps(dossier)
        open_ = [step.name for step in steps if step.progress not in _SETTLED]
        plates = _plates(charger) if charger is not None else dossier.pile.plates if dossier.pile is not None else ()
        v2g = charger.v2g if charger is not None else dossier.pile.v2g if dossier.pile is not None else V2g.NONE
        return ChargerRow(
            id=who,
            name=dossier.name or who,
            standing=dossier.standing,
            online=line is not None,
            ready=dossier.ready,
            joined=dossier.standing is Standing.ACCEPTED and dossier.pile is not None,
            vendor=dossier.plate.vendor,
            model=dossier.plate.model,
            serial=dossier.plate.serial,
            firmware=dossier.plate.firmware,
            version=dossier.version.value if dossier.version is not None else "",
            address=dossier.address,
            since=dossier.since,
            shield=_shield(dossier),
            outlets=_with_assumed(plates, dossier),
            v2g=v2g is not V2g.NONE,
            steered=dossier.pile is None or dossier.pile.steered,
            reading=self._newcomers.reading(dossier),
            mark=self._newcomers.mark(dossier),
            done=len(steps) - len(open_),
            steps=len(steps),
            doing=open_[0] if open_ and dossier.standing is Standing.ACCEPTED else "",
        )


def _shield(dossier: Dossier) -> Shield:
    return dossier.shield if dossier.standing is Standing.ACCEPTED else Shield.NONE


def _steps(dossier: Dossier) -> tuple[WelcomeStep, ...]:
    names = JOINING if dossier.pile is not None else STARTING
    return tuple(step_of(dossier, name) for name in names)


def _plates(charger: Charger) -> tuple[Plate, ...]:
    return tuple(
        Plate(number=evse.number, charge_w=evse.charge_w, discharge_w=evse.discharge_w) for evse in charger.evses
    )


def _with_assumed(plates: tuple[Plate, ...], dossier: Dossier) -> tuple[Plate, ...]:
    """Of a charger that was accepted, its own plates say what was assumed."""
    return dossier.pile.plates if dossier.pile is not None and len(dossier.pile.plates) == len(plates) else plates
