"""A day's prices as OCPP 2.1 writes a tariff, for a charger to show and to reckon by. Source: OCPP 2.1, TariffType."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from decimal import Decimal
from hashlib import blake2b
from itertools import pairwise

import msgspec

from voltide.domain.token import Json

_MIDNIGHT = time(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a kWh costs from a local time on, all fees in."""

    start: time
    per_kwh: Decimal


def tariff21(prices: Sequence[Price], currency: str, words: str) -> Json:
    """The tariff of a whole day; the first price starts at midnight. Its id changes when, and only when, it does.

    >>> flat = tariff21([Price(start=time(0), per_kwh=Decimal("0.80"))], "CNY", "flat")
    >>> flat["energy"]
    {'prices': [{'priceKwh': 0.8}]}
    """
    if not prices or prices[0].start != _MIDNIGHT:
        raise ValueError("a day's prices start at midnight")
    body: Json = {
        "currency": currency,
        "description": [{"format": "UTF8", "content": words[:1024]}],
        "energy": {"prices": _prices(prices)},
    }
    digest = blake2b(msgspec.json.encode(body, order="sorted"), digest_size=8).hexdigest()
    return {"tariffId": f"voltide-{digest}"} | body


def _prices(prices: Sequence[Price]) -> list[Json]:
    """One element per price; a price that holds all day needs no condition."""
    if len({price.per_kwh for price in prices}) == 1:
        return [{"priceKwh": float(prices[0].per_kwh)}]
    ends = [later.start for _, later in pairwise(prices)] + [_MIDNIGHT]
    return [
        {
            "priceKwh": float(price.per_kwh),
            "conditions": {"startTimeOfDay": f"{price.start:%H:%M}", "endTimeOfDay": f"{end:%H:%M}"},
        }
        for price, end in zip(prices, ends, strict=True)
    ]
