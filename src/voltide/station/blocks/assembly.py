"""All blocks of a station, put together: who hears what, who obeys what, and who goes on rounds."""

from functools import partial

import structlog

from voltide.domain.messages import (
    Booted,
    CallCharger,
    CancelReservation,
    ChargerFact,
    DropDer,
    EndShare,
    GivePriority,
    HideText,
    PutDer,
    PutPermit,
    ReserveOutlet,
    ShareOutlet,
    ShowText,
    TellSignal,
)
from voltide.domain.site import ChargerId
from voltide.station.blocks.data import VendorData
from voltide.station.blocks.der import Ders
from voltide.station.blocks.displays import Displays
from voltide.station.blocks.ground import Ground, Rounds
from voltide.station.blocks.limits import Limits
from voltide.station.blocks.logs import Logs
from voltide.station.blocks.monitoring import Monitoring
from voltide.station.blocks.payment import Payments
from voltide.station.blocks.portions import Portions
from voltide.station.blocks.priority import Priority
from voltide.station.blocks.profiles import Profiles
from voltide.station.blocks.provisioning import DeviceModels
from voltide.station.blocks.reservations import Reservation, Reservations, Ties
from voltide.station.blocks.sharing import Sharing
from voltide.station.blocks.streams import Streams
from voltide.station.blocks.swap import Swap, Swaps
from voltide.station.blocks.tariffs import Tariffs
from voltide.station.blocks.tokens import Tokens
from voltide.station.line import Line
from voltide.station.loop import Loop
from voltide.station.operations import CallTerms, Operations
from voltide.station.orders import Orders
from voltide.station.sessions import Turn

log = structlog.get_logger()


def _ties(ground: Ground) -> Ties:
    """What reservations need of the station."""
    return Ties(
        call=ground.call,
        keep=ground.keep,
        taken=lambda evse: ground.crew.sessions.at(evse) is not None,
        spawn=ground.crew.chargers.spawn,
        found=partial(ground.kept, "reservation", Reservation),
    )


def _stay(ground: Ground, charger: ChargerId, transaction: str) -> str | None:
    """The session of a charger's transaction."""
    session = ground.crew.sessions.known(charger, transaction)
    return None if session is None else session.id


class Assembly:
    """The blocks."""

    def __init__(self, ground: Ground, loop: Loop, orders: Orders, terms: CallTerms) -> None:
        self._ground = ground
        self._greeted: dict[ChargerId, Line] = {}
        self._due: set[ChargerId] = set()
        """Who has come and has not been greeted yet."""
        self.operations = Operations(ground.crew, ground.store, terms)
        self.models = DeviceModels()
        self.monitoring = Monitoring(ground)
        self.streams = Streams(ground)
        self.logs = Logs(ground)
        self.displays = Displays(ground)
        self.ders = Ders(ground)
        self.tariffs = Tariffs(ground)
        self.limits = Limits(ground)
        self.priority = Priority(ground, loop)
        self.profiles = Profiles(ground)
        self.sharing = Sharing(ground, loop)
        self.tokens = Tokens(ground, ground.crew.chargers.judge)
        ground.crew.chargers.judge = self.tokens.verdict
        self.reservations = Reservations(lambda: ground.crew.station, ground.clock, _ties(ground), ground.diary)
        self.payments = Payments(ground.diary, stay=partial(_stay, ground))
        self.swaps = Swaps(ground.diary, partial(ground.kept, "swap", Swap))
        self.data = VendorData()
        heard = (
            self.models,
            Portions(ground),
            self.monitoring,
            self.streams,
            self.logs,
            self.displays,
            self.ders,
            self.tariffs,
            self.tokens,
            self.limits,
            self.priority,
            self.profiles,
            self.sharing,
            self.reservations,
            self.payments,
            self.swaps,
            self.data,
        )
        self._rounds: tuple[Rounds, ...] = heard
        for block in heard:
            ground.crew.chargers.blocks.add(block)
        for hand in (self.priority, self.sharing, self.streams, self.ders, self.tariffs, self.reservations):
            self.operations.add(hand)
        self.operations.tariff = self.tariffs.own
        ground.crew.chargers.cost = self.tariffs.cost
        orders.ears |= {
            CallCharger: self.operations.call,
            CancelReservation: self.reservations.cancel,
            DropDer: self.ders.drop,
            EndShare: self.sharing.end,
            GivePriority: self.priority.give,
            HideText: self.displays.hide,
            PutDer: self.ders.put,
            PutPermit: self.tokens.put,
            ReserveOutlet: self.reservations.reserve,
            ShareOutlet: self.sharing.share,
            ShowText: self.displays.show,
            TellSignal: self.sharing.tell,
        }
        ground.crew.chargers.on_fact.append(self._heard)
        ground.crew.chargers.on_line.append(self._line)

    async def load(self) -> None:
        """Take up what an earlier process has kept."""
        for block in self._rounds:
            await block.load()

    async def look(self) -> None:
        """Once a second. A block that fails is named, and the others look all the same."""
        for block in self._rounds:
            try:
                await block.look()
            except Exception:
                log.exception("block.look_failed", block=type(block).__name__)
        self._ground.watch()
        lines = self._ground.crew.chargers.lines
        for charger in [charger for charger in self._due if self._ground.idle(charger)]:
            self._due.discard(charger)
            self._ground.crew.chargers.spawn(self._greet(charger, lines[charger]))

    def _heard(self, charger: ChargerId, fact: ChargerFact, turn: Turn) -> None:
        for block in self._rounds:
            block.heard(charger, fact, turn)
        crew = self._ground.crew
        line = crew.chargers.lines.get(charger)
        if line is None or charger not in crew.station.charger_of:
            return
        if self._greeted.get(charger) is not line or isinstance(fact, Booted):
            self._greeted[charger] = line
            self._due.add(charger)

    async def _greet(self, charger: ChargerId, line: Line) -> None:
        """Who has come (back) is given what it should have, block after block, as long as it stays."""
        for block in self._rounds:
            if self._ground.crew.chargers.lines.get(charger) is not line:
                return
            if line.unanswered:
                self._due.add(charger)
                return
            try:
                await block.greet(charger)
            except Exception:
                log.exception("block.greet_failed", block=type(block).__name__, charger=charger)

    def _line(self, charger: ChargerId, line: Line | None) -> None:
        if line is None:
            self._greeted.pop(charger, None)
            self._due.discard(charger)
            self._ground.patience.pop(charger, None)
            for block in self._rounds:
                block.left(charger)
