"""Where the sun stands, and what a clear sky and a tilted canopy make of it. Pure formulas; angles in degrees.

References:
    [1] J. Michalsky, "The Astronomical Almanac's algorithm for approximate solar position (1950-2050)",
        Solar Energy 40 (1988) 227-235.
    [2] B. Haurwitz, "Insolation in relation to cloudiness and cloud density", J. Meteorology 2 (1945) 154-166.
    [3] D. Erbs, S. Klein, J. Duffie, "Estimation of the diffuse radiation fraction for hourly, daily and
        monthly-average global radiation", Solar Energy 28 (1982) 293-302, equation 1.
    [4] B. Liu, R. Jordan, "The interrelationship and characteristic distribution of direct, diffuse and total solar
        radiation", Solar Energy 4 (1960) 1-19: the isotropic sky.
"""

from datetime import UTC, datetime
from math import asin, atan2, cos, degrees, exp, radians, sin

from voltide.domain.units import Watts

J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)
SOLAR_CONSTANT = 1361.0
"""W/m2 outside the air, at the mean distance of the sun."""
ALBEDO = 0.2


def sun_position(when: datetime, latitude: float, longitude: float) -> tuple[float, float]:
    """Elevation of the sun's centre without refraction, and azimuth from north over east. Source: [1].

    ``when`` is aware, in any zone.
    """
    when = when.astimezone(UTC)
    days = (when - J2000).total_seconds() / 86_400.0
    mean_longitude = (280.460 + 0.9856474 * days) % 360.0
    anomaly = radians((357.528 + 0.9856003 * days) % 360.0)
    ecliptic = radians(mean_longitude + 1.915 * sin(anomaly) + 0.020 * sin(2.0 * anomaly))
    tilt = radians(23.439 - 0.0000004 * days)
    ascension = atan2(cos(tilt) * sin(ecliptic), cos(ecliptic))
    declination = asin(sin(tilt) * sin(ecliptic))
    hour = (when.hour + when.minute / 60.0 + when.second / 3600.0) * 15.0
    sidereal = 15.0 * 6.697375 + 15.0 * 0.0657098242 * days + hour + longitude
    angle = radians(sidereal % 360.0) - ascension
    north = radians(latitude)
    elevation = asin(sin(declination) * sin(north) + cos(declination) * cos(north) * cos(angle))
    east = -cos(declination) * sin(angle)
    up_north = sin(declination) * cos(north) - cos(declination) * sin(north) * cos(angle)
    return degrees(elevation), degrees(atan2(east, up_north)) % 360.0


def clear_sky(elevation: float) -> Watts:
    """Radiation on level ground under a cloudless sky, W/m2. Source: [2], as fitted there."""
    height = sin(radians(elevation))
    return 1098.0 * height * exp(-0.059 / height) if height > 0.0 else 0.0


def diffuse_share(global_w: Watts, elevation: float) -> float:
    """The part of the radiation that comes from the whole sky and not from the sun. Source: [3], equation 1."""
    height = sin(radians(elevation))
    if height <= 0.0 or global_w <= 0.0:
        return 1.0
    kt = min(1.0, global_w / (SOLAR_CONSTANT * max(height, 0.065)))
    if kt <= 0.22:
        return 1.0 - 0.09 * kt
    if kt <= 0.80:
        return 0.9511 - 0.1604 * kt + 4.388 * kt**2 - 16.638 * kt**3 + 12.336 * kt**4
    return 0.165


def on_canopy(global_w: Watts, sun: tuple[float, float], tilt_deg: float, azimuth_deg: float) -> Watts:
    """Radiation on a tilted plane, W/m2. Source: [4]."""
    elevation, azimuth = sun
    if elevation <= 0.0:
        return 0.0
    tilt, off = radians(tilt_deg), radians(azimuth - azimuth_deg)
    height = sin(radians(elevation))
    facing = height * cos(tilt) + cos(radians(elevation)) * sin(tilt) * cos(off)
    share = diffuse_share(global_w, elevation)
    beam = global_w * (1.0 - share) / max(height, 0.065) * max(0.0, facing)
    sky = global_w * share * (1.0 + cos(tilt)) / 2.0
    ground = global_w * ALBEDO * (1.0 - cos(tilt)) / 2.0
    return beam + sky + ground
