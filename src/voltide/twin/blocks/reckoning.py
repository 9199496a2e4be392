"""What a stay comes to by a tariff of OCPP 2.1 (I07 to I12): pure arithmetic in decimals, rounded when it is said.

Of several prices the first whose conditions all hold is the price. Energy that is given back has a price only where one
names it by a negative bound; such a price is for nothing else. Source: OCPP 2.1 Part 2, TariffType and CostDetailsType.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TypeAlias

from voltide.domain.messages import Json
from voltide.domain.time import stamp
from voltide.domain.units import Seconds, WattHours, Watts
from voltide.ocpp.wire import maybe_moment
from voltide.twin.bay import FLOWING_W

Prices: TypeAlias = tuple[Decimal | None, ...]
_FINE = Decimal("0.0001")
_VOLTS = 400.0
"""Between the poles, where a condition is told in amperes."""
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PRICE = {"energy": "priceKwh", "chargingTime": "priceMinute", "idleTime": "priceMinute", "fixedFee": "priceFixed"}
_PARTS = {"energy": "energy", "chargingTime": "chargingTime", "idleTime": "idleTime", "fixedFee": "fixed"}
"""The parts of a tariff, and what their cost is called."""
_FLOWS = frozenset({"Energy", "Power", "Current"})
"""What a condition tells with a sign: negative is given back."""
_PAYERS = frozenset({"paymentBrand", "paymentRecognition"})
"""Conditions on who pays: the twin's tokens name no card, so that none of them holds."""
_HOUR = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_DATE = re.compile(r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
_SHAPES = {"startTimeOfDay": _HOUR, "endTimeOfDay": _HOUR, "validFromDate": _DATE, "validToDate": _DATE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What happened from one look at a stay to the next. Its price is the one where it begins: it should be short."""

    start: datetime
    seconds: Seconds
    import_wh: WattHours = 0.0
    export_wh: WattHours = 0.0

    @property
    def power_w(self) -> Watts:
        """The mean power, negative where more was given back; 0 where no time has passed."""
        return self.mean(self.import_wh - self.export_wh)

    @property
    def charging(self) -> bool:
        """Whether energy was moved, either way."""
        return self.mean(self.import_wh + self.export_wh) >= FLOWING_W

    def mean(self, energy_wh: WattHours) -> Watts:
        """An energy over this time, as power."""
        return energy_wh * 3600.0 / self.seconds if self.seconds > 0.0 else 0.0


@dataclass(slots=True)
class Period:
    """A part of a stay with the same prices."""

    start: datetime
    tariff_id: str
    prices: Prices
    energy_wh: WattHours = 0.0
    charging_s: Seconds = 0.0
    idle_s: Seconds = 0.0

    def add(self, span: Span) -> None:
        """What happened is of this period."""
        self.energy_wh += span.import_wh - span.export_wh
        self.charging_s += span.seconds if span.charging else 0.0
        self.idle_s += 0.0 if span.charging else span.seconds

    def told(self) -> Json:
        """As it stands on the wire, in Wh and s; the specification does spell ``IdleTIme`` so."""
        volumes = (("Energy", self.energy_wh), ("ChargingTime", self.charging_s), ("IdleTIme", self.idle_s))
        rows = [{"type": kind, "volume": round(volume, 3)} for kind, volume in volumes if volume or kind == "Energy"]
        return {"startPeriod": stamp(self.start), "tariffId": self.tariff_id, "dimensions": rows}


@dataclass(slots=True)
class Reckoning:
    """One stay. A tariff may be changed under way; what was reckoned by the old one stays, its fee is paid."""

    tariff: Json
    zone: tzinfo
    began: datetime
    excl: dict[str, Decimal] = field(default_factory=dict)
    incl: dict[str, Decimal] = field(default_factory=dict)
    import_wh: WattHours = 0.0
    export_wh: WattHours = 0.0
    charging_s: Seconds = 0.0
    idle_s: Seconds = 0.0
    periods: list[Period] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._add("fixedFee", self._price("fixedFee", self.began, 0.0), 1.0)

    def change(self, tariff: Json) -> None:
        """Another tariff from here on, in the same currency."""
        self.tariff = tariff

    def count(self, span: Span) -> None:
        """Add what has happened."""
        part = "chargingTime" if span.charging else "idleTime"
        taken = self._price("energy", span.start, span.mean(span.import_wh))
        given = self._price("energy", span.start, -span.mean(span.export_wh), back=True) if span.export_wh else None
        time = self._price(part, span.start, span.power_w)
        self._period(span, (taken, given, time if span.charging else None, None if span.charging else time))
        self._add("energy", taken, span.import_wh / 1000.0)
        self._add("energy", given, -span.export_wh / 1000.0)
        self._add(part, time, span.seconds / 60.0)
        self.import_wh += span.import_wh
        self.export_wh += span.export_wh
        self.charging_s += span.seconds if span.charging else 0.0
        self.idle_s += 0.0 if span.charging else span.seconds

    def _period(self, span: Span, prices: Prices) -> None:
        """A new price begins a new period."""
        name = self.tariff["tariffId"]
        if not self.periods or (self.periods[-1].tariff_id, self.periods[-1].prices) != (name, prices):
            self.periods.append(Period(span.start, name, prices))
        self.periods[-1].add(span)

    def _price(self, part: str, at: datetime, power_w: Watts, *, back: bool = False) -> Decimal | None:
        """The price that holds; None: there is none for this part."""
        for row in self.tariff.get(part, {}).get("prices", ()):
            conditions = row.get("conditions", {})
            fits = part != "energy" or back is _speaks_of_giving(conditions)
            if fits and self._hold(conditions, at, power_w):
                return Decimal(repr(row[_PRICE[part]]))
        return None

    def _hold(self, conditions: Json, at: datetime, power_w: Watts) -> bool:
        """Whether all conditions of a price hold."""
        if not on_clock(conditions, at.astimezone(self.zone)):
            return False
        values = {
            "Power": power_w,
            "Current": power_w / _VOLTS,
            "Time": (at - self.began).total_seconds(),
            "ChargingTime": self.charging_s,
            "IdleTime": self.idle_s,
        }
        for key, bound in conditions.items():
            if key[3:] == "Energy":
                value = self.import_wh if bound >= 0 else -self.export_wh
            elif key[3:] in values:
                value = values[key[3:]]
            else:
                continue
            if not _within(key, value, float(bound)):
                return False
        return True

    def _add(self, part: str, price: Decimal | None, amount: float) -> None:
        """An amount without tax, and with the taxes of its part."""
        if price is None:
            return
        net = price * Decimal(repr(amount))
        self.excl[part] = self.excl.get(part, Decimal(0)) + net
        self.incl[part] = self.incl.get(part, Decimal(0)) + taxed(net, self.tariff[part].get("taxRates", ()))

    @property
    def total(self) -> tuple[Decimal, Decimal, str]:
        """Without and with tax, within the least and the most that the tariff names."""
        excl, incl = sum(self.excl.values(), Decimal(0)), sum(self.incl.values(), Decimal(0))
        for key, word, beyond in (("minCost", "MinCost", -1), ("maxCost", "MaxCost", 1)):
            bound = self.tariff.get(key)
            if bound is not None:
                net, gross = both(bound)
                over = incl - gross if "inclTax" in bound else excl - net
                if over * beyond > 0:
                    return net, gross, word
        return excl, incl, "NormalCost"

    def details(self, *, whole: bool) -> Json:
        """The body of ``costDetails``, in Wh and s; its periods only when the stay is over.

        ``chargingTime`` of the usage is all the time, idle or not, as the schema has it.
        """
        excl, incl, kind = self.total
        cost: Json = {"currency": self.tariff["currency"], "typeOfCost": kind, "total": _said(excl, incl)}
        cost |= {_PARTS[part]: _said(self.excl[part], self.incl[part]) for part in _PARTS if part in self.excl}
        usage = {
            "energy": round(self.import_wh - self.export_wh, 3),
            "chargingTime": round(self.charging_s + self.idle_s),
            "idleTime": round(self.idle_s),
        }
        told: Json = {"totalCost": cost, "totalUsage": usage}
        return told | ({"chargingPeriods": [one.told() for one in self.periods]} if whole and self.periods else {})


def taxed(net: Decimal, rates: Sequence[Json]) -> Decimal:
    """An amount with its taxes, each stack upon the one below.

    >>> taxed(Decimal(100), [{"tax": 10}, {"tax": 5}, {"tax": 20, "stack": 1}])
    Decimal('138')
    """
    gross = net
    for level in sorted({tax.get("stack", 0) for tax in rates}):
        percent = sum((Decimal(repr(tax["tax"])) for tax in rates if tax.get("stack", 0) == level), Decimal(0))
        gross += gross * percent / 100
    return gross


def both(price: Json) -> tuple[Decimal, Decimal]:
    """A price without and with tax, where one of them may be all that is told.

    >>> [float(one) for one in both({"inclTax": 12, "taxRates": [{"tax": 20}]})]
    [10.0, 12.0]
    """
    rates = price.get("taxRates", ())
    if "exclTax" not in price:
        gross = Decimal(repr(price["inclTax"]))
        return gross / taxed(Decimal(1), rates), gross
    net = Decimal(repr(price["exclTax"]))
    return net, Decimal(repr(price["inclTax"])) if "inclTax" in price else taxed(net, rates)


def _said(excl: Decimal, incl: Decimal) -> Json:
    return {
        "exclTax": float(excl.quantize(_FINE, ROUND_HALF_EVEN)),
        "inclTax": float(incl.quantize(_FINE, ROUND_HALF_EVEN)),
    }


def _speaks_of_giving(conditions: Json) -> bool:
    """Whether a price is for what is given back."""
    return any(key[3:] in _FLOWS and bound < 0 for key, bound in conditions.items())


def _within(key: str, value: float, bound: float) -> bool:
    """Whether a value is within one bound: ``min`` is the one nearest to zero, and a sign must be the value's own.

    >>> _within("minPower", -20.0, -10.0), _within("maxPower", -20.0, 50.0), _within("minPower", -20.0, 0.0)
    (True, False, True)
    """
    least = key.startswith("min")
    if value * bound < 0.0:
        return False
    return abs(value) >= abs(bound) if least else abs(value) < abs(bound)


def on_clock(conditions: Json, local: datetime) -> bool:
    """Whether the conditions of calendar, clock, place and payer hold; every outlet here is DC.

    >>> night = {"startTimeOfDay": "22:00", "endTimeOfDay": "06:00"}
    >>> [on_clock(night, datetime(2026, 1, 1, hour)) for hour in (5, 6, 21, 23)]
    [True, False, False, True]
    """
    if not conditions:
        return True
    day, hour = f"{local:%Y-%m-%d}", f"{local:%H:%M}"
    start, end = conditions.get("startTimeOfDay", "00:00"), conditions.get("endTimeOfDay", "00:00")
    inside = start == end or (start <= hour < end if start < end else hour >= start or hour < end)
    return (
        inside
        and _DAYS[local.weekday()] in conditions.get("dayOfWeek", _DAYS)
        and conditions.get("validFromDate", day) <= day
        and day < conditions.get("validToDate", "9999-12-31")
        and conditions.get("evseKind", "DC") == "DC"
        and not _PAYERS & conditions.keys()
    )


def is_sound(tariff: Json) -> bool:
    """Whether what the schema leaves open can be read: clocks, dates, and bounds of the cost that name a cost."""
    bounds = [tariff[key] for key in ("minCost", "maxCost") if key in tariff]
    shaped = all(
        _SHAPES[key].fullmatch(row[key]) for row in conditions_of(tariff) for key in _SHAPES.keys() & row.keys()
    )
    moment = "validFrom" not in tariff or maybe_moment(tariff["validFrom"]) is not None
    return shaped and moment and all("exclTax" in bound or "inclTax" in bound for bound in bounds)


def conditions_of(tariff: Json) -> Iterator[Json]:
    """All conditions of all prices."""
    parts = (part for part in tariff.values() if isinstance(part, dict))
    return (row["conditions"] for part in parts for row in part.get("prices", ()) if "conditions" in row)
