"""Charging profiles by all the rules of the specification (K, Q): set, cleared, told, and followed.

What they come to is ``ocpp.composite``'s to say; here it becomes watts at an outlet. This block takes over from
``desk`` when a profile comes that is not plain, and gives back when only plain ones are left.
"""

from collections.abc import Callable, Mapping
from functools import partial
from math import inf
from typing import Any, ClassVar

from voltide.domain.messages import Json, Moment, TransactionTold
from voltide.domain.site import OcppVersion, V2g
from voltide.domain.time import stamp
from voltide.domain.units import Seconds, Watts
from voltide.ocpp.composite import Holding, compose
from voltide.ocpp.installed import CSMS, clear, ended, read_clear, read_get
from voltide.ocpp.profile_rules import Arrival, Refusal, examine, examine_asked
from voltide.ocpp.schedule import Kind, Mode, Profile, Purpose, Unit, delayed, updated
from voltide.ocpp.schedule_wire import composite_answer, read_asked, read_profile, read_update
from voltide.twin.bay import Bay
from voltide.twin.blocks.block import Block, Box, pages, refusal
from voltide.twin.blocks.carplan import chosen, plan
from voltide.twin.blocks.modes import EACH_SECOND, Balance, Shown, asked, share, within
from voltide.twin.blocks.shelf import Entry, Shelf
from voltide.twin.variables import Name

_ENTRIES: Name = ("SmartChargingCtrlr", "Entries", "ChargingProfiles")
_BALANCE: tuple[Name, ...] = tuple(
    ("V2XChargingCtrlr", "LocalLoadBalancing", one)
    for one in ("UpperThreshold", "LowerThreshold", "UpperOffset", "LowerOffset")
)
_ISO: Name = ("ISO15118Ctrlr", "Enabled", "")
_PAGE = 4
_REFRESH_S: Seconds = 5.0
"""How often a limit that depends on the state of charge is looked at again."""
_RANDOM = frozenset({Purpose.TX, Purpose.TX_DEFAULT})


