"""Which limit holds at an outlet now, as the charger itself sees it. The lease expires here, in the device.

From the strongest to the weakest: the setpoint of the transaction while its lease runs; the fallback that the station
gave (TxDefaultProfile); the fallback that the maker built in. Only a setpoint can be negative.

A static profile ends by its duration. A dynamic one (2.1) stands while the line does, and ends when the charger has
been alone for longer than the profile allows. Source: OCPP 2.1, ChargingProfileType, maxOfflineDuration.
"""

from math import inf

from voltide.domain.messages import ApplySetpoint
from voltide.domain.units import Seconds, Watts


class Profiles:
    """The profiles of one outlet. Times are monotonic seconds of the charger."""

    __slots__ = ("_built_in_w", "_default_w", "_dynamic", "_expires", "_lease_s", "_setpoint_w", "band", "deaf")

    def __init__(self, built_in_w: Watts) -> None:
        self._built_in_w = built_in_w
        self._default_w: Watts | None = None
        self._setpoint_w: Watts | None = None
        self._expires: Seconds = -inf
        self._lease_s: Seconds = 0.0
        self._dynamic = False
        self.band: tuple[Watts, Watts] = (0.0, 0.0)
        """Floor and ceiling of the setpoint's profile."""
        self.deaf = False
        """A fault: it says yes to everything and changes nothing."""

    @property
    def fallback_w(self) -> Watts:
        """What holds when no setpoint does; never negative."""
        return self._built_in_w if self._default_w is None else max(0.0, self._default_w)

    @property
    def standing(self) -> bool:
        """Whether a setpoint is kept."""
        return self._setpoint_w is not None

    @property
    def dynamic(self) -> bool:
        """Whether a setpoint is kept that new values may be put into."""
        return self._setpoint_w is not None and self._dynamic

    def default(self, power_w: Watts) -> None:
        """A new fallback."""
        if not self.deaf:
            self._default_w = power_w

    def set(self, order: ApplySetpoint, now: Seconds, *, dynamic: bool) -> None:
        """A new profile for the transaction; it replaces the old one."""
        if self.deaf:
            return
        self.band = (min(0.0, order.floor_w), max(order.ceiling_w, 0.0))
        self._dynamic, self._lease_s = dynamic, order.lease_s
        self._expires = inf if dynamic else now + order.lease_s
        self.update(order.power_w)

    def update(self, power_w: Watts) -> None:
        """A new value in the profile that is there."""
        if not self.deaf:
            floor, ceiling = self.band
            self._setpoint_w = min(max(power_w, floor), ceiling)

    def alone(self, since: Seconds) -> None:
        """The station has not been heard since then: from there a dynamic setpoint's time runs."""
        if self.dynamic:
            self._expires = since + self._lease_s

    def together(self) -> None:
        """The station is heard again; a dynamic setpoint that has not ended stands on."""
        if self.dynamic:
            self._expires = inf

    def clear(self) -> None:
        """The setpoint is forgotten: it was cleared, or its transaction has ended."""
        self._setpoint_w, self._expires, self._dynamic = None, -inf, False

    def forget(self) -> None:
        """Neither setpoint nor fallback of the station is kept."""
        self.clear()
        self._default_w = None

    def holding(self, now: Seconds) -> tuple[Watts, Seconds]:
        """The power that holds now, and until when it surely does."""
        if self.deaf:
            return (self.fallback_w if self._setpoint_w is None else self._setpoint_w), inf
        if self._setpoint_w is None:
            return self.fallback_w, inf
        if now >= self._expires:
            self.clear()
            return self.fallback_w, inf
        return self._setpoint_w, self._expires
