"""How many wrong tries a name may have in a minute: an identity, or an address. Right tries are not counted."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from voltide.domain.time import Clock

_MINUTE_S = 60.0


@dataclass(slots=True)
class Throttle:
    """Wrong tries per name and minute. The names are bounded: who has been silent longest is forgotten first."""

    clock: Clock
    most: int
    names: int = 10_000
    _wrong: OrderedDict[str, deque[float]] = field(default_factory=OrderedDict)

    def spent(self, name: str) -> bool:
        """Whether it has used up its tries of this minute."""
        return len(self._recent(name)) >= self.most

    def wrong(self, name: str) -> None:
        """One more."""
        tries = self._wrong.pop(name, None)
        if tries is None:
            tries = deque(maxlen=self.most)
            if len(self._wrong) >= self.names:
                self._wrong.popitem(last=False)
        tries.append(self.clock.monotonic())
        self._wrong[name] = tries

    def _recent(self, name: str) -> deque[float]:
        tries = self._wrong.get(name)
        if tries is None:
            return deque()
        since = self.clock.monotonic() - _MINUTE_S
        while tries and tries[0] < since:
            tries.popleft()
        if not tries:
            del self._wrong[name]
        return tries


def neighbourhood(address: str) -> str:
    """What one sender can have many of counts as one: an IPv6 network of 64 bits, or a single IPv4 address.

    >>> neighbourhood("192.0.2.7"), neighbourhood("::ffff:192.0.2.7"), neighbourhood("2001:db8::1:2:3:4")
    ('192.0.2.7', '192.0.2.7', '2001:db8::')
    """
    try:
        found: IPv4Address | IPv6Address | None = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is None:
            return str(ip_network((found, 64), strict=False).network_address)
        found = found.ipv4_mapped
    return str(found)
