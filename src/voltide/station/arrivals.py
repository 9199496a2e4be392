"""What follows from how a charger came in: a new secret or profile that it has used is the only one from then on."""

from collections import deque

import structlog

from voltide.backbone import registry
from voltide.backbone.registry import Registered
from voltide.backbone.store import Change, Store
from voltide.domain.site import ChargerId
from voltide.domain.time import Clock
from voltide.station.admission import Admission, Arrival
from voltide.station.blocks.block import Noticed
from voltide.station.diary import Diary
from voltide.station.line import Line

log = structlog.get_logger()

FLAPS = 6
"""So many lines of one charger in a minute are more than a bad network: two may share its identity."""
CALM_S = 300.0


class Arrivals:
    """Watches chargers come."""

    def __init__(self, admission: Admission, store: Store, diary: Diary, clock: Clock) -> None:
        self._admission = admission
        self._store = store
        self._diary = diary
        self._clock = clock
        self._came: dict[ChargerId, deque[float]] = {}
        self._unsettled: dict[ChargerId, Arrival] = {}

    def line_changed(self, charger: ChargerId, line: Line | None) -> None:
        """A charger has a new line, or none."""
        if line is None:
            return
        came = self._came.setdefault(charger, deque(maxlen=FLAPS))
        came.append(self._clock.monotonic())
        if len(came) == FLAPS and came[-1] - came[0] < 60.0:
            self._diary.raise_alarm("charger-flaps", charger, f"{FLAPS} lines within a minute")
        arrival = self._admission.arrivals.get(charger)
        if arrival is not None:
            self._unsettled[charger] = arrival

    def look(self) -> None:
        """Who comes and goes no longer."""
        now = self._clock.monotonic()
        for charger, came in list(self._came.items()):
            if now - came[-1] > CALM_S:
                self._diary.clear_alarm("charger-flaps", charger)
                del self._came[charger]

    async def settle(self) -> None:
        """Write down what is certain now."""
        unsettled, self._unsettled = self._unsettled, {}
        for charger, arrival in unsettled.items():
            known = self._admission.known(charger)
            if known is not None:
                await self._settle(known, arrival)

    async def _settle(self, known: Registered, arrival: Arrival) -> None:
        who, mac = known.id, arrival.secret_mac
        notices = []
        if mac is not None and mac in known.next_macs:
            await self._store.read(lambda engine: registry.keep_new_secret(engine, who, mac))
            notices.append(Noticed(kind="secret-changed", detail="it came with the new one; the old one is dead"))
        if arrival.profile == known.next_profile:
            await self._store.read(lambda engine: registry.set_profile(engine, who, arrival.profile))
            notices.append(Noticed(kind="profile-changed", detail=f"{known.profile} to {arrival.profile}"))
        change, now = Change(), self._clock.now()
        for notice in notices:
            log.info("charger.proved", charger=who, kind=notice.kind)
            notice.write(change, ChargerId(who), now)
        await self._store.commit(change)
