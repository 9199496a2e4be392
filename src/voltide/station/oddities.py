"""How chargers depart from the standard: counted by charger and kind, shown on their pages and told to Prometheus.

Kinds and makers are bounded, whatever chargers say of themselves.
"""

import re
from collections import Counter

from voltide.domain.dossier import Oddity
from voltide.domain.site import ChargerId

MOST_MAKERS = 40
OTHER = "other"
_KINDS = (
    (re.compile(r"^quirk (\w+)$"), "quirk-{0}"),
    (re.compile(r" is null$"), "null"),
    (re.compile(r"read by its meaning$"), "loose-type"),
    (re.compile(r"came as a CALL$"), "stream-as-call"),
    (re.compile(r"unknown field"), "unknown-field"),
    (re.compile(r"missing required field"), "missing-field"),
    (re.compile(r"of length <="), "too-long"),
    (re.compile(r"Invalid enum"), "unknown-word"),
    (re.compile(r", got `"), "loose-type"),
    (re.compile(r"Connection header"), "no-upgrade"),
)
_MAKER = re.compile(r"[^A-Za-z0-9 ._&+-]")


def kind_of(deviation: str) -> str:
    """The kind of one deviation, as a word of the page's catalogue.

    >>> kind_of("$.meterValue[0].timestamp is null"), kind_of("quirk soc"), kind_of("something new")
    ('null', 'quirk-soc', 'other')
    """
    for pattern, kind in _KINDS:
        found = pattern.search(deviation)
        if found is not None:
            return kind.format(*found.groups())
    return OTHER


class Oddities:
    """The counts since the start."""

    def __init__(self) -> None:
        self._counts: dict[ChargerId, Counter[str]] = {}
        self._examples: dict[tuple[ChargerId, str], str] = {}
        self._makers: dict[ChargerId, str] = {}
        self._known: set[str] = set()

    def note(self, charger: ChargerId, deviations: tuple[str, ...]) -> None:
        """A message departed from the standard in these ways."""
        counts = self._counts.setdefault(charger, Counter())
        for deviation in deviations:
            kind = kind_of(deviation)
            counts[kind] += 1
            self._examples.setdefault((charger, kind), deviation[:160])

    def handshake(self, charger: ChargerId) -> None:
        """It was let in though its handshake had no Connection header."""
        self.note(charger, ("no Connection header",))

    def made_by(self, charger: ChargerId, vendor: str) -> None:
        """Whose charger it is; so many makers are told apart."""
        maker = _MAKER.sub("", vendor).strip()[:32] or OTHER
        if maker not in self._known and len(self._known) >= MOST_MAKERS:
            maker = OTHER
        self._known.add(maker)
        self._makers[charger] = maker

    def of(self, charger: ChargerId) -> tuple[Oddity, ...]:
        """One charger's, the most frequent first."""
        counts = self._counts.get(charger, Counter())
        return tuple(
            Oddity(kind=kind, count=count, example=self._examples.get((charger, kind), ""))
            for kind, count in counts.most_common()
        )

    def by_maker(self) -> Counter[tuple[str, str]]:
        """All of them, by maker and kind."""
        total: Counter[tuple[str, str]] = Counter()
        for charger, counts in self._counts.items():
            for kind, count in counts.items():
                total[self._makers.get(charger, OTHER), kind] += count
        return total

    def forget(self, charger: ChargerId) -> None:
        """It is nobody's any more."""
        for book in (self._counts, self._makers):
            book.pop(charger, None)
