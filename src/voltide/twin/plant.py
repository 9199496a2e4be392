"""The station's own hardware: canopy, battery, building and the meters that watch them.

True powers live here; what a meter tells is the truth with its error, or whatever its fault makes of it.
"""

import random
from datetime import datetime
from math import exp

from voltide.devices.ports import Reading
from voltide.domain.site import Photovoltaics, Station, Storage
from voltide.domain.sun import clear_sky, on_canopy, sun_position
from voltide.domain.time import Clock
from voltide.domain.units import Fraction, Seconds, WattHours, Watts
from voltide.twin.vehicle import between

METER_ERROR = 0.002
"""A class 0.2 meter."""
SYSTEM_ETA = 0.86
"""Wiring, dust, heat and inverter of a canopy together."""
BATTERY_RAMP_S = 2.0
"""From nothing to full power."""

BUILDING_BY_HOUR = (
    *((0, 0.35), (5, 0.30), (7, 0.50), (9, 0.75), (11, 0.85), (13, 1.0)),
    *((16, 0.95), (18, 0.9), (21, 0.7), (24, 0.35)),
)
"""Share of its highest load by local solar hour: light, air, a shop and a lounge; illustrative."""


class TrueMeter:
    """A meter with its registers and its error. ``fault`` is None or one of ``FAULTS``."""

    FAULTS = ("silent", "frozen", "nan", "flipped", "scaled")

    def __init__(self, clock: Clock, chance: random.Random) -> None:
        self.fault: str | None = None
        self.import_wh: WattHours = 0.0
        self.export_wh: WattHours = 0.0
        self.power_w: Watts = 0.0
        self._clock = clock
        self._chance = chance
        self._at = clock.now()
        self._shown: tuple[Watts, WattHours, WattHours] = (0.0, 0.0, 0.0)

    def count(self, power_w: Watts, at: datetime) -> None:
        """One second has passed at this true power."""
        self.power_w = power_w
        if power_w >= 0.0:
            self.import_wh += power_w / 3600.0
        else:
            self.export_wh -= power_w / 3600.0
        self._at = at
        if self.fault != "frozen":
            error = 2.0 * METER_ERROR * (self._chance.random() - 0.5)
            self._shown = (power_w * (1.0 + error), self.import_wh, self.export_wh)

    async def read(self) -> Reading:
        """What the meter tells now; raises ``OSError`` while it is silent."""
        return self.reading(None)

    def reading(self, soc: Fraction | None) -> Reading:
        """What the meter tells now, with the state of charge that its device adds."""
        power, import_wh, export_wh = self._shown
        at = self._at
        match self.fault:
            case "silent":
                raise OSError("The meter does not answer.")
            case "frozen":
                at = self._clock.now()  # the worst kind: an old value with a fresh time
            case "nan":
                power = float("nan")
            case "flipped":
                power = -power
            case "scaled":
                power *= 1000.0
        return Reading(at=at, power_w=power, import_wh=import_wh, export_wh=export_wh, soc=soc)


