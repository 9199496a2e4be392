"""Every setpoint is a lease that the device itself lets expire; here is what each outlet holds, by whose word.

A frozen record per outlet. The answer to each setpoint is read: accepted, refused or unknown are three different
things, and only the first makes a promise. What is unknown counts as both done and not done.
"""

import math
from dataclasses import dataclass, replace

from voltide.domain.units import Seconds, Watts

GRACE_S: Seconds = 5.0
"""How much longer than its lease a device may take to fall back, for its clock and its line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What one outlet was told and what it said to that."""

    fallback_w: Watts
    power_w: Watts | None = None
    """Accepted by the device."""
    until_s: float = 0.0
    """When the accepted lease ends, on our monotonic clock."""
    since_s: float = 0.0
    """When the accepted power last changed."""
    open: tuple[tuple[Watts, float], ...] = ()
    """Sent since, with the end of its lease, and neither accepted nor refused: it may hold any of these."""
    waiting: bool = False
    """An answer is still due."""

    def acked(self, now_s: float) -> Watts:
        """The power that the device holds by its own word."""
        return self.fallback_w if self.power_w is None or now_s > self.until_s + GRACE_S else self.power_w

    def command(self, now_s: float) -> Watts:
        """The last power that it was told and did not refuse."""
        return self.open[-1][0] if self.open else self.acked(now_s)

    def possible(self, now_s: float) -> tuple[Watts, Watts]:
        """The lowest and the highest setpoint that it may hold."""
        powers = [power for power, until in self.open if now_s <= until + GRACE_S]
        powers.append(self.acked(now_s))
        return min(powers), max(powers)

    def next_end(self, now_s: float) -> float:
        """When the first of its leases ends, grace included; infinite when none does."""
        ends = [self.until_s] if self.power_w is not None else []
        ends += [until for _, until in self.open]
        return min((end + GRACE_S for end in ends if end + GRACE_S >= now_s), default=math.inf)


def asked(held: Held, power_w: Watts, until_s: float) -> Held:
    """A setpoint leaves us. One of the same power whose fate is open stays open, even if this one is refused."""
    earlier: dict[Watts, float] = {}
    for power, until in held.open:
        earlier[power] = max(until, earlier.get(power, until))
    return replace(held, open=(*earlier.items(), (power_w, until_s)), waiting=True)


def accepted(held: Held, power_w: Watts, until_s: float, now_s: float) -> Held:
    """The device holds it now; what was told it before has been overwritten."""
    since = held.since_s if held.power_w == power_w else now_s
    return replace(held, power_w=power_w, until_s=until_s, since_s=since, open=(), waiting=False)


def refused(held: Held) -> Held:
    """The device goes on with what it held, or with one of those whose fate is open."""
    return replace(held, open=held.open[:-1], waiting=False)


def unknown(held: Held) -> Held:
    """No answer came: it may hold the one or the other until both leases have run out."""
    return replace(held, waiting=False)


def sharing(held: Held, band: tuple[Watts, Watts]) -> Held:
    """A mode leaves us in which the device acts by itself between floor and ceiling, as long as it is on the line."""
    return replace(held, open=(*held.open, *((edge, math.inf) for edge in band)), waiting=True)


def shared(held: Held, band: tuple[Watts, Watts], now_s: float) -> Held:
    """The device acts by itself now; what was told it before has been overwritten."""
    open_ = tuple((edge, math.inf) for edge in band)
    return replace(held, power_w=None, since_s=now_s, open=open_, waiting=False)


def unshared(held: Held) -> Held:
    """The device has refused the mode: it goes on with what it held."""
    return replace(held, open=held.open[:-2], waiting=False)


def unplugged(held: Held, now_s: float) -> Held:
    """The transaction is over and its setpoints with it; the next car begins at the fallback."""
    return Held(fallback_w=held.fallback_w, since_s=now_s)


def renewal_due(held: Held, now_s: float, lease_s: Seconds) -> bool:
    """Whether the lease should be renewed: half of it is gone."""
    return held.power_w is not None and not held.waiting and now_s > held.until_s - lease_s / 2


def online(held: Held, now_s: float) -> Held:
    """The line is back before a dynamic lease ran out: what the device holds, it goes on holding."""

    def lives(until: float) -> float:
        return math.inf if now_s <= until + GRACE_S else until

    entries = tuple((power, lives(until)) for power, until in held.open)
    return replace(held, until_s=lives(held.until_s), open=entries)


def assumed(held: Held, powers: tuple[Watts, ...], until_s: float) -> Held:
    """What a device may hold of which nobody remembers what it was told: any of these, until then."""
    return replace(held, open=tuple((power, until_s) for power in powers))


def offline(held: Held, until_s: float) -> Held:
    """The line is lost: no lease outlives ``until_s``, unless it has an end of its own."""
    entries = tuple((power, until_s if math.isinf(until) else until) for power, until in held.open)
    return replace(held, until_s=until_s if math.isinf(held.until_s) else held.until_s, open=entries)
