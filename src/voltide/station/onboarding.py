"""What a charger is told when it joins or has started: its safe power first, then how to measure and to keep its line.

Each thing is a step with a word for how far it is, kept in the charger's dossier. What is refused is tried again, ever
less often; what a charger does not have is skipped. Where a thousand chargers start at once, so many are served at a
time, and every one of them gets its safe power before any gets the rest.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b

import structlog

from voltide.domain.dossier import Progress, WelcomeStep
from voltide.domain.messages import (
    Accepted,
    ApplyFallback,
    ChargerOrder,
    OrderResult,
    SetVariables,
    Trigger,
    Unknown,
    Variable,
)
from voltide.domain.site import Charger, ChargerId, OcppVersion
from voltide.domain.time import Clock
from voltide.domain.units import Seconds
from voltide.ocpp.quirks import Told
from voltide.station.dossiers import Dossiers, step_of
from voltide.station.line import Line

log = structlog.get_logger()

PING_S = 5
"""How often a charger looks whether its line is alive; it gives up after two silent looks."""
BACK_S, BACK_SPREAD_S = 2, 10
"""How long a charger waits before it dials again, and how much of that is chance; the spread grows with the station."""
AT_ONCE = 50
"""So many chargers are told things at a time."""
AGAIN_S: tuple[Seconds, ...] = (15.0, 30.0, 60.0, 300.0, 1800.0, 3600.0)
"""After so long what was refused is tried again; the last for ever."""
SAFE, FIRST, LATER = 0, 1, 2
"""Whose turn comes first: safe power, the rest of a welcome, what is tried again."""

_MEASURANDS = (
    "Energy.Active.Import.Register",
    "Energy.Active.Export.Register",
    "Power.Active.Import",
    "Power.Active.Export",
    "SoC",
)
_FEWER = ("Energy.Active.Import.Register", "Power.Active.Import")
_MEASURANDS_16 = ("Energy.Active.Import.Register", "Power.Active.Import", "SoC")
_ABSENT = frozenset(
    {"UnknownVariable", "UnknownComponent", "NotSupported", "NotSupportedAttributeType", "NotImplemented"}
)
"""With these words a charger says that it has no such thing; with any other, that it does not want to now."""
_LOST = frozenset({"the line was lost", "NotSent"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One thing that a charger is to do; where it refuses the first way, the next one is tried."""

    key: str
    ways: tuple[ChargerOrder, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How every charger of the station is to behave."""

    sample_s: int = 15
    heartbeat_s: int = 300
    spread_s: int = BACK_SPREAD_S


def wishes(charger: Charger, version: OcppVersion, habits: Habits, now: datetime, told: Told) -> dict[str, list[Wish]]:
    """All that a charger is told, by step; the safest first. ``told``: what its quirks want."""
    safe = [
        Wish(key=f"{one.number}", ways=(ApplyFallback(evse=one.number, power_w=one.fallback_w, now=now),))
        for one in charger.evses
    ]
    states = [
        Wish(key=f"{one.number}", ways=(Trigger(message="StatusNotification", evse=one.number),))
        for one in charger.evses
    ]
    old = version is OcppVersion.V16
    all_ = {
        "fallback": safe if told.fallback != "none" else [],
        "metering": _metering16(habits, told) if old else _metering2(habits, told),
        "line": _line16(habits) if old else _line2(habits),
        "status": states,
    }
    return {step: [wish for wish in wanted if wish.key not in told.leave_out] for step, wanted in all_.items()}


def _set(component: str, name: str, *values: str) -> Wish:
    """One variable for each order: a charger that does not know one still takes the others."""
    ways = [SetVariables(variables=(Variable(component=component, name=name, value=value),)) for value in values]
    return Wish(key=name, ways=tuple(ways))


def _lists(told: Told, *usual: tuple[str, ...]) -> list[str]:
    """What is to be sampled, the fullest list first."""
    return [",".join(names) for names in ((told.measurands,) if told.measurands else usual)]


def _metering16(habits: Habits, told: Told) -> list[Wish]:
    return [
        _set("", "MeterValueSampleInterval", str(habits.sample_s)),
        _set("", "MeterValuesSampledData", *_lists(told, _MEASURANDS_16, _FEWER)),
        _set("", "ClockAlignedDataInterval", "0"),
    ]


def _metering2(habits: Habits, told: Told) -> list[Wish]:
    texts = _lists(told, _MEASURANDS, _MEASURANDS_16, _FEWER)
    lists = [_set("SampledDataCtrlr", f"Tx{moment}Measurands", *texts) for moment in ("Started", "Updated", "Ended")]
    interval = _set("SampledDataCtrlr", "TxUpdatedInterval", str(habits.sample_s))
    return [interval, *lists, _set("AlignedDataCtrlr", "Interval", "0")]


def _line16(habits: Habits) -> list[Wish]:
    return [
        _set("", "WebSocketPingInterval", str(PING_S)),
        _set("", "HeartbeatInterval", str(habits.heartbeat_s)),
    ]


def _line2(habits: Habits) -> list[Wish]:
    keys = {
        "WebSocketPingInterval": PING_S,
        "HeartbeatInterval": habits.heartbeat_s,
        "RetryBackOffWaitMinimum": BACK_S,
        "RetryBackOffRandomRange": habits.spread_s,
    }
    return [_set("OCPPCommCtrlr", name, str(value)) for name, value in keys.items()]


def heartbeat_of(charger: ChargerId, mean_s: int) -> int:
    """A charger's own interval, up to a tenth around the mean, so that a thousand of them do not beat at once.

    >>> heartbeat_of(ChargerId("V01"), 300) == heartbeat_of(ChargerId("V01"), 300)
    True
    """
    share = int.from_bytes(blake2b(charger.encode(), digest_size=2).digest()) / 0xFFFF
    return round(mean_s * (0.9 + 0.2 * share))


class Turnstile:
    """Lets so many through at a time; of those who wait, the most urgent, and of these who came first."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = 0

    async def enter(self, rank: int) -> None:
        """Wait for a turn."""
        if self._free > 0:
            self._free -= 1
            return
        self._count += 1
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (rank, self._count, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # the turn had come: it is somebody else's
                self.leave()
            raise

    def leave(self) -> None:
        """The next one's turn."""
        while self._waiting:
            *_, turn = heapq.heappop(self._waiting)
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


class Onboarding:
    """Takes chargers through their steps."""

    def __init__(self, dossiers: Dossiers, clock: Clock, habits: Habits) -> None:
        self._dossiers = dossiers
        self._clock = clock
        self.habits = habits
        self._turnstile = Turnstile(AT_ONCE)
        self._newest: dict[ChargerId, object] = {}
        self.on_step: list[Callable[[Charger, WelcomeStep], None]] = []
        """Hears what came of each step."""

    async def welcome(
        self, line: Line, *, again: bool = False, then: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """All steps of a charger that has started; with ``again`` only those that are not settled.

        After them comes ``then``, which no safe power has to wait for. And what was refused is tried again, for as long
        as the charger is on this line.
        """
        mine = self._newest[line.charger.id] = object()
        for names, rank in ((("fallback",), SAFE), (("metering", "line", "status"), FIRST)):
            if not await self.run(line, [name for name in names if not (again and self._settled(line, name))], rank):
                return
        if then is not None:
            await then()
        for wait_s in _for_ever(AGAIN_S):
            open_ = [name for name in ("fallback", "metering", "line", "status") if not self._settled(line, name)]
            if not open_:
                return
            await asyncio.sleep(wait_s)
            if self._newest.get(line.charger.id) is not mine or not await self.run(line, open_, LATER):
                return

    async def run(self, line: Line, names: Sequence[str], rank: int = FIRST) -> bool:
        """Some steps, one after the other, each in its turn; False when the line was lost over it."""
        told = line.manner.traits.told if line.manner is not None else Told()
        habits = self._habits_of(line.charger.id)
        for name in names:
            await self._turnstile.enter(rank)
            try:
                wanted = wishes(line.charger, line.version, habits, self._clock.now(), told)[name]
                if not await self._step(line, name, wanted):
                    return False
            finally:
                self._turnstile.leave()
        return True

    async def note(self, charger: Charger, name: str, progress: Progress, detail: str = "") -> None:
        """What came of a step that somebody else took. Said to the disk only where it is news."""
        dossier = self._dossiers.of(charger.id)
        if dossier is None:
            return
        before = step_of(dossier, name)
        step = WelcomeStep(
            name=name, progress=progress, detail=detail[:300], at=self._clock.now(), tries=before.tries + 1
        )
        if before.tries == 0 or (before.progress, before.detail) != (step.progress, step.detail):
            await self._dossiers.step(charger.id, step)
        for tell in self.on_step:
            tell(charger, step)

    def _habits_of(self, charger: ChargerId) -> Habits:
        return replace(self.habits, heartbeat_s=heartbeat_of(charger, self.habits.heartbeat_s))

    def _settled(self, line: Line, name: str) -> bool:
        dossier = self._dossiers.of(line.charger.id)
        return dossier is not None and step_of(dossier, name).progress in {Progress.DONE, Progress.SKIPPED}

    async def _step(self, line: Line, name: str, wanted: list[Wish]) -> bool:
        refused: list[tuple[str, str]] = []
        absent: list[tuple[str, str]] = []
        for wish in wanted:
            result = await _first_way(line, wish)
            if isinstance(result, Accepted):
                continue
            if result.reason in _LOST:
                return False
            (absent if result.reason in _ABSENT and name != "fallback" else refused).append((wish.key, result.reason))
            log.info("onboarding.refused", charger=line.charger.id, step=name, key=wish.key, why=result.reason)
            if isinstance(result, Unknown):  # it says nothing: the others need not wait for it to say nothing again
                break
        progress = Progress.DONE if wanted else Progress.SKIPPED
        if refused:
            progress = Progress.REFUSED
        elif len(absent) == len(wanted):
            progress = Progress.SKIPPED
        await self.note(line.charger, name, progress, _said(refused or absent))
        return True


async def _first_way(line: Line, wish: Wish) -> OrderResult:
    """The first way that the charger takes, or what it said to the last."""
    for way in wish.ways[:-1]:
        result = await line.order(way)
        if isinstance(result, Accepted) or result.reason in _LOST | _ABSENT:
            return result
    return await line.order(wish.ways[-1])


def _said(answers: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{key}: {reason}" for key, reason in answers)


def _for_ever(waits: Sequence[Seconds]) -> Iterable[Seconds]:
    yield from waits
    while True:
        yield waits[-1]
