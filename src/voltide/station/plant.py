"""Sun, storage, building and grid meter, read once a second and remembered with their age."""

from dataclasses import dataclass

import structlog

from voltide.control.image import Measured
from voltide.devices.ports import Battery, Inverter, Meter, Reading
from voltide.domain.site import Station
from voltide.domain.time import Clock
from voltide.domain.units import Watts

log = structlog.get_logger()

LEASE_S = 10.0
SUSTAIN_S = 300.0
"""The storage's power counts only as far as its energy lasts this long."""
_PLAUSIBLE_W = 1e8


@dataclass(frozen=True, slots=True, kw_only=True)
class Devices:
    """The station's own hardware. A station without one of them has None."""

    grid: Meter | None = None
    """None: open loop. Limits then rest on what the chargers acknowledged and on the building's most."""
    building: Meter | None = None
    inverter: Inverter | None = None
    battery: Battery | None = None


class Plant:
    """The newest reading of each device."""

    def __init__(self, devices: Devices, station: Station, clock: Clock) -> None:
        self._devices = devices
        self._storage = station.storage
        there = {"building": True, "inverter": station.pv is not None, "battery": station.storage is not None}
        self._blind = {name for name, built in there.items() if built}
        self._clock = clock
        self._readings: dict[str, tuple[Reading, float]] = {}
        self._silent: set[str] = set()
        self._measured: dict[str, Measured] = {}

    async def read(self) -> None:
        """Ask every device; one that does not answer keeps its old reading, which grows older."""
        for name in ("grid", "building", "inverter", "battery"):
            device: Meter | None = getattr(self._devices, name)
            if device is None:
                continue
            try:
                reading = await device.read()
            except OSError as error:
                self._note_silence(name, error)
                continue
            self._silent.discard(name)
            if abs(reading.power_w) < _PLAUSIBLE_W:  # False for NaN, too
                self._readings[name] = (reading, self._clock.monotonic())
        self._measured = {name: self._aged(name) for name in ("grid", "building", "inverter", "battery")}

    def measured(self, name: str) -> Measured:
        """A device's power and its age when the devices were last asked. What is not installed has no power."""
        return self._measured.get(name) or self._aged(name)

    def _aged(self, name: str) -> Measured:
        if getattr(self._devices, name) is None:  # what is there but has no driver is reckoned with at its worst
            return Measured(power_w=None if name in self._blind else 0.0, age_s=0.0)
        if name not in self._readings:
            return Measured(power_w=None, age_s=float("inf"))
        reading, taken_s = self._readings[name]
        now = self._clock.now()
        late = (now - reading.at).total_seconds() if reading.at < now else 0.0
        return Measured(power_w=reading.power_w, age_s=max(self._clock.monotonic() - taken_s, late))

    @property
    def soc(self) -> float | None:
        """The storage's state of charge."""
        found = self._readings.get("battery")
        return None if found is None else found[0].soc

    def battery_band(self) -> tuple[Watts, Watts]:
        """The least (negative) and the most that the storage could do for the next minutes."""
        storage, soc = self._storage, self.soc
        if storage is None or soc is None:
            return 0.0, 0.0
        usable = max(0.0, soc - storage.soc_min) * storage.capacity_wh * storage.eta_discharge
        free = max(0.0, storage.soc_max - soc) * storage.capacity_wh / storage.eta_charge
        per_hour = 3600.0 / SUSTAIN_S
        return -min(storage.discharge_w, usable * per_hour), min(storage.charge_w, free * per_hour)

    async def apply(self, battery_w: Watts) -> None:
        """Tell the storage what to do; the lease lets it fall to nothing when we are gone."""
        if self._devices.battery is None:
            return
        try:
            await self._devices.battery.apply(battery_w, LEASE_S)
        except OSError as error:
            self._note_silence("battery", error)

    def _note_silence(self, name: str, error: OSError) -> None:
        if name not in self._silent:
            self._silent.add(name)
            log.warning("device.silent", device=name, error=str(error))
