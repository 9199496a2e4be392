"""One outlet (EVSE): its contactor, its meter, and how power moves toward what is asked.

The outlet moves slowly away from zero (an eighth of its rating a second, as power electronics and cars agree on the
current step by step) and quickly toward it (half its rating a second). A car obeys one second late.
"""

from collections.abc import Callable
from math import inf
from typing import TypeAlias

from voltide.domain.site import Evse
from voltide.domain.units import Seconds, Volts, WattHours, Watts
from voltide.twin.profiles import Profiles
from voltide.twin.vehicle import ETA_CHARGE, ETA_DISCHARGE, GRAIN, Vehicle

SLOW, QUICK = 1.0 / 8.0, 1.0 / 2.0
"""Share of the rating that the power changes in a second, away from zero and toward it."""
IN_WH, OUT_WH = ETA_CHARGE / 3600.0, 1.0 / ETA_DISCHARGE / 3600.0
STILL_W: Watts = 1.0
Asks: TypeAlias = Callable[[Seconds], tuple[Watts, Seconds]]


class Outlet:
    """The physics of one outlet. ``profiles`` says what is asked; ``head_w`` what its power modules can carry."""

    __slots__ = (
        *("_asked_w", "_gives_w", "_quick_w", "_slow_w", "_takes_w", "_until", "_wish_w"),
        *("asks", "bends", "car", "closed", "evse", "export_wh", "gives_w", "head_w", "import_wh", "lowest_soc"),
        *("power_w", "profiles", "shown"),
    )

    def __init__(self, evse: Evse) -> None:
        self.evse = evse
        self.profiles = Profiles(evse.fallback_w)
        self.asks: Asks = self.profiles.holding
        """Who says what power is asked, and until when that surely holds."""
        self.bends: Callable[[Seconds, Watts], tuple[Watts, Seconds]] | None = None
        """What the grid makes of the power that is asked (DER)."""
        self.gives_w: Watts = evse.discharge_w
        """The most that it may take back from this car."""
        self.car: Vehicle | None = None
        self.closed = False
        """The contactor: power flows only while it is closed."""
        self.power_w: Watts = 0.0
        self.import_wh: WattHours = 0.0
        self.export_wh: WattHours = 0.0
        self.head_w: Watts = evse.charge_w
        self.shown: tuple[Watts, WattHours, WattHours] | None = None
        """What a frozen meter goes on showing."""
        self.lowest_soc = 1.0
        """The lowest state of charge that giving back has brought this car to."""
        self._slow_w, self._quick_w = evse.charge_w * SLOW, evse.charge_w * QUICK
        self._asked_w: Watts = 0.0
        self._wish_w: Watts = 0.0
        self._until: Seconds = -inf
        self._takes_w: list[Watts] = []
        self._gives_w: list[Watts] = []

    @property
    def wish_w(self) -> Watts:
        """What car and setpoint agree on, before the modules have their say."""
        return self._wish_w

    def plug(self, car: Vehicle) -> None:
        """A car is plugged in; nothing flows yet."""
        self.car, self.lowest_soc, self.gives_w = car, 1.0, self.evse.discharge_w
        self._takes_w, self._gives_w = car.model.takes_w, car.model.gives_w

    def unplug(self) -> None:
        """The plug is out."""
        self.open()
        self.car = None

    def close(self) -> None:
        """Let power flow."""
        self.closed, self._until = True, -inf

    def open(self) -> None:
        """Stop the power at once."""
        self.closed, self.power_w, self._wish_w = False, 0.0, 0.0

    def can(self, power_w: Watts) -> Watts:
        """How much of a power the car there would take or give now."""
        if self.car is None:
            return 0.0
        return min(power_w, self.car.most_in_w()) if power_w >= 0.0 else max(power_w, -self.car.most_out_w())

    def ramp(self, rate_w: Watts | None) -> None:
        """Change the power no faster than so many watts a second, or (None) as fast as it can."""
        slow, quick = self.evse.charge_w * SLOW, self.evse.charge_w * QUICK
        self._slow_w, self._quick_w = (slow, quick) if rate_w is None else (min(slow, rate_w), min(quick, rate_w))

    def cut(self) -> None:
        """Nothing flows this instant; the contactor stays closed."""
        self.power_w = self._wish_w = 0.0

    def look(self) -> None:
        """A profile has changed: ask again which limit holds."""
        self._until = -inf

    @property
    def volts(self) -> Volts:
        """The voltage at the plug: a car's pack rises with its charge; illustrative."""
        return 400.0 if self.car is None else 340.0 + 90.0 * self.car.soc

    def reading(self) -> tuple[Watts, WattHours, WattHours]:
        """What the meter shows: power, and both registers."""
        return self.shown or (self.power_w, self.import_wh, self.export_wh)

    def step(self, now: Seconds) -> Watts:
        """One second of a closed contactor; gives the true power."""
        if now >= self._until:
            self._asked_w, self._until = self.asks(now)
            if self.bends is not None:
                self._asked_w, until = self.bends(now, self._asked_w)
                self._until = min(self._until, until)
        car, power, wish = self.car, self.power_w, self._wish_w
        if car is None:
            return 0.0
        at = car.energy_wh / car.capacity_wh * GRAIN
        row = int(at)
        asked = self._asked_w
        if asked >= 0.0:
            low = self._takes_w[row]
            most = low + (self._takes_w[row + 1] - low) * (at - row)
            self._wish_w = min(most, asked)
        else:
            low = self._gives_w[row]
            most = min(low + (self._gives_w[row + 1] - low) * (at - row), self.gives_w)
            self._wish_w = max(-most, asked)
        wish = min(wish, self.head_w)
        if wish != power:
            power = self._move(power, wish)
            power = min(power, self.head_w)
            self.power_w = power
        self._count(car, power)
        return power

    def _move(self, power: Watts, wish: Watts) -> Watts:
        """A second's step toward a wish: quick toward zero, slow away from it; through zero in two steps."""
        if wish > power:
            if power < 0.0:
                return min(wish, 0.0, power + self._quick_w) if power + self._quick_w < 0.0 or wish <= 0.0 else 0.0
            return min(wish, power + self._slow_w)
        if power > 0.0:
            return max(wish, 0.0, power - self._quick_w)
        return max(wish, power - self._slow_w)

    def _count(self, car: Vehicle, power: Watts) -> None:
        """Registers and the car's battery follow the power."""
        if power > 0.0:
            self.import_wh += power / 3600.0
            energy = car.energy_wh + power * IN_WH
            car.energy_wh = min(car.capacity_wh, energy)
        elif power < 0.0:
            self.export_wh -= power / 3600.0
            energy = car.energy_wh + power * OUT_WH
            car.energy_wh = max(0.0, energy)
            self.lowest_soc = min(self.lowest_soc, car.energy_wh / car.capacity_wh)
