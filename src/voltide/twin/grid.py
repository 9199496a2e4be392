"""The grid at a charger's terminals, and what an energy manager beside it says: set by the world or by a test."""

from voltide.domain.units import Watts


class Grid:
    """What the charger measures by itself. One may be shared by a whole station."""

    __slots__ = ("frequency_hz", "site_w", "voltage_pu", "wanted_w")

    def __init__(self) -> None:
        self.frequency_hz = 50.0
        self.voltage_pu = 1.0
        """As a share of the nominal voltage."""
        self.site_w: Watts = 0.0
        """What flows at the site's own meter without this charger's outlets; positive is import."""
        self.wanted_w: dict[int, Watts] = {}
        """What an energy manager beside the charger wants of an outlet (by its number)."""