class Charging(Block):
    """Follows profiles."""

    def __init__(self, box: Box) -> None:
        super().__init__(box)
        self.shelf = Shelf(box)
        self.signal: int | None = None
        """The grid's secondary-control signal that holds now."""
        self._shares: tuple[Seconds, Mapping[int, Watts]] = (-inf, {})
        self._pulls: dict[int, Seconds] = {}
        box.hooks.append(self._stay)
        box.variables.live[_ENTRIES] = lambda _spot: str(len(self._entries()))

    # --- who follows: the desk while all is plain, else this block ---

    def _entries(self) -> list[Entry]:
        """What is installed, whoever follows it."""
        if self.box.desk.closed:
            return self.shelf.entries()
        return [self._read(one.evse, one.body, received=one.received) for one in self.box.desk.kept()]

    def _read(self, evse: int, body: Json, **how: Any) -> Entry:
        profile = body["csChargingProfiles"] if "csChargingProfiles" in body else body["chargingProfile"]
        received = how.pop("received", None) or self.box.clock.now()
        return Entry(read_profile(self.box.version, evse, profile, received, **how), profile)

    def take_over(self) -> None:
        """From now on the general rules hold at every outlet."""
        if self.box.desk.closed:
            return
        for entry in self._entries():
            self.shelf.put(entry)
        self.box.desk.closed = True
        for bay in self.box.bays.values():
            bay.outlet.asks = partial(self._asks, bay)
            bay.outlet.look()

    def give_back(self) -> None:
        """Let the desk follow again, when nothing is left that it cannot."""
        plain = all(one.source == CSMS for one in self.shelf.profiles)
        if not plain or self.shelf.priority or not self.box.online or not self.box.desk.closed:
            return
        wrap = "csChargingProfiles" if self.box.version is OcppVersion.V16 else "chargingProfile"
        place = "connectorId" if self.box.version is OcppVersion.V16 else "evseId"
        if self.box.desk.reopen([{place: one.profile.evse, wrap: one.body} for one in self.shelf.entries()]):
            self.shelf.keep(())
            for bay in self.box.bays.values():
                bay.outlet.asks = bay.outlet.profiles.holding
                bay.outlet.look()

    def changed(self) -> None:
        """Something else may hold now at every outlet."""
        self._shares = (-inf, {})
        for bay in self.box.bays.values():
            bay.outlet.look()

    # --- set and clear ---

    def _set(self, body: Json) -> Json:
        entry = self._read(body["connectorId" if "connectorId" in body else "evseId"], body)
        refused = self.examine(entry.profile)
        if refused is not None:
            return self.no(refused)
        self.install(entry)
        self.give_back()
        return {"status": "Accepted"}

    def examine(self, profile: Profile, *, starting: bool = False) -> Refusal | None:
        """Whether the rules let a profile of the station in."""
        arrival = Arrival(now=self.box.clock.now(), starting=starting)
        kept = [one.profile for one in self._entries()]
        return examine(profile, kept, self.shelf.station(), self.shelf.abilities(), arrival)

    def install(self, entry: Entry) -> None:
        """Keep a profile, and follow it."""
        self.take_over()
        profile = entry.profile
        if profile.purpose in _RANDOM:
            most = max((len(one.periods) for one in profile.schedules), default=0)
            spread = max((one.randomized_delay_s for one in profile.schedules), default=0)
            if spread:
                profile = delayed(profile, [self.box.chance.randint(0, spread) for _ in range(most)])
        self.shelf.put(Entry(profile, entry.body))
        if profile.purpose is Purpose.TX and profile.kind is not Kind.DYNAMIC:
            self.offered(profile)
        if profile.update_interval_s > 0:
            self._pulls[profile.id] = self.box.clock.monotonic() + profile.update_interval_s
            self.box.watch(self._look)
        self.changed()

    def offered(self, profile: Profile) -> None:
        """The car hears of a schedule of its own, and tells what it will do (ISO 15118; K15, K18)."""
        bay = self.box.bays[profile.evse]
        if bay.visit is None or bay.token is None or not self.box.variables.flag(_ISO):
            return
        best = chosen(profile)
        self.shelf.choice[bay.number] = best
        self.changed()
        told = plan(bay, self.shelf.composition(), self.box.clock.now())
        entry = self.shelf.find(profile.id)
        if self.box.version is OcppVersion.V21 and entry is not None:
            told["selectedChargingScheduleId"] = entry.body["chargingSchedule"][best]["id"]
        if self.box.version is not OcppVersion.V16:
            self.box.call("NotifyEVChargingSchedule", told)

    def no(self, refused: Refusal) -> Json:
        """A refusal with its reason, where the version has room for one."""
        if self.box.version is OcppVersion.V16:
            return {"status": "Rejected"}
        return refusal(refused.reason.value, info=refused.detail)

    def _clear(self, body: Json) -> Json:
        self.take_over()
        before = self.shelf.profiles
        self.shelf.keep(clear(before, read_clear(body)))
        gone = len(self.shelf.profiles) < len(before)
        self.changed()
        self.give_back()
        return {"status": "Accepted" if gone else "Unknown"}

    def _stay(self, fact: TransactionTold) -> None:
        """A transaction's own profiles end with it, and so does its priority."""
        if fact.moment is not Moment.ENDED or fact.transaction_id is None or fact.evse is None:
            return
        self.shelf.priority.discard(fact.evse)
        self.shelf.choice.pop(fact.evse, None)
        known = self.box.known_id(fact.transaction_id) or fact.transaction_id
        self.shelf.keep(ended(self.shelf.profiles, known, fact.evse))
        self.changed()
        self.give_back()

    # --- dynamic profiles (K28) ---

    def _update(self, body: Json) -> Json:
        self.take_over()
        return self.renew(body["chargingProfileId"], body["scheduleUpdate"])

    def renew(self, number: int, update: Json) -> Json:
        """New values in the one period of a dynamic profile."""
        entry = self.shelf.find(number)
        if entry is None:
            return refusal("NoProfile")
        if entry.profile.kind is not Kind.DYNAMIC:
            return refusal("InvalidProfile", info="K28.FR.04: only a dynamic profile is updated")
        now = self.box.clock.now()
        schedule = entry.body["chargingSchedule"][0]
        period = schedule["chargingSchedulePeriod"][0] | update
        told = schedule | {"chargingSchedulePeriod": [period]}
        new = entry.body | {"chargingSchedule": [told], "dynUpdateTime": stamp(now)}
        self.shelf.put(Entry(updated(entry.profile, read_update(update), now), new))
        self.changed()
        return {"status": "Accepted"}

    def _look(self, now: Seconds) -> None:
        """Ask for the value of each profile that wants it."""
        for number, due in tuple(self._pulls.items()):
            entry = self.shelf.find(number)
            if entry is None:
                del self._pulls[number]
            elif now >= due and self.box.online:
                self._pulls[number] = now + entry.profile.update_interval_s
                self.box.call("PullDynamicScheduleUpdate", {"chargingProfileId": number}, partial(self._pulled, number))
        if not self._pulls:
            self.box.unwatch(self._look)

    def _pulled(self, number: int, answer: Json) -> None:
        if answer["status"] == "Accepted" and "scheduleUpdate" in answer:
            self.renew(number, answer["scheduleUpdate"])

    # --- tell ---

    def _get(self, body: Json) -> Json:
        meant, request = read_get(body), body["requestId"]
        groups: dict[tuple[str, int], list[Json]] = {}
        for one in self._entries():
            if meant(one.profile):
                groups.setdefault((one.profile.source, one.profile.evse), []).append(one.body)
        if not groups:
            return {"status": "NoProfiles"}
        parts = [(place, page) for place, rows in groups.items() for _, _, page in pages(rows, _PAGE)]
        for at, ((source, evse), page) in enumerate(parts, start=1):
            told = {"requestId": request, "chargingLimitSource": source, "evseId": evse, "chargingProfile": page}
            self.box.call("ReportChargingProfiles", told | {"tbc": at < len(parts)})
        return {"status": "Accepted"}

    def _composite(self, body: Json) -> Json:
        asks = read_asked(body, self.box.clock.now(), Unit.A if self.box.charger.amperes else Unit.W)
        station = self.shelf.station()
        refused = examine_asked(asks, station, self.shelf.abilities())
        if refused is not None:
            return self.no(refused)
        profiles = self.shelf.with_built_in(one.profile for one in self._entries())
        return composite_answer(self.box.version, compose(profiles, station, asks))

    # --- follow ---

    def holding(self, bay: Bay) -> Holding:
        """What holds at an outlet now."""
        return self.shelf.composition().holding(bay.number, self.box.clock.now())

    def _asks(self, bay: Bay, now: Seconds) -> tuple[Watts, Seconds]:
        """The power that is asked of an outlet, and until when it surely is."""
        held = self.holding(bay)
        if self.shelf.shared:
            return self._shared(bay, now), now
        power = self._wanted(bay, held)
        if held.mode in EACH_SECOND:
            return power, now
        until = inf if held.until is None else now + (held.until - self.box.clock.now()).total_seconds()
        return power, min(until, now + _REFRESH_S) if self.shelf.by_charge else until

    def _wanted(self, bay: Bay, held: Holding) -> Watts:
        evse, box = bay.outlet.evse, self.box
        gives = evse.discharge_w
        if held.mode is Mode.CHARGING_ONLY and box.charger.v2g is not V2g.NEGATIVE_LIMIT:
            gives = 0.0
        by_site = held.mode is Mode.LOCAL_LOAD_BALANCING
        shown = Shown(
            frequency_hz=box.grid.frequency_hz,
            site_w=box.grid.site_w + sum(one.outlet.power_w for one in box.bays.values()),
            own_w=bay.outlet.power_w,
            signal=self.signal,
            balance=Balance(*(float(box.variables.text(one)) for one in _BALANCE)) if by_site else None,
        )
        return within(asked(held, shown), held, (-gives, evse.charge_w))

    def _shared(self, bay: Bay, now: Seconds) -> Watts:
        """What an outlet gets of what holds for all of them together, shared anew each second."""
        if self._shares[0] != now:
            whole = self.shelf.composition().holding(0, self.box.clock.now())
            wishes = {
                one.number: one.outlet.can(self._wanted(one, self.holding(one)))
                for one in self.box.bays.values()
                if one.outlet.closed
            }
            self._shares = (now, share(wishes, whole))
        return self._shares[1].get(bay.number, 0.0)

    ACTS: ClassVar[Mapping[str, Callable[[Any, Json], Json]]] = {
        "ClearChargingProfile": _clear,
        "GetChargingProfiles": _get,
        "GetCompositeSchedule": _composite,
        "SetChargingProfile": _set,
        "UpdateDynamicSchedule": _update,
    }