class Canopy(TrueMeter):
    """Solar panels and their inverter. Positive power flows into the thing named, so sunshine is negative."""

    def __init__(
        self, station: Station, pv: Photovoltaics, clock: Clock, luck: random.Random, cloudiness: float
    ) -> None:
        super().__init__(clock, luck)
        self.available_w: Watts = 0.0
        self._pv, self._where = pv, (station.latitude, station.longitude)
        self._cloudiness = cloudiness
        self._mood = luck.gauss(0.0, 1.0)
        self._slope = self._from = self._now = 0.0
        self._left = 0
        self._most_w: Watts | None = None
        self._until: Seconds = -1.0

    async def curtail(self, most_w: Watts | None, lease_s: Seconds) -> None:
        """Give at most this power (a positive number), or all there is (None); the lease's end lifts it."""
        if self.fault == "silent":
            raise OSError("The inverter does not answer.")
        self._most_w, self._until = most_w, self._clock.monotonic() + lease_s

    def step(self, at: datetime, seconds: Seconds) -> Watts:
        """One second of sun; gives the true power (at most 0). The sky is drawn once a minute, with straight lines."""
        if self._left == 0:
            self._draw(at)
        self._left -= 1
        self._now += self._slope
        self.available_w = max(0.0, self._now)
        given = self.available_w
        if self._most_w is not None and seconds < self._until:
            given = min(given, max(0.0, self._most_w))
        self.count(-given, at)
        return -given

    def _draw(self, at: datetime) -> None:
        """Where the power will be in a minute; clouds drift as a mean-reverting walk of about a quarter of an hour."""
        self._mood = 0.93 * self._mood + 0.368 * self._chance.gauss(0.0, 1.0)
        shade = self._cloudiness / (1.0 + exp(-1.8 * self._mood))
        sun = sun_position(at, *self._where)
        sky = clear_sky(sun[0]) * (1.0 - 0.85 * shade)
        light = on_canopy(sky, sun, self._pv.tilt_deg, self._pv.azimuth_deg)
        goal = min(self._pv.peak_w, self._pv.peak_w * light / 1000.0 * SYSTEM_ETA)
        self._slope = (goal - self._now) / 60.0
        self._left = 60


class StationBattery(TrueMeter):
    """The stationary battery behind its inverter, with a setpoint that it forgets by itself."""

    def __init__(self, storage: Storage, clock: Clock, luck: random.Random, soc: Fraction) -> None:
        super().__init__(clock, luck)
        self.energy_wh: WattHours = soc * storage.capacity_wh
        self._storage = storage
        self._asked_w: Watts = 0.0
        self._until: Seconds = -1.0

    @property
    def soc(self) -> Fraction:
        """Its state of charge."""
        return self.energy_wh / self._storage.capacity_wh

    async def read(self) -> Reading:
        """Power, registers and state of charge."""
        return self.reading(self.soc)

    async def apply(self, power_w: Watts, lease_s: Seconds) -> None:
        """Take (positive) or give (negative) this power; falls to 0 when the lease runs out."""
        if self.fault == "silent":
            raise OSError("The battery does not answer.")
        self._asked_w, self._until = power_w, self._clock.monotonic() + lease_s

    def step(self, at: datetime, seconds: Seconds) -> Watts:
        """One second; gives the true power."""
        kit = self._storage
        asked = self._asked_w if seconds < self._until else 0.0
        room_in = (kit.soc_max * kit.capacity_wh - self.energy_wh) / kit.eta_charge * 3600.0
        room_out = (self.energy_wh - kit.soc_min * kit.capacity_wh) * kit.eta_discharge * 3600.0
        asked = min(asked, kit.charge_w, max(0.0, room_in))
        asked = max(asked, -kit.discharge_w, -max(0.0, room_out))
        up, down = kit.charge_w / BATTERY_RAMP_S, kit.discharge_w / BATTERY_RAMP_S
        power = min(max(asked, self.power_w - down), self.power_w + up)
        self.energy_wh += power * kit.eta_charge / 3600.0 if power > 0.0 else power / kit.eta_discharge / 3600.0
        self.count(power, at)
        return power


class Building(TrueMeter):
    """Everything else behind the connection: light, air, shop, lounge."""

    def __init__(self, most_w: Watts, longitude: float, clock: Clock, luck: random.Random) -> None:
        super().__init__(clock, luck)
        self._most_w = most_w
        self._east_s = int(longitude * 240.0)
        self._wander = 0.0

    def step(self, at: datetime, seconds: Seconds) -> Watts:
        """One second; gives the true power, never above the building's highest load."""
        del seconds
        hour = ((at.hour * 3600 + at.minute * 60 + at.second + self._east_s) % 86_400) / 3600.0
        self._wander += -0.002 * self._wander + 0.004 * (self._chance.random() - 0.5)
        share = between(BUILDING_BY_HOUR, hour) * 0.9 + self._wander
        power = self._most_w * min(1.0, max(0.1, share))
        self.count(power, at)
        return power
