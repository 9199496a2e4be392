"""The security log: what chargers report of themselves, and who was not let in at the door. Lines are only added."""

from collections import Counter
from datetime import datetime, timedelta

import structlog

from voltide.backbone.store import Change, Store
from voltide.domain.messages import SecurityTold
from voltide.domain.site import ChargerId
from voltide.domain.time import Clock
from voltide.station.admission import TurnedAway
from voltide.station.blocks.block import Heard, Noticed
from voltide.station.diary import Diary

log = structlog.get_logger()

ALARMING = frozenset(
    """
    AttemptedReplayAttacks FailedToAuthenticateAtCentralSystem FailedToAuthenticateAtCsms
    InvalidCentralSystemCertificate InvalidChargePointCertificate InvalidChargingStationCertificate
    InvalidCsmsCertificate InvalidFirmwareSignature InvalidFirmwareSigningCertificate InvalidTLSCipherSuite
    InvalidTLSVersion MaintenanceLoginFailed MemoryExhaustion SecurityLogWasCleared TamperDetectionActivated
    """.split()  # noqa: SIM905 - a list of names reads best as a paragraph
)
"""Of the events of OCPP (2.1 part 2, appendix 1), those that a person should look at; the others are for the log."""
STANDS = timedelta(days=1)
"""How long an alarm of a charger's event stands after the last one of its kind."""
TRIES_STAND = timedelta(hours=1)
PER_ADDRESS = 10
PER_MINUTE = 120
"""Lines of the door's log in a minute: of one address, and in all. What is beyond them is counted in one line."""


class SecurityLog:
    """The block that hears of security."""

    hears = (SecurityTold,)

    def __init__(self, diary: Diary, clock: Clock) -> None:
        self._diary = diary
        self._clock = clock
        self._alarms: dict[tuple[str, ChargerId], datetime] = {}

    async def hear(self, _charger: ChargerId, fact: SecurityTold, _now: datetime) -> Heard:
        """Every event is kept."""
        return Heard(written=(Noticed(kind=fact.kind, detail=fact.info or ""),))

    def told(self, charger: ChargerId, fact: SecurityTold) -> None:
        """Those that need a person are alarms."""
        self._diary.note("security-event", charger, fact.kind)
        if fact.kind in ALARMING:
            self._diary.raise_alarm("security-event", charger, fact.kind)
            self._alarms["security-event", charger] = self._clock.now()

    def look(self, now: datetime) -> None:
        """What has not come again for a day has been seen, or was nothing."""
        for (code, charger), at in list(self._alarms.items()):
            if now - at > STANDS:
                self._diary.clear_alarm(code, charger)
                del self._alarms[code, charger]


class DoorLog:
    """Who was not let in: at most so many lines a minute, whatever comes."""

    def __init__(self, store: Store, diary: Diary, clock: Clock) -> None:
        self._store = store
        self._diary = diary
        self._clock = clock
        self._minute = -1
        self._lines: Counter[str] = Counter()
        self._unsaid: Counter[str] = Counter()
        self._waiting: list[tuple[datetime, TurnedAway]] = []
        self._alarms: dict[ChargerId, datetime] = {}

    def turned_away(self, event: TurnedAway) -> None:
        """The doorkeeper says so, in the middle of a handshake."""
        now = self._clock.now()
        self._turn_page(now)
        if event.identity and event.kind not in {"unknown-charger", "too-many-tries"}:
            self._diary.raise_alarm("charger-turned-away", event.identity, event.kind)
            self._alarms[ChargerId(event.identity)] = now
        if self._lines[event.address] >= PER_ADDRESS or self._lines.total() >= PER_MINUTE:
            self._unsaid[event.kind] += 1
            return
        self._lines[event.address] += 1
        log.warning("door.turned_away", charger=event.identity, address=event.address, kind=event.kind)
        self._waiting.append((now, event))

    def refused_in_tls(self, why: str) -> None:
        """A handshake came to nothing because of the certificate; who it was, nobody knows."""
        self.turned_away(TurnedAway(identity="", address="", kind="foreign-certificate", detail=why))

    def certificate(self, why: str | None) -> None:
        """The door's own certificate could not be renewed; None: it could."""
        self._diary.alarm_if(why is not None, "door-certificate", "door", why or "")

    def came(self, charger: ChargerId) -> None:
        """It is in, so whatever was wrong with it is over."""
        self._diary.clear_alarm("charger-turned-away", charger)
        self._alarms.pop(charger, None)

    def look(self, now: datetime) -> None:
        """Who has not tried again for an hour has gone."""
        for charger in [charger for charger, at in self._alarms.items() if now - at > TRIES_STAND]:
            self.came(charger)

    async def write(self) -> None:
        """What has come since the last time."""
        self._turn_page(self._clock.now())
        waiting, self._waiting = self._waiting, []
        change = Change()
        for at, event in waiting:
            detail = " ".join(part for part in (event.address, event.detail) if part)
            Noticed(kind=event.kind, detail=detail).write(change, ChargerId(event.identity), at)
        await self._store.commit(change)

    def _turn_page(self, now: datetime) -> None:
        minute = int(now.timestamp() // 60)
        if minute == self._minute:
            return
        self._minute = minute
        self._lines.clear()
        for kind, count in self._unsaid.items():
            self._waiting.append((now, TurnedAway(identity="", address="", kind=kind, detail=f"{count} more times")))
        self._unsaid.clear()
