"""People: who comes when, what they want, where they plug in, and when they leave. Chance comes from the seed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from voltide.domain.units import Fraction, Seconds, WattHours, Watts
from voltide.twin.conditions import WorldConfig
from voltide.twin.vehicle import Model, Vehicle
from voltide.twin.world import luck

DAY_S = 86_400
TOKEN_START = "DRV"  # noqa: S105 - a name, no secret
"""How every driver's token begins."""
FAST_CAR_W: Watts = 250_000.0
"""A car that takes more than this is worth a hypercharger."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of driver. Ranges are (least, most), drawn evenly."""

    hours: tuple[float, ...]
    """How likely an arrival is in each local hour."""
    soc: tuple[Fraction, Fraction]
    target: tuple[Fraction, Fraction]
    stay_s: tuple[Seconds, Seconds]
    """The stay, or the longest stay of those who leave when they have what they came for."""
    hasty: bool = False
    """Leaves as soon as the target is reached."""
    v2g: Fraction = 0.0
    """How many of those whose car can give back agree to it."""
    cars: str = "private"
    sells: bool = False
    """Comes to give back, and leaves when no more than what it needs is left."""


_RUSH = (2, 1, 1, 1, 2, 3, 6, 10, 10, 7, 6, 8, 9, 8, 6, 6, 7, 9, 10, 9, 7, 5, 4, 3)
_TAXI = (5, 5, 6, 7, 7, 5, 4, 4, 4, 5, 6, 7, 7, 6, 5, 6, 7, 6, 4, 4, 5, 6, 6, 5)
_WORK = (0, 0, 0, 0, 0, 0, 3, 12, 14, 6, 1, 1, 3, 5, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0)
_SHOP = (0, 0, 0, 0, 0, 0, 0, 0, 1, 4, 7, 8, 8, 6, 6, 6, 6, 7, 9, 9, 6, 2, 0, 0)
_NIGHT = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 4, 6, 4)
_PEAK = (0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 10, 8, 3, 10, 10, 10, 10, 10, 6, 0, 0, 0, 0, 0)

KINDS: Mapping[str, Kind] = {
    "hurried": Kind(hours=_RUSH, soc=(0.12, 0.38), target=(0.80, 0.80), stay_s=(1500, 2100), hasty=True),
    "taxi": Kind(hours=_TAXI, soc=(0.20, 0.45), target=(0.80, 0.90), stay_s=(2400, 3300), hasty=True, cars="taxi"),
    "van": Kind(hours=_SHOP, soc=(0.20, 0.45), target=(0.80, 0.90), stay_s=(2400, 3300), hasty=True, cars="van"),
    "commuter": Kind(hours=_WORK, soc=(0.30, 0.75), target=(0.75, 0.90), stay_s=(2 * 3600, 9 * 3600), v2g=0.7),
    "shopper": Kind(hours=_SHOP, soc=(0.30, 0.70), target=(0.70, 0.85), stay_s=(3600, 2 * 3600), v2g=0.3),
    "night": Kind(hours=_NIGHT, soc=(0.20, 0.60), target=(0.85, 0.95), stay_s=(8 * 3600, 10 * 3600), v2g=0.7),
    "giver": Kind(hours=_PEAK, soc=(0.88, 0.98), target=(0.25, 0.35), stay_s=(3300, 4500), v2g=1.0, sells=True),
}
"""Givers come with a full car to sell: they exist on days of a grid event only."""


class Visit:
    """One driver's visit. Times are seconds of the world; ``need_wh`` is the energy that must be in the battery."""

    __slots__ = (
        *("arrives_s", "at_s", "car", "departs_s", "floor_soc", "hasty", "kind", "need_wh", "number", "phase"),
        *(
            "refused",
            "sells",
            "stay_s",
            "started_wh",
            "stopped",
            "target_soc",
            "token",
            "told",
            "told_departs_s",
            "v2g",
            "waited_s",
        ),
    )

    def __init__(self, number: int, kind: str, car: Vehicle, arrives_s: Seconds) -> None:
        self.number, self.kind, self.car, self.arrives_s = number, kind, car, arrives_s
        self.hasty, self.sells = KINDS[kind].hasty, KINDS[kind].sells
        self.token = f"{TOKEN_START}{number:07d}"
        self.stay_s: Seconds = 0.0
        self.departs_s: Seconds = 0.0
        """When the driver means to leave; known once plugged in."""
        self.told_departs_s: Seconds = 0.0
        """When the driver says to leave."""
        self.target_soc: Fraction = 0.8
        self.floor_soc: Fraction = 0.0
        self.v2g = False
        self.need_wh: WattHours = 0.0
        self.started_wh: WattHours = car.energy_wh
        self.waited_s: Seconds = 0.0
        self.phase = "arriving"
        self.at_s: Seconds = arrives_s
        """When the driver does the next thing."""
        self.refused = False
        """The token was not accepted."""
        self.stopped = False
        """The transaction has ended, whoever ended it."""
        self.told = False
        """The needs have been told beside the charger."""


class Crowd:
    """Draws the visits of one day after another."""

    def __init__(self, config: WorldConfig, models: Sequence[Model], seed: int) -> None:
        self._config, self._seed = config, seed
        self._models = {kind: [m for m in models if m.kind == kind] for kind in ("private", "taxi", "van")}

    def day(self, number: int) -> list[Visit]:
        """All visits of a local day, by time of arrival in seconds since its midnight plus ``number`` days."""
        rng = luck(self._seed, "crowd", number)
        drawn = []
        for name, count in self._counts():
            kind = KINDS[name]
            for _ in range(count):
                hour = rng.choices(range(24), kind.hours)[0]
                drawn.append((hour * 3600.0 + float(rng.randrange(3600)) + number * DAY_S, name, rng.random()))
        drawn.sort()
        return [self._visit(number * 1_000_000 + at, *row) for at, row in enumerate(drawn)]

    def _counts(self) -> Iterator[tuple[str, int]]:
        """Whole numbers in proportion to the shares; what rounding leaves goes to the first kinds."""
        shares = {name: share for name, share in self._config.shares.items() if share > 0.0}
        total, whole = sum(shares.values()), self._config.vehicles_per_day
        counts = {name: int(whole * share / total) for name, share in shares.items()}
        left = whole - sum(counts.values())
        for at, (name, count) in enumerate(counts.items()):
            yield name, count + (1 if at < left else 0)

    def _visit(self, number: int, arrives_s: Seconds, name: str, dice: float) -> Visit:
        rng, kind = luck(self._seed, "visit", number, dice), KINDS[name]
        choice = self._models[kind.cars]
        weights = [model.share * (model.dc_w if name == "hurried" else 1.0) for model in choice]
        if name == "giver":
            weights = [model.share if model.v2g_w > 0 else 0.0 for model in choice]
        model = rng.choices(choice, weights)[0]
        visit = Visit(number, name, Vehicle(model, rng.uniform(*kind.soc)), arrives_s)
        visit.stay_s = float(round(rng.uniform(*kind.stay_s)))
        visit.target_soc = round(rng.uniform(*kind.target), 2)
        consent = kind.v2g if self._config.v2g_consent is None or not kind.v2g else self._config.v2g_consent
        visit.v2g = model.v2g_w > 0 and rng.random() < consent
        visit.floor_soc = round(min(visit.target_soc, rng.uniform(0.25, 0.45)), 2) if visit.v2g else 0.0
        return visit
