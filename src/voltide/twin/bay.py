"""One outlet as its charger runs it: the plug, the token, and the life of a transaction told event by event."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from voltide.domain.messages import (
    ChargerFact,
    Flow,
    Metered,
    Moment,
    NeedsTold,
    OutletReported,
    OutletState,
    Sample,
    Token,
    TransactionTold,
)
from voltide.domain.site import OcppVersion
from voltide.domain.time import Clock
from voltide.domain.units import Seconds, Watts
from voltide.twin.drivers import Visit
from voltide.twin.outlet import Outlet

FLOWING_W: Watts = 50.0
STEADY_S: Seconds = 3.0
"""A change of flow is told when it has lasted so long."""
BEGIN, END, CLOCKED = "Transaction.Begin", "Transaction.End", "Sample.Clock"


class Teller(Protocol):
    """The charger that an outlet belongs to."""

    version: OcppVersion
    clock: Clock

    @property
    def online(self) -> bool:
        """Whether the station hears it."""
        ...

    @property
    def sample_s(self) -> Seconds:
        """How often a transaction is told on."""
        ...

    def tell(self, fact: ChargerFact) -> None:
        """Tell the station, now or later."""
        ...

    def name_transaction(self) -> str:
        """A new transaction id."""
        ...


class Bay:
    """Runs one outlet."""

    __slots__ = (
        *("_both", "_changed_s", "_flow", "_remote_start", "_seq", "_sense", "_told_sense", "_token", "_waiting_token"),
        *(
            "due_s",
            "began",
            "fault",
            "group",
            "held",
            "number",
            "operative",
            "outlet",
            "shut",
            "teller",
            "transaction",
            "visit",
        ),
    )

    def __init__(self, teller: Teller, outlet: Outlet) -> None:
        self.teller, self.outlet, self.number = teller, outlet, outlet.evse.number
        self.visit: Visit | None = None
        self.transaction: str | None = None
        self.operative = True
        """The station wants it in service."""
        self.shut = False
        """The charger has taken it out of service for a while, whatever the station wants."""
        self.fault: str | None = None
        self.due_s: Seconds = 0.0
        self._seq = 0
        self._both = True
        """Both directions are allowed."""
        self._sense = self._told_sense = 0
        self._changed_s: Seconds = 0.0
        self._flow = Flow.CONNECTED
        self._token: Token | None = None
        self._waiting_token: Token | None = None
        self._remote_start: int | None = None
        self.began = teller.clock.now()
        """When the last transaction began."""
        self.group: str | None = None
        """The group of the token that began the stay."""
        self.held: tuple[int, ...] = ()
        """The reservations that keep it free."""

    @property
    def _old(self) -> bool:
        return self.teller.version is OcppVersion.V16

    @property
    def serves(self) -> bool:
        """Whether it is in service."""
        return self.operative and not self.shut

    @property
    def token(self) -> Token | None:
        """The token that began what runs."""
        return self._token

    @property
    def flow(self) -> Flow:
        """What was told last of the power."""
        return self._flow

    @property
    def waiting_token(self) -> Token | None:
        """A token that the station has been asked about."""
        return self._waiting_token

    # --- what the driver does ---

    def plug(self, visit: Visit) -> None:
        """The plug is in: OCPP 2 begins its transaction here, 1.6 when the token is accepted."""
        self.visit = visit
        self.outlet.plug(visit.car)
        self._flow, self._token, self._waiting_token, self._both = Flow.CONNECTED, None, None, True
        self.report()
        if not self._old:
            self._begin()
            self._event(Moment.STARTED, "CablePluggedIn", BEGIN)
        self._await_sample()

    def wait_for(self, token: Token, remote_start: int | None = None) -> None:
        """A token is to be judged; until then nothing flows."""
        self._waiting_token, self._remote_start = token, remote_start

    def unplug(self) -> None:
        """The plug is out."""
        if self.transaction is not None:
            self.stop("EVDeparted", "EVDisconnected")
        self.outlet.unplug()
        self.visit, self._waiting_token = None, None
        self.report()

    # --- what the station does ---

    def judged(self, *, valid: bool, group: str | None = None) -> None:
        """The token at the reader is good, or not."""
        token, self._waiting_token = self._waiting_token, None
        if token is None or self.visit is None:
            return
        if valid:
            self.authorise(token, group)
        else:
            self.visit.refused = True

    def revoked(self) -> None:
        """The station does not know the token after all: stop."""
        if self.visit is not None and self.transaction is not None:
            self.visit.refused = True
            self.stop("Deauthorized", "DeAuthorized")

    def starved(self) -> None:
        """The same, where the transaction is to go on without energy."""
        self.outlet.open()
        self._flow = Flow.SUSPENDED_BY_STATION

    def authorise(self, token: Token, group: str | None = None) -> None:
        """The token is good: close the contactor and say what the car wants."""
        self._token, self.group = token, group
        self.outlet.close()
        self._sense, self._told_sense = 0, 0
        if self._old:
            self._begin()
            self._event(Moment.STARTED, "Authorized", BEGIN, token)
            self.report()
        else:
            trigger = "Authorized" if self._remote_start is None else "RemoteStart"
            self._event(Moment.UPDATED, trigger, None, token)
            self.tell_needs()
        self._await_sample()

    def _begin(self) -> None:
        """A new transaction."""
        self.transaction, self._seq, self.began = self.teller.name_transaction(), 0, self.teller.clock.now()

    def stop(self, trigger: str, reason: str, token: Token | None = None) -> None:
        """End the transaction; the plug may stay in."""
        self._flow = Flow.CONNECTED
        self._event(Moment.ENDED, trigger, END, token, reason)
        self.outlet.open()
        self.outlet.profiles.clear()
        self.transaction, self._token, self.group = None, None, None
        if self.visit is not None:
            self.visit.stopped = True
        if self._old:
            self._flow = Flow.IDLE
            self.report()

    def paused(self) -> None:
        """The power goes off under a transaction that is to go on afterwards."""
        self.outlet.open()

    def resumed(self) -> None:
        """The power is back: the transaction goes on (2.1)."""
        if self.transaction is not None:
            if self._token is not None:
                self.outlet.close()
            self._event(Moment.UPDATED, "TxResumed", CLOCKED)

    def fail(self, error: str | None) -> None:
        """The outlet's electronics break, or work again (None): what runs is ended, and the lamp tells."""
        self.fault = error
        if error is not None and self.transaction is not None:
            self.stop("AbnormalCondition", "Other")
        self.report()

    # --- as time goes by ---

    def tick(self, now: Seconds) -> None:
        """One second of a transaction."""
        power = self.outlet.power_w
        sense = 1 if power > FLOWING_W else -1 if power < -FLOWING_W else 0
        if sense != self._sense:
            self._sense, self._changed_s = sense, now
        if sense != self._told_sense and now - self._changed_s >= STEADY_S and self._token is not None:
            self._told_sense = sense
            self._flow = Flow.FLOWING if sense else self._pause()
            if self._old:
                self.report()
            else:
                self._event(Moment.UPDATED, "ChargingStateChanged", CLOCKED)
        if now >= self.due_s:
            self._await_sample()
            self._event(Moment.UPDATED, "MeterValuePeriodic", "Sample.Periodic")

    def _pause(self) -> Flow:
        asked = self.outlet.asks(self.teller.clock.monotonic())[0]
        ours = not self.outlet.closed or abs(asked) < FLOWING_W
        return Flow.SUSPENDED_BY_STATION if ours else Flow.SUSPENDED_BY_CAR

    def _await_sample(self) -> None:
        self.due_s = self.teller.clock.monotonic() + self.teller.sample_s

    def sample(self, context: str) -> Sample:
        """What the meter and the car show now."""
        power, import_wh, export_wh = self.outlet.reading()
        car = self.outlet.car
        return Sample(
            at=self.teller.clock.now(),
            import_wh=import_wh,
            export_wh=export_wh,
            power_w=power,
            soc=None if car is None else car.energy_wh / car.capacity_wh,
            voltage_v=self.outlet.volts,
            context=context,
        )

    def change(self, trigger: str) -> None:
        """Something about the transaction has changed."""
        if self.transaction is not None:
            self._event(Moment.UPDATED, trigger, CLOCKED)

    def allow(self, modes: Sequence[str]) -> None:
        """Which transfers of energy the station allows; the car is asked anew when that changes what it may do."""
        both = any("BPT" in mode for mode in modes)
        changed = both != self._both
        self._both = both
        self.outlet.gives_w = self.outlet.evse.discharge_w if both else 0.0
        self.outlet.look()
        if changed and self._token is not None:
            self.tell_needs()

    def turned_down(self, *, both: bool) -> None:
        """The station does not allow what the car asked for: it takes the plain transfer, or nothing."""
        if self.transaction is None:
            return
        if both:
            self.allow(("DC",))
        else:
            self.stop("Deauthorized", "ReqEnergyTransferRejected")

    def trigger(self, message: str) -> None:
        """Say it now, because the station asked."""
        if message == "StatusNotification":
            self.report()
        elif message == "MeterValues" and (self.transaction is None or not self._old):
            self.teller.tell(Metered(evse=self.number, samples=(self.sample("Trigger"),)))
        elif self.transaction is not None:
            self._event(Moment.UPDATED, "Trigger", "Trigger")

    def _event(
        self,
        moment: Moment,
        trigger: str,
        context: str | None,
        token: Token | None = None,
        reason: str | None = None,
    ) -> None:
        """Tell one event of the transaction."""
        fact = TransactionTold(
            moment=moment,
            transaction_id=self.transaction,
            at=self.teller.clock.now(),
            evse=self.number,
            connector=1,
            seq_no=None if self._old else self._seq,
            offline=not self.teller.online,
            trigger=trigger,
            flow=self._flow,
            token=token,
            remote_start_id=self._remote_start,
            stopped_reason=reason,
            samples=() if context is None else (self.sample(context),),
            asks_token=token is not None,
        )
        self._seq += 1
        self._remote_start = None
        self.teller.tell(fact)

    @property
    def state(self) -> OutletState:
        """The connector's state."""
        if self.fault is not None:
            return OutletState.FAULTED
        if self.visit is not None:
            return OutletState.OCCUPIED
        if not self.serves:
            return OutletState.UNAVAILABLE
        return OutletState.RESERVED if self.held else OutletState.AVAILABLE

    def report(self) -> None:
        """Tell the connector's state."""
        state = self.state
        flow = self._flow if state is OutletState.OCCUPIED else None
        now = self.teller.clock.now()
        self.teller.tell(
            OutletReported(evse=self.number, connector=1, state=state, at=now, error=self.fault, flow=flow)
        )

    def tell_needs(self) -> None:
        """What the car wants, as it told the charger by ISO 15118."""
        visit = self.visit
        if visit is None:
            return
        now, car = self.teller.clock.now(), visit.car
        both = visit.v2g and self._both and self.teller.version is OcppVersion.V21
        self.teller.tell(
            NeedsTold(
                evse=self.number,
                at=now,
                departure=departure(visit, self.teller.clock),
                energy_wh=max(0.0, visit.need_wh - car.energy_wh),
                soc=car.soc,
                target_soc=min(1.0, visit.need_wh / car.capacity_wh),
                capacity_wh=car.capacity_wh,
                charge_w=min(car.model.dc_w, self.outlet.evse.charge_w),
                discharge_w=min(car.model.v2g_w, self.outlet.evse.discharge_w) if both else None,
                floor_wh=visit.floor_soc * car.capacity_wh if both else None,
                v2x=both,
            )
        )


def departure(visit: Visit, clock: Clock) -> datetime:
    """When the driver says to leave."""
    return clock.now() + timedelta(seconds=max(60.0, visit.told_departs_s - clock.monotonic()))
