"""What happened, and what needs a person: bounded, newest first, and published as facts."""

from collections import deque

from voltide.domain.messages import AlarmCleared, AlarmRaised, StationFact
from voltide.domain.picture import AlarmPicture, EventPicture
from voltide.domain.site import StationId
from voltide.domain.time import Clock


class Diary:
    """Events of the last hours and alarms that stand."""

    def __init__(self, station: StationId, clock: Clock, most: int = 50) -> None:
        self._station = station
        self._clock = clock
        self._events: deque[EventPicture] = deque(maxlen=most)
        self._alarms: dict[tuple[str, str], AlarmPicture] = {}
        self._waiting: list[StationFact] = []

    def note(self, code: str, subject: str, detail: str = "") -> None:
        """One line of the diary."""
        self._events.appendleft(EventPicture(at=self._clock.now(), code=code, subject=subject, detail=detail[:200]))

    def raise_alarm(self, code: str, subject: str, detail: str = "") -> None:
        """Something needs a person; said once however often it is seen."""
        if (code, subject) in self._alarms:
            return
        now = self._clock.now()
        self._alarms[code, subject] = AlarmPicture(code=code, subject=subject, since=now, detail=detail[:200])
        self._waiting.append(
            AlarmRaised(station=self._station, code=code, subject=subject, at=now, detail=detail[:200])
        )
        self.note(f"alarm-{code}", subject, detail)

    def clear_alarm(self, code: str, subject: str) -> None:
        """It is over."""
        if self._alarms.pop((code, subject), None) is not None:
            self._waiting.append(AlarmCleared(station=self._station, code=code, subject=subject, at=self._clock.now()))

    def alarm_if(self, wrong: bool, code: str, subject: str, detail: str = "") -> None:
        """Raise it while something is wrong, and clear it when it is not."""
        if wrong:
            self.raise_alarm(code, subject, detail)
        else:
            self.clear_alarm(code, subject)

    def tell(self, fact: StationFact) -> None:
        """A fact that goes out with the next second's."""
        self._waiting.append(fact)

    def facts(self) -> list[StationFact]:
        """What has to be told since the last time."""
        told, self._waiting = self._waiting, []
        return told

    @property
    def events(self) -> tuple[EventPicture, ...]:
        """The newest first."""
        return tuple(self._events)

    @property
    def alarms(self) -> tuple[AlarmPicture, ...]:
        """The oldest first."""
        return tuple(self._alarms.values())
